//! `cargo zvm`: the SDK's command line. Other names of this executable are [`crate::multicall`]'s.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand};
use zvm_sysroot::{Cache, Progress, Sysroot};

use crate::bench::{self, Bench};
use crate::cargo::command as cargo_command;
use crate::cargo::image::{self, Profile};
use crate::cc::CcError;
use crate::clean::Clean;
use crate::completions;
use crate::cross::command::{Env, Exec};
use crate::doctor::Doctor;
use crate::inspect::Inspect;
use crate::new::New;
use crate::pack::Pack;
use crate::port::command::PortCommand;
use crate::problem;
use crate::project::command;

/// Builds programs for the ZeroVM sandbox, runs and tests them.
#[derive(Debug, Parser)]
#[command(
    name = "cargo zvm",
    bin_name = "cargo zvm",
    version,
    after_help = ABOUT_CRATES
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const ABOUT_CRATES: &str = "\
In the folder of a Rust crate, build, run, test, check, clippy, doc, rustc, rustdoc, nextest
and clean are cargo's own, with all its options; run and test also take --mount, --env,
--memory, --timeout, --stdin, --time, --seed, --report, --core, --strace and --watch in front
of `--`. Everywhere else they mean a folder with a Zvm.toml.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new folder that builds, runs and tests at once
    New(New),
    /// Build a folder with a Zvm.toml into FOLDER/build/NAME.zvm, or a crate
    Build(command::Build),
    /// Build it, and run it in the sandbox
    Run(Box<command::Run>),
    /// Build it, and run its tests in the sandbox
    Test(command::Test),
    /// Compare programs with their native builds: time and size of code
    Bench(Bench),
    /// Check that images keep the sandbox's rules, without running them
    Validate {
        /// Images, applications, and folders with a Zvm.toml or crates, which are built first
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Show what an image holds: segments, level, traps, sizes
    Inspect(Inspect),
    /// Make one file of a program, its files and its settings: a .zapp, which `zvm run` starts
    Pack(Pack),
    /// Run a program under gdb, stopped in main, with its symbols loaded
    Debug(Box<command::Debug>),
    /// Interpreters and libraries, built from upstream's sources
    #[command(subcommand)]
    Port(PortCommand),
    /// Print the SDK's settings for a build system
    Env(Env),
    /// Run a command with the SDK as its C, C++ and Rust toolchain: configure, make, cmake, meson, cargo
    Exec(Exec),
    /// Prepare the SDK's cache: compiler, C library, sysroot (other commands do so when they need it)
    Setup {
        /// Only print where the cache is
        #[arg(long)]
        print: bool,
        /// Also link the tools' other names (zvm-c++, zvm-ld, zvm-run, zvm-ar, …) beside this executable
        #[arg(long)]
        links: bool,
    },
    /// Check what the SDK needs of this machine, and say how to get it
    Doctor(Doctor),
    /// Remove what was built
    Clean(Clean),
    /// Print a shell's completions of the SDK's commands
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// The command `cargo-zvm`; `args` starts with the program's name. Cargo calls it with `zvm` as first argument.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<_> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| first == "zvm") {
        args.remove(1);
    }
    // `bench` starts this executable again for each sandboxed run.
    if args.get(1).is_some_and(|first| first == bench::IMAGE) {
        return zvm_runtime::cli::main(args.into_iter().skip(2));
    }
    let outcome = match crate_call(&args) {
        Ok(Some(call)) => call.run(&Progress::new("cargo zvm")),
        Ok(None) => execute(Cli::parse_from(long_names(args))),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref() {
                // The compiler or the linker has said it.
                Some(CcError::Tool { .. }) => problem::print(
                    "cargo zvm",
                    &anyhow::anyhow!("the build failed; the messages above say why"),
                ),
                // Nothing was said around it: its own advice holds.
                Some(_)
                    if error
                        .chain()
                        .next()
                        .is_some_and(|first| first.is::<CcError>()) =>
                {
                    let error = error
                        .downcast()
                        .map_or_else(|error| error, CcError::into_error);
                    problem::print("cargo zvm", &error);
                }
                _ => problem::print("cargo zvm", &error),
            }
            ExitCode::FAILURE
        }
    }
}

/// Cargo's short names, for folders of ours.
fn long_names(mut args: Vec<OsString>) -> Vec<OsString> {
    if let Some(first) = args.get_mut(1) {
        for (short, long) in [("b", "build"), ("r", "run"), ("t", "test")] {
            if first == short {
                *first = long.into();
            }
        }
    }
    args
}

/// What is cargo's, if it is: its command lines are not read by ours, so that every option of cargo's works.
fn crate_call(args: &[OsString]) -> Result<Option<cargo_command::CargoCall>> {
    let current = std::env::current_dir().context("there is no working directory")?;
    cargo_command::parse(args.get(1..).unwrap_or_default(), &current)
}

fn execute(cli: Cli) -> Result<ExitCode> {
    let progress = Progress::new("cargo zvm");
    match cli.command {
        Command::Setup { print: true, .. } => println!("{}", Cache::locate()?.root().display()),
        Command::Setup {
            print: false,
            links,
        } => {
            if links {
                for name in crate::tools::link_beside()? {
                    println!("linked: {name}");
                }
            }
            let sysroot = Sysroot::open(&progress)?;
            println!("ready: {}", sysroot.root().display());
        }
        Command::New(options) => return options.execute(),
        Command::Build(options) => return options.execute(&progress),
        Command::Run(options) => return options.execute(&progress),
        Command::Test(options) => return options.execute(&progress),
        Command::Bench(options) => return options.run(&progress),
        Command::Validate { files } => return validate(&files, &progress),
        Command::Inspect(options) => return options.execute(),
        Command::Pack(options) => return options.execute(&progress),
        Command::Debug(options) => return options.execute(&progress),
        Command::Env(options) => return options.execute(),
        Command::Exec(options) => return options.execute(&progress),
        Command::Port(command) => return command.execute(&progress),
        Command::Doctor(options) => return options.execute(&progress),
        Command::Clean(options) => return options.execute(&progress),
        Command::Completions { shell } => completions::print(shell, Cli::command()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The first failure is the exit status; all files are looked at.
fn validate(files: &[PathBuf], progress: &Progress) -> Result<ExitCode> {
    let mut status = ExitCode::SUCCESS;
    for file in files {
        let image = if image::is_crate(file) {
            image::build(file, None, Profile::Release, progress)?.image
        } else if file.is_dir() {
            command::project(file, progress)?.1
        } else {
            file.clone()
        };
        let args = ["zvm".into(), "validate".into(), image.into_os_string()];
        let code = zvm_runtime::cli::main(args);
        if status == ExitCode::SUCCESS {
            status = code;
        }
    }
    Ok(status)
}

/// The whole command line, for the book's reference.
pub fn cli() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::cli().debug_assert();
    }
}
