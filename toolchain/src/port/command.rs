//! The command line of `cargo zvm port`.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use zvm_sysroot::{Cache, Progress, Sysroot};

use super::bench::Bench;
use super::builder::{self, Built};
use super::index;
use super::launch::{self, Start};
use super::suite;
use super::table;
use crate::project::source;
use crate::sandbox::Sandbox;

/// Interpreters and libraries, built from upstream's sources.
#[derive(Debug, Subcommand)]
pub enum PortCommand {
    /// Show all ports
    List,
    /// Show where a port comes from, what it needs, and how it was built
    Info {
        /// The port
        name: String,
    },
    /// Build a port and what it needs; print its program, or its prefix
    Build {
        /// The port
        name: String,
    },
    /// Build a port, and run its program: cargo zvm port run NAME -- ARGS
    Run(Run),
    /// Build a port, check that it works, and run upstream's own tests, sandboxed and natively
    Test(Test),
    /// Time programs in the port's interpreter, sandboxed and natively
    Bench(Bench),
    /// Make one file of a port's program and its files: a .zapp, which `zvm run` starts
    Pack(Pack),
    /// Show how long the ports took to build and how large they are, as a table
    Table {
        /// The ports; all that are built without
        names: Vec<String>,
    },
    /// Remove what was built
    Clean {
        /// The port; all of them without
        name: Option<String>,
    },
}

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// The port
    name: String,
    /// Which of its programs; the first without
    #[arg(long, value_name = "PROGRAM")]
    program: Option<String>,
    /// Run the same objects, linked for this machine
    #[arg(long)]
    native: bool,
    #[command(flatten)]
    sandbox: Sandbox,
    /// The program's arguments
    #[arg(last = true)]
    args: Vec<OsString>,
}

/// `test`
#[derive(Debug, Args)]
pub struct Test {
    /// The port
    name: String,
    /// Only the recipe's few short checks
    #[arg(long)]
    smoke: bool,
    /// Only tests whose name contains this (may be given again); their results are printed
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Put the results of these tests into the results file, beside those that it has
    #[arg(long, requires = "only", conflicts_with = "verify")]
    update: bool,
    /// Run so many tests again, chosen at random, and compare with the results file
    #[arg(long, value_name = "N")]
    verify: Option<usize>,
    /// Tests at a time; as many as there are processors without
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// The results file [default: sysroot/ports/NAME/results.json]
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
}

/// `pack`
#[derive(Debug, Args)]
pub struct Pack {
    /// The port
    name: String,
    /// Which of its programs; the first without
    #[arg(long, value_name = "PROGRAM")]
    program: Option<String>,
    /// Where the application goes [default: PROGRAM.zapp]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Start it, and pack it with the memory that it has then: its runs begin there. With arguments, a program of yours that reads
    /// /dev/snapshot
    #[arg(long)]
    snapshot: bool,
    /// Arguments that it gets if a run gives none
    #[arg(last = true)]
    args: Vec<OsString>,
}

impl PortCommand {
    /// Does it.
    ///
    /// # Errors
    /// What is wrong, for a person.
    pub fn execute(self, progress: &Progress) -> Result<ExitCode> {
        match self {
            PortCommand::List => list()?,
            PortCommand::Info { name } => info(&name, progress)?,
            PortCommand::Build { name } => {
                let built = builder::build(&name, &Sysroot::open(progress)?, progress)?;
                println!("{}", built.image(None).unwrap_or(built.prefix()).display());
            }
            PortCommand::Run(run) => return run.execute(progress),
            PortCommand::Test(test) => return test.execute(progress),
            PortCommand::Bench(bench) => return bench.execute(progress),
            PortCommand::Pack(pack) => return pack.execute(progress),
            PortCommand::Table { names } => table::print(&names, &Sysroot::open(progress)?)?,
            PortCommand::Clean { name } => clean(name.as_deref())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list() -> Result<()> {
    for entry in index::all()? {
        let recipe = entry.recipe;
        let kind = if recipe.program.is_empty() {
            "library"
        } else {
            "program"
        };
        println!(
            "{:<10} {:<16} {kind}  {}",
            &*recipe.name,
            recipe.version(),
            recipe.about
        );
    }
    Ok(())
}

fn info(name: &str, progress: &Progress) -> Result<()> {
    let built = builder::plan(index::find(name)?, &Sysroot::open(progress)?)?;
    let recipe = &built.entry.recipe;
    println!("{} {}: {}", &*recipe.name, recipe.version(), recipe.about);
    println!("license: {}", recipe.license);
    for source in &recipe.source {
        println!("source: {source}, SHA-256 {}", &*source.sha256);
    }
    if !built.dependencies.is_empty() {
        let names: Vec<_> = built.dependencies.iter().map(|dep| &*dep.name).collect();
        println!("needs: {}", names.join(", "));
    }
    for edit in &recipe.edit {
        println!("edit of {}: {}", edit.file, edit.reason);
    }
    for answer in &recipe.answer {
        println!("answer {}={}: {}", answer.name, answer.value, answer.reason);
    }
    println!("folder: {}", built.work.display());
    let record = built.record();
    if record.seconds.is_empty() {
        println!("not built");
    }
    for (step, seconds) in &record.seconds {
        let processor = record.processor.get(step);
        let processor = processor.map(|time| format!(", {time:.1} s of processor time"));
        println!(
            "built: {step} took {seconds:.1} s{}",
            processor.unwrap_or_default()
        );
    }
    for path in [built.image(None).ok(), built.tar()].into_iter().flatten() {
        if let Ok(metadata) = fs::metadata(&path) {
            println!("size: {} {} bytes", path.display(), metadata.len());
        }
    }
    Ok(())
}

fn clean(name: Option<&str>) -> Result<()> {
    if let Some(name) = name {
        index::find(name)?;
    }
    let ports = Cache::locate()?.ports();
    let Ok(entries) = fs::read_dir(&ports) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let file = entry.file_name();
        let file = file.to_string_lossy();
        // NAME-KEY; the locks beside them stay.
        let Some((port, _)) = file.rsplit_once('-') else {
            continue;
        };
        if entry.path().is_dir() && name.is_none_or(|name| name == port) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

impl Run {
    fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let built = builder::build(&self.name, &Sysroot::open(progress)?, progress)?;
        let mut start = Start {
            args: self.args,
            program: self.program,
            ..Start::default()
        };
        if self.native {
            start.env = self.sandbox.env;
            let mut command = launch::native(&built, &start)?;
            let status = command
                .status()
                .with_context(|| format!("cannot start {}", command.get_program().display()))?;
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
        start.options = self.sandbox.words();
        let mut args = vec![OsString::from("zvm")];
        args.extend(launch::sandboxed(&built, &start)?);
        Ok(zvm_runtime::cli::main(args))
    }
}

impl Pack {
    fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let built = builder::build(&self.name, &Sysroot::open(progress)?, progress)?;
        let application = launch::application(&built, self.program.as_deref(), self.args)?;
        let output = self
            .output
            .unwrap_or_else(|| format!("{}.zapp", application.name).into());
        if self.snapshot {
            launch::snapshot(&built, application, &output)?;
            return Ok(ExitCode::SUCCESS);
        }
        crate::pack::write_to(&application, &output)
    }
}

impl Test {
    fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let sysroot = Sysroot::open(progress)?;
        let built = builder::build(&self.name, &sysroot, progress)?;
        smoke(&built)?;
        let Some(tests) = built.entry.recipe.suite.as_ref().filter(|_| !self.smoke) else {
            return Ok(ExitCode::SUCCESS);
        };
        builder::build_tests(&built, &sysroot, progress)?;
        let folder = Path::new("sysroot/ports").join(&self.name);
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let options = suite::Options {
            only: self.only,
            update: self.update,
            verify: self.verify,
            jobs: self.jobs.unwrap_or(processors),
            results: self.results.unwrap_or(folder.join("results.json")),
        };
        let sources = source::fetch_all(&tests.source, &Cache::locate()?, progress)?;
        suite::run(&built, tests, &sources, &options)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs the recipe's short checks, sandboxed and natively.
///
/// # Errors
/// An output is not the expected one.
fn smoke(built: &Built) -> Result<()> {
    let recipe = &built.entry.recipe;
    for check in &recipe.smoke {
        let start = Start {
            args: check.args.iter().map(OsString::from).collect(),
            ..Start::default()
        };
        let mut sandboxed = Command::new(std::env::current_exe()?);
        sandboxed
            .arg0("zvm")
            .args(launch::sandboxed(built, &start)?);
        for (kind, mut command) in [
            ("sandboxed", sandboxed),
            ("native", launch::native(built, &start)?),
        ] {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = command
                .spawn()
                .with_context(|| format!("cannot start {}", command.get_program().display()))?;
            // A program that does not read its input closes the pipe.
            let _ = child
                .stdin
                .take()
                .map(|mut stdin| stdin.write_all(check.stdin.as_bytes()));
            let output = child.wait_with_output()?;
            let stdout = String::from_utf8_lossy(&output.stdout);
            if !output.status.success() || stdout != check.stdout {
                bail!(
                    "{} {}, {kind}: {}\nprinted:\n{stdout}expected:\n{}on stderr:\n{}",
                    &*recipe.name,
                    check.args.join(" "),
                    output.status,
                    check.stdout,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
    let count = recipe.smoke.len();
    println!(
        "{}: {count} short checks passed, sandboxed and native",
        &*recipe.name
    );
    Ok(())
}
