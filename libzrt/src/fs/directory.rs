//! A directory: names and nodes, found by name, listed by a position that stays valid while others come and go.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::NodeId;
use crate::errno::Errno;

/// Names in a directory.
#[derive(Debug, Default)]
pub struct Directory {
    /// In the order of their positions; `None` where a name was removed.
    slots: Vec<Option<Entry>>,
    /// Slots in the order of their names.
    sorted: Vec<u32>,
    /// Removed slots.
    free: Vec<u32>,
}

/// A name in a directory.
#[derive(Debug)]
pub struct Entry {
    /// One path component.
    pub name: Box<[u8]>,
    /// What it names.
    pub node: NodeId,
}

impl Directory {
    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        // Images are sorted mostly: the last place is the likely one.
        if let Some(&last) = self.sorted.last()
            && self.name(last) < name
        {
            return Err(self.sorted.len());
        }
        self.sorted
            .binary_search_by(|&slot| self.name(slot).cmp(name))
    }

    fn name(&self, slot: u32) -> &[u8] {
        self.slots[slot as usize]
            .as_ref()
            .map_or(&[], |entry| &entry.name)
    }

    /// The node that `name` names.
    pub fn get(&self, name: &[u8]) -> Option<NodeId> {
        let slot = self.sorted[self.search(name).ok()?];
        self.slots[slot as usize].as_ref().map(|entry| entry.node)
    }

    /// Adds a name, or makes an existing one name `node`: then the node that it named before.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub fn insert(&mut self, name: &[u8], node: NodeId) -> Result<Option<NodeId>, Errno> {
        let place = match self.search(name) {
            Ok(place) => {
                let slot = self.sorted[place] as usize;
                return Ok(self.slots[slot]
                    .as_mut()
                    .map(|entry| core::mem::replace(&mut entry.node, node)));
            }
            Err(place) => place,
        };
        let mut copy = Vec::new();
        copy.try_reserve_exact(name.len())
            .map_err(|_| Errno::ENOSPC)?;
        copy.extend_from_slice(name);
        self.sorted.try_reserve(1).map_err(|_| Errno::ENOSPC)?;
        let entry = Some(Entry {
            name: copy.into_boxed_slice(),
            node,
        });
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = entry;
                slot
            }
            None => {
                self.slots.try_reserve(1).map_err(|_| Errno::ENOSPC)?;
                // Room for each to go, so that nothing that makes room needs any.
                let most = self.slots.capacity();
                self.free.try_reserve(most).map_err(|_| Errno::ENOSPC)?;
                self.slots.push(entry);
                self.slots.len() as u32 - 1
            }
        };
        self.sorted.insert(place, slot);
        Ok(None)
    }

    /// Removes a name: the node that it named.
    pub fn remove(&mut self, name: &[u8]) -> Option<NodeId> {
        let slot = self.sorted.remove(self.search(name).ok()?);
        self.free.push(slot);
        let node = self.slots[slot as usize].take().map(|entry| entry.node);
        if self.sorted.is_empty() {
            self.slots.clear();
            self.free.clear();
        }
        node
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether it has no names.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The first name at `position` or behind, with its position.
    pub fn at(&self, position: u64) -> Option<(u64, &Entry)> {
        let start = usize::try_from(position).ok()?;
        let tail = self.slots.get(start..)?;
        tail.iter()
            .enumerate()
            .find_map(|(index, slot)| slot.as_ref().map(|entry| ((start + index) as u64, entry)))
    }

    /// The name at this place of the byte order.
    pub fn sorted(&self, place: usize) -> Option<&Entry> {
        self.sorted
            .get(place)
            .and_then(|&slot| self.slots[slot as usize].as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_replaced_and_removed() {
        let mut directory = Directory::default();
        for (node, name) in [b"b", b"d", b"a", b"c"].into_iter().enumerate() {
            assert_eq!(directory.insert(name, node as NodeId), Ok(None));
        }
        assert_eq!(directory.insert(b"d", 9), Ok(Some(1)));
        assert_eq!(
            (directory.get(b"d"), directory.get(b"e"), directory.len()),
            (Some(9), None, 4)
        );
        assert_eq!(
            (0..5)
                .map_while(|place| directory.sorted(place))
                .map(|entry| entry.name[0])
                .collect::<Vec<_>>(),
            b"abcd"
        );
        assert_eq!(
            (directory.remove(b"a"), directory.remove(b"a")),
            (Some(2), None)
        );
    }

    #[test]
    fn a_listing_survives_removal_of_what_was_listed() {
        let mut directory = Directory::default();
        for number in 0..100_u32 {
            directory
                .insert(alloc::format!("{number}").as_bytes(), number)
                .unwrap();
        }
        let (mut position, mut seen) = (0, Vec::new());
        while let Some((at, entry)) = directory.at(position) {
            let (node, name) = (entry.node, entry.name.clone());
            seen.push(node);
            directory.remove(&name);
            position = at + 1;
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert!(directory.is_empty());
    }
}
