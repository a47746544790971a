"""A stream with its session in plain Python: what backfire_kernel's native stream does, the same for the caller."""

from __future__ import annotations

import array
import math
import time
from collections.abc import Iterable
from typing import Any

from .checks import Checks, Decision, Interlock, Observation, Summary, reason_text
from .kinds import Action, HaltKind


class Verdict:
    """What Stream.push answers. Immutable."""

    __slots__ = ("_decision", "_text")

    def __init__(self, decision: Decision, text: str) -> None:
        self._decision = decision
        self._text = text

    @property
    def action(self) -> Action:
        """What becomes of the token, an Action."""
        return Action(self._decision.action)

    @property
    def halted(self) -> bool:
        """True if action is Action.HALT."""
        return self._decision.action == Action.HALT

    @property
    def kind(self) -> HaltKind:
        """Which check fired, a HaltKind; NONE if none did."""
        return HaltKind(self._decision.kind)

    @property
    def reason(self) -> str:
        """The check with what it measured, "hard_limit (0.1000 < 0.5)"; "" if none."""
        return reason_text(self._decision.kind, self._decision.measured, self._decision.limit)

    @property
    def index(self) -> int:
        """Of the token; after a halt, of the halting one."""
        return self._decision.index

    @property
    def score(self) -> float:
        """As it counted: 0.0 where it was no finite number."""
        return self._decision.score

    @property
    def measured(self) -> float:
        """What the check that fired has measured."""
        return self._decision.measured

    @property
    def limit(self) -> float:
        """The limit of that check."""
        return self._decision.limit

    @property
    def released(self) -> int:
        """How many tokens of the stream, from the first on, may be shown."""
        return self._decision.released

    @property
    def text(self) -> str:
        """What may be shown now and could not before."""
        return self._text

    def __repr__(self) -> str:
        return f"<Verdict {self.action.name} of token {self.index}{': ' if self.reason else ''}{self.reason}>"


class NativeScorer:
    """Scorers in C need the native package: TypeError."""

    def __init__(self, *given: Any, **more: Any) -> None:
        raise TypeError("scorers in C need the package backfire_kernel, which is not installed")


def _number(value: Any) -> float:
    """A float, or what turns into one; TypeError for a str, too."""
    return math.ldexp(value, 0)


class Stream:
    """The part of a Stream that decides."""

    def __init__(self, config: Any, options: Any, interlock: Interlock | None = None) -> None:
        if interlock is not None and not isinstance(interlock, Interlock):
            raise TypeError("interlock must be an Interlock or None")
        self._checks = Checks(config, options, interlock)
        self._options_read = options
        self._tokens: list[str] = []
        self._scores = array.array("d")
        self._times = array.array("d")
        self._error = ""
        self._ended = self._busy = False
        self._ended_s: float | None = None
        self._begun_s = time.monotonic()

    @property
    def wants_score(self) -> bool:
        """True if the next token has to be scored: with score_every n, each n-th."""
        return self._checks.until_score == 0

    @property
    def halted(self) -> bool:
        """True once a token was halted."""
        return self._checks.last is not None

    @property
    def is_active(self) -> bool:
        """True while its interlock lets tokens pass."""
        return self._checks.interlock.is_active

    @property
    def token_count(self) -> int:
        """How many tokens were taken."""
        return len(self._tokens)

    @property
    def released(self) -> int:
        """How many of them, from the first on, may be shown."""
        return self._checks.released

    def push(
        self,
        token: str,
        score: Any = None,
        *,
        entropy: Any = None,
        latency_ms: float = 0.0,
        error: str | None = None,
    ) -> Verdict:
        """The verdict on the next token: as backfire_kernel's Stream.push()."""
        if error is not None and not isinstance(error, str):
            raise TypeError("error must be a str or None")
        self._begin_turn()
        try:
            return self._push(token, score, entropy, latency_ms, error)
        finally:
            self._busy = False

    def _push(self, token: str, score: Any, entropy: Any, latency_ms: float, error: str | None) -> Verdict:
        from .scoring import describe

        value, bits = 0.0, 0.0
        if score is not None and error is None:
            try:
                value = _number(score)
            except Exception as why:
                value, error = math.nan, describe(why)
        if entropy is not None:
            try:
                bits = _number(entropy)
            except Exception:
                bits = math.nan
        before = self._checks.released
        seen = Observation(score is not None, value, latency_ms, entropy is not None, bits, error)
        decision = self._take(token, seen)
        return Verdict(decision, "".join(self._tokens[before : decision.released]))

    def _begin_turn(self, also_ended: bool = False) -> None:
        if self._busy:
            raise RuntimeError("the stream is in use: a scorer must not push into its own stream")
        if self._ended and not also_ended:
            raise RuntimeError("the stream has ended: begin another")
        self._busy = True

    def _take(self, token: str, seen: Observation) -> Decision:
        if not isinstance(token, str):
            raise TypeError(f"token {len(self._tokens)} must be a str, is a {type(token).__name__}")
        if self._checks.last is not None:
            return self._checks.last
        scored_before = len(self._checks.scores)
        decision = self._checks.push(token, seen)
        has_score = len(self._checks.scores) > scored_before
        self._tokens.append(token)
        self._scores.append(decision.score if has_score else math.nan)
        self._times.append(time.monotonic() - self._begun_s)
        if has_score and not (seen.scored and seen.error is None and math.isfinite(seen.score)):
            self._note(seen)
        return decision

    def _note(self, seen: Observation) -> None:
        missing = "the score is not finite" if seen.scored else "there is no score"
        text = (seen.error if seen.error is not None else missing).encode("utf-8", "surrogatepass")
        self._error = text.partition(b"\0")[0][:159].decode("utf-8", "ignore")

    def _feed(self, tokens: Iterable[str], scorer: Any, accumulate: bool, entropy: Any) -> None:
        scores = None if callable(scorer) else memoryview(scorer)
        bits = None if entropy is None or callable(entropy) else memoryview(entropy)
        self._begin_turn()
        text = ""
        try:
            for token in tokens:
                if not isinstance(token, str) or not self.is_active:
                    self._take(token, Observation())
                else:
                    text = text + token if accumulate else token
                    seen = self._observe(text, scorer, scores)
                    if entropy is not None:
                        seen = seen._replace(has_entropy=True, entropy=self._entropy(token, entropy, bits))
                    self._take(token, seen)
                if self._checks.last is not None:
                    return
        finally:
            self._busy = False

    def _observe(self, text: str, scorer: Any, scores: memoryview | None) -> Observation:
        from .scoring import describe

        if not self.wants_score:
            return Observation()
        if scores is not None:
            index = len(self._tokens)
            return Observation(True, scores[index]) if index < len(scores) else Observation()
        asked = time.monotonic()
        try:
            seen = Observation(True, _number(scorer(text)))
        except Exception as why:
            seen = Observation(True, math.nan, error=describe(why))
        return seen._replace(latency_ms=(time.monotonic() - asked) * 1e3)

    def _entropy(self, token: str, entropy: Any, bits: memoryview | None) -> float:
        if bits is not None:
            return bits[len(self._tokens)] if len(self._tokens) < len(bits) else math.nan
        try:
            return _number(entropy(token))
        except Exception:
            return math.nan

    def _end(self) -> tuple[Any, ...]:
        self._begin_turn(also_ended=True)
        self._busy = False
        self._ended = True
        if self._ended_s is None:
            self._ended_s = time.monotonic()
        return self._as_record(self._checks.finish())

    def _record(self) -> tuple[Any, ...]:
        return self._as_record(self._checks.summary())

    def _as_record(self, summary: Summary) -> tuple[Any, ...]:
        end = time.monotonic() if self._ended_s is None else self._ended_s
        size = self._options_read.evidence_size
        newest = list(zip(self._checks.indices[-size:], self._checks.scores[-size:], strict=True))
        return (
            summary.kind,
            summary.halt_index,
            reason_text(summary.kind, summary.measured, summary.limit),
            summary.released,
            summary.warnings,
            summary.average,
            summary.minimum,
            self._error,
            end - self._begun_s,
            list(self._tokens),
            self._scores.tobytes(),
            self._times.tobytes(),
            newest,
        )
