//! The program's first stack: argc, argv, envp and the auxiliary vector, as Linux lays them out (`create_elf_tables`).

use alloc::vec::Vec;

use zvm_abi::layout::PAGE;

use crate::time::TICKS;

/// Where the program headers are.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    /// The image's entry point.
    pub entry: u64,
    /// Address of the first header.
    pub address: u64,
    /// Bytes in one.
    pub size: u64,
    /// How many.
    pub count: u64,
}

/// What the stack tells the program.
#[derive(Clone, Debug)]
pub struct Program {
    /// argv.
    pub args: Vec<Vec<u8>>,
    /// `NAME=value` strings.
    pub env: Vec<Vec<u8>>,
    /// For `AT_PHDR` and its kin.
    pub headers: Headers,
}

/// Bytes to put on the stack.
#[derive(Clone, Debug)]
pub struct Image {
    /// Where they go: the program's first stack pointer, 16-aligned.
    pub pointer: u64,
    /// Up to the stack's top.
    pub bytes: Vec<u8>,
}

/// Keys of the auxiliary vector (include/uapi/linux/auxvec.h).
mod key {
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const PLATFORM: u64 = 15;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const EXECFN: u64 = 31;
}

/// Builds the stack below `top`; `None` if it takes more than `room` bytes.
pub fn build(program: &Program, random: &[u8; 16], top: u64, room: u64) -> Option<Image> {
    // Strings first: what they are, and where each lies from their start on.
    let mut strings: Vec<u8> = Vec::new();
    let mut add = |bytes: &[u8]| {
        let offset = strings.len() as u64;
        strings.extend_from_slice(bytes);
        strings.push(0);
        offset
    };
    let args: Vec<u64> = program.args.iter().map(|arg| add(arg)).collect();
    let env: Vec<u64> = program.env.iter().map(|entry| add(entry)).collect();
    let name = args.first().copied().unwrap_or_else(|| add(b""));
    let platform = add(b"x86_64");
    let seed = add(random);
    let words = 1 + args.len() as u64 + 1 + env.len() as u64 + 1 + 2 * 18;
    let size = words * 8 + strings.len() as u64;
    if size > room {
        return None;
    }
    // Linux leaves a null word at the very top.
    let pointer = (top - 8 - size) & !15;
    let base = pointer + words * 8;
    let headers = &program.headers;
    let auxiliary = [
        (key::PHDR, headers.address),
        (key::PHENT, headers.size),
        (key::PHNUM, headers.count),
        (key::PAGESZ, PAGE),
        (key::BASE, 0),
        (key::FLAGS, 0),
        (key::ENTRY, headers.entry),
        (key::UID, 0),
        (key::EUID, 0),
        (key::GID, 0),
        (key::EGID, 0),
        (key::SECURE, 0),
        (key::HWCAP, 0),
        (key::CLKTCK, TICKS),
        (key::PLATFORM, base + platform),
        (key::RANDOM, base + seed),
        (key::EXECFN, base + name),
        (key::NULL, 0),
    ];
    let mut bytes = Vec::with_capacity((top - pointer) as usize);
    let mut word = |value: u64| bytes.extend_from_slice(&value.to_le_bytes());
    word(args.len() as u64);
    args.iter().for_each(|offset| word(base + offset));
    word(0);
    env.iter().for_each(|offset| word(base + offset));
    word(0);
    for (key, value) in auxiliary {
        word(key);
        word(value);
    }
    bytes.extend_from_slice(&strings);
    bytes.resize((top - pointer) as usize, 0);
    Some(Image { pointer, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(args: &[&str]) -> Program {
        let headers = Headers {
            entry: 0x2_0020,
            address: 0x1000_0040,
            size: 56,
            count: 5,
        };
        Program {
            args: args.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
            env: alloc::vec![b"A=b".to_vec()],
            headers,
        }
    }

    #[test]
    fn it_reads_as_linux_s_does() {
        let top = 0xFFFF_F000;
        for args in [&["prog", "", "three"][..], &[]] {
            let image = build(&program(args), &[7; 16], top, 1 << 20).unwrap();
            assert_eq!(
                (image.pointer % 16, image.pointer + image.bytes.len() as u64),
                (0, top)
            );
            let at = |address: u64| (address - image.pointer) as usize;
            let word = |index: u64| {
                u64::from_le_bytes(image.bytes[index as usize * 8..][..8].try_into().unwrap())
            };
            let text = |address: u64| {
                image.bytes[at(address)..]
                    .split(|&byte| byte == 0)
                    .next()
                    .unwrap()
                    .to_vec()
            };
            let count = args.len() as u64;
            assert_eq!(word(0), count);
            for (index, arg) in args.iter().enumerate() {
                assert_eq!(text(word(1 + index as u64)), arg.as_bytes());
            }
            assert_eq!(
                (word(1 + count), text(word(2 + count)), word(3 + count)),
                (0, b"A=b".to_vec(), 0)
            );
            let mut found = Vec::new();
            let mut index = 4 + count;
            while word(index) != key::NULL {
                found.push((word(index), word(index + 1)));
                index += 2;
            }
            let value = |key| found.iter().find(|entry| entry.0 == key).unwrap().1;
            assert_eq!(
                (value(key::PHDR), value(key::PHENT), value(key::PHNUM)),
                (0x1000_0040, 56, 5)
            );
            assert_eq!(
                (value(key::PAGESZ), value(key::SECURE), value(key::HWCAP)),
                (4096, 0, 0)
            );
            assert_eq!(image.bytes[at(value(key::RANDOM))..][..16], [7; 16]);
            assert_eq!(text(value(key::PLATFORM)), b"x86_64");
            assert_eq!(
                text(value(key::EXECFN)),
                args.first().map_or("", |arg| arg).as_bytes()
            );
        }
    }

    #[test]
    fn too_much_is_refused() {
        assert!(
            build(
                &program(&["x".repeat(5000).as_str()]),
                &[0; 16],
                0xFFFF_F000,
                4096
            )
            .is_none()
        );
    }
}
