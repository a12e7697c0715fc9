//! Whether flags are live where a call, a masked return or another sequence would change them.

use std::collections::{HashMap, HashSet};

use iced_x86::{FlowControl, Mnemonic, RflagsBits};

use crate::decode::Program;

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

/// Which functions may come back to their callers.
#[derive(Default)]
pub(crate) struct Returns {
    /// By the code index of the entry.
    known: HashMap<usize, bool>,
}

/// Instructions that are looked at for one answer; where they do not suffice, it is yes.
const MOST_INSTRUCTIONS: usize = 5_000;

impl Returns {
    /// Whether the function at code index `entry` may come back.
    pub(crate) fn may_return(&mut self, program: &Program, entry: usize) -> bool {
        self.within(program, entry, &mut MOST_INSTRUCTIONS.clone())
    }

    fn within(&mut self, program: &Program, entry: usize, budget: &mut usize) -> bool {
        if let Some(&known) = self.known.get(&entry) {
            return known;
        }
        let answer = self.find(program, entry, budget);
        self.known.insert(entry, answer);
        answer
    }

    fn find(&mut self, program: &Program, entry: usize, budget: &mut usize) -> bool {
        let mut seen = HashSet::new();
        let mut work = vec![entry];
        while let Some(mut at) = work.pop() {
            // Each straight run is looked at once, from its first instruction; runs may overlap, which the budget bounds.
            if !seen.insert(at) {
                continue;
            }
            while let Some(insn) = program.insns.get(at).map(|i| &i.decoded) {
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
                        Some(callee) if callee != entry && self.within(program, callee, budget) => {
                        }
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
}
