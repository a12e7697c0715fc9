//! The escape hunt: random programs of accepted instructions with hostile registers, in the real runtime: its mapping, its
//! validation, its thunk, its seccomp filter, a process for each image.
//!
//! An image holds several programs, one behind the other, each with new hostile registers; a fault ends them all, so the rest
//! of an image counts as not run. Nearly all of the 4 GiB is mapped and writable, so that most accesses go on instead of
//! faulting. What may come out: an exit, a trap that is none, the end of the processor time, or a fault whose code and whose
//! address lie in the sandbox or its guard. Anything else is an escape: a signal in the host's code, a system call that the
//! filter kills, or a page of the [`Canary`] touched, which the instance has from its parent.

use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use iced_x86::{
    Decoder, DecoderOptions, EncodingKind, FlowControl, Instruction, Mnemonic, Register,
};
use zvm_abi::{layout, trap};
use zvm_runtime::{ChannelSpec, Outcome, RunOptions};
use zvm_validator::{BUNDLE, Level, bitmap_len, validate};

use crate::ask::BASE;
use crate::candidate::Candidate;
use crate::image::Program;
use crate::processor::{self, CANARY, Canary};
use crate::random::Random;

/// Programs in an image.
const PROGRAMS: u64 = 32;
/// Bundles of a program, at most.
const BUNDLES: u64 = 3;
/// Instructions to draw from before new ones are made.
const POOL: usize = 20_000;
/// A program that loops ends by this.
const TIME: Duration = Duration::from_millis(10);

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Images run.
    pub images: u64,
    /// Programs that were started, at least.
    pub programs: u64,
    /// How images ended.
    pub exits: u64,
    /// A call of a trap that is none.
    pub bad_traps: u64,
    /// Out of processor time.
    pub out_of_time: u64,
    /// Faults on memory.
    pub memory_faults: u64,
    /// Faults on an address without rights to execute, after an indirect jump or a return.
    pub fetch_faults: u64,
    /// Other faults.
    pub other_faults: u64,
    /// Images that the validator did not accept after all.
    pub rejected: u64,
    /// What must not be.
    pub wrong: Vec<String>,
}

/// Runs images until `programs` were started; `progress` is called now and then.
///
/// # Errors
/// The host's, when the canary cannot be mapped.
pub fn run(programs: u64, seed: u64, progress: &mut dyn FnMut(&Findings)) -> io::Result<Findings> {
    let mut random = Random::new(seed);
    let mut findings = Findings::default();
    let canary = Canary::new()?;
    let file = tempfile::NamedTempFile::new()?;
    let level = if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        Level::V3
    } else {
        Level::V1
    };
    let mut pool = Vec::new();
    while findings.programs < programs && findings.wrong.is_empty() {
        if findings.images.is_multiple_of(5000) {
            pool = units(&mut random, level);
            progress(&findings);
        }
        let (image, starts) = random_image(&mut random, &pool, level);
        file.as_file().set_len(0)?;
        file.as_file().write_all_at(&image.elf(), 0)?;
        let outcome = zvm_runtime::run(&options(file.path()));
        findings.judge(&outcome, &image.text, &starts);
        if (findings.images.is_multiple_of(64) || findings.programs >= programs)
            && canary.touched()?
        {
            findings.wrong.push("the canary was touched".to_owned());
        }
        if !findings.wrong.is_empty() {
            let kept = std::env::temp_dir().join("zvm-escape.zvm");
            std::fs::write(&kept, image.elf())?;
            findings
                .wrong
                .push(format!("the image: {}", kept.display()));
        }
    }
    Ok(findings)
}

/// All memory, little time, no standard streams.
pub fn options(path: &std::path::Path) -> RunOptions {
    let channels = ["/dev/stdin", "/dev/stdout", "/dev/stderr"].map(|alias| {
        let kind = if alias == "/dev/stdin" {
            "0, 0, 10, 1000, 0, 0"
        } else {
            "0, 0, 0, 0, 10, 1000"
        };
        ChannelSpec::parse(&format!("/dev/null, {alias}, {kind}")).expect("a channel's words")
    });
    RunOptions {
        channels: channels.into(),
        memory: layout::SANDBOX_END,
        cpu_time: Some(TIME),
        timeout: Some(Duration::from_secs(5)),
        ..RunOptions::new(path)
    }
}

/// An image of random programs for the lowest level, for other attacks to begin with.
pub fn sample(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    loop {
        let pool = units(&mut random, Level::V1);
        let image = random_image(&mut random, &pool, Level::V1).0;
        let mut text = image.text.clone();
        text.resize(text.len().next_multiple_of(BUNDLE), 0x90);
        let mut scratch = vec![0; bitmap_len(text.len())];
        if validate(&text, BASE, Level::V1, &mut scratch).is_ok() {
            return image.elf();
        }
    }
}

/// Accepted instructions and guarded pairs, without those that would end every program soon.
fn units(random: &mut Random, level: Level) -> Vec<Vec<u8>> {
    let mut units = Vec::with_capacity(POOL);
    while units.len() < POOL {
        let unit = Candidate::draw(random, level);
        let insn = &unit.insn;
        let soon_over = matches!(
            insn.mnemonic(),
            Mnemonic::Hlt | Mnemonic::Int3 | Mnemonic::Ud1 | Mnemonic::Ud2
        );
        let maybe_over = matches!(
            insn.mnemonic(),
            Mnemonic::Div
                | Mnemonic::Idiv
                | Mnemonic::Ldmxcsr
                | Mnemonic::Fldcw
                | Mnemonic::Vldmxcsr
        ) || insn.has_rep_prefix()
            || insn.has_repne_prefix();
        // Legacy SSE wants its memory aligned.
        let aligned = insn.encoding() == EncodingKind::Legacy && insn.memory_size().size() >= 16;
        // Addresses that with the usual values are not there, such as far above rsp, or in code.
        let mut usual = [layout::DATA_BASE + 0x4000_0000; 16];
        usual[4] = layout::STACK_TOP - 0x2000;
        let there = layout::DATA_BASE + 0x10_0000..layout::STACK_TOP - 64;
        let astray = processor::address(insn, &usual).is_some_and(|at| !there.contains(&at));
        let jumps = insn.len() < unit.length;
        // Sums of several parts that come to anything; an eighth of that is not there.
        let sum = insn.memory_index() != Register::None || insn.memory_displ_size() > 1;
        let sums = sum && insn.memory_base() != Register::RSP && !random.once_in(4);
        let maybe_over = maybe_over || aligned || astray || jumps;
        let rare = soon_over && !random.once_in(200) || maybe_over && !random.once_in(20);
        if !rare && !sums && insn.flow_control() != FlowControl::ConditionalBranch {
            units.push(unit.code().to_vec());
        }
    }
    units
}

/// An image of programs, and where each starts.
fn random_image(random: &mut Random, pool: &[Vec<u8>], level: Level) -> (Program, Vec<u64>) {
    let mut image = Program::new();
    image.level = level as u32 + 1;
    // What rdi may point to at a trap.
    let page = |random: &mut Random| layout::DATA_BASE + random.below(1 << 20) * layout::PAGE;
    let (jail, size) = (page(random), random.below(3) * layout::PAGE);
    let none = random.number();
    let id = random.of(&[trap::JAIL, trap::UNJAIL, trap::READ, none]);
    let array = image.words(&[id, 0, jail, size, 8, 0]);
    let mut starts = Vec::new();
    for _ in 0..PROGRAMS {
        starts.push(image.align());
        prologue(&mut image, random, array);
        for _ in 0..1 + random.below(BUNDLES) {
            body(&mut image, random, pool);
        }
    }
    image.align();
    image.exit(0);
    (image, starts)
}

/// Hostile values for all registers, flags and gs base.
fn prologue(image: &mut Program, random: &mut Random, array: u64) {
    for register in 0..16u8 {
        // Most name memory that is there when cut to 32 bits, so that a program goes on; whole, most name the host's.
        let inside = layout::DATA_BASE + 0x10_0000 + random.below(0xE000_0000);
        let value = match random.below(24) {
            0 => random.number(),
            1 => layout::SANDBOX_END - 1 - random.below(64),
            // Code, some of it a target of an indirect jump.
            2 => layout::TEXT_BASE + random.below(image.text.len() as u64 + 64),
            3 => array,
            4..8 => inside,
            8..12 => 0xFFFF_8000_0000_0000 | random.below(1 << 14) << 32 | inside & !63,
            12..16 => random.number() << 32 | inside & !63,
            _ => CANARY.start + (random.below(1 << 13) << 32) + (inside & !63),
        };
        if register == 4 {
            // In the stack, at its ends, or anywhere below 4 GiB.
            let stack = match random.below(16) {
                0 => value as u32,
                1 => (layout::STACK_TOP - 8 * random.below(4)) as u32,
                _ => (layout::STACK_TOP - 0x1000 - 8 * random.below(1 << 12)) as u32,
            };
            image.raw(&[&[0xBC][..], &stack.to_le_bytes()].concat());
        } else {
            let head = [0x48 | register >> 3, 0xB8 | register & 7];
            image.raw(&[&head[..], &value.to_le_bytes()].concat());
        }
    }
    if random.once_in(2) {
        // wrgsbase %r32
        let register = random.below(16) as u8;
        image.raw(&[0xF3, 0x40 | register >> 3, 0x0F, 0xAE, 0xD8 | register & 7]);
    }
    if random.once_in(4) {
        image.raw(&[0xFD]);
    }
}

/// One bundle or a bit more: units as they come, now and then a branch, a call, a trap.
fn body(image: &mut Program, random: &mut Random, pool: &[Vec<u8>]) {
    let here = image.align();
    match random.below(48) {
        // To a bundle of this image; most go forward, so that most programs end.
        0 => {
            let target = bundle_near(here, random);
            image.put(|a| a.jmp(target));
        }
        1 => {
            let target = bundle_near(here, random);
            image.put(|a| a.je(target));
        }
        2 => {
            let target = bundle_near(here, random);
            image.call(target);
        }
        3 if random.once_in(4) => {
            image.call(layout::TRAMPOLINE_BASE);
        }
        // A guarded jump or return; most to a bundle that is there, the others to whatever the register or the stack holds.
        4 => {
            let register = random.of(&[0u8, 1, 2, 3, 5, 6, 7]);
            let target = (bundle_near(here, random) | random.below(32)) as u32;
            if !random.once_in(8) {
                image.raw(&[&[0xB8 | register][..], &target.to_le_bytes()].concat());
            }
            image.raw(&[0x83, 0xE0 | register, 0xE0, 0xFF, 0xE0 | register]);
        }
        5 => {
            let target = (bundle_near(here, random) | random.below(32)) as u32;
            if !random.once_in(8) {
                image.raw(&[&[0x68][..], &target.to_le_bytes()].concat());
            }
            image.raw(&[0x48, 0x81, 0x24, 0x24, 0xE0, 0xFF, 0xFF, 0x7F, 0xC3]);
        }
        _ => {}
    }
    for _ in 0..random.below(10) {
        let unit = &pool[random.below(pool.len() as u64) as usize];
        if image.text.len() % BUNDLE + unit.len() > BUNDLE {
            break;
        }
        // A call must end its bundle.
        let call = unit.len() >= 2 && matches!(unit[unit.len() - 2..], [0xFF, 0xD0..=0xD7]);
        if !call {
            image.raw(unit);
        }
    }
}

/// The start of a bundle that this or a later program has, or now and then one before.
fn bundle_near(here: u64, random: &mut Random) -> u64 {
    let bundles = random.below(6) * BUNDLE as u64;
    if random.once_in(10) {
        here.saturating_sub(bundles).max(layout::TEXT_BASE)
    } else {
        here + BUNDLE as u64 + bundles
    }
}

impl Findings {
    /// Counts how an image ended, and notes what must not be.
    pub fn judge(
        &mut self,
        outcome: &Result<zvm_runtime::Report, zvm_runtime::RunError>,
        text: &[u8],
        starts: &[u64],
    ) {
        self.images += 1;
        let report = match outcome {
            Ok(report) => report,
            Err(error) if error.to_string().contains("rejected at text offset") => {
                self.rejected += 1;
                return;
            }
            Err(error) => {
                self.wrong.push(error.to_string());
                return;
            }
        };
        let mut started = starts.len();
        match &report.outcome {
            Outcome::Exited(_) => self.exits += 1,
            Outcome::BadTrap { .. } => {
                self.bad_traps += 1;
                started = 1;
            }
            Outcome::CpuTime(_) | Outcome::TimedOut(_) => {
                self.out_of_time += 1;
                started = 1;
            }
            // Nobody asks for a snapshot here.
            Outcome::OutputLimit(_) | Outcome::Snapshot => self.exits += 1,
            Outcome::Fault(fault) => {
                let fault = Fault::parse(&fault.lines);
                match fault {
                    Some(fault) => {
                        started = starts.iter().filter(|&&start| start <= fault.rip).count();
                        if fault.rip >= layout::TEXT_BASE + text.len() as u64 {
                            started = 1;
                        }
                        self.fault(&fault, text);
                    }
                    None => self
                        .wrong
                        .push(format!("an unreadable report: {outcome:?}")),
                }
            }
        }
        self.programs += started.max(1) as u64;
    }

    fn fault(&mut self, fault: &Fault, text: &[u8]) {
        let highest = layout::GUARD_END;
        // What lies below rsp = 0 is the kernel's: it faults, and rule C6 bounds it.
        let outside = |address: u64| address >= highest && address < 0u64.wrapping_sub(8 << 20);
        if fault.rip >= layout::SANDBOX_END || fault.registers[4] > layout::SANDBOX_END {
            self.wrong.push(format!("rip or rsp outside: {fault:x?}"));
        }
        match fault.address {
            Some(address) => {
                if address == fault.rip {
                    self.fetch_faults += 1;
                } else {
                    self.memory_faults += 1;
                }
                if outside(address) {
                    self.wrong.push(format!("an address outside: {fault:x?}"));
                }
            }
            None => {
                self.other_faults += 1;
                let at = fault.rip.wrapping_sub(layout::TEXT_BASE) as usize;
                let code = text.get(at..).unwrap_or_default();
                if code.is_empty() {
                    return;
                }
                let insn: Instruction =
                    Decoder::with_ip(64, code, fault.rip, DecoderOptions::NO_INVALID_CHECK)
                        .decode();
                // gs base is below 4 GiB, which leaves its operands inside.
                let gs = insn.segment_prefix() == Register::GS;
                if !gs && processor::address(&insn, &fault.registers).is_some_and(outside) {
                    self.wrong
                        .push(format!("an address outside: {insn}: {fault:x?}"));
                }
            }
        }
    }
}

/// What the runtime's report says.
#[derive(Debug)]
struct Fault {
    /// Of a page fault.
    address: Option<u64>,
    rip: u64,
    /// By number.
    registers: [u64; 16],
}

impl Fault {
    fn parse(lines: &[String]) -> Option<Fault> {
        const NAMES: [&str; 16] = [
            "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11",
            "r12", "r13", "r14", "r15",
        ];
        let words: Vec<&str> = lines
            .iter()
            .skip(2)
            .flat_map(|line| line.split_whitespace())
            .collect();
        let value = |name: &str| {
            let at = words.iter().position(|&word| word == name)?;
            u64::from_str_radix(words.get(at + 1)?, 16).ok()
        };
        let mut registers = [0; 16];
        for (register, name) in registers.iter_mut().zip(NAMES) {
            *register = value(name)?;
        }
        let first = lines.first()?;
        let address = ["read of 0x", "write to 0x", "execution of 0x"]
            .iter()
            .find_map(|deed| first.split_once(deed))
            .and_then(|(_, rest)| {
                let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
                u64::from_str_radix(&digits, 16).ok()
            });
        Some(Fault {
            address,
            rip: value("rip")?,
            registers,
        })
    }
}
