"""Callbacks: what they get, when they run, and how they end."""

import gc
import logging
import threading
import time
import unittest
import weakref

import mycelium_native
from collecting import PATIENCE, Collector
from mycelium_native import MailboxFullError, Message, MyceliumError, Runtime
from mycelium_protocol import CounterUpdate, TextMessage


class SubscriptionsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bus = Runtime()
        self.addCleanup(self.bus.close)

    def test_messages_arrive_in_order_and_decoded(self) -> None:
        got = Collector()
        self.bus.subscribe(CounterUpdate, got)
        sent = [CounterUpdate(counter_id=i, value=-i, delta=1) for i in range(1000)]
        self.assertEqual(self.bus.publish_many(iter(sent)), 1000)
        self.assertEqual(got.wait(1000), sent)

    def test_a_type_id_gets_messages_as_they_are(self) -> None:
        got = Collector()
        self.bus.subscribe(60000, got)
        self.bus.publish_bytes(60000, b"opaque")
        self.bus.publish_bytes(60000, b"")
        self.bus.publish_bytes(60000, memoryview(bytearray(b"xyz"))[1:])
        first, empty, part = got.wait(3)
        self.assertIsInstance(first, Message)
        self.assertEqual((bytes(first), len(first), first.type_id, first.is_request), (b"opaque", 6, 60000, False))
        self.assertEqual((bytes(empty), bytes(part)), (b"", b"yz"))

    def test_a_batch_is_a_list_in_order(self) -> None:
        got = Collector()
        batches = Collector()

        def callback(messages: list[CounterUpdate]) -> None:
            batches(messages)
            for message in messages:
                got(message.counter_id)

        self.bus.subscribe(CounterUpdate, callback, batch=True)
        self.bus.publish_many(CounterUpdate(counter_id=i) for i in range(3000))
        self.assertEqual(got.wait(3000), list(range(3000)))
        self.assertLess(len(batches.items), 3000)
        self.assertTrue(all(isinstance(batch, list) for batch in batches.items))

    def test_a_callback_that_fills_its_own_mailbox_is_told_at_once(self) -> None:
        outcome = Collector()

        def callback(message: CounterUpdate) -> None:
            if message.counter_id == 0:
                try:
                    for i in range(1, 100):
                        self.bus.publish(CounterUpdate(counter_id=i))
                except MyceliumError as error:
                    outcome(type(error))

        # It would wait for itself: nobody else takes from this mailbox.
        self.bus.subscribe(CounterUpdate, callback, capacity=4, block_timeout=3600.0)
        self.bus.publish(CounterUpdate(counter_id=0))
        self.assertEqual(outcome.wait(1), [MailboxFullError])

    def test_the_envelope_tells_how_a_message_came(self) -> None:
        got = Collector()
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        self.bus.subscribe(TextMessage, lambda message, envelope: got((message, envelope)), envelope=True)
        self.bus.publish(TextMessage(content="a"), correlation_id=7, priority=9, trace=trace)
        self.bus.publish(TextMessage(content="b"))
        (message, first), (_, second) = got.wait(2)
        self.assertEqual(message.content, "a")
        self.assertEqual((first.correlation_id, first.priority, first.trace, first.type_id), (7, 9, trace, 1001))
        self.assertEqual((second.sequence - first.sequence, second.publisher_id), (1, first.publisher_id))
        self.assertIsNone(second.trace)
        self.assertGreaterEqual(second.timestamp_ns, first.timestamp_ns)

    def test_envelopes_come_with_batches(self) -> None:
        got = Collector()
        self.bus.subscribe(TextMessage, lambda pairs: [got(pair) for pair in pairs], batch=True, envelope=True)
        self.bus.publish(TextMessage(content="a"), priority=3)
        ((message, envelope),) = got.wait(1)
        self.assertEqual((message.content, envelope.priority), ("a", 3))

    def test_a_destination_gets_it_alone(self) -> None:
        one, two = Collector(), Collector()
        first = self.bus.subscribe(TextMessage, one)
        self.bus.subscribe(TextMessage, two)
        self.bus.publish(TextMessage(content="one"), destination=first)
        self.bus.publish(TextMessage(content="one again"), destination=first.id)
        self.bus.publish(TextMessage(content="all"))
        self.assertEqual([m.content for m in one.wait(3)], ["one", "one again", "all"])
        self.assertEqual([m.content for m in two.wait(1)], ["all"])

    def test_a_key_reaches_one_subscription_always_the_same(self) -> None:
        collectors = [Collector(), Collector(), Collector()]
        for each in collectors:
            self.bus.subscribe(CounterUpdate, each)
        for key in range(40):
            self.bus.publish(CounterUpdate(counter_id=key), key=key)
            self.bus.publish(CounterUpdate(counter_id=key), key=key)
        self.bus.publish(CounterUpdate(counter_id=1000))
        for each in collectors:
            while not each.items or each.items[-1].counter_id != 1000:
                each.wait(len(each.items) + 1)
        ids = [[m.counter_id for m in each.items[:-1]] for each in collectors]
        self.assertEqual(sorted(sum(ids, [])), sorted(2 * list(range(40))))
        for keys in ids:
            self.assertTrue(all(keys.count(key) == 2 for key in keys))

    def test_an_exception_is_logged_and_counted_and_the_next_message_comes(self) -> None:
        got = Collector()

        def callback(message: TextMessage) -> None:
            got(message.content)
            if message.content == "bad":
                raise LookupError("not today")

        with self.assertLogs("mycelium", logging.ERROR) as logs:
            subscription = self.bus.subscribe(TextMessage, callback, name="fussy")
            self.bus.publish(TextMessage(content="bad"))
            self.bus.publish(TextMessage(content="good"))
            self.assertEqual(got.wait(2), ["bad", "good"])
        self.assertEqual(len(logs.records), 1)
        self.assertIn("fussy", logs.output[0])
        self.assertIn("LookupError: not today", logs.output[0])
        self.assertIn("in callback", logs.output[0])
        self.assertEqual(subscription.stats.callback_errors, 1)
        self.assertEqual(self.bus.stats().callback_errors, 1)
        self.assertIn("mycelium_python_callback_errors_total 1\n# EOF\n", self.bus.metrics())

    def test_a_malformed_message_is_logged_and_left_out(self) -> None:
        for batch in (False, True):
            with self.subTest(batch=batch), self.assertLogs("mycelium", logging.ERROR) as logs:
                got = Collector()
                with self.bus.subscribe(TextMessage, got, batch=batch):
                    self.bus.publish_bytes(1001, b"garbage garbage")
                    self.bus.publish(TextMessage(content="fine"))
                    last = got.wait(1)[0]
                self.assertEqual(last[0].content if batch else last.content, "fine")
                self.assertIn("malformed message", logs.output[0])

    def test_close_in_its_own_callback_ends_it(self) -> None:
        got = Collector()
        holder = []

        def callback(message: TextMessage) -> None:
            holder[0].close()
            got(message)

        ready = threading.Event()
        blocker = self.bus.subscribe(CounterUpdate, lambda _: ready.wait(PATIENCE))
        self.bus.publish(CounterUpdate())
        holder.append(self.bus.subscribe(TextMessage, callback))
        self.bus.publish_many([TextMessage()] * 100)
        ready.set()
        got.wait(1)
        blocker.close()
        self.assertTrue(holder[0].closed)
        self.assertEqual(len(got.items), 1)

    def test_after_close_no_callback_runs(self) -> None:
        for _ in range(50):
            started = threading.Event()
            state = {"running": False, "closed": False, "late": 0}

            def callback(_: TextMessage) -> None:
                state["late"] += state["closed"]
                state["running"] = True
                started.set()
                state["running"] = False

            subscription = self.bus.subscribe(TextMessage, callback)
            self.bus.publish_many([TextMessage()] * 200)
            self.assertTrue(started.wait(PATIENCE))
            subscription.close()
            self.assertFalse(state["running"])
            state["closed"] = True
            self.bus.publish(TextMessage())
            self.assertEqual(state["late"], 0)

    def test_close_waits_for_the_running_callback(self) -> None:
        entered, leave = threading.Event(), threading.Event()
        order: list[str] = []

        def callback(_: TextMessage) -> None:
            entered.set()
            leave.wait(PATIENCE)
            order.append("callback ended")

        subscription = self.bus.subscribe(TextMessage, callback)
        self.bus.publish(TextMessage())
        self.assertTrue(entered.wait(PATIENCE))
        closer = threading.Thread(target=lambda: (subscription.close(), order.append("close returned")))
        closer.start()
        while not subscription.closed:
            pass
        leave.set()
        closer.join(PATIENCE)
        self.assertEqual(order, ["callback ended", "close returned"])

    def test_a_callback_may_publish_and_subscribe(self) -> None:
        got = Collector()

        def callback(message: TextMessage) -> None:
            self.bus.subscribe(CounterUpdate, got)
            self.bus.publish(CounterUpdate(value=len(message.content)))

        self.bus.subscribe(TextMessage, callback)
        self.bus.publish(TextMessage(content="four"))
        self.assertEqual(got.wait(1)[0].value, 4)

    def test_a_callback_cannot_close_or_flush_its_runtime(self) -> None:
        got = Collector()

        def callback(_: TextMessage) -> None:
            for call in (self.bus.close, self.bus.flush):
                try:
                    call()
                except RuntimeError as why:
                    got(str(why))

        self.bus.subscribe(TextMessage, callback)
        self.bus.publish(TextMessage())
        self.assertTrue(all("cannot be called in one" in text for text in got.wait(2)))
        self.assertFalse(self.bus.closed)

    def test_dropping_the_handle_keeps_the_subscription(self) -> None:
        got = Collector()
        self.bus.subscribe(TextMessage, got)
        gc.collect()
        self.bus.publish(TextMessage(content="still here"))
        self.assertEqual(got.wait(1)[0].content, "still here")

    def test_a_with_block_ends_the_subscription(self) -> None:
        with self.bus.subscribe(TextMessage, print) as subscription:
            self.assertEqual((subscription.type_id, subscription.closed), (1001, False))
            self.assertIn("1001", repr(subscription))
        self.assertTrue(subscription.closed)
        subscription.close()

    def test_kept_messages_come_first(self) -> None:
        self.bus.keep_history(CounterUpdate, 4)
        self.bus.publish_many(CounterUpdate(value=i) for i in range(10))
        got = Collector()
        self.bus.subscribe(CounterUpdate, got, history=3)
        self.bus.publish(CounterUpdate(value=10))
        self.assertEqual([m.value for m in got.wait(4)], [7, 8, 9, 10])

    def test_the_latest_value_survives_in_a_small_mailbox(self) -> None:
        entered, leave = threading.Event(), threading.Event()
        got = Collector()

        def callback(message: CounterUpdate) -> None:
            entered.set()
            leave.wait(PATIENCE)
            got(message.value)

        subscription = self.bus.subscribe(CounterUpdate, callback, policy="drop_oldest", capacity=2)
        self.bus.publish(CounterUpdate(value=-1))
        self.assertTrue(entered.wait(PATIENCE))
        self.bus.publish_many(CounterUpdate(value=i) for i in range(100))
        leave.set()
        while got.wait(len(got.items) + 1)[-1] != 99:
            pass
        stats = subscription.stats
        self.assertGreater(stats.dropped["oldest"], 0)
        self.assertEqual(stats.offered, 101)
        self.assertEqual(stats.delivered + stats.dropped["oldest"], 101)

    def test_what_the_bus_has_to_say_is_logged(self) -> None:
        entered, leave = threading.Event(), threading.Event()
        with self.assertLogs("mycelium", logging.INFO) as logs:
            with Runtime() as bus:
                callback = lambda _: (entered.set(), leave.wait(PATIENCE))  # noqa: E731
                bus.subscribe(TextMessage, callback, policy="drop_newest", capacity=2, name="sloth")
                bus.publish(TextMessage())
                self.assertTrue(entered.wait(PATIENCE))
                bus.publish_many([TextMessage()] * 10)
                until = time.monotonic() + PATIENCE
                while not logs.records and time.monotonic() < until:
                    bus.stats()  # passes on what the bus has said
                leave.set()
        self.assertIn("'sloth' is too slow and loses messages", logs.output[0])
        self.assertTrue(logs.output[0].startswith("WARNING:mycelium:"))

    def test_foreign_message_classes_go_through_their_methods(self) -> None:
        class Custom:
            TYPE_ID = 60001

            def __init__(self, text: str) -> None:
                self.text = text

            def to_bytes(self) -> bytes:
                return self.text.encode()

            @classmethod
            def from_bytes(cls, data: bytes) -> "Custom":
                return cls(data.decode())

        got = Collector()
        self.bus.subscribe(Custom, got)
        self.bus.publish(Custom("own format"))
        self.assertEqual(got.wait(1)[0].text, "own format")

    def test_a_subclass_of_a_generated_class_is_what_arrives(self) -> None:
        class Loud(TextMessage):
            __slots__ = ()

            def shout(self) -> str:
                return self.content.upper()

        got = Collector()
        self.bus.subscribe(Loud, got)
        self.bus.publish(TextMessage(content="hello"))
        self.assertEqual(got.wait(1)[0].shout(), "HELLO")

    def test_a_runtime_that_is_dropped_is_collected(self) -> None:
        bus = Runtime()
        bus.publish(TextMessage())
        gone = weakref.ref(bus)
        del bus
        gc.collect()
        self.assertIsNone(gone())

    def test_a_closed_runtime_with_callbacks_is_collected(self) -> None:
        bus = Runtime()
        bus.subscribe(TextMessage, lambda message, keeps=bus: None)
        bus.publish(TextMessage())
        bus.close()
        gone = weakref.ref(bus)
        del bus
        gc.collect()
        self.assertIsNone(gone())

    def test_one_thread_serves_all_callbacks_and_has_a_name(self) -> None:
        names = Collector()
        with Runtime(name="greenhouse") as bus:
            bus.subscribe(TextMessage, lambda _: names(threading.current_thread().name))
            bus.subscribe(CounterUpdate, lambda _: names(threading.current_thread().name))
            bus.publish(TextMessage())
            bus.publish(CounterUpdate())
            self.assertEqual(names.wait(2), ["greenhouse-dispatch"] * 2)

    def test_close_delivers_what_was_accepted(self) -> None:
        got = Collector()
        bus = Runtime()
        bus.subscribe(CounterUpdate, lambda message: got(message.counter_id))
        bus.publish_many(CounterUpdate(counter_id=i) for i in range(2000))
        bus.close()
        self.assertEqual(got.items, list(range(2000)))

    def test_flush_returns_when_all_is_taken(self) -> None:
        got = Collector()
        self.bus.subscribe(CounterUpdate, got)
        self.bus.publish_many(CounterUpdate(counter_id=i) for i in range(500))
        self.bus.flush(PATIENCE)
        self.assertEqual(self.bus.stats().waiting, 0)
        got.wait(500)

    def test_a_callback_that_does_not_end_makes_close_time_out(self) -> None:
        entered, leave = threading.Event(), threading.Event()
        bus = Runtime()
        bus.subscribe(TextMessage, lambda _: (entered.set(), leave.wait(PATIENCE)))
        bus.publish(TextMessage())
        self.assertTrue(entered.wait(PATIENCE))
        with self.assertRaises(mycelium_native.TimedOutError):
            bus.close(0.05)
        leave.set()
        bus.close(PATIENCE)

    def test_schemas_of_ones_own_are_registered(self) -> None:
        import golden_protocol

        with self.assertRaisesRegex(ValueError, "schema digest mismatch"):
            Runtime(golden_protocol.SCHEMA_DIGEST)
        with Runtime(
            golden_protocol.SCHEMA_DIGEST, schemas=[golden_protocol.SCHEMA], verify="full", strict=True
        ) as bus:
            got = Collector()
            node = golden_protocol.Node(name="root", children=[golden_protocol.Node(weight=1)])
            bus.subscribe(golden_protocol.Node, got)
            bus.publish(node)
            self.assertEqual(got.wait(1), [node])
            self.assertEqual(bus.type_digest(golden_protocol.Node), golden_protocol.Node.TYPE_DIGEST)
            bus.verify_payload(golden_protocol.Node, node.to_bytes())


if __name__ == "__main__":
    unittest.main()
