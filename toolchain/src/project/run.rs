//! Runs what was built: in the sandbox, through the runtime's own command line, or on the host for comparison.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use zvm_runtime::Mount;

use super::build::say;
use super::{Project, job};
use crate::port::launch::{self, Start};

/// What the command line adds to `Zvm.toml`.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The program's arguments; if empty, `Zvm.toml`'s.
    pub args: Vec<OsString>,
    /// Even if there are none.
    pub exact_args: bool,
    /// Options of `zvm run`, passed on as they are.
    pub zvm: Vec<OsString>,
    /// `--env` again: these take the place of `Zvm.toml`'s, and are what the native run gets.
    pub env: Vec<OsString>,
}

/// Runs the image, or all its instances; the exit status is the program's, or the runtime's for what it refuses.
///
/// # Errors
/// A mount of `Zvm.toml` that cannot be prepared.
pub fn sandboxed(project: &Project, image: &Path, options: &RunOptions) -> Result<ExitCode> {
    if !project.manifest.instance.is_empty() {
        return job::run(project, image, options);
    }
    let args = image_args(project, image, options)?;
    say("Running", image.display());
    Ok(zvm_runtime::cli::main(args))
}

/// The command line, `zvm` first, that runs the image.
///
/// # Errors
/// A mount of `Zvm.toml` that cannot be prepared.
pub fn image_args(project: &Project, image: &Path, options: &RunOptions) -> Result<Vec<OsString>> {
    let mut own: Vec<OsString> = Vec::new();
    for mount in mounts(project)? {
        own.extend(["--mount".into(), mount.text()]);
    }
    for (name, value) in &project.manifest.env {
        if options.env.iter().any(|text| sets(text, name)) {
            continue;
        }
        own.extend(["--env".into(), format!("{name}={value}").into()]);
    }
    own.extend(options.zvm.iter().cloned());
    let mut args: Vec<OsString> = vec!["zvm".into()];
    if let Some(built) = project.port.get() {
        // Its files are mounted first, so that the folder's lie on top.
        let start = Start {
            args: program_args(project, options),
            options: own,
            ..Start::default()
        };
        args.extend(launch::sandboxed(built, &start)?);
        return Ok(args);
    }
    args.push("run".into());
    args.extend(own);
    args.push(image.into());
    args.extend(program_args(project, options));
    Ok(args)
}

/// Whether `NAME=VALUE` is about this name.
fn sets(text: &OsString, name: &str) -> bool {
    let text = text.to_string_lossy();
    text.split_once('=').is_some_and(|(set, _)| set == name)
}

/// Runs the native executable; see [`native_command`].
///
/// # Errors
/// It does not start, or a mount cannot be prepared.
pub fn native(project: &Project, program: &Path, options: &RunOptions) -> Result<ExitCode> {
    if !project.manifest.instance.is_empty() {
        bail!("the channels between [[instance]]s are the sandbox's; there is no native run");
    }
    let mut command = native_command(project, program, options)?;
    say("Running", program.display());
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}

/// The command that runs the native executable. Arguments that start with a mount's path in the guest get the host's path
/// instead, so the same command line reads the same files.
///
/// # Errors
/// A mount cannot be prepared, or `--env` has no `=`.
pub fn native_command(project: &Project, program: &Path, options: &RunOptions) -> Result<Command> {
    let mounts = mounts(project)?;
    let args = program_args(project, options).into_iter().map(|arg| {
        let path = PathBuf::from(&arg);
        let mount = mounts.iter().find(|mount| path.starts_with(&mount.point));
        mount.map_or(arg, |mount| {
            let rest = path.strip_prefix(&mount.point).unwrap_or(&path);
            mount.host.join(rest).into_os_string()
        })
    });
    let mut command = match project.port.get() {
        None => {
            let mut command = Command::new(std::path::absolute(program)?);
            command.args(args).env_clear();
            command
        }
        Some(built) => {
            let start = Start {
                args: args.collect(),
                ..Start::default()
            };
            launch::native(built, &start)?
        }
    };
    command.envs(&project.manifest.env);
    for variable in &options.env {
        let text = variable.to_string_lossy();
        let (name, value) = text
            .split_once('=')
            .with_context(|| format!("--env {text}: not NAME=VALUE"))?;
        command.env(name, value);
    }
    Ok(command)
}

fn program_args(project: &Project, options: &RunOptions) -> Vec<OsString> {
    if options.args.is_empty() && !options.exact_args {
        project.manifest.args.iter().map(Into::into).collect()
    } else {
        options.args.clone()
    }
}

/// A mount of `Zvm.toml`, with the host's side as an absolute path to a folder or a tar file.
struct Prepared {
    host: PathBuf,
    point: PathBuf,
    mode: &'static str,
}

impl Prepared {
    fn text(&self) -> OsString {
        let mut text = self.host.clone().into_os_string();
        text.push(":");
        text.push(&self.point);
        text.push(":");
        text.push(self.mode);
        text
    }
}

/// Reads the mounts. A single file is copied into a folder of its own under `build`, which is mounted where the file's folder
/// is to be.
fn mounts(project: &Project) -> Result<Vec<Prepared>> {
    let staged = project.build_dir().join("mounts");
    if staged.exists() {
        fs::remove_dir_all(&staged)
            .with_context(|| format!("cannot remove {}", staged.display()))?;
    }
    let mut prepared: Vec<Prepared> = Vec::new();
    for (index, text) in project.manifest.mounts.iter().enumerate() {
        let mount =
            Mount::parse(text.as_ref()).with_context(|| format!("`mounts` in Zvm.toml: {text}"))?;
        let mode = match mount.mode {
            zvm_runtime::Mode::ReadOnly => "ro",
            zvm_runtime::Mode::Overlay => "overlay",
            zvm_runtime::Mode::ReadWrite => "rw",
        };
        let host = std::path::absolute(project.path(&mount.host.to_string_lossy())?)?;
        let single = host.is_file() && host.extension().is_none_or(|extension| extension != "tar");
        if !single {
            prepared.push(Prepared {
                host,
                point: mount.point,
                mode,
            });
            continue;
        }
        let point = mount.point.parent().unwrap_or(Path::new("/")).to_owned();
        let folder = staged.join(index.to_string());
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let copy = folder.join(mount.point.file_name().unwrap_or_default());
        fs::copy(&host, &copy)
            .with_context(|| format!("cannot copy {} to {}", host.display(), copy.display()))?;
        prepared.push(Prepared {
            host: std::path::absolute(&folder)?,
            point,
            mode,
        });
    }
    Ok(prepared)
}
