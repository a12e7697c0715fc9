//! Compiles C for the sandbox: see `zvm_toolchain::cc`.

use std::process::ExitCode;

use zvm_toolchain::cc::{Driver, main as driver};

fn main() -> ExitCode {
    driver(Driver::C, std::env::args_os())
}
