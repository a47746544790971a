"""One runtime by itself: publishing, subscriptions, streams, requests, and its end."""

import asyncio
import contextlib
import gc
import sys
import unittest
from typing import Any

import mycelium_client
from mycelium_client import MailboxFullError, Message, NoReplyError, Runtime, TimedOutError
from mycelium_protocol import SCHEMA_DIGEST, CounterUpdate, TextMessage, WordCountReply, WordCountRequest

PATIENCE = 30.0
TYPE = 50001


class RuntimeTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.bus = await self.enterAsyncContext(Runtime(SCHEMA_DIGEST))

    # ---- publish and subscribe ----

    async def test_messages_come_in_order(self) -> None:
        got: list[int] = []
        self.bus.subscribe(CounterUpdate, lambda update: got.append(update.value))
        self.assertEqual(await self.bus.publish_many(CounterUpdate(value=i) for i in range(1000)), 1000)
        await self.bus.flush(PATIENCE)
        self.assertEqual(got, list(range(1000)))

    async def test_a_coroutine_function_is_never_run_twice_at_once(self) -> None:
        running, most, count = 0, 0, 0

        async def slow(_: TextMessage) -> None:
            nonlocal running, most, count
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            count += 1

        self.bus.subscribe(TextMessage, slow)
        for _ in range(50):
            await self.bus.publish(TextMessage())
        await self.bus.flush(PATIENCE)
        self.assertEqual((most, count), (1, 50))

    async def test_batches_and_envelopes(self) -> None:
        batches: list[list[Any]] = []
        pairs: list[Any] = []
        self.bus.subscribe(TYPE, batches.append, batch=True)
        self.bus.subscribe(TYPE, lambda message, envelope: pairs.append((bytes(message), envelope)), envelope=True)
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for i in range(10):
            await self.bus.publish_bytes(TYPE, bytes((i,)), priority=i, correlation_id=9, trace=trace)
        await self.bus.flush(PATIENCE)
        self.assertEqual([bytes(each) for batch in batches for each in batch], [bytes((i,)) for i in range(10)])
        self.assertEqual([payload for payload, _ in pairs], [bytes((i,)) for i in range(10)])
        told = pairs[3][1]
        self.assertEqual((told.type_id, told.priority, told.correlation_id, told.trace), (TYPE, 3, 9, trace))
        self.assertEqual([each.sequence for _, each in pairs], sorted(each.sequence for _, each in pairs))

    async def test_a_key_reaches_one_and_always_the_same(self) -> None:
        got: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for place, seen in got.items():
            self.bus.subscribe(TYPE, lambda message, seen=seen: seen.append(message.payload[0]), name=str(place))
        for _ in range(2):
            for key in range(60):
                await self.bus.publish_bytes(TYPE, bytes((key,)), key=key)
        await self.bus.flush(PATIENCE)
        for seen in got.values():
            self.assertEqual(seen[: len(seen) // 2], seen[len(seen) // 2 :])
            self.assertGreater(len(seen), 10)
        self.assertEqual(sum(map(len, got.values())), 120)

    async def test_a_callback_that_raises_is_reported_and_counted(self) -> None:
        subscription = self.bus.subscribe(TextMessage, lambda _: 1 / 0)
        with self.assertLogs("mycelium", "ERROR") as logs:
            await self.bus.publish(TextMessage())
            await self.bus.publish(TextMessage())
            await self.bus.flush(PATIENCE)
        self.assertIn("ZeroDivisionError", logs.output[0])
        self.assertEqual((subscription.stats.callback_errors, subscription.stats.delivered), (2, 2))

    async def test_after_close_no_callback_is_begun(self) -> None:
        got: list[Message] = []
        subscription = self.bus.subscribe(TYPE, got.append)
        for _ in range(5):
            await self.bus.publish_bytes(TYPE, b"")
        subscription.close()
        subscription.close()
        await self.bus.publish_bytes(TYPE, b"")
        await self.bus.flush(PATIENCE)
        self.assertEqual(got, [])
        self.assertEqual(subscription.stats.dropped, {"unsubscribed": 5})

    # ---- mailboxes ----

    async def test_a_publisher_waits_for_room(self) -> None:
        got: list[int] = []

        async def slow(message: Message) -> None:
            await asyncio.sleep(0)
            got.append(message.payload[0])

        self.bus.subscribe(TYPE, slow, capacity=2)
        for i in range(50):
            await self.bus.publish_bytes(TYPE, bytes((i,)))
        await self.bus.flush(PATIENCE)
        self.assertEqual(got, list(range(50)))

    async def test_a_publisher_that_waits_in_vain_is_told_and_the_others_get_it(self) -> None:
        never = asyncio.Event()
        stuck = self.bus.subscribe(TYPE, lambda _: never.wait(), capacity=1, block_timeout=0.05)
        got: list[Message] = []
        self.bus.subscribe(TYPE, got.append)
        with self.assertRaisesRegex(TimedOutError, "1 of its takers did not get it"):
            for _ in range(5):
                await self.bus.publish_bytes(TYPE, b"")
        count = self.bus.stats().published
        never.set()
        await self.bus.flush(PATIENCE)
        stats = stuck.stats
        self.assertEqual((stats.dropped, stats.offered, len(got)), ({"timeout": 1}, count, count))
        self.assertEqual(stats.offered, stats.delivered + 1)

    async def test_a_callback_does_not_wait_for_itself(self) -> None:
        outcome: list[Exception | None] = []

        async def echo(message: Message) -> None:
            with contextlib.suppress(MailboxFullError):
                await self.bus.publish_bytes(TYPE, b"")
                await self.bus.publish_bytes(TYPE, b"")
                outcome.append(None)
                return
            outcome.append(MailboxFullError())
            subscription.close()

        subscription = self.bus.subscribe(TYPE, echo, capacity=1, block_timeout=PATIENCE)
        await self.bus.publish_bytes(TYPE, b"")
        await self.bus.flush(PATIENCE)
        self.assertIsInstance(outcome[0], MailboxFullError)

    # ---- streams ----

    async def test_a_stream(self) -> None:
        async with self.bus.stream(CounterUpdate) as updates:
            for i in range(10):
                await self.bus.publish(CounterUpdate(value=i))
            self.assertEqual([(await anext(updates)).value for _ in range(4)], [0, 1, 2, 3])
            async for batch in updates.batches():
                self.assertEqual([update.value for update in batch], [4, 5, 6, 7, 8, 9])
                break
            reader = asyncio.create_task(anext(updates))
            await asyncio.sleep(0)
            with self.assertRaisesRegex(RuntimeError, "another task"):
                await anext(updates)
            await self.bus.publish(CounterUpdate(value=10))
            self.assertEqual((await reader).value, 10)
        with self.assertRaises(StopAsyncIteration):
            await anext(updates)

    # ---- requests ----

    async def test_a_handler_answers(self) -> None:
        self.bus.serve(WordCountRequest, lambda request: WordCountReply(words=len(request.text.split())))
        reply = await self.bus.request(WordCountRequest(text="one two"), WordCountReply, PATIENCE)
        self.assertEqual(reply.words, 2)
        plain = await self.bus.request(WordCountRequest(text="one"), timeout=PATIENCE)
        self.assertEqual((plain.type_id, plain.decode(WordCountReply).words), (WordCountReply.TYPE_ID, 1))

    async def test_a_coroutine_answers(self) -> None:
        async def later(_: WordCountRequest) -> WordCountReply:
            await asyncio.sleep(0)
            return WordCountReply(words=7)

        self.bus.serve(WordCountRequest, later)
        self.assertEqual((await self.bus.request(WordCountRequest(), WordCountReply, PATIENCE)).words, 7)

    async def test_nobody_serves(self) -> None:
        with self.assertRaises(NoReplyError) as caught:
            await self.bus.request(WordCountRequest(), WordCountReply, PATIENCE)
        self.assertEqual(caught.exception.status, -15)

    async def test_who_lets_go_of_a_request_leaves_it_unanswered(self) -> None:
        self.bus.serve(WordCountRequest, lambda _: None)
        self.bus.subscribe(WordCountRequest, lambda _: None)
        self.bus.subscribe(WordCountRequest.TYPE_ID, lambda _: None, batch=True)
        with self.assertRaises(NoReplyError):
            await self.bus.request(WordCountRequest(), WordCountReply, PATIENCE)

    async def test_who_raises_leaves_it_to_the_next(self) -> None:
        self.bus.serve(WordCountRequest, lambda _: 1 / 0)
        self.bus.serve(WordCountRequest, lambda _: WordCountReply(words=1))
        with self.assertLogs("mycelium", "ERROR"):
            reply = await self.bus.request(WordCountRequest(), WordCountReply, PATIENCE)
        self.assertEqual(reply.words, 1)

    async def test_an_answer_may_come_later(self) -> None:
        kept: asyncio.Queue[Message] = asyncio.Queue()
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept.put_nowait)
        asking = asyncio.create_task(self.bus.request(WordCountRequest(text="x"), WordCountReply, PATIENCE))
        request = await kept.get()
        self.bus.reply(request, WordCountReply(words=3))
        self.assertEqual((await asking).words, 3)
        with self.assertRaisesRegex(mycelium_client.MyceliumError, "answered already"):
            self.bus.reply(request, WordCountReply())

    async def test_a_request_has_its_time(self) -> None:
        kept: list[Message] = []
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept.append)
        with self.assertRaises(TimedOutError):
            await self.bus.request(WordCountRequest(), WordCountReply, 0.01)
        self.assertEqual(self.bus.stats().requests_pending, 0)

    # ---- what is wrong ----

    async def test_wrong_calls(self) -> None:
        with self.assertRaisesRegex(ValueError, "schema digest mismatch"):
            Runtime(bytes(32))
        with self.assertRaisesRegex(TypeError, "callback must be callable"):
            self.bus.subscribe(TextMessage, None)  # type: ignore[arg-type]
        with self.assertRaisesRegex(ValueError, "message missing TYPE_ID"):
            self.bus.subscribe(str, print)
        with self.assertRaisesRegex(ValueError, "policy 'sometimes' is none of"):
            self.bus.subscribe(TextMessage, print, policy="sometimes")
        for type_id in (0, 65536, -1):
            with self.assertRaisesRegex(ValueError, "no type id"):
                await self.bus.publish_bytes(type_id, b"")
        with self.assertRaisesRegex(ValueError, "no traceparent"):
            await self.bus.publish(TextMessage(), trace="00-1-2-3")
        with self.assertRaisesRegex(ValueError, "does not fit into 8 bits"):
            await self.bus.publish(TextMessage(), priority=256)
        with self.assertRaisesRegex(ValueError, "TextMessage.timestamp"):
            await self.bus.publish(TextMessage(timestamp=-1))
        with self.assertRaisesRegex(ValueError, "needs a certificate"):
            await self.bus.bridge_listen("tls:127.0.0.1:0")
        for address in ("here", "tcp:host", "tcp:::1:5", "tcp:host:65536", "unix:", "unix:" + "x" * 108, "tcp::5"):
            with self.assertRaisesRegex(ValueError, "is no address"):
                await self.bus.bridge_dial(address)
        with self.assertRaisesRegex(ValueError, "another machine"):
            await self.bus.bridge_dial("tcp:192.0.2.1:7000")
        with self.assertRaisesRegex(ValueError, "can be reached from other machines"):
            await self.bus.bridge_listen("tcp:0.0.0.0:0")

    async def test_options_that_cannot_be(self) -> None:
        for option, value in (("window", 1), ("max_frame", 1000), ("silence", 0.5), ("capacity", 0), ("policy", "x")):
            with self.assertRaises(ValueError):
                self.bus.bridge_open(**{option: value})
        with self.assertRaises(TypeError):
            self.bus.bridge_open(colour="blue")

    async def test_limits(self) -> None:
        async with Runtime(max_payload=100, strict=True) as bus:
            with self.assertRaises(mycelium_client.TooLargeError):
                await bus.publish(TextMessage(content="x" * 100))
            with self.assertRaisesRegex(mycelium_client.MyceliumError, "no schema"):
                await bus.publish_bytes(TYPE, b"")

    # ---- the end ----

    async def test_close_delivers_what_was_accepted(self) -> None:
        got: list[int] = []

        async def slow(update: CounterUpdate) -> None:
            await asyncio.sleep(0)
            got.append(update.value)

        async with Runtime() as bus:
            bus.subscribe(CounterUpdate, slow)
            for i in range(100):
                await bus.publish(CounterUpdate(value=i))
        self.assertEqual(got, list(range(100)))
        await bus.close()
        with self.assertRaises(mycelium_client.ClosedError):
            await bus.publish(CounterUpdate())
        with self.assertRaises(mycelium_client.ClosedError):
            bus.subscribe(CounterUpdate, slow)

    async def test_close_has_an_end(self) -> None:
        bus = Runtime()
        bus.subscribe(TYPE, lambda _: asyncio.Event().wait())
        await bus.publish_bytes(TYPE, b"")
        with self.assertRaisesRegex(TimedOutError, "within 0.05 s"):
            await bus.close(0.05)
        self.assertTrue(bus.closed)

    async def test_close_ends_streams_and_requests(self) -> None:
        bus = Runtime()
        kept: list[Message] = []
        bus.subscribe(TYPE, kept.append)
        stream = bus.stream(CounterUpdate)
        reading = asyncio.create_task(anext(stream, None))
        asking = asyncio.create_task(bus.request_bytes(TYPE, b"", timeout=PATIENCE))
        await asyncio.sleep(0)
        await bus.close()
        self.assertIsNone(await reading)
        with self.assertRaises(mycelium_client.ClosedError):
            await asking

    async def test_nothing_is_left_behind(self) -> None:
        before = len(asyncio.all_tasks())
        for _ in range(50):
            async with Runtime() as bus:
                bus.subscribe(TextMessage, lambda _: None)
                await bus.publish(TextMessage())
        await asyncio.sleep(0)
        gc.collect()
        self.assertLessEqual(len(asyncio.all_tasks()), before)


class PureTest(unittest.TestCase):
    def test_no_library_is_in_this_process(self) -> None:
        self.assertNotIn("mycelium_native", sys.modules)
        with open("/proc/self/maps", encoding="utf-8") as maps:
            self.assertNotIn("libmycelium", maps.read())

    def test_everything_public_has_a_docstring(self) -> None:
        for name in mycelium_client.__all__:
            thing = getattr(mycelium_client, name)
            self.assertTrue(thing.__doc__, name)
            for member, value in vars(thing).items():
                if callable(value) and not member.startswith("_"):
                    self.assertTrue(value.__doc__, f"{name}.{member}")

    def test_a_runtime_needs_a_loop(self) -> None:
        with self.assertRaises(RuntimeError):
            Runtime()


if __name__ == "__main__":
    unittest.main()
