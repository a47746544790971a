"""Which messages of other nodes have come already: where there are several ways, one may come twice while they
change.
"""

from __future__ import annotations

import array
import bisect

WINDOW = 4096
MOST_SOURCES = 65536
MOST_SEQUENCES = 1 << 22  # of all sources: 32 MiB

Source = tuple[int, int, int]  # origin, publisher and type


class _History:
    """Of one source."""

    __slots__ = ("floor", "recent")

    def __init__(self) -> None:
        self.floor = 0  # this one and all below count as seen
        self.recent = array.array("Q")  # above it; sorted


class SeenMessages:
    """Of each source the last WINDOW sequences, or more, are remembered one by one: a message that a gateway has brought,
    or that took another way, comes late. What is older than those counts as seen."""

    def __init__(self, most_sources: int = MOST_SOURCES, most_sequences: int = MOST_SEQUENCES) -> None:
        self._most_sources = most_sources
        self._most_sequences = most_sequences
        self._sources: dict[Source, _History] = {}
        self._sequences = 0  # in all of `recent`

    @property
    def sources(self) -> int:
        return len(self._sources)

    @property
    def sequences(self) -> int:
        return self._sequences

    def add(self, source: Source, sequence: int) -> bool:
        """False if the message has come before."""
        known = self._sources.get(source)
        if self._sequences >= self._most_sequences or (known is None and len(self._sources) >= self._most_sources):
            self._sources.clear()
            self._sequences = 0
            known = None
        if known is None:
            known = self._sources[source] = _History()
        if sequence <= known.floor:
            return False
        recent = known.recent
        if not recent or sequence > recent[-1]:
            recent.append(sequence)
        else:
            place = bisect.bisect_left(recent, sequence)
            if recent[place] == sequence:
                return False
            recent.insert(place, sequence)
        self._sequences += 1
        if len(recent) >= 2 * WINDOW:  # half of them at once, so that it is seldom
            known.floor = recent[WINDOW - 1]
            del recent[:WINDOW]
            self._sequences -= WINDOW
        return True
