"""How coherent an answer is with its prompt, and with what is known."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _backend
from .config import BackfireConfig
from .knowledge import InMemoryKnowledge

NliCallback = Callable[[str, str], Any]
KnowledgeCallback = Callable[[str], str | None]


class CoherenceScore(NamedTuple):
    """What a review has found. All figures are in [0, 1]."""

    score: float  # coherence: 1 - (w_logic h_logical + w_fact h_factual)
    approved: bool  # score >= coherence_threshold
    h_logical: float  # how far the action contradicts its prompt: 0 follows, 0.5 neutral, 1 contradicts
    h_factual: float  # how far it departs from what is known: 0 agrees, 0.5 unknown, 1 contradicts
    warning: bool  # approved, and score < soft_limit
    evidence_json: str = "{}"  # evidence, as it comes

    @property
    def evidence(self) -> dict[str, Any]:
        """Why: for "logic" and "fact" the rule, and what it saw: shared words, sentences that contradict each other,
        the facts, the error of a callback. docs/oversight.md lists the keys. {} of a scorer with evidence=False.
        """
        found: dict[str, Any] = json.loads(self.evidence_json)
        return found

    def to_dict(self) -> dict[str, Any]:
        """All of it, as json.dumps takes it."""
        return {
            "score": self.score,
            "approved": self.approved,
            "h_logical": self.h_logical,
            "h_factual": self.h_factual,
            "warning": self.warning,
            "evidence": self.evidence,
        }


class RustCoherenceScorer:
    """Reviews answers: coherence = clamp(1 - (w_logic H_logic + w_fact H_fact), 0, 1).

    RustCoherenceScorer(config=None, nli_callback=None, knowledge_callback=None, *, evidence=True)

    config              a BackfireConfig: coherence_threshold, soft_limit, w_logic, w_fact, history_window
    nli_callback        (prompt, action) -> H_logic in [0, 1]; what lies beyond is cut. None: a heuristic on words. One
                        that raises an Exception, or returns no finite number, counts as 0.5, and evidence tells why.
    knowledge_callback  (prompt) -> what is known of it, a str, or None; or an InMemoryKnowledge. One that fails counts
                        as no knowledge, 0.5, and evidence tells why.
    evidence            False: reviews keep none, which saves microseconds each

    KeyboardInterrupt, SystemExit and their like pass through. Any thread may use a scorer; one review runs at a time.
    ValueError for texts of more than 1 MiB.
    """

    def __init__(
        self,
        config: BackfireConfig | None = None,
        nli_callback: NliCallback | None = None,
        knowledge_callback: KnowledgeCallback | InMemoryKnowledge | None = None,
        *,
        evidence: bool = True,
    ) -> None:
        for name, callback in (("nli_callback", nli_callback), ("knowledge_callback", knowledge_callback)):
            if callback is not None and not callable(callback):
                raise TypeError(f"{name} must be callable or None, is {type(callback).__name__}")
        self._config = config if config is not None else BackfireConfig()
        self._keeps_evidence = evidence
        self._use_nli = nli_callback is not None
        self._lock = threading.RLock()
        if isinstance(knowledge_callback, InMemoryKnowledge):
            self._scorer = _backend.Scorer(self._config, nli_callback, None, knowledge_callback._store)
        else:
            self._scorer = _backend.Scorer(self._config, nli_callback, knowledge_callback, None)

    def review(self, prompt: str, action: str) -> tuple[bool, CoherenceScore]:
        """Whether the action is approved, and its score. An approved score enters the history."""
        with self._lock:
            score, logical, factual, approved, warning = self._scorer.review(prompt, action)
            why = self._scorer.evidence() if self._keeps_evidence else "{}"
        return approved, CoherenceScore(score, approved, logical, factual, warning, why)

    def compute_divergence(self, prompt: str, action: str) -> float:
        """w_logic H_logic + w_fact H_fact, in [0, 1]. Enters no history."""
        with self._lock:
            return self._scorer.divergence(prompt, action)

    def calculate_logical_divergence(self, prompt: str, action: str) -> float:
        """H_logic: that of the NLI; else 0.1, 0.9, 0.5 for the phrases "consistent with reality", "opposite is true",
        "depends on your perspective"; else clamp(0.5 - 0.3 |P and H| / |P|, 0.1, 0.9) with the words of the prompt and
        of the action, 0.5 if P is empty, at least 0.8 where a sentence denies one of the prompt or has another number.
        """
        with self._lock:
            return self._scorer.logical(prompt, action)

    def calculate_factual_divergence(self, prompt: str, action: str) -> float:
        """H_fact: 0.5 if nothing is known, else 1 - max(|C and T| / |C|, |C and T| / |T|) with the words of what is
        known and of the action, 0.5 where one has none, at least 0.8 where a sentence denies a fact or has another
        number.
        """
        with self._lock:
            return self._scorer.factual(prompt, action)

    def bind(self, prompt: str) -> Any:
        """A scorer of texts for this prompt: (text) -> coherence. For streams, mostly with accumulate=True.

        It has the weights and callbacks of this scorer, and no history. One stream at a time uses it; without callbacks
        it runs without the GIL.
        """
        with self._lock:
            return self._scorer.bind(prompt)

    @property
    def threshold(self) -> float:
        """coherence_threshold; may be set, to what BackfireConfig allows."""
        return self._scorer.limits()[0]

    @threshold.setter
    def threshold(self, value: float) -> None:
        with self._lock:
            self._scorer.set_threshold(value)

    @property
    def soft_limit(self) -> float:
        """soft_limit; may be set, to what BackfireConfig allows."""
        return self._scorer.limits()[1]

    @soft_limit.setter
    def soft_limit(self, value: float) -> None:
        with self._lock:
            self._scorer.set_soft_limit(value)

    @property
    def use_nli(self) -> bool:
        """True if there is an nli_callback."""
        return self._use_nli

    @property
    def history(self) -> list[float]:
        """The newest approved scores, oldest first, at most history_window."""
        return self._scorer.history()

    @property
    def history_len(self) -> int:
        """How many those are."""
        return len(self._scorer.history())


CoherenceScorer = RustCoherenceScorer
