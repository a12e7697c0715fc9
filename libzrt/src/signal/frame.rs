//! The way into and out of all handlers, those of faults ([`crate::fault`]) among them.
//!
//! A handler runs on a frame laid out as Linux does it (`rt_sigframe`: return address, `ucontext`, `siginfo`, then the
//! vector registers in fxsave's layout), and `rt_sigreturn` restores all that the frame says. The x87 stack is the
//! handler's and the program's together: it is empty at every call by the ABI.

use alloc::boxed::Box;

use super::alternate_stack::AlternateStack;
use super::{
    Action, Info, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_SIGINFO, SIG_DFL, SIG_IGN, SIGKILL,
    SIGSTOP, bit,
};
use crate::errno::Errno;
use crate::fault::{self, BACK, Back, FAULT};
use crate::kernel::{Kernel, Registers};
use crate::threads::{Run, State, Thread};

/// What the rewriter skips below the stack pointer before it calls the library OS; the x86-64 ABI's red zone.
pub(crate) const RED_ZONE: u64 = 128;

// `struct rt_sigframe` (arch/x86/include/asm/sigframe.h), offsets from its start.
const UC: u64 = 8;
const UC_STACK: u64 = UC + 16;
const UC_REGISTERS: u64 = UC + 40;
/// rsp.
const CONTEXT_RSP: usize = 15;
/// err, where the place of the call is kept, and cr2, for [`RESTART`].
const UC_ERR_INDEX: usize = 19;
const UC_CR2_INDEX: usize = 22;
/// oldmask, for [`FAULT`].
const UC_OLDMASK_INDEX: usize = 21;
const UC_VECTORS: u64 = UC_REGISTERS + 23 * 8;
const UC_MASK: u64 = UC + 296;
const SIGINFO: u64 = UC + 304;
const FRAME_SIZE: u64 = SIGINFO + 128;
/// fxsave's area, and where xmm0 stands in it.
const FX_SIZE: u64 = 512;
const FX_XMM: usize = 160;

/// The first words of a `siginfo_t`: number and errno; code; process (or timer and overrun) and user; value.
pub(super) fn siginfo(info: &Info) -> [u64; 4] {
    [
        u64::from(info.number),
        u64::from(info.code as u32),
        info.sender,
        info.value,
    ]
}

/// Calls that go on after a handler with `SA_RESTART` has run; the others say `EINTR` (signal(7)).
const RESTARTED: [u64; 27] = [
    0,   // read
    1,   // write
    2,   // open, of a FIFO
    16,  // ioctl
    17,  // pread64
    18,  // pwrite64
    19,  // readv
    20,  // writev
    40,  // sendfile
    42,  // connect
    43,  // accept
    44,  // sendto
    45,  // recvfrom
    46,  // sendmsg
    47,  // recvmsg
    61,  // wait4
    72,  // fcntl
    73,  // flock
    85,  // creat, of a FIFO
    202, // futex
    247, // waitid
    257, // openat
    288, // accept4
    295, // preadv
    296, // pwritev
    327, // preadv2
    328, // pwritev2
];

/// Whether the thread's call, which a signal interrupted, goes on after a handler with `SA_RESTART`. None does that would
/// have given up at some time, such as one on a socket with `SO_RCVTIMEO`.
pub(super) fn restarts(thread: &Thread) -> bool {
    thread.progress.deadline.is_none() && RESTARTED.contains(&thread.number)
}

/// In the frame's cr2, which Linux leaves alone for such signals: the call is to be made again.
const RESTART: u64 = 0x5A56_4D5F_5253_5452;

/// Signals that an instruction can raise: ILL, TRAP, BUS, FPE, SEGV.
pub(super) const FAULTS: [u32; 5] = [4, 5, 7, 8, 11];

impl Kernel {
    /// The current thread at its call, which is answered, or to be made again.
    pub(super) fn interrupted_call(&self, restart: bool) -> Interrupted {
        let thread = self.threads.current();
        let mut registers = self.memory.registers(thread.block);
        if restart {
            registers.rax = thread.number;
        }
        let top = thread.block + size_of::<Registers>() as u64;
        // As if the call were the instruction that it stands for: the stack pointer is the one before the red zone was skipped.
        let mut context = fault::context(&registers.for_frame(top + RED_ZONE));
        context[UC_ERR_INDEX] = registers.rip;
        context[UC_CR2_INDEX] = if restart { RESTART } else { 0 };
        Interrupted {
            context,
            top,
            state: None,
        }
    }

    /// Builds the frame of a handler, with which the current thread goes on.
    pub(super) fn enter(
        &mut self,
        number: u32,
        siginfo: [u64; 4],
        action: Action,
        interrupted: Interrupted,
    ) -> Result<(), Errno> {
        let Interrupted {
            context,
            top,
            mut state,
        } = interrupted;
        let thread = self.threads.current_mut();
        let vectors = match &mut state {
            Some(state) => *state.vectors(),
            None => *thread.state.vectors(),
        };
        let whole = state.as_ref().map_or(&[][..], State::bytes);
        let signals = &mut thread.signals;
        let before = signals.restore.take().unwrap_or(signals.mask);
        let stack = signals.stack;
        let nested = stack.is_run_on(context[CONTEXT_RSP]);
        let entered = stack
            .end()
            .filter(|_| action.flags & SA_ONSTACK != 0 && !nested);
        let high = match entered {
            Some(end) => end,
            None => top.checked_sub(RED_ZONE).ok_or(Errno::EFAULT)?,
        };
        // The vector area is 16-aligned; the frame below it starts 8 below a 16-byte border, as after a call. What a fault's
        // frame has beside it is ours.
        let size = FX_SIZE + whole.len() as u64;
        let area = high.checked_sub(size).ok_or(Errno::EFAULT)? & !15;
        let frame = area.checked_sub(FRAME_SIZE + 8).ok_or(Errno::EFAULT)? & !15;
        let frame = frame + 8;
        let block = frame - size_of::<Registers>() as u64;
        if (nested || entered.is_some()) && !stack.holds(block) {
            return Err(Errno::EFAULT);
        }
        let mut bytes = [0_u8; FRAME_SIZE as usize];
        let mut put = |offset: u64, value: u64| {
            bytes[offset as usize..offset as usize + 8].copy_from_slice(&value.to_le_bytes())
        };
        put(0, action.restorer);
        for (index, word) in stack.words().into_iter().enumerate() {
            put(UC_STACK + index as u64 * 8, word);
        }
        for (index, value) in context.into_iter().enumerate() {
            put(UC_REGISTERS + index as u64 * 8, value);
        }
        put(UC_VECTORS, area);
        put(UC_MASK, before);
        for (index, word) in siginfo.into_iter().enumerate() {
            put(SIGINFO + index as u64 * 8, word);
        }
        self.memory.put(frame, &bytes)?;
        let mut fx = [0_u8; FX_SIZE as usize];
        // fcw and MXCSR as at the start, for who looks; rt_sigreturn takes the vectors alone.
        fx[..2].copy_from_slice(&0x37F_u16.to_le_bytes());
        fx[24..28].copy_from_slice(&0x1F80_u32.to_le_bytes());
        for (slot, vector) in fx[FX_XMM..].chunks_mut(16).zip(vectors) {
            slot.copy_from_slice(&vector.to_le_bytes());
        }
        self.memory.put(area, &fx)?;
        self.memory.put(area + FX_SIZE, whole)?;
        let entry = Registers {
            rdi: u64::from(number),
            rsi: frame + SIGINFO,
            rdx: frame + UC,
            rip: action.handler,
            ..Registers::default()
        };
        self.memory.put(block, &entry.to_bytes())?;
        let thread = self.threads.current_mut();
        thread.block = block;
        let own = if action.flags & SA_NODEFER == 0 {
            bit(number)
        } else {
            0
        };
        let signals = &mut thread.signals;
        if stack.disarms() {
            signals.stack = AlternateStack::NONE;
        }
        signals.mask = (signals.mask | action.mask | own) & !(bit(SIGKILL) | bit(SIGSTOP));
        if action.flags & SA_RESETHAND != 0 {
            self.signals.actions[number as usize] = Action {
                flags: action.flags & SA_SIGINFO,
                ..Action::default()
            };
            self.open_door();
        }
        Ok(())
    }

    /// `rt_sigreturn`: the current thread goes back to what the frame says.
    pub(crate) fn sigreturn(&mut self) -> Result<(), Errno> {
        let top = self.threads.current().block + size_of::<Registers>() as u64;
        // The handler's return took the restorer's address from the frame; the call of the system call skipped the red zone.
        let frame = top + RED_ZONE - UC;
        let mut context = [0_u64; 23];
        for (index, value) in context.iter_mut().enumerate() {
            *value = self.memory.read(frame + UC_REGISTERS + index as u64 * 8)?;
        }
        let mask: u64 = self.memory.read(frame + UC_MASK)?;
        let area: u64 = self.memory.read(frame + UC_VECTORS)?;
        // As Linux does: what the frame says counts, but a stack that the thread goes back to stays as it is.
        let _ = self.set_alternate_stack(frame + UC_STACK, context[CONTEXT_RSP]);
        if context[UC_OLDMASK_INDEX] == FAULT {
            return self.return_to_fault(context, mask, area);
        }
        if area != 0 {
            for index in 0..16 {
                let [low, high] = self
                    .memory
                    .read::<[u64; 2]>(area + FX_XMM as u64 + index as u64 * 16)?;
                self.threads.state().vectors()[index] = u128::from(high) << 64 | u128::from(low);
            }
        }
        let (registers, stack) = Registers::from_context(&context);
        // Where the call was, the red zone is still to be left; a handler that chose another place (as musl's for
        // cancellation does) chose one with an ordinary stack.
        let same_place = registers.rip == context[UC_ERR_INDEX];
        let skipped = if same_place { RED_ZONE } else { 0 };
        let block = stack
            .checked_sub(skipped + size_of::<Registers>() as u64)
            .ok_or(Errno::EFAULT)?;
        self.memory.put(block, &registers.to_bytes())?;
        let restart = same_place && context[UC_CR2_INDEX] == RESTART;
        let thread = self.threads.current_mut();
        thread.block = block;
        thread.signals.mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        if restart && RESTARTED.contains(&registers.rax) {
            thread.begin(registers.rax, block);
            thread.args = registers.args();
            thread.run = Run::Retry;
        }
        Ok(())
    }
}

/// What a signal interrupted.
pub(crate) struct Interrupted {
    /// `gregs` of the handler's `ucontext`.
    pub context: [u64; 23],
    /// Where the frame may begin: below is nothing but a red zone.
    pub top: u64,
    /// All that the thread has beside its general registers, if it was not at a call, which changes none of it.
    pub state: Option<State>,
}

/// Whether a handler of the program's answers this signal.
fn handled(action: &Action) -> bool {
    !matches!(action.handler, SIG_DFL | SIG_IGN)
}

impl Kernel {
    /// Tells the runtime which faults the program handles.
    pub(crate) fn open_door(&mut self) {
        let open = FAULTS.into_iter().filter(|&number| {
            let action = &self.signals.actions[number as usize];
            handled(action)
        });
        let signals = open.fold(0, |signals, number| signals | 1 << number);
        self.host.open_door(signals);
    }

    /// An instruction of the current thread's raised a signal: whether its handler runs now, at the thread's block. If not, it
    /// ends the instance, as Linux's does where the signal is blocked or ignored.
    pub(crate) fn handle_fault(
        &mut self,
        number: u32,
        siginfo: [u64; 4],
        interrupted: Interrupted,
    ) -> bool {
        let Some(&action) = self.signals.actions.get(number as usize) else {
            return false;
        };
        let blocked = self.threads.current().signals.mask & bit(number) != 0;
        if !handled(&action) || blocked {
            return false;
        }
        self.trace_signal(number);
        self.enter(number, siginfo, action, interrupted).is_ok()
    }

    /// `rt_sigreturn` to an instruction that raised a signal.
    fn return_to_fault(&mut self, context: [u64; 23], mask: u64, area: u64) -> Result<(), Errno> {
        let thread = self.threads.current_mut();
        let mut state = thread.state.clone();
        let size = state.bytes().len() as u64;
        // SAFETY: nobody else refers to the program's memory while its call is answered.
        let kept = unsafe { self.memory.bytes(area + FX_SIZE, size)? };
        state.bytes_mut().copy_from_slice(kept);
        for index in 0..16 {
            let at = area + FX_XMM as u64 + index as u64 * 16;
            let [low, high] = self.memory.read::<[u64; 2]>(at)?;
            state.vectors()[index] = u128::from(high) << 64 | u128::from(low);
        }
        thread.back = Some(Box::new(Back { context, state }));
        thread.block = BACK;
        thread.signals.mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        Ok(())
    }
}
