//! Bytes that the decoder and the automaton both know, and the entries of the automaton's table.
// The automaton's maker, in build.rs, uses all of them; the library does not.
#![allow(dead_code)]

/// States that the table has room for: an entry holds one in its upper ten bits, so looking up needs no check.
pub(crate) const STATES: usize = 1024;
/// Where the state stands in an entry.
pub(crate) const STATE_SHIFT: u32 = 6;
/// The entry of what the automaton does not know: a state that nothing leaves.
pub(crate) const SLOW: u16 = (STATES as u16 - 1) << STATE_SHIFT;
/// Bits of an entry below the state: an instruction has ended; it was a branch of one of the four kinds below.
pub(crate) const END: u16 = 1 << 4;
pub(crate) const BRANCH: u16 = 1;
/// The level needed.
pub(crate) const NEEDS_V2: u16 = 1 << 3;
pub(crate) const NEEDS_V3: u16 = 1 << 5;
/// Direct branches with a displacement of one byte or four, direct calls, calls of guarded pairs.
pub(crate) const KIND: u16 = 3 << 1;
pub(crate) const BRANCH8: u16 = 0;
pub(crate) const BRANCH32: u16 = 1 << 1;
pub(crate) const CALL: u16 = 2 << 1;
pub(crate) const INDIRECT_CALL: u16 = 3 << 1;

/// `andq $0x7fffffe0,(%rsp); ret` (C4).
pub(crate) const RETURN: [u8; 9] = [0x48, 0x81, 0x24, 0x24, 0xE0, 0xFF, 0xFF, 0x7F, 0xC3];
/// `andq $0xcd5,(%rsp); popfq` (C9): only the arithmetic flags and DF can come out set.
pub(crate) const POP_FLAGS: [u8; 9] = [0x48, 0x81, 0x24, 0x24, 0xD5, 0x0C, 0x00, 0x00, 0x9D];

/// The number of rsp, esp, sp and spl.
pub(crate) const RSP: u8 = 4;

/// Prefixes, in the order in which they may stand (C9); 0 is no prefix.
pub(crate) const ADDRESS32: u8 = 1;
pub(crate) const GS: u8 = 2;
pub(crate) const NULL_SEGMENT: u8 = 3;
pub(crate) const GROUP1: u8 = 4;
pub(crate) const OPERAND16: u8 = 5;
pub(crate) const REX: u8 = 6;

pub(crate) static RANK: [u8; 256] = ranks();

const fn ranks() -> [u8; 256] {
    let mut rank = [0; 256];
    rank[0x67] = ADDRESS32;
    rank[0x65] = GS;
    rank[0x26] = NULL_SEGMENT;
    rank[0x2E] = NULL_SEGMENT;
    rank[0x36] = NULL_SEGMENT;
    rank[0x3E] = NULL_SEGMENT;
    rank[0xF0] = GROUP1;
    rank[0xF2] = GROUP1;
    rank[0xF3] = GROUP1;
    rank[0x66] = OPERAND16;
    let mut rex = 0x40;
    while rex < 0x50 {
        rank[rex] = REX;
        rex += 1;
    }
    rank
}
