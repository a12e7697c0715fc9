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

#[cfg(test)]
#[path = "../build/automaton.rs"]
mod automaton;
mod bundle;
mod decode;
mod encoding;
mod fast;
mod fields;
mod limits;
mod listing;
mod rules;
mod spec;
mod spec_evex;
mod spec_vex;
mod table;

use core::ops::Range;

pub use limits::BUNDLE;
pub use listing::{Listed, instructions};
pub use rules::{Level, Rule};

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
