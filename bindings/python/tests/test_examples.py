"""The examples print what they should."""

import os
import pathlib
import subprocess
import sys
import unittest

from collecting import PATIENCE

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
EXPECTED = {
    "publish_subscribe.py": "1: publisher says 'one'\n2: publisher says 'two'\n3: publisher says 'three'\n",
    "request_reply.py": "5 words, 24 bytes\nnobody counts any more\n",
    "stream_asyncio.py": "+1 makes 1\n+2 makes 3\n+3 makes 6\n+4 makes 10\n",
}


class ExamplesTest(unittest.TestCase):
    def test_each_example_prints_what_it_should(self) -> None:
        self.assertEqual({path.name for path in EXAMPLES.glob("*.py")}, set(EXPECTED))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        for name, text in EXPECTED.items():
            done = subprocess.run(
                [sys.executable, EXAMPLES / name], env=environment, capture_output=True, text=True, timeout=PATIENCE
            )
            with self.subTest(name):
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, text, ""))


if __name__ == "__main__":
    unittest.main()
