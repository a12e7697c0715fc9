//! From the command, or the call of the library, to the end of a program that says hello.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zvm_runtime::spec::Uri;
use zvm_runtime::zapp::write::{Application, write};
use zvm_runtime::{ChannelSpec, Mode, Mount, Outcome, RunOptions};

use super::{Bench, Failure, row, timed};

const HELLO: &str = r#"
#include <stdio.h>
int main(void) { puts("hello"); return 0; }
"#;

/// The same by the system calls alone that such a runtime cannot do without.
const FLOOR: &str = include_str!("floor.c");

const ROUNDS: usize = 300;

/// What it is, and one run of it.
type Way<'a> = (&'a str, &'a dyn Fn() -> Result<Duration, Failure>);

/// The `start` part: each way in turn, so that whatever else the machine does meets all of them.
pub fn start(bench: &Bench) -> Result<(), Failure> {
    let pair = bench.pair("hello", HELLO)?;
    let small = packed(bench, &pair.image, 0)?;
    let large = packed(bench, &pair.image, 40 << 20)?;
    for file in [&pair.image, &small, &large] {
        bench.settle(file)?;
    }
    let native = || timed(quiet(Command::new(&pair.native)));
    let floor = bench.compile("floor", FLOOR, "", &["--native"])?;
    let least = || timed(quiet(Command::new(&floor)));
    let run = |zvm: &Path, file: &Path| {
        let mut command = Command::new(zvm);
        command.arg("run").arg(file);
        timed(quiet(command))
    };
    let inside = || run(&bench.own_zvm(), &pair.image);
    let of_small = || run(&bench.own_zvm(), &small);
    let of_large = || run(&bench.own_zvm(), &large);
    let other = || run(&bench.zvm(), &pair.image);
    let by_other = format!("zvm run, by {}", bench.zvm().display());
    let mut options = RunOptions::new(&pair.image);
    options.channels = vec![ChannelSpec::standard(1, Uri::Path("/dev/null".into()))];
    options.verdicts = zvm_runtime::verdict::default_folder();
    let called = || by_library(&options);
    let version = || {
        let mut command = Command::new(bench.own_zvm());
        command.arg("--version");
        timed(quiet(command))
    };
    let confined = || {
        let mut command = Command::new("bwrap");
        command.args(["--ro-bind", "/", "/", "--unshare-all", "true"]);
        timed(quiet(command))
    };
    let mut ways: Vec<Way> = vec![
        ("native, static", &native),
        ("floor.c: two processes, mappings, filter", &least),
        ("by the library, in a process that runs", &called),
        ("zvm run", &inside),
        ("zvm run, an application of it", &of_small),
        ("zvm run, one with 40 MB of files", &of_large),
    ];
    if bench.zvm() != bench.own_zvm() {
        ways.push((&by_other, &other));
    }
    ways.push((
        "zvm --version: the command itself, without an instance",
        &version,
    ));
    if confined().is_ok() {
        ways.push(("bwrap --ro-bind / / --unshare-all true", &confined));
    }
    let mut times = vec![Vec::with_capacity(ROUNDS); ways.len()];
    for _ in 0..ROUNDS {
        for ((_, once), times) in ways.iter().zip(&mut times) {
            times.push(once()?);
        }
    }
    times.iter_mut().for_each(|times| times.sort());
    let base = &times[0];
    for ((what, _), times) in ways.iter().zip(&times) {
        let (least, tenth) = (times[0], times[ROUNDS / 10]);
        let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
        row(
            &format!("start to end: {what}"),
            &format!(
                "{:.2} ms ({:.1}x); best tenth {:.2} ms ({:.1}x)",
                least.as_secs_f64() * 1e3,
                ratio(least, base[0]),
                tenth.as_secs_f64() * 1e3,
                ratio(tenth, base[ROUNDS / 10]),
            ),
        );
    }
    phases(bench, &pair.image)
}

/// The image as an application, with a file of that many bytes.
fn packed(bench: &Bench, image: &Path, bytes: usize) -> Result<PathBuf, Failure> {
    let folder = bench.folder.path().join(format!("files-{bytes}"));
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("file"), vec![b'x'; bytes])?;
    let application = Application {
        name: "hello".to_owned(),
        image: image.to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        memory: None,
        mounts: vec![Mount {
            host: folder,
            point: "/data".into(),
            mode: Mode::ReadOnly,
            sources_only: false,
        }],
    };
    let file = bench.folder.path().join(format!("hello-{bytes}.zapp"));
    write(&application, &file)?;
    Ok(file)
}

fn by_library(options: &RunOptions) -> Result<Duration, Failure> {
    let start = Instant::now();
    let report = zvm_runtime::run(options)?;
    let time = start.elapsed();
    match report.outcome {
        Outcome::Exited(0) => Ok(time),
        other => Err(other.lines().join("\n").into()),
    }
}

fn quiet(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Where the time goes inside `zvm run`, by its own report; the best tenth of each phase.
fn phases(bench: &Bench, image: &Path) -> Result<(), Failure> {
    let report = bench.folder.path().join("report.json");
    let option = format!("--report={}", report.display());
    let mut all: Vec<(String, Vec<f64>)> = Vec::new();
    for _ in 0..ROUNDS / 3 {
        timed(quiet(bench.sandboxed(&[&option], image)))?;
        let text = std::fs::read_to_string(&report)?;
        let json: serde_json::Value = serde_json::from_str(&text)?;
        let phases = json["time"]["phases"]
            .as_array()
            .ok_or("a report without phases")?;
        for phase in phases {
            let name = phase["name"].as_str().unwrap_or_default();
            let time = phase["seconds"].as_f64().unwrap_or_default();
            match all.iter_mut().find(|(known, _)| known == name) {
                Some((_, times)) => times.push(time),
                None => all.push((name.to_owned(), vec![time])),
            }
        }
    }
    for (name, mut times) in all {
        times.sort_by(f64::total_cmp);
        let tenth = times[times.len() / 10];
        row(
            &format!("  of that: {name}"),
            &format!("{:.0} us", tenth * 1e6),
        );
    }
    Ok(())
}
