//! Starts compilers and linkers, and shows their command lines.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, ExitStatus};

use super::error::CcError;

/// What becomes of a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// It runs.
    Nothing,
    /// `-v`: it is shown, and runs.
    Too,
    /// `-###`: it is shown only.
    Only,
}

/// Runs `command`, with our stdin, stdout and stderr.
///
/// # Errors
/// It does not start, or fails.
pub fn run(command: &mut Command, show: Show) -> Result<(), CcError> {
    print(command, show);
    if show == Show::Only {
        return Ok(());
    }
    let status = command.status().map_err(start(command))?;
    check(status)
}

/// For `map_err`: `command` does not start.
pub fn start(command: &Command) -> impl FnOnce(std::io::Error) -> CcError + use<> {
    let program = command.get_program().into();
    move |source| CcError::Start { program, source }
}

/// Prints `command` to stderr as a shell would take it, if it is to be shown.
pub fn print(command: &Command, show: Show) {
    if show != Show::Nothing {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        eprintln!(" {}", words.map(quote).collect::<Vec<_>>().join(" "));
    }
}

/// An error unless the program ended well.
///
/// # Errors
/// [`CcError::Tool`].
pub fn check(status: ExitStatus) -> Result<(), CcError> {
    if status.success() {
        return Ok(());
    }
    let status = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Err(CcError::Tool { status })
}

fn quote(word: &OsStr) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=+./,:@%".contains(byte);
    let text = word.to_string_lossy();
    if !word.is_empty() && word.as_bytes().iter().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_survives_a_shell() {
        assert_eq!(quote(OsStr::new("-O2")), "-O2");
        assert_eq!(quote(OsStr::new("-DX=\"it's\"")), r#"'-DX="it'\''s"'"#);
        assert_eq!(quote(OsStr::new("")), "''");
    }
}
