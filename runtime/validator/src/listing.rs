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
    let flag = encoding.split_whitespace().find_map(|word| match word {
        "v2" => Some(Level::V2),
        "v3" => Some(Level::V3),
        "v4" => Some(Level::V4),
        _ => None,
    });
    flag.unwrap_or(match map {
        Map::One | Map::Of | Map::Of38 | Map::Of3a => Level::V1,
        Map::VexOf | Map::VexOf38 | Map::VexOf3a => Level::V3,
        Map::EvexOf | Map::EvexOf38 | Map::EvexOf3a => Level::V4,
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
