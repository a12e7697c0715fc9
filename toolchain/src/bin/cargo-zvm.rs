//! Builds and runs sample folders: see `zvm_toolchain::cargo_zvm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    zvm_toolchain::cargo_zvm::main(std::env::args_os())
}
