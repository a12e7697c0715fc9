//! The instance's signal handlers: a fault becomes a record, and the process ends. They run on a stack of their own, for
//! the guest's stack pointer is anything.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use libc::{
    REG_EFL, REG_ERR, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
    REG_RAX, REG_RBP, REG_RBX, REG_RCX, REG_RDI, REG_RDX, REG_RIP, REG_RSI, REG_RSP, REG_TRAPNO,
};
use zvm_abi::layout;

use crate::crash::snapshot;
use crate::door::{self, Cause, Passage};
use crate::record::{Fault, RIP, RSP, Record, Shared, Stage};
use crate::trap::Guest;
use crate::{error, thunk};

/// Where the record lies, for the handler.
static RECORD: AtomicPtr<Record> = AtomicPtr::new(ptr::null_mut());
/// Exclusive end of the addresses from which a fault is the guest's, 0 before the guest starts.
static GUEST: AtomicU64 = AtomicU64::new(0);

/// The signals that an instruction can cause.
const SIGNALS: [i32; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
];

/// Exclusive end of the standard signals.
const STANDARD_END: i32 = 32;

/// The order of [`Fault::registers`].
const REGISTERS: [i32; 18] = [
    REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8, REG_R9,
    REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP, REG_EFL,
];

/// Installs the handlers and their stack.
///
/// # Errors
/// The host's.
pub fn install(record: Shared) -> io::Result<()> {
    RECORD.store(record.as_ptr(), Ordering::Relaxed);
    // The kernel puts all vector state there: AT_MINSIGSTKSZ says how much that is on this CPU.
    // SAFETY: getauxval only reads the process's auxiliary vector.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    let size = (frame.max(libc::MINSIGSTKSZ) + (64 << 10)).next_multiple_of(layout::PAGE as usize);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let stack = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            flags,
            -1,
            0,
        )
    };
    if stack == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let stack = libc::stack_t {
        ss_sp: stack,
        ss_flags: 0,
        ss_size: size,
    };
    // SAFETY: the stack is ours and stays mapped as long as the process lives.
    check(unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) })?;
    forget_handlers()?;
    // SAFETY: all-zero is a valid sigaction and sigset.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    for signal in SIGNALS {
        // SAFETY: the handler has the signature that SA_SIGINFO asks for and keeps to what a handler may do.
        check(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) })?;
    }
    Ok(())
}

/// Sets every signal that has a handler to its default, and blocks none; but real-time signals, each of which would have to be
/// asked for too, are blocked instead. A handler that the parent's program installed would run on the guest's stack.
fn forget_handlers() -> io::Result<()> {
    // SAFETY: all-zero is a valid sigaction (the default) and an empty sigset.
    let (default, mut old): (libc::sigaction, libc::sigaction) = unsafe {
        (
            MaybeUninit::zeroed().assume_init(),
            MaybeUninit::zeroed().assume_init(),
        )
    };
    let others = |signal: &i32| !SIGNALS.contains(signal);
    for signal in (1..STANDARD_END).filter(others) {
        // SAFETY: the structures live through the calls.
        unsafe {
            let known = libc::sigaction(signal, ptr::null(), &raw mut old) == 0;
            if known && old.sa_sigaction != libc::SIG_DFL && old.sa_sigaction != libc::SIG_IGN {
                check(libc::sigaction(signal, &raw const default, ptr::null_mut()))?;
            }
        }
    }
    let mut blocked = default.sa_mask;
    for signal in libc::SIGRTMIN()..=libc::SIGRTMAX() {
        // SAFETY: the set lives through the call. libc keeps two signals between these and the standard ones for itself; they
        // have no handler in a process without threads.
        check(unsafe { libc::sigaddset(&raw mut blocked, signal) })?;
    }
    // SAFETY: the set lives through the call.
    check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const blocked, ptr::null_mut()) })
}

/// From now on, faults below the guard's end and in the thunk's pop are the guest's.
pub fn guest_starts() {
    GUEST.store(layout::GUARD_END, Ordering::Relaxed);
}

fn check(result: i32) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Goes on in the guest where that has a door for the fault; else records it, copies the guest's stack, and ends the
/// process. Async-signal-safe.
extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo_t and a ucontext_t that live through the handler.
    let (code, address, machine) = unsafe {
        (
            (*info).si_code,
            (*info).si_addr().addr() as u64,
            &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext,
        )
    };
    let mut fault = Fault {
        signal,
        code,
        address,
        exception: machine.gregs[REG_TRAPNO as usize] as u64,
        error: machine.gregs[REG_ERR as usize] as u64,
        in_trap: false,
        registers: REGISTERS.map(|register| machine.gregs[register as usize] as u64),
        gs_base: gs_base(),
    };
    let guest_end = GUEST.load(Ordering::Relaxed);
    let rip = fault.registers[RIP];
    if (thunk::contains(rip) || signal == libc::SIGBUS && rip >= guest_end) && address < guest_end {
        // The thunk popped the guest's return address from a bad stack, or a trap read its arguments from a mounted file
        // that somebody has cut; the other registers are the host's.
        let rsp = thunk::guest_rsp();
        fault.in_trap = true;
        fault.registers = [0; 18];
        fault.registers[RSP] = rsp;
        fault.registers[RIP] = layout::TRAMPOLINE_BASE;
    } else if rip >= guest_end {
        fault.in_trap = thunk::contains(rip);
        finish(Stage::HostFault, fault, i32::from(error::status::IO));
    } else {
        let cause = Cause {
            signal: signal as u32,
            code,
            address,
            exception: fault.exception,
            error: fault.error,
        };
        // SAFETY: the guest's code was interrupted, and this handler is not, by its own signals: each is blocked in it, and a
        // fault here is the host's.
        let passage = unsafe { Guest::get() }.map_or(Passage::Shut, |mut guest| {
            door::pass(&mut guest, cause, &mut fault.registers)
        });
        match passage {
            Passage::Open => {
                for (register, value) in REGISTERS.into_iter().zip(fault.registers) {
                    machine.gregs[register as usize] = value as i64;
                }
                return;
            }
            Passage::Ends(signal) => {
                fault.signal = signal as i32;
                fault.code = libc::SI_USER;
                (fault.exception, fault.error, fault.address) = (0, 0, 0);
            }
            Passage::Shut => {}
        }
    }
    snapshot::take(fault.registers[RSP]);
    finish(
        Stage::Fault,
        fault,
        i32::from(error::status::FAULT) + fault.signal,
    );
}

fn finish(stage: Stage, fault: Fault, status: i32) -> ! {
    if let Some(record) = Shared::from_ptr(RECORD.load(Ordering::Relaxed)) {
        record.set_fault(stage, fault);
    }
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

/// The guest's thread pointer; the host never uses gs.
fn gs_base() -> u64 {
    let base: u64;
    // SAFETY: the runtime refuses to start on a host without FSGSBASE, before the handlers are installed.
    unsafe {
        std::arch::asm!("rdgsbase {}", out(reg) base, options(nomem, nostack, preserves_flags))
    };
    base
}
