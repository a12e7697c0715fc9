//! Asking the validator, and its answer in words: the rule, what usually breaks it, the code around it.

use std::fmt;
use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction};
use zvm_abi::layout;
use zvm_validator::{Accepted, Level, Rejected, Rule};

/// The validator's name for an image's level, which [`crate::image`] has checked to be 1 to 4.
pub fn level(level: u32) -> Level {
    Level::try_from(level).unwrap_or(Level::V1)
}

/// Bytes of scratch that validating `length` bytes of text takes.
pub fn scratch_len(length: usize) -> usize {
    zvm_validator::bitmap_len(length)
}

/// Main text as Jail needs it: where it lies, and the legal targets of direct branches in it.
pub struct MainText {
    /// Its addresses.
    pub range: Range<u32>,
    /// What validating it left: one bit a byte.
    pub starts: Vec<u8>,
}

impl MainText {
    /// Validates code for Jail at guest address `base`; allocates nothing.
    pub fn accepts_jail(&self, code: &[u8], base: u32, level: Level, scratch: &mut [u8]) -> bool {
        let is_start = |address: u32| {
            let offset = address.wrapping_sub(self.range.start) as usize;
            self.starts
                .get(offset / 8)
                .is_some_and(|byte| byte >> (offset % 8) & 1 != 0)
        };
        zvm_validator::validate_jail(code, base, level, scratch, self.range.clone(), &is_start)
            .is_ok()
    }
}

/// Why text is refused.
pub enum Refused {
    /// The last bundle is something else.
    Unended,
    /// A rule is broken.
    Broken(Rejection),
}

/// A broken rule, and the code around it.
pub struct Rejection {
    /// What the validator said; its offset counts from the start of text.
    pub rejected: Rejected,
    /// The instruction's address.
    pub address: u64,
    /// The bytes there.
    pub bytes: Vec<u8>,
    /// Its bundle and the neighbours, disassembled.
    pub code: Vec<Line>,
}

/// An instruction.
pub struct Line {
    /// Where it starts.
    pub address: u64,
    /// Address, bytes and disassembly.
    pub text: String,
}

/// Validates text as it is mapped: whole pages, of which the first `used` bytes are the image's.
///
/// # Errors
/// What is wrong and where.
pub fn text(text: &[u8], used: usize, image_level: u32) -> Result<(MainText, Accepted), Refused> {
    let bundle = layout::BUNDLE as usize;
    if used < bundle || text[used - bundle..used].iter().any(|&byte| byte != 0xf4) {
        return Err(Refused::Unended);
    }
    let base = layout::TEXT_BASE as u32;
    let mut starts = vec![0; scratch_len(text.len())];
    match zvm_validator::validate(text, base, level(image_level), &mut starts) {
        Ok(accepted) => {
            // The first half says the starts; the rest was scratch.
            starts.truncate(text.len().div_ceil(8));
            Ok((
                MainText {
                    range: base..base + text.len() as u32,
                    starts,
                },
                accepted,
            ))
        }
        Err(rejected) => Err(Refused::Broken(Rejection::new(text, rejected))),
    }
}

impl Rejection {
    fn new(text: &[u8], rejected: Rejected) -> Rejection {
        let offset = rejected.offset;
        let end = (offset + rejected.length.max(1)).min(text.len());
        Rejection {
            rejected,
            address: layout::TEXT_BASE + offset as u64,
            bytes: text.get(offset..end).unwrap_or_default().to_vec(),
            code: disassemble(text, offset),
        }
    }

    /// Offset, bytes, rule, what usually breaks it, and the code around it; `function` is where the address lies.
    pub fn explain(&self, function: Option<&str>) -> String {
        let place = function.map_or(String::new(), |name| format!(" in {name}"));
        let mut message = format!(
            "rejected at text offset {:#x} (address {:#x}){place}: {}\n  rule: {}\n  usually: {}\n  bytes: {}",
            self.rejected.offset,
            self.address,
            self.rejected.reason,
            self.rejected.rule,
            cause(self.rejected.rule),
            hex(&self.bytes),
        );
        for line in &self.code {
            let mark = if line.address == self.address {
                "=>"
            } else {
                "  "
            };
            message.push_str(&format!("\n  {mark} {}", line.text));
        }
        message
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unended => f.write_str("text does not end with a bundle of hlt"),
            Refused::Broken(rejection) => f.write_str(&rejection.explain(None)),
        }
    }
}

/// What usually breaks a rule.
pub fn cause(rule: Rule) -> &'static str {
    match rule {
        Rule::C1 => {
            "the image was not made by zvm-cc or cargo zvm, or bytes of it were changed: the rewriter pads every bundle"
        }
        Rule::C2 => {
            "text was changed after the rewriter had laid it out, or a branch leads into data or into the middle of an instruction"
        }
        Rule::C3 => {
            "code that was linked around the rewriter: it masks every jmp and call through a register or memory"
        }
        Rule::C4 => "code that was linked around the rewriter: it puts a mask before every ret",
        Rule::C5 => {
            "text was changed after the rewriter had laid it out: it puts calls at a bundle's end"
        }
        Rule::C6 => {
            "code that was linked around the rewriter: it puts 67 before every access but those through rsp and rip"
        }
        Rule::C7 => {
            "thread-local storage by fs, as Linux has it: the rewriter turns it into gs; or assembly that uses gs itself"
        }
        Rule::C8 => {
            "code that was linked around the rewriter: it writes rsp only by 32-bit forms of mov, add, sub, and, lea, xchg, cmov"
        }
        Rule::C9 => {
            "data in text, a system call in assembly of one's own, or an instruction that no level of x86-64 has"
        }
        Rule::C10 => {
            "an instruction above the image's level (its note says which; see -march=x86-64-v2, -v3, -v4), or one whose \
             result tells what the host is"
        }
    }
}

/// Bytes as two digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The bundle at `offset` and its neighbours.
fn disassemble(text: &[u8], offset: usize) -> Vec<Line> {
    let bundle = layout::BUNDLE as usize;
    let first = (offset / bundle).saturating_sub(1) * bundle;
    let end = ((offset / bundle + 2) * bundle).min(text.len());
    let mut formatter = GasFormatter::new();
    let mut lines = Vec::new();
    for start in (first..end).step_by(bundle) {
        let Some(code) = text.get(start..(start + bundle).min(end)) else {
            break;
        };
        let first = layout::TEXT_BASE + start as u64;
        let mut decoder = Decoder::with_ip(64, code, first, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            let at = decoder.position();
            decoder.decode_out(&mut instruction);
            let mut line = String::new();
            formatter.format(&instruction, &mut line);
            let bytes = hex(&code[at..at + instruction.len()]);
            let address = first + at as u64;
            lines.push(Line {
                address,
                text: format!("{address:8x}: {bytes:<32} {line}"),
            });
        }
    }
    lines
}
