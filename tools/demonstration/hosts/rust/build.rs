//! Tells the program which compiler built it, and where the library lies that it was built with.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").expect("cargo says which compiler it uses");
    let version = Command::new(rustc).arg("--version").output().expect("the compiler tells its version");
    println!("cargo:rustc-env=COMPILER={}", String::from_utf8_lossy(&version.stdout).trim());
    println!("cargo:rerun-if-env-changed=MYCELIUM_LIB_DIR");
    if let Ok(folder) = env::var("MYCELIUM_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
