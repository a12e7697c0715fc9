//! Code that runs often, as far as its shape tells: small loops, and the dispatchers of interpreters.

use std::collections::HashMap;

use super::place::Placement;
use super::{Branch, THREADED};
use crate::code::{ALIGNED, ENDS, STOPS};

/// A small loop's most operations.
const LOOP_OPS: u32 = 48;

/// Innermost loops of few operations, without calls.
fn small_loops(placement: &Placement) -> Vec<(u32, u32)> {
    let mut loops: Vec<(u32, u32)> = Vec::new();
    for &Branch { at: last, to: head } in &placement.branches {
        if head >= last || last - head > LOOP_OPS {
            continue;
        }
        let inside = &placement.slots[head as usize..=last as usize];
        if inside.iter().any(|slot| slot.kind & ENDS != 0) {
            continue;
        }
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
fn dispatchers(placement: &Placement, leading: &[u16]) -> Vec<(u32, u32)> {
    let slots = &placement.slots;
    let from = |&last: &u32| {
        let end = last as usize;
        let before = (end.saturating_sub(DISPATCH_OPS)..end).rev();
        let inside = before.take_while(|&i| slots[i].kind & (STOPS | ENDS) == 0);
        let mut heads = inside.filter(|&i| leading[i] >= DISPATCHED);
        heads.next().map(|head| (head as u32, last))
    };
    placement.indirect.iter().filter_map(from).collect()
}

impl Placement {
    /// Finds small loops and dispatchers, to keep them in few lines, and gives each label a line of its own that lies among the
    /// code which comes back to a dispatcher.
    pub(super) fn find_loops(&mut self) {
        self.loops = small_loops(self);
        if self.indirect.is_empty() {
            return;
        }
        // How many branches lead to each operation.
        let mut leading = vec![0u16; self.slots.len()];
        for branch in &self.branches {
            let target = &mut leading[branch.to as usize];
            *target = target.saturating_add(1);
        }
        let found = dispatchers(self, &leading);
        if found.is_empty() {
            return;
        }
        let mut reach: HashMap<u32, (usize, usize)> = HashMap::new();
        reach.extend(
            found
                .iter()
                .map(|&(head, last)| (head, (last as usize, last as usize))),
        );
        for branch in &self.branches {
            if leading[branch.to as usize] >= DISPATCHED
                && let Some((from, to)) = reach.get_mut(&branch.to)
            {
                let at = branch.at as usize;
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
