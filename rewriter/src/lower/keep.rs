//! Saves at indirect jumps, and restores at labels, what [`Plan`](super::plan::Plan) says.

use iced_x86::{FlowControl, Instruction};

use super::Lowerer;
use super::plan::goes_to_labels;
use crate::code::{self, Gpr, Op, Target};
use crate::decode::Kind;

/// From rsp: 128 bytes are the red zone, then 8 for the flags and 8 for the register.
const REGISTER_AT: i32 = -144;

impl Lowerer<'_> {
    /// Saves what the jump at `index` keeps; the register that it may clobber then.
    pub(super) fn save_kept(&mut self, index: usize, insn: &Instruction) -> Option<Gpr> {
        let kept = self.plan.jumps.get(&index).copied().unwrap_or_default();
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
        kept.register.filter(|_| goes_to_labels(insn))
    }

    /// The entry of the label at `index`, if it needs one: the operation that it starts with.
    pub(super) fn restore_kept(&mut self, index: usize) -> Option<u32> {
        let &kept = self.plan.labels.get(&index)?;
        // What falls into the label, and what jumps to a nop in front of it, goes behind the entry.
        let before = index
            .checked_sub(1)
            .map(|i| (i, self.program.insns[i].kind));
        let falls = |(i, kind)| {
            kind == Kind::Padding || !never_falls(self.program.decoded(i).flow_control())
        };
        if before.is_some_and(falls) {
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
