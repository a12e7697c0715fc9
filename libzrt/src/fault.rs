//! Signals that an instruction raises: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP.
//!
//! Where the program has no handler for one, it ends the instance, with the runtime's report, and nothing of this runs. Where it
//! has one, the runtime comes in by the door ([`zvm_abi::fault`]) with the registers of the instruction, the handler runs as
//! for any other signal, and `rt_sigreturn` goes back by the door, since no return leads into the middle of a bundle. Because
//! the instruction may have been any, the whole of the thread's state goes into the handler's frame and back.

use zvm_abi::fault::{Frame, REGISTERS};

use crate::kernel::Kernel;
use crate::signal::{Interrupted, RED_ZONE};
use crate::threads::State;

/// Stands for a register block in a thread that goes on where a fault was.
pub const BACK: u64 = 0;

/// In `oldmask` of a handler's `ucontext`: it is a fault's.
pub(crate) const FAULT: u64 = 0x5A56_4D5F_4641_554C;

/// Where a fault was: `gregs`, and all that a thread has besides.
pub(crate) struct Back {
    pub context: [u64; 23],
    pub state: State,
}

/// Where each of a context's first registers stands in a frame: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, efl.
const ORDER: [usize; REGISTERS] = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 1, 3, 0, 2, 7, 16, 17];

/// `gregs` of a `ucontext`, of a frame's registers; what says why it is one is 0.
pub(crate) fn context(registers: &[u64; REGISTERS]) -> [u64; 23] {
    const CSGSFS: usize = 18;
    let mut context = [0; 23];
    for (slot, index) in context.iter_mut().zip(ORDER) {
        *slot = registers[index];
    }
    // Linux's selectors.
    context[CSGSFS] = 0x2b_0000_0000_0033;
    context
}

/// The CPU's page fault.
const PAGE_FAULT: u64 = 14;
const SEGV_MAPERR: u64 = 1;
const SEGV_ACCERR: u64 = 2;
const SIGSEGV: u32 = 11;

impl Interrupted {
    /// At an instruction that raised a signal.
    pub(crate) fn fault(back: Back) -> Interrupted {
        const CONTEXT_RSP: usize = 15;
        Interrupted {
            // Below the red zone, as at a call.
            top: back.context[CONTEXT_RSP].saturating_sub(RED_ZONE),
            context: back.context,
            state: Some(back.state),
        }
    }
}

impl Kernel {
    /// An instruction of the current thread's raised a signal; the thread's state is as it was there. The address of the
    /// block with which the thread goes on, in its handler; `None` if the signal ends the instance.
    pub fn fault(&mut self, frame: &Frame) -> Option<u64> {
        let mut context = context(&frame.registers);
        // err, trapno, oldmask, cr2.
        context[19..].copy_from_slice(&[frame.error, frame.exception, FAULT, frame.address]);
        let state = self.threads.state().clone();
        let interrupted = Interrupted::fault(Back { context, state });
        // All addresses of the sandbox are mapped for the host; here is known what is the program's.
        let code = match frame.signal {
            SIGSEGV if frame.exception == PAGE_FAULT => {
                match self.memory.check(frame.address, 1, false) {
                    Ok(()) => SEGV_ACCERR,
                    Err(_) => SEGV_MAPERR,
                }
            }
            _ => u64::from(frame.code),
        };
        let siginfo = [u64::from(frame.signal), code, frame.address, 0];
        if !self.handle_fault(frame.signal, siginfo, interrupted) {
            return None;
        }
        // The runtime has closed it.
        self.open_door();
        Some(self.threads.current().block)
    }

    /// Where the current thread goes on, if it returns to a fault: the registers in a frame's order. Its state is what it was
    /// there.
    pub fn take_back(&mut self) -> Option<[u64; REGISTERS]> {
        let thread = self.threads.current_mut();
        let Back { context, state } = *thread.back.take()?;
        thread.state.copy(&state);
        let mut registers = [0; REGISTERS];
        for (value, index) in context.into_iter().zip(ORDER) {
            registers[index] = value;
        }
        Some(registers)
    }
}
