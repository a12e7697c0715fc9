//! Code that runs often, as far as its shape tells: small loops, and the dispatchers of interpreters.

use std::collections::HashMap;

use super::place::Placement;
use super::{ALIGNED, ENDS, PAIR, STOPS, Slot, THREADED};
use crate::code::{Fix, Target};
use crate::lower::Lowered;

/// A small loop's most operations.
const LOOP_OPS: usize = 48;
/// Innermost loops of few operations, without calls.
pub(super) fn small_loops(lowered: &Lowered) -> Vec<(u32, u32)> {
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

/// How many branches lead to each operation, calls apart.
fn branches(lowered: &Lowered) -> Vec<u16> {
    let mut branches = vec![0u16; lowered.ops.len()];
    for op in &lowered.ops {
        if let (Fix::Branch, Target::Code(code), false) = (op.fix, op.target, op.ends_bundle) {
            let target = &mut branches[lowered.first[code as usize] as usize];
            *target = target.saturating_add(1);
        }
    }
    branches
}

/// Runs of operations from where many branches come to an indirect jump.
fn dispatchers(lowered: &Lowered, slots: &[Slot], branches: &[u16]) -> Vec<(u32, u32)> {
    let indirect = |&i: &usize| {
        let jumps = slots[i].kind & (STOPS | PAIR) == STOPS | PAIR;
        jumps && lowered.ops[i].bytes[0] != 0xC3
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
    /// Keeps dispatchers in few lines, as small loops are, and gives each label a line of its own that lies among the code which
    /// comes back to them.
    pub(super) fn find_dispatchers(&mut self, lowered: &Lowered) {
        let branches = branches(lowered);
        let found = dispatchers(lowered, &self.slots, &branches);
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
                && let head = lowered.first[code as usize]
                && branches[head as usize] >= DISPATCHED
                && let Some((from, to)) = reach.get_mut(&head)
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
}
