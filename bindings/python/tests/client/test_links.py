"""Runtimes that are linked, in one process: over Unix and TCP sockets, with tokens and TLS, and cut in between."""

import asyncio
import contextlib
import os
import pathlib
import socket
import ssl
import stat
import subprocess
import tempfile
import unittest
from collections.abc import AsyncIterator
from typing import Any

import mycelium_client
from mycelium_client import Message, NoReplyError, Runtime
from mycelium_client._frames import table_frame
from mycelium_client._wire import Hello
from mycelium_protocol import CounterUpdate, TextMessage, WordCountReply, WordCountRequest

PATIENCE = 30.0
TYPE = 50001
QUICK = {"first_retry": 0.001, "last_retry": 0.01}


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0)


def cut(runtime: Runtime) -> None:
    """As a cable that is pulled."""
    link = next(iter(runtime._bridge.links), None)
    if link is not None and link._transport is not None:
        link._transport.abort()


class LinksCase(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="myc-")))
        self.address = f"unix:{self.folder}/bus"

    async def runtime(self, name: str = "", *, on_event: Any = None, **links: Any) -> Runtime:
        runtime = await self.enterAsyncContext(Runtime(name=name or "runtime", on_event=on_event))
        runtime.bridge_open(**(QUICK | links))
        return runtime

    async def pair(self, **links: Any) -> tuple[Runtime, Runtime]:
        """One that listens, and one that has dialed it."""
        listening, dialing = await self.runtime("listening", **links), await self.runtime("dialing", **links)
        await dialing.bridge_dial(await listening.bridge_listen(self.address), timeout=PATIENCE)
        await listening.bridge_wait_for_links(1, PATIENCE)
        return listening, dialing


class LinksTest(LinksCase):
    async def test_messages_cross_both_ways(self) -> None:
        for address in (self.address, "tcp:127.0.0.1:0", "tcp:[::1]:0"):
            with self.subTest(address), contextlib.suppress(OSError if "::1" in address else ()):
                here, there = Runtime(), Runtime()
                got: list[tuple[str, int]] = []
                here.subscribe(CounterUpdate, lambda update, got=got: got.append(("here", update.value)))
                there.subscribe(CounterUpdate, lambda update, got=got: got.append(("there", update.value)))
                await there.bridge_dial(await here.bridge_listen(address), timeout=PATIENCE)
                await here.wait_for_subscribers(CounterUpdate, 2, PATIENCE)
                await there.wait_for_subscribers(CounterUpdate, 2, PATIENCE)
                await here.publish(CounterUpdate(value=1))
                await here.flush(PATIENCE)
                await until(lambda got=got: len(got) == 2)
                await there.publish(CounterUpdate(value=2))
                await until(lambda got=got: len(got) == 4)
                self.assertEqual(sorted(got), [("here", 1), ("here", 2), ("there", 1), ("there", 2)])
                await there.close()
                await here.close()
                self.assertEqual((here.bridge_stats().neighbours, here.bridge_stats().lost), (0, 0))

    async def test_requests_are_answered_over_there(self) -> None:
        here, there = await self.pair()
        here.serve(WordCountRequest, lambda request: WordCountReply(words=len(request.text.split())))
        await there.wait_for_subscribers(WordCountRequest, 1, PATIENCE)
        reply = await there.request(WordCountRequest(text="one two three"), WordCountReply, PATIENCE)
        self.assertEqual(reply.words, 3)
        here.serve(CounterUpdate, lambda _: None)
        await there.wait_for_subscribers(CounterUpdate, 1, PATIENCE)
        with self.assertRaises(NoReplyError):
            await there.request(CounterUpdate(), timeout=PATIENCE)

    async def test_a_line_of_three_passes_on(self) -> None:
        middle = await self.runtime("middle")
        ends = [await self.runtime("left"), await self.runtime("right")]
        await middle.bridge_listen(self.address)
        got: list[Message] = []
        ends[1].subscribe(TYPE, got.append)
        ends[1].serve(WordCountRequest, lambda _: WordCountReply(words=5))
        for end in ends:
            await end.bridge_dial(self.address, timeout=PATIENCE)
        await ends[0].wait_for_subscribers(TYPE, 1, PATIENCE)
        await ends[0].wait_for_subscribers(WordCountRequest, 1, PATIENCE)
        for i in range(100):
            await ends[0].publish_bytes(TYPE, bytes((i,)))
        await until(lambda: len(got) == 100)
        self.assertEqual([message.payload[0] for message in got], list(range(100)))
        self.assertEqual({message.origin for message in got}, {ends[0].node})
        self.assertEqual((await ends[0].request(WordCountRequest(), WordCountReply, PATIENCE)).words, 5)
        self.assertEqual(ends[0].bridge_stats().reachable, 2)

    async def test_in_a_triangle_each_message_comes_once(self) -> None:
        nodes = [await self.runtime(name) for name in "abc"]
        got: list[list[int]] = [[], [], []]
        for place, node in enumerate(nodes):
            node.subscribe(TYPE, lambda message, place=place: got[place].append(message.payload[0]))
            await node.bridge_listen(f"unix:{self.folder}/{place}")
        for place, node in enumerate(nodes):
            await node.bridge_dial(f"unix:{self.folder}/{(place + 1) % 3}", timeout=PATIENCE)
        for node in nodes:
            await node.wait_for_subscribers(TYPE, 3, PATIENCE)
        for i in range(50):
            for place, node in enumerate(nodes):
                await node.publish_bytes(TYPE, bytes((3 * i + place,)))
        await until(lambda: all(len(each) == 150 for each in got))
        for node in nodes:
            await node.flush(PATIENCE)
        for each in got:
            self.assertEqual(sorted(each), list(range(150)))

    async def test_a_link_that_is_cut_loses_nothing(self) -> None:
        here, there = await self.pair()
        got: list[int] = []
        there.subscribe(CounterUpdate, lambda update: got.append(update.value))
        await here.wait_for_subscribers(CounterUpdate, 1, PATIENCE)
        for i in range(2000):
            await here.publish(CounterUpdate(value=i))
            if i % 250 == 100:
                cut(here)
            if i % 10 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(got) == 2000)
        self.assertEqual(got, list(range(2000)))
        await until(lambda: here.bridge_stats().acknowledged == 2000)
        stats = here.bridge_stats()
        self.assertEqual((stats.sent, stats.lost, stats.dropped), (2000, 0, 0))
        self.assertGreater(stats.links_cut, 0)

    async def line(self, **middle: Any) -> tuple[Runtime, Runtime, Runtime, list[int]]:
        """Left, middle and right, what comes to the right, and right's link is cut; it does not dial by itself."""
        nodes = [await self.runtime("left"), await self.runtime("middle", **middle)]
        nodes.append(await self.runtime("right", first_retry=600.0, last_retry=600.0))
        got: list[int] = []
        nodes[2].subscribe(TYPE, lambda message: got.append(message.payload[0]))
        await nodes[1].bridge_listen(self.address)
        for end in (nodes[0], nodes[2]):
            await end.bridge_dial(self.address, timeout=PATIENCE)
        await nodes[0].wait_for_subscribers(TYPE, 1, PATIENCE)
        cut(nodes[2])
        return (*nodes, got)  # type: ignore[return-value]

    async def test_what_is_for_a_node_that_is_cut_off_waits_at_its_neighbour(self) -> None:
        left, middle, right, got = await self.line()
        known = left._bridge.network.states
        await until(lambda: known[middle.node].absent == (right.node,))
        self.assertEqual((known[middle.node].neighbours, left.bridge_stats().reachable), ({left.node}, 1))
        for i in range(20):
            await left.publish_bytes(TYPE, bytes((i,)))
        await left.flush(PATIENCE)
        self.assertEqual(got, [])
        await right.bridge_dial(self.address, timeout=PATIENCE)
        await until(lambda: len(got) == 20)
        self.assertEqual(got, list(range(20)))
        await until(lambda: known[middle.node].absent == ())
        self.assertEqual(middle.bridge_stats().lost, 0)

    async def test_a_node_that_does_not_come_back_is_waited_for_no_longer(self) -> None:
        left, middle, right, _ = await self.line(linger=0.05)
        known = left._bridge.network.states
        await until(lambda: right.node not in known[middle.node].neighbours.union(known[middle.node].absent))
        await until(lambda: not left._bridge.neighbours[middle.node].lanes)
        self.assertEqual([each.node for each in middle.neighbours()], [left.node])

    async def test_a_stranger_that_says_no_more_than_its_name_is_no_neighbour(self) -> None:
        here = await self.runtime()
        await here.bridge_listen(self.address)
        for node in range(1, 4):
            reader, writer = await asyncio.open_unix_connection(self.address.removeprefix("unix:"))
            writer.write(table_frame(Hello(1, node, "stranger", bytes(16), False, 1 << 20, 1 << 20)))
            await until(lambda: here.neighbours())
            writer.close()
            await reader.read()
            await until(lambda: not here.neighbours())
        self.assertEqual((here.bridge_stats().refused, here.bridge_stats().links_made), (3, 0))

    async def test_what_happens_is_told(self) -> None:
        events: list[mycelium_client.Event] = []
        here = await self.runtime("here", on_event=events.append, linger=600.0)  # it need not wait for who says so
        there = await self.runtime("there")
        there.subscribe(TYPE, lambda _: None)
        await there.bridge_dial(await here.bridge_listen(self.address), timeout=PATIENCE)
        await here.wait_for_subscribers(TYPE, 1, PATIENCE)
        await there.close()
        await until(lambda: len(events) == 3)
        self.assertEqual([type(each).__name__ for each in events], ["Linked", "Unlinked", "Forgotten"])
        self.assertEqual({(each.node, each.name) for each in events}, {(there.node, "there")})
        self.assertIn("goes away", events[1].why)  # type: ignore[attr-defined]

    async def test_one_that_is_slow_slows_its_publisher_and_nobody_loses(self) -> None:
        here, there = await self.pair(window=1 << 16, capacity=8)
        got: list[int] = []

        async def slow(message: Message) -> None:
            await asyncio.sleep(0)
            got.append(int.from_bytes(message.payload[:2], "big"))

        there.subscribe(TYPE, slow, capacity=2, block_timeout=PATIENCE)
        await here.wait_for_subscribers(TYPE, 1, PATIENCE)
        for i in range(300):
            await here.publish_bytes(TYPE, i.to_bytes(2, "big") + bytes(4094))
        await here.flush(PATIENCE)
        await there.flush(PATIENCE)
        self.assertEqual(got, list(range(300)))
        self.assertEqual(here.bridge_stats().dropped, 0)

    async def test_types_of_another_schema_do_not_cross(self) -> None:
        class Other(TextMessage):
            TYPE_DIGEST = bytes(32)

        here = await self.runtime("here")
        there = await self.enterAsyncContext(Runtime(packages=[Other]))
        got: list[Any] = []
        there.subscribe(TextMessage.TYPE_ID, got.append)
        there.subscribe(TYPE, got.append)
        await there.bridge_dial(await here.bridge_listen(self.address), timeout=PATIENCE)
        await here.wait_for_subscribers(TYPE, 1, PATIENCE)
        await here.publish(TextMessage(content="of another schema"))
        await here.publish_bytes(TYPE, b"fence")
        await until(lambda: got)
        self.assertEqual([bytes(each) for each in got], [b"fence"])


class DoorTest(LinksCase):
    async def test_a_unix_socket_belongs_to_its_user_and_goes_with_its_runtime(self) -> None:
        runtime = await self.runtime()
        path = self.address.removeprefix("unix:")
        self.assertEqual(await runtime.bridge_listen(self.address), self.address)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with self.assertRaisesRegex(mycelium_client.MyceliumError, "another process listens there"):
            await (await self.runtime()).bridge_listen(self.address)
        await runtime.close()
        self.assertFalse(os.path.exists(path))

    async def test_what_a_process_that_died_has_left_is_replaced_and_nothing_else(self) -> None:
        path = self.address.removeprefix("unix:")
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        await (await self.runtime()).bridge_listen(self.address)
        precious = self.folder / "precious"
        precious.write_text("data")
        with self.assertRaisesRegex(mycelium_client.MyceliumError, "is no socket"):
            await (await self.runtime()).bridge_listen(f"unix:{precious}")
        self.assertEqual(precious.read_text(), "data")

    async def test_each_refusal_is_an_exception_of_its_own(self) -> None:
        listening = await self.runtime(token="open sesame")
        await listening.bridge_listen(self.address)
        wrong = await self.runtime(token="open barley")
        with self.assertRaises(mycelium_client.ProofRefusedError) as caught:
            await wrong.bridge_dial(self.address, timeout=PATIENCE)
        self.assertEqual(caught.exception.reason, mycelium_client.Reason.PROOF)
        none = await self.runtime()
        with self.assertRaises(mycelium_client.ProofRefusedError):
            await none.bridge_dial(self.address, timeout=PATIENCE)
        right = await self.runtime(token=b"open sesame")
        await right.bridge_dial(self.address, timeout=PATIENCE)

    async def test_there_are_so_many_links(self) -> None:
        listening = await self.runtime(max_links=1)
        await listening.bridge_listen(self.address)
        await (await self.runtime()).bridge_dial(self.address, timeout=PATIENCE)
        late = await self.runtime()
        with self.assertRaises(mycelium_client.TimedOutError) as caught:
            await late.bridge_dial(self.address, timeout=0.5)
        self.assertIsInstance(caught.exception.__cause__, mycelium_client.TooManyLinksError)

    async def test_nobody_is_there_and_then_somebody_is(self) -> None:
        dialing = await self.runtime()
        with self.assertRaisesRegex(mycelium_client.TimedOutError, "no link with unix:.*No such file"):
            await dialing.bridge_dial(self.address, timeout=0.2)
        listening = await self.runtime()
        await listening.bridge_listen(self.address)
        await dialing.bridge_wait_for_links(1, PATIENCE)

    async def test_a_bridge_is_opened_once(self) -> None:
        runtime = await self.runtime()
        with self.assertRaisesRegex(mycelium_client.MyceliumError, "has a bridge already"):
            runtime.bridge_open()


class TlsTest(LinksCase):
    def contexts(self) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        """Of who listens, with a certificate for localhost, and of who dials and trusts it."""
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
            ]
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
        listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        listening.minimum_version = ssl.TLSVersion.TLSv1_3
        listening.load_cert_chain(certificate, key)
        return listening, ssl.create_default_context(cafile=str(certificate))

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[tuple[Runtime, str, ssl.SSLContext]]:
        ours, theirs = self.contexts()
        runtime = await self.runtime()
        yield runtime, await runtime.bridge_listen("tcp:127.0.0.1:0", ssl=ours), theirs

    async def test_a_link_over_tls(self) -> None:
        async with self.listening() as (here, address, trusting):
            there = await self.runtime()
            got: list[str] = []
            there.subscribe(TextMessage, lambda message: got.append(message.content))
            await there.bridge_dial(address, ssl=trusting, server_hostname="localhost", timeout=PATIENCE)
            await here.wait_for_subscribers(TextMessage, 1, PATIENCE)
            large = "x" * 1_000_000
            await here.publish(TextMessage(content=large))
            await until(lambda: got)
            self.assertEqual(got, [large])
            await there.close()

    async def test_a_certificate_that_is_not_trusted_makes_no_link(self) -> None:
        async with self.listening() as (here, address, _):
            there = await self.runtime()
            with self.assertRaises(mycelium_client.TimedOutError) as caught:
                await there.bridge_dial(
                    address, ssl=ssl.create_default_context(), server_hostname="localhost", timeout=0.5
                )
            self.assertIsInstance(caught.exception.__cause__, ssl.SSLError)
            self.assertEqual(here.bridge_stats().links_made, 0)

    async def test_who_speaks_no_tls_is_left_and_costs_nothing(self) -> None:
        async with self.listening() as (here, address, trusting):
            plain = await self.runtime()
            with self.assertRaises(mycelium_client.TimedOutError):
                await plain.bridge_dial(address, timeout=0.3)
            there = await self.runtime()
            await there.bridge_dial(address, ssl=trusting, server_hostname="localhost", timeout=PATIENCE)
            await here.bridge_wait_for_links(1, PATIENCE)
            self.assertEqual(here.bridge_stats().links_made, 1)


if __name__ == "__main__":
    unittest.main()
