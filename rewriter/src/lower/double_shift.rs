//! `shld` and `shrd` of 16 bits: hardware differs where the count is above 16, so the validator has none of them (C9).
//! clang makes them of `(a << 8 | b >> 8)` on shorts.

use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};

use super::{Lowerer, Outcome, Unsafe, cannot, gpr32, number};
use crate::flags::{Flags, flags_live};

const WAY_OUT: &str = "compute it in 32 bits";

impl Lowerer<'_> {
    /// Lowers the instruction if it is one of these.
    pub(super) fn double_shift(&mut self, index: usize) -> Option<Outcome> {
        let insn = self.program.decoded(index);
        let narrow = matches!(
            insn.code(),
            Code::Shld_rm16_r16_imm8
                | Code::Shld_rm16_r16_CL
                | Code::Shrd_rm16_r16_imm8
                | Code::Shrd_rm16_r16_CL
        );
        narrow.then(|| self.narrow_double_shift(&insn, index))
    }

    fn narrow_double_shift(&mut self, insn: &Instruction, index: usize) -> Outcome {
        if insn.op0_kind() != OpKind::Register {
            return cannot("a 16-bit double shift in memory", WAY_OUT);
        }
        // The replacements leave other flags; no compiler reads these.
        if flags_live(self.program, index + 1, Flags::Result) {
            return cannot("the flags of a 16-bit double shift are read", WAY_OUT);
        }
        match insn.op2_kind() {
            OpKind::Immediate8 => self.by_constant(insn),
            _ => self.by_register(insn),
        }
    }

    /// Without a scratch register: the bits that leave the destination are exchanged for those that come from the source,
    /// then a rotation brings all into place.
    fn by_constant(&mut self, insn: &Instruction) -> Outcome {
        let (to, from) = (insn.op0_register(), insn.op1_register());
        let left = insn.mnemonic() == Mnemonic::Shld;
        let count = u32::from(insn.immediate8() & 31);
        if count == 0 {
            return Ok(());
        }
        if count > 16 {
            return cannot("a 16-bit double shift by more than 16 bits", WAY_OUT);
        }
        let stay = if left {
            0xFFFF >> count
        } else {
            0xFFFF << count
        };
        let rotate = if left {
            Code::Rol_rm16_imm8
        } else {
            Code::Ror_rm16_imm8
        };
        if to != from {
            self.emit(&with2(Code::Xor_r16_rm16, to, from)?)?;
            let mask =
                Instruction::with2(Code::And_rm16_imm16, to, stay & 0xFFFF).map_err(encoding)?;
            self.emit(&mask)?;
            self.emit(&with2(Code::Xor_r16_rm16, to, from)?)?;
        }
        let turn = Instruction::with2(rotate, to, count & 15).map_err(encoding)?;
        if count < 16 {
            self.emit(&turn)?;
        }
        Ok(())
    }

    /// By cl: both halves in one 32-bit register.
    fn by_register(&mut self, insn: &Instruction) -> Outcome {
        let (to, from) = (insn.op0_register(), insn.op1_register());
        let used = [to, from, Register::CX].map(number);
        let Some(scratch) = [0, 2, 6, 7].into_iter().find(|r| !used.contains(&Some(*r))) else {
            return cannot("no scratch register", WAY_OUT);
        };
        let wide = gpr32(scratch);
        let left = insn.mnemonic() == Mnemonic::Shld;
        let (high, low) = if left { (to, from) } else { (from, to) };
        let uses_stack = [to, from].contains(&Register::SP);
        if uses_stack {
            return cannot("a 16-bit double shift of the stack pointer", WAY_OUT);
        }
        let error = encoding;
        let full = wide.full_register();
        self.leave_red_zone();
        self.emit(&Instruction::with1(Code::Push_r64, full).map_err(error)?)?;
        self.emit(&with2(Code::Mov_r32_rm32, wide, high.full_register32())?)?;
        self.emit(&Instruction::with2(Code::Shl_rm32_imm8, wide, 16).map_err(error)?)?;
        let short = short(scratch);
        self.emit(&with2(Code::Mov_r16_rm16, short, low)?)?;
        let shift = if left {
            Code::Shl_rm32_CL
        } else {
            Code::Shr_rm32_CL
        };
        self.emit(&with2(shift, wide, Register::CL)?)?;
        if left {
            self.emit(&Instruction::with2(Code::Shr_rm32_imm8, wide, 16).map_err(error)?)?;
        }
        self.emit(&with2(Code::Mov_r16_rm16, to, short)?)?;
        self.emit(&Instruction::with1(Code::Pop_r64, full).map_err(error)?)?;
        self.enter_red_zone();
        Ok(())
    }
}

fn with2(code: Code, a: Register, b: Register) -> Result<Instruction, Unsafe> {
    Instruction::with2(code, a, b).map_err(encoding)
}

fn encoding(error: iced_x86::IcedError) -> Unsafe {
    Unsafe {
        reason: format!("no equivalent can be encoded ({error})"),
        way_out: "report this as a bug of the rewriter",
    }
}

/// The 16-bit register with this number.
fn short(register: u8) -> Register {
    match register {
        0 => Register::AX,
        2 => Register::DX,
        6 => Register::SI,
        _ => Register::DI,
    }
}
