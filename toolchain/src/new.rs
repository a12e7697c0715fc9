//! `cargo zvm new`: a folder that builds, runs and tests at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::problem::problem;
use crate::project::build::say;
use crate::project::manifest::Name;

/// Options of `cargo zvm new`.
#[derive(Debug, Args)]
pub struct New {
    /// The folder to make; the program is called as it is
    path: PathBuf,
    /// The program's language
    #[arg(long, value_enum, default_value_t = Language::C)]
    lang: Language,
}

/// What a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// C, compiled from src/*.c
    C,
    /// C++20 with exceptions, compiled from src/*.cpp
    #[value(name = "c++", alias = "cpp", alias = "cxx")]
    Cxx,
    /// An ordinary crate
    Rust,
    /// A script for Lua 5.4
    Lua,
    /// A script for CPython
    Python,
    /// A script for PHP
    Php,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../templates/", $path))
    };
}

/// Where files go, and their text; `@NAME@` in it is the program's name.
fn files(language: Language) -> Vec<(&'static str, &'static str)> {
    let mut files = match language {
        Language::C => vec![
            ("Zvm.toml", template!("c/Zvm.toml")),
            ("src/main.c", template!("c/main.c")),
        ],
        Language::Cxx => vec![
            ("Zvm.toml", template!("c++/Zvm.toml")),
            ("src/main.cpp", template!("c++/main.cpp")),
        ],
        Language::Rust => vec![
            ("Cargo.toml", template!("rust/manifest.toml")),
            ("src/main.rs", template!("rust/main.rs")),
        ],
        Language::Lua => vec![
            ("Zvm.toml", template!("lua/Zvm.toml")),
            ("program/main.lua", template!("lua/main.lua")),
        ],
        Language::Python => vec![
            ("Zvm.toml", template!("python/Zvm.toml")),
            ("program/main.py", template!("python/main.py")),
        ],
        Language::Php => vec![
            ("Zvm.toml", template!("php/Zvm.toml")),
            ("program/main.php", template!("php/main.php")),
        ],
    };
    files.push((".gitignore", template!("gitignore")));
    files
}

impl New {
    /// Makes the folder.
    ///
    /// # Errors
    /// It is there already and not empty, cannot be written, or has a name that a program cannot have.
    pub fn execute(&self) -> Result<ExitCode> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let advice = "choose a name of letters, digits, - and _, such as my-program";
        let wrong = |reason: String| problem(format!("{}: {reason}", self.path.display()), advice);
        let name = Name::try_from(name.into_owned()).map_err(wrong)?;
        // Cargo is stricter.
        let first = name.chars().next().unwrap_or_default();
        if self.lang == Language::Rust && (first.is_ascii_digit() || name.contains(['.', '+', '~']))
        {
            let reason = format!("`{}` is not a crate's name", &*name);
            return Err(wrong(reason));
        }
        if fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(problem(
                format!("{} is there already, and not empty", self.path.display()),
                "choose another name, or remove it",
            ));
        }
        for (file, text) in files(self.lang) {
            write(&self.path.join(file), &text.replace("@NAME@", &name))?;
        }
        say("Created", self.path.display());
        eprintln!(
            "             cd {} && cargo zvm run && cargo zvm test",
            self.path.display()
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::index;
    use crate::project::manifest::Manifest;

    #[test]
    fn every_template_has_a_manifest_that_reads_and_tests() {
        for &language in Language::value_variants() {
            let files = files(language);
            let (_, text) = files
                .iter()
                .find(|(name, _)| name.ends_with(".toml"))
                .unwrap();
            let text = text.replace("@NAME@", "x");
            if language == Language::Rust {
                assert!(text.parse::<toml::Table>().is_ok());
                continue;
            }
            let manifest = Manifest::parse(&text).unwrap();
            assert!(!manifest.test.is_empty(), "{language:?}");
            if let Some(port) = &manifest.port {
                assert!(index::find(port).is_ok(), "{language:?}");
            }
        }
    }
}
