//! Runs and validates images: see `zvm_runtime::cli`. Started once for each run, so without Rust's own start: see
//! `zvm_runtime::entry`.
#![no_main]
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the C library calls this, first and once.
    unsafe { zvm_runtime::entry::main(count, arguments) }
}
