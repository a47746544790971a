#!/usr/bin/env python3
"""Every verb and option that the program's --help names is completed in bash, zsh and fish.

  completion_test.py MYCELIUM
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import processes
from processes import PATIENCE_S, run

processes.PROGRAM = sys.argv[1]

# Has the function of the completions run as the shell would, for a command line whose last word is to be completed.
BASH = r"""
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_mycelium
printf '%s\n' "${COMPREPLY[@]}"
"""
# compadd and _arguments are what zsh's own functions would be given: here they tell it.
ZSH = r"""
compdef() { :; }
_arguments() { for spec in "$@"; do print -r -- "$spec"; done; }
source "$1"
shift
words=("$@") CURRENT=$#
_mycelium
"""


def verbs() -> list[str]:
    return re.findall(r"(?m)^  (\w+) +\w", run("--help").stdout)


def commands() -> dict[tuple[str, ...], set[str]]:
    """Every verb, and every verb below one, with the options that its --help tells."""
    found: dict[tuple[str, ...], set[str]] = {}
    waiting = [(verb,) for verb in verbs()]
    while waiting:
        command = waiting.pop()
        page = run(*command, "--help").stdout
        options = set()
        for line in re.findall(r"(?m)^  (-\S+)", page):
            options |= {name.split("{")[0] for name in line.split(",")}
        found[command] = options
        if "\nSubcommands:\n" in page:
            waiting += [(*command, below) for below in
                        re.findall(r"(?m)^  (\w+)", page.split("\nSubcommands:\n")[1])]
    return found


class Completions(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="myc-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def script(self, shell: str) -> str:
        done = run("completion", shell)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        path = self.folder / f"mycelium.{shell}"
        path.write_text(done.stdout)
        return str(path)

    def shell(self, *command: str) -> set[str]:
        done = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE_S,
                              env={**os.environ, "HOME": str(self.folder)})
        self.assertEqual(done.stderr, "")
        return set(done.stdout.splitlines())

    def test_help_names_verbs_and_options(self) -> None:
        found = commands()
        self.assertGreaterEqual(len(found), 20)
        self.assertIn(("schema", "compile"), found)
        self.assertLessEqual({"-h", "--help", "--unix", "--count"}, found["sub",])

    def test_bash_completes_all_of_them(self) -> None:
        script = self.script("bash")

        def completed(*words: str) -> set[str]:
            return self.shell("bash", "-c", BASH, "bash", script, "mycelium", *words)

        self.assertLessEqual({*verbs(), "help", "--help", "--version"}, completed(""))
        for command, options in commands().items():
            self.assertLessEqual(options, completed(*command, "-"), command)
        self.assertEqual(completed("pu"), {"pub"})
        self.assertEqual(completed("sub", "TextMessage", "--pol"), {"--policy"})
        self.assertEqual(completed("sub", "--policy", "drop_"), {"drop_oldest", "drop_newest"})
        self.assertLessEqual({"compile", "digest", "check", "diff"}, completed("schema", ""))
        (self.folder / "socket").touch()
        self.assertEqual(completed("sub", "--unix", str(self.folder / "so")), {str(self.folder / "socket")})

    def test_fish_completes_all_of_them(self) -> None:
        script = self.script("fish")

        def completed(line: str) -> set[str]:
            found = self.shell("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'")
            return {each.split("\t")[0] for each in found}

        self.assertLessEqual({*verbs(), "help"}, completed("mycelium "))
        for command, options in commands().items():
            line = "mycelium " + " ".join(command)
            self.assertLessEqual({each for each in options if each.startswith("--")}, completed(line + " --"), command)
            self.assertLessEqual({each for each in options if not each.startswith("--")}, completed(line + " -"), command)
        self.assertLessEqual({"drop_oldest", "drop_newest", "block"}, completed("mycelium sub --policy "))

    def test_zsh_completes_all_of_them(self) -> None:
        script = self.script("zsh")
        self.assertEqual(subprocess.run(["zsh", "-n", script], timeout=PATIENCE_S).returncode, 0)

        def completed(*words: str) -> set[str]:
            return self.shell("zsh", "-f", "-c", ZSH, "zsh", script, "mycelium", *words)

        every = " ".join(completed(""))
        for verb in verbs():
            self.assertRegex(every, rf"\*:verb:\(.*\b{verb}\b")
        for command, options in commands().items():
            specs = completed(*command, "-")
            for option in options:
                self.assertTrue(any(spec.startswith(f"*{option}[") for spec in specs), (command, option))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
