"""Whether one text contradicts another, as far as words show it: a sentence that denies what a sentence of nearly the
same words says, or has another number in it. docs/oversight.md states the rules.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .words import FUNCTION_WORDS, Word, next_word

_MOST_SENTENCES = 128
_MOST_WORDS = 64
_NEGATIONS = frozenset("cannot neither never no nobody none nor not nothing nowhere".split())
_MARK = re.compile("[!?;\n\u2026\u3002\uff01\uff1f]")
_NUMBER = re.compile("[0-9](?:[0-9]|[.,](?=[0-9]))*")
_HAS_DIGIT = re.compile("[0-9]")


class Mismatch(NamedTuple):
    """Two sentences that contradict each other, and their numbers where those do."""

    known: str
    stated: str
    known_number: str | None = None
    stated_number: str | None = None


class _Statement:
    def __init__(self) -> None:
        self.text = ""
        self.words: list[str] = []  # what it is about: no function word, negation or number
        self.numbers: list[tuple[str, str]] = []  # as written, and as compared
        self.denied = False  # an odd number of negations

    @property
    def question(self) -> bool:
        return "?" in self.text or "\uff1f" in self.text


def value_of(text: str) -> str:
    """Equal numbers have equal ones: "8,848.50" -> "8848.5". A comma before three digits and more than one point group
    thousands, any other comma is a decimal one. What is no number in any of these ways, such as a date, stays as it is.
    """
    digits, points = "", text.count(".")
    fraction = False
    for place, character in enumerate(text):
        if character not in ".,":
            digits += character
            continue
        following = re.split("[.,]", text[place + 1 :], maxsplit=1)[0]
        if len(following) == 3 and (character == "," or points > 1):
            continue
        if fraction:
            return text
        fraction = True
        digits += "."
    if fraction:
        digits = digits.rstrip("0").removesuffix(".")
    sign = digits[:1] if digits[:1] == "-" else ""
    rest = digits[len(sign) :]
    rest = re.sub("^0+(?=[0-9])", "", rest)
    return "0" if sign + rest == "-0" else sign + rest


class _Reader:
    """Reads a text sentence by sentence."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all: list[_Statement] = []
        self.now = _Statement()
        self.begin = 0

    def read(self) -> list[_Statement]:
        before = Word("", 0, 0)
        at = 0
        while (word := next_word(self.text, at)) is not None:
            end = self._end_mark(before.end, word.begin)
            if end is not None and not self._end_sentence(end):
                return self.all
            if "0" <= word.text[0] <= "9":
                at = self._take_number(word.begin)
            else:
                self._take_word(before, word)
                at = word.end
            before = Word(self.text[word.begin : at], word.begin, at)
        self._end_sentence(len(self.text))
        return self.all

    def _end_mark(self, begin: int, end: int) -> int | None:
        """Where in the gap between two words the sentence ends, behind its mark."""
        for place in range(begin, end):
            if _MARK.match(self.text[place]):
                return place + 1
            if self.text[place] == "." and end - place > 1:  # not within a number or a name
                return place + 1
        return None

    def _end_sentence(self, end: int) -> bool:
        """False when there are enough of them."""
        self.now.text = self.text[self.begin : end].lstrip(" \n")
        if self.now.words:
            self.all.append(self.now)
        self.now, self.begin = _Statement(), end
        return len(self.all) < _MOST_SENTENCES

    def _take_word(self, before: Word, word: Word) -> None:
        now = self.now
        gap = self.text[before.end : word.begin]
        contracted = word.text == "t" and before.text.endswith("n") and gap in ("'", "\u2019")
        if contracted and now.words and now.words[-1] == before.text:
            now.words.pop()  # the "don" of "don't"
        if contracted or word.text in _NEGATIONS:
            now.denied = not now.denied
        elif word.text not in FUNCTION_WORDS and len(now.words) < _MOST_WORDS:
            now.words.append(word.text)

    def _take_number(self, begin: int) -> int:
        """From its first digit on, with a sign before it; returns where it ends."""
        found = _NUMBER.match(self.text, begin)
        end = found.end() if found else begin
        signed = begin > 0 and self.text[begin - 1] == "-" and (begin == 1 or self.text[begin - 2] == " ")
        written = self.text[begin - signed : end]
        if len(self.now.numbers) < _MOST_WORDS:
            self.now.numbers.append((written, value_of(written)))
        return end


def _about_the_same(a: _Statement, b: _Statement) -> bool:
    """Three quarters of the words of the one that has fewer."""
    one, other = set(a.words), set(b.words)
    return 4 * len(one & other) >= 3 * min(len(one), len(other))


def _missing(a: _Statement, b: _Statement) -> str | None:
    """The first number of a that b does not have."""
    there = {value for _, value in b.numbers}
    return next((written for written, value in a.numbers if value not in there), None)


def _may_deny(text: str) -> bool:
    """Right where it says no: every negation has an n before an o, an e or an apostrophe."""
    return re.search("n(?:[oe']|[\u2000-\u2fff])", text) is not None


def find_mismatch(known: str, stated: str) -> Mismatch | None:
    """The first pair of sentences, of two texts in lower case, that contradict each other."""
    if not (_may_deny(known) or _may_deny(stated)) and not (_HAS_DIGIT.search(known) and _HAS_DIGIT.search(stated)):
        return None
    before, after = _Reader(known).read(), _Reader(stated).read()
    for b in after:
        for a in before:
            if a.question or b.question or not _about_the_same(a, b):
                continue
            one, other = _missing(a, b), _missing(b, a)
            if one is not None and other is not None:
                if a.denied == b.denied:  # to deny another number contradicts nothing
                    return Mismatch(a.text, b.text, one, other)
            elif a.denied != b.denied:
                return Mismatch(a.text, b.text)
    return None
