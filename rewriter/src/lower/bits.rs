//! `bt`, `bts`, `btr`, `btc` with a memory operand and a register offset: the offset reaches anywhere (a published
//! verifier accepts `bts %rax,(%rsp)`, and it escapes), so the word is loaded, tested and stored.

use iced_x86::{Code, Instruction, MemoryOperand, Mnemonic, OpKind, Register};

use super::{Lowerer, Outcome, Unsafe, cannot};

/// What is below rsp while the two scratch registers are saved: the red zone and the two.
const SAVED: i64 = 128 + 16;

impl Lowerer<'_> {
    /// Lowers the instruction if it is one of these. Atomicity needs no lock: one host thread runs the whole instance.
    pub(super) fn bit_test(&mut self, insn: &Instruction) -> Option<Outcome> {
        let test = matches!(
            insn.mnemonic(),
            Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc
        );
        (test && insn.op0_kind() == OpKind::Memory && insn.op1_kind() == OpKind::Register)
            .then(|| self.bit_test_in_memory(insn))
    }

    fn bit_test_in_memory(&mut self, insn: &Instruction) -> Outcome {
        let offset = insn.op1_register();
        if insn.segment_prefix() == Register::FS || offset.full_register() == Register::RSP {
            return cannot(
                "a bit test on a thread-local variable by offset",
                "index the array in C",
            );
        }
        let used = [
            offset.full_register(),
            insn.memory_base(),
            insn.memory_index(),
            Register::RSP,
        ];
        let mut free = [
            Register::RAX,
            Register::RCX,
            Register::RDX,
            Register::RSI,
            Register::RDI,
        ]
        .into_iter()
        .filter(|r| {
            !used
                .iter()
                .any(|u| *u != Register::None && u.full_register() == *r)
        });
        let (Some(address), Some(word)) = (free.next(), free.next()) else {
            return cannot("no scratch register", "index the array in C");
        };
        let (narrow_address, low_word) = (address.full_register32(), word.full_register32());
        let error = |e: iced_x86::IcedError| Unsafe {
            reason: format!("no equivalent can be encoded ({e})"),
            way_out: "report this as a bug of the rewriter",
        };
        let with2 = |code, a, b| Instruction::with2(code, a, b).map_err(error);

        self.leave_red_zone();
        for register in [address, word] {
            self.emit(&Instruction::with1(Code::Push_r64, register).map_err(error)?)?;
        }
        // The word's address: the operand's own, plus the offset's whole words (a signed number).
        let mut lea = *insn;
        lea.set_code(Code::Lea_r32_m);
        lea.set_has_lock_prefix(false);
        lea.set_op0_kind(OpKind::Register);
        lea.set_op0_register(narrow_address);
        lea.set_op1_kind(OpKind::Memory);
        lea.set_segment_prefix(Register::None);
        if insn.memory_base() == Register::RSP {
            lea.set_memory_displacement64(insn.memory_displacement64().wrapping_add(SAVED as u64));
            lea.set_memory_displ_size(8);
        }
        self.emit(&lea)?;
        let (shift, scale) = match offset.size() {
            2 => (4, 2),
            4 => (5, 4),
            _ => (6, 8),
        };
        let extend = match offset.size() {
            2 => Code::Movsx_r64_rm16,
            4 => Code::Movsxd_r64_rm32,
            _ => Code::Mov_r64_rm64,
        };
        self.emit(&with2(extend, word, offset)?)?;
        self.emit(&Instruction::with2(Code::Sar_rm64_imm8, word, shift).map_err(error)?)?;
        let sum = MemoryOperand::with_base_index_scale(address, word, scale);
        self.emit(&Instruction::with2(Code::Lea_r32_m, narrow_address, sum).map_err(error)?)?;

        let place = MemoryOperand::with_base(address);
        let (load, store, value) = match offset.size() {
            2 => (
                Code::Mov_r16_rm16,
                Code::Mov_rm16_r16,
                word_register16(word),
            ),
            4 => (Code::Mov_r32_rm32, Code::Mov_rm32_r32, low_word),
            _ => (Code::Mov_r64_rm64, Code::Mov_rm64_r64, word),
        };
        self.emit(&Instruction::with2(load, value, place).map_err(error)?)?;
        let mut test = *insn;
        test.set_has_lock_prefix(false);
        test.set_segment_prefix(Register::None);
        test.set_op0_kind(OpKind::Register);
        test.set_op0_register(value);
        test.set_memory_base(Register::None);
        test.set_memory_index(Register::None);
        test.set_memory_displ_size(0);
        test.set_memory_displacement64(0);
        self.emit(&test)?;
        if insn.mnemonic() != Mnemonic::Bt {
            self.emit(&Instruction::with2(store, place, value).map_err(error)?)?;
        }
        for register in [word, address] {
            self.emit(&Instruction::with1(Code::Pop_r64, register).map_err(error)?)?;
        }
        self.enter_red_zone();
        Ok(())
    }
}

fn word_register16(register: Register) -> Register {
    match register {
        Register::RAX => Register::AX,
        Register::RCX => Register::CX,
        Register::RDX => Register::DX,
        Register::RSI => Register::SI,
        _ => Register::DI,
    }
}
