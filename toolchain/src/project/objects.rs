//! The object cache of one project: an object is made again only if its source, a header, the options or the compiler changed.
//!
//! Beside `STEM-KEY.o`, where KEY stands for source, options and compiler, lies `STEM-KEY.inputs`: the SHA-256 and path of
//! every file that went into it, as the compiler listed them. Times of files are not looked at.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use zvm_sysroot::{Sha256Hex, sha256_file};

use super::depfile;
use crate::cc::compile;
use crate::cc::compiler::Compiler;
use crate::cc::run::Show;

struct Job {
    source: PathBuf,
    object: PathBuf,
    inputs: PathBuf,
    /// Written by the compiler, renamed when it has succeeded.
    fresh_object: PathBuf,
    fresh_inputs: PathBuf,
}

impl Job {
    fn new(dir: &Path, source: &Path, key: &Sha256Hex) -> Job {
        let stem = source.file_stem().unwrap_or_default().to_string_lossy();
        let key = key
            .clone()
            .with(source.as_os_str().as_encoded_bytes())
            .short();
        let file = |extension| dir.join(format!("{stem}-{key}.{extension}"));
        Job {
            source: source.to_owned(),
            object: file("o"),
            inputs: file("inputs"),
            fresh_object: file("o.new"),
            fresh_inputs: file("d.new"),
        }
    }
}

/// Brings the objects of `sources` up to date in `dir`; gives their paths in the order of the sources. `starting` hears how
/// many will be compiled, if any.
///
/// # Errors
/// A compilation fails, having said why; a file cannot be read or written.
pub fn update(
    dir: &Path,
    sources: &[PathBuf],
    options: &[OsString],
    compiler: &Compiler,
    starting: impl FnOnce(usize),
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let key = options.iter().fold(
        Sha256Hex::new().with(compiler.identity()?),
        |hash, option| hash.with(option.as_encoded_bytes()),
    );
    let jobs: Vec<_> = sources
        .iter()
        .map(|source| Job::new(dir, source, &key))
        .collect();
    let mut hashes = Hashes::default();
    let stale: Vec<_> = jobs.iter().filter(|job| !hashes.current(job)).collect();
    if !stale.is_empty() {
        starting(stale.len());
    }
    let commands = stale.iter().map(|job| {
        let mut command = compiler.command(options, false);
        command.args(["-c", "-MD", "-MF"]).arg(&job.fresh_inputs);
        command.arg("-o").arg(&job.fresh_object).arg(&job.source);
        command
    });
    let results = compile::side_by_side(commands.collect(), Show::Nothing);
    let mut outcome = Ok(());
    for (job, result) in stale.iter().zip(results) {
        match result {
            Ok(()) => hashes.keep(job)?,
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome?;
    Ok(jobs.into_iter().map(|job| job.object).collect())
}

/// SHA-256 of files, each read once.
#[derive(Default)]
struct Hashes(HashMap<PathBuf, Option<String>>);

impl Hashes {
    /// `None` for a file that cannot be read.
    fn of(&mut self, path: &Path) -> Option<&str> {
        self.0
            .entry(path.to_owned())
            .or_insert_with(|| sha256_file(path).ok())
            .as_deref()
    }

    /// Whether the job's object is there, and made from what its inputs are now.
    fn current(&mut self, job: &Job) -> bool {
        let Ok(text) = fs::read_to_string(&job.inputs) else {
            return false;
        };
        let mut lines = text.lines().peekable();
        lines.peek().is_some()
            && job.object.exists()
            && lines.all(|line| {
                line.split_once(' ')
                    .is_some_and(|(hash, path)| self.of(Path::new(path)) == Some(hash))
            })
    }

    /// Keeps a new object. The list of inputs goes first and comes last, so that a broken-off run leaves a stale object.
    fn keep(&mut self, job: &Job) -> Result<()> {
        let list = fs::read_to_string(&job.fresh_inputs)
            .with_context(|| format!("cannot read {}", job.fresh_inputs.display()))?;
        let mut text = String::new();
        for path in depfile::prerequisites(&list) {
            let hash = self
                .of(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            text.push_str(&format!("{hash} {}\n", path.display()));
        }
        let _ = fs::remove_file(&job.inputs);
        fs::rename(&job.fresh_object, &job.object)
            .with_context(|| format!("cannot write {}", job.object.display()))?;
        fs::write(&job.inputs, text)
            .with_context(|| format!("cannot write {}", job.inputs.display()))?;
        let _ = fs::remove_file(&job.fresh_inputs);
        Ok(())
    }
}
