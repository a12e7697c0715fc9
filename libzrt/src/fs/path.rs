//! From a path to a node.

use alloc::vec::Vec;

use super::{Files, Kind, NodeId, Tree};
use crate::errno::Errno;

/// Bytes in a path, with its NUL (`PATH_MAX`).
pub const PATH_MAX: usize = 4096;
/// Bytes in a component (`NAME_MAX`).
pub const NAME_MAX: usize = 255;
/// Symbolic links on the way (Linux's `MAXSYMLINKS`).
const MAX_LINKS: u32 = 40;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The directory that has, or could have, the last component.
    pub parent: NodeId,
    /// The last component; `.` where the path has none.
    pub name: Vec<u8>,
    /// What is there.
    pub node: Option<NodeId>,
    /// The path ended in a slash.
    pub slash: bool,
}

impl Found {
    /// What is there.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn existing(&self) -> Result<NodeId, Errno> {
        self.node.ok_or(Errno::ENOENT)
    }

    /// Whether the last component is `.` or `..`.
    pub fn is_dots(&self) -> bool {
        self.name == b"." || self.name == b".."
    }
}

/// What becomes of a symbolic link in the last place of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It is followed.
    Followed,
    /// It is followed before a slash alone.
    Found,
    /// It is never followed: the name itself is to be made or taken away. What stands before a slash need not be a directory.
    Named,
}

impl From<bool> for Last {
    fn from(follow: bool) -> Last {
        if follow { Last::Followed } else { Last::Found }
    }
}

/// Marks a [`NodeId`] that is a name in /proc/self/fd; the other bits are the descriptor.
pub const DESCRIPTOR: NodeId = 1 << 31;

/// Why a way through the tree ends.
enum Stop {
    Errno(Errno),
    /// At a directory that has not been read.
    Unread(NodeId),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

/// Follows `path` from the directory `start`; `to` says what becomes of a symbolic link in the last place.
/// An unfollowed name in /proc/self/fd comes back with the mark [`DESCRIPTOR`].
///
/// # Errors
/// `ENOENT` (also for an empty path), `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`; as [`Tree::look_into`].
pub fn resolve(
    tree: &mut Tree,
    files: &Files,
    start: NodeId,
    path: &[u8],
    to: Last,
) -> Result<Found, Errno> {
    loop {
        match walk(tree, files, start, path, to) {
            Ok(found) => return Ok(found),
            Err(Stop::Unread(directory)) => tree.look_into(directory)?,
            Err(Stop::Errno(errno)) => return Err(errno),
        }
    }
}

/// As [`resolve`] with [`Last::Followed`], for what only a program can have made: that is in no directory which nobody has looked into.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_made(
    tree: &Tree,
    files: &Files,
    start: NodeId,
    path: &[u8],
) -> Result<Found, Errno> {
    walk(tree, files, start, path, Last::Followed).map_err(|stop| match stop {
        Stop::Errno(errno) => errno,
        Stop::Unread(_) => Errno::ENOENT,
    })
}

fn walk(tree: &Tree, files: &Files, start: NodeId, path: &[u8], to: Last) -> Result<Found, Stop> {
    if path.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    let mut text = path.to_vec();
    let mut at = 0;
    let mut directory = if path[0] == b'/' { tree.root } else { start };
    let mut links = 0;
    loop {
        at += text[at..].iter().take_while(|&&byte| byte == b'/').count();
        if !tree.node(directory)?.is_directory() {
            return Err(Errno::ENOTDIR.into());
        }
        if at == text.len() {
            return Ok(Found {
                parent: directory,
                name: b".".to_vec(),
                node: Some(directory),
                slash: true,
            });
        }
        let end = text[at..]
            .iter()
            .position(|&byte| byte == b'/')
            .map_or(text.len(), |length| at + length);
        let name = &text[at..end];
        let last = text[end..].iter().all(|&byte| byte == b'/');
        let slash = last && end < text.len();
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        let Some(mut id) = lookup(tree, files, directory, name)? else {
            return if last {
                Ok(Found {
                    parent: directory,
                    name: name.to_vec(),
                    node: None,
                    slash,
                })
            } else {
                Err(Errno::ENOENT.into())
            };
        };
        if !last || to == Last::Followed || (slash && to == Last::Found) {
            if id & DESCRIPTOR != 0 {
                id = files.get(u64::from(id & !DESCRIPTOR))?.node;
            } else if let Kind::Symlink(target) = &tree.node(id)?.kind {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::ELOOP.into());
                }
                if target.len() + text.len() - end > 2 * PATH_MAX {
                    return Err(Errno::ENAMETOOLONG.into());
                }
                // The link's target takes the place of all that was read.
                let mut next = target.to_vec();
                next.extend_from_slice(&text[end..]);
                if next.first() == Some(&b'/') {
                    directory = tree.root;
                }
                (text, at) = (next, 0);
                continue;
            }
        }
        if last {
            if slash && to != Last::Named && !tree.node(id)?.is_directory() {
                return Err(Errno::ENOTDIR.into());
            }
            return Ok(Found {
                parent: directory,
                name: name.to_vec(),
                node: Some(id),
                slash,
            });
        }
        (directory, at) = (id, end);
    }
}

fn lookup(
    tree: &Tree,
    files: &Files,
    directory: NodeId,
    name: &[u8],
) -> Result<Option<NodeId>, Stop> {
    let node = tree.node(directory)?;
    match (name, &node.kind) {
        (b".", _) => Ok(Some(directory)),
        (b"..", _) => Ok(Some(node.parent)),
        (_, Kind::Directory(entries)) => Ok(entries.get(name)),
        (_, Kind::Unread(_)) => Err(Stop::Unread(directory)),
        (_, Kind::Descriptors) => {
            let number = core::str::from_utf8(name)
                .ok()
                .and_then(|text| text.parse::<u32>().ok());
            Ok(number
                .filter(|&fd| fd < DESCRIPTOR && files.get(u64::from(fd)).is_ok())
                .map(|fd| fd | DESCRIPTOR))
        }
        _ => Err(Errno::ENOTDIR.into()),
    }
}
