//! Unwind tables: `.eh_frame`, `.eh_frame_hdr` and `.gcc_except_table` for code that has moved.
//!
//! The linker script puts the first and the last into a segment of their own behind all other data, which the new ones
//! replace; they may grow there.
//! Call-frame programs are copied operation by operation, only advances are new (DWARF 5, 6.4.2; LSB core specification,
//! "Exception Frames"); call sites and landing pads are written again; the binary-search table is made from scratch.

mod lsda;
mod pointer;

use std::collections::HashMap;
use std::ops::Range;

use zvm_abi::layout::PAGE;

use crate::bytes::{Cursor, Output};
use crate::decode::Program;
use crate::error::RewriteError;
use crate::input::Input;
use lsda::Lsda;
use pointer::{DATAREL_SDATA4, OMIT, PCREL_SDATA4, UDATA4, is_indirect};

/// The new address of an input address: of code where it starts an instruction, of data always.
pub(crate) type Mapping<'m> = &'m dyn Fn(u64) -> Option<u64>;

/// [`Mapping`], where it must succeed.
fn place(moved: Mapping<'_>, address: u64) -> Result<u64, RewriteError> {
    moved(address).ok_or_else(|| {
        RewriteError::BadInput(format!(
            "unwind tables name {address:#x}, where no instruction starts"
        ))
    })
}

fn indices(
    program: &Program<'_>,
    addresses: impl Iterator<Item = u64>,
) -> Result<Vec<usize>, RewriteError> {
    let code = |address| program.at(address).map(|index| index as u64);
    addresses
        .map(|address| place(&code, address).map(|index| index as usize))
        .collect()
}

/// Common information entry.
struct Cie<'a> {
    augmentation: &'a [u8],
    code_factor: u64,
    /// Data factor and return register, as they stand.
    factors: &'a [u8],
    version: u8,
    pointers: u8,
    lsda: u8,
    personality: Option<(u8, Option<u64>)>,
    program: &'a [u8],
}

/// Frame description entry.
struct Fde<'a> {
    /// Index of its CIE.
    cie: usize,
    code: Range<u64>,
    lsda: Option<Lsda<'a>>,
    program: &'a [u8],
}

/// The tables of the input.
pub(crate) struct Unwind<'a> {
    /// Address of their segment.
    address: u64,
    cies: Vec<Cie<'a>>,
    fdes: Vec<Fde<'a>>,
}

/// Tables for the image: one read-only segment.
pub(crate) struct Tables {
    /// The segment's address, and that of the binary-search table (`.eh_frame_hdr`).
    pub address: u64,
    pub bytes: Vec<u8>,
    /// Sections in it: name, address, size.
    pub sections: [(&'static str, u64, u64); 3],
}

/// The sections that the tables replace.
pub(crate) fn is_table(section: &str) -> bool {
    matches!(section, ".eh_frame" | ".eh_frame_hdr" | ".gcc_except_table")
}

impl<'a> Unwind<'a> {
    /// Reads the tables; `None` if the input has none.
    pub(crate) fn read(input: &Input<'a>) -> Result<Option<Self>, RewriteError> {
        let section = |name: &str| {
            let section = input
                .sections
                .iter()
                .find(|s| s.name == name && s.size > 0)?;
            let bytes = input.data(section.address, section.size as usize)?;
            Some((section.address, bytes))
        };
        let Some((start, bytes)) = section(".eh_frame") else {
            return Ok(None);
        };
        let Some(segment) = input
            .segments
            .iter()
            .find(|s| (s.address..s.address + s.memory_size).contains(&start))
        else {
            return Ok(None);
        };
        let inside =
            |address| (segment.address..segment.address + segment.memory_size).contains(&address);
        let end = input
            .segments
            .iter()
            .map(|s| s.address + s.memory_size)
            .max()
            .unwrap_or(0);
        // Sections that the linker script does not name may lie there too: they stay, and the new tables go behind.
        let alone = input
            .sections
            .iter()
            .filter(|s| s.size > 0 && inside(s.address))
            .all(|s| is_table(s.name));
        let last = segment.address + segment.memory_size == end;
        let mut unwind = Unwind {
            address: if last && alone {
                segment.address
            } else {
                end.next_multiple_of(PAGE)
            },
            cies: Vec::new(),
            fdes: Vec::new(),
        };
        unwind.read_frames(
            Cursor::new(bytes, start, ".eh_frame"),
            section(".gcc_except_table"),
            input,
        )?;
        Ok(Some(unwind))
    }

    fn read_frames(
        &mut self,
        mut at: Cursor<'a>,
        tables: Option<(u64, &'a [u8])>,
        input: &Input<'_>,
    ) -> Result<(), RewriteError> {
        let mut by_address = HashMap::new();
        let (mut areas, mut starts) = (Vec::new(), Vec::new());
        while !at.is_empty() {
            let entry = at.address;
            let length = at.number(4)?;
            if length == 0 {
                // The end of one object's tables: crtend.o has it.
                continue;
            }
            if length >= 0xFFFF_FFF0 {
                return Err(at.error("an entry in the 64-bit format"));
            }
            let id_at = at.address;
            let mut body = Cursor::new(at.take(length as usize)?, id_at, ".eh_frame");
            let id = body.number(4)?;
            if id == 0 {
                by_address.insert(entry, self.cies.len());
                self.cies.push(read_cie(body)?);
                continue;
            }
            let cie = *by_address
                .get(&id_at.wrapping_sub(id))
                .ok_or_else(|| body.error("an entry without its CIE"))?;
            let Some((fde, area)) = read_fde(body, cie, &self.cies[cie], input)? else {
                continue;
            };
            starts.extend(area);
            // A block without code may have a table.
            if !fde.code.is_empty() {
                self.fdes.push(fde);
                areas.push(area);
            }
        }
        starts.sort_unstable();
        for (fde, area) in self.fdes.iter_mut().zip(areas) {
            let Some(area) = area else { continue };
            let next = starts.partition_point(|&start| start <= area);
            let next = starts.get(next).copied().unwrap_or(u64::MAX);
            let table = tables.and_then(|(base, bytes)| {
                bytes.get(usize::try_from(area.checked_sub(base)?).ok()?..)
            });
            let table = table.ok_or_else(|| {
                at.error(&format!("a table at {area:#x} is not in .gcc_except_table"))
            })?;
            let table = Cursor::new(table, area, ".gcc_except_table");
            fde.lsda = Some(Lsda::read(table, fde.code.start, next)?);
        }
        Ok(())
    }

    /// Code indices of all landing pads.
    pub(crate) fn landing_pads(&self, program: &Program<'_>) -> Result<Vec<usize>, RewriteError> {
        let pads = self.fdes.iter().filter_map(|fde| fde.lsda.as_ref());
        indices(program, pads.flat_map(Lsda::landing_pads))
    }

    /// Code indices of the personality routines that the tables name themselves, not through a pointer in data.
    pub(crate) fn personalities(&self, program: &Program<'_>) -> Result<Vec<usize>, RewriteError> {
        let named = self.cies.iter().filter_map(|cie| match cie.personality {
            Some((encoding, routine)) if !is_indirect(encoding) => routine,
            _ => None,
        });
        indices(program, named)
    }

    /// Writes the tables for the code as it lies now.
    pub(crate) fn write(&self, moved: Mapping<'_>) -> Result<Tables, RewriteError> {
        // The search table first, because its size is known: 12 bytes and 8 for each function.
        let head = (12 + 8 * self.fdes.len()).next_multiple_of(8) as u64;
        let frames_at = self.address + head;
        let mut areas = vec![None; self.fdes.len()];
        let (mut frames, mut index) = self.write_frames(frames_at, &areas, moved)?;
        let frames_size = frames.bytes.len() as u64;
        let areas_at = (frames_at + frames_size).next_multiple_of(8);
        let mut out = Output::new(areas_at);
        for (fde, area) in self.fdes.iter().zip(&mut areas) {
            if let Some(lsda) = &fde.lsda {
                out.align(4);
                *area = Some(out.address());
                lsda.write(&mut out, fde.code.start, moved)?;
            }
        }
        // Where the language tables are changes their pointers' values, and no sizes.
        if areas.iter().any(Option::is_some) {
            (frames, index) = self.write_frames(frames_at, &areas, moved)?;
            debug_assert_eq!(frames.bytes.len() as u64, frames_size);
        }
        index.sort_unstable();
        let mut search = Output::new(self.address);
        search.put(&[1, PCREL_SDATA4, UDATA4, DATAREL_SDATA4]);
        search.pointer(PCREL_SDATA4, Some(frames_at));
        search.word(index.len() as u32);
        for (start, entry) in index {
            search.word(start.wrapping_sub(self.address) as u32);
            search.word(entry.wrapping_sub(self.address) as u32);
        }
        search.align(8);
        let mut bytes = search.bytes;
        bytes.extend_from_slice(&frames.bytes);
        bytes.resize((areas_at - self.address) as usize, 0);
        bytes.extend_from_slice(&out.bytes);
        Ok(Tables {
            address: self.address,
            bytes,
            sections: [
                (".eh_frame_hdr", self.address, head),
                (".eh_frame", frames_at, frames_size),
                (".gcc_except_table", areas_at, out.bytes.len() as u64),
            ],
        })
    }

    /// `.eh_frame` with each function's area at `areas`, and (function, entry) for the search table.
    fn write_frames(
        &self,
        base: u64,
        areas: &[Option<u64>],
        moved: Mapping<'_>,
    ) -> Result<(Output, Vec<(u64, u64)>), RewriteError> {
        let mut out = Output::new(base);
        let (mut index, mut cies) = (Vec::new(), Vec::new());
        for cie in &self.cies {
            cies.push(out.address());
            entry(&mut out, |out| cie.write(out, moved))?;
        }
        for (fde, &area) in self.fdes.iter().zip(areas) {
            let cie = &self.cies[fde.cie];
            let code = place(moved, fde.code.start)?..place(moved, fde.code.end)?;
            index.push((code.start, out.address()));
            entry(&mut out, |out| {
                out.word(out.address().wrapping_sub(cies[fde.cie]) as u32);
                let fits = out.pointer(cie.pointers, Some(code.start))
                    && out.value(cie.pointers, code.end - code.start);
                let mut data = Output::new(out.address() + 1);
                let fits = fits && (cie.lsda == OMIT || data.pointer(cie.lsda, area));
                if !fits {
                    return Err(RewriteError::BadInput(
                        "an unwind table is too far from its code".into(),
                    ));
                }
                if cie.augmentation.first() == Some(&b'z') {
                    out.uleb(data.bytes.len() as u64);
                    out.put(&data.bytes);
                }
                advance(out, fde.program, fde.code.start, cie.code_factor, moved)
            })?;
        }
        // The end.
        out.word(0);
        Ok((out, index))
    }
}

/// Writes one entry: its length, its body, padding with `DW_CFA_nop`.
fn entry(
    out: &mut Output,
    body: impl FnOnce(&mut Output) -> Result<(), RewriteError>,
) -> Result<(), RewriteError> {
    let start = out.bytes.len();
    out.word(0);
    body(out)?;
    out.align(8);
    let length = (out.bytes.len() - start - 4) as u32;
    out.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

fn read_cie(mut at: Cursor<'_>) -> Result<Cie<'_>, RewriteError> {
    let version = at.byte()?;
    if !matches!(version, 1 | 3) {
        return Err(at.error("an unknown version"));
    }
    let augmentation = at.string()?;
    let code_factor = at.uleb()?;
    let before = at;
    at.sleb()?;
    if version == 1 {
        at.byte()?;
    } else {
        at.uleb()?;
    }
    let factors = &before.rest()[..(at.address - before.address) as usize];
    let mut cie = Cie {
        augmentation,
        code_factor,
        factors,
        version,
        pointers: 0,
        lsda: OMIT,
        personality: None,
        program: &[],
    };
    if let Some((b'z', letters)) = augmentation.split_first() {
        let length = at.uleb()?;
        let address = at.address;
        let mut data = Cursor::new(at.take(length as usize)?, address, ".eh_frame");
        for letter in letters {
            match letter {
                b'R' => cie.pointers = data.byte()?,
                b'L' => cie.lsda = data.byte()?,
                b'P' => {
                    let encoding = data.byte()?;
                    cie.personality = Some((encoding, data.pointer(encoding)?));
                }
                // A signal's frame; a return address that is signed.
                b'S' | b'B' => {}
                _ => return Err(at.error("an unknown augmentation")),
            }
        }
    } else if !augmentation.is_empty() {
        return Err(at.error("an unknown augmentation"));
    }
    cie.program = at.rest();
    Ok(cie)
}

/// An entry without its language's table, and where that lies; `None` for an entry of code that the linker threw away.
fn read_fde<'a>(
    mut at: Cursor<'a>,
    index: usize,
    cie: &Cie<'_>,
    input: &Input<'_>,
) -> Result<Option<(Fde<'a>, Option<u64>)>, RewriteError> {
    let start = at.pointer(cie.pointers)?.unwrap_or(0);
    let length = at.value(cie.pointers)?;
    if !input.in_text(start) && length > 0 {
        return Ok(None);
    }
    let mut area = None;
    if cie.augmentation.first() == Some(&b'z') {
        let length = at.uleb()?;
        let address = at.address;
        let mut data = Cursor::new(at.take(length as usize)?, address, ".eh_frame");
        if cie.lsda != OMIT {
            area = data.pointer(cie.lsda)?;
        }
    }
    let fde = Fde {
        cie: index,
        code: start..start.wrapping_add(length),
        lsda: None,
        program: at.rest(),
    };
    Ok(Some((fde, area)))
}

impl Cie<'_> {
    fn write(&self, out: &mut Output, moved: Mapping<'_>) -> Result<(), RewriteError> {
        out.word(0);
        out.put(&[self.version]);
        out.put(self.augmentation);
        out.put(&[0]);
        // Distances are counted in bytes.
        out.uleb(1);
        out.put(self.factors);
        if let Some((b'z', letters)) = self.augmentation.split_first() {
            // A length of one byte: a pointer has eight at most.
            let mut data = Output::new(out.address() + 1);
            for letter in letters {
                match (letter, self.personality) {
                    (b'R', _) => data.put(&[self.pointers]),
                    (b'L', _) => data.put(&[self.lsda]),
                    (b'P', Some((encoding, pointer))) => {
                        data.put(&[encoding]);
                        let pointer = match pointer {
                            Some(code) if !is_indirect(encoding) => Some(place(moved, code)?),
                            other => other,
                        };
                        if !data.pointer(encoding, pointer) {
                            return Err(RewriteError::BadInput(
                                "a personality routine is too far from .eh_frame".into(),
                            ));
                        }
                    }
                    _ => {}
                }
            }
            out.uleb(data.bytes.len() as u64);
            out.put(&data.bytes);
        }
        out.put(self.program);
        Ok(())
    }
}

/// Operands of a call-frame operation.
enum Operands {
    None,
    /// LEB128 numbers.
    Numbers(u8),
    /// LEB128 numbers and a block with its length.
    Block(u8),
}

/// What follows an operation other than an advance (DWARF 5, 7.24; GNU's and LLVM's extensions).
fn operands(operation: u8) -> Option<Operands> {
    Some(match operation {
        // offset; restore.
        0x80..=0xBF => Operands::Numbers(1),
        0xC0..=0xFF => Operands::None,
        // nop, remember_state, restore_state, GNU_window_save.
        0x00 | 0x0A | 0x0B | 0x2D => Operands::None,
        // restore_extended, undefined, same_value, def_cfa_register, def_cfa_offset, def_cfa_offset_sf, GNU_args_size.
        0x06 | 0x07 | 0x08 | 0x0D | 0x0E | 0x13 | 0x2E => Operands::Numbers(1),
        // offset_extended, register, def_cfa, offset_extended_sf, def_cfa_sf, val_offset, val_offset_sf,
        // GNU_negative_offset_extended.
        0x05 | 0x09 | 0x0C | 0x11 | 0x12 | 0x14 | 0x15 | 0x2F => Operands::Numbers(2),
        // def_cfa_expression; expression, val_expression.
        0x0F => Operands::Block(0),
        0x10 | 0x16 => Operands::Block(1),
        _ => return None,
    })
}

/// Copies the call-frame program of the function at `start`, with advances over the moved code.
pub(crate) fn advance(
    out: &mut Output,
    program: &[u8],
    start: u64,
    factor: u64,
    moved: Mapping<'_>,
) -> Result<(), RewriteError> {
    let mut at = Cursor::new(program, 0, "a call-frame program");
    let (mut location, mut now) = (start, place(moved, start)?);
    while !at.is_empty() {
        let before = at;
        let operation = at.byte()?;
        let step = match operation {
            0x40..=0x7F => u64::from(operation & 0x3F),
            0x02 => at.number(1)?,
            0x03 => at.number(2)?,
            0x04 => at.number(4)?,
            // set_loc: no compiler for x86-64 has written it.
            0x01 => return Err(at.error("an absolute location")),
            _ => {
                match operands(operation) {
                    None => return Err(before.error("an unknown operation")),
                    Some(Operands::None) => {}
                    Some(Operands::Numbers(count)) => {
                        for _ in 0..count {
                            at.uleb()?;
                        }
                    }
                    Some(Operands::Block(count)) => {
                        for _ in 0..count {
                            at.uleb()?;
                        }
                        let length = at.uleb()?;
                        at.take(length as usize)?;
                    }
                }
                let length = (at.address - before.address) as usize;
                out.put(&before.rest()[..length]);
                continue;
            }
        };
        location = location.wrapping_add(step.wrapping_mul(factor));
        let next = place(moved, location)?;
        match next - now {
            0 => {}
            step @ 1..=0x3F => out.put(&[0x40 | step as u8]),
            step @ 0x40..=0xFF => out.put(&[0x02, step as u8]),
            step @ 0x100..=0xFFFF => {
                out.put(&[0x03]);
                out.put(&(step as u16).to_le_bytes());
            }
            step => {
                out.put(&[0x04]);
                out.word(step as u32);
            }
        }
        now = next;
    }
    Ok(())
}
