//! Lua's time, sandboxed / native: same compiler, same flags, same C library, same linker.
//!
//! `cargo run --release -p zvm-toolchain --example lua_bench [ROUNDS]` builds samples/lua both ways, runs every script of
//! samples/lua/bench in turn (native, sandboxed, native, …) and prints medians and the median of the ratios, pair by pair.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use zvm_sysroot::{Cache, Progress, Sysroot};
use zvm_toolchain::project::Project;
use zvm_toolchain::project::build::{BuildOptions, build};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    // Started again as `zvm` for each sandboxed run, so that no other binary is needed.
    if args.get(1).is_some_and(|a| a == "zvm") {
        return zvm_runtime::cli::main(args.into_iter().skip(1));
    }
    let rounds = args
        .get(1)
        .and_then(|a| a.to_str()?.parse().ok())
        .unwrap_or(5);
    match bench(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lua_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(rounds: usize) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/lua");
    let progress = Progress::new("lua_bench");
    let cache = Cache::locate()?;
    let sysroot = Sysroot::open(&progress)?;
    let project = Project::open(&folder, &cache, &progress)?;
    let native = build(
        &project,
        &sysroot,
        &BuildOptions {
            compiler: None,
            native: true,
        },
    )?;
    let image = build(
        &project,
        &sysroot,
        &BuildOptions {
            compiler: None,
            native: false,
        },
    )?;
    let scripts = folder.join("bench");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&scripts)
        .with_context(|| format!("cannot read {}", scripts.display()))?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "lua"))
        .collect();
    names.sort();
    println!(
        "{:<12} {:>10} {:>10} {:>7}  spread",
        "script", "native", "sandboxed", "ratio"
    );
    let mut product = 0.0;
    for script in &names {
        let name = script.file_name().context("a script has a name")?;
        let mut times = Vec::new();
        for _ in 0..rounds {
            let mut plain = Command::new(&native);
            plain.arg(script);
            let mut boxed = Command::new(std::env::current_exe()?);
            let mut mount = OsString::from(&scripts);
            mount.push(":/bench:ro");
            boxed.args(["zvm", "run", "--mount"]).arg(mount).arg(&image);
            boxed.arg(Path::new("/bench").join(name));
            let (a, said) = timed(&mut plain)?;
            let (b, answered) = timed(&mut boxed)?;
            ensure!(
                said == answered,
                "{}: native and sandboxed print different results",
                script.display()
            );
            times.push((a, b, b / a));
        }
        let median = |pick: fn(&(f64, f64, f64)) -> f64| -> (f64, f64, f64) {
            let mut values: Vec<f64> = times.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            (
                values[values.len() / 2],
                values[0],
                values[values.len() - 1],
            )
        };
        let ((a, ..), (b, ..), (ratio, least, most)) =
            (median(|t| t.0), median(|t| t.1), median(|t| t.2));
        product += ratio.ln();
        let stem = script.file_stem().unwrap_or_default().to_string_lossy();
        println!("{stem:<12} {a:>9.3}s {b:>9.3}s {ratio:>7.3}  {least:.3} to {most:.3}");
    }
    println!(
        "{:<12} {:>10} {:>10} {:>7.3}",
        "geomean",
        "",
        "",
        (product / names.len().max(1) as f64).exp()
    );
    Ok(())
}

/// Seconds of wall clock, and what it printed.
fn timed(command: &mut Command) -> Result<(f64, Vec<u8>)> {
    let start = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}",
        output.status
    );
    Ok((start.elapsed().as_secs_f64(), output.stdout))
}
