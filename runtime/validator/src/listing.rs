//! The specification as a list for people.

use crate::Level;
use crate::spec::SPEC;
use crate::table::Map;

/// One row of the specification: instructions that are encoded alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The opcode map's bytes in front of the opcode, such as `0F 38` or `VEX 0F`.
    pub map: &'static str,
    /// Opcodes, prefixes, operands and flags, as the specification explains them.
    pub encoding: &'static str,
    /// The names, and what there is to say about them.
    pub names: &'static str,
    /// The lowest level that has them.
    pub level: Level,
}

/// Every row that `level` accepts. A line whose encoding is empty goes on with the names of the one before.
pub fn instructions(level: Level) -> impl Iterator<Item = Listed> {
    let mut last = Level::V1;
    SPEC.iter()
        .flat_map(|&(map, rows)| rows.lines().map(move |line| (map, line)))
        .filter(|(_, line)| !line.trim().is_empty())
        .map(move |(map, line)| {
            let (encoding, names) = line.split_once(';').unwrap_or((line, ""));
            let encoding = encoding.trim();
            if !encoding.is_empty() {
                last = lowest(map, encoding);
            }
            Listed {
                map: name(map),
                encoding,
                names: names.trim(),
                level: last,
            }
        })
        .filter(move |row| row.level <= level)
}

/// The level that a row's flags name, or its map's.
fn lowest(map: Map, encoding: &str) -> Level {
    let named = encoding.split_whitespace().find_map(|word| {
        let number = word.strip_prefix('v')?.parse::<u32>();
        Level::try_from(number.ok()?).ok()
    });
    named.unwrap_or_else(|| match map.level() {
        0 => Level::V1,
        2 => Level::V3,
        _ => Level::V4,
    })
}

fn name(map: Map) -> &'static str {
    match map {
        Map::One => "",
        Map::Of => "0F",
        Map::Of38 => "0F 38",
        Map::Of3a => "0F 3A",
        Map::VexOf => "VEX 0F",
        Map::VexOf38 => "VEX 0F 38",
        Map::VexOf3a => "VEX 0F 3A",
        Map::EvexOf => "EVEX 0F",
        Map::EvexOf38 => "EVEX 0F 38",
        Map::EvexOf3a => "EVEX 0F 3A",
    }
}
