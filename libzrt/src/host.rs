//! The world outside of the sandbox, as six traps.

/// What the traps of the contract do; the guest's implementation calls the trampoline, the tests' works in memory.
/// (Exit is not here: a kernel says that it ends by [`crate::kernel::Outcome::Exit`].)
pub trait Host {
    /// Reads from a channel: bytes read, 0 at its end, or a negative errno. `offset` counts on random channels only.
    fn read(&mut self, channel: u32, buffer: &mut [u8], offset: u64) -> i64;
    /// Writes to a channel: bytes written, or a negative errno.
    fn write(&mut self, channel: u32, buffer: &[u8], offset: u64) -> i64;
    /// From now on, faults of these signals (bit n is signal n) come to [`crate::kernel::Kernel::fault`], until one does; all
    /// others end the instance. No trap: the runtime reads it from memory ([`zvm_abi::fault`]).
    fn open_door(&mut self, signals: u32);
}
