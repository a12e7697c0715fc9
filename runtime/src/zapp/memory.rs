//! Memory that an application's instances begin with: what an earlier run had when it asked for a snapshot, behind the end of the
//! application's tar, in whole pages.
//!
//! | behind the tar | what |
//! | --- | --- |
//! | from the next multiple of 4096 | pages, range after range |
//! | 16 bytes for each range | its first address, its bytes |
//! | 64 bytes at the file's end | `ZVMSNAP1`; bytes of the tar; bytes of the heap; number of ranges; BLAKE3 of all between the tar and this digest |
//!
//! Numbers have 8 bytes, the lowest first. As everything in an application it is hostile input: what is read lies where the guest can
//! write anyway, and nothing but data comes from it. It is never mapped from this file (see [`crate::kept`]).

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use zvm_abi::layout::{PAGE, SANDBOX_END};

use super::ZappError;
use super::read::{BLOCK, Packed};
use crate::crash::snapshot::{Snapshot, joined};
use crate::digest;
use crate::error::RunError;
use crate::limits;
use crate::options::RunOptions;
use crate::space::{Plan, What};
use crate::span::Span;

const MAGIC: &[u8; 8] = b"ZVMSNAP1";
/// Bytes of the last part.
const TRAILER: u64 = 64;
/// Bytes of a range's line.
const LINE: u64 = 16;
/// Bytes of the digest, at the end.
const DIGEST: u64 = digest::BYTES as u64;
/// Pages without contents that are kept, so that their neighbours are one range.
const GAP: u64 = 4;

/// Pages that lie side by side, in memory and in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// Exclusive end.
    pub end: u64,
    /// Where the pages stand in the file.
    pub offset: u64,
}

/// What memory begins with.
#[derive(Debug)]
pub struct Memory {
    /// The application's file.
    pub file: File,
    /// Bytes of the tar, at its start.
    pub tar: u64,
    /// Sorted, disjoint, whole pages.
    pub ranges: Vec<Range>,
    /// Bytes of the heap that the program had, and must have again.
    pub heap: u64,
    /// What the digest of all this is, if nothing is damaged.
    pub digest: [u8; digest::BYTES],
}

/// The last part of a file.
struct Trailer {
    tar: u64,
    heap: u64,
    count: u64,
    digest: [u8; digest::BYTES],
}

fn trailer(file: &File, length: u64) -> io::Result<Option<Trailer>> {
    let Some(at) = length.checked_sub(TRAILER) else {
        return Ok(None);
    };
    let mut bytes = [0; TRAILER as usize];
    file.read_exact_at(&mut bytes, at)?;
    if !bytes.starts_with(MAGIC) {
        return Ok(None);
    }
    let word = |index: usize| word(&bytes, index);
    let mut digest = [0; digest::BYTES];
    digest.copy_from_slice(&bytes[32..]);
    Ok(Some(Trailer {
        tar: word(1),
        heap: word(2),
        count: word(3),
        digest,
    }))
}

fn word(bytes: &[u8], index: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[index * 8..][..8]);
    u64::from_le_bytes(word)
}

/// Bytes of the tar in a file of this length: all of them, if there is no memory behind it.
///
/// # Errors
/// The host's.
pub fn tar_size(file: &File, length: u64) -> io::Result<u64> {
    Ok(match trailer(file, length)? {
        Some(trailer) => trailer.tar.min(length),
        None => length,
    })
}

impl Memory {
    /// The memory in an application's file, if it has some.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(file: &File, length: u64) -> Result<Option<Memory>, String> {
        let host = |error: io::Error| error.to_string();
        let Some(Trailer {
            tar,
            heap,
            count,
            digest,
        }) = trailer(file, length).map_err(host)?
        else {
            return Ok(None);
        };
        let wrong = || "its snapshot is damaged: make it again (zvm snapshot)".to_owned();
        if count > limits::SNAPSHOT_RANGES as u64 || tar > length {
            return Err(wrong());
        }
        let table = (length - TRAILER)
            .checked_sub(count * LINE)
            .ok_or_else(wrong)?;
        let mut lines = vec![0; (count * LINE) as usize];
        file.read_exact_at(&mut lines, table).map_err(host)?;
        let mut offset = tar.next_multiple_of(PAGE);
        let (mut ranges, mut last) = (Vec::with_capacity(count as usize), 0);
        for line in lines.chunks_exact(LINE as usize) {
            let (start, size) = (word(line, 0), word(line, 1));
            let end = start.checked_add(size).ok_or_else(wrong)?;
            let whole = size > 0 && start.is_multiple_of(PAGE) && size.is_multiple_of(PAGE);
            let fits = end <= SANDBOX_END && size <= table.saturating_sub(offset);
            if !whole || !fits || start < last {
                return Err(wrong());
            }
            ranges.push(Range { start, end, offset });
            offset += size;
            last = end;
        }
        // Nothing but what fills up a block: what is hashed is no more than the sandbox's memory.
        if table.checked_sub(offset).is_none_or(|rest| rest >= BLOCK) {
            return Err(wrong());
        }
        let file = file.try_clone().map_err(host)?;
        Ok(Some(Memory {
            file,
            tar,
            ranges,
            heap,
            digest,
        }))
    }

    /// Whether an instance of this plan can begin with it.
    ///
    /// # Errors
    /// [`RunError::Zapp`].
    pub fn check(&self, plan: &Plan, options: &RunOptions) -> Result<(), RunError> {
        let refuse = |problem: String| {
            Err(RunError::Zapp(ZappError {
                path: options.program.clone(),
                problem,
            }))
        };
        if heap(plan) != self.heap {
            return refuse(format!(
                "its snapshot was made with {} bytes of memory; give no other --memory",
                self.heap
            ));
        }
        let fits = |range: &Range| plan.covers(range.start, range.end - range.start, true);
        if !self.ranges.iter().all(fits) {
            return refuse(
                "its snapshot is of another program: make it again (zvm snapshot)".to_owned(),
            );
        }
        Ok(())
    }
}

/// Bytes of the heap.
fn heap(plan: &Plan) -> u64 {
    let mut regions = plan.regions.iter();
    let heap = regions.find(|region| region.what == What::Heap);
    heap.map_or(0, |region| region.end - region.start)
}

/// Whether the memory behind the tar is what was written there.
///
/// # Errors
/// The host's.
pub fn is_whole(file: &File, length: u64) -> io::Result<bool> {
    let Some(trailer) = trailer(file, length)? else {
        return Ok(true);
    };
    let sealed = trailer.tar..length - DIGEST;
    Ok(sealed.start <= sealed.end && digest::of_file(file, sealed)? == trailer.digest)
}

/// Writes the application that ran with the memory that its instance had at the Fork trap, whole or not at all. Nobody can read it who
/// cannot read the application.
///
/// # Errors
/// [`ZappError`]: something else than a file lies there, or the host's.
pub fn write(
    application: &Packed,
    snapshot: &Snapshot,
    plan: &Plan,
    to: &Path,
) -> Result<(), ZappError> {
    let named = |problem| ZappError {
        path: to.to_owned(),
        problem,
    };
    fill(application, snapshot, plan, to)
        .map_err(|error| named(format!("cannot write the snapshot: {error}")))
}

/// Whether a snapshot may take the place of what lies at this path.
///
/// # Errors
/// [`ZappError`]: something else than a file does.
pub fn check_place(to: &Path) -> Result<(), ZappError> {
    match to.symlink_metadata() {
        Ok(there) if !there.is_file() => Err(ZappError {
            path: to.to_owned(),
            problem: "not a regular file, so no snapshot is put in its place".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn fill(application: &Packed, snapshot: &Snapshot, plan: &Plan, to: &Path) -> io::Result<()> {
    let tar = application.tar_size;
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mode = application.file.metadata()?.permissions().mode() & 0o666;
    let temporary = tempfile::Builder::new()
        .prefix(".zapp-")
        .permissions(PermissionsExt::from_mode(mode | 0o600))
        .tempfile_in(folder)?;
    let mut file = temporary.as_file();
    let mut source = Span::new(&application.file, 0..tar);
    if io::copy(&mut source, &mut file)? != tar {
        return Err(io::Error::other("the application has become shorter"));
    }
    file.seek(SeekFrom::Start(tar.next_multiple_of(PAGE)))?;
    let ranges = ranges(snapshot, plan)?;
    for &(start, end) in &ranges {
        copy(snapshot, start, end, &mut file)?;
    }
    // A tar's file has whole blocks.
    let table = ranges.len() as u64 * LINE + TRAILER;
    let end = (file.stream_position()? + table).next_multiple_of(BLOCK);
    file.seek(SeekFrom::Start(end - table))?;
    let mut lines = Vec::new();
    for (start, end) in &ranges {
        lines.extend_from_slice(&start.to_le_bytes());
        lines.extend_from_slice(&(end - start).to_le_bytes());
    }
    lines.extend_from_slice(MAGIC);
    for number in [tar, heap(plan), ranges.len() as u64] {
        lines.extend_from_slice(&number.to_le_bytes());
    }
    file.write_all(&lines)?;
    let digest = digest::of_file(file, tar..end - DIGEST)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(&digest)?;
    temporary.persist(to)?;
    Ok(())
}

/// Pages that are not all zero, as ranges that the guest can write, no more than may be mapped.
fn ranges(snapshot: &Snapshot, plan: &Plan) -> io::Result<Vec<(u64, u64)>> {
    let mut pages = Vec::new();
    let mut page = [0; PAGE as usize];
    for (start, end) in snapshot.ranges()? {
        for at in (start..end).step_by(PAGE as usize) {
            snapshot.read(&mut page, at)?;
            if page.iter().any(|&byte| byte != 0) {
                pages.push((at, at + PAGE));
            }
        }
    }
    let most = limits::SNAPSHOT_RANGES;
    Ok(joined(&pages, GAP * PAGE, most, |end, start| {
        plan.covers(end, start - end, true)
    }))
}

/// Copies pages; those that are all zero are holes in the file.
fn copy(snapshot: &Snapshot, start: u64, end: u64, file: &mut &File) -> io::Result<()> {
    let mut page = [0; PAGE as usize];
    for at in (start..end).step_by(PAGE as usize) {
        snapshot.read(&mut page, at)?;
        if page.iter().all(|&byte| byte == 0) {
            file.seek(SeekFrom::Current(PAGE as i64))?;
        } else {
            file.write_all(&page)?;
        }
    }
    Ok(())
}
