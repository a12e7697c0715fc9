//! Where the address of code may go that one instruction names: along all ways, through registers and places on the stack.
//!
//! A cheap search that errs towards nothing being wrong: what it finds is then looked at with all of its function.

use iced_x86::{ConditionCode, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};

use crate::decode::{Kind, Program};
use crate::effect::effect_at;
use crate::input::Input;
use crate::parts::{number, some};
use crate::refs::CodeField;

/// Instructions that one address is followed through.
const MOST_FOLLOWED: usize = 1_000;
/// Registers that a callee may change.
const CALLER_SAVED: u32 = 0b0000_1111_1100_0111;
/// Places on the stack that are told apart have the upper half of a mask.
const FIRST_SLOT: usize = 16;
const REGISTERS: u32 = 0xFFFF;

/// What was found to be done with an address, by the code index that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// An indirect jump or call to it plus a distance.
    Jump(usize),
    /// A read or write of memory that it is the base of.
    Read(usize),
}

/// What holds the address before an instruction: bit n = register n, bit 16 + n = place n on the stack.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct State {
    /// As it is.
    exact: u32,
    /// With a distance added.
    astray: u32,
}

impl State {
    fn any(self) -> u32 {
        self.exact | self.astray
    }

    fn clear(&mut self, places: u32) {
        self.exact &= !places;
        self.astray &= !places;
    }

    /// `to` holds what `from` held.
    fn copy(&mut self, before: State, from: u32, to: u32) {
        self.clear(to);
        self.add(before, from, to);
    }

    /// `to` may hold what `from` held, too.
    fn add(&mut self, before: State, from: u32, to: u32) {
        self.exact |= if before.exact & from != 0 { to } else { 0 };
        self.astray |= if before.astray & from != 0 { to } else { 0 };
    }
}

pub(super) struct Follower<'p> {
    input: &'p Input<'p>,
    program: &'p Program<'p>,
    factory: InstructionInfoFactory,
    /// The code index whose address is followed.
    target: usize,
    /// Places on the stack, by their bits: base register and displacement.
    slots: Vec<(Register, u64)>,
    /// What may hold before the instructions that branches lead to.
    joins: Vec<(usize, State)>,
    /// Where to go on: straight code from there on.
    work: Vec<(usize, State)>,
    found: Vec<Use>,
}

impl<'p> Follower<'p> {
    pub(super) fn new(input: &'p Input<'p>, program: &'p Program<'p>) -> Self {
        Follower {
            input,
            program,
            factory: InstructionInfoFactory::new(),
            target: 0,
            slots: Vec::new(),
            joins: Vec::new(),
            work: Vec::new(),
            found: Vec::new(),
        }
    }

    /// What becomes of the address of code index `target`, in the field of the instruction at code index `source`.
    pub(super) fn follow(&mut self, source: usize, field: CodeField, target: usize) -> &[Use] {
        self.target = target;
        self.slots.clear();
        self.joins.clear();
        self.work.clear();
        self.found.clear();
        let insn = self.program.decoded(source);
        let mut state = State::default();
        let to = self.operand(&insn, 0);
        match (insn.mnemonic(), field) {
            (Mnemonic::Lea, CodeField::Displacement)
                if insn.memory_base() != Register::None
                    || insn.memory_index() != Register::None =>
            {
                state.astray = to;
            }
            (Mnemonic::Lea | Mnemonic::Mov, _) => state.exact = to,
            (Mnemonic::Add, CodeField::Immediate32) => state.astray = to,
            _ => {}
        }
        self.forget_functions(&mut state);
        self.work.push((source + 1, state));
        let mut budget = MOST_FOLLOWED;
        while let Some((at, state)) = self.work.pop() {
            self.run(at, state, &mut budget);
        }
        &self.found
    }

    /// Follows straight code.
    fn run(&mut self, mut at: usize, mut state: State, budget: &mut usize) {
        while state.any() != 0 && at < self.program.insns.len() && *budget > 0 {
            *budget -= 1;
            let kind = self.program.insns[at].kind;
            match kind {
                Kind::Padding => {}
                Kind::Return => return,
                Kind::Jump => return self.jump(at, state),
                Kind::Branch => self.jump(at, state),
                Kind::Call => state.clear(CALLER_SAVED),
                Kind::IndirectJump => return self.indirect(at, state),
                Kind::IndirectCall => {
                    self.indirect(at, state);
                    state.clear(CALLER_SAVED);
                }
                Kind::Flow => {
                    self.jump(at, state);
                    if !self.program.falls_through(at) {
                        return;
                    }
                }
                _ => state = self.through(at, state),
            }
            at += 1;
        }
    }

    /// Goes on at a direct branch's target, in the same function, with what was not there before.
    fn jump(&mut self, at: usize, state: State) {
        let ip = self.program.insns[at].ip();
        let Some(target) = self.program.target(at) else {
            return;
        };
        if self.input.function_index(target) != self.input.function_index(ip) {
            return;
        }
        let Some(target) = self.program.at(target) else {
            return;
        };
        let known = match self.joins.iter().position(|join| join.0 == target) {
            Some(known) => &mut self.joins[known].1,
            None => {
                self.joins.push((target, State::default()));
                let last = self.joins.len() - 1;
                &mut self.joins[last].1
            }
        };
        let both = State {
            exact: known.exact | state.exact,
            astray: known.astray | state.astray,
        };
        if *known != both {
            *known = both;
            self.work.push((target, both));
        }
    }

    fn indirect(&mut self, at: usize, state: State) {
        let insn = self.program.decoded(at);
        match insn.op0_kind() {
            OpKind::Register if register_bit(insn.op0_register()) & state.astray != 0 => {
                self.note(Use::Jump(at));
            }
            OpKind::Memory if register_bit(insn.memory_base()) & state.any() != 0 => {
                self.note(Use::Read(at));
            }
            _ => {}
        }
    }

    fn note(&mut self, found: Use) {
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    /// The state behind an instruction that goes on to the next.
    fn through(&mut self, at: usize, before: State) -> State {
        let (uses, defs) = effect_at(&mut self.factory, self.program, at);
        let mut after = before;
        let on_stack = before.any() >> FIRST_SLOT != 0;
        if u32::from(some(uses)) & before.any() == 0 && !on_stack {
            after.clear(u32::from(some(defs)));
            return after;
        }
        let insn = &self.program.decoded(at);
        let base = register_bit(insn.memory_base());
        let reads = insn.mnemonic() != Mnemonic::Lea && insn.mnemonic() != Mnemonic::Nop;
        if reads && base & before.any() != 0 {
            self.note(Use::Read(at));
        }
        let to = match insn.op_count() {
            0 => 0,
            _ => self.operand(insn, 0),
        };
        let from = match insn.op_count() {
            0 | 1 => 0,
            _ => self.operand(insn, 1),
        };
        // Places on the stack are known by their distance from rsp as it was.
        if writes_stack_pointer(insn) {
            let by_rsp = (self.slots.iter().enumerate())
                .filter(|slot| slot.1.0 == Register::RSP)
                .fold(0, |mask, slot| mask | 1 << (FIRST_SLOT + slot.0));
            after.clear(by_rsp);
        }
        match insn.mnemonic() {
            Mnemonic::Mov => after.copy(before, from, to),
            Mnemonic::Lea => {
                let index = register_bit(insn.memory_index());
                let parts = base | index;
                let alone = insn.memory_displacement64() == 0
                    && (base == 0 || index == 0)
                    && insn.memory_index_scale() == 1;
                match before.any() & parts {
                    0 => after.clear(to),
                    _ if alone => after.copy(before, parts, to),
                    _ => {
                        after.clear(to);
                        after.astray |= to;
                    }
                }
            }
            Mnemonic::Add | Mnemonic::Inc | Mnemonic::Dec | Mnemonic::Sub => {
                // A distance between two addresses is none.
                let minus = insn.mnemonic() == Mnemonic::Sub && before.any() & from != 0;
                let taken = to
                    | if insn.mnemonic() == Mnemonic::Add {
                        from
                    } else {
                        0
                    };
                after.clear(to);
                if before.any() & taken != 0 && !minus {
                    after.astray |= to;
                }
            }
            _ if is_conditional_move(insn) => after.add(before, from, to),
            Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push => {}
            _ => after.clear(u32::from(some(defs)) | to),
        }
        self.forget_functions(&mut after);
        after
    }

    /// The address of a function as it is often lies on the stack for long, and nobody adds to it.
    fn forget_functions(&self, state: &mut State) {
        if state.exact & !REGISTERS == 0 {
            return;
        }
        let target = self.program.insns[self.target].ip();
        let function = self.input.function_at(target);
        if function.is_some_and(|(start, _)| start == target) {
            state.exact &= REGISTERS;
        }
    }

    /// The bit of an operand: a register, or a place on the stack.
    fn operand(&mut self, insn: &Instruction, operand: u32) -> u32 {
        match insn.op_kind(operand) {
            OpKind::Register => register_bit(insn.op_register(operand)),
            OpKind::Memory if insn.mnemonic() != Mnemonic::Lea => self.slot(insn, operand == 0),
            _ => 0,
        }
    }

    /// The bit of the place on the stack that the memory operand means; a new one if it is to be written.
    fn slot(&mut self, insn: &Instruction, write: bool) -> u32 {
        let base = insn.memory_base();
        if !matches!(base, Register::RSP | Register::RBP) || insn.memory_index() != Register::None {
            return 0;
        }
        let slot = (base, insn.memory_displacement64());
        match self.slots.iter().position(|known| *known == slot) {
            Some(known) => 1 << (FIRST_SLOT + known),
            None if write && self.slots.len() < FIRST_SLOT => {
                self.slots.push(slot);
                1 << (FIRST_SLOT + self.slots.len() - 1)
            }
            None => 0,
        }
    }
}

/// The bit of a general register of 32 or 64 bits; 0 for all else.
fn register_bit(register: Register) -> u32 {
    let wide = register.is_gpr32() || register.is_gpr64();
    number(register)
        .filter(|_| wide)
        .map_or(0, |number| 1 << number)
}

fn writes_stack_pointer(insn: &Instruction) -> bool {
    matches!(
        insn.mnemonic(),
        Mnemonic::Push | Mnemonic::Pop | Mnemonic::Leave
    ) || insn.op_count() > 0
        && insn.op0_kind() == OpKind::Register
        && insn.op0_register().full_register() == Register::RSP
}

fn is_conditional_move(insn: &Instruction) -> bool {
    insn.condition_code() != ConditionCode::None && insn.op_count() == 2
}
