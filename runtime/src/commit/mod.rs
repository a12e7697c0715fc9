//! Writing an `rw` mount back: the guest's tar is hostile, so nothing in it may reach outside the mount.
//!
//! Names are relative and without `..`; no parent on the way may be a symlink; only files, directories and symlinks are
//! made, with the plain permission bits; symlinks that would point outside the mount are refused unless they were there
//! before. Files that the guest removed are removed; files that did not change are not touched.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use tar::EntryType;

use crate::limits;
use crate::mount::MountError;

/// A mount to write back.
#[derive(Debug)]
pub struct Commit {
    /// Host directory or tar file.
    pub host: PathBuf,
    /// What the guest wrote.
    pub tar: File,
    /// The names that the guest was given; see [`crate::mount::TarImage::names`].
    pub names: Vec<PathBuf>,
}

impl Commit {
    /// Writes the mount back. A guest that wrote nothing changes nothing.
    ///
    /// # Errors
    /// [`MountError::Commit`]; the host may then hold a part of the changes.
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
        self.tar.seek(SeekFrom::Start(0))?;
        if self.host.is_dir() {
            self.unpack()
        } else {
            self.replace()
        }
    }

    /// The mount was a tar file: the guest's tar takes its place in one step.
    fn replace(&mut self) -> io::Result<()> {
        let directory = self
            .host
            .parent()
            .filter(|path| !path.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        io::copy(&mut self.tar, &mut file)?;
        file.as_file()
            .set_permissions(fs::metadata(&self.host)?.permissions())?;
        file.persist(&self.host)?;
        Ok(())
    }

    fn unpack(&mut self) -> io::Result<()> {
        let mut seen = BTreeSet::new();
        let mut directories = Vec::new();
        let mut archive = tar::Archive::new(&self.tar);
        for entry in archive.entries()? {
            let mut entry = entry?;
            if seen.len() >= limits::MOUNT_ENTRIES {
                return Err(problem(format!(
                    "more than {} entries",
                    limits::MOUNT_ENTRIES
                )));
            }
            let Some(name) = inside(&entry.path()?)? else {
                continue;
            };
            let target = checked_target(&self.host, &name)?;
            let mode = entry.header().mode()? & 0o777;
            let time = SystemTime::UNIX_EPOCH
                + Duration::from_secs(entry.header().mtime()?.min(i64::MAX as u64 / 2));
            match entry.header().entry_type() {
                EntryType::Directory => {
                    make_directory(&target)?;
                    directories.push((target, mode, time));
                }
                EntryType::Regular | EntryType::Continuous => {
                    put_file(&target, &mut entry, mode, time)?
                }
                EntryType::Symlink => {
                    let link = entry
                        .link_name()?
                        .ok_or_else(|| problem(format!("{}: empty symlink", name.display())))?;
                    put_link(&target, &name, &link)?;
                }
                other => {
                    return Err(problem(format!(
                        "{}: an entry of type {other:?}",
                        name.display()
                    )));
                }
            }
            seen.insert(name);
        }
        for name in self.names.iter().rev().filter(|name| !seen.contains(*name)) {
            remove(&checked_target(&self.host, name)?)?;
        }
        for (path, mode, time) in directories.into_iter().rev() {
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
            File::open(&path)?.set_modified(time)?;
        }
        Ok(())
    }
}

fn problem(message: String) -> io::Error {
    io::Error::other(message)
}

/// The entry's name as a relative path; `None` for the root itself.
fn inside(name: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => {
                return Err(problem(format!(
                    "the entry {} leaves the mount",
                    name.display()
                )));
            }
        }
    }
    Ok((!path.as_os_str().is_empty()).then_some(path))
}

/// Where `name` goes, if no parent on the way is a symlink.
fn checked_target(root: &Path, name: &Path) -> io::Result<PathBuf> {
    let mut path = root.to_owned();
    let parents = name.parent().map(Path::components);
    for part in parents.into_iter().flatten() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(problem(format!(
                    "the entry {} goes through a symlink",
                    name.display()
                )));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&path)?,
            Err(error) => return Err(error),
        }
    }
    Ok(root.join(name))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => match fs::remove_dir(path) {
            // The host's user put something there meanwhile: it stays.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => other,
        },
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    fs::create_dir(path)
}

fn put_link(target: &Path, name: &Path, link: &Path) -> io::Result<()> {
    if fs::read_link(target).is_ok_and(|old| old == link) {
        return Ok(());
    }
    let mut depth = name.components().count() as i64 - 1;
    for part in link.components() {
        depth += match part {
            Component::Normal(_) => 1,
            Component::CurDir => 0,
            Component::ParentDir => -1,
            Component::RootDir | Component::Prefix(_) => i64::MIN / 2,
        };
        if depth < 0 {
            return Err(problem(format!(
                "the symlink {} -> {} leaves the mount",
                name.display(),
                link.display()
            )));
        }
    }
    remove(target)?;
    symlink(link, target)
}

fn put_file(target: &Path, entry: &mut impl Read, mode: u32, time: SystemTime) -> io::Result<()> {
    let old = fs::symlink_metadata(target).ok();
    if old.as_ref().is_some_and(|old| old.is_dir()) {
        fs::remove_dir(target)?;
    }
    let directory = target.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    io::copy(entry, &mut new)?;
    let unchanged =
        old.as_ref().is_some_and(|old| old.is_file()) && same(target, new.as_file_mut())?;
    if unchanged && old.is_some_and(|old| old.permissions().mode() & 0o777 == mode) {
        return Ok(());
    }
    new.as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    new.as_file().set_modified(time)?;
    new.persist(target)?;
    Ok(())
}

/// Whether the file at `path` has the bytes of `new`.
fn same(path: &Path, new: &mut File) -> io::Result<bool> {
    let Ok(mut old) = File::open(path) else {
        return Ok(false);
    };
    if old.metadata()?.len() != new.metadata()?.len() {
        return Ok(false);
    }
    new.seek(SeekFrom::Start(0))?;
    let (mut a, mut b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let got = new.read(&mut a)?;
        if got == 0 {
            return Ok(true);
        }
        if old.read_exact(&mut b[..got]).is_err() || a[..got] != b[..got] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar with one raw entry, whatever its name.
    fn entry(name: &str, kind: EntryType, link: &str, data: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o4755);
        header.set_mtime(1);
        header.set_size(data.len() as u64);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    fn apply(host: &Path, names: &[&str], entries: &[Vec<u8>]) -> Result<(), String> {
        let mut tar = entries.concat();
        tar.resize(tar.len() + 1024, 0);
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&tar, 0).unwrap();
        let names = names.iter().map(PathBuf::from).collect();
        Commit {
            host: host.to_owned(),
            tar: file,
            names,
        }
        .apply()
        .map_err(|error| error.to_string())
    }

    #[test]
    fn changes_are_written_and_removed_files_removed() {
        let host = tempfile::tempdir().unwrap();
        fs::write(host.path().join("gone"), "x").unwrap();
        fs::write(host.path().join("kept"), "y").unwrap();
        let entries = [
            entry("sub/", EntryType::Directory, "", b""),
            entry("sub/new", EntryType::Regular, "", b"hello"),
            entry("sub/link", EntryType::Symlink, "../sub/new", b""),
        ];
        apply(host.path(), &["gone"], &entries).unwrap();
        assert_eq!(
            fs::read_to_string(host.path().join("sub/link")).unwrap(),
            "hello"
        );
        assert!(!host.path().join("gone").exists());
        assert!(
            host.path().join("kept").exists(),
            "the guest was never given it"
        );
        let mode = fs::metadata(host.path().join("sub/new"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o755, "no set-user-id bit");
    }

    #[test]
    fn nothing_leaves_the_mount() {
        let outside = tempfile::tempdir().unwrap();
        let out = outside.path().to_str().unwrap();
        let cases: &[&[Vec<u8>]] = &[
            &[entry("../x", EntryType::Regular, "", b"1")],
            &[entry("/etc/x", EntryType::Regular, "", b"1")],
            &[entry("a/../../x", EntryType::Regular, "", b"1")],
            &[entry("l", EntryType::Symlink, out, b"")],
            &[entry("l", EntryType::Symlink, "../..", b"")],
            &[entry("l", EntryType::Symlink, "a/../../x", b"")],
            &[entry("dev", EntryType::Char, "", b"")],
            &[entry("hard", EntryType::Link, "/etc/passwd", b"")],
        ];
        for case in cases {
            let host = tempfile::tempdir().unwrap();
            apply(host.path(), &[], case).unwrap_err();
            assert_eq!(fs::read_dir(host.path()).unwrap().count(), 0);
        }
        // Through a symlink that the host's user has in the mount.
        let host = tempfile::tempdir().unwrap();
        symlink(out, host.path().join("way")).unwrap();
        let error = apply(
            host.path(),
            &[],
            &[entry("way/x", EntryType::Regular, "", b"1")],
        )
        .unwrap_err();
        assert!(error.contains("symlink"), "{error}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        // A file in the place of a symlink replaces the link, not its target.
        apply(
            host.path(),
            &[],
            &[entry("way", EntryType::Regular, "", b"1")],
        )
        .unwrap();
        assert!(
            fs::symlink_metadata(host.path().join("way"))
                .unwrap()
                .is_file()
        );
    }

    #[test]
    fn a_cut_tar_changes_nothing() {
        let host = tempfile::tempdir().unwrap();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&entry("x", EntryType::Regular, "", b"1"), 0)
            .unwrap();
        let mut commit = Commit {
            host: host.path().to_owned(),
            tar: file,
            names: Vec::new(),
        };
        assert!(commit.apply().unwrap_err().to_string().contains("cut off"));
        assert_eq!(fs::read_dir(host.path()).unwrap().count(), 0);
    }
}
