//! Mappings of files. Each is a copy of the file's bytes in pages of its own. What a program stores into a shared one is found
//! by comparing it with the file, when somebody looks: a call that reads the file, msync, munmap, the exit.

use alloc::vec::Vec;

use zvm_abi::layout::PAGE;

use super::Memory;
use super::pages::{READ, Reserve, WRITE};
use crate::errno::Errno;
use crate::fs::{Contents, Kind, Mount, NodeId, Tree};
use crate::kernel::Kernel;

/// Bytes that are compared at once.
const CHUNK: usize = 512;
/// Most bytes of a mapping that go back to the file before their pages are free: as many as a file takes at once.
const PIECE: u64 = 64 * 1024;

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

    /// Its first bytes, up to the next whole piece of the file.
    fn first_piece(&self) -> Mapping {
        Mapping {
            size: (PIECE - self.offset % PIECE).min(self.size),
            ..*self
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
        let mappings = self.memory.mappings(shared);
        mappings.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.tree.hold(mapping.node)?;
        self.memory.mappings(shared).push(mapping);
        Ok(())
    }

    /// Brings what was stored into shared mappings back to their files. One that fails keeps no other from it: the first error
    /// is told.
    pub(crate) fn write_back(&mut self, part: Part) -> Result<(), Errno> {
        let mut result = Ok(());
        for index in 0..self.memory.shared.len() {
            let mapping = self.memory.shared[index];
            if let Some(part) = mapping.part(part)
                && mapping.write
            {
                result = result.and(self.store(part, Reserve::Kept));
            }
        }
        result
    }

    /// Brings a part of a shared mapping back to its file.
    fn store(&mut self, part: Mapping, reserve: Reserve) -> Result<(), Errno> {
        let Kernel {
            memory,
            tree,
            clock,
            ..
        } = self;
        let Kind::File(contents) = &mut tree.node_mut(part.node)?.kind else {
            return Ok(());
        };
        memory.pages().set_reserve_use(reserve);
        let differs = part.store(memory, contents);
        memory.pages().set_reserve_use(Reserve::Used);
        // What was stored before an error has changed the file, too.
        if differs != Ok(false) {
            let now = clock.now();
            let node = tree.node_mut(part.node)?;
            (node.modified, node.changed) = (now, now);
            tree.change(part.node)?;
        }
        differs.map(|_| ())
    }

    /// Unmaps this memory. What shared mappings hold goes back to their files in pieces, and each piece's pages are free for the
    /// next: memory holds the bytes once, but for a piece. What fails stays mapped, and the first error is told.
    pub(super) fn hand_back(&mut self, start: u64, size: u64) -> Result<(), Errno> {
        self.room_to_cut(start, size)?;
        let (mut next, end, mut result) = (start, start + size, Ok(()));
        loop {
            let writable = self.memory.shared.iter().filter(|mapping| mapping.write);
            let parts = writable.filter_map(|mapping| mapping.within(next, end - next));
            let Some(part) = parts.min_by_key(|part| part.start) else {
                break;
            };
            let piece = part.first_piece();
            next = piece.end();
            match self.store(piece, Reserve::Lent) {
                Ok(()) => self.drop_mapped(piece.start, piece.size)?,
                error => result = result.and(error),
            }
        }
        result?;
        self.drop_mapped(start, size)
    }

    /// Forgets what is mapped in this memory, and gives the pages back.
    fn drop_mapped(&mut self, start: u64, size: u64) -> Result<(), Errno> {
        let Kernel { memory, tree, .. } = self;
        cut(&mut memory.shared, tree, start, size)?;
        cut(&mut memory.private, tree, start, size)?;
        memory.pages().release_program(start, size);
        Ok(())
    }

    /// The program has ended: brings back what it stored into shared mappings. All else that it had makes room for that, and for
    /// writing mounts.
    pub(crate) fn bring_home(&mut self) -> Result<(), Errno> {
        let memory = &mut self.memory;
        memory.shared.retain(|mapping| mapping.write);
        if memory.shared.is_empty() && !self.tree.mounts.iter().any(Mount::is_to_be_written) {
            return Ok(());
        }
        memory.shared.sort_unstable_by_key(|mapping| mapping.start);
        let (start, end) = memory.end_program();
        self.hand_back(start, end - start)
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

    /// Forgets what was mapped in this memory, after it is brought back; the pages stay together.
    pub(super) fn cut_mappings(&mut self, start: u64, size: u64) -> Result<(), Errno> {
        self.room_to_cut(start, size)?;
        self.write_back(Part::Memory(start, size))?;
        let Kernel { memory, tree, .. } = self;
        cut(&mut memory.shared, tree, start, size)?;
        cut(&mut memory.private, tree, start, size)
    }

    /// Makes room for the one mapping more that there is where this memory lies in the middle of one.
    fn room_to_cut(&mut self, start: u64, size: u64) -> Result<(), Errno> {
        let end = start + size;
        for shared in [true, false] {
            let mappings = self.memory.mappings(shared);
            if mappings.iter().any(|m| m.start < start && end < m.end()) {
                mappings.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            }
        }
        Ok(())
    }

    /// Makes mappings of one part of memory those of another, of which as much is mapped; the bytes are there already.
    pub(super) fn copy_mappings(&mut self, from: u64, to: u64, size: u64) -> Result<(), Errno> {
        for shared in [true, false] {
            for index in 0..self.memory.mappings(shared).len() {
                if let Some(part) = self.memory.mappings(shared)[index].within(from, size) {
                    let start = part.start - from + to;
                    self.add_mapping(Mapping { start, ..part }, shared)?;
                }
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
        for index in 0..self.memory.private.len() {
            let Some(part) = self.memory.private[index].within(start, size) else {
                continue;
            };
            self.write_back(Part::File(part.node, part.offset, part.size))?;
            if let Kind::File(contents) = &self.tree.node(part.node)?.kind {
                part.up_to(contents.size()).load(&self.memory, contents)?;
            }
        }
        Ok(())
    }
}

/// Takes this memory out of the mappings, which may leave one part of a mapping on either side, if there is room for both.
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
