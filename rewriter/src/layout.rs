//! Packs operations into bundles and gives every one its address: rules C1, C2 and C5.

use std::collections::HashMap;
use std::ops::Range;

use zvm_abi::layout::{BUNDLE, TEXT_BASE, TEXT_LIMIT};

use crate::code::{Fix, Op, Target};
use crate::error::RewriteError;
use crate::longer;
use crate::lower::Lowered;

const BUNDLE_SIZE: u32 = BUNDLE as u32;
const HLT: u8 = 0xF4;

/// The finished text.
pub(crate) struct Layout {
    pub text: Vec<u8>,
    /// For each operation, the address that a target resolves to.
    labels: Vec<u32>,
    pub gaps: Gaps,
}

/// Bytes that hold no operation, by what asked for them, and how they were filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Before calls, which end a bundle.
    pub calls: u64,
    /// Before targets of indirect branches, which start one.
    pub targets: u64,
    /// Before what would cross a bundle's end.
    pub crossings: u64,
    /// Before small loops, so that they lie in few lines of the cache of decoded instructions.
    pub loops: u64,
    /// Of all these, filled by prefixes.
    pub prefixes: u64,
    /// Of all these, filled by longer encodings.
    pub longer: u64,
    /// Nops that may run: not behind a jump or return.
    pub nops: u64,
}

impl Gaps {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.calls + self.targets + self.crossings + self.loops
    }
}

impl Layout {
    /// The new address of a code index.
    pub(crate) fn address(&self, lowered: &Lowered, code: usize) -> u32 {
        self.labels[lowered.first[code] as usize]
    }

    /// The new address of a code index for data.
    pub(crate) fn entry(&self, lowered: &Lowered, code: usize) -> u32 {
        match lowered.entries.get(&code) {
            Some(&entry) => self.labels[entry as usize],
            None => self.address(lowered, code),
        }
    }
}

/// Must stand right before the next operation, in one bundle.
const GLUED: u8 = 1;
/// Must end its bundle.
const ENDS: u8 = 2;
/// Must start one.
const ALIGNED: u8 = 4;
/// What follows is not reached through it.
const STOPS: u8 = 8;
/// Must start a line of the cache: an interpreter's instruction. Processors predict indirect jumps from the lines that the last
/// ones led to, and mistake two instructions in one line for each other.
const THREADED: u8 = 16;

/// Where an operation stands, as offsets from the start of text.
#[derive(Clone, Copy)]
struct Slot {
    /// First byte, prefixes included.
    at: u32,
    /// What a target resolves to: the bundle's start where one is asked for, else the first byte.
    label: u32,
    /// Bytes without prefixes added.
    size: u8,
    kind: u8,
    /// Bytes of prefixes that it can take.
    room: u8,
    /// Bytes of prefixes that it took.
    extra: u8,
    /// Bytes that its longer form has more; 0 if it has none.
    longer: u8,
    /// Those bytes, if it took that form.
    grown: u8,
}

impl Slot {
    fn behind(&self) -> u32 {
        self.at + u32::from(self.size) + u32::from(self.extra) + u32::from(self.grown)
    }
}

struct Placement {
    /// One for each operation.
    slots: Vec<Slot>,
    /// Small loops: the first and the last operation, in rising order.
    loops: Vec<(u32, u32)>,
    placed: Placed,
}

/// Half the way that a short branch can go.
const HALF_REACH: u64 = 64;

/// How closely a piece is placed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// One operation behind the other.
    Sizes,
    /// In bundles.
    Gaps,
    /// With prefixes in the gaps.
    Prefixes,
}

/// How far placing has come.
#[derive(Clone, Copy, Default)]
struct Placed {
    end: u32,
    /// Small loops that have begun.
    loops: usize,
    gaps: Gaps,
}

/// Cuts the operations into pieces that are placed one by one: no short branch leads from one to another, nothing falls
/// through. Their ends, in rising order.
fn pieces(lowered: &Lowered, slots: &[Slot]) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    // No piece ends before this operation.
    let mut reached = 0;
    for (i, op) in lowered.ops.iter().enumerate() {
        let short = op.fix == Fix::Short || op.fix == Fix::Branch && !op.long;
        let target = match op.target {
            Target::Code(code) if short => lowered.first[code as usize] as usize,
            Target::Op(op) if short => op as usize,
            _ => i,
        };
        reached = reached.max(target);
        while ends.last().is_some_and(|&end| end > target) {
            ends.pop();
        }
        if slots[i].kind & STOPS != 0 && reached <= i {
            ends.push(i + 1);
        }
    }
    if ends.last() != Some(&lowered.ops.len()) {
        ends.push(lowered.ops.len());
    }
    ends
}

/// A small loop's most operations.
const LOOP_OPS: usize = 24;
/// And its most bytes: a line.
const LINE: u32 = 64;

/// Innermost loops of few operations, without calls.
fn small_loops(lowered: &Lowered) -> Vec<(u32, u32)> {
    let mut loops: Vec<(u32, u32)> = Vec::new();
    for (last, op) in lowered.ops.iter().enumerate() {
        let head = match (op.fix, op.target) {
            (Fix::Branch, Target::Code(code)) => lowered.first[code as usize] as usize,
            _ => continue,
        };
        if head > last || last - head > LOOP_OPS {
            continue;
        }
        if lowered.ops[head..=last].iter().any(|op| op.ends_bundle) {
            continue;
        }
        let (head, last) = (head as u32, last as u32);
        match loops.last_mut() {
            // Another way back to the same head.
            Some(known) if known.0 == head => known.1 = last,
            // It holds a loop.
            Some(known) if known.1 >= head => {}
            _ => loops.push((head, last)),
        }
    }
    loops
}

/// Branches to one place that make it a dispatcher, if an indirect jump follows: an interpreter's `switch`, to which every
/// instruction comes back.
const DISPATCHED: u16 = 4;
/// A dispatcher's most operations.
const DISPATCH_OPS: usize = 12;

/// Runs of operations from where many branches come to an indirect jump.
fn dispatchers(lowered: &Lowered, slots: &[Slot]) -> Vec<(u32, u32)> {
    let mut branches = vec![0u16; lowered.ops.len()];
    for op in &lowered.ops {
        if let (Fix::Branch, Target::Code(code), false) = (op.fix, op.target, op.ends_bundle) {
            let target = &mut branches[lowered.first[code as usize] as usize];
            *target = target.saturating_add(1);
        }
    }
    let indirect = |&i: &usize| {
        let pair = i > 0 && lowered.ops[i - 1].glued;
        pair && slots[i].kind & STOPS != 0 && lowered.ops[i].bytes[0] != 0xC3
    };
    let from = |last: usize| {
        let before = (last.saturating_sub(DISPATCH_OPS)..last).rev();
        let inside = before.take_while(|&i| slots[i].kind & (STOPS | ENDS) == 0);
        let mut heads = inside.filter(|&i| branches[i] >= DISPATCHED);
        heads.next().map(|head| (head as u32, last as u32))
    };
    (0..slots.len()).filter(indirect).filter_map(from).collect()
}

impl Placement {
    fn new(lowered: &Lowered) -> Placement {
        let mut slots = Vec::with_capacity(lowered.ops.len());
        let (mut after_mask, mut after_jump) = (false, false);
        for (op, &aligned) in lowered.ops.iter().zip(&lowered.aligned) {
            let indirect = after_mask && op.bytes[..3].contains(&0xFF) && !op.ends_bundle;
            let stops = match (op.fix, &op.bytes[..usize::from(op.len)]) {
                (Fix::Branch, bytes) => bytes[0] == 0xEB,
                (_, [0xC3] | [0xF4] | [0xCC] | [0x0F, 0x0B]) => true,
                _ => indirect,
            };
            let kind = (if op.glued { GLUED } else { 0 })
                | (if op.ends_bundle { ENDS } else { 0 })
                | (if aligned { ALIGNED } else { 0 })
                | (if aligned && after_jump { THREADED } else { 0 })
                | (if stops { STOPS } else { 0 });
            let pair = op.glued || after_mask;
            slots.push(Slot {
                at: 0,
                label: 0,
                size: op.len,
                kind,
                room: if pair {
                    0
                } else {
                    op.room.bytes().min(LONGEST - op.len)
                },
                extra: 0,
                longer: match pair {
                    true => 0,
                    false => longer::added(op),
                },
                grown: 0,
            });
            after_mask = op.glued;
            after_jump = indirect && op.bytes[0] != 0xC3;
        }
        Placement {
            slots,
            loops: small_loops(lowered),
            placed: Placed::default(),
        }
    }

    /// Keeps dispatchers in few lines, as small loops are, and gives each label a line of its own that lies among the code which
    /// comes back to them.
    fn find_dispatchers(&mut self, lowered: &Lowered) {
        let found = dispatchers(lowered, &self.slots);
        if found.is_empty() {
            return;
        }
        let mut reach: HashMap<u32, (usize, usize)> = HashMap::new();
        reach.extend(
            found
                .iter()
                .map(|&(head, last)| (head, (last as usize, last as usize))),
        );
        for (at, op) in lowered.ops.iter().enumerate() {
            if let (Fix::Branch, Target::Code(code)) = (op.fix, op.target)
                && let Some((from, to)) = reach.get_mut(&lowered.first[code as usize])
            {
                (*from, *to) = ((*from).min(at), (*to).max(at));
            }
        }
        for (from, to) in reach.into_values() {
            let mut after_stop = false;
            for slot in &mut self.slots[from..=to] {
                if after_stop && slot.kind & ALIGNED != 0 {
                    slot.kind |= THREADED;
                }
                after_stop = slot.kind & STOPS != 0;
            }
        }
        self.loops.extend(found);
        self.loops.sort_unstable();
    }

    /// Places a piece for good. Branches that do not reach become long; none ever becomes short again, so this ends.
    fn settle(&mut self, lowered: &mut Lowered, piece: Range<usize>, short: &mut Vec<usize>) {
        short.clear();
        short.extend(piece.clone().filter(|&i| {
            let op = &lowered.ops[i];
            op.fix == Fix::Branch && !op.long
        }));
        let start = self.placed;
        // Each takes more time than the one before and finds fewer branches that do not reach.
        for detail in [Detail::Sizes, Detail::Gaps, Detail::Prefixes] {
            // Gaps alone hardly double a distance, and the last pass looks at all of them again.
            let far = |&i: &usize| distance(lowered, self, i).unsigned_abs() > HALF_REACH;
            if detail == Detail::Gaps && !short.iter().any(far) {
                continue;
            }
            loop {
                self.placed = start;
                match detail {
                    Detail::Sizes => self.line_up(piece.clone()),
                    _ => self.place(piece.clone(), detail == Detail::Prefixes),
                }
                let before = short.len();
                short.retain(|&i| {
                    let reaches = i8::try_from(distance(lowered, self, i)).is_ok();
                    if !reaches {
                        let op = &mut lowered.ops[i];
                        op.long = true;
                        op.len = op.branch_len();
                        self.slots[i].size = op.len;
                    }
                    reaches
                });
                if short.len() == before {
                    break;
                }
            }
        }
    }

    /// Gives every operation of the piece its place as if no bundles were: gaps only make distances longer.
    fn line_up(&mut self, piece: Range<usize>) {
        let mut next = self.placed.end;
        for slot in &mut self.slots[piece] {
            (slot.at, slot.label) = (next, next);
            next += u32::from(slot.size);
        }
    }

    /// Gives every operation of the piece its place, behind what is placed.
    fn place(&mut self, piece: Range<usize>, filling: bool) {
        // `first`: the first operation of the bundle that `next` lies in.
        let (mut next, mut i, mut first) = (self.placed.end, piece.start, piece.start);
        while i < piece.end {
            let Slot { mut kind, size, .. } = self.slots[i];
            let (aligned, threaded) = (kind & ALIGNED != 0, kind & THREADED != 0);
            let (mut last, mut size) = (i, u32::from(size));
            while kind & GLUED != 0 {
                last += 1;
                kind = self.slots[last].kind;
                size += u32::from(self.slots[last].size);
            }
            if aligned {
                let unit = if threaded { LINE } else { BUNDLE_SIZE };
                let gap = next.next_multiple_of(unit) - next;
                self.placed.gaps.targets += u64::from(gap);
                self.fill(first, i, gap, filling);
                next += gap;
            }
            while let Some(&(head, tail)) = self.loops.get(self.placed.loops)
                && head as usize <= i
            {
                self.placed.loops += 1;
                let gap = self.loop_gap(next, i, tail as usize);
                self.placed.gaps.loops += u64::from(gap);
                let whole = next.is_multiple_of(BUNDLE_SIZE);
                self.fill(if whole { i } else { first }, i, gap, filling);
                next += gap;
            }
            if next.is_multiple_of(BUNDLE_SIZE) {
                first = i;
            }
            let asked = next;
            let room = BUNDLE_SIZE - next % BUNDLE_SIZE;
            if kind & ENDS != 0 {
                if size <= room {
                    self.fill(first, i, room - size, filling);
                    next += room - size;
                } else {
                    self.fill(first, i, room, filling);
                    self.fill(i, i, BUNDLE_SIZE - size, filling);
                    next += room + BUNDLE_SIZE - size;
                }
                self.placed.gaps.calls += u64::from(next - asked);
            } else if size > room {
                self.placed.gaps.crossings += u64::from(room);
                self.fill(first, i, room, filling);
                next += room;
            }
            if next / BUNDLE_SIZE != asked / BUNDLE_SIZE {
                first = i;
            }
            for slot in &mut self.slots[i..=last] {
                (slot.extra, slot.grown) = (0, 0);
                (slot.at, slot.label) = (next, next);
                next += u32::from(slot.size);
            }
            if aligned {
                self.slots[i].label = asked;
            }
            i = last + 1;
        }
        self.placed.end = next;
    }

    /// What to leave free before the loop of operations `first..=last`, so that it lies in one bundle, or in one line.
    fn loop_gap(&self, at: u32, first: usize, last: usize) -> u32 {
        let slots = self.slots[first..=last].iter();
        let size: u32 = slots.map(|slot| u32::from(slot.size)).sum();
        let gap = BUNDLE_SIZE - at % BUNDLE_SIZE;
        let unit = if size <= BUNDLE_SIZE {
            BUNDLE_SIZE
        } else if size <= LINE {
            LINE
        } else {
            return 0;
        };
        let fits = |at: u32| at % unit + size <= unit;
        if fits(at) || !fits(at + gap) { 0 } else { gap }
    }

    /// Fills `gap` bytes behind the operations `first..end` of a bundle: with prefixes on them as far as that saves nops.
    fn fill(&mut self, first: usize, end: usize, gap: u32, filling: bool) {
        if !filling || gap == 0 || end > 0 && self.slots[end - 1].kind & STOPS != 0 {
            return;
        }
        let nops = |bytes: u32| bytes.div_ceil(LONGEST_NOP);
        let slots = &mut self.slots[first..end];
        let mut gap = gap;
        let room: u32 = slots.iter().map(|slot| u32::from(slot.room)).sum();
        let nops_alone = nops(gap);
        if gap > room {
            let grown = grow(slots, gap, room);
            self.placed.gaps.longer += u64::from(grown);
            gap -= grown;
        }
        let left = nops(gap.saturating_sub(room));
        self.placed.gaps.nops += u64::from(left);
        if left == nops_alone {
            return;
        }
        let mut prefixes = gap - (left * LONGEST_NOP).min(gap);
        self.placed.gaps.prefixes += u64::from(prefixes);
        // One each first: few decoders like many prefixes.
        for most in 1..=2 {
            for slot in slots.iter_mut().rev() {
                if prefixes > 0 && slot.extra < most.min(slot.room) {
                    slot.extra += 1;
                    prefixes -= 1;
                }
            }
        }
        let mut shift = 0;
        for slot in slots {
            slot.at += shift;
            // The label of the bundle's first operation is the bundle's start, and stays.
            slot.label += shift;
            shift += u32::from(slot.extra) + u32::from(slot.grown);
        }
    }
}

/// Lets instructions take their longer forms, the last first, until prefixes can do the rest of the gap. If they cannot, nothing
/// grows. Bytes that this takes of the gap.
fn grow(slots: &mut [Slot], gap: u32, room: u32) -> u32 {
    let mut grown = 0;
    for slot in slots.iter_mut().rev() {
        let longer = u32::from(slot.longer);
        let fits = slot.size + slot.longer + slot.room <= LONGEST;
        if gap > grown + room && longer > 0 && grown + longer <= gap && fits {
            slot.grown = slot.longer;
            grown += longer;
        }
    }
    if gap > grown + room {
        slots.iter_mut().for_each(|slot| slot.grown = 0);
        return 0;
    }
    grown
}

/// Lays out the code.
pub(crate) fn pack(lowered: &mut Lowered) -> Result<Layout, RewriteError> {
    let mut placement = Placement::new(lowered);
    let (mut first, mut short) = (0, Vec::new());
    placement.find_dispatchers(lowered);
    for end in pieces(lowered, &placement.slots) {
        placement.settle(lowered, first..end, &mut short);
        first = end;
    }
    if u64::from(placement.placed.end) + TEXT_BASE + 2 * BUNDLE > TEXT_LIMIT {
        return Err(RewriteError::BadInput(
            "the rewritten text does not fit below 0x10000000".into(),
        ));
    }
    Ok(encode(lowered, placement))
}

/// The distance from the end of operation `i` to its target.
fn distance(lowered: &Lowered, placement: &Placement, i: usize) -> i64 {
    let op = &lowered.ops[i];
    let target = match op.target {
        Target::Code(code) => {
            i64::from(placement.slots[lowered.first[code as usize] as usize].label)
        }
        Target::Op(op) => i64::from(placement.slots[op as usize].at),
        Target::Fixed(address) => i64::from(address) - TEXT_BASE as i64,
    };
    target - i64::from(placement.slots[i].behind())
}

fn encode(lowered: &Lowered, placement: Placement) -> Layout {
    let end = placement.placed.end.next_multiple_of(BUNDLE_SIZE) + BUNDLE_SIZE;
    // What follows the last operation, and a whole bundle at the end, is hlt.
    let mut text = vec![HLT; end as usize];
    let mut filled = 0usize;
    for (i, (op, slot)) in lowered.ops.iter().zip(&placement.slots).enumerate() {
        let at = slot.at as usize;
        pad(&mut text, filled, at);
        filled = slot.behind() as usize;
        let (bytes, len) = match slot.grown {
            0 => (field(lowered, &placement, i, op), op.len),
            _ => {
                let op = longer::lengthen(op);
                (op.bytes, op.len)
            }
        };
        let (extra, len) = (usize::from(slot.extra), usize::from(len));
        // C9's order: 0x67, the null segment, the rest.
        let own = usize::from(extra > 0 && bytes[0] == ADDRESS32);
        let out = &mut text[at..filled];
        let prefixes: &[u8] = match (extra, own) {
            (0, _) => &[],
            (1, 0) => &[NULL_SEGMENT],
            (1, _) => &[ADDRESS32, NULL_SEGMENT],
            _ => &[ADDRESS32, NULL_SEGMENT],
        };
        out[..prefixes.len()].copy_from_slice(prefixes);
        out[prefixes.len()..].copy_from_slice(&bytes[own..len]);
    }
    let slots = placement.slots.iter();
    let labels = slots.map(|slot| slot.label + TEXT_BASE as u32).collect();
    Layout {
        text,
        labels,
        gaps: placement.placed.gaps,
    }
}

/// The operation's bytes with its field filled in.
fn field(lowered: &Lowered, placement: &Placement, i: usize, op: &Op) -> [u8; 15] {
    let mut bytes = op.bytes;
    if op.fix == Fix::None {
        return bytes;
    }
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

/// The longest instruction, in bytes.
const LONGEST: u8 = 15;
const LONGEST_NOP: u32 = LONGEST as u32;
const ADDRESS32: u8 = 0x67;
/// ds, which means nothing in 64-bit mode.
const NULL_SEGMENT: u8 = 0x3E;

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
