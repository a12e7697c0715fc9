//! Loops that wait for another thread or a signal without a call. Threads take turns at calls, so such a loop would never see what it waits
//! for: the way back gives the turn to the others, as a `pause` does.
//!
//! A loop waits if going round again changes nothing: it is entered at its start alone, stores nothing, and reads no register that it
//! has changed. Then all that can end it is somebody else. Where this is wrong (a loop whose exchange does change something) it costs
//! a call of the library OS, and never the result.

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};

use super::{Lowerer, Outcome};
use crate::code::{Op, RAX, Target};
use crate::decode::{Kind, Program};
use crate::effect::effect_at;
use crate::flags::{Flags, flags_live};
use crate::parts::{Parts, whole};

/// Instructions of a loop that is looked at: who waits does little else.
const LONGEST: usize = 12;

/// Whether going back from `branch` to `start` changes nothing.
fn waits(
    factory: &mut InstructionInfoFactory,
    program: &Program<'_>,
    start: usize,
    branch: usize,
) -> bool {
    let mut effects = [(0, 0); LONGEST + 1];
    for at in start..=branch {
        effects[at - start] = effect_at(factory, program, at);
    }
    let mut changed = effects.iter().fold(0, |all, (_, writes)| all | writes);
    // Most loops count, and that is told soon.
    if !reads_what_was(&effects, changed) {
        return false;
    }
    let mut seen = Does::Looks;
    for at in start..branch {
        let does = match program.insns[at].kind {
            Kind::Padding => continue,
            // Ways out, and the parts of a loop as it is compiled without optimisation.
            Kind::Branch | Kind::Jump => Some(Does::Looks),
            Kind::Call | Kind::Return | Kind::IndirectJump | Kind::IndirectCall | Kind::Flow => {
                None
            }
            _ => {
                let insn = program.decoded(at);
                if insn.mnemonic() == Mnemonic::Cmpxchg {
                    // Where it fails; so the effects only say that it is read.
                    changed |= whole(1 << RAX);
                }
                does(&insn)
            }
        };
        seen = match (seen, does) {
            (_, None)
            | (Does::Computes, Some(Does::Exchanges))
            | (Does::Exchanges, Some(Does::Computes)) => return false,
            (seen, Some(Does::Looks)) => seen,
            (_, Some(does)) => does,
        };
    }
    reads_what_was(&effects, changed)
}

/// Whether code with these effects, (read, written), reads nothing of what is `changed` but what it has written itself before.
fn reads_what_was(effects: &[(Parts, Parts)], changed: Parts) -> bool {
    let mut known = 0;
    effects.iter().all(|(reads, writes)| {
        let fresh = reads & changed & !known == 0;
        known |= writes;
        fresh
    })
}

/// What an instruction of a loop that waits may do.
#[derive(Clone, Copy)]
enum Does {
    /// It loads, moves or compares.
    Looks,
    /// It makes a new value. What that is exchanged for may be another one each time.
    Computes,
    /// It stores what a lock's taker stores, while another has it.
    Exchanges,
}

fn does(insn: &Instruction) -> Option<Does> {
    use Mnemonic as M;
    let to_register = insn.op0_kind() == OpKind::Register;
    // Who moves the stack's pointer goes somewhere; it is not among the effects.
    if to_register && insn.op0_register().full_register() == Register::RSP {
        return None;
    }
    match insn.mnemonic() {
        M::Cmp | M::Test | M::Bt => Some(Does::Looks),
        M::Xchg | M::Cmpxchg => Some(Does::Exchanges),
        M::Mov | M::Movzx | M::Movsx | M::Movsxd | M::Sete | M::Setne if to_register => {
            Some(Does::Looks)
        }
        M::Xor if to_register && insn.op1_kind() != OpKind::Memory => Some(Does::Looks),
        M::Lea | M::And | M::Or | M::Add | M::Sub | M::Not | M::Shl | M::Shr if to_register => {
            Some(Does::Computes)
        }
        _ => None,
    }
}

impl Lowerer<'_> {
    /// Whether code outside of a loop leads into it behind its start, perhaps with other registers than it had there.
    fn is_entered_within(&self, start: usize, branch: usize) -> bool {
        let inside = start + 1..branch + 1;
        let Some((from, to)) = self.input.function_at(self.program.address(start)) else {
            return true;
        };
        let function = self.program.first_from(from)..self.program.first_from(to);
        self.refs.taken[inside.clone()].contains(&true)
            || self.program.branches_in(function).iter().any(|other| {
                !(start..=branch).contains(&(other.at as usize))
                    && other
                        .target()
                        .is_some_and(|target| inside.contains(&target))
            })
    }

    /// Lowers a direct jump or branch back to `target` if it is that of a loop that waits.
    pub(super) fn waiting(&mut self, index: usize, target: usize, opcode: u8) -> Option<Outcome> {
        let program = self.program;
        if target > index
            || index - target > LONGEST
            || !waits(&mut self.factory, program, target, index)
            || self.is_entered_within(target, index)
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
