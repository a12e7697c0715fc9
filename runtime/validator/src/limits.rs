//! Every bound and address that the rules name, on one page.

/// Bytes in a bundle.
pub const BUNDLE: usize = 32;
/// Longest instruction (Intel SDM, volume 2, section 2.3.11).
pub(crate) const LONGEST: usize = 15;
/// Lowest displacement from rsp, and from gs, that needs no confinement: 8 MiB below, which is above the vsyscall page
/// at 2^64 − 10 MiB when the register holds 0.
pub(crate) const LOWEST_DISPLACEMENT: i32 = -(8 << 20);
/// Trampoline slots: [start, end), 32 bytes each.
pub(crate) const TRAMPOLINES: core::ops::Range<u32> = 0x1_0000..0x2_0000;
/// Code lies below this.
pub(crate) const CODE_END: u32 = 1 << 31;
