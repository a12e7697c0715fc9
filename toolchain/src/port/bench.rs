//! `cargo zvm port bench`: programs in a port's interpreter, sandboxed and by the native program of the same objects, in turn.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use zvm_sysroot::{Progress, Sysroot};

use super::builder::{self, Built};
use super::launch::{self, Start};
use super::recipe;
use crate::bench::builds::Side;
use crate::bench::measure::{Clock, Sample, Summary, geometric_mean};
use crate::bench::{IMAGE, in_turn};
use crate::project::build::say;

/// The recipes' folders in a checkout of the SDK, which have the programs.
const RECIPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sysroot/ports");
/// Where the programs are in the sandbox.
const FILES: &str = "/bench";
/// The line of the start that does nothing.
const NOTHING: &str = "nothing";

/// `bench`
#[derive(Debug, Args)]
pub struct Bench {
    /// The port
    name: String,
    /// Only programs whose name contains this (may be given again)
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Runs of each side, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// The time that counts
    #[arg(long, value_enum, default_value_t = Clock::Cpu)]
    clock: Clock,
}

/// A program's samples.
struct Row {
    name: String,
    native: Vec<Sample>,
    sandboxed: Vec<Sample>,
}

impl Row {
    fn new(name: &str, sides: Vec<(Side, Vec<Sample>)>) -> Row {
        let mut row = Row {
            name: name.to_owned(),
            native: Vec::new(),
            sandboxed: Vec::new(),
        };
        for (side, samples) in sides {
            match side {
                Side::Native => row.native = samples,
                _ => row.sandboxed = samples,
            }
        }
        row
    }

    /// Seconds of each side, and the ratio of the runs that followed each other.
    fn summaries(&self, clock: Clock) -> Option<[Summary; 3]> {
        let seconds = |samples: &[Sample]| Summary::of(samples.iter().map(|s| s.seconds(clock)));
        let pairs = self.sandboxed.iter().zip(&self.native);
        // A time below the clock's resolution is no reason to divide by zero.
        let ratios = pairs.map(|(a, b)| a.seconds(clock) / b.seconds(clock).max(1e-6));
        Some([
            seconds(&self.native)?,
            seconds(&self.sandboxed)?,
            Summary::of(ratios)?,
        ])
    }
}

impl Bench {
    /// Measures, and prints the table to stdout. The exit status is a failure if a program fails or says something else
    /// in the sandbox; the others are measured all the same.
    ///
    /// # Errors
    /// The port cannot be built or has no programs to time, or none could be timed.
    pub fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let built = builder::build(&self.name, &Sysroot::open(progress)?, progress)?;
        let Some(recipe) = &built.entry.recipe.bench else {
            bail!("the recipe of {} names nothing to time", self.name);
        };
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let mut programs = gather(&built, recipe, folder.path())?;
        programs.push(NOTHING.to_owned());
        if !self.only.is_empty() {
            programs.retain(|name| self.only.iter().any(|only| name.contains(&**only)));
        }
        let mut rows = Vec::new();
        let mut failures = Vec::new();
        for name in &programs {
            say("Running", name);
            let sides = vec![Side::Native, Side::Sandboxed];
            let command = |side| command(&built, recipe, folder.path(), name, side);
            match in_turn(name, sides, self.pairs, command) {
                Ok(sides) => rows.push(Row::new(name, sides)),
                Err(error) => failures.push(format!("{name}: {error:#}")),
            }
        }
        for failure in &failures {
            eprintln!("cargo zvm port bench: error: {failure}");
        }
        if rows.is_empty() {
            bail!("nothing could be timed");
        }
        print!("{}", table(&rows, self.clock, self.pairs));
        Ok(if failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// For a terminal. The start is a matter of milliseconds: it says nothing about speed, and is not part of the mean.
fn table(rows: &[Row], clock: Clock, pairs: u32) -> String {
    let longest = rows.iter().map(|row| row.name.len()).max();
    let width = longest.unwrap_or(0).max(8);
    let mut out = format!(
        "{:width$} {:>9} {:>9} {:>7} spread\n",
        "program", "native", "sandboxed", "ratio"
    );
    let mut ratios = Vec::new();
    for row in rows {
        let Some([native, sandboxed, ratio]) = row.summaries(clock) else {
            continue;
        };
        if row.name != NOTHING {
            ratios.push(ratio.median);
        }
        out += &format!(
            "{:width$} {:>8.3}s {:>8.3}s {:>7.3} {:.3} to {:.3}\n",
            row.name, native.median, sandboxed.median, ratio.median, ratio.min, ratio.max
        );
    }
    if let Some(mean) = geometric_mean(ratios) {
        out += &format!("{:width$} {:>9} {:>9} {mean:>7.3}\n", "geomean", "", "");
    }
    let name = clock.name();
    out + &format!(
        "{name} time, medians of {pairs} runs in turn; ratios pair by pair; `{NOTHING}` is an empty start, and no part of the mean\n"
    )
}

/// Copies what is to be timed, and what lies beside it, into `folder`: the names of the programs, sorted.
fn gather(built: &Built, recipe: &recipe::Bench, folder: &Path) -> Result<Vec<String>> {
    let port = &*built.entry.recipe.name;
    let checkout = [Path::new(RECIPES), Path::new("sysroot/ports")]
        .into_iter()
        .map(|ports| ports.join(port).join("bench"))
        .find(|path| path.is_dir());
    let mut names = Vec::new();
    if let Some(checkout) = checkout {
        let entries = fs::read_dir(&checkout)
            .with_context(|| format!("cannot read {}", checkout.display()))?;
        for entry in entries.flatten() {
            names.push(copy(&entry.path(), folder)?);
        }
    }
    for file in &recipe.files {
        copy(&built.work.join(file), folder)?;
    }
    names.sort();
    Ok(names)
}

/// Copies a file: its name.
fn copy(file: &Path, folder: &Path) -> Result<String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    fs::copy(file, folder.join(&*name))
        .with_context(|| format!("cannot copy {}", file.display()))?;
    Ok(name.into_owned())
}

/// What starts a program on one side.
fn command(
    built: &Built,
    recipe: &recipe::Bench,
    folder: &Path,
    name: &str,
    side: Side,
) -> Result<Command> {
    let place = match side {
        Side::Sandboxed => FILES.to_owned(),
        _ => folder.to_string_lossy().into_owned(),
    };
    let file = format!("{place}/{name}");
    let args = if name == NOTHING {
        &recipe.nothing
    } else {
        &recipe.args
    };
    let mut start = Start {
        args: args
            .iter()
            .map(|arg| arg.replace("{file}", &file).into())
            .collect(),
        ..Start::default()
    };
    if side != Side::Sandboxed {
        return launch::native(built, &start);
    }
    if name != NOTHING {
        let mount = format!("{}:{FILES}:ro", folder.display());
        start.options = ["--mount".into(), OsString::from(mount)].into();
    }
    let this = std::env::current_exe().context("cannot find this executable, to run images")?;
    let mut command = Command::new(this);
    command
        .arg(IMAGE)
        .arg("zvm")
        .args(launch::sandboxed(built, &start)?);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_programs_and_not_of_the_start() {
        let samples = |times: &[f64]| -> Vec<Sample> {
            let sample = |&time: &f64| Sample {
                cpu: time,
                user: time,
                wall: time,
            };
            times.iter().map(sample).collect()
        };
        let row = |name, native: &[f64], sandboxed: &[f64]| {
            let sides = vec![
                (Side::Native, samples(native)),
                (Side::Sandboxed, samples(sandboxed)),
            ];
            Row::new(name, sides)
        };
        let rows = [
            row("a.py", &[1.0, 2.0, 1.0], &[1.0, 4.0, 2.0]),
            row("b.py", &[1.0; 3], &[8.0; 3]),
            row(NOTHING, &[0.01; 3], &[0.1; 3]),
        ];
        let text = table(&rows, Clock::Cpu, 3);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].contains("2.000 1.000 to 2.000"), "{text}");
        assert!(
            lines[4].starts_with("geomean") && lines[4].ends_with("4.000"),
            "{text}"
        );
    }
}
