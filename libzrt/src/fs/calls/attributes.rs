//! Changing what files are: modes, owners, times, sizes; and the calls that bring data to a disk.

use super::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use crate::errno::Errno;
use crate::fs::{DESCRIPTOR, Kind, NodeId, Time, flag, seal};
use crate::kernel::{Args, Kernel};
use crate::mm::Part;
use crate::time::SECOND;

fn set_mode(kernel: &mut Kernel, id: NodeId, mode: u64) -> Result<u64, Errno> {
    if matches!(kernel.tree.node(id)?.kind, Kind::Symlink(_)) {
        return Err(Errno::EOPNOTSUPP);
    }
    let now = kernel.now();
    let node = kernel.tree.node_mut(id)?;
    let permissions = mode as u16 & 0o7777;
    let sealed = node.seals.is_some_and(|seals| seals & seal::EXEC != 0);
    if sealed && (node.permissions ^ permissions) & 0o111 != 0 {
        return Err(Errno::EPERM);
    }
    node.permissions = permissions;
    node.changed = now;
    Ok(0)
}

pub(crate) fn chmod(kernel: &mut Kernel, [path, mode, ..]: Args) -> Result<u64, Errno> {
    fchmodat2(kernel, [AT_FDCWD, path, mode, 0, 0, 0])
}

pub(crate) fn fchmodat(
    kernel: &mut Kernel,
    [directory, path, mode, ..]: Args,
) -> Result<u64, Errno> {
    fchmodat2(kernel, [directory, path, mode, 0, 0, 0])
}

pub(crate) fn fchmodat2(
    kernel: &mut Kernel,
    [directory, path, mode, flags, ..]: Args,
) -> Result<u64, Errno> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let id = kernel.changeable(directory, path, flags)?;
    set_mode(kernel, id, mode)
}

pub(crate) fn fchmod(kernel: &mut Kernel, [fd, mode, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.files.opened(fd)?.node;
    kernel.tree.change(id)?;
    set_mode(kernel, id, mode)
}

fn set_owner(kernel: &mut Kernel, id: NodeId, uid: u64, gid: u64) -> Result<u64, Errno> {
    let now = kernel.now();
    let node = kernel.tree.node_mut(id)?;
    for (slot, new) in [(&mut node.uid, uid as u32), (&mut node.gid, gid as u32)] {
        if new != u32::MAX {
            *slot = new;
        }
    }
    if matches!(node.kind, Kind::File(_)) {
        // S_ISGID without S_IXGRP is something else, and stays.
        node.permissions &= match node.permissions & 0o010 {
            0 => !0o4000,
            _ => !0o6000,
        };
    }
    node.changed = now;
    Ok(0)
}

pub(crate) fn chown(kernel: &mut Kernel, [path, uid, gid, ..]: Args) -> Result<u64, Errno> {
    fchownat(kernel, [AT_FDCWD, path, uid, gid, 0, 0])
}

pub(crate) fn lchown(kernel: &mut Kernel, [path, uid, gid, ..]: Args) -> Result<u64, Errno> {
    fchownat(kernel, [AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW, 0])
}

pub(crate) fn fchownat(
    kernel: &mut Kernel,
    [directory, path, uid, gid, flags, _]: Args,
) -> Result<u64, Errno> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let id = kernel.changeable(directory, path, flags)?;
    set_owner(kernel, id, uid, gid)
}

pub(crate) fn fchown(kernel: &mut Kernel, [fd, uid, gid, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.files.opened(fd)?.node;
    kernel.tree.change(id)?;
    set_owner(kernel, id, uid, gid)
}

pub(crate) fn umask(kernel: &mut Kernel, [mask, ..]: Args) -> Result<u64, Errno> {
    Ok(u64::from(core::mem::replace(
        &mut kernel.process.umask,
        mask as u16 & 0o777,
    )))
}

/// Sets access and modification times; `None` leaves one as it is.
fn set_times(kernel: &mut Kernel, id: NodeId, times: [Option<Time>; 2]) -> Result<u64, Errno> {
    let now = kernel.now();
    let node = kernel.tree.node_mut(id)?;
    node.accessed = times[0].unwrap_or(node.accessed);
    node.modified = times[1].unwrap_or(node.modified);
    node.changed = now;
    Ok(0)
}

pub(crate) fn utimensat(
    kernel: &mut Kernel,
    [directory, path, times, flags, ..]: Args,
) -> Result<u64, Errno> {
    const NOW: i64 = 0x3FFF_FFFF;
    const OMIT: i64 = 0x3FFF_FFFE;
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let now = kernel.now();
    let mut new = [Some(now); 2];
    if times != 0 {
        let words = kernel.memory.read::<[i64; 4]>(times)?;
        for (slot, pair) in new.iter_mut().zip(words.chunks(2)) {
            *slot = match pair[1] {
                NOW => Some(now),
                OMIT => None,
                nanoseconds if (0..SECOND as i64).contains(&nanoseconds) => Some(Time {
                    seconds: pair[0],
                    nanoseconds: nanoseconds as u32,
                }),
                _ => return Err(Errno::EINVAL),
            };
        }
    }
    if new == [None; 2] {
        // Not even the file is looked for.
        return Ok(0);
    }
    // futimens: no path, the descriptor itself.
    let id = if path == 0 {
        let id = kernel.files.opened(directory)?.node;
        kernel.tree.change(id)?;
        id
    } else {
        kernel.changeable(directory, path, flags)?
    };
    set_times(kernel, id, new)
}

pub(crate) fn futimesat(
    kernel: &mut Kernel,
    [directory, path, times, ..]: Args,
) -> Result<u64, Errno> {
    let now = kernel.now();
    let mut new = [Some(now); 2];
    if times != 0 {
        let words = kernel.memory.read::<[i64; 4]>(times)?;
        for (slot, pair) in new.iter_mut().zip(words.chunks(2)) {
            if !(0..1_000_000).contains(&pair[1]) {
                return Err(Errno::EINVAL);
            }
            *slot = Some(Time {
                seconds: pair[0],
                nanoseconds: pair[1] as u32 * 1000,
            });
        }
    }
    let id = kernel.changeable(directory, path, 0)?;
    set_times(kernel, id, new)
}

pub(crate) fn utimes(kernel: &mut Kernel, [path, times, ..]: Args) -> Result<u64, Errno> {
    futimesat(kernel, [AT_FDCWD, path, times, 0, 0, 0])
}

pub(crate) fn utime(kernel: &mut Kernel, [path, times, ..]: Args) -> Result<u64, Errno> {
    let now = kernel.now();
    let mut new = [Some(now); 2];
    if times != 0 {
        new = kernel.memory.read::<[i64; 2]>(times)?.map(|seconds| {
            Some(Time {
                seconds,
                nanoseconds: 0,
            })
        });
    }
    let id = kernel.changeable(AT_FDCWD, path, 0)?;
    set_times(kernel, id, new)
}

pub(crate) fn truncate(kernel: &mut Kernel, [path, size, ..]: Args) -> Result<u64, Errno> {
    if size > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    let id = kernel.target(AT_FDCWD, path, 0)?;
    if id & DESCRIPTOR == 0 && kernel.tree.node(id)?.is_directory() {
        return Err(Errno::EISDIR);
    }
    kernel.resize(id, size).map(|()| 0)
}

pub(crate) fn ftruncate(kernel: &mut Kernel, [fd, size, ..]: Args) -> Result<u64, Errno> {
    let file = kernel.files.get(fd)?;
    if file.flags & flag::PATH != 0 {
        return Err(Errno::EBADF);
    }
    if size > i64::MAX as u64 || !file.writable() {
        return Err(Errno::EINVAL);
    }
    let id = file.node;
    kernel.resize(id, size).map(|()| 0)
}

pub(crate) fn fallocate(
    kernel: &mut Kernel,
    [fd, mode, offset, size, ..]: Args,
) -> Result<u64, Errno> {
    const KEEP_SIZE: u64 = 1;
    const PUNCH_HOLE: u64 = 2;
    const ZERO_RANGE: u64 = 0x10;
    const ZERO_KEEPING: u64 = ZERO_RANGE | KEEP_SIZE;
    const HOLE: u64 = PUNCH_HOLE | KEEP_SIZE;
    let file = kernel.files.get(fd)?;
    let id = file.node;
    if !file.writable() {
        return Err(Errno::EBADF);
    }
    // Both are signed on Linux.
    if size == 0 || offset > i64::MAX as u64 || size > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    let end = offset
        .checked_add(size)
        .filter(|&end| end <= i64::MAX as u64)
        .ok_or(Errno::EFBIG)?;
    let mode = mode & 0xFFFF_FFFF;
    let node = kernel.tree.node(id)?;
    let Kind::File(contents) = &node.kind else {
        return Err(Errno::ENODEV);
    };
    let (before, seals) = (contents.size(), node.seals.unwrap_or(0));
    if mode & KEEP_SIZE == 0 && end > before {
        kernel.check_size(end)?;
    }
    let changes = if mode & PUNCH_HOLE != 0 {
        seals & (seal::WRITE | seal::FUTURE_WRITE)
    } else {
        seals & seal::GROW
    };
    if changes != 0 && (mode & PUNCH_HOLE != 0 || end > before) {
        return Err(Errno::EPERM);
    }
    if end > kernel.tree.largest_file(id)? && mode & PUNCH_HOLE == 0 {
        return Err(Errno::EFBIG);
    }
    let now = kernel.now();
    let node = kernel.tree.node_mut(id)?;
    let Kind::File(contents) = &mut node.kind else {
        return Err(Errno::ENODEV);
    };
    match mode {
        0 | KEEP_SIZE => kernel.memory.strictly(|| contents.reserve(offset, size))?,
        ZERO_RANGE | ZERO_KEEPING | HOLE => {
            let shown = end.min(before).saturating_sub(offset);
            kernel.memory.strictly(|| {
                contents.punch(offset, shown)?;
                match mode {
                    HOLE => Ok(()),
                    _ => contents.reserve(offset, size),
                }
            })?;
            (node.modified, node.changed) = (now, now);
            kernel.refresh(id, offset, shown)?;
        }
        _ => return Err(Errno::EOPNOTSUPP),
    }
    if mode & KEEP_SIZE == 0 && end > before {
        kernel.resize(id, end)?;
    }
    kernel.tree.change(id)?;
    Ok(0)
}

/// `fsync`, `fdatasync`, `syncfs`, `readahead`: memory is as safe as it gets; the descriptor must be good.
pub(crate) fn fsync(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.files.opened(fd)?.node;
    match kernel.tree.node(id)?.kind {
        Kind::File(_) => kernel.write_back(Part::File(id, 0, u64::MAX)).map(|()| 0),
        Kind::Directory(_) | Kind::Unread(_) => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// All is in memory already: what is left is what may not be asked of.
pub(crate) fn readahead(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    let file = kernel.files.get(fd)?;
    if !file.readable() {
        return Err(Errno::EBADF);
    }
    match kernel.tree.node(file.node)?.kind {
        Kind::File(_) => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn sync_file_range(
    kernel: &mut Kernel,
    [fd, offset, size, flags, ..]: Args,
) -> Result<u64, Errno> {
    const WAIT_BEFORE_WRITE_WAIT_AFTER: u64 = 7;
    let id = kernel.files.opened(fd)?.node;
    let end = (offset as i64).checked_add(size as i64);
    if flags as u32 as u64 & !WAIT_BEFORE_WRITE_WAIT_AFTER != 0
        || (offset as i64) < 0
        || end.is_none_or(|end| end < offset as i64)
    {
        return Err(Errno::EINVAL);
    }
    match kernel.tree.node(id)?.kind {
        Kind::File(_) | Kind::Directory(_) | Kind::Unread(_) => fsync(kernel, [fd, 0, 0, 0, 0, 0]),
        _ => Err(Errno::ESPIPE),
    }
}

pub(crate) fn syncfs(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    kernel.files.opened(fd)?;
    kernel.write_back(Part::All).map(|()| 0)
}

pub(crate) fn sync(kernel: &mut Kernel, _: Args) -> Result<u64, Errno> {
    kernel.write_back(Part::All).map(|()| 0)
}

pub(crate) fn fadvise64(
    kernel: &mut Kernel,
    [fd, _, size, advice, ..]: Args,
) -> Result<u64, Errno> {
    let id = kernel.files.opened(fd)?.node;
    match kernel.tree.node(id)?.kind {
        ref kind if kind.is_stream() => Err(Errno::ESPIPE),
        _ if advice > 5 || size > i64::MAX as u64 => Err(Errno::EINVAL),
        _ => Ok(0),
    }
}

/// No file has extended attributes, so their list is empty.
pub(crate) fn listxattr(kernel: &mut Kernel, [path, ..]: Args) -> Result<u64, Errno> {
    kernel.find(AT_FDCWD, path, true)?.existing().map(|_| 0)
}

pub(crate) fn llistxattr(kernel: &mut Kernel, [path, ..]: Args) -> Result<u64, Errno> {
    kernel.find(AT_FDCWD, path, false)?.existing().map(|_| 0)
}

pub(crate) fn flistxattr(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    kernel.files.opened(fd).map(|_| 0)
}

/// Extended attributes: no file has any, and none can be made.
pub(crate) fn no_attributes(_: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Err(Errno::EOPNOTSUPP)
}
