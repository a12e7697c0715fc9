//! The linked ELF: segments, text, symbols and relocations, checked against the contract.

use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionFlags, SymbolFlags, SymbolKind,
};
use zvm_abi::layout;

use crate::error::{Refusal, RewriteError};

/// Relocation types of the x86-64 psABI that hold an address, by what they say about the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelocKind {
    /// The field holds an address: R_X86_64_64, 8 bytes.
    Abs64,
    /// The field holds an address: R_X86_64_32 or R_X86_64_32S, 4 bytes.
    Abs32,
    /// The field holds a distance from itself: R_X86_64_PC32, PLT32.
    Pc32,
    /// The field holds a distance from itself, 8 bytes: R_X86_64_PC64.
    Pc64,
    /// A GOT access that the linker may have relaxed into an immediate: GOTPCREL, GOTPCRELX, REX_GOTPCRELX.
    Got,
    /// The large code model's 8-byte distances from and to the GOT: GOTOFF64, GOTPC64 and kin.
    Large,
    /// Thread-local and size relocations, which never hold a code address.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Reloc {
    /// Address of the field.
    pub at: u64,
    pub kind: RelocKind,
    /// The symbol is weak and undefined, so its address is 0.
    pub undefined_weak: bool,
    /// The symbol lies in text.
    pub code: bool,
    /// It is a function, and nothing is added: an entry of a jump table that is not the first adds its distance from the table.
    pub function: bool,
}

pub(crate) struct Segment<'a> {
    pub address: u64,
    pub flags: u32,
    pub bytes: &'a [u8],
    pub memory_size: u64,
}

pub(crate) struct Symbol<'a> {
    pub name: &'a [u8],
    pub address: u64,
    pub size: u64,
    /// st_info and st_other as in the input.
    pub info: u8,
    pub other: u8,
    /// Index into [`Input::sections`], or the raw special index.
    pub section: SymbolSection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolSection {
    Index(usize),
    Absolute,
}

impl Symbol<'_> {
    pub(crate) fn kind(&self) -> u8 {
        self.info & 0xf
    }
}

pub(crate) struct Section<'a> {
    pub name: &'a str,
    pub address: u64,
    pub size: u64,
    pub kind: u32,
    pub flags: u64,
    pub align: u64,
    pub entry_size: u64,
}

/// A section of debugging information, which no segment holds.
pub(crate) struct DebugSection<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub kind: u32,
    pub flags: u64,
    pub align: u64,
    pub entry_size: u64,
    pub compressed: bool,
}

/// PT_TLS as in the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tls {
    pub address: u64,
    pub file_size: u64,
    pub memory_size: u64,
    pub align: u64,
}

pub(crate) struct Input<'a> {
    pub entry: u64,
    pub text: &'a [u8],
    /// The sections of the input that are allocated, text first.
    pub sections: Vec<Section<'a>>,
    /// DWARF sections.
    pub debug: Vec<DebugSection<'a>>,
    /// The PT_LOADs that are not text.
    pub segments: Vec<Segment<'a>>,
    pub tls: Option<Tls>,
    /// Bytes of stack that the program asks for (`-z stack-size`); 0: it does not say.
    pub stack_size: u64,
    pub symbols: Vec<Symbol<'a>>,
    /// Functions as (address, size, index into symbols), by address.
    pub functions: Vec<(u64, u64, usize)>,
    /// Relocations of text, by address of the field.
    pub text_relocs: Vec<Reloc>,
    /// Relocations of all other allocated sections, by address of the field.
    pub data_relocs: Vec<Reloc>,
    /// What the linker left for the start of the program, by slot.
    pub start_relocs: Vec<StartReloc>,
}

/// An entry of an allocated relocation table (psABI, "Relocation": Elf64_Rela).
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartReloc {
    /// Its own address.
    pub at: u64,
    /// The address of the 8 bytes that it fills.
    pub slot: u64,
    pub info: u64,
    pub addend: u64,
}

impl StartReloc {
    pub(crate) const SIZE: usize = 24;
    /// The address of the addend.
    pub(crate) fn addend_at(&self) -> u64 {
        self.at + 16
    }
}

fn bad(reason: impl Into<String>) -> RewriteError {
    RewriteError::BadInput(reason.into())
}

impl<'a> Input<'a> {
    /// Reads and checks the file.
    pub(crate) fn read(elf: &'a [u8]) -> Result<Self, RewriteError> {
        let file = ElfFile64::<Endianness>::parse(elf).map_err(|e| bad(format!("{e}")))?;
        let header = file.elf_header();
        let endian = file.endian();
        if header.e_machine(endian) != elf::EM_X86_64 || !file.is_little_endian() {
            return Err(bad("it is not for x86-64"));
        }
        if header.e_type(endian) != elf::ET_EXEC {
            return Err(bad(
                "it is not a static, non-PIE executable (ET_EXEC); link with -static -no-pie",
            ));
        }
        let mut input = Input {
            entry: header.e_entry(endian),
            text: &[],
            sections: Vec::new(),
            debug: Vec::new(),
            segments: Vec::new(),
            tls: None,
            stack_size: 0,
            symbols: Vec::new(),
            functions: Vec::new(),
            text_relocs: Vec::new(),
            data_relocs: Vec::new(),
            start_relocs: Vec::new(),
        };
        input.read_segments(&file)?;
        let indices = input.read_sections(&file)?;
        input.read_start_relocs();
        input.read_symbols(&file, &indices)?;
        input.read_relocs(&file)?;
        Ok(input)
    }

    /// Exclusive end of text.
    pub(crate) fn text_end(&self) -> u64 {
        layout::TEXT_BASE + self.text.len() as u64
    }

    /// Whether `address` lies in text; its end does not.
    pub(crate) fn in_text(&self, address: u64) -> bool {
        (layout::TEXT_BASE..self.text_end()).contains(&address)
    }

    /// Bytes of data at `address` as the file has them, at least `len`.
    pub(crate) fn data(&self, address: u64, len: usize) -> Option<&'a [u8]> {
        let segment = self
            .segments
            .iter()
            .find(|s| address >= s.address && address - s.address < s.bytes.len() as u64)?;
        segment.bytes[(address - segment.address) as usize..].get(..len)
    }

    /// What the GOT slot at `address` holds for the whole run; `None` if there is none, or if an ifunc's resolver fills it.
    pub(crate) fn got_slot(&self, address: u64) -> Option<u64> {
        let is_got = |s: &&Section<'_>| {
            matches!(s.name, ".got" | ".got.plt")
                && (s.address..s.address + s.size).contains(&address)
        };
        self.sections.iter().find(is_got)?;
        if self
            .start_relocs
            .binary_search_by_key(&address, |r| r.slot)
            .is_ok()
        {
            return None;
        }
        let slot = self.data(address, 8)?;
        Some(u64::from_le_bytes(slot.try_into().ok()?))
    }

    /// `name+0xoffset` of the function that holds `address`.
    pub(crate) fn describe(&self, address: u64) -> String {
        let after = self.functions.partition_point(|f| f.0 <= address);
        match after.checked_sub(1).map(|i| self.functions[i]) {
            Some((start, _, symbol)) => {
                let name = String::from_utf8_lossy(self.symbols[symbol].name);
                if address == start {
                    name.into_owned()
                } else {
                    format!("{name}+{:#x}", address - start)
                }
            }
            None => format!("{address:#x}"),
        }
    }

    /// The function whose extent holds `address`, as (start, end).
    pub(crate) fn function_at(&self, address: u64) -> Option<(u64, u64)> {
        self.function_index(address)
            .map(|function| self.extent(function))
    }

    /// The index of the function whose extent holds `address`.
    pub(crate) fn function_index(&self, address: u64) -> Option<usize> {
        let after = self.functions.partition_point(|f| f.0 <= address);
        let function = after.checked_sub(1)?;
        (address < self.extent(function).1).then_some(function)
    }

    /// A function's start and end.
    pub(crate) fn extent(&self, function: usize) -> (u64, u64) {
        let (start, size, _) = self.functions[function];
        // Assembly often leaves sizes out: such a function goes up to the next one.
        let end = if size > 0 {
            (start + size).min(self.text_end())
        } else {
            let next = self.functions.get(function + 1);
            next.map_or(self.text_end(), |f| f.0)
        };
        (start, end)
    }

    /// A function's name, or one of them.
    pub(crate) fn name(&self, function: usize) -> &[u8] {
        self.symbols[self.functions[function].2].name
    }

    /// Whether this is the cold part that a compiler split off a function.
    pub(crate) fn is_cold(&self, function: usize) -> bool {
        self.name(function).windows(5).any(|part| part == b".cold")
    }

    /// A refusal at `address` in text or data.
    pub(crate) fn refusal(&self, address: u64, len: usize, reason: &str, way_out: &str) -> Refusal {
        let (section, bytes) = if self.in_text(address) {
            let from = (address - layout::TEXT_BASE) as usize;
            (
                ".text".to_owned(),
                self.text[from..(from + len).min(self.text.len())].to_vec(),
            )
        } else {
            let section = self
                .sections
                .iter()
                .find(|s| address >= s.address && address - s.address < s.size);
            (
                section.map_or("?", |s| s.name).to_owned(),
                self.data(address, len).unwrap_or(&[]).to_vec(),
            )
        };
        let function = if section == ".text" {
            self.describe(address)
        } else {
            "(data)".to_owned()
        };
        Refusal {
            function,
            section,
            address,
            bytes,
            reason: reason.to_owned(),
            way_out: way_out.to_owned(),
        }
    }

    fn read_segments(&mut self, file: &ElfFile64<'a>) -> Result<(), RewriteError> {
        let endian = file.endian();
        for header in file.elf_program_headers() {
            let (address, memory_size) = (header.p_vaddr(endian), header.p_memsz(endian));
            match header.p_type(endian) {
                elf::PT_LOAD => {
                    let bytes = header
                        .data(endian, file.data())
                        .map_err(|()| bad("a segment lies outside the file"))?;
                    if header.p_flags(endian) & elf::PF_X != 0 {
                        if address != layout::TEXT_BASE
                            || memory_size != bytes.len() as u64
                            || !self.text.is_empty()
                        {
                            return Err(bad(format!(
                                "text must be one segment at {:#x} (found one at {address:#x}); link with the SDK's zvm.ld",
                                layout::TEXT_BASE
                            )));
                        }
                        self.text = bytes;
                    } else if memory_size > 0 {
                        if address < layout::DATA_BASE
                            || memory_size > layout::MANIFEST_POINTER
                            || address + memory_size > layout::MANIFEST_POINTER
                            || memory_size < bytes.len() as u64
                        {
                            return Err(bad(format!(
                                "data at {address:#x} lies outside the sandbox's data area"
                            )));
                        }
                        self.segments.push(Segment {
                            address,
                            flags: header.p_flags(endian),
                            bytes,
                            memory_size,
                        });
                    }
                }
                elf::PT_TLS => {
                    self.tls = Some(Tls {
                        address,
                        file_size: header.p_filesz(endian),
                        memory_size,
                        align: header.p_align(endian),
                    });
                }
                elf::PT_GNU_STACK => self.stack_size = memory_size,
                elf::PT_INTERP | elf::PT_DYNAMIC => {
                    return Err(bad("it is dynamically linked; link with -static"));
                }
                _ => {}
            }
        }
        if self.text.is_empty() || self.text_end() > layout::TEXT_LIMIT {
            return Err(bad("it has no text, or more than fits below 0x10000000"));
        }
        let headers = self.segments.first().is_some_and(|s| {
            s.address == layout::DATA_BASE
                && s.bytes.len() as u64 >= layout::HEADER_ROOM
                && s.flags & elf::PF_W == 0
        });
        if !headers {
            return Err(bad(
                "it has no room for headers at 0x10000000; link with the SDK's zvm.ld",
            ));
        }
        Ok(())
    }

    /// Returns, for each section index of the file, its index in `self.sections`.
    fn read_sections(&mut self, file: &ElfFile64<'a>) -> Result<Vec<Option<usize>>, RewriteError> {
        let mut indices = Vec::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else {
                continue;
            };
            let name = section
                .name()
                .map_err(|e| bad(format!("a section's name: {e}")))?;
            if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
                if name.starts_with(".debug_") {
                    let header = section.elf_section_header();
                    self.debug.push(DebugSection {
                        name,
                        bytes: section.data().map_err(|e| bad(format!("{name}: {e}")))?,
                        kind: object::read::elf::SectionHeader::sh_type(header, file.endian()),
                        flags: sh_flags,
                        align: section.align(),
                        entry_size: header.sh_entsize.get(file.endian()),
                        compressed: sh_flags & u64::from(elf::SHF_COMPRESSED) != 0,
                    });
                }
                continue;
            }
            let in_text = sh_flags & u64::from(elf::SHF_EXECINSTR) != 0;
            if in_text != (name == ".text") {
                return Err(bad(format!(
                    "section {name}: code must be in .text alone; link with the SDK's zvm.ld"
                )));
            }
            let header = section.elf_section_header();
            let index = section.index().0;
            if indices.len() <= index {
                indices.resize(index + 1, None);
            }
            indices[index] = Some(self.sections.len());
            self.sections.push(Section {
                name,
                address: section.address(),
                size: section.size(),
                kind: object::read::elf::SectionHeader::sh_type(header, file.endian()),
                flags: sh_flags,
                align: section.align(),
                entry_size: header.sh_entsize.get(file.endian()),
            });
        }
        Ok(indices)
    }

    fn read_start_relocs(&mut self) {
        let tables = self.sections.iter().filter(|s| s.kind == elf::SHT_RELA);
        let entries =
            tables.flat_map(|s| (s.address..s.address + s.size).step_by(StartReloc::SIZE));
        let mut relocs: Vec<_> = entries
            .filter_map(|at| {
                let entry = self.data(at, StartReloc::SIZE)?;
                let word =
                    |i: usize| u64::from_le_bytes(entry[i..i + 8].try_into().expect("8 bytes"));
                Some(StartReloc {
                    at,
                    slot: word(0),
                    info: word(8),
                    addend: word(16),
                })
            })
            .filter(|r| r.info != u64::from(elf::R_X86_64_NONE))
            .collect();
        relocs.sort_by_key(|r| r.slot);
        self.start_relocs = relocs;
    }

    fn read_symbols(
        &mut self,
        file: &ElfFile64<'a>,
        indices: &[Option<usize>],
    ) -> Result<(), RewriteError> {
        for symbol in file.symbols() {
            let SymbolFlags::Elf { st_info, st_other } = symbol.flags() else {
                continue;
            };
            let section = match symbol.section() {
                object::SymbolSection::Section(index) => {
                    match indices.get(index.0).copied().flatten() {
                        Some(index) => SymbolSection::Index(index),
                        None => continue,
                    }
                }
                object::SymbolSection::Absolute => SymbolSection::Absolute,
                _ => continue,
            };
            let name = symbol
                .name_bytes()
                .map_err(|e| bad(format!("a symbol's name: {e}")))?;
            if matches!(symbol.kind(), SymbolKind::Section) {
                continue;
            }
            self.symbols.push(Symbol {
                name,
                address: symbol.address(),
                size: symbol.size(),
                info: st_info,
                other: st_other,
                section,
            });
        }
        for (i, symbol) in self.symbols.iter().enumerate() {
            // An ifunc's symbol is its resolver: a function too.
            let function = matches!(symbol.kind(), elf::STT_FUNC | elf::STT_GNU_IFUNC)
                || (symbol.kind() == elf::STT_NOTYPE
                    && !symbol.name.is_empty()
                    && symbol.info >> 4 != elf::STB_LOCAL);
            if function && (layout::TEXT_BASE..self.text_end()).contains(&symbol.address) {
                self.functions.push((symbol.address, symbol.size, i));
            }
        }
        // Of several names for one address the longest extent speaks for it.
        self.functions.sort_by_key(|f| (f.0, u64::MAX - f.1));
        self.functions.dedup_by_key(|f| f.0);
        self.drop_inner_labels();
        if self.symbols.is_empty() {
            return Err(bad(
                "it has no symbols; do not link with -s (strip the image instead)",
            ));
        }
        Ok(())
    }

    /// A global label without a type that lies within a function is a place in it, not a function.
    fn drop_inner_labels(&mut self) {
        let mut end = 0;
        let symbols = &self.symbols;
        self.functions.retain(|&(address, size, symbol)| {
            let label = symbols[symbol].kind() == elf::STT_NOTYPE;
            if !label {
                end = end.max(address.saturating_add(size));
            }
            !label || address >= end
        });
    }

    fn read_relocs(&mut self, file: &ElfFile64<'a>) -> Result<(), RewriteError> {
        let mut any = false;
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else {
                continue;
            };
            if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
                continue;
            }
            let (start, end) = (section.address(), section.address() + section.size());
            for (at, reloc) in section.relocations() {
                any = true;
                let RelocationFlags::Elf { r_type } = reloc.flags() else {
                    continue;
                };
                if !(start..end).contains(&at) {
                    return Err(bad(format!(
                        "a relocation at {at:#x} lies outside its section"
                    )));
                }
                let (mut undefined_weak, mut code, mut function) = (false, false, false);
                if let RelocationTarget::Symbol(index) = reloc.target() {
                    let symbol = file
                        .symbol_by_index(index)
                        .map_err(|e| bad(format!("relocation at {at:#x}: {e}")))?;
                    undefined_weak = symbol.is_undefined();
                    code = (layout::TEXT_BASE..=self.text_end()).contains(&symbol.address())
                        && !undefined_weak;
                    let SymbolFlags::Elf { st_info, .. } = symbol.flags() else {
                        continue;
                    };
                    let kind = st_info & 0xF;
                    function = (kind == elf::STT_FUNC || kind == elf::STT_GNU_IFUNC)
                        && reloc.addend() == 0;
                }
                let kind = match r_type {
                    elf::R_X86_64_64 => RelocKind::Abs64,
                    elf::R_X86_64_32 | elf::R_X86_64_32S => RelocKind::Abs32,
                    elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => RelocKind::Pc32,
                    elf::R_X86_64_PC64 => RelocKind::Pc64,
                    elf::R_X86_64_GOTPCREL
                    | elf::R_X86_64_GOTPCRELX
                    | elf::R_X86_64_REX_GOTPCRELX => RelocKind::Got,
                    elf::R_X86_64_GOTOFF64
                    | elf::R_X86_64_GOT64
                    | elf::R_X86_64_GOTPCREL64
                    | elf::R_X86_64_GOTPC64
                    | elf::R_X86_64_GOTPLT64
                    | elf::R_X86_64_PLTOFF64 => RelocKind::Large,
                    // Of an ifunc's slot, which is filled at the start: `refs` reads their table.
                    elf::R_X86_64_NONE | elf::R_X86_64_IRELATIVE => continue,
                    _ => RelocKind::Other,
                };
                let reloc = Reloc {
                    at,
                    kind,
                    undefined_weak,
                    code,
                    function,
                };
                if self.in_text(at) {
                    self.text_relocs.push(reloc)
                } else {
                    self.data_relocs.push(reloc)
                }
            }
        }
        if !any {
            return Err(bad("it has no relocations; link with --emit-relocs"));
        }
        self.text_relocs.sort_by_key(|r| r.at);
        self.data_relocs.sort_by_key(|r| r.at);
        Ok(())
    }
}
