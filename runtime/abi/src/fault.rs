//! The door for faults: how a program handles a signal that an instruction of its own raised.
//!
//! There is no trap for it. The guest says in a few words of its stack where it goes on at a fault; the runtime's signal
//! handler reads them when there is one, writes what happened into the guest's memory, and returns to that place instead. All
//! of it is the guest's: the words, the frame, the registers, and the place, which must be where an indirect jump could lead.
//! The way back to the instruction that raised the signal, which no jump of the guest's reaches, is the door too: a fault at
//! a place that the guest has named goes on where a frame says, if a direct jump could go there. Or it ends the instance as by the
//! signal that the frame names, with the frame's registers in the report: so ends a program whose `abort` nobody handles.

use crate::layout;

/// Where the [`Door`] lies: the top of the stack, zero at the start, above the guest's first stack pointer.
pub const DOOR: u64 = layout::STACK_TOP - size_of::<Door>() as u64;

/// Registers in a [`Frame`]: rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8 to r15, rip, rflags.
pub const REGISTERS: usize = 18;
/// Index of rsp.
pub const RSP: usize = 7;
/// Index of rip.
pub const RIP: usize = 16;
/// Index of rflags.
pub const RFLAGS: usize = 17;

/// What of rflags a frame sets: all that `popf` may change in a program (rule C9).
pub const FLAGS: u64 = 0xcd5;
/// Bits of a page fault's error code that a frame shows: it was a write, or the fetch of an instruction.
pub const ERROR: u64 = 0x12;
/// Signals that end a process with a core (signal(7)), bit n for signal n: QUIT, ILL, TRAP, ABRT, BUS, FPE, SEGV, XCPU, XFSZ, SYS.
pub const CORE: u32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 11 | 1 << 24 | 1 << 25 | 1 << 31;
/// Whether a signal, of any number, is one of [`CORE`].
pub const fn leaves_core(signal: u32) -> bool {
    signal < u32::BITS && CORE >> signal & 1 != 0
}

/// rflags at an entry: the bit that is always 1, and interrupts on.
pub const FLAGS_AT_ENTRY: u64 = 0x202;

/// The guest's words.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Door {
    /// Signals that go through: bit n is signal n. The runtime closes the door (0) when it uses it.
    pub open: u32,
    /// A bundle of main text, where the guest goes on with every register as it was but rip and rflags.
    pub entry: u32,
    /// Where the [`Frame`] lies, in memory that the guest can write.
    pub frame: u32,
    /// Address of an illegal instruction, at which the guest goes on as the frame says; 0 for none.
    pub resume: u32,
}

/// What happened, and with which registers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Linux's number.
    pub signal: u32,
    /// Linux's `si_code`, never 0. On the way back 0 (`SI_USER`) means that the instance ends as by the signal, one of [`CORE`].
    pub code: u32,
    /// The address that was not to be had, where the signal is about one.
    pub address: u64,
    /// The CPU's exception number.
    pub exception: u64,
    /// Of a page fault's error code [`ERROR`]; the other bits tell what the host has done with the page.
    pub error: u64,
    /// In the order of [`REGISTERS`]. On the way back 32 bits of rsp count, and [`FLAGS`] of rflags.
    pub registers: [u64; REGISTERS],
}

const _: () = assert!(size_of::<Door>() == 16 && size_of::<Frame>() == 176);
