"""Programs in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

PATIENCE = 60.0  # seconds until a test gives up; nothing waits that long unless it fails


def run_program(source: str, *options: str) -> str:
    """Runs source with this interpreter and its path; what it prints. AssertionError if it fails or complains."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", source],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
