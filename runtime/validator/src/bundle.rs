//! Bundle after bundle: C1, C2 and C5.

use core::ops::Range;

use crate::insn::{Flow, decode};
use crate::limits::{BUNDLE, CODE_END, LONGEST, TRAMPOLINES};
use crate::{Accepted, Level, Rejected, Rule, bitmap_len};

/// Checks every bundle, then every direct target at once: the second half of `scratch` holds a bit for each byte of code
/// that a direct branch goes to, and none of these may lack its bit among the starts in the first half.
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
        return reject(0, Rule::C1, "code must be whole bundles");
    }
    if base as usize + code.len() > CODE_END as usize {
        return reject(0, Rule::C2, "code must lie below 2 GiB");
    }
    if scratch.len() < bitmap_len(code.len()) {
        return reject(0, Rule::C1, "the caller gave too little scratch memory");
    }
    let half = code.len() / 8;
    let (starts, targets) = scratch.split_at_mut(half);
    let targets = &mut targets[..half];
    starts.fill(0);
    targets.fill(0);

    let mut instructions = 0;
    for (number, bundle) in code.chunks_exact(BUNDLE).enumerate() {
        let first = number * BUNDLE;
        let (mut at, mut mask) = (0, 0u32);
        while at < BUNDLE {
            let address = base + (first + at) as u32;
            let (length, flow) = match decode(&bundle[at..], address, level) {
                Ok(decoded) => decoded,
                Err((rule, reason)) => return reject(first + at, rule, reason),
            };
            mask |= 1 << at;
            instructions += 1;
            let from = first + at;
            at += length;
            let target = match flow {
                Flow::Next => continue,
                Flow::IndirectCall if at == BUNDLE => continue,
                Flow::Call(target) if at == BUNDLE => target,
                Flow::Branch(target) => target,
                Flow::Call(_) | Flow::IndirectCall => {
                    return reject(from, Rule::C5, "the call does not end its bundle");
                }
            };
            let inside = target.wrapping_sub(base) as usize;
            if inside < code.len() {
                targets[inside / 8] |= 1 << (inside % 8);
            } else if !(TRAMPOLINES.contains(&target) && (target as usize).is_multiple_of(BUNDLE)
                || main.contains(&target) && is_main_start(target))
            {
                return reject(
                    from,
                    Rule::C2,
                    "the target is neither code nor a trampoline",
                );
            }
        }
        starts[first / 8..first / 8 + 4].copy_from_slice(&mask.to_le_bytes());
    }
    if starts
        .iter()
        .zip(targets.iter())
        .any(|(start, target)| target & !start != 0)
    {
        let offset = culprit(code, base, level, starts);
        return reject(
            offset,
            Rule::C2,
            "the target is not the start of an instruction",
        );
    }
    Ok(Accepted {
        instructions,
        bundles: (code.len() / BUNDLE) as u64,
    })
}

/// The first direct branch to something that is no start; all else has been checked.
fn culprit(code: &[u8], base: u32, level: Level, starts: &[u8]) -> usize {
    for (number, bundle) in code.chunks_exact(BUNDLE).enumerate() {
        let mut at = 0;
        while at < BUNDLE {
            let offset = number * BUNDLE + at;
            let Ok((length, flow)) = decode(&bundle[at..], base + offset as u32, level) else {
                return offset;
            };
            if let Flow::Branch(target) | Flow::Call(target) = flow {
                let inside = target.wrapping_sub(base) as usize;
                if inside < code.len() && starts[inside / 8] >> (inside % 8) & 1 == 0 {
                    return offset;
                }
            }
            at += length;
        }
    }
    0
}
