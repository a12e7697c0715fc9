//! epoll.

use super::poll::{Access, IN, RDNORM, note_outside, with_mask};
use crate::errno::Errno;
use crate::fs::{Epoll, Kind, NodeId, Watch, flag};
use crate::kernel::{Args, Kernel};
use crate::threads::On;
use crate::time::{SECOND, duration};

const EDGE: u32 = 1 << 31;
const ONE_SHOT: u32 = 1 << 30;
/// Always reported: `EPOLLERR` and `EPOLLHUP`.
const ALWAYS: u32 = 0x18;
/// How deep epoll descriptors may watch each other.
const DEPTH: u32 = 5;

impl Kernel {
    fn epoll(&mut self, fd: u64) -> Result<(NodeId, &mut Epoll), Errno> {
        let id = self.files.get(fd)?.node;
        match &mut self.tree.node_mut(id)?.kind {
            Kind::Epoll(epoll) => Ok((id, epoll)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// What a watched file is ready for, of what is asked for.
    fn watched(&self, watch: &Watch, depth: u32) -> u32 {
        if watch.disarmed {
            return 0;
        }
        let access = Access {
            readable: watch.access.0,
            writable: watch.access.1,
        };
        let Ok(node) = self.tree.node(watch.node) else {
            return 0;
        };
        if watch.events & EDGE != 0 && watch.seen == Some(node.version) {
            return 0;
        }
        u32::from(self.kind_readiness(&node.kind, access, depth)) & (watch.events | ALWAYS)
    }

    /// Whether an epoll descriptor has something to report.
    pub(super) fn epoll_readiness(&self, epoll: &Epoll, depth: u32) -> u16 {
        let any = depth < DEPTH
            && epoll
                .watches
                .iter()
                .any(|watch| self.watched(watch, depth + 1) != 0);
        if any { IN | RDNORM } else { 0 }
    }

    /// Whether the epoll node `id` watches `target`, itself or through others.
    fn watches(&self, id: NodeId, target: NodeId, depth: u32) -> bool {
        let Ok(node) = self.tree.node(id) else {
            return false;
        };
        let Kind::Epoll(epoll) = &node.kind else {
            return false;
        };
        id == target
            || depth >= DEPTH
            || epoll
                .watches
                .iter()
                .any(|watch| self.watches(watch.node, target, depth + 1))
    }

    /// An open file is gone: nobody watches it any more.
    pub(super) fn unwatch(&mut self, serial: u64) {
        for index in 0..self.epolls.len() {
            if let Ok(node) = self.tree.node_mut(self.epolls[index])
                && let Kind::Epoll(epoll) = &mut node.kind
            {
                epoll.watches.retain(|watch| watch.serial != serial);
            }
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
    let file = kernel.files.opened(target)?;
    let (serial, node) = (file.serial, file.node);
    let access = (file.readable(), file.writable());
    let target_fd = target as u32;
    let (id, _) = kernel.epoll(fd)?;
    if id == node {
        return Err(Errno::EINVAL);
    }
    // Files and directories are always ready: Linux refuses to watch them.
    if !kernel.tree.node(node)?.kind.is_stream() {
        return Err(Errno::EPERM);
    }
    let (events, data) = if operation == DEL {
        (0, 0)
    } else {
        // struct epoll_event is packed: u32 events, u64 data.
        (
            kernel.memory.read::<u32>(event)?,
            kernel.memory.read::<u64>(event + 4)?,
        )
    };
    if operation == ADD && kernel.watches(node, id, 0) {
        return Err(Errno::ELOOP);
    }
    let (_, epoll) = kernel.epoll(fd)?;
    let found = epoll
        .watches
        .iter()
        .position(|watch| watch.serial == serial && watch.fd == target_fd);
    match (operation, found) {
        (ADD, Some(_)) => return Err(Errno::EEXIST),
        (DEL | MOD, None) => return Err(Errno::ENOENT),
        (ADD, None) => {
            epoll.watches.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            epoll.watches.push(Watch {
                fd: target_fd,
                serial,
                node,
                access,
                events,
                data,
                disarmed: false,
                seen: None,
            });
        }
        (DEL, Some(index)) => {
            epoll.watches.remove(index);
        }
        (MOD, Some(index)) => {
            let watch = &mut epoll.watches[index];
            (watch.events, watch.data) = (events, data);
            (watch.disarmed, watch.seen) = (false, None);
        }
        _ => return Err(Errno::EINVAL),
    }
    kernel.wake_node(id);
    Ok(0)
}

fn wait_for(
    kernel: &mut Kernel,
    [fd, events, most]: [u64; 3],
    span: Option<u64>,
) -> Result<u64, Errno> {
    const EVENT_SIZE: u64 = 12;
    /// Linux's `EP_MAX_EVENTS`.
    const MOST: u64 = i32::MAX as u64 / EVENT_SIZE;
    let most = most as i32;
    kernel.look_outside();
    let (_, epoll) = kernel.epoll(fd)?;
    let (count, mut next) = (epoll.watches.len(), epoll.next);
    let most = u64::try_from(most)
        .ok()
        .filter(|most| (1..=MOST).contains(most))
        .ok_or(Errno::EINVAL)?;
    // Nothing that is asked of the watched changes who watches them.
    let mut watches = core::mem::take(&mut epoll.watches);
    let mut found = 0;
    let mut written = Ok(());
    for step in 0..count {
        let index = (next + step) % count;
        let watch = &mut watches[index];
        let ready = kernel.watched(watch, 0);
        if ready == 0 {
            continue;
        }
        let at = events + found * EVENT_SIZE;
        written = kernel.memory.write(at, &ready);
        written = written.and(kernel.memory.write(at + 4, &watch.data));
        if written.is_err() {
            break;
        }
        found += 1;
        watch.seen = kernel.tree.node(watch.node).ok().map(|node| node.version);
        watch.disarmed = watch.events & ONE_SHOT != 0;
        if found == most {
            next = index + 1;
            break;
        }
    }
    let (_, epoll) = kernel.epoll(fd)?;
    (epoll.watches, epoll.next) = (watches, next);
    written?;
    if found > 0 || span == Some(0) {
        return Ok(found);
    }
    note_outside(kernel, fd);
    let deadline = kernel.deadline(span);
    match kernel.block(
        On::AnyNode,
        deadline,
        "waits for events that can never happen",
    ) {
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
