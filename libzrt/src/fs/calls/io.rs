//! Reading, writing, seeking.

use alloc::vec::Vec;

use zvm_abi::layout::PAGE;
use zvm_abi::manifest;

use crate::errno::Errno;
use crate::fs::socket::STREAM;
use crate::fs::{Device, Kind, MAX_SIZE, NodeId, flag, seal};
use crate::kernel::{Args, Kernel};
use crate::mm::{Part, range_end};
use crate::process::FSIZE;
use crate::signal::{SIGPIPE, SIGXFSZ};
use crate::threads::On;

/// Most bytes that one call moves (Linux's `MAX_RW_COUNT`).
pub(super) const MAX_COUNT: u64 = 0x7FFF_F000;
/// Most parts of a vector (`IOV_MAX`).
const MAX_PARTS: u64 = 1024;
/// Bytes that a vector's parts are gathered into, where one transfer must be one.
const GATHER: usize = 64 * 1024;

/// Most bytes of a message.
pub(super) const MESSAGE: u64 = 16 << 20;

/// Where a transfer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// At the open file's offset, which moves.
    Current,
    /// Here; the offset stays.
    Offset(u64),
}

impl Kernel {
    /// Reads from an open file into one buffer.
    fn read_file(&mut self, fd: u64, buffer: &mut [u8], at: At) -> Result<u64, Errno> {
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
                let count = pipe.read(buffer);
                if count > 0 {
                    self.wake_node(id);
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
    fn write_file(&mut self, fd: u64, bytes: &[u8], at: At) -> Result<u64, Errno> {
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
                let most = (limit.saturating_sub(offset)).min(bytes.len() as u64);
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
            self.wake_node(id);
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
        if size > MAX_SIZE {
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
fn position(offset: u64, size: u64) -> Result<At, Errno> {
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
    let target = target.filter(|&target| target >= 0).ok_or(Errno::EINVAL)?;
    kernel.files.get_mut(fd)?.offset = target as u64;
    Ok(target as u64)
}

/// Copies between two open files through a buffer: at `None` with their offsets. Where a write waits, the call is made again
/// with the part that waits.
fn transfer(
    kernel: &mut Kernel,
    from: (u64, Option<u64>),
    to: (u64, Option<u64>),
    size: u64,
) -> Result<u64, Errno> {
    let (mut buffer, most) = (Vec::new(), GATHER.min(size as usize));
    buffer.try_reserve_exact(most).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(most, 0);
    let at = |offset: Option<u64>, done: u64| {
        offset.map_or(At::Current, |offset| At::Offset(offset + done))
    };
    let mut done = kernel.progress().before;
    while done < size {
        let part = buffer.len().min((size - done) as usize);
        let count = match kernel.read_file(from.0, &mut buffer[..part], at(from.1, done)) {
            Ok(0) => break,
            Ok(count) => count,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        };
        match kernel.write_file(to.0, &buffer[..count as usize], at(to.1, done)) {
            Ok(written) => {
                done += written;
                let progress = kernel.progress();
                (progress.before, progress.done) = (done, 0);
                if written < count {
                    if from.1.is_none() {
                        kernel.files.get_mut(from.0)?.offset -= count - written;
                    }
                    break;
                }
            }
            Err(errno) => {
                // The part is still to be read: nothing of it went out, or it waits with what did.
                if from.1.is_none() {
                    kernel.files.get_mut(from.0)?.offset -= count;
                }
                if done == 0 || errno == Errno::WAITS {
                    return Err(errno);
                }
                break;
            }
        }
    }
    Ok(done)
}

/// An `off_t *` argument, for `size` bytes: the offset, or `None` for a null pointer.
fn offset_argument(kernel: &Kernel, address: u64, size: u64) -> Result<Option<u64>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let offset = kernel.memory.read::<u64>(address)?;
    position(offset, size).map(|_| Some(offset))
}

fn put_offset(kernel: &Kernel, address: u64, offset: Option<u64>, done: u64) -> Result<(), Errno> {
    offset.map_or(Ok(()), |offset| {
        kernel.memory.write(address, &(offset + done))
    })
}

pub(crate) fn sendfile(
    kernel: &mut Kernel,
    [out, input, offset, size, ..]: Args,
) -> Result<u64, Errno> {
    if size > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    let size = size.min(MAX_COUNT);
    let start = offset_argument(kernel, offset, size)?;
    if !kernel.files.get(out)?.writable() {
        return Err(Errno::EBADF);
    }
    let id = kernel.files.get(input)?.node;
    if !matches!(
        kernel.tree.node(id)?.kind,
        Kind::File(_) | Kind::Generated(_)
    ) {
        return Err(Errno::EINVAL);
    }
    let done = transfer(kernel, (input, start), (out, None), size)?;
    put_offset(kernel, offset, start, done)?;
    Ok(done)
}

pub(crate) fn copy_file_range(
    kernel: &mut Kernel,
    [input, from, out, to, size, flags]: Args,
) -> Result<u64, Errno> {
    let start = offset_argument(kernel, from, 0)?;
    let target = offset_argument(kernel, to, 0)?;
    if !kernel.files.get(input)?.readable() || !kernel.files.get(out)?.writable() {
        return Err(Errno::EBADF);
    }
    for fd in [input, out] {
        let id = kernel.files.get(fd)?.node;
        match kernel.tree.node(id)?.kind {
            Kind::File(_) => {}
            Kind::Directory(_) | Kind::Unread(_) => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    let (source, sink) = (kernel.files.get(input)?, kernel.files.get(out)?);
    if sink.flags & flag::APPEND != 0 {
        return Err(Errno::EBADF);
    }
    let (first, second) = (
        start.unwrap_or(source.offset),
        target.unwrap_or(sink.offset),
    );
    let size = size.min(MAX_COUNT);
    if flags != 0 || (source.node == sink.node && first < second + size && second < first + size) {
        return Err(Errno::EINVAL);
    }
    let done = transfer(kernel, (input, start), (out, target), size)?;
    put_offset(kernel, from, start, done)?;
    put_offset(kernel, to, target, done)?;
    Ok(done)
}
