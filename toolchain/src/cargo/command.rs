//! `cargo zvm build|run|test|…` for crates: cargo itself, with the sandbox's settings in its environment.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use zvm_sysroot::{Cache, Progress, Sysroot};

use super::environment;
use super::image::is_crate;
use crate::binutils::exit_code;
use crate::runner::RUN_OPTIONS;
use crate::tools::Tools;
use crate::watch::{self, Watch};

/// Commands of cargo that are passed on.
pub const PASSED: &[&str] = &[
    "build", "b", "run", "r", "test", "t", "check", "c", "clippy", "doc", "rustc", "rustdoc",
    "nextest", "clean",
];

/// Options of `zvm run`, each with a value, that `run`, `test` and `nextest` take in front of `--`.
const SANDBOX: &[&str] = &[
    "--mount",
    "--env",
    "--memory",
    "--timeout",
    "--stdin",
    "--time",
    "--seed",
    "--report",
    "--core",
];

/// Those without a value.
const SANDBOX_FLAGS: &[&str] = &["--strace"];

/// A `cargo zvm` command line that means a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoCall {
    /// `build`, `test`, ….
    subcommand: OsString,
    /// Its arguments.
    args: Vec<OsString>,
    /// Options for the sandbox.
    sandbox: Vec<OsString>,
    /// Again after each change of the folder's sources.
    watch: Option<PathBuf>,
}

/// The crate's call, or `None` if the command line means a folder with a `Zvm.toml`.
///
/// A first argument that names a folder chooses what is built; without one it is the current folder. A folder with a
/// `Zvm.toml` is a project of ours, all else is cargo's.
///
/// # Errors
/// The folder holds neither; an option without its value.
pub fn parse(args: &[OsString], current: &Path) -> Result<Option<CargoCall>> {
    let Some((subcommand, rest)) = args.split_first() else {
        return Ok(None);
    };
    if !PASSED.iter().any(|name| subcommand == name) {
        return Ok(None);
    }
    let named = rest
        .first()
        .filter(|arg| !arg.as_encoded_bytes().starts_with(b"-"))
        .map(PathBuf::from)
        .filter(|_| subcommand != "nextest");
    if rest
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--help" || arg == "-h")
    {
        // What is cargo's alone, cargo explains.
        let ours = ["build", "b", "run", "r", "test", "t", "clean"];
        return Ok(
            (!ours.iter().any(|name| subcommand == name)).then(|| CargoCall {
                subcommand: subcommand.clone(),
                args: rest.to_vec(),
                sandbox: Vec::new(),
                watch: None,
            }),
        );
    }
    if subcommand == "clean" && rest.iter().any(|arg| arg == "--cache") {
        return Ok(None);
    }
    let mut args = Vec::new();
    let rest = match &named {
        Some(folder) if is_crate(&current.join(folder)) => {
            args.push("--manifest-path".into());
            args.push(folder.join("Cargo.toml").into());
            &rest[1..]
        }
        Some(folder) if current.join(folder).is_dir() || folder.components().count() > 1 => {
            return Ok(None);
        }
        _ if current.join("Zvm.toml").is_file() && !is_crate(current) => {
            return Ok(None);
        }
        // A first word that names no folder is a test's, a benchmark's, …: cargo's.
        _ => rest,
    };
    let (mut sandbox, mut watch) = (Vec::new(), false);
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            args.push(word.clone());
            args.extend(words.by_ref().cloned());
        } else if SANDBOX.iter().any(|option| word == option) {
            let value = words
                .next()
                .with_context(|| format!("missing the value of {}", word.display()))?;
            sandbox.extend([word.clone(), value.clone()]);
        } else if word == "--watch" {
            watch = true;
        } else if is_sandbox_option(word) || SANDBOX_FLAGS.iter().any(|flag| word == flag) {
            sandbox.push(word.clone());
        } else {
            args.push(word.clone());
        }
    }
    if !sandbox.is_empty()
        && !["run", "r", "test", "t", "nextest"]
            .iter()
            .any(|name| subcommand == name)
    {
        bail!(
            "{}: {} runs nothing; the option is for run, test and nextest",
            sandbox[0].display(),
            subcommand.display()
        );
    }
    Ok(Some(CargoCall {
        subcommand: subcommand.clone(),
        args,
        sandbox,
        watch: watch.then(|| named.unwrap_or_else(|| ".".into())),
    }))
}

fn is_sandbox_option(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    SANDBOX.iter().any(|option| {
        text.strip_prefix(option)
            .is_some_and(|rest| rest.starts_with('='))
    })
}

impl CargoCall {
    /// Runs cargo; the exit status is cargo's, which for `run` is the program's.
    ///
    /// # Errors
    /// The SDK cannot be set up, or cargo does not start.
    pub fn run(&self, progress: &Progress) -> Result<ExitCode> {
        if let Some(folder) = &self.watch {
            return watch::again(&Watch::crate_of(folder));
        }
        let mut command = cargo(progress)?;
        command.arg(&self.subcommand).args(&self.args);
        if !self.sandbox.is_empty() {
            command.env(RUN_OPTIONS, crate::runner::encode(&self.sandbox));
        }
        let status = command
            .status()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(exit_code(status))
    }
}

/// The cargo that called us, or the one in `PATH`, with the sandbox's settings in its environment.
///
/// # Errors
/// The SDK cannot be set up, or the user's flags ask for what an image cannot be.
pub(super) fn cargo(progress: &Progress) -> Result<Command> {
    // What compilers would do on their first call, with their output mixed into cargo's.
    Sysroot::open(progress)?.cxx(progress)?;
    let tools = Tools::open(&Cache::locate()?)?;
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.envs(environment(&tools)?);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(args: &str, current: &Path) -> Option<CargoCall> {
        let args: Vec<_> = args.split(' ').map(OsString::from).collect();
        parse(&args, current).unwrap_or_else(|error| panic!("{}: {error}", args[0].display()))
    }

    fn words(words: &[OsString]) -> String {
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn crates_are_cargos_and_zvm_toml_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        for (folder, file) in [("krate", "Cargo.toml"), ("project", "Zvm.toml")] {
            std::fs::create_dir(dir.join(folder)).unwrap();
            std::fs::write(dir.join(folder).join(file), "").unwrap();
        }
        let crate_call = call("build krate --release", dir).unwrap();
        assert_eq!(
            words(&crate_call.args),
            "--manifest-path krate/Cargo.toml --release"
        );
        assert_eq!(call("build project", dir), None);
        assert_eq!(call("build nowhere/at/all", dir), None);
        assert_eq!(call("build", &dir.join("project")), None);
        assert_eq!(words(&call("test name -q", dir).unwrap().args), "name -q");
        assert!(call("build", &dir.join("krate")).is_some());
        assert_eq!(call("setup", dir), None);
    }

    #[test]
    fn options_of_the_sandbox_are_taken_out() {
        let dir = tempfile::tempdir().unwrap();
        let run = call(
            "run --mount a:/a --bin x --timeout=3 -- --env b",
            dir.path(),
        )
        .unwrap();
        assert_eq!(words(&run.sandbox), "--mount a:/a --timeout=3");
        assert_eq!(words(&run.args), "--bin x -- --env b");
        let args = ["build", "--mount", "x"].map(OsString::from);
        assert!(
            parse(&args, dir.path())
                .unwrap_err()
                .to_string()
                .contains("runs nothing")
        );
    }
}
