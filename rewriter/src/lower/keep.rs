//! What indirect jumps keep for their labels: masking a target takes a register and the flags.
//!
//! Where a label needs the flags, or where every register is live, the jumps of the region save them below the red zone. The
//! label gets an entry that restores them, which all data lead to; direct jumps go behind it.

use std::collections::{BTreeMap, HashMap, HashSet};

use iced_x86::{FlowControl, OpKind};

use super::{Lowerer, Unsafe, cannot};
use crate::code::{self, Gpr, Op, RSP, Target};
use crate::decode::Kind;
use crate::flags::{Flags, flags_live};
use crate::liveness::is_goto;

/// From rsp: 128 bytes are the red zone, then 8 for the flags and 8 for the register.
const REGISTER_AT: i32 = -144;

/// What a jump saves, or a label restores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub flags: bool,
    pub register: Option<Gpr>,
}

impl Kept {
    fn is_empty(self) -> bool {
        self == Kept::default()
    }
}

/// By code index, what is not empty.
#[derive(Default)]
pub(super) struct Keep {
    jumps: HashMap<usize, Kept>,
    labels: BTreeMap<usize, Kept>,
}

impl Keep {
    /// The code indices of the labels that restore something, in rising order.
    pub(super) fn labels(&self) -> Vec<usize> {
        self.labels.keys().copied().collect()
    }
}

impl Lowerer<'_> {
    /// Decides for every region with indirect jumps.
    pub(super) fn find_kept(&mut self) -> Result<(), (usize, Unsafe)> {
        let mut regions: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, insn) in self.program.insns.iter().enumerate() {
            if insn.kind == Kind::IndirectJump
                && self.got_target(&self.program.decoded(index)).is_none()
                && let Some(function) = self.input.function_index(insn.ip())
            {
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
        let needs_flags: Vec<bool> = (labels.iter())
            .map(|&label| self.liveness.flags_at(label))
            .collect();
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
        let exhausted = (jumps.iter())
            .any(|&jump| self.goes_to_labels(jump) && self.free_register(jump).is_none());
        let register = exhausted.then(|| self.least_live(&labels)).flatten();
        let all = Kept {
            flags: needs_flags.contains(&true),
            register,
        };
        if all.is_empty() {
            return Ok(());
        }
        self.keep
            .jumps
            .extend(jumps.iter().map(|&jump| (jump, all)));
        for (&label, &flags) in labels.iter().zip(&needs_flags) {
            let live = self.liveness.live_at(label);
            let register = register.filter(|r| live & (1 << r) != 0);
            let kept = Kept { flags, register };
            if !kept.is_empty() {
                self.keep.labels.insert(label, kept);
            }
        }
        Ok(())
    }

    /// Whether the jump at `index` goes through a table of its function's labels, and nowhere else.
    fn goes_to_labels(&self, index: usize) -> bool {
        let insn = &self.program.decoded(index);
        insn.op0_kind() == OpKind::Memory && is_goto(insn)
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

    /// Saves what the jump at `index` keeps; the register that it may clobber then.
    pub(super) fn save_kept(&mut self, index: usize) -> Option<Gpr> {
        let kept = self.keep.jumps.get(&index).copied().unwrap_or_default();
        self.stats.scratch_saved += u64::from(!kept.is_empty());
        if kept.flags {
            self.leave_red_zone();
            self.push(&[0x9C]);
            // lea 136(%rsp), %esp
            self.push(&[0x8D, 0xA4, 0x24, 0x88, 0, 0, 0]);
        }
        if let Some(register) = kept.register {
            self.move_kept(0x89, register);
        }
        kept.register.filter(|_| self.goes_to_labels(index))
    }

    /// The entry of the label at `index`, if it needs one: the operation that it starts with.
    pub(super) fn restore_kept(&mut self, index: usize) -> Option<u32> {
        let &kept = self.keep.labels.get(&index)?;
        let mut before = (0..index).rev();
        let falls = before.find(|&i| self.program.insns[i].kind != Kind::Padding);
        if falls.is_some_and(|i| !never_falls(self.program.decoded(i).flow_control())) {
            self.ops
                .push(Op::branch(0xEB, Target::Code(index as u32), false));
        }
        let entry = self.ops.len() as u32;
        if let Some(register) = kept.register {
            self.move_kept(0x8B, register);
        }
        if kept.flags {
            // lea -136(%rsp), %esp
            self.push(&[0x8D, 0xA4, 0x24, 0x78, 0xFF, 0xFF, 0xFF]);
            self.ops.extend(code::masked_popfq());
            self.enter_red_zone();
        }
        Some(entry)
    }

    /// A mov between a register and its place below the red zone.
    fn move_kept(&mut self, opcode: u8, register: Gpr) {
        let at = REGISTER_AT.to_le_bytes();
        let rex = 0x48 | (register >> 3) << 2;
        let modrm = 0x84 | (register & 7) << 3;
        self.push(&[rex, opcode, modrm, 0x24, at[0], at[1], at[2], at[3]]);
    }
}

fn never_falls(flow: FlowControl) -> bool {
    matches!(
        flow,
        FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Exception
    )
}
