//! Signals that a program sends itself, or one of its threads, which arrive at system calls only: what is pending, what is
//! ignored, what ends the instance. Their handlers' frames are [`frame`]'s.

mod alternate_stack;
pub(crate) mod calls;
mod frame;

use alloc::vec::Vec;

use zvm_abi::fault::leaves_core;

use crate::errno::Errno;
use crate::kernel::{End, Kernel};
use crate::process::{PID, SIGPENDING};
use crate::text::text;
use crate::threads::{Run, Thread};
use alternate_stack::AlternateStack;
pub(crate) use alternate_stack::sigaltstack;
pub(crate) use frame::{Interrupted, RED_ZONE};
use frame::{restarts, siginfo};

/// Highest signal number.
const MAX: u64 = 64;
/// `SIGKILL`: cannot be caught.
const SIGKILL: u32 = 9;
/// `SIGSTOP`: cannot be caught.
const SIGSTOP: u32 = 19;
/// The first of those that queue.
const REAL_TIME: u32 = 32;
/// `SIGPIPE`.
pub(crate) const SIGPIPE: u32 = 13;
/// `SIGXFSZ`.
pub(crate) const SIGXFSZ: u32 = 25;
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
const SS_DISABLE: u32 = 2;

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
    /// `si_pid` and `si_uid`; of a POSIX timer's, its number and how many expirations it stands for, but one.
    pub sender: u64,
    /// `si_value`.
    pub value: u64,
    /// Which POSIX timer sent it. Not told by the code: a program may claim any.
    pub timer: Option<u32>,
}

impl Info {
    /// A signal of the process's own, or of the library OS's.
    pub(crate) fn new(number: u32, code: i32) -> Info {
        Info {
            number,
            code,
            sender: u64::from(PID),
            value: 0,
            timer: None,
        }
    }

    /// A POSIX timer's.
    pub(crate) fn of_timer(number: u32, timer: u32, value: u64) -> Info {
        Info {
            number,
            code: SI_TIMER,
            sender: u64::from(timer),
            value,
            timer: Some(timer),
        }
    }
}

/// `si_code` of a POSIX timer's signal.
const SI_TIMER: i32 = -2;

/// Signals that wait to be delivered.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// Bit n−1 is signal n.
    set: u64,
    /// In the order in which they came. An ordinary one for which there was no memory has none.
    infos: Vec<Info>,
}

impl Pending {
    /// Ordinary signals pend once; real-time ones as often as they were sent.
    ///
    /// # Errors
    /// `EAGAIN` for a real-time one where memory is full.
    fn add(&mut self, info: Info) -> Result<(), Errno> {
        let is_real_time = info.number >= REAL_TIME;
        if !is_real_time && self.has(info.number) {
            return Ok(());
        }
        match self.infos.try_reserve(1) {
            Ok(()) => self.infos.push(info),
            Err(_) if is_real_time => return Err(Errno::EAGAIN),
            Err(_) => {}
        }
        self.set |= bit(info.number);
        Ok(())
    }

    fn has(&self, number: u32) -> bool {
        self.set & bit(number) != 0
    }

    /// Takes out the first of the lowest number in `among`.
    fn take(&mut self, among: u64) -> Option<Info> {
        let ready = self.set & among;
        if ready == 0 {
            return None;
        }
        let number = ready.trailing_zeros() + 1;
        let first = self.infos.iter().position(|info| info.number == number);
        let info = match first {
            Some(first) => self.infos.remove(first),
            None => Info::new(number, SI_USER),
        };
        if !self.infos.iter().any(|info| info.number == number) {
            self.set &= !bit(number);
        }
        Some(info)
    }

    /// Whether it holds this timer's signal.
    fn holds(&self, timer: u32) -> bool {
        let mut infos = self.infos.iter();
        infos.any(|info| info.timer == Some(timer))
    }

    fn discard(&mut self, number: u32) {
        self.retain(|info| info.number != number);
        self.set &= !bit(number);
    }

    fn retain(&mut self, keep: impl FnMut(&Info) -> bool) {
        let numbers = |infos: &[Info]| infos.iter().fold(0, |set, info| set | bit(info.number));
        let before = numbers(&self.infos);
        self.infos.retain(keep);
        self.set = self.set & !before | numbers(&self.infos);
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
    stack: AlternateStack,
}

impl ThreadSignals {
    /// What a new thread inherits: the mask alone.
    pub(crate) fn inherited(&self) -> ThreadSignals {
        ThreadSignals {
            mask: self.mask,
            stack: AlternateStack::NONE,
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
        // Ordinary signals are never too many.
        let _ = self.raise_info(Info::new(number, code));
    }

    /// Makes a signal pending for the process; ignored ones vanish, unless the current thread blocks them.
    ///
    /// # Errors
    /// `EAGAIN` for a real-time one where memory is full.
    pub(crate) fn raise_info(&mut self, info: Info) -> Result<(), Errno> {
        let number = info.number;
        let ignored = self.signals.ignored(number);
        let current = self.threads.running();
        if ignored && current.is_none_or(|thread| thread.signals.mask & bit(number) == 0) {
            return Ok(());
        }
        self.signals.pending.add(info)?;
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
        Ok(())
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
        thread.signals.pending.add(info)?;
        if (!thread.signals.mask | thread.signals.wanted) & bit(number) != 0 {
            self.wake_thread(slot);
        }
        Ok(())
    }

    /// Whether this signal, to the thread of this number or to any, could wake one, now that all wait: not if it pends already,
    /// so that nobody takes it, or vanishes, since it is ignored and nobody blocks it.
    pub(crate) fn can_wake(&self, number: u32, tid: Option<u32>) -> bool {
        let all = self.threads.iter().map(|(_, thread)| thread);
        let mut hearers = all.filter(|thread| tid.is_none_or(|tid| thread.tid == tid));
        let pending = match tid {
            None => self.signals.pending.set,
            Some(_) => hearers
                .clone()
                .fold(0, |set, thread| set | thread.signals.pending.set),
        };
        let stays = |thread: &Thread| {
            !self.signals.ignored(number) || thread.signals.mask & bit(number) != 0
        };
        pending & bit(number) == 0 && hearers.any(stays)
    }

    /// Whether one more signal of this number can be queued: real-time ones up to `RLIMIT_SIGPENDING`, of others one.
    ///
    /// # Errors
    /// `EAGAIN`.
    fn check_queue(&self, number: u32) -> Result<(), Errno> {
        let of_threads = self
            .threads
            .iter()
            .map(|(_, thread)| &thread.signals.pending);
        let queues = of_threads.chain([&self.signals.pending]);
        let queued = || {
            queues
                .map(|pending| pending.infos.len() as u64)
                .sum::<u64>()
        };
        if number >= REAL_TIME && queued() >= self.process.limits[SIGPENDING].0 {
            return Err(Errno::EAGAIN);
        }
        Ok(())
    }

    /// Whether this timer's signal, to the thread of this number or to any, waits to be delivered.
    pub(crate) fn timer_pends(&self, timer: u32, tid: Option<u32>) -> bool {
        match tid {
            None => self.signals.pending.holds(timer),
            Some(tid) => {
                let mut threads = self.threads.iter();
                threads.any(|(_, thread)| thread.tid == tid && thread.signals.pending.holds(timer))
            }
        }
    }

    /// A timer is set anew, or is gone: its signal is not delivered any more.
    pub(crate) fn discard_timer_signal(&mut self, timer: u32) {
        let others = |info: &Info| info.timer != Some(timer);
        self.signals.pending.retain(others);
        for thread in self.threads.iter_mut() {
            thread.signals.pending.retain(others);
        }
    }

    /// Takes out the current thread's next signal of those in `among`: its own come first, as on Linux.
    fn take_signal(&mut self, among: u64) -> Option<Info> {
        let own = &mut self.threads.current_mut().signals;
        let next = own.pending.take(among);
        let mut info = next.or_else(|| self.signals.pending.take(among))?;
        if let Some(timer) = info.timer {
            info.sender |= u64::from(self.posix_timer_is_heard(timer)) << 32;
        }
        Some(info)
    }

    /// Delivers pending signals to the current thread, whose call is answered: how one of them ends the instance, if it does.
    pub(crate) fn deliver(&mut self) -> Option<End> {
        let mut handled = false;
        loop {
            let among = !self.threads.current().signals.mask;
            let Some(info) = self.take_signal(among) else {
                break;
            };
            let number = info.number;
            let action = self.signals.actions[number as usize];
            if self.signals.ignored(number) {
                continue;
            }
            self.trace_signal(number);
            if action.handler == SIG_DFL {
                if leaves_core(number) {
                    return Some(End::Core(number));
                }
                self.say(&text!("ended by signal {number} (SIG{})", name(number)));
                return Some(End::Killed(128 + number as u8));
            }
            let thread = self.threads.current();
            let restart = thread.interrupted && action.flags & SA_RESTART != 0 && restarts(thread);
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
                return Some(End::Killed(128 + 11));
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
}
