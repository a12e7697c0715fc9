//! The way from an x87 transcendental instruction to its software, [`crate::x87`].
//!
//! The operands leave the x87 stack, results and exceptions come back onto it; every other register is kept. As many
//! slots of the stack are in use on the way as the instruction itself would use. C2 is set as the instruction sets it;
//! C0, C1 and C3 are not (the manual leaves them undefined, but for C1).

use core::arch::global_asm;

use crate::x87::{Answer, F80, Operation, compute};

/// What the assembly puts on the stack: the control word is `fnstcw`'s.
#[repr(C)]
struct Frame {
    x: F80,
    y: F80,
    control: u64,
    padding: u64,
    answer: Answer,
}

const _: () = assert!(
    core::mem::offset_of!(Frame, control) == 32 && core::mem::offset_of!(Frame, answer) == 48
);
const _: () = assert!(
    core::mem::offset_of!(Answer, second) == 16 && core::mem::offset_of!(Answer, flags) == 32
);
const _: () =
    assert!(core::mem::offset_of!(Answer, out_of_range) == 36 && size_of::<Answer>() <= 48);

extern "C" fn answer(operation: Operation, frame: &mut Frame) {
    frame.answer = compute(operation, frame.x, frame.y, frame.control as u16);
}

global_asm!(
    r#"
    # Kinds: how many operands leave, and whether a second result comes.
    .macro x87_helper name, operation, kind
    .globl __zrt_\name
    .type __zrt_\name,@function
    .p2align 5
__zrt_\name:
    push %rax
    mov $(\operation | \kind << 8), %eax
    jmp x87_common
    .size __zrt_\name, . - __zrt_\name
    .endm

    .section .text.__zrt_x87,"ax",@progbits
    x87_helper f2xm1, 0, 0
    x87_helper fyl2x, 1, 1
    x87_helper fyl2xp1, 2, 1
    x87_helper fpatan, 3, 1
    x87_helper fptan, 4, 2
    x87_helper fsin, 5, 0
    x87_helper fcos, 6, 0
    x87_helper fsincos, 7, 2

    .p2align 5
    .type x87_common,@function
x87_common:
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    mov %rsp, %rbp
    and $-16, %rsp
    sub $(96 + 256), %rsp
    movups %xmm0, 96(%rsp)
    movups %xmm1, 112(%rsp)
    movups %xmm2, 128(%rsp)
    movups %xmm3, 144(%rsp)
    movups %xmm4, 160(%rsp)
    movups %xmm5, 176(%rsp)
    movups %xmm6, 192(%rsp)
    movups %xmm7, 208(%rsp)
    movups %xmm8, 224(%rsp)
    movups %xmm9, 240(%rsp)
    movups %xmm10, 256(%rsp)
    movups %xmm11, 272(%rsp)
    movups %xmm12, 288(%rsp)
    movups %xmm13, 304(%rsp)
    movups %xmm14, 320(%rsp)
    movups %xmm15, 336(%rsp)
    mov %eax, %ebx
    fnstcw 32(%rsp)
    fstpt (%rsp)
    test $0x100, %ebx
    jz 2f
    fstpt 16(%rsp)
2:  movzbl %bl, %edi
    mov %rsp, %rsi
    call {answer}
    # The exceptions, each by an operation that raises it and goes away again.
    mov 80(%rsp), %eax
    test $0x01, %eax
    jz 3f
    fldz
    fdivs {zero}(%rip)
    fstp %st(0)
3:  test $0x04, %eax
    jz 4f
    fld1
    fdivs {zero}(%rip)
    fstp %st(0)
4:  test $0x08, %eax
    jz 5f
    fldt {huge}(%rip)
    fadd %st(0), %st(0)
    fstp %st(0)
5:  test $0x10, %eax
    jz 6f
    fldt {tiny}(%rip)
    fmuls {third}(%rip)
    fstp %st(0)
6:  test $0x20, %eax
    jz 7f
    fld1
    fdivs {three}(%rip)
    fstp %st(0)
7:  # fxam of a zero clears C2, fxam of a number sets it.
    cmpl $0, 84(%rsp)
    jne 8f
    fldz
    fxam
    fstp %st(0)
    fldt 48(%rsp)
    test $0x200, %ebx
    jz 9f
    fldt 64(%rsp)
    jmp 9f
8:  fldt 48(%rsp)
    fxam
9:  movups 96(%rsp), %xmm0
    movups 112(%rsp), %xmm1
    movups 128(%rsp), %xmm2
    movups 144(%rsp), %xmm3
    movups 160(%rsp), %xmm4
    movups 176(%rsp), %xmm5
    movups 192(%rsp), %xmm6
    movups 208(%rsp), %xmm7
    movups 224(%rsp), %xmm8
    movups 240(%rsp), %xmm9
    movups 256(%rsp), %xmm10
    movups 272(%rsp), %xmm11
    movups 288(%rsp), %xmm12
    movups 304(%rsp), %xmm13
    movups 320(%rsp), %xmm14
    movups 336(%rsp), %xmm15
    mov %rbp, %rsp
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    ret
    .size x87_common, . - x87_common
    "#,
    answer = sym answer,
    zero = sym ZERO,
    three = sym THREE,
    third = sym THIRD,
    huge = sym HUGE,
    tiny = sym TINY,
    options(att_syntax)
);

static ZERO: f32 = 0.0;
static THREE: f32 = 3.0;
static THIRD: f32 = 1.0 / 3.0;
/// The largest number.
static HUGE: F80 = F80::new(u64::MAX, 0x7FFE);
/// A normal number of the smallest exponent, with so many bits that no part of it is exact.
static TINY: F80 = F80::new(u64::MAX, 1);
