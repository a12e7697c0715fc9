//! The x86-64 microarchitecture level (psABI, section 3.1.1) that an instruction belongs to.

use iced_x86::{CpuidFeature as F, Instruction, Mnemonic};

/// 1 to 4; 5 for what no level has.
pub(crate) fn of(insn: &Instruction) -> u32 {
    // In 64-bit mode these have a CPUID bit of their own, which x86-64-v2 asks for.
    if matches!(insn.mnemonic(), Mnemonic::Lahf | Mnemonic::Sahf) {
        return 2;
    }
    insn.cpuid_features()
        .iter()
        .map(|&feature| of_feature(feature))
        .max()
        .unwrap_or(1)
}

fn of_feature(feature: F) -> u32 {
    match feature {
        F::INTEL8086
        | F::INTEL8086_ONLY
        | F::INTEL186
        | F::INTEL286
        | F::INTEL386
        | F::INTEL486 => 1,
        F::X64 | F::CMOV | F::CX8 | F::FPU | F::FPU287 | F::FPU387 | F::MMX | F::FXSR => 1,
        F::SSE
        | F::SSE2
        | F::MULTIBYTENOP
        | F::PAUSE
        | F::CET_IBT
        | F::PREFETCHW
        | F::CPUID
        | F::TSC => 1,
        // Refused or replaced by name, or the thread pointer's; none of them depends on the level.
        F::CLFSH | F::FSGSBASE | F::XSAVE | F::RDRAND | F::RDSEED | F::RDTSCP => 1,
        F::CMPXCHG16B | F::POPCNT | F::SSE3 | F::SSSE3 | F::SSE4_1 | F::SSE4_2 => 2,
        F::AVX | F::AVX2 | F::BMI1 | F::BMI2 | F::F16C | F::FMA | F::LZCNT | F::MOVBE => 3,
        F::AVX512F | F::AVX512BW | F::AVX512CD | F::AVX512DQ | F::AVX512VL => 4,
        _ => 5,
    }
}
