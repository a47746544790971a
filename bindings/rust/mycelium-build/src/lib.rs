//! Compiles schemas in a build script: a `build.rs` of
//!
//! ```no_run
//! mycelium_build::compile("schemas/weather.fbs");
//! ```
//!
//! writes `weather.rs` to the build's `OUT_DIR`, and the program takes it in with
//!
//! ```ignore
//! mod weather {
//!     mycelium::include_messages!("weather");
//! }
//! ```
//!
//! The schema compiler is the program `mycelium`: the one that `MYCELIUM_PROGRAM` names, else the one beside the
//! library that pkg-config finds, else the one in `PATH`.

use std::env;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a schema was not compiled.
#[derive(Debug)]
pub struct CompileError(String);

impl fmt::Display for CompileError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl Error for CompileError {}

/// Compiles a schema into the build's `OUT_DIR`. Ends the build script with the compiler's complaint if that fails.
pub fn compile(schema: impl AsRef<Path>) {
    Schema::new(schema).compile();
}

/// A schema to be compiled, with the folders that its includes are looked for in.
#[derive(Clone, Debug)]
pub struct Schema {
    file: PathBuf,
    includes: Vec<PathBuf>,
    name: Option<String>,
}

impl Schema {
    /// The schema of a file, `.fbs` or `.bfbs`.
    pub fn new(file: impl AsRef<Path>) -> Self {
        Schema { file: file.as_ref().to_owned(), includes: Vec::new(), name: None }
    }

    /// Looks for included files in this folder, too.
    #[must_use]
    pub fn include(mut self, folder: impl AsRef<Path>) -> Self {
        self.includes.push(folder.as_ref().to_owned());
        self
    }

    /// Names the output, if not after the file.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Compiles into `OUT_DIR`, and tells cargo when to do so again. Ends the build script if that fails.
    pub fn compile(&self) {
        for name in ["MYCELIUM_PROGRAM", "PKG_CONFIG", "PKG_CONFIG_PATH"] {
            println!("cargo:rerun-if-env-changed={name}");
        }
        println!("cargo:rerun-if-changed={}", self.file.display());
        for folder in &self.includes {
            println!("cargo:rerun-if-changed={}", folder.display());
        }
        if program().is_file() {
            println!("cargo:rerun-if-changed={}", program().display());
        }
        let folder = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
        if let Err(why) = self.compile_to(folder) {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }

    /// Compiles into a folder and returns the path of the module.
    pub fn compile_to(&self, folder: impl AsRef<Path>) -> Result<PathBuf, CompileError> {
        let folder = folder.as_ref();
        let program = program();
        let mut command = Command::new(&program);
        command.args(["schema", "compile", "--rust"]).arg(folder);
        for include in &self.includes {
            command.arg("-I").arg(include);
        }
        if let Some(name) = &self.name {
            command.args(["--name", name]);
        }
        let done = command.arg(&self.file).output().map_err(|why| {
            CompileError(format!(
                "the schema compiler {} cannot be started ({why}): install Mycelium, or set MYCELIUM_PROGRAM to the \
                 path of the program mycelium",
                program.display()
            ))
        })?;
        if !done.status.success() {
            return Err(CompileError(String::from_utf8_lossy(&done.stderr).trim_end().to_owned()));
        }
        let stem = self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = self.name.clone().or(stem).unwrap_or_default();
        Ok(folder.join(name + ".rs"))
    }
}

/// The schema compiler that would be used.
pub fn program() -> PathBuf {
    if let Some(program) = env::var_os("MYCELIUM_PROGRAM").filter(|program| !program.is_empty()) {
        return program.into();
    }
    let installed = pkg_config("prefix").map(|prefix| prefix.join("bin/mycelium"));
    installed.filter(|program| program.is_file()).unwrap_or_else(|| "mycelium".into())
}

/// The folder with the schemas that come with Mycelium: the one that `MYCELIUM_SCHEMAS` names, else pkg-config's.
pub fn schemas() -> Option<PathBuf> {
    let named = env::var_os("MYCELIUM_SCHEMAS").filter(|folder| !folder.is_empty());
    named.map(PathBuf::from).or_else(|| pkg_config("schemadir"))
}

fn pkg_config(variable: &str) -> Option<PathBuf> {
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let done = Command::new(program).args(["--variable", variable, "mycelium"]).output().ok()?;
    let answer = String::from_utf8(done.stdout).ok()?.trim().to_owned();
    (done.status.success() && !answer.is_empty()).then(|| answer.into())
}
