//! What a function does with the addresses that it computes with: the values of its registers, on all ways.
//!
//! A jump to a label plus a distance can be kept if the label's address goes nowhere but into such jumps.

use std::ops::Range;

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

use crate::decode::{Kind, Program};
use crate::flags::Returns;
use crate::input::Input;
use crate::parts::number;
use crate::refs::{CodeField, Refs};

/// What a callee may get in registers, or a caller may get back; rsp apart.
const BETWEEN_FUNCTIONS: u16 = !(1 << 4 | 1 << 10 | 1 << 11);
/// Registers that a callee may change.
const CALLER_SAVED: u16 = 0b0000_1111_1100_0111;
/// What a caller may look at after a return: rax and what it preserves. (The second result, rdx, is mostly what was left there.)
const AT_RETURN: u16 = 0b1111_0000_0010_1001;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// No address that is followed; a multiple of this, or 0 if this is 0.
    Number(u32),
    /// The address of a code index, plus a multiple of this.
    Code(usize, u32),
    /// One of these on one way, and another on another.
    Mixed,
}

use Value::{Code, Mixed, Number};

/// Nothing is known of a number.
const ANY: Value = Number(1);

/// The greatest common divisor; 0 is a multiple of all.
pub(super) fn common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common(b, a % b) }
}

impl Value {
    fn or(self, other: Value) -> Value {
        match (self, other) {
            (Number(a), Number(b)) => Number(common(a, b)),
            (Code(base, a), Code(same, b)) if base == same => Code(base, common(a, b)),
            _ => Mixed,
        }
    }

    fn plus(self, other: Value) -> Value {
        match (self, other) {
            (Number(a), Number(b)) => Number(common(a, b)),
            (Code(base, a), Number(b)) | (Number(b), Code(base, a)) => Code(base, common(a, b)),
            _ => Mixed,
        }
    }

    fn minus(self, other: Value) -> Value {
        match other {
            Number(_) => self.plus(other),
            _ => Mixed,
        }
    }

    fn times(self, factor: u32) -> Value {
        match self {
            // What does not fit is a multiple of the greatest power of 2 in it, even when the product wraps.
            Number(step) => {
                Number((step.checked_mul(factor)).unwrap_or_else(|| {
                    1 << (step.trailing_zeros() + factor.trailing_zeros()).min(31)
                }))
            }
            other if factor == 1 => other,
            _ => Mixed,
        }
    }

    fn constant(value: u64) -> Value {
        Number((value as i32).unsigned_abs())
    }

    /// Whether it may be, or come from, an address that is followed.
    fn is_code(self) -> bool {
        !matches!(self, Number(_))
    }
}

type State = [Value; 16];

/// Nothing is known.
const UNKNOWN: State = [ANY; 16];

/// One function's values.
pub(super) struct Values<'p> {
    input: &'p Input<'p>,
    program: &'p Program<'p>,
    refs: &'p Refs,
    factory: InstructionInfoFactory,
    /// The function's extent.
    start: u64,
    end: u64,
    /// Its first code index; it has one for each of `states`.
    first: usize,
    /// Code indices whose addresses are followed.
    bases: &'p [usize],
    returns: Returns,
    /// Before each instruction; `None`: nothing reaches it.
    states: Vec<Option<State>>,
}

impl<'p> Values<'p> {
    /// Of `function`, with the addresses `bases` followed.
    pub(super) fn find(
        input: &'p Input<'p>,
        program: &'p Program<'p>,
        refs: &'p Refs,
        function: usize,
        bases: &'p [usize],
    ) -> Self {
        let (start, end) = input.extent(function);
        let (first, last) = (program.first_from(start), program.first_from(end));
        let mut values = Values {
            input,
            program,
            refs,
            factory: InstructionInfoFactory::new(),
            start,
            end,
            first,
            bases,
            returns: Returns::new(program),
            states: vec![None; last - first],
        };
        let mut work = values.entries();
        for &entry in &work {
            values.states[entry - first] = Some(UNKNOWN);
        }
        while let Some(at) = work.pop() {
            let Some(before) = values.states[at - first] else {
                continue;
            };
            for (next, after) in values.step(at, before) {
                let known = &mut values.states[next - first];
                let joined = known.map_or(after, |known| {
                    std::array::from_fn(|r| known[r].or(after[r]))
                });
                if *known != Some(joined) {
                    *known = Some(joined);
                    work.push(next);
                }
            }
        }
        values
    }

    fn contains(&self, at: usize) -> bool {
        (self.first..self.first + self.states.len()).contains(&at)
    }

    /// Where control may come from elsewhere, with registers that nothing is known of.
    fn entries(&self) -> Vec<usize> {
        // A base that nobody else names is entered by its jumps alone.
        let own = |base: usize| {
            let in_data = self.refs.in_data.iter().any(|r| r.2 == base);
            let elsewhere = |r: &(usize, _, usize)| r.2 == base && !self.contains(r.0);
            !in_data && !self.refs.in_code.iter().any(elsewhere)
        };
        let own: Vec<usize> = self.bases.iter().copied().filter(|&b| own(b)).collect();
        let mut entries = vec![self.first];
        let inside = self.first..self.first + self.states.len();
        entries.extend(inside.filter(|at| self.refs.taken[*at] && !own.contains(at)));
        entries.extend(&self.refs.landing_pads);
        let branches = self.program.branches.iter();
        let from_elsewhere = branches.filter(|branch| !self.contains(branch.at as usize));
        entries.extend(from_elsewhere.filter_map(|branch| branch.target()));
        entries.retain(|&at| self.contains(at));
        entries.sort_unstable();
        entries.dedup();
        entries
    }

    /// Before the instruction at a code index of the function.
    fn state(&self, at: usize) -> Option<&State> {
        self.states[at - self.first].as_ref()
    }

    /// What a register holds before the instruction at code index `at`.
    pub(super) fn before(&self, at: usize, register: Register) -> Option<Value> {
        let register = general(register)?;
        self.state(at).map(|state| state[register])
    }

    /// Where a jump to the code index `base` plus a multiple of `step` bytes may lead: (which multiple, code index), in rising order.
    ///
    /// Each place of a table of code starts an instruction, so it ends at the first step where none does, or with the function.
    /// It reaches back from the base only where code runs into the base, as into the end of an unrolled loop.
    pub(super) fn places(&self, base: usize, step: u32) -> Vec<(i64, usize)> {
        let Some(ip) = self.program.insns.get(base).map(|i| i.ip()) else {
            return Vec::new();
        };
        let at = |k: i64| {
            let address = ip.checked_add_signed(k * i64::from(step))?;
            let inside = (self.start..self.end).contains(&address);
            let at = self.program.at(address).filter(|_| inside)?;
            Some((k, at))
        };
        // Without a step there is one place.
        let most = if step == 0 { 0 } else { i64::MAX };
        let back = (1..=most).map_while(|k| at(-k));
        let mut places: Vec<_> = back.take_while(|place| self.runs(place.1..base)).collect();
        places.reverse();
        places.extend((0..=most).map_while(at));
        places
    }

    /// Whether code runs through all of these into what follows.
    fn runs(&self, mut code: Range<usize>) -> bool {
        code.all(|at| self.program.falls_through(at))
    }

    /// Where control goes from the instruction at `at`, and with what.
    fn step(&mut self, at: usize, before: State) -> Vec<(usize, State)> {
        let insn = &self.program.insns[at];
        let mut ways = Vec::new();
        let after = match insn.kind {
            Kind::Call | Kind::IndirectCall => {
                let mut after = before;
                for register in (0..16).filter(|r| CALLER_SAVED & 1 << r != 0) {
                    after[register] = match after[register] {
                        Number(_) => ANY,
                        // Assembly may know that its callee keeps it.
                        _ => Mixed,
                    };
                }
                after
            }
            Kind::IndirectJump => {
                if let Some((base, step)) = self.computed(at, &before) {
                    let places = self.places(base, step);
                    ways.extend(places.into_iter().map(|place| (place.1, before)));
                }
                before
            }
            Kind::Jump | Kind::Branch | Kind::Padding | Kind::Return => before,
            _ => self.through(at, before),
        };
        let target = self.program.target(at);
        let target = target.and_then(|target| self.program.at(target));
        let jumps = !matches!(insn.kind, Kind::Call);
        ways.extend(target.filter(|_| jumps).map(|target| (target, after)));
        let comes_back = match insn.kind {
            Kind::Call => target.is_none_or(|t| self.returns.may_return(self.program, t)),
            Kind::IndirectCall => true,
            _ => self.program.falls_through(at),
        };
        if comes_back {
            ways.push((at + 1, after));
        }
        ways.retain(|way| self.contains(way.0));
        ways
    }

    /// The base and the step of the indirect jump at `at`, if it is a computed one.
    fn computed(&self, at: usize, before: &State) -> Option<(usize, u32)> {
        let insn = self.program.decoded(at);
        let register = match insn.op0_kind() {
            OpKind::Register => general(insn.op0_register())?,
            _ => return None,
        };
        match before[register] {
            Code(base, step) => Some((base, step)),
            _ => None,
        }
    }

    /// The code index in the field of the instruction at `at`, if that is a base.
    fn base_in(&self, at: usize) -> Option<(CodeField, usize)> {
        let known = self.refs.in_code.binary_search_by_key(&at, |r| r.0).ok()?;
        let (_, field, target) = self.refs.in_code[known];
        self.bases.contains(&target).then_some((field, target))
    }

    /// What it computes, if that is known: the register and its value. Whatever else it reads is not followed.
    fn result(&self, at: usize, insn: &Instruction, before: &State) -> Option<(usize, Value)> {
        let of = |register: Register| match register {
            Register::None => Some(Number(0)),
            register => general(register).map(|r| before[r]),
        };
        if insn.op_count() == 0 || insn.op0_kind() != OpKind::Register {
            return None;
        }
        let to = general(insn.op0_register())?;
        let held = self.base_in(at);
        let base = held.map(|held| Code(held.1, 0));
        let second = || match insn.op_count() {
            0 | 1 => None,
            _ => match insn.op1_kind() {
                OpKind::Register => of(insn.op1_register()),
                OpKind::Memory => None,
                _ => base.or(Some(Value::constant(insn.immediate(1)))),
            },
        };
        let same = insn.op_count() == 2
            && insn.op1_kind() == OpKind::Register
            && insn.op0_register() == insn.op1_register();
        let value = match insn.mnemonic() {
            Mnemonic::Mov => second()?,
            // The upper half is no part of an address, nor of a distance.
            Mnemonic::Movsxd => second()?,
            Mnemonic::Xor if same => Number(0),
            Mnemonic::Lea if insn.is_ip_rel_memory_operand() => base?,
            Mnemonic::Lea => {
                let index = of(insn.memory_index())?.times(insn.memory_index_scale());
                let distance = insn.memory_displacement64();
                let third = base.unwrap_or(Value::constant(distance));
                of(insn.memory_base())?.plus(index).plus(third)
            }
            Mnemonic::Add if same => before[to].times(2),
            Mnemonic::Add => before[to].plus(second()?),
            Mnemonic::Sub => before[to].minus(second()?),
            Mnemonic::Neg if !before[to].is_code() => before[to],
            Mnemonic::Shl if insn.op1_kind() == OpKind::Immediate8 => {
                before[to].times(1u32.checked_shl(insn.immediate8().into()).unwrap_or(0))
            }
            Mnemonic::Imul if insn.op_count() == 3 && insn.op1_kind() == OpKind::Register => {
                of(insn.op1_register())?.times((insn.immediate(2) as i32).unsigned_abs())
            }
            Mnemonic::And if !before[to].is_code() && insn.op1_kind() != OpKind::Memory => {
                // Bits that are clear in one are clear in both.
                let bit = |value| match value {
                    Number(step) => step & step.wrapping_neg(),
                    _ => 1,
                };
                let (a, b) = (bit(before[to]), bit(second()?));
                Number(if a == 0 || b == 0 { 0 } else { a.max(b) })
            }
            _ => return None,
        };
        Some((to, value))
    }

    /// The state behind an instruction that goes on to the next.
    fn through(&mut self, at: usize, before: State) -> State {
        let insn = self.program.decoded(at);
        let mut after = before;
        if let Some((to, value)) = self.result(at, &insn, &before) {
            after[to] = value;
            return after;
        }
        for used in self.factory.info(&insn).used_registers() {
            let writes = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
            if let Some(register) = number(used.register()).filter(|_| writes) {
                after[usize::from(register)] = ANY;
            }
        }
        after
    }

    /// The code index where one of the addresses goes somewhere that is not followed, if any does.
    pub(super) fn lost(&mut self) -> Option<usize> {
        (self.first..self.first + self.states.len()).find(|&at| self.loses(at))
    }

    fn loses(&mut self, at: usize) -> bool {
        let Some(&before) = self.state(at) else {
            // What nothing reaches still holds the address.
            return self.base_in(at).is_some();
        };
        let code = (0..16).filter(|&r| before[r].is_code());
        let code = code.fold(0u16, |mask, r| mask | 1 << r);
        let insn = &self.program.insns[at];
        // A target outside of the function: its start is a function's, all else knows more.
        let leaves = |target: u64| match self.input.function_index(target) {
            _ if (self.start..self.end).contains(&target) => 0,
            Some(function) if self.input.functions[function].0 == target => BETWEEN_FUNCTIONS,
            _ => u16::MAX,
        };
        let lost = match insn.kind {
            Kind::Padding => 0,
            Kind::Jump | Kind::Branch => self.program.target(at).map_or(0, leaves),
            Kind::Call if self.unwinds_here() => BETWEEN_FUNCTIONS,
            Kind::Call => BETWEEN_FUNCTIONS & CALLER_SAVED,
            Kind::Return => AT_RETURN,
            Kind::IndirectJump if self.computed(at, &before).is_some() => 0,
            Kind::IndirectJump | Kind::IndirectCall => u16::MAX,
            _ => {
                let decoded = self.program.decoded(at);
                let leaves = self.program.target(at).map_or(0, leaves);
                let falls = self.program.falls_through(at) && !self.contains(at + 1);
                match self.reads(at, &decoded, &before) {
                    None => return true,
                    Some(reads) => leaves | reads | if falls { u16::MAX } else { 0 },
                }
            }
        };
        code & lost != 0
    }

    /// The registers that it reads in a way that is not followed; `None` if it loses an address of its own.
    fn reads(&mut self, at: usize, insn: &Instruction, before: &State) -> Option<u16> {
        match self.result(at, insn, before) {
            Some((_, Mixed)) => None,
            Some(_) => Some(0),
            None if self.base_in(at).is_some() => None,
            None => {
                let used = self.factory.info(insn).used_registers().iter();
                let reads = used.filter(|used| used.access() != OpAccess::Write);
                let reads = reads.filter_map(|used| number(used.register()));
                Some(reads.fold(0, |mask, register| mask | 1 << register))
            }
        }
    }

    /// Whether a call may go on at a landing pad of the function.
    fn unwinds_here(&self) -> bool {
        let mut pads = self.refs.landing_pads.iter();
        pads.any(|&pad| self.contains(pad))
    }

    /// The computed jumps: (code index, base, step).
    pub(super) fn jumps(&self) -> Vec<(usize, usize, u32)> {
        let indices = self.first..self.first + self.states.len();
        let jumps = indices.filter(|&at| self.program.insns[at].kind == Kind::IndirectJump);
        let computed = |at| {
            let (base, step) = self.computed(at, self.state(at)?)?;
            Some((at, base, step))
        };
        jumps.filter_map(computed).collect()
    }

    /// Where the addresses come from: indices into [`Refs::in_code`].
    pub(super) fn sources(&self, base: usize) -> Vec<usize> {
        let refs = self.refs.in_code.iter().enumerate();
        let here = refs.filter(|(_, r)| r.2 == base && self.contains(r.0));
        here.map(|source| source.0).collect()
    }
}

/// The number of a general register of 32 or 64 bits.
fn general(register: Register) -> Option<usize> {
    let wide = register.is_gpr32() || register.is_gpr64();
    number(register).filter(|_| wide).map(usize::from)
}
