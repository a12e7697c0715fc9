//! The world outside of the sandbox, as six traps.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::errno::Errno;
use crate::kernel::Channel;
use crate::mm::Region;
use crate::nvram::Nvram;

/// What the runtime gives an instance.
pub struct Given {
    /// Channels by number.
    pub channels: Vec<Channel>,
    /// nvram's contents.
    pub nvram: Nvram,
    /// What is mapped beside the heap.
    pub regions: Vec<Region>,
}

/// Who goes on behind a fork.
pub enum Forked {
    /// Whoever called it.
    Original,
    /// A copy, with what it was given.
    Copy(Box<Given>),
}

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
    /// The point at which a snapshot is made of all memory, if one is wanted; each instance that begins with it comes back from here, too.
    ///
    /// # Errors
    /// The runtime's.
    fn fork(&mut self) -> Result<Forked, Errno> {
        Ok(Forked::Original)
    }
}
