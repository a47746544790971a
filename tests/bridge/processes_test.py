#!/usr/bin/env python3
"""Processes join the bus: the mycelium program as a hub, recordings across it, and processes that are killed.

  processes_test.py MYCELIUM BEAT

BEAT is a plug-in that publishes BEAT_COUNT messages (tests/recording/beat.c).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM, BEAT = sys.argv[1:3]
PATIENCE_S = 60
COUNT = 5000


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen([PROGRAM, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, **environment})


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, timeout=PATIENCE_S,
                          env={**os.environ, **environment})


class Processes(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="myc-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.recording = self.folder / "beat.mcap"
        done = run("record", str(self.recording), "--load", BEAT, "--count", str(COUNT), BEAT_COUNT=str(COUNT))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = start(*arguments, **environment)

        def end() -> None:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE_S)

        self.addCleanup(end)
        return process

    def hub(self, *arguments: str) -> tuple[subprocess.Popen[str], str]:
        """A hub that listens, and where."""
        hub = self.start("bridge", *arguments)
        lines = []
        for line in hub.stderr:  # who dials it already may be told of before it says so itself
            lines.append(line)
            if "listening at " in line:
                return hub, line.strip().rsplit(" ", 1)[1]
        self.fail("".join(lines))

    def messages(self, path: Path) -> int:
        page = json.loads(run("info", str(path), "--json").stdout)
        self.assertTrue(page["ended"])
        return page["messages"]

    def across(self, *source: str) -> None:
        """Replayed in one process, recorded in another, equal."""
        copy = self.folder / "copy.mcap"
        recorder = self.start("record", str(copy), "--count", str(COUNT), *source)
        replayed = run("replay", str(self.recording), "--fast", "--wait", str(PATIENCE_S), *source)
        self.assertEqual((replayed.returncode, replayed.stderr), (0, ""))
        _, errors = recorder.communicate(timeout=PATIENCE_S)
        self.assertEqual((recorder.returncode, errors), (0, ""))
        self.assertEqual(self.messages(copy), COUNT)

    def test_a_hub_joins_two_processes_over_a_unix_socket(self) -> None:
        path = str(self.folder / "hub")
        hub, _ = self.hub("--unix", path)
        self.across("--unix", path)
        hub.send_signal(signal.SIGTERM)
        hub.communicate(timeout=PATIENCE_S)
        self.assertEqual(hub.returncode, 0)
        self.assertFalse(os.path.exists(path))

    def test_a_hub_joins_two_processes_over_tcp_with_a_token(self) -> None:
        token = self.folder / "token"
        token.write_text("open sesame\n")
        _, address = self.hub("--tcp", "127.0.0.1:0", "--token-file", str(token))
        self.across("--tcp", address.removeprefix("tcp:"), "--token-file", str(token))

    def test_two_hubs_in_a_row_pass_on(self) -> None:
        first, second = str(self.folder / "first"), str(self.folder / "second")
        self.hub("--unix", first)
        self.hub("--unix", second, "--dial", "unix:" + first)
        copy = self.folder / "copy.mcap"
        recorder = self.start("record", str(copy), "--count", str(COUNT), "--unix", first)
        replayed = run("replay", str(self.recording), "--fast", "--wait", str(PATIENCE_S), "--unix", second)
        self.assertEqual((replayed.returncode, replayed.stderr), (0, ""))
        recorder.communicate(timeout=PATIENCE_S)
        self.assertEqual(self.messages(copy), COUNT)

    def test_a_hub_that_was_killed_is_replaced_at_the_same_socket_and_found_again(self) -> None:
        path = str(self.folder / "hub")
        hub, _ = self.hub("--unix", path)
        copy = self.folder / "copy.mcap"
        recorder = self.start("record", str(copy), "--count", str(COUNT), "--unix", path)
        hub.kill()
        hub.wait(timeout=PATIENCE_S)
        self.assertTrue(os.path.exists(path))  # nobody has cleaned up
        self.hub("--unix", path)
        replayed = run("replay", str(self.recording), "--fast", "--wait", str(PATIENCE_S), "--unix", path)
        self.assertEqual((replayed.returncode, replayed.stderr), (0, ""))
        recorder.communicate(timeout=PATIENCE_S)
        self.assertEqual(self.messages(copy), COUNT)

    def test_counters_are_printed_as_json(self) -> None:
        hub, _ = self.hub("--unix", str(self.folder / "hub"), "--every", "0.01")
        page = json.loads(hub.stdout.readline())
        self.assertEqual((page["neighbours"], page["links_made"]), ([], 0))
        self.assertRegex(page["node"], "^[0-9a-f]{16}$")

    def test_a_service_manager_is_told_when_it_is_ready(self) -> None:
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE_S)
            hub = self.start("bridge", "--unix", str(self.folder / "hub"), NOTIFY_SOCKET=path)
            self.assertEqual(manager.recv(100), b"READY=1")
            hub.send_signal(signal.SIGTERM)
            self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_wrong_command_lines(self) -> None:
        for arguments in ((), ("--topology", "x"), ("--unix", "a", "--topology", "x", "--service", "s")):
            self.assertEqual(run("bridge", *arguments).returncode, 2, arguments)
        refused = run("bridge", "--tcp", "0.0.0.0:0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("token", refused.stderr)


class Topologies(unittest.TestCase):
    def test_nodes_of_a_file_find_each_other_and_one_of_a_node_takes_the_place_of_the_first(self) -> None:
        with tempfile.TemporaryDirectory(prefix="myc-") as folder:
            file = Path(folder) / "topology.toml"
            file.write_text(f'socket_dir = "{folder}/sockets"\n'
                            '[[nodes]]\nname = "one"\nservices = ["a", "b"]\n[[nodes]]\nname = "two"\nservices = ["c"]\n')
            processes = {}

            def neighbours(service: str) -> int:
                return len([each for each in json.loads(processes[service].stdout.readline())["neighbours"] if each["link"]])

            def wait_for(service: str, count: int) -> None:
                until = time.monotonic() + PATIENCE_S
                while neighbours(service) != count:
                    self.assertLess(time.monotonic(), until, f"{service} has not {count} neighbours")

            try:
                for service in ("a", "b", "c"):  # a leads node one; b is its other process; c dials it
                    processes[service] = start("bridge", "--topology", str(file), "--service", service, "--every", "0.02")
                    if service == "a":
                        wait_for("a", 0)
                wait_for("a", 2)
                wait_for("b", 1)
                wait_for("c", 1)
                processes["a"].kill()
                wait_for("b", 1)  # now c dials b
                wait_for("c", 1)
            finally:
                for process in processes.values():
                    process.kill()
                    process.communicate(timeout=PATIENCE_S)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
