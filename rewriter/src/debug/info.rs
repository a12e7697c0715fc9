//! `.debug_info` and `.debug_types`: every field that holds an address, a distance or an offset into a table that moves.

use std::collections::{BTreeMap, HashMap};

use gimli::{
    Attribute, AttributeSpecification, AttributeValue, DebugAbbrev, DebugInfo, DebugTypes, DwAt,
    EndianSlice, LittleEndian, UnitHeader, constants as dw,
};

use super::{Moved, error, expression, span};
use crate::error::RewriteError;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// A table that moves as it is encoded anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Lines,
    RangeLists,
    LocationLists,
}

/// What lists need to know of the unit that they belong to.
#[derive(Clone, Copy, Default)]
pub(super) struct Unit {
    /// What offsets in lists count from, before one says otherwise: DW_AT_low_pc of the unit.
    pub base: u64,
    /// Of DWARF.
    pub version: u16,
    /// Offset of its addresses in `.debug_addr`.
    addresses: u64,
    /// Offsets of its tables of lists, for indices into them.
    range_lists: Option<u64>,
    location_lists: Option<u64>,
}

/// Sections that attributes name places in by an index.
#[derive(Clone, Copy)]
pub(super) struct Indexed<'s> {
    pub addresses: &'s [u8],
    pub range_lists: &'s [u8],
    pub location_lists: &'s [u8],
}

impl Unit {
    /// An address by its index.
    pub(super) fn address(&self, section: &[u8], index: u64) -> Result<u64, RewriteError> {
        let at = index
            .checked_mul(8)
            .and_then(|at| at.checked_add(self.addresses));
        at.and_then(|at| section.get(usize::try_from(at).ok()?..)?.first_chunk())
            .map(|bytes| u64::from_le_bytes(*bytes))
            .ok_or_else(|| error(format!(".debug_addr has no address {index}")))
    }
}

/// Lists of DWARF 5 in one section.
#[derive(Default)]
pub(super) struct Lists {
    /// Lists that an attribute names, by their offsets.
    pub heads: BTreeMap<u64, Unit>,
    /// Tables of offsets, by where the first offset stands, with a unit of theirs: LLVM's optimizer at link time writes one
    /// for all units.
    pub tables: HashMap<u64, Unit>,
}

impl Lists {
    /// Notes the list that an attribute of `unit` names by its index in the table at offset `table` of `section`.
    fn name(
        &mut self,
        section: &[u8],
        table: Option<u64>,
        index: usize,
        unit: &Unit,
    ) -> Result<(), RewriteError> {
        // The lists of a unit that is split lie in another file.
        let Some(table) = table else { return Ok(()) };
        let at = 4 * index as u64 + table;
        let offset = usize::try_from(at)
            .ok()
            .and_then(|at| section.get(at..)?.first_chunk());
        let offset = offset.ok_or_else(|| error(format!("a table has no list {index}")))?;
        let head = table + u64::from(u32::from_le_bytes(*offset));
        self.heads.insert(head, *unit);
        Ok(())
    }
}

/// Fields of one section to write.
#[derive(Default)]
pub(super) struct Patches {
    /// (offset, size, value).
    values: Vec<(usize, usize, u64)>,
    /// Offsets of 4 bytes into tables.
    references: Vec<(usize, Table)>,
}

impl Patches {
    pub(super) fn apply(
        &self,
        bytes: &mut [u8],
        new_offset: &dyn Fn(Table, u64) -> u64,
    ) -> Result<(), RewriteError> {
        for &(at, size, value) in &self.values {
            bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        }
        for &(at, table) in &self.references {
            let field = bytes[at..]
                .first_chunk_mut::<4>()
                .ok_or_else(|| error("an attribute ends too early"))?;
            let new = new_offset(table, u64::from(u32::from_le_bytes(*field)));
            *field = u32::try_from(new)
                .map_err(|_| error("a table is larger than 4 GiB"))?
                .to_le_bytes();
        }
        Ok(())
    }
}

/// All that the units hold.
#[derive(Default)]
pub(super) struct Found {
    pub info: Patches,
    pub types: Patches,
    pub range_lists: Lists,
    pub location_lists: Lists,
    /// Lists in `.debug_ranges` and `.debug_loc`, with their units.
    pub old_ranges: BTreeMap<u64, Unit>,
    pub old_locations: BTreeMap<u64, Unit>,
    /// Units of `.debug_macro`.
    pub macros: Vec<u64>,
}

fn damaged(reason: gimli::Error) -> RewriteError {
    error(format!("debugging information: {reason}"))
}

/// Walks over all units.
pub(super) fn walk(
    info: &[u8],
    types: &[u8],
    abbreviations: &[u8],
    indexed: Indexed<'_>,
    moved: Moved<'_>,
) -> Result<Found, RewriteError> {
    let abbreviations = DebugAbbrev::new(abbreviations, LittleEndian);
    let mut found = Found::default();
    let mut walker = Walker {
        abbreviations,
        indexed,
        moved,
        found: &mut found,
        patches: Patches::default(),
    };
    let mut units = DebugInfo::new(info, LittleEndian).units();
    while let Some(header) = units.next().map_err(damaged)? {
        walker.unit(&header)?;
    }
    walker.found.info = std::mem::take(&mut walker.patches);
    let mut units = DebugTypes::new(types, LittleEndian).units();
    while let Some(header) = units.next().map_err(damaged)? {
        walker.unit(&header)?;
    }
    found.types = walker.patches;
    Ok(found)
}

struct Walker<'w> {
    abbreviations: DebugAbbrev<Slice<'w>>,
    indexed: Indexed<'w>,
    moved: Moved<'w>,
    found: &'w mut Found,
    /// Of the section that is walked over.
    patches: Patches,
}

/// An attribute and where it stands in its section.
struct Placed<'a> {
    attribute: Attribute<Slice<'a>>,
    start: usize,
    end: usize,
}

impl<'w> Walker<'w> {
    fn unit(&mut self, header: &UnitHeader<Slice<'w>>) -> Result<(), RewriteError> {
        let encoding = header.encoding();
        if encoding.address_size != 8 || encoding.format.word_size() != 4 {
            return Err(error(
                "debugging information in the 64-bit format, or for addresses that are not of 8 bytes",
            ));
        }
        let section_start = header.offset().0;
        let abbreviations = header.abbreviations(&self.abbreviations).map_err(damaged)?;
        let mut entries = header.entries_raw(&abbreviations, None).map_err(damaged)?;
        let (mut unit, mut root) = (Unit::default(), true);
        let mut attributes = Vec::new();
        while !entries.is_empty() {
            let Some(abbreviation) = entries.read_abbreviation().map_err(damaged)? else {
                continue;
            };
            attributes.clear();
            let mut specifications = abbreviation.attributes();
            let matters = |s: &AttributeSpecification| matters(s, encoding.version);
            while let Some(next) = specifications.iter().position(matters) {
                let (skipped, rest) = specifications.split_at(next);
                entries.skip_attributes(skipped).map_err(damaged)?;
                let start = section_start + entries.next_offset().0;
                let attribute = entries.read_attribute(rest[0]).map_err(damaged)?;
                let end = section_start + entries.next_offset().0;
                attributes.push(Placed {
                    attribute,
                    start,
                    end,
                });
                specifications = &rest[1..];
            }
            (entries.skip_attributes(specifications)).map_err(damaged)?;
            if root {
                unit = self.root(&attributes, encoding.version)?;
                root = false;
            }
            self.entry(&attributes, &unit)?;
        }
        Ok(())
    }

    /// What the unit's own entry says about its lists.
    fn root(&mut self, attributes: &[Placed<'w>], version: u16) -> Result<Unit, RewriteError> {
        let offset = |name: DwAt| {
            let placed = attributes.iter().find(|a| a.attribute.name() == name)?;
            match placed.attribute.raw_value() {
                AttributeValue::SecOffset(offset) => Some(offset as u64),
                _ => None,
            }
        };
        let mut unit = Unit {
            base: 0,
            version,
            addresses: offset(dw::DW_AT_addr_base).unwrap_or(0),
            range_lists: offset(dw::DW_AT_rnglists_base),
            location_lists: offset(dw::DW_AT_loclists_base),
        };
        unit.base = self.low_pc(attributes, &unit)?.unwrap_or(0);
        if let Some(table) = unit.range_lists {
            self.found.range_lists.tables.insert(table, unit);
        }
        if let Some(table) = unit.location_lists {
            self.found.location_lists.tables.insert(table, unit);
        }
        Ok(unit)
    }

    fn low_pc(&self, attributes: &[Placed<'w>], unit: &Unit) -> Result<Option<u64>, RewriteError> {
        let placed = attributes
            .iter()
            .find(|a| a.attribute.name() == dw::DW_AT_low_pc);
        match placed.map(|a| a.attribute.raw_value()) {
            Some(AttributeValue::Addr(address)) => Ok(Some(address)),
            Some(AttributeValue::DebugAddrIndex(index)) => unit
                .address(self.indexed.addresses, index.0 as u64)
                .map(Some),
            _ => Ok(None),
        }
    }

    fn entry(&mut self, attributes: &[Placed<'w>], unit: &Unit) -> Result<(), RewriteError> {
        for placed in attributes {
            let name = placed.attribute.name();
            match placed.attribute.raw_value() {
                AttributeValue::Addr(address) => {
                    let value = (self.moved)(address);
                    self.patches.values.push((placed.start, 8, value));
                }
                AttributeValue::SecOffset(offset) => {
                    self.reference(name, placed, offset as u64, unit);
                }
                // Offsets, before DWARF 4 gave them a form of their own.
                AttributeValue::Data4(offset) if unit.version < 4 && is_offset(name) => {
                    self.reference(name, placed, u64::from(offset), unit);
                }
                AttributeValue::DebugRngListsIndex(index) => {
                    let (section, table) = (self.indexed.range_lists, unit.range_lists);
                    (self.found.range_lists).name(section, table, index.0, unit)?;
                }
                AttributeValue::DebugLocListsIndex(index) => {
                    let (section, table) = (self.indexed.location_lists, unit.location_lists);
                    (self.found.location_lists).name(section, table, index.0, unit)?;
                }
                AttributeValue::Exprloc(gimli::Expression(expression))
                | AttributeValue::Block(expression) => {
                    let start = placed.end - expression.len();
                    for (at, address) in expression::addresses(&expression, unit.version) {
                        let value = (self.moved)(address);
                        self.patches.values.push((start + at, 8, value));
                    }
                }
                _ if matches!(name, dw::DW_AT_high_pc | dw::DW_AT_entry_pc) => {
                    if let (Some(length), Some(start)) = (
                        placed.attribute.udata_value(),
                        self.low_pc(attributes, unit)?,
                    ) {
                        self.constant(placed, span(self.moved, start, length))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes a constant that changes, in the room that it has.
    fn constant(&mut self, placed: &Placed<'_>, value: u64) -> Result<(), RewriteError> {
        let size = placed.end - placed.start;
        let leb = matches!(
            placed.attribute.form(),
            dw::DW_FORM_udata | dw::DW_FORM_sdata
        );
        // A signed LEB128 number needs one bit more.
        let bits = match placed.attribute.form() {
            dw::DW_FORM_udata => 7 * size,
            dw::DW_FORM_sdata => 7 * size - 1,
            _ => 8 * size,
        };
        if size > 8 || bits < 64 && value >> bits != 0 {
            return Err(error(format!(
                "a function's size ({value:#x}) does not fit its field of {size} bytes in .debug_info"
            )));
        }
        let mut field = value;
        if leb {
            field = (0..size).fold(0, |field, i| {
                let more = if i + 1 < size { 0x80 } else { 0 };
                field | ((value >> (7 * i)) & 0x7F | more) << (8 * i)
            });
        }
        self.patches.values.push((placed.start, size, field));
        Ok(())
    }

    fn reference(&mut self, name: DwAt, placed: &Placed<'_>, offset: u64, unit: &Unit) {
        let version = unit.version;
        let found = &mut *self.found;
        let table = match name {
            dw::DW_AT_stmt_list => Table::Lines,
            dw::DW_AT_macros | dw::DW_AT_GNU_macros => {
                found.macros.push(offset);
                return;
            }
            dw::DW_AT_rnglists_base => Table::RangeLists,
            dw::DW_AT_loclists_base => Table::LocationLists,
            dw::DW_AT_GNU_locviews if version < 5 => return,
            dw::DW_AT_GNU_locviews => Table::LocationLists,
            dw::DW_AT_ranges | dw::DW_AT_start_scope if version < 5 => {
                found.old_ranges.insert(offset, *unit);
                return;
            }
            dw::DW_AT_ranges | dw::DW_AT_start_scope => {
                found.range_lists.heads.insert(offset, *unit);
                Table::RangeLists
            }
            _ if !is_location(name) => return,
            _ if version < 5 => {
                found.old_locations.insert(offset, *unit);
                return;
            }
            _ => {
                found.location_lists.heads.insert(offset, *unit);
                Table::LocationLists
            }
        };
        self.patches.references.push((placed.start, table));
    }
}

/// Whether an attribute may hold what [`Walker::entry`] or [`Walker::root`] looks at; most do not.
fn matters(specification: &AttributeSpecification, version: u16) -> bool {
    let name = specification.name();
    match specification.form() {
        dw::DW_FORM_addr | dw::DW_FORM_sec_offset | dw::DW_FORM_exprloc | dw::DW_FORM_indirect => {
            true
        }
        dw::DW_FORM_block | dw::DW_FORM_block1 | dw::DW_FORM_block2 | dw::DW_FORM_block4 => true,
        dw::DW_FORM_rnglistx | dw::DW_FORM_loclistx => true,
        // Offsets had no form of their own.
        dw::DW_FORM_data4 | dw::DW_FORM_data8 if version < 4 => true,
        _ => matches!(
            name,
            dw::DW_AT_low_pc | dw::DW_AT_high_pc | dw::DW_AT_entry_pc
        ),
    }
}

/// Attributes of which an offset names a location list.
fn is_location(name: DwAt) -> bool {
    matches!(
        name,
        dw::DW_AT_location
            | dw::DW_AT_string_length
            | dw::DW_AT_return_addr
            | dw::DW_AT_data_member_location
            | dw::DW_AT_frame_base
            | dw::DW_AT_segment
            | dw::DW_AT_static_link
            | dw::DW_AT_use_location
            | dw::DW_AT_vtable_elem_location
    )
}

/// Attributes that are offsets where DWARF 2 and 3 give them four bytes; a member's location is a constant there.
fn is_offset(name: DwAt) -> bool {
    matches!(name, dw::DW_AT_stmt_list | dw::DW_AT_ranges)
        || (is_location(name) && name != dw::DW_AT_data_member_location)
}
