//! Proves that bundled x86-64 code keeps the sandbox's rules: the security boundary.
//!
//! Text is a sequence of 32-byte bundles, each checked by itself: [`validate`] decodes every bundle from its start, accepts only
//! what the `spec` lists (opcode map by opcode map), and checks prefixes, memory operands, writes of the stack pointer and control
//! flow by the rules that [`Rule`] names. Default is reject. The decoder is this crate's own: no dependency, no allocation,
//! no unsafe code, and no knowledge of the tool that made the code.
//!
//! What it does not do: it does not look at the image's headers, does not map anything, and proves nothing about termination.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
// The tables are built from the specification at compile time.
#![allow(long_running_const_eval)]

#[cfg(test)]
mod automaton;
mod bundle;
mod decode;
mod encoding;
mod fast;
mod limits;
mod listing;
mod spec;
mod spec_evex;
mod spec_vex;
mod table;

use core::fmt;
use core::ops::Range;

pub use limits::BUNDLE;
pub use listing::{Listed, instructions};

/// x86-64 microarchitecture level (psABI, section 3.1.1): instructions above it are rejected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// SSE2.
    V1,
    /// SSE4.2, POPCNT, CMPXCHG16B.
    V2,
    /// AVX2, BMI, FMA, MOVBE.
    V3,
    /// AVX-512.
    V4,
}

impl TryFrom<u32> for Level {
    type Error = ();

    fn try_from(number: u32) -> Result<Level, ()> {
        Ok(match number {
            1 => Level::V1,
            2 => Level::V2,
            3 => Level::V3,
            4 => Level::V4,
            _ => return Err(()),
        })
    }
}

/// The rule that was broken. The numbers are those of the design; C11 is the runtime's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Bundles.
    C1,
    /// Direct branches.
    C2,
    /// Indirect branches.
    C3,
    /// Returns.
    C4,
    /// Calls.
    C5,
    /// Memory operands.
    C6,
    /// The thread pointer.
    C7,
    /// The stack pointer.
    C8,
    /// Accepted encodings.
    C9,
    /// Determinism and level.
    C10,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::C1 => "C1 (no instruction and no guarded pair crosses a bundle's end)",
            Rule::C2 => "C2 (a direct branch goes to an instruction's start or a trampoline)",
            Rule::C3 => "C3 (an indirect branch is masked, in one bundle)",
            Rule::C4 => "C4 (a return is masked, in one bundle)",
            Rule::C5 => "C5 (a call ends its bundle)",
            Rule::C6 => "C6 (a memory operand is confined)",
            Rule::C7 => "C7 (gs only with an absolute displacement, its base only by 32 bits)",
            Rule::C8 => "C8 (the stack pointer is only written by 32-bit forms)",
            Rule::C9 => "C9 (only listed encodings, prefixes in order)",
            Rule::C10 => "C10 (deterministic, at the image's level)",
        })
    }
}

/// What was proved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Accepted {
    /// Instructions; a guarded pair counts as one.
    pub instructions: u64,
    /// Bundles.
    pub bundles: u64,
}

/// The first rule broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Offset of the offending instruction in the bytes.
    pub offset: usize,
    /// Bytes to show from there; never beyond the bytes.
    pub length: usize,
    /// Which rule.
    pub rule: Rule,
    /// What about it.
    pub reason: &'static str,
}

/// Bytes of scratch for text of `text_len` bytes: two bits a byte, starts and targets.
pub const fn bitmap_len(text_len: usize) -> usize {
    2 * text_len.div_ceil(8)
}

/// Checks main text: `text` as mapped at guest address `base`, whole bundles.
///
/// `starts` is scratch of at least [`bitmap_len`] bytes. After success its first half holds one bit for each byte of text
/// (bit n % 8 of byte n / 8): the legal targets of direct branches, which are the starts of instructions and of guarded pairs.
///
/// # Errors
/// The first rule broken.
pub fn validate(
    text: &[u8],
    base: u32,
    level: Level,
    starts: &mut [u8],
) -> Result<Accepted, Rejected> {
    validate_jail(text, base, level, starts, base..base, &|_| false)
}

/// Checks code for Jail: like [`validate`], but a direct branch may also go to an instruction start of main text, where
/// `is_main_start` says so for an address in `main`.
///
/// # Errors
/// The first rule broken.
pub fn validate_jail(
    code: &[u8],
    base: u32,
    level: Level,
    starts: &mut [u8],
    main: Range<u32>,
    is_main_start: &dyn Fn(u32) -> bool,
) -> Result<Accepted, Rejected> {
    bundle::check(code, base, level, starts, &main, is_main_start)
}

/// Checks the whole bundles of `part`, as one of several threads that share a text; [`join`] is the other half.
///
/// `starts` has a bit for each byte of the part, `targets`, each thread's own and zero at first, one for each byte of `text`.
///
/// # Errors
/// The first rule broken in this part, but for branches into the middle of instructions.
pub fn validate_part(
    text: &[u8],
    part: Range<usize>,
    base: u32,
    level: Level,
    starts: &mut [u8],
    targets: &mut [u8],
) -> Result<(), Rejected> {
    bundle::part(text, part, base, level, starts, targets)
}

/// Checks where branches go: `starts` of all parts, one behind the other, and `targets` of all, or-ed.
///
/// # Errors
/// The first branch that does not go to an instruction's start.
pub fn join(
    text: &[u8],
    base: u32,
    level: Level,
    starts: &[u8],
    targets: &[u8],
) -> Result<Accepted, Rejected> {
    bundle::join(text, base, level, starts, targets)
}
