//! Why a command of `zvm-cc` failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zvm_sysroot::SetupError;

use crate::problem;

/// What `--compiler` and `ZVM_CC` take.
pub const COMPILERS: &str =
    "--compiler and ZVM_CC take zig, gcc, clang, or the path of one of these";

/// Why something cannot be done, as a text.
#[derive(Debug)]
pub struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

/// What failed. [`CcError::print`] says it to the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum CcError {
    /// The command line asks for what cannot be done.
    Usage {
        /// What cannot be done.
        what: String,
        /// Why.
        why: Option<Reason>,
        /// What to do about it; may be empty.
        advice: String,
    },
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

    /// A command line that asks for what cannot be done; `why` and `advice` may be empty.
    pub(crate) fn usage(
        what: impl Into<String>,
        why: impl Into<String>,
        advice: impl Into<String>,
    ) -> CcError {
        let why = Some(why.into()).filter(|why: &String| !why.is_empty());
        CcError::Usage {
            what: what.into(),
            why: why.map(Reason),
            advice: advice.into(),
        }
    }

    /// Says it on stderr for `command`: what, why, what to do. A tool that failed has said so itself.
    pub fn print(self, command: &str) {
        if !matches!(self, CcError::Tool { .. }) {
            problem::print(command, &self.into_error());
        }
    }

    /// The error with its advice.
    pub fn into_error(self) -> anyhow::Error {
        let advice = match &self {
            CcError::Usage { advice, .. } => advice.clone(),
            CcError::Start { .. } => COMPILERS.to_owned(),
            CcError::Rewrite {
                source: zvm_rewriter::RewriteError::Refused(places),
                ..
            } if places.len() == 1 => "--keep-going lists every such place".to_owned(),
            _ => String::new(),
        };
        problem::advised(anyhow::Error::new(self), advice)
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
    /// What failed; why is its source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CcError::Usage { what, .. } => f.write_str(what),
            CcError::File { action, path, .. } => write!(f, "cannot {action} {}", path.display()),
            CcError::Setup(error) => error.fmt(f),
            CcError::Start { program, .. } => write!(f, "cannot start {}", program.display()),
            CcError::Tool { status } => write!(f, "a tool ended with status {status}"),
            CcError::Rewrite { output, .. } => write!(f, "cannot make {}", output.display()),
        }
    }
}

impl std::error::Error for CcError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CcError::File { source, .. } | CcError::Start { source, .. } => Some(source),
            // Its text is whole.
            CcError::Setup(_) => None,
            CcError::Rewrite { source, .. } => Some(source),
            CcError::Usage { why, .. } => why.as_ref().map(|why| why as _),
            CcError::Tool { .. } => None,
        }
    }
}

impl From<SetupError> for CcError {
    fn from(error: SetupError) -> Self {
        CcError::Setup(error)
    }
}
