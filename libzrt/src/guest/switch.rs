//! What a switch between threads moves besides what the entry keeps: rounding modes, the x87 stack, and the vector registers
//! of the image's level.
//!
//! The program's `syscall` changes none of them, so a thread must find them as they were. Most threads differ in nothing
//! but the vector registers, and nobody has anything on the x87 stack: those cases cost a look.

use core::arch::global_asm;

use super::cpu;
use crate::threads::state;

unsafe extern "C" {
    /// Stores modes and x87 stack at the first address, loads those at the second.
    fn __zrt_switch_modes(from: *mut u8, to: *mut u8);
    /// The same for ymm0 to ymm15.
    fn __zrt_switch_ymm(from: *mut u8, to: *mut u8);
    /// The same for zmm0 to zmm31 and k0 to k7.
    fn __zrt_switch_zmm(from: *mut u8, to: *mut u8);
}

/// Stores a thread's state and loads another's. xmm0 to xmm15 are the entry's: their contents here do not count.
///
/// # Safety
/// Both are states of the image's level.
pub(super) unsafe fn switch(from: *mut u8, to: *mut u8) {
    // SAFETY: the states are as large as the level needs; the code above level 1 exists in images of its level.
    unsafe {
        __zrt_switch_modes(from, to);
        match cpu::level() {
            0..=2 => {}
            3 => __zrt_switch_ymm(from, to),
            _ => __zrt_switch_zmm(from, to),
        }
    }
}

global_asm!(
    r#"
    .section .text.__zrt_switch_modes,"ax",@progbits
    .globl __zrt_switch_modes
    .hidden __zrt_switch_modes
    .type __zrt_switch_modes,@function
    .p2align 5
__zrt_switch_modes:
    stmxcsr {mxcsr}(%rdi)
    fnstcw {control}(%rdi)
    fxam
    fnstsw %ax
    # Each takes a while until it is answered; so all were asked first.
    mov {mxcsr}(%rsi), %ecx
    cmp {mxcsr}(%rdi), %ecx
    je 1f
    ldmxcsr {mxcsr}(%rsi)
1:  lea {x87}(%rdi), %rdx
    xor %ecx, %ecx
    jmp 7f
    # Registers of the x87 stack until one that is empty: fxam says so by C3=1, C2=0, C0=1.
2:  fxam
    fnstsw %ax
7:
    and $0x4500, %eax
    cmp $0x4100, %eax
    je 3f
    fstpt (%rdx)
    add $16, %rdx
    inc %ecx
    cmp $8, %ecx
    jne 2b
3:  mov %ecx, {count}(%rdi)
    movzwl {control}(%rsi), %eax
    cmp {control}(%rdi), %ax
    je 4f
    fldcw {control}(%rsi)
4:  mov {count}(%rsi), %ecx
    test %ecx, %ecx
    je 6f
    mov %ecx, %edx
    shl $4, %edx
    lea {x87}(%rsi,%rdx), %rdx
5:  sub $16, %rdx
    fldt (%rdx)
    dec %ecx
    jne 5b
6:  ret
    .size __zrt_switch_modes, . - __zrt_switch_modes

    .section .text.__zrt_switch_ymm,"ax",@progbits
    .globl __zrt_switch_ymm
    .hidden __zrt_switch_ymm
    .type __zrt_switch_ymm,@function
    .p2align 5
__zrt_switch_ymm:
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovups %ymm\n, {wide}+32*\n(%rdi)
    vmovups {wide}+32*\n(%rsi), %ymm\n
    .endr
    ret
    .size __zrt_switch_ymm, . - __zrt_switch_ymm

    .section .text.__zrt_switch_zmm,"ax",@progbits
    .globl __zrt_switch_zmm
    .hidden __zrt_switch_zmm
    .type __zrt_switch_zmm,@function
    .p2align 5
__zrt_switch_zmm:
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmovups %zmm\n, {wide}+64*\n(%rdi)
    vmovups {wide}+64*\n(%rsi), %zmm\n
    .endr
    .irp n,0,1,2,3,4,5,6,7
    kmovq %k\n, {masks}+8*\n(%rdi)
    kmovq {masks}+8*\n(%rsi), %k\n
    .endr
    ret
    .size __zrt_switch_zmm, . - __zrt_switch_zmm
    "#,
    mxcsr = const state::MXCSR,
    control = const state::X87_CONTROL,
    count = const state::X87_COUNT,
    x87 = const state::X87,
    wide = const state::WIDE,
    masks = const state::MASKS,
    options(att_syntax)
);
