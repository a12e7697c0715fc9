//! `cargo zvm port bench`: programs in a port's interpreter, sandboxed and by the native program of the same objects, in turn.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use zvm_sysroot::{Progress, Sysroot};

use super::builder::{self, Built};
use super::launch::{self, Start};
use super::recipe;
use crate::bench::builds::{Side, Text, code_size};
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
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
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
        if !self.only.is_empty() {
            programs.retain(|name| self.only.iter().any(|only| name.contains(&**only)));
        }
        let image = built.image(None)?;
        let text = Text {
            native: code_size(&built.native(None)?)?,
            // What the link leaves before rewriting is not kept.
            linked: code_size(&built.native(None)?)?,
            image: code_size(&image)?,
            stats: None,
        };
        let mut report = Report {
            clock: self.clock,
            compiler: "zig".to_owned(),
            pairs: self.pairs as usize,
            others: Vec::new(),
            rows: Vec::new(),
        };
        let mut failures = Vec::new();
        for name in &programs {
            say("Running", name);
            let sides = vec![Side::Native, Side::Sandboxed];
            let command = |side| command(&built, recipe, folder.path(), name, side);
            match in_turn(name, sides, self.pairs, command) {
                Ok(sides) => report.rows.push(Row {
                    name: name.clone(),
                    text,
                    sides,
                }),
                Err(error) => failures.push(format!("{name}: {error:#}")),
            }
        }
        for failure in &failures {
            eprintln!("cargo zvm port bench: error: {failure}");
        }
        if report.rows.is_empty() {
            bail!("nothing could be timed");
        }
        // A start is a matter of milliseconds: it says nothing about speed, and is not part of the mean.
        let (starts, programs) = report.rows.drain(..).partition(|row| row.name == NOTHING);
        for rows in [programs, starts] {
            report.rows = rows;
            if report.rows.is_empty() {
                continue;
            }
            if self.json {
                println!("{}", report.json()?);
            } else {
                print!("{}", report.text());
            }
        }
        Ok(if failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Copies what is to be timed into `folder`: the names, sorted.
fn gather(built: &Built, recipe: &recipe::Bench, folder: &Path) -> Result<Vec<String>> {
    let port = &*built.entry.recipe.name;
    let checkout = [Path::new(RECIPES), Path::new("sysroot/ports")]
        .into_iter()
        .map(|ports| ports.join(port).join("bench"))
        .find(|path| path.is_dir());
    let mut files: Vec<PathBuf> = Vec::new();
    if let Some(checkout) = checkout {
        let entries = fs::read_dir(&checkout)
            .with_context(|| format!("cannot read {}", checkout.display()))?;
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.extend(recipe.files.iter().map(|file| built.work.join(file)));
    let mut names = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        fs::copy(&file, folder.join(&*name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
        names.push(name.into_owned());
    }
    names.sort();
    Ok(names)
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
