//! Thread-local accesses: `%fs:` becomes `%gs:`, whose base is the guest's thread pointer (C7).

use iced_x86::{Code, Instruction, MemoryOperand, Mnemonic, OpKind, Register};

use super::raw::Raw;
use super::{Lowerer, Outcome, Unsafe, cannot};
use crate::flags::{Flags, flags_live};

impl Lowerer<'_> {
    pub(super) fn thread_local(&mut self, index: usize) -> Outcome {
        let program = self.program;
        let insn = &program.decoded(index);
        let absolute =
            insn.memory_base() == Register::None && insn.memory_index() == Register::None;
        // C7 lets gs reach that far alone.
        let near = insn.memory_displacement64() as i64 >= -(8 << 20);
        if absolute && near && !insn.is_string_instruction() {
            let mut gs = *insn;
            gs.set_segment_prefix(Register::GS);
            let mut raw = Raw::parse(self.input.bytes(insn));
            raw.segment = Some(0x65);
            return self.emit_raw(raw, &gs, None);
        }
        let rsp = [insn.memory_base(), insn.memory_index()].contains(&Register::RSP)
            || insn.is_stack_instruction();
        if insn.is_ip_rel_memory_operand() || insn.is_string_instruction() || rsp {
            return cannot(
                "a thread-local access of this form",
                "take the variable's address first",
            );
        }
        self.indexed(index, insn)
    }

    /// `%fs:x(base,index)`: the thread pointer, which thread memory holds at offset 0, is added in a register. A 0x67 form
    /// with gs would cut the sum to 32 bits before it adds the base.
    fn indexed(&mut self, index: usize, insn: &Instruction) -> Outcome {
        let (base, other) = match (
            insn.memory_base(),
            insn.memory_index(),
            insn.memory_index_scale(),
        ) {
            (Register::None, index, 1) => (index, Register::None),
            (base, index, _) => (base, index),
        };
        let load = matches!(insn.code(), Code::Mov_r32_rm32 | Code::Mov_r64_rm64)
            && insn.op1_kind() == OpKind::Memory;
        let destination = if load {
            insn.op0_register().full_register()
        } else {
            Register::None
        };
        if load && destination != base && destination != other && destination != Register::RSP {
            // The destination is the scratch register.
            self.add_thread_pointer(destination, base)?;
            return self.access(insn, destination, other);
        }
        if load
            && destination == base
            && other == Register::None
            && !flags_live(self.program, index + 1, Flags::Keep)
        {
            let thread =
                MemoryOperand::new(Register::None, Register::None, 1, 0, 8, false, Register::GS);
            let add = Instruction::with2(Code::Add_r32_rm32, base.full_register32(), thread)
                .map_err(bug)?;
            self.emit(&add)?;
            return self.access(insn, base, other);
        }
        let used: Vec<Register> = (0..insn.op_count())
            .filter(|&op| insn.op_kind(op) == OpKind::Register)
            .map(|op| insn.op_register(op).full_register())
            .chain([base, other])
            .collect();
        // Not the registers that an instruction may use without naming them.
        let scratch = [Register::R11, Register::R10, Register::R9, Register::R8]
            .into_iter()
            .find(|r| !used.contains(r));
        let Some(scratch) = scratch else {
            return cannot("no scratch register", "take the variable's address first");
        };
        self.leave_red_zone();
        self.emit(&Instruction::with1(Code::Push_r64, scratch).map_err(bug)?)?;
        self.add_thread_pointer(scratch, base)?;
        self.access(insn, scratch, other)?;
        self.emit(&Instruction::with1(Code::Pop_r64, scratch).map_err(bug)?)?;
        self.enter_red_zone();
        Ok(())
    }

    /// scratch = thread pointer + base, flags untouched.
    fn add_thread_pointer(&mut self, scratch: Register, base: Register) -> Outcome {
        let thread =
            MemoryOperand::new(Register::None, Register::None, 1, 0, 8, false, Register::GS);
        let narrow = scratch.full_register32();
        self.emit(&Instruction::with2(Code::Mov_r32_rm32, narrow, thread).map_err(bug)?)?;
        if base == Register::None {
            return Ok(());
        }
        let sum = MemoryOperand::with_base_index_scale(scratch, base, 1);
        self.emit(&Instruction::with2(Code::Lea_r32_m, narrow, sum).map_err(bug)?)
    }

    /// The instruction itself, on `base` and `index` instead of the segment.
    fn access(&mut self, insn: &Instruction, base: Register, index: Register) -> Outcome {
        debug_assert!(insn.mnemonic() != Mnemonic::Lea);
        let mut access = *insn;
        access.set_segment_prefix(Register::None);
        access.set_memory_base(base);
        access.set_memory_index(index);
        access.set_memory_displ_size(match insn.memory_displacement64() as i64 {
            0 => 0,
            -128..=127 => 1,
            _ => 8,
        });
        self.emit(&access)
    }
}

fn bug(error: iced_x86::IcedError) -> Unsafe {
    Unsafe {
        reason: format!("no equivalent can be encoded ({error})"),
        way_out: "report this as a bug of the rewriter",
    }
}
