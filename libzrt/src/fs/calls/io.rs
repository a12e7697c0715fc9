//! The calls that read, write and seek, whole buffers and vectors of them.

use alloc::vec::Vec;

use zvm_abi::manifest;

use super::transfer::At;
use crate::errno::Errno;
use crate::fs::socket::STREAM;
use crate::fs::{Device, Kind, flag};
use crate::kernel::{Args, Kernel};
use crate::mm::range_end;
use crate::snapshot::SNAPSHOT_BYTES;

/// Most bytes that one call moves (Linux's `MAX_RW_COUNT`).
pub(super) const MAX_COUNT: u64 = 0x7FFF_F000;
/// Most parts of a vector (`IOV_MAX`).
const MAX_PARTS: u64 = 1024;
/// Bytes that a vector's parts are gathered into, where one transfer must be one.
pub(super) const GATHER: usize = 64 * 1024;

/// Most bytes of a message.
pub(super) const MESSAGE: u64 = 16 << 20;

impl Kernel {
    /// The parts of a vector that have bytes, to be read or written, up to the first page that is missing.
    fn parts(&self, address: u64, count: u64, write: bool) -> Result<Vec<[u64; 2]>, Errno> {
        let mut parts =
            self.memory
                .read_array::<[u64; 2]>(address, count & 0xFFFF_FFFF, MAX_PARTS)?;
        if parts.iter().any(|part| part[1] > i64::MAX as u64) {
            return Err(Errno::EINVAL);
        }
        // Of one part alone, Linux looks at no more than it moves.
        if parts.len() > 1 {
            for &[start, size] in &parts {
                range_end(start, size)?;
            }
        }
        let (mut total, mut there) = (0_u64, true);
        for [start, size] in &mut parts {
            let wanted = *size;
            *size = 0;
            if wanted == 0 || !there {
                continue;
            }
            match self.memory.reach(*start, wanted.min(MAX_COUNT), write) {
                Ok(reached) => {
                    there = reached == wanted.min(MAX_COUNT);
                    *size = reached.min(MAX_COUNT - total);
                    total += *size;
                }
                Err(errno) if total == 0 => return Err(errno),
                Err(_) => there = false,
            }
        }
        parts.retain(|&[_, size]| size > 0);
        Ok(parts)
    }

    /// Whether a read or write of this file must be one transfer, however many parts the buffer has.
    fn is_stream(&self, fd: u64) -> Result<bool, Errno> {
        Ok(self.tree.node(self.files.get(fd)?.node)?.kind.is_stream())
    }

    /// Whether what one call writes arrives as one.
    fn takes_messages(&self, fd: u64) -> Result<bool, Errno> {
        Ok(match &self.tree.node(self.files.get(fd)?.node)?.kind {
            Kind::Socket(socket) => socket.kind != STREAM,
            Kind::Event(_) => true,
            _ => false,
        })
    }

    /// Keeps a buffer for the next vector, unless a large message made it large.
    fn keep_scratch(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= 2 * GATHER {
            self.files.scratch = buffer;
        }
    }

    fn read_parts(&mut self, fd: u64, address: u64, count: u64, at: At) -> Result<u64, Errno> {
        let parts = self.parts(address, count, true)?;
        within(at, &parts)?;
        if let [[start, size]] = parts[..] {
            return self.read_one(fd, start, size, at);
        }
        if self.is_stream(fd)? && parts.len() > 1 {
            // What a message has more than this is gone; of bytes, the rest is read next.
            let most = if self.takes_messages(fd)? {
                MESSAGE
            } else {
                GATHER as u64
            };
            let total = parts.iter().map(|part| part[1]).sum::<u64>().min(most) as usize;
            let mut buffer = core::mem::take(&mut self.files.scratch);
            let room = total.saturating_sub(buffer.len());
            if buffer.try_reserve(room).is_err() {
                return Err(Errno::ENOMEM);
            }
            buffer.resize(total, 0);
            let result = self.read_file(fd, &mut buffer, at);
            let mut rest = &buffer[..result.map_or(0, |count| count as usize)];
            for [start, size] in parts {
                let (part, behind) = rest.split_at(rest.len().min(size as usize));
                self.memory.put(start, part)?;
                rest = behind;
            }
            self.keep_scratch(buffer);
            return result;
        }
        let mut done = 0;
        for [start, size] in parts {
            match self.read_one(fd, start, size, advance(at, done)) {
                Ok(count) => {
                    done += count;
                    if count < size {
                        break;
                    }
                }
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        if done == 0 {
            // Nothing was read: the descriptor may be bad all the same.
            self.read_file(fd, &mut [], at)?;
        }
        Ok(done)
    }

    fn write_parts(&mut self, fd: u64, address: u64, count: u64, at: At) -> Result<u64, Errno> {
        let parts = self.parts(address, count, false)?;
        within(at, &parts)?;
        if let [[start, size]] = parts[..] {
            return self.write_one(fd, start, size, at);
        }
        let total = parts.iter().map(|part| part[1]).sum::<u64>();
        let is_message = self.takes_messages(fd)?;
        if is_message && total > MESSAGE {
            return Err(Errno::EMSGSIZE);
        }
        if total <= GATHER as u64 || is_message {
            let mut buffer = core::mem::take(&mut self.files.scratch);
            buffer.clear();
            if buffer.try_reserve(total as usize).is_err() {
                return Err(Errno::ENOMEM);
            }
            for [start, size] in parts {
                // SAFETY: copied at once into a buffer of the library OS's own.
                buffer.extend_from_slice(unsafe { self.memory.bytes(start, size)? });
            }
            let result = self.write_file(fd, &buffer, at);
            self.keep_scratch(buffer);
            return result;
        }
        // If a part waits, the call is made again with it.
        let mut done = self.progress().before;
        let mut before = done;
        for [start, size] in parts {
            if before >= size {
                before -= size;
                continue;
            }
            match self.write_one(fd, start, size, advance(at, done)) {
                Ok(count) => {
                    done += count;
                    let progress = self.progress();
                    (progress.before, progress.done) = (done, 0);
                    if count < size {
                        break;
                    }
                }
                Err(errno) if done == 0 || errno == Errno::WAITS => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn read_one(&mut self, fd: u64, address: u64, size: u64, at: At) -> Result<u64, Errno> {
        self.files.get(fd)?;
        // SAFETY: the slice ends with the call; what is read comes from channels and the library OS's own memory.
        let buffer = unsafe { self.memory.some_bytes_mut(address, size)? };
        let most = buffer.len().min(MAX_COUNT as usize);
        self.read_file(fd, &mut buffer[..most], at)
    }

    fn write_one(&mut self, fd: u64, address: u64, size: u64, at: At) -> Result<u64, Errno> {
        self.files.get(fd)?;
        // SAFETY: the slice ends with the call, which writes to channels and the library OS's own memory; a mapping is
        // refreshed after the last use of these bytes.
        let bytes = unsafe { self.memory.some_bytes(address, size)? };
        let most = bytes.len().min(MAX_COUNT as usize);
        self.write_file(fd, &bytes[..most], at)
    }
}

fn advance(at: At, done: u64) -> At {
    match at {
        At::Current => At::Current,
        At::Offset(offset) => At::Offset(offset + done),
    }
}

/// Whether there are places for all the bytes of these parts.
fn within(at: At, parts: &[[u64; 2]]) -> Result<(), Errno> {
    if let At::Offset(offset) = at {
        position(offset, parts.iter().map(|part| part[1]).sum())?;
    }
    Ok(())
}

/// The offset argument of `pread` and its kin: a place, behind which `size` bytes have places too.
pub(super) fn position(offset: u64, size: u64) -> Result<At, Errno> {
    match offset.checked_add(size) {
        Some(end) if end <= i64::MAX as u64 => Ok(At::Offset(offset)),
        _ => Err(Errno::EINVAL),
    }
}

/// `pread` and `pwrite` need a file that can seek.
fn seekable(kernel: &Kernel, fd: u64) -> Result<(), Errno> {
    let id = kernel.files.get(fd)?.node;
    match kernel.tree.node(id)?.kind {
        Kind::Pipe(_) | Kind::Socket(_) => Err(Errno::ESPIPE),
        Kind::Device(Device::Channel(number))
            if kernel.channels[number as usize].kind == manifest::SEQUENTIAL =>
        {
            Err(Errno::ESPIPE)
        }
        _ => Ok(()),
    }
}

pub(crate) fn read(kernel: &mut Kernel, [fd, address, size, ..]: Args) -> Result<u64, Errno> {
    kernel.read_one(fd, address, size, At::Current)
}

pub(crate) fn write(kernel: &mut Kernel, [fd, address, size, ..]: Args) -> Result<u64, Errno> {
    kernel.write_one(fd, address, size, At::Current)
}

pub(crate) fn pread64(
    kernel: &mut Kernel,
    [fd, address, size, offset, ..]: Args,
) -> Result<u64, Errno> {
    let at = position(offset, size.min(MAX_COUNT))?;
    seekable(kernel, fd)?;
    kernel.read_one(fd, address, size, at)
}

pub(crate) fn pwrite64(
    kernel: &mut Kernel,
    [fd, address, size, offset, ..]: Args,
) -> Result<u64, Errno> {
    let at = position(offset, size.min(MAX_COUNT))?;
    seekable(kernel, fd)?;
    kernel.write_one(fd, address, size, at)
}

pub(crate) fn readv(kernel: &mut Kernel, [fd, parts, count, ..]: Args) -> Result<u64, Errno> {
    kernel.files.get(fd)?;
    kernel.read_parts(fd, parts, count, At::Current)
}

pub(crate) fn writev(kernel: &mut Kernel, [fd, parts, count, ..]: Args) -> Result<u64, Errno> {
    kernel.files.get(fd)?;
    kernel.write_parts(fd, parts, count, At::Current)
}

pub(crate) fn preadv(
    kernel: &mut Kernel,
    [fd, parts, count, offset, ..]: Args,
) -> Result<u64, Errno> {
    let at = position(offset, 0)?;
    seekable(kernel, fd)?;
    kernel.read_parts(fd, parts, count, at)
}

pub(crate) fn pwritev(
    kernel: &mut Kernel,
    [fd, parts, count, offset, ..]: Args,
) -> Result<u64, Errno> {
    let at = position(offset, 0)?;
    seekable(kernel, fd)?;
    kernel.write_parts(fd, parts, count, at)
}

pub(crate) fn preadv2(
    kernel: &mut Kernel,
    [fd, parts, count, offset, _, flags]: Args,
) -> Result<u64, Errno> {
    check_rw_flags(flags)?;
    if offset == u64::MAX {
        readv(kernel, [fd, parts, count, 0, 0, 0])
    } else {
        preadv(kernel, [fd, parts, count, offset, 0, 0])
    }
}

pub(crate) fn pwritev2(
    kernel: &mut Kernel,
    [fd, parts, count, offset, _, flags]: Args,
) -> Result<u64, Errno> {
    check_rw_flags(flags & !RWF_APPEND)?;
    let before = kernel.files.get(fd)?.flags;
    if flags & RWF_APPEND != 0 {
        // For this call, as if it had been opened so.
        kernel.files.get_mut(fd)?.flags |= flag::APPEND;
    }
    let result = if offset == u64::MAX {
        writev(kernel, [fd, parts, count, 0, 0, 0])
    } else {
        pwritev(kernel, [fd, parts, count, offset, 0, 0])
    };
    kernel.files.get_mut(fd)?.flags = before;
    result
}

/// The write goes to the end, wherever it is said to go.
const RWF_APPEND: u64 = 0x10;

/// RWF_HIPRI, RWF_DSYNC and RWF_SYNC change nothing here.
fn check_rw_flags(flags: u64) -> Result<(), Errno> {
    if flags & !7 == 0 {
        Ok(())
    } else {
        Err(Errno::EOPNOTSUPP)
    }
}

/// The last offset of a file, which is more than it can have bytes: that of ext4, where programs have tried it.
const FARTHEST: i64 = (16 << 40) - 4096;

pub(crate) fn lseek(kernel: &mut Kernel, [fd, offset, whence, ..]: Args) -> Result<u64, Errno> {
    let file = kernel.files.get(fd)?;
    let (id, current) = (file.node, file.offset);
    if file.flags & flag::PATH != 0 {
        return Err(Errno::EBADF);
    }
    seekable(kernel, fd)?;
    let size = match &kernel.tree.node(id)?.kind {
        Kind::File(contents) => contents.size(),
        Kind::Device(Device::Channel(number)) => kernel.channels[*number as usize].size,
        // So that a seek to the start leads to the next one.
        Kind::Device(Device::Snapshot) => SNAPSHOT_BYTES,
        // A terminal or a null device takes any seek and stays where it is.
        Kind::Device(_) | Kind::Event(_) | Kind::Timer(_) | Kind::Epoll(_) => return Ok(0),
        Kind::Generated(_) => kernel
            .files
            .get(fd)?
            .text
            .as_ref()
            .map_or(0, |text| text.len() as u64),
        _ => 0,
    };
    let offset = offset as i64;
    let target = match whence {
        0 => Some(offset),
        1 => (current as i64).checked_add(offset),
        2 => (size as i64).checked_add(offset),
        // SEEK_DATA and SEEK_HOLE: all is data up to the end.
        3 | 4 if offset < 0 || offset as u64 >= size => return Err(Errno::ENXIO),
        3 => Some(offset),
        4 => Some(size as i64),
        _ => return Err(Errno::EINVAL),
    };
    let node = kernel.tree.node(id)?;
    let most = match node.kind {
        // Of a memfd, any.
        Kind::File(_) if node.seals.is_none() => FARTHEST,
        _ => i64::MAX,
    };
    let target = target.filter(|target| (0..=most).contains(target));
    let target = target.ok_or(Errno::EINVAL)?;
    kernel.files.get_mut(fd)?.offset = target as u64;
    Ok(target as u64)
}
