#!/usr/bin/env python3
"""What a stream has kept, published on a bus once more.

  replay_test.py MYCELIUM NODE [TEST...]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import unittest

from mesh import COUNTER, PROGRAM, TEXT, Bridge
from nats_client import PATIENCE_S, Client
from streams import StreamTest


class Replays(StreamTest):
    def setUp(self) -> None:
        super().setUp()
        self.here = self.door("north")
        near = self.node(self.here, TEXT, COUNTER)
        self.here.wait_for_subscriber(TEXT, COUNTER)
        publisher = self.publisher(self.here, TEXT, COUNTER)
        publisher.tell("publish", TEXT, 1, 100)
        self.here.wait_for("acknowledged", 100)
        self.middle = time.time()
        publisher.tell("publish", COUNTER, 1, 50)
        publisher.tell("publish", TEXT, 101, 200)
        self.here.wait_for("acknowledged", 250)
        self.sent = near.wait(250)
        publisher.kill()
        near.kill()
        self.hub = Bridge(PROGRAM, self.folder / "hub")
        self.addCleanup(self.hub.kill)

    def replay(self, *arguments: str) -> tuple[list, dict]:
        """What a node on another bus receives, and the program's report."""
        node = self.node(self.hub, TEXT, COUNTER)
        done = subprocess.run([PROGRAM, "replay", "--nats", self.nats.url, "--unix", str(self.folder / "hub"), "--fast",
                               "--json", "--wait", str(PATIENCE_S), "--type", "examples.TextMessage",
                               *arguments], text=True, capture_output=True, timeout=2 * PATIENCE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        page = json.loads(done.stdout)
        got = node.wait(page["published"])
        node.kill()
        return got, page

    def same(self, got: list, sent: list) -> None:
        """Equal but for their origin, which is that of the replay."""
        def rest(each) -> tuple:
            return (each.type_id, each.publisher, each.sequence, each.timestamp, each.priority, each.correlation,
                    each.trace, each.payload)

        self.assertEqual(sorted(map(rest, got)), sorted(map(rest, sent)))
        self.assertEqual(len({each.origin for each in got}), 1)
        self.assertNotIn(got[0].origin, {each.origin for each in sent})

    def test_from_the_beginning_and_again(self) -> None:
        texts = [each for each in self.sent if each.type_id == TEXT]
        for _ in range(2):  # a replay is news each time
            got, page = self.replay()
            self.same(got, texts)
            self.assertEqual((page["published"], page["first"], page["refused"]), (200, 1, 50))
        got, page = self.replay("--type", "examples.CounterUpdate")
        self.same(got, self.sent)

    def test_from_a_sequence_to_a_sequence(self) -> None:
        got, page = self.replay("--from-sequence", "51", "--to-sequence", "100")
        texts = [each for each in self.sent if each.type_id == TEXT]
        self.same(got, texts[50:100])
        self.assertEqual((page["published"], page["first"], page["last"]), (50, 51, 100))
        got, page = self.replay("--from-sequence", "999")[0], None
        self.assertEqual(got, [])

    def test_from_a_time_to_a_time(self) -> None:
        texts = [each for each in self.sent if each.type_id == TEXT]
        for option, expected in (("--from-time", texts[100:]), ("--to-time", texts[:100])):
            got, page = self.replay(option, f"{self.middle:.6f}")
            self.assertEqual(page["published"], 100, f"{option} {self.middle:.6f} of {self.state()['state']}: {page}")
            self.same(got, expected)

    def test_from_a_time_soon_after_the_beginning_of_a_second(self) -> None:
        near = self.node(self.here, TEXT)
        publisher = self.publisher(self.here, TEXT)
        while (since := time.time()) % 1 > 0.09:  # libnats 3.4.1 writes such fractions wrongly
            time.sleep(0.01)
        publisher.tell("publish", TEXT, 201, 220)
        self.here.wait_for("acknowledged", 270)
        self.same(self.replay("--from-time", f"{since:.6f}")[0], near.wait(20))

    def test_the_end_is_deleted(self) -> None:
        with Client(self.nats) as client:
            client.api("STREAM.MSG.DELETE.MYCELIUM", {"seq": 250})
        texts = [each for each in self.sent if each.type_id == TEXT]
        got, page = self.replay()
        self.same(got, texts[:-1])
        self.assertEqual((page["published"], page["last"]), (199, 249))

    def test_nothing_of_a_replay_comes_back_to_nats(self) -> None:
        other = self.door("east")
        node = self.node(other, TEXT)
        node.wait(200)
        other.wait_for("accepted", 200)
        there = other.address.removeprefix("unix:")
        done = subprocess.run([PROGRAM, "replay", "--nats", self.nats.url, "--unix", there, "--fast", "--type",
                               "TextMessage", "--wait", str(PATIENCE_S)], text=True, capture_output=True,
                              timeout=2 * PATIENCE_S)
        self.assertEqual((done.returncode, done.stdout), (0, "MYCELIUM: 200 messages published\n"), done.stderr)
        node.wait(400)
        publisher = self.publisher(other)
        publisher.tell("publish", TEXT, 1, 1)
        other.wait_for("acknowledged", 1)
        self.assertEqual(self.state()["state"]["messages"], 251)

    def test_wrong_command_lines(self) -> None:
        for arguments, words in ((("--nats", self.nats.url), "--unix"),
                                 (("--nats", self.nats.url, "--unix", "x", "--from-time", "soon"), "soon")):
            done = subprocess.run([PROGRAM, "replay", *arguments], text=True, capture_output=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
