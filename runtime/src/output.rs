//! Files that appear whole or not at all: written aside in the target's directory, synced, and renamed by the monitor
//! when the instance has ended well.
//!
//! Where the file system can, the file has no name until then (`O_TMPFILE`), so that nothing is left behind even if the
//! monitor itself is killed; elsewhere it is a hidden file, removed with the value.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
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
        let mut output = Output::beside(target)?;
        if let Some(old) = &old {
            // Whoever may not change the target may not replace it by this way either.
            let mut old = OpenOptions::new().read(true).write(true).open(old)?;
            let metadata = old.metadata()?;
            output.take_owner(&metadata);
            output.set_mode(metadata.mode())?;
            if start == Start::Copy {
                io::copy(&mut old, &mut output.file)?;
            }
        }
        Ok(output)
    }

    /// An empty file that will be at `target` itself, whatever is there.
    ///
    /// # Errors
    /// The host's.
    pub fn beside(target: PathBuf) -> io::Result<Output> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o666);
        let nameless = options
            .clone()
            .custom_flags(libc::O_TMPFILE)
            .open(directory(&target));
        let (file, aside) = match nameless {
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
        Ok(Output {
            file,
            target,
            aside,
        })
    }

    /// Gives the file to the owner and the group of the one that it replaces, as far as the host lets this process.
    /// Comes before [`Output::set_mode`], whose bits are meant for them.
    pub fn take_owner(&self, old: &Metadata) {
        if fchown(&self.file, Some(old.uid()), Some(old.gid())).is_err() {
            // Files are given away by root alone, but to a group by whoever is in it.
            let _ = fchown(&self.file, None, Some(old.gid()));
        }
    }

    /// The permissions. No set-user-id or kin: the bytes are a guest's.
    ///
    /// # Errors
    /// The host's.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file
            .set_permissions(Permissions::from_mode(mode & 0o777))
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
    pub fn commit(self) -> io::Result<()> {
        self.file.sync_all()?;
        let target = self.target.clone();
        self.place()?;
        File::open(directory(&target))?.sync_all()
    }

    /// Puts the bytes in the target's place, in one step.
    ///
    /// # Errors
    /// The host's; the target is then what it was.
    pub fn place(mut self) -> io::Result<()> {
        if self.aside.is_none() {
            // Without a target there is no moment at which two names are left.
            match self.link(&self.target) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                linked => return linked,
            }
        }
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
        Ok(())
    }

    /// A name for the nameless file; the target exists, and linkat replaces nothing.
    fn give_name(&self) -> io::Result<PathBuf> {
        loop {
            let path = free_name(&self.target);
            match self.link(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn link(&self, path: &Path) -> io::Result<()> {
        let from = CString::new(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
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
        match linked {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
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
    // The whole may have 255 bytes.
    let whole = target.file_name().unwrap_or_default().as_bytes();
    name.push(OsStr::from_bytes(&whole[..whole.len().min(200)]));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".zvm-{}-{number}", std::process::id()));
    directory(target).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::symlink;

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

    #[test]
    fn the_owner_stays_but_no_set_user_id() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out");
        fs::write(&target, "old").unwrap();
        let foreign = fchown(File::open(&target).unwrap(), Some(65534), Some(65534)).is_ok();
        fs::set_permissions(&target, Permissions::from_mode(0o4755)).unwrap();
        Output::create(&target, Start::Empty)
            .unwrap()
            .commit()
            .unwrap();
        let metadata = fs::metadata(&target).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o755);
        if foreign {
            assert_eq!((metadata.uid(), metadata.gid()), (65534, 65534));
        } else {
            println!("skipped: only root gives files away");
        }
    }

    #[test]
    fn a_name_may_be_as_long_as_the_host_lets_it() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("n".repeat(255));
        for text in ["first", "second"] {
            let mut output = Output::create(&target, Start::Empty).unwrap();
            output.file.write_all(text.as_bytes()).unwrap();
            output.commit().unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
