//! Whatever the validator accepts, another decoder must read with the same length and find harmless.
//!
//! Structured random bytes: every opcode of every map, with prefixes in legal and illegal orders and every shape of ModRM
//! and SIB. `cargo run --release -p zvm-validator --example enumerate` does the same with far more.

mod support;

use support::{Random, accepted, objection};
use zvm_validator::Level;

/// Bytes of something like an instruction.
fn candidate(random: &mut Random, map: u64, opcode: u8) -> [u8; 15] {
    let mut bytes = [0u8; 15];
    for byte in &mut bytes {
        *byte = random.next() as u8;
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
            put(random.next() as u8);
        }
        _ => {
            put(0xC4);
            put(random.next() as u8 & 0xE0 | random.below(5) as u8);
            put(if random.once_in(2) { random.next() as u8 | 0x78 } else { random.next() as u8 });
        }
    }
    put(opcode);
    // ModRM: rsp, rbp and RIP-relative shapes more often than by chance.
    if random.once_in(2) {
        put((random.next() as u8 & 0xF8) | [4, 5, 4, 0][random.below(4) as usize]);
        if random.once_in(2) {
            put([0x24, 0x25, 0x64, 0xE4, 0x04, 0x2C][random.below(6) as usize]);
        }
    }
    bytes
}

#[test]
fn accepted_code_is_what_another_decoder_says() {
    let mut random = Random(0x5EED);
    let levels = [(Level::V1, 1), (Level::V2, 2), (Level::V3, 3)];
    let (mut tried, mut found) = (0u64, 0u64);
    for round in 0..300u64 {
        for map in 0..6 {
            for opcode in 0..=255 {
                let (level, number) = levels[(round % 3) as usize];
                let bytes = candidate(&mut random, map, opcode);
                tried += 1;
                if let Some(length) = accepted(&bytes, level) {
                    found += 1;
                    if let Some(why) = objection(&bytes, length, number) {
                        panic!("{:02x?} at level {number}: {why}", &bytes[..length]);
                    }
                }
            }
        }
    }
    println!("{tried} byte strings, {found} accepted");
    // A validator that rejects everything would pass otherwise.
    assert!(found > tried / 50, "only {found} of {tried} were accepted");
}
