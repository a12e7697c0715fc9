//! Small images for tests: an assembler that keeps bundles, and an ELF writer. No compiler is needed.
#![allow(dead_code, reason = "each user of this module takes a part")]

use iced_x86::IcedError;
use iced_x86::code_asm::CodeAssembler;
use zvm_abi::{layout, note, trap};

/// Where an image's writable data starts.
pub const DATA: u64 = layout::DATA_BASE + layout::PAGE;
/// Where the heap of an image with at most one page of data starts.
pub const HEAP: u64 = DATA + layout::PAGE;

/// A program under construction: text from [`layout::TEXT_BASE`], data from [`DATA`].
pub struct Program {
    pub text: Vec<u8>,
    pub data: Vec<u8>,
    pub level: u32,
    pub symbols: Vec<(&'static str, u64)>,
}

impl Program {
    pub fn new() -> Program {
        Program {
            text: Vec::new(),
            data: Vec::new(),
            level: 1,
            symbols: vec![("start", layout::TEXT_BASE)],
        }
    }

    /// The next instruction's address.
    pub fn here(&self) -> u64 {
        layout::TEXT_BASE + self.text.len() as u64
    }

    /// Pads to a bundle's start.
    pub fn align(&mut self) -> u64 {
        self.text.resize(self.text.len().next_multiple_of(32), 0x90);
        self.here()
    }

    /// Adds instructions that stay in one bundle.
    pub fn put(
        &mut self,
        write: impl Fn(&mut CodeAssembler) -> Result<(), IcedError>,
    ) -> &mut Self {
        let assemble = |at| {
            let mut assembler = CodeAssembler::new(64).unwrap();
            write(&mut assembler).unwrap();
            assembler.assemble(at).unwrap()
        };
        if 32 - self.text.len() % 32 < assemble(self.here()).len() {
            self.align();
        }
        let bytes = assemble(self.here());
        assert!(bytes.len() <= 32, "a group is one bundle at most");
        self.text.extend_from_slice(&bytes);
        self
    }

    /// Adds bytes that stay in one bundle.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        if 32 - self.text.len() % 32 < bytes.len() {
            self.align();
        }
        self.text.extend_from_slice(bytes);
        self
    }

    /// A call of `target` at a bundle's end.
    pub fn call(&mut self, target: u64) -> &mut Self {
        self.pad_before(5);
        self.put(|a| a.call(target))
    }

    /// `and $-32,%eax; call *%rax` at a bundle's end.
    pub fn call_rax(&mut self) -> &mut Self {
        self.pad_before(5);
        self.raw(&[0x83, 0xe0, 0xe0, 0xff, 0xd0])
    }

    /// `and $-32,%eax; jmp *%rax`.
    pub fn jump_rax(&mut self) -> &mut Self {
        self.raw(&[0x83, 0xe0, 0xe0, 0xff, 0xe0])
    }

    fn pad_before(&mut self, length: usize) {
        while self.text.len() % 32 != 32 - length {
            self.text.push(0x90);
        }
    }

    /// Puts bytes into data, 16-aligned; the answer is their address.
    pub fn bytes(&mut self, bytes: &[u8]) -> u64 {
        self.data.resize(self.data.len().next_multiple_of(16), 0);
        let at = DATA + self.data.len() as u64;
        self.data.extend_from_slice(bytes);
        at
    }

    /// Puts words into data.
    pub fn words(&mut self, words: &[u64]) -> u64 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    /// A trap with these arguments; the answer is the array's address, for changes at run time.
    pub fn trap(&mut self, id: u64, args: [u64; 4]) -> u64 {
        let array = self.words(&[id, 0, args[0], args[1], args[2], args[3]]);
        self.trap_at(array);
        array
    }

    /// A trap with the array at `array`.
    pub fn trap_at(&mut self, array: u64) -> &mut Self {
        self.put(|a| a.mov(iced_x86::code_asm::edi, array as u32));
        self.call(layout::TRAMPOLINE_BASE)
    }

    /// Writes text to a channel.
    pub fn write(&mut self, channel: u64, text: &[u8]) -> &mut Self {
        let at = self.bytes(text);
        self.trap(trap::WRITE, [channel, at, text.len() as u64, 0]);
        self
    }

    /// Writes memory to stdout.
    pub fn dump(&mut self, at: u64, size: u64) -> &mut Self {
        self.trap(trap::WRITE, [1, at, size, 0]);
        self
    }

    /// `movq %rax, at`, through an address in a 32-bit register that is free for it.
    pub fn store_rax(&mut self, at: u64) -> &mut Self {
        use iced_x86::code_asm::*;
        self.put(|a| {
            a.mov(ecx, at as u32)?;
            a.mov(qword_ptr(ecx), rax)
        })
    }

    /// Ends with a status.
    pub fn exit(&mut self, status: u64) -> &mut Self {
        self.trap(trap::EXIT, [status, 0, 0, 0]);
        self
    }

    /// Ends with the low byte of rax.
    pub fn exit_rax(&mut self) -> &mut Self {
        let array = self.words(&[trap::EXIT, 0, 0, 0, 0, 0]);
        self.store_rax(array + 16).trap_at(array)
    }

    /// The image file.
    pub fn elf(&self) -> Vec<u8> {
        let mut program = self.text.clone();
        program.resize(program.len().next_multiple_of(32), 0x90);
        program.extend_from_slice(&[0xf4; 32]);
        elf(&program, &self.data, self.level, &self.symbols)
    }
}

/// File offset of the program header with this index.
pub fn phdr(index: usize) -> usize {
    64 + 56 * index
}

/// Indices of the program headers that [`elf`] writes.
pub const TEXT: usize = 0;
pub const RODATA: usize = 1;
pub const RWDATA: usize = 2;
pub const NOTE: usize = 3;
/// File offset of text.
pub const TEXT_OFFSET: usize = 0x1000;

fn elf(text: &[u8], data: &[u8], level: u32, symbols: &[(&'static str, u64)]) -> Vec<u8> {
    let data_offset = (TEXT_OFFSET + text.len()).next_multiple_of(0x1000);
    let note_offset = phdr(4);
    let mut file = vec![0; data_offset];
    let put = |file: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        file[at..at + bytes.len()].copy_from_slice(bytes)
    };
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put(&mut file, 16, &[2, 0, 62, 0, 1, 0, 0, 0]);
    put(&mut file, 24, &layout::TEXT_BASE.to_le_bytes());
    put(&mut file, 32, &64_u64.to_le_bytes());
    put(&mut file, 52, &[64, 0, 56, 0, 4, 0, 64, 0]);
    let loads = [
        (1_u32, 5_u32, TEXT_OFFSET, layout::TEXT_BASE, text.len()),
        (1, 4, 0, layout::DATA_BASE, 0x400),
        (1, 6, data_offset, DATA, data.len().max(8)),
        (
            4,
            4,
            note_offset,
            layout::DATA_BASE + note_offset as u64,
            24,
        ),
    ];
    for (index, (kind, flags, offset, address, size)) in loads.into_iter().enumerate() {
        let at = phdr(index);
        put(&mut file, at, &kind.to_le_bytes());
        put(&mut file, at + 4, &flags.to_le_bytes());
        for (field, value) in [
            offset as u64,
            address,
            address,
            size as u64,
            size as u64,
            0x1000,
        ]
        .into_iter()
        .enumerate()
        {
            put(&mut file, at + 8 + 8 * field, &value.to_le_bytes());
        }
    }
    put(
        &mut file,
        phdr(RWDATA) + 32,
        &(data.len() as u64).to_le_bytes(),
    );
    let words = [
        4,
        8,
        note::TYPE,
        u32::from_le_bytes(*b"ZVM\0"),
        note::VERSION,
        level,
    ];
    words
        .iter()
        .enumerate()
        .for_each(|(index, word)| put(&mut file, note_offset + 4 * index, &word.to_le_bytes()));
    put(&mut file, TEXT_OFFSET, text);
    file.extend_from_slice(data);

    let mut names = vec![0];
    let mut table = vec![0; 24];
    for (name, address) in symbols {
        let mut symbol = [0; 24];
        symbol[0..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
        symbol[4] = 0x12;
        symbol[6] = 1;
        symbol[8..16].copy_from_slice(&address.to_le_bytes());
        table.extend_from_slice(&symbol);
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    let section = |kind: u32, offset: usize, size: usize, link: u32, entry: u64| {
        let mut header = [0; 64];
        header[4..8].copy_from_slice(&kind.to_le_bytes());
        header[24..32].copy_from_slice(&(offset as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        header[40..44].copy_from_slice(&link.to_le_bytes());
        header[56..64].copy_from_slice(&entry.to_le_bytes());
        header
    };
    let table_at = file.len();
    file.extend_from_slice(&table);
    let names_at = file.len();
    file.extend_from_slice(&names);
    let sections_at = file.len();
    put(&mut file, 40, &(sections_at as u64).to_le_bytes());
    put(&mut file, 60, &[3, 0, 0, 0]);
    file.extend_from_slice(&[0; 64]);
    file.extend_from_slice(&section(2, table_at, table.len(), 2, 24));
    file.extend_from_slice(&section(3, names_at, names.len(), 0, 0));
    file
}
