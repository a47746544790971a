"""Programs end cleanly while daemon threads are in the middle of streams, reviews and long runs."""

import concurrent.futures
import os
import unittest

from both_kernels import FEW
from isolated import run_program

PROGRAM = """
import array, ctypes, threading
from backfire_kernel import NativeScorer, RustCoherenceScorer, RustStreamingKernel, SSGFEngine, UPDEStepper

tokens = ["0.9 "] * 10000
atof = NativeScorer(ctypes.cast(ctypes.CDLL(None).atof, ctypes.c_void_p).value)
scores = array.array("d", [0.9]) * len(tokens)
kernel = RustStreamingKernel(deadline_ms=1e9)
asking = RustCoherenceScorer(None, lambda prompt, action: 0.1, lambda prompt: "known")
long = "the sky is blue. " * 10000
engine, stepper = SSGFEngine(), UPDEStepper()
works = [
    lambda: kernel.stream_tokens(tokens, lambda token: 0.9),
    lambda: kernel.stream_tokens(tokens, atof),
    lambda: kernel.stream_tokens(iter(tokens), atof),
    lambda: kernel.stream_tokens(tokens, scores),
    lambda: asking.review(long, long),
    lambda: engine.run(1000),
    lambda: stepper.run([0.0] * 16, 100000),
]
begun = threading.Barrier(len(works) + 1)

def repeat(work):
    begun.wait()
    while True:
        work()

for work in works:
    threading.Thread(target=repeat, args=(work,), daemon=True).start()
begun.wait()
works[0]()
"""


class ExitTest(unittest.TestCase):
    def test_programs_end_in_the_middle(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for printed in pool.map(run_program, [PROGRAM] * (4 if FEW else 40)):
                self.assertEqual(printed, "")


if __name__ == "__main__":
    unittest.main()
