//! Turns each instruction into operations that keep the validator's contract, bytes kept wherever they can be.

mod bits;
mod computed;
mod control;
mod double_shift;
mod general;
mod keep;
mod level;
mod plan;
mod raw;
mod shorter;
mod spin;
mod system;
mod tls;
mod verbatim;

use std::collections::HashMap;
use std::ops::Range;

use iced_x86::{
    Code, Encoder, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
};

use crate::Stats;
use crate::code::{self, ALIGNED, Fix, Gpr, Op, Target};
use crate::decode::{Branch, Kind, Program};
use crate::error::Refusal;
use crate::flags::Returns;
use crate::input::Input;
use crate::parts::number;
use crate::refs::{CodeField, Refs};
pub(crate) use plan::{Plan, plan};
use raw::Raw;
use verbatim::{Ordinary, quick};

/// A run of rewritten code without addresses.
#[derive(Default)]
pub(crate) struct Lowered {
    pub ops: Vec<Op>,
    /// The code indices of the run.
    pub codes: Range<usize>,
    /// For each of them, its first operation.
    pub first: Vec<u32>,
    /// Labels' operations that data lead to instead of their first: (code index, operation).
    pub entries: Vec<(usize, u32)>,
    /// The operations that tables of jumps count from.
    pub tables: Vec<u32>,
}

const INT3: u8 = 0xCC;
/// Operations that an instruction with a jump over some of them becomes, at most.
const MOST_OPS: usize = 8;

/// What is wrong and what to do, where an instruction cannot be lowered.
pub(crate) struct Unsafe {
    reason: String,
    way_out: &'static str,
}

pub(crate) type Outcome = Result<(), Unsafe>;

/// A refusal's two sentences.
fn cannot<T>(reason: impl Into<String>, way_out: &'static str) -> Result<T, Unsafe> {
    Err(Unsafe {
        reason: reason.into(),
        way_out,
    })
}

/// Lowers runs of a program.
pub(crate) struct Lowerer<'p> {
    input: &'p Input<'p>,
    program: &'p Program<'p>,
    refs: &'p Refs,
    plan: &'p Plan,
    level: u32,
    /// Made when it is first asked.
    returns: Option<Returns>,
    /// The code indices of libzrt's helpers that were asked for; `None`: it is not linked in.
    helpers: HashMap<&'static str, Option<usize>>,
    ordinary: Ordinary,
    encoder: Encoder,
    factory: InstructionInfoFactory,
    /// Of the run.
    ops: Vec<Op>,
    /// Those that come next.
    branches: &'p [Branch],
    /// What lowering counts.
    pub stats: Stats,
    /// What cannot be lowered, by code index.
    pub refused: Vec<(usize, Unsafe)>,
}

impl<'p> Lowerer<'p> {
    pub(crate) fn new(
        input: &'p Input<'p>,
        program: &'p Program<'p>,
        refs: &'p Refs,
        plan: &'p Plan,
        level: u32,
    ) -> Self {
        Lowerer {
            input,
            program,
            refs,
            plan,
            level,
            returns: None,
            helpers: HashMap::new(),
            ordinary: Ordinary::new(),
            encoder: Encoder::new(64),
            factory: InstructionInfoFactory::new(),
            ops: Vec::new(),
            branches: &[],
            stats: Stats::default(),
            refused: Vec::new(),
        }
    }

    /// Lowers the run of `codes` into `run`, whose memory is used again. The last one, which ends with text, has the tables.
    pub(crate) fn run(&mut self, codes: Range<usize>, run: &mut Lowered) {
        let (program, refs, plan) = (self.program, self.refs, self.plan);
        self.ops = std::mem::take(&mut run.ops);
        self.ops.clear();
        run.first.clear();
        run.entries.clear();
        self.branches = program.branches_in(codes.clone());
        let field = refs.in_code.partition_point(|r| r.0 < codes.start);
        let mut fields = &refs.in_code[field..];
        let mut labels = plan.labels.range(codes.clone()).map(|label| *label.0);
        let mut label = labels.next();
        let mut quickly = 0;
        for index in codes.clone() {
            if label == Some(index) {
                label = labels.next();
                let entry = self.restore_kept(index);
                run.entries.extend(entry.map(|entry| (index, entry)));
            }
            run.first.push(self.ops.len() as u32);
            let mut field = None;
            if let [(at, form, target), rest @ ..] = fields
                && *at == index
            {
                (field, fields) = (Some((*form, *target)), rest);
            } else if program.insns[index].kind.is_quick() {
                self.ops.push(quick(program, index));
                quickly += 1;
                continue;
            }
            if let Err(refused) = self.one(index, field) {
                self.refused.push((index, refused));
            }
        }
        self.stats.instructions += quickly;
        let (code, last) = (self.ops.len(), codes.end == program.insns.len());
        let to_end = |op: &Op| op.target == Target::Op(code as u32);
        if !last && self.ops.iter().rev().take(MOST_OPS).any(to_end) {
            // A short jump over the last of a run that runs on into the next one.
            self.push(&[0x90]);
        }
        if last {
            // The end of text may be pointed to as well: it gets an operation of its own.
            run.first.push(code as u32);
            self.ops.push(Op::plain(&[0xF4]));
            let code = self.ops.len();
            run.tables = self.jump_tables();
            for op in &mut self.ops[code..] {
                op.kind |= ALIGNED;
            }
        }
        for (&first, &aligned) in run.first.iter().zip(&plan.aligned[codes.start..]) {
            if aligned && let Some(op) = self.ops.get_mut(first as usize) {
                op.kind |= ALIGNED;
            }
        }
        for &(_, entry) in &run.entries {
            self.ops[entry as usize].kind |= ALIGNED;
        }
        run.codes = codes;
        run.ops = std::mem::take(&mut self.ops);
    }

    /// What is said of the instruction at a code index that cannot be lowered.
    pub(crate) fn refusal(
        input: &Input<'_>,
        program: &Program<'_>,
        index: usize,
        refused: &Unsafe,
    ) -> Refusal {
        let insn = &program.decoded(index);
        input.refusal(insn.ip(), insn.len(), &refused.reason, refused.way_out)
    }

    /// Lowers one instruction, if it is of no quick kind; `field` is the code address that it holds.
    fn one(&mut self, index: usize, field: Option<(CodeField, usize)>) -> Outcome {
        let program = self.program;
        let known = &program.insns[index];
        match known.kind {
            Kind::Padding => {
                self.stats.padding_in += u64::from(known.len);
                return Ok(());
            }
            Kind::Jump | Kind::Branch | Kind::Call => {
                self.stats.instructions += 1;
                return self.direct(index);
            }
            Kind::Return => {
                self.stats.instructions += 1;
                self.ops.extend(code::masked_return());
                return Ok(());
            }
            _ => {}
        }
        match *program.bytes(index) {
            [INT3] if self.is_filler(index) => {
                self.stats.padding_in += 1;
                return Ok(());
            }
            [INT3] | [0x0F, 0x0B] => {
                self.stats.instructions += 1;
                self.push(program.bytes(index));
                return Ok(());
            }
            _ => {}
        }
        let insn = &program.decoded(index);
        self.stats.instructions += 1;
        if known.kind == Kind::Other && field.is_none() && self.verbatim(known, insn) {
            return Ok(());
        }
        if let Some(done) = self.system(index) {
            return done;
        }
        match insn.flow_control() {
            FlowControl::Next => {}
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                return self.branch(index);
            }
            FlowControl::Call if insn.is_call_near() => return self.call(index),
            FlowControl::IndirectCall if insn.is_call_near_indirect() => {
                return self.indirect_call(index);
            }
            FlowControl::IndirectBranch if insn.is_jmp_near_indirect() => {
                return self.indirect_jump(index);
            }
            FlowControl::Return => return self.ret(index),
            FlowControl::Exception => {
                self.ops.push(Op::plain(&[0x0F, 0x0B]));
                return Ok(());
            }
            _ => {
                return cannot(
                    format!("{:?} can leave the sandbox", insn.mnemonic()),
                    "remove it: a sandboxed program has system calls (syscall) and nothing else",
                );
            }
        }
        if (0..insn.op_count()).any(|op| {
            insn.op_kind(op) == OpKind::Register && insn.op_register(op).is_segment_register()
        }) {
            return cannot(
                "a segment register is read or written",
                "remove it: segments belong to the sandbox",
            );
        }
        if level::of(insn) > self.level {
            return self.above_level(insn);
        }
        if insn.mnemonic() == Mnemonic::Lea
            && insn.op0_register() == Register::RSP
            && field.is_some()
        {
            return cannot("a code address becomes the stack pointer", "remove it");
        }
        if let Some(done) = self.bit_test(insn) {
            return done;
        }
        if let Some(done) = self.double_shift(index) {
            return done;
        }
        if insn.segment_prefix() == Register::FS && insn.mnemonic() != Mnemonic::Lea {
            return self.thread_local(index);
        }
        self.general(index, field)
    }

    /// Linkers fill gaps between functions with int3.
    fn is_filler(&self, index: usize) -> bool {
        !self.refs.taken[index] && (self.input.function_at(self.program.address(index))).is_none()
    }

    fn above_level(&mut self, insn: &Instruction) -> Outcome {
        // tzcnt is bsf with a prefix that older CPUs ignore: gcc emits it where both give the same.
        if insn.mnemonic() == Mnemonic::Tzcnt {
            let mut raw = Raw::parse(self.input.bytes(insn));
            raw.rep = None;
            return self.emit_raw(raw, insn, None);
        }
        // libzrt's own code asks for the image's level by itself: it is nothing to warn of.
        if !self.input.describe(insn.ip()).starts_with("__zrt_") {
            self.stats.above_level += 1;
        }
        self.ops.push(Op::plain(&[0x0F, 0x0B]));
        Ok(())
    }

    /// Encodes a new instruction that iced built and appends it, confined like any other.
    fn emit(&mut self, insn: &Instruction) -> Outcome {
        let bytes = self.encoded(insn)?;
        let ip = self.input.entry;
        let mut decoder =
            iced_x86::Decoder::with_ip(64, &bytes, ip, iced_x86::DecoderOptions::NONE);
        let decoded = decoder.decode();
        let offsets = decoder.get_constant_offsets(&decoded);
        self.confined(&bytes, &decoded, offsets.displacement_offset(), None)
    }

    /// The bytes of an instruction that iced built, as if it stood at the entry.
    fn encoded(&mut self, insn: &Instruction) -> Result<Vec<u8>, Unsafe> {
        self.encoder
            .encode(insn, self.input.entry)
            .map_err(|e| Unsafe {
                reason: format!("no equivalent can be encoded ({e})"),
                way_out: "report this instruction as a bug of the rewriter",
            })?;
        Ok(self.encoder.take_buffer())
    }

    /// `load` of the instruction's memory operand into a 32-bit register: code addresses are below 2 GiB.
    fn load_target(&mut self, insn: &Instruction, register: Gpr) -> Outcome {
        let mut load = *insn;
        load.set_code(Code::Mov_r32_rm32);
        load.set_op1_kind(OpKind::Memory);
        load.set_op0_kind(OpKind::Register);
        load.set_op0_register(gpr32(register));
        if insn.segment_prefix() == Register::FS {
            if insn.memory_base() != Register::None || insn.memory_index() != Register::None {
                return cannot(
                    "a jump through an indexed thread-local variable",
                    "load it into a register first",
                );
            }
            if (insn.memory_displacement64() as i64) < -(8 << 20) {
                return cannot(
                    "a jump through a thread-local variable that is more than 8 MiB away",
                    "load it into a register first",
                );
            }
            load.set_segment_prefix(Register::GS);
        } else {
            load.set_segment_prefix(Register::None);
        }
        self.emit(&load)
    }

    fn push(&mut self, bytes: &[u8]) {
        self.ops.push(Op::plain(bytes));
    }

    /// `lea -128(%rsp), %esp`: past the red zone, without touching flags.
    fn leave_red_zone(&mut self) {
        self.stats.spills += 1;
        self.push(&[0x8D, 0x64, 0x24, 0x80]);
    }

    /// `lea 128(%rsp), %esp`.
    fn enter_red_zone(&mut self) {
        self.push(&[0x8D, 0xA4, 0x24, 0x80, 0, 0, 0]);
    }
}

/// The 32-bit register with this number.
fn gpr32(register: Gpr) -> Register {
    Register::try_from(Register::EAX as usize + usize::from(register)).unwrap_or(Register::EAX)
}

/// A field of an operation that was at `offset` in the input, after the body moved by `shift`.
fn moved(op: Op, fix: Fix, offset: usize, shift: isize, target: Target) -> Op {
    op.fixed(fix, offset.wrapping_add_signed(shift), target)
}
