#!/usr/bin/env python3
"""Clients of NATS that know nothing of Mycelium, and a mesh.

  plain_clients_test.py MYCELIUM NODE [TEST...]

NODE is tests/nats/node.c.
"""

from __future__ import annotations

import sys
import unittest

from mesh import COUNTER, OPAQUE, SUBJECTS, TEXT, TOPICS, MeshTest, text_message
from nats_client import Message, wait_until


class PlainClients(MeshTest):
    def setUp(self) -> None:
        super().setUp()
        self.nats = self.server()
        self.here = self.bridge(self.nats, *TOPICS)

    def test_a_plain_client_reads_payload_and_envelope(self) -> None:
        client = self.client(self.nats, "mycelium.>")
        node = self.node(self.here, TEXT)
        publisher = self.node(self.here)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 15)
        seen = node.wait(15)
        for message, got in zip(client.wait(15), seen, strict=True):
            self.assertEqual(message.subject, SUBJECTS[TEXT])
            self.assertEqual(message.payload.hex(), got.payload)
            headers = message.headers
            self.assertEqual(headers["Mycelium-Type"], str(TEXT))
            self.assertEqual(headers["Mycelium-Origin"], got.origin)
            self.assertEqual(headers["Mycelium-Publisher"], str(got.publisher))
            self.assertEqual(headers["Mycelium-Sequence"], str(got.sequence))
            self.assertEqual(headers["Mycelium-Timestamp"], str(got.timestamp))
            self.assertEqual(headers.get("Mycelium-Correlation", "0"), str(got.correlation))
            self.assertEqual(headers.get("Mycelium-Priority", "0"), str(got.priority))
            self.assertRegex(headers["Mycelium-Schema"], "^[0-9a-f]{64}$")
            trace = got.trace
            self.assertEqual(headers.get("traceparent"),
                             None if trace == "--00" else f"00-{trace[:32]}-{trace[32:48]}-{trace[48:]}")

    def test_a_plain_client_publishes(self) -> None:
        client = self.client(self.nats)
        node = self.node(self.here, TEXT, OPAQUE)
        self.subscribed(self.here, TEXT, OPAQUE)
        client.publish(SUBJECTS[TEXT], text_message("hello"))
        got = node.wait(1)[0]
        self.assertEqual(bytes.fromhex(got.payload), text_message("hello"))
        self.assertNotEqual(got.origin, "0" * 16)
        self.assertGreater(got.timestamp, 1_700_000_000_000_000_000)
        client.publish(SUBJECTS[OPAQUE], b"any bytes", {"Mycelium-Correlation": "77", "Mycelium-Priority": "3",
                                                        "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
        got = node.wait(2)[1]
        self.assertEqual((got.type_id, bytes.fromhex(got.payload), got.correlation, got.priority, got.trace),
                         (OPAQUE, b"any bytes", 77, 3, "ab" * 16 + "cd" * 8 + "01"))
        whole = {"Mycelium-Origin": "00000000000000aa", "Mycelium-Publisher": "5", "Mycelium-Sequence": "9",
                 "Mycelium-Timestamp": "123"}
        for _ in range(2):  # the second is known
            client.publish(SUBJECTS[TEXT], text_message("again"), whole)
        client.publish(SUBJECTS[TEXT], text_message("last"))
        got = node.wait(4)
        self.assertEqual((got[2].origin, got[2].publisher, got[2].sequence, got[2].timestamp),
                         ("00000000000000aa", 5, 9, 123))
        self.assertEqual(bytes.fromhex(got[3].payload), text_message("last"))
        self.here.wait_for("repeated", 1)

    def test_what_is_wrong_is_refused_and_counted_by_reason(self) -> None:
        client = self.client(self.nats)
        node = self.node(self.here, TEXT)
        self.subscribed(self.here, TEXT)
        good = text_message("x")
        for payload, headers in ((good, {"Mycelium-Type": "many"}), (good, {"Mycelium-Origin": "1"}),
                                 (good, {"Mycelium-Type": "1002"}), (good, {"Mycelium-Schema": "5c" * 32}),
                                 (good, {"Mycelium-Hops": "16"}), (b"", None), (b"\xff" * 100, None),
                                 (good, {"Mycelium-Key": "-1"}), (good, {"Mycelium-Schema": "5d" * 32})):
            client.publish(SUBJECTS[TEXT], payload, headers)
        client.publish(SUBJECTS[TEXT], text_message("good"))
        self.assertEqual(bytes.fromhex(node.wait(1)[0].payload), text_message("good"))
        self.here.wait_for("accepted", 1)
        counts = self.here.nats()
        self.assertEqual(counts["refused"], {"headers": 3, "type": 1, "schema": 2, "payload": 2, "size": 0, "hops": 1,
                                             "bus": 0, "request": 0})
        self.assertEqual(counts["received"], counts["accepted"] + 9)
        log = [line for line in self.here.err.all() if "refused" in line]
        self.assertEqual(len(log), 5)  # once for each reason

    def test_requests_cross_from_mesh_to_mesh(self) -> None:
        there = self.bridge(self.nats, *TOPICS)
        server = self.node(there)
        server.tell("serve", TEXT)
        self.subscribed(there, TEXT)
        asker = self.node(self.here)
        self.heard(asker, TEXT)
        for _ in range(20):
            asker.tell("ask", TEXT, "anybody there?")
        answers = [line for line in asker.out.all() if line.startswith("answer")]
        self.assertEqual(len(answers), 20)
        self.assertTrue(all(b"served" in bytes.fromhex(line.split()[2]) for line in answers))
        self.here.wait_for("answered", 20)
        there.wait_for("served", 20)

    def test_nobody_serves_is_heard_at_once(self) -> None:
        asker = self.node(self.here)
        self.heard(asker, TEXT)
        asker.tell("ask", TEXT, "anybody there?")
        self.assertIn("no answer MYCELIUM_ERROR_NO_REPLY", asker.out.all())

    def test_a_plain_client_asks_and_serves(self) -> None:
        client = self.client(self.nats)
        server = self.node(self.here)
        server.tell("serve", TEXT)
        self.subscribed(self.here, TEXT)
        answer = client.request(SUBJECTS[TEXT], text_message("please"))
        self.assertIsInstance(answer, Message)
        self.assertIn(b"served", answer.payload)
        self.assertEqual(answer.headers["Mycelium-Type"], str(TEXT))
        server.kill()
        client.subscribe(SUBJECTS[COUNTER])
        asker = self.node(self.here)
        self.heard(asker, COUNTER)
        asker.begin("ask", COUNTER, "how many?")
        wait_until(lambda: [each for each in client.messages if each.subject == SUBJECTS[COUNTER]], "the request comes")
        request = [each for each in client.messages if each.subject == SUBJECTS[COUNTER]][0]
        client.publish(request.reply, text_message("many"), {"Mycelium-Type": str(TEXT)})
        asker.answered()
        self.assertIn(f"answer {TEXT} {text_message('many').hex()}", asker.out.all())

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
