//! Whether flags are live where a call, a masked return or another sequence would change them.

use iced_x86::{FlowControl, Mnemonic};

use crate::decode::{self, Kind, Program};
use crate::effect::flags_at;
use crate::parts::FLAGS;

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
pub(crate) fn flags_live(program: &Program<'_>, at: usize, asked: Flags) -> bool {
    let unsure = asked == Flags::Keep;
    let (mut at, mut live) = (at, FLAGS);
    for _ in 0..64 {
        let Some(known) = program.insns.get(at) else {
            return false;
        };
        match (known.flags, known.kind) {
            (decode::Flags::Sets, _) => return false,
            (_, Kind::Call | Kind::IndirectCall | Kind::Return) => return false,
            // ud2, which ends many a block behind a call.
            (_, Kind::Flow) if program.bytes(at) == [0x0F, 0x0B] => return false,
            (decode::Flags::Keeps, Kind::Jump) | (decode::Flags::Asks, _) => {}
            (decode::Flags::Keeps, _) => {
                at += 1;
                continue;
            }
        }
        let (reads, writes) = flags_at(program, at);
        if asked == Flags::Result
            && known.kind == Kind::Other
            && program.decoded(at).mnemonic() == Mnemonic::Pushfq
        {
            return false;
        }
        if reads & live != 0 {
            return true;
        }
        live &= !writes;
        if live == 0 {
            return false;
        }
        match known.kind {
            Kind::Jump => match program.target(at).and_then(|target| program.at(target)) {
                Some(target) => at = target,
                None => return false,
            },
            Kind::Branch | Kind::IndirectJump => return unsure,
            Kind::Flow => match program.decoded(at) {
                // Functions neither take nor give flags (those that do are refused where their caller reads them), and
                // syscall itself keeps them.
                insn if insn.mnemonic() == Mnemonic::Syscall => at += 1,
                insn => match insn.flow_control() {
                    FlowControl::Next => at += 1,
                    FlowControl::UnconditionalBranch => {
                        match program.at(insn.near_branch_target()) {
                            Some(target) => at = target,
                            None => return false,
                        }
                    }
                    FlowControl::Call | FlowControl::IndirectCall | FlowControl::Return => {
                        return false;
                    }
                    FlowControl::Exception => return false,
                    // int3: a debugger, or the program's handler, goes on behind it.
                    FlowControl::Interrupt => at += 1,
                    _ => return unsure,
                },
            },
            _ => at += 1,
        }
    }
    unsure
}

/// Which functions may come back to their callers.
pub(crate) struct Returns {
    /// By the code index of the entry: 0 is not known, 1 no, 2 yes. (Zeros take no memory until they are written.)
    known: Vec<u8>,
    /// By code index: the last search that has begun a straight run there.
    seen: Vec<u32>,
    searches: u32,
}

/// Instructions that are looked at for one answer; where they do not suffice, it is yes.
const MOST_INSTRUCTIONS: usize = 5_000;

impl Returns {
    pub(crate) fn new(program: &Program<'_>) -> Self {
        Returns {
            known: vec![0; program.insns.len() + 1],
            seen: vec![0; program.insns.len() + 1],
            searches: 0,
        }
    }

    /// Whether the function at code index `entry` may come back.
    pub(crate) fn may_return(&mut self, program: &Program<'_>, entry: usize) -> bool {
        self.within(program, entry, &mut MOST_INSTRUCTIONS.clone())
    }

    fn within(&mut self, program: &Program<'_>, entry: usize, budget: &mut usize) -> bool {
        if self.known[entry] > 0 {
            return self.known[entry] == 2;
        }
        let answer = self.find(program, entry, budget);
        self.known[entry] = 1 + u8::from(answer);
        answer
    }

    fn find(&mut self, program: &Program<'_>, entry: usize, budget: &mut usize) -> bool {
        self.searches += 1;
        let search = self.searches;
        let mut work = vec![entry];
        while let Some(mut at) = work.pop() {
            // Each straight run is looked at once, from its first instruction; runs may overlap, and be looked at again after a
            // callee's: the budget bounds that.
            if std::mem::replace(&mut self.seen[at], search) == search {
                continue;
            }
            while let Some(insn) = program.insns.get(at) {
                if *budget == 0 {
                    return true;
                }
                *budget -= 1;
                let target = || program.at(program.target(at)?);
                match insn.kind {
                    Kind::Return | Kind::IndirectJump => return true,
                    Kind::Jump => match target() {
                        Some(target) => {
                            work.push(target);
                            break;
                        }
                        None => return true,
                    },
                    Kind::Branch => match target() {
                        Some(target) => work.push(target),
                        None => return true,
                    },
                    Kind::Call => match target() {
                        Some(callee) if callee != entry && self.within(program, callee, budget) => {
                        }
                        None => {}
                        // It comes back only where this one does, or never.
                        Some(_) => break,
                    },
                    Kind::Flow => {
                        let decoded = program.decoded(at);
                        match decoded.flow_control() {
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
                            FlowControl::Call if decoded.is_call_near() => match target() {
                                Some(callee)
                                    if callee != entry && self.within(program, callee, budget) => {}
                                None => {}
                                Some(_) => break,
                            },
                            FlowControl::Exception => break,
                            _ => {}
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        false
    }
}
