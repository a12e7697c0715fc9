//! The instance's address space: [0, 4 GiB) of its process, and the guard behind it.

/// Bytes in a bundle; every indirect target and every return address is a multiple of it.
pub const BUNDLE: u64 = 32;
/// Bytes in a page.
pub const PAGE: u64 = 4096;
/// First address that may ever be mapped; below it nothing is, so that null pointers fault.
pub const NULL_END: u64 = 0x1_0000;
/// The trampolines, R-X: slots of [`TRAMPOLINE_SLOT`] bytes. Slot 0 is the one trap entry, the others are `hlt`.
pub const TRAMPOLINE_BASE: u64 = 0x1_0000;
/// Bytes in a trampoline slot.
pub const TRAMPOLINE_SLOT: u64 = 32;
/// First byte of text, R-X.
pub const TEXT_BASE: u64 = 0x2_0000;
/// Text, and every other code address of the image, lies below this.
pub const TEXT_LIMIT: u64 = 0x1000_0000;
/// First byte of rodata; the ELF header and the program headers stand here, see [`HEADER_ROOM`].
pub const DATA_BASE: u64 = 0x1000_0000;
/// Bytes that the linker script leaves free at [`DATA_BASE`] for the ELF and program headers.
pub const HEADER_ROOM: u64 = 0x400;
/// A u32 here holds the address of the [`crate::manifest::UserManifest`].
pub const MANIFEST_POINTER: u64 = 0xFEFF_FFFC;
/// End of the pages that hold the user manifest (exclusive); they start as low as needed.
pub const MANIFEST_END: u64 = 0xFF00_0000;
/// Lowest address of the stack at its largest size.
pub const STACK_BASE: u64 = 0xFF00_0000;
/// Exclusive end of the stack. The last page below 4 GiB is never mapped: `67 rep stos` would wrap there.
pub const STACK_TOP: u64 = 0xFFFF_F000;
/// Default and largest stack size in bytes.
pub const STACK_SIZE: u64 = STACK_TOP - STACK_BASE;
/// End of the sandbox (exclusive): 4 GiB.
pub const SANDBOX_END: u64 = 1 << 32;
/// End of the guard (exclusive): nothing may be mapped in [SANDBOX_END, GUARD_END).
pub const GUARD_END: u64 = (8 << 30) + 0x1_0000;
/// Code that Jail made executable lies below this.
pub const CODE_LIMIT: u64 = 1 << 31;

const _: () = assert!(TRAMPOLINE_BASE >= NULL_END && TEXT_BASE > TRAMPOLINE_BASE);
const _: () = assert!(TEXT_LIMIT <= DATA_BASE && CODE_LIMIT <= SANDBOX_END);
const _: () = assert!(STACK_TOP + PAGE == SANDBOX_END);
