//! Signals that a program sends itself, or one of its threads, which arrive at system calls only; and the way into and out of
//! all handlers, those of faults ([`crate::fault`]) among them.
//!
//! A handler runs on a frame laid out as Linux does it (`rt_sigframe`: return address, `ucontext`, `siginfo`, then the
//! vector registers in fxsave's layout), and `rt_sigreturn` restores all that the frame says. The x87 stack is the
//! handler's and the program's together: it is empty at every call by the ABI.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zvm_abi::fault::CORE;

use crate::errno::Errno;
use crate::fault::{BACK, Back, FAULT};
use crate::kernel::{Args, End, Kernel, Registers};
use crate::process::PID;
use crate::text::text;
use crate::threads::{On, Run, State, Thread};

/// Highest signal number.
const MAX: u64 = 64;
/// `SIGKILL`: cannot be caught.
const SIGKILL: u32 = 9;
/// `SIGSTOP`: cannot be caught.
const SIGSTOP: u32 = 19;
/// `SIGPIPE`.
pub(crate) const SIGPIPE: u32 = 13;
/// `SIGALRM`.
pub(crate) const SIGALRM: u32 = 14;

const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;

const SA_SIGINFO: u64 = 4;
const SA_RESTART: u64 = 0x1000_0000;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESETHAND: u64 = 0x8000_0000;
/// `si_code` of `kill`, `tkill` and the kernel itself.
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;
const SI_KERNEL: i32 = 0x80;
const SS_ONSTACK: u64 = 1;
const SS_DISABLE: u64 = 2;
/// `MINSIGSTKSZ`.
const MIN_STACK: u64 = 2048;

/// The kernel's `struct sigaction`.
#[derive(Clone, Copy, Debug, Default)]
struct Action {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

/// What `siginfo` says of a signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info {
    pub number: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_value`.
    pub value: u64,
    /// A POSIX timer's number.
    pub timer: u32,
}

/// Signals that wait to be delivered.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// Bit n−1 is signal n.
    set: u64,
    /// In the order in which they came.
    infos: Vec<Info>,
}

impl Pending {
    /// Ordinary signals pend once; real-time ones as often as they were sent.
    fn add(&mut self, info: Info) {
        const REAL_TIME: u32 = 32;
        if self.set & bit(info.number) == 0 || info.number >= REAL_TIME {
            self.set |= bit(info.number);
            self.infos.push(info);
        }
    }

    /// Takes out the first of the lowest number in `among`.
    fn take(&mut self, among: u64) -> Option<Info> {
        let ready = self.set & among;
        if ready == 0 {
            return None;
        }
        let number = ready.trailing_zeros() + 1;
        let first = self.infos.iter().position(|info| info.number == number)?;
        let info = self.infos.remove(first);
        if !self.infos.iter().any(|info| info.number == number) {
            self.set &= !bit(number);
        }
        Some(info)
    }

    fn discard(&mut self, number: u32) {
        self.set &= !bit(number);
        self.infos.retain(|info| info.number != number);
    }
}

/// Signal state of the process.
#[derive(Debug)]
pub struct Signals {
    actions: [Action; MAX as usize + 1],
    /// For any thread.
    pending: Pending,
}

impl Default for Signals {
    fn default() -> Self {
        Signals {
            actions: [Action::default(); MAX as usize + 1],
            pending: Pending::default(),
        }
    }
}

/// Signal state of a thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThreadSignals {
    /// Blocked signals.
    pub mask: u64,
    /// For this thread alone.
    pending: Pending,
    /// What `sigtimedwait` waits for, while it does.
    wanted: u64,
    /// `sigsuspend`'s mask to go back to.
    restore: Option<u64>,
    /// Alternate stack: (start, size); size 0 = none.
    stack: (u64, u64),
}

impl ThreadSignals {
    /// What a new thread inherits: the mask alone.
    pub(crate) fn inherited(&self) -> ThreadSignals {
        ThreadSignals {
            mask: self.mask,
            ..ThreadSignals::default()
        }
    }

    /// Another mask until the call's end or a delivery: what `sigsuspend` and `ppoll` do. Nothing more when the call is made
    /// again.
    pub(crate) fn suspend(&mut self, mask: u64) {
        if self.restore.is_none() {
            let mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
            self.restore = Some(core::mem::replace(&mut self.mask, mask));
        }
    }
}

/// Calls that go on after a handler with `SA_RESTART` has run; the others say `EINTR` (signal(7)).
const RESTARTED: [u64; 17] = [
    0,   // read
    1,   // write
    2,   // open, of a FIFO
    16,  // ioctl
    17,  // pread64
    18,  // pwrite64
    19,  // readv
    20,  // writev
    44,  // sendto
    45,  // recvfrom
    46,  // sendmsg
    47,  // recvmsg
    61,  // wait4
    72,  // fcntl
    73,  // flock
    202, // futex
    257, // openat
];

/// In the frame's cr2, which Linux leaves alone for such signals: the call is to be made again.
const RESTART: u64 = 0x5A56_4D5F_5253_5452;

fn bit(number: u32) -> u64 {
    1 << (number - 1)
}

/// What the default action does: `None` for nothing.
fn kills(number: u32) -> bool {
    // CHLD, CONT, URG, WINCH are ignored.
    !matches!(number, 17 | 18 | 23 | 28)
}

/// The signal's name.
pub(crate) fn name(number: u32) -> &'static str {
    const NAMES: [&str; 32] = [
        "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
        "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
        "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    NAMES.get(number as usize).copied().unwrap_or("RT")
}

impl Signals {
    /// Whether a signal would be delivered to this thread now.
    pub(crate) fn deliverable(&self, thread: &ThreadSignals) -> bool {
        (self.pending.set | thread.pending.set) & !thread.mask != 0
    }

    /// Whether there is nothing to do for this thread at the end of a call.
    pub(crate) fn quiet(&self, thread: &ThreadSignals) -> bool {
        thread.restore.is_none() && !self.deliverable(thread)
    }

    fn ignored(&self, number: u32) -> bool {
        match self.actions[number as usize].handler {
            SIG_IGN => true,
            SIG_DFL => !kills(number),
            _ => false,
        }
    }
}

impl Kernel {
    /// Makes a signal of the library OS's own pending for the process.
    pub(crate) fn raise(&mut self, number: u32) {
        let code = if number == SIGALRM {
            SI_KERNEL
        } else {
            SI_USER
        };
        self.raise_info(Info {
            number,
            code,
            value: 0,
            timer: 0,
        });
    }

    /// Makes a signal pending for the process; ignored ones vanish, unless the current thread blocks them.
    pub(crate) fn raise_info(&mut self, info: Info) {
        let number = info.number;
        let ignored = self.signals.ignored(number);
        let current = self.threads.running();
        if ignored && current.is_none_or(|thread| thread.signals.mask & bit(number) == 0) {
            return;
        }
        self.signals.pending.add(info);
        let takes =
            |thread: &Thread| (!thread.signals.mask | thread.signals.wanted) & bit(number) != 0;
        // The current thread takes it at the end of its call; else the first that can is woken for it.
        let runs = |thread: &Thread| !matches!(thread.run, Run::Waiting(_));
        if !current.is_some_and(|thread| takes(thread) && runs(thread)) {
            let found = self
                .threads
                .iter()
                .find(|(_, thread)| takes(thread))
                .map(|(slot, _)| slot);
            if let Some(slot) = found {
                self.wake_thread(slot);
            }
        }
    }

    /// Makes a signal pending for one thread.
    pub(crate) fn raise_in(&mut self, tid: u32, info: Info) -> Result<(), Errno> {
        let number = info.number;
        let slot = self.threads.find(tid).ok_or(Errno::ESRCH)?;
        let ignored = self.signals.ignored(number);
        let thread = self.threads.by_tid(tid).ok_or(Errno::ESRCH)?;
        if ignored && thread.signals.mask & bit(number) == 0 {
            return Ok(());
        }
        thread.signals.pending.add(info);
        if (!thread.signals.mask | thread.signals.wanted) & bit(number) != 0 {
            self.wake_thread(slot);
        }
        Ok(())
    }

    /// Delivers pending signals to the current thread, whose call is answered: how one of them ends the instance, if it does.
    pub(crate) fn deliver(&mut self) -> Option<End> {
        let mut handled = false;
        loop {
            let signals = &mut self.threads.current_mut().signals;
            let among = !signals.mask;
            // A thread's own signals come first, as on Linux.
            let next = signals
                .pending
                .take(among)
                .or_else(|| self.signals.pending.take(among));
            let Some(info) = next else { break };
            let number = info.number;
            let action = self.signals.actions[number as usize];
            if self.signals.ignored(number) {
                continue;
            }
            self.trace_signal(number);
            if action.handler == SIG_DFL && 1_u32.checked_shl(number).unwrap_or(0) & CORE != 0 {
                return Some(End::Core(number));
            }
            if action.handler == SIG_DFL {
                self.say(&text!("ended by signal {number} (SIG{})", name(number)));
                return Some(End::Status(128 + number as u8));
            }
            let thread = self.threads.current();
            let restart = thread.interrupted
                && action.flags & SA_RESTART != 0
                && RESTARTED.contains(&thread.number);
            let interrupted = match self.threads.current_mut().back.take() {
                Some(back) => Interrupted::fault(*back),
                None => self.interrupted_call(restart),
            };
            if self
                .enter(number, siginfo(&info), action, interrupted)
                .is_err()
            {
                self.say(&text!(
                    "no stack to handle signal {number} (SIG{})",
                    name(number)
                ));
                return Some(End::Status(128 + 11));
            }
            // Others that this one's mask lets through run on top of it.
            self.threads.current_mut().interrupted = false;
            handled = true;
        }
        if handled {
            return None;
        }
        let signals = &mut self.threads.current_mut().signals;
        if let Some(mask) = signals.restore.take() {
            signals.mask = mask;
        }
        None
    }

    /// The current thread at its call, which is answered, or to be made again.
    fn interrupted_call(&self, restart: bool) -> Interrupted {
        let thread = self.threads.current();
        let mut registers = self.memory.registers(thread.block);
        if restart {
            registers.rax = thread.number;
        }
        let top = thread.block + size_of::<Registers>() as u64;
        // As if the call were the instruction that it stands for: the stack pointer is the one before the red zone was skipped.
        let mut context = registers.for_context(top + RED_ZONE);
        context[UC_ERR_INDEX] = registers.rip;
        context[UC_CR2_INDEX] = if restart { RESTART } else { 0 };
        Interrupted {
            context,
            top,
            state: None,
        }
    }

    /// Builds the frame of a handler, with which the current thread goes on.
    fn enter(
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
        let (start, size) = signals.stack;
        let on_stack = top.wrapping_sub(start) < size;
        let mut high = top.checked_sub(RED_ZONE).ok_or(Errno::EFAULT)?;
        if action.flags & SA_ONSTACK != 0 && size > 0 && !on_stack {
            high = start + size;
        }
        // The vector area is 16-aligned; the frame below it starts 8 below a 16-byte border, as after a call. What a fault's
        // frame has beside it is ours.
        let size = FX_SIZE + whole.len() as u64;
        let area = high.checked_sub(size).ok_or(Errno::EFAULT)? & !15;
        let frame = area.checked_sub(FRAME_SIZE + 8).ok_or(Errno::EFAULT)? & !15;
        let frame = frame + 8;
        let mut bytes = [0_u8; FRAME_SIZE as usize];
        let mut put = |offset: u64, value: u64| {
            bytes[offset as usize..offset as usize + 8].copy_from_slice(&value.to_le_bytes())
        };
        put(0, action.restorer);
        put(UC_STACK, start);
        put(
            UC_STACK + 8,
            if size == 0 {
                SS_DISABLE
            } else {
                u64::from(on_stack)
            },
        );
        put(UC_STACK + 16, size);
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
        let block = frame - size_of::<Registers>() as u64;
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
            thread.begin(&registers, block);
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

/// Signals that an instruction can raise: ILL, TRAP, BUS, FPE, SEGV.
const FAULTS: [u32; 5] = [4, 5, 7, 8, 11];

/// What the rewriter skips below the stack pointer before it calls the library OS; the x86-64 ABI's red zone.
pub(crate) const RED_ZONE: u64 = 128;

// `struct rt_sigframe` (arch/x86/include/asm/sigframe.h), offsets from its start.
const UC: u64 = 8;
const UC_STACK: u64 = UC + 16;
const UC_REGISTERS: u64 = UC + 40;
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
fn siginfo(info: &Info) -> [u64; 4] {
    const SI_TIMER: i32 = -2;
    let sender = if info.code == SI_TIMER {
        info.timer
    } else {
        PID
    };
    [
        u64::from(info.number),
        u64::from(info.code as u32),
        u64::from(sender),
        info.value,
    ]
}

/// Sends a signal to a thread, or to the process.
pub(crate) fn send(kernel: &mut Kernel, thread: Option<u32>, number: u64) -> Result<u64, Errno> {
    let number = number as u32;
    if u64::from(number) > MAX {
        return Err(Errno::EINVAL);
    }
    match thread {
        Some(thread) if kernel.threads.find(thread).is_none() => return Err(Errno::ESRCH),
        _ if number == 0 => {}
        Some(thread) => kernel.raise_in(
            thread,
            Info {
                number,
                code: SI_TKILL,
                value: 0,
                timer: 0,
            },
        )?,
        None => kernel.raise_info(Info {
            number,
            code: SI_USER,
            value: 0,
            timer: 0,
        }),
    }
    Ok(0)
}

/// What `sigqueue` passes: a signal with a value; `None` for number 0, which only asks. Only codes of users, which are
/// negative, may be claimed.
fn queued(kernel: &Kernel, number: u64, address: u64) -> Result<Option<Info>, Errno> {
    if u64::from(number as u32) > MAX {
        return Err(Errno::EINVAL);
    }
    let code = kernel.memory.read::<i32>(address + 8)?;
    if code >= 0 || code == SI_TKILL {
        return Err(Errno::EPERM);
    }
    let value = kernel.memory.read::<u64>(address + 24)?;
    Ok((number as u32 != 0).then_some(Info {
        number: number as u32,
        code,
        value,
        timer: 0,
    }))
}

pub(crate) fn rt_sigqueueinfo(
    kernel: &mut Kernel,
    [pid, number, info, ..]: Args,
) -> Result<u64, Errno> {
    if pid as u32 != PID {
        return Err(Errno::ESRCH);
    }
    if let Some(info) = queued(kernel, number, info)? {
        kernel.raise_info(info);
    }
    Ok(0)
}

pub(crate) fn rt_tgsigqueueinfo(
    kernel: &mut Kernel,
    [pid, thread, number, info, ..]: Args,
) -> Result<u64, Errno> {
    if pid as u32 != PID {
        return Err(Errno::ESRCH);
    }
    match queued(kernel, number, info)? {
        Some(info) => kernel.raise_in(thread as u32, info)?,
        None => kernel
            .threads
            .find(thread as u32)
            .map(|_| ())
            .ok_or(Errno::ESRCH)?,
    }
    Ok(0)
}

/// Linux's sigset_t has 64 bits; another size is a program for another system.
fn check_size(size: u64) -> Result<(), Errno> {
    if size == 8 {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

pub(crate) fn rt_sigaction(
    kernel: &mut Kernel,
    [number, new, old, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let number = u32::try_from(number)
        .ok()
        .filter(|&number| (1..=MAX as u32).contains(&number))
        .ok_or(Errno::EINVAL)?;
    let before = kernel.signals.actions[number as usize];
    if new != 0 {
        if number == SIGKILL || number == SIGSTOP {
            return Err(Errno::EINVAL);
        }
        let [handler, flags, restorer, mask] = kernel.memory.read::<[u64; 4]>(new)?;
        kernel.signals.actions[number as usize] = Action {
            handler,
            flags,
            restorer,
            mask,
        };
        if FAULTS.contains(&number) {
            kernel.open_door();
        }
        if kernel.signals.ignored(number) {
            kernel.signals.pending.discard(number);
            let own = &mut kernel.threads.current_mut().signals;
            own.pending.discard(number);
        }
    }
    if old != 0 {
        kernel.memory.write(
            old,
            &[before.handler, before.flags, before.restorer, before.mask],
        )?;
    }
    Ok(0)
}

pub(crate) fn rt_sigprocmask(
    kernel: &mut Kernel,
    [how, new, old, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let before = kernel.threads.current().signals.mask;
    if new != 0 {
        let set = kernel.memory.read::<u64>(new)? & !(bit(SIGKILL) | bit(SIGSTOP));
        kernel.threads.current_mut().signals.mask = match how {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
    }
    if old != 0 {
        kernel.memory.write(old, &before)?;
    }
    Ok(0)
}

pub(crate) fn rt_sigpending(kernel: &mut Kernel, [set, size, ..]: Args) -> Result<u64, Errno> {
    check_size(size)?;
    let own = &kernel.threads.current().signals;
    let pending = (kernel.signals.pending.set | own.pending.set) & own.mask;
    kernel.memory.write(set, &pending)?;
    Ok(0)
}

pub(crate) fn rt_sigsuspend(kernel: &mut Kernel, [set, size, ..]: Args) -> Result<u64, Errno> {
    check_size(size)?;
    let mask = kernel.memory.read::<u64>(set)?;
    kernel.threads.current_mut().signals.suspend(mask);
    Err(kernel.block(On::Time, None, "waits for a signal, and none can come"))
}

pub(crate) fn rt_sigtimedwait(
    kernel: &mut Kernel,
    [set, info, timeout, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let set = kernel.memory.read::<u64>(set)? & !(bit(SIGKILL) | bit(SIGSTOP));
    let span = if timeout == 0 {
        None
    } else {
        Some(crate::time::duration(kernel, timeout)?)
    };
    let deadline = kernel.deadline(span);
    let own = &mut kernel.threads.current_mut().signals;
    own.wanted = 0;
    let next = own
        .pending
        .take(set)
        .or_else(|| kernel.signals.pending.take(set));
    let Some(found) = next else {
        let why = "waits for a signal, and none can come";
        return Err(match kernel.block(On::Time, deadline, why) {
            Errno::ETIMEDOUT => Errno::EAGAIN,
            Errno::WAITS => {
                kernel.threads.current_mut().signals.wanted = set;
                Errno::WAITS
            }
            errno => errno,
        });
    };
    if info != 0 {
        let mut bytes = [0; 128];
        for (slot, word) in bytes.chunks_mut(8).zip(siginfo(&found)) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        kernel.memory.put(info, &bytes)?;
    }
    Ok(u64::from(found.number))
}

pub(crate) fn sigaltstack(kernel: &mut Kernel, [new, old, ..]: Args) -> Result<u64, Errno> {
    let (start, size) = kernel.threads.current().signals.stack;
    let top = kernel.threads.current().block;
    let on_stack = size > 0 && top.wrapping_sub(start) < size;
    let state = match size {
        0 => SS_DISABLE,
        _ => u64::from(on_stack),
    };
    let before = [start, state, size];
    if new != 0 {
        if on_stack {
            return Err(Errno::EPERM);
        }
        let start: u64 = kernel.memory.read(new)?;
        let flags: u64 = kernel.memory.read(new + 8)?;
        let size: u64 = kernel.memory.read(new + 16)?;
        kernel.threads.current_mut().signals.stack = match flags & 0xFFFF_FFFF {
            SS_DISABLE => (0, 0),
            0 | SS_ONSTACK if size < MIN_STACK => return Err(Errno::ENOMEM),
            0 | SS_ONSTACK => (start, size),
            _ => return Err(Errno::EINVAL),
        };
    }
    if old != 0 {
        for (index, word) in before.iter().enumerate() {
            kernel.memory.write(old + index as u64 * 8, word)?;
        }
    }
    Ok(0)
}
