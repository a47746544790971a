//! Compiles the examples' schema, unless this is a package, which has the module already.

use std::path::Path;
use std::{env, fs};

fn main() {
    // Examples and tests run from the build folder, without LD_LIBRARY_PATH.
    if let Ok(folder) = env::var("DEP_MYCELIUM_FFI_LIBDIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    println!("cargo:rerun-if-env-changed=MYCELIUM_SCHEMAS");
    let packaged = Path::new("generated/examples.rs");
    if packaged.is_file() {
        println!("cargo:rerun-if-changed={}", packaged.display());
        let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
        fs::copy(packaged, Path::new(&folder).join("examples.rs")).expect("OUT_DIR can be written");
        return;
    }
    let in_tree = Path::new("../../../schema").to_owned();
    let schemas = if in_tree.is_dir() { in_tree } else { mycelium_build::schemas().unwrap_or_default() };
    mycelium_build::compile(schemas.join("examples.fbs"));
}
