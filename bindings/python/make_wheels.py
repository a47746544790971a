#!/usr/bin/python3
"""Packs the built packages into wheels, with nothing but the standard library and Debian's patchelf.

    make_wheels.py --version 1.0.0 --packages build/release/python --output build/release/wheels

Each native wheel carries libmycelium_ffi.so and every library that it needs besides those of the C and C++ runtimes,
which find each other through an $ORIGIN rpath; in a process that loads two of them the first one's libraries serve
both. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import pathlib
import shutil
import subprocess
import tempfile
import zipfile

PYTHON = ">=3.11"
# Part of every system that the wheel runs on: glibc, and GCC's runtime libraries.
SYSTEM = (
    "libc.so",
    "libm.so",
    "libdl.so",
    "librt.so",
    "libpthread.so",
    "ld-linux",
    "libstdc++.so",
    "libgcc_s.so",
    "linux-vdso",
)
NATIVE = {
    "mycelium_native": "Mycelium, an embeddable message bus, in a Python process",
    "backfire_kernel": "Oversight of token streams: scores each token, and halts what makes no sense",
}
PURE = {
    "mycelium_client": "Mycelium, a message bus, over a socket: a node of it in plain Python, with asyncio",
    "mycelium_protocol": "The messages of Mycelium's built-in schema",
    "director_ai": "An agent whose answers pass oversight, on backfire_kernel or in plain Python",
}
SUMMARIES = NATIVE | PURE


def needed_libraries(file: pathlib.Path) -> dict[str, pathlib.Path]:
    """The libraries that file needs, directly or not, which no system has by itself: soname -> where it lies."""
    shown = subprocess.run(["ldd", file], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in shown.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        name = pathlib.PurePath(name.split(" (")[0]).name
        if name.startswith(SYSTEM):
            continue
        if not arrow or "not found" in rest:
            raise SystemExit(f"{file} needs {name}, which is not here")
        found[name] = pathlib.Path(rest.rpartition(" (")[0])
    return found


def notice(library: pathlib.Path) -> tuple[str, bytes] | None:
    """Name and copyright notice of the Debian package that a library comes from; None for one that was built here."""
    owner = subprocess.run(["dpkg-query", "--search", library], capture_output=True, text=True)
    if owner.returncode != 0:
        return None
    package = owner.stdout.partition(":")[0]
    return package, (pathlib.Path("/usr/share/doc") / package / "copyright").read_bytes()


def make_self_contained(folder: pathlib.Path) -> dict[str, bytes]:
    """Copies what the extension needs beside it and lets all of it look there first. Gives the notices that belong."""
    extension = folder / "_native.abi3.so"
    notices = {}
    for soname, path in sorted(needed_libraries(extension).items()):
        shutil.copyfile(path, folder / soname)
        if told := notice(path.resolve()):
            notices[f"LICENSE.{told[0]}"] = told[1]
    for file in sorted(folder.glob("*.so*")):
        file.chmod(0o755)
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN", file], check=True)
    for soname, path in needed_libraries(extension).items():
        if path.resolve().parent != folder.resolve():
            raise SystemExit(f"the wheel would take {soname} from {path}")
    return notices


def digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def metadata(name: str, version: str, licenses: dict[str, bytes]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: {SUMMARIES[name]}"]
    lines += ["License: Apache-2.0", "Classifier: Typing :: Typed", f"Requires-Python: {PYTHON}"]
    lines += [f"License-File: {each}" for each in sorted(licenses)]
    return "\n".join(lines) + "\n"


def write_wheel(
    output: pathlib.Path, package: pathlib.Path, version: str, tag: str, licenses: dict[str, bytes]
) -> pathlib.Path:
    """Files in one order, with one date and one compression, so that equal input gives equal bytes."""
    name = package.name
    info = f"{name}-{version}.dist-info"
    pure = str(tag.endswith("-any")).lower()
    wheel = f"Wheel-Version: 1.0\nGenerator: mycelium\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    content = {f"{info}/METADATA": metadata(name, version, licenses).encode(), f"{info}/WHEEL": wheel.encode()}
    content.update({f"{info}/{each}": text for each, text in licenses.items()})
    modes = {}
    for file in package.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            entry = f"{name}/{file.relative_to(package).as_posix()}"
            content[entry] = file.read_bytes()
            modes[entry] = 0o755 if ".so" in file.name else 0o644
    entries = sorted(content)
    record = f"{info}/RECORD"
    rows = [f"{entry},{digest(content[entry])},{len(content[entry])}\n" for entry in entries]
    content[record] = ("".join(rows) + f"{record},,\n").encode()
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"{name}-{version}-{tag}.whl"
    draft = path.with_suffix(".new")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for entry in [*entries, record]:
            header = zipfile.ZipInfo(entry, date_time=(2020, 1, 1, 0, 0, 0))
            header.external_attr = (0o100000 | modes.get(entry, 0o644)) << 16
            header.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(header, content[entry])
    draft.replace(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", required=True)
    parser.add_argument("--packages", required=True, type=pathlib.Path, help="the folder that holds the packages")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    options = parser.parse_args()
    own = {"LICENSE": (pathlib.Path(__file__).parents[2] / "LICENSE").read_bytes()}
    machine = subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip()
    for name in NATIVE:
        with tempfile.TemporaryDirectory() as scratch:
            native = pathlib.Path(scratch) / name
            shutil.copytree(options.packages / name, native, ignore=shutil.ignore_patterns("__pycache__", "lib*.so*"))
            licenses = own | make_self_contained(native)
            print(write_wheel(options.output, native, options.version, f"cp311-abi3-linux_{machine}", licenses))
    for name in PURE:
        print(write_wheel(options.output, options.packages / name, options.version, "py3-none-any", own))


if __name__ == "__main__":
    main()
