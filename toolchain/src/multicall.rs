//! One executable under many names: `zvm-cc`, `zvm-c++`, `zvm-run`, `zvm-ar` and kin are links to `cargo-zvm`.
//!
//! So one file is the whole SDK: `cargo run` builds nothing but the default binary, and build systems still find every tool by
//! the name that they look for. [`crate::tools`] makes the links.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use crate::cc::{self, Driver};
use crate::{binutils, cargo_zvm, runner};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `cargo zvm`.
    CargoZvm,
    /// The runtime's command.
    Zvm,
    /// The runner that cargo, CMake, Meson and configure scripts call.
    Run,
    /// A compiler driver.
    Compiler(Driver),
    /// The linker.
    Linker,
    /// One of `ar`, `ranlib`, `nm`, `strip`.
    Binutil(binutils::Binutil),
}

impl Tool {
    /// The tool that a program of this name is; unknown names are `cargo zvm`.
    pub fn named(name: &OsStr) -> Tool {
        let name = name.to_string_lossy();
        let prefix = concat!("x86_64-zvm-linux-musl", "-");
        let name = name
            .strip_prefix("zvm-")
            .or_else(|| name.strip_prefix(prefix))
            .unwrap_or(&name);
        match name {
            "zvm" => Tool::Zvm,
            "run" => Tool::Run,
            "cc" | "gcc" | "clang" => Tool::Compiler(Driver::C),
            "ld" => Tool::Linker,
            "c++" | "cxx" | "g++" | "clang++" => Tool::Compiler(Driver::Cxx),
            _ => binutils::Binutil::named(name).map_or(Tool::CargoZvm, Tool::Binutil),
        }
    }
}

/// Runs the tool that the program's own name, the first of `args`, stands for.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let name = args
        .first()
        .and_then(|path| Path::new(path).file_name())
        .unwrap_or_default();
    match Tool::named(name) {
        Tool::CargoZvm => cargo_zvm::main(args),
        Tool::Zvm => zvm_runtime::cli::main(args),
        Tool::Run => runner::main(args),
        Tool::Compiler(driver) => cc::main(driver, args),
        Tool::Linker => cc::ld::main(args),
        Tool::Binutil(tool) => binutils::main(tool, args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_tools() {
        let tool = |name: &str| Tool::named(OsStr::new(name));
        assert_eq!(tool("cargo-zvm"), Tool::CargoZvm);
        assert_eq!(tool("zvm"), Tool::Zvm);
        assert_eq!(tool("zvm-run"), Tool::Run);
        assert_eq!(tool("zvm-ld"), Tool::Linker);
        assert_eq!(tool("zvm-c++"), Tool::Compiler(Driver::Cxx));
        assert_eq!(tool("x86_64-zvm-linux-musl-gcc"), Tool::Compiler(Driver::C));
        assert_eq!(
            tool("x86_64-zvm-linux-musl-ranlib"),
            Tool::Binutil(binutils::Binutil::Ranlib)
        );
    }
}
