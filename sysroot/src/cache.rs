//! Where the cache is, and the lock that lets one command at a time change it.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::error::{Context, SetupError};
use crate::progress::Progress;

/// The SDK's cache: `ZVM_HOME`, else `$XDG_CACHE_HOME/zvm`, else `~/.cache/zvm`.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// Held while something is added to the cache. The kernel releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}

impl Cache {
    /// Finds the cache's folder from the environment; creates nothing.
    ///
    /// # Errors
    /// [`SetupError::NoHome`].
    pub fn locate() -> Result<Cache, SetupError> {
        let var = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let root = var("ZVM_HOME")
            .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("zvm")))
            .or_else(|| var("HOME").map(|dir| dir.join(".cache/zvm")))
            .ok_or(SetupError::NoHome)?;
        // Absolute, because compilers run in other folders.
        let root = std::path::absolute(&root).context("find", &root)?;
        Ok(Cache { root })
    }

    /// The cache in a folder of the caller's choice.
    pub fn at(root: PathBuf) -> Cache {
        Cache { root }
    }

    /// The cache's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Downloaded files.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.root.join("downloads")
    }

    /// Unpacked upstream sources.
    pub fn sources(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// The lock's file cannot be created or locked.
    pub fn lock(&self, progress: &Progress) -> Result<CacheLock, SetupError> {
        let waiting = "another command is setting up the SDK's cache; waiting for it";
        lock_file(&self.root, "lock", waiting, progress)
    }

    /// Where built ports are.
    pub fn ports(&self) -> PathBuf {
        self.root.join("ports")
    }

    /// Waits for the lock on one port, so that others can be built meanwhile.
    ///
    /// # Errors
    /// The lock's file cannot be created or locked.
    pub fn lock_port(&self, name: &str, progress: &Progress) -> Result<CacheLock, SetupError> {
        let waiting = format!("another command is building the port {name}; waiting for it");
        lock_file(&self.ports(), &format!("{name}.lock"), &waiting, progress)
    }

    /// A folder on the cache's file system, for work that ends with a rename; it vanishes with the value.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn staging(&self) -> Result<TempDir, SetupError> {
        fs::create_dir_all(&self.root).context("create", &self.root)?;
        tempfile::Builder::new()
            .prefix("staging-")
            .tempdir_in(&self.root)
            .context("create a folder in", &self.root)
    }
}

fn lock_file(
    folder: &Path,
    name: &str,
    waiting: &str,
    progress: &Progress,
) -> Result<CacheLock, SetupError> {
    fs::create_dir_all(folder).context("create", folder)?;
    let path = folder.join(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .context("open", &path)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        progress.note(waiting);
        flock(&file, FlockOperation::LockExclusive)
            .map_err(Into::into)
            .context("lock", &path)?;
    }
    Ok(CacheLock { _file: file })
}
