//! Flags for rustc and rustdoc, joined with the user's.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What separates flags in cargo's `CARGO_ENCODED_*` variables.
const SEPARATOR: char = '\x1f';

/// Flags for a cargo run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Ours alone, for `CARGO_TARGET_<TRIPLE>_*FLAGS`.
    Ours(OsString),
    /// The user's and ours, for `CARGO_ENCODED_*FLAGS`: such a variable hides every other source of flags.
    Encoded(OsString),
}

/// What rustc needs to make an image.
pub fn ours(zvm_cc: &Path) -> Vec<String> {
    vec![
        format!("-Clinker={}", zvm_cc.display()),
        "-Crelocation-model=static".to_owned(),
        "-Ctarget-feature=+crt-static".to_owned(),
        "--cfg=zvm".to_owned(),
        "--check-cfg=cfg(zvm)".to_owned(),
    ]
}

/// Joins our flags to those of the environment variables `plain` and `encoded`.
///
/// # Errors
/// The user's flags are no text, or choose a processor that an image cannot name.
pub fn merge(plain: &str, encoded: &str, zvm_cc: &Path) -> Result<Merged> {
    let read = |name: &str| match env::var_os(name) {
        None => Ok(None),
        Some(value) => value
            .into_string()
            .map(Some)
            .map_err(|value| value.display().to_string())
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{name} is no text")),
    };
    let user: Option<Vec<String>> = match (read(encoded)?, read(plain)?) {
        (Some(flags), _) => Some(words(&flags, |c| c == SEPARATOR)),
        (None, Some(flags)) => Some(words(&flags, char::is_whitespace)),
        (None, None) => None,
    };
    join(user, ours(zvm_cc)).with_context(|| format!("in {plain}"))
}

fn words(text: &str, separator: impl Fn(char) -> bool) -> Vec<String> {
    text.split(separator)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn join(user: Option<Vec<String>>, ours: Vec<String>) -> Result<Merged> {
    let Some(user) = user.filter(|flags| !flags.is_empty()) else {
        // Paths with blanks cannot be in this form, so then the other one is used.
        return Ok(if ours.iter().any(|flag| flag.contains(' ')) {
            Merged::Encoded(encode(&ours))
        } else {
            Merged::Ours(ours.join(" ").into())
        });
    };
    // An outer `cargo zvm` has been here.
    let mut all: Vec<String> = user
        .into_iter()
        .filter(|flag| !ours.contains(flag))
        .collect();
    let level = level(&all)?;
    all.extend(ours);
    all.extend(level.map(|level| format!("-Clink-arg=-march={level}")));
    Ok(Merged::Encoded(encode(&all)))
}

fn encode(flags: &[String]) -> OsString {
    flags.join(&SEPARATOR.to_string()).into()
}

/// The processors that an image can name.
const LEVELS: [&str; 4] = ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"];

/// The processor that `-Ctarget-cpu` names: the image must say it, too.
fn level(flags: &[String]) -> Result<Option<String>> {
    let mut level = None;
    let mut previous = "";
    for flag in flags {
        let value = flag
            .strip_prefix("-Ctarget-cpu=")
            .or_else(|| flag.strip_prefix("--codegen=target-cpu="))
            .or_else(|| {
                flag.strip_prefix("target-cpu=")
                    .filter(|_| previous == "-C")
            });
        match value {
            Some("native") => bail!(
                "-Ctarget-cpu=native: an image must not depend on the machine that built it; choose x86-64-v2, x86-64-v3 or x86-64-v4"
            ),
            Some(name) if LEVELS.contains(&name) => level = Some(name.to_owned()),
            Some(name) => bail!(
                "-Ctarget-cpu={name}: an image says its level; choose one of {}",
                LEVELS.join(", ")
            ),
            None => {}
        }
        previous = flag;
    }
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(merged: Merged) -> String {
        match merged {
            Merged::Ours(text) | Merged::Encoded(text) => text.into_string().unwrap(),
        }
        .replace(SEPARATOR, "|")
    }

    #[test]
    fn users_flags_are_kept_and_come_first() {
        let ours = || vec!["-Clinker=x".to_owned()];
        let user = Some(vec!["-Copt-level=1".to_owned(), "--cfg=foo".to_owned()]);
        assert_eq!(
            text(join(user, ours()).unwrap()),
            "-Copt-level=1|--cfg=foo|-Clinker=x"
        );
        assert_eq!(text(join(None, ours()).unwrap()), "-Clinker=x");
        // Twice is once.
        assert_eq!(text(join(Some(ours()), ours()).unwrap()), "-Clinker=x");
    }

    #[test]
    fn the_processor_reaches_the_image() {
        let joined = |flags: &[&str]| {
            let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
            join(Some(flags), Vec::new()).map(text)
        };
        assert_eq!(
            joined(&["-C", "target-cpu=x86-64-v3"]).unwrap(),
            "-C|target-cpu=x86-64-v3|-Clink-arg=-march=x86-64-v3"
        );
        assert_eq!(
            joined(&["-Ctarget-cpu=x86-64-v4"]).unwrap(),
            "-Ctarget-cpu=x86-64-v4|-Clink-arg=-march=x86-64-v4"
        );
        let bad = [
            "-Ctarget-cpu=native",
            "-Ctarget-cpu=znver5",
            "-Ctarget-cpu=x86-64-v5",
        ];
        for bad in bad {
            assert!(
                joined(&[bad])
                    .unwrap_err()
                    .to_string()
                    .contains("x86-64-v3")
            );
        }
    }

    #[test]
    fn a_linker_with_a_blank_in_its_path() {
        let ours = vec!["-Clinker=/a b".to_owned(), "-C".to_owned()];
        assert!(matches!(join(None, ours).unwrap(), Merged::Encoded(_)));
    }
}
