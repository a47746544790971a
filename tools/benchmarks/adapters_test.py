#!/usr/bin/env python3
"""tools/benchmarks/adapters.py: what it makes of programs that are right, slow, silent or broken.

  adapters_test.py LIST      with the list of the build folder, whose programs are run, too
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ADAPTERS = Path(__file__).with_name("adapters.py")
LIST = sys.argv[1]
ROWS = ("publish", "callback", "callback_batched", "encode", "decode")


def adapters(*arguments):
    return subprocess.run([sys.executable, ADAPTERS, *arguments], text=True, capture_output=True, timeout=100)


class Adapters(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def list_of(self, **programs) -> Path:
        """A list of programs: language -> what it prints, as {what: rate}, or its source."""
        lines = []
        for language, program in programs.items():
            source = self.folder / f"{language}.py"
            if isinstance(program, dict):
                rows = [json.dumps({"language": language, "what": what, "rate": rate})
                        for what, rate in program.items()]
                program = f"print({chr(10).join(rows)!r})"
            source.write_text(program)
            lines.append(f"{language}|{sys.executable};{source}|NEEDED=yes;ALSO=1")
        path = self.folder / "list"
        path.write_text("\n".join(lines) + "\n")
        return path

    def test_the_languages_of_this_build_print_every_row(self):
        done = adapters(LIST, "--quick", "--json", str(self.folder / "out.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads((self.folder / "out.json").read_text())
        languages = [line.split("|")[0] for line in Path(LIST).read_text().splitlines()]
        self.assertLessEqual({"c", "cpp"}, set(languages))
        self.assertEqual({(row["language"], row["what"]) for row in rows},
                         {(language, what) for language in languages for what in ROWS})
        for row in rows:
            self.assertGreater(row["rate"], 1000, row)
            self.assertGreater(row["times_c"], 0, row)
        for language in languages:
            self.assertIn(language, done.stdout.splitlines()[0])

    def test_rates_stand_beside_c(self):
        done = adapters(self.list_of(c=dict.fromkeys(ROWS, 4e6), cpp=dict.fromkeys(ROWS, 2e6)), "--rounds", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^decode +4\.00 +\(1\.00\) +2\.00 +\(2\.00\)$")

    def test_a_missed_gate_is_named(self):
        rates = dict.fromkeys(ROWS, 4e6)
        missing = self.list_of(c=rates, cpp={**rates, "encode": 3e6}, rust=rates, ocaml={**rates, "callback": 1e6})
        done = adapters(missing, "--check", "--rounds", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cpp: encode is 3.00 M/s, below 3.64", done.stdout)
        self.assertIn("ocaml: callback is 1.00 M/s, below 1.50", done.stdout)
        self.assertNotIn("rust:", done.stdout)
        self.assertEqual(adapters(self.list_of(c=rates, cpp=rates), "--check", "--rounds", "1").returncode, 0)

    def test_the_median_of_the_rounds_counts(self):
        counter = self.folder / "counter"
        program = (f"import json, pathlib\npath = pathlib.Path({str(counter)!r})\n"
                   "number = len(path.read_text()) if path.exists() else 0\npath.write_text('x' * (number + 1))\n"
                   f"for what in {ROWS}:\n"
                   " print(json.dumps({'language': 'c', 'what': what, 'rate': [9e6, 1e6, 5e6][number]}))\n")
        self.assertRegex(adapters(self.list_of(c=program)).stdout, r"(?m)^publish +5\.00 ")

    def test_a_program_without_a_row_fails(self):
        done = adapters(self.list_of(c=dict.fromkeys(ROWS[:-1], 1e6)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("printed no rate for decode", done.stderr)

    def test_a_program_that_fails_is_named(self):
        done = adapters(self.list_of(c="raise SystemExit('messages were lost')"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("messages were lost", done.stderr)

    def test_the_environment_of_the_list_is_set(self):
        rows = "\n".join(json.dumps({"language": "c", "what": what, "rate": 1e6}) for what in ROWS)
        done = adapters(self.list_of(c=f"import os\nassert os.environ['NEEDED'] == 'yes'\nprint({rows!r})"))
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
