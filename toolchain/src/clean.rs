//! `cargo zvm clean`: removes what was built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use zvm_sysroot::{Cache, Progress};

use crate::problem::problem;
use crate::project::build::say;

/// Options of `cargo zvm clean`.
#[derive(Debug, Args)]
pub struct Clean {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Remove the SDK's cache instead: compiler, C library, ports; the next command makes it again
    #[arg(long)]
    cache: bool,
}

/// What the cache consists of. Nothing else in the folder is touched, whatever ZVM_HOME names.
const PARTS: &[&str] = &[
    "compiler-",
    "musl-",
    "fast-",
    "libcxx-",
    "pie-",
    "sysroot-",
    "tools-",
    "cross-",
    "staging-",
];
const FOLDERS: &[&str] = &["downloads", "sources", "ports", "verdicts", "zig-cache"];

impl Clean {
    /// Removes it; what is not there is no error.
    ///
    /// # Errors
    /// The folder is no project, or a file cannot be removed.
    pub fn execute(&self, progress: &Progress) -> Result<ExitCode> {
        if self.cache {
            clean_cache(&Cache::locate()?, progress)?;
            return Ok(ExitCode::SUCCESS);
        }
        if !self.folder.join("Zvm.toml").is_file() {
            return Err(problem(
                format!("{} has no Zvm.toml", self.folder.display()),
                "name a project's folder, or --cache",
            ));
        }
        remove(&self.folder.join("build"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn clean_cache(cache: &Cache, progress: &Progress) -> Result<()> {
    if !cache.root().is_dir() {
        return Ok(());
    }
    // Nobody builds a part of it meanwhile; the lock's file stays.
    let _lock = cache.lock(progress)?;
    let entries = fs::read_dir(cache.root())
        .with_context(|| format!("cannot read {}", cache.root().display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if FOLDERS.iter().any(|folder| name == *folder)
            || PARTS.iter().any(|part| name.starts_with(part))
        {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => {
            done.with_context(|| format!("cannot remove {}", path.display()))?;
            say("Removed", path.display());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_of_the_cache_go() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned());
        for name in ["sysroot-1", "ports", "mine"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        clean_cache(&cache, &Progress::silent()).unwrap();
        assert!(dir.path().join("mine").exists());
        assert!(!dir.path().join("ports").exists() && !dir.path().join("sysroot-1").exists());
    }
}
