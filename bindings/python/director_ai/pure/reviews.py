"""Reviews in plain Python: the same figures and evidence as the library's scorer, to the bit."""

from __future__ import annotations

import collections
import json
import math
from typing import Any

from .facts import Knowledge
from .statements import Mismatch, find_mismatch
from .words import lower, pieces, words

_UNKNOWN, _CONTRADICTION = 0.5, 0.8
_LARGEST = 1 << 20  # bytes
_PHRASES = {"consistent with reality": 0.1, "opposite is true": 0.9, "depends on your perspective": 0.5}


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _failure(why: Exception) -> str:
    from .scoring import describe

    return describe(why).encode("utf-8", "surrogatepass")[:159].decode("utf-8", "replace")


def _shared(first: list[str], second: set[str]) -> list[str]:
    return [word for word in dict.fromkeys(first) if word in second]


def _add_mismatch(found: dict[str, Any], mismatch: Mismatch | None) -> str | None:
    """Its rule."""
    if mismatch is None:
        return None
    found |= {"known_sentence": mismatch.known, "stated_sentence": mismatch.stated}
    if mismatch.known_number is None:
        return "negation"
    found |= {"known_number": mismatch.known_number, "stated_number": mismatch.stated_number}
    return "number"


class Scorer:
    """The part of RustCoherenceScorer that decides."""

    def __init__(self, config: Any, nli: Any, knowledge: Any, store: Knowledge | None) -> None:
        self._config, self._nli, self._knowledge, self._store = config, nli, knowledge, store
        self._history: collections.deque[float] = collections.deque(maxlen=config.history_window)
        self._evidence: dict[str, Any] = {}

    def review(self, prompt: str, action: str) -> tuple[float, float, float, bool, bool]:
        """(score, h_logical, h_factual, approved, warning)"""
        config = self._config
        logical, factual = self._measure(prompt, action)
        score = _clamp(1 - (config.w_logic * logical + config.w_fact * factual), 0.0, 1.0)
        approved = score >= config.coherence_threshold
        if approved:
            self._history.append(score)
        return score, logical, factual, approved, approved and score < config.soft_limit

    def divergence(self, prompt: str, action: str) -> float:
        """Both parts, weighted."""
        logical, factual = self._measure(prompt, action)
        return float(self._config.w_logic * logical + self._config.w_fact * factual)

    def logical(self, prompt: str, action: str) -> float:
        """H_logic."""
        self._begin(prompt, action)
        return self._logical(prompt, action)

    def factual(self, prompt: str, action: str) -> float:
        """H_fact."""
        self._begin(prompt, action)
        return self._factual(prompt, action)

    def evidence(self) -> str:
        """Why the last of these found what it did: JSON."""
        return json.dumps(self._evidence)

    def set_threshold(self, value: float) -> None:
        """From the next review on."""
        self._config = self._config.replace(coherence_threshold=value)

    def set_soft_limit(self, value: float) -> None:
        """From the next review on."""
        self._config = self._config.replace(soft_limit=value)

    def limits(self) -> tuple[float, float]:
        """(coherence_threshold, soft_limit)"""
        return self._config.coherence_threshold, self._config.soft_limit

    def history(self) -> list[float]:
        """The newest approved scores, oldest first."""
        return list(self._history)

    def bind(self, prompt: str) -> BoundScorer:
        """A scorer of the texts of one prompt."""
        if not isinstance(prompt, str):
            raise TypeError(f"prompt must be a str, is a {type(prompt).__name__}")
        return BoundScorer(Scorer(self._config, self._nli, self._knowledge, self._store), prompt)

    def _begin(self, prompt: str, action: str) -> None:
        for name, text in (("prompt", prompt), ("action", action)):
            if not isinstance(text, str):
                raise TypeError(f"{name} must be a str, is a {type(text).__name__}")
        largest = max(_size(prompt), _size(action))
        if largest > _LARGEST:
            raise ValueError(f"prompt and action may have at most {_LARGEST} bytes each, the larger has {largest}")
        self._evidence = {}

    def _measure(self, prompt: str, action: str) -> tuple[float, float]:
        self._begin(prompt, action)
        return self._logical(prompt, action), self._factual(prompt, action)

    def _logical(self, prompt: str, action: str) -> float:
        found: dict[str, Any] = {"rule": "", "divergence": 0.0}
        self._evidence["logic"] = found
        measure = self._ask_nli if self._nli else _overlap
        found["divergence"] = measure(prompt, action, found)
        return float(found["divergence"])

    def _ask_nli(self, prompt: str, action: str, found: dict[str, Any]) -> float:
        try:
            score: float = math.ldexp(self._nli(prompt, action), 0)
        except Exception as why:
            found |= {"rule": "nli_failed", "error": _failure(why)}
            return _UNKNOWN
        if not math.isfinite(score):
            found |= {"rule": "nli_failed", "error": "the score is not finite"}
            return _UNKNOWN
        found["rule"] = "nli"
        return _clamp(score, 0.0, 1.0)

    def _factual(self, prompt: str, action: str) -> float:
        found: dict[str, Any] = {"rule": "no_knowledge", "divergence": _UNKNOWN}
        self._evidence["fact"] = found
        facts: list[tuple[int, float]] = []
        context: str | None = None
        if self._knowledge:
            context = self._ask_knowledge(prompt, found)
        elif self._store is not None:
            context, facts = self._store.known(prompt)
            context = context if facts else None
        if context is None:
            return _UNKNOWN
        found |= {"context": context, "facts": [{"id": number, "score": score} for number, score in facts]}
        found["divergence"] = measured = _agreement(lower(context), lower(action), found)
        return measured

    def _ask_knowledge(self, prompt: str, found: dict[str, Any]) -> str | None:
        try:
            text = self._knowledge(prompt)
            if text is not None and not isinstance(text, str):
                raise TypeError(f"knowledge must be a str, is a {type(text).__name__}")
        except Exception as why:
            found |= {"rule": "knowledge_failed", "error": _failure(why)}
            return None
        if text is not None and _size(text) > _LARGEST:
            found |= {"rule": "knowledge_failed", "error": f"the text is too large: {_size(text)} bytes"}
            return None
        return text


def _overlap(prompt: str, action: str, found: dict[str, Any]) -> float:
    """What words show: a telling phrase, the share of the prompt's words that come again, whether they are denied."""
    prompt, action = lower(prompt), lower(action)
    for phrase, divergence in _PHRASES.items():
        if phrase in action:
            found |= {"rule": "phrase", "phrase": phrase}
            return divergence
    asked, said = pieces(prompt), set(pieces(action))
    found["rule"] = "no_words"
    if not asked:
        return _UNKNOWN
    shared = _shared(asked, said)
    measured = _clamp(0.5 - 0.3 * (len(shared) / len(set(asked))), 0.1, 0.9)
    found |= {"rule": "overlap", "shared_words": shared}
    rule = _add_mismatch(found, find_mismatch(prompt, action))
    if rule is None:
        return measured
    found["rule"] = rule
    return max(measured, _CONTRADICTION)


def _agreement(context: str, action: str, found: dict[str, Any]) -> float:
    """How far an action departs from what is known, both in lower case."""
    known, said = list(words(context)), set(words(action))
    found["rule"] = "no_words"
    if not known or not said:
        return _UNKNOWN
    shared = _shared(known, said)
    measured = 1 - max(len(shared) / len(set(known)), len(shared) / len(said))
    found |= {"rule": "overlap", "shared_words": shared}
    rule = _add_mismatch(found, find_mismatch(context, action))
    if rule is None:
        return measured
    found["rule"] = rule
    return max(measured, _CONTRADICTION)


class BoundScorer:
    """What RustCoherenceScorer.bind() returns: called with a text, its coherence with the prompt, in [0, 1]."""

    def __init__(self, scorer: Scorer, prompt: str) -> None:
        self._scorer, self._prompt = scorer, prompt

    def __call__(self, text: str) -> float:
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, is a {type(text).__name__}")
        return _clamp(1 - self._scorer.divergence(self._prompt, text), 0.0, 1.0)
