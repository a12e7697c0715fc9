//! The `zvm` command.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use zvm_validator::Level;

use crate::debugger::Debugger;
use crate::digest::Algorithm;
use crate::error::{RunError, status};
use crate::monitor::{self, Outcome};
use crate::mount::Mount;
use crate::network::name_server;
use crate::options::{self, RunOptions};
use crate::report::{self, Report};
use crate::report_file::ReportFile;
use crate::spec::{ChannelSpec, Uri};
use crate::{limits, snapshot, validate, verdict};

/// The exit status of what went well.
const SUCCESS: u8 = 0;

const EXIT_STATUS: &str = "\
Exit status:
  the program's own, or
  2        there is no such program, or the command line is wrong
  5        the host failed at input or output
  8        the image is malformed, or its code was rejected
  12       the memory does not fit, or the host cannot give it
  14       a mount, an argument or the environment cannot be given to the program
  32       what came over a network channel is not what was sent
  124      the timeout ended the run
  152      the processor time is used up
  153      the program wrote more than --output allows
  128+N    signal N ended the program: 139 for a bad memory access, 132 for an abort
All but the program's own come with a line on stderr that starts with `zvm:`.";

const MANIFEST_STATUS: &str = "\
Exit status, an errno as ZeroVM's:
  0        the program ended itself; its own status is in the report
  2        there is no such manifest or program
  4        a timeout, a quota of time, or a signal ended it
  5        the host failed at input or output
  8        the image is malformed, or its code was rejected
  12       the memory does not fit
  14       the manifest or the nvram file is malformed
  32       what came over the network is not what was sent";

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
    Run(Box<Run>),
    /// Run an image under gdb, stopped in main, with its symbols loaded
    #[command(after_help = EXIT_STATUS, override_usage = "zvm debug [OPTIONS] FILE [ARG]...")]
    Debug {
        /// A command for gdb, before the program's first instruction, instead of a stop in main (may be given again)
        #[arg(long, value_name = "COMMAND")]
        ex: Vec<OsString>,
        /// Leave gdb behind these commands
        #[arg(long)]
        batch: bool,
        #[command(flatten)]
        run: Box<Run>,
    },
    /// Run an application up to a point, and make one whose instances begin there
    ///
    /// The point is the application's first read of /dev/snapshot. It is written with the memory that it has then; what a run of the new
    /// one gives, arguments, environment, streams, mounts, clock and seed, is its own.
    #[command(after_help = EXIT_STATUS, override_usage = "zvm snapshot [OPTIONS] --to FILE APPLICATION [ARG]...")]
    Snapshot {
        /// The new application
        #[arg(short = 'o', long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        run: Box<Run>,
    },
    /// Run what a ZeroVM manifest says, and print ZeroVM's report
    #[command(after_help = MANIFEST_STATUS)]
    Manifest {
        /// The manifest
        file: PathBuf,
        /// Write the report to this file instead; as JSON if its name ends in .json
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Check that an image keeps the sandbox's rules, without running it
    #[command(
        after_help = "Exit status: 0 if every rule is kept, 8 if not, 2 if there is no such file."
    )]
    Validate {
        /// The image, or an application (.zapp)
        #[arg(required_unless_present = "list_instructions")]
        file: Option<PathBuf>,
        /// Print the answer as JSON
        #[arg(long)]
        json: bool,
        /// Print the instructions that images of a level (1 to 4, as in x86-64-v3) may hold, and check nothing
        #[arg(long, value_name = "LEVEL", value_parser = level, conflicts_with_all = ["file", "json"])]
        list_instructions: Option<Level>,
    },
    /// Tell the nodes of a job where the others listen, for channels named `tcp:NODE:`
    NameServer {
        /// Where to listen; the port is printed, which matters if it is 0
        #[arg(value_name = "udp:IP:PORT", value_parser = udp)]
        address: SocketAddr,
        /// How many nodes there are; they are answered when all have asked
        #[arg(long, value_name = "N")]
        nodes: NonZeroUsize,
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
    /// Memory for the program, such as 64M or 2G; 4G is all that the sandbox holds [default: 1G, or the
    /// application's]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// Longest run in seconds, such as 2.5
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Most processor time in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    cpu_time: Option<Duration>,
    /// Most bytes that the program may write to all its channels together, such as 10M
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    output: Option<u64>,
    /// Take standard input from a file
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Write standard output to a file, which appears whole when the program ends
    #[arg(long, value_name = "FILE")]
    stdout: Option<PathBuf>,
    /// Write standard error to a file, which appears whole when the program ends
    #[arg(long, value_name = "FILE")]
    stderr: Option<PathBuf>,
    /// Give the program a channel, in the words of a manifest; SPEC is `uri, alias, type, etag, gets, get_size, puts,
    /// put_size`
    #[arg(long = "channel", value_name = "SPEC", value_parser = ChannelSpec::parse)]
    channels: Vec<ChannelSpec>,
    /// Let the program's sockets connect to HOST:PORT, once for each time that this is given; inside it is NAME:PORT
    #[arg(long, value_name = "[NAME:PORT=]HOST:PORT", value_parser = ChannelSpec::connect)]
    connect: Vec<ChannelSpec>,
    /// Wait for a connection to IP:PORT, and give it to the program when it listens at PORT; given more than once, as many
    /// connections
    #[arg(long, value_name = "[PORT=]IP:PORT", value_parser = ChannelSpec::listen)]
    listen: Vec<ChannelSpec>,
    /// Write output files while the program runs, not when it has ended
    #[arg(long)]
    stream: bool,
    /// Write a report with the digests of channels and memory; as JSON if the name ends in .json
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Digest of the report: blake3 or sha256
    #[arg(long, value_name = "NAME", default_value = "blake3", value_parser = algorithm)]
    digest: Algorithm,
    /// Seed of the program's random numbers, up to 64 hex digits; runs with equal seeds are equal
    #[arg(long, value_name = "HEX", default_value = "0", value_parser = seed)]
    seed: Seed,
    /// Where the program's clock starts, in seconds since 1970
    #[arg(long, value_name = "SECONDS", default_value_t = options::DEFAULT_SECONDS)]
    time: u64,
    /// The program's clock: `fixed` starts at --time and moves by the program's calls alone, `host` is this machine's, and
    /// makes runs differ
    #[arg(long, value_name = "WHICH", default_value = "fixed", value_parser = ["fixed", "host"])]
    clock: String,
    /// The program's working directory
    #[arg(long, value_name = "PATH", default_value = "/")]
    cwd: OsString,
    /// Show the program's system calls, and the signals it gets, on stderr
    #[arg(long)]
    strace: bool,
    /// Write a core file for gdb if the program ends by a fault
    #[arg(long, value_name = "FILE")]
    core: Option<PathBuf>,
    /// Tell `perf report` the names of the program's functions, by a file /tmp/perf-PID.map
    #[arg(long)]
    perf_map: bool,
    /// The image or application (.zapp); everything behind it is the program's own arguments
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

/// The command line itself, for completions and the book's reference.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Runs the command line `args`, the command's name first; the answer is the exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    execute(args.into_iter().collect()).into()
}

/// The same, with the exit status as a number.
pub(crate) fn execute(args: Vec<OsString>) -> u8 {
    if let Some(result) = plain(&args) {
        return say(&result.and_then(|options| monitor::run(&options)));
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            text.lines()
                .filter(|line| !line.is_empty())
                .for_each(complain);
            return status::NO_PROGRAM;
        }
        Err(help) => {
            // A closed pipe is no reason to fail.
            let _ = help.print();
            return SUCCESS;
        }
    };
    match cli.command {
        Command::Run(run) => {
            let file = run.report.clone();
            reported(file.as_deref(), || {
                run.options().and_then(|options| monitor::run(&options))
            })
        }
        Command::Debug { ex, batch, run } => {
            let file = run.report.clone();
            let debugger = Debugger {
                commands: ex,
                batch,
            };
            reported(file.as_deref(), || {
                run.options().and_then(|options| {
                    monitor::run(&RunOptions {
                        debugger: Some(debugger),
                        ..options
                    })
                })
            })
        }
        Command::Snapshot { to, run } => {
            let file = run.report.clone();
            reported(file.as_deref(), || {
                run.options()
                    .and_then(|options| snapshot::make(options, to))
            })
        }
        Command::Manifest { file, report } => manifest(&file, report.as_deref()),
        Command::NameServer { address, nodes } => name_server(address, nodes.get()),
        Command::Validate {
            list_instructions: Some(level),
            ..
        } => {
            print(&validate::list(level));
            SUCCESS
        }
        Command::Validate { file, json, .. } => validated(&file.unwrap_or_default(), json),
    }
}

/// What `zvm run FILE [ARG]...` asks for: without an option there is nothing to parse, and a start need not wait for the
/// description of them all.
fn plain(args: &[OsString]) -> Option<Result<RunOptions, RunError>> {
    let [_, command, file, rest @ ..] = args else {
        return None;
    };
    if command != "run" || file.is_empty() || file.as_bytes()[0] == b'-' {
        return None;
    }
    Some(RunOptions::open(file.into(), rest.to_vec()))
}

/// Writes what there is to say about a run to stderr, each line with `zvm:` in front; the answer is the exit status.
pub fn say(result: &Result<Report, RunError>) -> u8 {
    let (lines, status) = match result {
        Ok(report) => (report.outcome.lines(), report.outcome.status()),
        Err(error) => (
            error.to_string().lines().map(str::to_owned).collect(),
            error.status(),
        ),
    };
    lines.iter().for_each(|line| complain(line));
    status
}

/// A line for people. Where nobody can read it the exit status still tells.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "zvm: {line}");
}

/// Runs, says what there is to say, and writes the report to `file`, which is found before the run. The answer is the exit status.
pub fn reported(file: Option<&Path>, run: impl FnOnce() -> Result<Report, RunError>) -> u8 {
    let Some(file) = file else {
        return say(&run());
    };
    match ReportFile::create(file) {
        Ok(place) => {
            let result = run();
            let status = say(&result);
            written(file, place, &result, status)
        }
        Err(error) => unwritten(file, &error),
    }
}

/// Writes the report; `status` if that works.
fn written(file: &Path, place: ReportFile, result: &Result<Report, RunError>, status: u8) -> u8 {
    let json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    let text = if json {
        report::json(result)
    } else {
        report::zerovm(result)
    };
    match place.write(&text) {
        Ok(()) => status,
        Err(error) => unwritten(file, &error),
    }
}

fn unwritten(file: &Path, error: &io::Error) -> u8 {
    complain(&format!(
        "cannot write the report {}: {error}",
        file.display()
    ));
    status::IO
}

/// `zvm manifest`: the exit status is ZeroVM's errno, the program's own is in the report.
fn manifest(file: &Path, report: Option<&Path>) -> u8 {
    let place = match report.map(ReportFile::create).transpose() {
        Ok(place) => report.zip(place),
        Err(error) => return unwritten(report.unwrap_or(file), &error),
    };
    let result = options::from_manifest(file).and_then(|mut options| {
        options.verdicts = verdict::default_folder();
        monitor::run(&options)
    });
    say(&result);
    let status = match &result {
        Ok(report) => match report.outcome {
            Outcome::Exited(_) => 0,
            _ => status::INTERRUPTED,
        },
        Err(error) if error.status() > status::FAULT => status::INTERRUPTED,
        Err(error) => error.status(),
    };
    match place {
        Some((file, place)) => written(file, place, &result, status),
        None => match io::stdout().write_all(report::zerovm(&result).as_bytes()) {
            Ok(()) => status,
            Err(error) => {
                complain(&format!("cannot write the report to stdout: {error}"));
                status::IO
            }
        },
    }
}

impl Run {
    fn options(self) -> Result<RunOptions, RunError> {
        let mut command = self.command.into_iter();
        let mut channels = self.channels;
        channels.extend(numbered(self.connect.into_iter().chain(self.listen)));
        let files = [self.stdin, self.stdout, self.stderr];
        for (number, file) in (0..).zip(files) {
            channels.extend(file.map(|file| ChannelSpec::standard(number, Uri::Path(file))));
        }
        let program: PathBuf = command.next().unwrap_or_default().into();
        let mut options = RunOptions::open(program, command.collect())?;
        options.env = last_of_each(options.env.into_iter().chain(self.env));
        options.mounts.extend(self.mounts);
        if let Some(memory) = self.memory {
            options.memory = memory;
        }
        Ok(RunOptions {
            channels,
            cpu_time: self.cpu_time,
            output: self.output,
            stream: self.stream,
            digests: self.report.is_some(),
            algorithm: self.digest,
            timeout: self.timeout,
            seed: self.seed.0,
            seconds: self.time,
            host_clock: self.clock == "host",
            cwd: self.cwd,
            strace: self.strace,
            core: self.core,
            perf_map: self.perf_map,
            ..options
        })
    }
}

/// Connections of one name have different aliases: the second one ends with `#2`.
fn numbered(specs: impl Iterator<Item = ChannelSpec>) -> Vec<ChannelSpec> {
    let mut count = HashMap::new();
    let numbered = specs.map(|mut spec| {
        let number = count.entry(spec.alias.clone()).or_insert(0);
        *number += 1;
        if *number > 1 {
            spec.alias = format!("{}#{number}", spec.alias);
        }
        spec
    });
    numbered.collect()
}

/// Of several values of a variable the last, where the first one stood.
fn last_of_each(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in variables {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => all.push((name, value)),
        }
    }
    all
}

/// Serves until it is killed.
fn name_server(address: SocketAddr, nodes: usize) -> u8 {
    let served = UdpSocket::bind(address).and_then(|socket| {
        writeln!(io::stdout(), "udp:{}", socket.local_addr()?)?;
        name_server::serve(&socket, nodes)
    });
    match served {
        Ok(never) => match never {},
        Err(error) => {
            complain(&format!("cannot serve names on udp:{address}: {error}"));
            status::IO
        }
    }
}

fn udp(text: &str) -> Result<SocketAddr, String> {
    let address = text.strip_prefix("udp:").and_then(|text| text.parse().ok());
    address.ok_or_else(|| "not udp:IP:PORT".to_owned())
}

/// `zvm validate`: the answer goes to stdout as JSON, or as text, which on a rejection is an error as any other.
fn validated(file: &Path, json: bool) -> u8 {
    let validation = match validate::image(file) {
        Ok(validation) => validation,
        Err(error) => return say(&Err(error)),
    };
    if json {
        print(&validation.json());
    } else if validation.is_valid() {
        print(&format!("{}\n", validation.text()));
    } else {
        validation.text().lines().for_each(complain);
    }
    match validation.is_valid() {
        true => SUCCESS,
        false => status::BAD_IMAGE,
    }
}

/// To stdout; a closed pipe is no reason to fail.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// `3`, `v3` or `x86-64-v3`.
fn level(text: &str) -> Result<Level, String> {
    text.trim_start_matches("x86-64-")
        .trim_start_matches('v')
        .parse::<u32>()
        .ok()
        .and_then(|number| Level::try_from(number).ok())
        .ok_or_else(|| "not a level from 1 to 4, such as 3 or x86-64-v3".to_owned())
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

/// Reads the size of a program's memory, such as 512M.
///
/// # Errors
/// Not a size, or less than 64K.
pub fn size(text: &str) -> Result<u64, String> {
    bytes(text)
        .ok()
        .filter(|&bytes| bytes >= limits::MEMORY_MIN)
        .ok_or_else(|| "not a size such as 512M or 1G, at least 64K".to_owned())
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(text).ok_or_else(|| "not blake3 or sha256".to_owned())
}

/// `512M` → bytes; K, M and G are powers of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['B', 'i']);
    let (number, unit) = match digits.char_indices().last() {
        Some((at, 'K' | 'k')) => (&digits[..at], 1 << 10),
        Some((at, 'M' | 'm')) => (&digits[..at], 1 << 20),
        Some((at, 'G' | 'g')) => (&digits[..at], 1 << 30),
        _ => (digits, 1),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "not a size such as 512M or 1G".to_owned())
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

fn seed(text: &str) -> Result<Seed, String> {
    crate::nvram::seed(text).map(Seed)
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
        let options = run.options().unwrap();
        assert_eq!(options.memory, 64 << 20);
        assert_eq!(options.program, PathBuf::from("a.zvm"));
        assert_eq!(options.args, ["--memory", "x", "--", "-h"]);
    }

    /// What is read without the description of the options is what it says.
    #[test]
    fn a_run_without_options_is_one_with_the_defaults() {
        let of = |args: &[&str]| args.iter().map(OsString::from).collect::<Vec<_>>();
        for args in [
            &["zvm", "run", "a.zvm"][..],
            &["zvm", "run", "a.zvm", "--memory", "x", "--", "-h", ""],
        ] {
            let args = of(args);
            let Command::Run(run) = Cli::try_parse_from(&args).unwrap().command else {
                panic!()
            };
            let (short, long) = (plain(&args).unwrap().unwrap(), run.options().unwrap());
            assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
        for args in [
            &["zvm", "run"][..],
            &["zvm", "run", ""],
            &["zvm", "run", "--memory", "64M", "a.zvm"],
            &["zvm", "validate", "a.zvm"],
        ] {
            assert!(plain(&of(args)).is_none(), "{args:?}");
        }
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
