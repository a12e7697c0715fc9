//! eventfd and timerfd.

use super::open::install;
use super::poll::{IN, OUT, RDNORM, WRNORM};
use crate::errno::Errno;
use crate::fs::{Event, Kind, Node, NodeId, Timer, flag};
use crate::kernel::{Args, Kernel};
use crate::threads::On;
use crate::time::SECOND;

impl Kernel {
    /// A descriptor for a new node without a name.
    pub(super) fn anonymous_descriptor(
        &mut self,
        kind: Kind,
        flags: u32,
        name: &[u8],
    ) -> Result<u64, Errno> {
        let now = self.now();
        let id = self.tree.add(Node::new(kind, 0o600, 0, now))?;
        install(self, id, flag::RDWR | flags, name.to_vec())
    }

    /// Reads a counter: 8 bytes.
    pub(super) fn read_counter(
        &mut self,
        id: NodeId,
        buffer: &mut [u8],
        is_blocking: bool,
    ) -> Result<u64, Errno> {
        let Some(target) = buffer.first_chunk_mut::<8>() else {
            return Err(Errno::EINVAL);
        };
        let (value, events) = match &mut self.tree.node_mut(id)?.kind {
            Kind::Event(event) if event.semaphore && event.count > 0 => {
                event.count -= 1;
                (1, OUT | WRNORM)
            }
            Kind::Event(event) => (core::mem::take(&mut event.count), OUT | WRNORM),
            Kind::Timer(_) => {
                let take = |timer: &mut Timer, now| {
                    timer.advance(now);
                    core::mem::take(&mut timer.fired)
                };
                (self.change_timer(id, take)?, 0)
            }
            _ => return Err(Errno::EINVAL),
        };
        if value > 0 {
            *target = value.to_le_bytes();
            self.wake_node(id, events);
            return Ok(8);
        }
        if !is_blocking {
            return Err(Errno::EAGAIN);
        }
        Err(self.block(On::Node(id), None, "reads a counter that is 0"))
    }

    /// Adds to an eventfd.
    pub(super) fn write_counter(
        &mut self,
        id: NodeId,
        bytes: &[u8],
        is_blocking: bool,
    ) -> Result<u64, Errno> {
        let value = bytes.first_chunk::<8>().ok_or(Errno::EINVAL)?;
        let value = u64::from_le_bytes(*value);
        let Kind::Event(event) = &mut self.tree.node_mut(id)?.kind else {
            return Err(Errno::EINVAL);
        };
        if value == u64::MAX {
            return Err(Errno::EINVAL);
        }
        if value < u64::MAX - event.count {
            event.count += value;
            self.wake_node(id, IN | RDNORM);
            return Ok(8);
        }
        if !is_blocking {
            return Err(Errno::EAGAIN);
        }
        Err(self.block(On::Node(id), None, "adds to a counter that is full"))
    }

    /// Changes a timer, given the time: it fires anew when it expires next.
    fn change_timer<T>(
        &mut self,
        id: NodeId,
        change: impl FnOnce(&mut Timer, u64) -> T,
    ) -> Result<T, Errno> {
        let now = self.clock.elapsed();
        let Kind::Timer(timer) = &mut self.tree.node_mut(id)?.kind else {
            return Err(Errno::EINVAL);
        };
        if let Some(at) = timer.at {
            self.timers.remove(&(at, id));
        }
        let result = change(timer, now);
        if let Some(at) = timer.at {
            self.timers.insert((at, id));
            self.threads.earliest = self.threads.earliest.min(at);
        }
        Ok(result)
    }

    /// A timer is gone.
    pub(super) fn stop_timer(&mut self, id: NodeId) {
        // It may be none.
        let _ = self.change_timer(id, |timer, _| timer.at = None);
    }

    /// Lets the timers fire that are due, the earliest first. As on Linux, one that has fired does so again only when somebody
    /// has looked at it meanwhile.
    pub(crate) fn fire_timers(&mut self) {
        let now = self.clock.elapsed();
        while let Some(&(at, id)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            if let Ok(node) = self.tree.node_mut(id)
                && let Kind::Timer(timer) = &mut node.kind
                && timer.advance(now)
            {
                self.wake_node(id, IN | RDNORM);
            }
        }
    }

    /// When the next timer fires; if nobody can run, the next one for which somebody waits.
    pub(crate) fn next_timer(&self, idle: bool) -> Option<u64> {
        let waited = |id| !idle || self.threads.wait_on_any() || self.is_awaited(id, IN | RDNORM);
        let mut timers = self.timers.iter();
        timers.find(|&&(_, id)| waited(id)).map(|&(at, _)| at)
    }

    /// Takes in what has happened until now: at timers, and outside.
    pub(super) fn look_around(&mut self) {
        self.fire_timers();
        self.look_outside();
    }

    fn timer(&mut self, fd: u64) -> Result<(NodeId, &mut Timer), Errno> {
        let id = self.files.get(fd)?.node;
        match &mut self.tree.node_mut(id)?.kind {
            Kind::Timer(timer) => Ok((id, timer)),
            _ => Err(Errno::EINVAL),
        }
    }
}

pub(crate) fn eventfd(kernel: &mut Kernel, [count, ..]: Args) -> Result<u64, Errno> {
    eventfd2(kernel, [count, 0, 0, 0, 0, 0])
}

pub(crate) fn eventfd2(kernel: &mut Kernel, [count, flags, ..]: Args) -> Result<u64, Errno> {
    const SEMAPHORE: u32 = 1;
    let flags = flags as u32;
    if flags & !(SEMAPHORE | flag::CLOEXEC | flag::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let event = Event {
        count: u64::from(count as u32),
        semaphore: flags & SEMAPHORE != 0,
    };
    kernel.anonymous_descriptor(
        Kind::Event(event),
        flags & !SEMAPHORE,
        b"anon_inode:[eventfd]",
    )
}

pub(crate) fn timerfd_create(kernel: &mut Kernel, [clock, flags, ..]: Args) -> Result<u64, Errno> {
    let flags = flags as u32;
    // REALTIME, MONOTONIC, BOOTTIME; the alarm clocks wake a machine, which there is not.
    if !matches!(clock, 0 | 1 | 7) || flags & !(flag::CLOEXEC | flag::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let timer = Timer {
        clock,
        ..Timer::default()
    };
    kernel.anonymous_descriptor(Kind::Timer(timer), flags, b"anon_inode:[timerfd]")
}

/// `struct itimerspec`: interval, then what is left.
fn put_setting(kernel: &Kernel, address: u64, timer: &Timer) -> Result<(), Errno> {
    let left = timer
        .at
        .map_or(0, |at| at.saturating_sub(kernel.clock.elapsed()).max(1));
    kernel.memory.write(
        address,
        &[
            timer.interval / SECOND,
            timer.interval % SECOND,
            left / SECOND,
            left % SECOND,
        ],
    )
}

pub(crate) fn timerfd_settime(
    kernel: &mut Kernel,
    [fd, flags, new, old, ..]: Args,
) -> Result<u64, Errno> {
    const ABSTIME: u64 = 1;
    // CANCEL_ON_SET: nobody sets the clock.
    if flags & !3 != 0 {
        return Err(Errno::EINVAL);
    }
    let interval = crate::time::duration(kernel, new)?;
    let value = crate::time::duration(kernel, new + 16)?;
    let (id, timer) = kernel.timer(fd)?;
    let clock = timer.clock;
    let before = *timer;
    let (at, late) = kernel.clock.first(clock, value, flags & ABSTIME != 0)?;
    if old != 0 {
        put_setting(kernel, old, &before)?;
    }
    let set = |timer: &mut Timer, _| {
        timer.set(at, late, interval);
        timer.fired > 0
    };
    let fires = kernel.change_timer(id, set)?;
    kernel.wake_node(id, if fires { IN | RDNORM } else { 0 });
    Ok(0)
}

pub(crate) fn timerfd_gettime(kernel: &mut Kernel, [fd, address, ..]: Args) -> Result<u64, Errno> {
    // Who waits for it hears of what has expired before it is looked at.
    kernel.fire_timers();
    let (id, _) = kernel.timer(fd)?;
    let advanced = |timer: &mut Timer, now| {
        timer.advance(now);
        *timer
    };
    let timer = kernel.change_timer(id, advanced)?;
    put_setting(kernel, address, &timer)?;
    Ok(0)
}
