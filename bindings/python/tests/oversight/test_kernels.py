"""Kernels and streams, on both backends: checks, scorers that fail, live tokens, the interlock."""

import array
import asyncio
import threading
import time
import unittest
from fractions import Fraction

from both_kernels import PATIENCE, OnBothKernels, given

INTERRUPT = "[KERNEL INTERRUPT: COHERENCE LIMIT EXCEEDED]"
FALLING = (0.9, 0.85, 0.8, 0.77, 0.74, 0.7)


class ChecksTest(OnBothKernels):
    def session(self, tokens, *scores, **fields):
        return self.kernels.RustStreamingKernel(**fields).stream_tokens(tokens, given(*scores))

    def test_the_example_of_the_specification(self):
        session = self.session("abcdef", *FALLING)
        self.assertEqual((session.halted, session.halt_index), (True, 4))
        self.assertEqual(session.halt_reason, "downward_trend (0.1600 > 0.15)")
        self.assertIs(session.halt_kind, self.kernels.HaltKind.DOWNWARD_TREND)
        self.assertEqual(session.output, "abcd")
        self.assertEqual(session.tokens, list("abcde"))
        self.assertEqual(session.coherence_history, list(FALLING[:5]))

    def test_the_hard_limit_is_strict_and_comes_first(self):
        session = self.session("abc", 0.5, 0.5, 0.1)
        self.assertEqual((session.halt_index, session.halt_reason), (2, "hard_limit (0.1000 < 0.5)"))
        self.assertEqual(session.output, "ab")

    def test_the_mean_of_a_full_window(self):
        session = self.session(["t"] * 12, *[0.55] * 10, 0.5, 0.5)
        self.assertEqual((session.halt_index, session.halt_kind.name), (10, "WINDOW_AVERAGE"))
        self.assertEqual(session.halt_reason, "window_avg (0.5450 < 0.55)")

    def test_entropy_that_the_caller_gives(self):
        kernel = self.kernels.RustStreamingKernel()
        session = kernel.stream_tokens("abc", lambda token: 0.9, entropy=given(1.0, 1.2, 1.5))
        self.assertEqual((session.halt_index, session.halt_reason), (2, "entropy (1.5000 > 1.2)"))
        for failing in (given(ValueError("no logits")), given("x"), given(float("nan")), array.array("d")):
            with self.subTest(failing):
                session = kernel.stream_tokens("abc", lambda token: 0.9, entropy=failing)
                self.assertEqual((session.halt_index, session.halt_reason), (0, "entropy (nan > 1.2)"))

    def test_a_score_that_comes_late(self):
        def scorer(token):
            if token == "c":
                time.sleep(0.005)  # what is tested is the time that a scorer takes
            return 0.9

        session = self.kernels.RustStreamingKernel(deadline_ms=4).stream_tokens("abcd", scorer)
        self.assertTrue(session.halted)
        self.assertIs(session.halt_kind, self.kernels.HaltKind.DEADLINE)
        self.assertLessEqual(session.halt_index, 2)  # a machine that is busy may make another one late
        self.assertRegex(session.halt_reason, r"^deadline \(\d+\.\d{4} ms > 4 ms\)$")

    def test_drift(self):
        session = self.session(["t"] * 9, *[0.56] * 9, ewma=True, ewma_limit=0.6, ewma_weight=0.5)
        self.assertEqual(session.halt_reason, "ewma (0.5600 < 0.6)")
        session = self.session(["t"] * 9, *[0.6] * 9, cusum=True, cusum_limit=0.25)
        self.assertEqual((session.halt_index, session.halt_reason), (2, "cusum (0.3000 > 0.25)"))

    def test_a_soft_halt_finishes_the_sentence(self):
        tokens = ["It ", "is ", "so ", "and ", "then ", "it ", "ends. ", "No ", "more."]
        session = self.session(tokens, *FALLING, 0.69, 0.68, 0.67, halt_mode="soft")
        self.assertEqual((session.halted, session.halt_index), (True, 4))
        self.assertEqual(session.output, "It is so and then it ends. ")
        session = self.session(tokens, *FALLING, 0.2, halt_mode="soft")
        self.assertEqual((session.halt_index, session.halt_kind.name), (6, "HARD_LIMIT"))
        self.assertEqual(session.output, "It is so and then it ")

    def test_whole_sentences(self):
        stream = self.kernels.RustStreamingKernel(whole_sentences=True).begin()
        shown = [stream.push(token, 0.9).text for token in ("One ", "two. ", "Three ", "four")]
        self.assertEqual(shown, ["", "One two. ", "", ""])
        self.assertEqual(stream.released, 2)
        self.assertEqual(stream.finish().output, "One two. Three four")
        session = self.session(["One. ", "Two ", "three"], 0.9, 0.9, 0.1, whole_sentences=True)
        self.assertEqual(session.output, "One. ")

    def test_scores_every_n_tokens(self):
        asked = []
        kernel = self.kernels.RustStreamingKernel(score_every=3)
        session = kernel.stream_tokens("abcdefgh", lambda token: asked.append(token) or 0.9)
        self.assertEqual(asked, ["a", "d", "g"])
        self.assertEqual(session.coherence_history, [0.9] * 3)
        self.assertEqual([event.coherence for event in session.events], [0.9, None, None] * 2 + [0.9, None])


class ScorersThatFailTest(OnBothKernels):
    def test_every_kind_of_nonsense_counts_as_zero_and_halts(self):
        for scorer, said in (
            (given(float("nan")), "the score is not finite"),
            (given(float("inf")), "the score is not finite"),
            (given("0.9"), "TypeError: must be real number, not str"),
            (given(None), "TypeError: must be real number, not NoneType"),
            (given((0.9,)), "TypeError: must be real number, not tuple"),
            (given(ValueError("no model")), "ValueError: no model"),
            (given(ZeroDivisionError()), "ZeroDivisionError"),
            (given(), "StopIteration"),
            (lambda: 0.9, "TypeError: "),
            (array.array("d"), "there is no score"),
            ([], "there is no score"),
        ):
            with self.subTest(said):
                kernel = self.kernels.RustStreamingKernel(soft_limit=0.6)
                session = kernel.stream_tokens(["a", "b"], scorer)
                self.assertEqual((session.halt_index, session.halt_reason), (0, "hard_limit (0.0000 < 0.5)"))
                self.assertTrue(session.error.startswith(said), session.error)
                self.assertEqual((session.coherence_history, session.output), ([0.0], ""))
                self.assertFalse(kernel.is_active)

    def test_they_halt_also_where_the_limit_is_zero(self):
        kernel = self.kernels.RustStreamingKernel(hard_limit=0.0)
        session = kernel.stream_tokens("ab", given(0.6, ValueError("no model")))
        self.assertEqual((session.halt_index, session.halt_reason), (1, "invalid_score"))
        self.assertIs(session.halt_kind, self.kernels.HaltKind.INVALID_SCORE)

    def test_what_turns_into_a_number_is_a_score(self):
        session = self.kernels.RustStreamingKernel().stream_tokens("abc", given(1, Fraction(3, 4) + 0, True))
        self.assertEqual(session.coherence_history, [1.0, 0.75, 1.0])

    def test_the_text_of_an_error_is_cut(self):
        session = self.kernels.RustStreamingKernel().stream_tokens("a", given(ValueError("\u00e4" * 300)))
        self.assertEqual(session.error, "ValueError: " + "\u00e4" * 73)

    def test_an_exception_whose_text_fails(self):
        class Evil(Exception):
            def __str__(self):
                raise RuntimeError("no text either")

        session = self.kernels.RustStreamingKernel().stream_tokens("a", given(Evil()))
        self.assertEqual((session.halted, session.error), (True, "Evil"))

    def test_keyboard_interrupt_and_its_like_pass_through(self):
        for passing in (KeyboardInterrupt(), SystemExit(3), GeneratorExit()):
            kernel = self.kernels.RustStreamingKernel()
            with self.assertRaises(type(passing)) as caught:
                kernel.stream_tokens("abc", given(0.9, passing))
            self.assertIs(caught.exception, passing)
            self.assertEqual((kernel.last_partial, kernel.last_session.token_count), ("a", 1))
            self.assertTrue(kernel.is_active)

    def test_a_scorer_cannot_push_into_its_own_stream(self):
        kernel = self.kernels.RustStreamingKernel()
        stream = kernel.begin()
        stream._feed("a", lambda token: stream.push("b", 0.9), False, None)
        self.assertIn("RuntimeError: the stream is in use", stream.finish().error)

    def test_what_is_no_scorer(self):
        kernel = self.kernels.RustStreamingKernel()
        for wrong in (3, "abc", b"abc", None, {"a": 1}, ["x"]):
            with self.subTest(wrong), self.assertRaises(TypeError):
                kernel.stream_tokens("abc", wrong)


class LiveTokensTest(OnBothKernels):
    def test_tokens_are_taken_one_at_a_time_and_none_after_a_halt(self):
        order = []

        def tokens():
            for token in "abcdef":
                order.append(token)
                yield token

        kernel = self.kernels.RustStreamingKernel()
        source = tokens()
        kernel.stream_tokens(source, lambda token: order.append(f"score {token}") or (0.1 if token == "c" else 0.9))
        self.assertEqual(order, ["a", "score a", "b", "score b", "c", "score c"])
        self.assertEqual(next(source), "d")  # the rest is the caller's

    def test_accumulated_text(self):
        seen = []
        kernel = self.kernels.RustStreamingKernel(score_every=2)
        kernel.stream_tokens(["a", "\u00e4", "c", "d"], lambda text: seen.append(text) or 0.9, accumulate=True)
        self.assertEqual(seen, ["a", "a\u00e4c"])

    def test_an_exception_of_the_tokens_passes_through(self):
        def tokens():
            yield "a"
            raise OSError("the line is cut")

        kernel = self.kernels.RustStreamingKernel()
        with self.assertRaisesRegex(OSError, "the line is cut"):
            kernel.stream_tokens(tokens(), lambda token: 0.9)
        self.assertEqual(kernel.last_partial, "a")

    def test_a_token_that_is_no_str(self):
        for tokens in (lambda: ["a", 3], lambda: ("a", b"b"), lambda: iter(["a", None])):
            for scorer in (lambda token: 0.9, [0.9, 0.9]):
                kernel = self.kernels.RustStreamingKernel()
                with self.assertRaisesRegex(TypeError, "token 1 must be a str, is a "):
                    kernel.stream_tokens(tokens(), scorer)
                self.assertEqual(kernel.last_session.tokens, ["a"])

    def test_lone_surrogates_and_zeros_are_tokens(self):
        kernel = self.kernels.RustStreamingKernel(whole_sentences=True)
        tokens = ["\ud800", "a\0b", "."]
        for scorer in (lambda token: 0.9, [0.9] * 3):
            self.assertEqual(kernel.stream_tokens(tokens, scorer).output, "\ud800a\0b.")

    def test_no_tokens(self):
        session = self.kernels.RustStreamingKernel().stream_tokens([], lambda token: 0.9)
        self.assertEqual((session.halted, session.halt_index, session.avg_coherence), (False, -1, 0.0))
        self.assertEqual((session.output, session.events, session.evidence), ("", [], []))

    def test_asynchronous_tokens_and_scorers(self):
        async def tokens():
            for token in "abcdef":
                await asyncio.sleep(0)
                yield token

        async def later(token):
            await asyncio.sleep(0)
            return 0.1 if token == "d" else 0.9

        kernel = self.kernels.RustStreamingKernel()
        session = asyncio.run(kernel.stream_tokens(tokens(), later))
        self.assertEqual((session.output, session.halt_index), ("abc", 3))
        kernel.reactivate()
        seen = []
        session = asyncio.run(kernel.stream_tokens(tokens(), lambda text: seen.append(text) or 0.9, accumulate=True))
        self.assertEqual((session.output, seen[-1]), ("abcdef", "abcdef"))
        self.assertEqual(asyncio.run(kernel.stream_tokens(tokens(), [0.9, 0.8])).halt_index, 2)
        kernel.reactivate()
        self.assertEqual(asyncio.run(kernel.stream_output(tokens(), lambda token: 0.9)), "abcdef")
        self.assertEqual(asyncio.run(kernel.stream_output(tokens(), given(0.9, 0.1))), INTERRUPT)

    def test_an_asynchronous_scorer_needs_asynchronous_tokens(self):
        async def later(token):
            return 0.9

        with self.assertRaisesRegex(TypeError, "an asynchronous scorer needs asynchronous tokens"):
            self.kernels.RustStreamingKernel().stream_tokens("abc", later)

    def test_cancelling_an_asynchronous_stream(self):
        async def main(kernel):
            waiting = asyncio.Event()

            async def tokens():
                yield "a"
                waiting.set()
                await asyncio.Event().wait()

            task = asyncio.ensure_future(kernel.stream_tokens(tokens(), lambda token: 0.9))
            await waiting.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        kernel = self.kernels.RustStreamingKernel()
        asyncio.run(main(kernel))
        self.assertEqual(kernel.last_partial, "a")


class InterlockTest(OnBothKernels):
    def test_a_hard_halt_stops_the_kernel_until_it_is_reactivated(self):
        kernel = self.kernels.RustStreamingKernel()
        kernel.stream_tokens("ab", given(0.9, 0.1))
        self.assertFalse(kernel.is_active)
        asked = []
        session = kernel.stream_tokens("ab", asked.append)
        self.assertEqual((session.halt_index, session.halt_reason, session.tokens), (0, "kernel_inactive", ["a"]))
        self.assertEqual((session.coherence_history, asked), ([], []))
        kernel.reactivate()
        self.assertEqual(kernel.stream_output("ab", lambda token: 0.9), "ab")

    def test_another_thread_stops_a_stream(self):
        kernel = self.kernels.RustStreamingKernel(deadline_ms=1e9)
        scoring, stopped = threading.Event(), threading.Event()

        def scorer(token):
            if token == "c":
                scoring.set()
                stopped.wait(PATIENCE)
            return 0.9

        def stop():
            scoring.wait(PATIENCE)
            kernel.emergency_stop()
            stopped.set()

        thread = threading.Thread(target=stop)
        thread.start()
        session = kernel.stream_tokens("abcd", scorer)
        thread.join()
        self.assertEqual((session.halt_index, session.halt_kind.name), (2, "KERNEL_INACTIVE"))
        self.assertEqual(session.output, "ab")

    def test_kernels_that_share_one(self):
        interlock = self.kernels.Interlock()
        first = self.kernels.RustStreamingKernel(interlock=interlock)
        second = self.kernels.RustSafetyKernel(interlock=interlock)
        first.emergency_stop()
        self.assertFalse(second.is_active)
        self.assertEqual(second.stream_output("ab", lambda token: 0.9), INTERRUPT)
        self.assertEqual(second.last_partial, "")

    def test_what_is_no_interlock(self):
        with self.assertRaisesRegex(TypeError, "interlock must be an Interlock or None"):
            self.kernels.Stream(interlock=3)


class SafetyKernelTest(OnBothKernels):
    def test_it_returns_the_text_or_the_interrupt(self):
        kernel = self.kernels.RustSafetyKernel(hard_limit=0.5)
        self.assertEqual(kernel.stream_output(["Hello ", "world ", "!"], lambda token: 0.85), "Hello world !")
        self.assertEqual(kernel.stream_output("abc", given(0.9, 0.6, 0.4)), INTERRUPT)
        self.assertEqual(kernel.last_partial, "ab")
        self.assertFalse(kernel.is_active)
        self.assertEqual(kernel.stream_output("abc", lambda token: 0.9), INTERRUPT)
        self.assertEqual(kernel.last_partial, "")
        kernel.reactivate()
        self.assertEqual(kernel.stream_output("abc", lambda token: 0.9), "abc")

    def test_nothing_but_the_hard_limit_is_checked(self):
        for limit in (0.0, 0.5, 0.9, 1.0):
            kernel = self.kernels.RustSafetyKernel(limit)
            scores = [1.7e308] + [limit] * 50
            self.assertEqual(kernel.stream_output("a" * 51, scores), "a" * 51)
            self.assertEqual(kernel.hard_limit, limit)

    def test_a_wrong_limit(self):
        for wrong in (-0.1, 1.1, float("nan")):
            with self.assertRaisesRegex(ValueError, r"^config error: hard_limit must be in \[0, 1\], is "):
                self.kernels.RustSafetyKernel(wrong)
        with self.assertRaises(TypeError):
            self.kernels.RustSafetyKernel("0.5")


if __name__ == "__main__":
    unittest.main()
