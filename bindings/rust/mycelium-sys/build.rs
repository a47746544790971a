//! Finds libmycelium_ffi: in MYCELIUM_LIB_DIR, else where pkg-config says. MYCELIUM_STATIC=1 links the archive.

use std::env;
use std::process::Command;

fn main() {
    for name in ["MYCELIUM_LIB_DIR", "MYCELIUM_STATIC", "PKG_CONFIG", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    let fixed = env::var("MYCELIUM_LIB_DIR").ok().filter(|folder| !folder.is_empty());
    match fixed.or_else(|| pkg_config("--variable=libdir")) {
        Some(folder) => {
            println!("cargo:rustc-link-search=native={folder}");
            println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}"); // of this package's own tests
            println!("cargo:libdir={folder}");
        }
        None => println!(
            "cargo:warning=pkg-config knows no mycelium: set PKG_CONFIG_PATH to the folder of mycelium.pc, or \
             MYCELIUM_LIB_DIR to that of libmycelium_ffi.so"
        ),
    }
    if env::var("MYCELIUM_STATIC").map_or(false, |value| value == "1") {
        println!("cargo:rustc-link-lib=static=mycelium_ffi");
        for library in ["caf_core", "ssl", "crypto", "stdc++", "pthread", "m"] {
            println!("cargo:rustc-link-lib=dylib={library}");
        }
    } else {
        println!("cargo:rustc-link-lib=dylib=mycelium_ffi");
    }
}

fn pkg_config(question: &str) -> Option<String> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let done = Command::new(program).args([question, "mycelium"]).output().ok()?;
    let answer = String::from_utf8(done.stdout).ok()?.trim().to_owned();
    (done.status.success() && !answer.is_empty()).then_some(answer)
}
