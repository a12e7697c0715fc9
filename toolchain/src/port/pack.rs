//! The tar file with the files that a port's programs find. The same files give the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use walkdir::WalkDir;

use super::recipe::Pack;

/// The one time of all packed files, in seconds: a day before the time at which sandboxes start. What a program makes is newer.
const TIME: u64 = 1_370_454_582 - 24 * 60 * 60;

/// Packs files below `work` into `tar`.
///
/// # Errors
/// A file is missing or cannot be read, or the tar file cannot be written.
pub fn pack(packs: &[Pack], work: &Path, tar: &Path) -> Result<()> {
    let context = || format!("cannot write {}", tar.display());
    let archive = tempfile::tempfile().with_context(context)?;
    let mut builder = tar::Builder::new(BufWriter::new(&archive));
    let mut folders: Vec<PathBuf> = Vec::new();
    for pack in packs {
        let from = work.join(&pack.from);
        if !from.exists() {
            bail!("[[pack]] {}: there is no such file", pack.from);
        }
        let patterns = pack.exclude.iter().map(|text| glob::Pattern::new(text));
        let patterns: Vec<_> = patterns.collect::<Result<_, _>>()?;
        let to = Path::new(pack.to.trim_start_matches('/'));
        for parent in to.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            add_folder(&mut builder, &mut folders, parent)?;
        }
        let mut walk = WalkDir::new(&from).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let inner = entry.path().strip_prefix(&from)?;
            let excluded = |pattern: &glob::Pattern| pattern.matches_path(inner);
            if !inner.as_os_str().is_empty() && patterns.iter().any(excluded) {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            let name = if inner.as_os_str().is_empty() {
                to.to_owned()
            } else {
                to.join(inner)
            };
            if entry.file_type().is_dir() {
                add_folder(&mut builder, &mut folders, &name)?;
            } else {
                add(&mut builder, entry.path(), &name)?;
            }
        }
    }
    builder.into_inner()?.flush().with_context(context)?;
    let file = File::create(tar).with_context(context)?;
    zvm_runtime::tar_index::copy(&archive, file).with_context(context)
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn add_folder<W: Write>(
    builder: &mut tar::Builder<W>,
    known: &mut Vec<PathBuf>,
    name: &Path,
) -> Result<()> {
    if name.as_os_str().is_empty() || known.iter().any(|folder| folder == name) {
        return Ok(());
    }
    known.push(name.to_owned());
    let mut header = header(tar::EntryType::Directory, 0o755, 0);
    builder.append_data(&mut header, name, std::io::empty())?;
    Ok(())
}

fn add<W: Write>(builder: &mut tar::Builder<W>, path: &Path, name: &Path) -> Result<()> {
    let context = || format!("cannot pack {}", path.display());
    let metadata = fs::symlink_metadata(path).with_context(context)?;
    if metadata.is_symlink() {
        let mut header = header(tar::EntryType::Symlink, 0o777, 0);
        let target = fs::read_link(path).with_context(context)?;
        builder.append_link(&mut header, name, target)?;
        return Ok(());
    }
    let mode = if metadata.permissions().mode() & 0o100 != 0 {
        0o755
    } else {
        0o644
    };
    let mut header = header(tar::EntryType::Regular, mode, metadata.len());
    let file = File::open(path).with_context(context)?;
    builder
        .append_data(&mut header, name, file)
        .with_context(context)
}

/// Unpacks `tar` into `root`, which is emptied first.
///
/// # Errors
/// A file cannot be written.
pub fn unpack(tar: &Path, root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root).with_context(|| format!("cannot remove {}", root.display()))?;
    }
    let file = File::open(tar).with_context(|| format!("cannot read {}", tar.display()))?;
    tar::Archive::new(file)
        .unpack(root)
        .with_context(|| format!("cannot unpack {}", tar.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_what_is_unpacked_and_exclusions_hold() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("prefix/lib");
        fs::create_dir_all(from.join("test/deep")).unwrap();
        fs::write(from.join("a.py"), "a").unwrap();
        fs::write(from.join("test/deep/b.py"), "b").unwrap();
        fs::write(from.join("c.a"), "c").unwrap();
        let packs = [Pack {
            from: "prefix/lib".to_owned(),
            to: "/usr/lib".to_owned(),
            exclude: vec!["test".to_owned(), "*.a".to_owned()],
        }];
        let tars = ["1.tar", "2.tar"].map(|name| dir.path().join(name));
        for tar in &tars {
            pack(&packs, dir.path(), tar).unwrap();
        }
        assert_eq!(fs::read(&tars[0]).unwrap(), fs::read(&tars[1]).unwrap());
        let root = dir.path().join("root");
        unpack(&tars[0], &root).unwrap();
        assert_eq!(fs::read(root.join("usr/lib/a.py")).unwrap(), b"a");
        assert!(!root.join("usr/lib/test").exists() && !root.join("usr/lib/c.a").exists());
    }
}
