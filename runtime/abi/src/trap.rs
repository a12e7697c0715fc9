//! The six traps. One entry at [`crate::layout::TRAMPOLINE_BASE`], called like a C function: rdi points to an array of
//! u64 `[id, 0, arguments…]`, the result comes back in rax, errors as a negative errno. Anything else ends the instance.
//!
//! A trap call clobbers what a C call may clobber among the general registers; x87, MXCSR and the vector registers of
//! the image's level survive it.

/// `Read(channel, buf, size, offset)` → bytes read, 0 at the end of the channel. On a connection, of size 0: waits at most
/// `offset` milliseconds (and never more than a second) until a Read would not wait; 0 if so, else −EAGAIN.
pub const READ: u64 = 0x6461_6552;
/// `Write(channel, buf, size, offset)` → bytes written. On a connection, of size 0: nothing more will be written, which the
/// other end learns.
pub const WRITE: u64 = 0x7469_7257;
/// `Jail(buf, size)`: whole pages of private memory below 2 GiB are validated and become R-X; −EPERM if a rule is broken.
pub const JAIL: u64 = 0x6c69_614a;
/// `Unjail(buf, size)`: exactly one earlier Jail's range, back to RW-.
pub const UNJAIL: u64 = 0x6c6a_6e55;
/// `Exit(code)`: ends the instance; the low 8 bits become its exit status.
pub const EXIT: u64 = 0x7469_7845;
/// `Fork()` → 0 in the copy: the warm-start point.
pub const FORK: u64 = 0x6b72_6f46;

/// u64 words that the runtime reads from the guest's array: id, 0, and four arguments.
pub const WORDS: usize = 6;

/// Linux error numbers that traps answer, as positive values.
pub mod errno {
    /// Operation not permitted.
    pub const EPERM: i64 = 1;
    /// Input/output error.
    pub const EIO: i64 = 5;
    /// A connection has nothing to read yet.
    pub const EAGAIN: i64 = 11;
    /// Bad address.
    pub const EFAULT: i64 = 14;
    /// Invalid argument: a bad channel, offset or buffer.
    pub const EINVAL: i64 = 22;
    /// Over the channel's quota.
    pub const EDQUOT: i64 = 122;
}
