//! What to measure: folders with a `Zvm.toml`, single files, and the programs of the suite by name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zvm_sysroot::{Cache, Progress};

use crate::problem::problem;
use crate::project::Project;

/// The suite in a checkout of the SDK.
const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/bench");

/// A program to build once, and what to run of it.
#[derive(Debug)]
pub struct Entry {
    /// Where it comes from.
    pub project: Project,
    /// At least one.
    pub runs: Vec<Run>,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program's name, or that, a slash and the run's.
    pub name: String,
    /// The program's arguments.
    pub args: Vec<String>,
}

/// How much work programs are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// About a second.
    Full,
    /// A moment.
    Quick,
}

/// The entries that `programs` name; of none, the whole suite.
///
/// # Errors
/// No such program, or a wrong `Zvm.toml`.
pub fn find(
    programs: &[PathBuf],
    work: Work,
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<Entry>> {
    if programs.is_empty() {
        return suite()?
            .iter()
            .map(|path| open(path, None, work, cache, progress))
            .collect();
    }
    programs
        .iter()
        .map(|program| {
            if program.is_file() || program.join("Zvm.toml").is_file() {
                return open(program, None, work, cache, progress);
            }
            let text = program.to_string_lossy();
            let (name, run) = match text.split_once('/') {
                Some((name, run)) => (name, Some(run)),
                None => (&*text, None),
            };
            let found = suite()?.into_iter().find(|path| stem(path) == name);
            let path = found.ok_or_else(|| {
                problem(
                    format!("there is no program {text} to measure"),
                    "name a folder with a Zvm.toml, a C or C++ file, or one of `cargo zvm bench --list`",
                )
            })?;
            open(&path, run, work, cache, progress)
        })
        .collect()
}

/// The names of the suite's programs, sorted.
///
/// # Errors
/// There is no suite.
pub fn names() -> Result<Vec<String>> {
    Ok(suite()?.iter().map(|path| stem(path)).collect())
}

/// The suite's folders and files, sorted by name.
fn suite() -> Result<Vec<PathBuf>> {
    let folder = [Path::new(SUITE), Path::new("samples/bench")]
        .into_iter()
        .find_map(|folder| folder.canonicalize().ok())
        .with_context(|| {
            format!("the suite is not at {SUITE}; name folders or files, or run this in the SDK's source")
        })?;
    let mut paths = Vec::new();
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .path();
        if path.join("Zvm.toml").is_file() || is_source(&path) {
            paths.push(path);
        }
    }
    paths.sort_by_key(|path| stem(path));
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn is_source(path: &Path) -> bool {
    path.is_file()
        && path
            .extension()
            .is_some_and(|extension| ["c", "cc", "cpp", "cxx"].iter().any(|e| extension == *e))
}

/// A folder or a file; with `only`, that run of it.
fn open(
    path: &Path,
    only: Option<&str>,
    work: Work,
    cache: &Cache,
    progress: &Progress,
) -> Result<Entry> {
    let project = if path.is_file() {
        if !is_source(path) {
            bail!(
                "{}: not a C or C++ source (.c .cc .cpp .cxx), and not a folder with a Zvm.toml",
                path.display()
            );
        }
        Project::of_file(path)?
    } else {
        Project::open(path, cache, progress)?
    };
    let manifest = &project.manifest;
    let mut runs: Vec<Run> = manifest
        .bench
        .iter()
        .map(|run| Run {
            name: match &run.name {
                Some(name) => format!("{}/{}", &*manifest.name, &**name),
                None => manifest.name.to_string(),
            },
            args: match work {
                Work::Full => run.args.clone(),
                Work::Quick => run.quick.clone(),
            },
        })
        .collect();
    if runs.is_empty() {
        // The suite's convention: without an argument a second's work, with one that many rounds.
        let args = match (work, path.is_file()) {
            (Work::Quick, true) => vec!["1".to_owned()],
            _ => manifest.args.clone(),
        };
        runs.push(Run {
            name: manifest.name.to_string(),
            args,
        });
    }
    if let Some(only) = only {
        let name = format!("{}/{only}", &*manifest.name);
        let all: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
        runs.retain(|run| run.name == name);
        if runs.is_empty() {
            bail!("there is no {name}, only {}", all.join(" "));
        }
    }
    Ok(Entry { project, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_give_runs() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let progress = Progress::silent();
        let toml = "name='p'\nsources=['a.c']\n[[bench]]\nname='x'\nargs=['9']\nquick=['1']\n[[bench]]\nname='y'\n";
        fs::write(dir.path().join("Zvm.toml"), toml).unwrap();
        fs::write(dir.path().join("a.c"), "").unwrap();
        let find = |name: &Path, work| find(&[name.to_owned()], work, &cache, &progress);
        let entry = &find(dir.path(), Work::Quick).unwrap()[0];
        let names: Vec<_> = entry.runs.iter().map(|run| &*run.name).collect();
        assert_eq!(names, ["p/x", "p/y"]);
        assert_eq!(entry.runs[0].args, ["1"]);
        let entry = &find(&dir.path().join("a.c"), Work::Full).unwrap()[0];
        assert_eq!((&*entry.runs[0].name, entry.runs[0].args.len()), ("a", 0));
        let error = find(Path::new("no-such"), Work::Full).unwrap_err();
        assert!(error.to_string().contains("no-such"), "{error:#}");
        let error = find(&dir.path().join("Zvm.toml"), Work::Full).unwrap_err();
        assert!(error.to_string().contains("not a C"), "{error:#}");
    }
}
