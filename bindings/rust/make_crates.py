#!/usr/bin/env python3
"""Packs the crates, so that they build without the network and without this repository.

    make_crates.py --version 1.0.0 --examples EXAMPLES.rs --output FOLDER

Writes FOLDER/{mycelium-sys,mycelium-build,mycelium}-VERSION.crate, which are unpacked side by side: each refers to the
others by its path. `cargo package` does not do here: it asks a registry for crates that depend on each other.
EXAMPLES.rs is the module of the examples' schema, which the package carries, so that it needs no schema compiler.
"""

import argparse
import gzip
import io
import re
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CRATES = ("mycelium-sys", "mycelium-build", "mycelium")
LEFT_OUT = {"tests", "target"}


def manifest(text: str, version: str) -> str:
    """The Cargo.toml of a package: without what only the repository has, with its neighbours' packed names."""
    if f'version = "{version}"' not in text:
        raise SystemExit(f"make_crates.py: a Cargo.toml does not say version {version}; change it there, too")
    text = re.split(r"\n# In the repository", text)[0]
    return re.sub(r'path = "\.\./([\w-]+)"', rf'path = "../\1-{version}"', text)


def files(crate: str, version: str, examples: Path):
    """(name, content) in order."""
    folder = HERE / crate
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] not in LEFT_OUT:
            content = path.read_bytes()
            yield str(name), manifest(content.decode(), version).encode() if str(name) == "Cargo.toml" else content
    yield "LICENSE", (HERE.parents[1] / "LICENSE").read_bytes()
    if crate == "mycelium":
        yield "generated/examples.rs", examples.read_bytes()


def pack(crate: str, version: str, examples: Path) -> bytes:
    """The same bytes for the same files, whenever it is done."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for name, content in files(crate, version, examples):
            entry = tarfile.TarInfo(f"{crate}-{version}/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for crate in CRATES:
        target = arguments.output / f"{crate}-{arguments.version}.crate"
        packed = pack(crate, arguments.version, arguments.examples)
        if not target.exists() or target.read_bytes() != packed:
            target.write_bytes(packed)


if __name__ == "__main__":
    main()
