"""An agent whose answers pass oversight: candidates are reviewed, and the best is released token by token."""

from __future__ import annotations

import array
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .backend import RUST_AVAILABLE, kernels

if TYPE_CHECKING:
    from .pure import BackfireConfig, CoherenceScore, InMemoryKnowledge, StreamSession

Generator = Callable[[str], str | Iterable[str]]

_TOKEN = re.compile(r"\s*\S+\s*")


@dataclasses.dataclass(frozen=True)
class ReviewResult:
    """What CoherenceAgent.process() has found."""

    output: str  # what may be shown: an answer, the fallback, or the text of an interrupt
    coherence: CoherenceScore | None  # of the best candidate; None without any
    halted: bool  # no candidate was approved, or the best was halted as it was released
    candidates_evaluated: int
    fallback_used: bool  # output is the fallback
    session: StreamSession | None = None  # of the candidate that was released, or halted


class CoherenceAgent:
    """Answers prompts with the most coherent of several candidates, or not at all.

    CoherenceAgent(generator=None, *, config=None, use_nli=None, nli_callback=None, knowledge=None, token_scorer=None,
                   fallback=None, max_candidates=16)

    generator       (prompt) -> one answer, a str, or several, an iterable of str. process() needs one
    config          a BackfireConfig
    use_nli         True: nli_callback is needed; False: it is not used; None: it is used if there is one. ValueError
                    for True without a callback: the check that was asked for is never left out silently
    nli_callback, knowledge
                    as nli_callback and knowledge_callback of CoherenceScorer
    token_scorer    (text so far) -> score, asked for every token that is released. None: the candidate's own score
    fallback        what is answered where no candidate may be: a str, which is released as it is, or a callable
                    (prompt) -> str, whose answer is reviewed as any other. None: the text of an interrupt
    max_candidates  no more of them are taken

    With backfire_kernel installed the native kernel runs, else the same in plain Python; _rust_available tells. A hard
    halt, and emergency_stop() of kernel, hold until reactivate(). Any thread may use an agent.
    """

    _rust_available: bool = RUST_AVAILABLE

    def __init__(
        self,
        generator: Generator | None = None,
        *,
        config: BackfireConfig | None = None,
        use_nli: bool | None = None,
        nli_callback: Callable[[str, str], Any] | None = None,
        knowledge: Callable[[str], str | None] | InMemoryKnowledge | None = None,
        token_scorer: Callable[[str], Any] | None = None,
        fallback: str | Callable[[str], str] | None = None,
        max_candidates: int = 16,
    ) -> None:
        if use_nli and nli_callback is None:
            raise ValueError("use_nli=True needs an nli_callback: (prompt, action) -> 0 entails ... 1 contradicts")
        if max_candidates < 1:
            raise ValueError(f"max_candidates must be 1 or more, is {max_candidates}")
        self._generator = generator
        self._token_scorer = token_scorer
        self._fallback = fallback
        self._max_candidates = max_candidates
        nli = None if use_nli is False else nli_callback
        self.config = config if config is not None else kernels.BackfireConfig()
        self.scorer = kernels.CoherenceScorer(self.config, nli, knowledge)
        self.kernel = kernels.StreamingKernel(self.config)

    @property
    def use_nli(self) -> bool:
        """True if reviews ask the nli_callback."""
        return bool(self.scorer.use_nli)

    def reactivate(self) -> None:
        """Releases answers again, after a hard halt."""
        self.kernel.reactivate()

    def process(self, prompt: str) -> ReviewResult:
        """Reviews every candidate, releases the best that is approved, and falls back where there is none, or where it
        is halted. What the generator raises passes through; RuntimeError without a generator.
        """
        best: CoherenceScore | None = None
        chosen: str | None = None
        count = 0
        for candidate in self._candidates(prompt):
            count += 1
            approved, score = self.scorer.review(prompt, candidate)
            # The first of equals; any that is approved before any that is not.
            if best is None or (approved, score.score) > (best.approved, best.score):
                best, chosen = score, candidate if approved else None
        if best is None or chosen is None:
            return self._fall_back(prompt, best, count, None)
        session = self._release(chosen, best)
        if session.halted:
            return self._fall_back(prompt, best, count, session)
        return ReviewResult(session.output, best, False, count, False, session)

    def _candidates(self, prompt: str) -> Iterable[str]:
        if self._generator is None:
            raise RuntimeError("there is nobody to answer: give CoherenceAgent a generator, (prompt) -> candidates")
        answers = self._generator(prompt)
        return [answers] if isinstance(answers, str) else itertools.islice(answers, self._max_candidates)

    def _release(self, text: str, score: CoherenceScore) -> StreamSession:
        tokens = _TOKEN.findall(text) or [text]
        if self._token_scorer is None:
            scores = array.array("d", [score.score]) * len(tokens)
            session: StreamSession = self.kernel.stream_tokens(tokens, scores)
        else:
            session = self.kernel.stream_tokens(tokens, self._token_scorer, accumulate=True)
        return session

    def _fall_back(
        self, prompt: str, best: CoherenceScore | None, count: int, session: StreamSession | None
    ) -> ReviewResult:
        if isinstance(self._fallback, str):
            return ReviewResult(self._fallback, best, True, count, True, session)
        if self._fallback is not None:
            answer = self._fallback(prompt)
            count += 1
            approved, score = self.scorer.review(prompt, answer)
            if approved:
                return ReviewResult(answer, score, True, count, True, session)
        return ReviewResult(kernels.INTERRUPT, best, True, count, False, session)
