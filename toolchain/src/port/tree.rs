//! Copies a source tree, times included: `make` compares them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};
use walkdir::WalkDir;

/// Copies folder `from` to `to`, which does not exist yet.
///
/// # Errors
/// A file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in WalkDir::new(from).sort_by_file_name() {
        let entry = entry?;
        let source = entry.path();
        let target = to.join(source.strip_prefix(from)?);
        let context = || format!("cannot copy {} to {}", source.display(), target.display());
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&target).with_context(context)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(source).with_context(context)?, &target).with_context(context)?;
        } else {
            fs::copy(source, &target).with_context(context)?;
            let modified = entry.metadata()?.modified()?;
            let file = File::options().append(true).open(&target);
            // A read-only file keeps the time of its copy; only its owner can be asked to write it, and none needs rebuilding.
            if let Ok(file) = file {
                file.set_modified(modified).with_context(context)?;
            }
        }
    }
    Ok(())
}
