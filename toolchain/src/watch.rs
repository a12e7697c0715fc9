//! `--watch`: the same command again whenever a file changes. A run that is not over by then is ended first.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecursiveMode, Watcher as _};
use rustix::process::{Pid, Signal, kill_process};

use crate::binutils::status_code;

/// Editors write a file in several steps: all that happens in so long a time is one change.
const TOGETHER: Duration = Duration::from_millis(30);
/// How often it is looked whether the run is over.
const LOOK: Duration = Duration::from_millis(100);
/// Folders of what is built.
const BUILT: &[&str] = &["build", "target"];
/// What a crate is built from: other files may be what the program itself writes, as its workspace is mounted writable.
const SOURCES: &[&str] = &[
    "rs", "toml", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "s", "S",
];

/// What is watched.
#[derive(Clone, Debug)]
pub struct Watch {
    folder: PathBuf,
    only_sources: bool,
}

impl Watch {
    /// A folder with a `Zvm.toml`: every file but those in `build`, and hidden ones.
    pub fn project(folder: &Path) -> Watch {
        Watch {
            folder: folder.to_owned(),
            only_sources: false,
        }
    }

    /// A crate's folder: its sources.
    pub fn crate_of(folder: &Path) -> Watch {
        Watch {
            folder: folder.to_owned(),
            only_sources: true,
        }
    }

    fn concerns(&self, path: &Path) -> bool {
        let inner = path.strip_prefix(&self.folder).unwrap_or(path);
        let left_out = inner.components().any(|part| match part {
            Component::Normal(name) => {
                name.as_encoded_bytes().starts_with(b".")
                    || name.as_encoded_bytes().ends_with(b"~")
                    || BUILT.iter().any(|built| name == *built)
            }
            _ => false,
        });
        let extension = inner.extension().unwrap_or_default();
        !left_out && (!self.only_sources || SOURCES.iter().any(|source| extension == *source))
    }
}

/// Runs this command without `--watch`, and again after each change. Ends by a signal only.
///
/// # Errors
/// The folder cannot be watched, or the command does not start.
pub fn again(watch: &Watch) -> Result<ExitCode> {
    let mut watch = watch.clone();
    watch.folder = fs::canonicalize(&watch.folder)
        .with_context(|| format!("cannot watch {}", watch.folder.display()))?;
    let args = without_watch(std::env::args_os().skip(1));
    let (sender, changes) = channel();
    let filter = watch.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let changed = match event {
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
            Ok(event) => event.paths.iter().any(|path| filter.concerns(path)),
            // Some were lost: better once too often.
            Err(_) => true,
        };
        if changed {
            // The receiver lives as long as this process.
            let _ = sender.send(());
        }
    })
    .context("cannot watch files")?;
    watcher
        .watch(&watch.folder, RecursiveMode::Recursive)
        .with_context(|| format!("cannot watch {}", watch.folder.display()))?;
    loop {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command
            .args(&args)
            .spawn()
            .context("cannot start the command")?;
        let over = until_change(&mut child, &changes)?;
        if !over {
            end(&mut child);
        }
    }
}

/// Waits for a change; whether the command was over before that.
fn until_change(child: &mut Child, changes: &Receiver<()>) -> Result<bool> {
    let mut over = false;
    loop {
        match changes.recv_timeout(LOOK) {
            Ok(()) => {
                while changes.recv_timeout(TOGETHER).is_ok() {}
                return Ok(over);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("files are no longer watched"),
        }
        if !over && let Some(status) = child.try_wait()? {
            over = true;
            eprintln!(
                "cargo zvm: exit status {}; waiting for a change",
                status_code(status)
            );
        }
    }
}

fn without_watch(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut ours = true;
    args.filter(|arg| {
        ours &= arg != "--";
        !(ours && arg == "--watch")
    })
    .collect()
}

/// Ends a command and all that it has started: cargo would leave its program running.
fn end(child: &mut Child) {
    for pid in descendants(child.id()) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The processes below one, without itself.
fn descendants(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = text.split_whitespace().flat_map(str::parse).collect();
    let below = children.iter().flat_map(|&child| descendants(child));
    below.chain(children.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_concern_and_products_do_not() {
        let project = Watch::project(Path::new("/p"));
        for (path, concerns) in [
            ("/p/a.c", true),
            ("/p/data/x", true),
            ("/p/build/x.zvm", false),
            ("/p/.git/index", false),
            ("/p/a.c~", false),
        ] {
            assert_eq!(project.concerns(Path::new(path)), concerns, "{path}");
        }
        let krate = Watch::crate_of(Path::new("/build/p"));
        assert!(krate.concerns(Path::new("/build/p/src/main.rs")));
        assert!(!krate.concerns(Path::new("/build/p/out.txt")));
    }

    #[test]
    fn only_our_own_option_is_taken_out() {
        let args = ["zvm", "run", "--watch", "--", "--watch"].map(OsString::from);
        let left = ["zvm", "run", "--", "--watch"].map(OsString::from);
        assert_eq!(without_watch(args.into_iter()), left);
    }
}
