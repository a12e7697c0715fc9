//! What iced-x86's decoder and instruction info say of an accepted instruction, and the rules in their terms. Shares nothing
//! with the validator.

use iced_x86::{
    Code, CpuidFeature as F, Decoder, DecoderOptions, FlowControl, Instruction,
    InstructionInfoFactory, Mnemonic as M, OpAccess, OpKind, Register,
};

fn level_of(feature: F) -> u32 {
    match feature {
        F::CMPXCHG16B | F::POPCNT | F::SSE3 | F::SSSE3 | F::SSE4_1 | F::SSE4_2 => 2,
        F::AVX | F::AVX2 | F::BMI1 | F::BMI2 | F::F16C | F::FMA | F::LZCNT | F::MOVBE => 3,
        F::AVX512F | F::AVX512BW | F::AVX512CD | F::AVX512DQ | F::AVX512VL => 4,
        F::INTEL8086
        | F::INTEL186
        | F::INTEL286
        | F::INTEL386
        | F::INTEL486
        | F::X64
        | F::CMOV
        | F::CX8
        | F::FPU
        | F::FPU287
        | F::FPU387
        | F::MMX
        | F::SSE
        | F::SSE2
        | F::MULTIBYTENOP
        | F::PAUSE
        | F::CET_IBT
        | F::PREFETCHW
        | F::FSGSBASE => 1,
        _ => 5,
    }
}

/// Why the rules forbid an accepted instruction at `ip`, in iced's terms; `None` where they do not.
pub fn objection(bytes: &[u8], length: usize, level: u32, ip: u64) -> Option<String> {
    let mut decoder = Decoder::with_ip(64, bytes, ip, DecoderOptions::NONE);
    let insn = decoder.decode();
    if insn.is_invalid() {
        // Explained: a gather whose index, mask and destination coincide faults (#UD); the validator need not look.
        let mut lenient = Decoder::with_ip(64, bytes, ip, DecoderOptions::NO_INVALID_CHECK);
        let gather = lenient.decode();
        let faults =
            gather.is_vsib() && gather.len() == length && rules(&gather, bytes, level).is_none();
        return (!faults).then(|| "iced says it is invalid".into());
    }
    // A guarded pair: the validator sees one unit.
    let mut second = Instruction::default();
    if insn.len() < length {
        decoder.decode_out(&mut second);
        if insn.len() + second.len() != length || !is_pair(&insn, &second) {
            return Some(format!(
                "length {length}, iced says {} ({insn})",
                insn.len()
            ));
        }
        return None;
    }
    if insn.len() != length {
        return Some(format!(
            "length {length}, iced says {} ({insn})",
            insn.len()
        ));
    }
    rules(&insn, bytes, level).map(|why| format!("{why} ({insn})"))
}

fn is_pair(first: &Instruction, second: &Instruction) -> bool {
    let stack = |mask: i64| {
        first.code() == Code::And_rm64_imm32
            && first.memory_base() == Register::RSP
            && first.immediate32to64() == mask
            && first.memory_index() == Register::None
            && first.memory_displacement64() == 0
    };
    match second.code() {
        Code::Retnq => stack(0x7FFF_FFE0),
        Code::Popfq => stack(0xCD5),
        Code::Jmp_rm64 | Code::Call_rm64 => {
            first.code() == Code::And_rm32_imm8
                && first.op0_kind() == OpKind::Register
                && second.op0_kind() == OpKind::Register
                && second.segment_prefix() == Register::None
                && first.immediate8to32() == -32
                && first.op0_register().full_register() == second.op0_register()
        }
        _ => false,
    }
}

fn rules(insn: &Instruction, bytes: &[u8], level: u32) -> Option<&'static str> {
    if insn.cpuid_features().iter().any(|&f| level_of(f) > level) {
        return Some("above the level");
    }
    if matches!(
        insn.mnemonic(),
        M::Syscall
            | M::Sysenter
            | M::Int
            | M::Int1
            | M::Cpuid
            | M::Rdtsc
            | M::Rdtscp
            | M::Rdpmc
            | M::Rdpid
            | M::Rdrand
            | M::Rdseed
            | M::Xgetbv
            | M::Enter
            | M::Leave
            | M::Popfq
            | M::Popf
            | M::Pushf
            | M::F2xm1
            | M::Fyl2x
            | M::Fyl2xp1
            | M::Fpatan
            | M::Fptan
            | M::Fsin
            | M::Fcos
            | M::Fsincos
            | M::Fnstenv
            | M::Fnsave
            | M::Fldenv
            | M::Frstor
            | M::Rcpps
            | M::Rcpss
            | M::Rsqrtps
            | M::Rsqrtss
            | M::Vrcpps
            | M::Vrcpss
            | M::Vrsqrtps
            | M::Vrcp14ps
            | M::Vrcp14pd
            | M::Vrcp14ss
            | M::Vrcp14sd
            | M::Vrsqrt14ps
            | M::Vrsqrt14pd
            | M::Vrsqrt14ss
            | M::Vrsqrt14sd
            | M::Vrsqrtss
            | M::Movnti
            | M::Movntq
            | M::Movntdq
            | M::Movntps
            | M::Movntpd
            | M::Vmovntdq
            | M::Vmovntps
            | M::Vmovntpd
            | M::Maskmovq
            | M::Maskmovdqu
            | M::Vmaskmovdqu
            | M::Clflush
            | M::Rdfsbase
            | M::Rdgsbase
            | M::Wrfsbase
            | M::Sgdt
            | M::Sidt
            | M::Sldt
            | M::Str
            | M::Smsw
            | M::In
            | M::Out
            | M::Cli
            | M::Sti
            | M::Ud0
            | M::Fxsave
            | M::Fxrstor
            | M::Xsave
            | M::Xrstor
    ) || insn.is_privileged() && insn.mnemonic() != M::Hlt
    {
        return Some("never allowed");
    }
    if insn.mnemonic() == M::Wrgsbase && !insn.op0_register().is_gpr32() {
        return Some("64-bit segment base");
    }
    match insn.flow_control() {
        FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {}
        FlowControl::Exception | FlowControl::Interrupt => {}
        FlowControl::Call if insn.is_call_near() => {}
        _ => return Some("control flow"),
    }
    let branch = matches!(
        insn.flow_control(),
        FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
    );
    if branch && (bytes[0] == 0x66 || insn.op0_kind() != OpKind::NearBranch64) {
        return Some("a 16-bit branch");
    }
    let implicit = (0..insn.op_count()).any(|op| {
        matches!(
            insn.op_kind(op),
            OpKind::MemorySegRSI
                | OpKind::MemorySegRDI
                | OpKind::MemoryESRDI
                | OpKind::MemorySegSI
                | OpKind::MemoryESDI
        )
    });
    if implicit {
        return Some("implicit 64-bit memory operand");
    }
    if (0..insn.op_count()).any(|op| {
        insn.op_kind(op) == OpKind::Register && insn.op_register(op).is_segment_register()
    }) {
        return Some("a segment register");
    }
    if let Some(why) = memory(insn, bytes) {
        return Some(why);
    }
    stack_pointer(insn)
}

fn memory(insn: &Instruction, bytes: &[u8]) -> Option<&'static str> {
    let explicit = (0..insn.op_count()).any(|op| insn.op_kind(op) == OpKind::Memory);
    let gs = insn.segment_prefix() == Register::GS;
    if insn.segment_prefix() == Register::FS {
        return Some("fs");
    }
    if !explicit || matches!(insn.mnemonic(), M::Lea | M::Nop) {
        return (gs && explicit).then_some("gs on lea or nop");
    }
    if matches!(insn.mnemonic(), M::Bt | M::Bts | M::Btr | M::Btc)
        && insn.op1_kind() == OpKind::Register
    {
        return Some("a bit test that reaches anywhere");
    }
    let displacement = insn.memory_displacement64() as i64;
    let (base, index) = (insn.memory_base(), insn.memory_index());
    let narrow = bytes
        .iter()
        .take_while(|b| matches!(b, 0x67 | 0x65 | 0x2E | 0x36 | 0x3E | 0x26))
        .any(|&b| b == 0x67);
    if gs {
        let plain = base == Register::None
            && index == Register::None
            && !narrow
            && displacement >= -(8 << 20);
        return (!plain).then_some("gs with more than a displacement");
    }
    if narrow {
        // al is xlat's.
        let small = |r: Register| {
            matches!(r, Register::None | Register::AL)
                || r.is_gpr32()
                || r == Register::EIP
                || r.is_vector_register()
        };
        return (!small(base) || !small(index)).then_some("67 without a 32-bit address");
    }
    match (base, index) {
        (Register::RSP, Register::None) if displacement >= -(8 << 20) => None,
        (Register::RIP, Register::None) if (0..1 << 32).contains(&displacement) => None,
        (Register::None, Register::None) if (0..1 << 31).contains(&displacement) => None,
        _ => Some("an unconfined memory operand"),
    }
}

fn stack_pointer(insn: &Instruction) -> Option<&'static str> {
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(insn);
    let write = |access| {
        matches!(
            access,
            OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
        )
    };
    let implicit = matches!(
        insn.mnemonic(),
        M::Push | M::Pop | M::Call | M::Ret | M::Pushfq
    );
    for used in info.used_registers() {
        let register = used.register();
        if !register.is_gpr() || register.full_register() != Register::RSP || !write(used.access())
        {
            continue;
        }
        let explicit = (0..insn.op_count()).any(|op| {
            insn.op_kind(op) == OpKind::Register
                && insn.op_register(op).full_register() == Register::RSP
                && write(info.op_access(op))
        });
        if !explicit && implicit {
            continue;
        }
        let cmov = insn.code().cpuid_features().contains(&F::CMOV);
        let listed = matches!(
            insn.mnemonic(),
            M::Mov | M::Add | M::Sub | M::And | M::Lea | M::Xchg
        ) || cmov;
        let narrow = (0..insn.op_count()).all(|op| {
            insn.op_kind(op) != OpKind::Register
                || insn.op_register(op).full_register() != Register::RSP
                || insn.op_register(op).is_gpr32()
        });
        if !listed || !narrow {
            return Some("writes rsp");
        }
    }
    None
}
