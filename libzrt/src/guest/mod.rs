//! What only the sandbox needs: entry, exit, allocator, and the rewriter's helpers.

mod cpu;
mod cpu_model;
mod entry;
mod fenv;
mod fork;
mod glibc;
mod memory;
mod start;
mod switch;
mod traps;
mod x87;
