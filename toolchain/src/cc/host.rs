//! Code for the host, when a build script asks for it.
//!
//! Host and sandbox have the same triple in Rust's sense, so a build script of a proc-macro or of another build script finds `zvm-cc` as
//! compiler, too. Cargo tells which it is: it hands build scripts the flags of the code that they work for, and code for
//! the host has not ours.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use super::Driver;

/// Variables that cargo sets for build scripts, and only there.
const OF_BUILD_SCRIPTS: &[&str] = &["HOST", "TARGET", "OUT_DIR", "NUM_JOBS"];

/// Whether a build script runs this compiler for code of the host.
pub fn is_wanted() -> bool {
    OF_BUILD_SCRIPTS
        .iter()
        .all(|name| env::var_os(name).is_some())
        && env::var("CARGO_ENCODED_RUSTFLAGS")
            .is_ok_and(|flags| !flags.split('\x1f').any(|flag| flag == "--cfg=zvm"))
}

/// Becomes the host's compiler: `HOST_CC` or `cc`, `HOST_CXX` or `c++`.
pub fn become_compiler(driver: Driver, args: impl Iterator<Item = OsString>) -> ExitCode {
    let (variable, default) = match driver {
        Driver::C => ("HOST_CC", "cc"),
        Driver::Cxx => ("HOST_CXX", "c++"),
    };
    let program = env::var_os(variable).unwrap_or_else(|| default.into());
    let error = Command::new(&program).args(args).exec();
    eprintln!(
        "zvm-cc: error: cannot start {}: {error}\n  why: this build script works for code of the host, which needs the host's compiler\n  \
         what to do: install one, or name it in {variable}",
        program.display()
    );
    ExitCode::FAILURE
}
