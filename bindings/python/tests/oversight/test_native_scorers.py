"""Scores that need no interpreter: tables on both backends, functions in C on the native one."""

import array
import ctypes
import threading
import unittest

import backfire_kernel
import director_ai.pure
from both_kernels import PATIENCE, OnBothKernels


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


if __name__ == "__main__":
    unittest.main()
