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
    /// Whether a direct branch may lead to this address.
    pub fn is_start(&self, address: u32) -> bool {
        let offset = address.wrapping_sub(self.range.start) as usize;
        self.starts
            .get(offset / 8)
            .is_some_and(|byte| byte >> (offset % 8) & 1 != 0)
    }

    /// Validates code for Jail at guest address `base`; allocates nothing.
    pub fn accepts_jail(&self, code: &[u8], base: u32, level: Level, scratch: &mut [u8]) -> bool {
        let is_start = |address| self.is_start(address);
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

/// Validates text as it is mapped: whole pages, of which the first `used` bytes are the image's. Large text by up to so many
/// threads; an instance, which must never have more than one, says 1.
///
/// # Errors
/// What is wrong and where.
pub fn text(
    text: &[u8],
    used: usize,
    image_level: u32,
    threads: usize,
) -> Result<(MainText, Accepted), Refused> {
    let bundle = layout::BUNDLE as usize;
    if used < bundle || text[used - bundle..used].iter().any(|&byte| byte != 0xf4) {
        return Err(Refused::Unended);
    }
    let base = layout::TEXT_BASE as u32;
    match parts(
        text,
        base,
        level(image_level),
        threads.min(text.len() / PART),
    ) {
        Ok((starts, accepted)) => Ok((
            MainText {
                range: base..base + text.len() as u32,
                starts,
            },
            accepted,
        )),
        Err(rejected) => Err(Refused::Broken(Rejection::new(text, rejected))),
    }
}

/// Bytes of text that are worth a thread: half a millisecond of validation. With less, starting the thread costs what it gains.
const PART: usize = 1 << 19;

/// Validates by so many threads. The first half of the answer is the instructions' starts, a bit a byte.
fn parts(
    text: &[u8],
    base: u32,
    level: Level,
    threads: usize,
) -> Result<(Vec<u8>, Accepted), Rejected> {
    if threads < 2 {
        let mut starts = vec![0; scratch_len(text.len())];
        let accepted = zvm_validator::validate(text, base, level, &mut starts)?;
        // The rest was scratch.
        starts.truncate(text.len().div_ceil(8));
        return Ok((starts, accepted));
    }
    let length = text.len().div_ceil(threads).next_multiple_of(PAGE);
    let mut starts = vec![0; text.len() / 8];
    let verdicts: Vec<Result<Vec<u8>, Rejected>> = std::thread::scope(|scope| {
        let parts: Vec<_> = starts
            .chunks_mut(length / 8)
            .enumerate()
            .map(|(number, starts)| {
                let part = number * length..text.len().min((number + 1) * length);
                scope.spawn(move || {
                    let mut targets = vec![0; text.len() / 8];
                    zvm_validator::validate_part(text, part, base, level, starts, &mut targets)?;
                    Ok(targets)
                })
            })
            .collect();
        parts
            .into_iter()
            .map(|part| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut targets: Vec<u8> = Vec::new();
    for verdict in verdicts {
        // The first part's rejection is the first one.
        let of = verdict?;
        if targets.is_empty() {
            targets = of;
        } else {
            targets.iter_mut().zip(&of).for_each(|(all, of)| *all |= of);
        }
    }
    let accepted = zvm_validator::join(text, base, level, &starts, &targets)?;
    Ok((starts, accepted))
}

const PAGE: usize = layout::PAGE as usize;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Several threads say what one says, of right text and of text with one wrong byte anywhere.
    #[test]
    fn parts_agree_with_the_whole() {
        let base = layout::TEXT_BASE as u32;
        let mut text = vec![0x90; 5 * PAGE];
        for (number, bundle) in text.chunks_exact_mut(32).enumerate() {
            // A jump of four bytes' displacement, far and near, over the parts' bounds.
            let target = (number * 7919 % 160 * 4) as i32 * 32 - (number * 32) as i32 - 5;
            bundle[0] = 0xE9;
            bundle[1..5].copy_from_slice(&target.to_le_bytes());
        }
        for wrong in (0..text.len()).step_by(97) {
            for byte in [0x90, 0xC3, 0x0F] {
                let kept = std::mem::replace(&mut text[wrong], byte);
                let one = parts(&text, base, Level::V1, 1);
                for threads in [2, 3, 5] {
                    let several = parts(&text, base, Level::V1, threads);
                    assert_eq!(several, one, "{wrong:#x} {threads}");
                }
                text[wrong] = kept;
            }
        }
        assert!(parts(&text, base, Level::V1, 3).is_ok());
    }
}
