//! What the program may know of the processor: the level that the image was made for, and nothing that differs from
//! machine to machine.

use core::arch::global_asm;

use super::memory::OneThread;

/// An answer of `cpuid`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Leaf {
    number: u32,
    /// `ANY` where the leaf has one subleaf.
    subleaf: u32,
    /// eax, ebx, ecx, edx.
    answer: [u32; 4],
}

const ANY: u32 = u32::MAX;
/// Leaves of a processor; the last one answers what no other does.
const LEAVES: usize = 8;
/// Twelve letters of vendor: in ebx, edx, ecx.
const VENDOR: &[u8; 12] = b"ZeroVM guest";

const fn letters(text: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([text[at], text[at + 1], text[at + 2], text[at + 3]])
}

const fn bits(list: &[u32]) -> u32 {
    let (mut word, mut index) = (0, 0);
    while index < list.len() {
        word |= 1 << list[index];
        index += 1;
    }
    word
}

const fn when(condition: bool, word: u32) -> u32 {
    if condition { word } else { 0 }
}

/// The features of a level, as the x86-64 psABI (table 3.1) names them and Intel's manual (CPUID) numbers them.
const fn leaves(level: u32) -> [Leaf; LEAVES] {
    const fn leaf(number: u32, subleaf: u32, answer: [u32; 4]) -> Leaf {
        Leaf {
            number,
            subleaf,
            answer,
        }
    }
    let (v2, v3, v4) = (level >= 2, level >= 3, level >= 4);
    // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; FMA, MOVBE, XSAVE, OSXSAVE, AVX, F16C.
    let ecx1 = when(v2, bits(&[0, 9, 13, 19, 20, 23])) | when(v3, bits(&[12, 22, 26, 27, 28, 29]));
    // FPU, TSC, CX8, CMOV, MMX, FXSR, SSE, SSE2.
    let edx1 = bits(&[0, 4, 8, 15, 23, 24, 25, 26]);
    // BMI1, AVX2, BMI2; AVX-512 F, DQ, CD, BW, VL.
    let ebx7 = when(v3, bits(&[3, 5, 8])) | when(v4, bits(&[16, 17, 28, 30, 31]));
    // LAHF; LZCNT.
    let ecx_extended = when(v2, bits(&[0])) | when(v3, bits(&[5]));
    // SYSCALL, NX, RDTSCP, long mode.
    let edx_extended = bits(&[11, 20, 27, 29]);
    [
        leaf(
            0,
            ANY,
            [
                7,
                letters(VENDOR, 0),
                letters(VENDOR, 8),
                letters(VENDOR, 4),
            ],
        ),
        // Family 6; one processor, lines of 64 bytes.
        leaf(1, ANY, [0x600, 1 << 16 | 8 << 8, ecx1, edx1]),
        leaf(7, 0, [0, ebx7, 0, 0]),
        leaf(
            0x8000_0000,
            ANY,
            [
                0x8000_0008,
                letters(VENDOR, 0),
                letters(VENDOR, 8),
                letters(VENDOR, 4),
            ],
        ),
        leaf(0x8000_0001, ANY, [0, 0, ecx_extended, edx_extended]),
        // The clock goes at one rate.
        leaf(0x8000_0007, ANY, [0, 0, 0, 1 << 8]),
        // 32 bits of addresses.
        leaf(0x8000_0008, ANY, [32 << 8 | 32, 0, 0, 0]),
        leaf(ANY, ANY, [0; 4]),
    ]
}

/// The answers of each level.
static LEVELS: [[Leaf; LEAVES]; 4] = [leaves(1), leaves(2), leaves(3), leaves(4)];
/// XCR0 of each level: x87 and SSE; AVX; AVX-512.
const STATES: [u32; 4] = [0x3, 0x3, 0x7, 0xE7];

/// What the helpers read: the level's leaves and its XCR0.
#[repr(C)]
struct Processor {
    leaves: *const Leaf,
    state: u32,
    level: u32,
}

static PROCESSOR: OneThread<Processor> = OneThread::new(Processor {
    leaves: LEVELS[0].as_ptr(),
    state: STATES[0],
    level: 1,
});

/// The image's level, 1 to 4.
pub(super) fn level() -> u32 {
    // SAFETY: set before the program starts, and only read since.
    unsafe { (*PROCESSOR.get()).level }
}

/// Sets the level, before the program starts.
pub(super) fn set_level(level: u32) {
    let index = level.clamp(1, 4) as usize - 1;
    super::cpu_model::set_level(index as u32 + 1);
    // SAFETY: nothing else runs; the helpers read it later.
    unsafe {
        *PROCESSOR.get() = Processor {
            leaves: LEVELS[index].as_ptr(),
            state: STATES[index],
            level: index as u32 + 1,
        }
    };
}

global_asm!(
    r#"
    .section .text.__zrt_cpuid,"ax",@progbits
    .globl __zrt_cpuid
    .type __zrt_cpuid,@function
    .p2align 5
__zrt_cpuid:
    push %rsi
    mov {processor}(%rip), %rsi
2:  cmpl %eax, (%rsi)
    jne 3f
    cmpl $-1, 4(%rsi)
    je 4f
    cmpl %ecx, 4(%rsi)
    je 4f
3:  cmpl $-1, (%rsi)
    je 4f
    add ${size}, %rsi
    jmp 2b
4:  mov 8(%rsi), %eax
    mov 12(%rsi), %ebx
    mov 16(%rsi), %ecx
    mov 20(%rsi), %edx
    pop %rsi
    ret
    .size __zrt_cpuid, . - __zrt_cpuid

    .section .text.__zrt_xgetbv,"ax",@progbits
    .globl __zrt_xgetbv
    .type __zrt_xgetbv,@function
    .p2align 5
__zrt_xgetbv:
    mov {processor}+8(%rip), %eax
    xor %edx, %edx
    ret
    .size __zrt_xgetbv, . - __zrt_xgetbv

    # The counter counts the clock's nanoseconds, so that whoever calibrates one by the other is right.
    .section .text.__zrt_rdtsc,"ax",@progbits
    .globl __zrt_rdtsc
    .type __zrt_rdtsc,@function
    .p2align 5
__zrt_rdtsc:
    push %rcx
    push %r11
    push %rdi
    push %rsi
    sub $16, %rsp
    mov %rsp, %rsi
    mov $1, %edi
    mov $228, %eax
    call __zrt_syscall
    imul $1000000000, (%rsp), %rax
    add 8(%rsp), %rax
    mov %rax, %rdx
    shr $32, %rdx
    mov %eax, %eax
    add $16, %rsp
    pop %rsi
    pop %rdi
    pop %r11
    pop %rcx
    ret
    .size __zrt_rdtsc, . - __zrt_rdtsc

    # On processor 0.
    .section .text.__zrt_rdtscp,"ax",@progbits
    .globl __zrt_rdtscp
    .type __zrt_rdtscp,@function
    .p2align 5
__zrt_rdtscp:
    call __zrt_rdtsc
    xor %ecx, %ecx
    ret
    .size __zrt_rdtscp, . - __zrt_rdtscp

    # sched_yield(), of which the entry keeps all registers but rax. The library OS itself, whose stack that is, has no turn to give.
    .section .text.__zrt_pause,"ax",@progbits
    .globl __zrt_pause
    .type __zrt_pause,@function
    .p2align 5
__zrt_pause:
    push %rax
    lea __zrt_stack(%rip), %rax
    cmp %rax, %rsp
    jb 1f
    lea __zrt_stack_end(%rip), %rax
    cmp %rax, %rsp
    jb 2f
1:  mov $24, %eax
    call __zrt_syscall
2:  pop %rax
    ret
    .size __zrt_pause, . - __zrt_pause

    # getrandom(rsp, 8, 0).
    .section .text.__zrt_rdrand,"ax",@progbits
    .globl __zrt_rdrand
    .type __zrt_rdrand,@function
    .p2align 5
__zrt_rdrand:
    push %rcx
    push %r11
    push %rdi
    push %rsi
    push %rdx
    sub $16, %rsp
    mov %rsp, %rdi
    mov $8, %esi
    xor %edx, %edx
    mov $318, %eax
    call __zrt_syscall
    mov (%rsp), %rax
    add $16, %rsp
    pop %rdx
    pop %rsi
    pop %rdi
    pop %r11
    pop %rcx
    ret
    .size __zrt_rdrand, . - __zrt_rdrand
    "#,
    processor = sym PROCESSOR,
    size = const size_of::<Leaf>(),
    options(att_syntax)
);
