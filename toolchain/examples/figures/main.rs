//! The runtime's figures in one run, each beside what a native process does: see the book's chapter "The runtime's figures".
//!
//! ```text
//! cargo build --release
//! cargo run --release -p zvm-toolchain --example figures -- [trap] [switch] [waiting] [start] [instances] [files] [large] [size] [zvm=FILE]
//! ```
//! All but `large` without arguments. Needs `zvm-cc` and `zvm` beside the example's folder; `zvm=FILE` measures another build of
//! the latter, such as the one that is linked with musl; `start` has both, by turns.

mod files;
mod instances;
mod large;
mod start;
mod switch;
mod waiting;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

type Failure = Box<dyn std::error::Error>;
/// One part of the table.
type Part = fn(&Bench) -> Result<(), Failure>;

/// The tools, and a folder for what they make.
struct Bench {
    tools: PathBuf,
    zvm: PathBuf,
    folder: tempfile::TempDir,
}

/// A program, built both ways from one source.
struct Pair {
    image: PathBuf,
    native: PathBuf,
}

impl Bench {
    fn new(zvm: Option<&str>) -> Result<Bench, Failure> {
        let example = std::env::current_exe()?;
        let tools = example.parent().and_then(Path::parent);
        let tools = tools.ok_or("an odd place")?.to_owned();
        Ok(Bench {
            zvm: zvm.map_or_else(|| tools.join("zvm"), PathBuf::from),
            tools,
            folder: tempfile::tempdir()?,
        })
    }

    /// The one that is measured.
    fn zvm(&self) -> PathBuf {
        self.zvm.clone()
    }

    /// The one of this build.
    fn own_zvm(&self) -> PathBuf {
        self.tools.join("zvm")
    }

    fn image(&self, name: &str, source: &str) -> Result<PathBuf, Failure> {
        self.compile(name, source, ".zvm", &[])
    }

    fn pair(&self, name: &str, source: &str) -> Result<Pair, Failure> {
        Ok(Pair {
            image: self.image(name, source)?,
            native: self.compile(name, source, "", &["--native"])?,
        })
    }

    fn compile(
        &self,
        name: &str,
        source: &str,
        ending: &str,
        options: &[&str],
    ) -> Result<PathBuf, Failure> {
        let file = self.folder.path().join(format!("{name}.c"));
        std::fs::write(&file, source)?;
        let output = self.folder.path().join(format!("{name}{ending}"));
        let built = Command::new(self.tools.join("zvm-cc"))
            .args(options)
            .args(["-O2", "-D_GNU_SOURCE"])
            .arg(&file)
            .arg("-o")
            .arg(&output)
            .status()?;
        match built.success() {
            true => Ok(output),
            false => Err(format!("{name}.c does not build").into()),
        }
    }

    /// `zvm run` with options and an image.
    fn sandboxed(&self, options: &[&str], image: &Path) -> Command {
        let mut command = Command::new(self.zvm());
        command.arg("run").args(options).arg(image);
        command
    }

    /// Runs the image until the runtime has kept it: not before the file is some seconds old, and not at its first run.
    fn settle(&self, image: &Path) -> Result<(), Failure> {
        std::thread::sleep(Duration::from_secs(3));
        for _ in 0..2 {
            let mut command = self.sandboxed(&[], image);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            timed(command)?;
        }
        Ok(())
    }
}

/// How long the command takes; it must succeed.
fn timed(mut command: Command) -> Result<Duration, Failure> {
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed();
    match status.success() {
        true => Ok(time),
        false => Err(format!("{command:?} ended with {status}").into()),
    }
}

/// Processor seconds of all children so far.
fn children() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The least processor time of a few runs, in seconds: what else the machine does matters little.
fn best(rounds: usize, command: &dyn Fn() -> Command) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let before = children()?;
        timed(command())?;
        best = best.min(children()? - before);
    }
    Ok(best)
}

fn row(what: &str, value: &str) {
    println!("{what:<58} {value}");
}

/// Bytes of the binary without symbols, and of the one of the profile `small` if that has been built.
fn size(bench: &Bench) -> Result<(), Failure> {
    let small = bench.tools.with_file_name("small").join("zvm");
    for (what, binary) in [
        ("zvm, stripped", bench.zvm()),
        ("  of the profile small", small),
    ] {
        let stripped = bench.folder.path().join("stripped");
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(&stripped).arg(&binary);
        let value = match strip.status() {
            _ if !binary.exists() => "not built".to_owned(),
            Ok(status) if status.success() => {
                format!("{:.2} MB", std::fs::metadata(&stripped)?.len() as f64 / 1e6)
            }
            _ => "not measured: strip is not installed".to_owned(),
        };
        row(what, &value);
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let parts: [(&str, Part); 8] = [
        ("size", size),
        ("trap", switch::trap),
        ("switch", switch::threads),
        ("waiting", waiting::waiting),
        ("start", start::start),
        ("instances", instances::instances),
        ("files", files::files),
        ("large", large::large),
    ];
    let (options, wanted): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with("zvm="));
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !parts.iter().any(|(part, _)| part == name))
    {
        return Err(format!("{unknown} is no part").into());
    }
    let zvm = options
        .last()
        .and_then(|option| option.strip_prefix("zvm="));
    let bench = Bench::new(zvm)?;
    for (name, part) in parts {
        if wanted.iter().any(|wanted| wanted == name) || wanted.is_empty() && name != "large" {
            part(&bench)?;
        }
    }
    Ok(())
}
