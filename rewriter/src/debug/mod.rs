//! Debugging information, DWARF 2 to 5, for code that has moved.
//!
//! What holds an address or a distance between two is written again; all else stays byte for byte, so that whatever a
//! compiler put there survives. `.debug_info` keeps its size: fields in it are patched. `.debug_line`, `.debug_rnglists`,
//! `.debug_loclists` and `.debug_frame` hold distances as LEB128 numbers, so they are encoded anew and may grow;
//! [`Moves`] says where their parts went, for the offsets that other sections hold.

mod expression;
mod frame;
mod info;
mod line;
mod lists;

use std::borrow::Cow;

use crate::error::RewriteError;
use crate::input::DebugSection;

/// The new address of an input address: of code, the instruction's that holds it; of all else, itself.
pub(crate) type Moved<'m> = &'m dyn Fn(u64) -> u64;

fn error(reason: impl Into<String>) -> RewriteError {
    RewriteError::BadInput(reason.into())
}

/// How far apart two addresses of the input have come to lie.
fn span(moved: Moved<'_>, start: u64, length: u64) -> u64 {
    moved(start.wrapping_add(length)).wrapping_sub(moved(start))
}

/// Where the parts of a section went: (old offset, new offset) in rising order; between two points all moves as one.
#[derive(Default)]
struct Moves(Vec<(u64, u64)>);

impl Moves {
    fn add(&mut self, old: u64, new: usize) {
        self.0.push((old, new as u64));
    }

    fn get(&self, old: u64) -> u64 {
        let after = self.0.partition_point(|point| point.0 <= old);
        match after.checked_sub(1).map(|at| self.0[at]) {
            Some((from, to)) => to + (old - from),
            None => old,
        }
    }
}

/// The new contents of `sections`, in their order.
///
/// # Errors
/// The tables are damaged, or use what no compiler for x86-64 is known to write (64-bit DWARF, addresses of another size).
pub(crate) fn rewrite<'a>(
    sections: &[DebugSection<'a>],
    moved: Moved<'_>,
) -> Result<Vec<Cow<'a, [u8]>>, RewriteError> {
    if let Some(section) = sections.iter().find(|s| s.compressed) {
        return Err(error(format!("{} is compressed", section.name)));
    }
    let old = |name: &str| {
        let section = sections.iter().find(|s| s.name == name);
        section.map_or(&[][..], |s| s.bytes)
    };
    let addresses = old(".debug_addr");
    let (mut lines, line_moves) = (Vec::new(), &mut Moves::default());
    line::rewrite(old(".debug_line"), moved, &mut lines, line_moves)?;
    let found = info::walk(
        old(".debug_info"),
        old(".debug_types"),
        old(".debug_abbrev"),
        info::Indexed {
            addresses,
            range_lists: old(".debug_rnglists"),
            location_lists: old(".debug_loclists"),
        },
        moved,
    )?;
    let (mut range_lists, range_moves) = lists::rewrite(
        old(".debug_rnglists"),
        &lists::RANGES,
        &found.range_lists,
        addresses,
        moved,
    )?;
    let (mut location_lists, location_moves) = lists::rewrite(
        old(".debug_loclists"),
        &lists::LOCATIONS,
        &found.location_lists,
        addresses,
        moved,
    )?;
    let new_offset = |table: info::Table, old: u64| match table {
        info::Table::Lines => line_moves.get(old),
        info::Table::RangeLists => range_moves.get(old),
        info::Table::LocationLists => location_moves.get(old),
    };
    let patched = |bytes: &[u8], patches: &info::Patches| -> Result<Vec<u8>, RewriteError> {
        let mut bytes = bytes.to_vec();
        patches.apply(&mut bytes, &new_offset)?;
        Ok(bytes)
    };
    let mut result = Vec::with_capacity(sections.len());
    for section in sections {
        let bytes = section.bytes;
        result.push(match section.name {
            ".debug_info" => Cow::Owned(patched(bytes, &found.info)?),
            ".debug_types" => Cow::Owned(patched(bytes, &found.types)?),
            ".debug_line" => Cow::Owned(std::mem::take(&mut lines)),
            ".debug_rnglists" => Cow::Owned(std::mem::take(&mut range_lists)),
            ".debug_loclists" => Cow::Owned(std::mem::take(&mut location_lists)),
            ".debug_addr" => Cow::Owned(lists::addresses(bytes, moved)?),
            ".debug_aranges" => Cow::Owned(lists::address_ranges(bytes, moved)?),
            ".debug_ranges" => Cow::Owned(lists::old_ranges(bytes, &found.old_ranges, moved)?),
            ".debug_loc" => Cow::Owned(lists::old_locations(bytes, &found.old_locations, moved)?),
            ".debug_frame" => Cow::Owned(frame::rewrite(bytes, moved)?),
            ".debug_macro" => Cow::Owned(line::patch_macros(bytes, &found.macros, line_moves)?),
            _ => Cow::Borrowed(bytes),
        });
    }
    Ok(result)
}
