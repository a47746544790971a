#!/usr/bin/env python3
"""The mycelium program as its users see it: output, exit codes, and that doctor finds what is wrong.

  cli_test.py MYCELIUM [BROKEN_LIBRARY]
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv[1]
BROKEN_LIBRARY = sys.argv[2] if len(sys.argv) > 2 else None


def run(*arguments, preexec=None, **environment):
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, timeout=60, preexec_fn=preexec,
                          env={**os.environ, **environment})


def doctor(*, preexec=None, **environment):
    """The exit code, and the findings as {subject: finding}."""
    done = run("doctor", "--json", preexec=preexec, **environment)
    return done.returncode, {each["subject"]: each for each in json.loads(done.stdout)["findings"]}


class TheProgram(unittest.TestCase):
    def test_without_a_verb_it_says_how_it_is_used(self):
        done = run()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("usage: mycelium VERB", done.stderr)

    def test_an_unknown_verb_is_named(self):
        done = run("dance")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'dance'", done.stderr)

    def test_help_lists_every_verb_and_each_has_help_of_its_own(self):
        page = run("--help")
        self.assertEqual(page.returncode, 0)
        for verb in ("bench", "doctor", "info", "record", "recover", "replay", "schema"):
            self.assertRegex(page.stdout, rf"(?m)^  {verb} +\w")
            help_of_verb = run(verb, "--help")
            self.assertEqual((help_of_verb.returncode, help_of_verb.stderr), (0, ""))
            self.assertEqual(run("help", verb).stdout, help_of_verb.stdout)

    def test_a_wrong_option_is_a_wrong_command_line(self):
        for verb in ("bench", "doctor", "info", "record", "recover", "replay"):
            self.assertEqual(run(verb, "--no-such-option").returncode, 2, verb)

    def test_version_names_library_and_abi(self):
        self.assertRegex(run("--version").stdout, r"^mycelium \d+\.\d+\.\d+ \(ABI \d+\.\d+\)\n$")


class Doctor(unittest.TestCase):
    def test_a_working_installation_passes(self):
        code, found = doctor()
        self.assertEqual([each for each in found.values() if each["verdict"] == "fail"], [])
        self.assertEqual(code, 0)
        for subject in ("version", "callback", "dedicated thread", "inline callback", "publish a loan",
                        "queue, eventfd", "request and reply", "close", "clock", "cores", "threads", "CUDA"):
            self.assertIn(subject, found)

    def test_text_says_the_same_as_json(self):
        text = run("doctor")
        self.assertEqual(text.returncode, 0)
        self.assertRegex(text.stdout, r"(?m)^ok    queue, eventfd +a publish wakes a poll")
        self.assertRegex(text.stdout, r"\n\d+ ok, \d+ to look at, 0 failed\n$")

    def test_it_works_under_the_strictest_options(self):
        code, _ = doctor(MYCELIUM_STRICT="1", MYCELIUM_VERIFY="full", MYCELIUM_MAILBOX_CAPACITY="2")
        self.assertEqual(code, 0)

    def test_options_show_their_value_and_origin(self):
        _, found = doctor(MYCELIUM_MAILBOX_CAPACITY="64")
        self.assertEqual(found["mailbox_capacity"]["text"], "64  (from MYCELIUM_MAILBOX_CAPACITY)")
        self.assertIn("default", found["threads"]["text"])

    def test_a_bad_option_fails_and_is_named(self):
        code, found = doctor(MYCELIUM_THREADS="many")
        self.assertEqual(code, 1)
        self.assertEqual(found["options"]["verdict"], "fail")
        self.assertIn("MYCELIUM_THREADS", found["options"]["text"])
        self.assertIn("MYCELIUM_THREADS", found["runtime"]["text"])

    def test_few_descriptors_are_a_warning_that_says_what_to_do(self):
        code, found = doctor(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
        self.assertEqual((code, found["open files"]["verdict"]), (0, "warn"))
        self.assertIn("ulimit -n", found["open files"]["advice"])

    def test_one_core_is_a_warning(self):
        one = min(os.sched_getaffinity(0))
        code, found = doctor(preexec=lambda: os.sched_setaffinity(0, {one}))
        self.assertEqual((code, found["cores"]["verdict"]), (0, "warn"))


@unittest.skipUnless(BROKEN_LIBRARY, "sanitizers do not allow a library before their own")
class DoctorFindsABrokenInstallation(unittest.TestCase):
    def assert_found(self, how, *subjects):
        code, found = doctor(LD_PRELOAD=BROKEN_LIBRARY, BROKEN=how)
        self.assertEqual(code, 1)
        failed = {subject for subject, each in found.items() if each["verdict"] == "fail"}
        self.assertEqual(failed, set(subjects))
        for subject in failed:
            self.assertTrue(found[subject]["advice"])

    def test_a_library_of_another_abi(self):
        self.assert_found("abi", "version")

    def test_lost_messages(self):
        self.assert_found("loss", "callback", "message callback", "batch callback", "dedicated thread",
                          "inline callback", "queue, eventfd")

    def test_a_verifier_that_lets_everything_pass(self):
        self.assert_found("verifier", "hostile bytes")


class Bench(unittest.TestCase):
    def test_every_message_reaches_every_subscriber(self):
        done = run("bench", "--json", "--seconds", "0.05", "--publishers", "2", "--subscribers", "3",
                   "--payload", "100")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = json.loads(done.stdout)
        self.assertGreater(row["published"], 0)
        self.assertEqual(row["delivered"], 3 * row["published"])
        self.assertEqual(row["dropped"], 0)
        self.assertTrue(0 < row["p50_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"])

    def test_an_empty_payload_travels(self):
        self.assertEqual(run("bench", "--seconds", "0.01", "--payload", "0").returncode, 0)

    def test_a_payload_over_the_limit_fails_with_the_reason(self):
        done = run("bench", "--seconds", "0.01", "--payload", "2000", MYCELIUM_MAX_PAYLOAD="1000")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^mycelium bench: publish: .*max_payload")

    def test_no_publisher_is_a_wrong_command_line(self):
        self.assertEqual(run("bench", "--publishers", "0").returncode, 2)


class Info(unittest.TestCase):
    def test_it_is_json_with_every_option_and_type(self):
        page = json.loads(run("info").stdout)
        self.assertIn("MYCELIUM_THREADS", [option["variable"] for option in page["options"]])
        self.assertIn(1001, [message["type_id"] for message in page["types"]])

    def test_a_missing_file_fails(self):
        done = run("info", "/nonexistent.bfbs")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent.bfbs", done.stderr)

    def test_a_file_that_is_no_schema_fails(self):
        with tempfile.NamedTemporaryFile(suffix=".bfbs") as file:
            file.write(b"this is no binary schema, whatever it is called" * 10)
            file.flush()
            done = run("info", file.name)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(file.name, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
