//! `.debug_frame`: call-frame information of code that has none in `.eh_frame` (DWARF 5, 6.4).

use super::{Moved, Moves};
use crate::bytes::{Cursor, Output};
use crate::error::RewriteError;
use crate::unwind::advance;

/// The id that tells a CIE from an FDE.
const CIE: u64 = 0xFFFF_FFFF;

/// The section with every function where it is now.
pub(super) fn rewrite(section: &[u8], moved: Moved<'_>) -> Result<Vec<u8>, RewriteError> {
    let mut at = Cursor::new(section, 0, ".debug_frame");
    let (mut out, mut cies) = (Output::new(0), Moves::default());
    let mut factors = Vec::new();
    while !at.is_empty() {
        let (entry, start) = (at.address, out.bytes.len());
        let length = at.number(4)?;
        if length >= 0xFFFF_FFF0 {
            return Err(at.error("an entry in the 64-bit format"));
        }
        let address = at.address;
        let whole = at.take(length as usize)?;
        let mut body = Cursor::new(whole, address, ".debug_frame");
        let id = body.number(4)?;
        out.word(length as u32);
        if id == CIE {
            cies.add(entry, start);
            factors.push((entry, code_factor(&mut body)?));
            out.put(whole);
            continue;
        }
        let factor = factors.iter().find(|f| f.0 == id).map(|f| f.1);
        let factor = factor.ok_or_else(|| body.error("an entry without its CIE"))?;
        let (code, length) = (body.number(8)?, body.number(8)?);
        out.word(cies.get(id) as u32);
        out.put(&moved(code).to_le_bytes());
        out.put(&super::span(moved, code, length).to_le_bytes());
        let place = |address| Some(moved(address));
        if factor == 1 {
            advance(&mut out, body.rest(), code, 1, &place)?;
        } else {
            return Err(body.error("distances that are not in bytes"));
        }
        // Entries end at a multiple of 8, filled with DW_CFA_nop.
        while (out.bytes.len() - start - 4) % 8 != 4 {
            out.put(&[0]);
        }
        let length = (out.bytes.len() - start - 4) as u32;
        out.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(out.bytes)
}

/// The code alignment factor of a CIE, read from behind its id.
fn code_factor(at: &mut Cursor<'_>) -> Result<u64, RewriteError> {
    let version = at.byte()?;
    if !at.string()?.is_empty() {
        return Err(at.error("an unknown augmentation"));
    }
    if version >= 4 && at.take(2)? != [8, 0] {
        return Err(at.error("addresses that are not of 8 bytes"));
    }
    at.uleb()
}
