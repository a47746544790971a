"""The programs in docs/oversight-python.md run as they stand there."""

import pathlib
import re
import unittest

from isolated import run_program

PAGE = pathlib.Path(__file__).parents[4] / "docs" / "oversight-python.md"
PRINTS = [
    "4 downward_trend (0.1600 > 0.15)\nThe sky is blue \n",
    "RELEASE '' \nRELEASE 'It is. ' \nRELEASE '' \nHALT '' hard_limit (0.2000 < 0.5)\nIt is. \n",
    "False 0.8 8,848\n",
    "10 0.181243 (16,)\n0.614003\n",
    "The sky is blue. 2 False False\nTrue\n",
]


class DocsTest(unittest.TestCase):
    def test_programs_run_and_print(self) -> None:
        programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        self.assertEqual(len(programs), len(PRINTS))
        for program, expected in zip(programs, PRINTS, strict=True):
            with self.subTest(program):
                self.assertEqual(run_program(program), expected)


if __name__ == "__main__":
    unittest.main()
