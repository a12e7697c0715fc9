//! Signals that a program sends itself. There is nobody else, so they arrive at system calls only.
//!
//! A handler runs on a frame laid out as Linux does it (`rt_sigframe`: return address, `ucontext`, `siginfo`, then the
//! vector registers in fxsave's layout), and `rt_sigreturn` restores all that the frame says. The x87 stack is the
//! handler's and the program's together: it is empty at every call by the ABI.

use crate::errno::Errno;
use crate::kernel::{Args, Kernel, Outcome, Registers, Vectors};
use crate::process::PID;
use crate::text::text;

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
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESETHAND: u64 = 0x8000_0000;
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

/// Signal state of the one thread.
#[derive(Debug)]
pub struct Signals {
    actions: [Action; MAX as usize + 1],
    /// Blocked signals; bit n−1 is signal n.
    pub(crate) mask: u64,
    pending: u64,
    /// `sigsuspend`'s mask to go back to.
    restore: Option<u64>,
    /// Alternate stack: (start, size); size 0 = none.
    stack: (u64, u64),
}

impl Default for Signals {
    fn default() -> Self {
        Signals {
            actions: [Action::default(); MAX as usize + 1],
            mask: 0,
            pending: 0,
            restore: None,
            stack: (0, 0),
        }
    }
}

fn bit(number: u32) -> u64 {
    1 << (number - 1)
}

/// What the default action does: `None` for nothing.
fn kills(number: u32) -> bool {
    // CHLD, CONT, URG, WINCH are ignored.
    !matches!(number, 17 | 18 | 23 | 28)
}

/// The signal's name.
fn name(number: u32) -> &'static str {
    const NAMES: [&str; 32] = [
        "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
        "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
        "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    NAMES.get(number as usize).copied().unwrap_or("RT")
}

impl Signals {
    /// Whether a signal would be delivered now.
    pub(crate) fn deliverable(&self) -> bool {
        self.pending & !self.mask != 0
    }

    /// Another mask until the next delivery: what `sigsuspend` and `ppoll` do.
    pub(crate) fn suspend(&mut self, mask: u64) {
        let mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        self.restore = Some(core::mem::replace(&mut self.mask, mask));
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
    /// Makes a signal pending; ignored ones vanish.
    pub(crate) fn raise(&mut self, number: u32) {
        if !self.signals.ignored(number) {
            self.signals.pending |= bit(number);
        }
    }

    /// Delivers pending signals after a system call whose result is in `registers`.
    pub(crate) fn deliver(
        &mut self,
        registers: &Registers,
        top: u64,
        vectors: &Vectors,
    ) -> Outcome {
        while self.signals.deliverable() {
            let number = (self.signals.pending & !self.signals.mask).trailing_zeros() + 1;
            self.signals.pending &= !bit(number);
            let action = self.signals.actions[number as usize];
            if self.signals.ignored(number) {
                continue;
            }
            if action.handler == SIG_DFL {
                self.say(&text!("ended by signal {number} (SIG{})", name(number)));
                self.end(128 + number as u8);
                return Outcome::Exit(128 + number as u8);
            }
            return match self.enter(number, action, registers, top, vectors) {
                Ok(block) => Outcome::Resume(block),
                Err(_) => {
                    self.say(&text!(
                        "no stack to handle signal {number} (SIG{})",
                        name(number)
                    ));
                    self.end(128 + 11);
                    Outcome::Exit(128 + 11)
                }
            };
        }
        if let Some(mask) = self.signals.restore.take() {
            self.signals.mask = mask;
        }
        Outcome::Continue
    }

    /// Builds the frame of a handler: the address of the register block with which the program goes on.
    fn enter(
        &mut self,
        number: u32,
        action: Action,
        registers: &Registers,
        top: u64,
        vectors: &Vectors,
    ) -> Result<u64, Errno> {
        let before = self.signals.restore.take().unwrap_or(self.signals.mask);
        let (start, size) = self.signals.stack;
        let on_stack = top.wrapping_sub(start) < size;
        let mut high = top - RED_ZONE;
        if action.flags & SA_ONSTACK != 0 && size > 0 && !on_stack {
            high = start + size;
        }
        // The vector area is 16-aligned; the frame below it starts 8 below a 16-byte border, as after a call.
        let area = high.checked_sub(FX_SIZE).ok_or(Errno::EFAULT)? & !15;
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
        for (index, value) in registers.for_context(top).into_iter().enumerate() {
            put(UC_REGISTERS + index as u64 * 8, value);
        }
        put(UC_VECTORS, area);
        put(UC_MASK, before);
        put(SIGINFO, u64::from(number));
        // si_code SI_TKILL (or SI_KERNEL for an alarm), si_pid, si_uid.
        put(
            SIGINFO + 8,
            if number == SIGALRM {
                0x80
            } else {
                -6_i32 as u32 as u64
            },
        );
        put(SIGINFO + 16, u64::from(PID));
        self.memory.put(frame, &bytes)?;
        let mut fx = [0_u8; FX_SIZE as usize];
        // fcw and MXCSR as at the start, for who looks; rt_sigreturn takes the vectors alone.
        fx[..2].copy_from_slice(&0x37F_u16.to_le_bytes());
        fx[24..28].copy_from_slice(&0x1F80_u32.to_le_bytes());
        for (slot, vector) in fx[FX_XMM..].chunks_mut(16).zip(vectors) {
            slot.copy_from_slice(&vector.to_le_bytes());
        }
        self.memory.put(area, &fx)?;
        let block = frame - size_of::<Registers>() as u64;
        let entry = Registers {
            rdi: u64::from(number),
            rsi: frame + SIGINFO,
            rdx: frame + UC,
            rip: action.handler,
            ..Registers::default()
        };
        self.memory.put(block, &entry.to_bytes())?;
        self.signals.mask |= action.mask
            | if action.flags & SA_NODEFER == 0 {
                bit(number)
            } else {
                0
            };
        self.signals.mask &= !(bit(SIGKILL) | bit(SIGSTOP));
        if action.flags & SA_RESETHAND != 0 {
            self.signals.actions[number as usize] = Action {
                flags: action.flags & SA_SIGINFO,
                ..Action::default()
            };
        }
        Ok(block)
    }

    /// `rt_sigreturn`: goes back to what the frame says. `top` is the program's stack pointer behind the call.
    pub(crate) fn sigreturn(&mut self, top: u64, vectors: &mut Vectors) -> Result<u64, Errno> {
        // The handler's return took the restorer's address from the frame; the call of the system call skipped the red zone.
        let frame = top + RED_ZONE - UC;
        let mut context = [0_u64; 23];
        for (index, value) in context.iter_mut().enumerate() {
            *value = self.memory.read(frame + UC_REGISTERS + index as u64 * 8)?;
        }
        let mask: u64 = self.memory.read(frame + UC_MASK)?;
        let area: u64 = self.memory.read(frame + UC_VECTORS)?;
        if area != 0 {
            for (index, vector) in vectors.iter_mut().enumerate() {
                let [low, high] = self
                    .memory
                    .read::<[u64; 2]>(area + FX_XMM as u64 + index as u64 * 16)?;
                *vector = u128::from(high) << 64 | u128::from(low);
            }
        }
        let (registers, stack) = Registers::from_context(&context);
        let block = stack
            .checked_sub(size_of::<Registers>() as u64)
            .ok_or(Errno::EFAULT)?;
        self.memory.put(block, &registers.to_bytes())?;
        self.signals.mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        Ok(block)
    }
}

/// What the rewriter skips below the stack pointer before it calls the library OS; the x86-64 ABI's red zone.
pub(crate) const RED_ZONE: u64 = 128;

// `struct rt_sigframe` (arch/x86/include/asm/sigframe.h), offsets from its start.
const UC: u64 = 8;
const UC_STACK: u64 = UC + 16;
const UC_REGISTERS: u64 = UC + 40;
const UC_VECTORS: u64 = UC_REGISTERS + 23 * 8;
const UC_MASK: u64 = UC + 296;
const SIGINFO: u64 = UC + 304;
const FRAME_SIZE: u64 = SIGINFO + 128;
/// fxsave's area, and where xmm0 stands in it.
const FX_SIZE: u64 = 512;
const FX_XMM: usize = 160;

pub(crate) fn send(kernel: &mut Kernel, number: u64) -> Result<u64, Errno> {
    match number & 0xFFFF_FFFF {
        0 => Ok(0),
        number @ 1..=MAX => {
            let number = number as u32;
            if number == SIGKILL || number == SIGSTOP {
                // Nothing could continue a stopped instance.
                kernel.signals.mask &= !bit(number);
            }
            kernel.raise(number);
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
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
        if kernel.signals.ignored(number) {
            kernel.signals.pending &= !bit(number);
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
    let before = kernel.signals.mask;
    if new != 0 {
        let set = kernel.memory.read::<u64>(new)? & !(bit(SIGKILL) | bit(SIGSTOP));
        kernel.signals.mask = match how {
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
    kernel
        .memory
        .write(set, &(kernel.signals.pending & kernel.signals.mask))?;
    Ok(0)
}

pub(crate) fn rt_sigsuspend(kernel: &mut Kernel, [set, size, ..]: Args) -> Result<u64, Errno> {
    check_size(size)?;
    let mask = kernel.memory.read::<u64>(set)?;
    kernel.signals.suspend(mask);
    kernel.sleep_for_ever_or(None, "waits for a signal, and none can come", Errno::EINTR)
}

pub(crate) fn rt_sigtimedwait(
    kernel: &mut Kernel,
    [set, info, timeout, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let set = kernel.memory.read::<u64>(set)?;
    let span = if timeout == 0 {
        None
    } else {
        Some(crate::time::duration(kernel, timeout)?)
    };
    if kernel.signals.pending & set == 0 {
        if span.is_none() && kernel.clock.alarm.is_none() {
            kernel.deadlock("waits for a signal, and none can come");
            return Ok(0);
        }
        kernel.wait(span);
    }
    let ready = kernel.signals.pending & set;
    if ready == 0 {
        return Err(if kernel.signals.deliverable() {
            Errno::EINTR
        } else {
            Errno::EAGAIN
        });
    }
    let number = ready.trailing_zeros() + 1;
    kernel.signals.pending &= !bit(number);
    if info != 0 {
        let mut bytes = [0; 128];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        bytes[8..12].copy_from_slice(&(-6_i32).to_le_bytes());
        bytes[16..20].copy_from_slice(&PID.to_le_bytes());
        kernel.memory.put(info, &bytes)?;
    }
    Ok(u64::from(number))
}

pub(crate) fn sigaltstack(kernel: &mut Kernel, [new, old, ..]: Args) -> Result<u64, Errno> {
    let (start, size) = kernel.signals.stack;
    let before = [start, if size == 0 { SS_DISABLE } else { 0 }, size];
    if new != 0 {
        let start: u64 = kernel.memory.read(new)?;
        let flags: u64 = kernel.memory.read(new + 8)?;
        let size: u64 = kernel.memory.read(new + 16)?;
        kernel.signals.stack = match flags & 0xFFFF_FFFF {
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
