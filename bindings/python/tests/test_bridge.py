"""Runtimes that are joined over sockets, here within one process."""

import json
import pathlib
import tempfile
import threading
import time
import unittest
from collections.abc import Callable

import mycelium_native
from collecting import PATIENCE, Collector
from mycelium_native import Runtime
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest


class BridgeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="myc-"))
        self.address = f"unix:{self.folder}/bus"

    def bus(self) -> Runtime:
        runtime = Runtime(threads=2)
        self.addCleanup(runtime.close, PATIENCE)
        return runtime

    def test_messages_and_requests_reach_the_other_runtime(self) -> None:
        here, there = self.bus(), self.bus()
        got = Collector()
        there.subscribe(TextMessage, got)
        there.serve(WordCountRequest, lambda request: WordCountReply(bytes=len(request.text)))
        self.assertEqual(there.bridge_listen(self.address), self.address)
        here.bridge_dial(self.address)
        here.bridge_wait_for_links(1, PATIENCE)
        here.wait_for_subscribers(TextMessage, timeout=PATIENCE)
        here.wait_for_subscribers(WordCountRequest, timeout=PATIENCE)
        sent = [TextMessage(content=f"number {number}") for number in range(1000)]
        here.publish_many(sent)
        self.assertEqual(got.wait(1000), sent)
        reply = here.request(WordCountRequest(text="four"), WordCountReply, timeout=PATIENCE)
        self.assertEqual(reply.bytes, 4)
        self.assertEqual(there.bridge_stats().received, 1001)
        here.close(PATIENCE)  # waits for what is not acknowledged

    def test_a_bridge_counts_and_names_its_neighbours(self) -> None:
        here, there = self.bus(), self.bus()
        there.bridge_open(name="the hub")
        there.bridge_listen(self.address)
        here.bridge_open(
            name="a spoke",
            max_links=1,
            max_frame=1 << 20,
            window=1 << 16,
            capacity=16,
            policy="block",
            block_timeout=PATIENCE,
            hello_timeout=PATIENCE,
            heartbeat=0.1,
            silence=PATIENCE,
            linger=PATIENCE,
            max_links_per_peer=1,
            max_accepts=10,
            max_nodes=8,
            max_state=1 << 14,
            max_types=16,
            max_requests=16,
            max_message_rate=1 << 20,
            max_byte_rate=1 << 30,
            max_control_rate=1 << 20,
        )
        here.bridge_dial(self.address)
        there.bridge_wait_for_links(timeout=PATIENCE)
        stats = there.bridge_stats()
        self.assertEqual((stats.neighbours, stats.links_made, stats.links_cut, stats.lost), (1, 1, 0, 0))
        self.assertNotEqual(stats.node, here.bridge_stats().node)
        told = json.loads(there.bridge_json())
        self.assertEqual(told["node"], f"{stats.node:016x}")
        self.assertEqual([each["name"] for each in told["neighbours"]], ["a spoke"])

    def test_only_who_knows_the_token_is_let_in(self) -> None:
        hub, friend, stranger = self.bus(), self.bus(), self.bus()
        hub.bridge_open(token="mellon")
        address = hub.bridge_listen("tcp:127.0.0.1:0")
        self.assertRegex(address, r"^tcp:127\.0\.0\.1:[1-9][0-9]+$")
        for bus, token in ((stranger, "friend"), (friend, "mellon")):
            bus.bridge_open(token=token)
            bus.bridge_dial(address)
        friend.bridge_wait_for_links(timeout=PATIENCE)
        self.assertEqual(friend.bridge_stats().neighbours, 1)
        self.assertEqual(stranger.bridge_stats().neighbours, 0)

    def test_the_token_is_read_from_its_file_and_read_again(self) -> None:
        file = pathlib.Path(self.folder, "token")
        file.write_text("mellon\n", encoding="utf-8")
        hub, guest = self.bus(), self.bus()
        hub.bridge_open(token_file=file, socket_mode=0o660)
        hub.bridge_listen(self.address)
        self.assertEqual(pathlib.Path(self.folder, "bus").stat().st_mode & 0o777, 0o660)
        guest.bridge_open(token="friend")
        file.write_text("friend\n", encoding="utf-8")
        hub.bridge_reload()
        guest.bridge_dial(self.address)
        guest.bridge_wait_for_links(timeout=PATIENCE)
        file.unlink()
        with self.assertRaises(mycelium_native.MyceliumError) as caught:
            hub.bridge_reload()
        self.assertEqual(caught.exception.status, -13)
        self.assertEqual((guest.bridge_stats().neighbours, hub.bridge_stats().not_allowed), (1, 0))

    def test_files_that_are_not_there_are_named(self) -> None:
        bus = self.bus()
        gone = pathlib.Path(self.folder, "nothing")
        for options in (
            {"token_file": gone},
            {"tls_cert": str(gone), "tls_key": bytes(gone)},
            {"tls_ca": gone},
            {"permissions_file": gone},
        ):
            with self.subTest(**options), self.assertRaisesRegex(mycelium_native.MyceliumError, "nothing"):
                bus.bridge_open(**options)

    def test_a_type_that_is_delivered_at_least_once_is_confirmed_when_its_callback_has_returned(self) -> None:
        for batch in (False, True):
            with self.subTest(batch=batch):
                self.confirmed_when_its_callback_has_returned(f"{self.address}-{batch}", batch)

    def confirmed_when_its_callback_has_returned(self, address: str, batch: bool) -> None:
        here, there = self.bus(), self.bus()
        got, may_go_on = Collector(), threading.Event()
        self.addCleanup(may_go_on.set)

        def hear(what: TextMessage | list[TextMessage]) -> None:
            may_go_on.wait(PATIENCE)
            got(what)

        there.subscribe(TextMessage, hear, batch=batch)
        here.bridge_open(at_least_once="20001, examples")
        there.bridge_listen(address)
        here.bridge_dial(address)
        here.wait_for_subscribers(TextMessage, timeout=PATIENCE)
        here.publish(TextMessage(content="once at least"))

        def is_unconfirmed() -> bool:
            (neighbour,) = json.loads(here.bridge_json())["neighbours"]
            return neighbour["acknowledged"] == 1 and neighbour["unconfirmed"] == 1

        self.until(is_unconfirmed, "it was never waiting for its callback")
        self.assertEqual(got.items, [])
        may_go_on.set()
        self.until(lambda: not is_unconfirmed(), "it is not confirmed")
        message = TextMessage(content="once at least")
        self.assertEqual(got.items, [[message] if batch else message])

    def until(self, holds: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), deadline, otherwise)

    def test_what_is_no_list_of_types_is_named(self) -> None:
        bus = self.bus()
        for types, words in (
            ("0", "at_least_once holds a range that is none: .* ids in 1 to 65535"),
            ("5-3", 'at_least_once holds a range that is none: write "1000-1999"'),
            ("", "at_least_once holds nothing where a type should be"),
        ):
            with self.subTest(types=types), self.assertRaisesRegex(mycelium_native.MyceliumError, words) as caught:
                bus.bridge_open(at_least_once=types)
            self.assertEqual(caught.exception.status, -13)
        with self.assertRaises(TypeError):
            bus.bridge_open(at_least_once=20001)
        bus.bridge_open(at_least_once=None)

    def test_failures_say_what_is_wrong(self) -> None:
        bus = self.bus()
        for call in (bus.bridge_stats, bus.bridge_json):
            with self.assertRaisesRegex(mycelium_native.MyceliumError, "no bridge") as caught:
                call()
            self.assertEqual(caught.exception.status, -13)
        for call in (bus.bridge_listen, bus.bridge_dial):
            for address, error in (("carrier pigeon", mycelium_native.MyceliumError), (None, TypeError)):
                with self.subTest(address=address), self.assertRaises(error):
                    call(address)
        for options, error in (
            ({"policy": "hope"}, ValueError),
            ({"silence": -1.0}, ValueError),
            ({"heartbeat": 2.0, "silence": 1.0}, mycelium_native.MyceliumError),
            ({"token": 3}, TypeError),
            ({"colour": "red"}, TypeError),
        ):
            with self.subTest(**options), self.assertRaises(error):
                bus.bridge_open(**options)
        bus.bridge_open()
        with self.assertRaises(mycelium_native.MyceliumError):
            bus.bridge_open()  # it has one
        with self.assertRaises(mycelium_native.TimedOutError):
            bus.bridge_wait_for_links(timeout=0.001)
        bus.close()
        for closed in (bus.bridge_open, bus.bridge_stats, bus.bridge_json, bus.bridge_wait_for_links):
            with self.assertRaises(mycelium_native.ClosedError):
                closed()

    def test_other_threads_run_while_one_waits_for_links(self) -> None:
        here, there = self.bus(), self.bus()
        there.bridge_listen(self.address)
        linked = threading.Event()

        def wait() -> None:
            here.bridge_wait_for_links(1, PATIENCE)
            linked.set()

        waiter = threading.Thread(target=wait)
        waiter.start()
        here.bridge_dial(self.address)  # runs, although the other waits
        self.assertTrue(linked.wait(PATIENCE))
        waiter.join()


if __name__ == "__main__":
    unittest.main()
