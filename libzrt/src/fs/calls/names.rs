//! Names: directories, links, renaming, the working directory, listing.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW};
use crate::errno::Errno;
use crate::fs::{DESCRIPTOR, Directory, Found, Kind, NodeId, Pipe};
use crate::kernel::{Args, Kernel};
use crate::text::text;

/// A name that is to be made: it must be free.
fn free(kernel: &mut Kernel, directory: u64, path: u64) -> Result<Found, Errno> {
    let found = kernel.find_name(directory, path)?;
    if found.node.is_some() {
        return Err(Errno::EEXIST);
    }
    kernel.room_for_name()?;
    Ok(found)
}

pub(crate) fn mkdir(kernel: &mut Kernel, [path, mode, ..]: Args) -> Result<u64, Errno> {
    mkdirat(kernel, [AT_FDCWD, path, mode, 0, 0, 0])
}

pub(crate) fn mkdirat(
    kernel: &mut Kernel,
    [directory, path, mode, ..]: Args,
) -> Result<u64, Errno> {
    let found = free(kernel, directory, path)?;
    let permissions = mode as u16 & 0o1777 & !kernel.process.umask;
    let now = kernel.now();
    kernel.tree.create(
        found.parent,
        &found.name,
        Kind::Directory(Directory::default()),
        permissions,
        now,
    )?;
    Ok(0)
}

pub(crate) fn mknod(kernel: &mut Kernel, [path, mode, device, ..]: Args) -> Result<u64, Errno> {
    mknodat(kernel, [AT_FDCWD, path, mode, device, 0, 0])
}

pub(crate) fn mknodat(
    kernel: &mut Kernel,
    [directory, path, mode, ..]: Args,
) -> Result<u64, Errno> {
    let kind = match mode & 0o170_000 {
        0 | 0o100_000 => Kind::File(crate::fs::Contents::default()),
        0o010_000 => Kind::Pipe(Box::<Pipe>::default()),
        // Character and block devices: as in a container without the right to make them. Sockets get their names by `bind`.
        // Directories have a call of their own.
        0o020_000 | 0o040_000 | 0o060_000 | 0o140_000 => return Err(Errno::EPERM),
        _ => return Err(Errno::EINVAL),
    };
    let found = free(kernel, directory, path)?;
    if found.slash {
        return Err(Errno::ENOENT);
    }
    let permissions = mode as u16 & 0o7777 & !kernel.process.umask;
    let now = kernel.now();
    kernel
        .tree
        .create(found.parent, &found.name, kind, permissions, now)?;
    Ok(0)
}

pub(crate) fn rmdir(kernel: &mut Kernel, [path, ..]: Args) -> Result<u64, Errno> {
    unlinkat(kernel, [AT_FDCWD, path, AT_REMOVEDIR, 0, 0, 0])
}

pub(crate) fn unlink(kernel: &mut Kernel, [path, ..]: Args) -> Result<u64, Errno> {
    unlinkat(kernel, [AT_FDCWD, path, 0, 0, 0, 0])
}

pub(crate) fn unlinkat(
    kernel: &mut Kernel,
    [directory, path, flags, ..]: Args,
) -> Result<u64, Errno> {
    if flags & !AT_REMOVEDIR != 0 {
        return Err(Errno::EINVAL);
    }
    let found = kernel.find_name(directory, path)?;
    let id = found.existing()?;
    let is_directory = id & DESCRIPTOR == 0 && kernel.tree.node(id)?.is_directory();
    if flags & AT_REMOVEDIR != 0 {
        match &found.name[..] {
            b"." if id == kernel.tree.root => return Err(Errno::EBUSY),
            b"." => return Err(Errno::EINVAL),
            b".." => return Err(Errno::ENOTEMPTY),
            _ if !is_directory => return Err(Errno::ENOTDIR),
            _ => {}
        }
    } else if is_directory {
        return Err(Errno::EISDIR);
    } else if found.slash {
        return Err(Errno::ENOTDIR);
    }
    let now = kernel.now();
    let path = kernel.path_if_open(id, (found.parent, &found.name));
    kernel.tree.unlink(found.parent, &found.name, now)?;
    if let Some(path) = path {
        kernel.files.renamed(&[(id, &path, None)]);
    }
    Ok(0)
}

pub(crate) fn symlink(kernel: &mut Kernel, [target, path, ..]: Args) -> Result<u64, Errno> {
    symlinkat(kernel, [target, AT_FDCWD, path, 0, 0, 0])
}

pub(crate) fn symlinkat(
    kernel: &mut Kernel,
    [target, directory, path, ..]: Args,
) -> Result<u64, Errno> {
    let target = kernel.path(target)?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let found = free(kernel, directory, path)?;
    if found.slash {
        return Err(Errno::ENOENT);
    }
    let now = kernel.now();
    kernel.tree.create(
        found.parent,
        &found.name,
        Kind::Symlink(target.into_boxed_slice()),
        0o777,
        now,
    )?;
    Ok(0)
}

pub(crate) fn link(kernel: &mut Kernel, [old, new, ..]: Args) -> Result<u64, Errno> {
    linkat(kernel, [AT_FDCWD, old, AT_FDCWD, new, 0, 0])
}

pub(crate) fn linkat(
    kernel: &mut Kernel,
    [from, old, to, new, flags, _]: Args,
) -> Result<u64, Errno> {
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let id = if flags & AT_EMPTY_PATH != 0 && kernel.path(old)?.is_empty() {
        kernel.start(from)?
    } else {
        kernel
            .find(from, old, flags & AT_SYMLINK_FOLLOW != 0)?
            .existing()?
    };
    let found = free(kernel, to, new)?;
    if id & DESCRIPTOR != 0 || kernel.tree.node(id)?.mount != kernel.tree.node(found.parent)?.mount
    {
        return Err(Errno::EXDEV);
    }
    if kernel.tree.node(id)?.is_directory() {
        return Err(Errno::EPERM);
    }
    let node = kernel.tree.node(id)?;
    if found.slash || (node.links == 0 && !node.linkable) {
        return Err(Errno::ENOENT);
    }
    let now = kernel.now();
    kernel.tree.link(found.parent, &found.name, id, now)?;
    Ok(0)
}

pub(crate) fn readlink(kernel: &mut Kernel, [path, buffer, size, ..]: Args) -> Result<u64, Errno> {
    readlinkat(kernel, [AT_FDCWD, path, buffer, size, 0, 0])
}

pub(crate) fn readlinkat(
    kernel: &mut Kernel,
    [directory, path, buffer, size, ..]: Args,
) -> Result<u64, Errno> {
    if size as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    let id = if kernel.path(path)?.is_empty() {
        kernel.start(directory)?
    } else {
        kernel.find(directory, path, false)?.existing()?
    };
    let target = link_text(kernel, id)?;
    let count = target.len().min(size as u32 as usize);
    kernel.memory.put(buffer, &target[..count])?;
    Ok(count as u64)
}

/// What a symbolic link says.
pub(super) fn link_text(kernel: &Kernel, id: NodeId) -> Result<Vec<u8>, Errno> {
    if id & DESCRIPTOR != 0 {
        return Ok(kernel.files.get(u64::from(id & !DESCRIPTOR))?.path.to_vec());
    }
    match &kernel.tree.node(id)?.kind {
        Kind::Symlink(target) => Ok(target.to_vec()),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn rename(kernel: &mut Kernel, [old, new, ..]: Args) -> Result<u64, Errno> {
    renameat2(kernel, [AT_FDCWD, old, AT_FDCWD, new, 0, 0])
}

pub(crate) fn renameat(kernel: &mut Kernel, [from, old, to, new, ..]: Args) -> Result<u64, Errno> {
    renameat2(kernel, [from, old, to, new, 0, 0])
}

pub(crate) fn renameat2(
    kernel: &mut Kernel,
    [from, old, to, new, flags, _]: Args,
) -> Result<u64, Errno> {
    const NOREPLACE: u64 = 1;
    const EXCHANGE: u64 = 2;
    if !matches!(flags, 0 | NOREPLACE | EXCHANGE) {
        return Err(Errno::EINVAL);
    }
    let source = kernel.find_name(from, old)?;
    let target = kernel.find_name(to, new)?;
    if source.is_dots() || target.is_dots() {
        return Err(Errno::EBUSY);
    }
    let id = source.existing()?;
    if id & DESCRIPTOR != 0 || target.node.is_some_and(|id| id & DESCRIPTOR != 0) {
        return Err(Errno::EPERM);
    }
    let tree = &kernel.tree;
    let mount = tree.node(source.parent)?.mount;
    if mount != tree.node(target.parent)?.mount {
        return Err(Errno::EXDEV);
    }
    // A mount's root stays where it is.
    if tree.node(id)?.mount != mount
        || target
            .node
            .is_some_and(|id| tree.node(id).is_ok_and(|node| node.mount != mount))
    {
        return Err(Errno::EBUSY);
    }
    let is_directory = tree.node(id)?.is_directory();
    let swapped = target.node.filter(|_| flags == EXCHANGE);
    let is_none = |id: NodeId| tree.node(id).is_ok_and(|node| !node.is_directory());
    if (source.slash && !is_directory) || (target.slash && is_none(swapped.unwrap_or(id))) {
        return Err(Errno::ENOTDIR);
    }
    if flags == EXCHANGE {
        target.existing()?;
    }
    if is_directory && tree.is_above(id, target.parent)? {
        return Err(Errno::EINVAL);
    }
    if target.node.is_none() {
        kernel.room_for_name()?;
    }
    let now = kernel.now();
    let paths = (
        kernel.name_path(source.parent, &source.name),
        kernel.name_path(target.parent, &target.name),
    );
    if flags == EXCHANGE {
        let other = target.existing()?;
        if kernel.tree.node(other)?.is_directory() && kernel.tree.is_above(other, source.parent)? {
            return Err(Errno::EINVAL);
        }
        kernel.tree.exchange(
            (source.parent, &source.name),
            (target.parent, &target.name),
            now,
        )?;
        kernel.files.renamed(&[
            (id, &paths.0, Some(&paths.1)),
            (other, &paths.1, Some(&paths.0)),
        ]);
        return Ok(0);
    }
    if let Some(existing) = target.node {
        if flags == NOREPLACE {
            return Err(Errno::EEXIST);
        }
        // Two names of one file: nothing happens.
        if existing == id {
            return Ok(0);
        }
        match (is_directory, kernel.tree.node(existing)?.is_directory()) {
            (true, false) => return Err(Errno::ENOTDIR),
            (false, true) => return Err(Errno::EISDIR),
            _ => kernel.tree.unlink(target.parent, &target.name, now)?,
        }
    }
    kernel.tree.rename(
        (source.parent, &source.name),
        (target.parent, &target.name),
        now,
    )?;
    if let Some(replaced) = target.node {
        kernel.files.renamed(&[(replaced, &paths.1, None)]);
    }
    kernel.files.renamed(&[(id, &paths.0, Some(&paths.1))]);
    Ok(0)
}

impl Kernel {
    /// The path of this name of a node, if open files may have it.
    fn path_if_open(&self, id: NodeId, (parent, name): (NodeId, &[u8])) -> Option<Vec<u8>> {
        let open = id & DESCRIPTOR == 0 && self.tree.node(id).is_ok_and(|node| node.opens > 0);
        open.then(|| self.name_path(parent, name))
    }
}

pub(crate) fn getcwd(kernel: &mut Kernel, [buffer, size, ..]: Args) -> Result<u64, Errno> {
    let mut path = kernel.tree.path(kernel.files.cwd).ok_or(Errno::ENOENT)?;
    path.push(0);
    if path.len() as u64 > size {
        return Err(Errno::ERANGE);
    }
    kernel.memory.put(buffer, &path)?;
    Ok(path.len() as u64)
}

impl Kernel {
    /// Makes this directory the working directory.
    pub(crate) fn change_directory(&mut self, id: NodeId) -> Result<(), Errno> {
        if !self.tree.node(id)?.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        self.tree.hold(id)?;
        let old = core::mem::replace(&mut self.files.cwd, id);
        self.tree.release(old);
        Ok(())
    }
}

pub(crate) fn chdir(kernel: &mut Kernel, [path, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.find(AT_FDCWD, path, true)?.existing()?;
    kernel.change_directory(id)?;
    Ok(0)
}

pub(crate) fn fchdir(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    let id = kernel.files.get(fd)?.node;
    kernel.change_directory(id)?;
    Ok(0)
}

/// Bytes of a `struct linux_dirent64` before its name.
const DIRENT_HEAD: usize = 19;

pub(crate) fn getdents64(kernel: &mut Kernel, [fd, buffer, size, ..]: Args) -> Result<u64, Errno> {
    let file = kernel.files.get(fd)?;
    if !file.readable() {
        return Err(Errno::EBADF);
    }
    let (id, mut position) = (file.node, file.offset);
    let node = kernel.tree.node(id)?;
    if !node.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    // Linux counts in an int.
    let size = i32::try_from(size).map_err(|_| Errno::EINVAL)?;
    let size = (size as usize).min(1 << 20);
    let mut bytes = Vec::new();
    let mut full = false;
    // A removed directory has no names, not even its own.
    let removed = node.links == 0;
    while !removed && let Some((at, name, child)) = next_name(kernel, id, position)? {
        let length = (DIRENT_HEAD + name.len() + 1).next_multiple_of(8);
        // Where memory is full, the rest comes with the next call.
        if bytes.len() + length > size || bytes.try_reserve(length).is_err() {
            full = true;
            break;
        }
        let kind = if child & DESCRIPTOR != 0 {
            10
        } else {
            (kernel.tree.node(child)?.mode() >> 12) as u8
        };
        let start = bytes.len();
        bytes.extend_from_slice(&(u64::from(child) + 1).to_le_bytes());
        bytes.extend_from_slice(&(at + 1).to_le_bytes());
        bytes.extend_from_slice(&(length as u16).to_le_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&name);
        bytes.resize(start + length, 0);
        position = at + 1;
    }
    if bytes.is_empty() && full {
        return Err(Errno::EINVAL);
    }
    kernel.memory.put(buffer, &bytes)?;
    kernel.files.get_mut(fd)?.offset = position;
    Ok(bytes.len() as u64)
}

/// The name at a position of a listing or the first behind it: 0 is `.`, 1 is `..`, then the directory's own.
fn next_name(
    kernel: &Kernel,
    id: NodeId,
    position: u64,
) -> Result<Option<(u64, Vec<u8>, NodeId)>, Errno> {
    let node = kernel.tree.node(id)?;
    Ok(match (position, &node.kind) {
        (0, _) => Some((0, b".".to_vec(), id)),
        (1, _) => Some((1, b"..".to_vec(), node.parent)),
        (_, Kind::Directory(entries)) => entries
            .at(position - 2)
            .map(|(at, entry)| (at + 2, entry.name.to_vec(), entry.node)),
        (_, Kind::Descriptors) => kernel
            .files
            .next_open(position - 2)
            .map(|fd| (fd + 2, text!("{fd}").into_bytes(), fd as u32 | DESCRIPTOR)),
        _ => None,
    })
}
