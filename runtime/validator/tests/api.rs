//! What the cases cannot say: Jail's targets, the bitmap that is left behind, and input that is no code at all.

use zvm_validator::{Level, Rule, bitmap_len, instructions, validate, validate_jail};

const MAIN: u32 = 0x2_0000;
const JAIL: u32 = 0x2000_0000;

/// One bundle: `jmp` to `target` from `base`, then hlt.
fn jump(base: u32, target: u32) -> [u8; 32] {
    let mut bundle = [0xF4; 32];
    bundle[0] = 0xE9;
    bundle[1..5].copy_from_slice(&target.wrapping_sub(base + 5).to_le_bytes());
    bundle
}

fn jail(target: u32) -> Result<(), Rule> {
    let code = jump(JAIL, target);
    let mut starts = [0xAA; bitmap_len(32)];
    // Main text starts an instruction at every fourth byte.
    let is_start = |address: u32| address.is_multiple_of(4);
    validate_jail(
        &code,
        JAIL,
        Level::V1,
        &mut starts,
        MAIN..MAIN + 64,
        &is_start,
    )
    .map(|_| ())
    .map_err(|rejected| rejected.rule)
}

#[test]
fn jailed_code_reaches_itself_main_text_and_trampolines() {
    assert_eq!(jail(JAIL), Ok(()));
    assert_eq!(jail(JAIL + 5), Ok(()));
    assert_eq!(jail(JAIL + 1), Err(Rule::C2));
    assert_eq!(jail(JAIL + 32), Err(Rule::C2));
    assert_eq!(jail(JAIL - 4), Err(Rule::C2));
    assert_eq!(jail(MAIN), Ok(()));
    assert_eq!(jail(MAIN + 60), Ok(()));
    assert_eq!(jail(MAIN + 61), Err(Rule::C2));
    assert_eq!(jail(MAIN + 64), Err(Rule::C2));
    assert_eq!(jail(0x1_0000), Ok(()));
    assert_eq!(jail(0x1_0010), Err(Rule::C2));
    assert_eq!(jail(0), Err(Rule::C2));
}

#[test]
fn main_text_does_not_reach_elsewhere() {
    let code = jump(MAIN, JAIL);
    let rejected = validate(&code, MAIN, Level::V1, &mut [0; 8]).expect_err("outside");
    assert_eq!(
        (rejected.rule, rejected.offset, rejected.length),
        (Rule::C2, 0, 15)
    );
}

#[test]
fn starts_are_left_whatever_was_in_the_bitmap() {
    let mut code = [0xF4; 32];
    code[..5].copy_from_slice(&[0x83, 0xE0, 0xE0, 0xFF, 0xE0]);
    let mut starts = [0xFF; 8];
    let accepted = validate(&code, MAIN, Level::V1, &mut starts).expect("a guarded jump and hlt");
    assert_eq!((accepted.instructions, accepted.bundles), (28, 1));
    assert_eq!(starts[..4], [0b1110_0001, 0xFF, 0xFF, 0xFF]);
}

#[test]
fn a_forward_branch_is_found_when_all_is_decoded() {
    // The second bundle's jump is good, the first one's goes into the second bundle's first instruction.
    let mut code = [0xF4; 64];
    code[3..5].copy_from_slice(&[0xEB, 28]);
    code[32..37].copy_from_slice(&[0xB8, 0, 0, 0, 0]);
    let rejected = validate(&code, MAIN, Level::V1, &mut [0; 16]).expect_err("into mov");
    assert_eq!((rejected.rule, rejected.offset), (Rule::C2, 3));
    code[4] = 27;
    validate(&code, MAIN, Level::V1, &mut [0; 16]).expect("to mov");
}

#[test]
fn what_is_no_code_is_refused() {
    let mut starts = [0; 64];
    let rule = |code: &[u8], base, starts: &mut [u8]| {
        validate(code, base, Level::V1, starts)
            .map(|_| ())
            .map_err(|rejected| rejected.rule)
    };
    assert_eq!(rule(&[], MAIN, &mut starts), Ok(()));
    assert_eq!(rule(&[0x90; 31], MAIN, &mut starts), Err(Rule::C1));
    assert_eq!(rule(&[0x90; 32], MAIN + 16, &mut starts), Err(Rule::C1));
    assert_eq!(rule(&[0x90; 32], MAIN, &mut starts[..7]), Err(Rule::C1));
    assert_eq!(rule(&[0x90; 32], 0x7FFF_FFE0, &mut starts), Ok(()));
    assert_eq!(rule(&[0x90; 64], 0x7FFF_FFE0, &mut starts), Err(Rule::C2));
    assert_eq!(rule(&[0x90; 32], 0xFFFF_FFE0, &mut starts), Err(Rule::C2));
}

#[test]
fn any_bytes_end_in_a_verdict() {
    // Every two-byte beginning at every distance from the end of the last bundle: never a panic.
    for first in 0..=0xFFFFu16 {
        let mut code = [0x90; 32];
        for at in [0, 24, 29, 30] {
            code[at..at + 2].copy_from_slice(&first.to_le_bytes());
        }
        let _ = validate(&code, MAIN, Level::V4, &mut [0; 8]);
        let mut tail = [0x90; 32];
        tail[30..].copy_from_slice(&first.to_le_bytes());
        let _ = validate(&tail, MAIN, Level::V4, &mut [0; 8]);
    }
}

#[test]
fn the_list_says_what_each_level_has() {
    let has = |level, name: &str| {
        instructions(level).any(|row| row.names.split_whitespace().any(|word| word == name))
    };
    assert!(has(Level::V1, "cmpxchg8b") && !has(Level::V1, "cmpxchg16b"));
    assert!(has(Level::V2, "cmpxchg16b") && !has(Level::V2, "pdep"));
    assert!(has(Level::V3, "pdep") && !has(Level::V3, "kandw"));
    assert!(has(Level::V4, "kandw") && !has(Level::V4, "syscall"));
    // Names that go on in a second line have the first one's level.
    assert!(has(Level::V3, "kxnord") == has(Level::V3, "kandw"));
}
