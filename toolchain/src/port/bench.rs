//! `cargo zvm port bench`: programs in a port's interpreter, sandboxed and by the native program of the same objects, in turn.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use zvm_sysroot::{Progress, Sysroot};

use super::builder::{self, Built};
use super::launch::{self, Start};
use super::recipe;
use crate::bench::builds::Side;
use crate::bench::measure::Clock;
use crate::bench::table::{Report, Row};
use crate::bench::{IMAGE, in_turn};
use crate::project::build::say;

/// The recipes' folders in a checkout of the SDK, which have the programs.
const RECIPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sysroot/ports");
/// Where the programs are in the sandbox.
const FILES: &str = "/bench";
/// The line of the start that does nothing.
const NOTHING: &str = "nothing";
/// The line of that start from a snapshot.
const SNAPSHOT: &str = "nothing-snapshot";
/// Seconds that a program should work natively: a start of milliseconds is no part of its ratio then.
const SHORTEST: f64 = 0.5;

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
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The time that counts
    #[arg(long, value_enum, default_value_t = Clock::Cpu)]
    clock: Clock,
}

impl Bench {
    /// Measures, and prints the table, or JSON, to stdout. The exit status is a failure if a program fails or says something else
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
        if built.entry.recipe.snapshot.is_some() {
            programs.push(SNAPSHOT.to_owned());
        }
        if !self.only.is_empty() {
            programs.retain(|name| self.only.iter().any(|only| name.contains(&**only)));
        }
        let mut report = Report {
            clock: self.clock,
            compiler: None,
            pairs: self.pairs as usize,
            others: Vec::new(),
            rows: Vec::new(),
        };
        let mut failures = Vec::new();
        for name in &programs {
            say("Running", name);
            let sides = vec![Side::Native, Side::Sandboxed];
            if name == SNAPSHOT {
                let application = launch::application(&built, None, Vec::new())?;
                launch::snapshot(&built, application, &folder.path().join(SNAPSHOT))?;
            }
            if is_nothing(name) {
                settle(&mut command(
                    &built,
                    recipe,
                    folder.path(),
                    name,
                    Side::Sandboxed,
                )?)?;
            }
            let command = |side| command(&built, recipe, folder.path(), name, side);
            match in_turn(name, sides, self.pairs, command) {
                Ok(sides) => {
                    let row = Row {
                        name: name.clone(),
                        text: None,
                        // A matter of milliseconds, which says nothing about speed.
                        in_mean: !is_nothing(name),
                        sides,
                    };
                    judge_length(&row, self.clock);
                    report.rows.push(row);
                }
                Err(error) => failures.push(format!("{name}: {error:#}")),
            }
        }
        for failure in &failures {
            eprintln!("cargo zvm port bench: error: {failure}");
        }
        if report.rows.is_empty() {
            bail!("nothing could be timed");
        }
        if self.json {
            println!("{}", report.json()?);
        } else {
            print!("{}", report.text());
        }
        Ok(if failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Runs what may just have been written until the runtime has what it keeps of it: the first runs of a file whose times are two seconds old
/// read all of it, have it validated, and keep it.
fn settle(command: &mut Command) -> Result<()> {
    thread::sleep(Duration::from_millis(2100));
    for _ in 0..3 {
        command
            .stdin(Stdio::null())
            .output()
            .context("cannot run an empty program")?;
    }
    Ok(())
}

/// Whether it is a start and nothing else.
fn is_nothing(name: &str) -> bool {
    name == NOTHING || name == SNAPSHOT
}

/// Says so if a program is over too soon to say anything about speed.
fn judge_length(row: &Row, clock: Clock) {
    let native = row.seconds(Side::Native, clock);
    if let Some(seconds) = native.filter(|native| row.in_mean && native.median < SHORTEST) {
        eprintln!(
            "cargo zvm port bench: {}: {:.2} s natively, of which the start is a part that shows; let it work for {SHORTEST} s",
            row.name, seconds.median
        );
    }
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
    let args = if is_nothing(name) {
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
    if !is_nothing(name) {
        let mount = format!("{}:{FILES}:ro", folder.display());
        start.options = ["--mount".into(), OsString::from(mount)].into();
    }
    let this = std::env::current_exe().context("cannot find this executable, to run images")?;
    // A start is that of the command that people start.
    let zvm = this.with_file_name("zvm");
    let mut command = if zvm.is_file() {
        Command::new(zvm)
    } else {
        let mut command = Command::new(this);
        command.arg(IMAGE).arg("zvm");
        command
    };
    if name == SNAPSHOT {
        command
            .arg("run")
            .arg(folder.join(SNAPSHOT))
            .args(start.args);
    } else {
        command.args(launch::sandboxed(built, &start)?);
    }
    Ok(command)
}
