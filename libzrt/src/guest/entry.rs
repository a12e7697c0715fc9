//! Entry into the library OS: at the start and at every system call.
//!
//! A system call runs on a stack of the library OS's own, so that a thread's or a signal's small stack need not hold more
//! than the registers. The entry keeps all general registers and xmm0 to xmm15 (the program's instruction was `syscall`,
//! which changes rax, rcx and r11 only); flags are the rewriter's duty, x87 and MXCSR are not touched on the way.

use core::arch::{asm, global_asm};

use zvm_abi::fault::{DOOR, Door, Frame, REGISTERS, RSP};

use super::memory::OneThread;
use super::{fork, start, switch, traps};
use crate::fault::BACK;
use crate::kernel::{Kernel, Outcome, Registers};
use crate::signal::RED_ZONE;
use crate::threads::State;

/// Bytes of the library OS's stack.
const STACK: usize = 128 * 1024;

global_asm!(
    r#"
    .section .bss.__zrt_stack,"aw",@nobits
    .p2align 6
    .globl __zrt_stack
    .hidden __zrt_stack
__zrt_stack:
    .zero {stack}
    .globl __zrt_stack_end
    .hidden __zrt_stack_end
__zrt_stack_end:

    .section .text.__zrt_start,"ax",@progbits
    .globl __zrt_start
    .type __zrt_start,@function
    .p2align 5
__zrt_start:
    # Memory is a snapshot's: back to where it was made.
    cmpq $0, {resume}(%rip)
    jne __zrt_forked
    lea __zrt_stack_end(%rip), %rsp
    call {start}
    # The program's stack, with argc on top.
    mov %rax, %rsp
    call {resolve}
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
    lea __zrt_stack_end(%rip), %rsp
    # The thread's state begins with xmm0 to xmm15.
    mov {state}(%rip), %rcx
    movups %xmm0, (%rcx)
    movups %xmm1, 16(%rcx)
    movups %xmm2, 32(%rcx)
    movups %xmm3, 48(%rcx)
    movups %xmm4, 64(%rcx)
    movups %xmm5, 80(%rcx)
    movups %xmm6, 96(%rcx)
    movups %xmm7, 112(%rcx)
    movups %xmm8, 128(%rcx)
    movups %xmm9, 144(%rcx)
    movups %xmm10, 160(%rcx)
    movups %xmm11, 176(%rcx)
    movups %xmm12, 192(%rcx)
    movups %xmm13, 208(%rcx)
    movups %xmm14, 224(%rcx)
    movups %xmm15, 240(%rcx)
    call {dispatch}
.Lzrt_go_on:
    # Perhaps another thread's.
    mov {state}(%rip), %rcx
    movups (%rcx), %xmm0
    movups 16(%rcx), %xmm1
    movups 32(%rcx), %xmm2
    movups 48(%rcx), %xmm3
    movups 64(%rcx), %xmm4
    movups 80(%rcx), %xmm5
    movups 96(%rcx), %xmm6
    movups 112(%rcx), %xmm7
    movups 128(%rcx), %xmm8
    movups 144(%rcx), %xmm9
    movups 160(%rcx), %xmm10
    movups 176(%rcx), %xmm11
    movups 192(%rcx), %xmm12
    movups 208(%rcx), %xmm13
    movups 224(%rcx), %xmm14
    movups 240(%rcx), %xmm15
    # The block to go on with: the same one, or a signal's, or another thread's.
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

    # The runtime's way in at a fault: the general registers are in the frame.
    .section .text.__zrt_syscall,"ax",@progbits
    .globl __zrt_fault
    .hidden __zrt_fault
    .type __zrt_fault,@function
    .p2align 5
__zrt_fault:
    lea __zrt_stack_end(%rip), %rsp
    mov {state}(%rip), %rcx
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    movups %xmm\n, 16*\n(%rcx)
    .endr
    call {fault}
    jmp .Lzrt_go_on
    .size __zrt_fault, . - __zrt_fault

    # And its way back.
    .globl __zrt_resume
    .hidden __zrt_resume
    .type __zrt_resume,@function
    .p2align 5
__zrt_resume:
    ud2
    .size __zrt_resume, . - __zrt_resume
    "#,
    stack = const STACK,
    resume = sym fork::RESUME,
    start = sym start::start,
    resolve = sym start::resolve,
    dispatch = sym dispatch,
    fault = sym fault,
    state = sym STATE,
    options(att_syntax)
);

/// State of the thread that runs ([`crate::threads::state`]).
static STATE: OneThread<*mut u8> = OneThread::new(core::ptr::null_mut());

/// gs base, which stands for fs base: all code uses gs where it was compiled for fs.
static POINTER: OneThread<u32> = OneThread::new(0);

/// The state of the thread that runs.
pub(super) fn state() -> *mut u8 {
    // SAFETY: nobody else refers to it while the library OS runs.
    unsafe { *STATE.get() }
}

/// Loads the thread pointer anew, of which an instance that begins with a snapshot knows only from memory.
pub(super) fn load_pointer() {
    // SAFETY: as in `dispatch`.
    unsafe {
        asm!("wrgsbase {0:e}", in(reg) *POINTER.get(), options(nostack, preserves_flags));
    }
}

/// Sets the state of the first thread.
pub(super) fn set_state(state: *mut u8) {
    // SAFETY: the only thread there is, before the program's first instruction.
    unsafe { *STATE.get() = state };
}

/// Answers the system call whose registers lie at `registers`: where the block is with which the program goes on.
extern "C" fn dispatch(registers: *mut Registers) -> *mut Registers {
    // SAFETY: the entry stored the block; nothing else refers to the kernel while it runs here.
    let (kernel, block) = unsafe { (start::kernel(), &*registers) };
    match kernel.syscall(block, registers as u64) {
        Outcome::Resume(address) => {
            let (before, now) = (STATE.get(), kernel.threads.state().address());
            let pointer = kernel.threads.pointer();
            // SAFETY: the state of a thread that has ended is kept, so both are there; the one is this thread's to fill,
            // the other was filled when its thread stopped running, or copied from its parent's. gs base is the program's
            // thread pointer, and the library OS itself uses no thread-local data.
            unsafe {
                // Right before the modes: each of these instructions waits for all before it.
                if *POINTER.get() != pointer {
                    asm!("wrgsbase {0:e}", in(reg) pointer, options(nostack, preserves_flags));
                    *POINTER.get() = pointer;
                }
                if *before != now {
                    switch::switch(*before, now);
                    *before = now;
                }
            }
            if address == BACK {
                return back_to_fault(kernel);
            }
            address as *mut Registers
        }
        Outcome::Exit(status) => traps::exit(status),
        Outcome::Core(signal, address) => end_by(kernel, signal, address),
    }
}

/// Ends the instance as by a signal, with the registers that the thread's block has, or those of the fault to which it was to go
/// back.
fn end_by(kernel: &mut Kernel, signal: u32, address: u64) -> *mut Registers {
    let registers = if address == BACK {
        kernel.take_back().unwrap_or([0; REGISTERS])
    } else {
        // At the program's `syscall`, before the rewriter's code left the red zone out.
        let stack = address + size_of::<Registers>() as u64 + RED_ZONE;
        // SAFETY: the entry stored the block, or the kernel has checked it.
        unsafe { (address as *const Registers).read() }.for_frame(stack)
    };
    open_door(0);
    go_back(signal, &registers)
}

unsafe extern "C" {
    static __zrt_stack: [u8; 0];
    static __zrt_stack_end: [u8; 0];
    fn __zrt_fault();
    fn __zrt_resume();
}

/// What the runtime tells of a fault, and reads on the way back.
static FRAME: OneThread<Frame> = OneThread::new(Frame {
    signal: 0,
    code: 0,
    address: 0,
    exception: 0,
    error: 0,
    registers: [0; REGISTERS],
});

/// Says which faults are to come in by the door.
pub(super) fn open_door(signals: u32) {
    let entry: unsafe extern "C" fn() = __zrt_fault;
    let resume: unsafe extern "C" fn() = __zrt_resume;
    let door = Door {
        open: signals,
        entry: entry as usize as u32,
        frame: FRAME.get() as u32,
        resume: resume as usize as u32,
    };
    // SAFETY: the contract: these words of the stack are there for it, and the program's stack lies below.
    unsafe { (DOOR as *mut Door).write_volatile(door) };
}

/// An instruction of the program's, or of the library OS's own, raised a signal that the door was open for.
extern "C" fn fault() -> *mut Registers {
    // SAFETY: the runtime has filled the frame; the entry has stored xmm0 to xmm15 in the thread's state.
    let (frame, state) = unsafe { (FRAME.get().read_volatile(), *STATE.get()) };
    let own = (&raw const __zrt_stack).addr() as u64..(&raw const __zrt_stack_end).addr() as u64;
    if own.contains(&frame.registers[RSP]) {
        // A mistake in here: with the door closed it comes again, and ends the instance.
        return go_back(0, &frame.registers);
    }
    // A handler begins with what a thread begins with.
    let mut fresh = State::new(super::cpu::level());
    // SAFETY: both are states of the image's level; and nothing refers to the kernel, as the program ran.
    unsafe {
        switch::switch(state, fresh.address());
        match start::kernel().fault(&frame) {
            Some(block) => block as *mut Registers,
            None => {
                switch::switch(fresh.address(), state);
                go_back(0, &frame.registers)
            }
        }
    }
}

/// Goes back to where a fault was, from its handler.
fn back_to_fault(kernel: &mut Kernel) -> *mut Registers {
    let Some(registers) = kernel.take_back() else {
        traps::fail(128 + 11, format_args!("a return to a fault that was none"));
    };
    let mut scratch = State::new(super::cpu::level());
    // SAFETY: both are states of the image's level.
    unsafe { switch::switch(scratch.address(), kernel.threads.state().address()) };
    go_back(0, &registers)
}

/// The block of an instruction that raises a signal, at which the runtime goes on with these registers, or ends the instance
/// as by `signal` if that is not 0.
fn go_back(signal: u32, registers: &[u64; REGISTERS]) -> *mut Registers {
    static BLOCK: OneThread<Registers> = OneThread::new(Registers::ZERO);
    let resume: unsafe extern "C" fn() = __zrt_resume;
    // SAFETY: nobody else refers to the two while the library OS runs.
    unsafe {
        let frame = &mut *FRAME.get();
        // A fault's code is never 0, nor is there a signal 0.
        (frame.signal, frame.code) = (signal, 0);
        frame.registers = *registers;
        (*BLOCK.get()).rip = resume as usize as u64;
    }
    BLOCK.get()
}
