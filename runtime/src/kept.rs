//! Images as they were mapped, kept in files of the runtime's own: a later start maps text and read-only data from there, and
//! so shares their pages with all instances of the image, instead of reading them into memory of its own.
//!
//! Which image a file belongs to is told by the image file's identity ([`crate::identity`]): device, inode, size and times; and by the shape that its
//! headers say, as which the pages were validated and kept. (Times do not tell of every change: who has a page of the file mapped and
//! changed already may change it again. What is kept then is what the file was, never what nobody has validated.) Its text has a
//! verdict ([`crate::verdict`]): the hash of the text as it was mapped, which the validator of this runtime accepted, stands in
//! the file and in the table. A file is written aside, under a lock, and put in its place, so it never changes while it is
//! mapped; and it lies in the folder of the verdicts, where whoever could write could forge a verdict as well.
//!
//! The pages of a snapshot, which an application's instances begin with, are kept and mapped here, too. Never are they mapped from the
//! application's file: who writes that file would change memory that the runtime has looked at, and code that Jail has validated (a private
//! page that was not written yet is the file's). Other data that the guest can write is not mapped from here: the digest of final memory
//! takes pages that the host does not hold for zero.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use zvm_abi::layout::PAGE;

use crate::huge;
use crate::identity::FileIdentity;
use crate::image::{Access, Image, Segment};
use crate::space;
use crate::verdict::{self, Key, Verdicts};
use crate::zapp::memory::{Memory, Range};

/// Places for images; an image's is given by its inode, and another image that has the same one takes it over.
const PLACES: u64 = 64;
/// The most that is kept of an image, in bytes.
const LARGEST: u64 = 64 << 20;

/// First bytes of a file: its format.
const MAGIC: &[u8; 8] = b"zvmkept3";
/// Bytes in front of the first segment.
const HEAD: u64 = PAGE;

/// Which image it is: a file, and what is mapped of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    file: FileIdentity,
    /// Level and segments: where they lie, in the file and in memory, and their rights. An image inside a larger file is told from
    /// others in it by its segments' offsets, which count from the file's start.
    shape: Vec<u64>,
}

/// What is kept: an image, and the memory that its instances begin with, if that is a snapshot's.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The image.
    pub image: &'a Image,
    /// The memory.
    pub memory: Option<&'a Memory>,
}

/// See [`Identity::shape`]. It tells images in one file apart, too. (No hash: the first one of a process asks the CPU what it has,
/// which takes 40 us under a hypervisor.)
fn shape(parts: Parts<'_>) -> Vec<u64> {
    let Parts { image, memory } = parts;
    let mut shape = vec![u64::from(image.level), segments(image).count() as u64];
    if let Some(memory) = memory {
        let words = memory.digest.as_chunks::<8>().0.iter();
        shape.extend(words.map(|word| u64::from_le_bytes(*word)));
    }
    for segment in segments(image) {
        let Segment {
            address,
            size,
            offset,
            file_size,
            access,
        } = *segment;
        shape.extend([address, size, offset, file_size, access as u64]);
    }
    shape
}

impl Identity {
    /// Of an image file; `None` for one that has no name, and so will not be met again, is too large, or has too many segments.
    ///
    /// # Errors
    /// The host's.
    pub fn of(parts: Parts<'_>) -> io::Result<Option<Identity>> {
        let Some(file) = FileIdentity::of(&parts.image.file)? else {
            return Ok(None);
        };
        let shape = shape(parts);
        let identity = Identity { file, shape };
        let (image, all) = (image_end(parts.image), length(parts));
        let fits = image <= LARGEST
            && all - image <= LARGEST
            && identity.head(Key::default()).len() as u64 <= HEAD;
        Ok(fits.then_some(identity))
    }

    fn name(&self) -> String {
        format!("image-{:02}", self.file.place(PLACES))
    }

    /// What stands in front of the text that has this key: whose it is, and which validator accepted it.
    fn head(&self, key: Key) -> Vec<u8> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(key.bytes());
        head.extend_from_slice(self.file.words().map(u64::to_le_bytes).as_flattened());
        head.extend_from_slice(verdict::VALIDATOR.as_bytes());
        head.extend(self.shape.iter().flat_map(|word| word.to_le_bytes()));
        head
    }
}

/// The segments that are kept: those that the guest cannot write.
pub fn segments(image: &Image) -> impl Iterator<Item = &Segment> {
    let data = image.data.iter();
    let fixed = data.filter(|segment| segment.access == Access::Read);
    std::iter::once(&image.text).chain(fixed)
}

/// The segments that are kept, each with its place in the file.
fn places(image: &Image) -> impl Iterator<Item = (&Segment, u64)> {
    segments(image).scan(HEAD, |free, segment| {
        let (start, end) = segment.pages();
        let place = huge::file_place(start, end, *free);
        *free = place + (end - start);
        Some((segment, place))
    })
}

/// Where the image ends in the file.
fn image_end(image: &Image) -> u64 {
    let ends = places(image).map(|(segment, place)| place + segment.pages().1 - segment.pages().0);
    ends.last().unwrap_or(HEAD)
}

/// The memory's ranges, each with its place in the file, behind the image.
fn memory_places(parts: Parts<'_>) -> impl Iterator<Item = (Range, u64)> {
    let ranges = parts.memory.map_or(&[][..], |memory| &memory.ranges);
    ranges.iter().scan(image_end(parts.image), |free, range| {
        let place = *free;
        *free += range.end - range.start;
        Some((*range, place))
    })
}

/// Bytes of the file.
fn length(parts: Parts<'_>) -> u64 {
    let ends = memory_places(parts).map(|(range, place)| place + range.end - range.start);
    ends.last().unwrap_or_else(|| image_end(parts.image))
}

/// An image that was kept.
#[derive(Debug)]
pub struct Kept(File);

impl Kept {
    /// What was kept of this image, if its text has a verdict and nobody else could have written it.
    pub fn find(verdicts: &Verdicts, identity: &Identity, parts: Parts<'_>) -> Option<Kept> {
        let file = open_at(verdicts.folder(), &identity.name(), libc::O_RDONLY, 0).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file()
            || metadata.size() != length(parts)
            || !verdict::ours_alone(&metadata)
        {
            return None;
        }
        let mut found = vec![0; identity.head(Key::default()).len()];
        file.read_exact_at(&mut found, 0).ok()?;
        let key = Key::from_bytes(found.get(MAGIC.len()..)?)?;
        (found == identity.head(key) && verdicts.accepted(key)).then_some(Kept(file))
    }

    /// Maps the segments at their addresses, with their rights, inside the reservation.
    ///
    /// # Errors
    /// The host's: it may forbid code in files that lie where this one does.
    pub fn map(&self, image: &Image) -> io::Result<()> {
        for (segment, place) in places(image) {
            let (start, end) = segment.pages();
            space::map_segment(start, end, segment.access, self.0.as_raw_fd(), place)?;
            huge::file(start, end);
        }
        Ok(())
    }

    /// Maps the memory that instances begin with over what is mapped at its addresses, private and to be written.
    ///
    /// # Errors
    /// The host's.
    pub fn map_memory(&self, parts: Parts<'_>) -> io::Result<()> {
        for (range, place) in memory_places(parts) {
            let file = self.0.as_raw_fd();
            space::map_segment(range.start, range.end, Access::ReadWrite, file, place)?;
        }
        Ok(())
    }
}

/// Keeps an image whose text has this key; `pages` are its segments' as they are mapped, and its memory's. Nothing depends on it: what
/// cannot be kept is read again.
pub fn keep(verdicts: &Verdicts, identity: &Identity, parts: Parts<'_>, key: Key, pages: &[&[u8]]) {
    // The pages were read after the identity: if it still is the same, they are that file's.
    if identity.file.settled()
        && Identity::of(parts).is_ok_and(|now| now.as_ref() == Some(identity))
    {
        let memory = memory_places(parts).map(|(_, place)| place);
        let places = places(parts.image).map(|(_, place)| place).chain(memory);
        let _ = write(
            verdicts.folder(),
            identity,
            key,
            pages.iter().copied().zip(places),
        );
    }
}

fn write<'a>(
    folder: &File,
    identity: &Identity,
    key: Key,
    parts: impl Iterator<Item = (&'a [u8], u64)>,
) -> io::Result<()> {
    let aside = format!("{}.new", identity.name());
    let file = take(folder, &aside)?;
    let written = file.write_all_at(&identity.head(key), 0).and_then(|()| {
        for (part, place) in parts {
            // What is written at a time is one large page of the host's, where the file system has them.
            let mut done = 0;
            while done < part.len() {
                let at = place + done as u64;
                let end = part.len().min(done + huge::rest_of_page(at));
                file.write_all_at(&part[done..end], at)?;
                done = end;
            }
        }
        // A name whose bytes were lost with the host would be text of zeros that nobody has validated.
        file.sync_data()?;
        rename(folder, &aside, &identity.name())
    });
    if written.is_err() {
        remove(folder, &aside);
        return written;
    }
    file.set_permissions(Permissions::from_mode(0o400))
}

/// The empty file of this name, for the one process that holds its lock. A run that was killed left its file, but not its lock.
fn take(folder: &File, name: &str) -> io::Result<File> {
    let file = open_at(folder, name, libc::O_RDWR | libc::O_CREAT, 0o600)?;
    // SAFETY: an open descriptor and an integer.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // Who had the lock until now may have put it in its place, where it must not change any more.
    let (own, named) = (
        file.metadata()?,
        open_at(folder, name, libc::O_RDONLY, 0)?.metadata()?,
    );
    if (own.dev(), own.ino()) != (named.dev(), named.ino()) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    file.set_len(0)?;
    Ok(file)
}

pub(crate) fn open_at(folder: &File, name: &str, flags: i32, mode: u32) -> io::Result<File> {
    let name = CString::new(name)?;
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the name ends with a NUL and lives through the call.
    let fd = unsafe { libc::openat(folder.as_raw_fd(), name.as_ptr(), flags, mode) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn rename(folder: &File, from: &str, to: &str) -> io::Result<()> {
    let (from, to, folder) = (CString::new(from)?, CString::new(to)?, folder.as_raw_fd());
    // SAFETY: both names end with a NUL and live through the call.
    match unsafe { libc::renameat(folder, from.as_ptr(), folder, to.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn remove(folder: &File, name: &str) {
    if let Ok(name) = CString::new(name) {
        // SAFETY: the name ends with a NUL and lives through the call.
        unsafe { libc::unlinkat(folder.as_raw_fd(), name.as_ptr(), 0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_headers_on_the_same_file_are_another_image() {
        let segment = |address, pages, access| Segment {
            address,
            size: pages * PAGE,
            offset: address & 0xf_ffff,
            file_size: pages * PAGE,
            access,
        };
        let image = |level, segments: &[Segment]| Image {
            file: tempfile::tempfile().unwrap(),
            offset: 0,
            length: 0,
            text: segments[0],
            data: segments[1..].to_vec(),
            entry: 0x2_0000,
            level,
        };
        let text = segment(0x2_0000, 1, Access::Execute);
        let fixed = segment(0x1000_0000, 2, Access::Read);
        let of = |level, segments: &[Segment]| {
            let image = &image(level, segments);
            shape(Parts {
                image,
                memory: None,
            })
        };
        let own = of(1, &[text, fixed]);
        assert_eq!(own, of(1, &[text, fixed]));
        assert_ne!(own, of(2, &[text, fixed]), "another level");
        // As many pages, but those of the data would be mapped as text.
        assert_ne!(own, of(1, &[segment(0x2_0000, 3, Access::Execute)]));
        let first = segment(0x2_0000, 2, Access::Execute);
        assert_ne!(own, of(1, &[first, segment(0x1000_0000, 1, Access::Read)]));
        for changed in [
            Segment {
                address: 0x1000_1000,
                ..fixed
            },
            Segment {
                size: fixed.size - 1,
                ..fixed
            },
            Segment {
                offset: fixed.offset + PAGE,
                ..fixed
            },
            Segment {
                file_size: fixed.file_size - 1,
                ..fixed
            },
        ] {
            assert_ne!(own, of(1, &[text, changed]), "{changed:?}");
        }
    }
}
