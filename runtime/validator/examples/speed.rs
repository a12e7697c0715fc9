//! `speed IMAGE…`: the validator's speed on images' text, on one core, beside a decoder and a sum over the same bytes.
//!
//! The machine's own noise cancels in the ratios: all three read the same bytes in turn, and the fastest of several turns counts.
//! What counts is this thread's time on the processor, not the clock's: other programs may run beside it.

use std::hint::black_box;

use iced_x86::{Decoder, DecoderOptions, Instruction};
use zvm_validator::{BUNDLE, Level, bitmap_len, validate};

/// Bytes that one turn reads at least, so that small images are measured as well as large ones.
const TURN: usize = 4 << 20;
const TURNS: usize = 15;

fn main() {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: speed IMAGE…");
        std::process::exit(2);
    }
    println!("      text  instructions  validate MB/s  of decoding  of summing  image");
    for file in &files {
        if let Err(why) = measure(file) {
            eprintln!("speed: {file}: {why}");
            std::process::exit(1);
        }
    }
}

fn measure(file: &str) -> Result<(), String> {
    let image = std::fs::read(file).map_err(|error| error.to_string())?;
    let (text, base) = text(&image).ok_or("no ELF file with whole bundles of executable code")?;
    let mut scratch = vec![0; bitmap_len(text.len())];
    // The highest level accepts what every lower one does, by the same comparison.
    let accepted = validate(text, base, Level::V4, &mut scratch)
        .map_err(|r| format!("rejected at text offset {:#x}: {}", r.offset, r.reason))?;

    let rounds = TURN.div_ceil(text.len());
    let (mut validating, mut decoding, mut summing) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..TURNS {
        validating = validating.min(seconds(rounds, || {
            let _ = black_box(validate(black_box(text), base, Level::V4, &mut scratch));
        }));
        decoding = decoding.min(seconds(rounds, || {
            let mut decoder =
                Decoder::with_ip(64, black_box(text), base.into(), DecoderOptions::NONE);
            let mut instruction = Instruction::default();
            while decoder.can_decode() {
                decoder.decode_out(&mut instruction);
                black_box(&instruction);
            }
        }));
        summing = summing.min(seconds(rounds, || {
            black_box(
                black_box(text)
                    .iter()
                    .map(|&byte| u64::from(byte))
                    .sum::<u64>(),
            );
        }));
    }
    println!(
        "{:>10}  {:>12}  {:>13.0}  {:>10.2}x  {:>9.3}x  {file}",
        text.len(),
        accepted.instructions,
        text.len() as f64 / validating / 1e6,
        decoding / validating,
        summing / validating,
    );
    Ok(())
}

/// Seconds on the processor that one of `rounds` takes.
fn seconds(rounds: usize, mut work: impl FnMut()) -> f64 {
    let start = nanoseconds();
    for _ in 0..rounds {
        work();
    }
    (nanoseconds() - start) as f64 / 1e9 / rounds as f64
}

/// Nanoseconds that this thread has been on a processor.
fn nanoseconds() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The first executable segment of an ELF64 file, cut to whole bundles, and its address.
fn text(image: &[u8]) -> Option<(&[u8], u32)> {
    let number = |at: usize, length: usize| {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(image.get(at..at.checked_add(length)?)?);
        Some(u64::from_le_bytes(bytes) as usize)
    };
    if image.get(..5)? != b"\x7fELF\x02" {
        return None;
    }
    let (headers, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let header = headers.checked_add(index * size)?;
        let (load, executable) = (1, 1);
        if number(header, 4)? == load && number(header.checked_add(4)?, 4)? & executable != 0 {
            let (offset, address) = (number(header + 8, 8)?, number(header + 16, 8)?);
            let length = number(header + 32, 8)? / BUNDLE * BUNDLE;
            let text = image.get(offset..offset.checked_add(length)?)?;
            return (!text.is_empty()).then_some((text, u32::try_from(address).ok()?));
        }
    }
    None
}
