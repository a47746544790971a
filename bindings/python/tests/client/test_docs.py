"""The programs in docs/python-client.md run as they stand there."""

import pathlib
import re
import subprocess
import sys
import unittest

PAGE = pathlib.Path(__file__).parents[4] / "docs" / "python-client.md"
PRINTS = ["py says hi\n", "2\n", "0 1 2\n", "ProofRefusedError\n"]


class DocsTest(unittest.TestCase):
    def test_programs_run_and_print(self) -> None:
        programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        self.assertEqual(len(programs), len(PRINTS))
        for program, expected in zip(programs, PRINTS, strict=True):
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
            with self.subTest(program):
                self.assertEqual((done.returncode, done.stdout), (0, expected), done.stderr)


if __name__ == "__main__":
    unittest.main()
