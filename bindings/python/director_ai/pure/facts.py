"""Facts in memory, found by BM25, in plain Python: the same scores as the library, to the bit."""

from __future__ import annotations

import math
import threading

from .words import FUNCTION_WORDS, lower, words

_K1, _B = 1.2, 0.75
_LARGEST = 65536  # bytes


class Knowledge:
    """The part of InMemoryKnowledge that finds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: dict[int, str] = {}
        self._lengths: dict[int, int] = {}  # in words
        self._words: dict[str, dict[int, int]] = {}  # word -> fact -> how often
        self._length = 0
        self._last = 0

    def add(self, text: str) -> int:
        """Its id."""
        if not isinstance(text, str):
            raise TypeError(f"a fact must be a str, is a {type(text).__name__}")
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > _LARGEST:
            raise ValueError(f"a fact may have at most {_LARGEST} bytes, this one has {size}")
        with self._lock:
            self._last += 1
            found = list(words(lower(text)))
            for word in found:
                postings = self._words.setdefault(word, {})
                postings[self._last] = postings.get(self._last, 0) + 1
            self._facts[self._last] = text
            self._lengths[self._last] = len(found)
            self._length += len(found)
            return self._last

    def remove(self, number: int) -> bool:
        """False if there is no such fact."""
        with self._lock:
            text = self._facts.pop(number, None)
            if text is None:
                return False
            for word in set(words(lower(text))):
                del self._words[word][number]
                if not self._words[word]:
                    del self._words[word]
            self._length -= self._lengths.pop(number)
            return True

    def count(self) -> int:
        """How many there are."""
        return len(self._facts)

    def fact(self, number: int) -> str:
        """Its text."""
        try:
            return self._facts[number]
        except KeyError:
            raise ValueError(f"there is no fact {number}") from None

    def find(self, query: str, most: int) -> list[tuple[int, float]]:
        """(id, score), best first, the older first among equals."""
        if not isinstance(query, str):
            raise TypeError(f"a query must be a str, is a {type(query).__name__}")
        with self._lock:
            return self._ranked(query)[: max(most, 0)]

    def known(self, prompt: str) -> tuple[str, list[tuple[int, float]]]:
        """The best fact, then at most two more that score at least half of it, a line each; and which they are."""
        with self._lock:
            best = self._ranked(prompt)[:3]
            best = [each for each in best if each[1] >= best[0][1] / 2]
            return "\n".join(self._facts[number] for number, _ in best), best

    def context(self, prompt: str) -> str:
        """The text of known()."""
        if not isinstance(prompt, str):
            raise TypeError(f"a prompt must be a str, is a {type(prompt).__name__}")
        return self.known(prompt)[0]

    def _ranked(self, query: str) -> list[tuple[int, float]]:
        scores: dict[int, float] = {}
        count = float(len(self._facts))
        mean = self._length / count if count else 0.0
        for word in _query_words(query):
            postings = self._words.get(word, {})
            rarity = math.log(1 + (count - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, times in postings.items():
                length = 1 - _B + _B * self._lengths[number] / mean
                share = rarity * (times * (_K1 + 1)) / (times + _K1 * length)
                scores[number] = scores.get(number, 0.0) + share
        return sorted(sorted(scores.items()), key=lambda each: -each[1])


def _query_words(query: str) -> list[str]:
    """Its distinct words in their order; without function words, unless there are no others."""
    found = list(dict.fromkeys(words(lower(query))))
    return [word for word in found if word not in FUNCTION_WORDS] or found
