//! Compiles C for the sandbox: see `zvm_toolchain::cc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    zvm_toolchain::cc::main(std::env::args_os())
}
