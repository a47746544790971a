#!/usr/bin/env python3
"""What crossing from C costs: every language's benchmark, side by side. Run it with tools/bench adapters.

  adapters.py LIST [--quick] [--rounds N] [--json FILE] [--check] [--language NAME]...

LIST is language-benchmarks.txt of the build folder. Every program does the same five things and prints a rate for each:

  publish            a payload of 64 bytes that nobody subscribed to
  callback           such payloads from a publisher in native code to a callback, one each
  callback_batched   the same, to a callback that takes what waits
  encode, decode     a TextMessage with 64 characters: from a value to bytes, from bytes to a value with its own text

The programs take turns, N rounds (3), and a number is the median over them. --check ends with 1 if a language misses what
docs/performance.md says that it reaches.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROWS = ("publish", "callback", "callback_batched", "encode", "decode")
REFERENCE = "c"
AS_FAST_AS_C = 1 / 1.1
PATIENCE = 600  # seconds; a whole run of a program takes some ten

# Messages or operations a second; for C++ and Rust, parts of C's rate.
GATES = {
    "python": {"publish": 1.5e6, "callback": 0.7e6, "callback_batched": 3.0e6, "encode": 1.0e6, "decode": 1.0e6},
    "ocaml": {"callback": 1.5e6},
}
PARTS_OF_C = {"cpp": AS_FAST_AS_C, "rust": AS_FAST_AS_C}


class Benchmark(NamedTuple):
    language: str
    command: list[str]
    environment: dict[str, str]


def read_list(path: Path) -> list[Benchmark]:
    benchmarks = []
    for line in path.read_text(encoding="utf-8").splitlines():
        language, command, environment = line.split("|")
        settings = dict(each.split("=", 1) for each in environment.split(";") if each)
        benchmarks.append(Benchmark(language, command.split(";"), settings))
    return benchmarks


def run(benchmark: Benchmark, quick: bool) -> dict[str, float]:
    """what -> rate. A program that fails, or leaves out a row, is an error that names it."""
    command = [*benchmark.command, *(["--quick"] if quick else [])]
    done = subprocess.run(command, env={**os.environ, **benchmark.environment}, text=True, capture_output=True,
                          timeout=PATIENCE)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    rates = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if row["language"] != benchmark.language:
            raise RuntimeError(f"{' '.join(command)} says that it is {row['language']}, not {benchmark.language}")
        rates[row["what"]] = float(row["rate"])
    missing = [what for what in ROWS if not rates.get(what, 0.0) > 0.0]
    if missing:
        raise RuntimeError(f"{' '.join(command)} printed no rate for {', '.join(missing)}")
    return rates


def show_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<20}\r", end="", file=sys.stderr, flush=True)


def measure(benchmarks: list[Benchmark], rounds: int, quick: bool) -> dict[str, dict[str, float]]:
    """language -> what -> the median of the rounds."""
    seen: dict[str, list[dict[str, float]]] = {each.language: [] for each in benchmarks}
    for _ in range(rounds):
        for each in benchmarks:
            show_progress(f"{each.language} ...")
            seen[each.language].append(run(each, quick))
    show_progress("")
    return {language: {what: statistics.median(one[what] for one in all_runs) for what in ROWS}
            for language, all_runs in seen.items()}


def missed_gates(rates: dict[str, dict[str, float]]) -> list[str]:
    missed = []
    for language, of_language in rates.items():
        gates = dict(GATES.get(language, {}))
        if language in PARTS_OF_C and REFERENCE in rates:
            gates.update((what, rates[REFERENCE][what] * PARTS_OF_C[language]) for what in ROWS)
        missed += [f"{language}: {what} is {of_language[what] / 1e6:.2f} M/s, below {gate / 1e6:.2f}"
                   for what, gate in gates.items() if of_language[what] < gate]
    return missed


def table(rates: dict[str, dict[str, float]]) -> str:
    """M/s, and after it what C's rate is a multiple of: 1.00 costs nothing, 2.00 takes twice the time."""
    lines = [f"{'M/s (times C)':<18}" + "".join(f"{language:>20}" for language in rates)]
    for what in ROWS:
        line = f"{what:<18}"
        for of_language in rates.values():
            times = f"({rates[REFERENCE][what] / of_language[what]:.2f})" if REFERENCE in rates else ""
            line += f"{of_language[what] / 1e6:>11.2f} {times:>8}"
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--quick", action="store_true", help="a short run of each, to see that all work")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write one object per rate to FILE")
    parser.add_argument("--check", action="store_true", help="end with 1 if a gate is missed")
    parser.add_argument("--language", action="append", metavar="NAME", help="only these (C is among them)")
    options = parser.parse_args()
    benchmarks = read_list(options.list)
    if options.language:
        benchmarks = [each for each in benchmarks if each.language in {REFERENCE, *options.language}]
    try:
        rates = measure(benchmarks, 1 if options.quick else options.rounds, options.quick)
    except (RuntimeError, ValueError, KeyError, OSError, subprocess.TimeoutExpired) as failure:
        print(f"tools/bench adapters: {failure}", file=sys.stderr)
        return 1
    print(table(rates))
    if options.json:
        rows = [{"language": language, "what": what, "rate": round(rate),
                 "times_c": round(rates[REFERENCE][what] / rate, 3)}
                for language, of_language in rates.items() for what, rate in of_language.items()]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    missed = missed_gates(rates) if options.check else []
    print("\n".join(missed), end="\n" if missed else "")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
