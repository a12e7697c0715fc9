//! Starts a port's program: in the sandbox through the runtime's command line, or natively for comparison.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use zvm_runtime::zapp::write::Application;

use super::builder::Built;

/// What a start adds to the recipe's.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The program's arguments.
    pub args: Vec<OsString>,
    /// `NAME=VALUE`.
    pub env: Vec<OsString>,
    /// Options of `zvm run`.
    pub options: Vec<OsString>,
    /// Which of the port's programs; the first without.
    pub program: Option<String>,
}

/// The arguments of `zvm`, from `run` on.
///
/// # Errors
/// The port has no program.
pub fn sandboxed(built: &Built, start: &Start) -> Result<Vec<OsString>> {
    let run = &built.entry.recipe.run;
    let mut args: Vec<OsString> = vec!["run".into()];
    if let Some(tar) = built.tar() {
        let mut mount = tar.into_os_string();
        mount.push(":/:overlay");
        args.extend(["--mount".into(), mount]);
    }
    for (name, value) in &run.env {
        args.extend(["--env".into(), format!("{name}={value}").into()]);
    }
    for variable in &start.env {
        args.extend(["--env".into(), variable.clone()]);
    }
    if let Some(memory) = run
        .memory
        .as_ref()
        .filter(|_| !start.options.iter().any(|o| o == "--memory"))
    {
        args.extend(["--memory".into(), memory.into()]);
    }
    args.extend(start.options.iter().cloned());
    args.push(built.image(start.program.as_deref())?.into());
    args.extend(program_args(built, start));
    Ok(args)
}

/// A program with its files and settings, as one file to be.
///
/// # Errors
/// The port has no such program.
pub fn application(
    built: &Built,
    program: Option<&str>,
    args: Vec<OsString>,
) -> Result<Application> {
    let image = built.image(program)?;
    let name = image.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.into_owned();
    let start = Start {
        args,
        program: program.map(str::to_owned),
        ..Start::default()
    };
    let words = sandboxed(built, &start)?.into_iter().skip(1);
    crate::pack::of_words(name, image, words)
}

/// Writes an application that begins where the program was when it had started: with the recipe's arguments, if it has none itself.
///
/// # Errors
/// The recipe does not say how, or no snapshot was made.
pub fn snapshot(built: &Built, mut application: Application, to: &Path) -> Result<()> {
    if application.args.is_empty() {
        let recipe = &built.entry.recipe;
        let Some(snapshot) = &recipe.snapshot else {
            bail!(
                "the recipe of {} does not say how a snapshot is made: give the arguments of a program that reads /dev/snapshot",
                &*recipe.name
            );
        };
        application.args = snapshot.args.iter().map(OsString::from).collect();
    }
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let whole = folder.path().join(&application.name).with_extension("zapp");
    zvm_runtime::zapp::write::write(&application, &whole)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg0("zvm").args(["snapshot", "--to"]).arg(to);
    match command.arg(&whole).status()?.success() {
        true => Ok(()),
        false => bail!("no snapshot of {} was made", application.name),
    }
}

/// The native program with the same arguments.
///
/// # Errors
/// The port has no program, or a variable is not `NAME=VALUE`.
pub fn native(built: &Built, start: &Start) -> Result<Command> {
    let run = &built.entry.recipe.run;
    let mut command = Command::new(built.native(start.program.as_deref())?);
    command.args(program_args(built, start)).env_clear();
    command.envs(&run.env);
    for (name, value) in &run.native_env {
        command.env(name, with_root(value, &built.root()));
    }
    for variable in &start.env {
        let text = variable.to_string_lossy();
        let (name, value) = text
            .split_once('=')
            .with_context(|| format!("--env {text}: not NAME=VALUE"))?;
        command.env(name, value);
    }
    Ok(command)
}

fn with_root(value: &str, root: &Path) -> String {
    value.replace("{root}", &root.to_string_lossy())
}

fn program_args(built: &Built, start: &Start) -> Vec<OsString> {
    if start.args.is_empty() {
        let args = built.entry.recipe.run.args.iter();
        args.map(OsString::from).collect()
    } else {
        start.args.clone()
    }
}
