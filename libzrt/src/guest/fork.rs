//! The Fork trap: once there, and once more in each instance that begins with the snapshot that was made there.
//!
//! Such an instance has all memory as it was, and enters at [`__zrt_start`](super::entry) with no register but the stack pointer. So what
//! a caller's registers must hold is put into memory in front of the trap.

use alloc::boxed::Box;
use core::arch::global_asm;

use zvm_abi::trap;

use super::memory::OneThread;
use super::{cpu, entry, start, switch};
use crate::errno::Errno;
use crate::host::Forked;
use crate::threads::State;

/// The stack pointer in front of the trap, while it is made; else 0.
pub(super) static RESUME: OneThread<u64> = OneThread::new(0);

unsafe extern "C" {
    /// Traps; 1 in an instance that begins with the snapshot, else what the trap answers.
    fn __zrt_fork(words: *const u64) -> i64;
}

global_asm!(
    r#"
    .section .text.__zrt_fork,"ax",@progbits
    .globl __zrt_fork
    .hidden __zrt_fork
    .type __zrt_fork,@function
    .p2align 5
__zrt_fork:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    mov %rsp, {resume}(%rip)
    call __zvm_trap
    jmp 1f
    .size __zrt_fork, . - __zrt_fork

    .globl __zrt_forked
    .hidden __zrt_forked
    .type __zrt_forked,@function
    .p2align 5
__zrt_forked:
    mov {resume}(%rip), %rax
    mov %rax, %rsp
    mov $1, %eax
1:  movq $0, {resume}(%rip)
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size __zrt_forked, . - __zrt_forked
    "#,
    resume = sym RESUME,
    options(att_syntax)
);

/// Makes the trap.
pub(super) fn fork() -> Result<Forked, Errno> {
    let state = entry::state();
    // What an instance begins with.
    let mut fresh = State::new(cpu::level());
    let words: [u64; trap::WORDS] = [trap::FORK, 0, 0, 0, 0, 0];
    // SAFETY: both are states of the image's level; the array is as long as the runtime reads. The second return finds memory as
    // the first one does, so what the compiler knows of it holds.
    let answer = unsafe {
        switch::switch(state, fresh.address());
        let answer = __zrt_fork(words.as_ptr());
        switch::switch(fresh.address(), state);
        answer
    };
    if Errno::check(answer)? == 0 {
        return Ok(Forked::Original);
    }
    entry::load_pointer();
    // SAFETY: the runtime has mapped this instance's.
    Ok(Forked::Copy(Box::new(unsafe { start::given() })))
}
