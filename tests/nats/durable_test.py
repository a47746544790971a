#!/usr/bin/env python3
"""Durable types: kept by a stream, and handed to bridges that were away.

  durable_test.py MYCELIUM NODE [TEST...]
"""

from __future__ import annotations

import signal
import sys
import unittest

from mesh import COUNTER, OPAQUE, SUBJECTS, TEXT, Bridge, text_message
from nats_client import PATIENCE_S, Client, wait_until
from streams import DURABLE, StreamTest, ids


class Streams(StreamTest):
    def test_a_stream_is_made_and_keeps_what_is_published(self) -> None:
        here = self.door("north", "--nats-max-age", "3600", "--nats-max-bytes", "1000000")
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 1000)
        here.wait_for("acknowledged", 1000)
        page = self.state()
        self.assertEqual(page["state"]["messages"], 1000)
        self.assertIn(SUBJECTS[TEXT], page["config"]["subjects"])
        self.assertEqual((page["config"]["storage"], page["config"]["max_age"], page["config"]["max_bytes"]),
                         ("file", 3600 * 10**9, 1000000))
        counts = here.nats()
        self.assertEqual((counts["stored"], counts["lost"], counts["dropped"], counts["again"]), (1000, 0, 0, 0))

    def test_a_stream_that_is_there_gets_the_subjects_that_it_lacks_and_keeps_its_limits(self) -> None:
        with Client(self.nats) as client:
            made = client.api("STREAM.CREATE.MYCELIUM", {"name": "MYCELIUM", "subjects": ["mine.>"], "max_msgs": 777,
                                                         "storage": "file", "retention": "limits"})
            self.assertNotIn("error", made)
        here = self.door("north")
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 10)
        here.wait_for("acknowledged", 10)
        config = self.state()["config"]
        self.assertEqual((config["subjects"][0], config["max_msgs"]), ("mine.>", 777))
        self.assertIn(SUBJECTS[TEXT], config["subjects"])

    def test_a_bridge_that_comes_later_gets_all_with_its_whole_envelope(self) -> None:
        here = self.door("north")
        near = self.node(here, TEXT, COUNTER)
        publisher = self.publisher(here, TEXT, COUNTER)
        publisher.tell("publish", TEXT, 1, 1000)
        publisher.tell("publish", COUNTER, 1, 1000)
        sent = near.wait(2000)
        here.wait_for("acknowledged", 2000)
        there = self.door("south")
        far = self.node(there, TEXT, COUNTER)
        received = far.wait(2000)
        self.assertEqual(set(received), set(sent))
        self.only_once(received)
        self.in_order(received)

    def test_a_bridge_that_was_killed_gets_what_it_missed(self) -> None:
        here, there = self.door("north"), self.door("south")
        far = self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 500)
        before = ids(far.wait(500))
        there.wait_for("accepted", 500)
        self.settled("south")
        there.kill()
        far.kill()
        publisher.tell("publish", TEXT, 501, 1500)
        here.wait_for("acknowledged", 1500)
        far = self.node(self.door("south"), TEXT)
        after = ids(far.wait(1000))
        self.assertEqual(len(after), 1000)  # nothing that it had already
        self.assertEqual(len(set(before + after)), 1500)
        self.in_order(far.got())

    def settled(self, mesh: str) -> None:
        """Until everything that the bridge was given is acknowledged."""
        with Client(self.nats) as client:
            wait_until(lambda: client.api(f"CONSUMER.INFO.MYCELIUM.{mesh}_door_{TEXT}").get("num_ack_pending") == 0,
                       "all is acknowledged")

    def test_a_bridge_that_is_killed_under_load_loses_nothing(self) -> None:
        here, there = self.door("north"), self.door("south")
        far = self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.begin("publish", TEXT, 1, 20_000)
        seen = set()
        for _ in range(3):
            count = len(far.got())
            wait_until(lambda count=count: len(far.got()) >= min(count + 1000, 15_000), "messages come")
            there.kill()
            far.tell("flush")  # what the dead bridge had acknowledged it had handed to its mesh
            seen |= set(ids(far.got()))
            far.kill()
            there = self.door("south")
            far = self.node(there, TEXT)
        publisher.answered()
        here.wait_for("acknowledged", 20_000)
        wait_until(lambda: len(seen | set(ids(far.got()))) == 20_000, "every message has come", 2 * PATIENCE_S)
        self.in_order(far.got())

    def test_a_publishing_bridge_that_is_restarted_takes_nothing_of_its_own_back(self) -> None:
        here = self.door("north")
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 300)
        here.wait_for("acknowledged", 300)
        here.kill()
        again = self.door("north")
        listener = self.node(again, TEXT)
        again.wait_for("echoes", 300)
        publisher = self.publisher(again)
        publisher.tell("publish", TEXT, 301, 301)
        self.assertEqual(len(listener.wait(1)), 1)

    def test_what_plain_clients_store_comes_too_and_once_by_two_bridges(self) -> None:
        first = self.door("south")
        second = self.bridge(self.nats, *DURABLE, "--nats-mesh", "south", "--name", "other", "--dial", first.address)
        nodes = [self.node(first, TEXT), self.node(second, TEXT)]
        self.subscribed(first, TEXT)
        self.subscribed(second, TEXT)
        with Client(self.nats) as client:
            for number in range(200):
                answer = client.request(SUBJECTS[TEXT], text_message(str(number)))
                self.assertIn(b'"seq"', answer.payload)
        for each in nodes:
            each.wait(200)
        publisher = self.publisher(first)
        publisher.tell("publish", TEXT, 1, 1)
        for each in nodes:
            self.assertEqual(len(each.wait(201)), 201)

    def test_a_server_that_is_killed_and_restarted_loses_nothing(self) -> None:
        here, there = self.door("north"), self.door("south")
        near, far = self.node(here, TEXT), self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.begin("publish", TEXT, 1, 30_000)
        for at in (2000, 15_000):
            far.wait(at)
            self.nats.kill()
            self.nats.start()
        publisher.answered()
        far.wait(30_000)
        near.wait(30_000)
        here.wait_for("acknowledged", 30_000)
        self.only_once(ids(far.got()))
        self.assertEqual(set(ids(far.got())), set(ids(near.got())))
        counts = here.nats()
        self.assertEqual((counts["stored"], counts["lost"], counts["dropped"]), (30_000, 0, 0))

    def test_a_consumer_that_was_deleted_is_made_again_and_nothing_comes_twice(self) -> None:
        here, there = self.door("north"), self.door("south")
        far = self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 500)
        far.wait(500)
        self.settled("south")
        there.process.send_signal(signal.SIGSTOP)  # so that it asks for nothing while the consumer vanishes
        with Client(self.nats) as client:
            name = f"MYCELIUM.south_door_{TEXT}"
            wait_until(lambda: client.api(f"CONSUMER.INFO.{name}")["num_waiting"] == 0, "its last request is over")
            self.assertTrue(client.api(f"CONSUMER.DELETE.{name}")["success"])
        there.process.send_signal(signal.SIGCONT)
        publisher.tell("publish", TEXT, 501, 1000)
        far.wait(1000)
        there.wait_for("repeated", 500)  # it begins with the oldest message
        self.settled("south")
        publisher.tell("publish", TEXT, 1001, 1001)
        got = far.wait(1001)
        self.only_once(ids(got))
        self.in_order(got)
        self.assertEqual((len(got), there.nats()["repeated"]), (1001, 500))

    def test_a_bridge_that_is_killed_twice_before_it_acknowledges_goes_back_no_further(self) -> None:
        here, there = self.door("north"), self.door("south")
        far = self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 500)
        far.wait(500)
        self.settled("south")
        self.withhold(there)
        publisher.tell("publish", TEXT, 501, 600)
        far.wait(600)
        for _ in range(2):
            self.pending("south", 100)
            there.kill()
            far.kill()
            there = self.door("south")
            self.withhold(there)
            far = self.node(there, TEXT)
            self.assertEqual(len(far.wait(100)), 100)
        self.pending("south", 100)
        publisher.tell("publish", TEXT, 601, 601)
        got = far.wait(101)
        self.assertEqual(len(got), 101)
        self.in_order(got)

    def withhold(self, at: Bridge) -> None:
        """From now on the bridge has a neighbour that acknowledges nothing; for a while it is not given up."""
        silent = self.node(at, OPAQUE)
        publisher = self.node(at)
        self.heard(publisher, OPAQUE)
        silent.process.send_signal(signal.SIGSTOP)
        publisher.tell("publish", OPAQUE, 1, 1)
        publisher.tell("end")

    def pending(self, mesh: str, count: int) -> None:
        """Until the bridge was given so many messages, and has not acknowledged them."""
        with Client(self.nats) as client:
            wait_until(lambda: client.api(f"CONSUMER.INFO.MYCELIUM.{mesh}_door_{TEXT}").get("num_ack_pending") == count,
                       f"{count} are not acknowledged")

    def test_a_type_that_gets_another_subject_is_read_from_its_beginning(self) -> None:
        there = self.door("south", "--nats-prefix", "old")
        far = self.node(there, TEXT)
        with Client(self.nats) as client:
            for prefix in ("old", "new"):
                self.subscribed_to(there, f"{prefix}.examples.TextMessage")
                client.request(f"{prefix}.examples.TextMessage", text_message(prefix))
                got = far.wait(1)
                self.assertEqual([bytes.fromhex(each.payload) for each in got], [text_message(prefix)])
                self.settled("south")
                there.kill()
                far.kill()
                there = self.door("south", "--nats-prefix", "new")
                far = self.node(there, TEXT)

    def subscribed_to(self, bridge: Bridge, subject: str) -> None:
        wait_until(lambda: bridge.nats()["subscribed"] == [subject], f"subscribed to {subject}")

    def test_a_stream_that_was_deleted_is_made_again(self) -> None:
        here, there = self.door("north"), self.door("south")
        far = self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 100)
        far.wait(100)
        here.wait_for("acknowledged", 100)
        with Client(self.nats) as client:
            self.assertTrue(client.api("STREAM.DELETE.MYCELIUM")["success"])
        publisher.tell("publish", TEXT, 101, 1000)
        got = far.wait(1000)
        self.only_once(ids(got))
        self.assertEqual(len(got), 1000)
        here.wait_for("acknowledged", 1000)
        self.assertEqual(self.state()["state"]["messages"], 900)

    def test_a_neighbour_that_stands_still_delays_no_other_but_the_acknowledgement(self) -> None:
        here, there = self.door("north"), self.door("south")
        living, stopped = self.node(there, TEXT), self.node(there, TEXT)
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 10)
        for each in (living, stopped):
            each.wait(10)
        self.settled("south")
        stopped.process.send_signal(signal.SIGSTOP)  # nobody knows whether it has died; what comes is kept for it
        for number in range(11, 1011, 100):
            publisher.tell("publish", TEXT, number, number + 99)
            living.wait(number + 99)
        with Client(self.nats) as client:
            info = client.api(f"CONSUMER.INFO.MYCELIUM.south_door_{TEXT}")
        self.assertGreaterEqual(info["num_ack_pending"], 1000)
        stopped.kill()  # which the kernel tells
        self.settled("south")
        publisher.tell("publish", TEXT, 1011, 1011)
        self.only_once(ids(living.wait(1011)))
        self.settled("south")

    def test_a_server_without_jetstream_is_told_of_once(self) -> None:
        bridge = self.bridge(self.server(name="plain"), *DURABLE, "--nats-mesh", "north")
        publisher = self.publisher(bridge)
        publisher.tell("publish", TEXT, 1, 10)
        bridge.wait_for("again", 30)  # it has tried several times
        told = [line for line in bridge.err.all() if "has to be enabled" in line]
        self.assertEqual(len(told), 1, bridge.err.all())
        self.assertEqual((bridge.nats()["stored"], bridge.nats()["on_their_way"]), (10, 10))

    def test_what_is_not_acknowledged_at_the_end_is_counted_as_lost(self) -> None:
        here = self.door("north")
        publisher = self.publisher(here)
        publisher.tell("publish", TEXT, 1, 10)
        here.wait_for("acknowledged", 10)
        self.nats.kill()
        wait_until(lambda: not here.nats()["connected"], "the connection is gone")
        publisher.tell("publish", TEXT, 11, 30)
        publisher.tell("end")
        here.terminate()
        counts = here.nats()
        self.assertEqual(counts["acknowledged"] + counts["lost"], 30)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
