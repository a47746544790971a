#!/usr/bin/env python3
"""Meshes joined by a NATS server, which comes and goes.

  meshes_test.py MYCELIUM NODE [TEST...]

NODE is tests/nats/node.c.
"""

from __future__ import annotations

import subprocess
import sys
import unittest

from mesh import COUNTER, OPAQUE, PROGRAM, SUBJECTS, TEXT, TOPICS, Bridge, MeshTest, text_message
from nats_client import PATIENCE_S, wait_until


class Meshes(MeshTest):
    def test_messages_cross_with_their_whole_envelope(self) -> None:
        server = self.server()
        here, there = self.bridge(server, *TOPICS), self.bridge(server, *TOPICS)
        types = (TEXT, COUNTER, OPAQUE)
        near, far = self.node(here, *types), self.node(there, *types)
        self.subscribed(there, *types)
        publisher = self.node(here)
        self.heard(publisher, *types)
        for at in range(0, 4000, 1000):
            publisher.tell("publish", TEXT, at + 1, at + 1000)
            publisher.tell("publish", COUNTER, at + 1, at + 1000)
            publisher.tell("publish", OPAQUE, at // 2 + 1, at // 2 + 500)
        sent, received = near.wait(10_000), far.wait(10_000)
        self.assertEqual(len(sent), 10_000)
        self.assertEqual(set(received), set(sent))
        self.only_once(received)
        self.in_order(received)
        self.assertEqual({each.type_id for each in received}, set(types))
        self.assertTrue(any(each.trace.endswith("01") for each in received))
        self.assertTrue(any(each.correlation for each in received))
        here.wait_for("confirmed", 10_000)
        there.wait_for("accepted", 10_000)
        counts = there.nats()
        self.assertEqual((counts["received"], counts["repeated"], counts["slow"]), (10_000, 0, 0))
        self.assertEqual(here.nats()["received"], 0)  # NATS sends nothing back

    def test_a_key_chooses_one_subscriber_and_crosses(self) -> None:
        server = self.server()
        here, there = self.bridge(server, *TOPICS), self.bridge(server, *TOPICS)
        far = self.node(there, TEXT)
        self.subscribed(there, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.tell("keyed", TEXT, 1, 100)
        self.assertEqual([(each.destination, each.key) for each in far.wait(100)], [(2, key) for key in range(1, 101)])

    def test_only_what_somebody_wants_is_subscribed_at_nats(self) -> None:
        server = self.server()
        here, there = self.bridge(server, *TOPICS), self.bridge(server, *TOPICS, "--name", "there")
        node = self.node(here, COUNTER)
        self.subscribed(here, COUNTER)
        self.assertEqual(here.nats()["subscribed"], [SUBJECTS[COUNTER]])
        self.assertEqual(there.nats()["subscribed"], [])
        node.kill()
        wait_until(lambda: here.nats()["subscribed"] == [], "nobody wants it any more")

    def test_two_bridges_of_a_mesh_bring_each_message_once(self) -> None:
        server = self.server()
        first = self.bridge(server, *TOPICS)
        second = self.bridge(server, *TOPICS, "--dial", first.address)
        far = self.bridge(server, *TOPICS)
        nodes = [self.node(each, TEXT) for each in (first, second, far)]
        for each in (first, second, far):
            self.subscribed(each, TEXT)
        publishers = [self.node(first), self.node(far)]
        for each in publishers:
            self.heard(each, TEXT)
        for each in publishers:
            each.begin("publish", TEXT, 1, 2000)
        for each in publishers:
            each.answered()
        for each in nodes:
            each.wait(4000)
        # An echo would come behind a last message.
        publishers[0].tell("publish", TEXT, 9999, 9999)
        for each in nodes:
            got = each.wait(4001)
            self.only_once([(g.origin, g.publisher, g.sequence) for g in got])
            self.assertEqual(len(got), 4001)
            self.in_order(got)

    def test_meshes_that_are_linked_directly_too_get_each_message_once(self) -> None:
        server = self.server()
        here = self.bridge(server, *TOPICS)
        there = self.bridge(server, *TOPICS, "--dial", here.address)
        near, far = self.node(here, TEXT, COUNTER), self.node(there, TEXT, COUNTER)
        for each in (here, there):
            self.subscribed(each, TEXT, COUNTER)
        publisher = self.node(here)
        self.heard(publisher, TEXT, COUNTER)
        publisher.tell("publish", TEXT, 1, 3000)
        publisher.tell("publish", COUNTER, 1, 3000)
        for each in (near, far):
            each.wait(6000)
        publisher.tell("publish", TEXT, 9999, 9999)
        for each in (near, far):
            got = each.wait(6001)
            self.only_once([(g.type_id, g.origin, g.publisher, g.sequence) for g in got])
            self.assertEqual(len(got), 6001)
        there.wait_for("repeated", 1)  # the other way was there, too

    def test_bridges_with_one_mesh_name_take_nothing_back(self) -> None:
        server = self.server()
        here = self.bridge(server, *TOPICS, "--nats-mesh", "north")
        other = self.bridge(server, *TOPICS, "--nats-mesh", "north")
        far = self.node(other, TEXT)
        self.subscribed(other, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 100)
        other.wait_for("echoes", 100)
        self.assertEqual((far.got(), other.nats()["accepted"]), ([], 0))


class Servers(MeshTest):
    def test_a_server_that_is_restarted_is_found_and_losses_are_bounded(self) -> None:
        server = self.server()
        here, there = self.bridge(server, *TOPICS), self.bridge(server, *TOPICS)
        far = self.node(there, TEXT)
        self.subscribed(there, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.begin("publish", TEXT, 1, 200_000)
        there.wait_for("received", 1000)
        server.kill()
        server.start()
        publisher.answered()
        for each in (here, there):
            wait_until(lambda each=each: each.nats()["connected"], "connected again")
        wait_until(lambda: here.nats()["published"] + here.nats()["dropped"] == 200_000 and
                   here.nats()["confirmed"] + here.nats()["unconfirmed"] == here.nats()["published"], "accounted for")
        # One more, which surely comes, and behind all that could.
        publisher.tell("publish", TEXT, 999_999, 999_999)
        wait_until(lambda: bytes("999999", "ascii").hex() in far.got()[-1].payload, "the last message")
        got = far.got()
        counts = here.nats()
        self.only_once([(g.origin, g.publisher, g.sequence) for g in got])
        self.in_order(got)
        lost = 200_001 - len(got)
        # What broke off between the server and the far bridge is known to neither; the near one knows its part.
        self.assertGreaterEqual(lost, counts["dropped"])
        self.assertEqual(there.nats()["accepted"], len(got))
        self.assertGreaterEqual(counts["disconnects"], 1)

    def test_without_a_server_what_finds_no_room_is_dropped_and_counted(self) -> None:
        server = self.server()
        here = self.bridge(server, *TOPICS, "--nats-buffer", "4096")
        server.kill()
        wait_until(lambda: not here.nats()["connected"], "the connection is gone")
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 5000)
        wait_until(lambda: here.nats()["published"] + here.nats()["dropped"] == 5000, "all accounted for")
        counts = here.nats()
        self.assertGreater(counts["dropped"], 4000)
        self.assertGreater(counts["published"], 0)
        server.start()
        here.connected()  # a full buffer does not keep it from coming back
        here.wait_for("confirmed", counts["published"])

    def test_publishers_wait_for_the_server_by_choice(self) -> None:
        server = self.server()
        here = self.bridge(server, *TOPICS, "--nats-buffer", "4096", "--nats-full", "block")
        server.kill()
        wait_until(lambda: not here.nats()["connected"], "the connection is gone")
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.begin("publish", TEXT, 1, 5000)
        server.start()
        publisher.answered()
        here.wait_for("confirmed", 5000)
        self.assertEqual((here.nats()["published"], here.nats()["dropped"]), (5000, 0))

    def test_a_bridge_may_start_before_the_server(self) -> None:
        server = self.server()
        server.kill()
        self.sockets += 1
        here = Bridge(PROGRAM, self.folder / "early", "--nats", server.url, *TOPICS)
        self.addCleanup(here.kill)
        server.start()
        here.connected()
        node = self.node(here, TEXT)
        self.subscribed(here, TEXT)
        self.client(server).publish(SUBJECTS[TEXT], text_message("late"))
        node.wait(1)

    def test_one_of_several_servers_is_enough(self) -> None:
        server = self.server()
        here = self.bridge(server, "--nats", "nats://127.0.0.1:1", *TOPICS)
        self.assertEqual(here.nats()["server"], server.url)

    def test_the_end_is_told(self) -> None:
        server = self.server()
        here = self.bridge(server, *TOPICS)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 500)
        publisher.tell("end")
        self.assertEqual(here.terminate(), 0)
        self.assertEqual((here.nats()["published"], here.nats()["confirmed"]), (500, 500))
        self.assertTrue(any("NATS: 500 published" in line for line in here.err.all()), here.err.all())
        self.assertFalse(any("has broken" in line for line in here.err.all()), here.err.all())

    def test_a_wrong_password_ends_the_bridge_and_is_told(self) -> None:
        server = self.server(config='authorization { user: "a", password: "right" }\n')
        wrong = server.url.replace("//", "//a:wrong@")
        refused = subprocess.run([PROGRAM, "bridge", "--unix", str(self.folder / "wrong"), "--nats", wrong, *TOPICS],
                                 text=True, capture_output=True, timeout=PATIENCE_S)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Authoriz", refused.stderr)
        right = Bridge(PROGRAM, self.folder / "right", "--nats", server.url.replace("//", "//a:right@"), *TOPICS)
        self.addCleanup(right.kill)
        right.connected()

    def test_a_server_with_tls_asks_for_the_clients_certificate(self) -> None:
        certificate, key = str(self.folder / "cert.pem"), str(self.folder / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=PATIENCE_S)
        server = self.server(config=f'tls {{ cert_file: "{certificate}", key_file: "{key}", '
                                    f'ca_file: "{certificate}", verify: true }}\n')
        place = ("--nats", f"tls://localhost:{server.port}", "--nats-tls-ca", certificate, *TOPICS)
        known = Bridge(PROGRAM, self.folder / "known", *place, "--nats-tls-cert", certificate, "--nats-tls-key", key)
        self.addCleanup(known.kill)
        publisher = self.node(known.connected())
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 10)
        known.wait_for("confirmed", 10)
        stranger = subprocess.Popen([PROGRAM, "bridge", "--unix", str(self.folder / "stranger"), *place],
                                    text=True, stderr=subprocess.PIPE)
        self.addCleanup(stranger.communicate)
        self.addCleanup(stranger.kill)
        while "NATS" not in (line := stranger.stderr.readline()):
            self.assertNotEqual(line, "", "it ended and did not say why")
        self.assertNotIn("connected with", line)


class CommandLines(MeshTest):
    def test_what_cannot_be_is_refused_with_words(self) -> None:
        path = str(self.folder / "b")
        for arguments, words in ((("--nats", "nats://127.0.0.1:1"), "--nats-topic"),
                                 (("--nats", "nats://127.0.0.1:1", "--nats-topic", "nothing"), "nothing"),
                                 (("--nats", "nats://127.0.0.1:1", "--nats-durable", "examples"), "--nats-mesh"),
                                 (("--nats", "nats://127.0.0.1:1", "--nats-topic", ">", "--nats-prefix", "a b"), "a b"),
                                 (("--nats-topic", ">"), "--nats")):
            done = subprocess.run([PROGRAM, "bridge", "--unix", path, *arguments], text=True, capture_output=True,
                                  timeout=PATIENCE_S)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn(words, done.stderr)

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
