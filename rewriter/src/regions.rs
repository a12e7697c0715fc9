//! Functions that belong together, because code jumps or falls from one into another other than by a call.

use std::collections::HashMap;

use iced_x86::FlowControl;

use crate::decode::{Kind, Program};
use crate::input::Input;
use crate::refs::Refs;

/// Sets of functions, by their index in [`Input::functions`].
pub(crate) struct Regions {
    /// Each function's way to the first of its region.
    up: Vec<usize>,
    /// The functions of each region that has more than one, by its first.
    members: HashMap<usize, Vec<usize>>,
    /// All functions, so that one alone is a slice of it.
    alone: Vec<usize>,
}

impl Regions {
    pub(crate) fn find(input: &Input<'_>, program: &Program<'_>, refs: &Refs) -> Regions {
        let count = input.functions.len();
        let mut regions = Regions {
            up: (0..count).collect(),
            members: HashMap::new(),
            alone: (0..count).collect(),
        };
        for function in 0..count {
            let (start, end) = input.extent(function);
            let (first, last) = (program.first_from(start), program.first_from(end));
            for branch in program.branches_in(first..last) {
                let at = branch.at as usize;
                let jumps = match program.insns[at].kind {
                    Kind::Jump | Kind::Branch => true,
                    Kind::Flow => matches!(
                        program.decoded(at).flow_control(),
                        FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
                    ),
                    _ => false,
                };
                let inside = (first..last).contains(&(branch.to as usize));
                let Some(target) = branch.target().filter(|_| jumps && !inside) else {
                    continue;
                };
                regions.join_with(input, program, function, target);
            }
            // Assembly runs on into the next label. (A call at the end does not come back.)
            let mut code = (first..last).rev();
            let falls = code.find(|&i| program.insns[i].kind != Kind::Padding);
            let next = program.insns.get(last).map(|i| i.ip());
            if let (Some(insn), Some(next)) = (falls, next)
                && program.falls_through(insn)
                && let Some(other) = input.function_index(next)
            {
                regions.join(function, other);
            }
        }
        regions.join_by_tables(input, program, refs);
        regions.join_cold_parts(input);
        for function in 0..count {
            let first = regions.first(function);
            if first != function {
                let members = regions.members.entry(first).or_insert_with(|| vec![first]);
                members.push(function);
            }
        }
        regions
    }

    /// Joins functions with those whose labels their jumps find in tables.
    fn join_by_tables(&mut self, input: &Input<'_>, program: &Program<'_>, refs: &Refs) {
        for (at, insn) in program.insns.iter().enumerate() {
            if insn.kind != Kind::IndirectJump {
                continue;
            }
            let Some(function) = input.function_index(insn.ip()) else {
                continue;
            };
            for target in refs.table(&program.decoded(at)) {
                self.join_with(input, program, function, target);
            }
        }
    }

    /// Joins a function with the one whose inside, or cold part, it jumps to at code index `target`.
    fn join_with(
        &mut self,
        input: &Input<'_>,
        program: &Program<'_>,
        function: usize,
        target: usize,
    ) {
        let Some(target) = program.insns.get(target).map(|insn| insn.ip()) else {
            return;
        };
        if let Some(other) = input.function_index(target)
            && (input.functions[other].0 != target || input.is_cold(other))
        {
            self.join(function, other);
        }
    }

    /// Joins a function with the part that a compiler split off, which its jumps may reach in ways that are not seen.
    fn join_cold_parts(&mut self, input: &Input<'_>) {
        let cold: Vec<usize> = (0..input.functions.len())
            .filter(|&function| input.is_cold(function))
            .collect();
        if cold.is_empty() {
            return;
        }
        // Static functions may share a name.
        let mut named: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for function in 0..input.functions.len() {
            named
                .entry(input.name(function))
                .or_default()
                .push(function);
        }
        for part in cold {
            let name = input.name(part);
            let whole = name.windows(5).position(|window| window == b".cold");
            for &function in named.get(&name[..whole.unwrap_or(0)]).into_iter().flatten() {
                self.join(function, part);
            }
        }
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.shorten(a), self.shorten(b));
        // The lower one leads, so that members come in rising order.
        self.up[a.max(b)] = a.min(b);
    }

    fn shorten(&mut self, mut function: usize) -> usize {
        while self.up[function] != function {
            self.up[function] = self.up[self.up[function]];
            function = self.up[function];
        }
        function
    }

    /// The first function of the region of `function`.
    pub(crate) fn first(&self, mut function: usize) -> usize {
        while self.up[function] != function {
            function = self.up[function];
        }
        function
    }

    /// The functions of the region that `first` leads, in rising order.
    pub(crate) fn members(&self, first: usize) -> &[usize] {
        match self.members.get(&first) {
            Some(members) => members,
            None => &self.alone[first..=first],
        }
    }
}
