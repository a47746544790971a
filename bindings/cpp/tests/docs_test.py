#!/usr/bin/env python3
"""The programs in docs/cpp.md are compiled and print what the page says.

  docs_test.py CXX LIBRARY GENERATED INCLUDE...    GENERATED is the folder of examples.hpp
"""

import os
import runpy
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CXX, LIBRARY, *INCLUDES = sys.argv[1:]
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "cpp.md"
README = runpy.run_path(str(ROOT / "tools" / "check-readme"))  # which extracts and compares README's
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *(f"-I{folder}" for folder in INCLUDES)]


class Docs(unittest.TestCase):
    def test_programs_compile_and_print(self):
        programs = README["programs"](PAGE.read_text(encoding="utf-8"))
        self.assertEqual([name for name, _, _ in programs], ["hello.cpp", "ask.cpp", "read.cpp", "joined.cpp"])
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "LD_LIBRARY_PATH": os.path.dirname(LIBRARY)}
            for name, text, expected in programs:
                source = Path(folder, name)
                source.write_text(text)
                program = source.with_suffix("")
                with self.subTest(name):
                    subprocess.run([CXX, *FLAGS, source, LIBRARY, "-pthread", "-o", program], check=True)
                    done = subprocess.run([program], env=environment, text=True, capture_output=True, timeout=30)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertEqual(done.stdout, expected)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
