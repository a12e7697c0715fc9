//! Runs and validates images: see `zvm_runtime::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    zvm_runtime::cli::main(std::env::args_os())
}
