#!/usr/bin/env python3
"""Meshes joined by a cluster of NATS servers, of which one is killed or retired under load.

  cluster_test.py MYCELIUM NODE [TEST...]
"""

from __future__ import annotations

import sys
import unittest

from mesh import TEXT, TOPICS, MeshTest
from nats_client import Server, cluster, wait_until
from streams import DURABLE, ids

RETIRES_SOON = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "1s"\n'


def ascents(numbers: list[int]) -> int:
    """Into how few ascending sequences these can be divided, each in the order that they are in."""
    last: list[int] = []  # of each sequence; from the greatest to the least
    for number in numbers:
        follows = next((i for i, each in enumerate(last) if each < number), None)
        if follows is None:
            last.append(number)
        else:
            last[follows] = number
    return len(last)


class Clusters(MeshTest):
    """Servers that know each other, and bridges at two of them; one server goes while messages flow."""

    def start_cluster(self, count: int = 3, **options) -> list[Server]:
        servers = cluster(self.folder, count, **options)
        for each in servers:
            self.addCleanup(each.kill)
        return servers

    def urls(self, servers: list[Server]) -> list[str]:
        return [word for each in servers[1:] for word in ("--nats", each.url)]

    def test_with_three_copies_a_killed_server_loses_nothing(self) -> None:
        servers = self.start_cluster()
        options = (*DURABLE, "--nats-replicas", "3")
        here = self.bridge(servers[0], *self.urls(servers), *options, "--nats-mesh", "north")
        there = self.bridge(servers[2], *options, "--nats-mesh", "south")
        near, far = self.node(here, TEXT), self.node(there, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.begin("publish", TEXT, 1, 10_000)
        far.wait(1000)
        by_url = {each.url: each for each in servers}
        killed = by_url[here.nats()["server"]]  # the one that the publishing bridge is at
        killed.kill()
        publisher.answered()
        near.wait(10_000)
        here.wait_for("acknowledged", 10_000)
        received = far.wait(10_000)
        self.only_once(ids(received))
        self.assertEqual(set(ids(received)), set(ids(near.got())))
        counts = here.nats()
        self.assertEqual((counts["stored"], counts["lost"], counts["dropped"]), (10_000, 0, 0))
        self.assertGreaterEqual(counts["disconnects"], 1)
        self.assertNotEqual(counts["server"], killed.url)

    def test_with_three_copies_a_server_that_is_retired_loses_nothing(self) -> None:
        """Lame duck mode, while messages flow."""
        servers = self.start_cluster(config=RETIRES_SOON)
        options = (*DURABLE, "--nats-replicas", "3")
        here = self.bridge(servers[0], *options, "--nats-mesh", "north")
        there = self.bridge(servers[2], *options, "--nats-mesh", "south")
        near, far = self.node(here, TEXT), self.node(there, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 100)
        far.wait(100)
        servers[0].retire()
        sent = 100
        while here.nats()["server"] in ("", servers[0].url):
            publisher.tell("publish", TEXT, sent + 1, sent + 20)
            sent += 20
            near.wait(sent)
            self.assertLess(sent, 1_000_000, here.err.all())
        servers[0].wait_for_end()
        here.wait_for("acknowledged", sent)
        received = far.wait(sent)
        self.only_once(ids(received))
        self.assertEqual(set(ids(received)), set(ids(near.got())))
        counts = here.nats()
        self.assertEqual((counts["stored"], counts["lost"], counts["dropped"], counts["disconnects"]), (sent, 0, 0, 1))
        log = "\n".join(here.err.all())
        self.assertRegex(log, "(?s)this NATS server is being shut down.*has broken.*connected with")

    def test_without_a_stream_what_a_killed_server_had_may_be_lost_and_is_bounded(self) -> None:
        servers = self.start_cluster()
        topics = ("--nats-topic", "examples.*")
        here = self.bridge(servers[0], *self.urls(servers), *topics)
        there = self.bridge(servers[2], *topics)
        far = self.node(there, TEXT)
        self.subscribed(there, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.begin("publish", TEXT, 1, 100_000)
        far.wait(1000)
        by_url = {each.url: each for each in servers}
        killed = by_url[here.nats()["server"]]
        killed.kill()
        publisher.answered()
        wait_until(lambda: here.nats()["connected"] and here.nats()["disconnects"] >= 1, "another server is found")
        wait_until(lambda: here.nats()["confirmed"] + here.nats()["unconfirmed"] + here.nats()["dropped"] == 100_000,
                   "accounted for")
        publisher.tell("publish", TEXT, 999_999, 999_999)
        wait_until(lambda: b"999999".hex() in far.got()[-1].payload, "the last message")
        got, counts = ids(far.got()), here.nats()
        self.only_once(got)
        if killed.url != there.nats()["server"] and there.nats()["disconnects"] == 0:
            # The far bridge kept its connection: what the near one had confirmed before and after has come, as far as
            # the killed server had passed it on; what is in doubt is bounded by its counts.
            lost = 100_001 - len(got)
            self.assertGreaterEqual(lost, counts["dropped"])
            print(f"killed one of three: {counts['published']} published, {counts['unconfirmed']} in doubt, "
                  f"{counts['dropped']} dropped, {lost} lost", file=sys.stderr)
        self.assertEqual(there.nats()["accepted"], len(got))

    def test_a_server_that_is_retired_is_left_for_another_and_what_it_had_taken_is_passed_on(self) -> None:
        """Lame duck mode, while messages flow."""
        retired, other = self.start_cluster(2, jetstream=False, config=RETIRES_SOON)
        here, there = self.bridge(retired, *TOPICS), self.bridge(other, *TOPICS)  # `here` hears of the other from NATS
        far = self.node(there, TEXT)
        self.subscribed(there, TEXT)
        publisher = self.node(here)
        self.heard(publisher, TEXT)
        publisher.tell("publish", TEXT, 1, 20)
        far.wait(20)  # the servers know of each other
        self.assertEqual(here.nats()["server"], retired.url)
        retired.retire()
        sent = 20
        while here.nats()["server"] != other.url:
            publisher.tell("publish", TEXT, sent + 1, sent + 20)
            sent += 20
            self.assertLess(sent, 1_000_000, here.err.all())
        retired.wait_for_end()
        wait_until(lambda: here.nats()["confirmed"] + here.nats()["unconfirmed"] + here.nats()["dropped"] == sent,
                   "accounted for")
        publisher.tell("publish", TEXT, 9_999_999, 9_999_999)
        counts = here.nats()
        wait_until(lambda: sent + 1 - len(far.got()) <= counts["unconfirmed"] and
                   any(b"9999999".hex() in each.payload for each in far.got()), "all that the servers had confirmed")
        got = far.got()
        self.only_once(got)
        self.assertLessEqual(ascents([each.sequence for each in got]), 2)  # in order over each of the servers
        self.assertEqual((counts["disconnects"], counts["dropped"], there.nats()["disconnects"]), (1, 0, 0),
                         here.err.all())
        print(f"one of two retired: {sent + 1} published, {counts['unconfirmed']} in doubt, {sent + 1 - len(got)} lost",
              file=sys.stderr)
        log = "\n".join(here.err.all())
        self.assertRegex(log, f"(?s){retired.url}.*this NATS server is being shut down.*has broken.*{other.url}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
