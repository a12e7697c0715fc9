//! What the instance tells its monitor: a few pages of memory that both share. It lies high in the host's addresses, where
//! the guest cannot reach it. The monitor reads it after the instance's end.
#![allow(unsafe_code)]

use std::io;
use std::ptr::{self, NonNull};

use crate::{clock, digest, limits};

/// How far the instance came, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// Mapping, reading and validating.
    Starting = 0,
    /// The guest has the processor.
    Running = 1,
    /// The guest ended itself by Exit.
    Exited = 2,
    /// The runtime refused to start it; `status` and `message` say why.
    Refused = 3,
    /// A signal that the guest caused; `fault` says which.
    Fault = 4,
    /// A trap that is none; `status` and `message`.
    BadTrap = 5,
    /// A signal in the host's code: a defect of the runtime.
    HostFault = 6,
    /// The guest wrote more than all its channels together may take.
    OutputLimit = 7,
    /// The guest came to the Fork trap, and a snapshot was to be made: its memory is copied.
    Snapshot = 8,
}

/// A signal and the registers at it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Fault {
    /// Its number.
    pub signal: i32,
    /// si_code.
    pub code: i32,
    /// si_addr.
    pub address: u64,
    /// The CPU's exception number.
    pub exception: u64,
    /// The page fault's error code.
    pub error: u64,
    /// The thunk was popping the guest's return address.
    pub in_trap: bool,
    /// rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8–r15, rip, rflags.
    pub registers: [u64; 18],
    /// The guest's thread pointer.
    pub gs_base: u64,
}

/// Index of rsp in [`Fault::registers`].
pub const RSP: usize = 7;
/// Index of rip in [`Fault::registers`].
pub const RIP: usize = 16;
/// Names of [`Fault::registers`].
pub const NAMES: [&str; 18] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
    "r14", "r15", "rip", "rflags",
];

/// What the validator said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Validated {
    /// It was not asked.
    NotRun = 0,
    /// The code is safe.
    Accepted = 1,
    /// It is not.
    Rejected = 2,
}

/// A point in an instance's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The process has come to be.
    Forked = 0,
    /// The image is in its place.
    Mapped = 1,
    /// Its text is known to be safe.
    Judged = 2,
    /// All that is left is to close the process in, and to enter the guest.
    Ready = 3,
}

/// How many [`Moment`]s there are.
pub const MOMENTS: usize = 4;

/// What has passed one channel.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// gets, bytes read, puts, bytes written.
    pub used: [u64; 4],
    /// Of the bytes in the order in which they passed; valid if `digested`.
    pub digest: [u8; digest::BYTES],
    /// Whether there is a digest.
    pub digested: bool,
}

/// The shared record. Only plain numbers: the instance may be stopped at any point.
#[repr(C)]
pub struct Record {
    stage: u32,
    status: u8,
    validated: u8,
    length: u32,
    message: [u8; limits::MESSAGE],
    fault: Fault,
    memory: Passed,
    moments: [u64; MOMENTS],
}

/// The two processes' handle on one [`Record`], and on the [`Passed`] of each channel behind it, whose number each keeps for itself.
#[derive(Debug, Clone, Copy)]
pub struct Shared(NonNull<Record>, usize);

/// Where the channels stand behind the record.
const CHANNELS: usize = size_of::<Record>().next_multiple_of(align_of::<Passed>());

/// What the monitor reads at the end.
#[derive(Debug)]
pub struct Last {
    /// How far it came.
    pub stage: Stage,
    /// Exit status of a refusal.
    pub status: u8,
    /// Why.
    pub message: String,
    /// The signal, if the stage says so.
    pub fault: Fault,
    /// What the validator said.
    pub validated: Validated,
    /// Digest of final memory.
    pub memory: Option<[u8; digest::BYTES]>,
    /// When each [`Moment`] was, by [`clock::monotonic`]; 0 for one that never was.
    pub moments: [u64; MOMENTS],
    /// What passed each channel.
    pub channels: Vec<Passed>,
}

impl Shared {
    /// A zeroed record for `channels` channels that a child of this process will share. It is unmapped by
    /// [`Shared::free`].
    ///
    /// # Errors
    /// The host's.
    pub fn new(channels: usize) -> io::Result<Shared> {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let size = CHANNELS + channels * size_of::<Passed>();
        // SAFETY: a new mapping at an address of the kernel's choice.
        let got = unsafe { libc::mmap(ptr::null_mut(), size, rights, flags, -1, 0) };
        match NonNull::new(got.cast::<Record>()) {
            Some(record) if got != libc::MAP_FAILED => Ok(Shared(record, channels)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// What passed the channel with this index; null if there is none.
    fn passed(self, index: usize) -> *mut Passed {
        if index >= self.1 {
            return ptr::null_mut();
        }
        // SAFETY: `new` mapped that many behind the record.
        unsafe {
            self.0
                .as_ptr()
                .byte_add(CHANNELS)
                .cast::<Passed>()
                .add(index)
        }
    }

    /// The instance's side: what has passed a channel so far.
    pub fn set_used(self, index: usize, used: [u64; 4]) {
        let passed = self.passed(index);
        if !passed.is_null() {
            // SAFETY: mapped, and only this process writes it.
            unsafe { (&raw mut (*passed).used).write_volatile(used) };
        }
    }

    /// The instance's side: a channel's digest.
    pub fn set_digest(self, index: usize, digest: [u8; digest::BYTES]) {
        let passed = self.passed(index);
        if !passed.is_null() {
            // SAFETY: mapped, and only this process writes it.
            unsafe {
                (&raw mut (*passed).digest).write_volatile(digest);
                (&raw mut (*passed).digested).write_volatile(true);
            }
        }
    }

    /// The instance's side: final memory's digest.
    pub fn set_memory(self, digest: [u8; digest::BYTES]) {
        // SAFETY: mapped, and only this process writes it.
        unsafe {
            let memory = &raw mut (*self.0.as_ptr()).memory;
            (&raw mut (*memory).digest).write_volatile(digest);
            (&raw mut (*memory).digested).write_volatile(true);
        }
    }

    /// The instance's side: the moment is now. Not behind the filter: where the host's clock needs a system call, that is
    /// forbidden there.
    pub fn mark(self, moment: Moment) {
        // SAFETY: mapped, and only this process writes it.
        unsafe {
            let moments = (&raw mut (*self.0.as_ptr()).moments).cast::<u64>();
            moments
                .add(moment as usize)
                .write_volatile(clock::monotonic());
        }
    }

    /// The instance's side: what the validator said.
    pub fn set_validated(self, validated: Validated) {
        // SAFETY: mapped, and only this process writes it.
        unsafe { (&raw mut (*self.0.as_ptr()).validated).write_volatile(validated as u8) };
    }

    /// The record behind the handle, for a signal handler's static.
    pub fn as_ptr(self) -> *mut Record {
        self.0.as_ptr()
    }

    /// The handle on a record whose pointer came from [`Shared::as_ptr`], which knows of no channels; `None` for null.
    pub fn from_ptr(record: *mut Record) -> Option<Shared> {
        NonNull::new(record).map(|record| Shared(record, 0))
    }

    /// Unmaps this process's view.
    pub fn free(self) {
        // SAFETY: made by `new` with this size; the handle is consumed and the callers keep no copy behind this.
        unsafe {
            let size = CHANNELS + self.1 * size_of::<Passed>();
            libc::munmap(self.0.as_ptr().cast(), size);
        }
    }

    /// The instance's side: how far it is.
    pub fn set_stage(self, stage: Stage) {
        // SAFETY: the record is mapped and only this process writes it.
        unsafe { (&raw mut (*self.0.as_ptr()).stage).write_volatile(stage as u32) };
    }

    /// The instance's side: why it does not run (on), with the exit status. A long message is cut.
    pub fn refuse(self, stage: Stage, status: u8, message: &str) {
        let mut length = message.len().min(limits::MESSAGE);
        while !message.is_char_boundary(length) {
            length -= 1;
        }
        let record = self.0.as_ptr();
        // SAFETY: the record is mapped, only this process writes it, and the length fits the array.
        unsafe {
            (&raw mut (*record).status).write_volatile(status);
            (&raw mut (*record).message)
                .cast::<u8>()
                .copy_from_nonoverlapping(message.as_ptr(), length);
            (&raw mut (*record).length).write_volatile(length as u32);
        }
        self.set_stage(stage);
    }

    /// The instance's side: a fault. Async-signal-safe.
    pub fn set_fault(self, stage: Stage, fault: Fault) {
        // SAFETY: as above.
        unsafe { (&raw mut (*self.0.as_ptr()).fault).write_volatile(fault) };
        self.set_stage(stage);
    }

    /// The monitor's side, after the instance's end.
    pub fn read(self) -> Last {
        let record = self.0.as_ptr();
        // SAFETY: the record is mapped and its writer is gone. It is read field by field, and `Fault` is plain numbers
        // that our own code wrote.
        let (stage, status, length, fault, validated, memory, moments) = unsafe {
            (
                (&raw const (*record).stage).read_volatile(),
                (&raw const (*record).status).read_volatile(),
                (&raw const (*record).length).read_volatile() as usize,
                (&raw const (*record).fault).read_volatile(),
                (&raw const (*record).validated).read_volatile(),
                (&raw const (*record).memory).read_volatile(),
                (&raw const (*record).moments).read_volatile(),
            )
        };
        let stage = match stage {
            1 => Stage::Running,
            2 => Stage::Exited,
            3 => Stage::Refused,
            4 => Stage::Fault,
            5 => Stage::BadTrap,
            6 => Stage::HostFault,
            7 => Stage::OutputLimit,
            8 => Stage::Snapshot,
            _ => Stage::Starting,
        };
        // SAFETY: the array is inside the record and the length is clipped to it.
        let message = unsafe {
            std::slice::from_raw_parts(
                (&raw const (*record).message).cast::<u8>(),
                length.min(limits::MESSAGE),
            )
        };
        let channels = (0..self.1)
            // SAFETY: mapped, its writer is gone, plain numbers; `digested` was only ever written as a bool, or is 0.
            .map(|index| unsafe { self.passed(index).read_volatile() })
            .collect();
        Last {
            stage,
            status,
            message: String::from_utf8_lossy(message).into_owned(),
            fault,
            validated: match validated {
                1 => Validated::Accepted,
                2 => Validated::Rejected,
                _ => Validated::NotRun,
            },
            memory: memory.digested.then_some(memory.digest),
            moments,
            channels,
        }
    }
}
