//! Gives the operations of a piece their places, again and again until all short branches reach.

use std::ops::Range;

use super::{BUNDLE_SIZE, Branch, Gaps, LINE, LONGEST_NOP, PAIR, Slot, THREADED, distance, inside};
use crate::code::{ALIGNED, ENDS, Fix, GLUED, INDIRECT, LONGEST, Op, STOPS};
use crate::longer;
use crate::lower::Lowered;

#[derive(Default)]
pub(super) struct Placement {
    /// One for each operation.
    pub(super) slots: Vec<Slot>,
    /// In rising order.
    pub(super) branches: Vec<Branch>,
    /// What does not go on to the next operation, in rising order.
    pub(super) stops: Vec<u32>,
    /// Jumps through a register, in rising order.
    pub(super) indirect: Vec<u32>,
    /// Small loops: the first and the last operation, in rising order.
    pub(super) loops: Vec<(u32, u32)>,
    pub(super) placed: Placed,
}

/// How far placing has come.
#[derive(Clone, Copy, Default)]
pub(super) struct Placed {
    pub(super) end: u32,
    /// Small loops that have begun.
    loops: usize,
    pub(super) gaps: Gaps,
}

impl Placement {
    /// Begins another run, behind what is placed.
    pub(super) fn begin(&mut self, run: &mut Lowered) {
        self.branches.clear();
        self.stops.clear();
        self.indirect.clear();
        self.loops.clear();
        self.placed.loops = 0;
        self.slots.clear();
        self.slots.reserve(run.ops.len());
        let (mut after_mask, mut after_jump) = (false, false);
        for i in 0..run.ops.len() {
            let op = &run.ops[i];
            if matches!(op.fix, Fix::Branch | Fix::Short) && op.kind & ENDS == 0 {
                let target = inside(run, op.target);
                let (at, op) = (i as u32, &mut run.ops[i]);
                self.branches.push(Branch {
                    at,
                    to: target.unwrap_or(at),
                });
                // It is not known how far that is.
                if target.is_none() {
                    op.lengthen();
                }
            }
            let op = &run.ops[i];
            let mut kind = op.kind;
            let pair = after_mask || kind & GLUED != 0;
            let room = match pair {
                true => 0,
                false => op.room.bytes().min(LONGEST - op.len),
            };
            kind |= if pair { PAIR } else { 0 };
            kind |= if after_jump && kind & ALIGNED != 0 {
                THREADED
            } else {
                0
            };
            self.slots.push(Slot {
                at: 0,
                label: 0,
                size: op.len,
                kind,
                room,
                extra: 0,
                grown: 0,
            });
            after_mask = kind & GLUED != 0;
            after_jump = kind & INDIRECT != 0;
            if kind & STOPS != 0 {
                self.stops.push(i as u32);
                if after_jump {
                    self.indirect.push(i as u32);
                }
            }
        }
    }

    /// Of these branches those that are short, and may become long.
    pub(super) fn short(
        &self,
        run: &Lowered,
        branches: Range<usize>,
    ) -> impl Iterator<Item = Branch> {
        let short = |branch: &Branch| {
            let op = &run.ops[branch.at as usize];
            op.fix == Fix::Branch && !op.long
        };
        self.branches[branches].iter().copied().filter(short)
    }

    /// Places a piece for good; `short` are its short branches. Those that do not reach become long; none ever becomes short
    /// again, so this ends.
    pub(super) fn settle(
        &mut self,
        run: &mut Lowered,
        piece: Range<usize>,
        short: &mut Vec<Branch>,
    ) {
        let start = self.placed;
        // First as if no bundles were, which takes the least time and finds most of the branches that do not reach.
        for in_bundles in [false, true] {
            while in_bundles || !short.is_empty() {
                self.placed = start;
                match in_bundles {
                    false => self.line_up(piece.clone()),
                    true => self.place(run, piece.clone()),
                }
                let before = short.len();
                short.retain(|&branch| {
                    let reaches = i8::try_from(distance(&self.slots, branch)).is_ok();
                    if !reaches {
                        let op = &mut run.ops[branch.at as usize];
                        op.lengthen();
                        self.slots[branch.at as usize].size = op.len;
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
    fn place(&mut self, run: &Lowered, piece: Range<usize>) {
        let ops = &run.ops[..];
        // `first`: the first operation of the bundle that `next` lies in.
        let (mut next, mut i, mut first) = (self.placed.end, piece.start, piece.start);
        let mut head = self.next_loop();
        while i < piece.end {
            let Slot { mut kind, size, .. } = self.slots[i];
            // What most operations need.
            if kind & (ALIGNED | ENDS | GLUED) == 0 && (i as u32) < head {
                let (used, size) = (next % BUNDLE_SIZE, u32::from(size));
                if used == 0 {
                    first = i;
                } else if used + size > BUNDLE_SIZE {
                    let room = BUNDLE_SIZE - used;
                    self.placed.gaps.crossings += u64::from(room);
                    self.fill(first, i, room, ops);
                    next += room;
                    first = i;
                }
                let slot = &mut self.slots[i];
                (slot.at, slot.label) = (next, next);
                (slot.extra, slot.grown) = (0, 0);
                next += size;
                i += 1;
                continue;
            }
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
                self.fill(first, i, gap, ops);
                next += gap;
            }
            while let Some(&(start, tail)) = self.loops.get(self.placed.loops)
                && start as usize <= i
            {
                self.placed.loops += 1;
                let gap = self.loop_gap(next, i, tail as usize);
                self.placed.gaps.loops += u64::from(gap);
                // Prefixes for what is left of the bundle, nops for another.
                let rest = (next.next_multiple_of(BUNDLE_SIZE) - next).min(gap);
                self.fill(first, i, rest, ops);
                self.fill(i, i, gap - rest, ops);
                next += gap;
                head = self.next_loop();
            }
            if next.is_multiple_of(BUNDLE_SIZE) {
                first = i;
            }
            let asked = next;
            let room = BUNDLE_SIZE - next % BUNDLE_SIZE;
            if kind & ENDS != 0 {
                if size <= room {
                    self.fill(first, i, room - size, ops);
                    next += room - size;
                } else {
                    self.fill(first, i, room, ops);
                    self.fill(i, i, BUNDLE_SIZE - size, ops);
                    next += room + BUNDLE_SIZE - size;
                }
                self.placed.gaps.calls += u64::from(next - asked);
            } else if size > room {
                self.placed.gaps.crossings += u64::from(room);
                self.fill(first, i, room, ops);
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

    /// The first operation of the next small loop.
    fn next_loop(&self) -> u32 {
        let next = self.loops.get(self.placed.loops);
        next.map_or(u32::MAX, |known| known.0)
    }

    /// What to leave free before the loop of operations `first..=last`, so that it lies in one bundle, or in one line.
    fn loop_gap(&self, at: u32, first: usize, last: usize) -> u32 {
        let slots = self.slots[first..=last].iter();
        let size: u32 = slots.map(|slot| u32::from(slot.size)).sum();
        let touched = |at: u32, unit: u32| (at % unit + size).div_ceil(unit);
        if size <= BUNDLE_SIZE {
            let gap = BUNDLE_SIZE - at % BUNDLE_SIZE;
            return if touched(at, BUNDLE_SIZE) == 1 {
                0
            } else {
                gap
            };
        }
        // The next bundle if that is enough, else the next line.
        let to = |unit: u32| at.next_multiple_of(unit) - at;
        let least = size.div_ceil(LINE);
        [0, to(BUNDLE_SIZE), to(LINE)]
            .into_iter()
            .find(|gap| touched(at + gap, LINE) == least)
            .unwrap_or(0)
    }

    /// Fills `gap` bytes behind the operations `first..end` of a bundle: with prefixes on them as far as that saves nops.
    fn fill(&mut self, first: usize, end: usize, gap: u32, ops: &[Op]) {
        if gap == 0 || end > 0 && self.slots[end - 1].kind & STOPS != 0 {
            return;
        }
        let nops = |bytes: u32| bytes.div_ceil(LONGEST_NOP);
        let slots = &mut self.slots[first..end];
        let mut gap = gap;
        let room: u32 = slots.iter().map(|slot| u32::from(slot.room)).sum();
        let nops_alone = nops(gap);
        if gap > room {
            let grown = grow(slots, &ops[first..end], gap, room);
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
                if prefixes == 0 {
                    break;
                }
                let more = u8::from(slot.extra < most.min(slot.room));
                slot.extra += more;
                prefixes -= u32::from(more);
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
fn grow(slots: &mut [Slot], ops: &[Op], gap: u32, room: u32) -> u32 {
    let mut grown = 0;
    for (slot, op) in slots.iter_mut().zip(ops).rev() {
        if gap <= grown + room {
            break;
        }
        // Parts of pairs stay as they are.
        let longer = match slot.kind & PAIR {
            0 => longer::added(op),
            _ => 0,
        };
        let fits = slot.size + longer + slot.room <= LONGEST;
        if longer > 0 && grown + u32::from(longer) <= gap && fits {
            slot.grown = longer;
            grown += u32::from(longer);
        }
    }
    if gap > grown + room {
        slots.iter_mut().for_each(|slot| slot.grown = 0);
        return 0;
    }
    grown
}
