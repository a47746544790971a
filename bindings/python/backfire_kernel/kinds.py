"""What a kernel decides, and why: the numbers are those of backfire.h."""

from __future__ import annotations

import enum


class Action(enum.IntEnum):
    """What becomes of a token."""

    RELEASE = 0  # it may be shown
    WARN = 1  # it may be shown; its score is under the soft limit
    FINISH = 2  # it finishes the sentence of a stream that has halted softly
    HALT = 3  # it is not shown, nor any after it


class HaltKind(enum.IntEnum):
    """Which check has halted a stream, in the order in which they are asked; KERNEL_INACTIVE comes before all."""

    NONE = 0
    HARD_LIMIT = 1
    WINDOW_AVERAGE = 2
    DOWNWARD_TREND = 3
    ENTROPY = 4
    DEADLINE = 5
    EWMA = 6
    CUSUM = 7
    KERNEL_INACTIVE = 8
    INVALID_SCORE = 9
