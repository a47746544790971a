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
VERBS = ("bench", "bridge", "bw", "completion", "delay", "doctor", "echo", "hz", "info", "list", "oversight", "pub", "record",
         "recover", "replay", "request", "schema", "sub", "top")
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
        for verb in VERBS:
            self.assertRegex(page.stdout, rf"(?m)^  {verb} +\w")
            help_of_verb = run(verb, "--help")
            self.assertEqual((help_of_verb.returncode, help_of_verb.stderr), (0, ""))
            self.assertEqual(run("help", verb).stdout, help_of_verb.stdout)

    def test_a_wrong_option_is_a_wrong_command_line(self):
        for verb in set(VERBS) - {"schema"}:
            self.assertEqual(run(verb, "--no-such-option").returncode, 2, verb)

    def test_version_names_library_and_abi(self):
        self.assertRegex(run("--version").stdout, r"^mycelium \d+\.\d+\.\d+ \(ABI \d+\.\d+\)\n$")


class Oversight(unittest.TestCase):
    TEXT = "The sky is blue. The sea is deep.\nThe sky is not green."

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
        return path

    def watch(self, *options, scores=None):
        chosen = ["--scores", self.file("scores", "".join(f"{score}\n" for score in scores))] if scores else []
        return run("oversight", "--text", self.file("text", self.TEXT), *chosen, *options)

    def test_a_clean_stream_is_shown_whole(self):
        done = self.watch(scores=[0.9] * 13)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith(self.TEXT + "\nEndOfSequence: 13 tokens shown, mean 0.9000"), done.stdout)
        self.assertNotIn("\033", done.stdout)

    def test_a_halt_has_an_exit_code_its_reason_and_evidence(self):
        done = self.watch(scores=[0.9] * 6 + [0.2] + [0.9] * 6)
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        self.assertEqual(done.stdout.splitlines()[:3], [
            "The sky is blue. The sea", "halted before token 6: hard_limit (0.2000 < 0.5)",
            "  evidence  0:0.9000 1:0.9000 2:0.9000 3:0.9000 4:0.9000 5:0.9000 6:0.2000"])

    def test_a_token_without_a_score_halts(self):
        done = self.watch(scores=[0.9] * 3)
        self.assertEqual(done.returncode, 3)
        self.assertIn("because   the file has no score for this token\n", done.stdout)

    def test_json_is_an_object_a_line(self):
        done = self.watch("--json", "--whole-sentences", scores=[0.9] * 5 + [0.65, 0.2] + [0.9] * 6)
        self.assertEqual(done.returncode, 3)
        *verdicts, end = map(json.loads, done.stdout.splitlines())
        self.assertEqual([each["action"] for each in verdicts], ["release"] * 5 + ["halt"])
        self.assertEqual([each["released"] for each in verdicts], [0, 0, 0, 4, 4, 4])
        self.assertEqual(verdicts[5]["reason"], "downward_trend (0.2500 > 0.15)")
        self.assertEqual(verdicts[5]["evidence"][5], {"token": 5, "score": 0.65})
        self.assertEqual((end["end"], end["halted"], end["released"]), ("Halted", True, 4))

    def test_the_config_is_obeyed(self):
        lenient = self.file("config.json", '{"hard_limit": 0.1, "window_threshold": 0, "trend_threshold": 2}')
        self.assertEqual(self.watch("--config", lenient, scores=[0.9] * 6 + [0.2] + [0.9] * 6).returncode, 0)
        wrong = self.file("wrong.json", '{"hard_limit": 2}')
        done = self.watch("--config", wrong, scores=[0.9])
        self.assertEqual(done.returncode, 1)
        self.assertIn("wrong.json: config error: hard_limit must be in [0, 1], is 2", done.stderr)

    def test_facts_and_a_prompt_score_without_a_file_of_scores(self):
        facts = self.file("facts", "The sky is blue.\nThe sea is deep.\n")
        done = self.watch("--facts", facts, "--prompt", "How do sky and sea look?")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("The sky is blue.", done.stdout)
        self.assertNotIn("green", done.stdout)

    def test_what_is_wrong_is_told(self):
        self.assertEqual(self.watch().returncode, 2)
        self.assertIn("--scores FILE, or --prompt", self.watch().stderr)
        self.assertEqual(self.watch("--prompt", "x", scores=[1]).returncode, 2)
        done = self.watch("--scores", self.file("odd", "0.5\nhalf\n"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("odd:2: 'half' is no number", done.stderr)
        done = run("oversight", "--text", "/no/such/file", "--prompt", "x")
        self.assertEqual((done.returncode, done.stderr), (1, "mycelium oversight: /no/such/file cannot be read\n"))

    def test_an_empty_stream_ends(self):
        done = run("oversight", "--text", self.file("text", ""), "--prompt", "x")
        self.assertEqual(done.returncode, 0)
        self.assertIn("0 tokens shown", done.stdout)


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
