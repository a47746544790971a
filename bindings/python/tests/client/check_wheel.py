#!/usr/bin/python3
"""Installs mycelium_client and mycelium_protocol into a clean virtual environment of an interpreter, without a network
and without the library, and runs the client's tests there.

    check_wheel.py INTERPRETER WHEELS

Ends with 77, which CTest calls skipped, if there is no such interpreter.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent

INSTALLED = """
import importlib.util, sys, mycelium_client, mycelium_protocol
assert mycelium_protocol.codec() == "python"
assert importlib.util.find_spec("mycelium_native") is None
for package in (mycelium_client, mycelium_protocol):
    assert package.__file__.startswith(sys.prefix), package.__file__
"""


def main() -> int:
    interpreter, wheels = sys.argv[1:]
    if not os.access(interpreter, os.X_OK):
        print(f"SKIPPED: mycelium_client is NOT TESTED with {interpreter}: it is not installed here")
        return 77
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_", "PIP_"))}

    def run(*command: object) -> None:
        subprocess.run([str(part) for part in command], check=True, env=environment, cwd="/")

    with tempfile.TemporaryDirectory() as folder:
        run(interpreter, "-m", "venv", folder)
        python = pathlib.Path(folder) / "bin" / "python"
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(
            *pip,
            "install",
            "--no-index",
            "--no-cache-dir",
            "--find-links",
            wheels,
            "mycelium_client",
            "mycelium_protocol",
        )
        run(*pip, "check")
        run(python, "-I", "-c", INSTALLED)
        for test in sorted(TESTS.glob("test_*.py")):
            print(f"{interpreter}: {test.name}", flush=True)
            run(python, "-X", "dev", test, "--quiet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
