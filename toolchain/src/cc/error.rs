//! Why a command of `zvm-cc` failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zvm_sysroot::SetupError;

/// What failed. The text is for the user, after `zvm-cc: error: `.
#[derive(Debug)]
#[non_exhaustive]
pub enum CcError {
    /// The command line asks for what cannot be done.
    Usage(String),
    /// A file.
    File {
        /// What was to be done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The sysroot is not there.
    Setup(SetupError),
    /// A program does not start.
    Start {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A compiler or the linker failed, and said why itself.
    Tool {
        /// Its exit status, 1 if it ended by a signal.
        status: u8,
    },
    /// The linked program cannot become an image.
    Rewrite {
        /// The image that was to be.
        output: PathBuf,
        /// Why.
        source: zvm_rewriter::RewriteError,
    },
}

impl CcError {
    /// The driver's exit status.
    pub fn status(&self) -> u8 {
        match self {
            CcError::Tool { status } => *status,
            _ => 1,
        }
    }

    /// For `map_err`.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CcError {
        move |source| CcError::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl fmt::Display for CcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CcError::Usage(text) => f.write_str(text),
            CcError::File {
                action,
                path,
                source,
            } => write!(f, "cannot {action} {}: {source}", path.display()),
            CcError::Setup(error) => error.fmt(f),
            CcError::Start { program, source } => write!(
                f,
                "cannot start {}: {source}; --compiler and ZVM_CC take zig, gcc, clang, or the path of one of these",
                program.display()
            ),
            CcError::Tool { status } => write!(f, "a tool ended with status {status}"),
            CcError::Rewrite { output, source } => {
                write!(f, "cannot make {}: {source}", output.display())?;
                match source {
                    zvm_rewriter::RewriteError::Refused(places) if places.len() == 1 => {
                        write!(f, "\n(--keep-going lists every such place)")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for CcError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CcError::File { source, .. } | CcError::Start { source, .. } => Some(source),
            CcError::Setup(error) => Some(error),
            CcError::Rewrite { source, .. } => Some(source),
            CcError::Usage(_) | CcError::Tool { .. } => None,
        }
    }
}

impl From<SetupError> for CcError {
    fn from(error: SetupError) -> Self {
        CcError::Setup(error)
    }
}
