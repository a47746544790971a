"""The programs in docs/python.md run as they stand there."""

import pathlib
import re
import unittest

from collecting import run_program

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "python.md"
PRINTS = ["hi\n", "2\n", "hello over there\n", "The\nsky\nis\n", "1\n"]


class DocsTest(unittest.TestCase):
    def test_programs_run_and_print(self) -> None:
        programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        self.assertEqual(len(programs), len(PRINTS))
        for program, expected in zip(programs, PRINTS, strict=True):
            done = run_program(program)
            with self.subTest(program):
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, expected, ""))


if __name__ == "__main__":
    unittest.main()
