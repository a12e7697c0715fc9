//! After a fault: where the program was, as a backtrace with source lines, and a core file.
//!
//! The dying instance copies its stack, and for a core file all that it has written, into a file in memory ([`snapshot`]); it interprets
//! nothing. When it is gone, [`unwind`] walks that copy by the image's frame tables, [`symbols`] names what it finds, and [`core_file`]
//! writes what gdb opens.
//!
//! Image and memory are hostile input to all of that. So a backtrace is made in a process of its own, with limits on its time and
//! memory: whatever a lying table does there, the monitor only loses the backtrace.
#![allow(unsafe_code)]

pub mod core_file;
pub mod snapshot;
mod symbols;
mod unwind;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::image::Image;
use crate::limits;
use crate::record::Fault;
use snapshot::Snapshot;

pub use symbols::Symbols;

/// The lines of a backtrace, innermost frame first; empty if there is nothing to say.
pub fn backtrace(fault: &Fault, image: &Image, snapshot: &Snapshot) -> Vec<String> {
    if fault.in_trap {
        return Vec::new();
    }
    match apart(|| lines(fault, image, snapshot)) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(reason) => vec![format!("  no backtrace: {reason}")],
    }
}

/// `name+0x12` for an address in an image's text, as the linker calls it.
pub fn name(image: &Image, address: u64) -> Option<String> {
    let find = || Symbols::without_lines(image).name(address);
    let text = apart(|| find().unwrap_or_default()).ok()?;
    (!text.is_empty()).then_some(text)
}

fn lines(fault: &Fault, image: &Image, snapshot: &Snapshot) -> String {
    let frames = unwind::frames(fault, image, snapshot);
    let symbols = Symbols::load(image);
    let mut text = String::from("  backtrace:\n");
    for (number, frame) in frames.iter().enumerate() {
        for line in symbols.describe(frame.lookup()) {
            text.push_str(&format!("    #{number:<2} {:#x} {line}\n", frame.pc));
        }
        if text.len() > limits::BACKTRACE {
            text.push_str("    …\n");
            break;
        }
    }
    text
}

/// Runs `work` in a process of its own and brings its text here.
fn apart(work: impl FnOnce() -> String) -> Result<String, String> {
    let failed = |what: &str| format!("{what}: {}", io::Error::last_os_error());
    let mut pipe = [0; 2];
    // SAFETY: the array takes two descriptors.
    if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(failed("pipe"));
    }
    // SAFETY: both are new and nobody else's.
    let (mut from, to) = unsafe { (File::from_raw_fd(pipe[0]), File::from_raw_fd(pipe[1])) };
    // SAFETY: the child takes no lock but malloc's, which libc makes usable there, and ends without destructors.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(failed("fork"));
    }
    if pid == 0 {
        work_and_end(work, to);
    }
    drop(to);
    let mut text = Vec::new();
    let read = (&mut from)
        .take(2 * limits::BACKTRACE as u64)
        .read_to_end(&mut text);
    drop(from);
    let mut status = 0;
    // SAFETY: the child is ours and not waited for yet; the status lives through the call.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    read.map_err(|error| error.to_string())?;
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
    Err("the image's tables are wrong, or too large".to_owned())
}

fn work_and_end(work: impl FnOnce() -> String, mut to: File) -> ! {
    // What panics here panics over hostile tables: nothing that a person should read.
    std::panic::set_hook(Box::new(|_| {}));
    for (resource, limit) in [
        (libc::RLIMIT_CPU, limits::BACKTRACE_SECONDS),
        (libc::RLIMIT_AS, limits::BACKTRACE_MEMORY),
        (libc::RLIMIT_CORE, 0),
    ] {
        let limit = libc::rlimit {
            rlim_cur: limit,
            rlim_max: limit,
        };
        // SAFETY: the structure lives through the call.
        unsafe { libc::setrlimit(resource, &raw const limit) };
    }
    // Nor what the allocator says at its limit.
    // SAFETY: nothing here writes to it.
    unsafe { libc::close(2) };
    let done = catch_unwind(AssertUnwindSafe(work))
        .is_ok_and(|text| to.write_all(text.as_bytes()).is_ok());
    // SAFETY: ends the process, without the destructors and buffers that are the parent's.
    unsafe { libc::_exit(i32::from(!done)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_apart_does_no_harm_here() {
        assert_eq!(apart(|| "text".to_owned()), Ok("text".to_owned()));
        assert!(apart(|| panic!("hostile")).is_err());
        assert!(apart(|| String::from_utf8(vec![b'x'; 16 << 30]).unwrap()).is_err());
    }
}
