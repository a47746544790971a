#!/usr/bin/env python3
"""The verbs over a hub that speaks TLS and asks for certificates, and what they say where there is no link.

  tls_test.py MYCELIUM WORDS

WORDS is a plug-in that answers WordCountRequest (words.c).
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

import processes
from processes import PATIENCE_S, WithHub, lines_of, run

sys.path.append(str(Path(__file__).resolve().parents[1] / "bridge"))
from authority import Authority  # noqa: E402

processes.PROGRAM, WORDS = sys.argv[1:3]
TEXT = {"sender": "ada", "content": "hello", "timestamp": 7}
ON_A_BUS = ("bench", "bw", "delay", "echo", "hz", "list", "oversight", "pub", "record", "replay", "request", "sub",
            "top")


class WithTlsHub(WithHub):
    """The hub of each test listens by TLS alone, at self.place, and asks for a certificate of self.authority."""

    def open_hub(self) -> None:
        self.authority = Authority(self.folder, "authority")
        self.place = self.another_hub("--name", "hub", *self.authority.issue("hub"))
        self.credentials = self.authority.issue("client")
        self.bus = ("--tcp", self.place, *self.credentials)

    def another_hub(self, *options: str, at: str = "127.0.0.1") -> str:
        """Where it listens; self.hub_process is the last one's."""
        hub = self.start("bridge", "--tcp", f"{at}:0", *options)
        self.hub_process = hub
        found = re.search(r"listening at (?:tls|tcp):(\S+)$", self.next_line(hub))
        self.assertIsNotNone(found)
        return found[1]

    def next_line(self, process: subprocess.Popen[str]) -> str:
        watch = threading.Timer(PATIENCE_S, process.kill)
        watch.start()
        try:
            return process.stderr.readline()
        finally:
            watch.cancel()

    def assert_told(self, pattern: str, *bus: str) -> None:
        """A verb that waits for this bus for as long as it takes says so meanwhile."""
        recorder = self.start("record", str(self.folder / "never.mcap"), "--force", *bus)
        heard = []
        while not heard or not re.search(pattern, heard[-1]):
            heard.append(self.next_line(recorder))
            self.assertTrue(heard[-1], f"it did not say {pattern!r}, but: {heard}")
        recorder.send_signal(signal.SIGTERM)
        self.assertEqual(self.end_of(recorder)[0], 0)


class OverTls(WithTlsHub):
    def test_what_one_process_publishes_another_prints(self) -> None:
        subscriber = self.subscriber("TextMessage", "--count", "1")
        self.publish("TextMessage", TEXT)
        code, out, errors = self.end_of(subscriber)
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(lines_of(out)[0]["message"], TEXT)
        self.assertEqual([each["name"] for each in self.neighbourhood()["nodes"]], ["hub"])

    def test_a_request_has_its_reply(self) -> None:
        self.subscriber("CounterUpdate", "--load", WORDS, "--name", "server")
        done = run("request", "WordCountRequest", '{"text": "to be or not"}', "--field", "words", *self.bus)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "4\n", ""))

    def test_a_bus_is_recorded_and_replayed(self) -> None:
        file = str(self.folder / "texts.mcap")
        recorder = self.subscriber(file, "--count", "3", "--name", "recorder", verb="record")
        self.publish("TextMessage", TEXT, "--count", "3")
        code, _, errors = self.end_of(recorder)
        self.assertEqual((code, errors), (0, ""))
        subscriber = self.subscriber("TextMessage", "--count", "3")
        replayed = run("replay", file, "--fast", "--wait", str(PATIENCE_S), *self.bus)
        self.assertEqual((replayed.returncode, replayed.stderr), (0, ""))
        self.assertEqual([each["message"] for each in lines_of(self.end_of(subscriber)[1])], [TEXT] * 3)

    def test_rates_and_loads_are_measured(self) -> None:
        meter = self.subscriber("TextMessage", "--json", "--count", "5", verb="hz")
        self.publish("TextMessage", TEXT, "--count", "5")
        self.assertEqual(lines_of(self.end_of(meter)[1])[-1]["messages"], 5)
        done = run("bench", "--json", "--seconds", "0.05", *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        row = json.loads(done.stdout)
        self.assertEqual((row["through"], row["dropped"]), ("tcp:" + self.place, 0))
        self.assertGreater(row["published"], 0)

    def test_top_shows_it_and_serves_it(self) -> None:
        done = run("top", "--json", "--count", "1", *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("hub", [each["name"] for each in json.loads(done.stdout)["nodes"]])
        server = self.start("top", "--http", *self.bus)
        self.assertIn("serving http://127.0.0.1:", self.next_line(server))

    def test_oversight_joins_it(self) -> None:
        scores = self.folder / "scores"
        scores.write_text("0.9\n")
        self.subscriber("--scores", str(scores), "--name", "watcher", verb="oversight")

    def test_an_address_that_asks_for_tls_needs_no_file(self) -> None:
        certificate, key = self.credentials[1:4:2]
        place = self.another_hub("--tls-cert", certificate, "--tls-key", key)
        system = {"SSL_CERT_FILE": str(self.authority.pem)}  # stands for what the system believes
        done = run("pub", "TextMessage", json.dumps(TEXT), "--no-wait", "--tls", place, **system)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(self.next_line(self.hub_process), "linked with 'pub' over tls:")

    def test_a_token_goes_with_it(self) -> None:
        token, other = self.folder / "token", self.folder / "other"
        token.write_text("open sesame\n")
        other.write_text("open barley\n")
        place = self.another_hub("--token-file", str(token), *self.credentials)
        done = run("pub", "TextMessage", "{}", "--no-wait", "--tcp", place, "--token-file", str(token),
                   *self.credentials)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_told("no link over tls:.*the token is another one; --token-file has to",
                         "--tcp", place, "--token-file", str(other), *self.credentials)
        self.assert_told("asks for a token.*; --token-file$", "--tcp", place, *self.credentials)


class WithoutALink(WithTlsHub):
    def test_who_has_no_certificate_hears_what_to_do(self) -> None:
        done = run("pub", "TextMessage", "{}", "--tcp", self.place, "--tls-ca", str(self.authority.pem))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, rf"(?m)^mycelium pub: no link over tls:{self.place}: .*certificate required.*"
                                      r"; show one: --tls-cert and --tls-key$")
        self.assertRegex(done.stderr.splitlines()[-1], "^mycelium pub: no link: ")
        self.assertEqual(done.stderr.count("--tls-cert"), 1, "it is told once, however often it is tried")

    def test_who_has_somebody_elses_certificate_hears_it(self) -> None:
        stranger = Authority(self.folder, "elsewhere").issue("stranger")
        self.assert_told("alert unknown ca.*an authority of its --tls-ca signed$",
                         "--tcp", self.place, *stranger[:4], "--tls-ca", str(self.authority.pem))

    def test_an_authority_that_does_not_fit_is_told(self) -> None:
        other = Authority(self.folder, "elsewhere")
        for address in (("--tcp", self.place, "--tls-ca", str(other.pem)), ("--tls", self.place)):
            self.assert_told("certificate is not accepted: .*; --tls-ca has to hold the authority", *address)

    def test_a_certificate_of_another_host_is_told(self) -> None:
        place = self.another_hub(*self.authority.issue("third"), at="127.0.0.3")  # which no certificate names
        self.assert_told("IP address mismatch; .*has to name the host that is dialed$",
                         "--tcp", place, *self.credentials)

    def test_tls_and_plain_bytes_do_not_mix(self) -> None:
        self.assert_told(f"no link over tcp:{self.place}: .*; perhaps it speaks TLS", "--tcp", self.place)
        self.assert_told("does not speak it; leave out --tls", "--tls", self.another_hub())

    def test_who_is_refused_is_told_in_characters_that_do_nothing_to_a_terminal(self) -> None:
        allow = self.folder / "allow.toml"
        allow.write_text('[[allow]]\ncertificate = "nobody"\n')
        place = self.another_hub("--allow", str(allow), *self.credentials)
        self.assert_told(r"the other side refuses: not allowed: no rule fits '\\x1b\[31mred'",
                         "--tcp", place, "--name", "\x1b[31mred", *self.credentials)

    def test_a_wrong_file_is_named_before_anything_is_done(self) -> None:
        never = self.folder / "never.mcap"
        _, certificate, _, key, _, authority = self.credentials
        gone = str(self.folder / "gone.pem")
        no_such_file = "gone.pem: no certificate in PEM: No such file"
        for options, words in ((("--tls-cert", gone, "--tls-key", key), no_such_file),
                               (("--tls-cert", certificate, "--tls-key", gone), "gone.pem: no key in PEM"),
                               (("--tls-cert", certificate, "--tls-key", self.folder / "hub.key"), "hub.key: "),
                               (("--tls-ca", gone), "gone.pem: no certificates of authorities in PEM: No such file"),
                               (("--tls-ca", key), "client.key: no certificates of authorities in PEM"),
                               (("--token-file", gone), "gone.pem: the token file cannot be read or is empty")):
            done = run("record", str(never), "--tcp", self.place, *map(str, options))
            self.assertEqual(done.returncode, 1, options)
            self.assertRegex(done.stderr, f"^mycelium record: .*{re.escape(words)}")
            self.assertFalse(never.exists())
        for verb, given in (("pub", ("TextMessage", "{}")), ("bridge", ())):
            for half, other in (("--tls-cert", "--tls-key"), ("--tls-key", "--tls-cert")):
                done = run(verb, *given, "--tcp", self.place, half, certificate)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"{half} requires {other}", done.stderr)

    def test_another_machine_is_dialed_with_proof_only(self) -> None:
        done = run("list", "--tcp", "192.0.2.1:7000")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "is another machine: .*; --token-file, --tls, or --tls-ca$")


class TheOptions(unittest.TestCase):
    def test_every_verb_on_a_bus_has_those_of_the_bridge(self) -> None:
        def told(verb: str, *arguments: str) -> dict[str, str]:
            page = re.sub(r"\n {10,}", " ", run(verb, *arguments, "--help").stdout)  # a text under its option
            return dict(re.findall(r"(?m)^ +(--(?:tls-\w+|token-file)) +(.+?) *$", page))

        of_bridge = told("bridge")
        self.assertEqual(set(of_bridge), {"--token-file", "--tls-cert", "--tls-key", "--tls-ca"})
        for verb in (*((each,) for each in ON_A_BUS), ("replay", "--nats", "x")):
            self.assertEqual(told(*verb), of_bridge, verb)
            self.assertRegex(run(*verb, "--help").stdout, r"(?m)^ +--tls HOST:PORT ")

    def test_a_bench_goes_through_one_node(self) -> None:
        done = run("bench", "--tcp", "127.0.0.1:1", "--tls", "127.0.0.1:2")
        self.assertEqual(done.returncode, 2)
        self.assertIn("give one of --unix, --tcp and --tls", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
