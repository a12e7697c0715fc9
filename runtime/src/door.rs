//! The door for faults ([`zvm_abi::fault`]): a fault of the guest's goes on in the guest, where the guest has said so.
//!
//! Runs in the signal handler, while the guest does not. It gives the guest nothing that it has not: the frame shows
//! registers that were the guest's own; the entry is a place where an indirect jump could lead (rule C3); and from a frame
//! the guest gets the registers that it could set itself, with 32 bits of rsp (C8) and the flags that `popf` may change (C9),
//! at a place where a direct jump could lead (C2), so never behind a mask. What is wrong with the door or the frame leaves
//! it shut, and the fault ends the instance.
#![allow(unsafe_code)]

use zvm_abi::fault::{
    DOOR, Door, ERROR, FLAGS, FLAGS_AT_ENTRY, Frame, REGISTERS, RFLAGS, RIP, RSP, leaves_core,
};
use zvm_abi::layout;

use crate::space;
use crate::trap::Guest;

/// A fault: Linux's number and code, address and exception as the kernel tells them.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// The signal.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`.
    pub address: u64,
    /// The CPU's exception number.
    pub exception: u64,
    /// A page fault's error code.
    pub error: u64,
}

/// What becomes of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// The door is shut: it ends the instance.
    Shut,
    /// The guest goes on with the registers.
    Open,
    /// The guest ends itself as by this signal, with these registers.
    Ends(u32),
}

/// Lets a fault of the guest's code through, if the guest wants it: then the registers are those with which it goes on, or
/// those of which a report tells.
pub fn pass(guest: &mut Guest<'_>, cause: Cause, registers: &mut [u64; REGISTERS]) -> Passage {
    // What another process sends has no such code.
    if cause.code <= 0 {
        return Passage::Shut;
    }
    let Some(door) = read::<Door>(guest, DOOR) else {
        return Passage::Shut;
    };
    let ill = libc::SIGILL as u32;
    if door.resume != 0 && cause.signal == ill && registers[RIP] == u64::from(door.resume) {
        return resume(guest, door, registers);
    }
    let entry = u64::from(door.entry);
    if cause.signal >= u32::BITS || door.open >> cause.signal & 1 == 0 || !guest.is_bundle(entry) {
        return Passage::Shut;
    }
    let frame = Frame {
        signal: cause.signal,
        code: cause.code as u32,
        address: cause.address,
        exception: cause.exception,
        error: cause.error & ERROR,
        registers: *registers,
    };
    if !write(guest, u64::from(door.frame), frame) || !write(guest, DOOR, Door { open: 0, ..door })
    {
        return Passage::Shut;
    }
    registers[RIP] = entry;
    registers[RFLAGS] = FLAGS_AT_ENTRY;
    // It has no more bits unless a signal that is not about an instruction came between those that set it (C8).
    registers[RSP] &= layout::SANDBOX_END - 1;
    Passage::Open
}

/// Back to where a frame says, or to the end.
fn resume(guest: &mut Guest<'_>, door: Door, registers: &mut [u64; REGISTERS]) -> Passage {
    let Some(frame) = read::<Frame>(guest, u64::from(door.frame)) else {
        return Passage::Shut;
    };
    if frame.code == 0 && leaves_core(frame.signal) {
        // For the report and the copy of the stack alone.
        *registers = frame.registers;
        registers[RIP] &= layout::SANDBOX_END - 1;
        registers[RSP] &= layout::SANDBOX_END - 1;
        return Passage::Ends(frame.signal);
    }
    if !guest.is_target(frame.registers[RIP]) {
        return Passage::Shut;
    }
    *registers = frame.registers;
    registers[RSP] &= layout::SANDBOX_END - 1;
    registers[RFLAGS] = registers[RFLAGS] & FLAGS | FLAGS_AT_ENTRY;
    Passage::Open
}

/// A copy of a value in the guest's memory; `None` if it is not all there. It may lie in a mount, whose file somebody else may change.
fn read<T: Copy>(guest: &Guest<'_>, address: u64) -> Option<T> {
    let there = guest.covers(address, size_of::<T>() as u64, false);
    // SAFETY: mapped and readable, as was checked; no other thread changes that. `T` is Door or Frame, which are numbers.
    let copy = || unsafe { space::pointer(address).cast::<T>().read_unaligned() };
    there.then(|| std::hint::black_box(copy()))
}

/// Writes a value into the guest's memory; false if it is not the guest's to write.
fn write<T: Copy>(guest: &Guest<'_>, address: u64, value: T) -> bool {
    let there = guest.covers(address, size_of::<T>() as u64, true);
    if there {
        // SAFETY: mapped and writable, as was checked, and no code; no Rust value lives there.
        unsafe { space::pointer(address).cast::<T>().write_unaligned(value) };
    }
    there
}
