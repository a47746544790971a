#!/usr/bin/env python3
"""The demo does what it says, and its checks can fail.

  demo_test.py PUBLISHER SUBSCRIBER      with mycelium_native in PYTHONPATH
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HOST = Path(__file__).with_name("host.py")
LICENCE = HOST.parents[2] / "LICENSE"
PUBLISHER, SUBSCRIBER = sys.argv[1:3]


class Demo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_demo(self, file, *options):
        return subprocess.run(
            [sys.executable, HOST, file, "--publisher", PUBLISHER, "--subscriber", SUBSCRIBER,
             "--output", self.folder / "out", *options],
            text=True, capture_output=True, timeout=60)

    def file_with(self, content: bytes) -> Path:
        path = self.folder / "text"
        path.write_bytes(content)
        return path

    def test_every_byte_reaches_both_subscribers(self):
        done = self.run_demo(LICENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"ok +C +[\d,]+ messages, [\d,]+ bytes: equal to the file, byte for byte")
        self.assertRegex(done.stdout, r"ok +Python +[\d,]+ messages, [\d,]+ bytes: equal to the file, byte for byte")
        self.assertRegex(done.stdout, r"ok +dropped +0\n")
        self.assertNotIn("\033", done.stdout)
        original = LICENCE.read_bytes()
        received = (self.folder / "out" / "received-by-c.txt").read_bytes()
        self.assertGreater(len(received), len(original))
        self.assertEqual(received, original * (len(received) // len(original)))

    def test_a_difference_is_noticed(self):
        other = self.file_with(LICENCE.read_bytes().replace(b"Apache", b"Opache", 1))
        done = self.run_demo(LICENCE, "--compare-with", other)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"FAIL +C ")
        self.assertRegex(done.stdout, r"FAIL +Python ")

    def test_odd_lines_arrive_too(self):
        odd = "no line feed at the end, \0 inside, \r\n a form feed \f and ünïcödé \u2028 words\n\n\n  x".encode()
        done = self.run_demo(self.file_with(odd))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_file_that_is_no_text_is_refused(self):
        done = self.run_demo(self.file_with(b"\xff\xfe\x00"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("UTF-8", done.stderr)

    def test_an_empty_file_is_refused(self):
        done = self.run_demo(self.file_with(b""))
        self.assertEqual(done.returncode, 1)
        self.assertIn("is empty", done.stderr)

    def test_a_missing_file_is_refused(self):
        done = self.run_demo(self.folder / "nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
