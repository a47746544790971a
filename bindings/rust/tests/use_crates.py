#!/usr/bin/env python3
"""A stranger's program, built with the packed crates against an installed library: nothing else of this repository.

    use_crates.py CMAKE BUILD CRATES CARGO [NAME=VALUE...]

Installs BUILD into an empty prefix, unpacks CRATES beside the stranger's crate, and builds and runs that: with
pkg-config, with MYCELIUM_LIB_DIR alone, with the archive instead of the shared library, and without any library.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

MANIFEST = """[package]
name = "stranger"
version = "0.1.0"
edition = "2021"

[dependencies]
mycelium = {{ path = "../mycelium-1.0.0"{features} }}

[build-dependencies]
mycelium-build = {{ path = "../mycelium-build-1.0.0" }}
"""
SCHEMA = """attribute "type_id";
attribute "topic";
namespace weather;

/// One measurement.
///
///     this is no Rust, and must not be run as such
table Reading (type_id: 2001, topic: "weather") {
  station: string;
  celsius: double;
}
"""
BUILD = 'fn main() {\n    mycelium_build::compile("weather.fbs");\n}\n'
PROGRAM = """mod weather {
    mycelium::include_messages!("weather");
}
use mycelium::examples::TextMessage;
use weather::Reading;

fn main() -> mycelium::Result<()> {
    let bus = mycelium::Runtime::builder().schema(weather::SCHEMA).schema_digest(weather::SCHEMA_DIGEST).build()?;
    bus.subscribe(|reading: Reading| println!("{}: {} degrees", reading.station, reading.celsius))?.detach();
    bus.publish(&Reading { station: "Zugspitze".into(), celsius: -7.5 })?;
    bus.publish(&TextMessage::default())
}
"""
PROGRAM_WITHOUT_BUS = """mod weather {
    mycelium::include_messages!("weather");
}
use weather::Reading;

fn main() {
    let bytes = Reading { station: "Zugspitze".into(), celsius: -7.5 }.encode().unwrap();
    let reading = Reading::decode(&bytes).unwrap();
    println!("{}: {} degrees", reading.station, reading.celsius);
}
"""
PRINTED = "Zugspitze: -7.5 degrees\n"


def run(command, environment, folder):
    done = subprocess.run(command, env=environment, cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def write(folder: Path, features: str, program: str) -> None:
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST.format(features=features))
    (folder / "build.rs").write_text(BUILD)
    (folder / "weather.fbs").write_text(SCHEMA)
    (folder / "src/main.rs").write_text(program)


def main(cmake, build, crates, cargo, *settings):
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        prefix, stranger = work / "prefix", work / "stranger"
        run([cmake, "--install", build, "--prefix", prefix], os.environ, work)
        for crate in sorted(Path(crates).glob("*.crate")):
            with tarfile.open(crate) as archive:
                archive.extractall(work)
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("MYCELIUM_", "PKG_CONFIG"))}
        clean.pop("LD_LIBRARY_PATH", None)
        clean.update(setting.split("=", 1) for setting in settings)
        clean.update(CARGO_HOME=str(work / "home"), RUSTFLAGS="-D warnings")
        library = next(prefix.rglob("libmycelium_ffi.so")).parent
        run_it = [cargo, "run", "--quiet", "--offline"]
        cases = {
            "pkg-config": {"PKG_CONFIG_PATH": library / "pkgconfig", "LD_LIBRARY_PATH": library},
            "MYCELIUM_LIB_DIR": {"MYCELIUM_LIB_DIR": library, "MYCELIUM_PROGRAM": prefix / "bin/mycelium",
                                 "PKG_CONFIG": "false", "LD_LIBRARY_PATH": library},
            "static": {"PKG_CONFIG_PATH": library / "pkgconfig", "MYCELIUM_STATIC": "1"},
        }
        write(stranger, "", PROGRAM)
        for case, more in cases.items():
            environment = {**clean, **{key: str(value) for key, value in more.items()},
                           "CARGO_TARGET_DIR": str(work / "target" / case)}
            printed = run(run_it, environment, stranger)
            if printed != PRINTED:
                sys.exit(f"{case}: printed {printed!r}")
            print(f"{case}: built and ran")
        linked = run(["ldd", work / "target/static/debug/stranger"], clean, work)
        if "mycelium" in linked:
            sys.exit(f"the static program still wants a shared library:\n{linked}")

        write(stranger, ", default-features = false", PROGRAM_WITHOUT_BUS)
        (stranger / "Cargo.lock").unlink()
        environment = {**clean, "PKG_CONFIG": "false", "MYCELIUM_PROGRAM": str(prefix / "bin/mycelium"),
                       "CARGO_TARGET_DIR": str(work / "target/codec")}
        if run(run_it, environment, stranger) != PRINTED:
            sys.exit("without the bus: printed something else")
        if "mycelium" in run(["ldd", work / "target/codec/debug/stranger"], clean, work):
            sys.exit("a program that only reads and writes messages is linked with the library")
        run([cargo, "test", "--quiet", "--offline"], environment, stranger)
        print("without the bus: built and ran")


if __name__ == "__main__":
    main(*sys.argv[1:])
