//! `cargo zvm`: builds and runs sample folders. Other names of this executable are [`crate::multicall`]'s.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use zvm_sysroot::{Cache, Progress, Sysroot};

use crate::bench::{self, Bench};
use crate::cargo::command as cargo_command;
use crate::cc::CcError;
use crate::cross::command::{Env, Exec};
use crate::port::command::PortCommand;
use crate::project::build::{BuildOptions, build};
use crate::project::{Project, run};

/// Builds C programs for the ZeroVM sandbox and runs them.
#[derive(Debug, Parser)]
#[command(name = "cargo zvm", bin_name = "cargo zvm", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a folder with a Zvm.toml into FOLDER/build/NAME.zvm
    Build(Build),
    /// Build it, and run the image
    Run(Run),
    /// Compare programs with their native builds: time and size of code
    Bench(Bench),
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
    },
}

#[derive(Debug, Args)]
struct Build {
    /// The folder
    folder: PathBuf,
    /// Compiler: zig (the SDK's clang), gcc, clang, or a path
    #[arg(long, value_name = "NAME")]
    compiler: Option<OsString>,
    /// Build the same objects into an ordinary executable of this machine, for comparison
    #[arg(long)]
    native: bool,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    build: Build,
    /// One more mount, as for `zvm run`
    #[arg(long, value_name = "HOST:/PATH[:ro|overlay|rw]")]
    mount: Vec<OsString>,
    /// One more environment variable
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<OsString>,
    /// Bytes of heap, with K, M or G
    #[arg(long, value_name = "SIZE")]
    memory: Option<OsString>,
    /// End the program after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<OsString>,
    /// The program's arguments, instead of those in Zvm.toml
    #[arg(last = true)]
    args: Vec<OsString>,
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
        Ok(None) => execute(Cli::parse_from(args)),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref() {
                // The compiler or the linker has said it.
                Some(CcError::Tool { .. }) => {
                    eprintln!("cargo zvm: error: the build failed; the messages above say why")
                }
                _ => eprintln!("cargo zvm: error: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}

/// What is cargo's, if it is: its command lines are not read by ours, so that every option of cargo's works.
fn crate_call(args: &[OsString]) -> Result<Option<cargo_command::CargoCall>> {
    let current = std::env::current_dir().context("there is no working directory")?;
    cargo_command::parse(args.get(1..).unwrap_or_default(), &current)
}

fn execute(cli: Cli) -> Result<ExitCode> {
    let progress = Progress::new("cargo zvm");
    match cli.command {
        Command::Setup { print: true } => println!("{}", Cache::locate()?.root().display()),
        Command::Setup { print: false } => {
            let sysroot = Sysroot::open(&progress)?;
            println!("ready: {}", sysroot.root().display());
        }
        Command::Build(options) => {
            let (_, output) = options.build(&progress)?;
            println!("{}", output.display());
        }
        Command::Run(options) => return options.run(&progress),
        Command::Bench(options) => return options.run(&progress),
        Command::Env(options) => return options.execute(),
        Command::Exec(options) => return options.execute(&progress),
        Command::Port(command) => return command.execute(&progress),
    }
    Ok(ExitCode::SUCCESS)
}

impl Build {
    fn build(&self, progress: &Progress) -> Result<(Project, PathBuf)> {
        let cache = Cache::locate()?;
        let project = Project::open(&self.folder, &cache, progress)?;
        let sysroot = Sysroot::open(progress)?;
        let options = BuildOptions {
            compiler: self.compiler.clone(),
            native: self.native,
            keep_elf: false,
        };
        let output = build(&project, &sysroot, &options)?;
        Ok((project, output))
    }
}

impl Run {
    fn run(self, progress: &Progress) -> Result<ExitCode> {
        let (project, output) = self.build.build(progress)?;
        let mut zvm = Vec::new();
        let mut option =
            |name: &str, value: &OsString| zvm.extend([OsString::from(name), value.clone()]);
        self.mount.iter().for_each(|value| option("--mount", value));
        self.env.iter().for_each(|value| option("--env", value));
        self.memory
            .iter()
            .for_each(|value| option("--memory", value));
        self.timeout
            .iter()
            .for_each(|value| option("--timeout", value));
        let options = run::RunOptions {
            args: self.args,
            zvm,
            env: self.env,
        };
        if self.build.native {
            run::native(&project, &output, &options)
        } else {
            run::sandboxed(&project, &output, &options)
        }
    }
}
