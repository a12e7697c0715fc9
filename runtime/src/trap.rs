//! The six traps. Runs with seccomp on and allocates nothing: everything was made before the guest started.
//!
//! Every argument is hostile. A buffer must lie in the guest's mapped memory with the right to do it; the system calls
//! then work on the guest's memory itself, so even a mistake here ends as EFAULT. No other thread exists, so nothing
//! changes between check and use.
//!
//! What is wrong with an argument is an error number for the guest: −EINVAL for a channel, buffer, offset or range that
//! is none, −EDQUOT over a quota, −EPERM for code that Jail rejects, else what the host's system call said. Two things end
//! the instance with a report: an argument array that is not in readable memory (status 139, as SIGSEGV) and an unknown
//! id (159, as SIGSYS).
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicPtr, Ordering};

use zvm_abi::layout;
use zvm_abi::trap::{self, errno};
use zvm_validator::Level;

use crate::channel::Channel;
use crate::check;
use crate::crash::snapshot;
use crate::digest::Algorithm;
use crate::error::status;
use crate::image::Access;
use crate::limits;
use crate::memory::MemoryDigest;
use crate::port::{Failure, Port};
use crate::record::{Shared, Stage};
use crate::space::{self, Plan, What};
use crate::thunk;
use crate::verdict::Main;

/// All that traps know of the instance.
pub struct Server {
    plan: Plan,
    ports: Vec<Port>,
    record: Shared,
    level: Level,
    /// What Jail needs of main text.
    main: Main,
    /// Scratch for Jail's validation.
    scratch: Vec<u8>,
    /// Ranges that Jail made executable, [start, end).
    jails: Vec<(u64, u64)>,
    /// Bytes that all channels together may still take.
    output_left: u64,
    /// What final memory's digest needs.
    memory: Option<MemoryDigest>,
    /// Fork ends the instance with a snapshot.
    snapshot: bool,
}

/// What the server shall do beside answering.
#[derive(Debug, Clone, Copy)]
pub struct Duties {
    /// Bytes that all channels together may take.
    pub output: u64,
    /// Digest of final memory.
    pub memory: bool,
    /// Of channels and memory.
    pub algorithm: Algorithm,
    /// Fork ends the instance with a snapshot.
    pub snapshot: bool,
}

static SERVER: AtomicPtr<Server> = AtomicPtr::new(std::ptr::null_mut());

impl Server {
    /// Prepares for traps; all memory that they will need is taken here.
    ///
    /// # Errors
    /// The host's: a digest of memory needs /proc/self/pagemap.
    pub fn new(
        plan: Plan,
        channels: &[Channel],
        record: Shared,
        level: Level,
        main: Main,
        duties: Duties,
    ) -> Result<Server, std::io::Error> {
        let ports = channels
            .iter()
            .map(|channel| Port::new(channel, duties.algorithm))
            .collect();
        let scratch = vec![0; check::scratch_len(limits::JAIL_BYTES as usize)];
        let memory = duties
            .memory
            .then(|| MemoryDigest::new(duties.algorithm))
            .transpose()?;
        Ok(Server {
            plan,
            ports,
            record,
            level,
            main,
            scratch,
            jails: Vec::with_capacity(limits::JAILS),
            output_left: duties.output,
            memory,
            snapshot: duties.snapshot,
        })
    }

    /// The descriptor that the digest of memory needs.
    pub fn pagemap(&self) -> Option<std::os::fd::RawFd> {
        self.memory.as_ref().map(MemoryDigest::fd)
    }

    /// Makes this server the one that [`handle`] asks. It lives as long as the process.
    pub fn install(self) {
        SERVER.store(Box::into_raw(Box::new(self)), Ordering::Relaxed);
    }

    fn answer(&mut self, array: u64) -> i64 {
        let words = trap::WORDS as u64 * 8;
        if !self.plan.covers(array, words, false) {
            self.end(
                128 + libc::SIGSEGV as u8,
                "a trap whose argument array is not in the guest's memory: rdi is ",
                array,
            );
        }
        // It may lie in a mount, whose file somebody else may change: what is checked is a copy, and what is used, too.
        // SAFETY: the range was checked to be mapped for the guest, and no other thread changes that.
        let [id, _, a, b, c, d] = std::hint::black_box(unsafe {
            space::pointer(array)
                .cast::<[u64; trap::WORDS]>()
                .read_unaligned()
        });
        match id {
            trap::READ => self.transfer(false, a, b, c, d),
            trap::WRITE => self.transfer(true, a, b, c, d),
            trap::JAIL => self.jail(a, b),
            trap::UNJAIL => self.unjail(a, b),
            trap::FORK if self.snapshot => self.fork(),
            trap::FORK => 0,
            trap::EXIT => {
                self.finish(Stage::Exited);
                exit(a as u8)
            }
            _ => self.end(128 + libc::SIGSYS as u8, "a trap with an unknown id: ", id),
        }
    }

    /// Copies all memory for the instances that will begin here, and ends this one.
    fn fork(&mut self) -> ! {
        let refuse = |why| {
            self.record.refuse(Stage::Refused, status::IO, why);
            exit(status::IO)
        };
        if !self.jails.is_empty() {
            refuse(
                "a snapshot cannot hold code that was made at run time: give it back by Unjail first",
            );
        }
        if !snapshot::take_all() {
            refuse("cannot copy memory for the snapshot: the host has no more");
        }
        self.finish(Stage::Snapshot);
        exit(0)
    }

    /// The program ended itself: what the report says of it all.
    fn finish(&mut self, stage: Stage) {
        for index in 0..self.ports.len() {
            let port = &mut self.ports[index];
            if port.end().is_err() {
                self.break_off(
                    status::IO,
                    index,
                    "the other end has gone before all was sent",
                );
            }
            if let Some(digest) = port.digest() {
                self.record.set_digest(index, digest);
            }
        }
        if let Some(memory) = &mut self.memory {
            match memory.of(&self.plan.regions) {
                Ok(digest) => self.record.set_memory(digest),
                Err(error) => self.end(
                    status::IO,
                    "cannot read /proc/self/pagemap: error ",
                    error.raw_os_error().unwrap_or(0) as u64,
                ),
            }
        }
        self.record.set_stage(stage);
    }

    /// Read or Write.
    fn transfer(&mut self, write: bool, channel: u64, buffer: u64, size: u64, offset: u64) -> i64 {
        let index = usize::try_from(channel).unwrap_or(usize::MAX);
        let Some(port) = self.ports.get_mut(index) else {
            return -errno::EINVAL;
        };
        if !port.allows(write)
            || !self.plan.covers(buffer, size, !write)
            || overlaps(&self.jails, buffer, size, !write)
        {
            return -errno::EINVAL;
        }
        if write && size > self.output_left {
            self.record.set_stage(Stage::OutputLimit);
            exit(status::OUTPUT);
        }
        let moved = port.transfer(write, buffer, size, offset);
        let (used, taken) = (port.used(), port.taken());
        self.record.set_used(index, used);
        if write && self.output_left != u64::MAX {
            self.output_left -= taken;
        }
        match moved {
            Ok(moved) => moved as i64,
            Err(Failure::Errno(errno)) => -errno,
            Err(Failure::Forged) => self.break_off(
                status::ETAG,
                index,
                "what came over the network is not what was sent: its digest differs",
            ),
        }
    }

    /// Validates whole pages of heap and makes them executable.
    fn jail(&mut self, start: u64, size: u64) -> i64 {
        let Some(end) = start.checked_add(size) else {
            return -errno::EINVAL;
        };
        let pages = start.is_multiple_of(layout::PAGE)
            && size.is_multiple_of(layout::PAGE)
            && size > 0
            && size <= limits::JAIL_BYTES;
        let heap = self
            .plan
            .find(start)
            .is_some_and(|region| region.what == What::Heap && end <= region.end);
        if !pages || !heap || end > layout::CODE_LIMIT || overlaps(&self.jails, start, size, true) {
            return -errno::EINVAL;
        }
        if self.jails.len() == limits::JAILS {
            return -errno::EDQUOT;
        }
        // Private memory, one thread, which is here: nobody can write the pages between validation and execution. The
        // right to write goes first all the same.
        if space::set_access(start, size, Access::Read).is_err() {
            return -errno::EINVAL;
        }
        // SAFETY: mapped, readable, not writable by anyone, and the slice ends before the rights change again.
        let code = unsafe { std::slice::from_raw_parts(space::pointer(start), size as usize) };
        let scratch = &mut self.scratch[..check::scratch_len(code.len())];
        let accepted = self
            .main
            .starts(self.level)
            .is_some_and(|main| main.accepts_jail(code, start as u32, self.level, scratch));
        let access = if accepted {
            Access::Execute
        } else {
            Access::ReadWrite
        };
        if space::set_access(start, size, access).is_err() {
            return -errno::EINVAL;
        }
        if !accepted {
            return -errno::EPERM;
        }
        self.jails.push((start, end));
        0
    }

    /// Gives exactly one jailed range back.
    fn unjail(&mut self, start: u64, size: u64) -> i64 {
        let range = (start, start.wrapping_add(size));
        let Some(index) = self.jails.iter().position(|&jail| jail == range) else {
            return -errno::EINVAL;
        };
        if space::set_access(start, size, Access::ReadWrite).is_err() {
            return -errno::EINVAL;
        }
        self.jails.swap_remove(index);
        0
    }

    /// Ends the instance since a channel failed; the report says which.
    fn break_off(&self, status: u8, index: usize, why: &str) -> ! {
        let mut text = [0; limits::MESSAGE];
        let mut writer = &mut text[..];
        let alias = self.ports.get(index).map_or("", Port::alias);
        let _ = std::io::Write::write_fmt(&mut writer, format_args!("channel {alias}: {why}"));
        let left = writer.len();
        let length = text.len() - left;
        let message = std::str::from_utf8(&text[..length]).unwrap_or(why);
        self.record.refuse(Stage::Refused, status, message);
        exit(status)
    }

    /// Ends the instance with a report.
    fn end(&self, status: u8, what: &str, value: u64) -> ! {
        let mut text = [0_u8; 192];
        let mut writer = &mut text[..];
        let _ = std::io::Write::write_fmt(
            &mut writer,
            format_args!("{what}{value:#x}, rsp is {:#x}", thunk::guest_rsp()),
        );
        let left = writer.len();
        let length = text.len() - left;
        let message = std::str::from_utf8(&text[..length]).unwrap_or(what);
        self.record.refuse(Stage::BadTrap, status, message);
        exit(status)
    }
}

/// The guest as the door for faults sees it.
pub struct Guest<'a>(&'a mut Server);

impl Guest<'_> {
    /// The guest, if there is one yet.
    ///
    /// # Safety
    /// The guest's code was interrupted, so that no trap is in progress; one value at a time.
    pub unsafe fn get() -> Option<Guest<'static>> {
        // SAFETY: as in `handle`; no trap has a reference to the server, by the caller's promise.
        unsafe { SERVER.load(Ordering::Relaxed).as_mut() }.map(Guest)
    }

    /// Whether the range is the guest's to read, or to write.
    pub fn covers(&self, address: u64, size: u64, write: bool) -> bool {
        let Guest(server) = self;
        server.plan.covers(address, size, write) && !overlaps(&server.jails, address, size, write)
    }

    /// Whether a bundle of main text begins here.
    pub fn is_bundle(&self, address: u64) -> bool {
        let text = self.0.main.range();
        address.is_multiple_of(layout::BUNDLE) && text.contains(&address)
    }

    /// Whether a direct jump could lead here: to the start of an instruction or of a guarded pair of main text, or to a bundle
    /// of code that Jail made executable.
    pub fn is_target(&mut self, address: u64) -> bool {
        let Guest(server) = self;
        if server.main.range().contains(&address) {
            let main = server.main.starts(server.level);
            return main.is_some_and(|main| main.is_start(address as u32));
        }
        address.is_multiple_of(layout::BUNDLE) && overlaps(&server.jails, address, 1, true)
    }
}

/// Whether the range meets one of `ranges`; asked only where it matters (`check`).
fn overlaps(ranges: &[(u64, u64)], start: u64, size: u64, check: bool) -> bool {
    check
        && ranges
            .iter()
            .any(|&(low, high)| start < high && low < start.saturating_add(size))
}

/// The thunk calls this for every trap.
pub extern "sysv64" fn handle(array: u64) -> i64 {
    let server = SERVER.load(Ordering::Relaxed);
    // SAFETY: `install` put a leaked box there before the guest started; the one thread is here, so this is the only
    // reference.
    match unsafe { server.as_mut() } {
        Some(server) => server.answer(array),
        None => exit(status::BAD_IMAGE),
    }
}

/// Ends the process at once: no destructors, no buffers.
fn exit(status: u8) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(i32::from(status)) }
}
