//! Opening and closing.

use alloc::vec::Vec;

use super::AT_FDCWD;
use super::locks::PROCESS;
use super::poll::ANY;
use crate::errno::Errno;
use crate::fs::files::OpenFile;
use crate::fs::{Contents, DESCRIPTOR, Device, Found, Kind, NodeId, Pipe, flag, seal};
use crate::kernel::{Args, Kernel};
use crate::process::NOFILE;
use crate::text::text;
use crate::threads::On;

/// Longest path in bytes that can be opened where memory is full.
const LONG_NAME: usize = 256;

pub(crate) fn open(kernel: &mut Kernel, [path, flags, mode, ..]: Args) -> Result<u64, Errno> {
    openat(kernel, [AT_FDCWD, path, flags, mode, 0, 0])
}

pub(crate) fn creat(kernel: &mut Kernel, [path, mode, ..]: Args) -> Result<u64, Errno> {
    let flags = flag::CREAT | flag::WRONLY | flag::TRUNC;
    openat(kernel, [AT_FDCWD, path, u64::from(flags), mode, 0, 0])
}

pub(crate) fn openat(
    kernel: &mut Kernel,
    [directory, path, flags, mode, ..]: Args,
) -> Result<u64, Errno> {
    let mut flags = flags as u32;
    if flags & flag::PATH != 0 {
        // Such a descriptor makes nothing and changes nothing.
        flags &= flag::PATH | flag::DIRECTORY | flag::NOFOLLOW | flag::CLOEXEC;
    }
    // Not for a file that is there then and that nobody opened.
    let limit = kernel.process.limits[NOFILE].0;
    kernel.files.check_free(limit)?;
    let permissions = mode as u16 & 0o7777 & !kernel.process.umask;
    if flags & flag::TMPFILE != 0 && flags & flag::DIRECTORY != 0 {
        return unnamed(kernel, directory, path, flags, permissions);
    }
    let exclusive = flags & (flag::CREAT | flag::EXCL) == flag::CREAT | flag::EXCL;
    let found = kernel.find(directory, path, flags & flag::NOFOLLOW == 0 && !exclusive)?;
    let write = flags & flag::ACCMODE != 0;
    let id = match found.node {
        None if flags & flag::CREAT == 0 => return Err(Errno::ENOENT),
        None if found.slash => return Err(Errno::EISDIR),
        None => {
            kernel.room_for_name()?;
            let now = kernel.now();
            kernel.tree.create(
                found.parent,
                &found.name,
                Kind::File(Contents::default()),
                permissions,
                now,
            )?
        }
        Some(_) if exclusive => return Err(Errno::EEXIST),
        Some(id) if id & DESCRIPTOR != 0 => return Err(Errno::ELOOP),
        Some(id) => {
            let node = kernel.tree.node(id)?;
            if node.is_directory() {
                if (write || flags & flag::CREAT != 0) && flags & flag::PATH == 0 {
                    return Err(Errno::EISDIR);
                }
            } else if flags & flag::DIRECTORY != 0 {
                return Err(Errno::ENOTDIR);
            }
            if flags & flag::PATH == 0 {
                check_open(kernel, id, flags)?;
            }
            id
        }
    };
    let name = full_name(kernel, &found, id);
    install(kernel, id, flags, name)
}

/// What stands against opening a file that exists; truncates where that was asked.
fn check_open(kernel: &mut Kernel, id: NodeId, flags: u32) -> Result<(), Errno> {
    let write = flags & flag::ACCMODE != 0;
    let node = kernel.tree.node(id)?;
    let mount = usize::from(node.mount);
    match &node.kind {
        Kind::Symlink(_) => Err(Errno::ELOOP),
        Kind::Device(Device::Terminal)
        | Kind::Socket(_)
        | Kind::Event(_)
        | Kind::Timer(_)
        | Kind::Epoll(_) => Err(Errno::ENXIO),
        Kind::Generated(_) if write => Err(Errno::EACCES),
        // Linux truncates also for who only reads.
        Kind::File(_) if write || flags & flag::TRUNC != 0 => {
            if kernel.tree.mounts[mount].read_only {
                return Err(Errno::EROFS);
            }
            if flags & flag::TRUNC != 0 {
                kernel.resize(id, 0)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `O_TMPFILE`: a file without a name in the directory's mount.
fn unnamed(
    kernel: &mut Kernel,
    directory: u64,
    path: u64,
    flags: u32,
    permissions: u16,
) -> Result<u64, Errno> {
    if flags & flag::ACCMODE == 0 {
        return Err(Errno::EINVAL);
    }
    let found = kernel.find(directory, path, true)?;
    let parent = found.existing()?;
    kernel.tree.directory(parent)?;
    let mount = kernel.tree.node(parent)?.mount;
    if kernel.tree.mounts[usize::from(mount)].read_only {
        return Err(Errno::EROFS);
    }
    kernel.room_for_name()?;
    let id = kernel.anonymous(mount, permissions)?;
    kernel.tree.node_mut(id)?.linkable = flags & flag::EXCL == 0;
    install(
        kernel,
        id,
        flags & !flag::DIRECTORY,
        b"/ (deleted)".to_vec(),
    )
}

/// The absolute path of what was found.
fn full_name(kernel: &Kernel, found: &Found, id: NodeId) -> Vec<u8> {
    if kernel.tree.node(id).is_ok_and(|node| node.is_directory()) {
        return kernel.tree.path(id).unwrap_or_default();
    }
    kernel.name_path(found.parent, &found.name)
}

/// A descriptor for the node.
pub(super) fn install(
    kernel: &mut Kernel,
    id: NodeId,
    flags: u32,
    name: Vec<u8>,
) -> Result<u64, Errno> {
    // A long name takes memory for as long as the file is open: it is not had of the reserve.
    if name.len() > LONG_NAME && kernel.memory.pages().free_bytes() == 0 {
        return Err(Errno::ENOMEM);
    }
    let mut file = OpenFile::new(
        id,
        flags & !(flag::CLOEXEC | flag::CREAT | flag::EXCL | flag::TRUNC),
        name,
    );
    // Descriptors lead to directories that have been read.
    kernel.tree.look_into(id)?;
    kernel.tree.hold(id)?;
    if let Kind::Generated(what) = kernel.tree.node(id)?.kind {
        match kernel.generate(what) {
            Ok(text) => file.text = Some(text),
            Err(errno) => {
                kernel.tree.release(id);
                return Err(errno);
            }
        }
    }
    if let Err(errno) = join(kernel, id, &file) {
        kernel.tree.release(id);
        return Err(errno);
    }
    let limit = kernel.process.limits[NOFILE].0;
    kernel
        .files
        .add(file, flags & flag::CLOEXEC != 0, limit)
        .map_err(|(errno, file)| {
            kernel.forget(&file);
            errno
        })
}

/// Opens an end of a pipe with a name: waits for somebody at the other one.
fn join(kernel: &mut Kernel, id: NodeId, file: &OpenFile) -> Result<(), Errno> {
    let (reads, writes) = (file.readable(), file.writable());
    let before = kernel.progress().opened;
    let Kind::Pipe(pipe) = &mut kernel.tree.node_mut(id)?.kind else {
        return Ok(());
    };
    if !reads && !writes {
        return Ok(());
    }
    let (others, opened) = match reads {
        true => (pipe.writers, pipe.opened.1),
        false => (pipe.readers, pipe.opened.0),
    };
    // Whoever came to the other end meanwhile may have gone again: this one has not missed it.
    let alone = !(reads && writes) && before.map_or(others == 0, |before| before == opened);
    let is_blocking = file.flags & flag::NONBLOCK == 0;
    if alone && writes && !is_blocking {
        return Err(Errno::ENXIO);
    }
    // Whoever waits here is counted, so that the other end finds it.
    if before.is_none() {
        pipe.readers += u32::from(reads);
        pipe.writers += u32::from(writes);
        pipe.opened.0 = pipe.opened.0.wrapping_add(reads.into());
        pipe.opened.1 = pipe.opened.1.wrapping_add(writes.into());
        kernel.progress().opened = Some(opened);
        kernel.wake_node(id, ANY);
    }
    if alone && is_blocking {
        let why = "opens a pipe whose other end nobody can open";
        let errno = kernel.block(On::Node(id), None, why);
        if errno != Errno::WAITS
            && let Kind::Pipe(pipe) = &mut kernel.tree.node_mut(id)?.kind
        {
            pipe.readers -= u32::from(reads);
            pipe.writers -= u32::from(writes);
            kernel.wake_node(id, ANY);
        }
        return Err(errno);
    }
    Ok(())
}

impl Kernel {
    /// The absolute path of a name in a directory.
    pub(super) fn name_path(&self, parent: NodeId, name: &[u8]) -> Vec<u8> {
        let mut path = self.tree.path(parent).unwrap_or_default();
        if path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// Gives back what an open file held.
    pub(crate) fn forget(&mut self, file: &OpenFile) {
        self.unwatch(file.node, file.serial);
        let mut events = 0;
        if let Ok(node) = self.tree.node_mut(file.node) {
            let last = node.opens == 1;
            match &mut node.kind {
                Kind::Pipe(pipe) => {
                    pipe.readers -= u32::from(file.readable()).min(pipe.readers);
                    pipe.writers -= u32::from(file.writable()).min(pipe.writers);
                    if (pipe.readers == 0) != (pipe.writers == 0) {
                        events = ANY;
                    }
                }
                Kind::Timer(_) if last => self.stop_timer(file.node),
                Kind::Epoll(_) if last => self.watch_nothing(file.node),
                _ => {}
            }
        }
        self.wake_node(file.node, events);
        if !self.locks.is_empty() {
            self.unlock_all(file.node, file.serial);
        }
        self.hang_up(file.node);
        self.tree.release(file.node);
    }
}

pub(crate) fn close(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    if !kernel.locks.is_empty() {
        // The process's locks of a file go with any of its descriptors.
        let file = kernel.files.get(fd)?;
        if file.flags & flag::PATH == 0 {
            kernel.unlock_all(file.node, PROCESS);
        }
    }
    if let Some(file) = kernel.files.remove(fd)? {
        kernel.forget(&file);
    }
    Ok(0)
}

pub(crate) fn close_range(
    kernel: &mut Kernel,
    [first, last, flags, ..]: Args,
) -> Result<u64, Errno> {
    const CLOEXEC: u64 = 4;
    // CLOSE_RANGE_UNSHARE: the table is nobody else's.
    if flags & !(CLOEXEC | 2) != 0 || first as u32 > last as u32 {
        return Err(Errno::EINVAL);
    }
    let mut next = u64::from(first as u32);
    while let Some(fd) = kernel
        .files
        .next_open(next)
        .filter(|&fd| fd <= u64::from(last as u32))
    {
        if flags & CLOEXEC != 0 {
            kernel.files.set_close_on_exec(fd, true)?;
        } else {
            close(kernel, [fd, 0, 0, 0, 0, 0])?;
        }
        next = fd + 1;
    }
    Ok(0)
}

pub(crate) fn pipe(kernel: &mut Kernel, [fds, ..]: Args) -> Result<u64, Errno> {
    pipe2(kernel, [fds, 0, 0, 0, 0, 0])
}

pub(crate) fn pipe2(kernel: &mut Kernel, [fds, flags, ..]: Args) -> Result<u64, Errno> {
    const DIRECT: u32 = 0o40_000;
    let flags = flags as u32;
    if flags & !(flag::CLOEXEC | flag::NONBLOCK | DIRECT) != 0 {
        return Err(Errno::EINVAL);
    }
    kernel.memory.check(fds, 8, true)?;
    let now = kernel.now();
    // Both ends are there from the start: opening them one by one would wait for the other.
    let mut pipe = Pipe::default();
    (pipe.readers, pipe.writers) = (1, 1);
    let id = kernel
        .tree
        .add(crate::fs::Node::new(Kind::Pipe(pipe.into()), 0o600, 0, now))?;
    let status = flags & flag::NONBLOCK;
    let limit = kernel.process.limits[NOFILE].0;
    let mut ends = [0_u32; 2];
    for (end, access) in [0, flag::WRONLY].into_iter().enumerate() {
        kernel.tree.hold(id)?;
        let file = OpenFile::new(id, access | status, text!("pipe:[{}]", id + 1).into_bytes());
        match kernel.files.add(file, flags & flag::CLOEXEC != 0, limit) {
            Ok(fd) => ends[end] = fd as u32,
            Err((errno, file)) => {
                kernel.forget(&file);
                if end == 1 {
                    close(kernel, [u64::from(ends[0]), 0, 0, 0, 0, 0])?;
                }
                return Err(errno);
            }
        }
    }
    kernel.memory.write(fds, &ends)?;
    Ok(0)
}

pub(crate) fn memfd_create(kernel: &mut Kernel, [name, flags, ..]: Args) -> Result<u64, Errno> {
    const CLOEXEC: u64 = 1;
    const ALLOW_SEALING: u64 = 2;
    const NOEXEC_SEAL: u64 = 8;
    const EXEC: u64 = 16;
    const BOTH: u64 = NOEXEC_SEAL | EXEC;
    if flags & !(CLOEXEC | ALLOW_SEALING | BOTH) != 0 || flags & BOTH == BOTH {
        return Err(Errno::EINVAL);
    }
    let name = kernel.memory.string(name, 250).map_err(|errno| {
        if errno == Errno::ENAMETOOLONG {
            Errno::EINVAL
        } else {
            errno
        }
    })?;
    let (permissions, seals) = match flags & (NOEXEC_SEAL | ALLOW_SEALING) {
        0 => (0o777, seal::SEAL),
        ALLOW_SEALING => (0o777, 0),
        _ => (0o666, seal::EXEC),
    };
    let id = kernel.anonymous(0, permissions)?;
    kernel.tree.node_mut(id)?.seals = Some(seals);
    let close = if flags & CLOEXEC != 0 {
        flag::CLOEXEC
    } else {
        0
    };
    install(
        kernel,
        id,
        flag::RDWR | flag::LARGEFILE | close,
        [b"/memfd:", &name[..], b" (deleted)"].concat(),
    )
}
