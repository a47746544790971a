"""Nothing leaks: what streams, reviews and engines have taken is given back, also where something failed."""

import array
import gc
import os
import sys
import unittest
import weakref

import backfire_kernel
from backfire_kernel import InMemoryKnowledge, RustCoherenceScorer, RustStreamingKernel, SSGFEngine, UPDEStepper

TOKENS = ["token "] * 100


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Callback:
    """A callable that can be watched."""

    def __call__(self, *texts: str) -> float:
        return 0.9


class MemoryTest(unittest.TestCase):
    def check(self, work, rounds=2000):
        """Once it is warm, rounds of work leave no object of Python behind, and less native memory than a megabyte.

        What leaks does so every time; Python's own caches, which fill at some time, only once."""
        for _ in range(rounds // 4):
            work()
        growths = [self.growth(work, rounds) for _ in range(3)]
        self.assertLess(min(blocks for blocks, _ in growths), rounds // 4)
        self.assertLess(min(memory for _, memory in growths), 1 << 20)

    @staticmethod
    def growth(work, rounds):
        """Blocks of Python, and bytes of the process, that so many rounds leave."""
        gc.collect()
        blocks, memory = sys.getallocatedblocks(), resident_bytes()
        for _ in range(rounds):
            work()
        gc.collect()
        return sys.getallocatedblocks() - blocks, resident_bytes() - memory

    def test_streams(self):
        kernel = RustStreamingKernel()
        scores = array.array("d", [0.9] * 100)

        def work():
            session = kernel.stream_tokens(TOKENS, lambda token: 0.9, accumulate=True)
            session.events, session.evidence, session.to_dict()
            kernel.stream_tokens(iter(TOKENS), scores)
            stream = kernel.begin()
            for token in TOKENS:
                stream.push(token, 0.9).reason

        self.check(work, 500)

    def test_failures(self):
        kernel = RustStreamingKernel()

        def failing(token):
            raise ValueError("x" * 1000)

        def interrupted(token):
            raise KeyboardInterrupt

        def work():
            kernel.stream_tokens(TOKENS, failing)
            kernel.reactivate()
            for tokens, scorer, error in (
                (TOKENS, interrupted, KeyboardInterrupt),
                (["a", 3], [0.9, 0.9], TypeError),
                (["a", 3], lambda token: 0.9, TypeError),
                (TOKENS, 3, TypeError),
            ):
                with self.assertRaises(error):
                    kernel.stream_tokens(tokens, scorer)
            with self.assertRaises(ValueError):
                backfire_kernel.BackfireConfig(hard_limit=2)

        self.check(work)

    def test_reviews(self):
        knowledge = InMemoryKnowledge(["The sky is blue."])
        scorers = [
            RustCoherenceScorer(None, None, knowledge),
            RustCoherenceScorer(None, lambda p, a: 0.1, lambda p: "the sky is blue " * 10),
            RustCoherenceScorer(None, lambda p, a: 1 / 0, lambda p: 3),
        ]

        def work():
            for scorer in scorers:
                scorer.review("What color is the sky?", "The sky is not blue.")[1].evidence
                scorer.bind("sky")("blue")
            knowledge.remove(knowledge.add_fact("Another fact is green."))

        self.check(work)

    def test_engines(self):
        stepper, engine = UPDEStepper(), SSGFEngine(n_micro=1)

        def work():
            stepper.run(stepper.random_state(), 2)
            engine.w, engine.audio_mapping()
            with self.assertRaises(ValueError):
                stepper.run([0.0], 1)

        for _ in range(1100):
            engine.outer_step()  # the log is full from here on
        self.check(work)

    def test_callbacks_are_released_with_what_asked_them(self):
        callback = Callback()
        scorer = RustCoherenceScorer(None, callback)
        callback.scorer = scorer  # a cycle
        bound = scorer.bind("p")
        callback.bound = bound
        keeper = backfire_kernel.NativeScorer(1, keep=callback)
        callback.keeper = keeper
        kernel = RustStreamingKernel()
        kernel.stream_tokens("abc", callback)
        seen = weakref.ref(callback)
        del callback, scorer, bound, keeper
        gc.collect()
        self.assertIsNone(seen())


if __name__ == "__main__":
    unittest.main()
