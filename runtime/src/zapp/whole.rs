//! Which applications' files were seen whole: a table beside the verdicts ([`crate::verdict`]), so that not every start reads all of a file
//! to find that nothing of it is damaged.
//!
//! A record has the file's identity and the digest that it had; each identity has one place, so the table never grows. It is
//! about damage alone: who can change a file without a trace in its times (by a page that is mapped and changed already) can as well put
//! another digest in its system map. What runs is validated as ever. No hash: the first one of a process costs a start 40 us.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::read::Seal;
use crate::digest;
use crate::identity::FileIdentity;
use crate::kept::open_at;
use crate::verdict::{Verdicts, ours_alone};

/// The table's name in the verdicts' folder.
const TABLE: &str = "whole";
/// Places of the table.
const PLACES: u64 = 256;
/// Bytes between two places: no record lies in two pages.
const STEP: u64 = 256;
/// First bytes of a record: its format.
const MAGIC: &[u8; 8] = b"zvmwhol1";
/// Hexadecimal digits of a digest.
const DIGITS: usize = 2 * digest::BYTES;
/// Bytes of a record: its format, the identity, where the sealed bytes are, and their digest.
const RECORD: usize = MAGIC.len() + 8 * (7 + 2) + DIGITS;
const _: () = assert!(RECORD as u64 <= STEP);

/// A file, and what was found or is claimed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    file: FileIdentity,
    record: [u8; RECORD],
}

impl Whole {
    /// That the bytes of this file have the digest of its seal; `None` for what cannot be remembered.
    pub fn of(file: &File, seal: &Seal) -> Option<Whole> {
        let file = FileIdentity::of(file).ok()??;
        let identity = file.words().map(u64::to_le_bytes);
        let sealed = [seal.range.start, seal.range.end].map(u64::to_le_bytes);
        let parts = [
            &MAGIC[..],
            identity.as_flattened(),
            sealed.as_flattened(),
            seal.digest.as_bytes(),
        ];
        // A digest of another length is none, and no file has it.
        let record = parts.concat().try_into().ok()?;
        Some(Whole { file, record })
    }

    /// Whether it was found before.
    pub fn known(&self, verdicts: &Verdicts) -> bool {
        let flags = libc::O_RDONLY | libc::O_NONBLOCK;
        let Ok(table) = open_at(verdicts.folder(), TABLE, flags, 0) else {
            return false;
        };
        let mut found = [0; RECORD];
        table.metadata().is_ok_and(|table| ours_alone(&table))
            && table.read_exact_at(&mut found, self.offset()).is_ok()
            && found == self.record
    }

    /// Keeps that it was found, unless the file may have changed since [`Whole::of`] without another identity.
    pub fn keep(&self, verdicts: &Verdicts, file: &File, seal: &Seal) {
        if !self.file.settled() || Whole::of(file, seal).as_ref() != Some(self) {
            return;
        }
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_NONBLOCK;
        // A table that cannot be written costs time, nothing else.
        if let Ok(table) = open_at(verdicts.folder(), TABLE, flags, 0o600)
            && table.metadata().is_ok_and(|table| ours_alone(&table))
        {
            let _ = table.write_all_at(&self.record, self.offset());
        }
    }

    fn offset(&self) -> u64 {
        self.file.place(PLACES) * STEP
    }
}
