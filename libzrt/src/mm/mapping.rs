//! Mappings of files. Each is a copy of the file's bytes in pages of its own. What a program stores into a shared one is found
//! by comparing it with the file, when somebody looks: a call that reads the file, msync, munmap, the exit.

use alloc::vec::Vec;

use zvm_abi::layout::PAGE;

use super::Memory;
use super::pages::{READ, WRITE};
use crate::errno::Errno;
use crate::fs::{Contents, Kind, NodeId, Tree};
use crate::kernel::Kernel;

/// Bytes that are compared at once.
const CHUNK: usize = 512;

/// Pages that hold a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub start: u64,
    pub size: u64,
    pub node: NodeId,
    /// Of the file's byte at `start`.
    pub offset: u64,
    /// Writable, now or before: its bytes go back to the file if it is shared.
    pub write: bool,
    /// It may become writable: the descriptor was open for writing.
    pub may_write: bool,
}

/// What is brought back to the files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    All,
    /// A file's bytes from an offset on, so many.
    File(NodeId, u64, u64),
    /// An address, and the bytes from there on.
    Memory(u64, u64),
}

impl Mapping {
    pub(super) fn end(&self) -> u64 {
        self.start + self.size
    }

    /// What of it lies in this memory.
    pub(super) fn within(&self, start: u64, size: u64) -> Option<Mapping> {
        let low = self.start.max(start);
        let high = self.end().min(start.saturating_add(size));
        (low < high).then(|| Mapping {
            start: low,
            size: high - low,
            offset: self.offset + (low - self.start),
            ..*self
        })
    }

    /// What of it shows these bytes of the file.
    fn showing(&self, node: NodeId, offset: u64, size: u64) -> Option<Mapping> {
        let low = self.offset.max(offset);
        let high = (self.offset + self.size).min(offset.saturating_add(size));
        (self.node == node && low < high).then(|| Mapping {
            start: self.start + (low - self.offset),
            size: high - low,
            offset: low,
            ..*self
        })
    }

    fn part(&self, part: Part) -> Option<Mapping> {
        match part {
            Part::All => Some(*self),
            Part::File(node, offset, size) => self.showing(node, offset, size),
            Part::Memory(start, size) => self.within(start, size),
        }
    }

    /// The part that the file has bytes for, of a file of this size.
    fn up_to(&self, size: u64) -> Mapping {
        Mapping {
            size: size.saturating_sub(self.offset).min(self.size),
            ..*self
        }
    }

    /// Reads the file's bytes again; behind the file's end are zeros.
    fn load(&self, memory: &Memory, contents: &Contents) -> Result<(), Errno> {
        // SAFETY: the slice ends with this function; contents are the library OS's own memory, or an image's.
        let bytes = unsafe { memory.owned_mut(self.start, self.size)? };
        let count = contents.read(self.offset, bytes);
        // What is zero is only looked at: a page that nobody touched costs the host no memory.
        for page in bytes[count..].chunks_mut(PAGE as usize) {
            if page.iter().any(|&byte| byte != 0) {
                page.fill(0);
            }
        }
        Ok(())
    }

    /// Writes what differs from the file to the file, and to its other mappings, which would undo it later. Whether there was
    /// anything.
    fn store(&self, memory: &Memory, contents: &mut Contents) -> Result<bool, Errno> {
        let part = self.up_to(contents.size());
        // SAFETY: the slice ends with this function, which writes to contents and other mappings.
        let bytes = unsafe { memory.owned(part.start, part.size)? };
        let mut differs = false;
        let mut before = [0; CHUNK];
        for (index, now) in bytes.chunks(CHUNK).enumerate() {
            let offset = part.offset + (index * CHUNK) as u64;
            let before = &mut before[..now.len()];
            contents.read(offset, before);
            if before == now {
                continue;
            }
            let written = contents.write(offset, now)?;
            differs = true;
            for other in &memory.shared {
                if other.within(self.start, self.size).is_none()
                    && let Some(other) = other.showing(self.node, offset, written as u64)
                {
                    let skip = (other.offset - offset) as usize;
                    other.merge(memory, &before[skip..], &now[skip..])?;
                }
            }
            if written < now.len() {
                return Err(Errno::ENOSPC);
            }
        }
        Ok(differs)
    }

    /// Takes over what has changed in the file; other bytes may be the program's, not yet brought back.
    fn merge(&self, memory: &Memory, before: &[u8], now: &[u8]) -> Result<(), Errno> {
        // SAFETY: the slice ends with this function; mappings do not overlap, and `now` is another one's.
        let bytes = unsafe { memory.owned_mut(self.start, self.size)? };
        for (byte, (before, now)) in bytes.iter_mut().zip(before.iter().zip(now)) {
            if before != now {
                *byte = *now;
            }
        }
        Ok(())
    }
}

impl Kernel {
    /// Adds a mapping, whose pages show the file already.
    pub(super) fn add_mapping(&mut self, mapping: Mapping, shared: bool) -> Result<(), Errno> {
        self.tree.hold(mapping.node)?;
        self.memory.mappings(shared).push(mapping);
        Ok(())
    }

    /// Brings what was stored into shared mappings back to their files.
    pub(crate) fn write_back(&mut self, part: Part) -> Result<(), Errno> {
        let Kernel {
            memory,
            tree,
            clock,
            ..
        } = self;
        let writable = memory.shared.iter().filter(|mapping| mapping.write);
        for mapping in writable.filter_map(|mapping| mapping.part(part)) {
            let Kind::File(contents) = &mut tree.node_mut(mapping.node)?.kind else {
                continue;
            };
            if mapping.store(memory, contents)? {
                let now = clock.now();
                let node = tree.node_mut(mapping.node)?;
                (node.modified, node.changed) = (now, now);
                tree.change(mapping.node)?;
            }
        }
        Ok(())
    }

    /// Brings new bytes of a file into its shared mappings.
    pub(crate) fn refresh(&mut self, node: NodeId, offset: u64, size: u64) -> Result<(), Errno> {
        let Kernel { memory, tree, .. } = self;
        let Kind::File(contents) = &tree.node(node)?.kind else {
            return Ok(());
        };
        let mappings = memory.shared.iter();
        for mapping in mappings.filter_map(|mapping| mapping.showing(node, offset, size)) {
            mapping.load(memory, contents)?;
        }
        Ok(())
    }

    /// After a file has got another end: shared mappings are zero between the two. Behind the old one, a program can have
    /// stored something only in the last page.
    pub(crate) fn refresh_end(&mut self, node: NodeId, old: u64, new: u64) -> Result<(), Errno> {
        let high = old.max(new.min(old.next_multiple_of(PAGE)));
        self.refresh(node, old.min(new), high - old.min(new))
    }

    /// Copies a file's bytes into fresh pages.
    pub(super) fn fill(
        &mut self,
        start: u64,
        size: u64,
        node: NodeId,
        offset: u64,
    ) -> Result<(), Errno> {
        self.write_back(Part::File(node, offset, size))?;
        let Kind::File(contents) = &self.tree.node(node)?.kind else {
            return Err(Errno::ENODEV);
        };
        let count = contents.size().saturating_sub(offset).min(size);
        self.memory.pages().protect(start, size, READ | WRITE);
        // SAFETY: the pages were just taken for the program; the slice ends with the statement.
        contents.read_fresh(offset, unsafe { self.memory.bytes_mut(start, count)? });
        Ok(())
    }

    /// Forgets what was mapped in this memory, after it is brought back.
    pub(super) fn cut_mappings(&mut self, start: u64, size: u64) -> Result<(), Errno> {
        self.write_back(Part::Memory(start, size))?;
        let Kernel { memory, tree, .. } = self;
        cut(&mut memory.shared, tree, start, size)?;
        cut(&mut memory.private, tree, start, size)
    }

    /// Makes mappings of one part of memory those of another, of which as much is mapped; the bytes are there already.
    pub(super) fn copy_mappings(&mut self, from: u64, to: u64, size: u64) -> Result<(), Errno> {
        for shared in [true, false] {
            let mappings = self.memory.mappings(shared).iter();
            let parts: Vec<Mapping> = mappings.filter_map(|m| m.within(from, size)).collect();
            for part in parts {
                let start = part.start - from + to;
                self.add_mapping(Mapping { start, ..part }, shared)?;
            }
        }
        Ok(())
    }

    /// Lets the mapping that ends here, if there is one, go on into fresh pages.
    pub(super) fn extend_mapping(&mut self, end: u64, more: u64) -> Result<(), Errno> {
        for shared in [true, false] {
            let mappings = self.memory.mappings(shared);
            if let Some(index) = mappings.iter().position(|m| m.end() == end) {
                let Mapping {
                    node, offset, size, ..
                } = mappings[index];
                self.fill(end, more, node, offset + size)?;
                self.memory.mappings(shared)[index].size += more;
            }
        }
        Ok(())
    }

    /// Makes memory what it was when it was mapped: zeros, or a file's bytes.
    pub(super) fn discard(&mut self, start: u64, size: u64) -> Result<(), Errno> {
        let (mut next, end) = (start, start + size);
        while next < end {
            // A shared mapping has the file's bytes as they are, those that the program stored among them.
            let shared = self.memory.shared.iter();
            let parts = shared.filter_map(|mapping| mapping.within(next, end - next));
            let (stop, behind) = parts
                .map(|part| (part.start, part.end()))
                .min()
                .unwrap_or((end, end));
            self.memory.pages().zero(next, stop - next);
            next = behind;
        }
        let Kernel { memory, tree, .. } = self;
        let mappings = memory.private.iter();
        for part in mappings.filter_map(|mapping| mapping.within(start, size)) {
            if let Kind::File(contents) = &tree.node(part.node)?.kind {
                part.up_to(contents.size()).load(memory, contents)?;
            }
        }
        Ok(())
    }
}

/// Takes this memory out of the mappings, which may leave one part of a mapping on either side.
fn cut(mappings: &mut Vec<Mapping>, tree: &mut Tree, start: u64, size: u64) -> Result<(), Errno> {
    let end = start + size;
    let mut index = 0;
    while index < mappings.len() {
        let mapping = mappings[index];
        if mapping.within(start, size).is_none() {
            index += 1;
            continue;
        }
        mappings.swap_remove(index);
        let below = mapping.within(mapping.start, start.saturating_sub(mapping.start));
        let above = mapping.within(end, mapping.end().saturating_sub(end));
        for part in [below, above].into_iter().flatten() {
            tree.hold(part.node)?;
            mappings.push(part);
        }
        tree.release(mapping.node);
    }
    Ok(())
}
