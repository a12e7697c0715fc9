//! What an image's headers keep of the input's.

mod support;

use object::LittleEndian as LE;
use object::elf::{FileHeader64, PT_GNU_STACK};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use support::{Elf, Symbol};
use zvm_abi::layout::TEXT_BASE;

#[test]
fn the_size_of_the_stack_is_kept() {
    let elf = Elf {
        text: vec![0xC3],
        rodata: vec![0; 64],
        symbols: vec![Symbol {
            name: "main",
            address: TEXT_BASE,
            size: 1,
        }],
        // Some relocation, so that the file looks linked with --emit-relocs.
        relocs: vec![support::Reloc {
            at: support::RODATA,
            kind: object::elf::R_X86_64_32S,
            symbol: 0,
            addend: 0,
        }],
        stack_size: 2 << 20,
    };
    let image = zvm_rewriter::rewrite(&elf.build(), &zvm_rewriter::Options::default());
    let bytes = image.expect("it is ordinary code").bytes;
    let header = FileHeader64::<LE>::parse(&*bytes).expect("the image parses");
    let segments = header
        .program_headers(LE, &*bytes)
        .expect("it has segments");
    let stack = segments.iter().find(|s| s.p_type(LE) == PT_GNU_STACK);
    assert_eq!(stack.map(|s| s.p_memsz(LE)), Some(2 << 20));
    let text = object::File::parse(&*bytes).expect("the image parses");
    let text = object::Object::section_by_name(&text, ".text").expect("an image has text");
    let text = object::ObjectSection::data(&text).expect("text is in the file");
    support::assert_valid(text, 1);
}
