//! Bundle after bundle: C1, C2 and C5.

use core::ops::Range;

use crate::decode::{Flow, Window, decode};
use crate::encoding::{BRANCH8, CALL, INDIRECT_CALL, KIND};
use crate::fast::{self, LANES, Seen};
use crate::limits::{BUNDLE, CODE_END, LONGEST, TRAMPOLINES};
use crate::rules::{Broken, Level, Rule};
use crate::{Accepted, Rejected, bitmap_len};

/// Checks every bundle, then all direct targets at once: the second half of `scratch` holds a bit for each byte of code
/// that a direct branch goes to, and none of them may lack its bit among the starts, in the first half.
pub(crate) fn check(
    code: &[u8],
    base: u32,
    level: Level,
    scratch: &mut [u8],
    main: &Range<u32>,
    is_main_start: &dyn Fn(u32) -> bool,
) -> Result<Accepted, Rejected> {
    if scratch.len() < bitmap_len(code.len()) {
        let broken = (Rule::C1, "the caller gave too little scratch memory");
        return Err(rejected(code, 0, broken));
    }
    let (starts, targets) = scratch.split_at_mut(code.len() / 8);
    let targets = &mut targets[..starts.len()];
    targets.fill(0);
    let text = Text {
        code,
        base,
        level,
        targets,
        main,
        is_main_start,
    };
    bundles(text, 0..code.len(), starts)?;
    join(code, base, level, starts, targets)
}

/// Checks the bundles of a part of the code, except where its branches go.
pub(crate) fn part(
    code: &[u8],
    part: Range<usize>,
    base: u32,
    level: Level,
    starts: &mut [u8],
    targets: &mut [u8],
) -> Result<(), Rejected> {
    let whole = part.start.is_multiple_of(BUNDLE) && part.end.is_multiple_of(BUNDLE);
    if !whole || part.start > part.end || part.end > code.len() {
        let broken = (Rule::C1, "a part is whole bundles of the code");
        return Err(rejected(code, 0, broken));
    }
    if starts.len() != part.len() / 8 || targets.len() != code.len() / 8 {
        let broken = (Rule::C1, "the caller gave bitmaps of another size");
        return Err(rejected(code, 0, broken));
    }
    let text = Text {
        code,
        base,
        level,
        targets,
        main: &(base..base),
        is_main_start: &|_| false,
    };
    bundles(text, part, starts)
}

fn bundles(mut text: Text, part: Range<usize>, starts: &mut [u8]) -> Result<(), Rejected> {
    let code = text.code;
    if !code.len().is_multiple_of(BUNDLE) || !(text.base as usize).is_multiple_of(BUNDLE) {
        let broken = (Rule::C1, "code is whole bundles at a bundle's address");
        return Err(rejected(code, 0, broken));
    }
    if (text.base as usize)
        .checked_add(code.len())
        .is_none_or(|end| end > CODE_END as usize)
    {
        return Err(rejected(code, 0, (Rule::C2, "code lies below 2 GiB")));
    }
    let (all, _) = code[part.clone()].as_chunks();
    let (groups, rest) = all.as_chunks();
    let (starts, _) = starts.as_chunks_mut();
    let (firsts, last) = starts.split_at_mut(groups.len() * LANES);
    let mut first = part.start;
    for (bundles, starts) in groups.iter().zip(firsts.chunks_exact_mut(LANES)) {
        text.group(bundles, first, starts)?;
        first += LANES * BUNDLE;
    }
    // Behind the last bundle, empty ones.
    let mut bundles = [[0; BUNDLE]; LANES];
    bundles[..rest.len()].copy_from_slice(rest);
    text.group(&bundles, first, last)
}

/// Checks where the branches of bundles go that have been checked.
pub(crate) fn join(
    code: &[u8],
    base: u32,
    level: Level,
    starts: &[u8],
    targets: &[u8],
) -> Result<Accepted, Rejected> {
    let half = code.len() / 8;
    if starts.len() != half || targets.len() != half {
        let broken = (Rule::C1, "the caller gave bitmaps of another size");
        return Err(rejected(code, 0, broken));
    }
    let (starts, _) = starts.as_chunks();
    let (targets, _) = targets.as_chunks();
    let (mut instructions, mut astray) = (0, 0);
    for (&starts, &targets) in starts.iter().zip(targets) {
        let starts = u32::from_le_bytes(starts);
        instructions += u64::from(starts.count_ones());
        astray |= u32::from_le_bytes(targets) & !starts;
    }
    if astray != 0 {
        let broken = (Rule::C2, "the target is not an instruction's start");
        let first = first_astray(code, base, level, starts);
        return Err(rejected(code, first, broken));
    }
    Ok(Accepted {
        instructions,
        bundles: (code.len() / BUNDLE) as u64,
    })
}

fn rejected(code: &[u8], offset: usize, (rule, reason): Broken) -> Rejected {
    Rejected {
        offset,
        length: LONGEST.min(code.len().saturating_sub(offset)),
        rule,
        reason,
    }
}

/// Code under check. Both ways through a bundle give the instructions' starts, a bit each, and note the targets.
struct Text<'a> {
    code: &'a [u8],
    base: u32,
    level: Level,
    targets: &'a mut [u8],
    main: &'a Range<u32>,
    is_main_start: &'a dyn Fn(u32) -> bool,
}

impl Text<'_> {
    /// Bundles that are looked at together; `starts` has room for those that are there.
    #[inline]
    fn group(
        &mut self,
        bundles: &[[u8; BUNDLE]; LANES],
        first: usize,
        starts: &mut [[u8; 4]],
    ) -> Result<(), Rejected> {
        let seen = fast::look(bundles, self.level);
        let right = self.branches(first, &seen);
        for (lane, word) in starts.iter_mut().enumerate() {
            let first = first + lane * BUNDLE;
            let starts = if right && seen.knows(lane) {
                seen.starts(lane)
            } else {
                self.carefully(first)
                    .map_err(|(at, broken)| rejected(self.code, first + at, broken))?
            };
            *word = starts.to_le_bytes();
        }
        Ok(())
    }

    /// Notes the targets of branches that the automaton has seen, and says whether all is right: that a call ends its bundle (C5),
    /// and that what is no target in this code is another legal one.
    #[inline]
    fn branches(&mut self, first: usize, seen: &Seen) -> bool {
        let mut right = true;
        let (pairs, _) = seen.branches.as_chunks();
        for (pair, &[low, high]) in pairs.iter().enumerate() {
            let mut left = u128::from(low) | u128::from(high) << 64;
            // Many bytes at once: the end of this loop is what the processor cannot foresee.
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                let (lane, at) = (bit / 8 % LANES, pair * 16 + bit / 64 * 8 + bit % 8);
                let kind = seen.happened(lane, at) & KIND;
                right &= kind < CALL || at + 1 == BUNDLE;
                if kind == INDIRECT_CALL {
                    continue;
                }
                let end = first + lane * BUNDLE + at + 1;
                let Some(&bytes) = self.code.get(..end).and_then(<[u8]>::last_chunk) else {
                    right = false;
                    continue;
                };
                // A displacement of one byte is the last of these four.
                let short = if kind == BRANCH8 { 24 } else { 0 };
                let displacement = i32::from_le_bytes(bytes) >> short;
                right &= self.reaches((end as u32).wrapping_add_signed(displacement));
            }
        }
        right
    }

    /// By the decoder, which few bundles need; on failure where in the bundle, and what is broken.
    #[cold]
    fn carefully(&mut self, first: usize) -> Result<u32, (usize, Broken)> {
        let window = window(self.code, first);
        let address = self.base + first as u32;
        let (mut at, mut starts) = (0, 0u32);
        while at < BUNDLE {
            let start = at;
            let (length, flow) = match decode(&window, start, address, self.level) {
                Ok(decoded) => decoded,
                Err(broken) if crosses(&window, start, address, self.level, broken) => {
                    return Err((start, CROSSES));
                }
                Err(broken) => return Err((start, broken)),
            };
            at += length;
            if at > BUNDLE {
                return Err((start, CROSSES));
            }
            starts |= 1 << start;
            let target = match flow {
                Flow::Next => continue,
                Flow::Branch(target) => target,
                Flow::IndirectCall if at == BUNDLE => continue,
                Flow::Call(target) if at == BUNDLE => target,
                Flow::Call(_) | Flow::IndirectCall => {
                    return Err((start, (Rule::C5, "the call does not end its bundle")));
                }
            };
            if !self.reaches(target.wrapping_sub(self.base)) {
                return Err((
                    start,
                    (Rule::C2, "the target is neither code nor a trampoline"),
                ));
            }
        }
        Ok(starts)
    }

    /// Whether a direct branch may go to this offset; in this code it may if an instruction starts there, which is for later.
    #[inline]
    fn reaches(&mut self, offset: u32) -> bool {
        match self.targets.get_mut(offset as usize / 8) {
            Some(eight) => {
                *eight |= 1 << (offset % 8);
                true
            }
            None => self.leaves(self.base.wrapping_add(offset)),
        }
    }

    /// Whether a direct branch may go to this address outside.
    #[cold]
    fn leaves(&self, target: u32) -> bool {
        TRAMPOLINES.contains(&target) && (target as usize).is_multiple_of(BUNDLE)
            || self.main.contains(&target) && (self.is_main_start)(target)
    }
}

/// A bundle and the one behind it: those bytes only tell what crosses its end; behind the last one, zeros do.
fn window(code: &[u8], first: usize) -> Window {
    let mut window: Window = [0; 64];
    let there = code.len().min(first + 2 * BUNDLE) - first;
    window[..there].copy_from_slice(&code[first..first + there]);
    window
}

const CROSSES: Broken = (Rule::C1, "the instruction or pair crosses its bundle's end");

/// Whether a rejection was about bytes behind the bundle's end: then the end was crossed first.
#[cold]
fn crosses(window: &Window, start: usize, address: u32, level: Level, broken: Broken) -> bool {
    // Two different fillings: an error about the bytes themselves stays the same.
    [0xFF, 0x79].into_iter().any(|fill: u8| {
        let mut other = *window;
        other[BUNDLE..].iter_mut().for_each(|byte| *byte ^= fill);
        decode(&other, start, address, level) != Err(broken)
    })
}

/// The first direct branch to what is no start; everything else has been checked.
#[cold]
fn first_astray(code: &[u8], base: u32, level: Level, starts: &[[u8; 4]]) -> usize {
    let starts = starts.as_flattened();
    for first in (0..code.len()).step_by(BUNDLE) {
        let window = window(code, first);
        let mut at = 0;
        while at < BUNDLE {
            let Ok((length, flow)) = decode(&window, at, base + first as u32, level) else {
                return first + at;
            };
            if let Flow::Branch(target) | Flow::Call(target) = flow {
                let inside = target.wrapping_sub(base) as usize;
                if inside < code.len() && starts[inside / 8] >> (inside % 8) & 1 == 0 {
                    return first + at;
                }
            }
            at += length;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::SLOW;

    fn text<'a>(code: &'a [u8], level: Level, targets: &'a mut [u8]) -> Text<'a> {
        Text {
            code,
            base: 0x2_0000,
            level,
            targets,
            main: &(0..0),
            is_main_start: &|_| false,
        }
    }

    /// What the automaton accepts, the decoder accepts: the same starts, the same targets.
    #[test]
    fn both_ways_agree() {
        let mut random = 0x9E37_79B9_7F4A_7C15u64;
        let mut below = |bound: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 32) as usize % bound
        };
        let groups = if std::env::var_os("ZVM_EXHAUSTIVE").is_some() {
            4_000_000
        } else {
            20_000
        };
        let (mut quick, mut careful) = (0, 0);
        for _ in 0..groups {
            let mut group = [[0x90; BUNDLE]; LANES];
            for bundle in &mut group {
                let (mut at, mut start, mut entry) = (0, 0, 0);
                while at < BUNDLE {
                    // Some byte that leads on; a few do not.
                    let byte = (0..16)
                        .map(|_| below(256) as u8)
                        .find(|&byte| fast::step(entry, byte) != SLOW)
                        .unwrap_or(0x90);
                    (bundle[at], entry) = (byte, fast::step(entry, byte));
                    at += 1;
                    if entry & crate::encoding::END != 0 {
                        start = at;
                    }
                }
                // What was begun last does not end; one bundle in four is damaged.
                bundle[start..].fill(0x90);
                if below(4) == 0 {
                    bundle[below(BUNDLE)] = below(256) as u8;
                }
            }
            for level in [Level::V1, Level::V2, Level::V3, Level::V4] {
                let (mut one, mut other) = ([0; LANES * BUNDLE / 8], [0; LANES * BUNDLE / 8]);
                let seen = fast::look(&group, level);
                let code = group.as_flattened();
                let right = text(code, level, &mut one).branches(0, &seen);
                let mut all = true;
                for lane in 0..LANES {
                    let starts = text(code, level, &mut other).carefully(lane * BUNDLE);
                    all &= starts.is_ok() && seen.knows(lane);
                    if right && seen.knows(lane) {
                        assert_eq!(
                            starts,
                            Ok(seen.starts(lane)),
                            "{group:02x?} {lane} {level:?}"
                        );
                        quick += 1;
                    } else {
                        careful += 1;
                    }
                }
                assert!(!(right && all) || one == other, "{group:02x?}");
            }
        }
        assert!(quick > careful / 50, "{quick} and {careful}");
    }
}
