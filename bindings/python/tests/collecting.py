"""What tests of callbacks share: a callback that collects, and programs run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

PATIENCE = 30.0  # seconds until a test gives up; nothing waits that long unless it fails


class Collector:
    """A callback that keeps what it gets; wait(n) returns when n have come."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = threading.Condition()

    def __call__(self, item: Any) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def wait(self, count: int) -> list[Any]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.items) >= count, PATIENCE):
                raise AssertionError(f"{len(self.items)} of {count} have come: {self.items[-3:]}")
            return list(self.items)


def run_program(source: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs source as a program of its own, with this interpreter and its path."""
    return subprocess.run(
        [sys.executable, "-c", source, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        **options,
    )
