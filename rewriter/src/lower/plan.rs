//! What lowering must know of more than one function: which register an indirect jump may clobber, and what jumps keep for their
//! labels, as masking a target takes a register and the flags.
//!
//! Where a label needs the flags, or where every register is live, the jumps of the region save them below the red zone. The
//! label gets an entry that restores them, which all data lead to; direct jumps go behind it.

use std::collections::{BTreeMap, HashMap, HashSet};

use iced_x86::{Instruction, OpKind};

use super::control::{enters_ifunc, got_target};
use super::{Unsafe, cannot};
use crate::code::{Gpr, R10, R11, RSP};
use crate::decode::{Kind, Program};
use crate::flags::{Flags, flags_live};
use crate::input::Input;
use crate::liveness::{Liveness, Targets, is_goto};
use crate::parts::number;
use crate::refs::Refs;

/// What a System V callee may clobber, the least used first: r11, r10, r9, r8, rdi, rsi, rcx, rdx, rax.
const CALLER_SAVED: [Gpr; 9] = [R11, 10, 9, 8, 7, 6, 1, 2, 0];

/// What a jump saves, or a label restores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub flags: bool,
    pub register: Option<Gpr>,
}

impl Kept {
    pub(super) fn is_empty(self) -> bool {
        self == Kept::default()
    }
}

/// What is settled before any code is lowered.
#[derive(Default)]
pub(crate) struct Plan {
    /// By code index, and the end: its operation starts a bundle, as an indirect branch or an unwinder leads there.
    pub(super) aligned: Vec<bool>,
    /// By the code index of a jump, what it saves.
    pub(super) jumps: HashMap<usize, Kept>,
    /// By the code index of a label, what it restores.
    pub(super) labels: BTreeMap<usize, Kept>,
    /// By the code index of a jump through memory: a register that it may clobber; of a call: one that is dead behind it.
    pub(super) scratch: HashMap<usize, Gpr>,
    /// A label for which nothing can be done.
    pub(crate) refused: Option<(usize, Unsafe)>,
}

/// Settles it.
#[inline(never)] // A phase has a name in profiles.
pub(crate) fn plan(input: &Input<'_>, program: &Program<'_>, refs: &Refs) -> Plan {
    let mut planner = Planner {
        input,
        program,
        refs,
        liveness: Liveness::new(input, program, refs),
        plan: Plan::default(),
    };
    if let Err(refused) = planner.find_all() {
        planner.plan.refused = Some(refused);
    }
    let mut plan = planner.plan;
    plan.aligned = refs.taken.clone();
    for &inner in &refs.computed.inner {
        plan.aligned[inner] = false;
    }
    // Nothing but data leads to most labels with an entry, so to the entry alone.
    if !plan.labels.is_empty() {
        let direct: HashSet<usize> = refs.held_by_code().collect();
        for label in plan.labels.keys() {
            plan.aligned[*label] = direct.contains(label);
        }
    }
    for &pad in &refs.landing_pads {
        plan.aligned[pad] = true;
    }
    plan
}

struct Planner<'p> {
    input: &'p Input<'p>,
    program: &'p Program<'p>,
    refs: &'p Refs,
    liveness: Liveness<'p>,
    plan: Plan,
}

impl Planner<'_> {
    /// Decides for every region with indirect jumps.
    fn find_all(&mut self) -> Result<(), (usize, Unsafe)> {
        let mut regions: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, insn) in self.program.insns.iter().enumerate() {
            if !matches!(insn.kind, Kind::IndirectJump | Kind::IndirectCall) {
                continue;
            }
            let decoded = self.program.decoded(index);
            if got_target(self.input, &decoded).is_some() {
                continue;
            }
            if insn.kind == Kind::IndirectCall {
                if decoded.op0_kind() == OpKind::Memory && self.liveness.is_dead_behind(index, R10)
                {
                    self.plan.scratch.insert(index, R10);
                }
                continue;
            }
            if let Some(register) = self.free_register(index, &decoded) {
                self.plan.scratch.insert(index, register);
            }
            if let Some(function) = self.input.function_index(insn.ip()) {
                let region = self.liveness.region_of(function);
                regions.entry(region).or_default().push(index);
            }
        }
        let in_code: HashSet<usize> = self.refs.held_by_code().collect();
        for (region, jumps) in regions {
            self.find_in_region(region, &jumps, &in_code)?;
        }
        Ok(())
    }

    fn find_in_region(
        &mut self,
        region: usize,
        jumps: &[usize],
        in_code: &HashSet<usize>,
    ) -> Result<(), (usize, Unsafe)> {
        let program = self.program;
        let labels = self.liveness.labels(region);
        let needs_flags = self.liveness.flags_at_labels(&labels);
        let without = |(&label, &needs): (&usize, &bool)| {
            needs && in_code.contains(&label) && flags_live(program, label, Flags::Result)
        };
        if let Some((&label, _)) = labels.iter().zip(&needs_flags).find(|l| without(*l)) {
            let refused = cannot::<()>(
                "flags are live where an indirect jump leads that has its target from code",
                "make the jump a direct one",
            );
            return refused.map_err(|refusal| (label, refusal));
        }
        let exhausted: Vec<usize> = (jumps.iter().copied())
            .filter(|jump| {
                goes_to_labels(&program.decoded(*jump)) && !self.plan.scratch.contains_key(jump)
            })
            .collect();
        let mut targets = exhausted.iter().filter_map(|&at| self.liveness.targets(at));
        let register = match targets.any(|targets| targets.elsewhere) {
            // No function expects anything in it.
            true => Some(R11),
            false if exhausted.is_empty() => None,
            false => self.least_live(&labels),
        };
        let all = Kept {
            flags: needs_flags.contains(&true),
            register,
        };
        if all.is_empty() {
            return Ok(());
        }
        let saving = jumps.iter().map(|&jump| (jump, all));
        self.plan.jumps.extend(saving);
        for (&label, &flags) in labels.iter().zip(&needs_flags) {
            let live = self.liveness.live_at(label);
            // Who calls the function may rely on what it does not write.
            let register = register.filter(|&register| {
                live & (1 << register) != 0 || !self.liveness.is_written_around(label, register)
            });
            let kept = Kept { flags, register };
            if !kept.is_empty() {
                self.plan.labels.insert(label, kept);
            }
        }
        Ok(())
    }

    /// The register that the fewest labels need.
    fn least_live(&mut self, labels: &[usize]) -> Option<Gpr> {
        let live: Vec<u16> = (labels.iter())
            .map(|&label| self.liveness.live_at(label))
            .collect();
        let needing = |register: Gpr| live.iter().filter(|l| *l & (1 << register) != 0).count();
        // r11 and r10 first: no encoding with them is longer than with others of the upper eight.
        (0..16)
            .rev()
            .filter(|&register| register != RSP)
            .min_by_key(|&register| needing(register))
    }

    /// A register that the jump at code index `index` may clobber, if it goes through memory.
    fn free_register(&mut self, index: usize, insn: &Instruction) -> Option<Gpr> {
        if insn.op0_kind() != OpKind::Memory {
            return None;
        }
        if enters_ifunc(self.input, insn) {
            // No function gets or keeps anything in it (psABI, "Procedure Linkage Table").
            return Some(R11);
        }
        let targets = self.liveness.targets(index)?;
        let own = [insn.memory_index(), insn.memory_base()]
            .into_iter()
            .filter_map(number);
        own.chain([R11])
            .chain(0..16)
            .filter(|&register| register != RSP)
            .find(|&register| self.liveness.is_free(index, &targets, register))
            .or_else(|| self.borrowed(index, &targets))
    }

    /// A dead caller-saved register that nobody relies on, though the function of the jump at code index `index` leaves it alone.
    fn borrowed(&mut self, index: usize, targets: &Targets) -> Option<Gpr> {
        let (start, _) = self.input.function_at(self.program.insns[index].ip())?;
        CALLER_SAVED.into_iter().find(|&register| {
            self.liveness.is_dead(index, targets, register)
                && self.liveness.may_clobber(start, register)
        })
    }
}

/// Whether an indirect jump goes through a table of its function's labels, and nowhere else.
pub(super) fn goes_to_labels(insn: &Instruction) -> bool {
    insn.op0_kind() == OpKind::Memory && is_goto(insn)
}
