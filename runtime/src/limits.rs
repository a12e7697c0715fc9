//! Every bound that the runtime puts on what it reads, on one page.

use std::time::Duration;

use zvm_abi::layout;

/// Largest image file in bytes, debug information included.
pub const IMAGE_FILE: u64 = 4 << 30;
/// Most program headers in an image.
pub const PROGRAM_HEADERS: u16 = 16;
/// Largest PT_NOTE segment in bytes.
pub const NOTE: u64 = 64 << 10;
/// Exclusive end of the image's data segments: leaves room for heap, mounts, manifest and stack.
pub const DATA_END: u64 = 0xE000_0000;
/// Largest section of symbols or debugging information that a fault report reads, in bytes.
pub const SYMBOLS: u64 = 256 << 20;

/// Smallest heap in bytes.
pub const MEMORY_MIN: u64 = 64 << 10;
/// Heap when `--memory` says nothing, in bytes.
pub const MEMORY_DEFAULT: u64 = 1 << 30;
/// Bytes of stack.
pub const STACK: u64 = layout::STACK_SIZE;

/// Largest system map of an application in bytes.
pub const SYSTEM_MAP: u64 = 1 << 20;
/// Most ranges of pages in a snapshot; each is a mapping.
pub const SNAPSHOT_RANGES: usize = 1024;
/// Most mounts of one instance.
pub const MOUNTS: usize = 1000;
/// Most files and directories that one mounted directory may hold.
pub const MOUNT_ENTRIES: usize = 1_000_000;
/// Largest tar image of a mount in bytes.
pub use zvm_abi::manifest::MOUNT_BYTES;
/// Largest tar that the guest may write back for one `rw` mount, as a channel's quota in bytes.
pub const EXPORT_BYTES: i64 = zvm_abi::manifest::EXPORT_BYTES as i64;
/// Most directories that are gone through, one by one, to what is written back.
pub const COMMIT_STEPS: usize = 1 << 24;
/// The longest that what is written back may be looked at.
pub const COMMIT_CHECKS: Duration = Duration::from_secs(120);
/// Largest nvram text (arguments and environment, escaped) in bytes.
pub const NVRAM: usize = 16 << 20;

/// Largest manifest file in bytes (ZeroVM's limit).
pub const MANIFEST_BYTES: usize = 512 << 10;
/// Most lines of a manifest (ZeroVM's limit).
pub const MANIFEST_LINES: usize = 8192;
/// Longest alias of a channel in bytes.
pub const ALIAS: usize = 255;
/// Most sources of one channel.
pub const SOURCES: usize = 1024;

/// Bytes that one Read or Write trap moves at most, as in Linux.
pub const TRANSFER: u64 = 0x7fff_f000;
/// Most milliseconds that one Read without a buffer waits for a connection's bytes; whoever wants to wait longer asks again.
pub const WAIT: u64 = 1000;
/// Most ranges that Jail may hold executable at one time.
pub const JAILS: usize = 1024;
/// Largest range of one Jail in bytes.
pub const JAIL_BYTES: u64 = 64 << 20;
/// Bytes of the stack that a fault report walks, from the stack pointer on.
pub const STACK_COPY: u64 = 256 << 10;
/// Most frames of a backtrace.
pub const FRAMES: usize = 48;
/// About so many bytes of a backtrace are printed.
pub const BACKTRACE: usize = 32 << 10;
/// Processor time for a backtrace, in seconds.
pub const BACKTRACE_SECONDS: u64 = 10;
/// Addresses that the making of a backtrace may use, in bytes.
pub const BACKTRACE_MEMORY: u64 = 4 << 30;

/// Bytes of a message from the instance to its monitor.
pub const MESSAGE: usize = 6 << 10;
