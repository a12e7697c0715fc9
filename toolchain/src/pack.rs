//! `cargo zvm pack`: a program and its files as one `.zapp`, which `zvm run` starts.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use zvm_runtime::Mount;
use zvm_runtime::image::Image;
use zvm_runtime::zapp::write::{Application, write};
use zvm_sysroot::Progress;

use crate::cargo::image::{self, Profile};
use crate::problem::{Advise as _, problem};
use crate::project::{command, run};

/// Options of `cargo zvm pack`.
#[derive(Debug, Args)]
pub struct Pack {
    /// A folder with a Zvm.toml, or a crate (built with --release), which is built first; or an image
    #[arg(default_value = ".", value_name = "FOLDER|IMAGE")]
    what: PathBuf,
    /// Which executable of a crate that has several
    #[arg(long, value_name = "NAME")]
    bin: Option<String>,
    /// Where the application goes [default: NAME.zapp]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// One more folder or tar, at its place in the application; ro only if all are
    #[arg(long, value_name = "HOST:/PATH[:ro|overlay]")]
    mount: Vec<OsString>,
    /// One more environment variable
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Memory that it gets without `--memory`
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Arguments that it gets if a run gives none, instead of those in Zvm.toml
    #[arg(last = true)]
    args: Vec<OsString>,
}

impl Pack {
    /// Builds, packs, and prints the digest and the file's name.
    ///
    /// # Errors
    /// The build fails, a mount cannot be packed, or the file cannot be written.
    pub fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let bin = self.bin.as_deref();
        let mut application = if image::is_crate_with(&self.what, bin)? {
            let binary = image::build(&self.what, bin, Profile::Release, progress)?;
            plain(binary.name, binary.image)
        } else if self.what.is_dir() {
            of_folder(&self.what, progress)?
        } else {
            of_image(&self.what)?
        };
        for text in &self.mount {
            application.mounts.push(Mount::parse(text)?);
        }
        for text in &self.env {
            application.env.push(variable(text)?);
        }
        if let Some(text) = &self.memory {
            application.memory = Some(size(text)?);
        }
        if !self.args.is_empty() {
            application.args = self.args;
        }
        let output = self
            .output
            .unwrap_or_else(|| format!("{}.zapp", application.name).into());
        write_to(&application, &output)
    }
}

/// Writes the application, and prints its digest and the file's name.
pub(crate) fn write_to(application: &Application, output: &Path) -> Result<ExitCode> {
    let digest = write(application, output).advise(|| {
        (
            "cannot make the application".to_owned(),
            "see the reason above; `mounts` in Zvm.toml and --mount name what goes in".to_owned(),
        )
    })?;
    println!("{digest}  {}", output.display());
    Ok(ExitCode::SUCCESS)
}

/// The runtime's command line for the folder says all that there is: image, mounts, variables, memory, arguments.
fn of_folder(folder: &Path, progress: &Progress) -> Result<Application> {
    let (project, image) = command::project(folder, progress)?;
    let words = run::image_args(&project, &image, &run::RunOptions::default())?;
    let name = project.manifest.name.to_string();
    of_words(name, image, words.into_iter().skip(2))
}

/// The application that these words of `zvm run`, from behind `run` on, start.
pub(crate) fn of_words(
    name: String,
    image: PathBuf,
    mut words: impl Iterator<Item = OsString>,
) -> Result<Application> {
    let mut application = plain(name, image);
    while let Some(word) = words.next() {
        let mut value = || words.next().context("an option without its value");
        match word.to_str() {
            Some("--mount") => application.mounts.push(Mount::parse(&value()?)?),
            Some("--env") => {
                let text = value()?;
                application.env.push(variable(&text.to_string_lossy())?);
            }
            Some("--memory") => application.memory = Some(size(&value()?.to_string_lossy())?),
            _ => break,
        }
    }
    // Behind the image.
    application.args = words.collect();
    Ok(application)
}

fn of_image(path: &Path) -> Result<Application> {
    Image::open(path)?;
    let stem = path.file_stem().and_then(OsStr::to_str);
    let name = stem.with_context(|| format!("{} has no name that is text", path.display()))?;
    Ok(plain(name.to_owned(), path.to_owned()))
}

/// A program and nothing else.
fn plain(name: String, image: PathBuf) -> Application {
    Application {
        name,
        image,
        args: Vec::new(),
        env: Vec::new(),
        memory: None,
        mounts: Vec::new(),
    }
}

fn variable(text: &str) -> Result<(OsString, OsString)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err(problem(
            format!("--env {text}: not NAME=VALUE"),
            "write the variable's name, = and its value",
        )),
    }
}

fn size(text: &str) -> Result<u64> {
    zvm_runtime::cli::size(text).map_err(|reason| {
        problem(
            format!("--memory {text}: {reason}"),
            "write 64M, 512M or 2G",
        )
    })
}
