"""Processes of the mycelium program, for tests: started, waited for with patience, and ended with the test."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import IO, Any, Callable

PATIENCE_S = 60
PROGRAM = ""  # set by the test


def run(*arguments: str, given: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, timeout=PATIENCE_S, input=given,
                          env={**os.environ, **environment})


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


class WithHub(unittest.TestCase):
    """Each test has a hub of its own: a process that listens at self.hub, a Unix socket."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="myc-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.subscribers = 0
        self.open_hub()

    def open_hub(self) -> None:
        self.hub = str(self.folder / "hub")
        self.bus = ("--unix", self.hub)
        self.hub_process = self.start("bridge", "--unix", self.hub, "--name", "hub")
        self.assertIn("listening at ", self.hub_process.stderr.readline())

    def start(self, *arguments: str, out: int | IO[str] = subprocess.PIPE, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([PROGRAM, *arguments], text=True, stdin=subprocess.PIPE, stdout=out,
                                   stderr=subprocess.PIPE, env={**os.environ, **environment})

        def end() -> None:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE_S)

        self.addCleanup(end)
        return process

    def subscriber(self, *arguments: str, verb: str = "sub", **environment: str) -> subprocess.Popen[str]:
        """One that has subscribed: the others know what it wants."""
        self.subscribers += 1
        name = f"subscriber-{self.subscribers}"
        if "--name" in arguments:
            name = arguments[arguments.index("--name") + 1]
        else:
            arguments += ("--name", name)
        process = self.start(verb, *arguments, *self.bus, **environment)
        self.until(lambda: self.wants(name), f"{name} does not subscribe")
        return process

    def neighbourhood(self) -> dict[str, Any]:
        done = run("list", "--json", "--wait", "0.5", *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def wants(self, name: str) -> bool:
        return any(node["name"] == name and node["wants"] for node in self.neighbourhood()["nodes"])

    def until(self, holds: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            self.assertLess(time.monotonic(), deadline, otherwise)

    def end_of(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        out, errors = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, errors

    def publish(self, kind: str, message: dict[str, Any], *options: str) -> None:
        done = run("pub", kind, json.dumps(message), *options, *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
