//! Writes the image: the input's data with new code addresses in it, the new text, and symbols that tell the truth.
//!
//! File layout: rodata first, so that the ELF and program headers at offset 0 are mapped at 0x10000000, where the guest reads
//! them; then data, then text, then what no segment holds.

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::thread;

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64, Sym64};
use object::{LittleEndian as LE, U16, U32, U64, pod};
use zvm_abi::{layout, note};

use crate::chunks::Text;
use crate::debug;
use crate::decode::Program;
use crate::error::RewriteError;
use crate::input::{Input, Section, SymbolSection};
use crate::refs::{DataField, Refs};
use crate::unwind::{Tables, Unwind};
use crate::{Image, Options};

const NOTE_NAME: &[u8; 4] = b"ZVM\0";
const NOTE_SIZE: usize = 12 + NOTE_NAME.len() + size_of::<note::ImageNote>();

/// A segment's place in the file.
struct Placed<'w> {
    address: u64,
    flags: u32,
    /// Its bytes, in parts that follow each other.
    parts: Vec<&'w [u8]>,
    file_size: u64,
    memory_size: u64,
    offset: u64,
}

pub(crate) fn write(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &Refs,
    unwind: Option<&Unwind<'_>>,
    text: &Text,
    options: &Options,
) -> Result<Image, RewriteError> {
    let mut writer = Writer {
        input,
        program,
        text,
        tables: None,
        debug: Vec::new(),
    };
    let has_debug = !options.strip && !input.debug.is_empty();
    let (tables, debug) = thread::scope(|scope| {
        let debug = has_debug.then(|| {
            let nearest = |address| writer.nearest(address);
            scope.spawn(move || debug::rewrite(&input.debug, &nearest))
        });
        let tables = unwind.map(|unwind| unwind.write(&|address| writer.mapped(address)));
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        (tables, debug.map(join))
    });
    writer.tables = tables.transpose()?;
    let mut warnings = Vec::new();
    match debug {
        Some(Ok(contents)) => writer.debug = contents,
        Some(Err(reason)) => {
            warnings.push(format!("debugging information is left out: {reason}"));
        }
        None => {}
    }
    let segments = writer.place_segments();
    let mut file = Vec::with_capacity(writer.size(&segments));
    for segment in &segments {
        file.resize(segment.offset as usize, 0);
        for part in &segment.parts {
            file.extend_from_slice(part);
        }
    }
    writer.patch_data(refs, &segments, &mut file);
    let sections = writer.append_sections(&mut file, &segments, options.strip);
    writer.write_headers(&mut file, &segments, sections, options.level)?;
    let map = |at: usize| {
        let before = program.insns[at].ip() as u32;
        (before, text.address(at))
    };
    Ok(Image {
        bytes: file,
        stats: text.stats,
        warnings,
        times: Vec::new(),
        map: match options.map {
            true => (0..program.insns.len()).map(map).collect(),
            false => Vec::new(),
        },
    })
}

/// Where the section headers are, and how many; the last is the section names.
struct Sections {
    offset: u64,
    count: u16,
}

struct Writer<'w> {
    input: &'w Input<'w>,
    program: &'w Program<'w>,
    text: &'w Text,
    tables: Option<Tables>,
    /// Contents of the input's DWARF sections, in their order; empty = none.
    debug: Vec<Cow<'w, [u8]>>,
}

impl Writer<'_> {
    /// Text is the last segment in the file.
    fn place_segments(&self) -> Vec<Placed<'_>> {
        let mut placed: Vec<Placed<'_>> = self
            .input
            .segments
            .iter()
            .map(|s| {
                let tables = self.tables.as_ref().filter(|t| t.address == s.address);
                let bytes = tables.map_or(s.bytes, |t| &t.bytes);
                Placed {
                    address: s.address,
                    flags: s.flags,
                    parts: vec![bytes],
                    file_size: bytes.len() as u64,
                    memory_size: tables.map_or(s.memory_size, |t| t.bytes.len() as u64),
                    offset: 0,
                }
            })
            .collect();
        let fresh = self
            .tables
            .iter()
            .filter(|t| placed.iter().all(|s| s.address != t.address));
        let fresh: Vec<_> = fresh
            .map(|tables| Placed {
                address: tables.address,
                flags: elf::PF_R,
                parts: vec![&tables.bytes],
                file_size: tables.bytes.len() as u64,
                memory_size: tables.bytes.len() as u64,
                offset: 0,
            })
            .collect();
        placed.extend(fresh);
        placed.push(Placed {
            address: layout::TEXT_BASE,
            flags: elf::PF_R | elf::PF_X,
            parts: self.text.parts.iter().map(Vec::as_slice).collect(),
            file_size: self.text.stats.text_out,
            memory_size: self.text.stats.text_out,
            offset: 0,
        });
        let mut end = 0u64;
        for segment in &mut placed {
            segment.offset = end.next_multiple_of(layout::PAGE) + segment.address % layout::PAGE;
            end = segment.offset + segment.file_size;
        }
        placed
    }

    /// About how large the file will be: growing it would copy it.
    fn size(&self, segments: &[Placed<'_>]) -> usize {
        let last = segments.last().expect("text is always placed");
        let symbols = self.input.symbols.iter();
        let symbols: usize = symbols
            .map(|s| size_of::<Sym64<LE>>() + s.name.len() + 1)
            .sum();
        let debug: usize = self.debug.iter().map(|bytes| bytes.len()).sum();
        (last.offset + last.file_size + layout::PAGE) as usize + symbols + debug
    }

    fn patch_data(&self, refs: &Refs, segments: &[Placed<'_>], file: &mut [u8]) {
        for &(at, form, target) in &refs.in_data {
            let address = u64::from(self.text.entry(target));
            let segment = segments
                .iter()
                .find(|s| at >= s.address && at - s.address < s.file_size);
            let Some(segment) = segment else { continue };
            let field = &mut file[(segment.offset + at - segment.address) as usize..];
            match form {
                DataField::Absolute64 => field[..8].copy_from_slice(&address.to_le_bytes()),
                DataField::Absolute32 => {
                    field[..4].copy_from_slice(&(address as u32).to_le_bytes())
                }
                DataField::Relative32(base) => {
                    field[..4].copy_from_slice(&(address.wrapping_sub(base) as u32).to_le_bytes());
                }
            }
        }
    }

    /// The new address of an input address: code moves, all else stays. `None` within an instruction. The end of a function that
    /// data follows is where the next one starts.
    fn mapped(&self, address: u64) -> Option<u64> {
        if !(layout::TEXT_BASE..=self.input.text_end()).contains(&address) {
            return Some(address);
        }
        let code = self
            .program
            .at(address)
            .or_else(|| self.program.behind(address))?;
        Some(u64::from(self.text.address(code)))
    }

    /// The new address of a symbol, which may name the middle of an instruction.
    fn moved(&self, address: u64) -> u64 {
        self.mapped(address).unwrap_or(address)
    }

    /// The new address of code at `address`, or of the instruction that holds it; of all else, itself.
    fn nearest(&self, address: u64) -> u64 {
        if !(layout::TEXT_BASE..=self.input.text_end()).contains(&address) {
            return address;
        }
        let code = self.program.holding(address);
        u64::from(self.text.address(code))
    }

    /// Address and size of a section in the image.
    fn extent(&self, section: &Section<'_>) -> (u64, u64) {
        let tables = self.tables.as_ref().map(|t| &t.sections);
        let table = tables.and_then(|t| t.iter().find(|t| t.0 == section.name));
        match table {
            _ if section.name == ".text" => (section.address, self.text.stats.text_out),
            Some(&(_, address, size)) => (address, size),
            None => (section.address, section.size),
        }
    }

    /// Appends symbols, strings and section headers.
    fn append_sections(
        &self,
        file: &mut Vec<u8>,
        segments: &[Placed<'_>],
        strip: bool,
    ) -> Sections {
        let mut names = Strings::default();
        let mut headers = vec![SectionHeader64::<LE> { ..blank_section() }];
        for section in &self.input.sections {
            let text = section.name == ".text";
            let (address, size) = self.extent(section);
            let offset = segments
                .iter()
                .find(|s| address >= s.address && address <= s.address + s.memory_size)
                .map_or(0, |s| s.offset + (address - s.address).min(s.file_size));
            headers.push(SectionHeader64 {
                sh_name: u32le(names.add(section.name.as_bytes())),
                sh_type: u32le(section.kind),
                sh_flags: u64le(section.flags),
                sh_addr: u64le(address),
                sh_offset: u64le(offset),
                sh_size: u64le(size),
                sh_addralign: u64le(if text {
                    layout::BUNDLE
                } else {
                    section.align.max(1)
                }),
                sh_entsize: u64le(section.entry_size),
                ..blank_section()
            });
        }
        // The search table, which the linker did not have to make.
        let tables = self
            .tables
            .iter()
            .flat_map(|t| t.sections.iter().map(move |s| (t, s)));
        for (tables, &(name, address, size)) in tables {
            let known = self.input.sections.iter().any(|s| s.name == name);
            let segment = segments.iter().find(|s| s.address == tables.address);
            if let (false, Some(segment)) = (known || size == 0, segment) {
                headers.push(SectionHeader64 {
                    sh_name: u32le(names.add(name.as_bytes())),
                    sh_type: u32le(elf::SHT_PROGBITS),
                    sh_flags: u64le(u64::from(elf::SHF_ALLOC)),
                    sh_addr: u64le(address),
                    sh_offset: u64le(segment.offset + address - segment.address),
                    sh_size: u64le(size),
                    sh_addralign: u64le(4),
                    ..blank_section()
                });
            }
        }
        let append = |file: &mut Vec<u8>, bytes: &[u8], align: usize| {
            file.resize(file.len().next_multiple_of(align), 0);
            let offset = file.len() as u64;
            file.extend_from_slice(bytes);
            offset
        };
        if !strip {
            let (symbols, strings, first_global) = self.symbols();
            let link = headers.len() as u32 + 1;
            headers.push(SectionHeader64 {
                sh_name: u32le(names.add(b".symtab")),
                sh_type: u32le(elf::SHT_SYMTAB),
                sh_offset: u64le(append(file, pod::bytes_of_slice(&symbols), 8)),
                sh_size: u64le(size_of_val(&symbols[..]) as u64),
                sh_link: u32le(link),
                sh_info: u32le(first_global),
                sh_addralign: u64le(8),
                sh_entsize: u64le(size_of::<Sym64<LE>>() as u64),
                ..blank_section()
            });
            headers.push(SectionHeader64 {
                sh_name: u32le(names.add(b".strtab")),
                sh_type: u32le(elf::SHT_STRTAB),
                sh_offset: u64le(append(file, &strings.bytes, 1)),
                sh_size: u64le(strings.bytes.len() as u64),
                sh_addralign: u64le(1),
                ..blank_section()
            });
        }
        for (section, bytes) in self.input.debug.iter().zip(&self.debug) {
            headers.push(SectionHeader64 {
                sh_name: u32le(names.add(section.name.as_bytes())),
                sh_type: u32le(section.kind),
                sh_flags: u64le(section.flags),
                sh_offset: u64le(append(file, bytes, section.align.max(1) as usize)),
                sh_size: u64le(bytes.len() as u64),
                sh_addralign: u64le(section.align.max(1)),
                sh_entsize: u64le(section.entry_size),
                ..blank_section()
            });
        }
        let name = u32le(names.add(b".shstrtab"));
        headers.push(SectionHeader64 {
            sh_name: name,
            sh_type: u32le(elf::SHT_STRTAB),
            sh_offset: u64le(append(file, &names.bytes, 1)),
            sh_size: u64le(names.bytes.len() as u64),
            sh_addralign: u64le(1),
            ..blank_section()
        });
        let offset = append(file, pod::bytes_of_slice(&headers), 8);
        Sections {
            offset,
            count: headers.len() as u16,
        }
    }

    /// The symbol table, its strings, and the index of the first symbol that is not local.
    fn symbols(&self) -> (Vec<Sym64<LE>>, Strings, u32) {
        let mut strings = Strings::default();
        let mut table = vec![Sym64::<LE> {
            st_name: u32le(0),
            st_info: 0,
            st_other: 0,
            st_shndx: u16le(0),
            st_value: u64le(0),
            st_size: u64le(0),
        }];
        let (local, global): (Vec<_>, Vec<_>) = self
            .input
            .symbols
            .iter()
            .partition(|s| s.info >> 4 == elf::STB_LOCAL);
        let first_global = 1 + local.len() as u32;
        for symbol in local.into_iter().chain(global) {
            let address = self.moved(symbol.address);
            let end = self.moved(symbol.address.saturating_add(symbol.size));
            let in_text = address != symbol.address || self.input.in_text(symbol.address);
            table.push(Sym64 {
                st_name: u32le(strings.add(symbol.name)),
                st_info: symbol.info,
                st_other: symbol.other,
                st_shndx: u16le(match symbol.section {
                    SymbolSection::Index(index) => index as u16 + 1,
                    SymbolSection::Absolute => elf::SHN_ABS,
                }),
                st_value: u64le(address),
                st_size: u64le(if in_text {
                    end.saturating_sub(address)
                } else {
                    symbol.size
                }),
            });
        }
        (table, strings, first_global)
    }

    fn write_headers(
        &self,
        file: &mut [u8],
        segments: &[Placed<'_>],
        sections: Sections,
        level: u32,
    ) -> Result<(), RewriteError> {
        let mut headers = Vec::new();
        let (text, data) = segments.split_last().expect("text is always placed");
        for segment in std::iter::once(text).chain(data) {
            headers.push(ProgramHeader64::<LE> {
                p_type: u32le(elf::PT_LOAD),
                p_flags: u32le(segment.flags),
                p_offset: u64le(segment.offset),
                p_vaddr: u64le(segment.address),
                p_paddr: u64le(segment.address),
                p_filesz: u64le(segment.file_size),
                p_memsz: u64le(segment.memory_size),
                p_align: u64le(layout::PAGE),
            });
        }
        let plain =
            |kind, flags, address: u64, offset, file_size: u64, memory_size: u64, align: u64| {
                ProgramHeader64::<LE> {
                    p_type: u32le(kind),
                    p_flags: u32le(flags),
                    p_offset: u64le(offset),
                    p_vaddr: u64le(address),
                    p_paddr: u64le(address),
                    p_filesz: u64le(file_size),
                    p_memsz: u64le(memory_size),
                    p_align: u64le(align),
                }
            };
        if let Some(tables) = &self.tables {
            let (_, address, size) = tables.sections[0];
            let offset = data
                .iter()
                .find(|s| s.address == tables.address)
                .map_or(0, |s| s.offset + address - s.address);
            headers.push(plain(
                elf::PT_GNU_EH_FRAME,
                elf::PF_R,
                address,
                offset,
                size,
                size,
                4,
            ));
        }
        if let Some(tls) = self.input.tls {
            let offset = data
                .iter()
                .find(|s| tls.address >= s.address && tls.address <= s.address + s.memory_size)
                .map_or(0, |s| s.offset + tls.address - s.address);
            headers.push(plain(
                elf::PT_TLS,
                elf::PF_R,
                tls.address,
                offset,
                tls.file_size,
                tls.memory_size,
                tls.align,
            ));
        }
        headers.push(plain(
            elf::PT_GNU_STACK,
            elf::PF_R | elf::PF_W,
            0,
            0,
            0,
            // musl gives threads so much.
            self.input.stack_size,
            16,
        ));
        let note_at =
            size_of::<FileHeader64<LE>>() + (headers.len() + 1) * size_of::<ProgramHeader64<LE>>();
        let note_address = layout::DATA_BASE + note_at as u64;
        let note_size = NOTE_SIZE as u64;
        headers.push(plain(
            elf::PT_NOTE,
            elf::PF_R,
            note_address,
            note_at as u64,
            note_size,
            note_size,
            4,
        ));
        if note_at + NOTE_SIZE > layout::HEADER_ROOM as usize {
            return Err(RewriteError::BadInput(format!(
                "{} segments are too many",
                headers.len()
            )));
        }
        let ident = elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS64,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            // Readers of ELF skip these bytes; binfmt_misc tells images by them.
            padding: note::MARK,
        };
        let header = FileHeader64::<LE> {
            e_ident: ident,
            e_type: u16le(elf::ET_EXEC),
            e_machine: u16le(elf::EM_X86_64),
            e_version: u32le(1),
            e_entry: u64le(self.moved(self.input.entry)),
            e_phoff: u64le(size_of::<FileHeader64<LE>>() as u64),
            e_shoff: u64le(sections.offset),
            e_flags: u32le(0),
            e_ehsize: u16le(size_of::<FileHeader64<LE>>() as u16),
            e_phentsize: u16le(size_of::<ProgramHeader64<LE>>() as u16),
            e_phnum: u16le(headers.len() as u16),
            e_shentsize: u16le(size_of::<SectionHeader64<LE>>() as u16),
            e_shnum: u16le(sections.count),
            e_shstrndx: u16le(sections.count - 1),
        };
        let mut bytes = pod::bytes_of(&header).to_vec();
        bytes.extend_from_slice(pod::bytes_of_slice(&headers));
        for word in [
            NOTE_NAME.len() as u32,
            size_of::<note::ImageNote>() as u32,
            note::TYPE,
        ] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(NOTE_NAME);
        for word in [note::VERSION, level] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        file[..bytes.len()].copy_from_slice(&bytes);
        Ok(())
    }
}

/// A string table: NUL-terminated, the empty string first.
struct Strings {
    bytes: Vec<u8>,
}

impl Default for Strings {
    fn default() -> Self {
        Strings { bytes: vec![0] }
    }
}

impl Strings {
    fn add(&mut self, name: &[u8]) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
        at
    }
}

fn u16le(value: u16) -> U16<LE> {
    U16::new(LE, value)
}

fn u32le(value: u32) -> U32<LE> {
    U32::new(LE, value)
}

fn u64le(value: u64) -> U64<LE> {
    U64::new(LE, value)
}

fn blank_section() -> SectionHeader64<LE> {
    SectionHeader64 {
        sh_name: u32le(0),
        sh_type: u32le(0),
        sh_flags: u64le(0),
        sh_addr: u64le(0),
        sh_offset: u64le(0),
        sh_size: u64le(0),
        sh_link: u32le(0),
        sh_info: u32le(0),
        sh_addralign: u64le(0),
        sh_entsize: u64le(0),
    }
}
