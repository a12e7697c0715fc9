//! What each kind of instruction becomes: `lowering/*.txt` hold input and expected output, `BLESS=1` rewrites them.
//!
//! A file is a list of cases: a line `# title`, a line of input bytes in hex, then the expected text after rewriting in
//! objdump's syntax, nops and the closing hlt left out. Behind a `|`, the input has a table of 8-byte pointers to these offsets, in decimal, at
//! 0x10000400; the expected text ends with where they point then. Every case is also given to the validator.

mod support;

use std::fmt::Write as _;
use std::path::Path;

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Mnemonic};
use object::Object as _;
use object::ObjectSection as _;
use support::{Elf, Symbol};
use zvm_abi::layout::TEXT_BASE;

/// The helpers of libzrt that code may be turned into calls of; each is a `ret` in the tests.
const HELPERS: [&str; 8] = [
    "__zrt_syscall",
    "__zrt_cpuid",
    "__zrt_pause",
    "__zrt_rdtsc",
    "__zrt_rdtscp",
    "__zrt_rdrand",
    "__zrt_fyl2x",
    "__zrt_xgetbv",
];

fn program(code: &[u8], table: &[u64]) -> Elf {
    let mut elf = Elf {
        text: code.to_vec(),
        ..Elf::default()
    };
    elf.symbols.push(Symbol {
        name: "main",
        address: TEXT_BASE,
        size: code.len() as u64,
    });
    for name in HELPERS {
        let address = TEXT_BASE + elf.text.len() as u64;
        elf.symbols.push(Symbol {
            name,
            address,
            size: 1,
        });
        elf.text.push(0xC3);
    }
    // Some relocation, so that the file looks linked with --emit-relocs.
    elf.relocs.push(support::Reloc {
        at: support::RODATA,
        kind: 0x0A,
        symbol: 0,
        addend: 0,
    });
    elf.rodata = vec![0; 64];
    for (entry, &offset) in table.iter().enumerate() {
        let target = TEXT_BASE + offset;
        elf.rodata[8 * entry..][..8].copy_from_slice(&target.to_le_bytes());
        elf.relocs.push(support::Reloc {
            at: support::RODATA + 8 * entry as u64,
            kind: object::elf::R_X86_64_64,
            symbol: 0,
            addend: offset as i64,
        });
    }
    elf
}

/// The rewritten `main`, or the refusal.
fn rewritten(code: &[u8], table: &[u64], level: u32) -> String {
    let options = zvm_rewriter::Options {
        level,
        ..Default::default()
    };
    let elf = program(code, table).build();
    let image = match zvm_rewriter::rewrite(&elf, &options) {
        Ok(image) => image,
        Err(error) => return format!("{error}\n"),
    };
    let again = zvm_rewriter::rewrite(&elf, &options).expect("the same answer");
    assert!(
        image.bytes == again.bytes,
        "the same input gives the same bytes"
    );
    let file = object::File::parse(&*image.bytes).expect("the image parses");
    let section = file.section_by_name(".text").expect("an image has text");
    let text = section.data().expect("text is in the file");
    support::assert_valid(text, level);
    let mut out = String::new();
    let mut formatter = GasFormatter::new();
    let end = symbol(&file, "__zrt_syscall");
    let mut decoder = Decoder::with_ip(64, text, TEXT_BASE, DecoderOptions::NONE);
    while decoder.can_decode() && decoder.ip() < end {
        let insn = decoder.decode();
        if matches!(insn.mnemonic(), Mnemonic::Nop) {
            continue;
        }
        let from = (insn.ip() - TEXT_BASE) as usize;
        let mut line = String::new();
        formatter.format(&insn, &mut line);
        let bytes: Vec<String> = text[from..from + insn.len()]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let _ = writeln!(out, "  {:<30} {line}", bytes.join(" "));
    }
    if !table.is_empty() {
        let rodata = file.section_by_name(".rodata").expect("rodata");
        let rodata = rodata.data().expect("rodata is in the file");
        let entries = rodata.chunks_exact(8).take(table.len());
        let entries = entries.map(|e| u64::from_le_bytes(e.try_into().expect("8 bytes")));
        let entries: Vec<String> = entries.map(|e| format!("{e:#x}")).collect();
        let _ = writeln!(out, "  table: {}", entries.join(" "));
    }
    out
}

fn symbol(file: &object::File<'_>, name: &str) -> u64 {
    use object::ObjectSymbol as _;
    file.symbols()
        .find(|s| s.name() == Ok(name))
        .expect("a known symbol")
        .address()
}

fn hex(line: &str) -> Vec<u8> {
    line.split_whitespace()
        .map(|b| u8::from_str_radix(b, 16).expect("hex bytes"))
        .collect()
}

#[test]
fn lowering() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lowering");
    let bless = std::env::var_os("BLESS").is_some();
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .expect("tests/lowering")
        .map(|e| e.expect("an entry").path())
        .collect();
    files.sort();
    let mut cases = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable case file");
        let level = if file.to_string_lossy().contains("v3") {
            3
        } else {
            1
        };
        let mut actual = String::new();
        for case in text.split("# ").skip(1) {
            let (title, rest) = case.split_once('\n').expect("a title line");
            let input = rest.lines().next().expect("a line of bytes");
            let (code, table) = input.split_once(" | ").unwrap_or((input, ""));
            let offsets = table.split_whitespace();
            let table: Vec<u64> = offsets.map(|o| o.parse().expect("an offset")).collect();
            let _ = write!(
                actual,
                "# {title}\n{input}\n{}\n",
                rewritten(&hex(code), &table, level)
            );
            cases += 1;
        }
        if bless {
            std::fs::write(&file, actual).expect("a writable case file");
        } else {
            assert_eq!(
                text.trim_end(),
                actual.trim_end(),
                "{} (BLESS=1 rewrites it)",
                file.display()
            );
        }
    }
    assert!(cases > 110, "only {cases} cases were found");
}
