//! What an epoll descriptor watches, and which of it may be ready.
//!
//! As on Linux, whatever changes a file tells those that watch it, and each of these puts its watch at the end of its descriptor's
//! queue. A wait looks at the queue alone, so it costs what is ready, however much is watched.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::NodeId;
use crate::errno::Errno;

/// `EPOLL…` bits that are no events: what a watch is like (Linux's `EP_PRIVATE_BITS`).
pub const MANNER: u32 = EDGE | ONE_SHOT | WAKE_UP | EXCLUSIVE;
/// `EPOLLET`: an event is reported once.
pub const EDGE: u32 = 1 << 31;
/// `EPOLLONESHOT`: one event is reported.
pub const ONE_SHOT: u32 = 1 << 30;
/// `EPOLLWAKEUP`: the machine stays awake, which it does.
pub const WAKE_UP: u32 = 1 << 29;
/// `EPOLLEXCLUSIVE`: one of those who wait is enough.
pub const EXCLUSIVE: u32 = 1 << 28;

/// A watched open file.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// The descriptor by which it was added.
    pub fd: u32,
    /// [`super::OpenFile::serial`].
    pub serial: u64,
    /// Its node.
    pub node: NodeId,
    /// Whether the open file may be read and written.
    pub access: (bool, bool),
    /// `EPOLL…` bits that are asked for; none but [`MANNER`]'s after `EPOLLONESHOT` has fired.
    pub events: u32,
    /// The program's word.
    pub data: u64,
}

impl Watch {
    /// Whether one of these events is asked for.
    pub fn wants(&self, events: u16) -> bool {
        self.events & u32::from(events) != 0
    }
}

/// Who watches a node.
#[derive(Debug, Default)]
pub struct Watchers(Vec<Watcher>);

/// One who does: an epoll descriptor's node, and the watch's place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watcher {
    /// The epoll descriptor's node.
    pub epoll: NodeId,
    /// [`Epoll::get`]'s index.
    pub index: u32,
}

impl Watchers {
    /// One more: in front of all, or as the `last`, where those of `EPOLLEXCLUSIVE` stand. In this order Linux tells them.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn add(list: &mut Option<Box<Watchers>>, new: Watcher, last: bool) -> Result<(), Errno> {
        let list = &mut list.get_or_insert_default().0;
        list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        list.insert(if last { list.len() } else { 0 }, new);
        Ok(())
    }

    /// Takes out those for which `gone` holds.
    pub fn remove(list: &mut Option<Box<Watchers>>, mut gone: impl FnMut(&Watcher) -> bool) {
        if let Some(watchers) = list {
            watchers.0.retain(|watcher| !gone(watcher));
            if watchers.0.is_empty() {
                *list = None;
            }
        }
    }

    /// Those of this node, in the order in which they are told.
    pub fn of(list: &Option<Box<Watchers>>) -> &[Watcher] {
        list.as_ref().map_or(&[], |list| &list.0)
    }
}

#[derive(Debug)]
struct Entry {
    watch: Watch,
    /// Its neighbours, if it is in the queue.
    queued: Option<[Option<u32>; 2]>,
}

const BEFORE: usize = 0;
const AFTER: usize = 1;

/// An epoll descriptor's node.
#[derive(Debug, Default)]
pub struct Epoll {
    /// By index; `None` where one was removed.
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// The queue's first and last, and how many are in it.
    ends: [Option<u32>; 2],
    queued: usize,
}

impl Epoll {
    /// A new watch, in no queue: its index.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn add(&mut self, watch: Watch) -> Result<u32, Errno> {
        let entry = Some(Entry {
            watch,
            queued: None,
        });
        if let Some(index) = self.free.pop() {
            self.entries[index as usize] = entry;
            return Ok(index);
        }
        self.entries.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        // Room for each to go.
        let most = self.entries.capacity();
        self.free.try_reserve(most).map_err(|_| Errno::ENOMEM)?;
        self.entries.push(entry);
        Ok(self.entries.len() as u32 - 1)
    }

    /// Removes a watch.
    pub fn remove(&mut self, index: u32) {
        self.unqueue(index);
        if let Some(entry) = self.entries.get_mut(index as usize)
            && entry.take().is_some()
        {
            self.free.push(index);
        }
    }

    fn entry(&mut self, index: u32) -> Option<&mut Entry> {
        self.entries.get_mut(index as usize)?.as_mut()
    }

    /// The watch of this index.
    pub fn get(&self, index: u32) -> Option<&Watch> {
        let entry = self.entries.get(index as usize)?.as_ref()?;
        Some(&entry.watch)
    }

    /// The watch of this index, to change it.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut Watch> {
        self.entry(index).map(|entry| &mut entry.watch)
    }

    /// All watches with their indices.
    pub fn watches(&self) -> impl Iterator<Item = (u32, &Watch)> {
        let entries = self.entries.iter().zip(0..);
        entries.filter_map(|(entry, index)| Some((index, &entry.as_ref()?.watch)))
    }

    /// Puts a watch at the queue's end: whether it was not in the queue.
    pub fn queue(&mut self, index: u32) -> bool {
        self.insert(index, AFTER)
    }

    /// Puts a watch, which is in no queue, at the front of it.
    pub fn put_back(&mut self, index: u32) {
        self.insert(index, BEFORE);
    }

    fn insert(&mut self, index: u32, side: usize) -> bool {
        let end = self.ends[side];
        let mut links = [None; 2];
        links[1 - side] = end;
        match self.entry(index) {
            Some(entry) if entry.queued.is_none() => entry.queued = Some(links),
            _ => return false,
        }
        match end {
            Some(end) => self.link(end, side, Some(index)),
            None => self.ends[1 - side] = Some(index),
        }
        self.ends[side] = Some(index);
        self.queued += 1;
        true
    }

    /// Sets a queued watch's neighbour.
    fn link(&mut self, index: u32, side: usize, to: Option<u32>) {
        if let Some(entry) = self.entry(index)
            && let Some(links) = &mut entry.queued
        {
            links[side] = to;
        }
    }

    /// Takes a watch out of the queue, if it is there.
    pub fn unqueue(&mut self, index: u32) {
        let Some(links) = self.entry(index).and_then(|entry| entry.queued.take()) else {
            return;
        };
        for side in [BEFORE, AFTER] {
            match links[side] {
                Some(neighbour) => self.link(neighbour, 1 - side, links[1 - side]),
                None => self.ends[side] = links[1 - side],
            }
        }
        self.queued -= 1;
    }

    /// The first of the queue.
    pub fn first(&self) -> Option<u32> {
        self.ends[BEFORE]
    }

    /// How many are in the queue.
    pub fn queued(&self) -> usize {
        self.queued
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(fd: u32) -> Watch {
        Watch {
            fd,
            serial: u64::from(fd),
            node: fd,
            access: (true, true),
            events: 1,
            data: 0,
        }
    }

    fn drain(epoll: &mut Epoll) -> Vec<u32> {
        let mut all = Vec::new();
        while let Some(index) = epoll.first() {
            epoll.unqueue(index);
            all.push(epoll.get(index).unwrap().fd);
        }
        assert_eq!((epoll.queued(), epoll.ends), (0, [None; 2]));
        all
    }

    #[test]
    fn the_queue_keeps_its_order_whatever_leaves_it() {
        let mut epoll = Epoll::default();
        let all: Vec<u32> = (0..5).map(|fd| epoll.add(watch(fd)).unwrap()).collect();
        for &index in &[all[3], all[1], all[3], all[4], all[0]] {
            epoll.queue(index);
        }
        assert_eq!(epoll.queued(), 4);
        epoll.put_back(all[2]);
        epoll.unqueue(all[1]);
        epoll.unqueue(all[1]);
        assert_eq!(drain(&mut epoll), [2, 3, 4, 0]);
        for &index in &all {
            epoll.queue(index);
        }
        epoll.remove(all[0]);
        epoll.remove(all[4]);
        epoll.remove(all[2]);
        assert_eq!(drain(&mut epoll), [1, 3]);
    }

    #[test]
    fn places_are_used_again() {
        let mut epoll = Epoll::default();
        let first = epoll.add(watch(1)).unwrap();
        epoll.queue(first);
        epoll.remove(first);
        epoll.remove(first);
        assert!(epoll.get(first).is_none());
        assert_eq!(epoll.add(watch(2)), Ok(first));
        assert_ne!(epoll.add(watch(3)), Ok(first));
        assert_eq!(epoll.first(), None);
        assert_eq!(epoll.watches().count(), 2);
    }

    #[test]
    fn the_newest_is_told_first_and_exclusive_ones_last() {
        let mut list = None;
        for (index, last) in [(1, false), (2, true), (3, false), (4, true)] {
            let new = Watcher { epoll: 0, index };
            Watchers::add(&mut list, new, last).unwrap();
        }
        let order = |list: &_| -> Vec<u32> {
            let all = Watchers::of(list).iter();
            all.map(|watcher| watcher.index).collect()
        };
        assert_eq!(order(&list), [3, 1, 2, 4]);
        Watchers::remove(&mut list, |watcher| watcher.index % 2 == 1);
        assert_eq!(order(&list), [2, 4]);
        Watchers::remove(&mut list, |_| true);
        assert!(list.is_none());
    }
}
