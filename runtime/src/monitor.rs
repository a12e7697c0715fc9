//! The monitor: the parent that opens everything, forks the instance, waits, and tells how it ended. It maps no guest
//! memory.
#![allow(unsafe_code)]

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crate::channel::{self, Channel};
use crate::clock;
use crate::commit::Commit;
use crate::crash::snapshot::Snapshot;
use crate::crash::{Symbols, core_file};
use crate::debugger::{self, Gate};
use crate::error::{RunError, status};
use crate::fault::{FaultReport, signal_name};
use crate::image::Image;
use crate::instance::{self, Orders};
use crate::kept::{Identity, Kept, Parts};
use crate::limits;
use crate::mount::{Mode, Mount, MountError, TarImage};
use crate::network::connect::Place;
use crate::nvram::{self, Line, Nvram};
use crate::open::{self, ChannelError, Manner, Results};
use crate::options::{NVRAM, RunOptions};
use crate::record::{self, Last, Shared, Stage};
use crate::report::{ChannelReport, Report};
use crate::space::Plan;
use crate::trap::Duties;
use crate::verdict::Verdicts;
use crate::wait::{Ended, wait};
use crate::zapp::memory;
use crate::zerovm::nvram::FstabAccess;

/// How long a FIFO or a connection waits for its other side if there is no timeout.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a run does, in its order: opens the image and the channels, forks, maps the image, has it validated, makes the
/// rest of the instance, runs the program to its end, and puts the outputs in their place.
const PHASES: [&str; record::MOMENTS + 3] = [
    "open", "fork", "map", "validate", "prepare", "run", "commit",
];

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
    /// The processor time was used up.
    CpuTime(Duration),
    /// The program wrote more than all its channels together may take.
    OutputLimit(u64),
    /// The program came to the point at which a snapshot was to be made, which is in its place.
    Snapshot,
}

impl Outcome {
    /// The exit status of `zvm run`.
    pub fn status(&self) -> u8 {
        match self {
            Outcome::Exited(status) | Outcome::BadTrap { status, .. } => *status,
            Outcome::Fault(report) => report.status(),
            Outcome::TimedOut(_) => status::TIMEOUT,
            Outcome::CpuTime(_) => status::CPU_TIME,
            Outcome::OutputLimit(_) => status::OUTPUT,
            Outcome::Snapshot => 0,
        }
    }

    /// What to tell the user, one line each; nothing for a program that ended itself.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Outcome::Exited(_) | Outcome::Snapshot => Vec::new(),
            Outcome::Fault(report) => report.lines.clone(),
            Outcome::BadTrap { message, .. } => vec![format!("fault: {message}")],
            Outcome::TimedOut(limit) => vec![format!(
                "timeout: the program ran longer than {} s",
                limit.as_secs_f64()
            )],
            Outcome::CpuTime(limit) => vec![format!(
                "processor time: the program used more than {} s",
                limit.as_secs_f64()
            )],
            Outcome::OutputLimit(limit) => {
                vec![format!("output: the program wrote more than {limit} bytes")]
            }
        }
    }
}

/// Runs a program to its end. Its stdin, stdout and stderr are this process's.
///
/// # Errors
/// [`RunError`] for everything that kept the program from running, or its `rw` mounts from being written back.
pub fn run(options: &RunOptions) -> Result<Report, RunError> {
    let started = clock::monotonic();
    let image = match &options.image {
        None => Image::open(&options.program)?,
        Some(packed) => packed.image(&options.program)?,
    };
    if options.mounts.len() > limits::MOUNTS {
        return Err(MountError::TooLarge(format!("more than {} mounts", limits::MOUNTS)).into());
    }
    let (channels, results) = open_channels(options)?;
    let plan = Plan::new(&image, &channels, options.memory)?;
    if let Some(memory) = &options.begin {
        memory.check(&plan, options)?;
    }
    let opened = clock::monotonic();
    let (mut report, moments) = run_instance(&image, plan, &channels, options)?;
    let ended = clock::monotonic();
    if matches!(report.outcome, Outcome::Exited(_) | Outcome::Snapshot) {
        results.commit()?;
    }
    let committed = clock::monotonic();
    let mut last = started;
    for (name, end) in PHASES.into_iter().zip(
        [opened]
            .into_iter()
            .chain(moments)
            .chain([ended, committed]),
    ) {
        report
            .phases
            .push((name, Duration::from_nanos(end.saturating_sub(last))));
        last = last.max(end);
    }
    report.wall = Duration::from_nanos(committed - started);
    Ok(report)
}

fn open_channels(options: &RunOptions) -> Result<(Vec<Channel>, Results), RunError> {
    raise_descriptor_limit(options.channels.iter().map(|spec| spec.uris.len()).sum());
    let manner = Manner {
        stream: options.stream,
        patience: options.timeout.unwrap_or(PATIENCE),
    };
    let mut results = Results::default();
    let (mut standard, mut others) = ([None, None, None], Vec::new());
    for spec in &options.channels {
        let mapped = options
            .fstab
            .iter()
            .any(|line| line.channel == spec.alias && line.access != FstabAccess::WriteOnly);
        let channel = open::open(spec, mapped, manner, &mut results)?;
        match STANDARD.iter().position(|&name| name == spec.alias) {
            Some(index) => standard[index] = Some(channel),
            None => others.push(channel),
        }
    }
    let mut all: Vec<&mut Channel> = standard.iter_mut().flatten().chain(&mut others).collect();
    let place = Place {
        node: options.node,
        name_server: options.name_server,
    };
    open::connect(&mut all, place, manner.patience)?;
    let fstab = fstab(options, &others)?;

    let mut channels: Vec<Channel> = (0..)
        .zip(standard)
        .map(|(fd, channel)| channel.unwrap_or_else(|| Channel::standard(fd)))
        .collect();
    channels.push(nvram_channel(options, &fstab)?);
    for (index, mount) in options.mounts.iter().enumerate() {
        let tar = tar_of(mount, options)?;
        let host = |source| RunError::Host {
            what: "make a file in memory",
            source,
        };
        let writes = mount.mode == Mode::ReadWrite;
        let given = writes.then(|| tar.file.try_clone()).transpose();
        channels.push(Channel::mapped(nvram::tar_name(index), tar.file, tar.size));
        if writes {
            let file = channel::memory_file(c"zvm-export").map_err(host)?;
            let copy = file.try_clone().map_err(host)?;
            channels.push(Channel::output(
                nvram::out_name(index),
                file,
                limits::EXPORT_BYTES,
            ));
            let given = given.map_err(host)?;
            let commit = Commit::new(mount.host.clone(), copy, given);
            let commit = commit.map_err(|source| MountError::Read {
                path: mount.host.clone(),
                source,
            })?;
            results.commits.push(commit);
        }
    }
    if options.host_clock {
        channels.push(Channel::clock());
    }
    channels.append(&mut others);
    if options.digests {
        // A mapped channel is read without traps: there is nothing to digest on its way.
        for channel in channels.iter_mut().filter(|channel| !channel.mapped) {
            channel.digest = true;
        }
    }
    check_channels(&channels)?;
    Ok((channels, results))
}

/// A mount's tar image: that of an application is its file as it was opened and read, not what lies at its path meanwhile.
fn tar_of(mount: &Mount, options: &RunOptions) -> Result<TarImage, MountError> {
    match &options.image {
        Some(packed) if mount.host == options.program && mount.mode != Mode::ReadWrite => {
            packed.tar().map_err(|source| MountError::Read {
                path: mount.host.clone(),
                source,
            })
        }
        _ => mount.open(),
    }
}

/// Aliases of channels 0, 1 and 2.
pub(crate) const STANDARD: [&str; 3] = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];

fn check_channels(channels: &[Channel]) -> Result<(), RunError> {
    let refuse = |alias: &str, problem: String| {
        Err(RunError::Channel(ChannelError {
            alias: alias.to_owned(),
            problem,
            status: status::MANIFEST,
        }))
    };
    let mut names = HashSet::new();
    for channel in channels {
        if !names.insert(channel.alias.as_str()) {
            return refuse(&channel.alias, "another channel has this alias".to_owned());
        }
    }
    match channels.get(zvm_abi::manifest::MAX_CHANNELS) {
        Some(channel) => refuse(
            &channel.alias,
            format!("more than {} channels", zvm_abi::manifest::MAX_CHANNELS),
        ),
        None => Ok(()),
    }
}

fn nvram_channel(options: &RunOptions, fstab: &[Line]) -> Result<Channel, RunError> {
    let name = options.name.clone();
    let mut args = vec![name.unwrap_or_else(|| options.program.clone().into_os_string())];
    args.extend_from_slice(&options.args);
    let text = Nvram {
        args: &args,
        env: &options.env,
        fstab,
        mapping: &options.mapping,
        seconds: options.seconds,
        seed: options.seed,
        cwd: &options.cwd,
        strace: options.strace.then_some("/dev/stderr"),
    }
    .text()?;
    let size = text.len() as u64;
    let file = nvram_file(&text).map_err(RunError::host("write the nvram file"))?;
    Ok(Channel::mapped(NVRAM.to_owned(), file, size))
}

/// What the guest mounts: the mounts of the command line, then those of channels.
fn fstab(options: &RunOptions, channels: &[Channel]) -> Result<Vec<Line>, RunError> {
    let mounts = options.mounts.iter().enumerate();
    let mut lines: Vec<Line> = mounts
        .map(|(index, mount)| Line::of_mount(index, mount))
        .collect();
    for line in &options.fstab {
        let refuse = |problem: &str| {
            Err(RunError::Nvram(format!(
                "nvram line {}: {}: {problem}",
                line.line, line.channel
            )))
        };
        let Some(channel) = channels
            .iter()
            .find(|channel| channel.alias == line.channel)
        else {
            return refuse("there is no channel with this alias");
        };
        let out = line.access == FstabAccess::WriteOnly;
        if out && !(channel.writable() && channel.size == 0) {
            return refuse("access=wo needs a channel that is written from its start");
        }
        if !out && !channel.readable() {
            return refuse("the channel cannot be read");
        }
        lines.push(Line {
            channel: line.channel.clone(),
            point: line.point.clone(),
            access: match line.access {
                FstabAccess::ReadOnly => "ro",
                FstabAccess::Overlay => "overlay",
                FstabAccess::WriteOnly => "rw",
            },
            out: out.then(|| line.channel.clone()),
        });
    }
    Ok(lines)
}

/// Descriptors for that many sources, as far as the host lets this process go; what is missing shows when they are opened.
fn raise_descriptor_limit(sources: usize) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure lives through the calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            // Two for each (an output is open twice), and some for everything else.
            let wanted = 2 * sources as libc::rlim_t + 256;
            if limit.rlim_cur < wanted {
                limit.rlim_cur = wanted.min(limit.rlim_max);
                libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
            }
        }
    }
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
    options: &RunOptions,
) -> Result<(Report, [u64; record::MOMENTS]), RunError> {
    let snapshot = Snapshot::new(options.core.is_some() || options.snapshot.is_some())
        .map_err(RunError::host("make a file in memory"))?;
    let gate = match &options.debugger {
        Some(_) => Some(Gate::new().map_err(RunError::host("make a pipe"))?),
        None => None,
    };
    let verdicts = options
        .verdicts
        .as_deref()
        .and_then(|folder| Verdicts::open(folder).ok());
    let memory = options.begin.as_deref();
    let parts = Parts { image, memory };
    let identity = match &verdicts {
        Some(_) => Identity::of(parts).ok().flatten(),
        None => None,
    };
    let kept = verdicts
        .as_ref()
        .zip(identity.as_ref())
        .and_then(|(verdicts, identity)| Kept::find(verdicts, identity, parts));
    let orders = Orders {
        monitor: std::process::id(),
        gate: gate.as_ref(),
        snapshot: &snapshot,
        cpu_time: options.cpu_time,
        host_clock: options.host_clock,
        verdicts,
        identity,
        kept,
        duties: Duties {
            output: options.output.unwrap_or(u64::MAX),
            memory: options.digests || options.memory_digest,
            algorithm: options.algorithm,
            snapshot: options.snapshot.is_some(),
        },
        begin: memory,
    };
    let record = Shared::new(channels.len()).map_err(RunError::host("map the record"))?;
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
        instance::become_guest(image, plan, channels, record, &orders);
    }
    let helped = help(pid, image, gate, options);
    if helped.is_err() {
        // SAFETY: the child is ours and not waited for yet.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    let waited = wait(pid, options.timeout);
    let last = record.read();
    record.free();
    helped?;
    let ended = waited.map_err(RunError::host("wait for the instance"))?;
    let mut outcome = outcome(&last, &ended, image, &plan, &snapshot, options)?;
    if let (Some(path), Outcome::Fault(fault)) = (&options.core, &mut outcome)
        && let Err(error) = core_file::write(path, &options.program, &last.fault, &snapshot)
    {
        fault
            .lines
            .push(format!("  no core file {}: {error}", path.display()));
    }
    if let (Some(to), Outcome::Snapshot, Some(application)) =
        (&options.snapshot, &outcome, &options.image)
    {
        memory::write(application, &snapshot, &plan, to)?;
    }
    let report = Report {
        outcome,
        algorithm: options.algorithm,
        channels: channels
            .iter()
            .zip(&last.channels)
            .map(|(channel, passed)| ChannelReport {
                alias: channel.alias.clone(),
                used: passed.used,
                digest: passed.digested.then_some(passed.digest),
                network: channel.network(),
            })
            .collect(),
        memory: last.memory,
        user: ended.user,
        system: ended.system,
        wall: Duration::ZERO,
        phases: Vec::new(),
        seed: options.seed,
    };
    Ok((report, last.moments))
}

/// What runs beside the instance: gdb, until the user leaves it.
fn help(
    pid: libc::pid_t,
    image: &Image,
    gate: Option<Gate>,
    options: &RunOptions,
) -> Result<(), RunError> {
    if options.perf_map {
        debugger::perf_map(pid, &Symbols::load(image))
            .map_err(RunError::host("write the map for perf"))?;
    }
    if let (Some(debugger), Some(gate)) = (&options.debugger, gate) {
        // gdb reads an image by its name, and knows nothing of applications.
        let alone = options.image.as_ref().map(|_| debugger::alone(image));
        let alone = alone.transpose();
        let alone = alone.map_err(RunError::host("write the image for gdb"))?;
        let file = alone.as_ref().map_or(&*options.program, |file| file.path());
        debugger::attach(pid, file, debugger, gate).map_err(RunError::host("start gdb"))?;
    }
    Ok(())
}

fn outcome(
    last: &Last,
    ended: &Ended,
    image: &Image,
    plan: &Plan,
    snapshot: &Snapshot,
    options: &RunOptions,
) -> Result<Outcome, RunError> {
    let signal = libc::WIFSIGNALED(ended.status).then(|| libc::WTERMSIG(ended.status));
    let refused = |status, message: String| {
        Err(RunError::Instance {
            status,
            message,
            validated: last.validated,
        })
    };
    let internal =
        |message: String| refused(status::IO, format!("defect in the runtime: {message}"));
    match last.stage {
        Stage::Exited => Ok(Outcome::Exited(libc::WEXITSTATUS(ended.status) as u8)),
        Stage::Fault => Ok(Outcome::Fault(FaultReport::new(
            &last.fault,
            plan,
            image,
            snapshot,
        ))),
        Stage::BadTrap => Ok(Outcome::BadTrap {
            status: last.status,
            message: last.message.clone(),
        }),
        Stage::Snapshot => Ok(Outcome::Snapshot),
        Stage::OutputLimit => Ok(Outcome::OutputLimit(options.output.unwrap_or(u64::MAX))),
        Stage::Refused => refused(last.status, last.message.clone()),
        Stage::Starting | Stage::Running | Stage::HostFault => {
            match (options.timeout, options.cpu_time, signal) {
                (Some(limit), _, Some(_)) if ended.killed => Ok(Outcome::TimedOut(limit)),
                (_, Some(limit), Some(libc::SIGPROF)) => Ok(Outcome::CpuTime(limit)),
                (_, _, Some(libc::SIGSYS)) => {
                    internal("the instance made a system call that its filter forbids".to_owned())
                }
                (_, _, Some(libc::SIGKILL)) => refused(
                    status::FAULT + libc::SIGKILL as u8,
                    "the instance was killed (by the user, or for lack of memory)".to_owned(),
                ),
                (_, _, Some(signal)) => refused(
                    status::FAULT.wrapping_add(signal as u8),
                    format!("the instance was ended by signal {signal}"),
                ),
                _ if last.stage == Stage::HostFault => internal(format!(
                    "{} at {:#x} (address {:#x}) in the runtime",
                    signal_name(last.fault.signal),
                    last.fault.registers[record::RIP],
                    last.fault.address
                )),
                _ => internal(format!(
                    "the instance ended with status {} without a word",
                    ended.status
                )),
            }
        }
    }
}
