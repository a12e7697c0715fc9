//! Why the sysroot could not be assembled.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What failed, where, why, and what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// Neither `ZVM_HOME` nor `XDG_CACHE_HOME` nor `HOME` is set.
    NoHome,
    /// A file of the cache.
    Cache {
        /// What was to be done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// `ZVM_WHEEL` names no file.
    NoWheel {
        /// What it names.
        path: PathBuf,
    },
    /// The wheel could not be downloaded.
    Download {
        /// The file that is wanted.
        wheel: String,
        /// What pip, or the attempt to start it, said.
        reason: String,
    },
    /// A file has other bytes than the pinned ones.
    Hash {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The wheel cannot be unpacked.
    Unpack {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The allocator or the string functions could not be built.
    Fast {
        /// What was said.
        reason: String,
    },
    /// The compiler failed to build musl.
    Musl {
        /// What it said.
        reason: String,
    },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::NoHome => f.write_str(
                "no place for the SDK's cache: none of ZVM_HOME, XDG_CACHE_HOME and HOME is set; set ZVM_HOME to a folder of your own",
            ),
            SetupError::Cache { action, path, source } => write!(
                f,
                "cannot {action} {}: {source}; the SDK's cache needs about 600 MB in a folder that you can write to (set ZVM_HOME to use another)",
                path.display()
            ),
            SetupError::NoWheel { path } => write!(
                f,
                "ZVM_WHEEL names {}, which is not a file; unset it to have the compiler downloaded",
                path.display()
            ),
            SetupError::Download { wheel, reason } => write!(
                f,
                "cannot download the compiler: {reason}\nIt is the Python package ziglang, fetched by `python3 -m pip download`: install python3 with pip and \
                 check the network, or fetch {wheel} yourself and set ZVM_WHEEL to its path"
            ),
            SetupError::Hash { path, expected, found } => write!(
                f,
                "{} is not the pinned file: its SHA-256 is {found}, not {expected}; remove it and try again",
                path.display()
            ),
            SetupError::Unpack { path, reason } => {
                write!(f, "cannot unpack {}: {reason}; remove it and try again", path.display())
            }
            SetupError::Fast { reason } => {
                write!(f, "cannot build the allocator and the string functions: {reason}\nCheck the network (their source comes by `cargo fetch`) and try again")
            }
            SetupError::Musl { reason } => {
                write!(f, "cannot build musl: {reason}\nRemove the SDK's cache (`cargo zvm setup --print` names it) and try again")
            }
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SetupError::Cache { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Adds what was being done, and to which file, to an I/O error.
pub(crate) trait Context<T> {
    /// `action` is a verb: "read", "create".
    fn context(self, action: &'static str, path: &std::path::Path) -> Result<T, SetupError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &std::path::Path) -> Result<T, SetupError> {
        self.map_err(|source| SetupError::Cache {
            action,
            path: path.to_owned(),
            source,
        })
    }
}
