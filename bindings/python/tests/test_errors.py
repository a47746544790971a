"""Each mistake is an exception of the promised kind with a text that helps."""

import unittest

import mycelium_native
from mycelium_native import MyceliumError, Runtime
from mycelium_protocol import SCHEMA_DIGEST, TextMessage

BAD = -13


class ErrorsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bus = Runtime(max_payload=1024)
        self.addCleanup(self.bus.close)

    def test_a_wrong_digest_is_a_value_error(self) -> None:
        for digest in (bytes(32), b"short", SCHEMA_DIGEST[:-1], b""):
            with self.assertRaisesRegex(ValueError, "^schema digest mismatch$"):
                Runtime(digest)
        with self.assertRaisesRegex(ValueError, "^schema digest mismatch$"):
            self.bus.verify_schema_digest(bytes(32))
        self.bus.verify_schema_digest(SCHEMA_DIGEST)

    def test_no_digest_takes_the_built_in_one(self) -> None:
        with Runtime() as bus:
            bus.verify_schema_digest(mycelium_native.schema_digest())

    def test_a_message_without_a_type_id_is_a_value_error(self) -> None:
        class Plain:
            def to_bytes(self) -> bytes:
                return b""

        for wrong in (Plain(), object(), 5, "text", None):
            with self.assertRaisesRegex(ValueError, "^message missing TYPE_ID$"):
                self.bus.publish(wrong)
        for wrong in (Plain, object, "text", None):
            with self.assertRaisesRegex(ValueError, "^message missing TYPE_ID$"):
                self.bus.subscribe(wrong, print)

    def test_a_type_id_is_from_1_to_65535(self) -> None:
        for wrong in (0, -1, 65536, 2**70):
            with self.assertRaisesRegex(ValueError, "1 to 65535"):
                self.bus.publish_bytes(wrong, b"")

    def test_a_callback_must_be_callable(self) -> None:
        for wrong in (None, 5, "print"):
            with self.assertRaisesRegex(TypeError, "^callback must be callable$"):
                self.bus.subscribe(TextMessage, wrong)  # type: ignore[arg-type]
            with self.assertRaisesRegex(TypeError, "^callback must be callable$"):
                self.bus.serve(TextMessage, wrong)  # type: ignore[arg-type]

    def test_a_closed_runtime_is_a_runtime_error(self) -> None:
        bus = Runtime()
        subscription = bus.subscribe(TextMessage, print)
        bus.close()
        bus.close()
        message = TextMessage()
        for call in (
            lambda: bus.publish(message),
            lambda: bus.publish_bytes(1001, b""),
            lambda: bus.publish_many([message]),
            lambda: bus.subscribe(TextMessage, print),
            lambda: bus.serve(TextMessage, print),
            lambda: bus.request(message, TextMessage),
            lambda: bus.wait_for_subscribers(TextMessage),
            lambda: bus.flush(),
            lambda: bus.loan(8),
            lambda: bus.handle,
        ):
            with self.assertRaisesRegex(RuntimeError, "^runtime closed$"):
                call()
        self.assertTrue(bus.closed and subscription.closed)
        self.assertEqual(bus.stats().published, 0)
        subscription.close()

    def test_a_runtime_that_never_began_is_closed(self) -> None:
        bus = Runtime.__new__(Runtime)
        with self.assertRaisesRegex(RuntimeError, "^runtime closed$"):
            bus.publish(TextMessage())

    def test_too_large_a_payload_has_its_status(self) -> None:
        with self.assertRaises(MyceliumError) as caught:
            self.bus.publish(TextMessage(content="x" * 2000))
        self.assertEqual(caught.exception.status, -8)
        self.assertIn("1024", str(caught.exception))
        self.assertIsInstance(caught.exception, RuntimeError)

    def test_an_unknown_type_is_refused_by_a_strict_runtime(self) -> None:
        with Runtime(strict=True) as bus, self.assertRaises(MyceliumError) as caught:
            bus.publish_bytes(60000, b"")
        self.assertEqual(caught.exception.status, -7)

    def test_a_malformed_payload_is_refused_where_all_is_verified(self) -> None:
        with Runtime(verify="full") as bus, self.assertRaises(MyceliumError) as caught:
            bus.publish_bytes(1001, b"this is no message")
        self.assertEqual(caught.exception.status, -9)

    def test_timeouts_are_timeout_errors(self) -> None:
        with self.assertRaises(TimeoutError) as caught:
            self.bus.wait_for_subscribers(TextMessage, timeout=0.01)
        self.assertIsInstance(caught.exception, mycelium_native.TimedOutError)
        self.assertEqual(caught.exception.status, -11)

    def test_a_full_mailbox_has_its_own_class(self) -> None:
        bus = Runtime()
        queue = mycelium_native._native.Queue(bus)
        bus._subscribe(TextMessage, None, queue_id=queue.id, policy="fail", capacity=2)
        with self.assertRaises(mycelium_native.MailboxFullError) as caught:
            for _ in range(10):
                bus.publish(TextMessage())
        self.assertEqual(caught.exception.status, -10)
        queue.close()
        bus.close()

    def test_unknown_options_and_names_are_refused(self) -> None:
        with self.assertRaises(TypeError):
            Runtime(mailbox=5)
        for options in ({"policy": "lose"}, {"verify": "perhaps"}, {"block_timeout": -1}, {"max_payload": -1}):
            with self.assertRaises(ValueError):
                Runtime(**options)
        with self.assertRaises(ValueError):
            self.bus.subscribe(TextMessage, print, policy="sometimes")

    def test_a_topology_needs_a_service_and_takes_no_options(self) -> None:
        with self.assertRaises(TypeError):
            Runtime(topology_path="topology.toml")
        with self.assertRaises(TypeError):
            Runtime(topology_path="topology.toml", service_name="a", threads=1)
        with self.assertRaises(MyceliumError):
            Runtime(topology_path="/nowhere/topology.toml", service_name="a")

    def test_envelope_keywords_are_checked(self) -> None:
        message = TextMessage()
        for wrong, error in (
            ({"priority": 256}, ValueError),
            ({"correlation_id": -1}, ValueError),
            ({"trace": "00-zz"}, ValueError),
            ({"key": 1, "destination": 1}, ValueError),
            ({"colour": 1}, TypeError),
        ):
            with self.assertRaises(error):
                self.bus.publish(message, **wrong)

    def test_an_iterable_that_fails_says_how_many_were_published(self) -> None:
        def messages():
            yield TextMessage()
            yield TextMessage()
            raise LookupError("no more")

        with self.assertRaises(LookupError) as caught:
            self.bus.publish_many(messages())
        self.assertEqual(caught.exception.published, 2)
        with self.assertRaises(ValueError) as wrong:
            self.bus.publish_many([TextMessage(), object()])
        self.assertEqual(wrong.exception.published, 1)


if __name__ == "__main__":
    unittest.main()
