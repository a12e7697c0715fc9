//! `zvm-run`: starts an image the way that cargo, CMake, Meson and configure scripts start a program that they have just built.
//!
//! Unlike `zvm run`, it looks to the program as if it ran beside its caller: the caller's environment and working directory, and the
//! workspace at its own path, with what the program writes there kept. So tests find their fixtures. It is for code that the
//! user builds and trusts with this folder; for anything else there is `zvm run`, which gives nothing that is not named.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use zvm_runtime::image::Image;
use zvm_runtime::{Mode, Mount, RunOptions};

use crate::cargo::TARGET;
use crate::problem::{self, Advise as _};

/// Options for every run below a command, separated by `\x1f`; they come before those of the command line.
pub const RUN_OPTIONS: &str = "ZVM_RUN_OPTIONS";

/// The folder to mount, where the caller knows better than the runner.
pub const WORKSPACE: &str = "ZVM_WORKSPACE";

const SEPARATOR: u8 = b'\x1f';

/// Runs an image as a build system runs a program: with its caller's environment, working directory and workspace.
#[derive(Debug, Parser)]
#[command(
    name = "zvm-run",
    version,
    override_usage = "zvm-run [OPTIONS] FILE [ARG]..."
)]
struct Cli {
    /// The folder that the program sees at its own path, writable [default: cargo's workspace, else the working directory]
    #[arg(long, value_name = "DIR", env = WORKSPACE)]
    root: Option<PathBuf>,
    /// One more mount, as for `zvm run`
    #[arg(long, value_name = "HOST:/PATH[:ro|overlay|rw]")]
    mount: Vec<OsString>,
    /// One more environment variable
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Memory for the program, such as 64M or 2G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// Longest run in seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Read standard input from this file
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Where the program's clock starts, in seconds since 1970
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,
    /// Seed of the program's random numbers, 64 hex digits at most
    #[arg(long, value_name = "HEX")]
    seed: Option<String>,
    /// Write a report with digests and accounts; as JSON if the name ends in .json
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write a core file for gdb if the program ends by a fault
    #[arg(long, value_name = "FILE")]
    core: Option<PathBuf>,
    /// Show the program's system calls on stderr
    #[arg(long)]
    strace: bool,
    /// The image and its arguments
    #[arg(value_name = "FILE", required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// The command line, for the book's reference.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Joins options for [`RUN_OPTIONS`].
pub fn encode(options: &[OsString]) -> OsString {
    let words: Vec<&[u8]> = options.iter().map(|word| word.as_bytes()).collect();
    OsString::from_vec(words.join(&SEPARATOR))
}

fn decode(text: &OsStr) -> Vec<OsString> {
    let words = text.as_bytes().split(|&byte| byte == SEPARATOR);
    words
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect()
}

/// The command; `args` starts with the program's name. The exit status is the program's.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<_> = args.into_iter().collect();
    let at = args.len().min(1);
    args.splice(
        at..at,
        decode(&env::var_os(RUN_OPTIONS).unwrap_or_default()),
    );
    match execute(Cli::parse_from(args)) {
        Ok(code) => code,
        Err(error) => {
            problem::print("zvm-run", &error);
            ExitCode::from(2)
        }
    }
}

fn execute(cli: Cli) -> Result<ExitCode> {
    let mut command = cli.command.iter();
    let program = PathBuf::from(command.next().context("no image is named")?);
    if let Some(stdin) = &cli.stdin {
        let file = File::open(stdin).with_context(|| format!("cannot open {}", stdin.display()))?;
        rustix::stdio::dup2_stdin(&file).context("cannot make the file standard input")?;
    }
    if let Err(error) = Image::open(&program) {
        return no_image(&program, &cli.command[1..], &error.to_string());
    }
    let current = env::current_dir().context("there is no working directory")?;
    let root = match &cli.root {
        Some(root) => std::path::absolute(root).context("--root")?,
        None => workspace(&current),
    };
    let mut options = RunOptions::new(&program);
    options.args = command.cloned().collect();
    options.mounts = mounts(&program, &root, &current);
    for text in &cli.mount {
        options.mounts.push(Mount::parse(text)?);
    }
    options.env = variables(&cli.env)?;
    options.cwd = current.into_os_string();
    options.verdicts = zvm_runtime::verdict::default_folder();
    if let Some(memory) = cli.memory {
        options.memory = memory;
    }
    if let Some(seconds) = cli.timeout {
        options.timeout = Some(Duration::try_from_secs_f64(seconds).context("--timeout")?);
    }
    if let Some(seconds) = cli.time {
        options.seconds = seconds;
    }
    if let Some(text) = &cli.seed {
        options.seed = seed(text)?;
    }
    options.strace = cli.strace;
    options.core = cli.core.clone();
    options.digests = cli.report.is_some();
    let run = || zvm_runtime::run(&options);
    Ok(zvm_runtime::cli::reported(cli.report.as_deref(), run).into())
}

/// A file that is no image. The tests of a proc-macro are code of the host, which cargo also gives to the runner: such a file
/// does not lie in the target's folder.
fn no_image(program: &Path, args: &[OsString], reason: &str) -> Result<ExitCode> {
    let parts: Vec<_> = program.iter().collect();
    let of_host = parts.contains(&OsStr::new("deps"))
        && !parts.contains(&OsStr::new(TARGET))
        && env::var_os("CARGO_MANIFEST_DIR").is_some();
    if of_host {
        eprintln!(
            "zvm-run: {} is code of the host (a proc-macro's tests): not sandboxed",
            program.display()
        );
        return Err(Command::new(program).args(args).exec())
            .with_context(|| format!("cannot start {}", program.display()));
    }
    let why = anyhow!(
        "it was not linked by zvm-cc; RUSTFLAGS, or another `linker` or `rustflags` in cargo's configuration, may hide the SDK's"
    );
    Err(why).advise(|| {
        let advice = "build it with `cargo zvm`, or take the settings that `cargo zvm env` prints";
        (reason.to_owned(), advice.to_owned())
    })
}

/// Cargo's workspace around the package that is run, or the working directory.
fn workspace(current: &Path) -> PathBuf {
    let Some(package) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return current.to_owned();
    };
    let is_workspace = |folder: &&Path| {
        fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| {
            text.lines()
                .any(|line| line.trim_start().starts_with("[workspace"))
        })
    };
    package
        .ancestors()
        .find(is_workspace)
        .map_or_else(|| package.clone(), Path::to_owned)
}

/// The workspace; the working directory, if that is elsewhere; cargo's folders for temporary and generated files.
fn mounts(program: &Path, root: &Path, current: &Path) -> Vec<Mount> {
    let mount = |folder: &Path, mode| Mount {
        host: folder.to_owned(),
        point: folder.to_owned(),
        mode,
        sources_only: true,
    };
    let mut mounts = Vec::new();
    if current != root && root.starts_with(current) {
        // The folder around it: mounted first, so that the workspace lies on top.
        if is_small(current) {
            mounts.push(mount(current, Mode::ReadOnly));
        }
        mounts.push(mount(root, Mode::ReadWrite));
    } else {
        mounts.push(mount(root, Mode::ReadWrite));
        if !current.starts_with(root) && is_small(current) {
            mounts.push(mount(current, Mode::ReadOnly));
        }
    }
    let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    let temporary = target.map(|target| target.join("tmp"));
    let generated = env::var_os("OUT_DIR").map(PathBuf::from);
    for (folder, mode) in [(temporary, Mode::ReadWrite), (generated, Mode::ReadOnly)] {
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            mounts.push(mount(&folder, mode));
        }
    }
    mounts
}

/// Whether a folder that nobody named is worth its copy: not the root, not the home or around it, no more than 100,000 files.
fn is_small(folder: &Path) -> bool {
    let home = env::var_os("HOME").map(PathBuf::from);
    if home.is_some_and(|home| home.starts_with(folder)) || folder.parent().is_none() {
        return false;
    }
    let keep = |entry: &walkdir::DirEntry| {
        entry.file_name() != ".git" && !entry.path().join("CACHEDIR.TAG").is_file()
    };
    let mut bytes = 0;
    for (count, entry) in walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_entry(keep)
        .flatten()
        .enumerate()
    {
        bytes += entry.metadata().map_or(0, |metadata| metadata.len());
        if count > 100_000 || bytes > 256 << 20 {
            return false;
        }
    }
    true
}

/// The caller's variables. `TMPDIR` names a folder that is not mounted; /tmp is there.
fn variables(more: &[String]) -> Result<Vec<(OsString, OsString)>> {
    let mut all: Vec<(OsString, OsString)> = env::vars_os()
        .filter(|(name, _)| {
            !["TMPDIR", RUN_OPTIONS, WORKSPACE]
                .iter()
                .any(|own| name == own)
        })
        .collect();
    // One host thread runs all of the program's: more of libtest's would only mix their turns.
    if env::var_os("RUST_TEST_THREADS").is_none() {
        all.push(("RUST_TEST_THREADS".into(), "1".into()));
    }
    for text in more {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .with_context(|| format!("--env {text}: not NAME=VALUE"))?;
        all.retain(|(old, _)| old != name);
        all.push((name.into(), value.into()));
    }
    Ok(all)
}

/// `512M` → bytes; K, M and G are powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.strip_suffix(['K', 'k']).map(|n| (n, 10)) {
        Some(found) => found,
        None => match text.strip_suffix(['M', 'm']).map(|n| (n, 20)) {
            Some(found) => found,
            None => text.strip_suffix(['G', 'g']).map_or((text, 0), |n| (n, 30)),
        },
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << unit))
        .ok_or_else(|| "not a size such as 512M or 1G".to_owned())
}

fn seed(text: &str) -> Result<[u8; 32]> {
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("--seed {text}: not 1 to 64 hex digits");
    }
    let mut seed = [0; 32];
    for (byte, digits) in seed
        .iter_mut()
        .zip(format!("{text:0>64}").as_bytes().chunks(2))
    {
        let digits = str::from_utf8(digits).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16)
            .map_err(|_| anyhow!("--seed {text}: not 1 to 64 hex digits"))?;
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_travel_through_one_variable() {
        let options = ["--mount", "a b:/x", "--env", "A="].map(OsString::from);
        assert_eq!(decode(&encode(&options)), options);
        assert!(decode(OsStr::new("")).is_empty());
    }

    #[test]
    fn arguments_of_the_program_are_its_own() {
        let cli =
            Cli::try_parse_from(["zvm-run", "--timeout", "3", "a.zvm", "--timeout", "-x"]).unwrap();
        assert_eq!(cli.timeout, Some(3.0));
        assert_eq!(cli.command, ["a.zvm", "--timeout", "-x"]);
    }

    #[test]
    fn sizes_and_seeds() {
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("64k"), Ok(64 << 10));
        assert!(size("99999999999999G").is_err() && size("G").is_err());
        assert_eq!(seed("1ff").unwrap()[30..], [1, 0xff]);
        assert!(seed("").is_err() && seed("x").is_err() && seed("+1").is_err());
    }
}
