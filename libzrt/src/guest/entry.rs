//! Entry into the library OS: at the start and at every system call.
//!
//! A system call runs on a stack of the library OS's own, so that a thread's or a signal's small stack need not hold more
//! than the registers. The entry keeps all general registers and xmm0 to xmm15 (the program's instruction was `syscall`,
//! which changes rax, rcx and r11 only); flags are the rewriter's duty, x87 and MXCSR are not touched on the way.

use core::arch::global_asm;

use super::start;
use super::traps;
use crate::kernel::{Outcome, Registers, Vectors};

/// Bytes of the library OS's stack.
const STACK: usize = 128 * 1024;

global_asm!(
    r#"
    .section .bss.__zrt_stack,"aw",@nobits
    .p2align 6
    .local __zrt_stack
__zrt_stack:
    .zero {stack}
    .local __zrt_stack_end
__zrt_stack_end:

    .section .text.__zrt_start,"ax",@progbits
    .globl __zrt_start
    .type __zrt_start,@function
    .p2align 5
__zrt_start:
    lea __zrt_stack_end(%rip), %rsp
    call {start}
    # The program's stack, with argc on top.
    mov %rax, %rsp
    xor %edx, %edx
    xor %ebp, %ebp
    jmp _start
    .size __zrt_start, . - __zrt_start
    .weak _start

    .section .text.__zrt_syscall,"ax",@progbits
    .globl __zrt_syscall
    .type __zrt_syscall,@function
    .p2align 5
__zrt_syscall:
    # A Registers block; the return address is its last word.
    push %r15
    push %r14
    push %r13
    push %r12
    push %r11
    push %r10
    push %r9
    push %r8
    push %rdi
    push %rsi
    push %rbp
    push %rbx
    push %rdx
    push %rcx
    push %rax
    mov %rsp, %rdi
    lea __zrt_stack_end-256(%rip), %rsp
    movups %xmm0, (%rsp)
    movups %xmm1, 16(%rsp)
    movups %xmm2, 32(%rsp)
    movups %xmm3, 48(%rsp)
    movups %xmm4, 64(%rsp)
    movups %xmm5, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
    movups %xmm8, 128(%rsp)
    movups %xmm9, 144(%rsp)
    movups %xmm10, 160(%rsp)
    movups %xmm11, 176(%rsp)
    movups %xmm12, 192(%rsp)
    movups %xmm13, 208(%rsp)
    movups %xmm14, 224(%rsp)
    movups %xmm15, 240(%rsp)
    mov %rsp, %rsi
    call {dispatch}
    movups (%rsp), %xmm0
    movups 16(%rsp), %xmm1
    movups 32(%rsp), %xmm2
    movups 48(%rsp), %xmm3
    movups 64(%rsp), %xmm4
    movups 80(%rsp), %xmm5
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    movups 128(%rsp), %xmm8
    movups 144(%rsp), %xmm9
    movups 160(%rsp), %xmm10
    movups 176(%rsp), %xmm11
    movups 192(%rsp), %xmm12
    movups 208(%rsp), %xmm13
    movups 224(%rsp), %xmm14
    movups 240(%rsp), %xmm15
    # The block to go on with: the same one, or a signal's.
    mov %rax, %rsp
    pop %rax
    pop %rcx
    pop %rdx
    pop %rbx
    pop %rbp
    pop %rsi
    pop %rdi
    pop %r8
    pop %r9
    pop %r10
    pop %r11
    pop %r12
    pop %r13
    pop %r14
    pop %r15
    ret
    .size __zrt_syscall, . - __zrt_syscall
    "#,
    stack = const STACK,
    start = sym start::start,
    dispatch = sym dispatch,
    options(att_syntax)
);

/// Answers the system call whose registers lie at `registers`: where the block is with which the program goes on.
extern "C" fn dispatch(registers: *mut Registers, vectors: *mut Vectors) -> *mut Registers {
    let top = registers as u64 + size_of::<Registers>() as u64;
    // SAFETY: the entry stored both, on two stacks; nothing else refers to them, nor to the kernel, while it runs here.
    let (kernel, block, vectors) = unsafe { (start::kernel(), &mut *registers, &mut *vectors) };
    match kernel.syscall(block, top, vectors) {
        Outcome::Continue => registers,
        Outcome::Resume(address) => address as *mut Registers,
        Outcome::Exit(status) => traps::exit(status),
    }
}
