//! Enumeration: every opcode of every map with every shape of ModRM and SIB behind prefixes in legal and illegal orders, REX,
//! VEX and EVEX with their fields. Whatever the validator accepts must be the same instruction for two other decoders, and keep
//! the rules in iced's terms.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use iced_x86::{Decoder, DecoderOptions, Instruction};

use crate::ask::{BASE, accepted, bundle, lowest_level};
use crate::candidate::candidate;
use crate::oracle;
use crate::random::Random;
use crate::second::Second;

/// Differences that have been looked at, `kind what | why`, one a line: the line by what stands in front.
static EXPLAINED: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("../explained.txt").lines();
    lines
        .filter_map(|line| Some((line.split_once(" | ")?.0, line)))
        .collect()
});

/// What one family of byte strings came to.
#[derive(Default)]
pub struct Counts {
    /// The family.
    pub name: &'static str,
    /// Byte strings tried.
    pub tried: u64,
    /// Of those, accepted by the validator.
    pub accepted: u64,
}

/// What was found.
#[derive(Default)]
pub struct Findings {
    /// By family.
    pub counts: Vec<Counts>,
    /// Differences on the list: the line, and how often.
    pub explained: BTreeMap<&'static str, u64>,
    /// Others: what, an example, how often.
    pub unexplained: BTreeMap<String, (String, u64)>,
    second: Second,
}

/// A family of byte strings: how many values each of its parts has, and the string for one value of each.
struct Family {
    name: &'static str,
    parts: &'static [u64],
    build: fn(&[u64], &mut Bytes),
}

/// A string under construction; what does not fit into an instruction is cut off.
#[derive(Default)]
struct Bytes {
    bytes: [u8; 15],
    length: usize,
}

impl Bytes {
    fn put(&mut self, part: &[u8]) {
        for &byte in part.iter().take(15 - self.length) {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
    }
}

/// More than any family has, and prime: multiples of it visit every string once, in an order without pattern.
const PRIME: u64 = 4_611_686_018_427_387_847;

/// Enumerates one of `stride` byte strings of each family, and calls `progress` now and then with a family's counts. Of the
/// `stride` ways to choose them, all of which together are all strings, it takes the one of number `part`.
pub fn run(stride: u64, part: u64, progress: &mut dyn FnMut(&Counts)) -> Findings {
    let mut findings = Findings::default();
    for family in FAMILIES {
        let mut counts = Counts {
            name: family.name,
            ..Counts::default()
        };
        let all: u64 = family.parts.iter().product();
        let mut values = vec![0; family.parts.len()];
        let begin = |part: u64| {
            let parts = u128::from(stride.max(1));
            (u128::from(all) * u128::from(part).min(parts) / parts) as u64
        };
        for number in begin(part)..begin(part + 1) {
            let mut rest = (u128::from(number) * u128::from(PRIME) % u128::from(all)) as u64;
            for (value, count) in values.iter_mut().zip(family.parts) {
                (*value, rest) = (rest % count, rest / count);
            }
            let mut bytes = Bytes::default();
            (family.build)(&values, &mut bytes);
            counts.tried += 1;
            counts.accepted += u64::from(findings.look_at(&bytes.bytes[..bytes.length]));
            if counts.tried.is_multiple_of(1 << 24) {
                progress(&counts);
            }
        }
        progress(&counts);
        findings.counts.push(counts);
    }
    findings
}

impl Findings {
    /// Whether the validator accepts the first instruction of `bytes`; if so, what the others say is noted.
    fn look_at(&mut self, bytes: &[u8]) -> bool {
        let mut code = bundle(bytes);
        let Some(length) = accepted(&mut code, zvm_validator::Level::V4) else {
            return false;
        };
        let level = lowest_level(&code);
        let example = |more: String| format!("{:02x?} {more}", &code[..length]);
        if let Some(why) = oracle::objection(&code[..16], length, level, BASE.into()) {
            self.note(format!("rule {why}"), example(String::new()));
            return true;
        }
        let mut decoder =
            Decoder::with_ip(64, &code, BASE.into(), DecoderOptions::NO_INVALID_CHECK);
        let mut insn = Instruction::default();
        let mut at = 0;
        // Both halves of a guarded pair.
        while at < length {
            decoder.decode_out(&mut insn);
            if let Some((what, details)) = self.second.difference(&code[at..at + 15], &insn) {
                self.note(what, example(details));
            }
            at = decoder.position();
        }
        true
    }

    fn note(&mut self, what: String, example: String) {
        match EXPLAINED.get(&*what) {
            Some(&line) => *self.explained.entry(line).or_default() += 1,
            None => self.unexplained.entry(what).or_insert((example, 0)).1 += 1,
        }
    }
}

const FAMILIES: [Family; 7] = [
    Family {
        name: "legacy",
        parts: &[10, 10, 17, 4, 256, SHAPES],
        build: |values, bytes| {
            for &prefix in &values[..2] {
                bytes.put(
                    prefix
                        .checked_sub(1)
                        .map_or(&[], |n| &PREFIXES[n as usize..][..1]),
                );
            }
            bytes.put(if values[2] < 16 {
                &REX[values[2] as usize..][..1]
            } else {
                &[]
            });
            opcode(&values[3..], bytes);
        },
    },
    Family {
        name: "three prefixes",
        parts: &[9, 9, 11, 4, 256, SHAPES],
        build: |values, bytes| {
            for (place, &value) in values[..3].iter().enumerate() {
                // REX may stand between the others, where it counts for nothing.
                match value {
                    9.. => bytes.put(if value == 9 { &[0x4D] } else { &[0x41] }),
                    n => bytes.put(&PREFIXES[n as usize..][..1]),
                }
                if place == 1 && values[2] >= 9 {
                    bytes.put(&[0x48]);
                }
            }
            opcode(&values[3..], bytes);
        },
    },
    Family {
        name: "guarded pairs",
        parts: &[2, 256, 67, 3, 256, 5],
        build: pair,
    },
    Family {
        name: "VEX, two bytes",
        parts: &[6, 256, 256, VECTOR_SHAPES],
        build: |values, bytes| {
            bytes.put([&[][..], &[0x67], &[0x65], &[0x2E], &[0x66], &[0x48]][values[0] as usize]);
            bytes.put(&[0xC5, values[1] as u8, values[2] as u8]);
            vector_shape(values[3], bytes);
        },
    },
    Family {
        // Every R, X, B, map, W, L and class; vvvv of none, of rsp, and others.
        name: "VEX, three bytes",
        parts: &[3, 8, 6, 2, 4, 8, 256, VECTOR_SHAPES],
        build: |values, bytes| {
            let [_, extensions, map, w, v, low, opcode, shape] = *values else {
                return;
            };
            bytes.put([&[][..], &[0x67], &[0xF3]][values[0] as usize]);
            let vvvv = [15, 11, 4, 0][v as usize];
            bytes.put(&[
                0xC4,
                (extensions << 5 | map) as u8,
                (w << 7 | vvvv << 3 | low) as u8,
                opcode as u8,
            ]);
            vector_shape(shape, bytes);
        },
    },
    Family {
        // Every R, X, B, R', W, class, z, L'L, b and V'; maps 1 to 6 and one with the reserved bit; the fixed bit wrong once.
        name: "EVEX",
        parts: &[2, 16, 7, 2, 2, 5, 2, 4, 2, 2, 3, 256, 6],
        build: |values, bytes| {
            let [
                narrow,
                extensions,
                map,
                w,
                v,
                low,
                z,
                length,
                b,
                v2,
                mask,
                opcode,
                shape,
            ] = *values
            else {
                return;
            };
            bytes.put(if narrow == 1 { &[0x67] } else { &[] });
            let map = [1, 2, 3, 4, 5, 6, 9][map as usize];
            let low = [4, 5, 6, 7, 1][low as usize];
            let vvvv = [15, 11][v as usize];
            let mask = [0, 1, 7][mask as usize];
            bytes.put(&[
                0x62,
                (extensions << 4 | map) as u8,
                (w << 7 | vvvv << 3 | low) as u8,
                (z << 7 | length << 5 | b << 4 | v2 << 3 | mask) as u8,
                opcode as u8,
            ]);
            bytes.put(
                [
                    &[0x03][..],
                    &[0x05],
                    &[0x64, 0x24],
                    &[0x04, 0x25],
                    &[0x44, 0x0C],
                    &[0xE3],
                ][shape as usize],
            );
        },
    },
    Family {
        // Displacements and immediates included.
        name: "random",
        parts: &[60_000, 7, 256],
        build: |values, bytes| {
            let seed = (values[0] * 7 + values[1]) * 256 + values[2];
            let mut random = Random::new(seed + 1);
            bytes.put(&candidate(&mut random, values[1], values[2] as u8));
        },
    },
];

const PREFIXES: [u8; 9] = [0x67, 0x65, 0x64, 0x2E, 0x36, 0xF0, 0xF2, 0xF3, 0x66];
const REX: [u8; 16] = [
    0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F,
];
const ESCAPES: [&[u8]; 4] = [&[], &[0x0F], &[0x0F, 0x38], &[0x0F, 0x3A]];

/// Map, opcode and shape.
fn opcode(values: &[u64], bytes: &mut Bytes) {
    bytes.put(ESCAPES[values[0] as usize]);
    bytes.put(&[values[1] as u8]);
    shape(values[2], bytes);
}

/// ModRM: 232 that have no SIB; 24 that have one, each with the SIB bytes that mean something of their own.
const SHAPES: u64 = 232 + 24 * 7;

fn shape(number: u64, bytes: &mut Bytes) {
    // rsp alone, with a scale; none, r12 with REX.X; rbp; no base.
    const SIB: [u8; 7] = [0x24, 0x64, 0x25, 0x04, 0x05, 0xE4, 0x2C];
    if number < 64 {
        bytes.put(&[0xC0 | number as u8]);
    } else if number < 232 {
        // Seven of each eight.
        let (high, rm) = ((number - 64) / 7, (number - 64) % 7);
        let rm = if rm >= 4 { rm + 1 } else { rm };
        bytes.put(&[(high << 3 | rm) as u8]);
    } else {
        let (high, sib) = ((number - 232) / 7, (number - 232) % 7);
        bytes.put(&[(high << 3 | 4) as u8, SIB[sib as usize]]);
    }
}

/// Fewer registers.
const VECTOR_SHAPES: u64 = 4 * 12;

fn vector_shape(number: u64, bytes: &mut Bytes) {
    const SHAPE: [(u8, Option<u8>); 12] = [
        (0x00, None),
        (0x05, None),
        (0x40, None),
        (0x85, None),
        (0x04, Some(0x24)),
        (0x44, Some(0x24)),
        (0x84, Some(0x64)),
        (0x04, Some(0x25)),
        (0x44, Some(0x0C)),
        (0xC0, None),
        (0xC4, None),
        (0xC6, None),
    ];
    let reg = [0, 3, 4, 7][(number / 12) as usize];
    let (modrm, sib) = SHAPE[(number % 12) as usize];
    bytes.put(&[modrm | reg << 3]);
    if let Some(sib) = sib {
        bytes.put(&[sib]);
    }
}

/// Any one-byte opcode, with immediates made of the masks' own bytes, in front of what only a mask allows.
fn pair(values: &[u64], bytes: &mut Bytes) {
    const SECOND: [&[u8]; 5] = [
        &[0xFF, 0xE0],
        &[0x41, 0xFF, 0xE3],
        &[0xC3],
        &[0x9D],
        &[0xFF, 0xE4],
    ];
    let [rex, opcode, modrm, width, immediate, second] = *values else {
        return;
    };
    bytes.put(if rex == 1 { &[0x41] } else { &[] });
    bytes.put(&[opcode as u8]);
    match modrm {
        64 => bytes.put(&[0x24, 0x24]),
        65 => bytes.put(&[0x20]),
        66 => bytes.put(&[0x64, 0x24, 0x00]),
        register => bytes.put(&[0xC0 | register as u8]),
    }
    // None, one or four bytes.
    for place in 0..[0, 1, 4][width as usize] {
        bytes.put(&[[0xE0, 0xFF, 0x83, 0x7F][(immediate >> (2 * place) & 3) as usize]]);
    }
    bytes.put(SECOND[second as usize]);
}
