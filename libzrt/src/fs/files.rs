//! Descriptors and the open files behind them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::NodeId;
use crate::errno::Errno;

/// Open flags (asm-generic/fcntl.h).
#[allow(missing_docs)] // Linux's names.
pub mod flag {
    pub const WRONLY: u32 = 0o1;
    pub const RDWR: u32 = 0o2;
    pub const ACCMODE: u32 = 0o3;
    pub const CREAT: u32 = 0o100;
    pub const EXCL: u32 = 0o200;
    pub const TRUNC: u32 = 0o1000;
    pub const APPEND: u32 = 0o2000;
    pub const NONBLOCK: u32 = 0o4000;
    pub const DIRECTORY: u32 = 0o200_000;
    pub const NOFOLLOW: u32 = 0o400_000;
    pub const LARGEFILE: u32 = 0o100_000;
    pub const CLOEXEC: u32 = 0o2_000_000;
    pub const PATH: u32 = 0o10_000_000;
    pub const TMPFILE: u32 = 0o20_000_000;
}

/// Seals of a memfd (uapi/linux/fcntl.h): what nobody may do with it any more.
pub mod seal {
    /// Add more seals.
    pub const SEAL: u32 = 1;
    /// Make it shorter.
    pub const SHRINK: u32 = 2;
    /// Make it longer.
    pub const GROW: u32 = 4;
    /// Change its bytes.
    pub const WRITE: u32 = 8;
    /// Change its bytes, but through mappings that there are.
    pub const FUTURE_WRITE: u32 = 16;
    /// Change whether it can be executed.
    pub const EXEC: u32 = 32;
}

/// An open file description: what `dup` shares.
#[derive(Debug)]
pub struct OpenFile {
    /// The file.
    pub node: NodeId,
    /// Access mode and status flags.
    pub flags: u32,
    /// Where the next read or write is; in a directory, the next name.
    pub offset: u64,
    /// The name by which it was opened.
    pub path: Box<[u8]>,
    /// A generated file's text.
    pub text: Option<Vec<u8>>,
    /// Its number: no other open file ever has it.
    pub serial: u64,
    uses: u32,
}

impl OpenFile {
    /// A file at its start.
    pub fn new(node: NodeId, flags: u32, path: Vec<u8>) -> OpenFile {
        OpenFile {
            node,
            flags,
            offset: 0,
            path: path.into_boxed_slice(),
            text: None,
            serial: 0,
            uses: 0,
        }
    }

    /// Whether it may be read.
    pub fn readable(&self) -> bool {
        self.flags & flag::PATH == 0 && matches!(self.flags & flag::ACCMODE, 0 | flag::RDWR)
    }

    /// Whether it may be written.
    pub fn writable(&self) -> bool {
        self.flags & flag::PATH == 0
            && matches!(self.flags & flag::ACCMODE, flag::WRONLY | flag::RDWR)
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    file: u32,
    close_on_exec: bool,
}

/// The open file that a descriptor had when a call with it began to wait.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    fd: u32,
    file: u32,
}

/// A node whose name has changed: the path that it had, and the one that it has now, if it has one.
pub type Renamed<'a> = (NodeId, &'a [u8], Option<&'a [u8]>);

/// The descriptor table.
#[derive(Debug, Default)]
pub struct Files {
    slots: Vec<Option<Slot>>,
    open: Vec<Option<OpenFile>>,
    /// No descriptor below this is free, and no place of `open`.
    first_free: usize,
    first_closed: usize,
    /// Files opened so far.
    opened: u64,
    /// The working directory.
    pub cwd: NodeId,
    /// Bytes of `read` and `write` that are gathered or scattered.
    pub(crate) scratch: Vec<u8>,
    /// While a call is made again: what its descriptor stands for.
    pub(crate) held: Option<Held>,
}

impl Files {
    /// No descriptors.
    pub fn new() -> Files {
        Files::default()
    }

    fn slot(&self, fd: u64) -> Result<Slot, Errno> {
        // The kernel looks at the low 32 bits only.
        if let Some(held) = self.held
            && held.fd == fd as u32
        {
            return Ok(Slot {
                file: held.file,
                close_on_exec: false,
            });
        }
        self.slots
            .get(fd as u32 as usize)
            .copied()
            .flatten()
            .ok_or(Errno::EBADF)
    }

    /// All open files, to change them.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut OpenFile> {
        self.open.iter_mut().flatten()
    }

    /// The open file of a descriptor.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get(&self, fd: u64) -> Result<&OpenFile, Errno> {
        self.open[self.slot(fd)?.file as usize]
            .as_ref()
            .ok_or(Errno::EBADF)
    }

    /// The open file of a descriptor, to change it.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get_mut(&mut self, fd: u64) -> Result<&mut OpenFile, Errno> {
        let file = self.slot(fd)?.file;
        self.open[file as usize].as_mut().ok_or(Errno::EBADF)
    }

    /// The open file of a descriptor that is for more than naming it.
    ///
    /// # Errors
    /// `EBADF`, also for one of `O_PATH`.
    pub fn opened(&self, fd: u64) -> Result<&OpenFile, Errno> {
        let file = self.get(fd)?;
        if file.flags & flag::PATH != 0 {
            return Err(Errno::EBADF);
        }
        Ok(file)
    }

    /// Names have changed: of open files of the node and by the path that they were opened by, each to another path or to none. A
    /// directory's change is that of all paths below it.
    pub fn renamed(&mut self, changes: &[Renamed]) {
        for file in self.open.iter_mut().flatten() {
            for (node, old, new) in changes {
                let Some(rest) = file.path.strip_prefix(*old) else {
                    continue;
                };
                let is_itself = file.node == *node && rest.is_empty();
                let path = match new {
                    Some(new) if is_itself || rest.first() == Some(&b'/') => [new, rest].concat(),
                    None if is_itself => [*old, b" (deleted)"].concat(),
                    _ => continue,
                };
                file.path = path.into_boxed_slice();
                break;
            }
        }
    }

    /// Opens: the lowest free descriptor.
    ///
    /// # Errors
    /// `EMFILE` from `limit` on, `ENOMEM`; then the file comes back.
    pub fn add(
        &mut self,
        file: OpenFile,
        close_on_exec: bool,
        limit: u64,
    ) -> Result<u64, (Errno, OpenFile)> {
        let fd = match self.free_slot(0, limit) {
            Ok(fd) => fd,
            Err(errno) => return Err((errno, file)),
        };
        let free = (self.first_closed..self.open.len()).find(|&file| self.open[file].is_none());
        let index = match free {
            Some(index) => index,
            None => {
                if self.open.try_reserve(1).is_err() {
                    return Err((Errno::ENOMEM, file));
                }
                self.open.push(None);
                self.open.len() - 1
            }
        };
        self.first_closed = index;
        self.opened += 1;
        self.open[index] = Some(OpenFile {
            uses: 1,
            serial: self.opened,
            ..file
        });
        self.slots[fd] = Some(Slot {
            file: index as u32,
            close_on_exec,
        });
        Ok(fd as u64)
    }

    /// Whether one more descriptor can be had.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn check_free(&mut self, limit: u64) -> Result<(), Errno> {
        self.free_slot(0, limit).map(drop)
    }

    /// The lowest free descriptor from `least` on, below `limit`.
    fn free_slot(&mut self, least: u64, limit: u64) -> Result<usize, Errno> {
        let least = usize::try_from(least).map_err(|_| Errno::EINVAL)?;
        let start = least.max(self.first_free);
        let found = (start..self.slots.len()).find(|&fd| self.slots[fd].is_none());
        let fd = found.unwrap_or(self.slots.len().max(start));
        if fd as u64 >= limit {
            return Err(Errno::EMFILE);
        }
        self.extend(fd)?;
        if least <= self.first_free {
            self.first_free = fd;
        }
        Ok(fd)
    }

    /// Makes a place for this descriptor.
    fn extend(&mut self, fd: usize) -> Result<(), Errno> {
        let more = (fd + 1).saturating_sub(self.slots.len());
        if more > 0 {
            self.slots.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
            self.slots.resize(fd + 1, None);
        }
        Ok(())
    }

    /// A second descriptor for the same open file, at `least` or above.
    ///
    /// # Errors
    /// `EBADF`, `EMFILE`, `ENOMEM`.
    pub fn duplicate(
        &mut self,
        fd: u64,
        least: u64,
        close_on_exec: bool,
        limit: u64,
    ) -> Result<u64, Errno> {
        let file = self.slot(fd)?.file;
        let new = self.free_slot(least, limit)?;
        self.use_slot(new, file, close_on_exec);
        Ok(new as u64)
    }

    /// Makes `new`, which is free, a descriptor for the same open file.
    ///
    /// # Errors
    /// `EBADF`, `ENOMEM`.
    pub fn duplicate_to(&mut self, fd: u64, new: u64, close_on_exec: bool) -> Result<(), Errno> {
        let file = self.slot(fd)?.file;
        let new = new as usize;
        self.extend(new)?;
        self.use_slot(new, file, close_on_exec);
        Ok(())
    }

    fn use_slot(&mut self, new: usize, file: u32, close_on_exec: bool) {
        self.slots[new] = Some(Slot {
            file,
            close_on_exec,
        });
        if let Some(open) = &mut self.open[file as usize] {
            open.uses += 1;
        }
    }

    /// Frees a descriptor: the open file if that was its last one.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn remove(&mut self, fd: u64) -> Result<Option<OpenFile>, Errno> {
        let slot = self.slot(fd)?;
        self.slots[fd as u32 as usize] = None;
        self.first_free = self.first_free.min(fd as u32 as usize);
        Ok(self.drop_use(slot.file))
    }

    /// Keeps a descriptor's open file for a call that waits.
    pub fn hold(&mut self, fd: u64) -> Option<Held> {
        let (fd, file) = (fd as u32, self.slot(fd).ok()?.file);
        self.open[file as usize].as_mut()?.uses += 1;
        Some(Held { fd, file })
    }

    /// Ends [`Self::hold`]: the open file if nothing else keeps it.
    pub fn let_go(&mut self, held: Held) -> Option<OpenFile> {
        self.drop_use(held.file)
    }

    /// One use of an open file less: the file if that was the last.
    fn drop_use(&mut self, index: u32) -> Option<OpenFile> {
        let open = &mut self.open[index as usize];
        let file = open.as_mut()?;
        file.uses -= 1;
        if file.uses > 0 {
            return None;
        }
        self.first_closed = self.first_closed.min(index as usize);
        open.take()
    }

    /// FD_CLOEXEC.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close_on_exec(&self, fd: u64) -> Result<bool, Errno> {
        Ok(self.slot(fd)?.close_on_exec)
    }

    /// Sets FD_CLOEXEC.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_close_on_exec(&mut self, fd: u64, on: bool) -> Result<(), Errno> {
        let slot = self.slot(fd)?;
        self.slots[fd as u32 as usize] = Some(Slot {
            close_on_exec: on,
            ..slot
        });
        Ok(())
    }

    /// The first open descriptor at `least` or above.
    pub fn next_open(&self, least: u64) -> Option<u64> {
        (usize::try_from(least).ok()?..self.slots.len())
            .find(|&fd| self.slots[fd].is_some())
            .map(|fd| fd as u64)
    }
}
