//! `-z stack-size=N`: the size of threads' stacks, which musl reads from PT_GNU_STACK. No linker writes it where a linker script
//! lists the program headers, as an image's does.

use std::ffi::OsString;

use object::LittleEndian as LE;
use object::elf::{FileHeader64, PT_GNU_STACK, ProgramHeader64};
use object::pod;

/// What the linker's arguments ask for, the last of them. The linker says what is wrong with one that is no number.
pub fn size(inputs: &[OsString]) -> Option<u64> {
    let sizes = inputs.windows(2).filter(|pair| pair[0] == "-z");
    sizes
        .filter_map(|pair| pair[1].to_str()?.strip_prefix("stack-size="))
        .filter_map(number)
        .next_back()
}

/// As linkers read it: decimal, `0x` and hexadecimal, `0` and octal.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    u64::from_str_radix(digits, radix).ok()
}

/// Writes the size into a linked program that has a PT_GNU_STACK.
pub fn set(elf: &mut [u8], size: u64) {
    let Ok((header, _)) = pod::from_bytes::<FileHeader64<LE>>(elf) else {
        return;
    };
    let offset = header.e_phoff.get(LE) as usize;
    let count = usize::from(header.e_phnum.get(LE));
    let Some(table) = elf.get_mut(offset..) else {
        return;
    };
    let Ok((headers, _)) = pod::slice_from_bytes_mut::<ProgramHeader64<LE>>(table, count) else {
        return;
    };
    for header in headers {
        if header.p_type.get(LE) == PT_GNU_STACK {
            header.p_memsz.set(LE, size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_size_counts() {
        let of = |args: &str| size(&args.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("a.o -z now -lm"), None);
        assert_eq!(
            of("-z stack-size=1 a.o -z stack-size=0x20000"),
            Some(0x20000)
        );
        assert_eq!(of("-z stack-size=010"), Some(8));
        assert_eq!(of("-z stack-size=0"), Some(0));
    }
}
