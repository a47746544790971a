"""The program that the design began with runs as it was written."""

import unittest

from collecting import run_program

SKETCH = """
from mycelium_native import Runtime
from mycelium_protocol import TextMessage, SCHEMA_DIGEST

rt = Runtime(SCHEMA_DIGEST)

def handle(msg: TextMessage):
    print("Rust -> Python", msg)

rt.subscribe(TextMessage, handle)
outbound = TextMessage(sender="py", content="hi", timestamp=123)
rt.publish(outbound)
"""


class SketchTest(unittest.TestCase):
    def test_the_sketch_runs_as_written(self) -> None:
        done = run_program(SKETCH)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "Rust -> Python TextMessage(sender='py', content='hi', timestamp=123)\n")


if __name__ == "__main__":
    unittest.main()
