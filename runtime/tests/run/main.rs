//! Whole runs: each test builds an image and runs it by the `zvm` command in a process of its own.
//!
//! The command is this test's own executable: with the variable below it becomes `zvm`.

#[path = "../support/mod.rs"]
mod support;

mod channels;
mod door;
mod faults;
mod images;
mod jail;
mod network;
mod programs;
mod state;
mod traps;
mod wall;
mod zapps;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use iced_x86::code_asm::*;
use libtest_mimic::{Arguments, Failed, Trial};
use support::*;
use zvm_abi::{layout, trap};

/// Where the tests' verdicts of the validator are kept.
const HOME: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/home");
const AS_ZVM: &str = "ZVM_RUNTIME_TEST_AS_ZVM";

fn main() -> ExitCode {
    if std::env::var_os(AS_ZVM).is_some() {
        return zvm_runtime::cli::main(std::env::args_os());
    }
    let tests = [
        programs::TESTS,
        images::TESTS,
        traps::TESTS,
        faults::TESTS,
        door::TESTS,
        state::TESTS,
        wall::TESTS,
        jail::TESTS,
        channels::TESTS,
        network::TESTS,
        zapps::TESTS,
    ];
    let trials = tests
        .into_iter()
        .flatten()
        .map(|&(name, test)| {
            Trial::test(name, move || {
                std::panic::catch_unwind(test).map_err(|_| Failed::without_message())
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

struct Done {
    status: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl Done {
    /// Every line on stderr must be the runtime's, and one must contain `text`.
    #[track_caller]
    fn says(&self, status: i32, text: &str) {
        assert_eq!(self.status, status, "{}", self.stderr);
        assert!(
            self.stderr.lines().all(|line| line.starts_with("zvm: ")),
            "{}",
            self.stderr
        );
        assert!(
            self.stderr.contains(text),
            "no `{text}` in:\n{}",
            self.stderr
        );
    }

    #[track_caller]
    fn exits(&self, status: i32) {
        assert_eq!((self.status, self.stderr.as_str()), (status, ""));
    }
}

fn zvm() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(AS_ZVM, "1")
        .env("ZVM_HOME", HOME)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finish(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let status = output
        .status
        .code()
        .expect("the command itself is never killed");
    Done {
        status,
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An image in a directory that vanishes with the value.
struct File(tempfile::TempDir);

impl File {
    fn new(bytes: &[u8]) -> File {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("test.zvm"), bytes).unwrap();
        File(directory)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("test.zvm")
    }
}

fn run_elf(elf: &[u8]) -> Done {
    run_with(elf, &[])
}

fn run_with(elf: &[u8], options: &[&str]) -> Done {
    let file = File::new(elf);
    finish(zvm().arg("run").args(options).arg(file.path()))
}

fn run(program: &Program) -> Done {
    run_elf(&program.elf())
}

fn program(write: impl FnOnce(&mut Program)) -> Program {
    let mut program = Program::new();
    write(&mut program);
    program
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap()))
        .collect()
}

/// The low byte that a program exits with for −errno.
fn minus(errno: i64) -> i32 {
    i32::from((-errno) as u8)
}

/// Waits for one byte from the child's stdout: the guest runs.
fn wait_for_guest(child: &mut Child) {
    let mut byte = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
}
