"""Texts as words, the way docs/oversight.md states it: in lower case, of letters, marks and numbers."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

FUNCTION_WORDS = frozenset(
    """a about am an and are as at be been but by can could did do does for from had has have he her his how i if
    in into is it its may me might must my of on or our s shall she should so such t tell than that the their
    them then there these they this those to us was we were what when where which who whom whose why will with
    would you your yours yourself yourselves""".split()
)

# Where str.lower() gives more than one character, or looks at the neighbours. A lone surrogate has three bytes that are
# no text.
_ODD = {0x130: "i", 0x3A3: "\u03c3", 0x3C2: "\u03c3", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd" * 3)}
# Ideographs and hiragana are written without spaces: each is a word.
_ALONE = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x3041, 0x3096))
_ASCII_WORD = re.compile("[0-9a-z]+")


class Word(NamedTuple):
    """A word and where it stands."""

    text: str
    begin: int
    end: int


def lower(text: str) -> str:
    """One character to one; the final sigma is a sigma."""
    return text.lower() if text.isascii() else text.translate(_ODD).lower()


def pieces(text: str) -> list[str]:
    """What white space leaves of a text in lower case."""
    return text.split()


def words(text: str) -> Iterator[str]:
    """The words of a text in lower case."""
    at = 0
    while (word := next_word(text, at)) is not None:
        yield word.text
        at = word.end


def next_word(text: str, at: int) -> Word | None:
    """The first word from at on."""
    if text.isascii():
        found = _ASCII_WORD.search(text, at)
        return Word(found.group(), found.start(), found.end()) if found else None
    while at < len(text) and _kind(text[at]) == "gap":
        at += 1
    if at == len(text):
        return None
    end = at + 1
    if _kind(text[at]) == "part":
        while end < len(text) and _kind(text[end]) == "part":
            end += 1
    return Word(text[at:end], at, end)


@functools.lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    code = ord(character)
    if any(first <= code <= last for first, last in _ALONE):
        return "alone"
    return "part" if unicodedata.category(character)[0] in "LMN" else "gap"
