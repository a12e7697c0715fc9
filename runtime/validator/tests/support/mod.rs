//! An oracle that shares nothing with the validator: iced-x86's decoder and instruction info, and the rules in its terms.

use iced_x86::{
    Code, CpuidFeature as F, Decoder, DecoderOptions, FlowControl, Instruction,
    InstructionInfoFactory, Mnemonic as M, OpAccess, OpKind, Register,
};
use zvm_validator::{Level, bitmap_len, validate};

/// Bytes of something like an instruction: every opcode of every map, with prefixes in legal and illegal orders and every
/// shape of ModRM and SIB. Map 0 to 3: one-byte, 0F, 0F 38, 0F 3A; 4 and 5: VEX; 6: EVEX.
pub fn candidate(random: &mut Random, map: u64, opcode: u8) -> [u8; 15] {
    let mut bytes = [0u8; 15];
    for byte in &mut bytes {
        *byte = random.next() as u8;
    }
    let mut at = 0;
    let mut put = |byte: u8| {
        bytes[at] = byte;
        at += 1;
    };
    if random.once_in(2) {
        put(0x67);
    }
    if random.once_in(16) {
        put(0x65);
    }
    if random.once_in(16) {
        put([0x2E, 0x36, 0x3E, 0x26, 0x64][random.below(5) as usize]);
    }
    match map {
        0..=3 => {
            if random.once_in(3) {
                put([0xF0, 0xF2, 0xF3][random.below(3) as usize]);
            }
            if random.once_in(3) {
                put(0x66);
            }
            if random.once_in(32) {
                put(0x67);
            }
            if random.once_in(2) {
                put(0x40 | random.below(16) as u8);
            }
            match map {
                0 => {}
                1 => put(0x0F),
                2 => [0x0F, 0x38].into_iter().for_each(&mut put),
                _ => [0x0F, 0x3A].into_iter().for_each(&mut put),
            }
        }
        4 => {
            put(0xC5);
            put(random.next() as u8);
        }
        6 => {
            put(0x62);
            let random_byte = random.next() as u8;
            put(random_byte & 0xF0
                | if random.once_in(16) {
                    random.below(16) as u8
                } else {
                    1 + random.below(3) as u8
                });
            put(random.next() as u8 & 0xFB | if random.once_in(2) { 0x7C } else { 4 });
            put(match random.below(4) {
                0 => random.next() as u8,
                1 => 0x08 | random.next() as u8 & 0x67,
                2 => 0x08 | random.next() as u8 & 0x70,
                _ => 0x08 | random.next() as u8 & 0xF7,
            });
        }
        _ => {
            put(0xC4);
            put(random.next() as u8 & 0xE0 | random.below(5) as u8);
            put(if random.once_in(2) {
                random.next() as u8 | 0x78
            } else {
                random.next() as u8
            });
        }
    }
    put(opcode);
    // ModRM: rsp, rbp and RIP-relative shapes more often than by chance.
    if random.once_in(2) {
        put((random.next() as u8 & 0xF8) | [4, 5, 4, 0][random.below(4) as usize]);
        if random.once_in(2) {
            put([0x24, 0x25, 0x64, 0xE4, 0x04, 0x2C][random.below(6) as usize]);
        }
    }
    bytes
}

/// Tries `rounds` byte strings for every opcode of every map; (tried, accepted, what is wrong).
pub fn enumerate(rounds: u64, seed: u64) -> (u64, u64, Vec<String>) {
    let mut random = Random(seed);
    let levels = [
        (Level::V1, 1),
        (Level::V2, 2),
        (Level::V3, 3),
        (Level::V4, 4),
    ];
    let (mut tried, mut found, mut objections) = (0, 0, Vec::new());
    for round in 0..rounds {
        for map in 0..7 {
            for opcode in 0..=255 {
                let (level, number) = levels[(round % 4) as usize];
                let bytes = candidate(&mut random, map, opcode);
                tried += 1;
                if let Some(length) = accepted(&bytes, level) {
                    found += 1;
                    if let Some(why) = objection(&bytes, length, number)
                        && objections.len() < 100
                    {
                        objections.push(format!(
                            "{:02x?} at level {number}: {why}",
                            &bytes[..length]
                        ));
                    }
                }
            }
        }
    }
    (tried, found, objections)
}

/// Where test code stands.
pub const BASE: u32 = 0x2_0000;

/// A deterministic generator (xorshift64*).
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// If the validator accepts a bundle that starts with these bytes and goes on with hlt: the first instruction's length.
pub fn accepted(bytes: &[u8; 15], level: Level) -> Option<usize> {
    let mut bundle = [0xF4u8; 32];
    bundle[..15].copy_from_slice(bytes);
    let mut starts = [0u8; bitmap_len(32)];
    // What follows the first instruction must not decide: overwrite it with hlt as soon as its length is known.
    for length in 1..=15 {
        bundle[..15].copy_from_slice(bytes);
        bundle[length..].fill(0xF4);
        if validate(&bundle, BASE, level, &mut starts).is_ok() {
            let mask = u32::from_le_bytes([starts[0], starts[1], starts[2], starts[3]]);
            // Accepted with a shorter cut means that the rest was hlt anyway.
            let second = (mask & !1).trailing_zeros() as usize;
            if second == length {
                return Some(length);
            }
        }
    }
    None
}

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

/// Why the rules forbid an accepted instruction, in iced's terms; `None` where they do not.
pub fn objection(bytes: &[u8; 15], length: usize, level: u32) -> Option<String> {
    let ip = u64::from(BASE);
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
    let stack = |mask: u64| {
        first.code() == Code::And_rm64_imm32
            && first.memory_base() == Register::RSP
            && first.immediate64() == mask
            && first.memory_index() == Register::None
            && first.memory_displacement64() == 0
    };
    match second.code() {
        Code::Retnq => stack(0x7FFF_FFE0),
        Code::Popfq => stack(0xCD5),
        Code::Jmp_rm64 => {
            first.code() == Code::And_rm32_imm8
                && first.immediate64() as i64 == -32
                && first.op0_register().full_register() == second.op0_register()
        }
        _ => false,
    }
}

fn rules(insn: &Instruction, bytes: &[u8; 15], level: u32) -> Option<&'static str> {
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

fn memory(insn: &Instruction, bytes: &[u8; 15]) -> Option<&'static str> {
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
