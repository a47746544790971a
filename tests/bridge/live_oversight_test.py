#!/usr/bin/env python3
"""mycelium oversight watches sessions of another process over a bridge, and that process hears when one is halted.

  live_oversight_test.py MYCELIUM
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from mycelium_native import Runtime
from mycelium_protocol import EndReason, InferenceCancel, InferenceDone, InferenceToken

PROGRAM = sys.argv[1]
PATIENCE_S = 60
GOOD, BAD = "0.9\n" * 20, "0.9\n0.9\n0.1\n" + "0.9\n" * 20


class Live(unittest.TestCase):
    def watch(self, scores: str) -> tuple[int, list[dict], list[InferenceCancel]]:
        with tempfile.TemporaryDirectory(prefix="myc-") as name:
            folder = Path(name)
            (folder / "scores").write_text(scores)
            (folder / "topology.toml").write_text(
                f'socket_dir = "{folder}/sockets"\n[[nodes]]\nname = "model"\nservices = ["words"]\n')
            with Runtime(topology_path=str(folder / "topology.toml"), service_name="words") as bus:
                cancelled: queue.Queue = queue.Queue()
                bus.subscribe(InferenceCancel, cancelled.put)
                watcher = subprocess.Popen([PROGRAM, "oversight", "--json", "--scores", str(folder / "scores"), "--unix",
                                            str(folder / "sockets" / "model.sock")], text=True, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, env=os.environ)
                self.addCleanup(watcher.kill)
                # Its queue and its oversight: both subscribe to tokens, and count as one neighbour that wants them.
                bus.wait_for_subscribers(InferenceToken, 1, timeout=PATIENCE_S)
                bus.wait_for_subscribers(InferenceDone, 1, timeout=PATIENCE_S)
                heard = []
                for index in range(10):
                    bus.publish(InferenceToken(session_id=7, index=index, text=f"word{index} "))
                    if index == 2 and scores == BAD:  # a source that listens stops
                        heard.append(cancelled.get(timeout=PATIENCE_S))
                        break
                reason = EndReason.Halted if heard else EndReason.EndOfSequence
                bus.publish(InferenceDone(session_id=7, reason=reason, tokens=index + 1))
                output, errors = watcher.communicate(timeout=PATIENCE_S)
                self.assertEqual(errors, "")
                return watcher.returncode, [json.loads(line) for line in output.splitlines()], heard

    def test_a_clean_session_is_shown_to_its_end(self) -> None:
        code, rows, cancelled = self.watch(GOOD)
        self.assertEqual((code, cancelled), (0, []))
        self.assertEqual([row["token"] for row in rows[:-1]], list(range(10)))
        self.assertFalse(rows[-1]["halted"])

    def test_a_session_that_makes_no_sense_is_halted_and_its_source_hears_of_it(self) -> None:
        code, rows, cancelled = self.watch(BAD)
        self.assertEqual(code, 3)
        self.assertTrue(rows[-1]["halted"])
        self.assertEqual(rows[-1]["reason"], "hard_limit (0.1000 < 0.5)")
        self.assertEqual((cancelled[0].session_id, cancelled[0].reason), (7, EndReason.Halted))
        self.assertEqual(cancelled[0].detail, "hard_limit (0.1000 < 0.5)")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
