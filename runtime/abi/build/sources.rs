//! Part of build scripts: a name for what a crate does, made of its sources.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

/// Hashes files, and all files in folders, with their paths; tells cargo to come back when one changes.
pub fn name(paths: &[&str]) -> io::Result<String> {
    let mut files = Vec::new();
    for path in paths {
        add(Path::new(path), &mut files)?;
        println!("cargo:rerun-if-changed={path}");
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        file.hash(&mut hasher);
        fs::read(file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn add(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        add(&entry?.path(), files)?;
    }
    Ok(())
}
