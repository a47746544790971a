//! Compiles the schemas, and writes the golden values as Rust.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new("../../..");
    let schema = root.join("schema");
    mycelium_build::compile(schema.join("golden.fbs"));
    mycelium_build::compile(root.join("tools/schema_compiler/names.fbs"));
    for input in ["values.py", "../../../schema/golden/vectors.json", "../../../schema/examples.fbs"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let values = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("values.rs");
    let done = Command::new("/usr/bin/python3")
        .args(["values.py".as_ref(), values.as_os_str(), schema.join("golden/vectors.json").as_os_str()])
        .args([schema.join("examples.fbs"), schema.join("golden.fbs")])
        .status();
    assert!(done.expect("python3 can be started").success(), "values.py failed");
}
