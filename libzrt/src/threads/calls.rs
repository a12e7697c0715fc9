//! The calls on threads themselves.

use alloc::boxed::Box;

use super::{MAX_THREADS, Progress, Run, Slot, Thread, Threads};
use crate::errno::Errno;
use crate::kernel::{Args, Kernel, Registers};
use crate::process::PID;
use crate::signal::{RED_ZONE, ThreadSignals};

/// Flags of `clone` (linux/sched.h).
mod flag {
    pub const VM: u64 = 0x100;
    pub const FS: u64 = 0x200;
    pub const FILES: u64 = 0x400;
    pub const SIGHAND: u64 = 0x800;
    pub const THREAD: u64 = 0x1_0000;
    pub const SETTLS: u64 = 0x8_0000;
    pub const PARENT_SETTID: u64 = 0x10_0000;
    pub const CHILD_CLEARTID: u64 = 0x20_0000;
    pub const CHILD_SETTID: u64 = 0x100_0000;
}

impl Threads {
    /// A thread like the current one, which can run.
    fn fork(&mut self, block: u64) -> Result<(Slot, &mut Thread), Errno> {
        if self.count() >= MAX_THREADS {
            return Err(Errno::EAGAIN);
        }
        let level = self.level;
        let mut thread = match self.ended.pop() {
            Some(thread) => thread,
            None => Box::new(Thread {
                state: super::State::new(level),
                ..empty()
            }),
        };
        self.slots.try_reserve(1).map_err(|_| Errno::EAGAIN)?;
        self.ready.try_reserve(1).map_err(|_| Errno::EAGAIN)?;
        let parent = self.current();
        thread.state.copy(&parent.state);
        let state = core::mem::replace(&mut thread.state, super::State::new(0));
        *thread = Thread {
            tid: self.next_tid,
            block,
            back: None,
            state,
            pointer: parent.pointer,
            signals: parent.signals.inherited(),
            name: parent.name,
            ..empty()
        };
        self.next_tid += 1;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.slots.len() as Slot - 1
            }
        };
        self.by_number.insert(thread.tid, slot);
        self.ready.push_back(slot);
        Ok((slot, self.slots[slot as usize].insert(thread)))
    }

    /// Ends the current thread.
    fn end(&mut self) {
        let slot = self.current;
        if let Some(thread) = self.slots[slot as usize].take() {
            self.by_number.remove(&thread.tid);
            self.ended.push(thread);
            self.free.push(slot);
        }
    }
}

fn empty() -> Thread {
    Thread {
        tid: 0,
        run: Run::Ready,
        number: 0,
        args: [0; 6],
        progress: Progress::default(),
        interrupted: false,
        block: 0,
        back: None,
        state: super::State::new(0),
        pointer: 0,
        signals: ThreadSignals::default(),
        name: [0; 16],
        clear_tid: 0,
        robust: 0,
    }
}

pub(crate) fn clone(
    kernel: &mut Kernel,
    [flags, stack, parent_tid, child_tid, pointer, _]: Args,
) -> Result<u64, Errno> {
    const SHARED: u64 = flag::VM | flag::FS | flag::FILES | flag::SIGHAND;
    if flags & flag::THREAD == 0 {
        // A process of its own: there is one only, as on a kernel without fork.
        return Err(Errno::ENOSYS);
    }
    if flags & SHARED != SHARED || stack == 0 {
        return Err(Errno::EINVAL);
    }
    if flags & flag::SETTLS != 0 && pointer > u64::from(u32::MAX) {
        return Err(Errno::EPERM);
    }
    // The child returns like its parent from the call of the library OS: behind the red zone, below its stack.
    let block = stack
        .checked_sub(RED_ZONE + size_of::<Registers>() as u64)
        .ok_or(Errno::EFAULT)?;
    let parent = kernel.threads.current().block;
    let registers = Registers {
        rax: 0,
        ..kernel.memory.registers(parent)
    };
    kernel.memory.put(block, &registers.to_bytes())?;
    if flags & flag::PARENT_SETTID != 0 {
        kernel.memory.check(parent_tid, 4, true)?;
    }
    let (_, thread) = kernel.threads.fork(block)?;
    let tid = thread.tid;
    if flags & flag::SETTLS != 0 {
        thread.pointer = pointer as u32;
    }
    if flags & flag::CHILD_CLEARTID != 0 {
        thread.clear_tid = child_tid;
    }
    if flags & flag::PARENT_SETTID != 0 {
        kernel.memory.write(parent_tid, &tid)?;
    }
    if flags & flag::CHILD_SETTID != 0 {
        // As on Linux, where the child does this and nobody hears of a failure.
        let _ = kernel.memory.write(child_tid, &tid);
    }
    Ok(u64::from(tid))
}

/// `exit`: of the current thread; of the process when it was the last one.
pub(crate) fn exit(kernel: &mut Kernel, [status, ..]: Args) -> Result<u64, Errno> {
    let (tid, clear_tid, robust) = {
        let thread = kernel.threads.current();
        (thread.tid, thread.clear_tid, thread.robust)
    };
    if tid == PID {
        kernel.threads.first_status = status as u8;
    }
    if kernel.threads.count() == 1 {
        let status = kernel.threads.first_status;
        kernel.end(status);
        return Ok(0);
    }
    if robust != 0 {
        // A damaged list ends where it is damaged.
        let _ = release_robust(kernel, robust, tid);
    }
    if clear_tid != 0 && kernel.memory.write(clear_tid, &0_u32).is_ok() {
        kernel.wake_futex(clear_tid as u32, 1, u32::MAX);
    }
    kernel.threads.end();
    Err(Errno::GONE)
}

/// Marks the mutexes that a dead thread holds, and wakes one waiter of each (Documentation/locking/robust-futex-ABI.rst).
fn release_robust(kernel: &mut Kernel, head: u64, tid: u32) -> Result<(), Errno> {
    const MOST: usize = 2048;
    let next: u64 = kernel.memory.read(head)?;
    let offset: u64 = kernel.memory.read(head + 8)?;
    let pending: u64 = kernel.memory.read(head + 16)?;
    let mut entry = next;
    for _ in 0..MOST {
        if entry == head || entry == 0 {
            break;
        }
        let following = kernel.memory.read(entry)?;
        if entry != pending {
            release_futex(kernel, entry.wrapping_add(offset), tid)?;
        }
        entry = following;
    }
    if pending != 0 {
        release_futex(kernel, pending.wrapping_add(offset), tid)?;
    }
    Ok(())
}

fn release_futex(kernel: &mut Kernel, address: u64, tid: u32) -> Result<(), Errno> {
    const WAITERS: u32 = 0x8000_0000;
    const OWNER_DIED: u32 = 0x4000_0000;
    const OWNER: u32 = 0x3FFF_FFFF;
    let value: u32 = kernel.memory.read(address)?;
    if value & OWNER == tid {
        kernel
            .memory
            .write(address, &(value & WAITERS | OWNER_DIED))?;
        if value & WAITERS != 0 {
            kernel.wake_futex(address as u32, 1, u32::MAX);
        }
    }
    Ok(())
}

pub(crate) fn gettid(kernel: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Ok(u64::from(kernel.threads.current().tid))
}

pub(crate) fn set_tid_address(kernel: &mut Kernel, [address, ..]: Args) -> Result<u64, Errno> {
    kernel.threads.current_mut().clear_tid = address;
    gettid(kernel, [0; 6])
}

pub(crate) fn sched_yield(kernel: &mut Kernel, _: Args) -> Result<u64, Errno> {
    kernel.end_turn();
    Ok(0)
}

/// Bytes of `struct robust_list_head`.
const ROBUST_HEAD: u64 = 24;

pub(crate) fn set_robust_list(kernel: &mut Kernel, [head, size, ..]: Args) -> Result<u64, Errno> {
    if size != ROBUST_HEAD {
        return Err(Errno::EINVAL);
    }
    kernel.threads.current_mut().robust = head;
    Ok(0)
}

pub(crate) fn get_robust_list(
    kernel: &mut Kernel,
    [tid, head, size, ..]: Args,
) -> Result<u64, Errno> {
    let robust = if tid as u32 == 0 {
        kernel.threads.current().robust
    } else {
        kernel
            .threads
            .by_tid(tid as u32)
            .ok_or(Errno::ESRCH)?
            .robust
    };
    kernel.memory.write(head, &robust)?;
    kernel.memory.write(size, &ROBUST_HEAD)?;
    Ok(0)
}
