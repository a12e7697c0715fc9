//! Parts: folders of the cache that appear whole and never change.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, CacheLock};
use crate::error::{Context, SetupError};
use crate::hash::Sha256Hex;
use crate::progress::Progress;

/// A part's name is its stamp: a word and the hash of everything that goes into it.
#[derive(Debug)]
pub struct Part<'a> {
    /// What it is.
    pub name: &'static str,
    /// What it is made from.
    pub inputs: &'a [&'a str],
    /// Files without which it is not whole; a cache cleaner may have taken them.
    pub files: &'a [&'a str],
}

impl Part<'_> {
    /// Where it lies or would lie.
    pub fn path(&self, cache: &Cache) -> PathBuf {
        let hash = self
            .inputs
            .iter()
            .fold(Sha256Hex::new(), |hash, piece| hash.with(piece));
        cache.root().join(format!("{}-{}", self.name, hash.short()))
    }

    /// Its folder, if it is whole.
    pub fn find(&self, cache: &Cache) -> Option<PathBuf> {
        let path = self.path(cache);
        self.files
            .iter()
            .all(|file| path.join(file).exists())
            .then_some(path)
    }

    /// Its folder; `make` fills it if it is not there. Nothing is locked for one that is whole.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn find_or_make(
        &self,
        cache: &Cache,
        progress: &Progress,
        make: impl FnOnce(&Path) -> Result<(), SetupError>,
    ) -> Result<PathBuf, SetupError> {
        match self.find(cache) {
            Some(root) => Ok(root),
            None => self.get(cache, &cache.lock(progress)?, make),
        }
    }

    /// Its folder; `make` fills it if it is not there. The lock is the proof that nobody else does so at the same time.
    ///
    /// # Errors
    /// What `make` says, or the cache cannot be written.
    pub fn get(
        &self,
        cache: &Cache,
        _lock: &CacheLock,
        make: impl FnOnce(&Path) -> Result<(), SetupError>,
    ) -> Result<PathBuf, SetupError> {
        if let Some(path) = self.find(cache) {
            return Ok(path);
        }
        let path = self.path(cache);
        let staging = cache.staging()?;
        let work = staging.path().join("part");
        fs::create_dir(&work).context("create", &work)?;
        make(&work)?;
        if path.exists() {
            // Damaged: move it aside first, so that no half of it can be taken for the whole.
            let old = staging.path().join("old");
            fs::rename(&path, &old).context("replace", &path)?;
        }
        fs::rename(&work, &path).context("create", &path)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn make(dir: &Path) -> Result<(), SetupError> {
        let path = dir.join("file");
        fs::write(&path, "whole").context("write", &path)
    }

    #[test]
    fn made_once_and_again_when_damaged() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().join("cache"));
        let part = Part {
            name: "thing",
            inputs: &["1"],
            files: &["file"],
        };
        let lock = cache.lock(&Progress::silent()).unwrap();
        let count = Cell::new(0);
        let counted = |dir: &Path| {
            count.set(count.get() + 1);
            make(dir)
        };
        assert!(part.find(&cache).is_none());
        let path = part.get(&cache, &lock, counted).unwrap();
        part.get(&cache, &lock, counted).unwrap();
        assert_eq!(count.get(), 1);
        fs::remove_file(path.join("file")).unwrap();
        part.get(&cache, &lock, counted).unwrap();
        assert_eq!(count.get(), 2);
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "whole");
    }

    #[test]
    fn other_inputs_make_another_part_beside_the_first() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let lock = cache.lock(&Progress::silent()).unwrap();
        let first = Part {
            name: "thing",
            inputs: &["1"],
            files: &["file"],
        }
        .get(&cache, &lock, make)
        .unwrap();
        let second = Part {
            name: "thing",
            inputs: &["2"],
            files: &["file"],
        }
        .get(&cache, &lock, make)
        .unwrap();
        assert_ne!(first, second);
        assert!(first.join("file").exists());
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let lock = cache.lock(&Progress::silent()).unwrap();
        let part = Part {
            name: "thing",
            inputs: &["1"],
            files: &["file"],
        };
        let failed = part.get(&cache, &lock, |dir| {
            make(dir)?;
            Err(SetupError::NoHome)
        });
        assert!(failed.is_err());
        assert!(part.find(&cache).is_none());
        let left: Vec<_> = fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["lock"]);
    }

    #[test]
    fn commands_at_once_make_it_once() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let count = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let lock = cache.lock(&Progress::silent()).unwrap();
                    let part = Part {
                        name: "thing",
                        inputs: &["1"],
                        files: &["file"],
                    };
                    part.get(&cache, &lock, |dir| {
                        count.fetch_add(1, Ordering::SeqCst);
                        make(dir)
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
