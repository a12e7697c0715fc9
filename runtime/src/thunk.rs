//! The way in and out of the guest: the only host code that runs with the guest's registers.
//!
//! The code is copied to a fixed address above the guard, with a context page behind it; the trampoline slot names that
//! address, so every instance has the same bytes and the guest learns nothing of where the host lies.
//!
//! Coming out, all is hostile (rule C11): any rsp, any register, the direction flag set, MXCSR unmasked, an x87
//! exception pending. The thunk switches to the host's stack, clears the direction flag, saves MXCSR and the vector
//! registers of the image's level, and never executes an x87 or MMX instruction; neither does the code it calls.
//!
//! Going back: the return address is popped from the guest's stack through a 32-bit address and masked as rule C4 does,
//! so a hostile one leads where the guest could have jumped itself. A fault of that load is the guest's. Every register
//! that a C call may clobber is cleared, but rax (the result) and r11 (the return address); flags are those of
//! `sub %edi,%edi`. Vector state beyond the image's level is cleared unconditionally where the CPU has it: `vzeroupper`
//! and 16 + 8 zeroing idioms cost less than asking XGETBV(1) what is in use (libc's string functions do use it).
//! At entry XRSTOR initialises every component that XCR0 knows.
//!
//! A whole trap (call, slot, thunk, dispatch, return) takes 16 ns at levels 1 to 3 and 19 ns at level 4 on an AMD EPYC
//! with AVX-512 (Zen 5), measured by `examples/trap_cost.rs`.
#![allow(unsafe_code)]

use std::arch::global_asm;
use std::io;
use std::mem::offset_of;
use std::sync::OnceLock;

use zvm_abi::layout;

use crate::space;

/// Where the thunk's code lies in every instance.
pub const CODE: u64 = 0x3_0000_0000;
/// Where its [`Context`] lies.
pub const CONTEXT: u64 = CODE + layout::PAGE;

/// What the thunk keeps; lies at [`CONTEXT`].
#[repr(C, align(64))]
pub struct Context {
    /// Stack pointer of the host while the guest runs.
    host_rsp: u64,
    /// The guest's stack pointer at the last trap.
    pub guest_rsp: u64,
    /// The guest's MXCSR at the last trap.
    guest_mxcsr: u32,
    /// The host's MXCSR.
    host_mxcsr: u32,
    /// Room for a comparison.
    scratch: u32,
    /// Keeps what follows aligned.
    unused: u32,
    /// Answers a trap: (address of the argument array) → result.
    handler: Handler,
    /// Mask registers of a level 4 guest.
    masks: [u64; 8],
    /// Keeps the vectors aligned.
    padding: [u64; 3],
    /// Vector registers, each in a slot as wide as the widest.
    vectors: [[u64; 8]; 32],
}

/// Answers a trap whose argument array the guest says to be at this address.
pub type Handler = extern "sysv64" fn(u64) -> i64;

const _: () = assert!(size_of::<Context>() <= layout::PAGE as usize);
const _: () = assert!(offset_of!(Context, vectors).is_multiple_of(64));

/// What the CPU has, and so which thunk it needs.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    avx: bool,
    avx512: bool,
}

impl Cpu {
    /// This one. Two `cpuid` at most: under a hypervisor each takes microseconds, and std asks twenty.
    fn here(xcr0: u64) -> Cpu {
        const YMM: u64 = 1 << 2;
        const ZMM: u64 = 0b111 << 5;
        /// AVX512F and AVX512VL in ebx of leaf 7.
        const VL: u32 = 1 << 16 | 1 << 31;
        // The kernel can turn on only what the CPU has. vpxord on xmm registers needs AVX512VL; a CPU with AVX512F alone
        // (Knights Landing) keeps what libc left there.
        Cpu {
            avx: xcr0 & YMM != 0,
            avx512: xcr0 & ZMM == ZMM && cpuid(7).ebx & VL == VL,
        }
    }
}

/// What the CPU says of itself; every CPU with FSGSBASE has these leaves.
#[allow(unused_unsafe)] // Safe to call as of Rust 1.94.
fn cpuid(leaf: u32) -> std::arch::x86_64::CpuidResult {
    // SAFETY: every x86-64 CPU has the instruction.
    unsafe { std::arch::x86_64::__cpuid_count(leaf, 0) }
}

// One thunk for every pair of level and CPU. `saves` is the register class to keep (xmm, ymm, zmm), `clears` what the
// CPU has beyond it: 0 nothing, 1 AVX, 2 AVX-512.
macro_rules! offsets {
    ($($asm:literal),* $(,)?) => {
        global_asm!(
            $($asm),*,
            context = const CONTEXT,
            host_rsp = const offset_of!(Context, host_rsp),
            guest_rsp = const offset_of!(Context, guest_rsp),
            guest_mxcsr = const offset_of!(Context, guest_mxcsr),
            host_mxcsr = const offset_of!(Context, host_mxcsr),
            scratch = const offset_of!(Context, scratch),
            handler = const offset_of!(Context, handler),
            masks = const offset_of!(Context, masks),
            vectors = const offset_of!(Context, vectors),
            options(att_syntax)
        );
    };
}

offsets!(
    "
    .macro zvm_xmm op
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    .ifc \\op,save
    movaps %xmm\\n, {vectors}+64*\\n(%r11)
    .else
    movaps {vectors}+64*\\n(%r11), %xmm\\n
    .endif
    .endr
    .endm

    .macro zvm_ymm op
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    .ifc \\op,save
    vmovaps %ymm\\n, {vectors}+64*\\n(%r11)
    .else
    vmovaps {vectors}+64*\\n(%r11), %ymm\\n
    .endif
    .endr
    .endm

    .macro zvm_zmm op
    .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .ifc \\op,save
    vmovaps %zmm\\n, {vectors}+64*\\n(%r11)
    .else
    vmovaps {vectors}+64*\\n(%r11), %zmm\\n
    .endif
    .endr
    .irp n,0,1,2,3,4,5,6,7
    .ifc \\op,save
    kmovq %k\\n, {masks}+8*\\n(%r11)
    .else
    kmovq {masks}+8*\\n(%r11), %k\\n
    .endif
    .endr
    .endm

    .macro zvm_clear_high
    .irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vpxord %xmm\\n, %xmm\\n, %xmm\\n
    .endr
    .irp n,0,1,2,3,4,5,6,7
    kxorw %k\\n, %k\\n, %k\\n
    .endr
    .endm

    .macro zvm_thunk name, saves, clears
    .globl \\name, \\name\\()_end
    .hidden \\name, \\name\\()_end
    .p2align 6
    \\name:
    movabs ${context}, %r11
    mov %rsp, {guest_rsp}(%r11)
    mov {host_rsp}(%r11), %rsp
    cld
    stmxcsr {guest_mxcsr}(%r11)
    zvm_\\saves save
    mov {guest_mxcsr}(%r11), %eax
    and $0xffffffc0, %eax
    cmp $0x1f80, %eax
    je 1f
    ldmxcsr {host_mxcsr}(%r11)
    1:
    call *{handler}(%r11)
    movabs ${context}, %r11
    .if \\clears >= 1
    vzeroupper
    .endif
    .if \\clears >= 2
    zvm_clear_high
    .endif
    zvm_\\saves load
    stmxcsr {scratch}(%r11)
    mov {scratch}(%r11), %ecx
    cmp {guest_mxcsr}(%r11), %ecx
    je 2f
    ldmxcsr {guest_mxcsr}(%r11)
    2:
    mov {guest_rsp}(%r11), %ecx
    .globl \\name\\()_pop
    mov (%rcx), %r11d
    lea 8(%rcx), %esp
    and $0x7fffffe0, %r11d
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    sub %edi, %edi
    jmp *%r11
    \\name\\()_end:
    .endm

    .text
    zvm_thunk zvm_thunk_sse, xmm, 0
    zvm_thunk zvm_thunk_sse_avx, xmm, 1
    zvm_thunk zvm_thunk_sse_avx512, xmm, 2
    zvm_thunk zvm_thunk_avx, ymm, 0
    zvm_thunk zvm_thunk_avx_avx512, ymm, 2
    zvm_thunk zvm_thunk_avx512, zmm, 0

    // zvm_enter(xsave area, XCR0 bits or 0 for FXRSTOR, entry, rsp): leaves for the guest and never returns.
    .globl zvm_enter
    .hidden zvm_enter
    zvm_enter:
    movabs ${context}, %r11
    and $-16, %rsp
    mov %rsp, {host_rsp}(%r11)
    mov %rdx, zvm_entry(%rip)
    mov %rcx, zvm_entry_rsp(%rip)
    mov %rsi, %rax
    mov %rsi, %rdx
    shr $32, %rdx
    test %rsi, %rsi
    jz 1f
    xrstor64 (%rdi)
    jmp 2f
    1:
    fxrstor64 (%rdi)
    2:
    xor %eax, %eax
    wrgsbase %rax
    pushq $0x202
    popfq
    mov $0, %eax
    mov $0, %ebx
    mov $0, %ecx
    mov $0, %edx
    mov $0, %esi
    mov $0, %edi
    mov $0, %ebp
    mov $0, %r8d
    mov $0, %r9d
    mov $0, %r10d
    mov $0, %r11d
    mov $0, %r12d
    mov $0, %r13d
    mov $0, %r14d
    mov $0, %r15d
    mov zvm_entry_rsp(%rip), %rsp
    jmp *zvm_entry(%rip)

    .bss
    .p2align 3
    zvm_entry: .quad 0
    zvm_entry_rsp: .quad 0
    .text
    ",
);

unsafe extern "sysv64" {
    safe static zvm_thunk_sse: [u8; 0];
    safe static zvm_thunk_sse_end: [u8; 0];
    safe static zvm_thunk_sse_avx: [u8; 0];
    safe static zvm_thunk_sse_avx_end: [u8; 0];
    safe static zvm_thunk_sse_avx512: [u8; 0];
    safe static zvm_thunk_sse_avx512_end: [u8; 0];
    safe static zvm_thunk_avx: [u8; 0];
    safe static zvm_thunk_avx_end: [u8; 0];
    safe static zvm_thunk_avx_avx512: [u8; 0];
    safe static zvm_thunk_avx_avx512_end: [u8; 0];
    safe static zvm_thunk_avx512: [u8; 0];
    safe static zvm_thunk_avx512_end: [u8; 0];
    fn zvm_enter(xsave: *const XsaveArea, components: u64, entry: u64, rsp: u64) -> !;
}

/// The thunk's bytes for an image of `level` on this CPU.
fn code(level: u32, cpu: Cpu) -> &'static [u8] {
    let (start, end) = match (level, cpu) {
        (4, _) => (&zvm_thunk_avx512, &zvm_thunk_avx512_end),
        (3, Cpu { avx512: true, .. }) => (&zvm_thunk_avx_avx512, &zvm_thunk_avx_avx512_end),
        (3, _) => (&zvm_thunk_avx, &zvm_thunk_avx_end),
        (_, Cpu { avx512: true, .. }) => (&zvm_thunk_sse_avx512, &zvm_thunk_sse_avx512_end),
        (_, Cpu { avx: true, .. }) => (&zvm_thunk_sse_avx, &zvm_thunk_sse_avx_end),
        _ => (&zvm_thunk_sse, &zvm_thunk_sse_end),
    };
    let (start, end) = (start.as_ptr(), end.as_ptr());
    // SAFETY: the two labels enclose one thunk's code in our own text.
    unsafe { std::slice::from_raw_parts(start, end.addr() - start.addr()) }
}

/// Whether `rip` is in the thunk.
pub fn contains(rip: u64) -> bool {
    (CODE..CONTEXT).contains(&rip)
}

/// The bytes of trampoline slot 0: `movabs $thunk,%r11; jmp *%r11`, the rest hlt.
pub fn slot() -> [u8; layout::TRAMPOLINE_SLOT as usize] {
    let mut slot = [0xf4; layout::TRAMPOLINE_SLOT as usize];
    slot[..2].copy_from_slice(&[0x49, 0xbb]);
    slot[2..10].copy_from_slice(&CODE.to_le_bytes());
    slot[10..13].copy_from_slice(&[0x41, 0xff, 0xe3]);
    slot
}

/// Why this CPU or kernel cannot run the guest, if it cannot.
pub fn missing(level: u32) -> Option<String> {
    const FSGSBASE: u64 = 1 << 1;
    // SAFETY: getauxval only reads the process's auxiliary vector.
    if unsafe { libc::getauxval(libc::AT_HWCAP2) } & FSGSBASE == 0 {
        return Some("this host lacks FSGSBASE, by which the guest sets its thread pointer: it takes Linux 5.9 on a CPU \
                     of 2013 or later, not booted with `nofsgsbase`"
            .to_owned());
    }
    let has = match level {
        1 => true,
        2 => level2(),
        3 => level2() && level3(),
        _ => level2() && level3() && level4(),
    };
    (!has).then(|| {
        format!("the image is for x86-64-v{level} and this CPU is not: build it for a lower level")
    })
}

fn level2() -> bool {
    is_x86_feature_detected!("cmpxchg16b")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("sse3")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
        && is_x86_feature_detected!("sse4.2")
}

fn level3() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe")
}

fn level4() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// Maps code and context above the guard.
///
/// # Errors
/// The host's.
pub fn install(level: u32, handler: Handler) -> io::Result<()> {
    let length = 2 * layout::PAGE as usize;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: MAP_FIXED_NOREPLACE takes no address that is in use.
    let got = unsafe {
        libc::mmap(
            space::pointer(CODE).cast(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            flags,
            -1,
            0,
        )
    };
    if got == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    if got.addr() as u64 != CODE {
        return Err(io::Error::from_raw_os_error(libc::EEXIST));
    }
    let code = code(level, Cpu::here(xcr0()));
    assert!(code.len() <= layout::PAGE as usize, "the thunk is one page");
    // SAFETY: the two pages are fresh, ours, writable, and large enough for the code and the context.
    unsafe {
        space::pointer(CODE).write_bytes(0xf4, layout::PAGE as usize);
        space::pointer(CODE).copy_from_nonoverlapping(code.as_ptr(), code.len());
        let context = Context {
            host_rsp: 0,
            guest_rsp: 0,
            guest_mxcsr: 0x1f80,
            host_mxcsr: 0x1f80,
            scratch: 0,
            unused: 0,
            handler,
            masks: [0; 8],
            padding: [0; 3],
            vectors: [[0; 8]; 32],
        };
        space::pointer(CONTEXT).cast::<Context>().write(context);
    }
    // SAFETY: the first of the two pages, which no Rust value uses.
    match unsafe {
        libc::mprotect(
            got,
            layout::PAGE as usize,
            libc::PROT_READ | libc::PROT_EXEC,
        )
    } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The guest's stack pointer at the last trap. Only for use in an instance whose thunk is installed.
pub fn guest_rsp() -> u64 {
    // SAFETY: `install` wrote a context there; the thunk writes it only before it calls the handler.
    unsafe {
        space::pointer(CONTEXT)
            .cast::<Context>()
            .as_ref()
            .map_or(0, |context| context.guest_rsp)
    }
}

/// An area for XRSTOR (standard form) or FXRSTOR that sets everything to its initial state.
#[repr(C, align(64))]
struct XsaveArea([u8; 512 + 64]);

/// Leaves for the guest: every register that XSAVE knows initialised, gs base 0, general registers 0, rflags 0x202.
///
/// # Safety
/// The space is mapped, its text validated and executable, the thunk installed; nothing on this stack is needed again.
pub unsafe fn enter(entry: u64, rsp: u64) -> ! {
    let mut area = XsaveArea([0; 576]);
    area.0[0..2].copy_from_slice(&0x037f_u16.to_le_bytes());
    area.0[24..28].copy_from_slice(&0x1f80_u32.to_le_bytes());
    // PKRU's initial value is the kernel's affair (it opens no key), not XSAVE's all-zero one, which opens all.
    const PKRU: u64 = 1 << 9;
    let components = xcr0() & !PKRU;
    // SAFETY: an all-zero header means initial state; the area is aligned and large enough for the components' standard
    // form, which reads no further when XSTATE_BV is 0. The rest is the caller's promise.
    unsafe { zvm_enter(&raw const area, components, entry, rsp) }
}

/// XCR0, or 0 on a CPU or kernel without XSAVE.
fn xcr0() -> u64 {
    static XCR0: OnceLock<u64> = OnceLock::new();
    *XCR0.get_or_init(read_xcr0)
}

fn read_xcr0() -> u64 {
    const OSXSAVE: u32 = 1 << 27;
    if cpuid(1).ecx & OSXSAVE == 0 {
        return 0;
    }
    let (low, high): (u32, u32);
    // SAFETY: the kernel has turned it on, as OSXSAVE says; the instruction changes nothing but eax and edx.
    unsafe {
        std::arch::asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::{CpuidFeature, Decoder, DecoderOptions, Instruction, Mnemonic, OpAccess};
    use iced_x86::{InstructionInfoFactory, Register};

    fn all() -> Vec<(u32, Cpu, Vec<Instruction>)> {
        let cpus = [(false, false), (true, false), (true, true)];
        let pairs = cpus.map(|(avx, avx512)| Cpu { avx, avx512 });
        (1..=4)
            .flat_map(|level| pairs.map(|cpu| (level, cpu)))
            .map(|(level, cpu)| {
                let decoder = Decoder::with_ip(64, code(level, cpu), CODE, DecoderOptions::NONE);
                (level, cpu, decoder.into_iter().collect())
            })
            .collect()
    }

    #[test]
    fn no_thunk_touches_x87_or_mmx() {
        for (level, cpu, instructions) in all() {
            for instruction in &instructions {
                assert!(!instruction.is_invalid());
                let features = instruction.cpuid_features();
                let x87 = |f: &CpuidFeature| matches!(f, CpuidFeature::FPU | CpuidFeature::MMX);
                assert!(!features.iter().any(x87), "{level} {cpu:?} {instruction}");
                assert!(instruction.code().encoding() != iced_x86::EncodingKind::D3NOW);
            }
        }
    }

    /// Nothing may use the stack before it is the host's, and the direction flag goes before any call.
    #[test]
    fn the_stack_is_switched_first() {
        for (level, cpu, instructions) in all() {
            let switch = instructions
                .iter()
                .position(|i| i.mnemonic() == Mnemonic::Mov && i.op0_register() == Register::RSP)
                .unwrap();
            let mut info = InstructionInfoFactory::new();
            for instruction in &instructions[..switch] {
                assert_eq!(instruction.stack_pointer_increment(), 0);
                let touches_stack = info
                    .info(instruction)
                    .used_memory()
                    .iter()
                    .any(|memory| memory.base() == Register::RSP);
                assert!(!touches_stack, "{level} {cpu:?} {instruction}");
            }
            assert_eq!(instructions[switch + 1].mnemonic(), Mnemonic::Cld);
        }
    }

    /// Behind the host's call, every register that a C call may clobber is written before the jump back, and every
    /// vector register of the level is loaded or cleared.
    #[test]
    fn every_clobbered_register_is_written_on_the_way_back() {
        for (level, cpu, instructions) in all() {
            let call = instructions
                .iter()
                .position(|i| i.mnemonic() == Mnemonic::Call)
                .unwrap();
            let mut written = Vec::new();
            let mut info = InstructionInfoFactory::new();
            for instruction in &instructions[call + 1..] {
                for register in info.info(instruction).used_registers() {
                    if matches!(register.access(), OpAccess::Write | OpAccess::ReadWrite) {
                        written.push(register.register().full_register());
                    }
                }
            }
            let general = [
                Register::RCX,
                Register::RDX,
                Register::RSI,
                Register::RDI,
                Register::R8,
                Register::R9,
                Register::R10,
                Register::R11,
                Register::RSP,
            ];
            let vectors = if level == 4 || cpu.avx512 { 32 } else { 16 };
            let vectors = (0..vectors).map(|n| Register::ZMM0 + n);
            let masks = (0..8)
                .filter(|_| level == 4 || cpu.avx512)
                .map(|n| Register::K0 + n);
            for register in general.into_iter().chain(vectors).chain(masks) {
                assert!(written.contains(&register), "{level} {cpu:?}: {register:?}");
            }
            // A register is cleared whole: legacy SSE loads leave the upper half as it is.
            if cpu.avx && level < 3 {
                assert!(
                    instructions[call..]
                        .iter()
                        .any(|i| i.mnemonic() == Mnemonic::Vzeroupper)
                );
            }
        }
    }

    #[test]
    fn the_slot_jumps_to_the_thunk() {
        let slot = slot();
        let mut decoder = Decoder::new(64, &slot, DecoderOptions::NONE);
        let (first, second) = (decoder.decode(), decoder.decode());
        assert_eq!(
            (first.op0_register(), first.immediate64()),
            (Register::R11, CODE)
        );
        assert_eq!(
            (second.mnemonic(), second.op0_register()),
            (Mnemonic::Jmp, Register::R11)
        );
        assert!(slot[decoder.position()..].iter().all(|&byte| byte == 0xf4));
    }
}
