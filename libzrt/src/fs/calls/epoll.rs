//! epoll.

use alloc::vec::Vec;

use super::poll::{ALWAYS, ANY, Access, IN, OUT, RDNORM, with_mask};
use crate::errno::Errno;
use crate::fs::{EDGE, EXCLUSIVE, Epoll, Kind, MANNER, NodeId, ONE_SHOT, WAKE_UP, flag};
use crate::fs::{Watch, Watcher, Watchers};
use crate::kernel::{Args, Kernel};
use crate::threads::On;
use crate::time::{SECOND, duration};

/// How deep epoll descriptors may watch each other (Linux's `EP_MAX_NESTS`).
const DEPTH: u32 = 4;

impl Kernel {
    fn epoll(&mut self, fd: u64) -> Result<(NodeId, &mut Epoll), Errno> {
        let id = self.files.get(fd)?.node;
        let epoll = self.epoll_at(id).ok_or(Errno::EINVAL)?;
        Ok((id, epoll))
    }

    fn epoll_at(&mut self, id: NodeId) -> Option<&mut Epoll> {
        match &mut self.tree.node_mut(id).ok()?.kind {
            Kind::Epoll(epoll) => Some(epoll),
            _ => None,
        }
    }

    fn watch(&self, watcher: Watcher) -> Option<&Watch> {
        match &self.tree.node(watcher.epoll).ok()?.kind {
            Kind::Epoll(epoll) => epoll.get(watcher.index),
            _ => None,
        }
    }

    /// What a watched file is ready for, of what is asked for.
    fn watched(&mut self, watch: &Watch) -> u32 {
        let access = Access {
            readable: watch.access.0,
            writable: watch.access.1,
        };
        let ready = self.node_readiness(watch.node, access).unwrap_or(0);
        u32::from(ready) & watch.events
    }

    /// Whether an epoll descriptor has something to report. What is not ready any more leaves its queue.
    pub(super) fn epoll_readiness(&mut self, id: NodeId) -> u16 {
        while let Some(epoll) = self.epoll_at(id)
            && let Some(index) = epoll.first()
        {
            let watch = epoll.get(index).copied();
            if watch.is_some_and(|watch| self.watched(&watch) != 0) {
                return IN | RDNORM;
            }
            if let Some(epoll) = self.epoll_at(id) {
                epoll.unqueue(index);
            }
        }
        0
    }

    /// A node may have become ready for these events: the epoll descriptors that watch it queue it, and so do those that watch
    /// these. All of them are added to `told`.
    pub(crate) fn tell_watchers(&mut self, id: NodeId, events: u16, told: &mut Vec<NodeId>) {
        let Ok(node) = self.tree.node_mut(id) else {
            return;
        };
        // Nobody watches or stops watching meanwhile.
        let watchers = node.watchers.take();
        for &Watcher { epoll: id, index } in Watchers::of(&watchers) {
            let Some(epoll) = self.epoll_at(id) else {
                continue;
            };
            let Some(watch) = epoll
                .get(index)
                .filter(|watch| watch.wants(events))
                .copied()
            else {
                continue;
            };
            epoll.queue(index);
            // One that waits, and to which this is news that it wants, is enough.
            let both = events & (IN | OUT);
            let serves = watch.events & EXCLUSIVE != 0
                && (events == ANY || (both != IN | OUT && watch.wants(both)))
                && !told.contains(&id)
                && self.threads.wait_on(id);
            told.push(id);
            self.tell_watchers(id, IN | RDNORM, told);
            if serves {
                break;
            }
        }
        if let Ok(node) = self.tree.node_mut(id) {
            node.watchers = watchers;
        }
    }

    /// Whether somebody waits for one of these events of a node, itself or by an epoll descriptor.
    pub(crate) fn is_awaited(&self, id: NodeId, events: u16) -> bool {
        let watchers = self.tree.node(id).map(|node| &node.watchers);
        self.threads.wait_on(id)
            || watchers.is_ok_and(|watchers| {
                Watchers::of(watchers).iter().any(|&watcher| {
                    let watch = self.watch(watcher);
                    watch.is_some_and(|watch| watch.wants(events))
                        && self.is_awaited(watcher.epoll, IN | RDNORM)
                })
            })
    }

    /// Whether an epoll node is `target`, or watches it, itself or through others.
    fn watches(&self, id: NodeId, target: NodeId) -> bool {
        id == target
            || self
                .watched_epolls(id)
                .any(|below| self.watches(below, target))
    }

    /// How many epoll nodes stand in a row below this one.
    fn depth_below(&self, id: NodeId) -> u32 {
        let below = self
            .watched_epolls(id)
            .map(|below| 1 + self.depth_below(below));
        below.max().unwrap_or(0)
    }

    /// How many stand above it.
    fn depth_above(&self, id: NodeId) -> u32 {
        let watchers = self.tree.node(id).map(|node| Watchers::of(&node.watchers));
        let above = watchers.unwrap_or_default().iter();
        let above = above.map(|watcher| 1 + self.depth_above(watcher.epoll));
        above.max().unwrap_or(0)
    }

    /// The epoll nodes that this one watches.
    fn watched_epolls(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let epoll = match self.tree.node(id).map(|node| &node.kind) {
            Ok(Kind::Epoll(epoll)) => Some(epoll),
            _ => None,
        };
        let watched = epoll.into_iter().flat_map(Epoll::watches);
        let nodes = watched.map(|(_, watch)| watch.node);
        nodes.filter(|&node| {
            let node = self.tree.node(node);
            node.is_ok_and(|node| matches!(node.kind, Kind::Epoll(_)))
        })
    }

    /// An open file is gone: nobody watches it any more.
    pub(super) fn unwatch(&mut self, id: NodeId, serial: u64) {
        let Ok(node) = self.tree.node_mut(id) else {
            return;
        };
        let mut watchers = node.watchers.take();
        Watchers::remove(&mut watchers, |watcher| {
            let Some(epoll) = self.epoll_at(watcher.epoll) else {
                return true;
            };
            let watch = epoll.get(watcher.index);
            let gone = watch.is_none_or(|watch| watch.serial == serial);
            if gone {
                epoll.remove(watcher.index);
            }
            gone
        });
        if let Ok(node) = self.tree.node_mut(id) {
            node.watchers = watchers;
        }
    }

    /// An epoll descriptor is gone: it watches nothing any more.
    pub(super) fn watch_nothing(&mut self, id: NodeId) {
        let Some(epoll) = self.epoll_at(id) else {
            return;
        };
        let epoll = core::mem::take(epoll);
        for (_, watch) in epoll.watches() {
            if let Ok(node) = self.tree.node_mut(watch.node) {
                Watchers::remove(&mut node.watchers, |watcher| watcher.epoll == id);
            }
        }
        self.epolls.retain(|&epoll| epoll != id);
    }

    /// A watch was added or changed: if it is ready, it is queued, and those that wait for the epoll descriptor look.
    fn look_at_watch(&mut self, Watcher { epoll: id, index }: Watcher) {
        if let Some(watch) = self.watch(Watcher { epoll: id, index }).copied()
            && self.watched(&watch) != 0
            && let Some(epoll) = self.epoll_at(id)
            && epoll.queue(index)
        {
            self.wake_node(id, IN | RDNORM);
        }
    }
}

pub(crate) fn epoll_create(kernel: &mut Kernel, [size, ..]: Args) -> Result<u64, Errno> {
    if size as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    epoll_create1(kernel, [0; 6])
}

pub(crate) fn epoll_create1(kernel: &mut Kernel, [flags, ..]: Args) -> Result<u64, Errno> {
    let flags = flags as u32;
    if flags & !flag::CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    kernel.epolls.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    let kind = Kind::Epoll(Epoll::default());
    let fd = kernel.anonymous_descriptor(kind, flags, b"anon_inode:[eventpoll]")?;
    let id = kernel.files.get(fd)?.node;
    kernel.epolls.push(id);
    Ok(fd)
}

pub(crate) fn epoll_ctl(
    kernel: &mut Kernel,
    [fd, operation, target, event, ..]: Args,
) -> Result<u64, Errno> {
    const ADD: u64 = 1;
    const DEL: u64 = 2;
    const MOD: u64 = 3;
    /// What one of `EPOLLEXCLUSIVE` may ask for.
    const SHARED: u32 = (IN | OUT | ALWAYS) as u32 | WAKE_UP | EDGE | EXCLUSIVE;
    let (events, data) = if operation == DEL {
        (0, 0)
    } else {
        // struct epoll_event is packed: u32 events, u64 data.
        (
            kernel.memory.read::<u32>(event)?,
            kernel.memory.read::<u64>(event + 4)?,
        )
    };
    kernel.files.opened(fd)?;
    let file = kernel.files.opened(target)?;
    let (serial, node) = (file.serial, file.node);
    let access = (file.readable(), file.writable());
    let target_fd = target as u32;
    let watched = &kernel.tree.node(node)?.kind;
    // Files and directories are always ready: Linux refuses to watch them.
    if !watched.is_stream() {
        return Err(Errno::EPERM);
    }
    let is_epoll = matches!(watched, Kind::Epoll(_));
    let (id, _) = kernel.epoll(fd)?;
    if id == node {
        return Err(Errno::EINVAL);
    }
    let is_exclusive = events & EXCLUSIVE != 0;
    if is_exclusive && (operation == MOD || is_epoll || events & !SHARED != 0) {
        return Err(Errno::EINVAL);
    }
    if operation == ADD && is_epoll {
        let depth = || kernel.depth_above(id) + 1 + kernel.depth_below(node);
        if kernel.watches(node, id) || depth() > DEPTH {
            return Err(Errno::ELOOP);
        }
    }
    let all = Watchers::of(&kernel.tree.node(node)?.watchers).iter();
    let found = all.copied().find(|&watcher| {
        let watch = kernel.watch(watcher).filter(|_| watcher.epoll == id);
        watch.is_some_and(|watch| watch.serial == serial && watch.fd == target_fd)
    });
    let (_, epoll) = kernel.epoll(fd)?;
    match (operation, found) {
        (ADD, Some(_)) => Err(Errno::EEXIST),
        (DEL | MOD, None) => Err(Errno::ENOENT),
        (ADD, None) => {
            let index = epoll.add(Watch {
                fd: target_fd,
                serial,
                node,
                access,
                events: events | u32::from(ALWAYS),
                data,
            })?;
            let new = Watcher { epoll: id, index };
            let list = &mut kernel.tree.node_mut(node)?.watchers;
            if let Err(errno) = Watchers::add(list, new, is_exclusive) {
                kernel.epoll(fd)?.1.remove(index);
                return Err(errno);
            }
            kernel.look_at_watch(new);
            Ok(0)
        }
        (DEL, Some(watcher)) => {
            epoll.remove(watcher.index);
            let list = &mut kernel.tree.node_mut(node)?.watchers;
            Watchers::remove(list, |other| *other == watcher);
            Ok(0)
        }
        (MOD, Some(watcher)) => {
            let watch = epoll.get_mut(watcher.index).ok_or(Errno::ENOENT)?;
            if watch.events & EXCLUSIVE != 0 {
                return Err(Errno::EINVAL);
            }
            (watch.events, watch.data) = (events | u32::from(ALWAYS), data);
            kernel.look_at_watch(watcher);
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Reports what is queued and ready, in the queue's order: how many events.
fn report(kernel: &mut Kernel, id: NodeId, events: u64, most: u64) -> Result<u64, Errno> {
    const EVENT_SIZE: u64 = 12;
    let mut found = 0;
    // What is queued again meanwhile is for the next wait.
    let queued = kernel.epoll_at(id).map_or(0, |epoll| epoll.queued());
    for _ in 0..queued {
        let Some(epoll) = kernel.epoll_at(id) else {
            break;
        };
        let Some(index) = epoll.first().filter(|_| found < most) else {
            break;
        };
        epoll.unqueue(index);
        let Some(watch) = epoll.get(index).copied() else {
            continue;
        };
        let ready = kernel.watched(&watch);
        if ready == 0 {
            continue;
        }
        let at = events.wrapping_add(found * EVENT_SIZE);
        let written = kernel.memory.write(at, &ready);
        let written = written.and_then(|()| kernel.memory.write(at + 4, &watch.data));
        let Some(epoll) = kernel.epoll_at(id) else {
            break;
        };
        if let Err(errno) = written {
            epoll.put_back(index);
            return if found > 0 { Ok(found) } else { Err(errno) };
        }
        found += 1;
        if watch.events & ONE_SHOT != 0 {
            if let Some(watch) = epoll.get_mut(index) {
                watch.events &= MANNER;
            }
        } else if watch.events & EDGE == 0 {
            epoll.queue(index);
        }
    }
    Ok(found)
}

fn wait_for(
    kernel: &mut Kernel,
    [fd, events, most]: [u64; 3],
    span: Option<u64>,
) -> Result<u64, Errno> {
    /// Linux's `EP_MAX_EVENTS`.
    const MOST: u64 = i32::MAX as u64 / 12;
    kernel.look_around();
    let (id, _) = kernel.epoll(fd)?;
    let most = u64::try_from(most as i32)
        .ok()
        .filter(|most| (1..=MOST).contains(most))
        .ok_or(Errno::EINVAL)?;
    let found = report(kernel, id, events, most)?;
    if found > 0 || span == Some(0) {
        return Ok(found);
    }
    let deadline = kernel.deadline(span);
    let why = "waits for events that can never happen";
    match kernel.block(On::Node(id), deadline, why) {
        Errno::ETIMEDOUT => Ok(0),
        errno => Err(errno),
    }
}

fn milliseconds(timeout: u64) -> Option<u64> {
    u64::try_from(timeout as i32)
        .ok()
        .map(|ms| ms * (SECOND / 1000))
}

pub(crate) fn epoll_wait(
    kernel: &mut Kernel,
    [fd, events, most, timeout, ..]: Args,
) -> Result<u64, Errno> {
    wait_for(kernel, [fd, events, most], milliseconds(timeout))
}

pub(crate) fn epoll_pwait(
    kernel: &mut Kernel,
    [fd, events, most, timeout, mask, _]: Args,
) -> Result<u64, Errno> {
    with_mask(kernel, mask, |kernel| {
        wait_for(kernel, [fd, events, most], milliseconds(timeout))
    })
}

pub(crate) fn epoll_pwait2(
    kernel: &mut Kernel,
    [fd, events, most, timeout, mask, _]: Args,
) -> Result<u64, Errno> {
    let span = if timeout == 0 {
        None
    } else {
        Some(duration(kernel, timeout)?)
    };
    with_mask(kernel, mask, |kernel| {
        wait_for(kernel, [fd, events, most], span)
    })
}
