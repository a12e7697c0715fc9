//! The image file: ELF headers and the note, read with limits. The file is hostile: nothing in it is trusted until it
//! was checked here, and its code not until the validator accepted it as mapped.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt as _};
use std::path::Path;

use goblin::container::{Container, Ctx};
use goblin::elf::program_header::{self, ProgramHeader};
use goblin::elf::{Elf, header};
use zvm_abi::{layout, note};

use crate::error::RunError;
use crate::limits;

const EHDR: usize = 64;
const PHDR: usize = 56;

/// What is wrong with an image. Offsets are file offsets.
#[derive(Debug, PartialEq, Eq)]
pub struct ImageError(String);

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ImageError {}

macro_rules! bail {
    ($($arg:tt)*) => { return Err(ImageError(format!($($arg)*))) };
}

/// What the guest may do with a range of its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// R--
    Read,
    /// RW-
    ReadWrite,
    /// R-X
    Execute,
}

/// One PT_LOAD: bytes of the file and where they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub address: u64,
    /// Bytes in memory; those behind `file_size` are zero.
    pub size: u64,
    /// Offset in the open file, which may hold more than the image.
    pub offset: u64,
    /// Bytes in the file.
    pub file_size: u64,
    /// Rights of its pages.
    pub access: Access,
}

impl Segment {
    /// Whole pages that the segment covers, as [start, end).
    pub fn pages(&self) -> (u64, u64) {
        (
            self.address & !(layout::PAGE - 1),
            (self.address + self.size).next_multiple_of(layout::PAGE),
        )
    }
}

/// An image whose headers keep the contract.
#[derive(Debug)]
pub struct Image {
    /// The open file; the instance reads the segments from it.
    pub file: File,
    /// Where the image starts in the file.
    pub offset: u64,
    /// Bytes of the file that are the image's.
    pub length: u64,
    /// The one executable segment.
    pub text: Segment,
    /// All other segments, by address.
    pub data: Vec<Segment>,
    /// A bundle start in text.
    pub entry: u64,
    /// 1 to 4: the x86-64 level of the code.
    pub level: u32,
}

/// Opens a file to read it; a FIFO nobody writes to is not waited for, and is no regular file.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

impl Image {
    /// Opens the file at `path` and checks its headers.
    ///
    /// # Errors
    /// [`RunError::Program`] if the file cannot be opened or is no regular file; [`RunError::Image`] for its contents.
    pub fn open(path: &Path) -> Result<Image, RunError> {
        let program = |source| RunError::Program {
            path: path.to_owned(),
            source,
        };
        Image::of_file(open_file(path).map_err(program)?, path)
    }

    /// Checks the headers of an open file; `path` is its name in messages.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn of_file(file: File, path: &Path) -> Result<Image, RunError> {
        let program = |source| RunError::Program {
            path: path.to_owned(),
            source,
        };
        let length = regular(&file).map_err(program)?;
        Image::read(file, 0, length, path)
    }

    /// Checks the headers of an image that is a part of an open file: its `length` bytes from `offset` on. `path` is the file's name
    /// in messages; offsets in them count from the image's start, those of segments from the file's.
    ///
    /// # Errors
    /// As [`Image::open`]; a part that leaves the file is a truncated image.
    pub fn within(file: File, offset: u64, length: u64, path: &Path) -> Result<Image, RunError> {
        let program = |source| RunError::Program {
            path: path.to_owned(),
            source,
        };
        let there = regular(&file).map_err(program)?;
        if offset.checked_add(length).is_none_or(|end| end > there) {
            return Err(RunError::Image {
                path: path.to_owned(),
                source: ImageError(format!(
                    "truncated: the image at {offset:#x} has {length} bytes, the file has {there}"
                )),
            });
        }
        Image::read(file, offset, length, path)
    }

    fn read(file: File, offset: u64, length: u64, path: &Path) -> Result<Image, RunError> {
        let part = Part {
            file: &file,
            offset,
            length,
        };
        let headers = read_headers(part).map_err(|source| RunError::Image {
            path: path.to_owned(),
            source,
        })?;
        let Headers {
            text,
            data,
            entry,
            level,
        } = headers;
        Ok(Image {
            file,
            offset,
            length,
            text,
            data,
            entry,
            level,
        })
    }

    /// First address behind the image's last data page: where the heap starts.
    pub fn end(&self) -> u64 {
        self.data
            .last()
            .map_or(layout::DATA_BASE, |segment| segment.pages().1)
    }

    /// Reads bytes of the image, `offset` from its start; what lies around it in the file is not read.
    ///
    /// # Errors
    /// The host's, or bytes that are not in the image.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_exact_at(bytes, self.offset + offset)
    }

    /// The bytes of text as they stand in the file.
    ///
    /// # Errors
    /// The host's, or a file that became shorter.
    pub fn read_text(&self) -> io::Result<Vec<u8>> {
        let mut text = vec![0; self.text.size as usize];
        self.file.read_exact_at(&mut text, self.text.offset)?;
        Ok(text)
    }
}

/// Bytes of a regular file.
fn regular(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(io::Error::other("not a regular file")),
    }
}

/// An image's bytes in a file; they are known to be there.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    file: &'a File,
    offset: u64,
    length: u64,
}

struct Headers {
    text: Segment,
    data: Vec<Segment>,
    entry: u64,
    level: u32,
}

fn read_headers(image: Part<'_>) -> Result<Headers, ImageError> {
    let length = image.length;
    if length > limits::IMAGE_FILE {
        bail!(
            "the file has {length} bytes; an image may have {}",
            limits::IMAGE_FILE
        );
    }
    // A short file that is something else is no truncated image.
    let start = read_at(image, 0, length.min(4), "ELF header")?;
    if start.len() == 4 && start != header::ELFMAG {
        bail!("not an ELF file (it does not start with 7f 45 4c 46)");
    }
    let bytes = read_at(image, 0, EHDR as u64, "ELF header")?;
    let class = (bytes[header::EI_CLASS], bytes[header::EI_DATA]);
    if class != (header::ELFCLASS64, header::ELFDATA2LSB) {
        bail!("not a 64-bit little-endian ELF file");
    }
    let header = Elf::parse_header(&bytes)
        .map_err(|error| ImageError(format!("bad ELF header: {error}")))?;
    if header.e_machine != header::EM_X86_64 {
        bail!(
            "made for another machine (e_machine is {}, x86-64 is 62)",
            header.e_machine
        );
    }
    if header.e_type != header::ET_EXEC {
        bail!(
            "not a static executable at fixed addresses (e_type is {}, not ET_EXEC); link it with zvm-cc",
            header.e_type
        );
    }
    if header.e_phnum == 0 || header.e_phnum > limits::PROGRAM_HEADERS {
        bail!(
            "{} program headers; an image has 1 to {}",
            header.e_phnum,
            limits::PROGRAM_HEADERS
        );
    }
    if usize::from(header.e_phentsize) != PHDR {
        bail!(
            "program headers of {} bytes, expected {PHDR}",
            header.e_phentsize
        );
    }
    let count = usize::from(header.e_phnum);
    let table = read_at(
        image,
        header.e_phoff,
        (count * PHDR) as u64,
        "program headers",
    )?;
    let context = Ctx::new(Container::Big, goblin::container::Endian::Little);
    let phdrs = ProgramHeader::parse(&table, 0, count, context)
        .map_err(|error| ImageError(format!("bad program headers: {error}")))?;

    let level = read_note(image, &phdrs)?;
    let (text, data) = segments(&phdrs, image)?;
    let entry = header.e_entry;
    if entry < text.address || entry >= text.address + text.size || entry % layout::BUNDLE != 0 {
        bail!(
            "the entry point {entry:#x} is not a bundle start in text [{:#x}, {:#x})",
            text.address,
            text.address + text.size
        );
    }
    Ok(Headers {
        text,
        data,
        entry,
        level,
    })
}

/// Reads `size` bytes at `offset`, or says what is cut off.
fn read_at(image: Part<'_>, offset: u64, size: u64, what: &str) -> Result<Vec<u8>, ImageError> {
    let length = image.length;
    if offset.checked_add(size).is_none_or(|end| end > length) {
        bail!("truncated: {what} at {offset:#x} of {size} bytes, the file has {length}");
    }
    let mut bytes = vec![0; size as usize];
    let at = image.offset + offset;
    let read = image.file.read_exact_at(&mut bytes, at);
    read.map_err(|error| ImageError(format!("cannot read {what} at {offset:#x}: {error}")))?;
    Ok(bytes)
}

fn read_note(image: Part<'_>, phdrs: &[ProgramHeader]) -> Result<u32, ImageError> {
    for phdr in phdrs
        .iter()
        .filter(|phdr| phdr.p_type == program_header::PT_NOTE)
    {
        if phdr.p_filesz > limits::NOTE {
            bail!(
                "PT_NOTE at {:#x} has {} bytes; the limit is {}",
                phdr.p_offset,
                phdr.p_filesz,
                limits::NOTE
            );
        }
        let bytes = read_at(image, phdr.p_offset, phdr.p_filesz, "PT_NOTE")?;
        if let Some(descriptor) = find_note(&bytes) {
            let &[a, b, c, d, e, f, g, h] = descriptor else {
                bail!(
                    "the ZVM note at {:#x} has {} bytes, expected 8",
                    phdr.p_offset,
                    descriptor.len()
                );
            };
            let (version, level) = (
                u32::from_le_bytes([a, b, c, d]),
                u32::from_le_bytes([e, f, g, h]),
            );
            if version != note::VERSION {
                bail!(
                    "made for version {version} of the contract; this runtime has {}: rebuild it",
                    note::VERSION
                );
            }
            if !(1..=4).contains(&level) {
                bail!("the ZVM note says x86-64-v{level}; levels are 1 to 4");
            }
            return Ok(level);
        }
    }
    bail!(
        "an ordinary ELF file without the ZVM note, not an image: build it with zvm-cc or cargo zvm"
    )
}

/// The descriptor of the first note that is ours.
fn find_note(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (head, rest) = bytes.split_at_checked(12)?;
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (name_size, size, kind) = (word(0) as usize, word(4) as usize, word(8));
        let name = rest.get(..name_size)?;
        let rest = rest.get(name_size.next_multiple_of(4)..)?;
        let descriptor = rest.get(..size)?;
        if kind == note::TYPE && name.strip_suffix(b"\0") == Some(note::OWNER.as_bytes()) {
            return Some(descriptor);
        }
        bytes = rest.get(size.next_multiple_of(4)..)?;
    }
}

fn segments(
    phdrs: &[ProgramHeader],
    image: Part<'_>,
) -> Result<(Segment, Vec<Segment>), ImageError> {
    let mut text = None;
    let mut data = Vec::new();
    for phdr in phdrs {
        match phdr.p_type {
            program_header::PT_LOAD if phdr.p_memsz > 0 => {}
            program_header::PT_INTERP | program_header::PT_DYNAMIC => {
                bail!("dynamically linked: link it with zvm-cc")
            }
            _ => continue,
        }
        let segment = load(phdr, image)?;
        if segment.access != Access::Execute {
            data.push(segment);
        } else if text.replace(segment).is_some() {
            bail!(
                "more than one executable segment; the second is at {:#x}",
                segment.address
            );
        }
    }
    let Some(text) = text else {
        bail!("no executable segment")
    };
    data.sort_by_key(|segment| segment.address);
    for pair in data.windows(2) {
        if pair[0].pages().1 > pair[1].pages().0 {
            bail!(
                "overlapping segments: the pages of {:#x} and of {:#x}",
                pair[0].address,
                pair[1].address
            );
        }
    }
    Ok((text, data))
}

fn load(phdr: &ProgramHeader, image: Part<'_>) -> Result<Segment, ImageError> {
    let &ProgramHeader {
        p_vaddr: address,
        p_memsz: size,
        p_offset: offset,
        p_filesz: file_size,
        ..
    } = phdr;
    let access = match (phdr.is_read(), phdr.is_write(), phdr.is_executable()) {
        (true, false, false) => Access::Read,
        (true, true, false) => Access::ReadWrite,
        (true, false, true) => Access::Execute,
        (_, true, true) => bail!("the segment at {address:#x} is both writable and executable"),
        _ => bail!(
            "the segment at {address:#x} cannot be read (p_flags {:#x})",
            phdr.p_flags
        ),
    };
    if file_size > size {
        bail!("the segment at {address:#x} has {file_size} bytes in the file but {size} in memory");
    }
    let length = image.length;
    if offset.checked_add(file_size).is_none_or(|end| end > length) {
        bail!(
            "truncated: the segment at {address:#x} has {file_size} bytes at {offset:#x}, the file has {length}"
        );
    }
    let (low, high) = match access {
        Access::Execute => (layout::TEXT_BASE, layout::TEXT_LIMIT),
        _ => (layout::DATA_BASE, limits::DATA_END),
    };
    if address < low || address.checked_add(size).is_none_or(|end| end > high) {
        bail!("the segment at {address:#x} of {size} bytes does not lie in [{low:#x}, {high:#x})");
    }
    if access == Access::Execute {
        if address != layout::TEXT_BASE {
            bail!(
                "text starts at {address:#x}, not at {:#x}",
                layout::TEXT_BASE
            );
        }
        if file_size != size || size % layout::BUNDLE != 0 {
            bail!(
                "text has {size} bytes in memory and {file_size} in the file; it must be whole bundles, all in the file"
            );
        }
    }
    Ok(Segment {
        address,
        size,
        // Both ends of the segment lie in the image, and the image in the file.
        offset: image.offset + offset,
        file_size,
        access,
    })
}
