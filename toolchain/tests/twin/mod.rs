//! One C or C++ program built twice by the same compiler against the same musl, natively and for the sandbox, and both run; the
//! sandbox's image is validated first.

pub mod accepted;

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

/// Which of the two programs.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Native,
    Sandboxed,
}

/// How to build and run it.
#[derive(Clone, Default)]
pub struct Twin {
    pub compiler: String,
    /// C++, by `zvm-c++`.
    pub cxx: bool,
    pub flags: Vec<String>,
    pub sources: Vec<PathBuf>,
    pub args: Vec<String>,
    /// The whole environment, as `NAME=VALUE`.
    pub env: Vec<String>,
    pub stdin: Vec<u8>,
    /// What a run may take.
    pub seconds: u32,
}

/// How a run ended.
pub struct Ran {
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The exit status; 128 + N after signal N, and 124 when it took too long.
    pub status: i32,
}

impl Twin {
    /// Builds one side in `folder` and runs it. `Err` when it does not build.
    pub fn outcome(&self, side: Side, folder: &Path) -> Result<Ran, Failed> {
        let output = folder.join(match side {
            Side::Native => "native",
            Side::Sandboxed => "program.zvm",
        });
        let mut build = Command::new(if self.cxx {
            env!("CARGO_BIN_EXE_zvm-cxx")
        } else {
            env!("CARGO_BIN_EXE_zvm-cc")
        });
        build
            .args(["--compiler", &self.compiler])
            .args((side == Side::Native).then_some("--native"))
            .args(&self.flags)
            .args(&self.sources)
            .arg("-o")
            .arg(&output)
            .arg("-lm");
        let built = build.output()?;
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned().into());
        }
        if side == Side::Sandboxed {
            accepted::check(&output)?;
        }
        let seconds = self.seconds.to_string();
        let mut run = Command::new(match side {
            Side::Native => "timeout",
            Side::Sandboxed => env!("CARGO_BIN_EXE_zvm"),
        });
        match side {
            Side::Native => {
                run.arg(&seconds).arg("env").arg("-i").args(&self.env);
            }
            Side::Sandboxed => {
                run.args(["run", "--timeout", &seconds]);
                run.args(self.env.iter().flat_map(|v| ["--env", v]));
            }
        }
        let mut child = run
            .arg(&output)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // A program that does not read its input closes the pipe.
        let _ = child
            .stdin
            .take()
            .expect("stdin is piped")
            .write_all(&self.stdin);
        let done = child.wait_with_output()?;
        Ok(Ran {
            stdout: done.stdout,
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
            status: done
                .status
                .code()
                .unwrap_or_else(|| 128 + done.status.signal().unwrap_or(0)),
        })
    }
}

/// Equal outputs, or the first line that differs.
pub fn same(what: &str, actual: &[u8], expected: &[u8]) -> Result<(), Failed> {
    if actual == expected {
        return Ok(());
    }
    let (actual, expected) = (
        String::from_utf8_lossy(actual),
        String::from_utf8_lossy(expected),
    );
    for (i, (a, e)) in actual.lines().zip(expected.lines()).enumerate() {
        if a != e {
            return Err(format!("{what}: line {}: {a:?}, expected {e:?}", i + 1).into());
        }
    }
    Err(format!(
        "{what}: {} lines, expected {}",
        actual.lines().count(),
        expected.lines().count()
    )
    .into())
}

pub fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|p| p.join(program).is_file())
}
