//! `port.toml`: how an upstream source becomes a library or a program of the SDK.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::project::manifest::{Name, Provider};

/// A recipe. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// The port's name, as its folder's.
    pub name: Name,
    /// One line for `cargo zvm port list`.
    pub about: String,
    /// Upstream's version, where the package that carries the source has a version of its own.
    pub version: Option<Name>,
    /// The licence of what is fetched, as SPDX writes it.
    pub license: String,
    /// Other ports that it needs. Their prefixes are where the compiler looks.
    #[serde(default)]
    pub deps: Vec<Name>,
    /// Programs of the machine that the steps call, besides a shell, `make` and the usual small ones.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Where the source comes from. Entries of the same name are alternatives; the first name is unpacked as `build/src`,
    /// each other one as `build/NAME`.
    pub source: Vec<Provider>,
    /// Small changes of the source.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// What `configure` cannot find out when it builds for another system; they go into its `CONFIG_SITE`.
    #[serde(default)]
    pub answer: Vec<Answer>,
    /// Environment of every step.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What to do, in order.
    pub step: Vec<Step>,
    /// Programs that come out.
    #[serde(default)]
    pub program: Vec<Program>,
    /// Files that programs find in their file system, from `/` on.
    #[serde(default)]
    pub pack: Vec<Pack>,
    /// How `cargo zvm port run` starts the first program.
    #[serde(default)]
    pub run: Run,
    /// Short checks that the port works.
    #[serde(default)]
    pub smoke: Vec<Smoke>,
    /// Upstream's own tests.
    pub suite: Option<Suite>,
    /// How `cargo zvm port bench` starts a program that is timed.
    pub bench: Option<Bench>,
    /// How the first program makes a snapshot of itself.
    pub snapshot: Option<Snapshot>,
}

/// Replaces a text in a file of the source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Below `build/src`.
    pub file: String,
    /// Stands there exactly once.
    pub find: String,
    /// What takes its place.
    pub replace: String,
    /// Why.
    pub reason: String,
}

/// A line of `CONFIG_SITE`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The variable.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Why it is that.
    pub reason: String,
}

/// Runs in `build/src` by `sh -eu`; see [`super::environment`] for the variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// For messages and the log's name.
    pub name: Name,
    /// The commands.
    pub run: String,
}

/// A program that a step links.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The image is `NAME.zvm`.
    pub name: Name,
    /// What the step links, below `build/src`.
    pub output: String,
}

/// Files of the prefix or the source, in the image's tar file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// A file or folder, below the port's folder: `prefix/…` or `build/…`.
    pub from: String,
    /// Its path in the sandbox.
    pub to: String,
    /// Patterns of paths below `from` to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// How the program is started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// Arguments when none are given.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment, in the sandbox and natively.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Environment of the native program alone. `{root}` is the folder with the packed files.
    #[serde(default)]
    pub native_env: BTreeMap<String, String>,
    /// Bytes of heap, as for `zvm run`.
    pub memory: Option<String>,
}

/// A command line with what it must print.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoke {
    /// The program's arguments.
    pub args: Vec<String>,
    /// Its standard input.
    #[serde(default)]
    pub stdin: String,
    /// Its standard output, exactly.
    pub stdout: String,
}

/// Upstream's tests. In `args` and `env`, `{test}` is the test's name and `{files}` the folder with the suite's files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Suite {
    /// A shell command that prints the tests' names, one a line; it runs in `build/src`.
    pub list: String,
    /// Steps that only the tests need, behind the port's own: `cargo zvm port build` leaves them out.
    #[serde(default)]
    pub step: Vec<Step>,
    /// Programs that these steps link.
    #[serde(default)]
    pub programs: Vec<Program>,
    /// How results are read.
    pub format: SuiteFormat,
    /// Which of the port's programs, or of the suite's; the port's first without.
    pub program: Option<String>,
    /// For `phpt`: the port's program for tests that make a web request.
    pub cgi: Option<String>,
    /// Sources that only the tests need, fetched when they run. In `pack`, `@NAME/…` lies in the source NAME; `list` finds its
    /// folder as `$NAME`.
    #[serde(default)]
    pub source: Vec<Provider>,
    /// The suite's files; `to` is below `{files}`.
    pub pack: Vec<Pack>,
    /// More files, by their path below `{files}`, and what they say.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The program's arguments.
    pub args: Vec<String>,
    /// More environment, sandboxed and natively.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The working folder, below `{files}`.
    #[serde(default)]
    pub cwd: String,
    /// Seconds that one test may take.
    pub timeout: u32,
    /// Options of `zvm run` for tests that need another sandbox than the program: more memory, a later time.
    #[serde(default)]
    pub options: Vec<String>,
}

/// How a program comes to read `/dev/snapshot` as soon as it has started, and is itself with the arguments of each instance behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Snapshot {
    /// The program's arguments.
    pub args: Vec<String>,
}

/// How the files of `sysroot/ports/NAME/bench` are timed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bench {
    /// The program's arguments; `{file}` is what it is to run.
    pub args: Vec<String>,
    /// Files of upstream's, below the port's folder, that lie beside them.
    #[serde(default)]
    pub files: Vec<String>,
    /// Arguments of the start that does nothing, for the cold start's line.
    pub nothing: Vec<String>,
}

/// How a test tells its results.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SuiteFormat {
    /// Exit status 0 is a pass. The test is its own only case.
    Status,
    /// Lines on stderr, their fields parted by tabs: `@begin`, case; then `@pass`, `@fail` or `@skip`, case, and why.
    /// What is printed between is the case's. Without any, the exit status is the only case, named like the test.
    /// After a case that ended the process, the program is started again with its name in `SUITE_AFTER`, to go on behind it.
    Cases,
    /// Each test is one of PHP's `.phpt` files, below `{files}`. Those that make a web request start `cgi`. The program's arguments are added to `args`.
    Phpt,
}

impl Recipe {
    /// Reads the text of a `port.toml`.
    ///
    /// # Errors
    /// What is wrong, with the line if it is about form.
    pub fn parse(text: &str) -> Result<Recipe> {
        let recipe: Recipe = toml::from_str(text)?;
        if recipe.source.is_empty() || recipe.step.is_empty() {
            bail!("a recipe needs a [[source]] and a [[step]]");
        }
        for answer in &recipe.answer {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if answer.name.is_empty() || !answer.name.chars().all(word) {
                bail!("[[answer]] `{}` is not a shell variable", answer.name);
            }
        }
        let reasons = recipe.edit.iter().map(|edit| (&edit.file, &edit.reason));
        let reasons = reasons.chain(recipe.answer.iter().map(|a| (&a.name, &a.reason)));
        for (what, reason) in reasons {
            if reason.trim().is_empty() {
                bail!("`{what}` has no reason");
            }
        }
        if let Some(suite) = &recipe.suite {
            if recipe.program.is_empty() {
                bail!("a [suite] needs a [[program]]");
            }
            if suite.step.is_empty() != suite.programs.is_empty() {
                bail!("[[suite.step]] and [[suite.programs]] go together");
            }
        }
        Ok(recipe)
    }

    /// Upstream's version: by default, that of the source which is asked for first.
    pub fn version(&self) -> &str {
        self.version.as_ref().unwrap_or(&self.source[0].version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let source = format!(
            "[[source]]\nname='s'\nkind='debian'\npackage='p'\nversion='1'\nsha256='{}'\n",
            "0".repeat(64)
        );
        let head = "name='x'\nabout='a'\nlicense='MIT'\n";
        let step = "[[step]]\nname='make'\nrun='make'\n";
        let parse = |more: &str| Recipe::parse(&format!("{head}{source}{step}{more}"));
        assert_eq!(parse("").unwrap().version(), "1");
        let other = format!("version='2'\n{head}{source}{step}");
        assert_eq!(Recipe::parse(&other).unwrap().version(), "2");
        let error = |more: &str| format!("{:#}", parse(more).unwrap_err());
        assert!(error("[[stepp]]\n").contains("stepp"));
        let edit = "[[edit]]\nfile='f'\nfind='a'\nreplace='b'\nreason=' '\n";
        assert!(error(edit).contains("`f` has no reason"));
        let answer = "[[answer]]\nname='a b'\nvalue='1'\nreason='r'\n";
        assert!(error(answer).contains("`a b` is not a shell variable"));
        assert!(Recipe::parse(&format!("{head}source=[]\nstep=[]\n")).is_err());
    }
}
