#!/usr/bin/env python3
"""Writes unicode_table.hpp: which characters make words, and their lower case, from Python's copy of the Unicode data.

  unicode_table.py          prints the table
  unicode_table.py FILE     compares it with FILE, and fails where they differ. Another Unicode version than that of FILE
                            cannot tell: exit status 77
"""

import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

LAST = 0x10FFFF


def makes_words(code: int) -> bool:
    """Letters, marks that are written with them, digits and other numbers."""
    return unicodedata.category(chr(code))[0] in "LMN"


def lower(code: int) -> int:
    """The simple mapping: one character to one. The final sigma is a sigma."""
    if code == 0x130:
        return ord("i")
    if code == 0x3C2:
        return 0x3C3
    text = chr(code).lower()
    return ord(text) if len(text) == 1 else code


def word_ranges() -> Iterator[tuple[int, int]]:
    first = None
    for code in range(0x80, LAST + 2):
        if code <= LAST and makes_words(code):
            first = code if first is None else first
        elif first is not None:
            yield first, code - 1
            first = None


def case_ranges() -> Iterator[tuple[int, int, int, int]]:
    """(first, last, step, difference): every step-th character from first to last. Steps are 1 or 2."""
    first = last = step = difference = 0
    for code in range(0x80, LAST + 1):
        found = lower(code) - code
        if found == 0:
            continue
        if difference == found and code - last == step or first == last and difference == found and code - last <= 2:
            step, last = code - last, code
            continue
        if difference:
            yield first, last, step or 1, difference
        first, last, step, difference = code, code, 0, found
    yield first, last, step or 1, difference


def wrapped(items: list[str]) -> str:
    """Lines of at most 120 columns."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 120:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line])


def table() -> str:
    words = [f"{{{first:#x}, {last:#x}}}" for first, last in word_ranges()]
    cases = [f"{{{first:#x}, {last:#x}, {step}, {difference}}}" for first, last, step, difference in case_ranges()]
    return f"""// Written by unicode_table.py from Unicode {unicodedata.unidata_version}. Characters below U+0080 are left out.
// clang-format off
#pragma once

#include <cstdint>

namespace mycelium::oversight {{

struct word_range {{
  char32_t first;
  char32_t last;
}};

// Letters, marks and numbers, ascending.
constexpr word_range word_ranges[] = {{
{wrapped(words)}
}};

struct case_range {{
  char32_t first;
  char32_t last;
  std::uint32_t step; // every step-th character from first to last
  std::int32_t difference; // of its lower case
}};

// Characters that are not their own lower case, ascending.
constexpr case_range case_ranges[] = {{
{wrapped(cases)}
}};

}} // namespace mycelium::oversight
"""


def main() -> int:
    if len(sys.argv) == 1:
        sys.stdout.write(table())
        return 0
    found = Path(sys.argv[1]).read_text()
    if f"from Unicode {unicodedata.unidata_version}." not in found:
        print(f"this Python knows Unicode {unicodedata.unidata_version}, another than the table's")
        return 77
    if found != table():
        print(f"{sys.argv[1]} is not what {sys.argv[0]} writes")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
