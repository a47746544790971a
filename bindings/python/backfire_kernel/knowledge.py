"""Facts in memory, found by their words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ._backend import Knowledge


class Fact(NamedTuple):
    """A fact that was found, with its BM25 score, > 0."""

    id: int
    text: str
    score: float


class InMemoryKnowledge:
    """Facts, found by BM25 (k1 1.2, b 0.75): the same facts and the same query give the same answer, to the bit.

    InMemoryKnowledge(facts=())

    facts  an iterable of str, or a mapping, whose facts are "key: value"

    Give it to a scorer as knowledge_callback. Any thread may use it at any time.
    """

    def __init__(self, facts: Iterable[str] | Mapping[str, str] = ()) -> None:
        self._store = Knowledge()
        self._texts: dict[int, str] = {}
        if isinstance(facts, Mapping):
            facts = [f"{key}: {value}" for key, value in facts.items()]
        elif isinstance(facts, str):
            raise TypeError("facts must be an iterable of str, not one str")
        for fact in facts:
            self.add_fact(fact)

    def add_fact(self, fact: str) -> int:
        """Its id: 1, 2, 3, ..., never used again. ValueError for more than 65536 bytes of UTF-8."""
        number = self._store.add(fact)
        self._texts[number] = fact
        return number

    def remove(self, fact: int | str) -> bool:
        """By its id, or all that have this text. False if there is none."""
        if isinstance(fact, int):
            numbers = [fact]
        else:
            numbers = [number for number, text in list(self._texts.items()) if text == fact]
        removed = [self._store.remove(number) for number in numbers]
        for number in numbers:
            self._texts.pop(number, None)
        return any(removed)

    def find(self, query: str, limit: int = 3) -> list[Fact]:
        """The facts that share a word with a query, best first, the older first among equals. Function words of
        English count only in a query that has no others.
        """
        found = self._store.find(query, limit)
        return [Fact(number, self._texts.get(number, ""), score) for number, score in found]

    def context(self, prompt: str) -> str | None:
        """What a scorer takes as known: the best fact, then at most two more that score at least half of it, a line
        each. None if nothing is found.
        """
        return self._store.context(prompt) or None

    def __call__(self, prompt: str) -> str | None:
        return self.context(prompt)

    def __len__(self) -> int:
        return self._store.count()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._texts.values()))

    def __repr__(self) -> str:
        return f"<InMemoryKnowledge of {len(self)} facts>"
