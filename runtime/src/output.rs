//! Files that appear whole or not at all: written aside in the target's directory, synced, and renamed by the monitor
//! when the instance has ended well.
//!
//! Where the file system can, the file has no name until then (`O_TMPFILE`), so that nothing is left behind even if the
//! monitor itself is killed; elsewhere it is a hidden file, removed with the value. The directory is held open from the start:
//! what a guest makes of the names that lead there, by a mount, does not change where the file will be.
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
    directory: File,
    /// Its name there at the end.
    name: OsString,
    /// The same for people, and to tell outputs apart.
    target: PathBuf,
    /// Its name meanwhile, where it needs one.
    aside: Option<OsString>,
}

/// A directory by which what is in it is reached, wherever it is moved to; it cannot be read itself.
///
/// # Errors
/// The host's.
pub fn hold(directory: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
        .open(directory)
}

/// A path that leads to what is open, wherever it is.
pub fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
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
            None => {
                let target = std::path::absolute(target)?;
                let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
                fs::canonicalize(directory(&target))?.join(name)
            }
        };
        let name = target.file_name().unwrap_or_default().to_owned();
        let mut output = Output::beside(hold(directory(&target))?, name)?;
        output.target = target;
        if old.is_some() {
            // Whoever may not change the target may not replace it by this way either.
            let path = output.path(&output.name);
            let mut old = OpenOptions::new().read(true).write(true).open(path)?;
            let metadata = old.metadata()?;
            output.take_owner(&metadata);
            output.set_mode(metadata.mode())?;
            if start == Start::Copy {
                io::copy(&mut old, &mut output.file)?;
            }
        }
        Ok(output)
    }

    /// An empty file that will have this name in the directory, whatever is there.
    ///
    /// # Errors
    /// The host's.
    pub fn beside(directory: File, name: OsString) -> io::Result<Output> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o666);
        let nameless = options
            .clone()
            .custom_flags(libc::O_TMPFILE)
            .open(path_of(&directory));
        let (file, aside) = match nameless {
            Ok(file) => (file, None),
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)
                ) =>
            {
                let aside = free_name(&name);
                let path = path_of(&directory).join(&aside);
                (options.create_new(true).open(path)?, Some(aside))
            }
            Err(error) => return Err(error),
        };
        Ok(Output {
            file,
            directory,
            target: PathBuf::from(&name),
            name,
            aside,
        })
    }

    fn path(&self, name: &OsStr) -> PathBuf {
        path_of(&self.directory).join(name)
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
        let directory = File::open(path_of(&self.directory))?;
        self.place()?;
        directory.sync_all()
    }

    /// Puts the bytes in the target's place, in one step.
    ///
    /// # Errors
    /// The host's; the target is then what it was.
    pub fn place(mut self) -> io::Result<()> {
        if self.aside.is_none() {
            // Without a target there is no moment at which two names are left.
            match self.link(&self.name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                linked => return linked,
            }
        }
        let aside = match self.aside.clone() {
            Some(name) => name,
            None => {
                let name = self.give_name()?;
                self.aside = Some(name.clone());
                name
            }
        };
        fs::rename(self.path(&aside), self.path(&self.name))?;
        self.aside = None;
        Ok(())
    }

    /// A name for the nameless file; the target exists, and linkat replaces nothing.
    fn give_name(&self) -> io::Result<OsString> {
        loop {
            let name = free_name(&self.name);
            match self.link(&name) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn link(&self, name: &OsStr) -> io::Result<()> {
        let from = CString::new(path_of(&self.file).as_os_str().as_bytes())?;
        let to = CString::new(self.path(name).as_os_str().as_bytes())?;
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
        if let Some(name) = &self.aside {
            // Nobody is left to tell.
            let _ = fs::remove_file(self.path(name));
        }
    }
}

fn directory(target: &Path) -> &Path {
    target
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A hidden name for what will have this one, that this process has not used yet.
fn free_name(target: &OsStr) -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = OsString::from(".");
    // The whole may have 255 bytes.
    let whole = target.as_bytes();
    name.push(OsStr::from_bytes(&whole[..whole.len().min(200)]));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".zvm-{}-{number}", std::process::id()));
    name
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

    #[test]
    fn the_directory_is_the_one_of_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        let output = Output::create(&inside.join("f"), Start::Empty).unwrap();
        output.file().write_all(b"1").unwrap();
        fs::rename(&inside, folder.path().join("moved")).unwrap();
        symlink(&outside, &inside).unwrap();
        output.commit().unwrap();
        assert_eq!(fs::read(folder.path().join("moved/f")).unwrap(), b"1");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn one_place_has_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let way = folder.path().join("way");
        symlink(folder.path(), &way).unwrap();
        let one = Output::create(&folder.path().join("new"), Start::Empty).unwrap();
        for other in [
            way.join("new"),
            way.join("../")
                .join(folder.path().file_name().unwrap())
                .join("new"),
        ] {
            let other = Output::create(&other, Start::Empty).unwrap();
            assert_eq!(one.target(), other.target());
        }
    }
}
