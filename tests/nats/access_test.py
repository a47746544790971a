#!/usr/bin/env python3
"""Who may use a NATS server: credentials, passwords, tokens and rights; and that no secret is printed.

  access_test.py MYCELIUM NODE [TEST...]
"""

from __future__ import annotations

import subprocess
import sys
import time
import unittest
from pathlib import Path

from mesh import COUNTER, PROGRAM, TEXT, TOPICS, Bridge, MeshTest
from nats_client import PATIENCE_S, wait_until
from operators import Account, Operator


class AccessTest(MeshTest):
    def refused(self, *arguments: str) -> tuple[int, str]:
        """The exit status and the last words of a bridge that cannot begin."""
        done = subprocess.run([PROGRAM, "bridge", "--unix", str(self.folder / "refused"), *TOPICS, *arguments],
                              text=True, capture_output=True, timeout=PATIENCE_S)
        return done.returncode, done.stderr

    def ended(self, bridge: Bridge) -> tuple[int, str]:
        """The same of one that ends later."""
        status = bridge.process.wait(PATIENCE_S)
        bridge.kill()
        return status, "\n".join(bridge.err.all())


class Credentials(AccessTest):
    def setUp(self) -> None:
        super().setUp()
        self.operator = Operator()
        self.account = self.operator.account
        self.nats = self.server(config=self.operator.config(), jetstream=True)

    def creds(self, name: str, **claims: object) -> Path:
        return self.account.user(**claims).write(self.folder / f"{name}.creds")

    def test_right_credentials_carry_messages_both_ways_and_through_a_stream(self) -> None:
        bridges = [self.bridge(self.nats, "--nats-topic", "TextMessage", "--nats-durable", "CounterUpdate",
                               "--nats-mesh", name, "--nats-creds", str(self.creds(name)))
                   for name in ("north", "south")]
        nodes = [self.node(each, TEXT, COUNTER) for each in bridges]
        for each in bridges:
            self.subscribed(each, TEXT, COUNTER)
        for each in bridges:
            publisher = self.node(each)
            self.heard(publisher, TEXT, COUNTER)
            publisher.tell("publish", TEXT, 1, 100)
            publisher.tell("publish", COUNTER, 1, 100)
        for each in nodes:
            got = each.wait(400)
            self.only_once(got)
            self.assertEqual(len(got), 400)
        for each in bridges:
            each.wait_for("acknowledged", 100)
            self.assertEqual((each.nats()["forbidden"], each.nats()["disconnects"]), (0, 0))

    def test_a_user_that_the_server_does_not_accept_is_told_what_to_do(self) -> None:
        at = ("--nats", self.nats.url)
        stranger = Account(self.operator.keys).user().write(self.folder / "stranger.creds")
        expired = self.creds("expired", exp=int(time.time()) - 60)
        for path in (stranger, expired):
            status, words = self.refused(*at, "--nats-creds", str(path))
            self.assertEqual(status, 1)
            self.assertIn("Authorization Violation", words)
            self.assertIn(f"new credentials, and put them into {path}", words)
        status, words = self.refused(*at)
        self.assertEqual(status, 1)
        self.assertIn("give --nats-creds FILE", words)

    def test_a_file_that_is_missing_or_holds_something_else_is_named(self) -> None:
        at = ("--nats", self.nats.url)
        missing = str(self.folder / "missing.creds")
        status, words = self.refused(*at, "--nats-creds", missing)
        self.assertEqual(status, 2)
        self.assertIn(f"--nats-creds: File does not exist: {missing}", words)
        half = self.creds("half")
        half.write_text(half.read_text().split("-----BEGIN USER NKEY SEED")[0])  # the JWT alone
        other = self.folder / "other"
        other.write_text("words\n")
        for path in (half, other):
            status, words = self.refused(*at, "--nats-creds", str(path))
            self.assertEqual(status, 1)
            self.assertIn(str(path), words)
            self.assertIn("the JWT and the seed of a user", words)

    def test_a_file_that_was_replaced_is_read_at_the_next_connection(self) -> None:
        old = self.account.user()
        replaced, kept = (old.write(self.folder / f"{name}.creds") for name in ("replaced", "kept"))
        follows = self.bridge(self.nats, *TOPICS, "--nats-creds", str(replaced))
        stays = self.bridge(self.nats, *TOPICS, "--nats-creds", str(kept))
        self.account.user().write(replaced)
        self.account.revoked.append(old)
        self.nats.kill()
        for each in (follows, stays):
            wait_until(lambda each=each: not each.nats()["connected"], "the connection is gone")
        self.nats.configure(self.operator.config())
        self.nats.start()
        follows.connected()
        status, words = self.ended(stays)
        self.assertEqual(status, 1)
        self.assertIn(f"NATS does not let us in: Authorization Violation; let the server's operator write new "
                      f"credentials, and put them into {kept}", words)

    def test_a_user_who_is_revoked_ends_the_bridge_and_is_told(self) -> None:
        user = self.account.user()
        bridge = self.bridge(self.nats, *TOPICS, "--nats-creds", str(user.write(self.folder / "user.creds")))
        self.account.revoked.append(user)
        self.nats.configure(self.operator.config())
        self.nats.reload()
        status, words = self.ended(bridge)
        self.assertEqual(status, 1)
        self.assertIn("NATS does not let us in: User Authentication Revoked; let the server's operator", words)


class Urls(AccessTest):
    def test_a_token_lets_in_and_a_wrong_one_does_not(self) -> None:
        server = self.server(config='authorization { token: "the-right-one" }\n')
        self.assert_let_in(server, "the-right-one")
        status, words = self.refused("--nats", server.url.replace("//", "//a-wrong-one@"))
        self.assertEqual(status, 1)
        self.assertIn("correct the user and password, or the token, in the URL of --nats", words)
        self.assertNotIn("a-wrong-one", words)

    def test_user_and_password_let_in(self) -> None:
        server = self.server(config='authorization { user: "somebody", password: "a@secret:word" }\n')
        self.assert_let_in(server, "somebody:a@secret:word")

    def assert_let_in(self, server, secret: str) -> None:
        """Messages cross; nothing of the secret is printed, whatever happens."""
        self.sockets += 1
        bridge = Bridge(PROGRAM, self.folder / f"bridge-{self.sockets}", "--nats",
                        server.url.replace("//", f"//{secret}@"), *TOPICS)
        self.addCleanup(bridge.kill)
        publisher = self.node(bridge.connected())
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 10)
        bridge.wait_for("confirmed", 10)
        self.assertEqual(bridge.nats()["server"], server.url)
        server.kill()
        wait_until(lambda: not bridge.nats()["connected"], "the connection is gone")
        server.start()
        bridge.connected()
        self.assertEqual(bridge.terminate(), 0)
        printed = "\n".join(bridge.out.all() + bridge.err.all())
        self.assertIn(f"connected with NATS at {server.url}", printed)
        for part in (secret, *secret.split(":"), *secret.split("@")):
            self.assertNotIn(part, printed)

    def test_the_rights_that_the_page_names_are_enough(self) -> None:
        """docs/nats.md, "Who is let in"."""
        rights = ('publish: ["mycelium.>", "_INBOX.>", "$JS.API.>", "$JS.ACK.>"], '
                  'subscribe: ["mycelium.>", "_INBOX.>"]')
        server = self.server(jetstream=True, config=f'authorization {{ users: [{{ user: "a", password: "b", '
                                                    f'permissions: {{ {rights} }} }}] }}\n')
        types = ("--nats-topic", "TextMessage", "--nats-durable", "CounterUpdate")
        bridges = []
        for name in ("north", "south"):
            bridges.append(Bridge(PROGRAM, self.folder / name, "--nats", server.url.replace("//", "//a:b@"), *types,
                                  "--nats-mesh", name))
            self.addCleanup(bridges[-1].kill)
        here, there = (each.connected() for each in bridges)
        far = self.node(there, COUNTER)
        far.tell("serve", TEXT)
        self.subscribed(there, TEXT, COUNTER)
        publisher = self.node(here)
        self.heard(publisher, TEXT, COUNTER)
        publisher.tell("publish", COUNTER, 1, 100)
        far.wait(100)
        publisher.tell("ask", TEXT, "anybody there?")
        self.assertTrue(any(line.startswith("answer") for line in publisher.out.all()), publisher.out.all())
        here.wait_for("acknowledged", 100)
        for each in (here, there):
            self.assertEqual(each.nats()["forbidden"], 0, each.err.all())
            self.assertFalse(any("trying again" in line for line in each.err.all()), each.err.all())

    def test_what_a_user_has_no_right_to_is_counted_and_told_once(self) -> None:
        server = self.server(config='authorization { users: [{ user: "a", password: "b", permissions: '
                                    '{ publish: ["_INBOX.>"], subscribe: ["_INBOX.>"] } }] }\n')
        bridge = Bridge(PROGRAM, self.folder / "limited", "--nats", server.url.replace("//", "//a:b@"), *TOPICS)
        self.addCleanup(bridge.kill)
        node = self.node(bridge.connected(), TEXT)
        bridge.wait_for("forbidden", 1)
        publisher = self.node(bridge)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 50)
        node.wait(50)
        bridge.wait_for("forbidden", 51)
        self.assertEqual(bridge.nats()["forbidden"], 51)
        told = [line for line in bridge.err.all() if "Permissions Violation" in line]
        self.assertEqual(len(told), 2, told)
        for line, what in zip(told, ("Subscription", "Publish"), strict=True):
            self.assertIn(f'Permissions Violation for {what} to "mycelium.examples.TextMessage"', line)
            self.assertIn("ask the server's operator for this right", line)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
