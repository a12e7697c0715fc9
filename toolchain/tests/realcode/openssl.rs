//! OpenSSL: upstream's `Configure` and makefile build libcrypto with `zvm-cc`, then one program over it is linked in both ways.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use zvm_sysroot::{Cache, Progress};
use zvm_toolchain::project::Project;

use super::{accepted, output, same};

/// Upstream's switches: a static library alone, without what a sandbox has no use for. `no-rc4`: its assembly keeps a
/// string in `.text` and returns a pointer to it.
const CONFIGURE: &str = "linux-x86_64 no-shared no-dso no-module no-engine no-async no-tests no-afalgeng no-secure-memory \
    no-ui-console no-legacy no-apps no-docs no-rc4 no-cmp no-cms no-ct no-ocsp no-srp no-ts no-http \
    AR=ar RANLIB=ranlib CFLAGS=-O2";

pub fn check(folder: &Path) -> Result<(), Failed> {
    let project = Project::open(folder, &Cache::locate()?, &Progress::silent())?;
    let upstream = project.path("@openssl/")?;
    // Kept from run to run: what the compiler makes does not depend on the sandbox.
    let version = project.manifest.source[0].version.to_string();
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("openssl-{version}"));
    let archive = work.join("libcrypto.a");
    if !archive.is_file() {
        build(&upstream, &work)?;
    }
    let link = |native: bool| -> Result<PathBuf, Failed> {
        let program = work.join(if native { "main.native" } else { "main.zvm" });
        let mut command = Command::new(env!("CARGO_BIN_EXE_zvm-cc"));
        command.args(native.then_some("--native")).arg("-O2");
        command.arg("-I").arg(work.join("include"));
        command.arg(folder.join("main.c")).arg(&archive);
        run(command.arg("-o").arg(&program))?;
        Ok(program)
    };
    let native = output(&mut Command::new(link(true)?))?;
    let image = link(false)?;
    accepted::check(&image)?;
    let mut sandboxed = Command::new(env!("CARGO_BIN_EXE_zvm"));
    same(&native, &output(sandboxed.arg("run").arg(image))?)
}

/// Copies upstream's tree and makes `libcrypto.a` in it.
fn build(upstream: &Path, work: &Path) -> Result<(), Failed> {
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    copy(upstream, work)?;
    let mut configure = Command::new("perl");
    configure
        .arg("./Configure")
        .args(CONFIGURE.split_whitespace());
    configure.arg(format!("CC={}", env!("CARGO_BIN_EXE_zvm-cc")));
    run(configure.current_dir(work))?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");
    make.arg(format!("-j{jobs}"));
    run(make
        .args(["build_generated", "libcrypto.a"])
        .current_dir(work))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Runs a step; its last words if it fails.
fn run(command: &mut Command) -> Result<(), Failed> {
    let done = command
        .env_remove("ZVM_CC")
        .env_remove("MAKEFLAGS")
        .output()?;
    if done.status.success() {
        return Ok(());
    }
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let lines: Vec<_> = said.lines().collect();
    let tail = lines[lines.len().saturating_sub(30)..].join("\n");
    Err(format!("{command:?}: {}\n{tail}", done.status).into())
}
