//! Sample folders: a `Zvm.toml`, sources from upstream, an incremental build, a run.
//!
//! [`manifest`] reads `Zvm.toml`, [`source`] brings pinned upstream sources into the cache, [`build`](mod@build) compiles what
//! changed and links, [`run`] starts the result in the sandbox or on the host, [`job`] several instances of it, [`test`](mod@test) checks
//! what it does. Instead of sources a folder may name a port, whose program then runs the folder's files.

pub mod build;
pub mod command;
mod debian;
mod depfile;
pub mod job;
pub mod manifest;
mod objects;
pub mod run;
pub mod source;
pub mod test;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use zvm_sysroot::{Cache, Progress};

use crate::port::builder::Built;
use crate::problem::Advise as _;
use manifest::Manifest;

/// A folder with a `Zvm.toml`, and where its upstream sources lie.
#[derive(Debug)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// Its `Zvm.toml`.
    pub manifest: Manifest,
    /// Name and folder of each upstream source.
    upstream: Vec<(String, PathBuf)>,
    /// The port that it names, once that is built.
    port: OnceCell<Built>,
}

impl Project {
    /// Reads `FOLDER/Zvm.toml` and fetches the sources that it names, unless the cache has them.
    ///
    /// # Errors
    /// No or a wrong `Zvm.toml`; a source that no provider can give.
    pub fn open(folder: &Path, cache: &Cache, progress: &Progress) -> Result<Project> {
        let path = folder.join("Zvm.toml");
        let text = std::fs::read_to_string(&path).advise(|| {
            (
                format!("cannot read {}", path.display()),
                "name a folder with a Zvm.toml or a Cargo.toml, or make one: cargo zvm new NAME --lang c"
                    .to_owned(),
            )
        })?;
        let manifest = Manifest::parse(&text).with_context(|| format!("in {}", path.display()))?;
        let upstream = source::fetch_all(&manifest.source, cache, progress)?;
        Ok(Project {
            folder: folder.to_owned(),
            manifest,
            upstream,
            port: OnceCell::new(),
        })
    }

    /// A program of one C or C++ file, compiled with -O2; what is built goes to `build` beside it.
    ///
    /// # Errors
    /// The file's name cannot be a program's.
    pub fn of_file(path: &Path) -> Result<Project> {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let manifest =
            Manifest::of_file(&file).map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        Ok(Project {
            folder: folder.to_owned(),
            manifest,
            upstream: Vec::new(),
            port: OnceCell::new(),
        })
    }

    /// A path of `Zvm.toml` on this machine: `@NAME/…` lies in an upstream source, all else in the project's folder.
    ///
    /// # Errors
    /// There is no source of that name.
    pub fn path(&self, text: &str) -> Result<PathBuf> {
        let Some(rest) = text.strip_prefix('@') else {
            return Ok(self.folder.join(text));
        };
        let (name, inner) = rest.split_once('/').unwrap_or((rest, ""));
        match self.upstream.iter().find(|(source, _)| source == name) {
            Some((_, folder)) => Ok(folder.join(inner)),
            None => bail!("{text}: Zvm.toml has no [[source]] with name = \"{name}\""),
        }
    }

    /// Where everything that is built goes.
    pub fn build_dir(&self) -> PathBuf {
        self.folder.join("build")
    }
}
