//! Loops that wait for another thread or a signal without a call. Threads take turns at calls, so such a loop would never see what it waits
//! for: the way back gives the turn to the others, as a `pause` does.
//!
//! A loop waits if going round again changes nothing: it stores nothing, and reads no register that it has changed. Then all that can
//! end it is somebody else. Where this is wrong (a loop whose exchange does change something) it costs a call of the library OS, and
//! never the result.

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};

use super::{Lowerer, Outcome};
use crate::code::{Op, Target};
use crate::decode::{Kind, Program};
use crate::effect::effect_at;
use crate::flags::{Flags, flags_live};

/// Instructions of a loop that is looked at: who waits does little else.
const LONGEST: usize = 12;

/// Whether going back from `branch` to `start` changes nothing.
fn waits(
    factory: &mut InstructionInfoFactory,
    program: &Program<'_>,
    start: usize,
    branch: usize,
) -> bool {
    let body = || (start..branch).filter(|&at| program.insns[at].kind != Kind::Padding);
    let quiet = |at: usize| match program.insns[at].kind {
        // Ways out, and the parts of a loop as it is compiled without optimisation.
        Kind::Branch | Kind::Jump => true,
        Kind::Call | Kind::Return | Kind::IndirectJump | Kind::IndirectCall | Kind::Flow => false,
        _ => is_quiet(&program.decoded(at)),
    };
    if !body().all(quiet) {
        return false;
    }
    let effects: Vec<_> = (start..=branch)
        .filter(|&at| program.insns[at].kind != Kind::Padding)
        .map(|at| effect_at(factory, program, at))
        .collect();
    let changed = effects.iter().fold(0, |all, (_, writes)| all | writes);
    let mut known = 0;
    effects.iter().all(|(reads, writes)| {
        let fresh = reads & changed & !known == 0;
        known |= writes;
        fresh
    })
}

/// Whether it stores nothing, or what a lock stores while another has it.
fn is_quiet(insn: &Instruction) -> bool {
    use Mnemonic as M;
    match insn.mnemonic() {
        M::Cmp | M::Test | M::Bt | M::Xchg | M::Cmpxchg => true,
        M::Mov
        | M::Movzx
        | M::Movsx
        | M::Movsxd
        | M::Lea
        | M::Xor
        | M::And
        | M::Or
        | M::Add
        | M::Sub
        | M::Not
        | M::Shl
        | M::Shr
        | M::Sete
        | M::Setne => {
            // Who moves the stack's pointer goes somewhere; it is not among the effects.
            insn.op0_kind() == OpKind::Register
                && insn.op0_register().full_register() != Register::RSP
        }
        _ => false,
    }
}

impl Lowerer<'_> {
    /// Lowers a direct jump or branch back to `target` if it is that of a loop that waits.
    pub(super) fn waiting(&mut self, index: usize, target: usize, opcode: u8) -> Option<Outcome> {
        let program = self.program;
        if target > index
            || index - target > LONGEST
            || !waits(&mut self.factory, program, target, index)
        {
            return None;
        }
        let over = (opcode != 0xEB).then_some(self.ops.len());
        if over.is_some() {
            self.ops.push(Op::branch(opcode ^ 1, Target::Op(0), false));
        }
        let done = self.helper("__zrt_pause", flags_live(program, target, Flags::Keep));
        self.ops
            .push(Op::branch(0xEB, Target::Code(target as u32), false));
        if let Some(over) = over {
            self.ops[over].target = Target::Op(self.ops.len() as u32);
        }
        Some(done)
    }
}
