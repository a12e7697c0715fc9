//! The `attack` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use zvm_attack::{enumerate, hunt, mutate, processor};

/// Attacks on the validator and the runtime
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compare what the validator accepts with two other decoders, over byte strings of every opcode map
    Enumerate {
        /// Try one of so many byte strings
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        stride: u64,
        /// Which of the parts that the stride makes, from 0: all of them together are all byte strings
        #[arg(long, default_value_t = 0)]
        part: u64,
    },
    /// Run accepted instructions one by one on this processor: their length, and what memory they touch
    Processor {
        /// How many
        #[arg(default_value_t = 10_000_000)]
        count: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Damage images, and run what the validator still accepts
    Mutate {
        /// The images
        #[arg(required = true)]
        images: Vec<std::path::PathBuf>,
        /// How many ways for each
        #[arg(long, default_value_t = 10_000)]
        count: u64,
        /// Run one of so many that are accepted
        #[arg(long, default_value_t = 20)]
        every: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run random programs of accepted instructions with hostile registers in the real runtime
    Hunt {
        /// How many
        #[arg(default_value_t = 1_000_000)]
        programs: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Enumerate { stride, part } => enumeration(stride, part),
        Command::Mutate {
            images,
            count,
            every,
            seed,
        } => mutation(&images, count, every, seed),
        Command::Hunt { programs, seed } => escape_hunt(programs, seed),
        Command::Processor { count, seed } => on_the_processor(count, seed),
    }
}

fn enumeration(stride: u64, part: u64) -> ExitCode {
    let findings = enumerate::run(stride, part, &mut |counts| {
        eprintln!(
            "{}: {} tried, {} accepted",
            counts.name, counts.tried, counts.accepted
        );
    });
    println!("{:<16} {:>14} {:>12}", "family", "tried", "accepted");
    for counts in &findings.counts {
        println!(
            "{:<16} {:>14} {:>12}",
            counts.name, counts.tried, counts.accepted
        );
    }
    let sum = |field: fn(&enumerate::Counts) -> u64| findings.counts.iter().map(field).sum::<u64>();
    println!(
        "{:<16} {:>14} {:>12}",
        "all",
        sum(|counts| counts.tried),
        sum(|counts| counts.accepted)
    );
    println!("differences on the list (explained.txt):");
    for (line, times) in &findings.explained {
        println!("{times:>12}  {line}");
    }
    println!("{} unexplained", findings.unexplained.len());
    for (what, (example, times)) in &findings.unexplained {
        println!("{times:>12}  {what}  e.g. {example}");
    }
    ExitCode::from(u8::from(!findings.unexplained.is_empty()))
}

fn on_the_processor(count: u64, seed: u64) -> ExitCode {
    let findings = match processor::run(count, seed) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("attack: cannot map the addresses that this needs: {error}");
            return ExitCode::from(2);
        }
    };
    println!(
        "{} instructions run: {} finished, {} faulted on memory, {} otherwise",
        findings.run, findings.finished, findings.memory, findings.other
    );
    verdict(&findings.wrong)
}

fn escape_hunt(programs: u64, seed: u64) -> ExitCode {
    let findings = hunt::run(programs, seed, &mut |findings| {
        eprintln!(
            "{} programs in {} images",
            findings.programs, findings.images
        );
    });
    let findings = match findings {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("attack: {error}");
            return ExitCode::from(2);
        }
    };
    println!(
        "{} programs started in {} images\n  {} exits, {} out of time, {} bad traps\n  \
         {} faults on memory, {} on a fetch, {} others\n  {} rejected",
        findings.programs,
        findings.images,
        findings.exits,
        findings.out_of_time,
        findings.bad_traps,
        findings.memory_faults,
        findings.fetch_faults,
        findings.other_faults,
        findings.rejected
    );
    verdict(&findings.wrong)
}

fn mutation(images: &[std::path::PathBuf], count: u64, every: u64, seed: u64) -> ExitCode {
    let mut wrong = Vec::new();
    for path in images {
        let findings =
            std::fs::read(path).and_then(|image| mutate::run(&image, count, every, seed));
        let findings = match findings {
            Ok(findings) => findings,
            Err(error) => {
                eprintln!("attack: {}: {error}", path.display());
                return ExitCode::from(2);
            }
        };
        println!("{}", path.display());
        println!(
            "  {:<28} {:>8} {:>9} {:>9} {:>7}",
            "", "tried", "rejected", "accepted", "run"
        );
        for (way, counts) in &findings.counts {
            println!(
                "  {way:<28} {:>8} {:>9} {:>9} {:>7}",
                counts.tried, counts.rejected, counts.accepted, counts.run
            );
        }
        let ended = &findings.outcomes;
        println!(
            "  of those run: {} exits, {} out of time, {} bad traps, {} faults",
            ended.exits,
            ended.out_of_time,
            ended.bad_traps,
            ended.memory_faults + ended.fetch_faults + ended.other_faults
        );
        wrong.extend(findings.wrong);
    }
    verdict(&wrong)
}

/// Prints what must not be.
fn verdict(wrong: &[String]) -> ExitCode {
    println!("{} wrong", wrong.len());
    wrong.iter().take(100).for_each(|line| println!("  {line}"));
    ExitCode::from(u8::from(!wrong.is_empty()))
}
