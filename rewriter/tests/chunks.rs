//! A program of several chunks: the same image with one processor and with all.

mod support;

use std::process::Command;

use object::{Object as _, ObjectSection as _};
use support::{Elf, Symbol};
use zvm_abi::layout::TEXT_BASE;

const FUNCTIONS: usize = 6_000;
const SIZE: usize = 48;

/// Functions that call and jump to others far away, and to the next one.
fn program() -> Elf {
    let mut elf = Elf::default();
    for function in 0..FUNCTIONS {
        let start = function * SIZE;
        let mut code: Vec<u8> = vec![0x53, 0x89, 0xFB]; // push %rbx; mov %edi, %ebx
        let to = |from: usize, function: usize| {
            let target = (function % FUNCTIONS * SIZE) as i32;
            (target - (start + from) as i32).to_le_bytes()
        };
        code.push(0xE8);
        code.extend(to(8, function * 7 + 1));
        for _ in 0..8 {
            code.extend([0x8B, 0x03]); // mov (%rbx), %eax
        }
        code.extend([0x85, 0xC0, 0x0F, 0x84]); // test %eax, %eax; je
        code.extend(to(32, function * 13 + 5));
        code.extend([0x5B, 0xE9]); // pop %rbx; jmp
        code.extend(to(38, function + 1));
        assert_eq!(code.len(), 38);
        code.resize(SIZE, 0x90);
        elf.text.extend(code);
        elf.symbols.push(Symbol {
            name: "f",
            address: TEXT_BASE + start as u64,
            size: 38,
        });
    }
    // Some relocation, so that the file looks linked with --emit-relocs.
    elf.relocs.push(support::Reloc {
        at: support::RODATA,
        kind: object::elf::R_X86_64_32S,
        symbol: 0,
        addend: 0,
    });
    elf.rodata = vec![0; 64];
    elf
}

fn image() -> Vec<u8> {
    let options = zvm_rewriter::Options::default();
    let image = zvm_rewriter::rewrite(&program().build(), &options);
    image.expect("it is ordinary code").bytes
}

#[test]
fn one_processor_makes_the_same_image() {
    let bytes = image();
    if let Some(path) = std::env::var_os("ZVM_ONE") {
        let file = object::File::parse(&*bytes).expect("the image parses");
        let text = file.section_by_name(".text").expect("an image has text");
        support::assert_valid(text.data().expect("text is in the file"), 1);
        std::fs::write(path, bytes).expect("a writable file");
        return;
    }
    let path = std::env::temp_dir().join(format!("zvm-chunks-{}", std::process::id()));
    let this = std::env::current_exe().expect("this test");
    let one = Command::new("taskset")
        .args(["-c", "0"])
        .arg(this)
        .arg("one_processor_makes_the_same_image")
        .env("ZVM_ONE", &path)
        .output();
    let Ok(one) = one else {
        eprintln!("taskset is not installed: skipped");
        return;
    };
    assert!(one.status.success(), "{one:?}");
    let alone = std::fs::read(&path).expect("what one processor made");
    std::fs::remove_file(&path).expect("the test's file");
    assert!(alone == bytes, "the images differ");
}
