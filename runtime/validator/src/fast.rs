//! Several bundles at a time, by the automaton.

use crate::Level;
use crate::encoding::{BRANCH, END, NEEDS_V2, NEEDS_V3, STATE_SHIFT, STATES};
use crate::limits::BUNDLE;

/// By state and byte; made by `build.rs`.
static NEXT: [[u16; 256]; STATES] = include!(concat!(env!("OUT_DIR"), "/next.in"));

/// Bundles at a time: each is a chain of loads, one behind the other, and the processor has several under way.
pub(crate) const LANES: usize = 8;

/// What the automaton says of bundles.
pub(crate) struct Seen {
    /// The lower half of every byte's entry: what happened there.
    pub(crate) happened: [[u8; BUNDLE]; LANES],
    /// Bit n: an instruction ends with byte n. 0 where the automaton does not know.
    pub(crate) ends: [u32; LANES],
    /// The same for branches alone.
    pub(crate) branches: [u32; LANES],
}

/// The entry behind this one.
#[inline]
pub(crate) fn step(entry: u16, byte: u8) -> u16 {
    NEXT[usize::from(entry >> STATE_SHIFT)][usize::from(byte)]
}

/// Follows the automaton through bundles.
#[inline]
pub(crate) fn look(bundles: &[u8; LANES * BUNDLE], level: Level) -> Seen {
    let mut seen = Seen {
        happened: [[0; BUNDLE]; LANES],
        ends: [0; LANES],
        branches: [0; LANES],
    };
    let mut entries = [0u16; LANES];
    for at in 0..BUNDLE {
        for lane in 0..LANES {
            let byte = bundles[lane * BUNDLE + at];
            entries[lane] = step(entries[lane], byte);
            seen.happened[lane][at] = entries[lane] as u8;
        }
    }
    let forbidden = forbidden(level);
    for (lane, entry) in entries.into_iter().enumerate() {
        let (words, _) = seen.happened[lane].as_chunks();
        let words = [0, 1, 2, 3].map(|at| u64::from_le_bytes(words[at]));
        let all = words[0] | words[1] | words[2] | words[3];
        // An instruction ends with the bundle (C1), and none is above the level.
        if entry & END != 0 && all & (u64::from(forbidden) * EACH) == 0 {
            (seen.branches[lane], seen.ends[lane]) = bits(words);
        }
    }
    seen
}

/// What a level may not have in its entries.
pub(crate) const fn forbidden(level: Level) -> u16 {
    match level {
        Level::V1 => NEEDS_V2 | NEEDS_V3,
        Level::V2 => NEEDS_V3,
        Level::V3 | Level::V4 => 0,
    }
}

/// 1 in every byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The bits [`BRANCH`] and [`END`] of every byte.
#[inline]
fn bits(words: [u64; 4]) -> (u32, u32) {
    // Byte n: BRANCH of bytes n, 8 + n, 16 + n and 24 + n; then END of the same.
    let both = u64::from(BRANCH | END) * EACH;
    let mut x =
        words[0] & both | (words[1] & both) << 1 | (words[2] & both) << 2 | (words[3] & both) << 3;
    // Rows become columns (Warren, Hacker's Delight, section 7-3).
    for (shift, mask) in [
        (7, 0x00AA_00AA_00AA_00AA),
        (14, 0x0000_CCCC_0000_CCCC),
        (28, 0x0000_0000_F0F0_F0F0),
    ] {
        let swapped = (x ^ x >> shift) & mask;
        x ^= swapped ^ swapped << shift;
    }
    (x as u32, (x >> 32) as u32)
}
