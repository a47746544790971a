#!/usr/bin/env python3
"""mycelium record, replay and info, as their users see them: output, exit codes, signals, kills and full disks.

  record_test.py MYCELIUM BEAT
    MYCELIUM  the program
    BEAT      the plug-in of beat.c
"""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, BEAT = sys.argv[1:3]
PATIENCE_S = 60


def run(*arguments: str, preexec=None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, timeout=PATIENCE_S,
                          preexec_fn=preexec, env={**os.environ, **environment})


def info(path: Path) -> dict:
    done = run("info", str(path), "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


class Recordings(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "a.mcap"

    def record(self, count: int, *arguments: str) -> dict:
        """Records everything that the plug-in publishes while it counts to `count`."""
        done = run("record", str(self.file), "--load", BEAT, "--count", str(count + count // 10), "--json", *arguments,
                   BEAT_COUNT=str(count))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def start_recording(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """A recording that runs, and has written a few chunks."""
        process = subprocess.Popen([PROGRAM, "record", str(self.file), "--load", BEAT, "--chunk-size", "20000",
                                    *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **environment})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        while not (self.file.exists() and self.file.stat().st_size > 500_000):
            self.assertIsNone(process.poll(), "it ended by itself")
            select.select([process.stderr], [], [], 0.001)
        return process


class Record(Recordings):
    def test_what_was_published_is_in_the_file_in_order(self) -> None:
        totals = self.record(1000)
        self.assertEqual((totals["messages"], totals["types"], totals["dropped"]), (1100, 2, 0))
        self.assertEqual(totals["ended_by"], "count")
        self.assertEqual(totals["bytes"], self.file.stat().st_size)
        page = info(self.file)
        self.assertTrue(page["ended"])
        self.assertEqual(page["end"], {"reason": "count", "dropped": "0"})
        self.assertEqual([(each["name"], each["messages"]) for each in page["types"]],
                         [("mycelium.examples.CounterUpdate", 1000), ("mycelium.examples.TextMessage", 100)])
        publisher, = page["publishers"]
        self.assertEqual(publisher["messages"], 1100)
        self.assertEqual(publisher["last_sequence"] - publisher["first_sequence"], 1099)
        self.assertEqual((publisher["missing"], publisher["out_of_order"]), (0, 0))

    def test_ctrl_c_and_sigterm_end_it_with_everything_that_was_published(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            trace = self.folder / "accepted"
            process = self.start_recording("--json", BEAT_TRACE=str(trace))
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE_S)
            self.assertEqual((process.returncode, err), (0, ""))
            totals = json.loads(out)
            self.assertEqual(totals["ended_by"], "signal")
            self.assertEqual(totals["messages"], int(trace.read_text()))
            page = info(self.file)
            self.assertTrue(page["ended"])
            self.assertEqual((page["messages"], page["damaged"]), (totals["messages"], 0))
            self.file.unlink()

    def test_after_kill_9_the_file_has_all_whole_chunks(self) -> None:
        process = self.start_recording()
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        page = info(self.file)
        self.assertFalse(page["ended"])
        self.assertEqual(page["damaged"], 0)
        publisher, = page["publishers"]
        self.assertEqual((publisher["missing"], publisher["out_of_order"]), (0, 0))
        # No more is lost than what was in the chunk that was being gathered.
        self.assertGreater(page["readable_bytes"], 450_000)
        self.assertLess(page["bytes"] - page["readable_bytes"], 40_000)
        received = self.folder / "received"
        done = run("replay", str(self.file), "--load", BEAT, "--fast", BEAT_RECEIVED=str(received))
        self.assertEqual(done.returncode, 0, done.stderr)
        values = [int(line) for line in received.read_text().split()]
        self.assertEqual(values, list(range(1, len(values) + 1)))

    def test_a_killed_recording_is_recovered(self) -> None:
        process = self.start_recording()
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        whole = self.folder / "whole.mcap"
        done = run("recover", str(self.file), str(whole))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        before, after = info(self.file), info(whole)
        self.assertEqual((before["ended"], after["ended"], after["end"]["reason"]), (False, True, "recovered"))
        for key in ("messages", "payload_bytes", "first_time_ns", "last_time_ns", "types", "publishers"):
            self.assertEqual(before[key], after[key], key)
        self.assertEqual(run("recover", str(self.file), str(self.file), "--force").returncode, 1)
        self.assertEqual(info(self.file), before)

    def test_a_limit_on_file_size_is_told_and_the_file_ends_well(self) -> None:
        done = run("record", str(self.file), "--load", BEAT, "--chunk-size", "20000",
                   preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"^mycelium record: {self.file} cannot be written .*: File too large")
        page = info(self.file)
        self.assertTrue(page["ended"])
        self.assertEqual((page["end"]["reason"], page["damaged"]), ("failure", 0))
        self.assertGreater(page["messages"], 1000)
        self.assertLessEqual(page["bytes"], 200_000)

    def test_a_full_disk_is_told(self) -> None:
        done = run("record", "/dev/full", "--force", "--load", BEAT)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^mycelium record: /dev/full cannot be written .*: No space left on device")

    def test_one_type_only(self) -> None:
        done = run("record", str(self.file), "--load", BEAT, "--type", "TextMessage", "--count", "100",
                   BEAT_COUNT="1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        page = info(self.file)
        self.assertEqual([each["type_id"] for each in page["types"]], [1001])
        # Nobody subscribed to the others, so that they did not get a sequence.
        self.assertEqual((page["messages"], page["publishers"][0]["missing"]), (100, 0))

    def test_what_is_slower_than_its_publishers_drops_by_policy_and_says_so(self) -> None:
        done = run("record", str(self.file), "--load", BEAT, "--policy", "drop_newest", "--capacity", "2", "--count",
                   "2000", "--json")
        totals = json.loads(done.stdout)
        self.assertEqual((done.returncode, totals["messages"]), (0, 2000))
        if totals["dropped"]:  # it depends on who runs when
            self.assertRegex(done.stderr, r"were not recorded.*--capacity")
            self.assertEqual(info(self.file)["end"]["dropped"], str(totals["dropped"]))

    def test_a_file_that_exists_is_not_overwritten(self) -> None:
        self.file.write_text("precious")
        done = run("record", str(self.file), "--load", BEAT)
        self.assertEqual((done.returncode, self.file.read_text()), (1, "precious"))
        self.assertIn("exists already", done.stderr)

    def test_wrong_plug_ins_are_named(self) -> None:
        done = run("record", str(self.file), "--load", "/nonexistent.so")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent.so", done.stderr)
        self.assertFalse(self.file.exists())
        library = next(line.split()[2] for line in subprocess.check_output(["ldd", PROGRAM], text=True).splitlines()
                       if "libc.so" in line)
        done = run("record", str(self.file), "--load", library)
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not export plugin_start", done.stderr)

    def test_an_unknown_type_is_named(self) -> None:
        done = run("record", str(self.file), "--type", "NoSuch")
        self.assertEqual(done.returncode, 1)
        self.assertIn("'NoSuch'", done.stderr)
        self.assertFalse(self.file.exists())

    def test_wrong_command_lines(self) -> None:
        for arguments in ([], ["a", "--policy", "perhaps"], ["a", "--compression", "brotli"], ["a", "--duration", "0"]):
            self.assertEqual(run("record", *arguments).returncode, 2, arguments)


class Replay(Recordings):
    def received(self, *arguments: str) -> list[int]:
        path = self.folder / "received"
        done = run("replay", str(self.file), "--load", BEAT, *arguments, BEAT_RECEIVED=str(path))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [int(line) for line in path.read_text().split()]

    def test_everything_arrives_in_order(self) -> None:
        for compression in ("none", "lz4", "zstd"):
            self.record(5000, "--compression", compression, "--force", "--chunk-size", "30000")
            self.assertEqual(self.received(), list(range(1, 5001)))
            self.assertEqual(self.received("--speed", "2.5"), list(range(1, 5001)))
            self.assertEqual(self.received("--fast"), list(range(1, 5001)))

    def test_again_and_again(self) -> None:
        self.record(100)
        self.assertEqual(self.received("--times", "3", "--fast"), 3 * list(range(1, 101)))

    def test_types_and_times_can_be_left_out(self) -> None:
        self.record(100)
        self.assertEqual(self.received("--type", "1001"), [])
        self.assertEqual(self.received("--type", "mycelium.examples.CounterUpdate"), list(range(1, 101)))
        self.assertEqual(self.received("--from", "1000"), [])
        self.assertEqual(self.received("--to", "1000"), list(range(1, 101)))

    def test_a_signal_ends_an_endless_loop(self) -> None:
        self.record(100)
        path = self.folder / "received"
        process = subprocess.Popen([PROGRAM, "replay", str(self.file), "--load", BEAT, "--loop", "--json"],
                                   stdout=subprocess.PIPE, text=True, env={**os.environ, "BEAT_RECEIVED": str(path)})
        self.addCleanup(process.kill)
        while not (path.exists() and path.stat().st_size > 10_000):
            self.assertIsNone(process.poll(), "it ended by itself")
            select.select([process.stdout], [], [], 0.001)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_S)
        totals = json.loads(out)
        self.assertEqual((process.returncode, totals["stopped"]), (0, True))
        self.assertGreater(totals["published"], 1000)

    def test_what_is_no_recording_is_refused(self) -> None:
        self.file.write_bytes(b"not this")
        done = run("replay", str(self.file))
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no MCAP recording", done.stderr)


class Info(Recordings):
    def test_text_says_the_same_as_json(self) -> None:
        self.record(1000)
        text = run("info", str(self.file))
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertRegex(text.stdout, r"(?m)^messages +1100, \d+/s, \d+ bytes$")
        self.assertRegex(text.stdout, r"(?m)^ended +properly \(count\)$")
        self.assertRegex(text.stdout, r"(?m)^ +1002 +examples/CounterUpdate +1000 .* mycelium.examples.CounterUpdate$")

    def test_a_changed_byte_fails_and_is_told(self) -> None:
        self.record(1000)
        content = bytearray(self.file.read_bytes())
        content[len(content) // 3] ^= 1
        self.file.write_bytes(content)
        done = run("info", str(self.file))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^damaged +byte \d+: the checksum of a chunk is wrong$")
        self.assertEqual(info(self.file)["damaged"], 1)

    def test_a_file_that_is_cut_tells_how_much_is_readable(self) -> None:
        self.record(1000, "--chunk-size", "10000")
        size = self.file.stat().st_size * 2 // 3
        os.truncate(self.file, size)
        done = run("info", str(self.file))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^ended +no: byte \d+: ")
        self.assertRegex(done.stdout, rf"(?m)^readable +\d+ of {size} bytes$")

    def test_what_is_called_a_recording_and_is_none_is_told(self) -> None:
        self.file.write_bytes(b"")
        done = run("info", str(self.file))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it has only 0 bytes", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
