//! Runs one step of a recipe, with its output in a log.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use zvm_sysroot::Progress;

use super::environment::Environment;
use super::recipe::Step;

/// Lines of a failed step's log that are shown.
const SHOWN: usize = 25;

/// Runs `step` in `folder`.
///
/// # Errors
/// It fails: its commands, its last lines, and where the log is.
pub fn run(
    step: &Step,
    environment: &Environment,
    folder: &Path,
    log: &Path,
    title: &str,
    progress: &Progress,
) -> Result<()> {
    let _phase = progress.spinner(&format!("building {title}"));
    let context = || format!("cannot write {}", log.display());
    let output = File::create(log).with_context(context)?;
    let status = environment
        .shell(&step.run, folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone().with_context(context)?)
        .stderr(output)
        .status()
        .context("cannot start /bin/sh")?;
    if status.success() {
        return Ok(());
    }
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().map(shortened).collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n  ");
    bail!(
        "building {title} failed with {status}\nthe command, in {}:\n  {}\nits last lines:\n  {last}\nthe whole log: {}",
        folder.display(),
        step.run.trim().replace('\n', "\n  "),
        log.display()
    );
}

/// A line, or the start of one that is longer than a person reads.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 240;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_shows_its_commands_its_last_lines_and_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let step = toml::from_str("name = 'make'\nrun = \"seq 100\\nfalse\\necho never\"").unwrap();
        let log = dir.path().join("1-make.log");
        let environment = Environment::default();
        let error = run(
            &step,
            &environment,
            dir.path(),
            &log,
            "x 1: make",
            &Progress::silent(),
        );
        let error = error.unwrap_err().to_string();
        for wanted in [
            "x 1: make",
            "seq 100",
            "  100\n",
            "1-make.log",
            "exit status: 1",
        ] {
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
        assert!(
            !error.contains("\n  75\n") && error.contains("\n  76\n"),
            "{error}"
        );
    }
}
