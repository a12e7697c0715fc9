//! Writes the operations where they lie, and nops between them.

use zvm_abi::layout::{BUNDLE, TEXT_BASE};

use super::place::Placement;
use super::{BUNDLE_SIZE, LONGEST_NOP, Layout, distance};
use crate::code::Fix;
use crate::longer;
use crate::lower::Lowered;

const HLT: u8 = 0xF4;
const ADDRESS32: u8 = 0x67;
/// ds, which means nothing in 64-bit mode.
const NULL_SEGMENT: u8 = 0x3E;

/// The finished text.
pub(super) fn encode(lowered: &Lowered, placement: Placement) -> Layout {
    let end = placement.placed.end.next_multiple_of(BUNDLE_SIZE) + BUNDLE_SIZE;
    // What follows the last operation, and a whole bundle at the end, is hlt.
    let mut text = vec![HLT; end as usize + 2 * LONGEST_NOP as usize];
    let mut filled = 0usize;
    for (i, (op, slot)) in lowered.ops.iter().zip(&placement.slots).enumerate() {
        let at = slot.at as usize;
        pad(&mut text, filled, at);
        filled = slot.behind() as usize;
        let extra = usize::from(slot.extra);
        // A copy of a fixed size is fast; what it writes too much is written over.
        let body = text[at + extra..].first_chunk_mut();
        *body.expect("room for one more instruction is left behind text") = match slot.grown {
            0 => op.bytes,
            _ => longer::lengthen(op).bytes,
        };
        // C9's order: 0x67, the null segment, the rest.
        match (extra, op.bytes[0]) {
            (0, _) => {}
            (1, ADDRESS32) => text[at..at + 2].copy_from_slice(&[ADDRESS32, NULL_SEGMENT]),
            (1, _) => text[at] = NULL_SEGMENT,
            _ => text[at..at + 2].copy_from_slice(&[ADDRESS32, NULL_SEGMENT]),
        }
        if op.fix != Fix::None {
            fill_in(lowered, &placement, i, &mut text[at + extra..]);
        }
    }
    text.truncate(end as usize);
    text[filled..].fill(HLT);
    let slots = placement.slots.iter();
    let labels = slots.map(|slot| slot.label + TEXT_BASE as u32).collect();
    Layout {
        text,
        labels,
        gaps: placement.placed.gaps,
    }
}

/// Fills in the field of the operation `i`, whose bytes are `bytes` and more.
fn fill_in(lowered: &Lowered, placement: &Placement, i: usize, bytes: &mut [u8]) {
    let op = &lowered.ops[i];
    let distance = distance(lowered, placement, i);
    let (at, near) = (usize::from(op.at), (distance as i32).to_le_bytes());
    let address = (distance + i64::from(placement.slots[i].behind())) as u64;
    let address = address.wrapping_add(TEXT_BASE);
    match op.fix {
        Fix::None => {}
        Fix::Rip => bytes[at..at + 4].copy_from_slice(&near),
        Fix::Absolute32 => bytes[at..at + 4].copy_from_slice(&(address as u32).to_le_bytes()),
        Fix::Absolute64 => bytes[at..at + 8].copy_from_slice(&address.to_le_bytes()),
        Fix::Short => bytes[at] = distance as i8 as u8,
        Fix::Branch => match (op.long, op.bytes[0]) {
            (false, _) => bytes[1] = distance as i8 as u8,
            (true, opcode @ (0xEB | 0xE8)) => {
                bytes[0] = if opcode == 0xEB { 0xE9 } else { 0xE8 };
                bytes[1..5].copy_from_slice(&near);
            }
            (true, opcode) => {
                bytes[..2].copy_from_slice(&[0x0F, opcode + 0x10]);
                bytes[2..6].copy_from_slice(&near);
            }
        },
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
