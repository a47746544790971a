#!/usr/bin/env python3
"""Does a program speak the bridge protocol? README.md, beside this file, has the contract with the adapter.

conformance.py --role dial|listen --transport unix|tcp [--only TEXT] [--table FILE] -- ADAPTER [ARGUMENT...]
conformance.py --list
conformance.py --merge TABLE...         what several runs have written, as one table in Markdown
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile
import time

import cases_absent  # noqa: F401
import cases_end  # noqa: F401
import cases_flow  # noqa: F401
import cases_frames  # noqa: F401
import cases_greeting  # noqa: F401
import cases_messages  # noqa: F401
import cases_network  # noqa: F401
import cases_receipts  # noqa: F401
import cases_requests  # noqa: F401
import cases_successors  # noqa: F401
import cases_ways  # noqa: F401
from subject import Failure
from suite import CASES, Case, Stage
from wire import Violation

PASSED, FAILED, DOES_NOT_APPLY = "passed", "failed", "does not apply"


def run(case: Case, options: argparse.Namespace) -> tuple[str, str]:
    """An outcome, and what there is to say about it."""
    if options.role not in case.roles:
        return DOES_NOT_APPLY, f"only for who can {' and '.join(case.roles)}"
    with tempfile.TemporaryDirectory(prefix="myc-") as folder:
        try:
            stage = Stage(options.adapter, options.role, options.transport, pathlib.Path(folder), case)
        except Failure as why:
            return FAILED, str(why)
        options.subject = stage.subject.name
        lacks = [feature for feature in case.needs if feature not in stage.subject.features]
        try:
            if lacks:
                return DOES_NOT_APPLY, f"the subject has no {' and no '.join(lacks)}"
            case.run(stage)
            return PASSED, ""
        except (Failure, Violation, OSError) as why:
            told = f"{type(why).__name__}: {why}"
        finally:
            errors = stage.end()
        return FAILED, f"{told}\n{errors[-2000:]}".rstrip()


def merge(files: list[pathlib.Path]) -> str:
    """Subjects as columns, cases as rows."""
    columns: dict[str, dict[str, str]] = {}
    for file in files:
        rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
        columns[rows[0][1]] = {row[0]: row[1] for row in rows[1:]}
    marks = {PASSED: "yes", FAILED: "**no**", DOES_NOT_APPLY: "-"}
    lines = [f"| case | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for case in CASES:
        outcomes = [marks.get(column.get(case.name, ""), "?") for column in columns.values()]
        lines.append(f"| {case.name} | {' | '.join(outcomes)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", choices=("dial", "listen"))
    parser.add_argument("--transport", choices=("unix", "tcp"), default="unix")
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--merge", nargs="+", type=pathlib.Path, metavar="TABLE")
    parser.add_argument("adapter", nargs="*")
    options = parser.parse_args()
    if options.merge:
        print(merge(options.merge))
        return 0
    options.subject = "?"
    chosen = [case for case in CASES if options.only in case.name]
    if options.list:
        print("\n".join(f"{case.name}: {case.rule}" for case in chosen))
        return 0
    if not options.role or not options.adapter or not chosen:
        parser.error("give --role, an adapter after --, and cases that exist")

    rows = []
    counts = dict.fromkeys((PASSED, FAILED, DOES_NOT_APPLY), 0)
    for case in chosen:
        began = time.monotonic()
        outcome, told = run(case, options)
        counts[outcome] += 1
        rows.append(f"{case.name}\t{outcome}\t{told.splitlines()[0] if told else ''}")
        print(f"{outcome:14} {case.name} ({time.monotonic() - began:.2f} s)", flush=True)
        if told:
            print(
                "    " + (f"asked for: {case.rule}\n" + told if outcome == FAILED else told).replace("\n", "\n    "),
                flush=True,
            )
    if options.table:
        options.table.parent.mkdir(parents=True, exist_ok=True)
        head = f"case\t{options.subject} {options.role} {options.transport}"
        options.table.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts[FAILED] or not counts[PASSED] else 0


if __name__ == "__main__":
    sys.exit(main())
