//! Lists of addresses: ranges and locations, of DWARF 5 (7.25, 2.6.2, 2.17.3) and before, `.debug_addr` and
//! `.debug_aranges`.

use std::collections::BTreeMap;

use super::info::{Lists, Unit};
use super::{Moved, Moves, error, expression, span};
use crate::bytes::{Cursor, Output};
use crate::error::RewriteError;

/// Kinds of list entries of DWARF 5.
#[derive(Clone, Copy)]
enum Entry {
    End,
    BaseIndex,
    IndexIndex,
    IndexLength,
    OffsetPair,
    Default,
    Base,
    StartEnd,
    StartLength,
    ViewPair,
}

/// The layout of a section of lists.
pub(super) struct Format {
    name: &'static str,
    /// Entry kinds by their code.
    entries: &'static [Entry],
    /// Entries that name addresses end with an expression.
    expressions: bool,
}

/// `.debug_rnglists`.
pub(super) const RANGES: Format = Format {
    name: ".debug_rnglists",
    entries: &[
        Entry::End,
        Entry::BaseIndex,
        Entry::IndexIndex,
        Entry::IndexLength,
        Entry::OffsetPair,
        Entry::Base,
        Entry::StartEnd,
        Entry::StartLength,
    ],
    expressions: false,
};

/// `.debug_loclists`, with GNU's view pairs.
pub(super) const LOCATIONS: Format = Format {
    name: ".debug_loclists",
    entries: &[
        Entry::End,
        Entry::BaseIndex,
        Entry::IndexIndex,
        Entry::IndexLength,
        Entry::OffsetPair,
        Entry::Default,
        Entry::Base,
        Entry::StartEnd,
        Entry::StartLength,
        Entry::ViewPair,
    ],
    expressions: true,
};

/// The section with its lists encoded anew, and where its parts went.
pub(super) fn rewrite(
    section: &[u8],
    format: &Format,
    lists: &Lists,
    addresses: &[u8],
    moved: Moved<'_>,
) -> Result<(Vec<u8>, Moves), RewriteError> {
    let mut at = Cursor::new(section, 0, format.name);
    let (mut out, mut moves) = (Output::new(0), Moves::default());
    while !at.is_empty() {
        let (from, start) = (at.address, out.bytes.len());
        moves.add(from, start);
        let length = at.number(4)?;
        if length >= 0xFFFF_FFF0 {
            return Err(at.error("lists in the 64-bit format"));
        }
        let end = at.address + length;
        let whole = at.take(length as usize)?;
        let mut body = Cursor::new(whole, end - length, format.name);
        if body.take(4)? != [5, 0, 8, 0] {
            return Err(body.error("an unknown version, or addresses that are not of 8 bytes"));
        }
        let count = body.number(4)?;
        let table = body.address;
        let offsets = body.take(4 * count as usize)?;
        let offsets = || {
            let words = offsets.chunks_exact(4);
            words.map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")))
        };
        out.put(&section[from as usize..body.address as usize]);
        // The heads of all lists: those that only the table names belong to a unit that names the table.
        let owner = lists.tables.get(&table).copied().unwrap_or_default();
        let mut heads: BTreeMap<u64, Unit> = offsets()
            .map(|offset| (table + u64::from(offset), owner))
            .collect();
        heads.extend(lists.heads.range(body.address..end));
        // What lies between lists stays: location views are such.
        for (&head, unit) in &heads {
            if head < body.address {
                continue;
            }
            let gap = body.take((head - body.address) as usize)?;
            out.put(gap);
            moves.add(head, out.bytes.len());
            let list = List {
                format,
                addresses,
                moved,
                unit: *unit,
            };
            list.rewrite(&mut body, &mut out)?;
            moves.add(body.address, out.bytes.len());
        }
        out.put(body.rest());
        let table_now = moves.get(table);
        for (i, offset) in offsets().enumerate() {
            let now = moves.get(table + u64::from(offset)) - table_now;
            let field = table_now as usize + 4 * i;
            out.bytes[field..field + 4].copy_from_slice(&(now as u32).to_le_bytes());
        }
        let length = (out.bytes.len() - start - 4) as u32;
        out.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok((out.bytes, moves))
}

struct List<'l> {
    format: &'l Format,
    addresses: &'l [u8],
    moved: Moved<'l>,
    unit: Unit,
}

impl List<'_> {
    fn rewrite(&self, at: &mut Cursor<'_>, out: &mut Output) -> Result<(), RewriteError> {
        let (mut base, moved) = (self.unit.base, self.moved);
        loop {
            let code = at.byte()?;
            let entry = self.format.entries.get(usize::from(code));
            let entry = *entry.ok_or_else(|| at.error("an unknown entry"))?;
            out.put(&[code]);
            match entry {
                Entry::End => return Ok(()),
                Entry::BaseIndex => {
                    let index = at.uleb()?;
                    base = self.unit.address(self.addresses, index)?;
                    out.uleb(index);
                }
                Entry::IndexIndex | Entry::ViewPair => {
                    out.uleb(at.uleb()?);
                    out.uleb(at.uleb()?);
                }
                Entry::IndexLength => {
                    let (index, length) = (at.uleb()?, at.uleb()?);
                    let start = self.unit.address(self.addresses, index)?;
                    out.uleb(index);
                    out.uleb(span(moved, start, length));
                }
                Entry::OffsetPair => {
                    let (start, end) = (at.uleb()?, at.uleb()?);
                    out.uleb(span(moved, base, start));
                    out.uleb(span(moved, base, end));
                }
                Entry::Default => {}
                Entry::Base => {
                    base = at.number(8)?;
                    out.put(&moved(base).to_le_bytes());
                }
                Entry::StartEnd => {
                    out.put(&moved(at.number(8)?).to_le_bytes());
                    out.put(&moved(at.number(8)?).to_le_bytes());
                }
                Entry::StartLength => {
                    let (start, length) = (at.number(8)?, at.uleb()?);
                    out.put(&moved(start).to_le_bytes());
                    out.uleb(span(moved, start, length));
                }
            }
            let plain = matches!(entry, Entry::BaseIndex | Entry::Base | Entry::ViewPair);
            if self.format.expressions && !plain {
                let length = at.uleb()?;
                out.uleb(length);
                let start = out.bytes.len();
                out.put(at.take(length as usize)?);
                expression::patch(&mut out.bytes[start..], self.unit.version, moved);
            }
        }
    }
}

/// A field of `bytes`, or why there is none.
fn field<const N: usize>(bytes: &mut [u8], at: u64) -> Result<&mut [u8; N], RewriteError> {
    usize::try_from(at)
        .ok()
        .and_then(|at| bytes.get_mut(at..)?.first_chunk_mut())
        .ok_or_else(|| error("a list of addresses ends too early"))
}

/// Patches the pair of offsets at `at`: whether it is one, not a base address; `None` at the list's end.
fn patch_pair(
    bytes: &mut [u8],
    at: u64,
    base: &mut u64,
    moved: Moved<'_>,
) -> Result<Option<bool>, RewriteError> {
    let start = u64::from_le_bytes(*field(bytes, at)?);
    let end = u64::from_le_bytes(*field(bytes, at + 8)?);
    if start == 0 && end == 0 {
        return Ok(None);
    }
    if start == u64::MAX {
        *base = end;
        *field(bytes, at + 8)? = moved(end).to_le_bytes();
        return Ok(Some(false));
    }
    let (mut from, mut to) = (span(moved, *base, start), span(moved, *base, end));
    if (from, to) == (0, 0) {
        // Nothing is left of it, and zeros would end the list.
        (from, to) = (1, 1);
    }
    *field(bytes, at)? = from.to_le_bytes();
    *field(bytes, at + 8)? = to.to_le_bytes();
    Ok(Some(true))
}

/// `.debug_ranges`: `heads` are offsets of lists, with their units.
pub(super) fn old_ranges(
    section: &[u8],
    heads: &BTreeMap<u64, Unit>,
    moved: Moved<'_>,
) -> Result<Vec<u8>, RewriteError> {
    let mut bytes = section.to_vec();
    for (&head, unit) in heads {
        let (mut at, mut base) = (head, unit.base);
        while patch_pair(&mut bytes, at, &mut base, moved)?.is_some() {
            at += 16;
        }
    }
    Ok(bytes)
}

/// `.debug_loc`, likewise.
pub(super) fn old_locations(
    section: &[u8],
    heads: &BTreeMap<u64, Unit>,
    moved: Moved<'_>,
) -> Result<Vec<u8>, RewriteError> {
    let mut bytes = section.to_vec();
    for (&head, unit) in heads {
        let (mut at, mut base) = (head, unit.base);
        while let Some(location) = patch_pair(&mut bytes, at, &mut base, moved)? {
            at += 16;
            if location {
                let length = u16::from_le_bytes(*field(&mut bytes, at)?);
                let start = at as usize + 2;
                let block = bytes.get_mut(start..start + usize::from(length));
                let block = block.ok_or_else(|| error("a location ends too early"))?;
                expression::patch(block, unit.version, moved);
                at += 2 + u64::from(length);
            }
        }
    }
    Ok(bytes)
}

/// The tables of a section that is a row of them, each with its length in front: (offset, end) of what follows the length.
fn tables(section: &[u8], name: &'static str) -> Result<Vec<(u64, u64)>, RewriteError> {
    let mut at = Cursor::new(section, 0, name);
    let mut tables = Vec::new();
    while !at.is_empty() {
        let length = at.number(4)?;
        if length >= 0xFFFF_FFF0 {
            return Err(at.error("a table in the 64-bit format"));
        }
        tables.push((at.address, at.address + length));
        at.take(length as usize)?;
    }
    Ok(tables)
}

/// `.debug_addr`: tables with a head each, or, as GNU's compilers and clang write it beside DWARF 4 that is split, addresses alone.
pub(super) fn addresses(section: &[u8], moved: Moved<'_>) -> Result<Vec<u8>, RewriteError> {
    let with_heads = addresses_with_heads(section, moved);
    if with_heads.is_ok() || !section.len().is_multiple_of(8) {
        return with_heads;
    }
    let addresses = section.as_chunks::<8>().0.iter();
    let moved = addresses.flat_map(|at| moved(u64::from_le_bytes(*at)).to_le_bytes());
    Ok(moved.collect())
}

fn addresses_with_heads(section: &[u8], moved: Moved<'_>) -> Result<Vec<u8>, RewriteError> {
    let mut bytes = section.to_vec();
    for (start, end) in tables(section, ".debug_addr")? {
        if *field(&mut bytes, start)? != [5, 0, 8, 0] {
            return Err(error(
                ".debug_addr: an unknown version, or addresses that are not of 8 bytes",
            ));
        }
        for at in (start + 4..end.saturating_sub(7)).step_by(8) {
            let address = field(&mut bytes, at)?;
            *address = moved(u64::from_le_bytes(*address)).to_le_bytes();
        }
    }
    Ok(bytes)
}

/// `.debug_aranges`.
pub(super) fn address_ranges(section: &[u8], moved: Moved<'_>) -> Result<Vec<u8>, RewriteError> {
    let mut bytes = section.to_vec();
    for (start, end) in tables(section, ".debug_aranges")? {
        // Version, offset of the unit, size of an address and of a segment selector; then pairs, aligned to their size.
        if *field(&mut bytes, start + 6)? != [8, 0] {
            return Err(error(".debug_aranges: addresses that are not of 8 bytes"));
        }
        for at in (start + 12..end.saturating_sub(15)).step_by(16) {
            let address = u64::from_le_bytes(*field(&mut bytes, at)?);
            let length = u64::from_le_bytes(*field(&mut bytes, at + 8)?);
            *field(&mut bytes, at)? = moved(address).to_le_bytes();
            *field(&mut bytes, at + 8)? = span(moved, address, length).to_le_bytes();
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use gimli::constants as dw;

    use super::*;

    /// Code at 0x1000 to 0x1010 is gone, what follows lies 0x100 higher.
    fn moved(address: u64) -> u64 {
        match address {
            0x1000..0x1010 => 0x1100,
            0x1010..0x2000 => address + 0xF0,
            _ => address,
        }
    }

    fn unit(base: u64) -> Unit {
        let mut unit = Unit::default();
        (unit.base, unit.version) = (base, 4);
        unit
    }

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn a_range_of_which_nothing_is_left_does_not_end_its_list() {
        let before = words(&[0, 0x10, 0x10, 0x20, 0, 0]);
        let heads = BTreeMap::from([(0, unit(0x1000))]);
        let after = old_ranges(&before, &heads, &moved).expect("ranges");
        assert_eq!(after, words(&[1, 1, 0, 0x10, 0, 0]));
    }

    #[test]
    fn functions_in_lists_of_locations_move() {
        let location = |function: u64| {
            let mut block = vec![dw::DW_OP_addr.0];
            block.extend(function.to_le_bytes());
            block.push(dw::DW_OP_stack_value.0);
            block
        };
        let old = |start: u64, end: u64, function: u64| {
            let mut list = words(&[start, end]);
            list.extend(10_u16.to_le_bytes());
            list.extend(location(function));
            list.extend(words(&[0, 0]));
            list
        };
        let heads = BTreeMap::from([(0, unit(0x1000))]);
        let after = old_locations(&old(0x20, 0x30, 0x1040), &heads, &moved).expect("locations");
        assert_eq!(after, old(0x10, 0x20, 0x1130));

        let new = |start: u8, end: u8, function: u64| {
            let mut list = vec![0, 0, 0, 0, 5, 0, 8, 0, 0, 0, 0, 0];
            list.extend([4, start, end, 10]);
            list.extend(location(function));
            list.push(0);
            list[0] = list.len() as u8 - 4;
            list
        };
        let lists = Lists {
            heads: BTreeMap::from([(12, unit(0x1000))]),
            ..Lists::default()
        };
        let before = new(0x20, 0x30, 0x1040);
        let after = rewrite(&before, &LOCATIONS, &lists, &[], &moved).expect("lists");
        assert_eq!(after.0, new(0x10, 0x20, 0x1130));
    }
}
