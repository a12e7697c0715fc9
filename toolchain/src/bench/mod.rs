//! `cargo zvm bench`: what the sandbox costs, program by program.
//!
//! [`suite`] finds programs, [`builds`] builds each in the ways that are compared, [`measure`] takes times, [`table`] shows
//! them. Both sides come from the same objects, the same C library and the same linker; outputs must be equal.

pub mod builds;
pub mod measure;
pub mod suite;
pub mod table;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use zvm_sysroot::{Cache, Progress, Sysroot};

use builds::Side;
use measure::{Clock, Said, Sample};
use suite::{Entry, Run, Work};
use table::{Report, Row};

/// The hidden first argument of `cargo-zvm` behind which `zvm`'s whole command line stands.
pub const IMAGE: &str = "__zvm";

/// The command line of `cargo zvm bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Folders with a Zvm.toml, C or C++ files, or names of the suite's programs (NAME, or NAME/RUN); the whole suite
    /// without any
    #[arg(value_name = "PROGRAM")]
    programs: Vec<PathBuf>,
    /// Runs of each side, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// One more column: the system compiler's ordinary dynamic build
    #[arg(long, value_name = "WHAT")]
    against: Vec<Against>,
    /// Compiler of the native and the sandboxed side: zig (the SDK's clang), gcc, clang, or a path
    #[arg(long, value_name = "NAME")]
    compiler: Option<OsString>,
    /// The time that counts
    #[arg(long, value_enum, default_value_t = Clock::Cpu)]
    clock: Clock,
    /// Give programs a moment's work: to see that they work
    #[arg(long)]
    quick: bool,
    /// Only list the suite's programs
    #[arg(long)]
    list: bool,
    /// The programs' arguments, instead of their own
    #[arg(last = true)]
    args: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Against {
    Glibc,
}

impl Bench {
    /// Measures, and prints the table, or JSON, to stdout. The exit status is a failure if a program fails or gives
    /// another output in the sandbox; the others are measured all the same.
    ///
    /// # Errors
    /// There is no such program, or nothing could be measured.
    pub fn run(self, progress: &Progress) -> Result<ExitCode> {
        if self.list {
            suite::names()?.iter().for_each(|name| println!("{name}"));
            return Ok(ExitCode::SUCCESS);
        }
        let cache = Cache::locate()?;
        let work = if self.quick { Work::Quick } else { Work::Full };
        let mut entries = suite::find(&self.programs, work, &cache, progress)?;
        if !self.args.is_empty() {
            let args: Vec<String> = self
                .args
                .iter()
                .map(|arg| arg.to_string_lossy().into_owned())
                .collect();
            for run in entries.iter_mut().flat_map(|entry| &mut entry.runs) {
                run.args = args.clone();
            }
        }
        let sysroot = Sysroot::open(progress)?;
        let mut others = Vec::new();
        if self.against.contains(&Against::Glibc) {
            others.push(Side::Glibc);
        }
        if on_path("wasmtime") {
            others.push(Side::Wasm);
        }
        let mut report = Report {
            clock: self.clock,
            compiler: Some(match &self.compiler {
                Some(name) => name.to_string_lossy().into_owned(),
                None => "zig".to_owned(),
            }),
            pairs: self.pairs as usize,
            others,
            rows: Vec::new(),
        };
        let mut failures = Vec::new();
        for entry in &entries {
            self.measure(entry, &sysroot, &mut report, &mut failures);
        }
        for failure in &failures {
            eprintln!("cargo zvm bench: error: {failure}");
        }
        if report.rows.is_empty() {
            bail!("nothing could be measured");
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

    /// Adds a row for each run of the entry, or the reason why not.
    fn measure(
        &self,
        entry: &Entry,
        sysroot: &Sysroot,
        report: &mut Report,
        failures: &mut Vec<String>,
    ) {
        let name = &*entry.project.manifest.name;
        let built = builds::all(
            &entry.project,
            sysroot,
            self.compiler.as_ref(),
            &report.others,
        );
        let built = match built {
            Ok(built) => built,
            Err(error) => return failures.push(format!("{name}: {error:#}")),
        };
        for (side, reason) in &built.failed {
            eprintln!("cargo zvm bench: {name}: no {} side: {reason}", side.name());
        }
        for run in &entry.runs {
            crate::project::build::say("Running", &run.name);
            let row = self
                .row(entry, &built, run)
                .with_context(|| run.name.clone());
            match row {
                Ok(row) => report.rows.push(row),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
    }

    fn row(&self, entry: &Entry, built: &builds::Built, run: &Run) -> Result<Row> {
        let sides = built.sides.iter().map(|(side, _)| *side).collect();
        let sides = in_turn(&run.name, sides, self.pairs, |side| {
            let mut programs = built.sides.iter();
            let (_, program) = programs
                .find(|(other, _)| *other == side)
                .context("only what was built is run")?;
            builds::command(&entry.project, side, program, run)
        })?;
        Ok(Row {
            name: run.name.clone(),
            text: Some(built.text),
            in_mean: true,
            sides,
        })
    }
}

/// Runs every side in turn, `pairs` times; all must say the same.
///
/// # Errors
/// The native or the sandboxed program fails, or says something else.
pub fn in_turn(
    name: &str,
    sides: Vec<Side>,
    pairs: u32,
    command: impl Fn(Side) -> Result<Command>,
) -> Result<Vec<(Side, Vec<Sample>)>> {
    let mut sides: Vec<_> = sides.into_iter().map(|side| (side, Vec::new())).collect();
    let mut expected: Option<Said> = None;
    for _ in 0..pairs {
        let mut dropped = Vec::new();
        for (side, samples) in &mut sides {
            let (sample, said) = measure::run(&mut command(*side)?)?;
            if let Err(error) = compare(*side, &said, expected.as_ref()) {
                if matches!(side, Side::Native | Side::Sandboxed) {
                    return Err(error);
                }
                // Another C library may print otherwise: no reason not to measure the sandbox.
                eprintln!("cargo zvm bench: {name}: {error:#}");
                dropped.push(*side);
            }
            expected.get_or_insert(said);
            samples.push(sample);
        }
        sides.retain(|(side, _)| !dropped.contains(side));
    }
    Ok(sides)
}

/// An error unless the run ended well and said what it should.
fn compare(side: Side, said: &Said, expected: Option<&Said>) -> Result<()> {
    let name = side.name();
    if !said.status.success() {
        bail!("the {name} program ended with {}", said.status);
    }
    let Some(expected) = expected else {
        return Ok(());
    };
    if said.stdout == expected.stdout {
        return Ok(());
    }
    let (a, b) = (
        String::from_utf8_lossy(&expected.stdout),
        String::from_utf8_lossy(&said.stdout),
    );
    let mut lines = a.lines().zip(b.lines()).enumerate();
    match lines.find(|(_, (a, b))| a != b) {
        Some((number, (a, b))) => bail!(
            "line {} of the {name} output is {b:?}, natively it was {a:?}",
            number + 1
        ),
        None => bail!(
            "the {name} output has {} bytes, natively there were {}",
            said.stdout.len(),
            expected.stdout.len()
        ),
    }
}

fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}
