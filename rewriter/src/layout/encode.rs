//! Writes the operations where they lie, and nops between them.

use zvm_abi::layout::BUNDLE;

use super::place::Placement;
use super::{BUNDLE_SIZE, Branch, Chunk, Field, Form, LINE, LONGEST_NOP, distance, inside};
use crate::code::{Fix, GLUED, Target};
use crate::longer;
use crate::lower::Lowered;

const HLT: u8 = 0xF4;
const ADDRESS32: u8 = 0x67;
/// ds, which means nothing in 64-bit mode.
const NULL_SEGMENT: u8 = 0x3E;

/// Writes a run behind what is there.
pub(super) fn encode(run: &Lowered, placement: &Placement, chunk: &mut Chunk) {
    let Chunk { text, fields, .. } = chunk;
    let mut filled = text.len();
    let end = placement.placed.end as usize;
    // A copy of a fixed size is fast; what it writes too much is written over, or cut off.
    text.resize(end + 2 * LONGEST_NOP as usize, HLT);
    let mut guarded = 0;
    for (i, (op, slot)) in run.ops.iter().zip(&placement.slots).enumerate() {
        let at = slot.at as usize;
        if filled < at {
            pad(text, filled, at);
        }
        filled = slot.behind() as usize;
        let start = at + usize::from(slot.extra);
        let body = text[start..].first_chunk_mut();
        *body.expect("room for one more instruction is left behind text") = match slot.grown {
            0 => op.bytes,
            _ => longer::lengthen(op).bytes,
        };
        if slot.extra > 0 {
            // C9's order: 0x67, the null segment, the rest.
            let first = text[start];
            let prefixes = match slot.extra == 2 || first == ADDRESS32 {
                true => [ADDRESS32, NULL_SEGMENT],
                false => [NULL_SEGMENT, first],
            };
            text[at..at + 2].copy_from_slice(&prefixes);
        }
        guarded += u64::from(op.kind & GLUED);
        if op.fix != Fix::None {
            fields.extend(fill_in(run, placement, i, &mut text[start..], start));
        }
    }
    text.truncate(end);
    chunk.guarded += guarded;
}

/// Fills in the field of the operation `i`, whose bytes, and more, stand at `start`; a field that leads out of the run is for later.
fn fill_in(
    run: &Lowered,
    placement: &Placement,
    i: usize,
    bytes: &mut [u8],
    start: usize,
) -> Option<Field> {
    let op = &run.ops[i];
    let near = inside(run, op.target).map(|to| {
        let at = i as u32;
        distance(&placement.slots, Branch { at, to })
    });
    let (form, at) = match op.fix {
        Fix::None => return None,
        Fix::Rip => (Form::Relative32, usize::from(op.at)),
        Fix::Absolute32 => (Form::Absolute32, usize::from(op.at)),
        Fix::Absolute64 => (Form::Absolute64, usize::from(op.at)),
        Fix::Short => {
            bytes[usize::from(op.at)] = near.unwrap_or_default() as i8 as u8;
            return None;
        }
        Fix::Branch => match (op.long, op.bytes[0]) {
            (false, _) => {
                bytes[1] = near.unwrap_or_default() as i8 as u8;
                return None;
            }
            (true, opcode @ (0xEB | 0xE8)) => {
                bytes[0] = if opcode == 0xEB { 0xE9 } else { 0xE8 };
                (Form::Relative32, 1)
            }
            (true, opcode) => {
                bytes[..2].copy_from_slice(&[0x0F, opcode + 0x10]);
                (Form::Relative32, 2)
            }
        },
    };
    if form == Form::Relative32
        && let Some(distance) = near
    {
        bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        return None;
    }
    debug_assert!(
        !matches!(op.target, Target::Op(_)),
        "no address is asked of an operation"
    );
    Some(Field {
        at: (start + at) as u32,
        behind: placement.slots[i].behind(),
        form,
        target: op.target,
    })
}

/// Fills the last line of a chunk that ends at `end`: with nops, or behind all text with hlt, at least a bundle of it.
pub(super) fn finish(text: &mut Vec<u8>, end: u32, last: bool) {
    if last {
        let end = end.next_multiple_of(BUNDLE_SIZE) + BUNDLE_SIZE;
        text.resize(end as usize, HLT);
    } else {
        let to = end.next_multiple_of(LINE) as usize;
        text.resize(to, HLT);
        pad(text, end as usize, to);
    }
}

/// The long nops that the manuals recommend (Intel SDM, NOP; AMD's optimisation guides), one to nine bytes.
const NOPS: [&[u8]; 9] = [
    &[0x90],
    &[0x66, 0x90],
    &[0x0F, 0x1F, 0x00],
    &[0x0F, 0x1F, 0x40, 0x00],
    &[0x0F, 0x1F, 0x44, 0x00, 0x00],
    &[0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00],
    &[0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00],
    &[0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    &[0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
];
/// What stands before the nop of eight bytes in longer ones: 66, as often as needed, and a null segment.
const LONG_NOP: [u8; 15] = [
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2E, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00,
];

/// Fills `[from, to)` with nops, none of which crosses a bundle's end.
fn pad(text: &mut [u8], mut from: usize, to: usize) {
    while from < to {
        let room = BUNDLE as usize - from % BUNDLE as usize;
        let len = (to - from).min(room).min(LONG_NOP.len());
        let nop = match NOPS.get(len - 1) {
            Some(nop) => nop,
            None => &LONG_NOP[LONG_NOP.len() - len..],
        };
        text[from..from + len].copy_from_slice(nop);
        from += len;
    }
}
