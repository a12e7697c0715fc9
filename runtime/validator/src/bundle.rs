//! Bundle after bundle: C1, C2 and C5.

use core::ops::Range;

use crate::decode::{Broken, Flow, Window, decode};
use crate::limits::{BUNDLE, CODE_END, LONGEST, TRAMPOLINES};
use crate::{Accepted, Level, Rejected, Rule, bitmap_len};

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
    let reject = |offset: usize, rule, reason| {
        let length = LONGEST.min(code.len().saturating_sub(offset));
        Err(Rejected {
            offset,
            length,
            rule,
            reason,
        })
    };
    if !code.len().is_multiple_of(BUNDLE) || !(base as usize).is_multiple_of(BUNDLE) {
        return reject(0, Rule::C1, "code is whole bundles at a bundle's address");
    }
    if (base as usize)
        .checked_add(code.len())
        .is_none_or(|end| end > CODE_END as usize)
    {
        return reject(0, Rule::C2, "code lies below 2 GiB");
    }
    let half = code.len() / 8;
    if scratch.len() < bitmap_len(code.len()) {
        return reject(0, Rule::C1, "the caller gave too little scratch memory");
    }
    let (starts, targets) = scratch.split_at_mut(half);
    let targets = &mut targets[..half];
    targets.fill(0);

    let mut instructions = 0;
    let mut window: Window = [0; 64];
    for (number, (bundle, starts)) in code
        .chunks_exact(BUNDLE)
        .zip(starts.chunks_exact_mut(4))
        .enumerate()
    {
        let first = number * BUNDLE;
        // The bytes behind the bundle only tell what crosses its end; behind the last one, zeros do.
        match code.get(first..first + 2 * BUNDLE) {
            Some(both) => window.copy_from_slice(both),
            None => {
                window = [0; 64];
                window[..BUNDLE].copy_from_slice(bundle);
            }
        }
        let address = base + first as u32;
        let (mut at, mut mask) = (0, 0u32);
        while at < BUNDLE {
            let start = at;
            let (length, flow) = match decode(&window, start, address, level) {
                Ok(decoded) => decoded,
                Err(broken) if crosses(&window, start, address, level, broken) => {
                    return reject(first + start, CROSSES.0, CROSSES.1);
                }
                Err((rule, reason)) => return reject(first + start, rule, reason),
            };
            at += length;
            if at > BUNDLE {
                return reject(first + start, CROSSES.0, CROSSES.1);
            }
            mask |= 1 << start;
            instructions += 1;
            let target = match flow {
                Flow::Next => continue,
                Flow::Branch(target) => target,
                Flow::IndirectCall if at == BUNDLE => continue,
                Flow::Call(target) if at == BUNDLE => target,
                Flow::Call(_) | Flow::IndirectCall => {
                    return reject(first + start, Rule::C5, "the call does not end its bundle");
                }
            };
            let inside = target.wrapping_sub(base) as usize;
            if inside < code.len() {
                targets[inside / 8] |= 1 << (inside % 8);
            } else if !(TRAMPOLINES.contains(&target) && (target as usize).is_multiple_of(BUNDLE)
                || main.contains(&target) && is_main_start(target))
            {
                return reject(
                    first + start,
                    Rule::C2,
                    "the target is neither code nor a trampoline",
                );
            }
        }
        starts.copy_from_slice(&mask.to_le_bytes());
    }
    if starts
        .iter()
        .zip(targets.iter())
        .any(|(start, target)| target & !start != 0)
    {
        return reject(
            astray(code, base, level, starts),
            Rule::C2,
            "the target is not an instruction's start",
        );
    }
    Ok(Accepted {
        instructions,
        bundles: (code.len() / BUNDLE) as u64,
    })
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
fn astray(code: &[u8], base: u32, level: Level, starts: &[u8]) -> usize {
    let mut window: Window = [0; 64];
    for (number, bundle) in code.chunks_exact(BUNDLE).enumerate() {
        window[..BUNDLE].copy_from_slice(bundle);
        let first = number * BUNDLE;
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
