//! Errors in one shape on stderr: what, why, and what to do about it.
//!
//! An [`anyhow::Error`]'s outermost message says what and where, those below it why; [`Advise`] adds what to do.

use std::fmt;

use anyhow::{Error, Result};

/// A message that comes with what to do about it.
#[derive(Debug)]
pub struct Problem {
    what: String,
    advice: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

/// An error without a cause below it.
pub fn problem(what: impl fmt::Display, advice: impl fmt::Display) -> Error {
    Error::new(Problem {
        what: what.to_string(),
        advice: advice.to_string(),
    })
}

/// An error that says itself what failed, with what to do about it; nothing is added for an empty advice.
pub fn advised(error: Error, advice: impl Into<String>) -> Error {
    let (what, advice) = (error.to_string(), advice.into());
    if advice.is_empty() {
        return error;
    }
    // The error's own text, said twice, is printed once.
    error.context(Problem { what, advice })
}

/// As [`anyhow::Context`], with what to do.
pub trait Advise<T> {
    /// Says what was tried, and what to do if it fails.
    ///
    /// # Errors
    /// The error itself, below this.
    fn advise(self, what: impl FnOnce() -> (String, String)) -> Result<T>;
}

impl<T, E: Into<Error>> Advise<T> for std::result::Result<T, E> {
    fn advise(self, what: impl FnOnce() -> (String, String)) -> Result<T> {
        self.map_err(|error| {
            let (what, advice) = what();
            error.into().context(Problem { what, advice })
        })
    }
}

/// The lines of an error, without the command's name.
fn lines(error: &Error) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut last = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        // Some errors end with the text of their own cause.
        if depth > 0 && last.ends_with(&text) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            lines.push(match (depth, index) {
                (0, 0) => line.to_owned(),
                (0, _) => format!("  {line}"),
                (_, 0) => format!("  why: {line}"),
                _ => format!("       {line}"),
            });
        }
        last = text;
    }
    if let Some(problem) = error.downcast_ref::<Problem>() {
        for (index, line) in problem.advice.lines().enumerate() {
            let head = if index == 0 {
                "what to do:"
            } else {
                "           "
            };
            lines.push(format!("  {head} {line}"));
        }
    }
    lines
}

/// Prints an error; `command` is who says it.
pub fn print(command: &str, error: &Error) {
    eprint!("{}", text(command, error, in_colour(&std::io::stderr())));
}

/// As it is printed.
pub(crate) fn text(command: &str, error: &Error, colour: bool) -> String {
    let mut text = format!("{command}: {}: ", paint("error", Style::Bad, colour));
    text.push_str(&lines(error).join("\n"));
    text.push('\n');
    text
}

/// How a word stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Green: as it should be.
    Good,
    /// Red.
    Bad,
    /// Yellow.
    Notice,
    /// Bold.
    Strong,
}

/// Whether what is written there may have colours: a terminal, and neither `NO_COLOR` nor `TERM=dumb`.
pub fn in_colour(stream: &impl std::io::IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal()
        && !set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The text, coloured if so wished.
pub fn paint(text: &str, style: Style, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match style {
        Style::Good => "1;32",
        Style::Bad => "1;31",
        Style::Notice => "1;33",
        Style::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_why_and_what_to_do() {
        let error = Err::<(), _>(std::io::Error::other("no such file"))
            .context("cannot read x")
            .advise(|| {
                (
                    "cannot open the folder".to_owned(),
                    "name\nanother".to_owned(),
                )
            })
            .unwrap_err();
        assert_eq!(
            text("zvm", &error, false),
            "zvm: error: cannot open the folder\n  why: cannot read x\n  why: no such file\n  \
             what to do: name\n              another\n"
        );
    }

    #[test]
    fn a_cause_that_was_already_told_is_not_told_again() {
        let error = anyhow::anyhow!("inner").context("outer: inner");
        assert_eq!(lines(&error), ["outer: inner"]);
        let error = advised(anyhow::anyhow!("inner").context("outer"), "rest");
        assert_eq!(
            lines(&error),
            ["outer", "  why: inner", "  what to do: rest"]
        );
        let error = anyhow::anyhow!("inner").context("outer: inner");
        assert_eq!(
            text("x", &error, true),
            "x: \x1b[1;31merror\x1b[0m: outer: inner\n"
        );
    }
}
