//! C's floating-point environment (`fenv.h`) without `fnstenv` and `fldenv`, which would show addresses: these stand before
//! musl's in the link.
//!
//! Exceptions live in two places, the x87's status word and MXCSR. No instruction that the validator accepts can set the
//! x87's, so they move to MXCSR, as musl's own functions do when they clear: all tests look at both. `fenv_t` keeps musl's
//! layout: the 28 bytes of `fnstenv` (control word at 0, status word at 4, tags at 8; addresses are 0), then MXCSR.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.fenv,"ax",@progbits

    # int feclearexcept(int)
    .globl feclearexcept
    .type feclearexcept,@function
    .p2align 5
feclearexcept:
    and $0x3f, %edi
    fnstsw %ax
    stmxcsr -8(%rsp)
    mov -8(%rsp), %edx
    test %edi, %eax
    jz 2f
    # fnclex clears all of them: what stays moves over.
    fnclex
    and $0x3f, %eax
    or %eax, %edx
2:  not %edi
    and %edi, %edx
    mov %edx, -8(%rsp)
    ldmxcsr -8(%rsp)
    xor %eax, %eax
    ret
    .size feclearexcept, . - feclearexcept

    # int feraiseexcept(int)
    .globl feraiseexcept
    .type feraiseexcept,@function
    .p2align 5
feraiseexcept:
    and $0x3f, %edi
    stmxcsr -8(%rsp)
    or %edi, -8(%rsp)
    ldmxcsr -8(%rsp)
    xor %eax, %eax
    ret
    .size feraiseexcept, . - feraiseexcept

    # int __fesetround(int): bits 10 and 11, already checked.
    .globl __fesetround
    .hidden __fesetround
    .type __fesetround,@function
    .p2align 5
__fesetround:
    fnstcw -8(%rsp)
    andw $0xf3ff, -8(%rsp)
    or %di, -8(%rsp)
    fldcw -8(%rsp)
    stmxcsr -8(%rsp)
    shl $3, %edi
    andl $0xffff9fff, -8(%rsp)
    or %edi, -8(%rsp)
    ldmxcsr -8(%rsp)
    xor %eax, %eax
    ret
    .size __fesetround, . - __fesetround

    # int fegetround(void)
    .globl fegetround
    .type fegetround,@function
    .p2align 5
fegetround:
    stmxcsr -8(%rsp)
    mov -8(%rsp), %eax
    shr $3, %eax
    and $0xc00, %eax
    ret
    .size fegetround, . - fegetround

    # int fegetenv(fenv_t *)
    .globl fegetenv
    .type fegetenv,@function
    .p2align 5
fegetenv:
    xor %eax, %eax
    mov %rax, (%rdi)
    mov %rax, 8(%rdi)
    mov %rax, 16(%rdi)
    mov %rax, 24(%rdi)
    fnstsw %ax
    mov %ax, 4(%rdi)
    fnstcw (%rdi)
    # A call leaves the register stack empty.
    movw $0xffff, 8(%rdi)
    stmxcsr 28(%rdi)
    xor %eax, %eax
    ret
    .size fegetenv, . - fegetenv

    # int fesetenv(const fenv_t *); -1 is FE_DFL_ENV.
    .globl fesetenv
    .type fesetenv,@function
    .p2align 5
fesetenv:
    fnclex
    cmp $-1, %rdi
    je 2f
    fldcw (%rdi)
    movzwl 4(%rdi), %eax
    and $0x3f, %eax
    or 28(%rdi), %eax
    mov %eax, -8(%rsp)
    ldmxcsr -8(%rsp)
    xor %eax, %eax
    ret
2:  movl $0x37f, -8(%rsp)
    fldcw -8(%rsp)
    movl $0x1f80, -8(%rsp)
    ldmxcsr -8(%rsp)
    xor %eax, %eax
    ret
    .size fesetenv, . - fesetenv

    # int fetestexcept(int)
    .globl fetestexcept
    .type fetestexcept,@function
    .p2align 5
fetestexcept:
    and $0x3f, %edi
    stmxcsr -8(%rsp)
    fnstsw %ax
    or -8(%rsp), %eax
    and %edi, %eax
    ret
    .size fetestexcept, . - fetestexcept
    "#,
    options(att_syntax)
);
