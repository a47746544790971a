#!/usr/bin/env python3
"""What oversight costs from Python.

    python3 bindings/python/backfire_kernel/bench.py [--quick]

Prints one JSON object a line, {"what": ..., "ns": nanoseconds}, with "wanted_ns" where the design asks for a figure:
the median of 5 runs. tools/bench oversight prints them beside its own. A token of a stream: with a callback in Python,
with a scorer in C, with a table of scores, pushed one by one; a review; a step of each engine, in a call of its own and,
where an engine runs many, as one of many.
"""

from __future__ import annotations

import argparse
import array
import ctypes
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator

# Beside this file lie modules without their extension: the installed package is meant, or the one that was built.
_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = [path for path in sys.path if os.path.realpath(path or ".") != _HERE]
sys.path.append(os.path.join(_HERE, "../../../build/release/python"))

import backfire_kernel as backfire

TOKENS = ["token "] * 1000
SCORES = array.array("d", [0.9]) * len(TOKENS)
THETA = array.array("d", [0.4 * index for index in range(16)])
PROMPT = "What color is the sky on a clear day?"
ANSWER = "On a clear day the sky is blue."

# What the design asks for, of rows with these words.
WANTED = {"Python callback": 500, "native scorer": 100}

Row = tuple[str, Callable[[], object], int]  # what, how, and how many of it one call does


def streams() -> Iterator[Row]:
    """Tokens. Deadlines are far: a machine that is busy must not end a run."""
    kernel = backfire.RustStreamingKernel(deadline_ms=1e9)
    lenient = backfire.RustSafetyKernel(0.0)  # for scorers that say little good of these tokens
    bound = backfire.RustCoherenceScorer().bind("a")
    # double drand48(void), which ignores the arguments: a scorer that takes next to no time itself.
    trivial = backfire.NativeScorer(ctypes.cast(ctypes.CDLL(None).drand48, ctypes.c_void_p).value or 0)

    def push_all() -> None:
        stream = kernel.begin()
        for token in TOKENS:
            stream.push(token, 0.9)

    count = len(TOKENS)
    yield "token, Python callback", lambda: kernel.stream_tokens(TOKENS, lambda token: 0.9), count
    yield "token, native scorer: table", lambda: kernel.stream_tokens(TOKENS, SCORES), count
    yield "token, native scorer: table, live", lambda: kernel.stream_tokens(iter(TOKENS), SCORES), count
    yield "token, native scorer: function in C", lambda: lenient.stream_tokens(TOKENS, trivial), count
    yield "token, scorer bound to a prompt", lambda: lenient.stream_tokens(TOKENS, bound), count
    yield "token, pushed", push_all, count


def reviews() -> Iterator[Row]:
    """Answers."""
    plain = backfire.RustCoherenceScorer(evidence=False)
    telling = backfire.RustCoherenceScorer()
    facts = backfire.InMemoryKnowledge([f"Fact {number} is about thing {number}." for number in range(1000)])
    knowing = backfire.RustCoherenceScorer(None, None, facts, evidence=False)
    asking = backfire.RustCoherenceScorer(None, lambda prompt, action: 0.1, evidence=False)
    yield "review", lambda: plain.review(PROMPT, ANSWER), 1
    yield "review, with evidence", lambda: telling.review(PROMPT, ANSWER), 1
    yield "review, 1000 facts", lambda: knowing.review("What is thing 77?", "It is fact 77."), 1
    yield "review, NLI in Python", lambda: asking.review(PROMPT, ANSWER), 1


def engines() -> Iterator[Row]:
    """Steps."""
    stepper = backfire.UPDEStepper()
    state = stepper.random_state()
    sec = backfire.SECFunctional()
    l16 = backfire.L16Controller()
    pgbo = backfire.PGBOEngine()
    tcbo = backfire.TCBOObserver()
    for index in range(50):
        tcbo.push([0.1 * index + 0.3 * place for place in range(16)])
    ssgf = backfire.SSGFEngine()
    yield "UPDE step", lambda: stepper.step(state), 1
    yield "UPDE step of a run", lambda: stepper.run(state, 1000), 1000
    yield "SEC", lambda: sec.evaluate(THETA), 1
    yield "L16 step", lambda: l16.step(THETA, 0.5, 0.7, 0.1, 0.1, 0.1, 0.8, 1.0, 0.01), 1
    yield "PGBO", lambda: pgbo.compute(THETA, 0.01), 1
    yield "TCBO", lambda: tcbo.compute(force=True), 1
    yield "SSGF outer step", lambda: ssgf.outer_step(), 1
    yield "SSGF outer step of a run", lambda: ssgf.run(100), 100


def nanoseconds(call: Callable[[], object], work: int, seconds: float) -> float:
    """Of one piece of work: the median of 5 runs, each of about so many seconds."""
    call()
    repeats, once = 1, 0.0
    while once < seconds / 4:
        begun = time.perf_counter()
        for _ in range(repeats):
            call()
        once = time.perf_counter() - begun
        repeats *= 2
    repeats = max(1, int(repeats / 2 * seconds / once))
    runs = []
    for _ in range(5):
        begun = time.perf_counter_ns()
        for _ in range(repeats):
            call()
        runs.append((time.perf_counter_ns() - begun) / repeats / work)
    return statistics.median(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    seconds = 0.002 if parser.parse_args().quick else 0.2
    for group in (streams, reviews, engines):
        for what, call, work in group():
            row: dict[str, object] = {"what": f"Python: {what}", "ns": round(nanoseconds(call, work, seconds), 1)}
            wanted = next((ns for part, ns in WANTED.items() if part in what), None)
            print(json.dumps(row if wanted is None else {**row, "wanted_ns": wanted}), flush=True)


if __name__ == "__main__":
    main()
