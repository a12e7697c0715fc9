//! The C library's allocator and string functions, sandboxed against native glibc, in one run: for each job the processor time
//! of both, in turn, best of five, less that of an empty job, and the ratio. glibc is held to the image's level by `GLIBC_TUNABLES`.
//!
//! ```text
//! cargo run --release -p zvm-toolchain --example libc_speed -- [LEVEL]
//! ```
//! needs `zvm-cc` and `zvm` beside the example's folder (`cargo build --release`), and the system's `cc` with glibc.

use std::path::Path;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};

const PROGRAM: &str = include_str!("libc_speed.c");

/// Jobs by kind; the program knows them by name.
const JOBS: &[(&str, &[&str])] = &[
    (
        "malloc",
        &[
            "mixed", "small", "list", "tree", "strings", "grow", "large", "threads",
        ],
    ),
    (
        "string",
        &[
            "memcpy_16",
            "memcpy_200",
            "memcpy_4k",
            "memcpy_1m",
            "memmove_300",
            "memset_64",
            "memset_4k",
            "memset_1m",
            "memcmp_32",
            "memcmp_1k",
            "memchr_1k",
            "strlen_10",
            "strlen_1k",
            "strchr_200",
            "strcmp_30",
            "strcpy_50",
        ],
    ),
];

type Failure = Box<dyn std::error::Error>;

fn children() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The least processor time of both, in turn, so that whatever else the machine does meets both.
fn best(commands: [&dyn Fn() -> Command; 2], job: &str) -> Result<[f64; 2], Failure> {
    let mut best = [f64::INFINITY; 2];
    for _ in 0..5 {
        for (command, best) in commands.iter().zip(&mut best) {
            let before = children()?;
            let output = command().arg(job).output()?;
            if !output.status.success() {
                return Err(format!("{job}: {}", String::from_utf8_lossy(&output.stderr)).into());
            }
            *best = best.min(children()? - before);
        }
    }
    Ok(best)
}

fn main() -> Result<(), Failure> {
    let level = std::env::args().nth(1).unwrap_or_else(|| "1".into());
    let tools = std::env::current_exe()?;
    let tools = tools
        .parent()
        .and_then(Path::parent)
        .ok_or("an odd place")?
        .to_owned();
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("speed.c");
    std::fs::write(&source, PROGRAM)?;
    let march = match level.as_str() {
        "1" => "-march=x86-64".to_owned(),
        level => format!("-march=x86-64-v{level}"),
    };
    let (image, native) = (folder.path().join("speed.zvm"), folder.path().join("speed"));
    for (compiler, output) in [(tools.join("zvm-cc"), &image), ("cc".into(), &native)] {
        let built = Command::new(compiler)
            .args(["-O2", "-fno-builtin", &march])
            .arg(&source)
            .arg("-o")
            .arg(output)
            .args(["-lpthread"])
            .status()?;
        if !built.success() {
            return Err("the program does not build".into());
        }
    }
    let sandboxed = || {
        let mut command = Command::new(tools.join("zvm"));
        command.arg("run").arg(&image);
        command
    };
    // glibc chooses by the processor: to the level's functions here.
    let tunables = match level.as_str() {
        "1" | "2" => "glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX2,-AVX512F,-AVX512VL,-AVX512BW",
        _ => "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW",
    };
    let natively = || {
        let mut command = Command::new(&native);
        command.env("GLIBC_TUNABLES", tunables);
        command
    };
    let [idle, idle_native] = best([&sandboxed, &natively], "empty")?;
    for (kind, jobs) in JOBS {
        let mut product = 1.0;
        for job in *jobs {
            let [ours, theirs] = best([&sandboxed, &natively], job)?;
            let (ours, theirs) = (ours - idle, theirs - idle_native);
            product *= ours / theirs;
            println!(
                "{job:12} {ours:7.3} s sandboxed {theirs:7.3} s glibc  {:5.2}",
                ours / theirs
            );
        }
        let mean = f64::powf(product, 1.0 / jobs.len() as f64);
        println!("{kind}: geometric mean {mean:.3} at x86-64-v{level}\n");
    }
    Ok(())
}
