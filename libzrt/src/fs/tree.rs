//! Nodes and the operations on names.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zvm_abi::manifest::MOUNT_BYTES;

use super::contents::MAX_SIZE;
use super::tar_index::Unread;
use super::{Contents, Directory};
use crate::errno::Errno;

/// Index of a node in its [`Tree`].
pub type NodeId = u32;

/// Seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds.
    pub seconds: i64,
    /// Less than 10⁹.
    pub nanoseconds: u32,
}

/// A character device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Empty, swallows everything.
    Null,
    /// Zeros without end, swallows everything.
    Zero,
    /// Zeros without end, always full.
    Full,
    /// Random bytes from the seed.
    Random,
    /// Reading it is the point at which a snapshot is made, and at which instances begin that are made from it.
    Snapshot,
    /// The controlling terminal, which no program here has: it has a name and cannot be opened.
    Terminal,
    /// A channel.
    Channel(u32),
}

/// A file whose text is made when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// /proc/self/maps.
    Maps,
    /// /proc/self/cmdline.
    Cmdline,
    /// /proc/self/environ.
    Environ,
    /// /proc/self/status.
    Status,
    /// /proc/self/stat.
    Stat,
    /// /proc/self/statm.
    Statm,
    /// /proc/self/comm.
    Comm,
    /// /proc/self/mounts.
    Mounts,
    /// /proc/meminfo.
    Meminfo,
    /// /proc/cpuinfo.
    Cpuinfo,
    /// /proc/uptime.
    Uptime,
    /// /proc/version.
    Version,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind {
    /// A regular file.
    File(Contents),
    /// A directory.
    Directory(Directory),
    /// A directory of an archive that nobody has looked into ([`Tree::look_into`]).
    Unread(Unread),
    /// A symbolic link and its target.
    Symlink(Box<[u8]>),
    /// A character device.
    Device(Device),
    /// A pipe, with or without a name; its bytes are in the pipe table.
    Pipe(Box<super::Pipe>),
    /// An eventfd.
    Event(super::Event),
    /// A timerfd.
    Timer(super::Timer),
    /// A socket.
    Socket(Box<super::Socket>),
    /// An epoll descriptor.
    Epoll(super::Epoll),
    /// A file of /proc.
    Generated(Generated),
    /// /proc/self/fd: its names are the open descriptors.
    Descriptors,
}

/// A file of any type.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, at most 0o7777.
    pub permissions: u16,
    /// Index into [`Tree::mounts`].
    pub mount: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names; a directory counts itself and its subdirectories too.
    pub links: u32,
    /// Open files, mappings and working directories that refer to it.
    pub opens: u32,
    /// Last access: set by utimensat only.
    pub accessed: Time,
    /// Last change of the contents.
    pub modified: Time,
    /// Last change of anything.
    pub changed: Time,
    /// The directory that holds this directory, or held it until this one was removed.
    pub parent: NodeId,
    /// This directory's name there.
    pub name: Box<[u8]>,
    /// What the mount whose root this is has hidden.
    pub covered: Option<NodeId>,
    /// Who is told when it changes.
    pub watchers: Option<Box<super::Watchers>>,
    /// Without a name, it may be given one (`O_TMPFILE`).
    pub linkable: bool,
    /// A memfd's `F_SEAL_…` bits.
    pub seals: Option<u32>,
}

impl Kind {
    /// Whether it has no offset, and a transfer is one, however many parts the buffer has.
    pub fn is_stream(&self) -> bool {
        matches!(
            self,
            Kind::Pipe(_)
                | Kind::Socket(_)
                | Kind::Event(_)
                | Kind::Timer(_)
                | Kind::Epoll(_)
                | Kind::Device(Device::Channel(_))
        )
    }
}

impl Node {
    /// A node without a name yet.
    pub fn new(kind: Kind, permissions: u16, mount: u16, now: Time) -> Node {
        Node {
            kind,
            permissions,
            mount,
            uid: 0,
            gid: 0,
            links: 0,
            opens: 0,
            accessed: now,
            modified: now,
            changed: now,
            parent: 0,
            name: Box::default(),
            covered: None,
            watchers: None,
            linkable: false,
            seals: None,
        }
    }

    /// `st_mode`: type and permissions.
    pub fn mode(&self) -> u32 {
        let kind = match &self.kind {
            Kind::File(_) | Kind::Generated(_) => 0o100_000,
            Kind::Directory(_) | Kind::Unread(_) | Kind::Descriptors => 0o040_000,
            Kind::Symlink(_) => 0o120_000,
            Kind::Device(_) => 0o020_000,
            Kind::Pipe(_) => 0o010_000,
            Kind::Socket(_) => 0o140_000,
            // Linux's anonymous inodes have no type.
            Kind::Event(_) | Kind::Timer(_) | Kind::Epoll(_) => 0,
        };
        kind | u32::from(self.permissions)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(
            self.kind,
            Kind::Directory(_) | Kind::Unread(_) | Kind::Descriptors
        )
    }
}

/// A mounted tree.
#[derive(Debug)]
pub struct Mount {
    /// Where, as an absolute path.
    pub point: Box<[u8]>,
    /// Its root.
    pub root: NodeId,
    /// Nothing in it may change.
    pub read_only: bool,
    /// Something in it changed since the start.
    pub changed: bool,
    /// The channel to which the tree is written at exit.
    pub out: Option<u32>,
}

impl Mount {
    /// Whether something in it has changed that goes back to the host.
    pub fn is_to_be_written(&self) -> bool {
        self.changed && self.out.is_some()
    }
}

/// All nodes.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Option<Node>>,
    free: Vec<NodeId>,
    /// Mounts; 0 is the one that holds `/` at first.
    pub mounts: Vec<Mount>,
    /// The root directory.
    pub root: NodeId,
}

impl Tree {
    /// A tree with an empty root directory.
    pub fn new(now: Time) -> Tree {
        let mut root = Node::new(Kind::Directory(Directory::default()), 0o755, 0, now);
        (root.links, root.opens) = (2, 1);
        let mount = Mount {
            point: Box::from(&b"/"[..]),
            root: 0,
            read_only: false,
            changed: false,
            out: None,
        };
        Tree {
            nodes: alloc::vec![Some(root)],
            free: Vec::new(),
            mounts: alloc::vec![mount],
            root: 0,
        }
    }

    /// The node.
    ///
    /// # Errors
    /// `EIO` for a node that is not there, which would be a mistake in this crate.
    pub fn node(&self, id: NodeId) -> Result<&Node, Errno> {
        self.nodes
            .get(id as usize)
            .and_then(Option::as_ref)
            .ok_or(Errno::EIO)
    }

    /// The node, to change it.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, Errno> {
        self.nodes
            .get_mut(id as usize)
            .and_then(Option::as_mut)
            .ok_or(Errno::EIO)
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// Whether there is nothing; never, as the root is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all names of files in a mount, as far as somebody has looked at them.
    pub fn bytes_of_files(&self, mount: usize) -> u64 {
        let nodes = self.nodes.iter().flatten();
        let of_mount = nodes.filter(|node| usize::from(node.mount) == mount);
        of_mount.fold(0, |sum, node| match &node.kind {
            Kind::File(contents) => {
                let size = contents.size().saturating_mul(node.links.into());
                size.saturating_add(sum)
            }
            _ => sum,
        })
    }

    /// The most bytes that a file may have.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn largest_file(&self, id: NodeId) -> Result<u64, Errno> {
        let mount = self.mounts.get(usize::from(self.node(id)?.mount));
        let is_written = mount.is_some_and(|mount| mount.out.is_some());
        // Holes of a file that is written back are bytes like others there: no more than what can be mounted again.
        Ok(if is_written { MOUNT_BYTES } else { MAX_SIZE })
    }

    /// Adds a node that has no name yet.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub fn add(&mut self, node: Node) -> Result<NodeId, Errno> {
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = Some(node);
            return Ok(id);
        }
        self.nodes.try_reserve(1).map_err(|_| Errno::ENOSPC)?;
        // Room for each to go, so that nothing that makes room needs any.
        let most = self.nodes.capacity();
        self.free.try_reserve(most).map_err(|_| Errno::ENOSPC)?;
        self.nodes.push(Some(node));
        Ok(self.nodes.len() as NodeId - 1)
    }

    /// One more use of a node by something that is not a name.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn hold(&mut self, id: NodeId) -> Result<(), Errno> {
        self.node_mut(id)?.opens += 1;
        Ok(())
    }

    /// One use less; the node goes when that was the last and it has no name.
    pub fn release(&mut self, id: NodeId) {
        if let Ok(node) = self.node_mut(id) {
            node.opens = node.opens.saturating_sub(1);
            self.collect(id);
        }
    }

    /// Lets a node go that has no name any more, and no use.
    pub(super) fn forget(&mut self, id: NodeId) {
        if self.node(id).is_ok() {
            self.nodes[id as usize] = None;
            self.free.push(id);
        }
    }

    /// Lets a node go that has no name and no use, and the directories that were there only because `..` of it led to them.
    fn collect(&mut self, id: NodeId) {
        let mut at = id;
        while let Ok(node) = self.node(at)
            && node.links == 0
            && node.opens == 0
        {
            let above = node.is_directory().then_some(node.parent);
            self.forget(at);
            let Some(parent) = above else { return };
            if let Ok(node) = self.node_mut(parent) {
                node.opens = node.opens.saturating_sub(1);
            }
            at = parent;
        }
    }

    /// Reads a directory's names if that is still to be done. Who asks for [`Kind::Directory`] or a directory's links calls this
    /// first.
    ///
    /// # Errors
    /// `EIO` for an archive's malformed index, `ENOSPC`; the directory is still to be read then.
    pub fn look_into(&mut self, id: NodeId) -> Result<(), Errno> {
        match self.node(id)?.kind {
            Kind::Unread(unread) => unread.read(self, id),
            _ => Ok(()),
        }
    }

    /// The directory's names.
    ///
    /// # Errors
    /// `ENOTDIR`; `EACCES` in /proc, where names are not the program's to change; as [`Self::look_into`].
    pub fn directory(&mut self, id: NodeId) -> Result<&Directory, Errno> {
        self.look_into(id)?;
        match &self.node(id)?.kind {
            Kind::Directory(directory) => Ok(directory),
            Kind::Descriptors => Err(Errno::EACCES),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn directory_mut(&mut self, id: NodeId) -> Result<&mut Directory, Errno> {
        self.look_into(id)?;
        match &mut self.node_mut(id)?.kind {
            Kind::Directory(directory) => Ok(directory),
            Kind::Descriptors => Err(Errno::EACCES),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// Checks that the node may be changed, and remembers that its mount has changed.
    ///
    /// # Errors
    /// `EROFS`.
    pub fn change(&mut self, id: NodeId) -> Result<(), Errno> {
        let mount = self.node(id)?.mount;
        let mount = self.mounts.get_mut(usize::from(mount)).ok_or(Errno::EIO)?;
        if mount.read_only {
            return Err(Errno::EROFS);
        }
        mount.changed = true;
        Ok(())
    }

    /// Gives a node a name in a directory; the name is free.
    ///
    /// # Errors
    /// `EROFS`, `ENOENT` in a removed directory, `EMLINK`, `ENOSPC`.
    pub fn link(
        &mut self,
        parent: NodeId,
        name: &[u8],
        id: NodeId,
        now: Time,
    ) -> Result<(), Errno> {
        self.change(parent)?;
        let directory = self.node(parent)?;
        if directory.links == 0 {
            return Err(Errno::ENOENT);
        }
        let links = self.node(id)?.links.checked_add(1).ok_or(Errno::EMLINK)?;
        self.directory_mut(parent)?.insert(name, id)?;
        let node = self.node_mut(id)?;
        node.links = links;
        node.linkable = false;
        node.changed = now;
        if node.is_directory() {
            node.links += 1;
            node.parent = parent;
            node.name = Box::from(name);
            self.node_mut(parent)?.links += 1;
        }
        self.touch(parent, now)
    }

    /// A new node under a free name.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub fn create(
        &mut self,
        parent: NodeId,
        name: &[u8],
        kind: Kind,
        permissions: u16,
        now: Time,
    ) -> Result<NodeId, Errno> {
        const SET_GROUP: u16 = 0o2000;
        let above = self.node(parent)?;
        let mut node = Node::new(kind, permissions, above.mount, now);
        if above.permissions & SET_GROUP != 0 {
            node.gid = above.gid;
            if node.is_directory() {
                node.permissions |= SET_GROUP;
            }
        }
        let id = self.add(node)?;
        let linked = self.link(parent, name, id, now);
        if linked.is_err() {
            self.forget(id);
        }
        linked.map(|()| id)
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// `ENOENT`, `EROFS`, `EBUSY` for a mount's root, `ENOTEMPTY` for a directory with names.
    pub fn unlink(&mut self, parent: NodeId, name: &[u8], now: Time) -> Result<(), Errno> {
        let id = self.directory(parent)?.get(name).ok_or(Errno::ENOENT)?;
        self.change(parent)?;
        self.look_into(id)?;
        let node = self.node(id)?;
        if node.mount != self.node(parent)?.mount {
            return Err(Errno::EBUSY);
        }
        let directory = match &node.kind {
            Kind::Directory(directory) if !directory.is_empty() => return Err(Errno::ENOTEMPTY),
            Kind::Directory(_) => true,
            _ => false,
        };
        self.directory_mut(parent)?.remove(name);
        let node = self.node_mut(id)?;
        node.changed = now;
        node.links = if directory { 0 } else { node.links - 1 };
        if directory {
            // Whoever still uses the directory finds the one above it by `..`, as long as it is used.
            self.hold(parent)?;
            self.node_mut(parent)?.links -= 1;
        }
        self.touch(parent, now)?;
        self.collect(id);
        Ok(())
    }

    /// Moves a name; what had the new name before must have been taken away.
    ///
    /// # Errors
    /// `ENOENT`, `EROFS`, `ENOSPC`.
    pub fn rename(
        &mut self,
        from: (NodeId, &[u8]),
        to: (NodeId, &[u8]),
        now: Time,
    ) -> Result<(), Errno> {
        let id = self.directory(from.0)?.get(from.1).ok_or(Errno::ENOENT)?;
        self.change(from.0)?;
        self.change(to.0)?;
        if self.node(to.0)?.links == 0 {
            return Err(Errno::ENOENT);
        }
        self.directory_mut(to.0)?.insert(to.1, id)?;
        self.directory_mut(from.0)?.remove(from.1);
        let node = self.node_mut(id)?;
        node.changed = now;
        if node.is_directory() {
            node.parent = to.0;
            node.name = Box::from(to.1);
            self.node_mut(from.0)?.links -= 1;
            self.node_mut(to.0)?.links += 1;
        }
        self.touch(from.0, now)?;
        self.touch(to.0, now)
    }

    /// Exchanges what two names of one mount name.
    ///
    /// # Errors
    /// `ENOENT`, `EROFS`.
    pub fn exchange(
        &mut self,
        a: (NodeId, &[u8]),
        b: (NodeId, &[u8]),
        now: Time,
    ) -> Result<(), Errno> {
        let first = self.directory(a.0)?.get(a.1).ok_or(Errno::ENOENT)?;
        let second = self.directory(b.0)?.get(b.1).ok_or(Errno::ENOENT)?;
        self.change(a.0)?;
        self.change(b.0)?;
        for (id, from, to) in [(first, a, b), (second, b, a)] {
            self.directory_mut(to.0)?.insert(to.1, id)?;
            let node = self.node_mut(id)?;
            node.changed = now;
            if node.is_directory() {
                node.parent = to.0;
                node.name = Box::from(to.1);
                self.node_mut(from.0)?.links -= 1;
                self.node_mut(to.0)?.links += 1;
            }
        }
        self.touch(a.0, now)?;
        self.touch(b.0, now)
    }

    fn touch(&mut self, id: NodeId, now: Time) -> Result<(), Errno> {
        let node = self.node_mut(id)?;
        (node.modified, node.changed) = (now, now);
        Ok(())
    }

    /// Whether `id` is `below` or a directory above it.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn is_above(&self, id: NodeId, below: NodeId) -> Result<bool, Errno> {
        let mut at = below;
        while at != id {
            if at == self.root {
                return Ok(false);
            }
            at = self.node(at)?.parent;
        }
        Ok(true)
    }

    /// A new mount whose root is an empty directory at `parent/name`; an entry of that name is covered.
    ///
    /// # Errors
    /// `ENOSPC`, `ENOTDIR`.
    pub fn mount(
        &mut self,
        parent: NodeId,
        name: &[u8],
        mount: Mount,
        now: Time,
    ) -> Result<NodeId, Errno> {
        let index = u16::try_from(self.mounts.len()).map_err(|_| Errno::ENOSPC)?;
        let mut root = Node::new(Kind::Directory(Directory::default()), 0o755, index, now);
        (root.links, root.opens, root.parent, root.name) = (2, 1, parent, Box::from(name));
        let id = self.add(root)?;
        let covered = self.directory_mut(parent)?.insert(name, id)?;
        if covered.is_none() {
            self.node_mut(parent)?.links += 1;
        }
        self.node_mut(id)?.covered = covered;
        self.mounts.push(Mount { root: id, ..mount });
        Ok(id)
    }

    /// A directory's absolute path; `None` if it was removed.
    pub fn path(&self, id: NodeId) -> Option<Vec<u8>> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = id;
        while at != self.root {
            let node = self.node(at).ok().filter(|node| node.links > 0)?;
            names.push(&node.name);
            at = node.parent;
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_above_a_removed_one_stays_as_long_as_that_is_used() {
        let now = Time::default();
        let mut tree = Tree::new(now);
        let (root, count) = (tree.root, tree.len());
        let directory = || Kind::Directory(Directory::default());
        let above = tree.create(root, b"p", directory(), 0o755, now).unwrap();
        let below = tree.create(above, b"q", directory(), 0o755, now).unwrap();
        tree.hold(below).unwrap();
        tree.unlink(above, b"q", now).unwrap();
        tree.unlink(root, b"p", now).unwrap();
        let other = tree.create(root, b"other", directory(), 0o755, now);
        assert_eq!(tree.node(below).unwrap().parent, above);
        assert_ne!(other, Ok(above));
        let made = tree.create(above, b"x", Kind::File(Contents::default()), 0o644, now);
        assert_eq!(made, Err(Errno::ENOENT));
        tree.release(below);
        tree.unlink(root, b"other", now).unwrap();
        assert_eq!(tree.len(), count);
        assert_eq!(tree.node(root).unwrap().opens, 1);
    }
}
