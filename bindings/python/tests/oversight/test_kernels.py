"""Kernels and streams, on both backends: checks, scorers that fail, live tokens, the interlock."""

import array
import asyncio
import ctypes
import threading
import time
import unittest
from fractions import Fraction

import backfire_kernel
import director_ai.pure
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


class TablesOfScoresTest(OnBothKernels):
    def test_every_buffer_of_numbers_gives_the_same(self):
        scores = [0.875, 0.75, 0.5, 0.25]
        for table in (scores, tuple(scores), array.array("d", scores), array.array("f", scores)):
            for tokens in (list("abcd"), tuple("abcd"), iter("abcd"), "abcd"):
                session = self.kernels.RustStreamingKernel(trend_threshold=1).stream_tokens(tokens, table)
                self.assertEqual((session.coherence_history, session.halt_index, session.output), (scores, 3, "abc"))

    def test_many_tokens(self):
        tokens = [f"{number} " for number in range(1000)]
        scores = array.array("d", [0.9] * 700 + [0.1] * 300)
        session = self.kernels.RustStreamingKernel(trend_threshold=1).stream_tokens(tokens, scores)
        self.assertEqual((session.halt_index, session.tokens), (700, tokens[:701]))
        entropies = array.array("d", [1.0] * 500 + [2.0] * 500)
        kernel = self.kernels.RustStreamingKernel()
        session = kernel.stream_tokens(tokens, array.array("d", [0.9] * 1000), entropy=entropies)
        self.assertEqual((session.halt_index, session.halt_kind.name), (500, "ENTROPY"))


class NativeScorerTest(unittest.TestCase):
    """Functions in C, through the native kernel only."""

    # double atof(const char*): the arguments behind the first are ignored.
    ATOF = ctypes.cast(ctypes.CDLL(None).atof, ctypes.c_void_p).value
    SCORE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)

    def test_a_function_scores_every_token(self):
        scorer = backfire_kernel.NativeScorer(self.ATOF)
        self.assertEqual(scorer("0.75"), 0.75)
        for tokens in (["0.9", "0.8", "0.3", "0.9"], iter(["0.9", "0.8", "0.3", "0.9"])):
            session = backfire_kernel.RustStreamingKernel().stream_tokens(tokens, scorer)
            self.assertEqual((session.coherence_history, session.halt_index), ([0.9, 0.8, 0.3], 2))

    def test_it_gets_text_length_and_user_data(self):
        seen = []

        def score(text, length, user_data):
            seen.append((ctypes.string_at(text, length).decode(), user_data))
            return 0.9 if len(seen) < 3 else float("nan")

        function = self.SCORE(score)
        scorer = backfire_kernel.NativeScorer(ctypes.cast(function, ctypes.c_void_p).value, 77, keep=function)
        tokens = ["\u00e4", "b", "c", "d"]
        session = backfire_kernel.RustStreamingKernel().stream_tokens(tokens, scorer, accumulate=True)
        self.assertEqual(seen, [("\u00e4", 77), ("\u00e4b", 77), ("\u00e4bc", 77)])
        self.assertEqual((session.halt_index, session.error), (2, "the score is not finite"))
        seen.clear()
        session = backfire_kernel.RustStreamingKernel().stream_tokens(iter(tokens), scorer, accumulate=True)
        self.assertEqual((seen[2], session.halt_index), (("\u00e4bc", 77), 2))

    def test_the_gil_is_free_meanwhile(self):
        # The function asks for the GIL, which ctypes takes for it: it would wait for ever if the stream held it.
        entered, other = threading.Event(), threading.Event()

        def score(text, length, user_data):
            entered.set()
            return 0.9 if other.wait(PATIENCE) else 0.0

        def run():
            entered.wait(PATIENCE)
            other.set()

        thread = threading.Thread(target=run)
        thread.start()
        function = self.SCORE(score)
        scorer = backfire_kernel.NativeScorer(ctypes.cast(function, ctypes.c_void_p).value)
        kernel = backfire_kernel.RustStreamingKernel(deadline_ms=1e9)
        self.assertEqual(kernel.stream_tokens(["a", "b"], scorer).output, "ab")
        thread.join()

    def test_what_is_refused(self):
        for wrong in ((0,), (self.ATOF, "x"), ("x",), ()):
            with self.assertRaises((TypeError, ValueError)):
                backfire_kernel.NativeScorer(*wrong)
        with self.assertRaisesRegex(TypeError, "need the package backfire_kernel"):
            director_ai.pure.NativeScorer(self.ATOF)


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


class PushTest(OnBothKernels):
    def test_verdicts(self):
        stream = self.kernels.RustStreamingKernel().begin()
        good = stream.push("a", 0.9)
        self.assertEqual((good.action, good.kind, good.index), (self.kernels.Action.RELEASE, 0, 0))
        self.assertEqual((good.text, good.released, good.score, good.halted, good.reason), ("a", 1, 0.9, False, ""))
        self.assertIs(stream.push("b", 0.6).action, self.kernels.Action.WARN)
        bad = stream.push("c", 0.1)
        self.assertEqual((bad.action, bad.kind, bad.index), (self.kernels.Action.HALT, 1, 2))
        self.assertEqual((bad.text, bad.released, bad.measured, bad.limit, bad.halted), ("", 2, 0.1, 0.5, True))
        self.assertEqual(repr(bad), "<Verdict HALT of token 2: hard_limit (0.1000 < 0.5)>")
        again = stream.push("d", 0.9)
        self.assertEqual((again.index, again.text, again.reason), (2, "", bad.reason))
        session = stream.finish()
        self.assertEqual((session.tokens, session.output, session.warning_count), (list("abc"), "ab", 2))
        with self.assertRaisesRegex(RuntimeError, "the stream has ended: begin another"):
            stream.push("e", 0.9)
        self.assertEqual(stream.finish().tokens, list("abc"))

    def test_what_is_known_of_a_token(self):
        stream = self.kernels.RustStreamingKernel(score_every=2).begin()
        self.assertTrue(stream.wants_score)
        stream.push("a", 0.9, latency_ms=50.0, entropy=1.2)
        self.assertFalse(stream.wants_score)
        stream.push("b")
        self.assertEqual(stream.session().coherence_history, [0.9])
        late = stream.push("c", 0.9, latency_ms=61.25)
        self.assertEqual(late.reason, "deadline (61.2500 ms > 50 ms)")
        for wrong in ({"error": 3}, {"nonsense": 1}, {"latency_ms": "x"}):
            with self.assertRaises(TypeError):
                self.kernels.Stream().push("a", 0.9, **wrong)
        failed = self.kernels.Stream()
        self.assertEqual(failed.push("a", 0.9, error="no model").score, 0.0)
        self.assertEqual(failed.finish().error, "no model")

    def test_a_stream_as_it_stands(self):
        stream = self.kernels.Stream(self.kernels.BackfireConfig(hard_limit=0.2))
        stream.push("a", 0.6)
        now = stream.session()
        stream.push("b", 0.8)
        self.assertEqual((now.tokens, now.avg_coherence, now.halted), (["a"], 0.6, False))
        self.assertEqual((stream.token_count, stream.halted, stream.is_active), (2, False, True))
        self.assertEqual(stream.finish().config.hard_limit, 0.2)


class SessionTest(OnBothKernels):
    def test_all_that_is_known_of_a_halted_stream(self):
        kernel = self.kernels.RustStreamingKernel(evidence_size=2)
        session = kernel.stream_tokens(["The ", "sky ", "is ", "green."], given(0.9, 0.8, 0.65, 0.3))
        self.assertEqual(session.token_count, 4)
        self.assertEqual((session.avg_coherence, session.avg_coherence()), (2.65 / 4, 2.65 / 4))
        self.assertEqual((session.min_coherence, session.warning_count, session.released), (0.3, 2, 3))
        self.assertEqual([tuple(each) for each in session.evidence], [(2, "is ", 0.65), (3, "green.", 0.3)])
        last = session.events[-1]
        self.assertEqual((last.token, last.index, last.coherence, last.halted, last.warning), ("green.", 3, 0.3, 1, 1))
        times = [event.timestamp_s for event in session.events]
        self.assertEqual(times, sorted(times))
        self.assertTrue(0 <= times[-1] * 1e3 <= session.duration_ms)
        self.assertIs(kernel.last_session, session)
        self.assertIn("halted at 3: hard_limit (0.3000 < 0.5)", repr(session))

    def test_in_plain_values(self):
        import json

        session = self.kernels.RustStreamingKernel().stream_tokens("ab", given(0.9, 0.1))
        plain = json.loads(json.dumps(session.to_dict()))
        self.assertEqual((plain["halt_kind"], plain["halt_index"], plain["output"]), ("hard_limit", 1, "a"))
        self.assertEqual(plain["events"][1]["coherence"], 0.1)

    def test_lists_are_made_once(self):
        session = self.kernels.RustStreamingKernel().stream_tokens("ab", given(0.9, 0.8))
        for name in ("tokens", "coherence_history", "events"):
            self.assertIs(getattr(session, name), getattr(session, name))


if __name__ == "__main__":
    unittest.main()
