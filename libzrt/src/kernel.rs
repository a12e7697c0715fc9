//! The kernel: all state of the library OS, and the way of a system call through it.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use zvm_abi::fault::{self, REGISTERS};
use zvm_abi::manifest::CLOCK;

use crate::errno::Errno;
use crate::fs::calls::Lock;
use crate::fs::{Files, NodeId, Outside, Ports, Time, Tree};
use crate::host::Host;
use crate::mm::Memory;
use crate::nvram::{MountLine, Nvram};
use crate::posix_timer::PosixTimer;
use crate::process::Process;
use crate::random::Random;
use crate::signal::Signals;
use crate::syscalls;
use crate::text::text;
use crate::threads::{Futexes, Run, Threads};
use crate::time::Clock;
use crate::trace::{Answer, Trace};

/// Arguments of a system call, in Linux's order.
pub type Args = [u64; 6];

/// xmm0 to xmm15.
pub type Vectors = [u128; 16];

/// Exit status of an instance that waits for what cannot happen (`EDEADLK`).
pub const DEADLOCK: u8 = 35;

/// The program's registers at a system call, in the order in which the entry stores them: the block lies on the program's
/// stack, and `rip` is the return address, so the stack pointer after the return is the block's end.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the documentation.
pub struct Registers {
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rbx: u64,
    pub rbp: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rip: u64,
}

const _: () = assert!(size_of::<Registers>() == 128);

impl Registers {
    /// All zero.
    pub const ZERO: Registers = Registers {
        rax: 0,
        rcx: 0,
        rdx: 0,
        rbx: 0,
        rbp: 0,
        rsi: 0,
        rdi: 0,
        r8: 0,
        r9: 0,
        r10: 0,
        r11: 0,
        r12: 0,
        r13: 0,
        r14: 0,
        r15: 0,
        rip: 0,
    };

    /// Arguments of the system call that these registers make.
    pub(crate) fn args(&self) -> Args {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }

    /// The block's bytes.
    pub fn to_bytes(&self) -> [u8; 128] {
        let words = [
            self.rax, self.rcx, self.rdx, self.rbx, self.rbp, self.rsi, self.rdi, self.r8, self.r9,
            self.r10, self.r11, self.r12, self.r13, self.r14, self.r15, self.rip,
        ];
        let mut bytes = [0; 128];
        bytes
            .chunks_mut(8)
            .zip(words)
            .for_each(|(slot, word)| slot.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    /// As a fault's frame has them ([`REGISTERS`]), with this stack pointer.
    pub fn for_frame(&self, stack: u64) -> [u64; REGISTERS] {
        let r = self;
        [
            r.rax,
            r.rbx,
            r.rcx,
            r.rdx,
            r.rsi,
            r.rdi,
            r.rbp,
            stack,
            r.r8,
            r.r9,
            r.r10,
            r.r11,
            r.r12,
            r.r13,
            r.r14,
            r.r15,
            r.rip,
            fault::FLAGS_AT_ENTRY,
        ]
    }

    /// Back from `gregs`: the registers and the stack pointer.
    pub(crate) fn from_context(context: &[u64; 23]) -> (Registers, u64) {
        let [
            r8,
            r9,
            r10,
            r11,
            r12,
            r13,
            r14,
            r15,
            rdi,
            rsi,
            rbp,
            rbx,
            rdx,
            rax,
            rcx,
            stack,
            rip,
            ..,
        ] = *context;
        (
            Registers {
                rax,
                rcx,
                rdx,
                rbx,
                rbp,
                rsi,
                rdi,
                r8,
                r9,
                r10,
                r11,
                r12,
                r13,
                r14,
                r15,
                rip,
            },
            stack,
        )
    }
}

/// How a system call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Back to the program, as the thread that runs now, with the register block at this address (its end is the stack
    /// pointer).
    Resume(u64),
    /// The instance ends with this status.
    Exit(u8),
    /// The instance ends as by this signal, which the thread with the register block at this address does not handle: the
    /// runtime shows where it was.
    Core(u32, u64),
}

/// How a signal ends the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this status, and no word of the runtime's.
    Status(u8),
    /// With this status, because of a signal.
    Killed(u8),
    /// As by this signal, with the runtime's report.
    Core(u32),
}

/// A channel as the manifest describes it.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its alias.
    pub name: Vec<u8>,
    /// `SEQUENTIAL` … `RANDOM` of the ABI.
    pub kind: u32,
    /// Bytes at start.
    pub size: u64,
    /// Whether it has gets.
    pub readable: bool,
    /// Whether it has puts.
    pub writable: bool,
    /// Its bytes, where the runtime mapped them.
    pub mapped: Option<&'static [u8]>,
}

/// What a kernel starts from.
pub struct Boot {
    /// The traps.
    pub host: Box<dyn Host>,
    /// The program's memory.
    pub memory: Memory,
    /// Channels by number.
    pub channels: Vec<Channel>,
    /// nvram's contents.
    pub nvram: Nvram,
    /// Bytes of stack.
    pub stack: u64,
    /// The image's level, 1 to 4.
    pub level: u32,
}

/// The library OS.
pub struct Kernel {
    /// The way out.
    pub host: Box<dyn Host>,
    /// The program's memory.
    pub memory: Memory,
    /// Channels by number.
    pub channels: Vec<Channel>,
    /// All files.
    pub tree: Tree,
    /// Descriptors and the working directory.
    pub files: Files,
    /// Time.
    pub clock: Clock,
    /// Random bytes.
    pub random: Random,
    /// Identity and limits.
    pub process: Process,
    /// Signals.
    pub signals: Signals,
    /// Threads.
    pub threads: Threads,
    /// What nvram mounts.
    pub(crate) mounts: Vec<MountLine>,
    /// Who waits at which futex.
    pub(crate) futexes: Futexes,
    /// Which sockets have which names.
    pub(crate) ports: Ports,
    /// Channels that sockets reach.
    pub(crate) outside: Outside,
    /// When timerfds expire that have something to tell then, by their nodes.
    pub(crate) timers: BTreeSet<(u64, NodeId)>,
    /// Nodes of epoll descriptors.
    pub(crate) epolls: Vec<NodeId>,
    /// Locks that open files hold.
    pub(crate) locks: Vec<Lock>,
    /// `timer_create`'s, by number.
    pub(crate) posix_timers: Vec<Option<PosixTimer>>,
    /// argv, for /proc.
    pub(crate) args: Vec<Vec<u8>>,
    /// Environment, for /proc.
    pub(crate) env: Vec<Vec<u8>>,
    /// Whether calls are shown, and where.
    pub(crate) trace: Option<Trace>,
    ending: Option<u8>,
    /// Whether calls that the sandbox does not have are shown on stderr.
    trace_missing: bool,
}

/// In the environment with the value `missing`: show the calls that the sandbox does not have.
const TRACE: &[u8] = b"ZRT_TRACE=missing";

/// The clock that channels and nvram ask for.
pub(crate) fn clock(
    host: &mut dyn Host,
    channels: &[Channel],
    nvram: &Nvram,
) -> Result<Clock, String> {
    let told = channels
        .iter()
        .position(|channel| channel.name == CLOCK.as_bytes());
    match told {
        Some(channel) => Clock::of_host(host, channel as u32)
            .map_err(|error| text!("the host's clock: error {}", -error)),
        None => Ok(Clock::new(Time {
            seconds: nvram.seconds,
            nanoseconds: nvram.nanoseconds,
        })),
    }
}

impl Kernel {
    /// A kernel before the program's first instruction.
    ///
    /// # Errors
    /// What is wrong with the mounts, as a message for the user.
    pub fn new(boot: Boot) -> Result<Kernel, String> {
        let Boot {
            mut host,
            memory,
            channels,
            nvram,
            stack,
            level,
        } = boot;
        let clock = clock(&mut *host, &channels, &nvram)?;
        let now = clock.now();
        let name = nvram.args.first().map_or(&b"zvm"[..], |name| {
            name.rsplit(|&byte| byte == b'/').next().unwrap_or(name)
        });
        let aliases = channels.iter().map(|channel| &channel.name[..]);
        let outside = Outside::new((0..).zip(aliases));
        let count = name.len().min(15);
        let mut short = [0; 16];
        short[..count].copy_from_slice(&name[..count]);
        let mut kernel = Kernel {
            host,
            memory,
            channels,
            tree: Tree::new(now),
            files: Files::new(),
            clock,
            random: Random::new(nvram.seed),
            process: Process::new(stack),
            signals: Signals::default(),
            threads: Threads::new(level, short),
            mounts: Vec::new(),
            futexes: Futexes::default(),
            ports: Ports::default(),
            outside,
            timers: BTreeSet::new(),
            epolls: Vec::new(),
            locks: Vec::new(),
            posix_timers: Vec::new(),
            args: Vec::new(),
            trace_missing: false,
            env: Vec::new(),
            trace: None,
            ending: None,
        };
        kernel.set_program(nvram.args, nvram.env, nvram.strace)?;
        kernel.set_up_files(&nvram.mounts, &nvram.cwd)?;
        Ok(kernel)
    }

    /// What the program was started with, and whether its calls are shown.
    pub(crate) fn set_program(
        &mut self,
        args: Vec<Vec<u8>>,
        env: Vec<Vec<u8>>,
        strace: Option<Vec<u8>>,
    ) -> Result<(), String> {
        self.trace = match strace {
            Some(alias) => Some(Trace::to(self.writable(&alias)?)),
            None => None,
        };
        self.trace_missing = env.iter().any(|variable| variable == TRACE);
        (self.args, self.env) = (args, env);
        Ok(())
    }

    /// Answers the system call in `registers`, which lie on the current thread's stack at the address `block`: who runs on,
    /// and where. The registers of every thread are in its block; what else it has is in [`Threads::state`].
    pub fn syscall(&mut self, registers: &Registers, block: u64) -> Outcome {
        // The end of a handler takes no time, or a timer of one step would start the next at once, and the program stand still.
        if registers.rax != syscalls::RT_SIGRETURN {
            self.clock.tick(&mut *self.host);
        }
        let thread = self.threads.current_mut();
        thread.begin(registers.rax, block);
        self.call(registers.rax, registers.args());
        loop {
            if let Some(status) = self.ending {
                return self.finish(End::Status(status));
            }
            if !self.choose() {
                return self.finish(End::Status(DEADLOCK));
            }
            let thread = self.threads.current();
            if !matches!(thread.run, Run::Ready) {
                // Made again, when this thread's turn has come.
                self.call_again();
                continue;
            }
            if self.signals.quiet(&thread.signals) {
                return Outcome::Resume(thread.block);
            }
            if let Some(end) = self.deliver() {
                return self.finish(end);
            }
            return Outcome::Resume(self.threads.current().block);
        }
    }

    /// Makes the current thread's call, for the first time or again.
    #[inline]
    fn call(&mut self, number: u64, args: Args) {
        self.threads.current_mut().run = Run::Ready;
        if self.trace.is_some() || self.trace_missing {
            return self.call_shown(number, args);
        }
        if number == syscalls::RT_SIGRETURN {
            return self.return_from_handler();
        }
        let result = self.handle(number, args);
        self.settle(result);
    }

    /// Makes the current thread's call again, on the open file that it was made for.
    fn call_again(&mut self) {
        let thread = self.threads.current();
        let (number, args, held) = (thread.number, thread.args, thread.progress.held);
        self.files.held = held;
        self.call(number, args);
        self.files.held = None;
        if let Some(held) = held
            && let Some(thread) = self.threads.running()
            && !matches!(thread.run, Run::Waiting(_))
        {
            self.progress().held = None;
            if let Some(file) = self.files.let_go(held) {
                self.forget(&file);
            }
        }
    }

    #[inline]
    fn handle(&mut self, number: u64, mut args: Args) -> Result<u64, Errno> {
        let Some(call) = syscalls::find(number) else {
            return Err(Errno::ENOSYS);
        };
        call.cut(&mut args);
        (call.handler)(self, &args)
    }

    fn return_from_handler(&mut self) {
        if self.sigreturn().is_err() {
            self.say("rt_sigreturn without a signal's frame on the stack");
            self.end(128 + 11);
        }
    }

    /// Gives the current thread its call's result, or lets it wait.
    #[inline]
    fn settle(&mut self, result: Result<u64, Errno>) {
        let value = match result {
            Err(Errno::WAITS) => return self.begin_wait(),
            Err(Errno::GONE) => return,
            Err(errno) => -i64::from(errno.0) as u64,
            Ok(value) => value,
        };
        let thread = self.threads.current_mut();
        thread.run = Run::Ready;
        thread.interrupted = result == Err(Errno::EINTR);
        let block = thread.block;
        self.memory.answer(block, value);
    }

    /// The same, shown to whom wants to see all calls or those that are missing. Apart, since it needs a copy of the arguments.
    #[cold]
    fn call_shown(&mut self, number: u64, args: Args) {
        let tid = self.threads.current().tid;
        if number == syscalls::RT_SIGRETURN {
            self.trace_call(tid, number, args, Answer::Never);
            return self.return_from_handler();
        }
        let result = self.handle(number, args);
        if let Err(errno @ (Errno::ENOSYS | Errno::EAFNOSUPPORT)) = result
            && self.trace_missing
            && (errno == Errno::ENOSYS || syscalls::makes_socket(number))
        {
            let name = syscalls::name(number);
            let [a, b, c, ..] = args;
            self.say(&text!(
                "trace: {name}({number}) {a:#x}, {b:#x}, {c:#x} = {errno:?}"
            ));
        }
        self.trace_call(tid, number, args, self.answer(result));
        self.settle(result);
    }

    /// How the call stands that has this result.
    fn answer(&self, result: Result<u64, Errno>) -> Answer {
        match result {
            Err(Errno::WAITS) => Answer::Waits,
            Err(Errno::GONE) => Answer::Never,
            _ if self.ending.is_some() => Answer::Never,
            result => Answer::Is(result),
        }
    }

    /// The channel of this alias, to which something will be written.
    fn writable(&self, alias: &[u8]) -> Result<u32, String> {
        let found = self
            .channels
            .iter()
            .position(|channel| channel.writable && channel.name == alias);
        found.map(|index| index as u32).ok_or_else(|| {
            let alias = String::from_utf8_lossy(alias);
            text!("no channel {alias} that can be written, for [strace]")
        })
    }

    /// Time, for new files.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// The instance ends after this call.
    pub(crate) fn end(&mut self, status: u8) {
        self.ending = Some(status);
    }

    /// A line for the user on stderr.
    pub(crate) fn say(&mut self, text: &str) {
        self.write_all(2, text!("zvm: {text}\n").as_bytes());
    }

    /// Writes to a channel, as far as it goes: what the library OS itself has to say.
    pub(crate) fn write_all(&mut self, channel: u32, mut rest: &[u8]) {
        while !rest.is_empty() {
            match Errno::check(self.host.write(channel, rest, 0)) {
                Ok(count) if count > 0 => rest = &rest[(count as usize).min(rest.len())..],
                _ => return,
            }
        }
    }

    /// No thread can ever run again: a message that says why.
    pub(crate) fn deadlock(&mut self, why: &str) {
        self.say(&text!("deadlock: nothing can happen any more: {why}"));
    }

    /// Brings mappings and mounts home; the last thing before the exit. What a signal ends leaves nothing behind.
    fn finish(&mut self, end: End) -> Outcome {
        let status = match end {
            End::Core(signal) => return Outcome::Core(signal, self.threads.current().block),
            End::Killed(status) => return Outcome::Exit(status),
            End::Status(status) => status,
        };
        let stored = self.bring_home();
        if let Err(errno) = stored {
            self.say(&text!(
                "not all that was stored into mapped files is in them: {}",
                errno.text()
            ));
        }
        let written = self.write_mounts();
        match status {
            0 if stored.is_err() || !written => Outcome::Exit(5),
            status => Outcome::Exit(status),
        }
    }
}
