//! The library OS inside the sandbox.
//!
//! `syscall` instructions of the program are calls to this crate (the rewriter makes them so), and it answers them with
//! Linux's x86-64 ABI. Nothing but six traps leaves the sandbox: reading and writing channels, exit, jail, unjail and
//! fork. The crate is linked into every program like any other archive and rewritten like it; the host does not trust it.
//!
//! A [`kernel::Kernel`] holds all state; it reaches the outside through [`host::Host`] and the program's memory through
//! [`mm::Memory`], so that every area runs under `cargo test` against a host in memory. The areas are modules: [`fs`],
//! [`mm`], [`time`], [`process`], [`threads`], [`signal`], [`random`]; [`syscalls`] is the table that names every call they answer.
//!
//! # In the sandbox
//! The feature `guest` adds what only the sandbox needs: entry point, system-call entry, allocator, panic handler and the
//! rewriter's helpers. A `staticlib` member would break `cargo test` (two panic handlers), so the guest's code is built apart,
//! in a target folder of its own:
//!
//! ```text
//! cargo rustc --release -p libzrt --lib --crate-type staticlib --features guest --target x86_64-unknown-linux-gnu \
//!     --config profile.release.lto=\"fat\" --config profile.release.codegen-units=1 \
//!     --config profile.release.panic=\"abort\" --config profile.release.debug=1 \
//!     -- -C relocation-model=static -C target-cpu=x86-64 --emit=obj=libzrt.o
//! ```
//!
//! One object, because the archive would bring `compiler_builtins`, which names an unwinder. `sysroot/build.rs` does this.
//!
//! # What it does not do
//! `fork` and sockets to the outside (`ENOSYS`, `ENETUNREACH`); interrupt a thread that makes no system call; enforce `mprotect` (no trap protects pages: protection is
//! recorded and checked on buffers of system calls); shared writable mappings between processes (there is one process).
#![cfg_attr(not(test), no_std)]
// It is an operating system: it answers calls with raw pointers into the program's memory, and enters and leaves by
// assembly. Every block says why it is sound.
#![allow(unsafe_code)]

extern crate alloc;

pub mod errno;
pub mod fault;
pub mod fs;
#[cfg(all(feature = "guest", not(test)))]
mod guest;
pub mod heap;
pub mod host;
mod identity;
pub mod kernel;
pub mod mm;
pub mod nvram;
mod posix_timer;
pub mod process;
pub mod random;
pub mod signal;
mod snapshot;
pub mod stack;
pub mod syscalls;
mod text;
pub mod threads;
pub mod time;
mod trace;
pub mod x87;
