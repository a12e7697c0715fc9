//! Byte strings that look like instructions.

use iced_x86::{Decoder, DecoderOptions, Instruction};
use zvm_validator::{BUNDLE, Level};

use crate::ask::{BASE, accepted, bundle};
use crate::random::Random;

/// An instruction or guarded pair that the validator accepts.
pub struct Candidate {
    /// It, and what fills its bundle.
    pub bundle: [u8; BUNDLE],
    /// Its length.
    pub length: usize,
    /// What iced-x86 makes of it; of a pair the first half.
    pub insn: Instruction,
}

impl Candidate {
    /// Draws until one is accepted.
    pub fn draw(random: &mut Random, level: Level) -> Candidate {
        loop {
            let (map, opcode) = (random.below(7), random.below(256) as u8);
            let mut bundle = bundle(&candidate(random, map, opcode));
            if let Some(length) = accepted(&mut bundle, level) {
                let insn = first(&bundle);
                return Candidate {
                    bundle,
                    length,
                    insn,
                };
            }
        }
    }

    /// Its bytes.
    pub fn code(&self) -> &[u8] {
        &self.bundle[..self.length]
    }
}

/// The first instruction of a bundle, by iced-x86.
pub fn first(bundle: &[u8; BUNDLE]) -> Instruction {
    let code = &bundle[..15];
    Decoder::with_ip(64, code, BASE.into(), DecoderOptions::NO_INVALID_CHECK).decode()
}

/// Bytes of something like an instruction: every opcode of every map, with prefixes in legal and illegal orders and every
/// shape of ModRM and SIB. Map 0 to 3: one-byte, 0F, 0F 38, 0F 3A; 4 and 5: VEX; 6: EVEX.
pub fn candidate(random: &mut Random, map: u64, opcode: u8) -> [u8; 15] {
    let mut bytes = [0u8; 15];
    for byte in &mut bytes {
        *byte = random.number() as u8;
    }
    let mut at = 0;
    let mut put = |byte: u8| {
        bytes[at] = byte;
        at += 1;
    };
    if random.once_in(2) {
        put(0x67);
    }
    if random.once_in(16) {
        put(0x65);
    }
    if random.once_in(16) {
        put([0x2E, 0x36, 0x3E, 0x26, 0x64][random.below(5) as usize]);
    }
    match map {
        0..=3 => {
            if random.once_in(3) {
                put([0xF0, 0xF2, 0xF3][random.below(3) as usize]);
            }
            if random.once_in(3) {
                put(0x66);
            }
            if random.once_in(32) {
                put(0x67);
            }
            if random.once_in(2) {
                put(0x40 | random.below(16) as u8);
            }
            match map {
                0 => {}
                1 => put(0x0F),
                2 => [0x0F, 0x38].into_iter().for_each(&mut put),
                _ => [0x0F, 0x3A].into_iter().for_each(&mut put),
            }
        }
        4 => {
            put(0xC5);
            put(random.number() as u8);
        }
        6 => {
            put(0x62);
            let random_byte = random.number() as u8;
            put(random_byte & 0xF0
                | if random.once_in(16) {
                    random.below(16) as u8
                } else {
                    1 + random.below(3) as u8
                });
            put(random.number() as u8 & 0xFB | if random.once_in(2) { 0x7C } else { 4 });
            put(match random.below(4) {
                0 => random.number() as u8,
                1 => 0x08 | random.number() as u8 & 0x67,
                2 => 0x08 | random.number() as u8 & 0x70,
                _ => 0x08 | random.number() as u8 & 0xF7,
            });
        }
        _ => {
            put(0xC4);
            put(random.number() as u8 & 0xE0 | random.below(5) as u8);
            put(if random.once_in(2) {
                random.number() as u8 | 0x78
            } else {
                random.number() as u8
            });
        }
    }
    put(opcode);
    // ModRM: rsp, rbp and RIP-relative shapes more often than by chance.
    if random.once_in(2) {
        put((random.number() as u8 & 0xF8) | [4, 5, 4, 0][random.below(4) as usize]);
        if random.once_in(2) {
            put([0x24, 0x25, 0x64, 0xE4, 0x04, 0x2C][random.below(6) as usize]);
        }
    }
    bytes
}
