//! `.debug_line`: line-number programs (DWARF 5, 6.2), and the offsets into it that `.debug_macro` holds.

use super::{Moved, Moves, error};
use crate::bytes::{Cursor, Output};
use crate::error::RewriteError;

/// What a program's header says about its opcodes.
struct Opcodes<'a> {
    min_instruction: u64,
    line_base: i64,
    line_range: u64,
    base: u8,
    /// Operands of each standard opcode, from 1 on.
    lengths: &'a [u8],
}

/// Standard opcodes.
const COPY: u8 = 1;
const ADVANCE_PC: u8 = 2;
const ADVANCE_LINE: u8 = 3;
const CONST_ADD_PC: u8 = 8;
const FIXED_ADVANCE_PC: u8 = 9;
/// Extended opcodes.
const END_SEQUENCE: u8 = 1;
const SET_ADDRESS: u8 = 2;

/// Writes all programs of `section` to `out`, and where each begins to `moves`.
pub(super) fn rewrite(
    section: &[u8],
    moved: Moved<'_>,
    out: &mut Vec<u8>,
    moves: &mut Moves,
) -> Result<(), RewriteError> {
    let mut at = Cursor::new(section, 0, ".debug_line");
    while !at.is_empty() {
        let start = out.len();
        moves.add(at.address, start);
        let length = at.number(4)?;
        if length >= 0xFFFF_FFF0 {
            return Err(at.error("a table in the 64-bit format"));
        }
        let body = at.address;
        let unit = at.take(length as usize)?;
        let mut unit = Cursor::new(unit, body, ".debug_line");
        let header = unit;
        let opcodes = read_header(&mut unit)?;
        let header_size = (unit.address - header.address) as usize;
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&header.rest()[..header_size]);
        let mut program = Program {
            opcodes,
            moved,
            out: Output::new(0),
            old: 0,
            new: 0,
        };
        program.run(unit)?;
        out.extend_from_slice(&program.out.bytes);
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// Reads a header up to the first opcode.
fn read_header<'a>(at: &mut Cursor<'a>) -> Result<Opcodes<'a>, RewriteError> {
    let version = at.number(2)?;
    if !(2..=5).contains(&version) {
        return Err(at.error("an unknown version"));
    }
    if version == 5 && at.take(2)? != [8, 0] {
        return Err(at.error("addresses that are not of 8 bytes"));
    }
    let rest = at.number(4)?;
    let mut inner = *at;
    at.take(rest as usize)?;
    let min_instruction = inner.number(1)?;
    if version >= 4 && inner.byte()? != 1 {
        return Err(inner.error("more than one operation in an instruction"));
    }
    inner.byte()?;
    let line_base = i64::from(inner.byte()? as i8);
    let line_range = inner.number(1)?;
    let base = inner.byte()?;
    if line_range == 0 || base == 0 {
        return Err(inner.error("a header without ranges"));
    }
    Ok(Opcodes {
        min_instruction,
        line_base,
        line_range,
        base,
        lengths: inner.take(usize::from(base) - 1)?,
    })
}

struct Program<'p> {
    opcodes: Opcodes<'p>,
    moved: Moved<'p>,
    out: Output,
    /// The address register, as the input's program has it.
    old: u64,
    /// The address register, as the output's program has it: advances are put off until a row needs them.
    new: u64,
}

impl Program<'_> {
    fn run(&mut self, mut at: Cursor<'_>) -> Result<(), RewriteError> {
        while !at.is_empty() {
            let before = at;
            let opcode = at.byte()?;
            let step = |operation: u64, opcodes: &Opcodes<'_>| {
                operation / opcodes.line_range * opcodes.min_instruction
            };
            match opcode {
                0 => {
                    let length = at.uleb()?;
                    let mut inner = Cursor::new(at.take(length as usize)?, 0, ".debug_line");
                    match inner.byte()? {
                        SET_ADDRESS => {
                            self.old = inner.number(8)?;
                            self.new = (self.moved)(self.old);
                            self.out.put(&[0, 9, SET_ADDRESS]);
                            self.out.put(&self.new.to_le_bytes());
                        }
                        END_SEQUENCE => {
                            self.advance();
                            self.out.put(&[0, 1, END_SEQUENCE]);
                            (self.old, self.new) = (0, 0);
                        }
                        _ => self.copy(before, at),
                    }
                }
                _ if opcode >= self.opcodes.base => {
                    let operation = u64::from(opcode - self.opcodes.base);
                    self.old = self.old.wrapping_add(step(operation, &self.opcodes));
                    let line =
                        self.opcodes.line_base + (operation % self.opcodes.line_range) as i64;
                    self.special(line);
                }
                COPY => {
                    self.advance();
                    self.out.put(&[COPY]);
                }
                ADVANCE_PC => {
                    let step = at.uleb()?.wrapping_mul(self.opcodes.min_instruction);
                    self.old = self.old.wrapping_add(step);
                }
                CONST_ADD_PC => {
                    let operation = u64::from(255 - self.opcodes.base);
                    self.old = self.old.wrapping_add(step(operation, &self.opcodes));
                }
                FIXED_ADVANCE_PC => self.old = self.old.wrapping_add(at.number(2)?),
                ADVANCE_LINE => {
                    at.sleb()?;
                    self.copy(before, at);
                }
                _ => {
                    let operands = self.opcodes.lengths[usize::from(opcode) - 1];
                    for _ in 0..operands {
                        at.uleb()?;
                    }
                    self.copy(before, at);
                }
            }
        }
        Ok(())
    }

    /// Copies what stands between two places of the input.
    fn copy(&mut self, from: Cursor<'_>, to: Cursor<'_>) {
        let length = (to.address - from.address) as usize;
        self.out.put(&from.rest()[..length]);
    }

    /// Brings the output's address register to where the input's instruction went.
    fn advance(&mut self) {
        let target = (self.moved)(self.old);
        match target.checked_sub(self.new) {
            Some(0) => {}
            Some(step) if step.is_multiple_of(self.opcodes.min_instruction.max(1)) => {
                self.out.put(&[ADVANCE_PC]);
                self.out.uleb(step / self.opcodes.min_instruction.max(1));
            }
            // Only a sequence that is out of order gets here.
            _ => {
                self.out.put(&[0, 9, SET_ADDRESS]);
                self.out.put(&target.to_le_bytes());
            }
        }
        self.new = target;
    }

    /// A row at the input's address, `line` lines on: one special opcode where the distance allows it.
    fn special(&mut self, line: i64) {
        let opcodes = &self.opcodes;
        let target = (self.moved)(self.old);
        let steps = target
            .checked_sub(self.new)
            .filter(|step| opcodes.min_instruction != 0 && step % opcodes.min_instruction == 0)
            .map(|step| step / opcodes.min_instruction);
        let low = u64::from(opcodes.base) + (line - opcodes.line_base) as u64;
        let code = |steps: u64| {
            let code = steps.checked_mul(opcodes.line_range)?.checked_add(low)?;
            u8::try_from(code).ok()
        };
        // `low` itself came from a special opcode, so it always fits.
        match steps.and_then(code) {
            Some(code) => {
                self.out.put(&[code]);
                self.new = target;
            }
            None => {
                self.advance();
                self.out.put(&[low as u8]);
            }
        }
    }
}

/// `.debug_macro` with the offsets of its line tables at `units`, the offsets of its units.
pub(super) fn patch_macros(
    section: &[u8],
    units: &[u64],
    lines: &Moves,
) -> Result<Vec<u8>, RewriteError> {
    let mut bytes = section.to_vec();
    for &unit in units {
        let unit = unit as usize;
        let header = bytes.get_mut(unit..unit.saturating_add(7));
        let header = header.ok_or_else(|| error(".debug_macro ends too early"))?;
        // Version, flags: bit 0 the 64-bit format, bit 1 an offset into .debug_line.
        if header[2] & 1 != 0 {
            return Err(error(".debug_macro is in the 64-bit format"));
        }
        if header[2] & 2 != 0 {
            let old = u32::from_le_bytes([header[3], header[4], header[5], header[6]]);
            let new = lines.get(u64::from(old)) as u32;
            header[3..].copy_from_slice(&new.to_le_bytes());
        }
    }
    Ok(bytes)
}
