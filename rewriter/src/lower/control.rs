//! Branches, calls and returns: rules C2 to C5.

use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};
use zvm_abi::layout;

use super::{Lowerer, Outcome, Unsafe, cannot, number};
use crate::code::{self, Fix, Gpr, Op, R11, RAX, RSP, Target};
use crate::decode::{Branch, Kind};
use crate::flags::{Flags, Returns, flags_live};
use crate::input::Input;
use crate::parts::whole;

/// The code that a branch through a GOT slot means: the slots of a static program never change, but for ifuncs' ones.
pub(super) fn got_target(input: &Input<'_>, insn: &Instruction) -> Option<u64> {
    let slot = input.got_slot(fixed_address(insn)?)?;
    input.in_text(slot).then_some(slot)
}

/// Whether it jumps to what an ifunc's resolver has chosen, as a PLT entry does.
pub(super) fn enters_ifunc(input: &Input<'_>, insn: &Instruction) -> bool {
    let slots = &input.start_relocs;
    fixed_address(insn)
        .is_some_and(|address| slots.binary_search_by_key(&address, |r| r.slot).is_ok())
}

/// The address of a memory operand that no register but rip changes.
fn fixed_address(insn: &Instruction) -> Option<u64> {
    let plain = insn.op0_kind() == OpKind::Memory
        && insn.segment_prefix() == Register::None
        && insn.memory_index() == Register::None;
    match insn.memory_base() {
        Register::RIP if plain => Some(insn.ip_rel_memory_address()),
        Register::None if plain => Some(insn.memory_displacement64()),
        _ => None,
    }
}

impl Lowerer<'_> {
    /// The target of a direct branch; `None` for a weak undefined symbol, which can never be reached.
    fn direct_target(&self, insn: &Instruction) -> Result<Option<Target>, Unsafe> {
        self.target_at(insn.ip(), insn.near_branch_target())
    }

    fn target_at(&self, ip: u64, address: u64) -> Result<Option<Target>, Unsafe> {
        if let Some(index) = self.program.at(address) {
            return Ok(Some(Target::Code(index as u32)));
        }
        if (layout::TRAMPOLINE_BASE..layout::TEXT_BASE).contains(&address)
            && address.is_multiple_of(layout::TRAMPOLINE_SLOT)
        {
            return Ok(Some(Target::Fixed(address as u32)));
        }
        if self.refs.dead_branches.contains(&ip) {
            return Ok(None);
        }
        if self.input.in_text(address) {
            return cannot(
                format!(
                    "jumps into the middle of an instruction, {}",
                    self.input.describe(address)
                ),
                "write the instruction twice, with and without its prefix",
            );
        }
        cannot(
            format!("jumps to {address:#x}, which is no code"),
            "define the symbol that it calls",
        )
    }

    /// The code index that the branch at code index `index` leads to. Who asks goes through the code in rising order.
    fn next_branch(&mut self, index: usize) -> Option<usize> {
        while let [branch, rest @ ..] = self.branches
            && branch.at as usize <= index
        {
            self.branches = rest;
            if branch.at as usize == index {
                return branch.target();
            }
        }
        None
    }

    /// A jump, branch or call in its ordinary encoding.
    pub(super) fn direct(&mut self, index: usize) -> Outcome {
        let (program, insn) = (self.program, &self.program.insns[index]);
        let known = self.next_branch(index);
        if insn.kind == Kind::Call {
            self.check_flags_after_call(index, known)?;
        }
        let target = match known {
            Some(code) => Some(Target::Code(code as u32)),
            None => self.target_at(insn.ip(), program.target(index).unwrap_or_default())?,
        };
        let Some(target) = target else {
            self.push(&[0x0F, 0x0B]);
            return Ok(());
        };
        let (near, opcode) = match (insn.kind, program.bytes(index)) {
            (Kind::Call, _) => (true, 0xE8),
            (Kind::Jump, bytes) => (bytes.len() > 2, 0xEB),
            (_, &[0x0F, opcode, ..]) => (true, 0x70 | opcode & 0xF),
            (_, bytes) => (false, bytes[0]),
        };
        if insn.kind != Kind::Call
            && let Target::Code(back) = target
            && let Some(done) = self.waiting(index, back as usize, opcode)
        {
            return done;
        }
        self.ops.push(Op::branch(opcode, target, near));
        Ok(())
    }

    pub(super) fn branch(&mut self, index: usize) -> Outcome {
        let insn = &self.program.decoded(index);
        if !(insn.is_jmp_short_or_near()
            || insn.is_jcc_short_or_near()
            || insn.is_jcx_short()
            || insn.is_loop())
        {
            return cannot(
                format!("{:?} is not supported", insn.code()),
                "use loop-free code or jcc",
            );
        }
        let Some(target) = self.direct_target(insn)? else {
            self.push(&[0x0F, 0x0B]);
            return Ok(());
        };
        if insn.is_jmp_short_or_near() {
            self.ops.push(Op::branch(0xEB, target, insn.is_jmp_near()));
        } else if insn.is_jcc_short_or_near() {
            // The condition's number is the low half of the opcode's last byte, short and near alike.
            let bytes = self.input.bytes(insn);
            let opcode = if insn.is_jcc_short() {
                bytes[bytes.len() - 2]
            } else {
                bytes[bytes.len() - 5]
            };
            self.ops.push(Op::branch(
                0x70 | (opcode & 0xF),
                target,
                insn.is_jcc_near(),
            ));
        } else {
            self.counted(insn, target);
        }
        Ok(())
    }

    /// jrcxz, jecxz and loop reach 127 bytes only, so they jump over a jump.
    fn counted(&mut self, insn: &Instruction, target: Target) {
        let narrow = matches!(insn.code(), Code::Jecxz_rel8_64 | Code::Loop_rel8_64_ECX);
        let jump: &[u8] = if narrow { &[0x67, 0xE3] } else { &[0xE3] };
        let short = |to: usize| Op {
            len: jump.len() as u8 + 1,
            ..Op::plain(jump).fixed(Fix::Short, jump.len(), Target::Op(to as u32))
        };
        if insn.is_loop() {
            let decrement: &[u8] = if narrow {
                &[0x8D, 0x49, 0xFF]
            } else {
                &[0x48, 0x8D, 0x49, 0xFF]
            };
            self.push(decrement);
            let at = self.ops.len();
            self.ops.push(short(at + 2));
            self.ops.push(Op::branch(0xEB, target, false));
        } else {
            let at = self.ops.len();
            self.ops.push(short(at + 2));
            self.ops
                .push(Op::branch(0xEB, Target::Op(at as u32 + 3), false));
            self.ops.push(Op::branch(0xEB, target, false));
        }
    }

    pub(super) fn call(&mut self, index: usize) -> Outcome {
        let insn = &self.program.decoded(index);
        self.check_flags_after_call(index, self.program.at(insn.near_branch_target()))?;
        match self.direct_target(insn)? {
            Some(target) => self.ops.push(Op::branch(0xE8, target, true)),
            None => self.push(&[0x0F, 0x0B]),
        }
        Ok(())
    }

    /// The masking of rule C4 in the callee changes the flags, so a result in them would be lost. (Where the callee is not
    /// known, it follows the System V ABI, which gives no result in flags.)
    fn check_flags_after_call(&mut self, index: usize, callee: Option<usize>) -> Outcome {
        let program = self.program;
        let mut returns = |callee| {
            let returns = self.returns.get_or_insert_with(|| Returns::new(program));
            returns.may_return(program, callee)
        };
        if flags_live(self.program, index + 1, Flags::Result)
            && callee.is_none_or(&mut returns)
            && !self.reached_by_branch(index + 1)
        {
            return cannot(
                "the code after this call reads flags that the callee set, which a masked return cannot keep",
                "return the result in a register",
            );
        }
        Ok(())
    }

    /// Whether some branch of its function leads to code index `at`, or its address is taken. Behind a call that never comes
    /// back, as all calls of panics are, the next block begins: its flags come from its own branches.
    fn reached_by_branch(&self, mut at: usize) -> bool {
        let insns = &self.program.insns;
        while insns.get(at).is_some_and(|i| i.kind == Kind::Padding) {
            at += 1;
        }
        let Some(ip) = insns.get(at).map(|i| i.ip()) else {
            return false;
        };
        let Some((start, end)) = self.input.function_at(ip) else {
            return self.refs.taken[at];
        };
        let function = self.program.first_from(start)..self.program.first_from(end);
        let leads_here = |branch: &Branch| {
            branch.target() == Some(at) && insns[branch.at as usize].kind != Kind::Call
        };
        self.refs.taken[at] || self.program.branches_in(function).iter().any(leads_here)
    }

    pub(super) fn ret(&mut self, index: usize) -> Outcome {
        let insn = &self.program.decoded(index);
        match insn.code() {
            Code::Retnq => {}
            Code::Retnq_imm16 => {
                let n = u32::from(insn.immediate16()).wrapping_sub(8).to_le_bytes();
                // pop n-8(%rsp): the address is computed after rsp has grown.
                self.push(&[0x8F, 0x84, 0x24, n[0], n[1], n[2], n[3]]);
                self.push(&[0x8D, 0xA4, 0x24, n[0], n[1], n[2], n[3]]);
            }
            _ => return cannot("a far or 16-bit return", "use an ordinary ret"),
        }
        self.ops.extend(code::masked_return());
        Ok(())
    }

    pub(super) fn indirect_call(&mut self, index: usize) -> Outcome {
        let insn = &self.program.decoded(index);
        if let Some(callee) = got_target(self.input, insn)
            && let Some(target) = self.target_at(insn.ip(), callee)?
        {
            self.check_flags_after_call(index, self.program.at(callee))?;
            self.ops.push(Op::branch(0xE8, target, true));
            return Ok(());
        }
        let register = match self.jump_register(insn)? {
            Some(register) => register,
            None => {
                let scratch = self.call_scratch(index)?;
                self.load_target(insn, scratch)?;
                scratch
            }
        };
        self.ops.extend(code::indirect(register, true));
        Ok(())
    }

    /// The register that an indirect branch goes through; `None` for memory.
    fn jump_register(&self, insn: &Instruction) -> Result<Option<Gpr>, Unsafe> {
        if insn.op0_kind() == OpKind::Memory {
            return Ok(None);
        }
        match number(insn.op0_register()) {
            Some(RSP) | None => cannot("a jump to the stack pointer", "remove it"),
            register => Ok(register),
        }
    }

    /// r10, where it is dead behind the call (clang's preserve_most keeps it): no convention has an argument in it, but the static
    /// chain of a nested function is set in it right before. Else r11, which preserve_most does not keep; it is preserve_none's
    /// eleventh argument.
    fn call_scratch(&self, index: usize) -> Result<Gpr, Unsafe> {
        let dead = self.plan.scratch.get(&index).copied();
        for scratch in dead.into_iter().chain([R11, RAX]) {
            if !self.set_before(index, scratch) {
                return Ok(scratch);
            }
        }
        cannot(
            "a call through memory where no register is free",
            "call through a register (-fno-plt)",
        )
    }

    /// Whether `register` was written and not read since, going back through straight code.
    fn set_before(&self, index: usize, register: Gpr) -> bool {
        let is = |r: Register| number(r) == Some(register);
        let call = &self.program.decoded(index);
        if is(call.memory_base()) || is(call.memory_index()) {
            return false;
        }
        for before in (0..index).rev().take(32) {
            if self.program.insns[before].leaves_alone(whole(1 << register)) {
                continue;
            }
            let insn = &self.program.decoded(before);
            if !matches!(insn.flow_control(), iced_x86::FlowControl::Next) {
                return false;
            }
            let reads = (0..insn.op_count()).any(|op| {
                insn.op_kind(op) == OpKind::Register
                    && is(insn.op_register(op))
                    && (op > 0 || insn.op_count() == 1)
            }) || is(insn.memory_base())
                || is(insn.memory_index());
            if reads {
                return false;
            }
            if insn.op_count() > 0 && insn.op0_kind() == OpKind::Register && is(insn.op0_register())
            {
                return true;
            }
        }
        false
    }

    pub(super) fn indirect_jump(&mut self, index: usize) -> Outcome {
        let insn = &self.program.decoded(index);
        if let Some(address) = got_target(self.input, insn)
            && let Some(target) = self.target_at(insn.ip(), address)?
        {
            self.ops.push(Op::branch(0xEB, target, true));
            return Ok(());
        }
        let register = self.jump_register(insn)?;
        let saved = self.save_kept(index, insn);
        if let Some(register) = register {
            self.through_table(index, register);
            self.ops.extend(code::indirect(register, false));
            return Ok(());
        }
        let found = self.plan.scratch.get(&index).copied();
        self.stats.scratch_found += u64::from(found.is_some());
        if let Some(scratch) = found.or(saved) {
            self.load_target(insn, scratch)?;
            self.ops.extend(code::indirect(scratch, false));
            return Ok(());
        }
        // Through the stack, where nothing lives below rsp.
        if self.has_red_zone(insn.ip()) {
            return cannot(
                "a jump through memory where every register is live and the red zone may be in use",
                "compile this function with -mno-red-zone",
            );
        }
        self.stats.through_stack += 1;
        let mut push = *insn;
        push.set_code(Code::Push_rm64);
        push.set_segment_prefix(Register::None);
        self.emit(&push)?;
        self.ops.extend(code::masked_return());
        Ok(())
    }

    /// Whether the function at `ip` may keep data below rsp: it names a negative offset from rsp, or it is a leaf (so that
    /// rsp need not move) with a frame pointer or another copy of rsp.
    fn has_red_zone(&self, ip: u64) -> bool {
        let Some((start, end)) = self.input.function_at(ip) else {
            return true;
        };
        let first = self.program.first_from(start);
        let last = self.program.first_from(end);
        let body = (first..last).map(|i| self.program.decoded(i));
        let (mut calls, mut copies) = (false, false);
        for insn in body {
            calls |= matches!(insn.mnemonic(), Mnemonic::Call);
            if insn.memory_base() == Register::RSP && (insn.memory_displacement64() as i64) < 0 {
                return true;
            }
            let from_stack = match insn.mnemonic() {
                Mnemonic::Lea => insn.memory_base() == Register::RSP,
                _ => (0..insn.op_count()).any(|op| {
                    insn.op_kind(op) == OpKind::Register
                        && insn.op_register(op).full_register() == Register::RSP
                        && op > 0
                }),
            };
            copies |= from_stack && insn.op0_register() != Register::RSP;
        }
        !calls && copies
    }
}
