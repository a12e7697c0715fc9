//! Builds linked ELF files as the linker would write them, from bytes, symbols and relocations.

use object::elf::{self, FileHeader64, ProgramHeader64, Rela64, SectionHeader64, Sym64};
use object::{I64, LittleEndian as LE, U16, U32, U64, pod};
use zvm_abi::layout;

/// A symbol in text or data.
pub struct Symbol {
    pub name: &'static str,
    pub address: u64,
    pub size: u64,
}

/// A relocation: where, its type, the symbol's index in [`Elf::symbols`], the addend.
pub struct Reloc {
    pub at: u64,
    pub kind: u32,
    pub symbol: usize,
    pub addend: i64,
}

/// A linked program: text at 0x20000, rodata at 0x10000400 behind the room for headers.
#[derive(Default)]
pub struct Elf {
    pub text: Vec<u8>,
    pub rodata: Vec<u8>,
    pub symbols: Vec<Symbol>,
    pub relocs: Vec<Reloc>,
    /// What PT_GNU_STACK says.
    pub stack_size: u64,
}

/// Where the test's rodata lies.
pub const RODATA: u64 = layout::DATA_BASE + layout::HEADER_ROOM;

impl Elf {
    /// The file's bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut data = vec![0u8; layout::HEADER_ROOM as usize];
        data.extend_from_slice(&self.rodata);
        let mut file = vec![0u8; 0x1000];
        let text_at = file.len() as u64;
        file.extend_from_slice(&self.text);
        file.resize(file.len().next_multiple_of(0x1000), 0);
        let data_at = file.len() as u64;
        file.extend_from_slice(&data);

        let mut strings = vec![0u8];
        let mut symbols = vec![symbol(0, 0, 0, 0, 0)];
        for s in &self.symbols {
            let name = strings.len() as u32;
            strings.extend_from_slice(s.name.as_bytes());
            strings.push(0);
            let section = if s.address < layout::DATA_BASE { 1 } else { 3 };
            let kind = if section == 1 {
                elf::STT_FUNC
            } else {
                elf::STT_OBJECT
            };
            symbols.push(symbol(
                name,
                elf::STB_GLOBAL << 4 | kind,
                section,
                s.address,
                s.size,
            ));
        }
        let rela = |text: bool| -> Vec<Rela64<LE>> {
            let wanted = |r: &&Reloc| (r.at < layout::DATA_BASE) == text;
            self.relocs
                .iter()
                .filter(wanted)
                .map(|r| Rela64 {
                    r_offset: U64::new(LE, r.at),
                    r_info: U64::new(LE, (r.symbol as u64 + 1) << 32 | u64::from(r.kind)),
                    r_addend: I64::new(LE, r.addend),
                })
                .collect()
        };
        let names = b"\0.text\0.zvm.headers\0.rodata\0.symtab\0.strtab\0.rela.text\0.rela.rodata\0";
        let name = |wanted: &str| {
            let wanted = format!("{wanted}\0");
            names
                .windows(wanted.len())
                .position(|w| w == wanted.as_bytes())
                .expect("a known name") as u32
        };
        let mut put = |bytes: &[u8]| {
            file.resize(file.len().next_multiple_of(8), 0);
            let at = file.len() as u64;
            file.extend_from_slice(bytes);
            (at, bytes.len() as u64)
        };
        let alloc = u64::from(elf::SHF_ALLOC);
        let code = alloc | u64::from(elf::SHF_EXECINSTR);
        let symtab = put(pod::bytes_of_slice(&symbols));
        let strtab = put(&strings);
        let rela_text = put(pod::bytes_of_slice(&rela(true)));
        let rela_data = put(pod::bytes_of_slice(&rela(false)));
        let (text_len, data_len) = (self.text.len() as u64, self.rodata.len() as u64);
        let headers = [
            section(0, elf::SHT_NULL, 0, 0, (0, 0), 0, 0),
            section(
                name(".text"),
                elf::SHT_PROGBITS,
                code,
                layout::TEXT_BASE,
                (text_at, text_len),
                0,
                0,
            ),
            section(
                name(".zvm.headers"),
                elf::SHT_PROGBITS,
                alloc,
                layout::DATA_BASE,
                (data_at, layout::HEADER_ROOM),
                0,
                0,
            ),
            section(
                name(".rodata"),
                elf::SHT_PROGBITS,
                alloc,
                RODATA,
                (data_at + layout::HEADER_ROOM, data_len),
                0,
                0,
            ),
            section(name(".symtab"), elf::SHT_SYMTAB, 0, 0, symtab, 5, 1),
            section(name(".strtab"), elf::SHT_STRTAB, 0, 0, strtab, 0, 0),
            section(name(".rela.text"), elf::SHT_RELA, 0, 0, rela_text, 4, 1),
            section(name(".rela.rodata"), elf::SHT_RELA, 0, 0, rela_data, 4, 3),
            section(name(".strtab"), elf::SHT_STRTAB, 0, 0, put(names), 0, 0),
        ];
        let (sections_at, _) = put(pod::bytes_of_slice(&headers));
        let mut segments = [
            segment(elf::PF_R | elf::PF_X, text_at, layout::TEXT_BASE, text_len),
            segment(elf::PF_R, data_at, layout::DATA_BASE, data.len() as u64),
            segment(elf::PF_R | elf::PF_W, 0, 0, 0),
        ];
        segments[2].p_type = U32::new(LE, elf::PT_GNU_STACK);
        segments[2].p_memsz = U64::new(LE, self.stack_size);
        let header = FileHeader64::<LE> {
            e_ident: elf::Ident {
                magic: elf::ELFMAG,
                class: elf::ELFCLASS64,
                data: elf::ELFDATA2LSB,
                version: elf::EV_CURRENT,
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                padding: [0; 7],
            },
            e_type: U16::new(LE, elf::ET_EXEC),
            e_machine: U16::new(LE, elf::EM_X86_64),
            e_version: U32::new(LE, 1),
            e_entry: U64::new(LE, layout::TEXT_BASE),
            e_phoff: U64::new(LE, 64),
            e_shoff: U64::new(LE, sections_at),
            e_flags: U32::new(LE, 0),
            e_ehsize: U16::new(LE, 64),
            e_phentsize: U16::new(LE, 56),
            e_phnum: U16::new(LE, segments.len() as u16),
            e_shentsize: U16::new(LE, 64),
            e_shnum: U16::new(LE, headers.len() as u16),
            e_shstrndx: U16::new(LE, headers.len() as u16 - 1),
        };
        file[..64].copy_from_slice(pod::bytes_of(&header));
        let table = pod::bytes_of_slice(&segments);
        file[64..64 + table.len()].copy_from_slice(table);
        file
    }
}

fn symbol(name: u32, info: u8, section: u16, address: u64, size: u64) -> Sym64<LE> {
    Sym64 {
        st_name: U32::new(LE, name),
        st_info: info,
        st_other: 0,
        st_shndx: U16::new(LE, section),
        st_value: U64::new(LE, address),
        st_size: U64::new(LE, size),
    }
}

fn section(
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    (offset, size): (u64, u64),
    link: u32,
    info: u32,
) -> SectionHeader64<LE> {
    let entry = match kind {
        elf::SHT_SYMTAB | elf::SHT_RELA => 24,
        _ => 0,
    };
    SectionHeader64 {
        sh_name: U32::new(LE, name),
        sh_type: U32::new(LE, kind),
        sh_flags: U64::new(LE, flags),
        sh_addr: U64::new(LE, address),
        sh_offset: U64::new(LE, offset),
        sh_size: U64::new(LE, size),
        sh_link: U32::new(LE, link),
        sh_info: U32::new(LE, info),
        sh_addralign: U64::new(LE, 1),
        sh_entsize: U64::new(LE, entry),
    }
}

fn segment(flags: u32, offset: u64, address: u64, size: u64) -> ProgramHeader64<LE> {
    ProgramHeader64 {
        p_type: U32::new(LE, elf::PT_LOAD),
        p_flags: U32::new(LE, flags),
        p_offset: U64::new(LE, offset),
        p_vaddr: U64::new(LE, address),
        p_paddr: U64::new(LE, address),
        p_filesz: U64::new(LE, size),
        p_memsz: U64::new(LE, size),
        p_align: U64::new(LE, 0x1000),
    }
}

/// The validator must accept this text.
pub fn assert_valid(text: &[u8], level: u32) {
    let level = match level {
        1 => zvm_validator::Level::V1,
        3 => zvm_validator::Level::V3,
        _ => panic!("no test is of level {level}"),
    };
    let mut starts = vec![0; zvm_validator::bitmap_len(text.len())];
    let verdict = zvm_validator::validate(text, layout::TEXT_BASE as u32, level, &mut starts);
    assert!(verdict.is_ok(), "{verdict:?}");
}
