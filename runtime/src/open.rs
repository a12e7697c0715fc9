//! Opens what a [`ChannelSpec`] names. All of it happens in the monitor, before the instance exists.
#![allow(unsafe_code)]

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use zvm_abi::manifest;

use crate::channel::{self, Channel, Source};
use crate::commit::Commit;
use crate::error::{RunError, status};
use crate::mount::{self, MountError};
use crate::network;
use crate::network::connect::{Place, Wanted};
use crate::output::{Output, Start};
use crate::spec::{ChannelSpec, Uri};

/// A channel that cannot be opened.
#[derive(Debug)]
pub struct ChannelError {
    /// The guest's name for it.
    pub alias: String,
    /// Which source, and why.
    pub problem: String,
    /// The exit status that says so: 5 for the host's errors, 14 for what makes no sense.
    pub status: u8,
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {}: {}", self.alias, self.problem)
    }
}

impl std::error::Error for ChannelError {}

/// How channels are opened.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Outputs are written in place, not aside.
    pub stream: bool,
    /// How long a FIFO may wait for its other side.
    pub patience: Duration,
}

/// What a run leaves on the host if it ends well.
#[derive(Debug, Default)]
pub struct Results {
    /// Files written aside.
    pub outputs: Vec<Output>,
    /// Directories that come as tars.
    pub commits: Vec<Commit>,
}

impl Results {
    /// Puts everything in its place, one after the other.
    ///
    /// # Errors
    /// [`RunError`] for the first that fails. Outputs before it are in place, those behind it and all mounts are not; of mounts, the
    /// others are.
    pub fn commit(self) -> Result<(), RunError> {
        for output in self.outputs {
            let path = output.target().to_owned();
            output
                .commit()
                .map_err(|source| RunError::Output { path, source })?;
        }
        // One that is refused is no reason to lose another.
        let mut first = Ok(());
        for commit in self.commits {
            let done = commit.apply();
            first = first.and(done);
        }
        Ok(first?)
    }
}

/// Opens one channel; `mapped` if the guest is to see its bytes mapped. What is written aside goes to `results`.
///
/// # Errors
/// [`ChannelError`]; a directory that cannot be packed is [`RunError::Mount`].
pub fn open(
    spec: &ChannelSpec,
    mapped: bool,
    manner: Manner,
    results: &mut Results,
) -> Result<Channel, RunError> {
    let fail = |uri: &Uri, failure: Failure| match failure {
        Failure::Host(source) => RunError::Channel(ChannelError {
            alias: spec.alias.clone(),
            problem: format!("{uri}: {source}"),
            status: status::IO,
        }),
        Failure::Sense(problem) => RunError::Channel(ChannelError {
            alias: spec.alias.clone(),
            problem: format!("{uri}: {problem}"),
            status: status::MANIFEST,
        }),
        Failure::Mount(error) => RunError::Mount(error),
    };
    let mut sources = Vec::with_capacity(spec.uris.len());
    for uri in &spec.uris {
        let source = open_source(spec, uri, manner, results).map_err(|error| fail(uri, error))?;
        let regular = matches!(source, Source::Regular(..));
        let seekable = regular || matches!(source, Source::Device(_)) && spec.uris.len() == 1;
        if spec.kind != manifest::SEQUENTIAL && !seekable {
            return Err(fail(
                uri,
                Failure::Sense("only a regular file has random access; use type 0".to_owned()),
            ));
        }
        if mapped && (!regular || spec.uris.len() > 1) {
            return Err(fail(
                uri,
                Failure::Sense("a mount needs one regular file or directory".to_owned()),
            ));
        }
        sources.push(source);
    }
    let size = sources.iter().map(Source::size).sum();
    Ok(Channel {
        alias: spec.alias.clone(),
        sources,
        kind: spec.kind,
        limits: spec.limits,
        size,
        mapped,
        digest: spec.etag,
    })
}

/// Connects the network channels among `channels`, all of them together.
///
/// # Errors
/// [`ChannelError`] for the first that finds no other end.
pub fn connect(
    channels: &mut [&mut Channel],
    place: Place,
    patience: Duration,
) -> Result<(), ChannelError> {
    let (mut wanted, mut owners) = (Vec::new(), Vec::new());
    for (index, channel) in channels.iter().enumerate() {
        for (number, source) in channel.sources.iter().enumerate() {
            if let Source::Unconnected(end) = source {
                wanted.push(end.clone());
                owners.push((index, number));
            }
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let streams = network::connect::connect(&wanted, place, patience).map_err(|failure| {
        let (index, _) = owners[failure.index];
        ChannelError {
            alias: channels[index].alias.clone(),
            problem: format!("{}: {failure}", wanted[failure.index]),
            status: status::IO,
        }
    })?;
    for (((index, number), stream), wanted) in owners.into_iter().zip(streams).zip(wanted) {
        channels[index].sources[number] = match wanted.framed {
            true => Source::Framed(stream),
            false => Source::Connection(stream),
        };
    }
    Ok(())
}

enum Failure {
    Host(io::Error),
    Sense(String),
    Mount(MountError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Host(error)
    }
}

fn open_source(
    spec: &ChannelSpec,
    uri: &Uri,
    manner: Manner,
    results: &mut Results,
) -> Result<Source, Failure> {
    match uri {
        Uri::Descriptor(fd) => inherited(*fd),
        // Under these names Linux opens the file again, at its start; what is meant is this process's stream.
        Uri::Path(path) if path == Path::new("/dev/stdin") => inherited(0),
        Uri::Path(path) if path == Path::new("/dev/stdout") => inherited(1),
        Uri::Path(path) if path == Path::new("/dev/stderr") => inherited(2),
        Uri::Path(path) => open_path(spec, path, manner, results),
        Uri::Tcp(address) => Ok(Source::Unconnected(Wanted {
            address: address.clone(),
            listens: !spec.writable(),
            framed: true,
        })),
        Uri::Stream { address, listens } => Ok(Source::Unconnected(Wanted {
            address: address.clone(),
            listens: *listens,
            framed: false,
        })),
    }
}

fn inherited(fd: RawFd) -> Result<Source, Failure> {
    // SAFETY: fcntl with integers.
    match unsafe { libc::fcntl(fd, libc::F_GETFD) } {
        -1 => return Err(io::Error::last_os_error().into()),
        // This process's own, not one that the caller gave.
        flags if flags & libc::FD_CLOEXEC != 0 => {
            return Err(io::Error::from_raw_os_error(libc::EBADF).into());
        }
        _ => {}
    }
    Ok(Source::Inherited(fd))
}

fn open_path(
    spec: &ChannelSpec,
    path: &Path,
    manner: Manner,
    results: &mut Results,
) -> Result<Source, Failure> {
    let (reads, writes) = (spec.readable(), spec.writable());
    let kind = match fs::metadata(path) {
        Ok(metadata) => Some(metadata.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && writes && !reads => None,
        Err(error) => return Err(error.into()),
    };
    match kind {
        Some(kind) if kind.is_dir() => open_directory(path, reads, writes, results),
        Some(kind) if kind.is_fifo() => {
            if reads && writes {
                return Err(Failure::Sense("a FIFO either reads or writes".to_owned()));
            }
            open_fifo(path, writes, manner.patience).map(Source::Stream)
        }
        Some(kind) if kind.is_char_device() => Ok(Source::Device(
            OpenOptions::new()
                .read(reads || !writes)
                .write(writes)
                .custom_flags(libc::O_NOCTTY)
                .open(path)?,
        )),
        Some(kind) if !kind.is_file() => Err(Failure::Sense(
            "neither a file, a directory, a FIFO nor a character device".to_owned(),
        )),
        Some(_) if !writes => {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            Ok(Source::Regular(file, size))
        }
        _ => open_output(spec, path, manner, results),
    }
}

/// A regular file that the guest writes.
fn open_output(
    spec: &ChannelSpec,
    path: &Path,
    manner: Manner,
    results: &mut Results,
) -> Result<Source, Failure> {
    // What is read back, or appended to, starts as it is.
    let keep = spec.readable() || spec.kind == manifest::RANDOM_READ;
    let file = if manner.stream {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(!keep)
            .open(path)?
    } else {
        let start = if keep { Start::Copy } else { Start::Empty };
        let output = Output::create(path, start)?;
        if results
            .outputs
            .iter()
            .any(|other| other.target() == output.target())
        {
            return Err(Failure::Sense(
                "another channel writes this file, and only one of the two could take its place at the end; use a file for \
                 each, or --stream"
                    .to_owned(),
            ));
        }
        let file = output.file().try_clone()?;
        results.outputs.push(output);
        file
    };
    let size = file.metadata()?.len();
    Ok(Source::Regular(file, size))
}

/// A directory is a tar: packed for a reader, unpacked from a writer when the run ends well.
fn open_directory(
    path: &Path,
    reads: bool,
    writes: bool,
    results: &mut Results,
) -> Result<Source, Failure> {
    if reads && writes {
        return Err(Failure::Sense(
            "a directory either is read or is written".to_owned(),
        ));
    }
    if !writes {
        let tar = mount::pack(path, false).map_err(Failure::Mount)?;
        return Ok(Source::Regular(tar.file, tar.size));
    }
    let file = channel::memory_file(c"zvm-directory")?;
    let commit = Commit::new(path.to_owned(), file.try_clone()?, None)?;
    results.commits.push(commit);
    Ok(Source::Regular(file, 0))
}

/// Opens one side of a FIFO; the host lets it wait for the other side, `patience` ends that.
fn open_fifo(path: &Path, writes: bool, patience: Duration) -> Result<File, Failure> {
    let (tell, hear) = mpsc::channel();
    let name: PathBuf = path.to_owned();
    let opener = std::thread::spawn(move || {
        // If nobody listens any more, the process is about to end.
        let _ = tell.send(OpenOptions::new().read(!writes).write(writes).open(name));
    });
    match hear.recv_timeout(patience) {
        Ok(file) => {
            // The fork must find one thread.
            let _ = opener.join();
            Ok(file?)
        }
        Err(_) => Err(Failure::Host(io::Error::other(format!(
            "nobody opened the FIFO's other side within {} s",
            patience.as_secs_f64()
        )))),
    }
}
