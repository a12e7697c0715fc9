//! Waiting for the instance, and killing it when its time is up.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How the process ended.
pub struct Ended {
    /// As waitpid tells it.
    pub status: i32,
    /// The time was up.
    pub killed: bool,
    /// Processor time in the guest's code and the runtime's own.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
}

/// Waits for the instance, or kills it when its time is up.
///
/// # Errors
/// The host's.
pub fn wait(pid: libc::pid_t, timeout: Option<Duration>) -> io::Result<Ended> {
    let mut killed = false;
    if let Some(limit) = timeout {
        // A limit beyond what the clock can say is none that anybody will see end.
        let deadline = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + FOREVER);
        // SAFETY: pidfd_open takes integers; the child is not reaped yet, so the pid is its own.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = if fd < 0 {
            let error = io::Error::last_os_error();
            kill(pid);
            reap(pid)?;
            return Err(error);
        } else {
            // SAFETY: the descriptor is new and nobody else's.
            unsafe { OwnedFd::from_raw_fd(fd as i32) }
        };
        killed = !ends_before(&fd, deadline);
        if killed {
            kill(pid);
        }
    }
    let (status, usage) = reap(pid)?;
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    Ok(Ended {
        status,
        killed,
        user: time(usage.ru_utime),
        system: time(usage.ru_stime),
    })
}

fn kill(pid: libc::pid_t) {
    // SAFETY: the child is ours and not reaped yet.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

fn ends_before(fd: &OwnedFd, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let time = libc::timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut poll = libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: both structures live through the call; no signal mask is given.
        let ready = unsafe { libc::ppoll(&raw mut poll, 1, &raw const time, std::ptr::null()) };
        match ready {
            0 => return false,
            1.. => return true,
            _ => {}
        }
    }
}

fn reap(pid: libc::pid_t) -> io::Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: all-zero is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: status and usage live through the call.
        if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } == pid {
            return Ok((status, usage));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
