//! Upstream libraries, unmodified: what a program over each prints natively and in the sandbox must be the same.
//!
//! See `realcode/README.md`. Every image is given to the validator, too. The sources come from package registries the first time and then from the SDK's cache.

#[path = "twin/accepted.rs"]
mod accepted;
#[path = "realcode/openssl.rs"]
mod openssl;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// Standard output of a program that must succeed.
fn output(command: &mut Command) -> Result<Vec<u8>, Failed> {
    let done = command.stdin(Stdio::null()).output()?;
    if !done.status.success() || done.stdout.is_empty() {
        let stderr = String::from_utf8_lossy(&done.stderr);
        let said = String::from_utf8_lossy(&done.stdout);
        return Err(format!("{command:?}: {}\n{said}{stderr}", done.status).into());
    }
    Ok(done.stdout)
}

fn same(native: &[u8], sandboxed: &[u8]) -> Result<(), Failed> {
    if native == sandboxed {
        return Ok(());
    }
    let (native, sandboxed) = (
        String::from_utf8_lossy(native),
        String::from_utf8_lossy(sandboxed),
    );
    for (i, (n, s)) in native.lines().zip(sandboxed.lines()).enumerate() {
        if n != s {
            return Err(format!("line {}: {s:?}, natively {n:?}", i + 1).into());
        }
    }
    let count = |text: &str| text.lines().count();
    Err(format!("{} lines, natively {}", count(&sandboxed), count(&native)).into())
}

/// Builds and runs a folder in both ways.
fn folder(path: &Path) -> Result<(), Failed> {
    let run = |native: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
        command.args(["zvm", "run"]).arg(path);
        command
            .args(native.then_some("--native"))
            .env_remove("ZVM_CC");
        output(&mut command)
    };
    same(&run(true)?, &run(false)?)?;
    let name = path.file_name().expect("a name").to_string_lossy();
    accepted::check(&path.join(format!("build/{name}.zvm")))
}

fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|p| p.join(program).is_file())
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each compiles with as many processes as there are processors.
    arguments.test_threads.get_or_insert(1);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/realcode");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&home)
        .expect("tests/realcode")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("Zvm.toml").is_file())
        .collect();
    folders.sort();
    assert!(folders.len() >= 10, "only {} were found", folders.len());
    let mut trials = Vec::new();
    for path in folders {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let mut ignored = false;
        let trial = if name == "openssl" {
            let missing: Vec<_> = ["perl", "make"]
                .into_iter()
                .filter(|t| !on_path(t))
                .collect();
            if !missing.is_empty() {
                println!("skipped: openssl needs {missing:?}, not installed");
                ignored = true;
            }
            Trial::test(name, move || openssl::check(&path))
        } else {
            Trial::test(name, move || folder(&path))
        };
        trials.push(trial.with_ignored_flag(ignored));
    }
    accepted::run(&arguments, trials)
}
