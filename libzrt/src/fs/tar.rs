//! Reads a tar image into a tree: ustar, PAX and GNU long names. Files stay where they are in the image.
//!
//! The image is hostile input: every number is checked against the image's end, names may not leave the mount, and there
//! are limits on all that costs memory. Format: POSIX pax (ustar interchange format) and GNU tar's manual.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::{Contents, Directory, Kind, NodeId, Time, Tree, tar_index};
use crate::errno::Errno;

/// Bytes in a tar block.
pub const BLOCK: usize = 512;
/// Most entries in an image.
pub const MAX_ENTRIES: usize = 1 << 20;
/// Most bytes in a name or a link's target.
pub const MAX_NAME: usize = 4095;
/// Most bytes in a component of a name.
pub const MAX_COMPONENT: usize = 255;
/// Most bytes in a PAX header.
pub const MAX_PAX: usize = 1 << 20;

/// Why an image is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TarError {
    /// Offset of the entry's header in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub problem: TarProblem,
}

/// What is wrong with a tar entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TarProblem {
    /// The header's checksum does not match: not a tar file, or damaged.
    Checksum,
    /// A field that should be an octal number is none.
    Number,
    /// The entry goes beyond the image's end.
    Truncated,
    /// A name that is empty, too long, has a NUL, or a component above 255 bytes.
    Name,
    /// A name with `..`, which could leave the mount.
    Outside,
    /// A name whose parent is a file or a link.
    Parent,
    /// A hard link to something that is no earlier file of the image.
    HardLink,
    /// An extended header that does not keep its format.
    Pax,
    /// An index of the archive ([`zvm_abi::tar_index`]) that does not keep its format.
    Index,
    /// An entry type that cannot be served: sparse files, volumes.
    Type(u8),
    /// More entries than [`MAX_ENTRIES`].
    TooMany,
    /// No memory for the names.
    Memory,
}

impl fmt::Display for TarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.problem {
            TarProblem::Checksum => "the header's checksum is wrong (not a tar file, or damaged)",
            TarProblem::Number => "a number in the header is malformed",
            TarProblem::Truncated => "the entry goes beyond the end",
            TarProblem::Name => "a bad name (empty, NUL, or too long)",
            TarProblem::Outside => "a name with `..`",
            TarProblem::Parent => "the parent of the name is no directory",
            TarProblem::HardLink => "a hard link to no earlier file",
            TarProblem::Pax => "a malformed extended header",
            TarProblem::Index => "a malformed index of the archive",
            TarProblem::Type(kind) => {
                return write!(
                    f,
                    "bad tar entry at {:#x}: type {kind:#x} cannot be served",
                    self.offset
                );
            }
            TarProblem::TooMany => "too many entries",
            TarProblem::Memory => "out of memory",
        };
        write!(f, "bad tar entry at {:#x}: {text}", self.offset)
    }
}

/// What extended headers say about the next entry.
#[derive(Clone, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<Time>,
    uid: Option<u32>,
    gid: Option<u32>,
}

/// Adds all entries of `image` to the mount whose root is `root`.
///
/// # Errors
/// [`TarError`]: the image must not be used.
pub fn load(tree: &mut Tree, root: NodeId, image: &'static [u8]) -> Result<(), TarError> {
    load_at_most(MAX_ENTRIES, tree, root, image)
}

fn load_at_most(
    entries: usize,
    tree: &mut Tree,
    root: NodeId,
    image: &'static [u8],
) -> Result<(), TarError> {
    let mut loader = Loader {
        tree,
        root,
        parent: (Vec::new(), root),
        left: entries,
    };
    let mut global = Extended::default();
    let mut next = Extended::default();
    let mut offset = 0;
    while offset < image.len() {
        let fail = |problem| TarError { offset, problem };
        let header = image
            .get(offset..offset + BLOCK)
            .ok_or(fail(TarProblem::Truncated))?;
        if header.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        check_sum(header).map_err(fail)?;
        let kind = header[156];
        let extension = matches!(kind, b'x' | b'g' | b'L' | b'K' | b'X');
        let size = match next.size.or(global.size) {
            Some(size) if !extension => size,
            _ => number(&header[124..136]).map_err(fail)?,
        };
        // Only these carry data; others may have a size that means nothing.
        let has_data = extension || matches!(kind, b'0' | 0 | b'7' | b'D');
        let stored = if has_data || !matches!(kind, b'1'..=b'6') {
            size
        } else {
            0
        };
        let stored = usize::try_from(stored).map_err(|_| fail(TarProblem::Truncated))?;
        let start = offset + BLOCK;
        let end = start
            .checked_add(stored)
            .ok_or(fail(TarProblem::Truncated))?;
        let data = image.get(start..end).ok_or(fail(TarProblem::Truncated))?;
        match kind {
            b'x' | b'X' => pax(data, &mut next).map_err(fail)?,
            b'g' => {
                let behind = image.get(end.next_multiple_of(BLOCK)..);
                let behind = behind.unwrap_or_default();
                if tar_index::load(loader.tree, root, data, behind).map_err(fail)? {
                    return Ok(());
                }
                pax(data, &mut global).map_err(fail)?;
            }
            b'L' => next.path = Some(long_name(data).map_err(fail)?),
            b'K' => next.link = Some(long_name(data).map_err(fail)?),
            _ => {
                let extended = merge(core::mem::take(&mut next), &global);
                let entry = entry(header, data, &extended).map_err(fail)?;
                loader.add(entry).map_err(fail)?;
            }
        }
        offset = end
            .checked_next_multiple_of(BLOCK)
            .ok_or(fail(TarProblem::Truncated))?;
    }
    Ok(())
}

fn merge(next: Extended, global: &Extended) -> Extended {
    Extended {
        path: next.path.or_else(|| global.path.clone()),
        link: next.link.or_else(|| global.link.clone()),
        size: next.size.or(global.size),
        modified: next.modified.or(global.modified),
        uid: next.uid.or(global.uid),
        gid: next.gid.or(global.gid),
    }
}

/// What the headers of an entry say.
struct Entry<'a> {
    /// ustar's type flag.
    kind: u8,
    name: Cow<'a, [u8]>,
    /// Where a link leads.
    link: Cow<'a, [u8]>,
    permissions: u16,
    uid: u32,
    gid: u32,
    modified: Time,
    data: &'static [u8],
}

/// What its header says, and those in front of it.
fn entry<'a>(
    header: &'a [u8],
    data: &'static [u8],
    extended: &'a Extended,
) -> Result<Entry<'a>, TarProblem> {
    Ok(Entry {
        kind: header[156],
        name: match &extended.path {
            Some(path) => Cow::Borrowed(&path[..]),
            None => header_name(header),
        },
        link: link_target(header, extended),
        permissions: (number(&header[100..108])? & 0o7777) as u16,
        uid: extended.uid.map_or_else(|| id(&header[108..116]), Ok)?,
        gid: extended.gid.map_or_else(|| id(&header[116..124]), Ok)?,
        modified: match extended.modified {
            Some(time) => time,
            None => Time {
                seconds: signed_number(&header[136..148])?,
                nanoseconds: 0,
            },
        },
        data,
    })
}

struct Loader<'t> {
    tree: &'t mut Tree,
    root: NodeId,
    /// The last entry's directory, by its name without a slash at the end.
    parent: (Vec<u8>, NodeId),
    /// Entries that the image may still have.
    left: usize,
}

impl Loader<'_> {
    /// Adds one entry.
    fn add(&mut self, entry: Entry) -> Result<(), TarProblem> {
        self.left = self.left.checked_sub(1).ok_or(TarProblem::TooMany)?;
        let name = normal_name(&entry.name)?;
        let kind = match entry.kind {
            b'0' | 0 | b'7' if entry.name.ends_with(b"/") => Kind::Directory(Directory::default()),
            b'0' | 0 | b'7' => Kind::File(Contents::image(entry.data)),
            b'5' | b'D' => Kind::Directory(Directory::default()),
            b'2' => {
                let target = &entry.link;
                if target.is_empty() || target.len() > MAX_NAME || target.contains(&0) {
                    return Err(TarProblem::Name);
                }
                Kind::Symlink(Box::from(&target[..]))
            }
            b'1' => return self.hard_link(&name, &normal_name(&entry.link)?, entry.modified),
            b'6' => Kind::Pipe(Box::default()),
            // Devices: a mount has none; they are left out as tar does without the right to make them.
            b'3' | b'4' => return Ok(()),
            other => return Err(TarProblem::Type(other)),
        };
        let node = if name.is_empty() {
            // `./`: the mount's root itself.
            if !matches!(kind, Kind::Directory(_)) {
                return Err(TarProblem::Name);
            }
            self.root
        } else {
            self.place(&name, kind, entry.permissions, entry.modified)?
        };
        let node = self.tree.node_mut(node).map_err(memory)?;
        node.permissions = entry.permissions;
        (node.uid, node.gid) = (entry.uid, entry.gid);
        (node.accessed, node.modified, node.changed) =
            (entry.modified, entry.modified, entry.modified);
        Ok(())
    }

    /// Puts a node at `name`, in place of what was there; a directory keeps what it has.
    fn place(
        &mut self,
        name: &[u8],
        kind: Kind,
        permissions: u16,
        now: Time,
    ) -> Result<NodeId, TarProblem> {
        let (directory, last) = split(name);
        let parent = self.parent(directory, now)?;
        let existing = self
            .tree
            .directory(parent)
            .map_err(|_| TarProblem::Parent)?
            .get(last);
        if let Some(existing) = existing {
            let is_directory = self.tree.node(existing).map_err(memory)?.is_directory();
            if is_directory && matches!(kind, Kind::Directory(_)) {
                return Ok(existing);
            }
            let unlink = |tree: &mut Tree| tree.unlink(parent, last, now);
            if is_directory || self.change(parent, unlink).is_err() {
                return Err(TarProblem::Parent);
            }
        }
        self.change(parent, |tree| {
            tree.create(parent, last, kind, permissions, now)
        })
        .map_err(memory)
    }

    /// A change in a directory that leaves its times as the image has them.
    fn change<T>(
        &mut self,
        directory: NodeId,
        change: impl FnOnce(&mut Tree) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let node = self.tree.node(directory)?;
        let times = (node.modified, node.changed);
        let changed = change(self.tree);
        let node = self.tree.node_mut(directory)?;
        (node.modified, node.changed) = times;
        changed
    }

    fn hard_link(&mut self, name: &[u8], target: &[u8], now: Time) -> Result<(), TarProblem> {
        let mut at = self.root;
        for component in target.split(|&byte| byte == b'/') {
            at = self
                .tree
                .directory(at)
                .ok()
                .and_then(|d| d.get(component))
                .ok_or(TarProblem::HardLink)?;
        }
        if self.tree.node(at).map_err(memory)?.is_directory() || name.is_empty() {
            return Err(TarProblem::HardLink);
        }
        let (directory, last) = split(name);
        let parent = self.parent(directory, now)?;
        match self
            .tree
            .directory(parent)
            .map_err(|_| TarProblem::Parent)?
            .get(last)
        {
            Some(existing) if existing == at => return Ok(()),
            Some(_) => self
                .change(parent, |tree| tree.unlink(parent, last, now))
                .map_err(|_| TarProblem::Parent)?,
            None => {}
        }
        self.change(parent, |tree| tree.link(parent, last, at, now))
            .map_err(memory)
    }

    /// The directory of that name, made where the image left it out.
    fn parent(&mut self, name: &[u8], now: Time) -> Result<NodeId, TarProblem> {
        if self.parent.0 == name {
            return Ok(self.parent.1);
        }
        let mut at = self.root;
        for component in name
            .split(|&byte| byte == b'/')
            .filter(|component| !component.is_empty())
        {
            let directory = self.tree.directory(at).map_err(|_| TarProblem::Parent)?;
            at = match directory.get(component) {
                Some(id)
                    if self
                        .tree
                        .node(id)
                        .is_ok_and(|node| matches!(node.kind, Kind::Directory(_))) =>
                {
                    id
                }
                Some(_) => return Err(TarProblem::Parent),
                None => {
                    let kind = Kind::Directory(Directory::default());
                    self.change(at, |tree| tree.create(at, component, kind, 0o755, now))
                        .map_err(memory)?
                }
            };
        }
        self.parent = (name.to_vec(), at);
        Ok(at)
    }
}

fn memory(_: Errno) -> TarProblem {
    TarProblem::Memory
}

/// Directory part (empty for none) and last component.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&name[..slash], &name[slash + 1..]),
        None => (&[], name),
    }
}

/// The name relative to the mount's root, with single slashes and without `.`; empty for the root.
fn normal_name(raw: &[u8]) -> Result<Cow<'_, [u8]>, TarProblem> {
    if raw.is_empty() || raw.len() > MAX_NAME || raw.contains(&0) {
        return Err(TarProblem::Name);
    }
    // Most are so already, but for a directory's slash.
    let stripped = raw.strip_suffix(b"/").unwrap_or(raw);
    let mut is_normal = true;
    for component in stripped.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => is_normal = false,
            b".." => return Err(TarProblem::Outside),
            _ if component.len() > MAX_COMPONENT => return Err(TarProblem::Name),
            _ => {}
        }
    }
    if is_normal {
        return Ok(Cow::Borrowed(stripped));
    }
    let components = stripped.split(|&byte| byte == b'/');
    let kept: Vec<_> = components
        .filter(|part| !matches!(*part, b"" | b"."))
        .collect();
    Ok(Cow::Owned(kept.join(&b'/')))
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    &field[..field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len())]
}

/// The name in the header; ustar may put its front part into a second field.
fn header_name(header: &[u8]) -> Cow<'_, [u8]> {
    let name = text(&header[..100]);
    let prefix = text(&header[345..500]);
    // GNU's own format has other things there.
    if &header[257..263] != b"ustar\0" || prefix.is_empty() {
        return Cow::Borrowed(name);
    }
    Cow::Owned([prefix, b"/", name].concat())
}

fn link_target<'h>(header: &'h [u8], extended: &'h Extended) -> Cow<'h, [u8]> {
    Cow::Borrowed(
        extended
            .link
            .as_deref()
            .unwrap_or_else(|| text(&header[157..257])),
    )
}

fn long_name(data: &[u8]) -> Result<Vec<u8>, TarProblem> {
    let name = text(data);
    if name.len() > MAX_NAME {
        Err(TarProblem::Name)
    } else {
        Ok(name.to_vec())
    }
}

fn check_sum(header: &[u8]) -> Result<(), TarProblem> {
    let stored = number(&header[148..156])?;
    // The field itself counts as eight blanks. Sums without a condition are vector instructions, and a start reads every header.
    let own = &header[148..156];
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    let unsigned = sum(header) - sum(own) + 8 * u64::from(b' ');
    if stored == unsigned {
        return Ok(());
    }
    // Old tars summed signed bytes.
    let high = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte >= 0x80).count() as i64;
    let signed = unsigned as i64 - 256 * (high(header) - high(own));
    if i64::try_from(stored) == Ok(signed) {
        Ok(())
    } else {
        Err(TarProblem::Checksum)
    }
}

/// An octal field, or GNU's base-256 form. A blank field is 0.
fn number(field: &[u8]) -> Result<u64, TarProblem> {
    u64::try_from(signed_number(field)?).map_err(|_| TarProblem::Number)
}

fn signed_number(field: &[u8]) -> Result<i64, TarProblem> {
    if let Some(&first) = field.first()
        && first & 0x80 != 0
    {
        // Two's complement, big-endian; the first byte's top bit is the mark, the next is the sign.
        let mut value = if first & 0x40 != 0 { -1_i128 } else { 0 };
        value = value << 6 | i128::from(first & 0x3F);
        for &byte in &field[1..] {
            value = value.checked_mul(256).ok_or(TarProblem::Number)? | i128::from(byte);
        }
        return i64::try_from(value).map_err(|_| TarProblem::Number);
    }
    let trimmed = text(field).trim_ascii();
    let mut value = 0_i64;
    for &byte in trimmed {
        if !(b'0'..=b'7').contains(&byte) {
            return Err(TarProblem::Number);
        }
        value = value.checked_mul(8).ok_or(TarProblem::Number)? + i64::from(byte - b'0');
    }
    Ok(value)
}

fn id(field: &[u8]) -> Result<u32, TarProblem> {
    u32::try_from(number(field)?).map_err(|_| TarProblem::Number)
}

/// `LENGTH KEY=VALUE\n` records; keys that say nothing about what is served are skipped.
fn pax(mut data: &[u8], extended: &mut Extended) -> Result<(), TarProblem> {
    if data.len() > MAX_PAX {
        return Err(TarProblem::Pax);
    }
    while !data.is_empty() {
        let blank = data
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or(TarProblem::Pax)?;
        let length = usize::try_from(decimal(&data[..blank]).ok_or(TarProblem::Pax)?)
            .map_err(|_| TarProblem::Pax)?;
        let record = data
            .get(blank + 1..length)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or(TarProblem::Pax)?;
        data = &data[length..];
        let equals = record
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or(TarProblem::Pax)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        let number = || decimal(value).ok_or(TarProblem::Pax);
        match key {
            b"path" => extended.path = (!value.is_empty()).then(|| value.to_vec()),
            b"linkpath" => extended.link = (!value.is_empty()).then(|| value.to_vec()),
            b"size" => extended.size = Some(number()?),
            b"mtime" => extended.modified = Some(pax_time(value)?),
            b"uid" => extended.uid = Some(u32::try_from(number()?).map_err(|_| TarProblem::Pax)?),
            b"gid" => extended.gid = Some(u32::try_from(number()?).map_err(|_| TarProblem::Pax)?),
            // A sparse file's bytes are not its contents.
            _ if key.starts_with(b"GNU.sparse.") => return Err(TarProblem::Type(b'S')),
            _ => {}
        }
    }
    Ok(())
}

fn decimal(text: &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    if text.is_empty() {
        return None;
    }
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        value = value
            .checked_mul(10)?
            .checked_add(u64::from((digit < 10).then_some(digit)?))?;
    }
    Some(value)
}

/// Seconds with an optional fraction, negative before 1970.
fn pax_time(value: &[u8]) -> Result<Time, TarProblem> {
    let negative = value.first() == Some(&b'-');
    let digits = if negative { &value[1..] } else { value };
    let dot = digits
        .iter()
        .position(|&byte| byte == b'.')
        .unwrap_or(digits.len());
    let seconds = decimal(&digits[..dot])
        .and_then(|value| i64::try_from(value).ok())
        .ok_or(TarProblem::Pax)?;
    let mut nanoseconds = 0;
    for place in 0..9 {
        let byte = digits.get(dot + 1 + place).copied().unwrap_or(b'0');
        if !byte.is_ascii_digit() {
            return Err(TarProblem::Pax);
        }
        nanoseconds = nanoseconds * 10 + u32::from(byte - b'0');
    }
    Ok(match (negative, nanoseconds) {
        (false, _) => Time {
            seconds,
            nanoseconds,
        },
        (true, 0) => Time {
            seconds: -seconds,
            nanoseconds,
        },
        (true, _) => Time {
            seconds: -seconds - 1,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
    })
}

#[cfg(test)]
#[path = "tar_tests.rs"]
pub(crate) mod tests;
