//! `cargo zvm env` and `cargo zvm exec`.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use zvm_sysroot::{Cache, Progress, Sysroot};

use super::formats::{self, Format};
use super::{Files, variables};
use crate::binutils::exit_code;
use crate::problem::Advise as _;
use crate::tools::Tools;

/// Options of `cargo zvm env`.
#[derive(Debug, Args)]
pub struct Env {
    /// For whom
    #[arg(long, value_enum, default_value_t = Format::Sh)]
    format: Format,
}

/// Options of `cargo zvm exec`.
#[derive(Debug, Args)]
pub struct Exec {
    /// The command and its arguments
    #[arg(
        value_name = "CMD",
        required = true,
        num_args = 1..,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<OsString>,
}

impl Env {
    /// Prints the settings.
    ///
    /// # Errors
    /// The SDK's cache cannot be written, or [`formats::text`]'s.
    pub fn execute(&self) -> Result<ExitCode> {
        let tools = Tools::open(&Cache::locate()?)?;
        Files::open(&tools)?;
        print!("{}", formats::text(self.format, &tools)?);
        Ok(ExitCode::SUCCESS)
    }
}

impl Exec {
    /// Runs the command; the exit status is the command's.
    ///
    /// # Errors
    /// The SDK cannot be set up, or the command does not start.
    pub fn execute(&self, progress: &Progress) -> Result<ExitCode> {
        // What the compilers would do at their first call, in the middle of a configure script's tests.
        let sysroot = Sysroot::open(progress)?;
        sysroot.cxx(progress)?;
        let tools = Tools::open(&Cache::locate()?)?;
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(
            [tools.dir().to_owned()]
                .into_iter()
                .chain(env::split_paths(&path)),
        )?;
        let (program, args) = self.command.split_first().context("no command is named")?;
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(variables(&tools)?)
            .env("PATH", path);
        let status = command.status().advise(|| {
            (
                format!("cannot start {}", program.display()),
                "name a command that is on the PATH, or its path; `sh -c '...'` for several"
                    .to_owned(),
            )
        })?;
        Ok(exit_code(status))
    }
}
