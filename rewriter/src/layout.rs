//! Packs operations into bundles and gives every one its address: rules C1, C2 and C5.

use zvm_abi::layout::{BUNDLE, TEXT_BASE, TEXT_LIMIT};

use crate::code::{Fix, Op, Target};
use crate::error::RewriteError;
use crate::lower::Lowered;

const BUNDLE_SIZE: u32 = BUNDLE as u32;
const HLT: u8 = 0xF4;

/// The finished text.
pub(crate) struct Layout {
    pub text: Vec<u8>,
    /// For each operation, the address that a target resolves to.
    labels: Vec<u32>,
    /// Bytes of padding.
    pub padding: u64,
}

impl Layout {
    /// The new address of a code index.
    pub(crate) fn address(&self, lowered: &Lowered, code: usize) -> u32 {
        self.labels[lowered.first[code] as usize]
    }
}

/// Where operations stand, as offsets from the start of text.
struct Placement {
    /// First byte of each operation.
    at: Vec<u32>,
    /// What a target resolves to: the bundle's start where one is asked for, else the first byte.
    label: Vec<u32>,
    end: u32,
}

/// Lays out the code. Branches that do not reach become long; none ever becomes short again, so this ends.
pub(crate) fn pack(lowered: &mut Lowered) -> Result<Layout, RewriteError> {
    let mut placement = Placement {
        at: vec![0; lowered.ops.len()],
        label: vec![0; lowered.ops.len()],
        end: 0,
    };
    loop {
        place(lowered, &mut placement);
        if u64::from(placement.end) + TEXT_BASE + 2 * BUNDLE > TEXT_LIMIT {
            return Err(RewriteError::BadInput(
                "the rewritten text does not fit below 0x10000000".into(),
            ));
        }
        if !lengthen(lowered, &placement) {
            break;
        }
    }
    Ok(encode(lowered, placement))
}

fn place(lowered: &Lowered, placement: &mut Placement) {
    let (ops, mut next, mut i) = (&lowered.ops, 0u32, 0);
    while i < ops.len() {
        let mut last = i;
        let mut size = u32::from(ops[i].len);
        while ops[last].glued {
            last += 1;
            size += u32::from(ops[last].len);
        }
        if lowered.aligned[i] {
            next = next.next_multiple_of(BUNDLE_SIZE);
        }
        let asked = next;
        let room = BUNDLE_SIZE - next % BUNDLE_SIZE;
        if ops[last].ends_bundle {
            next += if size <= room {
                room - size
            } else {
                room + BUNDLE_SIZE - size
            };
        } else if size > room {
            next += room;
        }
        for (k, op) in ops.iter().enumerate().take(last + 1).skip(i) {
            placement.at[k] = next;
            placement.label[k] = next;
            next += u32::from(op.len);
        }
        if lowered.aligned[i] {
            placement.label[i] = asked;
        }
        i = last + 1;
    }
    placement.end = next;
}

/// The distance from the end of operation `i` to its target.
fn distance(lowered: &Lowered, placement: &Placement, i: usize) -> i64 {
    let op = &lowered.ops[i];
    let target = match op.target {
        Target::Code(code) => i64::from(placement.label[lowered.first[code as usize] as usize]),
        Target::Op(op) => i64::from(placement.at[op as usize]),
        Target::Fixed(address) => i64::from(address) - TEXT_BASE as i64,
    };
    target - i64::from(placement.at[i]) - i64::from(op.len)
}

/// Makes short branches that do not reach long; whether there were any.
fn lengthen(lowered: &mut Lowered, placement: &Placement) -> bool {
    let mut any = false;
    for i in 0..lowered.ops.len() {
        if lowered.ops[i].fix == Fix::Branch
            && !lowered.ops[i].long
            && i8::try_from(distance(lowered, placement, i)).is_err()
        {
            lowered.ops[i].long = true;
            lowered.ops[i].len = lowered.ops[i].branch_len();
            any = true;
        }
    }
    any
}

fn encode(lowered: &Lowered, placement: Placement) -> Layout {
    let end = placement.end.next_multiple_of(BUNDLE_SIZE) + BUNDLE_SIZE;
    // What follows the last operation, and a whole bundle at the end, is hlt.
    let mut text = vec![HLT; end as usize];
    let (mut filled, mut padding) = (0usize, 0u64);
    for (i, op) in lowered.ops.iter().enumerate() {
        let at = placement.at[i] as usize;
        padding += (at - filled) as u64;
        pad(&mut text, filled, at);
        filled = at + usize::from(op.len);
        text[at..filled].copy_from_slice(&field(lowered, &placement, i, op)[..usize::from(op.len)]);
    }
    let labels = placement
        .label
        .iter()
        .map(|l| l + TEXT_BASE as u32)
        .collect();
    Layout {
        text,
        labels,
        padding: padding + (end as usize - filled) as u64,
    }
}

/// The operation's bytes with its field filled in.
fn field(lowered: &Lowered, placement: &Placement, i: usize, op: &Op) -> [u8; 15] {
    let mut bytes = op.bytes;
    let distance = distance(lowered, placement, i);
    let (at, near) = (usize::from(op.at), (distance as i32).to_le_bytes());
    let address = (distance + i64::from(placement.at[i]) + i64::from(op.len)) as u64;
    let address = address.wrapping_add(TEXT_BASE);
    match op.fix {
        Fix::None => {}
        Fix::Rip => bytes[at..at + 4].copy_from_slice(&near),
        Fix::Absolute32 => bytes[at..at + 4].copy_from_slice(&(address as u32).to_le_bytes()),
        Fix::Absolute64 => bytes[at..at + 8].copy_from_slice(&address.to_le_bytes()),
        Fix::Short => bytes[at] = distance as i8 as u8,
        Fix::Branch => match (op.long, op.bytes[0]) {
            (false, opcode) => bytes[..2].copy_from_slice(&[opcode, distance as i8 as u8]),
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
    bytes
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

/// Fills `[from, to)` with nops, none of which crosses a bundle's end.
fn pad(text: &mut [u8], mut from: usize, to: usize) {
    while from < to {
        let room = BUNDLE as usize - from % BUNDLE as usize;
        let nop = NOPS[(to - from).min(room).min(NOPS.len()) - 1];
        text[from..from + nop.len()].copy_from_slice(nop);
        from += nop.len();
    }
}
