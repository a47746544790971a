#!/usr/bin/python3
"""Installs the wheels into a clean virtual environment of an interpreter, without a network, and runs the tests there.

    check_wheel.py INTERPRETER WHEELS FOLDER_OF_GOLDEN_PROTOCOL

Ends with 77, which CTest calls skipped, if there is no such interpreter.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
# The 200 programs that end run with one interpreter only: they need half a minute.
CHOSEN = {"test_exit.py": ["-k", "although", "-k", "forked"]}

INSTALLED = """
import sys, mycelium_native, mycelium_protocol
assert mycelium_protocol.codec() == "native"
with mycelium_native.Runtime(mycelium_protocol.SCHEMA_DIGEST) as bus:
    bus.publish(mycelium_protocol.TextMessage(content="it works"))
with open("/proc/self/maps") as maps:
    libraries = {line.split()[-1] for line in maps if "libcaf" in line or "libmycelium" in line or "_native" in line}
assert len(libraries) == 3, libraries
for library in libraries:
    assert library.startswith(sys.prefix), f"{library} does not come from the wheel"
"""


def main() -> int:
    interpreter, wheels, generated = sys.argv[1:]
    if not os.access(interpreter, os.X_OK):
        print(f"SKIPPED: the wheels are NOT TESTED with {interpreter}: it is not installed here")
        return 77
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_", "PIP_"))}

    def run(*command: object, **more: str) -> None:
        subprocess.run([str(part) for part in command], check=True, env={**environment, **more}, cwd="/")

    with tempfile.TemporaryDirectory() as folder:
        run(interpreter, "-m", "venv", folder)
        python = pathlib.Path(folder) / "bin" / "python"
        run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index", "--no-cache-dir",
            "--find-links", wheels, "mycelium_native", "mycelium_protocol")  # fmt: skip
        run(python, "-m", "pip", "check")
        run(python, "-I", "-c", INSTALLED)
        (pathlib.Path(folder) / "golden").mkdir()
        (pathlib.Path(folder) / "golden" / "golden_protocol").symlink_to(pathlib.Path(generated) / "golden_protocol")
        for test in sorted(TESTS.glob("test_*.py")):
            print(f"{interpreter}: {test.name}", flush=True)
            chosen = CHOSEN.get(test.name, [])
            run(python, "-X", "faulthandler", test, "--quiet", *chosen, PYTHONPATH=f"{folder}/golden")
    return 0


if __name__ == "__main__":
    sys.exit(main())
