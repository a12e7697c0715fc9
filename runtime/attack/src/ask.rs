//! Asking the validator about one instruction.

use zvm_validator::{BUNDLE, Level, Rejected, bitmap_len, validate};

/// Where test code stands.
pub const BASE: u32 = 0x2_0000;

/// All levels, lowest first.
pub const LEVELS: [Level; 4] = [Level::V1, Level::V2, Level::V3, Level::V4];

/// `push %rbx`: what stands behind a candidate. As a displacement it stays in the sandbox, whatever its width.
pub const FILL: u8 = 0x53;

/// A bundle that starts with these bytes.
pub fn bundle(bytes: &[u8]) -> [u8; BUNDLE] {
    let mut bundle = [FILL; BUNDLE];
    bundle[..bytes.len()].copy_from_slice(bytes);
    bundle
}

fn starts(bundle: &[u8; BUNDLE], level: Level) -> Result<u32, Rejected> {
    let mut scratch = [0; bitmap_len(BUNDLE)];
    validate(bundle, BASE, level, &mut scratch)?;
    Ok(u32::from_le_bytes([
        scratch[0], scratch[1], scratch[2], scratch[3],
    ]))
}

/// If the validator accepts the first instruction or guarded pair of this bundle: its length. What stands behind it does not
/// matter: where that is at fault, it is overwritten.
pub fn accepted(bundle: &mut [u8; BUNDLE], level: Level) -> Option<usize> {
    loop {
        match starts(bundle, level) {
            Ok(starts) => {
                let others = starts & !1;
                return Some(if others == 0 {
                    BUNDLE
                } else {
                    others.trailing_zeros() as usize
                });
            }
            Err(Rejected { offset: 0, .. }) => return None,
            Err(Rejected { offset, .. }) => {
                if bundle[offset..].iter().all(|&byte| byte == FILL) {
                    // The first one's target is no start: a direct branch into what follows.
                    return None;
                }
                bundle[offset..].fill(FILL);
            }
        }
    }
}

/// The lowest level that accepts it.
pub fn lowest_level(bundle: &[u8; BUNDLE]) -> u32 {
    let lowest = LEVELS
        .iter()
        .position(|&level| accepted(&mut bundle.clone(), level).is_some());
    lowest.map_or(5, |index| index as u32 + 1)
}
