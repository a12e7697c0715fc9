//! How fast the rewriter is: `cargo run --release -p zvm-rewriter --example throughput -- FILE.elf…`, where the files are what
//! `zvm-cc --emit-elf FILE` keeps. Of several runs the least processor time, of all threads, beside decoding alone by iced; the least
//! wall time of each phase, which other work on the machine lengthens; and the most memory that the process had when it had
//! rewritten the file once, over the file's size.

use std::time::Duration;

use iced_x86::{Decoder, DecoderOptions, Instruction};
use object::{Object as _, ObjectSection as _};
use zvm_rewriter::{Options, rewrite};

const RUNS: usize = 10;

/// Processor time of all threads so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The most memory that the process has had, in bytes.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The best time of `RUNS` calls, and the last result.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let start = processor_time();
        let result = run();
        (processor_time() - start, result)
    };
    let (mut best, mut result) = once();
    for _ in 1..RUNS {
        let (time, next) = once();
        best = best.min(time);
        result = next;
    }
    (best, result)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args_os().skip(1) {
        let elf = std::fs::read(&path)?;
        let file = object::File::parse(&*elf)?;
        let text = file.section_by_name(".text").ok_or("no .text")?.data()?;
        let (decode, count) = best(|| {
            let mut decoder = Decoder::new(64, text, DecoderOptions::NONE);
            let (mut insn, mut count) = (Instruction::default(), 0u64);
            while decoder.can_decode() {
                decoder.decode_out(&mut insn);
                count += 1;
            }
            count
        });
        let options = Options::default();
        rewrite(&elf, &options)?;
        let memory = most_memory().unwrap_or(0);
        let mut phases: Vec<(&str, Duration)> = Vec::new();
        let (time, image) = best(|| {
            let image = rewrite(&elf, &options)?;
            if phases.is_empty() {
                phases.clone_from(&image.times);
            }
            for (known, new) in phases.iter_mut().zip(&image.times) {
                known.1 = known.1.min(new.1);
            }
            Ok::<_, zvm_rewriter::RewriteError>(image)
        });
        image?;
        let speed = |time: Duration| text.len() as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{}: {} KB of text, {count} instructions: {:.1} MB/s; decoding alone {:.1} MB/s ({:.1} times as fast); {:.1} MB of memory, {:.1} times the file",
            path.to_string_lossy(),
            text.len() / 1000,
            speed(time),
            speed(decode),
            time.as_secs_f64() / decode.as_secs_f64(),
            memory as f64 / 1e6,
            memory as f64 / elf.len() as f64,
        );
        for (phase, time) in phases {
            println!("  {phase:8} {:8.2} ms", time.as_secs_f64() * 1e3);
        }
    }
    Ok(())
}
