"""Requests and replies."""

import logging
import threading
import unittest

import mycelium_native
from collecting import PATIENCE, Collector
from mycelium_native import Runtime
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest


class RequestsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bus = Runtime()
        self.addCleanup(self.bus.close)

    def test_a_handler_answers(self) -> None:
        self.bus.serve(
            WordCountRequest, lambda r: WordCountReply(words=len(r.text.split()), bytes=len(r.text.encode()))
        )
        reply = self.bus.request(WordCountRequest(text="so viele Wörter"), WordCountReply, timeout=PATIENCE)
        self.assertEqual(reply, WordCountReply(words=3, bytes=16))

    def test_nobody_serves(self) -> None:
        with self.assertRaises(mycelium_native.NoReplyError) as caught:
            self.bus.request(WordCountRequest(), WordCountReply)
        self.assertEqual(caught.exception.status, -15)

    def test_a_handler_that_raises_leaves_the_request_unanswered(self) -> None:
        def handler(_: WordCountRequest) -> WordCountReply:
            raise ZeroDivisionError("cannot count")

        subscription = self.bus.serve(WordCountRequest, handler)
        with self.assertLogs("mycelium", logging.ERROR) as logs, self.assertRaises(mycelium_native.NoReplyError):
            self.bus.request(WordCountRequest(), WordCountReply, timeout=PATIENCE)
        self.assertIn("cannot count", logs.output[0])
        self.assertEqual(subscription.stats.callback_errors, 1)

    def test_a_handler_that_returns_none_leaves_it_to_the_next(self) -> None:
        self.bus.serve(WordCountRequest, lambda _: None)
        self.bus.serve(WordCountRequest, lambda _: WordCountReply(words=1))
        self.assertEqual(self.bus.request(WordCountRequest(), WordCountReply, timeout=PATIENCE).words, 1)

    def test_a_handler_that_returns_no_message_is_reported(self) -> None:
        self.bus.serve(WordCountRequest, lambda _: "three")
        with self.assertLogs("mycelium", logging.ERROR) as logs, self.assertRaises(mycelium_native.NoReplyError):
            self.bus.request(WordCountRequest(), WordCountReply, timeout=PATIENCE)
        self.assertIn("message missing TYPE_ID", logs.output[0])

    def test_an_answer_may_come_late_and_from_anywhere(self) -> None:
        kept = Collector()
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept)

        def answer() -> None:
            (request,) = kept.wait(1)
            self.assertTrue(request.is_request)
            self.assertEqual(request.decode(WordCountRequest).text, "later")
            self.bus.reply(request, WordCountReply(words=5))
            with self.assertRaises(mycelium_native.MyceliumError):
                self.bus.reply(request, WordCountReply(words=6))

        thread = threading.Thread(target=answer)
        thread.start()
        reply = self.bus.request(WordCountRequest(text="later"), WordCountReply, timeout=PATIENCE)
        thread.join()
        self.assertEqual(reply.words, 5)

    def test_no_answer_in_time(self) -> None:
        kept = Collector()
        self.bus.subscribe(WordCountRequest.TYPE_ID, kept)
        with self.assertRaises(TimeoutError) as caught:
            self.bus.request(WordCountRequest(), WordCountReply, timeout=0.02)
        self.assertIn("0.02 s", str(caught.exception))
        with self.assertRaises(mycelium_native.MyceliumError):
            self.bus.reply(kept.wait(1)[0], WordCountReply())

    def test_a_reply_of_another_type_is_a_value_error(self) -> None:
        self.bus.serve(WordCountRequest, lambda _: TextMessage(content="what?"))
        with self.assertRaisesRegex(ValueError, "type_id 1001, expected was 1005"):
            self.bus.request(WordCountRequest(), WordCountReply, timeout=PATIENCE)
        anything = self.bus.request(WordCountRequest(), None, timeout=PATIENCE)
        self.assertEqual(anything.decode(TextMessage).content, "what?")

    def test_a_message_that_is_no_request_is_not_served(self) -> None:
        asked = Collector()
        self.bus.serve(WordCountRequest, lambda request: (asked(request.text), WordCountReply())[1])
        self.bus.publish(WordCountRequest(text="published"))
        self.bus.request(WordCountRequest(text="asked"), WordCountReply, timeout=PATIENCE)
        self.assertEqual(asked.items, ["asked"])

    def test_close_ends_a_waiting_request(self) -> None:
        bus = Runtime()
        kept = Collector()
        bus.subscribe(WordCountRequest.TYPE_ID, kept)
        errors = Collector()

        def ask() -> None:
            try:
                bus.request(WordCountRequest(), WordCountReply, timeout=None)
            except RuntimeError as why:
                errors(str(why))

        thread = threading.Thread(target=ask)
        thread.start()
        kept.wait(1)
        bus.close()
        self.assertEqual(errors.wait(1), ["runtime closed"])
        thread.join(PATIENCE)

    def test_many_threads_ask_at_once(self) -> None:
        self.bus.serve(WordCountRequest, lambda r: WordCountReply(words=len(r.text)))
        wrong = Collector()

        def ask(length: int) -> None:
            for _ in range(50):
                reply = self.bus.request(WordCountRequest(text="x" * length), WordCountReply, timeout=PATIENCE)
                if reply.words != length:
                    wrong(reply)

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(wrong.items, [])


if __name__ == "__main__":
    unittest.main()
