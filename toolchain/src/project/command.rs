//! `cargo zvm build`, `run` and `test` of a folder with a `Zvm.toml`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use zvm_sysroot::{Cache, Progress, Sysroot};

use super::build::{BuildOptions, build};
use super::{Project, run, test};
use crate::cargo::image::{self, Profile};
use crate::sandbox::Sandbox;
use crate::watch::{self, Watch};

/// Options of `cargo zvm build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    how: How,
    /// Build again whenever a file of the folder changes
    #[arg(long)]
    watch: bool,
}

/// How a folder is built.
#[derive(Debug, Args)]
struct How {
    /// Compiler: zig (the SDK's clang), gcc, clang, or a path
    #[arg(long, value_name = "NAME")]
    compiler: Option<OsString>,
    /// Build the same objects into an ordinary executable of this machine, for comparison
    #[arg(long)]
    native: bool,
}

/// Options of `cargo zvm run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    sandbox: Sandbox,
    /// Build and run again whenever a file of the folder changes
    #[arg(long)]
    watch: bool,
    /// The program's arguments, instead of those in Zvm.toml
    #[arg(last = true)]
    args: Vec<OsString>,
}

/// Options of `cargo zvm test`.
#[derive(Debug, Args)]
pub struct Test {
    /// The folder, if it is not this one, then parts of names: only tests whose name has one of them are run
    #[arg(value_name = "FOLDER|NAME")]
    words: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
    /// Test again whenever a file of the folder changes
    #[arg(long)]
    watch: bool,
    /// Run only tests that are ignored otherwise
    #[arg(long)]
    ignored: bool,
    /// List the tests instead of running them
    #[arg(long)]
    list: bool,
}

impl How {
    fn build(&self, folder: &Path, progress: &Progress) -> Result<(Project, PathBuf)> {
        let cache = Cache::locate()?;
        let project = Project::open(folder, &cache, progress)?;
        let sysroot = Sysroot::open(progress)?;
        let options = BuildOptions {
            compiler: self.compiler.clone(),
            native: self.native,
            keep_elf: false,
        };
        let output = build(&project, &sysroot, &options)?;
        Ok((project, output))
    }
}

/// Builds the folder into an image.
///
/// # Errors
/// `Zvm.toml` is wrong, or the build failed.
pub fn project(folder: &Path, progress: &Progress) -> Result<(Project, PathBuf)> {
    let how = How {
        compiler: None,
        native: false,
    };
    how.build(folder, progress)
}

/// Options of `cargo zvm debug`.
#[derive(Debug, Args)]
pub struct Debug {
    /// A folder with a Zvm.toml, or a crate, which is built first; or an image
    #[arg(default_value = ".", value_name = "FOLDER|IMAGE")]
    what: PathBuf,
    /// Which executable of a crate that has several
    #[arg(long, value_name = "NAME")]
    bin: Option<String>,
    #[command(flatten)]
    sandbox: Sandbox,
    /// A command for gdb, before the program's first instruction, instead of a stop in main (may be given again)
    #[arg(long, value_name = "COMMAND")]
    ex: Vec<OsString>,
    /// Leave gdb behind these commands
    #[arg(long)]
    batch: bool,
    /// The program's arguments, instead of those in Zvm.toml
    #[arg(last = true)]
    args: Vec<OsString>,
}

impl Debug {
    /// Builds, and runs under gdb.
    ///
    /// # Errors
    /// `Zvm.toml` is wrong, the build failed, or a mount cannot be prepared.
    pub fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let mut own = self.sandbox.words();
        for command in self.ex {
            own.extend(["--ex".into(), command]);
        }
        own.extend(self.batch.then(|| "--batch".into()));
        let crates = image::is_crate_with(&self.what, self.bin.as_deref())?;
        let mut args = if self.what.is_dir() && !crates {
            let (project, image) = self::project(&self.what, progress)?;
            let options = run::RunOptions {
                args: self.args,
                zvm: own,
                ..run::RunOptions::default()
            };
            run::image_args(&project, &image, &options)?
        } else {
            let mut args = vec!["zvm".into(), "debug".into()];
            args.extend(own);
            let image = if crates {
                image::build(&self.what, self.bin.as_deref(), Profile::Dev, progress)?.image
            } else {
                self.what
            };
            args.push(image.into());
            args.extend(self.args);
            args
        };
        args[1] = "debug".into();
        Ok(zvm_runtime::cli::main(args))
    }
}

impl Build {
    /// Builds, and prints where the result is.
    ///
    /// # Errors
    /// `Zvm.toml` is wrong, or the build failed.
    pub fn execute(&self, progress: &Progress) -> Result<ExitCode> {
        if self.watch {
            return watch::again(&Watch::project(&self.folder));
        }
        let (_, output) = self.how.build(&self.folder, progress)?;
        println!("{}", output.display());
        Ok(ExitCode::SUCCESS)
    }
}

impl Run {
    /// Builds and runs; the exit status is the program's.
    ///
    /// # Errors
    /// `Zvm.toml` is wrong, the build failed, or a mount cannot be prepared.
    pub fn execute(self, progress: &Progress) -> Result<ExitCode> {
        if self.watch {
            return watch::again(&Watch::project(&self.folder));
        }
        let (project, output) = self.how.build(&self.folder, progress)?;
        let options = run::RunOptions {
            args: self.args,
            exact_args: false,
            zvm: self.sandbox.words(),
            env: self.sandbox.env,
        };
        if self.how.native {
            run::native(&project, &output, &options)
        } else {
            run::sandboxed(&project, &output, &options)
        }
    }
}

impl Test {
    /// Builds and tests.
    ///
    /// # Errors
    /// `Zvm.toml` is wrong or has no tests, the build failed, or a run cannot be started.
    pub fn execute(self, progress: &Progress) -> Result<ExitCode> {
        let mut words = self.words;
        let named = words.first().is_some_and(|word| word.is_dir());
        let folder = if named { words.remove(0) } else { ".".into() };
        if self.watch {
            return watch::again(&Watch::project(&folder));
        }
        let (project, output) = self.how.build(&folder, progress)?;
        let options = test::Options {
            filters: words
                .into_iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            native: self.how.native,
            ignored: self.ignored,
            list: self.list,
        };
        test::run(&project, &output, &options)
    }
}
