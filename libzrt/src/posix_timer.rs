//! POSIX timers: `timer_create` and its kin, which send signals.

use crate::errno::Errno;
use crate::fs::Timer;
use crate::kernel::{Args, Kernel};
use crate::signal::Info;
use crate::time::{SECOND, duration};

/// Most timers.
const MOST: usize = 4096;

/// A timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PosixTimer {
    timer: Timer,
    /// Who is told, and how.
    notify: Notify,
    /// Expirations since that signal was sent.
    missed: u64,
    /// The same of the last signal that was delivered.
    overrun: u64,
}

#[derive(Clone, Copy, Debug)]
enum Notify {
    Nobody,
    Process(Info),
    Thread(u32, Info),
}

impl Notify {
    /// The one thread that is told, if it is one.
    fn thread(self) -> Option<u32> {
        match self {
            Notify::Thread(tid, _) => Some(tid),
            _ => None,
        }
    }
}

impl Kernel {
    /// Sends the signals of the timers that are due.
    pub(crate) fn fire_posix_timers(&mut self) {
        let now = self.clock.elapsed();
        for index in 0..self.posix_timers.len() {
            let Some(timer) = &mut self.posix_timers[index] else {
                continue;
            };
            timer.timer.advance(now);
            let (fired, notify) = (core::mem::take(&mut timer.timer.fired), timer.notify);
            if fired == 0 {
                continue;
            }
            // One signal of a timer is pending at a time; the other expirations are counted.
            let pends = self.timer_pends(index as u32, notify.thread());
            if let Some(timer) = &mut self.posix_timers[index] {
                let more = fired - u64::from(!pends);
                timer.missed = if pends { timer.missed } else { 0 }.saturating_add(more);
            }
            match notify {
                _ if pends => {}
                Notify::Nobody => {}
                // Where there is no memory for it, it is lost. The thread may have ended: then nobody hears it.
                Notify::Process(info) => drop(self.raise_info(info)),
                Notify::Thread(tid, info) => drop(self.raise_in(tid, info)),
            }
        }
    }

    /// A timer's signal is delivered: how many expirations it stands for, but one.
    pub(crate) fn posix_timer_is_heard(&mut self, number: u32) -> u32 {
        // What has expired up to now belongs to this signal. The timer may be gone.
        let now = self.clock.elapsed();
        let Ok(timer) = self.posix_timer(number.into()) else {
            return 0;
        };
        timer.timer.advance(now);
        let fired = core::mem::take(&mut timer.timer.fired);
        timer.missed = timer.missed.saturating_add(fired);
        timer.overrun = core::mem::take(&mut timer.missed).min(i32::MAX as u64);
        timer.overrun as u32
    }

    /// When the next one is due; of those that can wake somebody, if nobody can run.
    pub(crate) fn next_posix_timer(&self, idle: bool) -> Option<u64> {
        let due = self.posix_timers.iter().flatten().filter_map(|timer| {
            let at = if timer.timer.fired > 0 {
                0
            } else {
                timer.timer.at?
            };
            let (Notify::Process(info) | Notify::Thread(_, info)) = timer.notify else {
                return None;
            };
            (!idle || self.can_wake(info.number, timer.notify.thread())).then_some(at)
        });
        due.min()
    }

    fn posix_timer(&mut self, id: u64) -> Result<&mut PosixTimer, Errno> {
        self.posix_timers
            .get_mut(id as u32 as usize)
            .and_then(Option::as_mut)
            .ok_or(Errno::EINVAL)
    }
}

pub(crate) fn timer_create(
    kernel: &mut Kernel,
    [clock, event, id, ..]: Args,
) -> Result<u64, Errno> {
    const SIGNAL: u32 = 0;
    const NONE: u32 = 1;
    const THREAD_ID: u32 = 4;
    const SIGALRM: u32 = 14;
    let clock = kernel.clock_number(clock)?;
    kernel.clock.when(clock, 0)?;
    let free = kernel.posix_timers.iter().position(Option::is_none);
    let index = free.unwrap_or(kernel.posix_timers.len());
    if index >= MOST {
        return Err(Errno::EAGAIN);
    }
    let info = |number, value| Info::of_timer(number, index as u32, value);
    // struct sigevent: value, signal, kind, thread.
    let notify = if event == 0 {
        Notify::Process(info(SIGALRM, index as u64))
    } else {
        let value = kernel.memory.read::<u64>(event)?;
        let number = kernel.memory.read::<u32>(event + 8)?;
        let kind = kernel.memory.read::<u32>(event + 12)?;
        if kind != NONE && !(1..=64).contains(&number) {
            return Err(Errno::EINVAL);
        }
        match kind {
            SIGNAL => Notify::Process(info(number, value)),
            NONE => Notify::Nobody,
            THREAD_ID => {
                let tid = kernel.memory.read::<u32>(event + 16)?;
                kernel.threads.find(tid).ok_or(Errno::EINVAL)?;
                Notify::Thread(tid, info(number, value))
            }
            _ => return Err(Errno::EINVAL),
        }
    };
    let timers = &mut kernel.posix_timers;
    timers.try_reserve(1).map_err(|_| Errno::EAGAIN)?;
    kernel.memory.write(id, &(index as u32))?;
    let timer = PosixTimer {
        timer: Timer {
            clock,
            ..Timer::default()
        },
        notify,
        missed: 0,
        overrun: 0,
    };
    match free {
        Some(index) => kernel.posix_timers[index] = Some(timer),
        None => kernel.posix_timers.push(Some(timer)),
    }
    Ok(0)
}

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

pub(crate) fn timer_settime(
    kernel: &mut Kernel,
    [id, flags, new, old, ..]: Args,
) -> Result<u64, Errno> {
    const ABSTIME: u64 = 1;
    let before = kernel.posix_timer(id)?.timer;
    let interval = duration(kernel, new)?;
    let value = duration(kernel, new + 16)?;
    let (at, late) = kernel
        .clock
        .first(before.clock, value, flags & ABSTIME != 0)?;
    if old != 0 {
        put_setting(kernel, old, &before)?;
    }
    let timer = kernel.posix_timer(id)?;
    timer.timer.set(at, late, interval);
    (timer.missed, timer.overrun) = (0, 0);
    kernel.discard_timer_signal(id as u32);
    // Not when it fires next: it may have expired already.
    if let Some(at) = at {
        kernel.threads.earliest = kernel.threads.earliest.min(at);
    }
    Ok(0)
}

pub(crate) fn timer_gettime(kernel: &mut Kernel, [id, address, ..]: Args) -> Result<u64, Errno> {
    let timer = kernel.posix_timer(id)?.timer;
    put_setting(kernel, address, &timer)?;
    Ok(0)
}

pub(crate) fn timer_getoverrun(kernel: &mut Kernel, [id, ..]: Args) -> Result<u64, Errno> {
    Ok(kernel.posix_timer(id)?.overrun)
}

pub(crate) fn timer_delete(kernel: &mut Kernel, [id, ..]: Args) -> Result<u64, Errno> {
    kernel.posix_timer(id)?;
    kernel.posix_timers[id as u32 as usize] = None;
    kernel.discard_timer_signal(id as u32);
    Ok(0)
}
