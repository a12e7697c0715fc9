//! What files are: stat and its kin, access, statfs.

use super::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, names::link_text};
use crate::errno::Errno;
use crate::fs::{DESCRIPTOR, Device, Kind, NAME_MAX, NodeId, Time};
use crate::kernel::{Args, Kernel};
use zvm_abi::layout::PAGE;
use zvm_abi::manifest;

/// What `stat` tells.
struct Metadata {
    device: u64,
    inode: u64,
    links: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    special: u64,
    size: u64,
    /// Of 512 bytes.
    blocks: u64,
    accessed: Time,
    modified: Time,
    changed: Time,
}

/// A device number as `makedev` packs small ones.
fn device_number(major: u64, minor: u64) -> u64 {
    major << 8 | minor
}

fn metadata(kernel: &mut Kernel, id: NodeId) -> Result<Metadata, Errno> {
    if id & DESCRIPTOR != 0 {
        let now = kernel.now();
        let size = link_text(kernel, id)?.len() as u64;
        return Ok(Metadata {
            device: device_number(0, 1),
            inode: u64::from(id) + 1,
            links: 1,
            mode: 0o120_700,
            uid: 0,
            gid: 0,
            special: 0,
            size,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
        });
    }
    kernel.tree.look_into(id)?;
    let node = kernel.tree.node(id)?;
    let mut mode = node.mode();
    let mut special = 0;
    let (mut size, mut stored) = (0, 0);
    match &node.kind {
        Kind::File(contents) => (size, stored) = (contents.size(), contents.allocated()),
        Kind::Directory(entries) => size = entries.len() as u64 * 32,
        Kind::Unread(_) => return Err(Errno::EIO),
        Kind::Symlink(target) => size = target.len() as u64,
        Kind::Device(device) => {
            special = match device {
                Device::Null => device_number(1, 3),
                Device::Zero => device_number(1, 5),
                Device::Full => device_number(1, 7),
                Device::Random => device_number(1, 9),
                Device::Terminal => device_number(5, 0),
                Device::Snapshot => device_number(10, 231),
                Device::Channel(_) => 0,
            };
            if let Device::Channel(number) = device {
                // A stream looks like a pipe, what can seek like a file.
                let channel = kernel.channels.get(*number as usize).ok_or(Errno::EIO)?;
                let kind = if channel.kind == manifest::SEQUENTIAL {
                    0o010_000
                } else {
                    0o100_000
                };
                mode = kind | u32::from(node.permissions);
                size = if channel.kind == manifest::SEQUENTIAL {
                    0
                } else {
                    channel.size
                };
            }
        }
        Kind::Pipe(_)
        | Kind::Generated(_)
        | Kind::Descriptors
        | Kind::Socket(_)
        | Kind::Event(_)
        | Kind::Timer(_)
        | Kind::Epoll(_) => {}
    }
    Ok(Metadata {
        device: device_number(0, u64::from(node.mount) + 16),
        inode: u64::from(id) + 1,
        links: node.links,
        mode,
        uid: node.uid,
        gid: node.gid,
        special,
        size,
        blocks: stored.div_ceil(512),
        accessed: node.accessed,
        modified: node.modified,
        changed: node.changed,
    })
}

/// `struct stat` (arch/x86/include/uapi/asm/stat.h): 144 bytes.
fn put_stat(kernel: &mut Kernel, address: u64, id: NodeId) -> Result<u64, Errno> {
    let m = metadata(kernel, id)?;
    let time = |time: Time| [time.seconds as u64, u64::from(time.nanoseconds)];
    let ([a, b], [c, d], [e, f]) = (time(m.accessed), time(m.modified), time(m.changed));
    let words = [
        m.device,
        m.inode,
        u64::from(m.links),
        u64::from(m.uid) << 32 | u64::from(m.mode),
        u64::from(m.gid),
        m.special,
        m.size,
        PAGE,
        m.blocks,
        a,
        b,
        c,
        d,
        e,
        f,
        0,
        0,
        0,
    ];
    let mut bytes = [0; 144];
    bytes
        .chunks_mut(8)
        .zip(words)
        .for_each(|(slot, word)| slot.copy_from_slice(&word.to_le_bytes()));
    kernel.memory.put(address, &bytes)?;
    Ok(0)
}

pub(crate) fn stat(kernel: &mut Kernel, [path, address, ..]: Args) -> Result<u64, Errno> {
    newfstatat(kernel, [AT_FDCWD, path, address, 0, 0, 0])
}

pub(crate) fn lstat(kernel: &mut Kernel, [path, address, ..]: Args) -> Result<u64, Errno> {
    newfstatat(kernel, [AT_FDCWD, path, address, AT_SYMLINK_NOFOLLOW, 0, 0])
}

pub(crate) fn fstat(kernel: &mut Kernel, [fd, address, ..]: Args) -> Result<u64, Errno> {
    put_stat(kernel, address, kernel.files.get(fd)?.node)
}

pub(crate) fn newfstatat(
    kernel: &mut Kernel,
    [directory, path, address, flags, ..]: Args,
) -> Result<u64, Errno> {
    const NO_AUTOMOUNT: u64 = 0x800;
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | NO_AUTOMOUNT) != 0 {
        return Err(Errno::EINVAL);
    }
    let id = kernel.target(directory, path, flags)?;
    put_stat(kernel, address, id)
}

/// `struct statx` (include/uapi/linux/stat.h): 256 bytes, of which the basic part is filled in.
pub(crate) fn statx(
    kernel: &mut Kernel,
    [directory, path, flags, mask, address, _]: Args,
) -> Result<u64, Errno> {
    const BASIC: u32 = 0x7FF;
    const SYNC_FLAGS: u64 = 0x6000;
    const RESERVED: u64 = 0x8000_0000;
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | 0x800 | SYNC_FLAGS) != 0
        || flags & SYNC_FLAGS == SYNC_FLAGS
        || mask & RESERVED != 0
    {
        return Err(Errno::EINVAL);
    }
    let id = kernel.target(directory, path, flags)?;
    let m = metadata(kernel, id)?;
    let mut bytes = [0_u8; 256];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &BASIC.to_le_bytes());
    put(4, &(PAGE as u32).to_le_bytes());
    put(16, &m.links.to_le_bytes());
    put(20, &m.uid.to_le_bytes());
    put(24, &m.gid.to_le_bytes());
    put(28, &(m.mode as u16).to_le_bytes());
    put(32, &m.inode.to_le_bytes());
    put(40, &m.size.to_le_bytes());
    put(48, &m.blocks.to_le_bytes());
    // Birth (offset 80) is what nobody recorded.
    for (at, time) in [(64, m.accessed), (96, m.changed), (112, m.modified)] {
        put(at, &time.seconds.to_le_bytes());
        put(at + 8, &time.nanoseconds.to_le_bytes());
    }
    for (at, device) in [(128, m.special), (136, m.device)] {
        put(at, &((device >> 8) as u32).to_le_bytes());
        put(at + 4, &(device as u32 & 0xFF).to_le_bytes());
    }
    kernel.memory.put(address, &bytes)?;
    Ok(0)
}

pub(crate) fn access(kernel: &mut Kernel, [path, mode, ..]: Args) -> Result<u64, Errno> {
    faccessat2(kernel, [AT_FDCWD, path, mode, 0, 0, 0])
}

pub(crate) fn faccessat(
    kernel: &mut Kernel,
    [directory, path, mode, ..]: Args,
) -> Result<u64, Errno> {
    faccessat2(kernel, [directory, path, mode, 0, 0, 0])
}

pub(crate) fn faccessat2(
    kernel: &mut Kernel,
    [directory, path, mode, flags, ..]: Args,
) -> Result<u64, Errno> {
    const EACCESS: u64 = 0x200;
    const EXECUTE: u64 = 1;
    const WRITE: u64 = 2;
    if mode & !7 != 0 || flags & !(EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let id = kernel.target(directory, path, flags)?;
    if id & DESCRIPTOR != 0 {
        return Ok(0);
    }
    let node = kernel.tree.node(id)?;
    // Root may all, but to execute a file somebody must be allowed to.
    if mode & EXECUTE != 0 && !node.is_directory() && node.permissions & 0o111 == 0 {
        return Err(Errno::EACCES);
    }
    let device = matches!(node.kind, Kind::Device(_) | Kind::Pipe(_));
    if mode & WRITE != 0 && !device && kernel.tree.mounts[usize::from(node.mount)].read_only {
        return Err(Errno::EROFS);
    }
    Ok(0)
}

pub(crate) fn statfs(kernel: &mut Kernel, [path, address, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.find(AT_FDCWD, path, true)?.existing()?;
    put_statfs(kernel, id, address)
}

pub(crate) fn fstatfs(kernel: &mut Kernel, [fd, address, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.files.get(fd)?.node;
    put_statfs(kernel, id, address)
}

/// `struct statfs` (asm-generic/statfs.h): files live in memory, so what is free is memory.
fn put_statfs(kernel: &mut Kernel, id: NodeId, address: u64) -> Result<u64, Errno> {
    const TMPFS: u64 = 0x0102_1994;
    const READ_ONLY: u64 = 1;
    let pages = kernel.memory.pages();
    let (total, free) = (
        (pages.end() - pages.start()) / PAGE,
        pages.free_bytes() / PAGE,
    );
    let node = kernel.tree.node(id)?;
    let (mount, nodes) = (node.mount, kernel.tree.len() as u64);
    let read_only = kernel.tree.mounts[usize::from(mount)].read_only;
    let free = if read_only { 0 } else { free };
    let flags = if read_only { READ_ONLY } else { 0 };
    let words = [
        TMPFS,
        PAGE,
        total,
        free,
        free,
        nodes + free,
        free,
        u64::from(mount) + 1,
        NAME_MAX as u64,
        PAGE,
        flags,
        0,
        0,
        0,
        0,
    ];
    let mut bytes = [0; 120];
    bytes
        .chunks_mut(8)
        .zip(words)
        .for_each(|(slot, word)| slot.copy_from_slice(&word.to_le_bytes()));
    kernel.memory.put(address, &bytes)?;
    Ok(0)
}
