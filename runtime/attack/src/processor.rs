//! The processor itself: accepted instructions, run in a child with hostile registers, at the end of an executable page.
//!
//! *Length.* The instruction's last byte is its page's last byte, and the next page has no rights: if the processor wants a
//! byte more, the fetch faults there. Then once more with the last byte beyond the page's end: now the fetch must fault, or the
//! processor took the instruction to be shorter.
//!
//! *Memory.* The sandbox is mapped, the guard has no rights, and the rest of the low half of the address space is one shared
//! sparse file, 64 TiB of it: a page of it that anything reads or writes becomes a page of the file, which the file's size on
//! disk shows. General registers hold addresses in that file, in the kernel, near the sandbox's end, or no addresses at all.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use iced_x86::{FlowControl, Instruction, Mnemonic};
use zvm_abi::layout;
use zvm_validator::Level;

use crate::ask::bundle;
use crate::candidate::{Candidate, first};
use crate::random::Random;

/// Where the canary lies: above the guard and what the runtime keeps behind it, below where Linux puts programs.
pub const CANARY: std::ops::Range<u64> = 1 << 35..1 << 46;

/// Two pages: the instruction ends with the first, the second has no rights. Inside the sandbox, where text lies.
const PAGE: u64 = layout::TEXT_BASE;

const PAGE_SIZE: usize = layout::PAGE as usize;

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Instructions run.
    pub run: u64,
    /// Of those, the ones that the processor finished.
    pub finished: u64,
    /// That faulted on memory.
    pub memory: u64,
    /// That this processor does not have, or that fault otherwise (hlt, int3, an operand, a division).
    pub other: u64,
    /// What must not be: with the instruction's bytes.
    pub wrong: Vec<String>,
}

/// Runs `count` accepted instructions of this processor's levels.
///
/// # Errors
/// The host's, when the address space cannot be had.
pub fn run(count: u64, seed: u64) -> io::Result<Findings> {
    let level = level();
    let mut random = Random::new(seed);
    let mut findings = Findings::default();
    let canary = Canary::new()?;
    let bench = Bench::new()?;
    while findings.run < count {
        let candidate = Candidate::draw(&mut random, level);
        let insn = &candidate.insn;
        // Pairs are two instructions; direct branches leave the page; a repetition would take hours.
        if insn.len() != candidate.length
            || insn.flow_control() != FlowControl::Next
            || insn.has_rep_prefix()
            || insn.has_repne_prefix()
        {
            continue;
        }
        findings.run += 1;
        findings.look_at(&bench, candidate.code(), insn, &mut random);
        if findings.run.is_multiple_of(4096) && canary.touched()? {
            findings.wrong.push(format!(
                "the canary was touched before instruction {}",
                findings.run
            ));
            break;
        }
    }
    if canary.touched()? {
        findings.wrong.push("the canary was touched".to_owned());
    }
    Ok(findings)
}

/// What is wrong with this one instruction, in `times` steps with hostile registers: for tests of this module's eyes.
///
/// # Errors
/// The host's, as [`run`].
pub fn wrong_with(code: &[u8], times: u64) -> io::Result<Vec<String>> {
    let (canary, bench) = (Canary::new()?, Bench::new()?);
    let mut random = Random::new(1);
    let mut findings = Findings::default();
    let insn = first(&bundle(code));
    for _ in 0..times {
        findings.look_at(&bench, code, &insn, &mut random);
    }
    if canary.touched()? {
        findings.wrong.push("the canary was touched".to_owned());
    }
    Ok(findings.wrong)
}

/// The highest level that this processor has.
fn level() -> Level {
    if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512bw") {
        Level::V4
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        Level::V3
    } else {
        Level::V1
    }
}

impl Findings {
    fn look_at(&mut self, bench: &Bench, code: &[u8], insn: &Instruction, random: &mut Random) {
        let registers = hostile(random);
        let end = PAGE + layout::PAGE;
        let mut wrong = |why: &str, event: &Event| {
            self.wrong
                .push(format!("{code:02x?} ({insn}): {why}: {event:x?}"));
        };
        let event = bench.step(code, code.len(), &registers);
        match event.signal {
            libc::SIGTRAP if insn.mnemonic() == Mnemonic::Int3 => self.other += 1,
            libc::SIGTRAP if event.rip == end => {
                self.finished += 1;
                if event.rsp >> 32 != 0 && event.rsp != 1 << 32 {
                    wrong("rsp is beyond the sandbox", &event);
                }
            }
            // A gather may be suspended between two elements, traps included (SDM, VGATHERDPS): it is still to be finished.
            libc::SIGTRAP if insn.is_vsib() && event.rip == end - code.len() as u64 => {
                self.other += 1;
            }
            libc::SIGTRAP => wrong("another length", &event),
            libc::SIGSEGV | libc::SIGBUS if event.fetch => {
                wrong("longer than it should be", &event)
            }
            libc::SIGSEGV if event.page_fault => {
                self.memory += 1;
                let kernel = 8 << 20;
                if event.address >= layout::GUARD_END && event.address < 0u64.wrapping_sub(kernel) {
                    wrong("memory outside", &event);
                }
            }
            // No address comes with these: a non-canonical one must not be the reason.
            libc::SIGSEGV | libc::SIGBUS => {
                self.other += 1;
                if address(insn, &registers)
                    .is_some_and(|at| at >= layout::GUARD_END && at < 0u64.wrapping_sub(8 << 20))
                {
                    wrong("an address outside", &event);
                }
            }
            libc::SIGILL | libc::SIGFPE => self.other += 1,
            _ => wrong("an unexpected signal", &event),
        }
        // One byte beyond: the processor must ask for it.
        let event = bench.step(code, code.len() - 1, &registers);
        if !event.fetch {
            self.wrong.push(format!(
                "{code:02x?} ({insn}): shorter than it should be: {event:x?}"
            ));
        }
    }
}

/// The memory operand's address with these registers.
pub fn address(insn: &Instruction, registers: &[u64; 16]) -> Option<u64> {
    let operand = (0..insn.op_count()).find(|&op| insn.op_kind(op) == iced_x86::OpKind::Memory)?;
    insn.virtual_address(operand, 0, |register, _, _| {
        use iced_x86::Register;
        match register {
            Register::RIP | Register::EIP => None,
            _ if register.is_gpr64() || register.is_gpr32() => {
                let value = registers[register.number()];
                Some(if register.is_gpr32() {
                    value & 0xFFFF_FFFF
                } else {
                    value
                })
            }
            // Segment bases, gs's included: it starts as 0.
            _ => Some(0),
        }
    })
}

/// Values for rax to r15 by number; rsp is below 4 GiB, which rule C8 keeps.
fn hostile(random: &mut Random) -> [u64; 16] {
    let mut registers = [0; 16];
    for register in &mut registers {
        *register = match random.below(6) {
            0 => random.number(),
            1 => CANARY.start + random.below(CANARY.end - CANARY.start),
            2 => 0xFFFF_8000_0000_0000 | random.number(),
            3 => layout::SANDBOX_END - 1 - random.below(64),
            4 => 1 << 33 | random.number() >> 32,
            _ => random.number() >> 32,
        };
    }
    registers[4] &= 0xFFFF_FFFF;
    registers
}

/// The sparse file that anything outside would land in.
pub struct Canary(RawFd);

impl Canary {
    /// Maps it.
    ///
    /// # Errors
    /// The host's.
    pub fn new() -> io::Result<Canary> {
        let length = CANARY.end - CANARY.start;
        // SAFETY: a name and flags.
        let fd = unsafe { libc::memfd_create(c"canary".as_ptr(), 0) };
        // SAFETY: a descriptor of ours, and a length.
        if fd < 0 || unsafe { libc::ftruncate(fd, length as i64) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let flags = libc::MAP_SHARED | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
        map(
            CANARY.start,
            length,
            libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
            flags,
            fd,
        )?;
        Ok(Canary(fd))
    }

    /// Whether any byte of it was ever read, written or executed.
    ///
    /// # Errors
    /// The host's.
    pub fn touched(&self) -> io::Result<bool> {
        // SAFETY: all zero is a valid stat.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the structure lives through the call.
        if unsafe { libc::fstat(self.0, &raw mut stat) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stat.st_blocks != 0)
    }

    /// Touches it, so that a test can see that this shows.
    pub fn touch(&self) {
        // SAFETY: mapped readable by `new`, and no Rust value lies there.
        unsafe {
            std::ptr::with_exposed_provenance::<u8>((CANARY.start + 123) as usize).read_volatile()
        };
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no reference into it exists.
        unsafe {
            libc::munmap(
                std::ptr::with_exposed_provenance_mut(CANARY.start as usize),
                (CANARY.end - CANARY.start) as usize,
            );
            libc::close(self.0);
        }
    }
}

fn map(start: u64, length: u64, rights: i32, flags: i32, fd: RawFd) -> io::Result<()> {
    let at = std::ptr::with_exposed_provenance_mut(start as usize);
    // SAFETY: MAP_FIXED_NOREPLACE takes no address that is in use; MAP_FIXED is only used inside ranges of ours.
    let got = unsafe { libc::mmap(at, length as usize, rights, flags, fd, 0) };
    if got == at {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How one step ended.
#[derive(Debug, Clone, Copy, Default)]
struct Event {
    signal: i32,
    /// A page fault, so that `address` means something.
    page_fault: bool,
    /// The page fault was a fetch.
    fetch: bool,
    address: u64,
    rip: u64,
    rsp: u64,
}

/// The mapped sandbox and the signal handlers.
struct Bench;

/// What the handlers share with the one thread that runs: they interrupt it at known places only.
struct Desk {
    /// What to enter with.
    registers: [u64; 16],
    rip: u64,
    event: Event,
    /// Where to go on afterwards.
    saved: Option<libc::mcontext_t>,
    /// The floating-point state that belongs to it.
    floating: [u8; 4096],
}

static mut DESK: Desk = Desk {
    registers: [0; 16],
    rip: 0,
    event: Event {
        signal: 0,
        page_fault: false,
        fetch: false,
        address: 0,
        rip: 0,
        rsp: 0,
    },
    saved: None,
    floating: [0; 4096],
};

/// `greg` indices of rax to r15, by the registers' numbers.
const GREGS: [i32; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

const TRAP_FLAG: i64 = 0x100;
const PAGE_FAULT: i64 = 14;

impl Bench {
    fn new() -> io::Result<Bench> {
        let none = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let length = layout::GUARD_END - layout::NULL_END;
        map(
            layout::NULL_END,
            length,
            libc::PROT_NONE,
            none | libc::MAP_FIXED_NOREPLACE,
            -1,
        )?;
        // Data everywhere but around the code and in the last page.
        let both = libc::PROT_READ | libc::PROT_WRITE;
        let data = layout::DATA_BASE..layout::STACK_TOP;
        map(
            data.start,
            data.end - data.start,
            both,
            none | libc::MAP_FIXED,
            -1,
        )?;
        map(
            PAGE,
            layout::PAGE,
            both | libc::PROT_EXEC,
            none | libc::MAP_FIXED,
            -1,
        )?;
        let stack = vec![0u8; 256 << 10].leak();
        let alternate = libc::stack_t {
            ss_sp: stack.as_mut_ptr().cast(),
            ss_flags: 0,
            ss_size: stack.len(),
        };
        // SAFETY: the stack is leaked; the handlers are signal-safe and installed for synchronous signals.
        unsafe {
            if libc::sigaltstack(&raw const alternate, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            for signal in [
                libc::SIGUSR1,
                libc::SIGTRAP,
                libc::SIGSEGV,
                libc::SIGBUS,
                libc::SIGILL,
                libc::SIGFPE,
            ] {
                action.sa_sigaction = if signal == libc::SIGUSR1 {
                    enter as *const () as usize
                } else {
                    leave as *const () as usize
                };
                if libc::sigaction(signal, &raw const action, std::ptr::null_mut()) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
        }
        Ok(Bench)
    }

    /// One step of `code`, of which `inside` bytes lie before the page's end.
    fn step(&self, code: &[u8], inside: usize, registers: &[u64; 16]) -> Event {
        let rip = PAGE + layout::PAGE - inside as u64;
        // SAFETY: the page is ours and writable; DESK is used by this thread alone, and by handlers while it waits in raise.
        unsafe {
            let page = std::ptr::with_exposed_provenance_mut::<u8>(PAGE as usize);
            std::slice::from_raw_parts_mut(page, PAGE_SIZE)[PAGE_SIZE - inside..]
                .copy_from_slice(&code[..inside]);
            let desk = &raw mut DESK;
            (*desk).registers = *registers;
            (*desk).rip = rip;
            libc::raise(libc::SIGUSR1);
            (*desk).event
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let start = std::ptr::with_exposed_provenance_mut(layout::NULL_END as usize);
        // SAFETY: the sandbox's addresses are ours, and no reference into them exists.
        unsafe { libc::munmap(start, (layout::GUARD_END - layout::NULL_END) as usize) };
    }
}

/// Leaves the handler for the instruction.
unsafe extern "C" fn enter(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel's context; DESK as in `step`.
    unsafe {
        let machine = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        let desk = &raw mut DESK;
        (*desk).saved = Some(*machine);
        let size = floating_size(machine.fpregs.cast());
        std::ptr::copy_nonoverlapping(
            machine.fpregs.cast::<u8>(),
            (&raw mut (*desk).floating).cast::<u8>(),
            size,
        );
        for (number, greg) in GREGS.iter().enumerate() {
            machine.gregs[*greg as usize] = (*desk).registers[number] as i64;
        }
        machine.gregs[libc::REG_RIP as usize] = (*desk).rip as i64;
        machine.gregs[libc::REG_EFL as usize] = 0x202 | TRAP_FLAG;
    }
}

/// Bytes of floating-point state in a signal frame (the kernel's `_fpx_sw_bytes`, at 464 in the area).
unsafe fn floating_size(area: *const u8) -> usize {
    // SAFETY: the kernel's area has 512 bytes at least.
    let (magic, size) = unsafe {
        (
            area.add(464).cast::<u32>().read_unaligned(),
            area.add(468).cast::<u32>().read_unaligned() as usize,
        )
    };
    if magic == 0x4650_5853 {
        size.min(4096)
    } else {
        512
    }
}

/// Notes how the step ended and goes back to where `enter` came from.
unsafe extern "C" fn leave(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel's context; DESK as in `step`.
    unsafe {
        let machine = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext;
        let desk = &raw mut DESK;
        let Some(saved) = (*desk).saved.take() else {
            // Not the instruction's: a defect of this program.
            libc::_exit(99);
        };
        let greg = |index: i32| machine.gregs[index as usize];
        let page_fault = greg(libc::REG_TRAPNO) == PAGE_FAULT;
        (*desk).event = Event {
            signal,
            page_fault,
            fetch: page_fault && greg(libc::REG_ERR) & 0x10 != 0,
            address: (*info).si_addr() as u64,
            rip: greg(libc::REG_RIP) as u64,
            rsp: greg(libc::REG_RSP) as u64,
        };
        let floating = machine.fpregs;
        machine.gregs = saved.gregs;
        let size = floating_size((&raw const (*desk).floating).cast());
        std::ptr::copy_nonoverlapping(
            (&raw const (*desk).floating).cast::<u8>(),
            floating.cast::<u8>(),
            size,
        );
    }
}
