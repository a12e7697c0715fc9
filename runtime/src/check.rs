//! Asking the validator, and its answer in words with the disassembly around it.

use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction};
use zvm_abi::layout;
use zvm_validator::{Accepted, Level, Rejected};

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

/// Validates text as it is mapped: whole pages, of which the first `used` bytes are the image's.
///
/// # Errors
/// What is wrong and where, for people; several lines.
pub fn text(text: &[u8], used: usize, image_level: u32) -> Result<(MainText, Accepted), String> {
    let bundle = layout::BUNDLE as usize;
    if used < bundle || text[used - bundle..used].iter().any(|&byte| byte != 0xf4) {
        return Err("text does not end with a bundle of hlt".to_owned());
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
        Err(rejected) => Err(explain(text, base, &rejected)),
    }
}

/// The rejection with offset, bytes, rule, and the code around it.
fn explain(text: &[u8], base: u32, rejected: &Rejected) -> String {
    let offset = rejected.offset;
    let length = rejected.length.max(1);
    let bytes = text
        .get(offset..(offset + length).min(text.len()))
        .unwrap_or_default();
    let mut message = format!(
        "rejected at text offset {offset:#x} (address {:#x}): {}\n  rule: {}\n  bytes: {}",
        u64::from(base) + offset as u64,
        rejected.reason,
        rejected.rule,
        hex(bytes),
    );
    for (at, line) in disassemble(text, base, offset) {
        let mark = if at == offset { "=>" } else { "  " };
        message.push_str(&format!("\n  {mark} {line}"));
    }
    message
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The bundle at `offset` and its neighbours: (offset, line).
fn disassemble(text: &[u8], base: u32, offset: usize) -> Vec<(usize, String)> {
    let bundle = layout::BUNDLE as usize;
    let first = (offset / bundle).saturating_sub(1) * bundle;
    let end = ((offset / bundle + 2) * bundle).min(text.len());
    let mut formatter = GasFormatter::new();
    let mut lines = Vec::new();
    for start in (first..end).step_by(bundle) {
        let Some(code) = text.get(start..(start + bundle).min(end)) else {
            break;
        };
        let mut decoder = Decoder::with_ip(
            64,
            code,
            u64::from(base) + start as u64,
            DecoderOptions::NONE,
        );
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            let at = decoder.position();
            decoder.decode_out(&mut instruction);
            let mut line = String::new();
            formatter.format(&instruction, &mut line);
            let bytes = hex(&code[at..at + instruction.len()]);
            lines.push((
                start + at,
                format!("{:8x}: {bytes:<32} {line}", base as usize + start + at),
            ));
        }
    }
    lines
}
