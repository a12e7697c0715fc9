//! `Zvm.toml`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Deserialize;

/// How a sample folder is built and run. Unknown keys are errors.
///
/// Paths are relative to the folder; `@NAME/…` lies in the upstream source of that name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The program's name; the image is `build/NAME.zvm`.
    pub name: Name,
    /// Sources to compile; `*`, `?`, `[…]` and `**` match as in a shell.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Instead of sources: the port whose program runs this folder's files, such as `python`.
    #[serde(default)]
    pub port: Option<Name>,
    /// Those of them to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Folders for `-I`.
    #[serde(default)]
    pub include: Vec<String>,
    /// Options for the compiler. `-march=…` also sets the image's level.
    #[serde(default = "default_cflags")]
    pub cflags: Vec<String>,
    /// More of them for C++ sources.
    #[serde(default)]
    pub cxxflags: Vec<String>,
    /// For `-D`.
    #[serde(default)]
    pub defines: Vec<String>,
    /// For `-l`.
    #[serde(default)]
    pub libs: Vec<String>,
    /// `HOST:/path[:ro|overlay|rw]`; HOST is a folder, a tar file, or a single file.
    #[serde(default)]
    pub mounts: Vec<String>,
    /// The program's arguments, unless the command line gives some.
    #[serde(default)]
    pub args: Vec<String>,
    /// The program's environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What `cargo zvm test` runs.
    #[serde(default)]
    pub test: Vec<TestRun>,
    /// What `cargo zvm bench` runs; without entries the program once, with `args`.
    #[serde(default)]
    pub bench: Vec<BenchRun>,
    /// With entries, `cargo zvm run` starts these at once, joined by channels, instead of one program with `args`.
    #[serde(default)]
    pub instance: Vec<Instance>,
    /// Upstream sources. Entries of the same name are alternatives: the first that works is used.
    #[serde(default)]
    pub source: Vec<Provider>,
}

/// One run of the program that `cargo zvm bench` times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BenchRun {
    /// Its name in the table is that of the program, a slash, and this.
    #[serde(default)]
    pub name: Option<Name>,
    /// The program's arguments: work for about a second.
    #[serde(default)]
    pub args: Vec<String>,
    /// Arguments for a moment's work, to see that it works (`--quick`).
    #[serde(default)]
    pub quick: Vec<String>,
}

/// Instances of the program with one task, in a sandbox each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Instance {
    /// Each is NAME-1, NAME-2 and so on.
    pub name: Name,
    /// How many there are.
    #[serde(default = "one")]
    pub count: usize,
    /// Files, as patterns like those of `sources`: there is one instance for each, whose standard input it is.
    #[serde(default)]
    pub stdin: Option<String>,
    /// The program's arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Names of other instances. Every one of these has a channel to every one of those: `/dev/out/THERE-I` here is
    /// `/dev/in/HERE-J` there.
    #[serde(default)]
    pub connect: Vec<Name>,
}

fn one() -> usize {
    1
}

/// One run of the program that `cargo zvm test` checks. What is not named is not checked, but for the exit status, which is 0.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestRun {
    /// Its name in what is printed.
    pub name: Name,
    /// The program's arguments, instead of those of every run.
    #[serde(default)]
    pub args: Option<Vec<String>>,
    /// More of the program's environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it reads; nothing without.
    #[serde(default)]
    pub stdin: Option<Content>,
    /// What it must print.
    #[serde(default)]
    pub stdout: Option<Content>,
    /// What it must print as errors.
    #[serde(default)]
    pub stderr: Option<Content>,
    /// The exit status that it must have.
    #[serde(default)]
    pub status: u8,
    /// Seconds that it may take.
    #[serde(default = "default_timeout")]
    pub timeout: f64,
    /// Not run unless it is asked for.
    #[serde(default)]
    pub ignore: bool,
}

/// Bytes, written in `Zvm.toml` or in a file beside it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged, expecting = "a string, or { file = \"PATH\" }")]
pub enum Content {
    /// As written.
    Text(String),
    /// A file's.
    File {
        /// Relative to the folder.
        file: String,
    },
}

fn default_timeout() -> f64 {
    60.0
}

fn default_cflags() -> Vec<String> {
    vec!["-O2".to_owned()]
}

/// One place to get an upstream source from, pinned to its bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Provider {
    /// What `@NAME` refers to.
    pub name: Name,
    /// Through which client.
    pub kind: Kind,
    /// The package's name there.
    pub package: Name,
    /// The package's version; for Debian the upstream one (`5.4.4`).
    pub version: Name,
    /// Of the archive.
    pub sha256: Sha256,
    /// The folder in the archive that `@NAME` means, below the archive's only top folder.
    #[serde(default)]
    pub root: String,
}

/// Package registries, each through its ordinary client.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Rust crate, by `cargo fetch`.
    Crate,
    /// A Python source distribution, by `pip download`.
    Pypi,
    /// The upstream archive of a Debian source package, by `apt-get source`.
    Debian,
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Crate => "crate",
            Kind::Pypi => "Python package",
            Kind::Debian => "Debian source package",
        };
        write!(f, "{kind} {} {}", &*self.package, &*self.version)
    }
}

/// A word of letters, digits and `.+-_~`, not starting with a `-` or `.`: safe in a file name and on a command line.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Name(String);

/// 64 hexadecimal digits, lower case.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Sha256(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let ok = |c: char| c.is_ascii_alphanumeric() || ".+-_~".contains(c);
        if text.is_empty() || text.starts_with(['-', '.']) || !text.chars().all(ok) {
            return Err(format!(
                "`{text}` is not a name: letters, digits and .+-_~ only, and no - or . in front"
            ));
        }
        Ok(Name(text))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() != 64
            || !text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err("a SHA-256 has 64 hexadecimal digits, in lower case".to_owned());
        }
        Ok(Sha256(text))
    }
}

impl std::ops::Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Sha256 {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Manifest {
    /// For one source file in the project's folder, without a `Zvm.toml`.
    ///
    /// # Errors
    /// The file's name cannot be a program's.
    pub fn of_file(file: &str) -> Result<Manifest, String> {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        Ok(Manifest {
            name: Name::try_from(stem.to_owned())?,
            sources: vec![glob::Pattern::escape(file)],
            port: None,
            exclude: Vec::new(),
            include: Vec::new(),
            cflags: default_cflags(),
            cxxflags: Vec::new(),
            defines: Vec::new(),
            libs: vec!["m".to_owned()],
            mounts: Vec::new(),
            args: Vec::new(),
            env: BTreeMap::new(),
            test: Vec::new(),
            bench: Vec::new(),
            instance: Vec::new(),
            source: Vec::new(),
        })
    }

    /// Reads the text of a `Zvm.toml`.
    ///
    /// # Errors
    /// What is wrong, with the line where it can be named.
    pub fn parse(text: &str) -> Result<Manifest, toml::de::Error> {
        let manifest: Manifest = toml::from_str(text)?;
        if manifest.sources.is_empty() == manifest.port.is_none() {
            return Err(serde::de::Error::custom(
                "one of `sources` (what is compiled) and `port` (whose program runs the folder's files) must be given",
            ));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = manifest.test.iter().find(|test| !names.insert(&*test.name)) {
            return Err(serde::de::Error::custom(format!(
                "two [[test]] entries are called `{}`",
                &*twice.name
            )));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = 'x'\nsources = ['*.c']\n";

    fn error(text: &str) -> String {
        Manifest::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn the_least_is_a_name_and_sources() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(&*manifest.name, "x");
        assert_eq!(manifest.cflags, ["-O2"]);
        assert!(error("sources = []").contains("name"));
        assert!(error("name = 'x'").contains("sources"));
    }

    #[test]
    fn sources_or_a_port() {
        let manifest = Manifest::parse("name = 'x'\nport = 'lua'\n").unwrap();
        assert_eq!(manifest.port.as_deref(), Some("lua"));
        assert!(error(&format!("{GOOD}port = 'lua'\n")).contains("`port`"));
    }

    #[test]
    fn tests_have_names_of_their_own_and_contents_from_files() {
        let test = "[[test]]\nname = 'a'\nstdin = 'x'\nstdout = { file = 'y' }\n";
        let manifest = Manifest::parse(&format!("{GOOD}{test}")).unwrap();
        let [test_run] = manifest.test.as_slice() else {
            panic!("one test");
        };
        assert_eq!(test_run.stdin, Some(Content::Text("x".to_owned())));
        assert!(matches!(test_run.stdout, Some(Content::File { .. })));
        assert_eq!((test_run.status, &test_run.stderr), (0, &None));
        assert!(error(&format!("{GOOD}{test}{test}")).contains("two [[test]]"));
        assert!(error(&format!("{GOOD}[[test]]\nname = 'a'\nstdin = 3\n")).contains("{ file"));
    }

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        let text = error(&format!("{GOOD}\nsorces = ['b.c']\n"));
        assert!(text.contains("line 4") && text.contains("sorces"), "{text}");
        let text = error(&format!("{GOOD}[[source]]\nname = 'a'\nurl = 'x'\n"));
        assert!(text.contains("line 5") && text.contains("url"), "{text}");
    }

    #[test]
    fn wrong_values_are_shown_with_their_line() {
        let text = error("name = '../x'\nsources = []");
        assert!(
            text.contains("line 1") && text.contains("not a name"),
            "{text}"
        );
        let source = "[[source]]\nname='a'\nkind='crate'\npackage='p'\nversion='1'\nsha256='12'\n";
        let text = error(&format!("{GOOD}{source}"));
        assert!(
            text.contains("line 8") && text.contains("64 hexadecimal digits"),
            "{text}"
        );
        let text = error(&format!("{GOOD}[[source]]\nname='a'\nkind='ftp'\n"));
        assert!(text.contains("line 5") && text.contains("crate"), "{text}");
    }
}
