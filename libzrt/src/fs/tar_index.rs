//! Reads an archive's index ([`zvm_abi::tar_index`]) in place of its headers, each directory when somebody first looks into it.

use alloc::boxed::Box;

use zvm_abi::tar_index::START;

use super::tar::{BLOCK, MAX_COMPONENT, MAX_NAME, TarProblem};
use super::{Contents, Directory, Kind, Node, NodeId, Time, Tree};
use crate::errno::Errno;

/// What an index says is in a directory.
#[derive(Clone, Copy, Debug)]
pub struct Unread {
    lines: &'static [u8],
    /// What offsets count in.
    archive: &'static [u8],
}

/// Adds what the index says to the mount's root, if the global extended header `data` is one; `archive` is what lies behind it.
/// Whether it was, and still holds.
///
/// # Errors
/// It is one and malformed, as far as the root's own names tell, or names what is there already.
pub(super) fn load(
    tree: &mut Tree,
    root: NodeId,
    data: &'static [u8],
    archive: &'static [u8],
) -> Result<bool, TarProblem> {
    let mut index = Cursor(data);
    let length = index.number(10, b' ');
    let Some(text) = index.0.strip_prefix(START.as_bytes()) else {
        return Ok(false);
    };
    index.0 = text;
    let end = index.place(b'\n').ok_or(TarProblem::Index)?;
    if length != Some(data.len() as u64) {
        return Err(TarProblem::Index);
    }
    let ending = archive.get(end..).and_then(|rest| rest.get(..2 * BLOCK));
    if !ending.is_some_and(|blocks| blocks.iter().all(|&byte| byte == 0)) {
        return Ok(false);
    }
    let archive = &archive[..end];
    let mut first = Cursor(index.0);
    if let Some(line) = first.line()
        && line.name.is_empty()
        && line.kind == b'd'
        && line.size == 0
    {
        let node = tree.node_mut(root).map_err(|_| TarProblem::Memory)?;
        line.describe(node);
        index = first;
    }
    let lines = index.0;
    Unread { lines, archive }
        .read(tree, root)
        .map_err(|errno| match errno {
            Errno::ENOSPC => TarProblem::Memory,
            _ => TarProblem::Index,
        })?;
    Ok(true)
}

impl Unread {
    /// Gives the directory its names.
    ///
    /// # Errors
    /// `EIO` if the index does not keep its format, `ENOSPC`. A directory that was still to be read is so still.
    pub(super) fn read(self, tree: &mut Tree, id: NodeId) -> Result<(), Errno> {
        let mut names = match &mut tree.node_mut(id)?.kind {
            Kind::Directory(names) => core::mem::take(names),
            _ => Directory::default(),
        };
        match self.add(tree, id, &mut names) {
            Ok(directories) => {
                let node = tree.node_mut(id)?;
                node.kind = Kind::Directory(names);
                node.links += directories;
                Ok(())
            }
            Err(errno) => {
                for entry in (0..names.len()).filter_map(|place| names.sorted(place)) {
                    tree.forget(entry.node);
                }
                Err(errno)
            }
        }
    }

    /// Makes a node for each name that is said to be in `directory`; how many of them are directories.
    fn add(self, tree: &mut Tree, directory: NodeId, names: &mut Directory) -> Result<u32, Errno> {
        let mount = tree.node(directory)?.mount;
        let mut directories = 0;
        let mut index = Cursor(self.lines);
        while !index.0.is_empty() {
            let line = index.line().ok_or(Errno::EIO)?;
            if line.name.len() > MAX_COMPONENT
                || matches!(line.name, b"" | b"." | b"..")
                || line.name.iter().any(|byte| b"/\0".contains(byte))
                || names.get(line.name).is_some()
            {
                return Err(Errno::EIO);
            }
            let kind = match line.kind {
                b'f' => {
                    let end = line.offset.checked_add(line.size).ok_or(Errno::EIO)?;
                    Kind::File(Contents::image(
                        self.archive.get(line.offset..end).ok_or(Errno::EIO)?,
                    ))
                }
                b'd' => {
                    let below = index.0.split_at_checked(line.size);
                    let (lines, behind) = below.ok_or(Errno::EIO)?;
                    index.0 = behind;
                    Kind::Unread(Unread { lines, ..self })
                }
                b'l' if (1..=MAX_NAME).contains(&line.target.len()) => {
                    Kind::Symlink(Box::from(line.target))
                }
                _ => return Err(Errno::EIO),
            };
            let mut node = Node::new(kind, 0, mount, Time::default());
            line.describe(&mut node);
            node.links = 1;
            if node.is_directory() {
                (node.links, node.parent, node.name) = (2, directory, Box::from(line.name));
                directories += 1;
            }
            let id = tree.add(node)?;
            if let Err(errno) = names.insert(line.name, id) {
                tree.forget(id);
                return Err(errno);
            }
        }
        Ok(directories)
    }
}

/// A line, whose numbers have not been compared with anything.
struct Line {
    kind: u8,
    permissions: u16,
    uid: u32,
    gid: u32,
    seconds: i64,
    offset: usize,
    size: usize,
    name: &'static [u8],
    target: &'static [u8],
}

impl Line {
    /// Gives the node its owner, permissions and times.
    fn describe(&self, node: &mut Node) {
        let time = Time {
            seconds: self.seconds,
            nanoseconds: 0,
        };
        (node.permissions, node.uid, node.gid) = (self.permissions, self.uid, self.gid);
        (node.accessed, node.modified, node.changed) = (time, time, time);
    }
}

/// What is still to be read.
struct Cursor(&'static [u8]);

impl Cursor {
    /// One line.
    fn line(&mut self) -> Option<Line> {
        let (&kind, rest) = self.0.split_first()?;
        self.0 = rest.strip_prefix(b" ")?;
        let permissions = u16::try_from(self.number(8, b' ')?).ok()?;
        let uid = self.number(10, b' ')?.try_into().ok()?;
        let gid = self.number(10, b' ')?.try_into().ok()?;
        let seconds = self.number(10, b' ')?.try_into().ok()?;
        let (offset, size) = (self.place(b' ')?, self.place(b'\t')?);
        let end = self.0.iter().position(|&byte| byte == b'\n')?;
        let (names, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        let mut names = names.split(|&byte| byte == b'\t');
        let name = names.next()?;
        let target = match kind {
            b'l' => names.next()?,
            _ => &[],
        };
        let line = Line {
            kind,
            permissions,
            uid,
            gid,
            seconds,
            offset,
            size,
            name,
            target,
        };
        (permissions <= 0o7777 && !target.contains(&0) && names.next().is_none()).then_some(line)
    }

    /// A number and the byte behind it.
    fn number(&mut self, radix: u8, end: u8) -> Option<u64> {
        let mut value = 0_u64;
        for (at, &byte) in self.0.iter().enumerate() {
            if byte == end && at > 0 {
                self.0 = &self.0[at + 1..];
                return Some(value);
            }
            let digit = byte.wrapping_sub(b'0');
            value = value.checked_mul(radix.into())?;
            value = value.checked_add((digit < radix).then_some(digit)?.into())?;
        }
        None
    }

    fn place(&mut self, end: u8) -> Option<usize> {
        self.number(10, end)?.try_into().ok()
    }
}

#[cfg(test)]
#[path = "tar_index_tests.rs"]
mod tests;
