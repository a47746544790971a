"""Processes around a hub: two of mycelium_client and two of the library, and each kind killed in turn.

What is promised: accepted = acknowledged + dropped + lost, and what was acknowledged by a node that lives is delivered,
in order and once.
"""

import asyncio
import itertools
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "tests" / "conformance"))

from mycelium_client import Runtime
from mycelium_protocol import TextMessage
from subject import Subject

PROGRAM = os.environ["MYCELIUM_PROGRAM"]
NATIVE = os.environ["MYCELIUM_CONFORMANCE_ADAPTER"]
CLIENT = [sys.executable, str(pathlib.Path(__file__).with_name("conformance_adapter.py"))]
PATIENCE = 60.0
TYPE = 50001
COUNT = 400


class Hub:
    """`mycelium bridge` at a Unix socket, or as its options say; its counters, as it prints them."""

    def __init__(self, path: pathlib.Path, *options: object) -> None:
        where = options or ("--unix", path)
        self.process = subprocess.Popen(
            [PROGRAM, "bridge", *map(str, where), "--every", "0.02"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        if "listening at" not in line:
            raise AssertionError(line)
        self.address = line.strip().rsplit(" ", 1)[1]

    def counters(self) -> dict[str, object]:
        assert self.process.stdout is not None
        page: dict[str, object] = json.loads(self.process.stdout.readline())
        return page

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class ProcessesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="myc-")))
        self.path = self.folder / "hub"
        self.hub = Hub(self.path)
        self.addCleanup(lambda: self.hub.kill())

    def node(self, command: list[str], name: str, *options: object) -> Subject:
        node = Subject([*command, "--dial", f"unix:{self.path}", "--name", name, *map(str, options)])
        self.addCleanup(node.end)
        return node

    def four(self) -> tuple[list[Subject], list[Subject]]:
        """Two that publish, two that subscribe; of each a client and a native one. All know of each other."""
        publishers = [self.node(CLIENT, "client publishes", "--linger", 500), self.node([NATIVE], "native publishes")]
        subscribers = [self.node(CLIENT, "client listens"), self.node([NATIVE], "native listens")]
        for each in subscribers:
            each.do(f"subscribe {TYPE}")
        self.know(publishers)
        return publishers, subscribers

    def know(self, publishers: list[Subject]) -> None:
        for each in publishers:
            each.do(f"wait {TYPE} 1 {PATIENCE * 1000:.0f}")

    def wait_for_hub(self, names: set[str], wants: int) -> None:
        """The hub is linked with all of these, and so many of them want the type."""

        def is_so(page: dict[str, object]) -> bool:
            neighbours = page["neighbours"]
            nodes = page["nodes"]
            assert isinstance(neighbours, list) and isinstance(nodes, list)
            linked = {each["name"] for each in neighbours if each["link"]}
            return linked >= names and sum(TYPE in each["wants"] for each in nodes) >= wants

        self.until(lambda: is_so(self.hub.counters()), f"the hub is linked with {names}")

    def until(self, holds: object, what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():  # type: ignore[operator]
            self.assertLess(time.monotonic(), end, what)

    def publish(self, publisher: Subject, who: int, numbers: range) -> int:
        """How many were accepted."""
        return sum(publisher.ask(f"publish {TYPE} {who:02x}{i:08x}") == "ok" for i in numbers)

    def received(self, subscriber: Subject, count: int) -> dict[int, list[int]]:
        """So many messages, by publisher."""
        got: dict[int, list[int]] = {}
        for _ in range(count):
            payload = subscriber.event("message").payload
            got.setdefault(payload[0], []).append(int.from_bytes(payload[1:], "big"))
        return got

    def test_everybody_hears_everybody(self) -> None:
        publishers, subscribers = self.four()
        self.wait_for_hub({"client publishes", "native publishes", "client listens", "native listens"}, 2)
        for who, publisher in enumerate(publishers):
            self.assertEqual(self.publish(publisher, who, range(COUNT)), COUNT)
        for subscriber in subscribers:
            everything = {who: list(range(COUNT)) for who in range(2)}
            self.assertEqual(self.received(subscriber, 2 * COUNT), everything)
        for publisher in publishers:
            publisher.stats_reach("acknowledged", COUNT)
            self.assertEqual(publisher.stats()["lost"], 0)

    def test_a_client_that_is_killed_costs_the_other_subscriber_nothing(self) -> None:
        self.kill_a_subscriber(0, "client listens")

    def test_a_native_one_that_is_killed_costs_the_other_subscriber_nothing(self) -> None:
        self.kill_a_subscriber(1, "native listens")

    def kill_a_subscriber(self, victim: int, name: str) -> None:
        publishers, subscribers = self.four()
        self.wait_for_hub({"client listens", "native listens"}, 2)
        for who, publisher in enumerate(publishers):
            self.publish(publisher, who, range(COUNT // 2))
        subscribers[victim].process.kill()
        for who, publisher in enumerate(publishers):
            self.assertEqual(self.publish(publisher, who, range(COUNT // 2, COUNT)), COUNT // 2)
        got = self.received(subscribers[1 - victim], 2 * COUNT)
        self.assertEqual(got, {who: list(range(COUNT)) for who in range(2)})
        for publisher in publishers:
            publisher.stats_reach("acknowledged", COUNT)
        self.until(lambda: self.has_given_up(name), f"the hub knows that {name} is dead")

    def has_given_up(self, gone: str) -> bool:
        """It needs no linger time, since the kernel tells; and everything that the hub took for it is accounted for."""
        now = self.hub.counters()
        neighbours, sums = now["neighbours"], now["gone"]
        assert isinstance(neighbours, list) and isinstance(sums, dict)
        if any(each["name"] == gone for each in neighbours):
            return False
        self.assertLessEqual(sums["acknowledged"], sums["sent"])
        self.assertLessEqual(sums["acknowledged"] + sums["lost"] + sums["dropped"], 2 * COUNT)
        return True

    def test_a_publisher_that_is_killed_is_heard_up_to_some_message_by_all_alike(self) -> None:
        publishers, subscribers = self.four()
        self.wait_for_hub({"client listens", "native listens"}, 2)
        for who, publisher in enumerate(publishers):
            accepted = self.publish(publisher, who, range(COUNT))
            publisher.process.kill()
            publisher.process.wait()
            self.assertEqual(accepted, COUNT)
        last = self.node(CLIENT, "last")
        self.know([last])
        heard = []
        last.do(f"publish {TYPE} ff00000000")
        for subscriber in subscribers:
            got: dict[int, list[int]] = {}
            for _ in itertools.count():
                payload = subscriber.event("message").payload
                if payload[0] == 0xFF:
                    break
                got.setdefault(payload[0], []).append(int.from_bytes(payload[1:], "big"))
            heard.append(got)
            for numbers in got.values():
                self.assertEqual(numbers, list(range(len(numbers))), "a part is missing in the middle")
        self.assertEqual(heard[0], heard[1])

    def test_a_hub_that_is_killed_loses_what_is_counted_and_is_found_again(self) -> None:
        publishers, subscribers = self.four()
        self.wait_for_hub({"client publishes", "native publishes", "client listens", "native listens"}, 2)
        publisher = publishers[0]  # of mycelium_client: its counters are what this is about
        accepted = self.publish(publisher, 0, range(COUNT // 2))
        self.hub.kill()
        accepted += self.publish(publisher, 0, range(COUNT // 2, COUNT))
        self.hub = Hub(self.path)
        self.wait_for_hub({"client publishes", "client listens", "native listens"}, 2)

        def accounted() -> bool:
            stats = publisher.stats()
            settled = stats["acknowledged"] + stats["lost"] + stats["dropped"]
            self.assertLessEqual(settled, accepted)
            return settled == accepted

        self.until(accounted, "accepted = acknowledged + lost + dropped")
        self.know([publisher])
        publisher.do(f"publish {TYPE} ff00000000")
        acknowledged = publisher.stats()["acknowledged"]
        for subscriber in subscribers:
            got = []
            while (payload := subscriber.event("message").payload)[0] != 0xFF:
                got.append(int.from_bytes(payload[1:], "big"))
            self.assertEqual(got, sorted(set(got)), "not in order, or twice")
            self.assertLessEqual(len(got), accepted)
        self.assertLessEqual(acknowledged, accepted + 1)

    def test_a_hub_with_certificates_is_dialed_over_tls(self) -> None:
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + [
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-keyout",
                key,
                "-out",
                certificate,
            ],
            check=True,
            capture_output=True,
        )
        hub = Hub(self.path, "--tcp", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key)
        self.addCleanup(hub.kill)
        trusting = ssl.create_default_context(cafile=str(certificate))
        port = hub.address.rsplit(":", 1)[1]

        async def over_tls() -> list[str]:
            async with Runtime() as here, Runtime() as there:
                for each in (here, there):
                    await each.bridge_dial(f"tls:localhost:{port}", ssl=trusting, timeout=PATIENCE)
                got = there.stream(TextMessage)
                await here.wait_for_subscribers(TextMessage, 1, PATIENCE)
                await here.publish(TextMessage(content="x" * 100_000))
                return [(await anext(got)).content]

        self.assertEqual(asyncio.run(over_tls()), ["x" * 100_000])


if __name__ == "__main__":
    unittest.main()
