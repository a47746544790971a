"""Streams and awaitable requests on an event loop."""

import asyncio
import logging
import threading
import unittest

import mycelium_native
from collecting import PATIENCE, Collector
from mycelium_native import Runtime
from mycelium_protocol import CounterUpdate, TextMessage, WordCountReply, WordCountRequest


class AsyncioTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.bus = Runtime()

    def tearDown(self) -> None:
        self.bus.close()

    async def within(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def test_a_stream_gets_all_in_order(self) -> None:
        async def read() -> list[int]:
            got: list[int] = []
            async for message in stream:
                got.append(message.counter_id)
                if len(got) == 5000:
                    return got
            return got

        stream = self.bus.stream(CounterUpdate)
        publisher = threading.Thread(
            target=self.bus.publish_many, args=([CounterUpdate(counter_id=i) for i in range(5000)],)
        )
        publisher.start()
        self.assertEqual(await self.within(read()), list(range(5000)))
        publisher.join()
        await stream.aclose()

    async def test_the_loop_wakes_once_per_batch(self) -> None:
        wakes = 0
        async with self.bus.stream(CounterUpdate) as stream:
            wake = stream._wake

            def counted() -> None:
                nonlocal wakes
                wakes += 1
                wake()

            stream._watch._ready = counted
            waiting = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            self.bus.publish_many([CounterUpdate(counter_id=i) for i in range(200)])
            await self.within(waiting)
            for _ in range(199):
                await self.within(stream.__anext__())
        self.assertEqual(wakes, 1)

    async def test_an_unread_stream_does_not_spin_the_loop(self) -> None:
        async with self.bus.stream(TextMessage) as stream:
            waiting = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            self.bus.publish_many([TextMessage()] * 600)
            await self.within(waiting)
            for _ in range(5):
                await asyncio.sleep(0)
            self.assertFalse(stream._watch._active)

    async def test_batches_are_lists(self) -> None:
        got: list[int] = []
        async with self.bus.stream(CounterUpdate) as stream:
            self.bus.publish_many(CounterUpdate(counter_id=i) for i in range(1000))
            async for batch in stream.batches(limit=100):
                self.assertLessEqual(len(batch), 100)
                got += [message.counter_id for message in batch]
                if len(got) == 1000:
                    break
        self.assertEqual(got, list(range(1000)))

    async def test_closing_the_runtime_ends_the_stream(self) -> None:
        async def read() -> list[str]:
            return [message.content async for message in stream]

        stream = self.bus.stream(TextMessage)
        reading = asyncio.ensure_future(read())
        self.bus.publish(TextMessage(content="last"))
        while not stream._waiter and not reading.done():
            await asyncio.sleep(0)
        await asyncio.to_thread(self.bus.close)
        self.assertEqual(await self.within(reading), ["last"])

    async def test_closing_the_stream_ends_the_reader(self) -> None:
        stream = self.bus.stream(TextMessage)
        reading = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0)
        await stream.aclose()
        with self.assertRaises(StopAsyncIteration):
            await self.within(reading)
        self.assertEqual(self.bus.stats().queues, 0)
        self.assertTrue(stream.subscription.closed)

    async def test_a_cancelled_reader_loses_nothing(self) -> None:
        async with self.bus.stream(CounterUpdate) as stream:
            reading = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self.bus.publish_many(CounterUpdate(counter_id=i) for i in range(3))
            self.assertEqual([(await self.within(stream.__anext__())).counter_id for _ in range(3)], [0, 1, 2])

    async def test_a_slow_reader_meets_its_policy(self) -> None:
        async with self.bus.stream(CounterUpdate, policy="drop_oldest", capacity=2) as stream:
            self.bus.publish_many(CounterUpdate(counter_id=i) for i in range(100))
            last = [await self.within(stream.__anext__()), await self.within(stream.__anext__())]
            self.assertEqual([message.counter_id for message in last], [98, 99])
            self.assertEqual(stream.subscription.stats.dropped["oldest"], 98)

    async def test_raw_messages_envelopes_and_history(self) -> None:
        self.bus.keep_history(60000, 2)
        self.bus.publish_bytes(60000, b"kept", priority=4)
        async with self.bus.stream(60000, history=2, envelope=True) as stream:
            message, envelope = await self.within(stream.__anext__())
        self.assertEqual((bytes(message), envelope.priority), (b"kept", 4))

    async def test_a_malformed_message_is_reported_and_left_out(self) -> None:
        async with self.bus.stream(TextMessage) as stream:
            with self.assertLogs("mycelium", logging.ERROR):
                self.bus.publish_bytes(1001, b"no message at all")
                self.bus.publish(TextMessage(content="good"))
                self.assertEqual((await self.within(stream.__anext__())).content, "good")

    async def test_requests_are_awaited(self) -> None:
        self.bus.serve(WordCountRequest, lambda r: WordCountReply(words=len(r.text)))
        replies = await self.within(
            asyncio.gather(
                *[self.bus.request_async(WordCountRequest(text="x" * i), WordCountReply) for i in range(100)]
            )
        )
        self.assertEqual([reply.words for reply in replies], list(range(100)))

    async def test_requests_fail_as_they_do_without_asyncio(self) -> None:
        with self.assertRaises(mycelium_native.NoReplyError):
            await self.bus.request_async(WordCountRequest(), WordCountReply)
        kept = Collector()
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept)
        with self.assertRaises(TimeoutError):
            await self.within(self.bus.request_async(WordCountRequest(), WordCountReply, timeout=0.02))

    async def test_a_cancelled_request_is_forgotten(self) -> None:
        kept = Collector()
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept)
        asking = asyncio.ensure_future(self.bus.request_async(WordCountRequest(), WordCountReply, timeout=None))
        await asyncio.sleep(0)
        self.assertEqual(self.bus.stats().requests_pending, 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        self.assertTrue(asking.cancelled())
        self.assertEqual(self.bus.stats().requests_pending, 0)

    async def test_close_ends_awaited_requests(self) -> None:
        kept = Collector()
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept)
        asking = asyncio.ensure_future(self.bus.request_async(WordCountRequest(), WordCountReply, timeout=None))
        await asyncio.sleep(0)
        await asyncio.to_thread(self.bus.close)
        with self.assertRaisesRegex(RuntimeError, "runtime closed"):
            await self.within(asking)


class LoopsTest(unittest.TestCase):
    def test_one_runtime_serves_many_loops(self) -> None:
        with Runtime() as bus:
            bus.serve(WordCountRequest, lambda r: WordCountReply(words=1))
            for _ in range(3):
                reply = asyncio.run(bus.request_async(WordCountRequest(), WordCountReply))
                self.assertEqual(reply.words, 1)

    def test_a_stream_needs_a_running_loop(self) -> None:
        with Runtime() as bus:
            with self.assertRaises(RuntimeError):
                bus.stream(TextMessage)
            self.assertEqual(bus.stats().queues, 0)


if __name__ == "__main__":
    unittest.main()
