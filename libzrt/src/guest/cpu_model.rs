//! What gcc's and clang's `__builtin_cpu_supports` reads (libgcc's and compiler-rt's `__cpu_model`): the image's level, as
//! `cpuid` answers it. The names are weak, so that a program may bring its own.

use core::arch::global_asm;

/// Bits of `__cpu_model.__cpu_features` and, from 32 on, of `__cpu_features2`, by the level that brings them. The order is
/// `enum processor_features` of gcc's i386-cpuinfo.h.
const FEATURES: [&[u32]; 4] = [
    // CMOV, MMX, SSE, SSE2, FXSAVE, x86-64.
    &[0, 1, 3, 4, 51, 95],
    // POPCNT, SSE3, SSSE3, SSE4.1, SSE4.2, CMPXCHG16B, LAHF, x86-64-v2.
    &[2, 5, 6, 7, 8, 46, 54, 96],
    // AVX, AVX2, FMA, BMI, BMI2, F16C, LZCNT, MOVBE, OSXSAVE, XSAVE, x86-64-v3.
    &[9, 10, 14, 16, 17, 49, 57, 58, 62, 81, 97],
    // AVX-512 F, VL, BW, DQ, CD, x86-64-v4.
    &[15, 20, 21, 22, 23, 98],
];

/// `struct __processor_model` with its one word of features, and the words behind it.
#[repr(C)]
struct Model {
    vendor: u32,
    kind: u32,
    subtype: u32,
    features: [u32; 4],
}

unsafe extern "C" {
    static mut __zrt_cpu_model: Model;
}

global_asm!(
    r#"
    .section .bss.__zrt_cpu_model, "aw", @nobits
    .globl __zrt_cpu_model
    .hidden __zrt_cpu_model
    .type __zrt_cpu_model, @object
    .weak __cpu_model, __cpu_features2
    .type __cpu_model, @object
    .type __cpu_features2, @object
    .p2align 2
__zrt_cpu_model:
__cpu_model:
    .zero 16
    .size __cpu_model, 16
__cpu_features2:
    .zero 12
    .size __cpu_features2, 12
    .size __zrt_cpu_model, 28

    .section .text.__cpu_indicator_init, "ax", @progbits
    .weak __cpu_indicator_init
    .type __cpu_indicator_init, @function
__cpu_indicator_init:
    xor %eax, %eax
    ret
    .size __cpu_indicator_init, . - __cpu_indicator_init
"#,
    options(att_syntax)
);

/// Fills it for a level, 1 to 4, before the program starts.
pub(super) fn set_level(level: u32) {
    let mut features = [0; 4];
    for bit in FEATURES.iter().take(level as usize).copied().flatten() {
        features[(bit / 32) as usize] |= 1 << (bit % 32);
    }
    // SAFETY: nothing else runs, and the program only reads it; the size is that of the block above.
    unsafe {
        (&raw mut __zrt_cpu_model).write(Model {
            // None that the enumeration knows.
            vendor: 0,
            kind: 0,
            subtype: 0,
            features,
        });
    }
}
