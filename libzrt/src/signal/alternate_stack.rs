//! The stack on which handlers run that ask for one (`sigaltstack`).

use super::SS_DISABLE;
use crate::errno::Errno;
use crate::kernel::{Args, Kernel, Registers};

const SS_ONSTACK: u32 = 1;
/// A handler that runs there takes the stack out of use; its return gives it back.
const SS_AUTODISARM: u32 = 1 << 31;
/// `MINSIGSTKSZ`.
const MIN_SIZE: u64 = 2048;

/// A thread's alternate stack; of size 0 if it has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AlternateStack {
    start: u64,
    size: u64,
    /// `ss_flags`, as the program gave them.
    flags: u32,
}

impl AlternateStack {
    /// None.
    pub(super) const NONE: AlternateStack = AlternateStack {
        start: 0,
        size: 0,
        flags: SS_DISABLE,
    };

    /// Whether this stack pointer lies in it.
    pub(super) fn holds(&self, pointer: u64) -> bool {
        pointer > self.start && pointer - self.start <= self.size
    }

    /// Whether a thread with this stack pointer runs on it; on one that disarms nobody does, as it is out of use then.
    pub(super) fn is_run_on(&self, pointer: u64) -> bool {
        !self.disarms() && self.holds(pointer)
    }

    /// Its end, where a handler that asks for it begins.
    pub(super) fn end(&self) -> Option<u64> {
        (self.size > 0).then(|| self.start.saturating_add(self.size))
    }

    /// Whether it is out of use while a handler runs.
    pub(super) fn disarms(&self) -> bool {
        self.flags & SS_AUTODISARM != 0
    }

    /// As `struct stack_t` says it in a handler's `ucontext`: start, flags, size.
    pub(super) fn words(&self) -> [u64; 3] {
        [self.start, u64::from(self.flags), self.size]
    }
}

impl Kernel {
    /// Sets the current thread's, from a `struct stack_t`, when its stack pointer is this.
    pub(super) fn set_alternate_stack(&mut self, from: u64, pointer: u64) -> Result<(), Errno> {
        let [start, flags, size] = self.memory.read::<[u64; 3]>(from)?;
        let flags = flags as u32;
        let stack = &mut self.threads.current_mut().signals.stack;
        if stack.is_run_on(pointer) {
            return Err(Errno::EPERM);
        }
        *stack = match flags & !SS_AUTODISARM {
            SS_DISABLE => AlternateStack {
                flags,
                ..AlternateStack::NONE
            },
            0 | SS_ONSTACK if size < MIN_SIZE => return Err(Errno::ENOMEM),
            0 | SS_ONSTACK => AlternateStack { start, size, flags },
            _ => return Err(Errno::EINVAL),
        };
        Ok(())
    }
}

pub(crate) fn sigaltstack(kernel: &mut Kernel, [new, old, ..]: Args) -> Result<u64, Errno> {
    let thread = kernel.threads.current();
    let before = thread.signals.stack;
    let pointer = thread.block + size_of::<Registers>() as u64 + super::RED_ZONE;
    if new != 0 {
        kernel.set_alternate_stack(new, pointer)?;
    }
    if old != 0 {
        let state = match before.size {
            0 => SS_DISABLE,
            _ if before.is_run_on(pointer) => SS_ONSTACK,
            _ => 0,
        };
        let flags = state | before.flags & SS_AUTODISARM;
        kernel
            .memory
            .write(old, &[before.start, u64::from(flags), before.size])?;
    }
    Ok(0)
}
