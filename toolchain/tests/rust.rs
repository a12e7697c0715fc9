//! Rust programs with the standard library that rustup installs: sandboxed and native give the same.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// As in `corpus/README.md`.
#[derive(Default)]
struct Directives {
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: String,
    status: i32,
}

impl Directives {
    fn read(source: &Path) -> Result<Directives, Failed> {
        let mut directives = Directives::default();
        for line in std::fs::read_to_string(source)?.lines() {
            let Some((key, value)) = line.strip_prefix("//#").and_then(|l| l.split_once(':'))
            else {
                continue;
            };
            let value = value.trim_start();
            match key {
                "args" => directives
                    .args
                    .extend(value.split_whitespace().map(str::to_owned)),
                "env" => {
                    let (name, value) = value.split_once('=').ok_or("env: K=V")?;
                    directives.env.push((name.to_owned(), value.to_owned()));
                }
                "stdin" => directives.stdin = value.replace("\\n", "\n"),
                "status" => directives.status = value.trim().parse()?,
                _ => return Err(format!("unknown directive {key}").into()),
            }
        }
        Ok(directives)
    }
}

/// Compiles `source` with `options` into `output`.
fn compile(source: &Path, options: &[&str], output: &Path) -> Result<(), Failed> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "--crate-name", "program", "-o"])
        .arg(output)
        .args(options)
        .arg(source)
        .env_remove("ZVM_CC")
        .output()?;
    if !built.status.success() {
        return Err(format!("{options:?}: {}", String::from_utf8_lossy(&built.stderr)).into());
    }
    Ok(())
}

fn run(mut command: Command, directives: &Directives) -> Result<String, Failed> {
    let mut child = command
        .args(&directives.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .expect("stdin is piped")
        .write_all(directives.stdin.as_bytes())?;
    let done = child.wait_with_output()?;
    let status = done
        .status
        .code()
        .unwrap_or_else(|| 128 + done.status.signal().unwrap_or(0));
    if status != directives.status {
        let stderr = String::from_utf8_lossy(&done.stderr);
        return Err(format!("{command:?}: status {status}\n{stderr}").into());
    }
    Ok(String::from_utf8(done.stdout)?)
}

fn check(source: &Path) -> Result<(), Failed> {
    let directives = Directives::read(source)?;
    let folder = tempfile::tempdir()?;
    let (native, image) = (
        folder.path().join("native"),
        folder.path().join("program.zvm"),
    );
    compile(source, &["-Copt-level=1"], &native)?;
    let mut command = Command::new(&native);
    command.env_clear().envs(directives.env.iter().cloned());
    let expected = run(command, &directives)?;
    let linker = format!("-Clinker={}", env!("CARGO_BIN_EXE_zvm-cc"));
    let common = [
        "--target=x86_64-unknown-linux-gnu",
        "-Crelocation-model=static",
        "-Ctarget-feature=+crt-static",
        linker.as_str(),
    ];
    for level in [
        &["-Copt-level=0", "-g"][..],
        &["-Copt-level=3"],
        &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"],
    ] {
        compile(source, &[&common[..], level].concat(), &image)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_zvm"));
        command.args(["run", "--timeout", "120"]);
        for (name, value) in &directives.env {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.arg(&image);
        let actual = run(command, &directives)?;
        if actual != expected {
            return Err(format!("{level:?}: {actual}\nexpected: {expected}").into());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rust");
    let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/rust")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    sources.sort();
    let trials = sources.into_iter().map(|source| {
        let name = source.file_stem().unwrap_or_default().to_string_lossy();
        Trial::test(name.into_owned(), move || check(&source))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
