//! Packs operations into bundles and gives every one its address: rules C1, C2 and C5.

mod encode;
mod loops;
mod place;

use zvm_abi::layout::BUNDLE;

use crate::code::{LONGEST, Target};
use crate::lower::Lowered;
use place::Placement;

const BUNDLE_SIZE: u32 = BUNDLE as u32;
/// A line of the cache of decoded instructions.
const LINE: u32 = 64;
const LONGEST_NOP: u32 = LONGEST as u32;

/// A part of the finished text, which may lie at any line: all offsets are from its start.
#[derive(Default)]
pub(crate) struct Chunk {
    pub text: Vec<u8>,
    /// Of each of its code indices, what a target resolves to.
    pub labels: Vec<u32>,
    /// Where data lead to instead: (code index, offset).
    pub entries: Vec<(usize, u32)>,
    /// Where tables of jumps count from.
    pub tables: Vec<u32>,
    /// What is filled in when all parts have their places.
    pub fields: Vec<Field>,
    pub gaps: Gaps,
    /// How many operations it has.
    pub operations: u64,
    /// How many of them are masks.
    pub guarded: u64,
}

/// A field of an instruction for the address of a target outside of its run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub at: u32,
    /// The end of the instruction.
    pub behind: u32,
    pub form: Form,
    pub target: Target,
}

/// How a field holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// 4 bytes: the distance from the instruction's end.
    Relative32,
    Absolute32,
    Absolute64,
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

impl std::ops::AddAssign for Gaps {
    fn add_assign(&mut self, other: Gaps) {
        self.calls += other.calls;
        self.targets += other.targets;
        self.crossings += other.crossings;
        self.loops += other.loops;
        self.prefixes += other.prefixes;
        self.longer += other.longer;
        self.nops += other.nops;
    }
}

// What a slot's kind has beside an operation's.

/// Must start a line of the cache: an interpreter's instruction. Processors predict indirect jumps from the lines that the last
/// ones led to, and mistake two instructions in one line for each other.
const THREADED: u8 = 32;
/// Is part of a guarded pair.
const PAIR: u8 = 64;

/// Where an operation stands, as offsets from the start of text.
#[derive(Clone, Copy)]
struct Slot {
    /// First byte, prefixes included.
    at: u32,
    /// What a target resolves to: the bundle's start where one is asked for, else the first byte.
    label: u32,
    /// Bytes without prefixes added.
    size: u8,
    /// [`Op::kind`], and more.
    kind: u8,
    /// Bytes of prefixes that it can take.
    room: u8,
    /// Bytes of prefixes that it took.
    extra: u8,
    /// Bytes that its longer form has more, if it took that.
    grown: u8,
}

impl Slot {
    fn behind(&self) -> u32 {
        self.at + u32::from(self.size) + u32::from(self.extra) + u32::from(self.grown)
    }
}

/// A direct jump or branch, by operations; one that leaves the run leads to itself. They are few, and the operations take much
/// memory: who asks for them goes through these.
#[derive(Clone, Copy)]
struct Branch {
    at: u32,
    to: u32,
}

/// Cuts a run into pieces that are placed one by one: no short branch leads from one to another, nothing falls
/// through. Their ends, in rising order, and how many branches come before each.
fn pieces(run: &Lowered, placement: &Placement) -> Vec<(usize, usize)> {
    let mut ends: Vec<(usize, usize)> = Vec::new();
    // No piece ends before this operation.
    let (mut reached, mut passed) = (0, 0);
    let branches = &placement.branches;
    for &stop in &placement.stops {
        while let Some(branch) = branches.get(passed)
            && branch.at <= stop
        {
            passed += 1;
            if !run.ops[branch.at as usize].long {
                reached = reached.max(branch.to);
                while ends.last().is_some_and(|end| end.0 > branch.to as usize) {
                    ends.pop();
                }
            }
        }
        if reached <= stop {
            ends.push((stop as usize + 1, passed));
        }
    }
    // The rest is one more, with all that its branches lead back to.
    for branch in &branches[passed..] {
        if !run.ops[branch.at as usize].long {
            while ends.last().is_some_and(|end| end.0 > branch.to as usize) {
                ends.pop();
            }
        }
    }
    let last = (placement.slots.len(), branches.len());
    if ends.last() != Some(&last) {
        ends.push(last);
    }
    ends
}

/// Packs runs, one behind the other.
#[derive(Default)]
pub(crate) struct Packer {
    placement: Placement,
    chunk: Chunk,
}

impl Packer {
    /// Packs one more.
    pub(crate) fn add(&mut self, run: &mut Lowered) {
        let placement = &mut self.placement;
        placement.begin(run);
        placement.find_loops();
        let (mut first, mut branches, mut short) = (0, 0, Vec::new());
        for (end, passed) in pieces(run, placement) {
            short.clear();
            short.extend(placement.short(run, branches..passed));
            placement.settle(run, first..end, &mut short);
            (first, branches) = (end, passed);
        }
        encode::encode(run, placement, &mut self.chunk);
        let (slots, end) = (&placement.slots, placement.placed.end);
        let label = |op: u32| slots.get(op as usize).map_or(end, |slot| slot.label);
        let chunk = &mut self.chunk;
        chunk.labels.extend(run.first.iter().map(|&op| label(op)));
        let entries = run.entries.iter().map(|&(code, op)| (code, label(op)));
        chunk.entries.extend(entries);
        chunk.tables.extend(run.tables.iter().map(|&op| label(op)));
        chunk.operations += run.ops.len() as u64;
    }

    /// What has been packed, up to the end of a line; the last chunk of the text ends in a bundle of hlt.
    pub(crate) fn finish(&mut self, last: bool) -> Chunk {
        let placed = std::mem::take(&mut self.placement.placed);
        let mut chunk = std::mem::take(&mut self.chunk);
        encode::finish(&mut chunk.text, placed.end, last);
        chunk.gaps = placed.gaps;
        chunk
    }
}

/// The operation of the run that a target means, if it is there.
fn inside(run: &Lowered, target: Target) -> Option<u32> {
    match target {
        Target::Op(op) => Some(op),
        Target::Code(code) => {
            let place = (code as usize).checked_sub(run.codes.start)?;
            let op = *run.first.get(place)?;
            ((op as usize) < run.ops.len()).then_some(op)
        }
        _ => None,
    }
}

/// The distance from the end of an operation to the label of another.
fn distance(slots: &[Slot], branch: Branch) -> i64 {
    let to = slots[branch.to as usize].label;
    i64::from(to) - i64::from(slots[branch.at as usize].behind())
}
