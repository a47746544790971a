"""Streams that are pushed token by token, and the sessions that remain, on both backends."""

import json
import unittest

from both_kernels import OnBothKernels, given


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
