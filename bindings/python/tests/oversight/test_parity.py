"""10,000 random streams: the native kernel and the one in plain Python decide the same, every double of a verdict."""

import itertools
import math
import random
import struct
import unittest

import backfire_kernel
import director_ai.pure
from both_kernels import FEW, given

STREAMS = 500 if FEW else 10000
TOKENS = ["a", "word ", "end. ", "\u3002", " ", '."', "line\n", "3.5", ")", "\u00e9", "\ud800", ""]


def bits(value):
    return struct.pack("d", value) if isinstance(value, float) else value


def random_fields(dice):
    return {
        "hard_limit": dice.choice([0.5, 0.0, 0.3, 0.1]),
        "window_size": dice.choice([10, 1, 3, 40]),
        "window_threshold": dice.choice([0.55, 0.0, 0.7, 1 / 3]),
        "trend_window": dice.choice([5, 2, 9]),
        "trend_threshold": dice.choice([0.15, 0.3, 2.0]),
        "soft_halt": dice.random() < 0.5,
        "soft_tokens": dice.choice([50, 2]),
        "whole_sentences": dice.random() < 0.5,
        "score_every": dice.choice([1, 1, 3]),
        "evidence_size": dice.choice([16, 1, 100]),
        "ewma": dice.random() < 0.5,
        "cusum": dice.random() < 0.5,
        "cusum_target": dice.choice([0.75, 0.6]),
    }


def random_push(dice, middle, spread):
    score = dice.gauss(middle, spread) if dice.random() < 0.9 else middle
    if dice.random() < 0.004:
        score = dice.choice([math.nan, math.inf, -math.inf, -0.25, 1.75, -0.0, "0.9", None, True])
    more = {"latency_ms": 60.0 if dice.random() < 0.003 else dice.random() * 50}
    if dice.random() < 0.3:
        more["entropy"] = dice.random() * 1.203 if dice.random() < 0.999 else math.nan
    if dice.random() < 0.002:
        more["error"] = "it raised"
    return dice.choice(TOKENS), score, more


def verdict_of(verdict):
    names = ("action", "kind", "reason", "index", "score", "measured", "limit", "released", "text", "halted")
    return [bits(getattr(verdict, name)) for name in names]


def session_of(session):
    names = ("halted", "halt_index", "halt_reason", "halt_kind", "tokens", "output", "avg_coherence", "min_coherence")
    more = ("token_count", "released", "warning_count", "error", "coherence_history", "evidence")
    events = [(each.token, each.index, each.coherence, each.halted, each.warning) for each in session.events]
    return [bits(getattr(session, name)) for name in names + more] + [events]


class ParityTest(unittest.TestCase):
    def test_pushed_streams(self):
        halts = set()
        for seed in range(STREAMS):
            dice = random.Random(seed)
            fields = random_fields(dice)
            kernels = [each.RustStreamingKernel(**fields) for each in (backfire_kernel, director_ai.pure)]
            native, plain = (kernel.begin() for kernel in kernels)
            middle, spread = dice.uniform(0.4, 0.95), dice.choice([0.0, 0.02, 0.1])
            for _ in range(dice.randrange(1, 60)):
                token, score, more = random_push(dice, middle, spread)
                if dice.random() < 0.002:
                    for kernel in kernels:
                        kernel.emergency_stop()
                verdict = verdict_of(native.push(token, score, **more))
                if verdict != verdict_of(plain.push(token, score, **more)):
                    self.fail(f"stream {seed}: {verdict} is not {verdict_of(plain.push(token, score, **more))}")
            session = native.finish()
            self.assertEqual(session_of(session), session_of(plain.finish()), f"stream {seed}")
            self.assertEqual(kernels[0].is_active, kernels[1].is_active, f"stream {seed}")
            halts.add(session.halt_kind)
        if not FEW:
            self.assertEqual(halts, set(backfire_kernel.HaltKind), "not every check has fired")

    def test_streams_with_callbacks_and_tables(self):
        for seed in range(STREAMS // 10):
            dice = random.Random(seed)
            fields = {**random_fields(dice), "deadline_ms": 1e9}
            tokens = dice.choices(TOKENS, k=dice.randrange(0, 600))
            scores = [dice.gauss(0.8, 0.05) for _ in tokens]
            # A scorer is asked for the tokens that want a score only.
            scorers = [lambda scores=scores: scores]
            scorers.append(lambda scores=scores[:: fields["score_every"]]: given(*scores))
            sessions = []
            for package in (backfire_kernel, director_ai.pure):
                for source, scorer in itertools.product((list, iter), scorers):
                    kernel = package.RustStreamingKernel(**fields)
                    sessions.append(session_of(kernel.stream_tokens(source(tokens), scorer())))
            for other in sessions[1:]:
                self.assertEqual(sessions[0], other, f"stream {seed}")


if __name__ == "__main__":
    unittest.main()
