//! Applications in one file, in the spirit of ZeroVM's `.zapp`: a tar whose first file, `boot/system.map`, says how to run what else is in it.
//!
//! | in the tar | what |
//! | --- | --- |
//! | `boot/system.map` | JSON: one group with the program's path, arguments and environment; a digest of all bytes behind it |
//! | `zapp.yaml` | the same for people |
//! | `bin/NAME.zvm` | the image |
//! | everything else | the program's files: the tar itself is mounted at `/` |
//!
//! The same files give the same bytes, so an application has one digest. [`read`] trusts nothing of the file: it is hostile input like any
//! image, and its digest only guards against damage.

mod map;
pub mod memory;
pub mod read;
mod whole;
pub mod write;

use std::fmt;
use std::path::PathBuf;

/// Name of the tar's first file.
pub const SYSTEM_MAP: &str = "boot/system.map";

/// What is wrong with an application.
#[derive(Debug)]
pub struct ZappError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for ZappError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for ZappError {}

#[cfg(test)]
mod start_tests;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::mount::{Mode, Mount};
    use write::Application;

    fn sample(folder: &Path) -> Application {
        fs::write(folder.join("image"), b"\x7fELF").unwrap();
        fs::create_dir_all(folder.join("data/deep")).unwrap();
        fs::write(folder.join("data/deep/x"), "text").unwrap();
        Application {
            name: "app".to_owned(),
            image: folder.join("image"),
            args: vec!["two words".into(), "".into(), "a,b".into()],
            env: vec![("A".into(), "=".into())],
            memory: Some(64 << 20),
            mounts: vec![Mount {
                host: folder.join("data"),
                point: "/data".into(),
                mode: Mode::ReadOnly,
                sources_only: false,
            }],
        }
    }

    /// An application at `path`, of files that are made in `folder`.
    pub(super) fn application(folder: &Path, path: &Path) {
        write::write(&sample(folder), path).unwrap();
    }

    #[test]
    fn what_is_written_is_read_and_always_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["1.zapp", "2.zapp"].map(|name| dir.path().join(name));
        let digests = paths
            .each_ref()
            .map(|path| write::write(&sample(dir.path()), path).unwrap());
        assert_eq!(digests[0], digests[1]);
        assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
        assert!(read::is_zapp(&paths[0]) && !read::is_zapp(&dir.path().join("image")));
        let zapp = read::open(&paths[0]).unwrap();
        let args: Vec<OsString> = vec!["two words".into(), "".into(), "a,b".into()];
        let start = &zapp.start;
        assert_eq!((start.name.as_str(), &start.args), ("app", &args));
        assert_eq!(start.env, [("A".into(), "=".into())]);
        assert_eq!((start.memory, start.mode), (Some(64 << 20), Mode::ReadOnly));
        assert_eq!(zapp.digest, digests[0]);
        let names: Vec<_> = zapp.files.iter().map(|file| file.0.as_str()).collect();
        assert!(names.contains(&"data/deep/x") && names.contains(&"bin/app.zvm"));
    }

    #[test]
    fn damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zapp");
        write::write(&sample(dir.path()), &path).unwrap();
        let good = fs::read(&path).unwrap();
        let says = |bytes: &[u8], text: &str| {
            fs::write(&path, bytes).unwrap();
            let error = read::open(&path).map(drop).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        let mut bad = good.clone();
        let at = bad.windows(4).position(|bytes| bytes == b"text").unwrap();
        bad[at] = b'T';
        says(&bad, "digest");
        says(&good[..1024], "");
        let json = good.iter().position(|&byte| byte == b'[').unwrap();
        let mut bad = good.clone();
        bad[json] = b'(';
        says(&bad, "boot/system.map");
        for length in (0..good.len()).step_by(512) {
            fs::write(&path, &good[..length]).unwrap();
            assert!(read::open(&path).is_err(), "cut to {length} bytes");
        }
    }
}
