#!/usr/bin/env python3
"""Runs an example of any language and compares what it prints, byte for byte.

  run_example.py EXAMPLE COMMAND...    EXAMPLE is a key of EXPECTED below
  run_example.py --self-test           fails unless each kind of difference is noticed

The same examples stand in bindings/<language>/examples/ of every language, so that they can be read side by side. A
good one prints its lines to stdout, nothing to stderr, and ends with 0.
"""

import subprocess
import sys

PATIENCE = 50  # seconds; a good run takes far less than one

EXPECTED = {
    "publish_subscribe": "example: hi (123)\n",
    "request_reply": "4 words, 19 bytes\n",
    "stream": "1000 updates, the last value is 1000\n",
    "host_plugin": "heard 1000 of its own, 1000 from the plug-in\n"
                   "its own request: 3 words\n"
                   "the plug-in's request: 4 words\n",
}


def complaints(example: str, command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
    printed, said = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    found = []
    if done.returncode != 0:
        found.append(f"it ended with {done.returncode}")
    if printed != EXPECTED[example]:
        found.append(f"it printed\n{printed}instead of\n{EXPECTED[example]}")
    if said:
        found.append(f"it said on stderr\n{said}")
    return found


def self_test() -> int:
    right = EXPECTED["stream"]
    cases = {  # program -> how many complaints
        f"print({right!r}, end='')": 0,
        f"print({right!r})": 1,
        f"print({right[:-2]!r})": 1,
        "pass": 1,
        f"print({right!r}, end=''); raise SystemExit(3)": 1,
        f"import sys; print({right!r}, end=''); print('a warning', file=sys.stderr)": 1,
        "raise RuntimeError": 3,
    }
    wrong = [program for program, count in cases.items()
             if len(complaints("stream", [sys.executable, "-c", program])) != count]
    print("\n".join(wrong) or f"{len(cases)} programs judged rightly")
    return 1 if wrong else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    example, *command = sys.argv[1:]
    found = complaints(example, command)
    for each in found:
        print(f"{' '.join(command)}: {each}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
