//! What a trap costs: runs a program that makes ten million traps, twice: once Fork, which the runtime answers at once,
//! and once without the call, and prints the difference in nanoseconds a trap. Takes the level (1 to 4), default 1.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use iced_x86::code_asm::{ebx, edi};
use support::Program;
use zvm_abi::{layout, trap};
use zvm_runtime::{Outcome, RunOptions};

const TRAPS: u32 = 10_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let level = std::env::args()
        .nth(1)
        .map_or(Ok(1), |level| level.parse())?;
    let best = |with: bool| -> Result<f64, Box<dyn std::error::Error>> {
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            best = best.min(run(level, with)?);
        }
        Ok(best)
    };
    let (with, without) = (best(true)?, best(false)?);
    println!(
        "x86-64-v{level}: {:.1} ns a trap",
        (with - without) * 1e9 / f64::from(TRAPS)
    );
    println!(
        "start and end of an instance: {:.2} ms",
        run_once(&image(level, 0, false))? * 1e3
    );
    Ok(())
}

fn image(level: u32, count: u32, with: bool) -> Vec<u8> {
    let mut p = Program::new();
    p.level = level;
    let array = p.words(&[trap::FORK, 0, 0, 0, 0, 0]);
    p.put(|a| a.mov(ebx, count + 1));
    let again = p.align();
    p.put(|a| a.mov(edi, array as u32));
    if with {
        p.call(layout::TRAMPOLINE_BASE);
    }
    p.put(|a| a.dec(ebx)).put(|a| a.jne(again)).exit(0);
    p.elf()
}

fn run(level: u32, with: bool) -> Result<f64, Box<dyn std::error::Error>> {
    run_once(&image(level, TRAPS, with))
}

fn run_once(elf: &[u8]) -> Result<f64, Box<dyn std::error::Error>> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), elf)?;
    let start = Instant::now();
    let outcome = zvm_runtime::run(&RunOptions::new(file.path()))?;
    let time = start.elapsed().as_secs_f64();
    match outcome.outcome {
        Outcome::Exited(0) => Ok(time),
        other => Err(other.lines().join("\n").into()),
    }
}
