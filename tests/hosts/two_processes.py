#!/usr/bin/env python3
"""Runs the two halves of the example two_processes in two languages, over a Unix socket, and compares what they print.

  two_processes.py LIST SERVER PUBLISHER    the languages; LIST is language-pairs.txt of the build folder
  two_processes.py --self-test              fails unless each kind of difference is noticed

A good pair prints its lines to stdout, nothing to stderr, and ends with 0: every update has come once, in order and
unchanged, the request was answered over there, and the text has its four-byte letter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

PATIENCE = 50  # seconds; a good run takes far less than one
NAMES = {
    "c": "C",
    "cpp": "C++",
    "python": "Python",
    "python_client": "Python",
    "ocaml": "OCaml",
    "ocaml_client": "OCaml",
    "rust": "Rust",
}


class Half:
    """A process that plays one role."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.said, encoding="utf-8", errors="replace")
        self.printed = ""

    def read_line(self) -> str:
        self.printed += self.process.stdout.readline()
        return self.printed

    def finish(self, expected: str) -> list[str]:
        """What is wrong with it, once it has ended."""
        self.printed += self.process.stdout.read()
        self.process.wait()
        self.said.seek(0)
        said = self.said.read().decode(errors="replace")
        found = []
        if self.process.returncode != 0:
            found.append(f"it ended with {self.process.returncode}")
        if self.printed != expected:
            found.append(f"it printed\n{self.printed}instead of\n{expected}")
        if said:
            found.append(f"it said on stderr\n{said}")
        return found

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.said.close()


class Program(NamedTuple):
    language: str
    command: list[str]
    environment: dict[str, str]

    def start(self, role: str, address: str) -> Half:
        return Half([*self.command, role, address], {**os.environ, **self.environment})


def read_list(path: Path) -> dict[str, Program]:
    programs = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        language, command, environment = line.split("|")
        settings = dict(each.split("=", 1) for each in environment.split(";") if each)
        programs[language] = Program(language, command.split(";"), settings)
    return programs


def complaints(server: Program, publisher: Program, address: str) -> list[str]:
    serving = server.start("serve", address)
    halves = [serving]
    # Reading ends when the programs do.
    clock = threading.Timer(PATIENCE, lambda: [half.process.kill() for half in halves])
    clock.start()
    try:
        listening = f"listening at {address}\n"
        if serving.read_line() == listening:
            halves.append(publisher.start("publish", address))
            found = halves[1].finish("4 words, 19 bytes\n")
            if found:  # the server may wait for what will not come
                return [f"{publisher.language}, which publishes: {each}" for each in found]
        heard = f"{NAMES[publisher.language]} says goodbye 👋\n1000 updates in order\n"
        return [f"{server.language}, which serves: {each}" for each in serving.finish(listening + heard)]
    finally:
        clock.cancel()
        for half in halves:
            half.stop()


def run(server: Program, publisher: Program) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="myc-") as folder:
        return complaints(server, publisher, f"unix:{folder}/bus")


def self_test() -> int:
    listens = "print('listening at', sys.argv[2], flush=True)"
    serves = listens + "; print('C says goodbye 👋\\n1000 updates in order')"
    asks = "print('4 words, 19 bytes')"
    cases = [  # what serves, what publishes, how many complaints
        (serves, asks, 0),
        (serves.replace("in order", "out of order"), asks, 1),
        (serves.replace("1000", "999"), asks, 1),
        (serves.replace("👋", "?"), asks, 1),
        (serves + "; print('a warning', file=sys.stderr)", asks, 1),
        (serves + "; sys.exit(3)", asks, 1),
        ("print('listening somewhere else')", asks, 1),
        (serves, "print('4 words')", 1),
        (serves, "sys.exit(1)", 2),
        (listens + "; signal.pause()", "pass", 1),  # the server is not waited for
    ]

    def program(source: str) -> Program:
        return Program("c", [sys.executable, "-c", f"import signal, sys\n{source}"], {})

    wrong = 0
    for serving, asking, count in cases:
        found = run(program(serving), program(asking))
        if len(found) != count:
            wrong += 1
            print(f"{len(found)} complaints in place of {count} about\n  {serving}\n  {asking}\n{found}")
    print(f"{len(cases) - wrong} of {len(cases)} pairs judged rightly")
    return 1 if wrong else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    path, server, publisher = sys.argv[1:]
    programs = read_list(Path(path))
    found = run(programs[server], programs[publisher])
    for each in found:
        print(each, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
