//! Writing an `rw` mount back: the guest's tar is hostile, so nothing in it may reach outside the mount.
//!
//! What the guest wrote is compared with what it was given, and only what differs is done on the host, so that what the
//! host's user did meanwhile stays. Names are relative and without `..`; no parent on the way may be a symlink; only files,
//! directories and symlinks are made, with the plain permission bits; symlinks that could lead outside the mount are refused
//! unless the guest was given them. All that is looked at before anything is changed. Where the mount is on the host is settled
//! before the guest runs: another mount may hold the names that lead there.

mod entries;
mod place;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use walkdir::WalkDir;

use crate::limits;
use crate::mount::MountError;
use crate::output::{self, Output, Start, path_of};
use entries::{Bytes, Entries, Entry, Kind, Time, common};
use place::Tree;

/// A mount to write back.
#[derive(Debug)]
pub struct Commit {
    /// What the user calls it.
    host: PathBuf,
    target: Target,
    /// What the guest wrote.
    tar: File,
    /// What the guest was given of a directory, if anything.
    given: Option<File>,
}

/// What it is on the host, and where.
#[derive(Debug)]
enum Target {
    Directory(File),
    /// The tar that will take the place of the one that is there.
    Tar(Output),
}

impl Commit {
    /// Of the host's directory or tar file, as it is now; `tar` is what the guest will write, `given` what it gets.
    ///
    /// # Errors
    /// The host's.
    pub fn new(host: PathBuf, tar: File, given: Option<File>) -> io::Result<Commit> {
        let target = if host.is_dir() {
            Target::Directory(output::hold(&host)?)
        } else {
            Target::Tar(Output::create(&host, Start::Empty)?)
        };
        Ok(Commit {
            host,
            target,
            tar,
            given,
        })
    }

    /// Writes the mount back. A guest that wrote nothing changes nothing.
    ///
    /// # Errors
    /// [`MountError::Commit`]. What the guest may not write is refused before anything is changed; after an error of the host's
    /// (a full disk, permissions) a part of the changes may be there.
    pub fn apply(self) -> Result<(), MountError> {
        let path = self.host.clone();
        self.write_back().map_err(|problem| MountError::Commit {
            path,
            problem: problem.to_string(),
        })
    }

    fn write_back(self) -> io::Result<()> {
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
        match self.target {
            Target::Directory(root) => unpack(&root, &self.tar, self.given.as_ref()),
            // The guest's tar takes its place in one step.
            Target::Tar(output) => {
                Bytes::of(&self.tar)?.copy_to(output.file())?;
                output.commit()
            }
        }
    }
}

fn unpack(root: &File, tar: &File, given: Option<&File>) -> io::Result<()> {
    let wanted = Entries::read(tar)?;
    let given = given.map(Entries::read).transpose()?;
    let given = given.as_ref();
    wanted.check_ways()?;
    let changes = changes(&wanted, given)?;
    check(root, &changes, &wanted, given)?;

    let removed = given.map(|given| given.by_name.keys().rev());
    let removed = removed.into_iter().flatten();
    let removed = removed.filter(|name| wanted.get(name).is_none());
    let mut tree = Tree::below(root);
    for change in &changes {
        change
            .open_up(&mut tree)
            .map_err(|error| at(change.name, error))?;
    }
    // Children before parents, and all before something else takes the place of a directory.
    for name in removed {
        remove(&mut tree, name).map_err(|error| at(name, error))?;
    }
    let mut tree = Tree::below(root);
    for change in &changes {
        change
            .put(&mut tree, &wanted)
            .map_err(|error| at(change.name, error))?;
    }
    for change in changes.iter().rev() {
        change
            .finish(&mut tree)
            .map_err(|error| at(change.name, error))?;
    }
    Ok(())
}

/// Looks at everything before anything is changed.
fn check(
    root: &File,
    changes: &[Change],
    wanted: &Entries,
    given: Option<&Entries>,
) -> io::Result<()> {
    let start = Instant::now();
    let mut way = Way::new(root, wanted, given);
    let mut tree = Tree::below(root);
    let (mut last, mut steps) = (Path::new(""), 0);
    for change in changes {
        change.check_link(wanted)?;
        let parent = change.name.parent().unwrap_or(Path::new(""));
        if parent != last {
            (last, steps) = (parent, steps + parent.components().count());
        }
        if steps > limits::COMMIT_STEPS || start.elapsed() > limits::COMMIT_CHECKS {
            return Err(problem(
                "too many directories, too deep in each other".to_owned(),
            ));
        }
        if way.go(change)? {
            change.check_host(&way, &mut tree)?;
        }
    }
    Ok(())
}

/// The way to a change's directory on the host, of which nothing is looked at again for the next one.
struct Way<'a> {
    root: &'a File,
    wanted: &'a Entries<'a>,
    given: Option<&'a Entries<'a>>,
    /// How far it was looked at.
    name: PathBuf,
    /// For each name of it, whether the host has that directory; behind one that it has not, there is nothing.
    there: Vec<bool>,
}

impl<'a> Way<'a> {
    fn new(root: &'a File, wanted: &'a Entries<'a>, given: Option<&'a Entries<'a>>) -> Way<'a> {
        Way {
            root,
            wanted,
            given,
            name: PathBuf::new(),
            there: Vec::new(),
        }
    }

    fn was(&self, name: &Path) -> Option<&'a Entry> {
        self.given.and_then(|given| given.get(name))
    }

    /// Goes to where the change is: whether the host has its directory.
    ///
    /// # Errors
    /// The host's user has put something else on the way.
    fn go(&mut self, change: &Change) -> io::Result<bool> {
        let parent = change.name.parent().unwrap_or(Path::new(""));
        let known = common(&self.name, parent);
        while self.there.len() > known {
            self.there.pop();
            self.name.pop();
        }
        for part in parent.components().skip(known) {
            if self.there.last() == Some(&false) {
                break;
            }
            self.name.push(part);
            // Where the guest has made a directory, or removed something, there will be one.
            let made = match (self.wanted.get(&self.name), self.was(&self.name)) {
                (None, old) => old.is_some(),
                (Some(_), old) => !old.is_some_and(Entry::is_directory),
            };
            let there = match fs::symlink_metadata(path_of(self.root).join(&self.name)) {
                Ok(metadata) if metadata.is_dir() => true,
                Ok(_) if !made => {
                    return Err(problem(format!(
                        "the entry {} goes through a symlink or a file of the host's",
                        change.name.display()
                    )));
                }
                _ => false,
            };
            self.there.push(there);
        }
        Ok(self.there.last() != Some(&false))
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
    /// the name of another link it would go up from where that one leads. And it leads through no link that the guest was given
    /// and that leaves the mount: who uses the new name later, as a mount or an output, would be outside.
    fn check_link(&self, wanted: &Entries) -> io::Result<()> {
        let Kind::Link(link) = &self.entry.kind else {
            return Ok(());
        };
        let mut parts = link
            .components()
            .skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir));
        let directory = self.name.parent().unwrap_or(Path::new(""));
        if parts.all(|part| matches!(part, Component::Normal(_)))
            && !wanted.leads_out(directory, link)
        {
            return Ok(());
        }
        Err(problem(format!(
            "the symlink {} -> {} leaves the mount",
            self.name.display(),
            link.display()
        )))
    }

    /// Whether the host still has, in the change's directory, what the change may take the place of.
    fn check_host(&self, way: &Way, tree: &mut Tree) -> io::Result<()> {
        if self.entry.is_directory() || !self.contents() {
            return Ok(());
        }
        let Some(place) = tree.find(self.name)? else {
            return Ok(());
        };
        let is_directory = match place.metadata()? {
            Some(old) if old.is_file() && self.entry.is_file() && self.mode().is_none() => {
                return place.may_be_written().map_err(|error| at(self.name, error));
            }
            old => old.is_some_and(|old| old.is_dir()),
        };
        if !is_directory {
            return Ok(());
        }
        // Something else takes the place of a directory: what the guest has not seen is not thrown away.
        let root = path_of(way.root);
        let target = root.join(self.name);
        for found in WalkDir::new(&target).min_depth(1) {
            let found = found?;
            let name = found.path().strip_prefix(&root).unwrap_or(found.path());
            if way.was(name).is_none() || way.wanted.get(name).is_some() {
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
    fn open_up(&self, tree: &mut Tree) -> io::Result<()> {
        match self.mode() {
            Some(mode) if self.entry.is_directory() && !self.contents() => {
                match tree.find(self.name)? {
                    Some(place) => place.set(true, Some(mode | 0o700), None),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn put(&self, tree: &mut Tree, wanted: &Entries) -> io::Result<()> {
        match &self.entry.kind {
            Kind::Directory if self.contents() => tree.make(self.name)?.make_directory(),
            Kind::Directory => Ok(()),
            Kind::Link(link) => tree.make(self.name)?.put_link(link),
            &Kind::File { offset, size } => {
                let bytes = || wanted.bytes(offset, size);
                if !self.contents() {
                    return self.set(tree);
                }
                let place = tree.make(self.name)?;
                if place.holds(bytes(), size)? {
                    return self.set(tree);
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
    fn finish(&self, tree: &mut Tree) -> io::Result<()> {
        if self.entry.is_directory() {
            self.set(tree)?;
        }
        Ok(())
    }

    fn set(&self, tree: &mut Tree) -> io::Result<()> {
        match tree.find(self.name)? {
            Some(place) => place.set(self.entry.is_directory(), self.mode(), self.time()),
            None => Ok(()),
        }
    }
}

fn remove(tree: &mut Tree, name: &Path) -> io::Result<()> {
    let Some(place) = tree.find(name)? else {
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
