//! Verdicts of the validator that are kept from run to run: a table in a file that only its owner can write.
//!
//! A verdict is about bytes, never about files: its key is the BLAKE3 hash of the text as it is mapped, whole pages and no
//! longer writable, with the image's level and the source of the validator that accepted it. Only acceptance is kept. The
//! table has a slot for each value of the key's first bits, so it never grows; what is not there, or half written, or
//! another's, is validated.
//!
//! Whoever can write the table can make the runtime run anything, as whoever can write the runtime's own file can: the
//! table is used only if it and its folder belong to the user and nobody else may write them.
#![allow(unsafe_code)]

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zvm_abi::layout;
use zvm_validator::Level;

use crate::check::{self, MainText};
use crate::space;

/// Slots of the table.
const SLOTS: u64 = 4096;
const KEY: usize = blake3::OUT_LEN;

/// The folder of all that is kept, as for the SDK's other parts: `ZVM_HOME`, else `$XDG_CACHE_HOME/zvm`, else
/// `~/.cache/zvm`; the verdicts have a folder in it. `None` without a home.
pub fn default_folder() -> Option<PathBuf> {
    let var = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let root = var("ZVM_HOME")
        .or_else(|| var("XDG_CACHE_HOME").map(|folder| folder.join("zvm")))
        .or_else(|| var("HOME").map(|folder| folder.join(".cache/zvm")))?;
    Some(root.join("verdicts"))
}

/// The table, open, and the folder that it is in.
#[derive(Debug)]
pub struct Verdicts {
    folder: File,
    table: File,
}

/// The source of the validator whose verdicts count.
pub(crate) const VALIDATOR: &str = env!("ZVM_VALIDATOR");

/// What a verdict is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Key([u8; KEY]);

impl Key {
    pub(crate) fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// The key that these bytes begin with.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Key> {
        bytes.first_chunk().copied().map(Key)
    }

    /// Of text as it is mapped, whole pages, of which the first `used` bytes are the image's.
    pub fn of(text: &[u8], used: usize, level: u32) -> Key {
        let mut hasher = blake3::Hasher::new_derive_key("zvm: the validator accepted this text");
        hasher.update(VALIDATOR.as_bytes());
        hasher.update(&level.to_le_bytes());
        hasher.update(&(used as u64).to_le_bytes());
        hasher.update(text);
        Key(*hasher.finalize().as_bytes())
    }

    /// Where it stands in the table.
    fn offset(self) -> u64 {
        let [a, b, ..] = self.0;
        u64::from(u16::from_le_bytes([a, b])) % SLOTS * KEY as u64
    }
}

impl Verdicts {
    /// Opens the table in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// The host's, or that somebody else may write there; then there is no table, and all is validated.
    pub fn open(folder: &Path) -> io::Result<Verdicts> {
        let directory = |path: &Path| {
            let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
            OpenOptions::new().read(true).custom_flags(flags).open(path)
        };
        let opened = directory(folder).or_else(|_| {
            if let Some(parent) = folder.parent() {
                std::fs::create_dir_all(parent)?;
            }
            DirBuilder::new().mode(0o700).create(folder)?;
            directory(folder)
        })?;
        refuse_others(&opened)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: a NUL-terminated string that lives through the call.
        let fd = unsafe { libc::openat(opened.as_raw_fd(), c"table".as_ptr(), flags, 0o600) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let table = unsafe { File::from_raw_fd(fd) };
        if !refuse_others(&table)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let folder = opened;
        Ok(Verdicts { folder, table })
    }

    /// The folder, in which nobody else can write.
    pub(crate) fn folder(&self) -> &File {
        &self.folder
    }

    /// Whether the validator has accepted this.
    pub fn accepted(&self, key: Key) -> bool {
        let mut slot = [0; KEY];
        let read = self.table.read_exact_at(&mut slot, key.offset());
        read.is_ok() && slot == key.0
    }

    /// Keeps that the validator has accepted this.
    pub fn keep(&self, key: Key) {
        // A table that cannot be written costs time, nothing else.
        let _ = self.table.write_all_at(&key.0, key.offset());
    }
}

/// Whether a file is the user's, and nobody else may write it.
pub(crate) fn ours_alone(metadata: &Metadata) -> bool {
    // SAFETY: no arguments.
    let user = unsafe { libc::geteuid() };
    metadata.uid() == user && metadata.mode() & 0o022 == 0
}

fn refuse_others(file: &File) -> io::Result<Metadata> {
    let metadata = file.metadata()?;
    match ours_alone(&metadata) {
        true => Ok(metadata),
        false => Err(io::Error::other("others may write there")),
    }
}

/// Main text, whose starts Jail needs: known from the validation, or still to be found since the verdict was kept.
pub struct Main {
    text: MainText,
    known: bool,
}

impl Main {
    /// Just validated.
    pub fn validated(text: MainText) -> Main {
        Main { text, known: true }
    }

    /// Of that many bytes, whole pages, accepted by a verdict that was kept. The memory for its starts is taken here and
    /// first written when they are found, which most instances never ask for.
    pub fn accepted(length: usize) -> Main {
        let base = layout::TEXT_BASE as u32;
        Main {
            text: MainText {
                range: base..base + length as u32,
                starts: Vec::with_capacity(check::scratch_len(length)),
            },
            known: false,
        }
    }

    /// Its addresses.
    pub fn range(&self) -> Range<u64> {
        self.text.range.start.into()..self.text.range.end.into()
    }

    /// The text with its starts, found now if they are not known; allocates nothing. `None` if the validator does not
    /// accept it any more, which only a forged table can bring about.
    pub fn starts(&mut self, level: Level) -> Option<&MainText> {
        if !self.known {
            let range = &self.text.range;
            // SAFETY: main text is mapped and readable as long as the process lives, and nobody can write it.
            let text = unsafe {
                std::slice::from_raw_parts(space::pointer(range.start.into()), range.len())
            };
            // As much as was taken.
            self.text.starts.resize(check::scratch_len(text.len()), 0);
            zvm_validator::validate(text, range.start, level, &mut self.text.starts).ok()?;
            self.text.starts.truncate(text.len().div_ceil(8));
            self.known = true;
        }
        Some(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_verdict_is_about_every_byte_and_the_level() {
        let text = [0xf4; 4096];
        let key = Key::of(&text, 32, 1);
        assert_eq!(key, Key::of(&text, 32, 1));
        assert_ne!(key, Key::of(&text, 64, 1));
        assert_ne!(key, Key::of(&text, 32, 2));
        let mut other = text;
        other[4095] = 0x90;
        assert_ne!(key, Key::of(&other, 32, 1));
    }

    #[test]
    fn what_is_kept_is_found_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        let key = Key([7; KEY]);
        let mut same_slot = key;
        same_slot.0[KEY - 1] ^= 1;
        let verdicts = Verdicts::open(&folder).unwrap();
        assert!(!verdicts.accepted(key));
        verdicts.keep(key);
        assert!(Verdicts::open(&folder).unwrap().accepted(key));
        assert!(!verdicts.accepted(same_slot));
        verdicts.keep(same_slot);
        assert!(verdicts.accepted(same_slot) && !verdicts.accepted(key));
        let empty = Key([0; KEY]);
        verdicts.table.set_len(0).unwrap();
        assert!(!verdicts.accepted(empty));
    }

    #[test]
    fn a_table_that_others_may_write_is_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("verdicts");
        drop(Verdicts::open(&folder).unwrap());
        let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
        mode(&folder, 0o770).unwrap();
        assert!(Verdicts::open(&folder).is_err());
        mode(&folder, 0o700).unwrap();
        mode(&folder.join("table"), 0o602).unwrap();
        assert!(Verdicts::open(&folder).is_err());
        fs::remove_file(folder.join("table")).unwrap();
        symlink("/dev/null", folder.join("table")).unwrap();
        assert!(Verdicts::open(&folder).is_err());
        let link = home.path().join("link");
        symlink(&folder, &link).unwrap();
        assert!(Verdicts::open(&link).is_err());
    }
}
