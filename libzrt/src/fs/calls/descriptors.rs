//! Calls on descriptors themselves: dup, fcntl, ioctl, flock.

use super::locks::{get_lock, set_lock};
use super::open::close;
use super::poll::{OUT, WRNORM};
use crate::errno::Errno;
use crate::fs::{Kind, flag, seal};
use crate::kernel::{Args, Kernel};
use crate::process::NOFILE;

pub(crate) fn dup(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    let limit = kernel.process.limits[NOFILE].0;
    kernel.files.duplicate(fd, 0, false, limit)
}

pub(crate) fn dup2(kernel: &mut Kernel, [fd, new, ..]: Args) -> Result<u64, Errno> {
    kernel.files.get(fd)?;
    if fd as u32 == new as u32 {
        return Ok(u64::from(new as u32));
    }
    dup3(kernel, [fd, new, 0, 0, 0, 0])
}

pub(crate) fn dup3(kernel: &mut Kernel, [fd, new, flags, ..]: Args) -> Result<u64, Errno> {
    let new = u64::from(new as u32);
    if fd as u32 == new as u32 || flags & !u64::from(flag::CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    kernel.files.get(fd)?;
    if new >= kernel.process.limits[NOFILE].0 {
        return Err(Errno::EBADF);
    }
    if kernel.files.get(new).is_ok() {
        close(kernel, [new, 0, 0, 0, 0, 0])?;
    }
    kernel.files.duplicate_to(fd, new, flags != 0)?;
    Ok(new)
}

pub(crate) fn fcntl(kernel: &mut Kernel, [fd, command, argument, ..]: Args) -> Result<u64, Errno> {
    const DUPFD: u64 = 0;
    const GETFD: u64 = 1;
    const SETFD: u64 = 2;
    const GETFL: u64 = 3;
    const SETFL: u64 = 4;
    const GETLK: u64 = 5;
    const SETLK: u64 = 6;
    const SETLKW: u64 = 7;
    const OFD_GETLK: u64 = 36;
    const OFD_SETLK: u64 = 37;
    const OFD_SETLKW: u64 = 38;
    const SETOWN: u64 = 8;
    const GETOWN: u64 = 9;
    const DUPFD_CLOEXEC: u64 = 1030;
    const SETPIPE_SZ: u64 = 1031;
    const GETPIPE_SZ: u64 = 1032;
    const ADD_SEALS: u64 = 1033;
    const GET_SEALS: u64 = 1034;
    /// O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT, O_NOATIME.
    const CHANGEABLE: u32 = 0o2000 | 0o4000 | 0o20_000 | 0o40_000 | 0o1_000_000;
    let limit = kernel.process.limits[NOFILE].0;
    // What the argument is depends on the command; where it is a number, it is an int.
    let number = u64::from(argument as u32);
    match command {
        DUPFD | DUPFD_CLOEXEC | GETFD | SETFD | GETFL => kernel.files.get(fd)?,
        _ => kernel.files.opened(fd)?,
    };
    match command {
        DUPFD | DUPFD_CLOEXEC if number >= limit => Err(Errno::EINVAL),
        DUPFD | DUPFD_CLOEXEC => {
            kernel
                .files
                .duplicate(fd, number, command == DUPFD_CLOEXEC, limit)
        }
        GETFD => Ok(u64::from(kernel.files.close_on_exec(fd)?)),
        SETFD => kernel
            .files
            .set_close_on_exec(fd, argument & 1 != 0)
            .map(|()| 0),
        GETFL => Ok(u64::from(kernel.files.get(fd)?.flags)),
        SETFL => {
            let file = kernel.files.get_mut(fd)?;
            file.flags = file.flags & !CHANGEABLE | argument as u32 & CHANGEABLE;
            Ok(0)
        }
        GETLK | OFD_GETLK => get_lock(kernel, fd, argument, command == OFD_GETLK),
        SETLK => set_lock(kernel, fd, argument, (false, false)),
        SETLKW => set_lock(kernel, fd, argument, (false, true)),
        OFD_SETLK => set_lock(kernel, fd, argument, (true, false)),
        OFD_SETLKW => set_lock(kernel, fd, argument, (true, true)),
        SETOWN | GETOWN => Ok(0),
        SETPIPE_SZ | GETPIPE_SZ => {
            let id = kernel.files.get(fd)?.node;
            let Kind::Pipe(pipe) = &mut kernel.tree.node_mut(id)?.kind else {
                return Err(Errno::EBADF);
            };
            let was_writable = pipe.is_writable();
            if command == SETPIPE_SZ {
                pipe.resize(number)?;
            }
            let capacity = pipe.capacity() as u64;
            let grown = pipe.is_writable() && !was_writable;
            kernel.wake_node(id, if grown { OUT | WRNORM } else { 0 });
            Ok(capacity)
        }
        ADD_SEALS => add_seals(kernel, fd, argument as u32),
        GET_SEALS => {
            let id = kernel.files.get(fd)?.node;
            kernel
                .tree
                .node(id)?
                .seals
                .map(u64::from)
                .ok_or(Errno::EINVAL)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `F_ADD_SEALS`.
fn add_seals(kernel: &mut Kernel, fd: u64, more: u32) -> Result<u64, Errno> {
    /// What holds of itself where an executable file is sealed as one.
    const FIXED: u32 = seal::SHRINK | seal::GROW | seal::WRITE | seal::FUTURE_WRITE;
    const ALL: u32 = seal::SEAL | FIXED | seal::EXEC;
    let file = kernel.files.get(fd)?;
    if !file.writable() {
        return Err(Errno::EPERM);
    }
    let id = file.node;
    let seals = kernel.tree.node(id)?.seals.ok_or(Errno::EINVAL)?;
    if more & !ALL != 0 {
        return Err(Errno::EINVAL);
    }
    if seals & seal::SEAL != 0 {
        return Err(Errno::EPERM);
    }
    let mut mappings = kernel.memory.shared.iter();
    if more & !seals & seal::WRITE != 0 && mappings.any(|map| map.node == id && map.write) {
        return Err(Errno::EBUSY);
    }
    let node = kernel.tree.node_mut(id)?;
    let implied = match more & seal::EXEC != 0 && node.permissions & 0o111 != 0 {
        true => FIXED,
        false => 0,
    };
    node.seals = Some(seals | more | implied);
    Ok(0)
}

pub(crate) fn ioctl(kernel: &mut Kernel, [fd, request, argument, ..]: Args) -> Result<u64, Errno> {
    const FIONREAD: u32 = 0x541B;
    const FIONBIO: u32 = 0x5421;
    const FIONCLEX: u32 = 0x5450;
    const FIOCLEX: u32 = 0x5451;
    let file = kernel.files.opened(fd)?;
    let offset = file.offset;
    match request as u32 {
        FIONREAD => {
            kernel.look_outside();
            let file = kernel.files.get(fd)?;
            let waiting = match &kernel.tree.node(file.node)?.kind {
                Kind::Pipe(pipe) => pipe.len() as u64,
                Kind::Socket(socket) => socket.inbox.waiting() as u64,
                Kind::File(contents) => contents.size().saturating_sub(offset),
                _ => return Err(Errno::ENOTTY),
            };
            kernel
                .memory
                .write(argument, &(waiting.min(i32::MAX as u64) as u32))?;
            Ok(0)
        }
        FIONBIO => {
            let on = kernel.memory.read::<u32>(argument)? != 0;
            let file = kernel.files.get_mut(fd)?;
            file.flags = file.flags & !flag::NONBLOCK | if on { flag::NONBLOCK } else { 0 };
            Ok(0)
        }
        FIOCLEX => kernel.files.set_close_on_exec(fd, true).map(|()| 0),
        FIONCLEX => kernel.files.set_close_on_exec(fd, false).map(|()| 0),
        // No descriptor is a terminal.
        _ => Err(Errno::ENOTTY),
    }
}
