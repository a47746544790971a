#!/usr/bin/env python3
"""The demo does what it says, and its checks can fail.

  demo_test.py PUBLISHER SUBSCRIBER HOSTS      with mycelium_native in PYTHONPATH

HOSTS is demo-hosts.txt of the build folder: the hosts in other languages that were built.
"""

import json
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HOST = Path(__file__).with_name("host.py")
LICENCE = HOST.parents[2] / "LICENSE"
PUBLISHER, SUBSCRIBER = sys.argv[1:3]
HOSTS = dict(line.split("=", 1) for line in Path(sys.argv[3]).read_text().splitlines() if line)


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

    def test_the_text_passes_oversight_clean_and_is_halted_before_a_planted_word(self):
        done = self.run_demo(LICENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        words = len(LICENCE.read_text().split())
        self.assertRegex(done.stdout, r"clean run +[\d,]+ tokens scored and shown")
        halt = re.search(r"halted run +before token ([\d,]+): hard_limit \(0\.0500 < 0\.5\); the source stopped after "
                         r"([\d,]+) token", done.stdout)
        self.assertAlmostEqual(int(halt[1].replace(",", "")), words // 2, delta=1)
        self.assertLess(int(halt[2].replace(",", "")), words)
        self.assertRegex(done.stdout, r"evidence .*: 0\.95 +\d+: 0\.05\n")
        self.assertRegex(done.stdout, r"ok +clean run +ended with EndOfSequence; what was shown is the text\n")
        self.assertRegex(done.stdout, r"ok +halted run +ended with Halted; nothing from 'sdrawkcab' on was shown\n")
        self.assertNotIn("sdrawkcab", done.stdout.replace("'sdrawkcab'", ""))

    def test_a_difference_is_noticed(self):
        other = self.file_with(LICENCE.read_bytes().replace(b"Apache", b"Opache", 1))
        done = self.run_demo(LICENCE, "--compare-with", other)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"FAIL +C ")
        self.assertRegex(done.stdout, r"FAIL +Python ")

    def test_every_other_host_comes_to_the_same_counts(self):
        for name, program in HOSTS.items():
            with self.subTest(name):
                done = self.run_demo(LICENCE, "--host", f"{name}={program}")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                own, other = done.stdout.split(f"The same job hosted by {name}", 1)
                received = r"[\d,]+ messages, [\d,]+ bytes: equal to the file, byte for byte, [\d,]+ times"
                self.assertEqual(re.findall(received, own)[0:1] * 2, re.findall(received, other))
                self.assertRegex(other, rf"ok +{name} +[\d,]+ messages")
                self.assertRegex(other, r"ok +same counts +as in the Python host\n")
                self.assertNotIn("FAIL", done.stdout)
                folder = self.folder / "out" / name.lower()
                self.assertEqual((folder / "received-by-host.txt").read_bytes(),
                                 (self.folder / "out" / "received-by-python.txt").read_bytes())

    def test_other_hosts_take_odd_lines_too(self):
        odd = self.file_with("no line feed at the end, \0 inside, \r\n and \u00fcn\u00efc\u00f6d\u00e9\n\n  x".encode())
        for name, program in HOSTS.items():
            with self.subTest(name):
                done = self.run_demo(odd, "--host", f"{name}={program}")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def host_that(self, text: str) -> Path:
        """A host that copies the file as if it had been received, and says text."""
        path = self.folder / "host"
        passes = "$(( $5 / $(grep -c '' \"$1\") ))"
        path.write_text(f"#!/bin/sh\nfor name in c host; do for i in $(seq {passes}); do cat \"$1\"; done "
                        f">\"$4/received-by-$name.txt\"; done\nmessages=$5\necho {text}\n")
        path.chmod(0o755)
        return path

    def test_a_host_that_comes_to_other_counts_is_noticed(self):
        right = self.run_demo(LICENCE)
        words = int(re.search(r"Python counted ([\d,]+)", right.stdout)[1].replace(",", ""))
        requests = int(re.search(r"word counts +([\d,]+) requests", right.stdout)[1].replace(",", ""))
        told = {"language": "sh", "c": {"messages": 0}, "host": {"messages": 0}, "seconds": 1, "requests": requests,
                "words": words, "expected": words, "dropped": 0}
        cases = {  # what is wrong -> what fails
            (): r"ok +same counts ",
            ("c",): r"FAIL +C ",
            ("host",): r"FAIL +sh ",
            ("words",): r"FAIL +word counts ",
            ("requests",): r"FAIL +same counts ",
            ("dropped",): r"FAIL +dropped ",
        }
        for wrong, complaint in cases.items():
            said = json.loads(json.dumps(told))
            for key in ("c", "host"):
                said[key] = {"messages": 7} if key in wrong else {"messages": "MESSAGES"}
            for key in set(wrong) - {"c", "host"}:
                said[key] += 1
            text = shlex.quote(json.dumps(said)).replace('"MESSAGES"', "'$messages'")
            done = self.run_demo(LICENCE, "--host", f"sh={self.host_that(text)}")
            with self.subTest(wrong):
                self.assertEqual(done.returncode, 1 if wrong else 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout, complaint)

    def test_a_host_that_fails_is_named(self):
        path = self.folder / "host"
        path.write_text("#!/bin/sh\necho it broke >&2\nexit 3\n")
        path.chmod(0o755)
        done = self.run_demo(LICENCE, "--host", f"sh={path}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the host in sh ended with 3", done.stderr)

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
