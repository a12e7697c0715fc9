//! Several bundles at a time, by the automaton.

use core::array::from_fn;

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
    happened: [[u8; LANES]; BUNDLE],
    /// Where branches end: bit n of byte m of word k is byte 8k + n of bundle m. None in a bundle that the automaton does not know.
    pub(crate) branches: [u64; BUNDLE / 8],
    /// Where a bundle's instructions end, a bit for each byte.
    ends: [u32; LANES],
    /// Byte m is 0 if the automaton knows all of bundle m.
    doubts: u64,
}

/// The entry behind this one.
#[inline]
pub(crate) fn step(entry: u16, byte: u8) -> u16 {
    NEXT[usize::from(entry >> STATE_SHIFT)][usize::from(byte)]
}

/// Follows the automaton through bundles.
#[inline]
pub(crate) fn look(bundles: &[[u8; BUNDLE]; LANES], level: Level) -> Seen {
    let mut happened = [[0; LANES]; BUNDLE];
    let mut entries = [0u16; LANES];
    for at in 0..BUNDLE {
        for lane in 0..LANES {
            entries[lane] = step(entries[lane], bundles[lane][at]);
            happened[at][lane] = entries[lane] as u8;
        }
    }
    let (mut branches, mut ends, mut all) = ([0; BUNDLE / 8], [[0; LANES]; BUNDLE / 8], 0);
    for (at, eight) in happened.as_chunks().0.iter().enumerate() {
        let words: [u64; 8] = eight.map(u64::from_le_bytes);
        let bits = |what: u16| {
            let each = |n: usize| ((words[n] / u64::from(what)) & EACH) << n;
            (0..8).fold(0, |bits, n| bits | each(n))
        };
        branches[at] = bits(BRANCH);
        ends[at] = bits(END).to_le_bytes();
        all = words.into_iter().fold(all, |all, word| all | word);
    }
    // An instruction ends with the bundle (C1), and none is above the level.
    let unended = !u64::from_le_bytes(happened[BUNDLE - 1]) & (u64::from(END) * EACH);
    let above = all & (u64::from(forbidden(level)) * EACH);
    let mut seen = Seen {
        happened,
        branches,
        ends: from_fn(|lane| u32::from_le_bytes(ends.map(|eight| eight[lane]))),
        doubts: unended | above,
    };
    if seen.doubts != 0 {
        for lane in 0..LANES {
            if !seen.knows(lane) {
                seen.branches = seen.branches.map(|word| word & !(0xFF << (8 * lane)));
            }
        }
    }
    seen
}

impl Seen {
    /// Whether all of a bundle is right, but for where its branches go.
    #[inline]
    pub(crate) fn knows(&self, lane: usize) -> bool {
        self.doubts >> (8 * lane) & 0xFF == 0
    }

    /// Where a bundle's instructions start, a bit for each byte.
    #[inline]
    pub(crate) fn starts(&self, lane: usize) -> u32 {
        self.ends[lane] << 1 | 1
    }

    /// What happened at a byte.
    #[inline]
    pub(crate) fn happened(&self, lane: usize, at: usize) -> u16 {
        self.happened[at][lane].into()
    }
}

/// 1 in every byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// What a level may not have in its entries.
pub(crate) const fn forbidden(level: Level) -> u16 {
    match level {
        Level::V1 => NEEDS_V2 | NEEDS_V3,
        Level::V2 => NEEDS_V3,
        Level::V3 | Level::V4 => 0,
    }
}
