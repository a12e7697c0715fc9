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

/// Where operations stand, as offsets from the start of text. Each list has one element for each operation.
struct Placement {
    size: Vec<u8>,
    kind: Vec<u8>,
    /// Bytes of prefixes that each can take.
    room: Vec<u8>,
    /// Bytes of prefixes that each took.
    extra: Vec<u8>,
    /// First byte, prefixes included.
    at: Vec<u32>,
    /// What a target resolves to: the bundle's start where one is asked for, else the first byte.
    label: Vec<u32>,
    /// Small loops: the first and the last operation, in rising order.
    loops: Vec<(u32, u32)>,
    end: u32,
    gaps: Gaps,
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

impl Placement {
    fn new(lowered: &Lowered) -> Placement {
        let ops = &lowered.ops;
        let kind = |i: usize| {
            let op = &ops[i];
            let after_mask = i > 0 && ops[i - 1].glued;
            let indirect = after_mask && op.bytes[..3].contains(&0xFF) && !op.ends_bundle;
            let stops = match (op.fix, &op.bytes[..usize::from(op.len)]) {
                (Fix::Branch, bytes) => bytes[0] == 0xEB,
                (_, [0xC3] | [0xF4] | [0xCC] | [0x0F, 0x0B]) => true,
                _ => indirect,
            };
            (if op.glued { GLUED } else { 0 })
                | (if op.ends_bundle { ENDS } else { 0 })
                | (if lowered.aligned[i] { ALIGNED } else { 0 })
                | (if stops { STOPS } else { 0 })
        };
        let room = |i: usize| {
            let pair = ops[i].glued || i > 0 && ops[i - 1].glued;
            let longest = LONGEST - ops[i].len;
            if pair {
                0
            } else {
                ops[i].room.bytes().min(longest)
            }
        };
        Placement {
            size: ops.iter().map(|op| op.len).collect(),
            kind: (0..ops.len()).map(kind).collect(),
            room: (0..ops.len()).map(room).collect(),
            extra: vec![0; ops.len()],
            at: vec![0; ops.len()],
            label: vec![0; ops.len()],
            loops: small_loops(lowered),
            end: 0,
            gaps: Gaps::default(),
        }
    }

    /// Gives every operation its place.
    fn place(&mut self) {
        self.gaps = Gaps::default();
        // `first`: the first operation of the bundle that `next` lies in.
        let (mut next, mut i, mut first) = (0u32, 0, 0);
        let loops = std::mem::take(&mut self.loops);
        let mut coming = loops.iter().copied().peekable();
        while i < self.size.len() {
            let mut last = i;
            let mut size = u32::from(self.size[i]);
            while self.kind[last] & GLUED != 0 {
                last += 1;
                size += u32::from(self.size[last]);
            }
            if self.kind[i] & ALIGNED != 0 {
                let gap = next.next_multiple_of(BUNDLE_SIZE) - next;
                self.gaps.targets += u64::from(gap);
                self.fill(first, i, gap);
                next += gap;
            }
            while let Some((_, last)) = coming.next_if(|l| l.0 as usize <= i) {
                let gap = self.loop_gap(next, i, last as usize);
                self.gaps.loops += u64::from(gap);
                let whole = next.is_multiple_of(BUNDLE_SIZE);
                self.fill(if whole { i } else { first }, i, gap);
                next += gap;
            }
            if next.is_multiple_of(BUNDLE_SIZE) {
                first = i;
            }
            let asked = next;
            let room = BUNDLE_SIZE - next % BUNDLE_SIZE;
            if self.kind[last] & ENDS != 0 {
                if size <= room {
                    self.fill(first, i, room - size);
                    next += room - size;
                } else {
                    self.fill(first, i, room);
                    self.fill(i, i, BUNDLE_SIZE - size);
                    next += room + BUNDLE_SIZE - size;
                }
                self.gaps.calls += u64::from(next - asked);
            } else if size > room {
                self.gaps.crossings += u64::from(room);
                self.fill(first, i, room);
                next += room;
            }
            if next / BUNDLE_SIZE != asked / BUNDLE_SIZE {
                first = i;
            }
            for k in i..=last {
                self.extra[k] = 0;
                self.at[k] = next;
                self.label[k] = next;
                next += u32::from(self.size[k]);
            }
            if self.kind[i] & ALIGNED != 0 {
                self.label[i] = asked;
            }
            i = last + 1;
        }
        self.end = next;
        self.loops = loops;
    }

    /// What to leave free before the loop of operations `first..=last`, so that it lies in one bundle, or in one line.
    fn loop_gap(&self, at: u32, first: usize, last: usize) -> u32 {
        let size: u32 = (self.size[first..=last].iter())
            .map(|&s| u32::from(s))
            .sum();
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
    fn fill(&mut self, first: usize, end: usize, gap: u32) {
        if gap == 0 || end > 0 && self.kind[end - 1] & STOPS != 0 {
            return;
        }
        let nops = |bytes: u32| bytes.div_ceil(LONGEST_NOP);
        let room: u32 = self.room[first..end].iter().map(|&r| u32::from(r)).sum();
        let left = nops(gap.saturating_sub(room));
        self.gaps.nops += u64::from(left);
        if left == nops(gap) {
            return;
        }
        let mut prefixes = gap - (left * LONGEST_NOP).min(gap);
        self.gaps.prefixes += u64::from(prefixes);
        // One each first: few decoders like many prefixes.
        for most in 1..=2 {
            for k in (first..end).rev() {
                if prefixes > 0 && self.extra[k] < most.min(self.room[k]) {
                    self.extra[k] += 1;
                    prefixes -= 1;
                }
            }
        }
        let mut shift = 0;
        for k in first..end {
            self.at[k] += shift;
            // The label of the bundle's first operation is the bundle's start, and stays.
            self.label[k] += shift;
            shift += u32::from(self.extra[k]);
        }
    }

    fn behind(&self, i: usize) -> u32 {
        self.at[i] + u32::from(self.size[i]) + u32::from(self.extra[i])
    }
}

/// Lays out the code. Branches that do not reach become long; none ever becomes short again, so this ends.
pub(crate) fn pack(lowered: &mut Lowered) -> Result<Layout, RewriteError> {
    let mut placement = Placement::new(lowered);
    let short = |op: &Op| op.fix == Fix::Branch && !op.long;
    let mut short: Vec<usize> = (0..lowered.ops.len())
        .filter(|&i| short(&lowered.ops[i]))
        .collect();
    loop {
        placement.place();
        if u64::from(placement.end) + TEXT_BASE + 2 * BUNDLE > TEXT_LIMIT {
            return Err(RewriteError::BadInput(
                "the rewritten text does not fit below 0x10000000".into(),
            ));
        }
        let before = short.len();
        short.retain(|&i| {
            let reaches = i8::try_from(distance(lowered, &placement, i)).is_ok();
            if !reaches {
                let op = &mut lowered.ops[i];
                op.long = true;
                op.len = op.branch_len();
                placement.size[i] = op.len;
            }
            reaches
        });
        if short.len() == before {
            return Ok(encode(lowered, placement));
        }
    }
}

/// The distance from the end of operation `i` to its target.
fn distance(lowered: &Lowered, placement: &Placement, i: usize) -> i64 {
    let op = &lowered.ops[i];
    let target = match op.target {
        Target::Code(code) => i64::from(placement.label[lowered.first[code as usize] as usize]),
        Target::Op(op) => i64::from(placement.at[op as usize]),
        Target::Fixed(address) => i64::from(address) - TEXT_BASE as i64,
    };
    target - i64::from(placement.behind(i))
}

fn encode(lowered: &Lowered, placement: Placement) -> Layout {
    let end = placement.end.next_multiple_of(BUNDLE_SIZE) + BUNDLE_SIZE;
    // What follows the last operation, and a whole bundle at the end, is hlt.
    let mut text = vec![HLT; end as usize];
    let mut filled = 0usize;
    for (i, op) in lowered.ops.iter().enumerate() {
        let at = placement.at[i] as usize;
        pad(&mut text, filled, at);
        filled = placement.behind(i) as usize;
        let bytes = field(lowered, &placement, i, op);
        let (extra, len) = (usize::from(placement.extra[i]), usize::from(op.len));
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
    let labels = placement
        .label
        .iter()
        .map(|l| l + TEXT_BASE as u32)
        .collect();
    Layout {
        text,
        labels,
        gaps: placement.gaps,
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
    let address = (distance + i64::from(placement.behind(i))) as u64;
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
