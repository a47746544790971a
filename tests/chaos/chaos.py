#!/usr/bin/env python3
"""Faults under load, and the books afterwards.

  chaos.py --party PARTY --program MYCELIUM --schemas FOLDER [--seconds N] [--seed S] [scenario ...]

Without --seconds each scenario runs once in its quick form; with it they run again and again, chosen and made worse at
random, until so many seconds have passed. Ends with the table of counts. Exit code 0: every sentence of docs/faults.md
held; 1: one did not; 77: what was asked for cannot be done on this machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from pathlib import Path

import asked  # noqa: F401  each module adds its scenarios
import clocks  # noqa: F401
import cut  # noqa: F401
import killed  # noqa: F401
import networks  # noqa: F401
import paused  # noqa: F401
import restarted  # noqa: F401
import succeeded  # noqa: F401
from rig import Broken, Hub, Party, Process, Rig, Row, Skipped
from scenarios import SCENARIOS
from wire import as_root_of_own_network

SKIPPED = 77
MOST_BROKEN = 10  # sentences that are printed of one run
MAY_BE_ABSENT = ("clock_of_publisher", "clock_of_subscriber")  # under sanitizers
COLUMNS = ("accepted", "offered", "delivered", "duplicates", "acknowledged", "lost", "dropped", "passed", "died")


def run(name: str, arguments: argparse.Namespace, seed: int, quick: bool) -> Row | None:
    """One run; None if the machine does not allow it."""
    with Rig(arguments.party, arguments.program, Path(arguments.schemas), seed, quick) as rig:
        try:
            return SCENARIOS[name](rig)
        except Skipped as why:
            print(f"SKIPPED {name}: {why}", flush=True)
            return None
        except (Broken, AssertionError, OSError, ValueError) as what:
            traceback.print_exc()
            for each in rig.processes:
                print(f"---- {each.name}\n{last_words(each)}", file=sys.stderr)
            return Row(name, broken=[str(what) or type(what).__name__])


def last_words(of: Process) -> str:
    """What a process whose scenario could not go on had logged, and its counts."""
    counts = ""
    if isinstance(of, Hub):
        counts = of.last_counters()
    elif isinstance(of, Party) and of.process.poll() is None:
        try:
            counts = json.dumps(of.report())
        except (Broken, OSError, ValueError) as why:
            counts = f"no counts: {why}"
    return f"{of.tail()}\n{counts}"


def print_table(rows: list[Row]) -> None:
    width = max([len("scenario"), *(len(row.scenario) for row in rows)])
    print(f"{'scenario':{width}} " + " ".join(f"{each:>12}" for each in COLUMNS) + "  law     note")
    for row in rows:
        counts = " ".join(f"{getattr(row, each):>12}" for each in COLUMNS)
        print(f"{row.scenario:{width}} {counts}  {'BROKEN' if row.broken else 'holds '}  {row.note}")
        for sentence in row.broken[:MOST_BROKEN]:
            print(f"    {sentence}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--party", help="the program built of party.c")
    parser.add_argument("--program", help="the mycelium program")
    parser.add_argument("--schemas", help="the folder with orders.bfbs and orders_changed.bfbs")
    parser.add_argument("--expect", metavar="NAMES", help="only check that these, with commas, are all scenarios")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("scenario", nargs="*", choices=[[], *SCENARIOS], metavar="scenario")
    arguments = parser.parse_args()
    if arguments.expect is not None:
        missing = (set(SCENARIOS) ^ set(arguments.expect.split(","))).difference(MAY_BE_ABSENT)
        print(f"on one side only: {sorted(missing)}" if missing else "every scenario is there")
        return 1 if missing else 0
    if not (arguments.party and arguments.program and arguments.schemas):
        parser.error("--party, --program and --schemas are needed; tools/chaos finds them")
    if not arguments.scenario or any(each.startswith("network_") for each in arguments.scenario):
        as_root_of_own_network()
    names = arguments.scenario or list(SCENARIOS)
    print(f"seed {arguments.seed}", flush=True)
    chances = random.Random(arguments.seed)
    until = time.monotonic() + arguments.seconds
    rows: list[Row] = []
    skipped = 0
    rounds = iter(names) if not arguments.seconds else iter(lambda: chances.choice(names), None)
    for name in rounds:
        if arguments.seconds and time.monotonic() > until:
            break
        row = run(name, arguments, chances.randrange(1 << 32), not arguments.seconds)
        if row is None:
            skipped += 1
            names = [each for each in names if each != name]
            if not names:
                break
            continue
        rows.append(row)
        if arguments.seconds:
            print(f"{row.scenario}: {'BROKEN' if row.broken else 'holds'}", flush=True)
    if not rows:
        return SKIPPED
    print_table(rows)
    if skipped:
        print(f"{skipped} skipped")
    return 1 if any(row.broken for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
