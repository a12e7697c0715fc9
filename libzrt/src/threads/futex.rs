//! Futexes: who waits at which address, first come first served.

use alloc::collections::BTreeMap;

use super::{On, Progress, Run, Slot};
use crate::errno::Errno;
use crate::kernel::{Args, Kernel};

/// Where somebody waits: the address, and his place among those who wait there.
type Place = (u32, u64);

#[derive(Clone, Copy, Debug)]
struct Waiter {
    /// `FUTEX_WAIT_BITSET`'s mask.
    mask: u32,
    slot: Slot,
}

/// All waiters.
#[derive(Default)]
pub(crate) struct Futexes {
    waiters: BTreeMap<Place, Waiter>,
    /// How many have waited so far.
    count: u64,
}

impl Futexes {
    /// One more waits, behind all others: his place.
    fn add(&mut self, address: u32, waiter: Waiter) -> Place {
        self.count += 1;
        let place = (address, self.count);
        self.waiters.insert(place, waiter);
        place
    }

    fn remove(&mut self, place: Place) {
        self.waiters.remove(&place);
    }

    /// Takes out the first waiter at the address whose mask fits.
    fn next(&mut self, address: u32, mask: u32) -> Option<Waiter> {
        let mut there = self.waiters.range((address, 0)..=(address, u64::MAX));
        let (&place, _) = there.find(|(_, waiter)| waiter.mask & mask != 0)?;
        self.waiters.remove(&place)
    }
}

impl Kernel {
    /// Wakes up to `count` waiters: how many.
    pub(crate) fn wake_futex(&mut self, address: u32, count: u64, mask: u32) -> u64 {
        let mut woken = 0;
        while woken < count {
            let Some(waiter) = self.futexes.next(address, mask) else {
                break;
            };
            self.wake_answered(waiter.slot);
            woken += 1;
        }
        woken
    }

    /// Lets up to `count` waiters wait at another address: how many.
    fn requeue(&mut self, from: u32, to: u32, count: u64) -> u64 {
        let mut moved = 0;
        while moved < count && from != to {
            let Some(waiter) = self.futexes.next(from, u32::MAX) else {
                break;
            };
            let place = self.futexes.add(to, waiter);
            if let Some(thread) = self.threads.get_mut(waiter.slot) {
                // The call, when it is made again, must find itself there.
                thread.args[0] = u64::from(to);
                thread.progress.place = place;
                if let Run::Waiting(wait) = &mut thread.run {
                    wait.on = On::Futex(to);
                }
            }
            moved += 1;
        }
        moved
    }
}

/// An address of a futex.
fn address(value: u64) -> Result<u32, Errno> {
    if !value.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    u32::try_from(value).map_err(|_| Errno::EFAULT)
}

pub(crate) fn futex(
    kernel: &mut Kernel,
    [first, operation, value, timeout, second, third]: Args,
) -> Result<u64, Errno> {
    const WAIT: u64 = 0;
    const WAKE: u64 = 1;
    const REQUEUE: u64 = 3;
    const CMP_REQUEUE: u64 = 4;
    const WAKE_OP: u64 = 5;
    const WAIT_BITSET: u64 = 9;
    const WAKE_BITSET: u64 = 10;
    // FUTEX_PRIVATE_FLAG changes nothing for one process.
    let command = operation & 0x7F;
    let at = address(first)?;
    // A count is an int; musl wakes all with INT_MAX.
    let count = |value: u64| u64::from(value as u32);
    match command {
        WAIT => wait(kernel, at, value as u32, u32::MAX, |kernel| {
            relative(kernel, timeout)
        }),
        WAIT_BITSET => {
            let real_time = operation & 0x100 != 0;
            wait(kernel, at, value as u32, third as u32, |kernel| {
                absolute(kernel, timeout, real_time)
            })
        }
        WAKE => Ok(kernel.wake_futex(at, count(value), u32::MAX)),
        WAKE_BITSET if third as u32 == 0 => Err(Errno::EINVAL),
        WAKE_BITSET => Ok(kernel.wake_futex(at, count(value), third as u32)),
        REQUEUE | CMP_REQUEUE => {
            let to = address(second)?;
            if command == CMP_REQUEUE && kernel.memory.read::<u32>(first)? != third as u32 {
                return Err(Errno::EAGAIN);
            }
            let woken = kernel.wake_futex(at, count(value), u32::MAX);
            let moved = kernel.requeue(at, to, count(timeout));
            // REQUEUE counts those that it woke, CMP_REQUEUE all.
            Ok(woken + if command == CMP_REQUEUE { moved } else { 0 })
        }
        WAKE_OP => {
            let other = address(second)?;
            let more = operate(kernel, second, third as u32)?;
            let woken = kernel.wake_futex(at, count(value), u32::MAX);
            let rest = if more {
                kernel.wake_futex(other, count(timeout), u32::MAX)
            } else {
                0
            };
            Ok(woken + rest)
        }
        // Priorities mean nothing among coroutines: no LOCK_PI and its kin.
        _ => Err(Errno::ENOSYS),
    }
}

/// FUTEX_WAIT's span, as a deadline.
fn relative(kernel: &mut Kernel, timeout: u64) -> Result<Option<u64>, Errno> {
    if timeout == 0 {
        return Ok(None);
    }
    let span = crate::time::duration(kernel, timeout)?;
    Ok(Some(kernel.clock.elapsed().saturating_add(span)))
}

/// FUTEX_WAIT_BITSET's point in time, as a deadline.
fn absolute(kernel: &mut Kernel, timeout: u64, real_time: bool) -> Result<Option<u64>, Errno> {
    const REALTIME: u64 = 0;
    const MONOTONIC: u64 = 1;
    if timeout == 0 {
        return Ok(None);
    }
    let target = crate::time::duration(kernel, timeout)?;
    let clock = if real_time { REALTIME } else { MONOTONIC };
    kernel.clock.when(clock, target).map(Some)
}

fn wait(
    kernel: &mut Kernel,
    address: u32,
    expected: u32,
    mask: u32,
    deadline: impl FnOnce(&mut Kernel) -> Result<Option<u64>, Errno>,
) -> Result<u64, Errno> {
    if !kernel.progress().again {
        if mask == 0 {
            return Err(Errno::EINVAL);
        }
        let deadline = deadline(kernel)?;
        if kernel.memory.read::<u32>(u64::from(address))? != expected {
            return Err(Errno::EAGAIN);
        }
        let slot = kernel.threads.current;
        kernel.progress().place = kernel.futexes.add(address, Waiter { mask, slot });
        kernel.progress().deadline = deadline;
    }
    let Progress {
        deadline, place, ..
    } = *kernel.progress();
    let errno = kernel.block(
        On::Futex(address),
        deadline,
        "waits for another thread's wake-up",
    );
    if errno != Errno::WAITS {
        kernel.futexes.remove(place);
    }
    Err(errno)
}

/// FUTEX_WAKE_OP's operation on the second futex: whether its waiters are to be woken too.
fn operate(kernel: &mut Kernel, address: u64, operation: u32) -> Result<bool, Errno> {
    let signed = |value: u32| ((value << 20) as i32) >> 20;
    let (mut operand, compared) = (signed(operation >> 12 & 0xFFF), signed(operation & 0xFFF));
    if operation >> 28 & 8 != 0 {
        operand = 1_i32.wrapping_shl(operand as u32);
    }
    let old = kernel.memory.read::<u32>(address)?;
    let operand = operand as u32;
    let new = match operation >> 28 & 7 {
        0 => operand,
        1 => old.wrapping_add(operand),
        2 => old | operand,
        3 => old & !operand,
        4 => old ^ operand,
        _ => return Err(Errno::ENOSYS),
    };
    kernel.memory.write(address, &new)?;
    let old = old as i32;
    Ok(match operation >> 24 & 15 {
        0 => old == compared,
        1 => old != compared,
        2 => old < compared,
        3 => old <= compared,
        4 => old > compared,
        5 => old >= compared,
        _ => return Err(Errno::ENOSYS),
    })
}
