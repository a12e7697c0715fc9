//! Files that appear whole or not at all: written aside in the target's directory, synced, and renamed by the monitor
//! when the instance has ended well.
//!
//! Where the file system can, the file has no name until then (`O_TMPFILE`), so that nothing is left behind even if the
//! monitor itself is killed; elsewhere it is a hidden file, removed with the value.
#![allow(unsafe_code)]

use std::ffi::{CString, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What an output starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing, whatever the target holds.
    Empty,
    /// The target's bytes.
    Copy,
}

/// A file in the making. Dropped without [`Output::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Output {
    file: File,
    target: PathBuf,
    /// Its name meanwhile, where it needs one.
    aside: Option<PathBuf>,
}

impl Output {
    /// A file that [`Output::commit`] puts at `target`; a symlink there is followed now.
    ///
    /// # Errors
    /// The host's.
    pub fn create(target: &Path, start: Start) -> io::Result<Output> {
        let old = match fs::canonicalize(target) {
            Ok(path) => Some(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let target = match &old {
            Some(path) => path.clone(),
            // A dangling symlink is replaced itself.
            None => std::path::absolute(target)?,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o666);
        let nameless = options
            .clone()
            .custom_flags(libc::O_TMPFILE)
            .open(directory(&target));
        let (mut file, aside) = match nameless {
            Ok(file) => (file, None),
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)
                ) =>
            {
                let path = free_name(&target);
                (options.create_new(true).open(&path)?, Some(path))
            }
            Err(error) => return Err(error),
        };
        if let Some(old) = &old {
            // Whoever may not change the target may not replace it by this way either.
            let mut old = OpenOptions::new().read(true).write(true).open(old)?;
            file.set_permissions(old.metadata()?.permissions())?;
            if start == Start::Copy {
                io::copy(&mut old, &mut file)?;
            }
        }
        Ok(Output {
            file,
            target,
            aside,
        })
    }

    /// The file, to be written at any offset.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes the bytes durable and puts them in the target's place, in one step.
    ///
    /// # Errors
    /// The host's; the target is then what it was.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let aside = match self.aside.clone() {
            Some(path) => path,
            None => {
                let path = self.give_name()?;
                self.aside = Some(path.clone());
                path
            }
        };
        fs::rename(aside, &self.target)?;
        self.aside = None;
        File::open(directory(&self.target))?.sync_all()
    }

    /// A name for the nameless file; the target may exist, and linkat replaces nothing.
    fn give_name(&self) -> io::Result<PathBuf> {
        let from = CString::new(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
        loop {
            let path = free_name(&self.target);
            let to = CString::new(path.as_os_str().as_bytes())?;
            // SAFETY: two NUL-terminated strings that live through the call.
            let linked = unsafe {
                libc::linkat(
                    libc::AT_FDCWD,
                    from.as_ptr(),
                    libc::AT_FDCWD,
                    to.as_ptr(),
                    libc::AT_SYMLINK_FOLLOW,
                )
            };
            if linked == 0 {
                return Ok(path);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error);
            }
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(path) = &self.aside {
            // Nobody is left to tell.
            let _ = fs::remove_file(path);
        }
    }
}

fn directory(target: &Path) -> &Path {
    target
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A hidden name beside the target that this process has not used yet.
fn free_name(target: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".zvm-{}-{number}", std::process::id()));
    directory(target).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_appears_when_committed_and_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out");
        let mut output = Output::create(&target, Start::Empty).unwrap();
        output.file.write_all(b"new").unwrap();
        assert!(!target.exists());
        output.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_output_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out");
        fs::write(&target, "old").unwrap();
        let mut output = Output::create(&target, Start::Empty).unwrap();
        output.file.write_all(b"new").unwrap();
        drop(output);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn permissions_and_symlinks_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("out"), directory.path().join("link"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("out", &link).unwrap();
        let mut output = Output::create(&link, Start::Copy).unwrap();
        output.file.write_all(b"+new").unwrap();
        output.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old+new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
