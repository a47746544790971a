"""What the demo prints: coloured on a terminal, plain elsewhere."""

from __future__ import annotations

import os
import sys


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(nanoseconds: float) -> str:
    for limit, divisor, unit in ((1e4, 1e3, "us"), (1e6, 1e3, "us"), (1e9, 1e6, "ms")):
        if nanoseconds < limit:
            return f"{nanoseconds / divisor:.{1 if limit == 1e4 else 0}f} {unit}"
    return f"{nanoseconds / 1e9:.1f} s"


def latency(p50_ns: float, p99_ns: float, max_ns: float) -> str:
    return f"p50 {duration(p50_ns):>8}   p99 {duration(p99_ns):>8}   max {duration(max_ns):>8}"


class Page:
    """Lines of the form "  subject   text". Counts the checks that failed."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.failures = 0

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text

    def title(self, text: str) -> None:
        print("\n" + self._paint("1", text), flush=True)

    def line(self, subject: str, text: str) -> None:
        print("  " + self._paint("36", f"{subject:<22}") + text, flush=True)

    def quote(self, text: str) -> None:
        """A received line, shortened."""
        shown = text.strip() if len(text.strip()) <= 70 else text.strip()[:69] + "\u2026"
        print(self._paint("2", f"    | {shown}"), flush=True)

    def check(self, good: bool, subject: str, text: str) -> None:
        if not good:
            self.failures += 1
        mark = self._paint("32", "ok  ") if good else self._paint("31;1", "FAIL")
        print(f"  {mark}  {subject:<16}{text}", flush=True)
