//! Which registers are dead where a scratch register is needed, and whether flags are.
//!
//! Registers are a mask of 16 bits, bit n = register n of the encoding. Inside, two such halves tell a register's low 16 bits
//! from the rest, because compilers write those alone. Everything here errs towards "live".

use std::collections::{HashMap, HashSet};

use iced_x86::{FlowControl, InstructionInfoFactory, Mnemonic, OpAccess, Register, RflagsBits};

use crate::decode::Program;
use crate::input::Input;
use crate::refs::Refs;

/// What a System V function may expect in registers at its entry: arguments, al, the static chain, all that it must preserve.
const AT_ENTRY: u16 = mask(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15]);
/// What a call reads, and a tail call on the way to it. al and the static chain are set right before the call, in the same
/// block, so no jump's target gets them from before the jump.
const AT_CALL: u16 = mask(&[1, 2, 6, 7, 8, 9]);
/// What a function must preserve.
const PRESERVED: u16 = mask(&[3, 4, 5, 12, 13, 14, 15]);
/// What a caller may look at after a return: the two results and all that is preserved.
const AT_RETURN: u16 = mask(&[0, 2, 3, 4, 5, 12, 13, 14, 15]);
/// Instructions that one question may visit.
const MOST: usize = 200_000;
/// Functions that may lie between a jump and those who may rely on its function's registers.
const MOST_CALLERS: usize = 200;

const fn mask(registers: &[u8]) -> u16 {
    let (mut mask, mut i) = (0, 0);
    while i < registers.len() {
        mask |= 1 << registers[i];
        i += 1;
    }
    mask
}

/// The arithmetic flags: the direction flag is no result of arithmetic.
const ARITHMETIC: u32 = RflagsBits::CF
    | RflagsBits::PF
    | RflagsBits::AF
    | RflagsBits::ZF
    | RflagsBits::SF
    | RflagsBits::OF;

/// Why somebody asks for flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    /// They are to be kept: the answer errs towards "live".
    Keep,
    /// A callee cannot give a result in them: the answer errs towards "dead", and `pushfq`, which saves them whatever they
    /// are, is no reader.
    Result,
}

/// Whether some arithmetic flag that holds before code index `at` is read later.
pub(crate) fn flags_live(program: &Program, at: usize, asked: Flags) -> bool {
    let unsure = asked == Flags::Keep;
    let (mut at, mut live) = (at, ARITHMETIC);
    for _ in 0..64 {
        let Some(insn) = program.insns.get(at).map(|i| &i.decoded) else {
            return false;
        };
        if asked == Flags::Result && insn.mnemonic() == Mnemonic::Pushfq {
            return false;
        }
        // syscall reads them only to hand them back.
        if insn.rflags_read() & live != 0 && insn.mnemonic() != Mnemonic::Syscall {
            return true;
        }
        if insn.mnemonic() != Mnemonic::Syscall {
            live &= !insn.rflags_modified();
        }
        if live == 0 {
            return false;
        }
        match insn.flow_control() {
            FlowControl::Next => at += 1,
            FlowControl::UnconditionalBranch => match program.at(insn.near_branch_target()) {
                Some(target) => at = target,
                None => return false,
            },
            // Functions neither take nor give flags (those that do are refused where their caller reads them), and
            // syscall itself keeps them.
            FlowControl::Call if insn.mnemonic() == Mnemonic::Syscall => at += 1,
            FlowControl::Call | FlowControl::IndirectCall | FlowControl::Return => return false,
            FlowControl::Exception | FlowControl::Interrupt => return false,
            _ => return unsure,
        }
    }
    unsure
}

/// Whether the function at code index `entry` may come back to its caller; `budget` bounds the instructions looked at, and
/// where it ends the answer is yes.
pub(crate) fn may_return(program: &Program, entry: usize, budget: &mut usize) -> bool {
    let mut seen = HashSet::new();
    let mut work = vec![entry];
    while let Some(mut at) = work.pop() {
        while let Some(insn) = program.insns.get(at).map(|i| &i.decoded) {
            if !seen.insert(at) {
                break;
            }
            if *budget == 0 {
                return true;
            }
            *budget -= 1;
            let target = || program.at(insn.near_branch_target());
            match insn.flow_control() {
                FlowControl::Return | FlowControl::IndirectBranch => return true,
                FlowControl::UnconditionalBranch => match target() {
                    Some(target) => {
                        work.push(target);
                        break;
                    }
                    None => return true,
                },
                FlowControl::ConditionalBranch => match target() {
                    Some(target) => work.push(target),
                    None => return true,
                },
                FlowControl::Call if insn.is_call_near() => match target() {
                    Some(callee) if callee != entry && may_return(program, callee, budget) => {}
                    None => {}
                    // It comes back only where this one does, or never.
                    Some(_) => break,
                },
                FlowControl::Exception | FlowControl::Interrupt => break,
                _ => {}
            }
            at += 1;
        }
    }
    false
}

/// Both halves of registers: their low 16 bits, and above.
const fn whole(registers: u16) -> u32 {
    registers as u32 | (registers as u32) << 16
}

/// Registers of which some bits are in the mask.
fn some(halves: u32) -> u16 {
    (halves | halves >> 16) as u16
}

/// Uses and definitions of one instruction, in halves: (read, fully written).
fn effect(factory: &mut InstructionInfoFactory, insn: &iced_x86::Instruction) -> (u32, u32) {
    let (mut uses, mut defs) = (0, 0);
    for used in factory.info(insn).used_registers() {
        let register = used.register();
        if !register.is_gpr() {
            continue;
        }
        let bit = 1u16 << (register.full_register() as usize - Register::RAX as usize);
        let read = if register.size() <= 2 {
            u32::from(bit)
        } else {
            whole(bit)
        };
        // Writes of a byte leave the other one, writes of 32 bits clear the upper ones.
        let written = match register.size() {
            1 => 0,
            2 => u32::from(bit),
            _ => whole(bit),
        };
        match used.access() {
            OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite => {
                uses |= read
            }
            OpAccess::Write => defs |= written,
            // Perhaps no write: the old value stays.
            OpAccess::CondWrite => uses |= read,
            _ => {}
        }
    }
    (uses, defs)
}

/// A jump through an indexed table of 8-byte entries: a switch or a computed goto.
fn is_goto(insn: &iced_x86::Instruction) -> bool {
    insn.memory_index() != Register::None && insn.memory_index_scale() == 8
}

/// Live registers in the functions that were asked about.
pub(crate) struct Liveness<'p> {
    input: &'p Input<'p>,
    program: &'p Program,
    refs: &'p Refs,
    factory: InstructionInfoFactory,
    /// By function start: see [`Self::function`].
    functions: HashMap<u64, (Option<u16>, u16)>,
    /// By function start: the code indices of direct calls of it and jumps to it. Made when it is first needed.
    callers: Option<HashMap<u64, Vec<usize>>>,
}

impl<'p> Liveness<'p> {
    pub(crate) fn new(input: &'p Input<'p>, program: &'p Program, refs: &'p Refs) -> Self {
        Liveness {
            input,
            program,
            refs,
            factory: InstructionInfoFactory::new(),
            functions: HashMap::new(),
            callers: None,
        }
    }

    /// For the indirect jump at code index `at`: (registers that may be live at its targets, registers that it may clobber
    /// for its function's callers). `table` holds the targets where the jump table is known.
    pub(crate) fn at_jump(&mut self, at: usize, table: &[usize]) -> (u16, u16) {
        let insn = &self.program.insns[at].decoded;
        let Some((start, end)) = self.input.function_at(insn.ip()) else {
            return (u16::MAX, 0);
        };
        let (live_at_labels, written) = self.function(start, end);
        let live = match live_at_labels {
            _ if !table.is_empty() => self.live_at(table, start, end),
            Some(live) if is_goto(insn) => live,
            // A computed goto or a tail call.
            Some(live) => live | AT_ENTRY,
            None => AT_ENTRY,
        };
        // What a tail call reaches may clobber all that the ABI says.
        (
            live,
            if live & AT_ENTRY == AT_ENTRY {
                u16::MAX
            } else {
                written
            },
        )
    }

    /// Whether the function at `start` may clobber a caller-saved register that it does not write so far. A caller in the
    /// same object may rely on that (-fipa-ra), and so may its callers in turn: none of them has the register live
    /// across the call.
    pub(crate) fn may_clobber(&mut self, start: u64, register: u8) -> bool {
        let bit = 1u16 << register;
        let (mut seen, mut work) = (HashSet::from([start]), vec![start]);
        while let Some(function) = work.pop() {
            for site in self.callers_of(function) {
                let insn = &self.program.insns[site].decoded;
                let Some((start, end)) = self.input.function_at(insn.ip()) else {
                    return false;
                };
                let call = insn.flow_control() == FlowControl::Call;
                if call && self.live_at(&[site + 1], start, end) & bit != 0 {
                    return false;
                }
                let known = self.function(start, end).1 & bit != 0;
                if !known && seen.insert(start) {
                    work.push(start);
                }
                if seen.len() > MOST_CALLERS {
                    return false;
                }
            }
        }
        true
    }

    fn callers_of(&mut self, start: u64) -> Vec<usize> {
        let program = self.program;
        let callers = self.callers.get_or_insert_with(|| {
            let mut callers: HashMap<u64, Vec<usize>> = HashMap::new();
            for (at, insn) in program.insns.iter().enumerate() {
                use FlowControl::{Call, ConditionalBranch, UnconditionalBranch};
                let flow = insn.decoded.flow_control();
                if matches!(flow, Call | ConditionalBranch | UnconditionalBranch) {
                    let target = insn.decoded.near_branch_target();
                    callers.entry(target).or_default().push(at);
                }
            }
            callers
        });
        callers.get(&start).cloned().unwrap_or_default()
    }

    /// The code indices in a function whose address is taken, other than its entry: what a computed goto may reach.
    fn labels(&self, start: u64, end: u64) -> Vec<usize> {
        let first = self
            .program
            .insns
            .partition_point(|i| i.decoded.ip() <= start);
        let last = self.program.insns.partition_point(|i| i.decoded.ip() < end);
        (first..last).filter(|&i| self.refs.taken[i]).collect()
    }

    /// What is live at a function's labels (`None` if it has none), and the registers that it writes.
    fn function(&mut self, start: u64, end: u64) -> (Option<u16>, u16) {
        if let Some(&known) = self.functions.get(&start) {
            return known;
        }
        let first = self
            .program
            .insns
            .partition_point(|i| i.decoded.ip() < start);
        let last = self.program.insns.partition_point(|i| i.decoded.ip() < end);
        let written = self.program.insns[first..last].iter().fold(0, |mask, i| {
            mask | some(effect(&mut self.factory, &i.decoded).1)
        });
        let labels = self.labels(start, end);
        let live = (!labels.is_empty()).then(|| self.live_at(&labels, start, end));
        self.functions.insert(start, (live, written));
        (live, written)
    }

    /// The union of what is live at `targets`, by a backward fixpoint over all that they reach.
    fn live_at(&mut self, targets: &[usize], start: u64, end: u64) -> u16 {
        let inside = self.labels(start, end);
        // Reach: every instruction that can run after a target, without going into calls.
        let mut order = Vec::new();
        let mut slot = HashMap::new();
        let is_entry = |at: &usize| {
            let ip = self.program.insns.get(*at).map_or(0, |i| i.decoded.ip());
            self.input
                .function_at(ip)
                .is_some_and(|(start, _)| start == ip)
        };
        let entered = if targets.iter().any(is_entry) {
            AT_CALL | PRESERVED
        } else {
            0
        };
        let mut work: Vec<usize> = targets.iter().copied().filter(|at| !is_entry(at)).collect();
        while let Some(mut at) = work.pop() {
            while let Some(insn) = self.program.insns.get(at).map(|i| &i.decoded) {
                if slot.contains_key(&at) {
                    break;
                }
                if order.len() >= MOST {
                    return u16::MAX;
                }
                slot.insert(at, order.len());
                order.push(at);
                match insn.flow_control() {
                    FlowControl::UnconditionalBranch => {
                        work.extend(self.stays(insn.near_branch_target()));
                        break;
                    }
                    FlowControl::ConditionalBranch => {
                        work.extend(self.stays(insn.near_branch_target()))
                    }
                    FlowControl::IndirectBranch => {
                        work.extend(&inside);
                        break;
                    }
                    FlowControl::Return | FlowControl::Exception | FlowControl::Interrupt => break,
                    _ => {}
                }
                at += 1;
            }
        }
        let effects: Vec<(u32, u32)> = order
            .iter()
            .map(|&at| effect(&mut self.factory, &self.program.insns[at].decoded))
            .collect();
        let mut live = vec![0u32; order.len()];
        let mut at_labels = 0u32;
        loop {
            let mut changed = false;
            for i in (0..order.len()).rev() {
                let at = order[i];
                let insn = &self.program.insns[at].decoded;
                let known = |at: usize| slot.get(&at).map(|&s| live[s]);
                let next = known(at + 1).unwrap_or(whole(AT_CALL | PRESERVED));
                let branch = || match self.stays(insn.near_branch_target()).and_then(known) {
                    Some(mask) => mask,
                    None => whole(AT_CALL | PRESERVED),
                };
                let after = match insn.flow_control() {
                    FlowControl::UnconditionalBranch => branch(),
                    FlowControl::ConditionalBranch => branch() | next,
                    FlowControl::IndirectBranch if is_goto(insn) && !inside.is_empty() => at_labels,
                    FlowControl::IndirectBranch => at_labels | whole(AT_CALL | PRESERVED),
                    FlowControl::Return => whole(AT_RETURN),
                    FlowControl::Exception | FlowControl::Interrupt => 0,
                    // A callee may keep what the ABI lets it clobber (-fipa-ra): so a call ends no life.
                    FlowControl::Call | FlowControl::IndirectCall => next | whole(AT_CALL),
                    _ => next,
                };
                let (uses, mut defs) = effects[i];
                if matches!(
                    insn.flow_control(),
                    FlowControl::Call | FlowControl::IndirectCall
                ) {
                    defs = 0;
                }
                let before = uses | (after & !defs);
                if live[i] != before {
                    live[i] = before;
                    changed = true;
                }
            }
            let labels = inside
                .iter()
                .filter_map(|at| slot.get(at))
                .fold(0, |mask, &s| mask | live[s]);
            if labels != at_labels {
                at_labels = labels;
                changed = true;
            }
            if !changed {
                break;
            }
        }
        targets
            .iter()
            .filter_map(|at| slot.get(at))
            .fold(entered, |mask, &s| mask | some(live[s]))
    }

    /// The code index that a direct branch stays in the function (or its cold part) by; `None` for a tail call.
    fn stays(&self, target: u64) -> Option<usize> {
        let index = self.program.at(target)?;
        let entry = self
            .input
            .function_at(target)
            .is_some_and(|(start, _)| start == target);
        let cold = || self.input.describe(target).contains(".cold");
        (!entry || cold()).then_some(index)
    }
}
