//! A tar as what is in it by name: for what a guest was given, and for what it wrote.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use tar::EntryType;

use super::problem;
use crate::limits;

/// Bytes of files that are compared at a time.
const PIECE: usize = 1 << 16;
/// Longest name in a directory in bytes.
const NAME: usize = 255;

/// What is at a name.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    /// Its bytes in the tar.
    File {
        offset: u64,
        size: u64,
    },
    Link(PathBuf),
}

/// Since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: i64,
}

#[derive(Debug)]
pub struct Entry {
    pub kind: Kind,
    /// Permissions, 12 bits.
    pub mode: u32,
    pub modified: Time,
}

impl Entry {
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }
}

/// The entries of a tar by their names, which are relative and without `..`; parents come before children.
#[derive(Debug)]
pub struct Entries<'a> {
    tar: &'a File,
    pub by_name: BTreeMap<PathBuf, Entry>,
}

impl<'a> Entries<'a> {
    /// Reads the headers of a tar that may be hostile. Of entries with the same name the last counts, as for who unpacks it.
    pub fn read(tar: &'a File) -> io::Result<Entries<'a>> {
        let length = tar.metadata()?.len();
        let mut by_name = BTreeMap::new();
        let mut archive = tar::Archive::new(Bytes {
            file: tar,
            at: 0,
            end: length,
        });
        for entry in archive.entries_with_seek()? {
            let mut entry = entry?;
            let Some(name) = inside(&entry.path()?)? else {
                continue;
            };
            let header = entry.header();
            let kind = match header.entry_type() {
                EntryType::Directory => Kind::Directory,
                EntryType::Regular | EntryType::Continuous => {
                    let (offset, size) = (entry.raw_file_position(), entry.size());
                    if offset.checked_add(size).is_none_or(|end| end > length) {
                        return Err(problem(format!("{} is cut off", name.display())));
                    }
                    Kind::File { offset, size }
                }
                EntryType::Symlink => match entry.link_name()? {
                    Some(link) if usable(&link) => Kind::Link(link.into_owned()),
                    _ => {
                        return Err(problem(format!(
                            "{}: a symlink to nothing that can be a name",
                            name.display()
                        )));
                    }
                },
                other => {
                    return Err(problem(format!(
                        "{}: an entry of type {other:?}",
                        name.display()
                    )));
                }
            };
            let mode = header.mode()? & 0o7777;
            let seconds = header.mtime()?.cast_signed();
            let modified = exact_time(&mut entry)?.unwrap_or(Time {
                seconds,
                nanoseconds: 0,
            });
            by_name.insert(
                name,
                Entry {
                    kind,
                    mode,
                    modified,
                },
            );
            if by_name.len() > limits::MOUNT_ENTRIES {
                return Err(problem(format!(
                    "more than {} entries",
                    limits::MOUNT_ENTRIES
                )));
            }
        }
        Ok(Entries { tar, by_name })
    }

    pub fn get(&self, name: &Path) -> Option<&Entry> {
        self.by_name.get(name)
    }

    /// A file's bytes.
    pub fn bytes(&self, offset: u64, size: u64) -> Bytes<'a> {
        Bytes {
            file: self.tar,
            at: offset,
            end: offset.saturating_add(size),
        }
    }

    /// Whether there is the same at a name in both: of files, the same bytes.
    pub fn same(&self, entry: &Entry, others: &Entries, other: &Entry) -> io::Result<bool> {
        match (&entry.kind, &other.kind) {
            (
                Kind::File { offset, size },
                &Kind::File {
                    offset: at,
                    size: length,
                },
            ) => Ok(*size == length && same(self.bytes(*offset, *size), others.bytes(at, length))?),
            (one, other) => Ok(one == other),
        }
    }
}

/// Whether both have the same bytes up to the end of `a`.
pub fn same(mut a: impl Read, mut b: impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let got = a.read(&mut left)?;
        if got == 0 {
            return Ok(true);
        }
        match b.read_exact(&mut right[..got]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        if left[..got] != right[..got] {
            return Ok(false);
        }
    }
}

/// A part of a file, read without its position, which duplicates of the descriptor share.
pub struct Bytes<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Bytes<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        let got = self.file.read_at(&mut buf[..want], self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// For the tar's reader, which skips what is in files.
impl Seek for Bytes<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The entry's name as a relative path; `None` for the root itself.
fn inside(name: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => {
                return Err(problem(format!(
                    "the entry {} leaves the mount",
                    name.display()
                )));
            }
        }
    }
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    if !usable(&path) {
        return Err(problem(format!(
            "an entry has a name that no file can have: {}",
            name.display()
        )));
    }
    Ok(Some(path))
}

/// Whether the host can have such a path.
fn usable(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    let mut parts = bytes.split(|&byte| byte == b'/');
    (1..libc::PATH_MAX as usize).contains(&bytes.len())
        && !bytes.contains(&0)
        && parts.all(|part| part.len() <= NAME)
}

/// The time that an extended header says, of which a plain one has only the whole seconds.
fn exact_time(entry: &mut tar::Entry<Bytes>) -> io::Result<Option<Time>> {
    let mut time = None;
    for record in entry.pax_extensions()?.into_iter().flatten() {
        let record = record?;
        if record.key_bytes() == b"mtime" {
            let text = record.value().unwrap_or_default();
            time = Some(parse_time(text).ok_or_else(|| problem("a malformed mtime".to_owned()))?);
        }
    }
    Ok(time)
}

/// `[-]SECONDS[.FRACTION]`.
fn parse_time(text: &str) -> Option<Time> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i64>().ok()).flatten()
    };
    let seconds = number(whole)?;
    let fraction = fraction.get(..9).unwrap_or(fraction);
    let nanoseconds = number(&format!("{fraction:0<9}"))?;
    Some(match (negative, nanoseconds) {
        (false, _) => Time {
            seconds,
            nanoseconds,
        },
        (true, 0) => Time {
            seconds: -seconds,
            nanoseconds,
        },
        // Before 1970: a whole second less, and the rest of it more.
        (true, _) => Time {
            seconds: (-seconds).checked_sub(1)?,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_fractions() {
        let time = |text| parse_time(text).map(|time| (time.seconds, time.nanoseconds));
        assert_eq!(time("12"), Some((12, 0)));
        assert_eq!(time("12.5"), Some((12, 500_000_000)));
        assert_eq!(time("12.0000000019"), Some((12, 1)));
        assert_eq!(time("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time("-3"), Some((-3, 0)));
        for bad in ["", "-", "1.x", "+1", "1e3", "--1", "99999999999999999999"] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
