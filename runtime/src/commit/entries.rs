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
        let bytes = Bytes::of(tar)?;
        let length = bytes.end;
        let mut by_name = BTreeMap::new();
        let mut archive = tar::Archive::new(bytes);
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
                    Some(link) if is_path(&link) => Kind::Link(link.into_owned()),
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

    /// Whatever is on the way to a name is a directory, or not there; and all directories on the ways, there or not, are not
    /// more than a mount may have.
    pub fn check_ways(&self) -> io::Result<()> {
        // Names come in order: those on the way to one stand before it.
        let mut above: Vec<(&Path, &Entry)> = Vec::new();
        let (mut before, mut names) = (Path::new(""), 0);
        for (name, entry) in &self.by_name {
            while above.pop_if(|above| !name.starts_with(above.0)).is_some() {}
            if above.last().is_some_and(|above| !above.1.is_directory()) {
                return Err(problem(format!(
                    "the entry {} goes through a symlink or a file",
                    name.display()
                )));
            }
            above.push((name, entry));
            names += name.components().count() - common(before, name);
            if names > limits::MOUNT_ENTRIES {
                return Err(problem(format!(
                    "more than {} entries and directories on the way to them",
                    limits::MOUNT_ENTRIES
                )));
            }
            before = name;
        }
        Ok(())
    }

    /// Whether a symlink in `directory` leads out of the mount, itself or by another symlink on its way.
    pub fn leads_out(&self, directory: &Path, link: &Path) -> bool {
        /// Linux follows no more.
        const LINKS: usize = 40;
        let mut at = directory.to_owned();
        let mut rest: Vec<Component> = link.components().rev().collect();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            match part {
                Component::Normal(part) => at.push(part),
                Component::CurDir => continue,
                Component::ParentDir if at.pop() => continue,
                _ => return true,
            }
            if let Some(Kind::Link(link)) = self.get(&at).map(|entry| &entry.kind) {
                links += 1;
                if links > LINKS {
                    return false;
                }
                at.pop();
                rest.extend(link.components().rev());
            }
        }
        false
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

impl<'a> Bytes<'a> {
    /// All of a file.
    pub fn of(file: &'a File) -> io::Result<Bytes<'a>> {
        let end = file.metadata()?.len();
        Ok(Bytes { file, at: 0, end })
    }

    /// Writes them to an empty file; pieces that are all zero become holes.
    pub fn copy_to(mut self, file: &File) -> io::Result<()> {
        file.set_len(self.end.saturating_sub(self.at))?;
        let (mut piece, mut done) = (vec![0; PIECE], 0);
        loop {
            let got = self.read(&mut piece)?;
            if got == 0 {
                return Ok(());
            }
            if piece[..got].iter().any(|&byte| byte != 0) {
                file.write_all_at(&piece[..got], done)?;
            }
            done += got as u64;
        }
    }
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
    let mut parts = path.components();
    if !is_path(&path) || parts.any(|part| part.as_os_str().len() > NAME) {
        return Err(problem(format!(
            "an entry has a name that no file can have: {}",
            name.display()
        )));
    }
    Ok(Some(path))
}

/// Whether the host can be asked for such a path.
fn is_path(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    (1..libc::PATH_MAX as usize).contains(&bytes.len()) && !bytes.contains(&0)
}

/// How many names two paths begin with alike.
pub fn common(a: &Path, b: &Path) -> usize {
    let both = a.components().zip(b.components());
    both.take_while(|(a, b)| a == b).count()
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
