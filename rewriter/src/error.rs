//! What the rewriter says when it refuses.

use std::fmt;

/// Why an image could not be made. `Display` is the whole message for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteError {
    /// The file as a whole is not what the linker should have written.
    BadInput(String),
    /// Code that cannot be made safe; every refusal found (one, unless `keep_going`).
    Refused(Vec<Refusal>),
}

/// One place in the code that cannot be rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Nearest function symbol and the offset in it, such as `main+0x1c`.
    pub function: String,
    /// Section of the input.
    pub section: String,
    /// Address in the input ELF.
    pub address: u64,
    /// The instruction's or datum's bytes.
    pub bytes: Vec<u8>,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub way_out: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {:#x} in {} [",
            self.function, self.address, self.section
        )?;
        for (i, byte) in self.bytes.iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { " " })?;
        }
        write!(f, "]: {}; {}", self.reason, self.way_out)
    }
}

impl fmt::Display for RewriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RewriteError::BadInput(reason) => write!(f, "cannot rewrite this ELF file: {reason}"),
            RewriteError::Refused(refusals) => {
                writeln!(
                    f,
                    "cannot make this code safe ({} place(s)):",
                    refusals.len()
                )?;
                for (i, refusal) in refusals.iter().enumerate() {
                    write!(f, "{}  {refusal}", if i == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for RewriteError {}

/// Collects refusals: stops at the first, or at the end when `keep_going`.
pub(crate) struct Refusals {
    keep_going: bool,
    found: Vec<Refusal>,
}

impl Refusals {
    pub(crate) fn new(keep_going: bool) -> Self {
        Refusals {
            keep_going,
            found: Vec::new(),
        }
    }

    /// Records `refusal`; an error if this one ends the work.
    pub(crate) fn push(&mut self, refusal: Refusal) -> Result<(), RewriteError> {
        self.found.push(refusal);
        if self.keep_going {
            Ok(())
        } else {
            Err(RewriteError::Refused(std::mem::take(&mut self.found)))
        }
    }

    /// An error if anything was refused.
    pub(crate) fn finish(self) -> Result<(), RewriteError> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(RewriteError::Refused(self.found))
        }
    }
}
