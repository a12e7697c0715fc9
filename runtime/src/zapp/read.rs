//! Reads an application: how it starts, where its image is in its file, and what else is in it. A start reads no more of the file
//! than that, if it was seen whole before ([`super::whole`]).

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::map::{Group, VERSION};
use super::memory::{self, Memory};
use super::whole::Whole;
use super::{SYSTEM_MAP, ZappError};
use crate::digest;
use crate::error::RunError;
use crate::image::{Image, open_file};
use crate::limits;
use crate::mount::{Mode, TarImage};
use crate::span::Span;
use crate::verdict::Verdicts;
use crate::zerovm;

/// An application, read and whole.
#[derive(Debug)]
pub struct Zapp {
    /// How it starts.
    pub start: Start,
    /// BLAKE3 of the whole file, in hex.
    pub digest: String,
    /// Name and size of every file in it.
    pub files: Vec<(String, u64)>,
}

/// What a run needs of an application.
#[derive(Debug)]
pub struct Start {
    /// Its name.
    pub name: String,
    /// Its image and its files.
    pub packed: Packed,
    /// Default arguments.
    pub args: Vec<OsString>,
    /// Environment.
    pub env: Vec<(OsString, OsString)>,
    /// Bytes of heap, if it says.
    pub memory: Option<u64>,
    /// What its instances' memory begins with, if it has a snapshot.
    pub begin: Option<Memory>,
    /// What becomes of changes to its files.
    pub mode: Mode,
}

/// An application's open file, and what lies where in it.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The file.
    pub file: Arc<File>,
    /// The image's bytes.
    pub image: Range<u64>,
    /// How many bytes from the file's start are the tar.
    pub tar_size: u64,
}

impl Packed {
    /// The image, with its headers checked; `path` is the application's name in messages.
    ///
    /// # Errors
    /// As [`Image::within`].
    pub fn image(&self, path: &Path) -> Result<Image, RunError> {
        let file = self.file.try_clone();
        let file = file.map_err(RunError::host("open the image"))?;
        let Range { start, end } = self.image;
        Image::within(file, start, end - start, path)
    }

    /// The tar, to be mounted.
    ///
    /// # Errors
    /// The host's.
    pub fn tar(&self) -> io::Result<TarImage> {
        Ok(TarImage {
            file: self.file.try_clone()?,
            size: self.tar_size,
        })
    }
}

/// What the system map says of all that is behind it.
#[derive(Debug)]
pub(super) struct Seal {
    /// Those bytes of the file.
    pub range: Range<u64>,
    /// Bytes of the file, in which a snapshot may lie behind them.
    length: u64,
    /// Their digest, if nothing is damaged.
    pub digest: String,
}

/// Bytes of a tar's block.
pub(super) const BLOCK: u64 = 512;
/// How many headers are near the start: index, `zapp.yaml` and image, and some more.
const NEAR: usize = 8;

/// Whether the file looks like an application: a tar that starts with a system map.
pub fn is_zapp(path: &Path) -> bool {
    open_file(path).is_ok_and(|file| starts_as_one(&file))
}

fn starts_as_one(file: &File) -> bool {
    let mut block = [0; BLOCK as usize];
    file.read_exact_at(&mut block, 0).is_ok()
        && block.starts_with(SYSTEM_MAP.as_bytes())
        && block[SYSTEM_MAP.len()] == 0
        // A regular file: no header of another kind that only has this name.
        && matches!(block[156], b'0' | 0)
        && block[257..].starts_with(b"ustar")
}

/// Reads all of it and checks its digest.
///
/// # Errors
/// [`ZappError`].
pub fn open(path: &Path) -> Result<Zapp, ZappError> {
    let all = || {
        let (opened, seal) = Opened::new(open_file(path).map_err(host)?)?;
        seal.check(&opened.file)?;
        Ok(Zapp {
            files: files(&opened.file, opened.tar_size)?,
            digest: digest_of(&opened.file, 0..opened.length).map_err(host)?,
            start: opened.start(seal.range.start)?,
        })
    };
    all().map_err(problem_of(path))
}

/// Reads what a run needs, if the file at `path` can be opened and looks like an application. Its digest is checked unless that was done
/// before, as a table beside the verdicts says.
///
/// # Errors
/// [`ZappError`].
pub(crate) fn start(path: &Path, verdicts: Option<&Path>) -> Result<Option<Start>, ZappError> {
    let Ok(file) = open_file(path) else {
        return Ok(None);
    };
    if !starts_as_one(&file) {
        return Ok(None);
    }
    let needed = || {
        let (opened, seal) = Opened::new(file)?;
        seal.check_once(&opened.file, verdicts)?;
        opened.start(seal.range.start)
    };
    needed().map(Some).map_err(problem_of(path))
}

fn host(error: io::Error) -> String {
    error.to_string()
}

fn wrong(problem: impl std::fmt::Display) -> String {
    format!("{SYSTEM_MAP}: {problem}")
}

fn problem_of(path: &Path) -> impl FnOnce(String) -> ZappError {
    let path = path.to_owned();
    |problem| ZappError { path, problem }
}

/// A file whose system map was read.
struct Opened {
    file: File,
    /// Of all of it.
    length: u64,
    tar_size: u64,
    begin: Option<Memory>,
    group: Group,
}

impl Opened {
    fn new(file: File) -> Result<(Opened, Seal), String> {
        let length = file.metadata().map_err(host)?.len();
        let begin = Memory::read(&file, length)?;
        let tar_size = begin.as_ref().map_or(length, |memory| memory.tar);
        if tar_size > limits::MOUNT_BYTES || !tar_size.is_multiple_of(BLOCK) || tar_size < 4 * BLOCK
        {
            return Err("not a whole tar file, or too large".to_owned());
        }
        let (text, behind) = system_map(&file, tar_size)?;
        let groups: Vec<Group> = serde_json::from_slice(&text).map_err(wrong)?;
        let [group] = <[Group; 1]>::try_from(groups).map_err(|_| wrong("not one group"))?;
        if group.zvm.version != VERSION {
            return Err(wrong(format_args!(
                "its version is {}; this runtime reads {VERSION}",
                group.zvm.version
            )));
        }
        let seal = Seal {
            range: behind..tar_size,
            length,
            digest: group.zvm.digest.clone(),
        };
        let opened = Opened {
            file,
            length,
            tar_size,
            begin,
            group,
        };
        Ok((opened, seal))
    }

    /// How it starts; its image is looked for from `behind` the system map on.
    fn start(self, behind: u64) -> Result<Start, String> {
        let group = self.group;
        let program = group.exec.path.rsplit_once(':').map(|(_, path)| path);
        let program = program.ok_or_else(|| wrong("no path of a program"))?;
        let image = find(&self.file, behind..self.tar_size, program)?;
        let mut env = Vec::new();
        for (name, value) in group.exec.env {
            let value = zerovm::nvram::unescape(value.as_bytes()).map_err(wrong)?;
            env.push((name.into(), OsString::from_vec(value)));
        }
        Ok(Start {
            begin: self.begin,
            name: group.name,
            packed: Packed {
                file: Arc::new(self.file),
                image,
                tar_size: self.tar_size,
            },
            args: zerovm::nvram::words(group.exec.args.as_bytes()).map_err(wrong)?,
            env,
            memory: group.zvm.memory,
            mode: match group.zvm.root.as_str() {
                "ro" => Mode::ReadOnly,
                "overlay" => Mode::Overlay,
                other => {
                    return Err(wrong(format_args!(
                        "root is `{other}`; it must be ro or overlay"
                    )));
                }
            },
        })
    }
}

impl Seal {
    /// Reads all that it is about.
    fn check(&self, file: &File) -> Result<(), String> {
        if !memory::is_whole(file, self.length).map_err(host)? {
            return Err("damaged: the digest of its snapshot is another one".to_owned());
        }
        let digest = digest_of(file, self.range.clone()).map_err(host)?;
        match digest == self.digest {
            true => Ok(()),
            false => Err(format!(
                "damaged: its digest is {digest}, not {}",
                self.digest
            )),
        }
    }

    /// The same, unless it was done before; with a folder to keep that in.
    fn check_once(&self, file: &File, verdicts: Option<&Path>) -> Result<(), String> {
        let verdicts = verdicts.and_then(|folder| Verdicts::open(folder).ok());
        let whole = verdicts.and_then(|verdicts| Some((Whole::of(file, self)?, verdicts)));
        match whole {
            Some((whole, verdicts)) if whole.known(&verdicts) => Ok(()),
            Some((whole, verdicts)) => {
                self.check(file)?;
                whole.keep(&verdicts, file, self);
                Ok(())
            }
            None => self.check(file),
        }
    }
}

/// The system map's text, and where its last block ends.
fn system_map(file: &File, tar_size: u64) -> Result<(Vec<u8>, u64), String> {
    let first = header_at(file, 0).filter(|header| {
        header.entry_type().is_file() && *header.path_bytes() == *SYSTEM_MAP.as_bytes()
    });
    let size = first.and_then(|header| header.entry_size().ok());
    let size = size.filter(|size| *size <= limits::SYSTEM_MAP);
    let size = size.ok_or_else(|| format!("its first file is not a {SYSTEM_MAP}"))?;
    let behind = BLOCK + size.next_multiple_of(BLOCK);
    if behind > tar_size {
        return Err("its end is missing".to_owned());
    }
    let mut text = vec![0; size as usize];
    file.read_exact_at(&mut text, BLOCK).map_err(host)?;
    Ok((text, behind))
}

/// The header in this block of a tar, if it is one.
fn header_at(file: &File, at: u64) -> Option<tar::Header> {
    let mut header = tar::Header::new_old();
    file.read_exact_at(header.as_mut_bytes(), at).ok()?;
    let mut summed = header.clone();
    summed.set_cksum();
    (header.cksum().ok()? == summed.cksum().ok()?).then_some(header)
}

/// Where the file of this name is, the first of a tar's rest.
fn find(file: &File, rest: Range<u64>, name: &str) -> Result<Range<u64>, String> {
    match find_near(file, rest.start, name) {
        Some(found) if found.end <= rest.end => Ok(found),
        Some(_) => Err("its end is missing".to_owned()),
        None => find_far(file, rest, name),
    }
}

/// The same, if it is among the first files, as in all that [`super::write`] makes, behind headers that stand for themselves. A start
/// spares what a walk through any tar takes.
fn find_near(file: &File, start: u64, name: &str) -> Option<Range<u64>> {
    let mut at = start;
    for _ in 0..NEAR {
        let header = header_at(file, at)?;
        let kind = header.entry_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_pax_global_extensions()) {
            return None;
        }
        let size = header.entry_size().ok()?;
        let bytes = at + BLOCK;
        if kind.is_file() && *header.path_bytes() == *name.as_bytes() {
            return Some(bytes..bytes.checked_add(size)?);
        }
        at = bytes.checked_add(size.checked_next_multiple_of(BLOCK)?)?;
        // The next header's bytes have offsets, too.
        at.checked_add(BLOCK)?;
    }
    None
}

fn find_far(file: &File, rest: Range<u64>, name: &str) -> Result<Range<u64>, String> {
    let mut archive = tar::Archive::new(Span::new(file, rest.clone()));
    for (count, entry) in archive.entries_with_seek().map_err(host)?.enumerate() {
        let entry = entry.map_err(host)?;
        if count >= limits::MOUNT_ENTRIES {
            return Err("too many files".to_owned());
        }
        if !entry.header().entry_type().is_file() || *entry.path_bytes() != *name.as_bytes() {
            continue;
        }
        let start = rest.start + entry.raw_file_position();
        let end = start.checked_add(entry.size());
        let end = end.filter(|end| *end <= rest.end);
        return Ok(start..end.ok_or("its end is missing")?);
    }
    Err(wrong(format_args!("there is no {name} in the tar")))
}

/// Name and size of each file.
fn files(file: &File, tar_size: u64) -> Result<Vec<(String, u64)>, String> {
    let mut archive = tar::Archive::new(Span::new(file, 0..tar_size));
    let mut files = Vec::new();
    for entry in archive.entries_with_seek().map_err(host)? {
        let entry = entry.map_err(host)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if files.len() >= limits::MOUNT_ENTRIES {
            return Err("too many files".to_owned());
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        files.push((name, entry.size()));
    }
    Ok(files)
}

/// BLAKE3 of a part of a file, in hex.
pub(super) fn digest_of(file: &File, range: Range<u64>) -> io::Result<String> {
    Ok(digest::hex(&digest::of_file(file, range)?).to_string())
}
