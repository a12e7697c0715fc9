//! Writing an `rw` mount back: the guest's tar is hostile, so nothing in it may reach outside the mount.
//!
//! What the guest wrote is compared with what it was given, and only what differs is done on the host, so that what the
//! host's user did meanwhile stays. Names are relative and without `..`; no parent on the way may be a symlink; only files,
//! directories and symlinks are made, with the plain permission bits; symlinks that could lead outside the mount are refused
//! unless the guest was given them. All that is looked at before anything is changed.

mod entries;
mod place;

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use crate::mount::MountError;
use crate::output::{Output, Start};
use entries::{Entries, Entry, Kind, Time};
use place::Place;

/// A mount to write back.
#[derive(Debug)]
pub struct Commit {
    /// Host directory or tar file.
    pub host: PathBuf,
    /// What the guest wrote.
    pub tar: File,
    /// What the guest was given of a directory, if anything.
    pub given: Option<File>,
}

impl Commit {
    /// Writes the mount back. A guest that wrote nothing changes nothing.
    ///
    /// # Errors
    /// [`MountError::Commit`]. What the guest may not write is refused before anything is changed; after an error of the host's
    /// (a full disk, permissions) a part of the changes may be there.
    pub fn apply(&mut self) -> Result<(), MountError> {
        self.write_back().map_err(|problem| MountError::Commit {
            path: self.host.clone(),
            problem: problem.to_string(),
        })
    }

    fn write_back(&mut self) -> io::Result<()> {
        let length = self.tar.metadata()?.len();
        if length == 0 {
            return Ok(());
        }
        let mut end = [0; 1024];
        if length < 1024
            || length % 512 != 0
            || self.tar.read_exact_at(&mut end, length - 1024).is_err()
            || end != [0; 1024]
        {
            return Err(problem("the tar from the guest is cut off".to_owned()));
        }
        if self.host.is_dir() {
            self.unpack()
        } else {
            self.replace()
        }
    }

    /// The mount was a tar file: the guest's tar takes its place in one step.
    fn replace(&mut self) -> io::Result<()> {
        let output = Output::create(&self.host, Start::Empty)?;
        self.tar.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.tar, &mut output.file())?;
        output.commit()
    }

    fn unpack(&self) -> io::Result<()> {
        let wanted = Entries::read(&self.tar)?;
        let given = self.given.as_ref().map(Entries::read).transpose()?;
        let given = given.as_ref();
        for name in wanted.by_name.keys() {
            check_parents(&wanted, name)?;
        }
        let changes = changes(&wanted, given)?;
        for change in &changes {
            change.check_link()?;
            change.check_host(&self.host, &wanted, given)?;
        }

        let removed = given.map(|given| given.by_name.keys().rev());
        let removed = removed.into_iter().flatten();
        let removed = removed.filter(|name| wanted.get(name).is_none());
        for change in &changes {
            change
                .open_up(&self.host)
                .map_err(|error| at(change.name, error))?;
        }
        // Children before parents, and all before something else takes the place of a directory.
        for name in removed {
            remove(&self.host, name).map_err(|error| at(name, error))?;
        }
        for change in &changes {
            change
                .put(&self.host, &wanted)
                .map_err(|error| at(change.name, error))?;
        }
        for change in changes.iter().rev() {
            change
                .finish(&self.host)
                .map_err(|error| at(change.name, error))?;
        }
        Ok(())
    }
}

fn problem(message: String) -> io::Error {
    io::Error::other(message)
}

/// An error of the host's, with the name at which it came.
fn at(name: &Path, error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => io::Error::new(error.kind(), format!("{}: {error}", name.display())),
        None => error,
    }
}

/// What the guest has changed, parents before children.
fn changes<'a>(wanted: &'a Entries, given: Option<&'a Entries>) -> io::Result<Vec<Change<'a>>> {
    let mut changes = Vec::new();
    for (name, entry) in &wanted.by_name {
        let old = match given.and_then(|given| given.get(name).zip(Some(given))) {
            Some((old, given)) if wanted.same(entry, given, old)? => Unchanged::Contents(old),
            Some((old, _)) if old.is_file() && entry.is_file() => Unchanged::Kind(old),
            _ => Unchanged::Nothing,
        };
        let change = Change { name, entry, old };
        let about = change.mode().is_some() || change.time().is_some();
        let link = matches!(entry.kind, Kind::Link(_));
        if change.contents() || about && !link {
            changes.push(change);
        }
    }
    Ok(changes)
}

/// What the guest has left as it was given it.
enum Unchanged<'a> {
    Nothing,
    /// It was a file before, too.
    Kind(&'a Entry),
    /// Its bytes, or where the link leads; for a directory, that it is one.
    Contents(&'a Entry),
}

struct Change<'a> {
    name: &'a Path,
    entry: &'a Entry,
    old: Unchanged<'a>,
}

impl Change<'_> {
    fn contents(&self) -> bool {
        !matches!(self.old, Unchanged::Contents(_))
    }

    /// The permissions, if the guest has set them.
    fn mode(&self) -> Option<u32> {
        let mode = self.entry.mode;
        match self.old {
            Unchanged::Kind(old) | Unchanged::Contents(old) if old.mode == mode => None,
            _ => Some(mode),
        }
    }

    /// The time, if the guest has set it.
    fn time(&self) -> Option<Time> {
        let time = self.entry.modified;
        match self.old {
            Unchanged::Contents(old) if old.modified == time => None,
            _ => Some(time),
        }
    }

    /// A symlink must stay inside the mount wherever the directories on its way lead, so `..` stands only at its start: behind
    /// the name of another link it would go up from where that one leads.
    fn check_link(&self) -> io::Result<()> {
        let Kind::Link(link) = &self.entry.kind else {
            return Ok(());
        };
        let depth = self.name.components().count() - 1;
        let mut parts = link.components().peekable();
        let mut ups = 0;
        while parts
            .next_if(|part| matches!(part, Component::ParentDir | Component::CurDir))
            .inspect(|part| ups += usize::from(*part == Component::ParentDir))
            .is_some()
        {}
        if ups <= depth && parts.all(|part| matches!(part, Component::Normal(_))) {
            return Ok(());
        }
        Err(problem(format!(
            "the symlink {} -> {} leaves the mount",
            self.name.display(),
            link.display()
        )))
    }

    /// Whether the host's directory is still one in which the change can be made.
    fn check_host(&self, root: &Path, wanted: &Entries, given: Option<&Entries>) -> io::Result<()> {
        let was = |name: &Path| given.and_then(|given| given.get(name));
        let mut path = root.to_owned();
        let mut name = PathBuf::new();
        for part in self.name.parent().into_iter().flat_map(Path::components) {
            path.push(part);
            name.push(part);
            // Where the guest has made a directory, or removed something, there will be one.
            let made = match (wanted.get(&name), was(&name)) {
                (None, old) => old.is_some(),
                (Some(_), old) => !old.is_some_and(Entry::is_directory),
            };
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) if !made => {
                    return Err(problem(format!(
                        "the entry {} goes through a symlink or a file of the host's",
                        self.name.display()
                    )));
                }
                _ => return Ok(()),
            }
        }
        if self.entry.is_directory() || !self.contents() {
            return Ok(());
        }
        // Something else takes the place of a directory: what the guest has not seen is not thrown away.
        let target = root.join(self.name);
        if !fs::symlink_metadata(&target).is_ok_and(|metadata| metadata.is_dir()) {
            return Ok(());
        }
        for found in WalkDir::new(&target).min_depth(1) {
            let found = found?;
            let name = found.path().strip_prefix(root).unwrap_or(found.path());
            if was(name).is_none() || wanted.get(name).is_some() {
                return Err(problem(format!(
                    "{} is no directory any more, but {} is new on the host",
                    self.name.display(),
                    name.display()
                )));
            }
        }
        Ok(())
    }

    /// A directory whose permissions change may have to be changed before something in it can be.
    fn open_up(&self, root: &Path) -> io::Result<()> {
        match self.mode() {
            Some(mode) if self.entry.is_directory() && !self.contents() => {
                match Place::find(root, self.name)? {
                    Some(place) => place.set(true, Some(mode | 0o700), None),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn put(&self, root: &Path, wanted: &Entries) -> io::Result<()> {
        match &self.entry.kind {
            Kind::Directory if self.contents() => Place::make(root, self.name)?.make_directory(),
            Kind::Directory => Ok(()),
            Kind::Link(link) => Place::make(root, self.name)?.put_link(link),
            &Kind::File { offset, size } => {
                let bytes = || wanted.bytes(offset, size);
                if !self.contents() {
                    return self.set(root);
                }
                let place = Place::make(root, self.name)?;
                if place.holds(bytes(), size)? {
                    return self.set(root);
                }
                // Permissions that the guest has left alone are the host's.
                let mode = match (self.mode(), place.metadata()?) {
                    (None, Some(metadata)) if metadata.is_file() => metadata.permissions().mode(),
                    _ => self.entry.mode,
                };
                place.put_file(bytes(), mode, self.entry.modified)
            }
        }
    }

    /// A directory's permissions and time come when nothing is put into it any more.
    fn finish(&self, root: &Path) -> io::Result<()> {
        if self.entry.is_directory() {
            self.set(root)?;
        }
        Ok(())
    }

    fn set(&self, root: &Path) -> io::Result<()> {
        match Place::find(root, self.name)? {
            Some(place) => place.set(self.entry.is_directory(), self.mode(), self.time()),
            None => Ok(()),
        }
    }
}

/// Whatever is on the way to a name is a directory in the guest's tar.
fn check_parents(wanted: &Entries, name: &Path) -> io::Result<()> {
    // Those above the first that is found are looked at when it is that one's turn.
    let mut parents = name.ancestors().skip(1);
    match parents.find_map(|parent| wanted.get(parent)) {
        Some(parent) if !parent.is_directory() => Err(problem(format!(
            "the entry {} goes through a symlink or a file",
            name.display()
        ))),
        _ => Ok(()),
    }
}

fn remove(root: &Path, name: &Path) -> io::Result<()> {
    let Some(place) = Place::find(root, name)? else {
        return Ok(());
    };
    match place.remove() {
        // The host's user put something there meanwhile: it stays.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
