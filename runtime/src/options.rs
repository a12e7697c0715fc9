//! What a run is given.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::debugger::Debugger;
use crate::digest::Algorithm;
use crate::error::RunError;
use crate::limits;
use crate::mount::Mount;
use crate::spec::{ChannelSpec, Uri};
use crate::verdict;
use crate::zapp;
use crate::zapp::memory::Memory;
use crate::zapp::read::{Packed, Start};
use crate::zerovm::manifest::Manifest;
use crate::zerovm::nvram::{Fstab, UserNvram};

/// What to run, and with what.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The image.
    pub program: PathBuf,
    /// argv without argv\[0\], which is the program as named.
    pub args: Vec<OsString>,
    /// Environment; nothing of the host's is added.
    pub env: Vec<(OsString, OsString)>,
    /// argv\[0\], if it is not the program as named.
    pub name: Option<OsString>,
    /// Mounts.
    pub mounts: Vec<Mount>,
    /// Channels beside the standard ones; one with the alias of a standard stream takes its place.
    pub channels: Vec<ChannelSpec>,
    /// Mounts of channels' tars, by alias.
    pub fstab: Vec<Fstab>,
    /// What the guest is told of its channels: alias and char, file, pipe or dir.
    pub mapping: Vec<(String, String)>,
    /// Bytes of heap.
    pub memory: u64,
    /// Longest time that the instance may take.
    pub timeout: Option<Duration>,
    /// Most processor time, the runtime's share included.
    pub cpu_time: Option<Duration>,
    /// Bytes that all channels together may take.
    pub output: Option<u64>,
    /// Output files are written in place while the program runs, not put there at its end.
    pub stream: bool,
    /// Digests of all channels and of final memory, whatever the channels' own `etag` says.
    pub digests: bool,
    /// Digest of final memory alone.
    pub memory_digest: bool,
    /// Which digest.
    pub algorithm: Algorithm,
    /// Seed of the guest's random bytes: equal seeds, equal runs.
    pub seed: [u8; 32],
    /// Seconds since 1970 at which the guest's clock starts.
    pub seconds: u64,
    /// The guest's clock is the host's: its runs are no longer equal.
    pub host_clock: bool,
    /// The guest's working directory.
    pub cwd: OsString,
    /// The instance's number among others that it has network channels with.
    pub node: Option<u32>,
    /// Who tells where the other nodes listen.
    pub name_server: Option<SocketAddr>,
    /// A folder with verdicts of the validator ([`crate::verdict`]); without one, text is validated in each run.
    pub verdicts: Option<PathBuf>,
    /// Whether the program's system calls are shown on stderr.
    pub strace: bool,
    /// Where the image is, if the file at `program` is an application, and that file, open: a mount of it is of the file as it is open.
    pub image: Option<Packed>,
    /// gdb, attached before the program's first instruction.
    pub debugger: Option<Debugger>,
    /// Whether `perf report` is told the names of the program's functions, by a file in /tmp.
    pub perf_map: bool,
    /// Where a core file goes if a signal ends the program.
    pub core: Option<PathBuf>,
    /// Where the application goes with the memory that this run has at the Fork trap, which ends it ([`crate::snapshot`]).
    pub snapshot: Option<PathBuf>,
    /// What the program's memory begins with, instead of the image's data.
    pub begin: Option<Arc<Memory>>,
}

/// Where the guest's clock starts if nobody says otherwise: 2013-06-04, as in ZeroVM's examples.
pub const DEFAULT_SECONDS: u64 = 1_370_454_582;

impl RunOptions {
    /// A run of an image or an application (.zapp), with the arguments that `zvm run` has: none for the application's own. What the
    /// validator accepted is kept in the user's cache.
    ///
    /// # Errors
    /// [`RunError::Zapp`] for an application that is damaged.
    pub fn open(program: PathBuf, args: Vec<OsString>) -> Result<RunOptions, RunError> {
        let verdicts = verdict::default_folder();
        let mut options = match zapp::read::start(&program, verdicts.as_deref())? {
            Some(start) => RunOptions::of_application(program, start),
            None => RunOptions::new(program),
        };
        if !args.is_empty() {
            options.args = args;
        }
        options.verdicts = verdicts;
        Ok(options)
    }

    /// As the application wants to be run: its files are the root.
    fn of_application(path: PathBuf, start: Start) -> RunOptions {
        let mounts = vec![Mount {
            host: path.clone(),
            point: "/".into(),
            mode: start.mode,
            sources_only: false,
        }];
        let defaults = RunOptions::new(path);
        RunOptions {
            name: Some(start.name.into()),
            image: Some(start.packed),
            // A snapshot's are those that it was made with.
            args: match &start.begin {
                Some(_) => Vec::new(),
                None => start.args,
            },
            env: start.env,
            memory: match &start.begin {
                Some(memory) => memory.heap,
                None => start.memory.unwrap_or(defaults.memory),
            },
            begin: start.begin.map(Arc::new),
            mounts,
            ..defaults
        }
    }

    /// A run of `program` without arguments, environment and mounts, with the default memory, clock and seed (zeros).
    pub fn new(program: impl Into<PathBuf>) -> RunOptions {
        RunOptions {
            program: program.into(),
            args: Vec::new(),
            name: None,
            env: Vec::new(),
            mounts: Vec::new(),
            channels: Vec::new(),
            fstab: Vec::new(),
            mapping: Vec::new(),
            memory: limits::MEMORY_DEFAULT,
            timeout: None,
            cpu_time: None,
            output: None,
            stream: false,
            digests: false,
            memory_digest: false,
            algorithm: Algorithm::default(),
            seed: [0; 32],
            seconds: DEFAULT_SECONDS,
            host_clock: false,
            cwd: OsString::from("/"),
            node: None,
            name_server: None,
            verdicts: None,
            strace: false,
            image: None,
            debugger: None,
            perf_map: false,
            core: None,
            snapshot: None,
            begin: None,
        }
    }
}

/// Alias of the channel with arguments, environment and mounts.
pub const NVRAM: &str = "/dev/nvram";

/// Reads a manifest file, and the nvram file that it names.
///
/// # Errors
/// [`RunError::File`] if the file cannot be read; [`RunError::Line`] for what is wrong in it.
pub fn from_manifest(path: &Path) -> Result<RunOptions, RunError> {
    let read = |path: &Path, limit: u64| {
        read_limited(path, limit).map_err(|source| RunError::File {
            path: path.to_owned(),
            source,
        })
    };
    let wrong = |path: &Path| {
        let path = path.to_owned();
        move |error| RunError::Line { path, error }
    };
    let text = read(path, limits::MANIFEST_BYTES as u64)?;
    let text = String::from_utf8(text).map_err(|_| RunError::Line {
        path: path.to_owned(),
        error: crate::zerovm::LineError {
            line: 0,
            problem: "the manifest is not UTF-8".to_owned(),
        },
    })?;
    let mut manifest = Manifest::parse(&text).map_err(wrong(path))?;
    let mut nvram = UserNvram::default();
    if let Some(index) = manifest
        .channels
        .iter()
        .position(|channel| channel.alias == NVRAM)
    {
        let channel = manifest.channels.remove(index);
        let [Uri::Path(file)] = channel.uris.as_slice() else {
            return Err(RunError::Line {
                path: path.to_owned(),
                error: crate::zerovm::LineError {
                    line: 0,
                    problem: format!("the channel {NVRAM} must be one file"),
                },
            });
        };
        nvram = UserNvram::parse(&read(file, limits::NVRAM as u64)?).map_err(wrong(file))?;
    }
    let mut args = nvram.args.into_iter();
    let defaults = RunOptions::new(manifest.program);
    Ok(RunOptions {
        name: args.next(),
        args: args.collect(),
        env: nvram.env,
        channels: manifest.channels,
        fstab: nvram.fstab,
        mapping: nvram.mapping,
        memory: manifest.memory,
        timeout: Some(manifest.timeout),
        memory_digest: manifest.memory_etag,
        algorithm: manifest.algorithm,
        node: manifest.node,
        name_server: manifest.name_server,
        seconds: nvram.seconds.unwrap_or(defaults.seconds),
        host_clock: nvram.host_clock,
        seed: nvram.seed.unwrap_or(defaults.seed),
        cwd: nvram.cwd.unwrap_or_else(|| defaults.cwd.clone()),
        ..defaults
    })
}

/// The whole file; one byte more than the limit at most, so that whoever checks the limit sees it.
fn read_limited(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
