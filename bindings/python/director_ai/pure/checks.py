"""The checks of a stream in plain Python: one stream, everything kept, written from docs/oversight.md.

Its decisions are those of the library, every double of every verdict; tests hold both against each other. All numbers
are IEEE 754 doubles; Python rounds after every operation and fuses none, as the page asks.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, NamedTuple

RELEASE, WARN, FINISH, HALT = range(4)
HARD_LIMIT, WINDOW_AVERAGE, DOWNWARD_TREND, ENTROPY, DEADLINE, EWMA, CUSUM = range(1, 8)
KERNEL_INACTIVE, INVALID_SCORE = 8, 9
_NAMES = (
    *("", "hard_limit", "window_avg", "downward_trend", "entropy", "deadline", "ewma", "cusum"),
    *("kernel_inactive", "invalid_score"),
)
_MAY_FINISH = (WINDOW_AVERAGE, DOWNWARD_TREND, ENTROPY, EWMA, CUSUM)


class Observation(NamedTuple):
    """What is known of a token."""

    scored: bool = False
    score: float = 0.0
    latency_ms: float = 0.0
    has_entropy: bool = False
    entropy: float = 0.0
    error: Any = None  # why there is no score


class Decision(NamedTuple):
    """On a token; tokens 0 to released - 1 may be shown."""

    index: int  # type: ignore[assignment]  # a tuple's method of this name gives way
    action: int
    kind: int
    score: float
    measured: float
    limit: float
    released: int


class Summary(NamedTuple):
    """Of a stream."""

    halted: bool
    kind: int
    halt_index: int
    measured: float
    limit: float
    tokens: int
    scored: int
    released: int
    warnings: int
    average: float
    minimum: float


class Interlock:
    """Lets tokens pass while it is active, as it is at first. Any number of streams and threads may use it."""

    __slots__ = ("_active",)

    def __init__(self) -> None:
        self._active = True

    @property
    def is_active(self) -> bool:
        """True until stop() or a hard halt."""
        return self._active

    def stop(self) -> None:
        """Every stream of it halts at its next token. From any thread."""
        self._active = False

    def reactivate(self) -> None:
        """Streams that begin or go on after it may pass; one that has halted stays so. From any thread."""
        self._active = True


def shortest(value: float) -> str:
    """The shortest decimal that reads back as value, without an exponent."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 2.0**53:
        return str(int(value))
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def reason_text(kind: int, measured: float, limit: float) -> str:
    """ "hard_limit (0.1000 < 0.5)" """
    if kind in (0, KERNEL_INACTIVE, INVALID_SCORE):
        return _NAMES[kind]
    sign = "<" if kind in (HARD_LIMIT, WINDOW_AVERAGE, EWMA) else ">"
    unit = " ms" if kind == DEADLINE else ""
    return f"{_NAMES[kind]} ({measured:.4f}{unit} {sign} {shortest(limit)}{unit})"


def ends_sentence(token: str) -> bool | None:
    """None where nothing is left of the token."""
    rest = token.rstrip(" \t\r\"')]}")
    return rest[-1] in ".!?\n\u2026\u3002\uff01\uff1f" if rest else None


def _units(score: float) -> int:
    return int(min(max(score, 0.0), 1.0) * 2.0**53)


class Checks:
    """One stream. config and options have the fields of BackfireConfig and StreamOptions as attributes."""

    def __init__(self, config: Any, options: Any, interlock: Interlock | None = None) -> None:
        self.config, self.options = config, options
        self.interlock = interlock if interlock is not None else Interlock()
        self.scores: list[float] = []
        self.indices: list[int] = []  # of the tokens that the scores are of
        self.tokens = self.released = self.warnings = 0
        self.total, self.minimum = 0.0, 0.0
        self.window_sum, self.smoothed, self.drift = 0, 0.0, 0.0
        self.until_score = 0
        self.mid_sentence = False
        self.soft_left: int | None = None  # halted softly: so many tokens may follow
        self.fired: tuple[int, float, float] | None = None
        self.halt_index = -1
        self.last: Decision | None = None  # once it has halted

    def push(self, token: str, seen: Any) -> Decision:
        """Decides on the next token; after a halt, repeats the decision. seen: as an Observation."""
        if self.last:
            return self.last
        if not self.interlock.is_active:
            return self._halt((KERNEL_INACTIVE, 0.0, 0.0), 0.0)
        wanted = self.until_score == 0
        self.until_score = self.options.score_every - 1 if wanted else self.until_score - 1
        counts = wanted or bool(seen.scored) or seen.error is not None
        valid = bool(seen.scored) and seen.error is None and math.isfinite(seen.score)
        score = seen.score if valid else 0.0
        if counts:
            self._remember(score)
        fired = self._check(seen, score, counts)
        if counts and not valid and not (fired and fired[0] == HARD_LIMIT):
            fired = INVALID_SCORE, 0.0, self.config.hard_limit
        return self._decide(token, score, fired, counts and score < self.config.soft_limit)

    def _decide(self, token: str, score: float, fired: tuple[int, float, float] | None, warns: bool) -> Decision:
        if fired and not (self.options.soft_halt and fired[0] in _MAY_FINISH):
            return self._halt(fired, score)
        if self.soft_left is None:
            if not fired:
                return self._let_pass(token, score, WARN if warns else RELEASE)
            if not self.mid_sentence:
                return self._halt(fired, score)
            self.soft_left, self.fired, self.halt_index = self.options.soft_tokens, fired, self.tokens
        elif self.fired and (not self.mid_sentence or self.soft_left == 0):
            return self._halt(self.fired, score)
        self.soft_left -= 1
        return self._let_pass(token, score, FINISH)

    def _remember(self, score: float) -> None:
        window = self.config.window_size
        self.scores.append(score)
        self.indices.append(self.tokens)
        self.window_sum += _units(score)
        if len(self.scores) > window:
            self.window_sum -= _units(self.scores[-window - 1])
        first = len(self.scores) == 1
        self.minimum = score if first else min(self.minimum, score)
        self.total += score
        self.warnings += score < self.config.soft_limit
        options = self.options
        self.smoothed = score if first else self.smoothed + options.ewma_weight * (score - self.smoothed)
        self.drift = max(0.0, self.drift + ((options.cusum_target - options.cusum_slack) - score))

    def _check(self, seen: Any, score: float, counts: bool) -> tuple[int, float, float] | None:
        config, options, scores = self.config, self.options, self.scores
        if counts and score < config.hard_limit:
            return HARD_LIMIT, score, config.hard_limit
        if counts and len(scores) >= config.window_size:
            if self.window_sum < config.window_size * _units(config.window_threshold):
                mean = float(self.window_sum) / (float(config.window_size) * 2.0**53)
                return WINDOW_AVERAGE, mean, config.window_threshold
        if counts and len(scores) >= config.trend_window:
            fall = scores[-config.trend_window] - score
            if fall > config.trend_threshold:
                return DOWNWARD_TREND, fall, config.trend_threshold
        if seen.has_entropy and not seen.entropy <= config.logit_entropy_limit:
            return ENTROPY, seen.entropy, config.logit_entropy_limit
        if counts and not seen.latency_ms <= config.deadline_ms:
            return DEADLINE, seen.latency_ms, config.deadline_ms
        if counts and options.ewma and self.smoothed < options.ewma_limit:
            return EWMA, self.smoothed, options.ewma_limit
        if counts and options.cusum and self.drift > options.cusum_limit:
            return CUSUM, self.drift, options.cusum_limit
        return None

    def _halt(self, fired: tuple[int, float, float], score: float) -> Decision:
        # A soft halt that a harder reason overtakes is that reason's from here on.
        if self.fired is None or fired[0] != self.fired[0]:
            self.halt_index = self.tokens
        self.fired, self.soft_left = fired, None
        self.last = Decision(self.tokens, HALT, fired[0], score, fired[1], fired[2], self.released)
        self.tokens += 1
        if fired[0] in (HARD_LIMIT, INVALID_SCORE):
            self.interlock.stop()
        return self.last

    def _let_pass(self, token: str, score: float, action: int) -> Decision:
        if self.options.soft_halt or self.options.whole_sentences:
            ends = ends_sentence(token)
            self.mid_sentence = self.mid_sentence if ends is None else not ends
        self.tokens += 1
        if not (self.options.whole_sentences and self.mid_sentence):
            self.released = self.tokens
        kind, measured, limit = self.fired if action == FINISH and self.fired else (0, 0.0, 0.0)
        return Decision(self.tokens - 1, action, kind, score, measured, limit, self.released)

    def finish(self) -> Summary:
        """Ends the stream: what waited for the end of its sentence is released, unless the stream has halted."""
        if self.last is None and self.soft_left is None:
            self.released = self.tokens
        return self.summary()

    def summary(self) -> Summary:
        """How it stands."""
        kind, measured, limit = self.fired or (0, 0.0, 0.0)
        scored = len(self.scores)
        return Summary(
            self.halt_index >= 0,
            kind,
            self.halt_index,
            measured,
            limit,
            self.tokens,
            scored,
            self.released,
            self.warnings,
            self.total / scored if scored else 0.0,
            self.minimum,
        )
