//! Builds and runs sample folders: see `zvm_toolchain::cargo_zvm`; under another name, another tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    zvm_toolchain::multicall::main(std::env::args_os())
}
