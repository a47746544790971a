"""Received memory: views without copies that stay valid, and nothing that leaks."""

import gc
import os
import sys
import unittest

from collecting import PATIENCE, Collector
from golden_protocol import Vectors
from mycelium_native import Runtime
from mycelium_protocol import CounterUpdate, TextMessage, WordCountReply, WordCountRequest

try:
    import numpy
except ImportError:
    numpy = None


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@unittest.skipUnless(numpy, "numpy is not installed")
class ViewsTest(unittest.TestCase):
    def test_a_view_outlives_message_subscription_and_runtime(self) -> None:
        bus = Runtime()
        got = Collector()
        subscription = bus.subscribe(60000, got)
        payload = bytes(range(256)) * 16
        bus.publish_bytes(60000, payload)
        (message,) = got.wait(1)
        view = memoryview(message)
        array = numpy.frombuffer(message, dtype="<u4")
        self.assertTrue(view.readonly)
        self.assertFalse(array.flags.writeable)
        self.assertTrue(numpy.shares_memory(array, numpy.asarray(view)))
        got.items.clear()
        del message
        subscription.close()
        bus.close()
        del bus, subscription
        gc.collect()
        # New messages take memory that has become free; ours is not among it.
        with Runtime() as other:
            kept = Collector()
            other.subscribe(60000, kept)
            for _ in range(100):
                other.publish_bytes(60000, b"\xff" * len(payload))
            kept.wait(100)
        self.assertEqual(bytes(view), payload)
        self.assertEqual(array.tobytes(), payload)

    def test_vectors_of_a_received_message_are_views_of_it(self) -> None:
        got = Collector()
        numbers = numpy.arange(10000, dtype="f8")
        with Runtime() as bus:
            bus.subscribe(Vectors, got)
            bus.publish(Vectors(float64s=numbers, needed=b"n"))
            (message,) = got.wait(1)
            got.items.clear()
            array = numpy.asarray(message.float64s)
            self.assertFalse(array.flags.owndata)
            self.assertFalse(array.flags.writeable)
            del message
            for _ in range(100):
                bus.publish(Vectors(float64s=-numbers, needed=b"n"))
            got.wait(100)
        self.assertTrue((array == numbers).all())

    def test_payloads_are_aligned(self) -> None:
        got = Collector()
        with Runtime() as bus:
            bus.subscribe(60000, got)
            for size in range(1, 40):
                bus.publish_bytes(60000, bytes(size))
            for message in got.wait(39):
                self.assertEqual(numpy.frombuffer(message, "u1").ctypes.data % 16, 0)


class LoansTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bus = Runtime(max_payload=4096)
        self.addCleanup(self.bus.close)
        self.got = Collector()
        self.bus.subscribe(60000, self.got)

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_a_loan_is_written_and_published_without_a_copy(self) -> None:
        loan = self.bus.loan(64)
        self.assertEqual(len(loan), 64)
        array = numpy.frombuffer(loan, dtype="u1")
        place = array.ctypes.data
        array[:] = range(64)
        with self.assertRaisesRegex(BufferError, "still alive"):
            loan.publish(60000)
        del array
        loan.publish(60000)
        (message,) = self.got.wait(1)
        self.assertEqual(bytes(message), bytes(range(64)))
        self.assertEqual(numpy.frombuffer(message, "u1").ctypes.data, place)

    def test_a_part_of_a_loan(self) -> None:
        loan = self.bus.loan(64)
        with memoryview(loan) as view:
            view[16:20] = b"part"
        loan.publish(60000, 4, offset=16)
        self.assertEqual(bytes(self.got.wait(1)[0]), b"part")

    def test_a_loan_is_used_once(self) -> None:
        loan = self.bus.loan(4)
        loan.publish(60000)
        for call in (lambda: loan.publish(60000), lambda: memoryview(loan)):
            with self.assertRaisesRegex(BufferError, "published or discarded"):
                call()
        loan.discard()
        other = self.bus.loan(4)
        other.discard()
        other.discard()
        with self.assertRaises(BufferError):
            other.publish(60000)

    def test_wrong_parts_leave_the_loan_as_it_is(self) -> None:
        loan = self.bus.loan(8)
        for length, offset in ((9, 0), (8, 1), (-1, 0), (0, 9), (0, -1)):
            with self.assertRaises(ValueError):
                loan.publish(60000, length, offset)
        with self.assertRaises(ValueError):
            loan.publish(0)
        loan.publish(60000, 8)
        self.assertEqual(len(self.got.wait(1)[0]), 8)
        with self.assertRaises(ValueError):
            self.bus.loan(-1)

    def test_a_loan_outlives_its_runtime(self) -> None:
        bus = Runtime()
        loan = bus.loan(16)
        bus.close()
        with self.assertRaisesRegex(RuntimeError, "runtime closed"):
            loan.publish(60000)
        del bus
        gc.collect()
        with memoryview(loan) as view:
            view[:] = bytes(16)


class LeaksTest(unittest.TestCase):
    """100,000 messages of each way leave no object and no memory behind."""

    def check(self, work, rounds: int = 5) -> None:
        work()  # fills caches and pools
        gc.collect()
        objects, memory = len(gc.get_objects()), resident_bytes()
        counts = [sys.getrefcount(each) for each in (None, TextMessage, CounterUpdate, b"", "")]
        for _ in range(rounds):
            work()
        gc.collect()
        self.assertLess(len(gc.get_objects()) - objects, 200)
        self.assertLess(resident_bytes() - memory, 4 << 20)
        for before, each in zip(counts, (None, TextMessage, CounterUpdate, b"", ""), strict=True):
            self.assertLess(abs(sys.getrefcount(each) - before), 1000)

    def test_callbacks(self) -> None:
        with Runtime() as bus:
            bus.subscribe(TextMessage, lambda message: None)
            bus.subscribe(TextMessage, lambda messages: None, batch=True, envelope=True)
            bus.subscribe(TextMessage.TYPE_ID, lambda message: memoryview(message).nbytes)

            def work() -> None:
                bus.publish_many(TextMessage(sender="leak", content=f"message {i}", timestamp=i) for i in range(20_000))
                bus.flush(PATIENCE)

            self.check(work)

    def test_encoding_and_decoding(self) -> None:
        good = Vectors(int32s=[1, 2, 3], float64s=b"", needed=b"abc")
        data = good.encode()

        def work() -> None:
            for i in range(20_000):
                Vectors.decode(data)
                Vectors(int32s=[i], needed=b"").encode()
                if i % 10 == 0:
                    for call in (
                        lambda: Vectors.decode(data[:-9]),
                        lambda: Vectors(int8s=[1, 500], needed=b"").encode(),
                    ):
                        try:
                            call()
                        except ValueError:
                            pass

        self.check(work)

    def test_requests_and_errors(self) -> None:
        with Runtime() as bus:
            bus.serve(WordCountRequest, lambda request: WordCountReply(words=1) if request.text else None)

            def work() -> None:
                for i in range(2_000):
                    try:
                        bus.request(WordCountRequest(text="x" * (i % 2)), WordCountReply)
                    except RuntimeError:
                        pass

            self.check(work)

    def test_subscriptions_and_runtimes(self) -> None:
        def work() -> None:
            for _ in range(20):
                with Runtime(threads=1) as bus, bus.subscribe(TextMessage, lambda message, keep=bus: None):
                    bus.publish(TextMessage())

        self.check(work)


if __name__ == "__main__":
    unittest.main()
