//! `cargo zvm test`: the `[[test]]` entries of a `Zvm.toml`, each one run of the program. What is printed looks like libtest's.

use std::fmt::Write as _;
use std::fs;
use std::io::{Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use super::Project;
use super::manifest::{Content, TestRun};
use super::run::{RunOptions, image_args, native_command};
use crate::binutils::status_code;
use crate::problem::{Style, in_colour, paint, problem};

/// Exit status when a test failed: cargo's.
const FAILED: u8 = 101;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only tests whose name has one of these; all without.
    pub filters: Vec<String>,
    /// The native program instead of the image.
    pub native: bool,
    /// Only those that are ignored otherwise.
    pub ignored: bool,
    /// Only their names.
    pub list: bool,
}

/// Runs the tests, one after the other; the exit status is 101 if one failed.
///
/// # Errors
/// There are none; a program does not start, or a file of expectations cannot be read.
pub fn run(project: &Project, program: &Path, options: &Options) -> Result<ExitCode> {
    let all = &project.manifest.test;
    if all.is_empty() {
        return Err(problem(
            format!("{} has no tests", project.folder.join("Zvm.toml").display()),
            "add one, such as\n[[test]]\nname = \"says-hello\"\nargs = [\"you\"]\nstdout = \"Hello, you!\\n\"",
        ));
    }
    let chosen = |test: &&TestRun| {
        options.filters.is_empty()
            || options
                .filters
                .iter()
                .any(|part| test.name.contains(part.as_str()))
    };
    let tests: Vec<&TestRun> = all.iter().filter(chosen).collect();
    if options.list {
        for test in &tests {
            println!("{}: test", &*test.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let colour = in_colour(&std::io::stdout());
    let plural = if tests.len() == 1 { "" } else { "s" };
    println!("\nrunning {} test{plural}", tests.len());
    let started = Instant::now();
    let mut failures: Vec<(&str, String)> = Vec::new();
    let (mut passed, mut ignored) = (0, 0);
    for test in &tests {
        print!("test {} ... ", &*test.name);
        let _ = std::io::stdout().flush();
        let word = if test.ignore != options.ignored {
            ignored += 1;
            paint("ignored", Style::Notice, colour)
        } else {
            match check(project, program, test, options.native)? {
                None => {
                    passed += 1;
                    paint("ok", Style::Good, colour)
                }
                Some(difference) => {
                    failures.push((&test.name, difference));
                    paint("FAILED", Style::Bad, colour)
                }
            }
        };
        println!("{word}");
    }
    if !failures.is_empty() {
        println!("\nfailures:\n");
        for (name, difference) in &failures {
            println!("---- {name} ----\n{difference}");
        }
        println!("failures:");
        for (name, _) in &failures {
            println!("    {name}");
        }
    }
    let word = match failures.is_empty() {
        true => paint("ok", Style::Good, colour),
        false => paint("FAILED", Style::Bad, colour),
    };
    println!(
        "\ntest result: {word}. {passed} passed; {} failed; {ignored} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        failures.len(),
        all.len() - tests.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED),
    })
}

/// Runs one test: `None` if it did what it must, else what it did.
fn check(
    project: &Project,
    program: &Path,
    test: &TestRun,
    native: bool,
) -> Result<Option<String>> {
    let variables = test.env.iter();
    let variables = variables.map(|(name, value)| format!("{name}={value}").into());
    let variables: Vec<std::ffi::OsString> = variables.collect();
    let args = test.args.as_ref().unwrap_or(&project.manifest.args);
    let mut options = RunOptions {
        args: args.iter().map(Into::into).collect(),
        exact_args: true,
        zvm: Vec::new(),
        env: variables.clone(),
    };
    let mut command = if native {
        native_command(project, program, &options)?
    } else {
        for variable in variables {
            options.zvm.extend(["--env".into(), variable]);
        }
        options
            .zvm
            .extend(["--timeout".into(), test.timeout.to_string().into()]);
        let mut command = Command::new(std::env::current_exe()?);
        let args = image_args(project, program, &options)?;
        command.arg0("zvm").args(&args[1..]);
        command
    };
    // A file, so that a program may leave its input unread.
    let mut input = tempfile::tempfile().context("cannot make a temporary file")?;
    if let Some(content) = &test.stdin {
        input.write_all(&bytes(project, content)?)?;
        input.rewind()?;
    }
    command
        .stdin(Stdio::from(input))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let mut difference = String::new();
    let status = status_code(output.status);
    if status != test.status {
        let _ = writeln!(
            difference,
            "the exit status is {status}, not {}",
            test.status
        );
    }
    let streams = [
        ("stdout", &test.stdout, &output.stdout),
        ("stderr", &test.stderr, &output.stderr),
    ];
    for (name, wanted, got) in streams {
        if let Some(wanted) = wanted {
            let wanted = bytes(project, wanted)?;
            if *got != wanted {
                let _ = writeln!(
                    difference,
                    "{name} differs (- is what it must be, + is what it was):"
                );
                difference.push_str(&compare(&wanted, got));
            }
        }
    }
    if difference.is_empty() {
        return Ok(None);
    }
    if test.stderr.is_none() && !output.stderr.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        let _ = write!(difference, "on stderr:\n{said}");
        if !said.ends_with('\n') {
            difference.push('\n');
        }
    }
    Ok(Some(difference))
}

fn bytes(project: &Project, content: &Content) -> Result<Vec<u8>> {
    match content {
        Content::Text(text) => Ok(text.clone().into_bytes()),
        Content::File { file } => {
            let path = project.path(file)?;
            fs::read(&path)
                .with_context(|| format!("[[test]] in Zvm.toml: cannot read {}", path.display()))
        }
    }
}

/// Lines around the difference that are shown.
const AROUND: usize = 3;
/// Lines of each side that are shown at most.
const SHOWN: usize = 20;

/// What both have in common in front and behind is left out but for a few lines.
fn compare(wanted: &[u8], got: &[u8]) -> String {
    let (wanted, got) = (
        String::from_utf8_lossy(wanted),
        String::from_utf8_lossy(got),
    );
    let wanted: Vec<&str> = wanted.split_inclusive('\n').collect();
    let got: Vec<&str> = got.split_inclusive('\n').collect();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let front = wanted.iter().zip(&got).take_while(same).count();
    let rest = wanted.len().min(got.len()) - front;
    let behind = wanted.iter().rev().zip(got.iter().rev());
    let behind = behind.take(rest).take_while(same).count();
    let mut text = String::new();
    let mut show = |sign: char, lines: &[&str]| {
        for line in lines.iter().take(SHOWN) {
            let _ = match line.strip_suffix('\n') {
                Some(line) => writeln!(text, "  {sign}{line}"),
                None => writeln!(text, "  {sign}{line} (no newline at the end)"),
            };
        }
        if lines.len() > SHOWN {
            let _ = writeln!(text, "  {sign}… {} more lines", lines.len() - SHOWN);
        }
    };
    show(' ', &wanted[front.saturating_sub(AROUND)..front]);
    show('-', &wanted[front..wanted.len() - behind]);
    show('+', &got[front..got.len() - behind]);
    let end = wanted.len() - behind;
    show(' ', &wanted[end..wanted.len().min(end + AROUND)]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let wanted = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let got = b"1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(
            compare(wanted, got),
            "   2\n   3\n   4\n  -5\n  +five\n   6\n   7\n   8\n"
        );
        assert_eq!(
            compare(b"a\n", b"a"),
            "  -a\n  +a (no newline at the end)\n"
        );
        assert_eq!(compare(b"", b"x\n"), "  +x\n");
        assert!(compare(b"x\n", "y\n".repeat(30).as_bytes()).contains("+… 10 more lines"));
    }
}
