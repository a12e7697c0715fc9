//! sendto, recvfrom, sendmsg, recvmsg.

use alloc::vec::Vec;

use super::is_blocking;
use super::transfer::{MSG_TRUNC, MSG_WAITALL};
use crate::errno::Errno;
use crate::fs::NodeId;
use crate::fs::calls::io::{MAX_COUNT, MESSAGE};
use crate::fs::socket::{Address, STREAM};
use crate::kernel::{Args, Kernel};

/// To whom a message is to go; `None` if it does not say.
fn target(kernel: &mut Kernel, id: NodeId, name: u64, size: u64) -> Result<Option<Address>, Errno> {
    if name == 0 || size as u32 == 0 {
        return Ok(None);
    }
    let family = kernel.socket_at(id)?.family;
    kernel.address(name, size, family).map(Some)
}

pub(crate) fn sendto(
    kernel: &mut Kernel,
    [fd, address, size, flags, name, name_size]: Args,
) -> Result<u64, Errno> {
    let (id, _) = kernel.socket(fd)?;
    let wait = is_blocking(kernel, fd)?;
    let to = target(kernel, id, name, name_size)?;
    // SAFETY: the bytes are copied into an inbox before the call ends.
    let bytes = unsafe { kernel.memory.bytes(address, size)? };
    kernel.send(id, bytes, flags, wait, to)
}

pub(crate) fn recvfrom(
    kernel: &mut Kernel,
    [fd, address, size, flags, name, name_size]: Args,
) -> Result<u64, Errno> {
    let (id, socket) = kernel.socket(fd)?;
    let (family, is_stream) = (socket.family, socket.kind == STREAM);
    let wait = is_blocking(kernel, fd)?;
    // SAFETY: filled from an inbox, which is the library OS's own memory, before the call ends.
    let buffer = unsafe { kernel.memory.some_bytes_mut(address, size.min(MAX_COUNT))? };
    let received = kernel.receive(id, buffer, flags, wait)?;
    if name != 0 && name_size != 0 {
        if is_stream || received.from == Address::Unnamed {
            kernel.memory.write(name_size, &0_u32)?;
        } else {
            kernel.put_address(name, name_size, &received.from, family)?;
        }
    }
    Ok(if flags & MSG_TRUNC != 0 {
        received.length
    } else {
        received.count
    } as u64)
}

/// `struct msghdr`, offsets.
const MSG_NAMELEN: u64 = 8;
const MSG_IOV: u64 = 16;
const MSG_CONTROL: u64 = 32;
const MSG_FLAGS: u64 = 48;

fn parts(kernel: &Kernel, message: u64) -> Result<Vec<[u64; 2]>, Errno> {
    let [address, count] = kernel.memory.read::<[u64; 2]>(message + MSG_IOV)?;
    if count > 1024 {
        return Err(Errno::EMSGSIZE);
    }
    let parts = kernel.memory.read_array::<[u64; 2]>(address, count, 1024)?;
    if parts.iter().any(|part| part[1] > i64::MAX as u64) {
        return Err(Errno::EINVAL);
    }
    Ok(parts)
}

fn total(parts: &[[u64; 2]]) -> u64 {
    parts
        .iter()
        .fold(0, |sum, part| sum.saturating_add(part[1]))
}

/// `msg_name` and `msg_namelen`.
fn name_of(kernel: &Kernel, message: u64) -> Result<(u64, u64), Errno> {
    let name = kernel.memory.read::<u64>(message)?;
    let size = kernel.memory.read::<u32>(message + MSG_NAMELEN)?;
    Ok((name, size.into()))
}

pub(crate) fn sendmsg(kernel: &mut Kernel, [fd, message, flags, ..]: Args) -> Result<u64, Errno> {
    let (id, _) = kernel.socket(fd)?;
    let wait = is_blocking(kernel, fd)?;
    let parts = parts(kernel, message)?;
    let (name, size) = name_of(kernel, message)?;
    let to = target(kernel, id, name, size)?;
    let [control, control_size] = kernel.memory.read::<[u64; 2]>(message + MSG_CONTROL)?;
    if control != 0 && control_size != 0 {
        // Descriptors and credentials go to other processes, and there is none.
        return Err(Errno::EOPNOTSUPP);
    }
    let is_stream = kernel.socket_at(id)?.kind == STREAM;
    if total(&parts) > MESSAGE && !is_stream {
        return Err(Errno::EMSGSIZE);
    }
    let mut bytes = Vec::new();
    for [start, size] in parts {
        // What is more of a stream, the program sends again.
        let size = size.min(MESSAGE - bytes.len() as u64);
        bytes
            .try_reserve(size as usize)
            .map_err(|_| Errno::ENOMEM)?;
        // SAFETY: copied at once.
        bytes.extend_from_slice(unsafe { kernel.memory.bytes(start, size)? });
    }
    kernel.send(id, &bytes, flags, wait, to)
}

pub(crate) fn recvmsg(kernel: &mut Kernel, [fd, message, flags, ..]: Args) -> Result<u64, Errno> {
    let (id, socket) = kernel.socket(fd)?;
    let family = socket.family;
    let wait = is_blocking(kernel, fd)?;
    let parts = parts(kernel, message)?;
    let mut buffer = Vec::new();
    let most = total(&parts).min(MESSAGE) as usize;
    buffer.try_reserve_exact(most).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(most, 0);
    if flags & MSG_WAITALL != 0 {
        // What came before the wait is not in this buffer any more: a message is taken as it comes.
        kernel.progress().done = 0;
    }
    let received = kernel.receive(id, &mut buffer, flags & !MSG_WAITALL, wait)?;
    let mut rest = &buffer[..received.count];
    for [start, size] in parts {
        let (part, behind) = rest.split_at(rest.len().min(size as usize));
        kernel.memory.put(start, part)?;
        rest = behind;
    }
    let truncated = if received.length > received.count {
        MSG_TRUNC as u32
    } else {
        0
    };
    let (name, _) = name_of(kernel, message)?;
    if name != 0 && received.from != Address::Unnamed {
        kernel.put_address(name, message + MSG_NAMELEN, &received.from, family)?;
    } else {
        kernel.memory.write(message + MSG_NAMELEN, &0_u32)?;
    }
    kernel.memory.write(message + MSG_CONTROL + 8, &0_u64)?;
    kernel.memory.write(message + MSG_FLAGS, &truncated)?;
    Ok(if flags & MSG_TRUNC != 0 {
        received.length
    } else {
        received.count
    } as u64)
}
