//! The fault report: what happened, why it is not allowed, the registers, and where that is in the program.

use std::fmt;
use std::fmt::Write as _;

use zvm_abi::layout;

use crate::crash;
use crate::crash::snapshot::Snapshot;
use crate::error::status;
use crate::image::{Access, Image};
use crate::limits;
use crate::record::{Fault, NAMES, RIP, RSP};
use crate::space::{Plan, What};

/// A fault in words, made by the monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultReport {
    /// The signal's number.
    pub signal: i32,
    /// The lines of the report, without their `zvm:`.
    pub lines: Vec<String>,
}

impl FaultReport {
    pub(crate) fn new(
        fault: &Fault,
        plan: &Plan,
        image: &Image,
        snapshot: &Snapshot,
    ) -> FaultReport {
        let rip = fault.registers[RIP];
        let at = if fault.in_trap {
            format!("in a trap, rsp {:#x}", fault.registers[RSP])
        } else {
            format!("at {rip:#x}{}", in_brackets(crash::name(image, rip)))
        };
        let mut lines = vec![format!(
            "fault: {}: {} {at}",
            signal_name(fault.signal),
            deed(fault)
        )];
        lines.push(format!("  why: {}", reason(fault, plan)));
        for (row, chunk) in fault.registers.chunks(4).enumerate() {
            let mut line = String::from(" ");
            for (column, value) in chunk.iter().enumerate() {
                let _ = write!(line, " {:>6} {value:016x}", NAMES[row * 4 + column]);
            }
            lines.push(line);
        }
        if let Some(last) = lines.last_mut() {
            let _ = write!(last, " {:>6} {:016x}", "gsbase", fault.gs_base);
        }
        lines.extend(crash::backtrace(fault, image, snapshot));
        FaultReport {
            signal: fault.signal,
            lines,
        }
    }

    /// 128 + signal.
    pub fn status(&self) -> u8 {
        status::FAULT.wrapping_add(self.signal as u8)
    }
}

impl fmt::Display for FaultReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

fn in_brackets(symbol: Option<String>) -> String {
    symbol.map_or(String::new(), |symbol| format!(" <{symbol}>"))
}

/// The name of a signal that an instruction can cause, or that ends a process with a core.
pub fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGSYS => "SIGSYS",
        libc::SIGABRT => "SIGABRT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGKILL => "SIGKILL",
        _ => "signal",
    }
}

const PAGE_FAULT: u64 = 14;
const GENERAL_PROTECTION: u64 = 13;

#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Read,
    Write,
    Fetch,
}

/// From the page fault's error code.
fn kind(fault: &Fault) -> Kind {
    match (fault.error & 0x10 != 0, fault.error & 2 != 0) {
        (true, _) => Kind::Fetch,
        (_, true) => Kind::Write,
        _ => Kind::Read,
    }
}

fn deed(fault: &Fault) -> String {
    match (fault.signal, fault.exception) {
        _ if fault.code == libc::SI_USER => "sent by the program to itself".to_owned(),
        (_, PAGE_FAULT) => {
            let kind = match kind(fault) {
                Kind::Read => "read of",
                Kind::Write => "write to",
                Kind::Fetch => "execution of",
            };
            format!("{kind} {:#x}", fault.address)
        }
        (libc::SIGILL, _) => "illegal instruction".to_owned(),
        (libc::SIGFPE, _) => "arithmetic exception".to_owned(),
        (libc::SIGTRAP, _) => "breakpoint".to_owned(),
        (_, GENERAL_PROTECTION) => "forbidden instruction".to_owned(),
        _ => format!("CPU exception {}", fault.exception),
    }
}

fn reason(fault: &Fault, plan: &Plan) -> String {
    let rip = fault.registers[RIP];
    match (fault.signal, fault.exception) {
        (libc::SIGABRT, _) => "abort(): a failed assertion, an exception that nobody catches, or a check of the C library's".to_owned(),
        _ if fault.code == libc::SI_USER => "raise() or kill(), and no handler".to_owned(),
        (libc::SIGBUS, PAGE_FAULT) => "the mounted file became shorter while the program ran".to_owned(),
        (_, PAGE_FAULT) => access_reason(fault, plan),
        (libc::SIGILL, _) => "the program ran into a trap instruction such as ud2: an abort, unreachable code, or code for a \
                              CPU above the image's level"
            .to_owned(),
        (libc::SIGFPE, 0) => "integer division by zero, or a quotient that does not fit".to_owned(),
        (libc::SIGFPE, _) => "a floating-point exception that the program unmasked".to_owned(),
        (libc::SIGTRAP, _) => "the program executed int3".to_owned(),
        (_, GENERAL_PROTECTION) => match plan.find(rip).map(|region| region.what) {
            Some(What::Trampolines) => "an unused trampoline slot (hlt)".to_owned(),
            _ => "hlt (the end of text, or padding), or a misaligned vector access".to_owned(),
        },
        _ => "the CPU refused it".to_owned(),
    }
}

fn access_reason(fault: &Fault, plan: &Plan) -> String {
    let (address, rsp, kind) = (fault.address, fault.registers[RSP], kind(fault));
    if address < layout::NULL_END {
        return "null pointer: the first 64 KiB are never mapped".to_owned();
    }
    let near_stack = (layout::STACK_BASE - (1 << 20)..layout::STACK_BASE).contains(&address);
    if near_stack && kind != Kind::Fetch && rsp < layout::STACK_BASE + layout::PAGE {
        return format!("stack overflow: the stack has {} KiB", limits::STACK >> 10);
    }
    if (layout::SANDBOX_END..layout::GUARD_END).contains(&address) {
        return "the guard above 4 GiB: an access ran past the sandbox's end".to_owned();
    }
    match plan.find(address) {
        None if (layout::TRAMPOLINE_BASE..layout::TEXT_BASE).contains(&address) => {
            "an unused trampoline slot".to_owned()
        }
        None => "outside of the program's memory".to_owned(),
        Some(region) => {
            let what = match region.what {
                What::Trampolines => "a trampoline",
                What::Text => "code",
                What::Data if region.access == Access::Read => "read-only data",
                What::Data => "data",
                What::Heap => "the heap",
                What::Channel(_) => "a mounted file",
                What::Manifest => "the user manifest",
                What::Stack => "the stack",
            };
            match kind {
                Kind::Fetch => format!("{what} cannot be executed"),
                Kind::Write if region.what == What::Heap => {
                    "code that Jail made executable cannot be written".to_owned()
                }
                Kind::Write => format!("{what} cannot be written"),
                Kind::Read
                    if region.what == What::Heap
                        || region.what == What::Data
                        || region.what == What::Stack =>
                {
                    "the host had no memory for the page".to_owned()
                }
                Kind::Read => format!("{what} cannot be read"),
            }
        }
    }
}
