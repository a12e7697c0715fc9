//! Names and source lines of addresses, from an image's symbols and debugging information.

use std::collections::HashMap;
use std::path::Path;

use addr2line::Context;
use gimli::{Dwarf, EndianSlice, LittleEndian};
use goblin::container::{Container, Ctx, Endian};
use goblin::elf::Elf;
use goblin::elf::section_header::{SHF_COMPRESSED, SHT_NOBITS, SHT_SYMTAB, SectionHeader};
use goblin::elf::sym::{STT_FUNC, STT_NOTYPE, Symtab};
use zvm_abi::layout;

use crate::error::printable;
use crate::image::Image;
use crate::limits;

/// Sections that backtraces need, by name; each a limited size.
pub struct Sections(HashMap<&'static str, (Vec<u8>, u64)>);

const WANTED: &[&str] = &[
    ".eh_frame",
    ".eh_frame_hdr",
    ".debug_frame",
    ".debug_abbrev",
    ".debug_addr",
    ".debug_aranges",
    ".debug_info",
    ".debug_line",
    ".debug_line_str",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_str",
    ".debug_str_offsets",
];

/// The section headers, each checked to lie in the image.
struct Headers<'a> {
    image: &'a Image,
    headers: Vec<SectionHeader>,
    names: usize,
}

impl<'a> Headers<'a> {
    fn of(image: &'a Image) -> Option<Headers<'a>> {
        let mut this = Headers {
            image,
            headers: Vec::new(),
            names: 0,
        };
        let header = Elf::parse_header(&this.read(0, 64)?).ok()?;
        let count = usize::from(header.e_shnum);
        let table = this.read(header.e_shoff, count as u64 * 64)?;
        let context = Ctx::new(Container::Big, Endian::Little);
        this.headers = SectionHeader::parse_from(&table, 0, count, context).ok()?;
        this.names = usize::from(header.e_shstrndx);
        Some(this)
    }

    fn read(&self, offset: u64, size: u64) -> Option<Vec<u8>> {
        // Before there is memory for it.
        if size > limits::SYMBOLS || offset.checked_add(size)? > self.image.length {
            return None;
        }
        let mut bytes = vec![0; size as usize];
        self.image.read_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    fn contents(&self, section: &SectionHeader) -> Option<Vec<u8>> {
        let there =
            section.sh_type != SHT_NOBITS && section.sh_flags & u64::from(SHF_COMPRESSED) == 0;
        there
            .then(|| self.read(section.sh_offset, section.sh_size))
            .flatten()
    }
}

/// Longest name that is looked at: where a table has none that ends, each of its symbols would be as long as all of it.
const LONGEST_NAME: usize = 4096;

fn string(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let bytes = bytes.get(at..)?;
    let bytes = &bytes[..bytes.len().min(LONGEST_NAME)];
    bytes.split(|&byte| byte == 0).next()
}

impl Sections {
    /// Reads them; what is missing, too large or compressed is left out.
    pub fn of(image: &Image) -> Sections {
        let mut found = HashMap::new();
        if let Some(headers) = Headers::of(image) {
            let names = headers.headers.get(headers.names);
            let names = names.and_then(|section| headers.contents(section));
            let names = names.unwrap_or_default();
            for section in &headers.headers {
                let name = string(&names, section.sh_name).unwrap_or_default();
                if let Some(wanted) = WANTED.iter().find(|wanted| wanted.as_bytes() == name)
                    && !found.contains_key(wanted)
                    && let Some(bytes) = headers.contents(section)
                {
                    found.insert(*wanted, (bytes, section.sh_addr));
                }
            }
        }
        Sections(found)
    }

    /// Bytes and address of one; empty if it is not there.
    pub fn get(&self, name: &str) -> (&[u8], u64) {
        self.0
            .get(name)
            .map_or((&[], 0), |(bytes, address)| (bytes, *address))
    }
}

/// A function's first address, and where its name stands among the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    address: u64,
    is_function: bool,
    name: usize,
}

/// What names addresses.
pub struct Symbols {
    /// By address.
    functions: Vec<Function>,
    names: Vec<u8>,
    sections: Sections,
    folder: Option<std::path::PathBuf>,
}

impl Symbols {
    /// Reads an image's.
    pub fn load(image: &Image) -> Symbols {
        Symbols {
            sections: Sections::of(image),
            folder: std::env::current_dir().ok(),
            ..Symbols::without_lines(image)
        }
    }

    /// Reads an image's, for their names alone.
    pub fn without_lines(image: &Image) -> Symbols {
        let (functions, names) = functions(image).unwrap_or_default();
        Symbols {
            functions,
            names,
            sections: Sections(HashMap::new()),
            folder: None,
        }
    }

    /// The names at an address, one line for each function that was inlined there, innermost first. For a process apart: a hostile name may
    /// take all the memory that there is.
    pub fn describe(&self, address: u64) -> Vec<String> {
        let lines = self.lines(address).unwrap_or_default();
        if lines.is_empty() {
            let name = self.nearest(address).map(|(name, offset)| {
                let name = addr2line::demangle_auto(name.into(), None);
                format!("{}+{offset:#x}", shortened(&name))
            });
            return vec![name.unwrap_or_else(|| "?".to_owned())];
        }
        lines
    }

    /// `name+0x12` for the nearest function at or below the address, as the linker calls it.
    pub fn name(&self, address: u64) -> Option<String> {
        let (name, offset) = self.nearest(address)?;
        Some(format!("{}+{offset:#x}", shortened(&name)))
    }

    fn nearest(&self, address: u64) -> Option<(String, u64)> {
        if !(layout::TEXT_BASE..layout::TEXT_LIMIT).contains(&address) {
            return None;
        }
        let end = self
            .functions
            .partition_point(|function| function.address <= address);
        let function = self.functions.get(end.checked_sub(1)?)?;
        let name = string(&self.names, function.name)?;
        let name = printable(&String::from_utf8_lossy(name));
        Some((name, address - function.address))
    }

    /// All functions: first address, length up to the next one, name as the linker calls it.
    pub fn functions(&self) -> impl Iterator<Item = (u64, u64, String)> + '_ {
        let ends = self.functions.iter().skip(1).map(|next| next.address);
        let ends = ends.chain([layout::TEXT_LIMIT]);
        self.functions.iter().zip(ends).map(|(function, end)| {
            let name = string(&self.names, function.name).unwrap_or_default();
            let name = printable(&String::from_utf8_lossy(name));
            (function.address, end - function.address, name)
        })
    }

    fn lines(&self, address: u64) -> Option<Vec<String>> {
        let section = |id: gimli::SectionId| -> Result<_, gimli::Error> {
            Ok(EndianSlice::new(
                self.sections.get(id.name()).0,
                LittleEndian,
            ))
        };
        let context = Context::from_dwarf(Dwarf::load(section).ok()?).ok()?;
        let mut frames = context.find_frames(address).skip_all_loads().ok()?;
        let mut lines = Vec::new();
        let mut inlined = false;
        while let Ok(Some(frame)) = frames.next() {
            let name = match &frame.function {
                Some(name) => name
                    .demangle()
                    .map(|name| shortened(&printable(&name)))
                    .ok(),
                None => self.name(address),
            };
            let mut line = name.unwrap_or_else(|| "?".to_owned());
            if let Some(place) = frame.location
                && let Some(file) = place.file
            {
                let file = printable(file);
                let inner = self.folder.as_ref();
                let inner = inner.and_then(|folder| Path::new(&file).strip_prefix(folder).ok());
                let file = inner.map_or(file.clone(), |inner| inner.display().to_string());
                line.push_str(&format!(" at {file}"));
                for number in [place.line, place.column].into_iter().flatten() {
                    line.push_str(&format!(":{number}"));
                }
            }
            lines.push(line);
            if lines.len() >= limits::FRAMES {
                break;
            }
            inlined = true;
        }
        // All but the last stand where the next one stands.
        if inlined {
            let last = lines.len() - 1;
            for line in &mut lines[..last] {
                line.push_str(" (inlined)");
            }
        }
        Some(lines)
    }
}

fn shortened(name: &str) -> String {
    let short: String = name.chars().take(200).collect();
    if short.len() < name.len() {
        format!("{short}…")
    } else {
        short
    }
}

/// The functions by address, and the bytes of their names.
fn functions(image: &Image) -> Option<(Vec<Function>, Vec<u8>)> {
    let headers = Headers::of(image)?;
    let symtab = headers
        .headers
        .iter()
        .find(|section| section.sh_type == SHT_SYMTAB)?;
    let strings = headers.headers.get(symtab.sh_link as usize)?;
    let symbols = headers.contents(symtab)?;
    let names = headers.contents(strings)?;
    let context = Ctx::new(Container::Big, Endian::Little);
    let table = Symtab::parse(&symbols, 0, symbols.len() / 24, context).ok()?;
    let mut functions: Vec<Function> = table
        .iter()
        .filter(|symbol| matches!(symbol.st_type(), STT_FUNC | STT_NOTYPE) && symbol.st_shndx != 0)
        .filter(|symbol| (layout::TEXT_BASE..layout::TEXT_LIMIT).contains(&symbol.st_value))
        .filter(|symbol| string(&names, symbol.st_name).is_some_and(|name| !name.is_empty()))
        .map(|symbol| Function {
            address: symbol.st_value,
            is_function: symbol.st_type() == STT_FUNC,
            name: symbol.st_name,
        })
        .collect();
    // Of several names of a place, the last in this order stays: a function's before a label's.
    functions.sort();
    functions.reverse();
    functions.dedup_by_key(|function| function.address);
    functions.reverse();
    Some((functions, names))
}
