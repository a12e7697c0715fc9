//! The `zvm` command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::error::{RunError, status};
use crate::image::Image;
use crate::monitor::{self, Outcome, RunOptions};
use crate::mount::Mount;
use crate::{check, limits};

const EXIT_STATUS: &str = "\
Exit status:
  the program's own, or
  2        there is no such program, or the command line is wrong
  5        the host failed at input or output
  8        the image is malformed, or its code was rejected
  12       the memory does not fit, or the host cannot give it
  14       a mount, an argument or the environment cannot be given to the program
  124      the timeout ended the run
  128+N    signal N ended the program: 139 for a bad memory access, 132 for an abort
All but the program's own come with a line on stderr that starts with `zvm:`.";

/// Runs programs in a sandbox that gives them nothing but what the command line names.
#[derive(Parser)]
#[command(name = "zvm", version, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run an image; its stdin, stdout and stderr are this command's
    #[command(after_help = EXIT_STATUS, override_usage = "zvm run [OPTIONS] FILE [ARG]...")]
    Run(Run),
    /// Check that an image keeps the sandbox's rules, without running it
    #[command(
        after_help = "Exit status: 0 if every rule is kept, 8 if not, 2 if there is no such file."
    )]
    Validate {
        /// The image
        file: PathBuf,
    },
}

#[derive(Args)]
struct Run {
    /// Give the program a host directory or a tar file at a path. MODE is ro (no changes), overlay (changes vanish at
    /// the end; the default) or rw (changes are written back when the program exits)
    #[arg(long = "mount", value_name = "HOST_DIR_OR_TAR:/PATH[:MODE]", value_parser = OsStringValueParser::new().try_map(|text| Mount::parse(&text)))]
    mounts: Vec<Mount>,
    /// Set an environment variable; the program gets none of the host's
    #[arg(long = "env", value_name = "K=V", value_parser = OsStringValueParser::new().try_map(|text| variable(&text)))]
    env: Vec<(OsString, OsString)>,
    /// Memory for the program, such as 64M or 2G
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    memory: u64,
    /// Longest run in seconds, such as 2.5
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Seed of the program's random numbers, up to 64 hex digits; runs with equal seeds are equal
    #[arg(long, value_name = "HEX", default_value = "0", value_parser = seed)]
    seed: Seed,
    /// Where the program's clock starts, in seconds since 1970
    #[arg(long, value_name = "SECONDS", default_value_t = monitor::DEFAULT_SECONDS)]
    time: u64,
    /// The program's working directory
    #[arg(long, value_name = "PATH", default_value = "/")]
    cwd: OsString,
    /// Show the program's system calls, and the signals it gets, on stderr
    #[arg(long)]
    strace: bool,
    /// The image; everything behind it is the program's own arguments
    #[arg(
        value_name = "FILE",
        required = true,
        num_args = 1..,
        trailing_var_arg = true
    )]
    command: Vec<OsString>,
}

#[derive(Clone, Copy)]
struct Seed([u8; 32]);

/// Runs the command line `args`, the command's name first; the answer is the exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            text.lines()
                .filter(|line| !line.is_empty())
                .for_each(|line| eprintln!("zvm: {line}"));
            return ExitCode::from(status::NO_PROGRAM);
        }
        Err(help) => {
            // A closed pipe is no reason to fail.
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    match cli.command {
        Command::Run(run) => report(&monitor::run(&run.options())),
        Command::Validate { file } => validate(file),
    }
}

/// Writes what there is to say about a run to stderr, each line with `zvm:` in front; the answer is the exit status.
pub fn report(result: &Result<Outcome, RunError>) -> ExitCode {
    match result {
        Ok(outcome) => {
            outcome
                .lines()
                .iter()
                .for_each(|line| eprintln!("zvm: {line}"));
            ExitCode::from(outcome.status())
        }
        Err(error) => {
            error
                .to_string()
                .lines()
                .for_each(|line| eprintln!("zvm: {line}"));
            ExitCode::from(error.status())
        }
    }
}

impl Run {
    fn options(self) -> RunOptions {
        let mut command = self.command.into_iter();
        RunOptions {
            program: command.next().unwrap_or_default().into(),
            args: command.collect(),
            env: self.env,
            mounts: self.mounts,
            memory: self.memory,
            timeout: self.timeout,
            seed: self.seed.0,
            seconds: self.time,
            cwd: self.cwd,
            strace: self.strace,
        }
    }
}

fn validate(file: PathBuf) -> ExitCode {
    match validate_image(file) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => report(&Err(error)),
    }
}

fn validate_image(file: PathBuf) -> Result<String, RunError> {
    let image = Image::open(&file)?;
    let mut text = image
        .read_text()
        .map_err(RunError::host("read the image"))?;
    let used = text.len();
    text.resize(used.next_multiple_of(zvm_abi::layout::PAGE as usize), 0xf4);
    let (_, accepted) =
        check::text(&text, used, image.level).map_err(|message| RunError::Instance {
            status: status::BAD_IMAGE,
            message: format!("{}: {message}", file.display()),
        })?;
    Ok(format!(
        "{}: valid: {used} bytes of x86-64-v{} code, {} instructions in {} bundles",
        file.display(),
        image.level,
        accepted.instructions,
        accepted.bundles
    ))
}

fn variable(text: &OsStr) -> Result<(OsString, OsString), String> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) if at > 0 => Ok((
            OsStr::from_bytes(&bytes[..at]).to_owned(),
            OsStr::from_bytes(&bytes[at + 1..]).to_owned(),
        )),
        _ => Err("not NAME=VALUE".to_owned()),
    }
}

/// `512M` → bytes; K, M and G are powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['B', 'i']);
    let (number, unit) = match digits.char_indices().last() {
        Some((at, 'K' | 'k')) => (&digits[..at], 1 << 10),
        Some((at, 'M' | 'm')) => (&digits[..at], 1 << 20),
        Some((at, 'G' | 'g')) => (&digits[..at], 1 << 30),
        _ => (digits, 1),
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|&bytes| bytes >= limits::MEMORY_MIN)
        .ok_or_else(|| "not a size such as 512M or 1G, at least 64K".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        Err("the timeout must be more than 0".to_owned())
    } else {
        Ok(duration)
    }
}

/// Hex digits, the number's last digit last; shorter ones are filled with zeros in front.
fn seed(text: &str) -> Result<Seed, String> {
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("not 1 to 64 hex digits".to_owned());
    }
    let mut seed = [0; 32];
    for (index, pair) in format!("{text:0>64}").as_bytes().chunks(2).enumerate() {
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
        seed[index] = digit(pair[0]) << 4 | digit(pair[1]);
    }
    Ok(Seed(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn options_after_the_file_are_the_programs() {
        let cli = Cli::try_parse_from([
            "zvm", "run", "--memory", "64M", "a.zvm", "--memory", "x", "--", "-h",
        ])
        .unwrap();
        let Command::Run(run) = cli.command else {
            panic!()
        };
        let options = run.options();
        assert_eq!(options.memory, 64 << 20);
        assert_eq!(options.program, PathBuf::from("a.zvm"));
        assert_eq!(options.args, ["--memory", "x", "--", "-h"]);
    }

    #[test]
    fn sizes_seconds_seeds() {
        assert_eq!(size("1G"), Ok(1 << 30));
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("65536"), Ok(65536));
        for bad in [
            "",
            "G",
            "-1",
            "1T",
            "99999999999999999999",
            "18446744073709551615G",
            "4K",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for bad in ["0", "-1", "nan", "x", "1e300"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(seed("1ff").unwrap().0[30..], [1, 0xff]);
        assert!(seed("xyz").is_err());
        assert!(seed(&"0".repeat(65)).is_err());
    }
}
