//! Random programs: csmith writes them, a seed each; the checksum that each prints must be the same in the sandbox and natively.
//!
//! Eight seeds by default. `ZVM_CSMITH=1000` takes a thousand, `ZVM_CSMITH=5000..6000` those seeds: a failure names its seed, which
//! alone is `ZVM_CSMITH=5123..5124`.

use std::ops::Range;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use twin::{Side, Twin, on_path, same};

mod twin;

/// Where Debian's `libcsmith-dev` puts what the programs include.
const HEADERS: &str = "/usr/include/csmith";

/// The compilers, levels and more take turns by the seed; their numbers have no common divisor, so that all meet.
const COMPILERS: [&str; 3] = ["zig", "gcc", "clang"];
const LEVELS: [&str; 5] = ["-O0", "-O1", "-O2", "-O3", "-Os"];
const MORE: [&[&str]; 7] = [
    &[],
    &["-fPIC"],
    &["-fstack-protector-strong"],
    &["-fno-omit-frame-pointer"],
    &["-march=x86-64-v2"],
    &["-ffunction-sections", "-Wl,--gc-sections"],
    &["-fno-jump-tables"],
];

/// Seconds. A program that runs longer natively (csmith's may never end) says nothing.
const PATIENCE: u32 = 5;

fn check(seed: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("random.c");
    let written = Command::new("timeout")
        .args(["60", "csmith", "--seed", &seed.to_string(), "--output"])
        .arg(&source)
        .current_dir(&folder)
        .output()?;
    if !written.status.success() {
        return Err(format!("csmith --seed {seed}: {}", written.status).into());
    }
    let pick = |n: usize| (seed % n as u64) as usize;
    let installed: Vec<&str> = COMPILERS
        .into_iter()
        .filter(|&c| c == "zig" || on_path(c))
        .collect();
    let twin = Twin {
        compiler: installed[pick(installed.len())].to_owned(),
        // What csmith's programs do, so as not to be undefined: overflow, and loops that never end.
        flags: [
            "-w",
            "-fwrapv",
            "-fno-finite-loops",
            "-I",
            HEADERS,
            LEVELS[pick(LEVELS.len())],
        ]
        .iter()
        .chain(MORE[pick(MORE.len())])
        .map(|&f| f.to_owned())
        .collect(),
        sources: vec![source],
        ..Twin::default()
    };
    let what = format!("seed {seed}: {} {}", twin.compiler, twin.flags.join(" "));
    let run = |side| {
        let seconds = if side == Side::Native {
            PATIENCE
        } else {
            24 * PATIENCE
        };
        let twin = Twin {
            seconds,
            ..twin.clone()
        };
        let ran = twin.outcome(side, folder.path());
        ran.map_err(|e| format!("{what}: {}", e.message().unwrap_or_default()))
    };
    let native = run(Side::Native)?;
    if native.status == TOOK_TOO_LONG {
        println!("seed {seed}: does not end");
        return Ok(());
    }
    let sandboxed = run(Side::Sandboxed)?;
    same(&what, &sandboxed.stdout, &native.stdout)?;
    if sandboxed.status != native.status {
        return Err(format!(
            "{what}: status {}, natively {}\n{}",
            sandboxed.status, native.status, sandboxed.stderr
        )
        .into());
    }
    if !native.stdout.starts_with(b"checksum = ") {
        return Err(format!("{what}: no checksum was printed").into());
    }
    Ok(())
}

/// The status that `timeout` gives to a program which it ended.
const TOOK_TOO_LONG: i32 = 124;

/// The seeds that `ZVM_CSMITH` asks for.
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("ZVM_CSMITH") else {
        return 1..9;
    };
    let range = match text.split_once("..") {
        Some((from, to)) => from.parse().and_then(|from| Ok(from..to.parse()?)),
        None => text.parse().map(|count: u64| 1..count.saturating_add(1)),
    };
    range.unwrap_or_else(|_| panic!("ZVM_CSMITH={text}: a count or a range of seeds, as 100..200"))
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = if !on_path("csmith") {
        Some("csmith, which is not installed")
    } else if !Path::new(HEADERS).is_dir() {
        Some("its headers (libcsmith-dev), which are not installed")
    } else {
        None
    };
    if let Some(what) = missing {
        println!("skipped: every random program needs {what}");
    }
    let trials = seeds()
        .map(|seed| {
            Trial::test(format!("seed_{seed:06}"), move || check(seed))
                .with_ignored_flag(missing.is_some())
        })
        .collect();
    twin::accepted::run(&arguments, trials)
}
