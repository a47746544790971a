"""What remains of a stream."""

from __future__ import annotations

import array
import math
import os
from typing import Any, NamedTuple

from .config import BackfireConfig, StreamOptions
from .kinds import HaltKind


class TokenEvent(NamedTuple):
    """One token of a stream."""

    token: str
    index: int  # type: ignore[assignment]  # from 0; a tuple's method of this name gives way
    coherence: float | None  # its score as it counted; None where it was not scored
    timestamp_s: float  # when its verdict was known, seconds since the stream began
    halted: bool  # this token halted the stream
    warning: bool  # its score is under the soft limit


class Evidence(NamedTuple):
    """One of the newest scores of a stream."""

    index: int  # type: ignore[assignment]
    token: str
    coherence: float


class Average(float):
    """A float that may also be called: session.avg_coherence and session.avg_coherence() are the same number."""

    def __call__(self) -> float:
        return float(self)


class Record(NamedTuple):
    """What a kernel hands over; scores and times have a double for each token, NaN where it has no score."""

    kind: int
    halt_index: int
    reason: str
    released: int
    warnings: int
    average: float
    minimum: float
    error: str
    duration_s: float
    tokens: list[str]
    scores: bytes
    times: bytes
    newest: list[tuple[int, float]]


class StreamSession:
    """A token stream and what became of it. Made by kernels and by Stream.finish(); a value, not a live view.

    Lists are made when they are first asked for, and the same list is returned again.
    """

    __slots__ = ("_config", "_options", "_record", "_history", "_events")

    def __init__(self, config: BackfireConfig, options: StreamOptions, record: Record) -> None:
        self._config = config
        self._options = options
        self._record = record
        self._history: list[float] | None = None
        self._events: list[TokenEvent] | None = None

    @property
    def config(self) -> BackfireConfig:
        """What it was checked against."""
        return self._config

    @property
    def options(self) -> StreamOptions:
        """How it was checked."""
        return self._options

    @property
    def halted(self) -> bool:
        """True if a check fired, also where the sentence was finished after it."""
        return self._record.halt_index >= 0

    @property
    def halt_index(self) -> int:
        """The index of the token at which the check fired, -1 if none did."""
        return self._record.halt_index

    @property
    def halt_reason(self) -> str:
        """Which check fired, what it measured and the limit: "hard_limit (0.1000 < 0.5)". "" if none did."""
        return self._record.reason

    @property
    def halt_kind(self) -> HaltKind:
        """Which check fired; HaltKind.NONE if none did."""
        return HaltKind(self._record.kind)

    @property
    def tokens(self) -> list[str]:
        """Every token that was taken, the halting one included."""
        return self._record.tokens

    @property
    def token_count(self) -> int:
        """How many tokens were taken."""
        return len(self._record.tokens)

    @property
    def coherence_history(self) -> list[float]:
        """Every score as it counted, the halting one included; 0.0 for one that was no finite number."""
        if self._history is None:
            self._history = [score for score in self._doubles(self._record.scores) if not math.isnan(score)]
        return self._history

    @property
    def events(self) -> list[TokenEvent]:
        """A TokenEvent for each token."""
        if self._events is None:
            self._events = self._make_events()
        return self._events

    @property
    def avg_coherence(self) -> Average:
        """The mean of the scores, added from the first to the last; 0 without any. May be called, too."""
        return Average(self._record.average)

    @property
    def min_coherence(self) -> float:
        """The least score; 0 without any."""
        return self._record.minimum

    @property
    def output(self) -> str:
        """The tokens that were released, joined."""
        return "".join(self._record.tokens[: self._record.released])

    @property
    def released(self) -> int:
        """How many tokens, from the first on, were released."""
        return self._record.released

    @property
    def duration_ms(self) -> float:
        """Milliseconds from the begin of the stream to its end."""
        return self._record.duration_s * 1e3

    @property
    def warning_count(self) -> int:
        """How many scores were under the soft limit."""
        return self._record.warnings

    @property
    def evidence(self) -> list[Evidence]:
        """The newest scores with their tokens, oldest first: at most StreamOptions.evidence_size of them."""
        return [Evidence(index, self._record.tokens[index], score) for index, score in self._record.newest]

    @property
    def error(self) -> str:
        """Why there was no score, if a scorer failed: "ValueError: ...", of at most 159 bytes. "" if none failed."""
        return self._record.error

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values, as json.dumps takes them."""
        return {
            "halted": self.halted,
            "halt_index": self.halt_index,
            "halt_reason": self.halt_reason,
            "halt_kind": self.halt_kind.name.lower(),
            "token_count": self.token_count,
            "released": self.released,
            "output": self.output,
            "avg_coherence": float(self.avg_coherence),
            "min_coherence": self.min_coherence,
            "warning_count": self.warning_count,
            "duration_ms": self.duration_ms,
            "error": self.error,
            "evidence": [each._asdict() for each in self.evidence],
            "events": [each._asdict() for each in self.events],
            "config": self._config.to_dict(),
        }

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws the scores, the limits, the mean of the window and the halt: see plot_session()."""
        from .plot import plot_session

        plot_session(self, path)

    def __repr__(self) -> str:
        how = f"halted at {self.halt_index}: {self.halt_reason}" if self.halted else "not halted"
        return f"<StreamSession of {self.token_count} tokens, average {self.avg_coherence:.4f}, {how}>"

    @staticmethod
    def _doubles(data: bytes) -> array.array[float]:
        out = array.array("d")
        out.frombytes(data)
        return out

    def _make_events(self) -> list[TokenEvent]:
        record, soft_limit = self._record, self._config.soft_limit
        out = []
        for index, (token, score, time) in enumerate(
            zip(record.tokens, self._doubles(record.scores), self._doubles(record.times), strict=True)
        ):
            coherence = None if math.isnan(score) else score
            halts = index == record.halt_index
            out.append(TokenEvent(token, index, coherence, time, halts, score < soft_limit))
        return out
