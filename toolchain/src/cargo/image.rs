//! The image of a crate, for commands that need one: `pack`, `debug`, `validate`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;
use zvm_sysroot::Progress;

use super::command::cargo;
use crate::problem::problem;

/// One executable of a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Cargo's name of it.
    pub name: String,
    /// The image.
    pub image: PathBuf,
}

/// Optimised, or with all that a debugger wants: cargo's own profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `dev`
    Dev,
    /// `release`
    Release,
}

/// Whether a folder is cargo's: where there is a `Cargo.toml`, a `Zvm.toml` beside it does not count.
pub fn is_crate(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file()
}

/// Whether `--bin` can be for this: as [`is_crate`].
///
/// # Errors
/// It is given for what is no crate.
pub fn is_crate_with(folder: &Path, bin: Option<&str>) -> Result<bool> {
    if bin.is_some() && !is_crate(folder) {
        return Err(problem(
            format!("--bin: {} is no crate", folder.display()),
            "leave it out, or name the folder of a Cargo.toml",
        ));
    }
    Ok(is_crate(folder))
}

/// Builds the crate; its only executable, or the one of that name.
///
/// # Errors
/// The build fails (cargo has said why), there is no executable, or there are several.
pub fn build(
    folder: &Path,
    name: Option<&str>,
    profile: Profile,
    progress: &Progress,
) -> Result<Binary> {
    let mut command = cargo(progress)?;
    command
        .args(["build", "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .stdout(Stdio::piped());
    match name {
        Some(name) => command.args(["--bin", name]),
        None => command.arg("--bins"),
    };
    command.args((profile == Profile::Release).then_some("--release"));
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let mut found = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            found.extend(binary(&line?));
        }
    }
    if !child.wait()?.success() {
        return Err(anyhow!("the build failed; the messages above say why"));
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(binary), None) => Ok(binary),
        (Some(first), Some(second)) => {
            let names = [first, second].into_iter().chain(found);
            let names: Vec<_> = names.map(|binary| binary.name).collect();
            Err(problem(
                format!("{} has several executables", folder.display()),
                format!("choose one with --bin: {}", names.join(", ")),
            ))
        }
        (None, _) => Err(problem(
            format!("{} has no executable", folder.display()),
            "name a crate with a src/main.rs, or an image that is already built",
        )),
    }
}

/// What a line of cargo's JSON messages says of an executable.
fn binary(line: &str) -> Option<Binary> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
        target: Target,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    let image = message.executable?;
    let is_program = message.target.kind.iter().any(|kind| kind == "bin");
    is_program.then_some(Binary {
        name: message.target.name,
        image,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_among_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"app"},"executable":"/t/app","fresh":true}"#;
        let app = Binary {
            name: "app".to_owned(),
            image: "/t/app".into(),
        };
        assert_eq!(binary(line), Some(app));
        for other in [
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"app"},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["custom-build"],"name":"b"},"executable":"/t/b"}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "not JSON",
        ] {
            assert_eq!(binary(other), None, "{other}");
        }
    }
}
