//! Writes a program so that no reader ever sees half of it.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::error::CcError;

/// Writes `bytes` to `path`, executable, by a rename; devices (`-o /dev/null`) are written to, not replaced.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CcError> {
    let failed = || CcError::file("write", path);
    let metadata = fs::metadata(path).ok();
    if metadata.is_some_and(|metadata| !metadata.is_file()) {
        return fs::write(path, bytes).map_err(failed());
    }
    // Through a symbolic link, as a linker would.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".zvm-")
        .permissions(Permissions::from_mode(0o755))
        .tempfile_in(dir)
        .map_err(failed())?;
    file.write_all(bytes).map_err(failed())?;
    file.persist(&target)
        .map_err(|error| failed()(error.error))?;
    Ok(())
}

/// Removes what an earlier run left at `path`, where this one failed; devices and folders stay.
pub fn remove(path: &Path) {
    if fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        // Who cannot remove it could not have written it, and has been told so.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_files_and_keeps_devices() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prog");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_ne!(fs::metadata(&path).unwrap().permissions().mode() & 0o100, 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        remove(&path);
        assert!(!path.exists());
        remove(dir.path());
        assert!(dir.path().exists());
        write(Path::new("/dev/null"), b"three").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
