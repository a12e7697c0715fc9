//! Packs operations into bundles and gives every one its address: rules C1, C2 and C5.

mod encode;
mod loops;
mod place;

use zvm_abi::layout::{BUNDLE, TEXT_BASE, TEXT_LIMIT};

use crate::code::Target;
use crate::error::RewriteError;
use crate::lower::Lowered;
use place::Placement;

const BUNDLE_SIZE: u32 = BUNDLE as u32;
/// A line of the cache of decoded instructions.
const LINE: u32 = 64;
/// The longest instruction, in bytes.
const LONGEST: u8 = 15;
const LONGEST_NOP: u32 = LONGEST as u32;

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

/// Is part of a guarded pair.
const PAIR: u8 = 32;

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
    /// Bytes that its longer form has more, if it took that.
    grown: u8,
}

impl Slot {
    fn behind(&self) -> u32 {
        self.at + u32::from(self.size) + u32::from(self.extra) + u32::from(self.grown)
    }
}

/// A direct jump or branch, by operations; one that leaves the code leads to itself. They are few, and the operations take much
/// memory: who asks for them goes through these.
#[derive(Clone, Copy)]
struct Branch {
    at: u32,
    to: u32,
}

/// Cuts the operations into pieces that are placed one by one: no short branch leads from one to another, nothing falls
/// through. Their ends, in rising order, and how many branches come before each.
fn pieces(lowered: &Lowered, placement: &Placement) -> Vec<(usize, usize)> {
    let mut ends: Vec<(usize, usize)> = Vec::new();
    // No piece ends before this operation.
    let (mut reached, mut passed) = (0, 0);
    for (i, slot) in placement.slots.iter().enumerate() {
        if let Some(branch) = placement.branches.get(passed)
            && branch.at as usize == i
        {
            passed += 1;
            if !lowered.ops[i].long {
                reached = reached.max(branch.to as usize);
                while ends.last().is_some_and(|end| end.0 > branch.to as usize) {
                    ends.pop();
                }
            }
        }
        if slot.kind & STOPS != 0 && reached <= i {
            ends.push((i + 1, passed));
        }
    }
    let last = (placement.slots.len(), passed);
    if ends.last() != Some(&last) {
        ends.push(last);
    }
    ends
}

/// Lays out the code.
#[inline(never)]
pub(crate) fn pack(lowered: &mut Lowered) -> Result<Layout, RewriteError> {
    let mut placement = Placement::new(lowered);
    placement.find_loops(lowered);
    let (mut first, mut branches, mut short) = (0, 0, Vec::new());
    for (end, passed) in pieces(lowered, &placement) {
        short.clear();
        short.extend(placement.short(lowered, branches..passed));
        placement.settle(lowered, first..end, &mut short);
        (first, branches) = (end, passed);
    }
    if u64::from(placement.placed.end) + TEXT_BASE + 2 * BUNDLE > TEXT_LIMIT {
        return Err(RewriteError::BadInput(
            "the rewritten text does not fit below 0x10000000".into(),
        ));
    }
    Ok(encode::encode(lowered, placement))
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
