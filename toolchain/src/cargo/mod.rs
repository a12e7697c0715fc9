//! Cargo, told to build for the sandbox.
//!
//! No crate changes for this, and no target is added: the stable toolchain's own `x86_64-unknown-linux-gnu` is used, with `zvm-cc` as
//! linker. Build scripts and proc-macros stay code of the host, because `build.target` makes cargo tell the two apart; a
//! `linker` key would reach both (the triple is the same), so the linker is in the flags, which reach code for the target only.

pub mod command;
pub mod flags;
pub mod image;

use std::ffi::OsString;

use anyhow::Result;

use crate::tools::Tools;
use flags::Merged;

/// Cargo's name of the target.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The target in the names of environment variables that cargo reads.
const UPPER: &str = "X86_64_UNKNOWN_LINUX_GNU";

/// The target in the names of environment variables that the crates `cc`, `cmake` and `pkg-config` read.
const LOWER: &str = "x86_64_unknown_linux_gnu";

/// Variables that a cargo run needs, with the user's own flags kept. In cargo they come before any configuration file.
///
/// # Errors
/// The user's flags ask for what an image cannot be.
pub fn environment(tools: &Tools) -> Result<Vec<(String, OsString)>> {
    let path = |name: &str| tools.path(name).into_os_string();
    let mut variables = vec![
        ("CARGO_BUILD_TARGET".to_owned(), TARGET.into()),
        (format!("CARGO_TARGET_{UPPER}_RUNNER"), path("zvm-run")),
    ];
    for (plain, encoded, of_target) in [
        ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"),
        ("RUSTDOCFLAGS", "CARGO_ENCODED_RUSTDOCFLAGS", "RUSTDOCFLAGS"),
    ] {
        match flags::merge(plain, encoded, &tools.path("zvm-cc"))? {
            // Beside what configuration files say for the target, which cargo joins to it.
            Merged::Ours(flags) => {
                variables.push((format!("CARGO_TARGET_{UPPER}_{of_target}"), flags));
            }
            Merged::Encoded(flags) => variables.push((encoded.to_owned(), flags)),
        }
    }
    variables.extend(native_tools(tools));
    Ok(variables)
}

/// What build scripts that compile C for the target look for.
pub fn native_tools(tools: &Tools) -> Vec<(String, OsString)> {
    let path = |name: &str| tools.path(name).into_os_string();
    let mut variables: Vec<(String, OsString)> = Vec::new();
    for (name, tool) in [
        ("CC", "zvm-cc"),
        ("CXX", "zvm-c++"),
        ("AR", "zvm-ar"),
        ("RANLIB", "zvm-ranlib"),
    ] {
        variables.push((format!("{name}_{LOWER}"), path(tool)));
    }
    // The crate `pkg-config` would find the host's libraries: nothing of the host may be linked in.
    variables.push((
        format!("PKG_CONFIG_LIBDIR_{LOWER}"),
        path("no-pkg-config-files"),
    ));
    variables
}
