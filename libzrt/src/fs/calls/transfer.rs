//! One transfer between an open file and memory: what reading and writing do with each kind of file, and how long a file may be.

use zvm_abi::layout::PAGE;
use zvm_abi::manifest;

use super::poll::{IN, OUT, RDNORM, WRNORM};
use crate::errno::Errno;
use crate::fs::{Device, Kind, NodeId, flag, seal};
use crate::kernel::Kernel;
use crate::mm::Part;
use crate::process::FSIZE;
use crate::signal::{SIGPIPE, SIGXFSZ};
use crate::threads::On;

/// Where a transfer is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// At the open file's offset, which moves.
    Current,
    /// Here; the offset stays.
    Offset(u64),
}

impl Kernel {
    /// Reads from an open file into one buffer.
    pub(super) fn read_file(&mut self, fd: u64, buffer: &mut [u8], at: At) -> Result<u64, Errno> {
        let file = self.files.get(fd)?;
        if !file.readable() {
            return Err(Errno::EBADF);
        }
        let (id, flags) = (file.node, file.flags);
        let offset = match at {
            At::Current => file.offset,
            At::Offset(offset) => offset,
        };
        let count = match &mut self.tree.node_mut(id)?.kind {
            Kind::File(_) => {
                if !self.memory.shared.is_empty() {
                    self.write_back(Part::File(id, offset, buffer.len() as u64))?;
                }
                let Kind::File(contents) = &self.tree.node(id)?.kind else {
                    return Err(Errno::EIO);
                };
                contents.read(offset, buffer) as u64
            }
            Kind::Directory(_) | Kind::Unread(_) | Kind::Descriptors => return Err(Errno::EISDIR),
            Kind::Generated(_) => {
                let text = file.text.as_deref().unwrap_or_default();
                let rest = text
                    .get(usize::try_from(offset).unwrap_or(usize::MAX)..)
                    .unwrap_or_default();
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                count as u64
            }
            Kind::Device(Device::Null) => 0,
            Kind::Device(Device::Snapshot) => self.read_snapshot(buffer, offset)?,
            Kind::Device(Device::Zero | Device::Full) => {
                buffer.fill(0);
                buffer.len() as u64
            }
            Kind::Device(Device::Terminal) => return Err(Errno::ENXIO),
            Kind::Device(Device::Random) => {
                self.random.fill(buffer);
                buffer.len() as u64
            }
            Kind::Device(Device::Channel(number)) => {
                if buffer.is_empty() {
                    return Ok(0);
                }
                Errno::check(self.host.read(*number, buffer, offset))?
            }
            Kind::Pipe(_) | Kind::Socket(_) | Kind::Event(_) | Kind::Timer(_)
                if at != At::Current =>
            {
                return Err(Errno::ESPIPE);
            }
            Kind::Event(_) | Kind::Timer(_) => {
                return self.read_counter(id, buffer, flags & flag::NONBLOCK == 0);
            }
            Kind::Socket(_) => {
                if buffer.is_empty() {
                    return Ok(0);
                }
                let wait = flags & flag::NONBLOCK == 0;
                return Ok(self.receive(id, buffer, 0, wait)?.count as u64);
            }
            Kind::Epoll(_) => return Err(Errno::EINVAL),
            Kind::Pipe(pipe) => {
                let was_writable = pipe.is_writable();
                let count = pipe.read(buffer);
                if count > 0 {
                    let news = pipe.is_writable() && !was_writable;
                    self.wake_node(id, if news { OUT | WRNORM } else { 0 });
                } else if !buffer.is_empty() && pipe.writers > 0 {
                    if flags & flag::NONBLOCK != 0 {
                        return Err(Errno::EAGAIN);
                    }
                    return Err(self.block(On::Node(id), None, "reads from an empty pipe"));
                }
                return Ok(count as u64);
            }
            Kind::Symlink(_) => return Err(Errno::EINVAL),
        };
        if at == At::Current {
            self.files.get_mut(fd)?.offset = offset + count;
        }
        Ok(count)
    }

    /// Writes one buffer to an open file.
    pub(super) fn write_file(&mut self, fd: u64, bytes: &[u8], at: At) -> Result<u64, Errno> {
        let file = self.files.get(fd)?;
        if !file.writable() {
            return Err(Errno::EBADF);
        }
        let (id, flags) = (file.node, file.flags);
        let mut offset = match at {
            At::Current => file.offset,
            At::Offset(offset) => offset,
        };
        let now = self.clock.now();
        let limit = self.process.limits[FSIZE].0;
        let largest = self.tree.largest_file(id)?;
        let node = self.tree.node_mut(id)?;
        let seals = node.seals.unwrap_or(0);
        let count = match &mut node.kind {
            Kind::File(contents) => {
                if flags & flag::APPEND != 0 {
                    offset = contents.size();
                }
                if !bytes.is_empty() && offset >= limit {
                    self.raise(SIGXFSZ);
                    return Err(Errno::EFBIG);
                }
                if !bytes.is_empty() && offset >= largest {
                    return Err(Errno::EFBIG);
                }
                let end = limit.min(largest);
                let most = end.saturating_sub(offset).min(bytes.len() as u64);
                let size = contents.size();
                let bytes = unsealed(seals, size, offset, &bytes[..most as usize])?;
                let write = || contents.write(offset, bytes);
                let count = self.memory.strictly(write)? as u64;
                if count > 0 {
                    let node = self.tree.node_mut(id)?;
                    (node.modified, node.changed) = (now, now);
                    self.tree.change(id)?;
                    if !self.memory.shared.is_empty() {
                        self.refresh(id, offset, count)?;
                        if size < offset {
                            self.refresh_end(id, size, offset)?;
                        }
                    }
                }
                count
            }
            Kind::Device(Device::Null | Device::Zero | Device::Random) => bytes.len() as u64,
            Kind::Device(Device::Snapshot) => return Err(Errno::EINVAL),
            Kind::Device(Device::Full) => return Err(Errno::ENOSPC),
            Kind::Device(Device::Terminal) => return Err(Errno::ENXIO),
            Kind::Device(Device::Channel(number)) => {
                let number = *number;
                self.write_channel(number, bytes, &mut offset, flags & flag::APPEND != 0)?
            }
            Kind::Pipe(_) | Kind::Socket(_) | Kind::Event(_) if at != At::Current => {
                return Err(Errno::ESPIPE);
            }
            Kind::Event(_) => {
                return self.write_counter(id, bytes, flags & flag::NONBLOCK == 0);
            }
            Kind::Socket(_) => {
                return self.send(id, bytes, 0, flags & flag::NONBLOCK == 0, None);
            }
            Kind::Timer(_) | Kind::Epoll(_) => return Err(Errno::EINVAL),
            // Not even a broken pipe is noticed.
            Kind::Pipe(_) if bytes.is_empty() => return Ok(0),
            Kind::Pipe(pipe) => {
                if pipe.readers == 0 {
                    // Also where a part was written.
                    self.raise(SIGPIPE);
                    let done = self.progress().done;
                    return if done > 0 {
                        Ok(done)
                    } else {
                        Err(Errno::EPIPE)
                    };
                }
                return self.write_pipe(id, bytes, flags & flag::NONBLOCK == 0);
            }
            _ => return Err(Errno::EBADF),
        };
        if at == At::Current {
            self.files.get_mut(fd)?.offset = offset + count;
        }
        Ok(count)
    }

    /// Writes to a pipe that has readers; a blocking write moves all bytes, however often it has to wait.
    fn write_pipe(&mut self, id: NodeId, bytes: &[u8], is_blocking: bool) -> Result<u64, Errno> {
        let done = self.progress().done;
        let Kind::Pipe(pipe) = &mut self.tree.node_mut(id)?.kind else {
            return Err(Errno::EIO);
        };
        let rest = bytes.get(done as usize..).unwrap_or_default();
        // What is left of a longer write is not torn from its start any more.
        let written = match self.memory.strictly(|| pipe.write(rest)) {
            Ok(count) => count as u64,
            Err(Errno::EAGAIN) if is_blocking => 0,
            Err(errno) => return Err(errno),
        };
        if written > 0 {
            self.wake_node(id, IN | RDNORM);
        }
        let done = done + written;
        if done == bytes.len() as u64 || !is_blocking {
            return Ok(done);
        }
        self.progress().done = done;
        match self.block(On::Node(id), None, "writes to a full pipe") {
            Errno::EINTR if done > 0 => Ok(done),
            errno => Err(errno),
        }
    }

    pub(super) fn write_channel(
        &mut self,
        number: u32,
        bytes: &[u8],
        offset: &mut u64,
        append: bool,
    ) -> Result<u64, Errno> {
        let channel = self.channels.get(number as usize).ok_or(Errno::EIO)?;
        if append && channel.kind == manifest::RANDOM {
            *offset = channel.size;
        }
        let mut done = 0;
        while done < bytes.len() {
            match Errno::check(
                self.host
                    .write(number, &bytes[done..], *offset + done as u64),
            ) {
                Ok(0) => break,
                Ok(count) => done += count as usize,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        let channel = &mut self.channels[number as usize];
        channel.size = if channel.kind == manifest::RANDOM_READ {
            channel.size + done as u64
        } else {
            channel.size.max(*offset + done as u64)
        };
        Ok(done as u64)
    }

    /// Whether a file may become as long as this.
    ///
    /// # Errors
    /// `EFBIG`, and the signal that goes with it.
    pub(super) fn check_size(&mut self, size: u64) -> Result<(), Errno> {
        if size > self.process.limits[FSIZE].0 {
            self.raise(SIGXFSZ);
            return Err(Errno::EFBIG);
        }
        Ok(())
    }

    /// Makes a file as long as this.
    pub(crate) fn resize(&mut self, id: NodeId, size: u64) -> Result<(), Errno> {
        if size > self.tree.largest_file(id)? {
            return Err(Errno::EFBIG);
        }
        let now = self.now();
        self.tree.change(id)?;
        if let Kind::File(contents) = &self.tree.node(id)?.kind
            && size > contents.size()
        {
            self.check_size(size)?;
        }
        let node = self.tree.node_mut(id)?;
        let Kind::File(contents) = &mut node.kind else {
            return Err(Errno::EINVAL);
        };
        let before = contents.size();
        let seals = node.seals.unwrap_or(0);
        if (seals & seal::GROW != 0 && size > before)
            || (seals & seal::SHRINK != 0 && size < before)
        {
            return Err(Errno::EPERM);
        }
        self.memory.strictly(|| contents.resize(size))?;
        (node.modified, node.changed) = (now, now);
        self.refresh_end(id, before, size)
    }
}

/// What of these bytes may be written to a file with these seals. One that may not grow takes what lies in its whole pages, as on
/// Linux.
///
/// # Errors
/// `EPERM`.
fn unsealed(seals: u32, size: u64, offset: u64, bytes: &[u8]) -> Result<&[u8], Errno> {
    if bytes.is_empty() {
        return Ok(bytes);
    }
    if seals & (seal::WRITE | seal::FUTURE_WRITE) != 0 {
        return Err(Errno::EPERM);
    }
    let end = offset.saturating_add(bytes.len() as u64);
    if seals & seal::GROW == 0 || end <= size {
        return Ok(bytes);
    }
    match (size & !(PAGE - 1)).saturating_sub(offset) {
        0 => Err(Errno::EPERM),
        most => Ok(&bytes[..most as usize]),
    }
}
