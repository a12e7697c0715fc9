//! Changing what is below a directory of the host without following a symlink on the way, whoever changes it at the same time.
//!
//! A directory is a descriptor that was opened step by step, and what is in it is reached as `/proc/self/fd/N/name`.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::entries::{Bytes, Time, same};
use super::problem;
use crate::output::{Output, path_of};

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

/// What is below a directory, of which the one that was needed last is kept: names come in order, and many are in the same.
pub struct Tree<'a> {
    root: &'a File,
    last: Option<(PathBuf, File)>,
}

impl Tree<'_> {
    pub fn below(root: &File) -> Tree<'_> {
        Tree { root, last: None }
    }

    /// Where `name` is; `None` if there are not all directories on the way.
    pub fn find(&mut self, name: &Path) -> io::Result<Option<Place>> {
        match self.place(name, false) {
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
    pub fn make(&mut self, name: &Path) -> io::Result<Place> {
        self.place(name, true)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ENOTDIR | libc::ELOOP) => problem(format!(
                    "the entry {} goes through a symlink or a file of the host's",
                    name.display()
                )),
                _ => error,
            })
    }

    fn place(&mut self, name: &Path, make: bool) -> io::Result<Place> {
        let way = name.parent().unwrap_or(Path::new(""));
        let parent = match &self.last {
            Some((last, parent)) if last == way => parent.try_clone()?,
            _ => {
                let parent = walk(self.root, way, make)?;
                self.last = Some((way.to_owned(), parent.try_clone()?));
                parent
            }
        };
        let name = name.file_name().unwrap_or(OsStr::new(".")).to_owned();
        Ok(Place { parent, name })
    }
}

/// The directory at `way` below `root`, made with those on the way if `make` says so.
fn walk(root: &File, way: &Path, make: bool) -> io::Result<File> {
    let mut parent = root.try_clone()?;
    for part in way.components() {
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
    Ok(parent)
}

impl Place {
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
    pub fn put_file(&self, bytes: Bytes, mode: u32, time: Time) -> io::Result<()> {
        let old = self.metadata()?;
        if old.as_ref().is_some_and(Metadata::is_dir) {
            fs::remove_dir(self.path())?;
        }
        let new = Output::beside(self.parent.try_clone()?, self.name.clone())?;
        bytes.copy_to(new.file())?;
        if let Some(old) = old.filter(Metadata::is_file) {
            new.take_owner(&old);
        }
        new.set_mode(mode)?;
        set_time(new.file(), time)?;
        new.place()
    }

    /// Whether the host lets its user write the file that is there.
    pub fn may_be_written(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true);
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        match options.open(self.path()) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
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
