#!/usr/bin/env python3
"""Types that are delivered at least once, over a hub: what a worker had not printed when it was killed, or left,
is printed by the next one of its name.

  at_least_once_test.py MYCELIUM
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
from processes import PATIENCE_S, WithHub, run

processes.PROGRAM = sys.argv[1]
KEPT = ("--at-least-once", "CounterUpdate")


class AtLeastOnce(WithHub):
    def open_hub(self) -> None:
        self.open_hub_with()

    def open_hub_with(self, *options: str) -> None:
        """Of which last_counters tells."""
        self.hub = str(self.folder / f"hub-{len(options)}-options")
        self.bus = ("--unix", self.hub)
        self.told = open(self.folder / f"counters{len(options)}", "w+", encoding="utf-8")
        self.addCleanup(self.told.close)
        self.hub_process = self.start("bridge", "--unix", self.hub, "--name", "hub", "--every", "0.02", *options,
                                      out=self.told)
        self.assertIn("listening at ", self.hub_process.stderr.readline())

    def worker(self, *options: str) -> subprocess.Popen[str]:
        """Prints a value a line."""
        return self.subscriber("CounterUpdate", "--name", "worker", "--policy", "block", "--field", "value", *options)

    def publisher(self, *options: str) -> subprocess.Popen[str]:
        return self.start("pub", "CounterUpdate", "-", "--timeout", str(PATIENCE_S), *options, *self.bus)

    @staticmethod
    def publish_values(publisher: subprocess.Popen[str], values: range) -> None:
        for value in values:
            publisher.stdin.write(json.dumps({"value": value}) + "\n")
        publisher.stdin.flush()

    def sent_to_worker(self) -> int:
        """Messages that the hub has put on the worker's link, as it told last."""
        whole = Path(self.told.name).read_text(encoding="utf-8").splitlines(keepends=True)
        if whole and not whole[-1].endswith("\n"):
            whole.pop()
        neighbours = json.loads(whole[-1])["neighbours"] if whole else []
        return next((each["sent"] for each in neighbours if each["name"] == "worker"), 0)

    @staticmethod
    def values_of(text: str) -> list[int]:
        return [int(line) for line in text.splitlines()]

    def killed_and_started_again(self, *options: str) -> None:
        first = self.worker()
        publisher = self.publisher(*options)
        self.publish_values(publisher, range(100))
        printed = self.printed_until(first, set(range(100)))
        first.send_signal(signal.SIGSTOP)
        self.publish_values(publisher, range(100, 200))
        self.until(lambda: self.sent_to_worker() >= 200, "the hub does not send on")
        first.kill()
        printed += self.values_of(first.stdout.read())
        self.publish_values(publisher, range(200, 300))
        self.assertLess(len(printed), 200, "it was killed too late to have missed anything")

        second = self.worker()
        self.publish_values(publisher, range(300, 310))
        self.end_of_input(publisher)
        again = self.printed_until(second, set(range(310)) - set(printed))
        self.assertEqual(again, sorted(again), "the order")
        self.assertEqual(publisher.wait(PATIENCE_S), 0)

    def printed_until(self, worker: subprocess.Popen[str], missing: set[int]) -> list[int]:
        """All that it prints until nothing of this is missing."""
        watch = threading.Timer(PATIENCE_S, worker.kill)
        watch.start()
        printed = []
        while missing:
            line = worker.stdout.readline()
            self.assertTrue(line, f"{len(missing)} values are missing: {sorted(missing)[:10]}")
            printed.append(int(line))
            missing.discard(printed[-1])
        watch.cancel()
        return printed

    @staticmethod
    def end_of_input(publisher: subprocess.Popen[str]) -> None:
        publisher.stdin.close()
        publisher.stdin = None

    def test_by_the_publisher(self) -> None:
        self.killed_and_started_again(*KEPT)

    def test_by_the_hub(self) -> None:
        self.open_hub_with(*KEPT)
        self.killed_and_started_again()

    def test_who_leaves_with_messages_that_it_did_not_print_leaves_them_to_the_next(self) -> None:
        first = self.worker("--count", "10")
        publisher = self.publisher(*KEPT)
        self.publish_values(publisher, range(1000))
        code, out, errors = self.end_of(first)
        self.assertEqual((code, errors), (0, ""))
        printed = self.values_of(out)
        self.assertEqual(printed, list(range(10)))
        self.end_of_input(publisher)
        self.printed_until(self.worker(), set(range(10, 1000)))
        self.assertEqual(publisher.wait(PATIENCE_S), 0)

    def test_a_replay_ends_when_all_was_delivered(self) -> None:
        file = str(self.folder / "values.mcap")
        recorder = self.subscriber(file, "--count", "200", verb="record")
        publisher = self.publisher()
        self.publish_values(publisher, range(200))
        self.end_of_input(publisher)
        self.assertEqual((self.end_of(recorder)[0], publisher.wait(PATIENCE_S)), (0, 0))

        first = self.worker()
        first.send_signal(signal.SIGSTOP)
        sent_before = self.sent_to_worker()
        replay = self.start("replay", file, "--fast", "--wait", str(PATIENCE_S), *KEPT, *self.bus)
        self.until(lambda: self.sent_to_worker() - sent_before >= 200, "the hub does not send on")
        first.kill()
        printed = self.values_of(first.stdout.read())
        self.assertLess(len(printed), 200, "it was killed too late to have missed anything")
        self.assertIsNone(replay.poll(), "it ended before all was delivered")
        self.printed_until(self.worker(), set(range(200)) - set(printed))
        code, _, errors = self.end_of(replay)
        self.assertEqual(code, 0, errors)

    def test_the_publisher_says_whether_all_was_delivered(self) -> None:
        worker = self.worker()
        done = run("pub", "CounterUpdate", "{}", "--json", *KEPT, *self.bus)
        self.assertEqual((done.returncode, json.loads(done.stdout)["delivered"]), (0, True))
        worker.send_signal(signal.SIGSTOP)
        done = run("pub", "CounterUpdate", "{}", "--json", "--timeout", "0.2", *KEPT, *self.bus)
        self.assertEqual((done.returncode, json.loads(done.stdout)["delivered"]), (1, False))
        self.assertIn("mycelium pub: not everything was taken in time", done.stderr)
        worker.send_signal(signal.SIGCONT)


class TheOption(unittest.TestCase):
    def test_what_is_no_list_of_types_is_refused(self) -> None:
        for types, words in (("", "holds nothing where a type should be"),
                             ("0", "ids in 1 to 65535"),
                             ("5-3", 'write "1000-1999"'),
                             ("CounterUpdate,", "holds nothing where a type should be"),
                             ("CounterUpdates", "--at-least-once: there is no message type 'CounterUpdates'"),
                             ("CounterUpdate, sensor", "--at-least-once: there is no message type 'sensor'")):
            for verb, given in (("pub", ("TextMessage", "{}")), ("bridge", ())):
                done = run(verb, *given, "--unix", "/nonexistent/hub", "--at-least-once", types)
                self.assertEqual(done.returncode, 1, (verb, types))
                self.assertRegex(done.stderr, f"^mycelium {verb}: .*{re.escape(words)}")

    def test_who_publishes_has_it_and_who_listens_has_not(self) -> None:
        def has_it(*verb: str) -> bool:
            return "--at-least-once TYPES" in run(*verb, "--help").stdout

        for verb in (("bridge",), ("pub",), ("replay",), ("replay", "--nats", "x")):
            self.assertTrue(has_it(*verb), verb)
        for verb in ("sub", "echo", "record", "request"):
            self.assertFalse(has_it(verb), verb)

    def test_a_topology_says_it_itself(self) -> None:
        done = run("bridge", "--topology", "x.toml", "--service", "s", *KEPT)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--at-least-once does not go with --topology", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
