//! Changing what is below a directory of the host without following a symlink on the way, whoever changes it at the same time.
//!
//! A directory is a descriptor that was opened step by step, and what is in it is reached as `/proc/self/fd/N/name`.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::entries::{Bytes, Time, same};
use super::problem;
use crate::output::Output;

/// A name in a directory that is held open.
pub struct Place {
    parent: File,
    name: OsString,
}

/// A descriptor of what is at `path`, a symlink itself if it is one; it can be asked and changed, but not read.
fn reach(path: &Path, flags: i32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_NOFOLLOW | flags)
        .open(path)
}

/// A path that leads to what is open, wherever it is.
fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

impl Place {
    /// Where `name` is below `root`; `None` if there are not all directories on the way.
    pub fn find(root: &Path, name: &Path) -> io::Result<Option<Place>> {
        match Place::walk(root, name, false) {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)
                ) =>
            {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// The same, with the directories on the way made where they are missing.
    pub fn make(root: &Path, name: &Path) -> io::Result<Place> {
        Place::walk(root, name, true).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOTDIR | libc::ELOOP) => problem(format!(
                "the entry {} goes through a symlink or a file of the host's",
                name.display()
            )),
            _ => error,
        })
    }

    fn walk(root: &Path, name: &Path, make: bool) -> io::Result<Place> {
        let mut parent = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
            .open(root)?;
        for part in name.parent().into_iter().flat_map(Path::components) {
            let next = path_of(&parent).join(part);
            let open = || reach(&next, libc::O_DIRECTORY);
            let opened = match open() {
                Err(error) if make && error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&next)?;
                    open()
                }
                other => other,
            };
            parent = opened?;
        }
        let name = name.file_name().unwrap_or(OsStr::new(".")).to_owned();
        Ok(Place { parent, name })
    }

    fn path(&self) -> PathBuf {
        path_of(&self.parent).join(&self.name)
    }

    /// What is there, if anything.
    pub fn metadata(&self) -> io::Result<Option<Metadata>> {
        match fs::symlink_metadata(self.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Removes a file, a link or an empty directory, if it is there.
    pub fn remove(&self) -> io::Result<()> {
        match self.metadata()? {
            Some(metadata) if metadata.is_dir() => fs::remove_dir(self.path()),
            Some(_) => fs::remove_file(self.path()),
            None => Ok(()),
        }
    }

    pub fn make_directory(&self) -> io::Result<()> {
        match self.metadata()? {
            Some(metadata) if metadata.is_dir() => return Ok(()),
            Some(_) => fs::remove_file(self.path())?,
            None => {}
        }
        fs::create_dir(self.path())
    }

    pub fn put_link(&self, link: &Path) -> io::Result<()> {
        if fs::read_link(self.path()).is_ok_and(|old| old == link) {
            return Ok(());
        }
        self.remove()?;
        symlink(link, self.path())
    }

    /// Puts a file there, whole, in place of what is there.
    pub fn put_file(&self, mut bytes: Bytes, mode: u32, time: Time) -> io::Result<()> {
        let old = self.metadata()?;
        if old.as_ref().is_some_and(Metadata::is_dir) {
            fs::remove_dir(self.path())?;
        }
        let new = Output::beside(self.path())?;
        io::copy(&mut bytes, &mut new.file())?;
        if let Some(old) = old.filter(Metadata::is_file) {
            new.take_owner(&old);
        }
        new.set_mode(mode)?;
        set_time(new.file(), time)?;
        new.place()
    }

    /// Whether a file with these bytes is there.
    pub fn holds(&self, bytes: Bytes, size: u64) -> io::Result<bool> {
        match self.metadata()? {
            Some(metadata) if metadata.is_file() && metadata.len() == size => {}
            _ => return Ok(false),
        }
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(self.path());
        // What cannot be read is replaced.
        file.map_or(Ok(false), |file| same(bytes, file))
    }

    /// Sets the permissions or the time of the directory, or of the file, that is there. If something else is there by now, it
    /// stays as it is.
    pub fn set(&self, directory: bool, mode: Option<u32>, time: Option<Time>) -> io::Result<()> {
        let file = match reach(&self.path(), 0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() != directory || !(metadata.is_dir() || metadata.is_file()) {
            return Ok(());
        }
        let old = metadata.permissions().mode();
        if let Some(mode) = mode.filter(|mode| mode & 0o777 != old & 0o777) {
            // Set-group-id and the sticky bit of directories are the host's, who gets what is put there; a file has none.
            let kept = if directory { old & 0o7000 } else { 0 };
            fs::set_permissions(path_of(&file), Permissions::from_mode(mode & 0o777 | kept))?;
        }
        let old = Time {
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        };
        match time.filter(|time| *time != old) {
            Some(time) => set_time(&file, time),
            None => Ok(()),
        }
    }
}

fn set_time(file: &File, time: Time) -> io::Result<()> {
    let path = CString::new(path_of(file).as_os_str().as_bytes())?;
    let times = [
        libc::timespec {
            tv_sec: 0,
            tv_nsec: libc::UTIME_OMIT,
        },
        libc::timespec {
            tv_sec: time.seconds,
            tv_nsec: time.nanoseconds,
        },
    ];
    // SAFETY: a NUL-terminated string and two times, which live through the call.
    match unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
