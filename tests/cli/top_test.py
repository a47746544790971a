#!/usr/bin/env python3
"""mycelium top on a terminal (a pseudo-terminal whose screen pyte keeps), and its lines of JSON where there is none.

  top_test.py MYCELIUM
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

import pyte

import processes
from processes import PATIENCE_S, WithHub

processes.PROGRAM = sys.argv[1]


class Screen:
    """A terminal with a process on it."""

    def __init__(self, *command: str, rows: int = 40, columns: int = 160) -> None:
        self.master, slave = pty.openpty()
        self._size(rows, columns)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self.slave = slave

    def _size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows: int, columns: int) -> None:
        self.screen.resize(rows, columns)
        self._size(rows, columns)  # the kernel sends SIGWINCH

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self) -> None:
        if select.select([self.master], [], [], 0.05)[0]:
            data = os.read(self.master, 65536)
            self.raw += data
            self.stream.feed(data)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)
        os.close(self.master)
        os.close(self.slave)


class Top(WithHub):
    def setUp(self) -> None:
        super().setUp()
        self.reader = self.subscriber("TextMessage", "--name", "eyes")
        self.writer = self.start("pub", "TextMessage", '{"sender": "ada"}', "--rate", "100", "--name", "mouth", *self.bus)
        self.reader.stdout.readline()

    def screen(self, *options: str, **size: int) -> Screen:
        made = Screen(processes.PROGRAM, "top", *self.bus, *options, **size)
        self.addCleanup(made.close)
        return made

    def shows(self, screen: Screen, *words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not all(word in screen.text() for word in words):
            self.assertLess(time.monotonic(), deadline, f"{words} are not all in\n{screen.text()}")
            self.assertIsNone(screen.process.poll(), screen.process.stderr.read() if screen.process.poll() else "")
            screen.read()

    def test_the_overview_shows_nodes_links_types_and_queues(self) -> None:
        screen = self.screen()
        self.shows(screen, "mycelium top - overview: 3 nodes", "eyes", "mouth", "hub", f"unix:{self.hub}",
                   "mycelium.examples.TextMessage", "link:eyes", "q quit")
        self.assertIn(b"\x1b[?1049h", screen.raw, "the alternate screen")
        screen.press("q")
        self.assertEqual(screen.process.wait(timeout=PATIENCE_S), 0)
        while b"\x1b[?1049l" not in screen.raw:  # the screen is given back
            screen.read()

    def test_rates_are_of_what_is_published(self) -> None:
        screen = self.screen()
        screen.press("4")
        self.shows(screen, "mycelium top - types", "PUB/s")

        def rate() -> float:
            for line in screen.text().splitlines():
                found = re.match(r"mycelium\.examples\.TextMessage +1001 +mouth +([0-9.]+) ", line)
                if found:
                    return float(found[1])
            return 0

        deadline = time.monotonic() + PATIENCE_S
        while not 1 < rate() < 130:  # less than 100 where the machine is busy
            self.assertLess(time.monotonic(), deadline, screen.text())
            screen.read()

    def test_keys_turn_pages_and_sort(self) -> None:
        screen = self.screen()
        for key, page, heading in (("2", "nodes", "NODE ^"), ("\t", "links", "FROM ^"), ("\t", "types", "TYPE ^"),
                                   ("5", "subscriptions", "SUBSCRIPTION ^"), ("2", "nodes", "NODE ^")):
            screen.press(key)
            self.shows(screen, f"mycelium top - {page}:", heading)

        def stand(*names: str) -> None:
            deadline = time.monotonic() + PATIENCE_S  # a screen may have been read in the middle of a change
            while [line.split()[0] for line in screen.text().splitlines()[2:] if line and "quit" not in line] != [*names]:
                self.assertLess(time.monotonic(), deadline, f"{names} do not stand in this order\n{screen.text()}")
                screen.read()

        stand("eyes", "hub", "mouth")
        screen.press("r")
        self.shows(screen, "NODE v")
        stand("mouth", "hub", "eyes")
        screen.press(">>")  # by process
        self.shows(screen, "PID v")
        pids = {"eyes": self.reader.pid, "hub": self.hub_process.pid, "mouth": self.writer.pid}
        stand(*sorted(pids, key=lambda name: -pids[name]))

    def test_it_follows_the_size_of_the_terminal(self) -> None:
        screen = self.screen()
        self.shows(screen, "hub", "mouth", "q quit")
        screen.resize(12, 60)
        self.shows(screen, "q quit")
        deadline = time.monotonic() + PATIENCE_S
        while "q quit" not in screen.screen.display[11]:
            self.assertLess(time.monotonic(), deadline, screen.text())
            screen.read()
        screen.resize(50, 200)
        while "q quit" not in screen.screen.display[49]:
            self.assertLess(time.monotonic(), deadline, screen.text())
            screen.read()
        self.shows(screen, "mouth")

    def test_signals_end_it_and_give_the_terminal_back(self) -> None:
        for stop in (signal.SIGTERM, signal.SIGHUP):
            screen = self.screen()
            self.shows(screen, "mouth")
            screen.process.send_signal(stop)
            self.assertEqual(screen.process.wait(timeout=PATIENCE_S), 0)
            while b"\x1b[?1049l" not in screen.raw:
                screen.read()

    def test_a_node_that_ends_disappears(self) -> None:
        screen = self.screen()
        self.shows(screen, "3 nodes", "mouth")
        self.writer.kill()
        self.shows(screen, "2 nodes")
        deadline = time.monotonic() + PATIENCE_S
        while "mouth" in screen.text().split("FROM")[0]:
            self.assertLess(time.monotonic(), deadline, screen.text())
            screen.read()

    def test_where_there_is_no_terminal_it_prints_lines_of_json(self) -> None:
        done = processes.run("top", "--count", "3", "--every", "0.1", *self.bus)
        self.assertEqual((done.returncode, done.stderr, len(processes.lines_of(done.stdout))), (0, "", 3))
        top = self.start("top", "--every", "0.1", *self.bus)
        first = last = json.loads(top.stdout.readline())
        while not (len(last["nodes"]) == 3 and all(node["reports"] for node in last["nodes"])):
            self.assertLess(last["time_ns"], first["time_ns"] + PATIENCE_S * 10**9, last)
            last = json.loads(top.stdout.readline())
        self.assertEqual([node["name"] for node in last["nodes"]], ["eyes", "hub", "mouth"])
        queue = next(each for each in last["subscriptions"] if each["name"] == "eyes")
        self.assertEqual((queue["type"], queue["capacity"], queue["leads_away"]),
                         ("mycelium.examples.TextMessage", 65536, False))
        types = {(each["name"], each["type_id"]): each for each in last["types"]}
        self.assertGreater(types["mouth", 1001]["published"], 0)
        self.assertGreater(types["eyes", 1001]["arrived"], 0)
        self.assertEqual({each["address"] for each in last["links"] if each["to_name"] == "hub"}, {f"unix:{self.hub}"})

    def test_a_reader_that_goes_away_ends_it(self) -> None:
        top = self.start("top", "--json", "--every", "0.1", *self.bus)
        json.loads(top.stdout.readline())
        top.stdout.close()
        self.assertEqual(top.wait(timeout=PATIENCE_S), 0)

    def test_an_unknown_terminal_is_told(self) -> None:
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        done = subprocess.run([processes.PROGRAM, "top", *self.bus], stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                              text=True, timeout=PATIENCE_S, env={**os.environ, "TERM": "no-such-terminal"})
        os.close(slave)
        self.assertEqual(done.returncode, 1)
        self.assertIn("TERM", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
