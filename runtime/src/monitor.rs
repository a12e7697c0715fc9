//! The monitor: the parent that opens everything, forks the instance, waits, and tells how it ended. It maps no guest
//! memory.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::channel::{self, Channel};
use crate::commit::Commit;
use crate::error::{RunError, status};
use crate::fault::{FaultReport, signal_name};
use crate::image::Image;
use crate::mount::{Mount, MountError};
use crate::nvram::{self, Nvram};
use crate::record::{Shared, Stage};
use crate::space::Plan;
use crate::{instance, limits};

/// What to run, and with what.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The image.
    pub program: PathBuf,
    /// argv without argv\[0\], which is the program as named.
    pub args: Vec<OsString>,
    /// Environment; nothing of the host's is added.
    pub env: Vec<(OsString, OsString)>,
    /// Mounts.
    pub mounts: Vec<Mount>,
    /// Bytes of heap.
    pub memory: u64,
    /// Longest time that the instance may take.
    pub timeout: Option<Duration>,
    /// Seed of the guest's random bytes: equal seeds, equal runs.
    pub seed: [u8; 32],
    /// Seconds since 1970 at which the guest's clock starts.
    pub seconds: u64,
    /// The guest's working directory.
    pub cwd: OsString,
    /// Whether the program's system calls are shown on stderr.
    pub strace: bool,
}

/// Where the guest's clock starts if nobody says otherwise: 2013-06-04, as in ZeroVM's examples.
pub const DEFAULT_SECONDS: u64 = 1_370_454_582;

impl RunOptions {
    /// A run of `program` without arguments, environment and mounts, with the default memory, clock and seed (zeros).
    pub fn new(program: impl Into<PathBuf>) -> RunOptions {
        RunOptions {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            mounts: Vec::new(),
            memory: limits::MEMORY_DEFAULT,
            timeout: None,
            seed: [0; 32],
            seconds: DEFAULT_SECONDS,
            cwd: OsString::from("/"),
            strace: false,
        }
    }
}

/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The program ended itself with this status.
    Exited(u8),
    /// The program did what it may not.
    Fault(FaultReport),
    /// The program called a trap that is none.
    BadTrap {
        /// 128 + signal.
        status: u8,
        /// What it called.
        message: String,
    },
    /// The time was up.
    TimedOut(Duration),
}

impl Outcome {
    /// The exit status of `zvm run`.
    pub fn status(&self) -> u8 {
        match self {
            Outcome::Exited(status) | Outcome::BadTrap { status, .. } => *status,
            Outcome::Fault(report) => report.status(),
            Outcome::TimedOut(_) => status::TIMEOUT,
        }
    }

    /// What to tell the user, one line each; nothing for a program that ended itself.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Outcome::Exited(_) => Vec::new(),
            Outcome::Fault(report) => report.lines.clone(),
            Outcome::BadTrap { message, .. } => vec![format!("fault: {message}")],
            Outcome::TimedOut(limit) => vec![format!(
                "timeout: the program ran longer than {} s",
                limit.as_secs_f64()
            )],
        }
    }
}

/// Runs a program to its end. Its stdin, stdout and stderr are this process's.
///
/// # Errors
/// [`RunError`] for everything that kept the program from running, or its `rw` mounts from being written back.
pub fn run(options: &RunOptions) -> Result<Outcome, RunError> {
    let image = Image::open(&options.program)?;
    if options.mounts.len() > limits::MOUNTS {
        return Err(MountError::TooLarge(format!("more than {} mounts", limits::MOUNTS)).into());
    }
    let (channels, mut commits) = open_channels(options)?;
    let plan = Plan::new(&image, &channels, options.memory)?;
    let outcome = run_instance(&image, plan, &channels, options.timeout)?;
    if matches!(outcome, Outcome::Exited(_)) {
        for commit in &mut commits {
            commit.apply()?;
        }
    }
    Ok(outcome)
}

fn open_channels(options: &RunOptions) -> Result<(Vec<Channel>, Vec<Commit>), RunError> {
    let mut args = vec![options.program.clone().into_os_string()];
    args.extend_from_slice(&options.args);
    let text = Nvram {
        args: &args,
        env: &options.env,
        mounts: &options.mounts,
        seconds: options.seconds,
        seed: options.seed,
        cwd: &options.cwd,
        strace: options.strace.then_some("/dev/stderr"),
    }
    .text()?;
    let mut channels: Vec<Channel> = (0..3).map(Channel::standard).collect();
    let size = text.len() as u64;
    let file = nvram_file(&text).map_err(RunError::host("write the nvram file"))?;
    channels.push(Channel::mapped("/dev/nvram".to_owned(), file, size));

    let mut commits = Vec::new();
    for (index, mount) in options.mounts.iter().enumerate() {
        let tar = mount.open()?;
        channels.push(Channel::mapped(nvram::tar_name(index), tar.file, tar.size));
        if mount.mode == crate::mount::Mode::ReadWrite {
            let host = |source| RunError::Host {
                what: "make a file in memory",
                source,
            };
            let file = channel::memory_file(c"zvm-export").map_err(host)?;
            let copy = file.try_clone().map_err(host)?;
            channels.push(Channel::output(
                nvram::out_name(index),
                file,
                limits::EXPORT_BYTES,
            ));
            commits.push(Commit {
                host: mount.host.clone(),
                tar: copy,
                names: tar.names,
            });
        }
    }
    Ok((channels, commits))
}

fn nvram_file(text: &str) -> io::Result<File> {
    let file = channel::memory_file(c"zvm-nvram")?;
    file.write_all_at(text.as_bytes(), 0)?;
    channel::seal(&file)?;
    Ok(file)
}

fn run_instance(
    image: &Image,
    plan: Plan,
    channels: &[Channel],
    timeout: Option<Duration>,
) -> Result<Outcome, RunError> {
    let record = Shared::new().map_err(RunError::host("map the record"))?;
    // What is in the buffers must not be written twice.
    let _ = io::stdout().flush();
    // The plan goes to the child by the fork; this process keeps its own for the report.
    // SAFETY: the child only runs become_guest, which ends the process; it takes no lock but malloc's, which libc makes
    // usable in the child.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        record.free();
        return Err(RunError::host("fork")(io::Error::last_os_error()));
    }
    if pid == 0 {
        instance::become_guest(image, plan, channels, record);
    }
    let waited = wait(pid, timeout);
    let (stage, status, message, fault) = record.read();
    record.free();
    let ended = waited.map_err(RunError::host("wait for the instance"))?;
    let signal = libc::WIFSIGNALED(ended.status).then(|| libc::WTERMSIG(ended.status));
    match stage {
        Stage::Exited => Ok(Outcome::Exited(libc::WEXITSTATUS(ended.status) as u8)),
        Stage::Fault => Ok(Outcome::Fault(FaultReport::new(&fault, &plan, image))),
        Stage::BadTrap => Ok(Outcome::BadTrap { status, message }),
        Stage::Refused => Err(RunError::Instance { status, message }),
        Stage::Starting | Stage::Running | Stage::HostFault => match (timeout, signal) {
            (Some(limit), Some(_)) if ended.killed => Ok(Outcome::TimedOut(limit)),
            (_, Some(libc::SIGSYS)) => Err(internal(
                "the instance made a system call that its filter forbids".to_owned(),
            )),
            (_, Some(libc::SIGKILL)) => Err(RunError::Instance {
                status: status::FAULT + libc::SIGKILL as u8,
                message: "the instance was killed (by the user, or for lack of memory)".to_owned(),
            }),
            (_, Some(signal)) => Err(RunError::Instance {
                status: status::FAULT.wrapping_add(signal as u8),
                message: format!("the instance was ended by signal {signal}"),
            }),
            _ if stage == Stage::HostFault => Err(internal(format!(
                "{} at {:#x} (address {:#x}) in the runtime",
                signal_name(fault.signal),
                fault.registers[crate::record::RIP],
                fault.address
            ))),
            _ => Err(internal(format!(
                "the instance ended with status {} without a word",
                ended.status
            ))),
        },
    }
}

fn internal(message: String) -> RunError {
    RunError::Instance {
        status: status::IO,
        message: format!("defect in the runtime: {message}"),
    }
}

struct Ended {
    /// As waitpid tells it.
    status: i32,
    /// The time was up.
    killed: bool,
}

/// Waits for the instance, or kills it when its time is up.
fn wait(pid: libc::pid_t, timeout: Option<Duration>) -> io::Result<Ended> {
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
    Ok(Ended {
        status: reap(pid)?,
        killed,
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

fn reap(pid: libc::pid_t) -> io::Result<i32> {
    let mut status = 0;
    loop {
        // SAFETY: the status lives through the call.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            return Ok(status);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
