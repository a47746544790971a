"""Oversight of token streams on the bus, with scorers in Python."""

from __future__ import annotations

import gc
import math
import textwrap
import threading
import unittest
import weakref
from collections.abc import Callable
from typing import Any

import mycelium_native
from collecting import PATIENCE, Collector, run_program
from mycelium_native import Oversight, Runtime, ScoreQuestion
from mycelium_protocol import (
    EndReason,
    HaltKind,
    InferenceCancel,
    InferenceDone,
    InferenceToken,
    OversightScore,
    OversightScoreRequest,
    OversightVerdict,
)

WORDS = [" " + word for word in "The sky is blue. The sea is deep and cold.".split()]
LONG = {"deadline_ms": 20000}  # a machine that is busy is not what is tested here


class OversightTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bus = Runtime(threads=2)
        self.addCleanup(self.bus.close)
        self.tokens, self.dones, self.verdicts, self.cancels = (Collector() for _ in range(4))
        self.bus.subscribe(InferenceToken, self.tokens)
        self.bus.subscribe(InferenceDone, self.dones)
        self.bus.subscribe(OversightVerdict, self.verdicts)
        self.bus.subscribe(InferenceCancel, self.cancels)

    def say(self, oversight: Oversight, session: int = 7) -> InferenceDone:
        """Says all words, whatever comes of it; returns how the session ended for those who read it."""
        to = oversight.attach(session)
        for index, word in enumerate(WORDS):
            self.bus.publish(InferenceToken(session_id=session, index=index, text=word), destination=to)
        self.bus.publish(InferenceDone(session_id=session, tokens=len(WORDS)), destination=to)
        done: InferenceDone = self.dones.wait(1)[0]
        return done

    def shown(self, count: int) -> str:
        return "".join(token.text for token in self.tokens.wait(count))

    def test_a_clean_text_is_shown_whole(self) -> None:
        asked: list[ScoreQuestion] = []

        def score(question: ScoreQuestion) -> float:
            asked.append(question)
            return 0.9

        with self.bus.oversight(LONG, score) as oversight:
            done = self.say(oversight)
        self.assertEqual(self.shown(len(WORDS)), "".join(WORDS))
        self.assertEqual((done.reason, done.tokens), (EndReason.EndOfSequence, len(WORDS)))
        self.assertEqual([question.index for question in asked], list(range(len(WORDS))))
        self.assertEqual(tuple(asked[3]), (7, 3, " blue.", None))

    def test_the_offending_token_is_never_shown(self) -> None:
        with self.bus.oversight(LONG, lambda question: 0.1 if question.index == 5 else 0.9) as oversight:
            done = self.say(oversight)
            self.assertEqual(self.shown(5), "".join(WORDS[:5]))
            self.assertEqual((done.reason, done.tokens, done.detail), (EndReason.Halted, 5, "hard_limit (0.1000 < 0.5)"))
            self.assertEqual(self.cancels.wait(1)[0].reason, EndReason.Halted)
            halt = self.verdicts.wait(6)[5]
            self.assertEqual((halt.kind, halt.index, halt.released), (HaltKind.HardLimit, 5, 5))
            self.assertEqual([sample.score for sample in halt.evidence], [0.9] * 5 + [0.1])
            self.bus.flush(PATIENCE)
            stats = oversight.stats()
            self.assertEqual((stats.released, stats.begun, stats.halts["hard_limit"]), (5, 1, 1))
            self.assertEqual(len(self.tokens.items), 5)

    def expect_failure(self, score: Callable[[ScoreQuestion], Any], error: str) -> None:
        with self.bus.oversight(LONG, lambda question: score(question) if question.index == 2 else 0.9) as oversight:
            done = self.say(oversight)
        self.assertEqual(done.reason, EndReason.Halted)
        self.assertEqual(self.shown(2), "".join(WORDS[:2]))
        self.assertEqual(self.verdicts.wait(3)[2].error, error)

    def test_a_scorer_that_raises_halts(self) -> None:
        def score(question: ScoreQuestion) -> float:
            raise ValueError(f"no model for token {question.index}")

        self.expect_failure(score, "ValueError: no model for token 2")

    def test_a_scorer_that_returns_no_number_halts(self) -> None:
        self.expect_failure(lambda question: "good", "TypeError: must be real number, not str")

    def test_a_scorer_that_returns_nothing_halts(self) -> None:
        self.expect_failure(lambda question: None, "TypeError: must be real number, not NoneType")

    def test_a_scorer_that_returns_nan_halts(self) -> None:
        self.expect_failure(lambda question: math.nan, "the score is not finite")

    def test_a_late_score_halts(self) -> None:
        with self.bus.oversight({"deadline_ms": 1e-9}, lambda question: 0.9) as oversight:
            self.assertEqual(self.say(oversight).tokens, 0)
        self.assertEqual(self.verdicts.wait(1)[0].kind, HaltKind.Deadline)

    def test_scores_come_from_who_serves_them(self) -> None:
        def score(request: OversightScoreRequest) -> OversightScore:
            good = request.text != " blue."
            return OversightScore(session_id=request.session_id, index=request.index, score=0.9 if good else 0.2)

        served = self.bus.serve(OversightScoreRequest, score)
        with self.bus.oversight(LONG, scorer_subscription=served) as oversight:
            done = self.say(oversight)
        self.assertEqual((done.reason, done.tokens), (EndReason.Halted, 3))

    def test_nobody_scores(self) -> None:
        with self.bus.oversight(LONG) as oversight:
            self.assertEqual(self.say(oversight).tokens, 0)
        self.assertIn("nobody scores", self.verdicts.wait(1)[0].error)

    def test_options_and_the_text_so_far(self) -> None:
        texts: list[str | None] = []

        def score(question: ScoreQuestion) -> float:
            texts.append(question.text)
            return 0.1 if question.index == 6 else 0.9

        options = {"whole_sentences": True}
        with self.bus.oversight(LONG, score, options=options, text_bytes=1000) as oversight:
            done = self.say(oversight)
        self.assertEqual(done.tokens, 4)
        self.assertEqual(self.shown(4), " The sky is blue.")
        self.assertEqual(texts[1], " The sky")

    def test_inline_a_halt_is_known_at_once(self) -> None:
        with self.bus.oversight(LONG, lambda question: 0.1, inline=True) as oversight:
            to = oversight.attach(7)
            self.bus.publish(InferenceToken(session_id=7, text="x"), destination=to)
            self.assertEqual(oversight.stats(7).halts["hard_limit"], 1)

    def test_an_observer_watches_what_is_published_to_all(self) -> None:
        with self.bus.oversight(LONG, lambda question: 0.1, observe=True) as oversight:
            self.bus.publish(InferenceToken(session_id=9, text="x"))
            self.assertEqual(self.cancels.wait(1)[0].session_id, 9)
            with self.assertRaisesRegex(ValueError, "observing oversight"):
                oversight.attach(7)

    def test_configs(self) -> None:
        class Config:
            def to_json(self) -> str:
                return '{"hard_limit": 0.3, "window_threshold": 0.1, "trend_threshold": 5, "deadline_ms": 20000}'

        for count, config in enumerate((Config(), Config().to_json()), 1):
            with self.subTest(config), self.bus.oversight(config, lambda question: 0.35) as oversight:
                self.bus.publish(InferenceToken(session_id=7, text="x"), destination=oversight.attach(7))
                self.assertEqual([token.text for token in self.tokens.wait(count)], ["x"] * count)

    def test_what_is_wrong_is_refused(self) -> None:
        cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, r"config error: hard_limit must be in \[0, 1\], is 2", {"config": {"hard_limit": 2}}),
            (ValueError, "config error: ", {"config": "{"}),
            (ValueError, "config error: ", {"config": {"no_such": 1}}),
            (ValueError, "soft_tokens", {"options": {"soft_halt": True, "soft_tokens": 0}}),
            (TypeError, "there is no option no_such", {"options": {"no_such": 1}}),
            (OverflowError, "", {"options": {"soft_tokens": 1 << 40}}),
            (TypeError, "scorer must be callable", {"scorer": 7}),
            (ValueError, "INLINE", {"observe": True, "inline": True}),
            (ValueError, "capacity", {"capacity": 1 << 30}),
            (ValueError, "", {"idle": -1.0}),
        ]
        for kind, words, given in cases:
            with self.subTest(given), self.assertRaisesRegex(kind, words):
                self.bus.oversight(**given)

    def test_stale_ids(self) -> None:
        oversight = self.bus.oversight(LONG, lambda question: 0.9)
        oversight.attach(7)
        with self.assertRaisesRegex(ValueError, "watched already"):
            oversight.attach(7)
        oversight.detach(7)
        with self.assertRaises(mycelium_native.MyceliumError):
            oversight.detach(7)
        with self.assertRaises(mycelium_native.MyceliumError):
            oversight.stats(7)
        oversight.close()
        oversight.close()
        self.assertTrue(oversight.closed)
        with self.assertRaises(mycelium_native.MyceliumError):
            oversight.stats()

    def test_a_scorer_may_close_its_oversight(self) -> None:
        closed = threading.Event()

        def score(question: ScoreQuestion) -> float:
            oversight.close()
            closed.set()
            return 0.9

        oversight = self.bus.oversight(LONG, score)
        self.bus.publish(InferenceToken(session_id=7, text="x"), destination=oversight.attach(7))
        self.assertTrue(closed.wait(PATIENCE))

    def test_a_closed_oversight_lets_its_scorer_go(self) -> None:
        class Scorer:
            def __call__(self, question: ScoreQuestion) -> float:
                return 0.9

        scorer = Scorer()
        alive = weakref.ref(scorer)
        with self.bus.oversight(LONG, scorer):
            del scorer
            gc.collect()
            self.assertIsNotNone(alive())
        gc.collect()
        self.assertIsNone(alive())


class OversightExitTest(unittest.TestCase):
    def run_to_its_end(self, source: str) -> None:
        done = run_program(textwrap.dedent(source))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(done.stderr, "Traceback|Fatal|terminate")

    def test_an_interpreter_that_ends_in_the_middle_of_it_ends_cleanly(self) -> None:
        self.run_to_its_end("""
            import threading
            from mycelium_native import Runtime
            from mycelium_protocol import InferenceToken
            bus = Runtime(threads=2)
            oversight = bus.oversight({"deadline_ms": 20000}, lambda question: 0.9)
            begun = threading.Event()
            bus.subscribe(InferenceToken, lambda token: begun.set())
            def say(session):
                to = oversight.attach(session)
                index = 0
                while True:
                    bus.publish(InferenceToken(session_id=session, index=index, text="x"), destination=to)
                    index += 1
            for session in range(3):
                threading.Thread(target=say, args=(session,), daemon=True).start()
            begun.wait()
            """)

    def test_a_scorer_that_never_returns_does_not_hold_up_the_exit(self) -> None:
        self.run_to_its_end("""
            import threading
            from mycelium_native import Runtime
            from mycelium_protocol import InferenceToken
            bus = Runtime(threads=2)
            begun = threading.Event()
            def score(question):
                begun.set()
                while True:
                    pass
            oversight = bus.oversight({"deadline_ms": 20000}, score)
            bus.publish(InferenceToken(session_id=7, text="x"), destination=oversight.attach(7))
            begun.wait()
            """)


if __name__ == "__main__":
    unittest.main()
