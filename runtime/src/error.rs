//! What the runtime refuses, and the exit status that says so.

use std::fmt;
use std::path::PathBuf;

use crate::image::ImageError;
use crate::mount::MountError;
use crate::open::ChannelError;
use crate::record::Validated;
use crate::space::SpaceError;
use crate::zapp::ZappError;
use crate::zerovm::LineError;

/// ZeroVM's exit statuses for what is refused before or instead of running.
pub mod status {
    /// No such program, or bad usage.
    pub const NO_PROGRAM: u8 = 2;
    /// `zvm manifest`: a timeout or a signal ended the program.
    pub const INTERRUPTED: u8 = 4;
    /// The host failed at input or output.
    pub const IO: u8 = 5;
    /// The image is malformed or its code was rejected.
    pub const BAD_IMAGE: u8 = 8;
    /// The host cannot give the memory.
    pub const MEMORY: u8 = 12;
    /// A mount, an argument or the environment cannot be given to the guest.
    pub const MANIFEST: u8 = 14;
    /// What came over the network is not what was sent.
    pub const ETAG: u8 = 32;
    /// The program wrote more than `--output` allows: 128 + SIGXFSZ.
    pub const OUTPUT: u8 = 153;
    /// The program used more processor time than `--cpu-time` allows: 128 + SIGXCPU.
    pub const CPU_TIME: u8 = 152;
    /// The timeout ended the run.
    pub const TIMEOUT: u8 = 124;
    /// Added to the signal's number for a fault.
    pub const FAULT: u8 = 128;
}

/// Nothing of a hostile file reaches a terminal's control.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(4096)
        .collect()
}

/// Why a program was not run, or why its result could not be kept. The text is for people.
#[derive(Debug)]
pub enum RunError {
    /// The program cannot be opened.
    Program {
        /// As the user named it.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// A manifest, or the nvram file that it names, cannot be read.
    File {
        /// As the user named it.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// The image is not one, or breaks a limit.
    Image {
        /// As the user named it.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// An application is not one, or is damaged.
    Zapp(ZappError),
    /// No snapshot was made; why.
    Snapshot(String),
    /// A mount cannot be built, or cannot be written back.
    Mount(MountError),
    /// An argument or an environment variable cannot be told to the guest.
    Nvram(String),
    /// A line of a manifest or an nvram file.
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, and what is wrong with it.
        error: LineError,
    },
    /// A channel that cannot be opened.
    Channel(ChannelError),
    /// An output that cannot be put in its place.
    Output {
        /// The place.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// The parts do not fit into 4 GiB, or the host lacks an ability.
    Space(SpaceError),
    /// The host failed at something that should work.
    Host {
        /// What was tried.
        what: &'static str,
        /// What the host said.
        source: std::io::Error,
    },
    /// The instance refused to start and said why.
    Instance {
        /// Exit status, one of [`status`].
        status: u8,
        /// The reason; may have several lines.
        message: String,
        /// What the validator said before that.
        validated: Validated,
    },
}

impl RunError {
    /// The exit status of `zvm run` for this error; see [`status`].
    pub fn status(&self) -> u8 {
        match self {
            RunError::Program { .. } | RunError::File { .. } => status::NO_PROGRAM,
            RunError::Image { .. } | RunError::Zapp(_) => status::BAD_IMAGE,
            RunError::Mount(MountError::Commit { .. })
            | RunError::Output { .. }
            | RunError::Host { .. } => status::IO,
            RunError::Mount(_)
            | RunError::Snapshot(_)
            | RunError::Nvram(_)
            | RunError::Line { .. } => status::MANIFEST,
            RunError::Channel(error) => error.status,
            RunError::Space(_) => status::MEMORY,
            RunError::Instance { status, .. } => *status,
        }
    }

    /// Whether the program had ended well when this happened: it did what it had to, and nobody has it.
    pub fn is_after_the_run(&self) -> bool {
        matches!(
            self,
            RunError::Mount(MountError::Commit { .. }) | RunError::Output { .. }
        )
    }

    pub(crate) fn host(what: &'static str) -> impl FnOnce(std::io::Error) -> RunError {
        move |source| RunError::Host { what, source }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Program { path, source } => {
                write!(f, "cannot open the program {}: {source}", path.display())
            }
            RunError::Output { path, source } => {
                write!(
                    f,
                    "cannot put the output {} in its place: {source}",
                    path.display()
                )
            }
            RunError::File { path, source } => {
                write!(f, "cannot read {}: {source}", path.display())
            }
            RunError::Image { path, source } => write!(f, "{}: {source}", path.display()),
            RunError::Zapp(error) => error.fmt(f),
            RunError::Mount(error) => error.fmt(f),
            RunError::Snapshot(problem) => write!(f, "no snapshot: {problem}"),
            RunError::Nvram(message) => f.write_str(message),
            RunError::Line { path, error } => write!(f, "{}: {error}", path.display()),
            RunError::Channel(error) => error.fmt(f),
            RunError::Space(error) => error.fmt(f),
            RunError::Host { what, source } => write!(f, "cannot {what}: {source}"),
            RunError::Instance { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for RunError {}

impl From<ZappError> for RunError {
    fn from(error: ZappError) -> Self {
        RunError::Zapp(error)
    }
}

impl From<MountError> for RunError {
    fn from(error: MountError) -> Self {
        RunError::Mount(error)
    }
}

impl From<ChannelError> for RunError {
    fn from(error: ChannelError) -> Self {
        RunError::Channel(error)
    }
}

impl From<SpaceError> for RunError {
    fn from(error: SpaceError) -> Self {
        RunError::Space(error)
    }
}
