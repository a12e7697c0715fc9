//! The system calls on files.

mod attributes;
mod copy;
mod descriptors;
mod epoll;
mod event;
mod io;
mod locks;
mod names;
mod open;
mod poll;
mod socket;
mod stat;
mod transfer;

pub(crate) use attributes::*;
pub(crate) use copy::*;
pub(crate) use descriptors::*;
pub(crate) use epoll::*;
pub(crate) use event::*;
pub(crate) use io::*;
pub(crate) use locks::*;
pub(crate) use names::*;
pub(crate) use open::*;
pub(crate) use poll::*;
pub(crate) use socket::*;
pub(crate) use stat::*;

use alloc::vec::Vec;

use super::{DESCRIPTOR, Found, Last, NodeId, PATH_MAX, resolve};
use crate::errno::Errno;
use crate::kernel::Kernel;

/// `AT_FDCWD`: relative to the working directory.
pub(crate) const AT_FDCWD: u64 = -100_i64 as u64;
const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_REMOVEDIR: u64 = 0x200;
const AT_SYMLINK_FOLLOW: u64 = 0x400;
const AT_EMPTY_PATH: u64 = 0x1000;

impl Kernel {
    /// A path argument.
    fn path(&self, address: u64) -> Result<Vec<u8>, Errno> {
        self.memory.string(address, PATH_MAX)
    }

    /// Whether a name can be made: each takes memory of the library OS's own, so there is none when the program has taken all.
    ///
    /// # Errors
    /// `ENOSPC`.
    fn room_for_name(&mut self) -> Result<(), Errno> {
        if self.memory.pages().free_bytes() == 0 {
            return Err(Errno::ENOSPC);
        }
        Ok(())
    }

    /// The directory that `*at` calls start from.
    fn start(&self, directory: u64) -> Result<NodeId, Errno> {
        if directory as i32 == AT_FDCWD as i32 {
            return Ok(self.files.cwd);
        }
        Ok(self.files.get(directory)?.node)
    }

    /// Where a path argument leads.
    fn find(&mut self, directory: u64, address: u64, follow: bool) -> Result<Found, Errno> {
        self.find_to(directory, address, follow.into())
    }

    /// The name that a path argument ends in.
    fn find_name(&mut self, directory: u64, address: u64) -> Result<Found, Errno> {
        self.find_to(directory, address, Last::Named)
    }

    fn find_to(&mut self, directory: u64, address: u64, to: Last) -> Result<Found, Errno> {
        let path = self.path(address)?;
        // An absolute path needs no good descriptor.
        let start = if path.first() == Some(&b'/') {
            self.tree.root
        } else {
            self.start(directory)?
        };
        resolve(&mut self.tree, &self.files, start, &path, to)
    }

    /// The node that `(directory, path, flags)` of an `*at` call names.
    fn target(&mut self, directory: u64, address: u64, flags: u64) -> Result<NodeId, Errno> {
        if flags & AT_EMPTY_PATH != 0 && (address == 0 || self.path(address)?.is_empty()) {
            return self.start(directory);
        }
        self.find(directory, address, flags & AT_SYMLINK_NOFOLLOW == 0)?
            .existing()
    }

    /// The same, where something of the node is to change: names in /proc/self/fd are not to.
    fn changeable(&mut self, directory: u64, address: u64, flags: u64) -> Result<NodeId, Errno> {
        let id = self.target(directory, address, flags)?;
        if id & DESCRIPTOR != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        self.tree.change(id)?;
        Ok(id)
    }
}
