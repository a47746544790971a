"""The examples run with this interpreter; tests/hosts compares what those of all languages print."""

import os
import pathlib
import runpy
import subprocess
import sys
import unittest

from collecting import PATIENCE

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
EXPECTED: dict[str, str] = runpy.run_path(str(ROOT / "tests" / "hosts" / "run_example.py"))["EXPECTED"]
NEEDS_A_PLUGIN = "host_plugin"
NEEDS_ANOTHER_PROCESS = "two_processes"  # tests/hosts has it run with every language's


class ExamplesTest(unittest.TestCase):
    def test_there_is_one_of_each(self) -> None:
        self.assertEqual({path.stem for path in EXAMPLES.glob("*.py")}, {*EXPECTED, NEEDS_ANOTHER_PROCESS})

    def test_each_example_prints_what_it_should(self) -> None:
        for name, text in EXPECTED.items():
            if name == NEEDS_A_PLUGIN:
                continue
            done = run(name)
            with self.subTest(name):
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, text, ""))

    def test_a_plugin_that_is_not_there_is_an_error(self) -> None:
        done = run(NEEDS_A_PLUGIN, "/nowhere/plugin.so")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("/nowhere/plugin.so", done.stderr)

    def test_a_role_that_there_is_not_is_an_error(self) -> None:
        done = run(NEEDS_ANOTHER_PROCESS, "listen", "unix:/nowhere/bus")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("usage: ", done.stderr)

    def test_an_address_that_cannot_be_is_an_error(self) -> None:
        done = run(NEEDS_ANOTHER_PROCESS, "serve", "unix:/nowhere/bus")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("/nowhere/bus", done.stderr)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, EXAMPLES / f"{name}.py", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)


if __name__ == "__main__":
    unittest.main()
