//! gdb on an instance: the instance waits until gdb has attached, before the guest's first instruction.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::process::Command;

use crate::image::Image;
use crate::span::Span;

/// What gdb is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Debugger {
    /// Commands, one after the other, once it has attached; without any it stops in `main`.
    pub commands: Vec<OsString>,
    /// It ends behind the commands.
    pub batch: bool,
}

/// Where the instance waits: a pipe that the parent closes when gdb is gone, in case it could not attach.
#[derive(Debug)]
pub struct Gate {
    inner: OwnedFd,
    outer: OwnedFd,
}

impl Gate {
    /// A closed one.
    ///
    /// # Errors
    /// The host's.
    pub fn new() -> io::Result<Gate> {
        let mut pipe = [0; 2];
        // SAFETY: the array takes two descriptors.
        if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: both are new and nobody else's.
        let [inner, outer] = pipe.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        Ok(Gate { inner, outer })
    }

    /// The instance's side: waits for a tracer, or for the parent's end of the waiting.
    pub fn wait(&self) {
        // SAFETY: integers. Whoever may trace this user's processes may trace this one: gdb is no ancestor of it.
        unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY) };
        // SAFETY: this process's copy of the descriptor; it ends without destructors.
        unsafe { libc::close(self.outer.as_raw_fd()) };
        let mut gate = libc::pollfd {
            fd: self.inner.as_raw_fd(),
            events: 0,
            revents: 0,
        };
        const MILLISECONDS: i32 = 10;
        while !traced() {
            // SAFETY: the structure lives through the call.
            if unsafe { libc::poll(&raw mut gate, 1, MILLISECONDS) } > 0 {
                return;
            }
        }
    }
}

fn traced() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|text| {
        text.lines()
            .filter_map(|line| line.strip_prefix("TracerPid:"))
            .any(|pid| pid.trim() != "0")
    })
}

/// The image in a file of its own, which vanishes with the value.
///
/// # Errors
/// The host's.
pub fn alone(image: &Image) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().suffix(".zvm").tempfile()?;
    let range = image.offset..image.offset + image.length;
    io::copy(&mut Span::new(&image.file, range), &mut file)?;
    Ok(file)
}

/// Runs gdb on the instance until the user leaves it, then opens the gate. A keyboard interrupt is gdb's meanwhile.
///
/// # Errors
/// gdb does not start.
pub fn attach(pid: i32, image: &Path, debugger: &Debugger, gate: Gate) -> io::Result<()> {
    // SAFETY: no handler is installed; the old disposition is put back below.
    let interrupt = unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    let mut gdb = Command::new("gdb");
    gdb.arg("-q")
        // The process's own executable is the runtime, not the image.
        .args(["-iex", "set exec-file-mismatch off"])
        .args(["-iex", "set confirm off"])
        .args(["-iex", "set debuginfod enabled off"])
        .arg(image)
        .args(["-ex", &format!("attach {pid}")]);
    if debugger.batch {
        gdb.args(["-batch", "-iex", "set pagination off"]);
    }
    if debugger.commands.is_empty() {
        gdb.args(["-ex", "tbreak main", "-ex", "continue"]);
    }
    for command in &debugger.commands {
        gdb.arg("-ex").arg(command);
    }
    let done = gdb.status();
    // SAFETY: what was there before.
    unsafe { libc::signal(libc::SIGINT, interrupt) };
    drop(gate);
    done.map(drop)
}

/// Writes what `perf report` reads for code that no file holds: the image's functions, in /tmp/perf-PID.map.
///
/// # Errors
/// The host's.
pub fn perf_map(pid: i32, symbols: &crate::crash::Symbols) -> io::Result<()> {
    use std::io::Write as _;
    let path = format!("/tmp/perf-{pid}.map");
    // One of an earlier process of this number; a new file follows no link.
    let _ = std::fs::remove_file(&path);
    let file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&path)?;
    let mut file = io::BufWriter::new(file);
    for (address, size, name) in symbols.functions() {
        writeln!(file, "{address:x} {size:x} {name}")?;
    }
    file.flush()
}
