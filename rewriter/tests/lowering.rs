//! What each kind of instruction becomes: `lowering/*.txt` hold input and expected output, `BLESS=1` rewrites them.
//!
//! A file is a list of cases: a line `# title`, a line of input bytes in hex, then the expected text after rewriting in
//! objdump's syntax, nops and the closing hlt left out. Every case is also given to the validator.

mod support;

use std::fmt::Write as _;
use std::path::Path;

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Mnemonic};
use object::Object as _;
use object::ObjectSection as _;
use support::{Elf, Symbol};
use zvm_abi::layout::TEXT_BASE;

/// The helpers of libzrt that code may be turned into calls of; each is a `ret` in the tests.
const HELPERS: [&str; 7] = [
    "__zrt_syscall",
    "__zrt_cpuid",
    "__zrt_rdtsc",
    "__zrt_rdtscp",
    "__zrt_rdrand",
    "__zrt_fyl2x",
    "__zrt_xgetbv",
];

fn program(code: &[u8]) -> Elf {
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
    elf
}

/// The rewritten `main`, or the refusal.
fn rewritten(code: &[u8], level: u32) -> String {
    let options = zvm_rewriter::Options {
        level,
        ..Default::default()
    };
    let image = match zvm_rewriter::rewrite(&program(code).build(), &options) {
        Ok(image) => image,
        Err(error) => return format!("{error}\n"),
    };
    let file = object::File::parse(&*image.bytes).expect("the image parses");
    let section = file.section_by_name(".text").expect("an image has text");
    let text = section.data().expect("text is in the file");
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
            let _ = write!(
                actual,
                "# {title}\n{input}\n{}\n",
                rewritten(&hex(input), level)
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
    assert!(cases > 60, "only {cases} cases were found");
}
