//! Damaged images: bits flipped, bytes inserted, targets shifted by one. Each is rejected, or it still keeps the rules in the
//! other decoder's terms and stays confined when it runs.

use std::io;
use std::os::unix::fs::FileExt;

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use zvm_validator::{BUNDLE, Level, bitmap_len, validate};

use crate::ask::BASE;
use crate::hunt;
use crate::oracle;
use crate::processor::Canary;
use crate::random::Random;

/// The ways to damage text.
const WAYS: [&str; 6] = [
    "one bit",
    "two bits",
    "a byte inserted in a bundle",
    "a byte inserted in text",
    "a branch target shifted",
    "a bit of the file",
];

/// What became of one way's images.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Tried.
    pub tried: u64,
    /// Rejected by the validator, or by the reader of the file.
    pub rejected: u64,
    /// Accepted, and harmless to the other decoder.
    pub accepted: u64,
    /// Of those, run.
    pub run: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// By way.
    pub counts: Vec<(&'static str, Counts)>,
    /// How those that ran ended.
    pub outcomes: hunt::Findings,
    /// What must not be.
    pub wrong: Vec<String>,
}

/// Damages `image` in `count` ways; runs one of `every` that are accepted.
///
/// # Errors
/// The host's; `InvalidData` if `image` is none.
pub fn run(image: &[u8], count: u64, every: u64, seed: u64) -> io::Result<Findings> {
    let mut random = Random::new(seed);
    let (offset, length, level) =
        parts(image).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an image"))?;
    let canary = Canary::new()?;
    let file = tempfile::NamedTempFile::new()?;
    let mut counts = vec![Counts::default(); WAYS.len()];
    let mut findings = Findings::default();
    let mut scratch = vec![0; bitmap_len(length)];
    for number in 0..count {
        let way = (number % WAYS.len() as u64) as usize;
        let mut damaged = image.to_vec();
        let place = if way == 5 {
            let bit = random.below(8 * image.len() as u64) as usize;
            damaged[bit / 8] ^= 1 << (bit % 8);
            bit / 8
        } else {
            offset + damage(&mut damaged[offset..offset + length], way, &mut random)
        };
        let counts = &mut counts[way];
        counts.tried += 1;
        let in_text = (offset..offset + length).contains(&place);
        if in_text {
            let text = &damaged[offset..offset + length];
            if validate(text, BASE, level, &mut scratch).is_err() {
                counts.rejected += 1;
                continue;
            }
            // Of an insertion all that follows is new; a few bundles of it will do.
            let first = (place - offset) / BUNDLE;
            for bundle in first..(first + 8).min(length / BUNDLE) {
                if let Some(why) = objection(text, &scratch, bundle * BUNDLE, level) {
                    findings
                        .wrong
                        .push(format!("{}, byte {place:#x}: {why}", WAYS[way]));
                }
            }
        }
        counts.accepted += 1;
        if random.once_in(every.max(1)) {
            counts.run += 1;
            file.as_file().set_len(0)?;
            file.as_file().write_all_at(&damaged, 0)?;
            let outcome = zvm_runtime::run(&hunt::options(file.path()));
            if let (5, Err(error)) = (way, &outcome)
                && !error.to_string().contains("defect")
            {
                // The file's headers: an error in words is what should be.
                counts.rejected += 1;
                counts.accepted -= 1;
                continue;
            }
            findings
                .outcomes
                .judge(&outcome, &damaged[offset..offset + length], &[]);
        }
    }
    if canary.touched()? {
        findings.wrong.push("the canary was touched".to_owned());
    }
    findings.wrong.append(&mut findings.outcomes.wrong);
    findings.counts = WAYS.into_iter().zip(counts).collect();
    Ok(findings)
}

/// Damages text, and says where.
fn damage(text: &mut [u8], way: usize, random: &mut Random) -> usize {
    let at = random.below(text.len() as u64) as usize;
    match way {
        0 | 1 => {
            for _ in 0..=way {
                let near = (at + random.below(8) as usize).min(text.len() - 1);
                text[near] ^= 1 << random.below(8);
            }
            at
        }
        2 | 3 => {
            let end = if way == 2 {
                (at / BUNDLE + 1) * BUNDLE
            } else {
                text.len()
            };
            text.copy_within(at..end - 1, at + 1);
            text[at] = random.of(&[
                0x00,
                0x0F,
                0x66,
                0x67,
                0x48,
                0x90,
                0xE9,
                0xFF,
                random.0 as u8,
            ]);
            at
        }
        _ => shift_target(text, at, random),
    }
}

/// Moves a direct branch's target at or behind `at` by one byte.
fn shift_target(text: &mut [u8], at: usize, random: &mut Random) -> usize {
    let first = at / BUNDLE * BUNDLE;
    for bundle in (first..text.len()).step_by(BUNDLE) {
        let code = &text[bundle..bundle + BUNDLE];
        let mut decoder = Decoder::with_ip(64, code, bundle as u64, DecoderOptions::NONE);
        while decoder.can_decode() {
            let insn = decoder.decode();
            let near = matches!(
                insn.flow_control(),
                FlowControl::ConditionalBranch
                    | FlowControl::UnconditionalBranch
                    | FlowControl::Call
            );
            if near && insn.near_branch_target() != 0 {
                let end = bundle + decoder.position();
                let displacement = end - if insn.len() == 2 { 1 } else { 4 };
                let step = random.of(&[1, u8::MAX]);
                text[displacement] = text[displacement].wrapping_add(step);
                return displacement;
            }
        }
    }
    at
}

/// What the other decoder says against any unit of a bundle.
fn objection(text: &[u8], starts: &[u8], bundle: usize, level: Level) -> Option<String> {
    let code = &text[bundle..bundle + BUNDLE];
    let is_start = |at: usize| starts[(bundle + at) / 8] >> (at % 8) & 1 == 1;
    let units: Vec<usize> = (0..BUNDLE)
        .filter(|&at| is_start(at))
        .chain([BUNDLE])
        .collect();
    units.windows(2).find_map(|unit| {
        oracle::objection(
            &code[unit[0]..],
            unit[1] - unit[0],
            level as u32 + 1,
            u64::from(BASE) + (bundle + unit[0]) as u64,
        )
        .map(|why| format!("{:02x?}: {why}", &code[unit[0]..unit[1]]))
    })
}

/// Offset and length of an image's text, and its level.
fn parts(image: &[u8]) -> Option<(usize, usize, Level)> {
    let file = tempfile::NamedTempFile::new().ok()?;
    file.as_file().write_all_at(image, 0).ok()?;
    let image = zvm_runtime::image::Image::open(file.path()).ok()?;
    Some((
        image.text.offset as usize,
        image.text.size as usize,
        Level::try_from(image.level).ok()?,
    ))
}
