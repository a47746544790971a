#!/usr/bin/python3
"""Installs the wheels of oversight into clean virtual environments of an interpreter, without a network, and runs the
tests there: director_ai alone first, then with backfire_kernel, then beside mycelium_native.

    check_wheels.py INTERPRETER WHEELS

Ends with 77, which CTest calls skipped, if there is no such interpreter.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
# These compare with numpy, which a clean environment does not have.
NEED_NUMPY = {"test_physics.py"}
ALONE = """
import sys
from director_ai import CoherenceAgent
agent = CoherenceAgent(lambda prompt: "The sky is blue.")
assert agent._rust_available is False
assert agent.process("Is the sky blue?").output == "The sky is blue."
"""

INSTALLED = """
import sys, backfire_kernel, director_ai
assert director_ai.CoherenceAgent()._rust_available is True
session = backfire_kernel.RustStreamingKernel().stream_tokens("abc", lambda token: 0.9)
assert session.output == "abc"
w = backfire_kernel.SSGFEngine().w
assert type(w) is memoryview and w.shape == (16, 16)
with open("/proc/self/maps") as maps:
    libraries = {line.split()[-1] for line in maps if "libcaf" in line or "libmycelium" in line or "_native" in line}
assert len(libraries) == 3, libraries
for library in libraries:
    assert library.startswith(sys.prefix), f"{library} does not come from the wheel"
"""

TOGETHER = """
import mycelium_native, mycelium_protocol, backfire_kernel
with mycelium_native.Runtime(mycelium_protocol.SCHEMA_DIGEST) as bus:
    bus.publish(mycelium_protocol.TextMessage(content="it works"))
    assert backfire_kernel.RustStreamingKernel().stream_tokens("abc", [0.9] * 3).output == "abc"
with open("/proc/self/maps") as maps:
    assert len({line.split()[-1] for line in maps if "libmycelium_ffi" in line}) == 1
"""


def main() -> int:
    interpreter, wheels = sys.argv[1:]
    if not os.access(interpreter, os.X_OK):
        print(f"SKIPPED: the wheels of oversight are NOT TESTED with {interpreter}: it is not installed here")
        return 77
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_", "PIP_"))}

    def run(*command: object, **more: str) -> None:
        subprocess.run([str(part) for part in command], check=True, env={**environment, **more}, cwd="/")

    with tempfile.TemporaryDirectory() as folder:
        run(interpreter, "-m", "venv", folder)
        python = pathlib.Path(folder) / "bin" / "python"

        def install(*names: str) -> None:
            run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index",
                "--no-cache-dir", "--find-links", wheels, *names)  # fmt: skip
            run(python, "-m", "pip", "check")

        install("director_ai")
        run(python, "-I", "-W", "error", "-c", ALONE)
        install("backfire_kernel")
        run(python, "-I", "-W", "error", "-c", INSTALLED)
        for test in sorted(TESTS.glob("test_*.py")):
            if test.name not in NEED_NUMPY:
                print(f"{interpreter}: {test.name}", flush=True)
                run(python, "-X", "faulthandler", "-W", "error", test, "--quiet", MYCELIUM_FEW_CASES="1")
        install("mycelium_native", "mycelium_protocol")
        run(python, "-I", "-W", "error", "-c", TOGETHER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
