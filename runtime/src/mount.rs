//! Mounts: a host directory, or a tar file, that the guest sees at a path. What the guest gets is always a tar image.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use crate::channel;
use crate::error::printable;
use crate::limits;
use crate::zapp;

/// What happens to the guest's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The guest cannot change anything.
    ReadOnly,
    /// The guest may change what it likes; the changes vanish at the end.
    Overlay,
    /// The changes are written back to the host when the program exits.
    ReadWrite,
}

/// One `--mount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Host directory or tar file.
    pub host: PathBuf,
    /// Absolute path in the guest, without `.` and `..`.
    pub point: PathBuf,
    /// What happens to changes.
    pub mode: Mode,
    /// Leave out what build tools put beside sources: folders with a `CACHEDIR.TAG` (cargo's `target`, …), `.git`, and files that
    /// are neither files, folders nor symbolic links, or that cannot be read. A runner mounts a whole workspace so.
    pub sources_only: bool,
}

/// Why a mount cannot be given to the guest, or not be written back.
#[derive(Debug)]
pub enum MountError {
    /// Not `HOST:/path[:ro|overlay|rw]`.
    Syntax {
        /// What the user wrote.
        text: OsString,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The host's files cannot be read or used.
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The mounts are too many or too large.
    TooLarge(String),
    /// What the guest left cannot be written back.
    Commit {
        /// The mount's directory or file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MountError::Syntax { text, problem } => {
                write!(
                    f,
                    "--mount {}: {problem}; write HOST_DIR_OR_TAR:/path[:ro|overlay|rw]",
                    text.display()
                )
            }
            // Names may be a guest's, of this run or of an earlier one.
            MountError::Read { path, source } => {
                let text = format!("cannot mount {}: {source}", path.display());
                f.write_str(&printable(&text))
            }
            MountError::TooLarge(message) => f.write_str(&printable(message)),
            MountError::Commit { path, problem } => {
                let text = format!("cannot write back to {}: {problem}", path.display());
                f.write_str(&printable(&text))
            }
        }
    }
}

impl std::error::Error for MountError {}

impl Mount {
    /// Reads `HOST_DIR_OR_TAR:/path[:ro|overlay|rw]`; the mode is overlay if absent. The host's part may contain colons.
    ///
    /// # Errors
    /// [`MountError::Syntax`].
    pub fn parse(text: &OsStr) -> Result<Mount, MountError> {
        let syntax = |problem| MountError::Syntax {
            text: text.to_owned(),
            problem,
        };
        let bytes = text.as_bytes();
        let split = |bytes: &[u8]| bytes.iter().rposition(|&byte| byte == b':');
        let last = split(bytes).ok_or_else(|| syntax("no path in the guest"))?;
        let (rest, mode) = match &bytes[last + 1..] {
            b"ro" => (&bytes[..last], Mode::ReadOnly),
            b"overlay" => (&bytes[..last], Mode::Overlay),
            b"rw" => (&bytes[..last], Mode::ReadWrite),
            [b'/', ..] => (bytes, Mode::Overlay),
            _ => {
                return Err(syntax(
                    "the last part is neither an absolute path nor ro, overlay or rw",
                ));
            }
        };
        let colon = split(rest).ok_or_else(|| syntax("no path in the guest"))?;
        let (host, point) = (&rest[..colon], &rest[colon + 1..]);
        if host.is_empty() {
            return Err(syntax("no host directory or tar file"));
        }
        let point = PathBuf::from(OsString::from_vec(point.to_vec()));
        if !point.is_absolute() {
            return Err(syntax("the path in the guest must be absolute"));
        }
        if point
            .components()
            .any(|part| matches!(part, Component::ParentDir))
        {
            return Err(syntax("the path in the guest must not contain `..`"));
        }
        // Through components: one spelling, without double slashes, `.` and a slash at the end.
        let point = point.components().collect();
        Ok(Mount {
            host: PathBuf::from(OsString::from_vec(host.to_vec())),
            point,
            mode,
            sources_only: false,
        })
    }

    /// The mount's tar image: the file itself, or an image of the directory in memory.
    ///
    /// # Errors
    /// [`MountError::Read`] or [`MountError::TooLarge`].
    pub fn open(&self) -> Result<TarImage, MountError> {
        let read = |source| MountError::Read {
            path: self.host.clone(),
            source,
        };
        let metadata = fs::metadata(&self.host).map_err(read)?;
        if metadata.is_dir() {
            return pack(&self.host, self.sources_only);
        }
        if !metadata.is_file() {
            return Err(read(io::Error::other("neither a directory nor a tar file")));
        }
        let file = File::open(&self.host).map_err(read)?;
        let size = zapp::memory::tar_size(&file, metadata.len()).map_err(read)?;
        if size > limits::MOUNT_BYTES {
            return Err(too_large(&self.host));
        }
        if size % 512 != 0 {
            return Err(read(io::Error::other(
                "not a tar file (its size is not a multiple of 512)",
            )));
        }
        Ok(TarImage { file, size })
    }
}

/// A tar image, ready for a channel.
#[derive(Debug)]
pub struct TarImage {
    /// The tar.
    pub file: File,
    /// Its bytes.
    pub size: u64,
}

fn too_large(path: &Path) -> MountError {
    MountError::TooLarge(format!(
        "cannot mount {}: more than {} entries or {} bytes",
        path.display(),
        limits::MOUNT_ENTRIES,
        limits::MOUNT_BYTES
    ))
}

/// Writes the directory as a tar into memory: sorted by name, so that equal trees are equal images; owner 0; modes,
/// symlinks and modification times as they are.
pub(crate) fn pack(directory: &Path, sources_only: bool) -> Result<TarImage, MountError> {
    let host = |source| MountError::Read {
        path: directory.to_owned(),
        source,
    };
    let file = channel::memory_file(c"zvm-mount").map_err(host)?;
    let mut builder = tar::Builder::new(Limited {
        inner: BufWriter::with_capacity(1 << 16, &file),
        written: 0,
    });
    let mut entries = 0;
    let walk = WalkDir::new(directory).min_depth(1).sort_by_file_name();
    let walk = walk
        .into_iter()
        .filter_entry(|entry| !sources_only || is_source(entry));
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(_) if sources_only => continue,
            Err(error) => {
                return Err(MountError::Read {
                    path: error.path().unwrap_or(directory).to_owned(),
                    source: error.into(),
                });
            }
        };
        entries += 1;
        if entries > limits::MOUNT_ENTRIES {
            return Err(too_large(directory));
        }
        let name = entry.path().strip_prefix(directory).unwrap_or(entry.path());
        append(&mut builder, entry.path(), name).map_err(|source| match source.kind() {
            io::ErrorKind::FileTooLarge => too_large(directory),
            _ => MountError::Read {
                path: entry.path().to_owned(),
                source,
            },
        })?;
    }
    let mut inner = builder.into_inner().map_err(host)?;
    inner.flush().map_err(host)?;
    drop(inner);
    let size = file.metadata().map_err(host)?.len();
    channel::seal(&file).map_err(host)?;
    Ok(TarImage { file, size })
}

/// Whether [`Mount::sources_only`] keeps it.
fn is_source(entry: &walkdir::DirEntry) -> bool {
    let kind = entry.file_type();
    if kind.is_dir() {
        entry.file_name() != ".git" && !entry.path().join("CACHEDIR.TAG").is_file()
    } else if kind.is_file() {
        File::open(entry.path()).is_ok()
    } else {
        kind.is_symlink()
    }
}

fn append(
    builder: &mut tar::Builder<Limited<impl Write>>,
    path: &Path,
    name: &Path,
) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&metadata);
    // A header has no time before 1970.
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_file() {
        let file = File::open(path)?;
        // The header promises a size: a file that grows meanwhile is cut, one that shrinks is an error of the host's.
        let size = metadata.len();
        if size > limits::MOUNT_BYTES.saturating_sub(builder.get_ref().written) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        header.set_size(size);
        builder.append_data(
            &mut header,
            name,
            Exact {
                inner: file,
                left: size,
            },
        )
    } else if metadata.is_dir() {
        header.set_size(0);
        let mut name = name.as_os_str().to_owned();
        name.push("/");
        builder.append_data(&mut header, name, io::empty())
    } else if metadata.is_symlink() {
        header.set_size(0);
        builder.append_link(&mut header, name, fs::read_link(path)?)
    } else {
        Err(io::Error::other(
            "a mount can hold files, directories and symlinks only",
        ))
    }
}

/// Reads exactly as many bytes as promised.
struct Exact {
    inner: File,
    left: u64,
}

impl io::Read for Exact {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = buf
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let got = self.inner.read(&mut buf[..want])?;
        if got == 0 && want > 0 {
            return Err(io::Error::other(
                "the file became shorter while it was read",
            ));
        }
        self.left -= got as u64;
        Ok(got)
    }
}

/// Stops at [`limits::MOUNT_BYTES`].
struct Limited<W> {
    inner: W,
    written: u64,
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written += buf.len() as u64;
        if self.written > limits::MOUNT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.write_all(buf)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, String, Mode), String> {
        Mount::parse(OsStr::new(text))
            .map(|m| {
                (
                    m.host.display().to_string(),
                    m.point.display().to_string(),
                    m.mode,
                )
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn mounts_are_parsed_from_the_right() {
        assert_eq!(
            parse("data:/data"),
            Ok(("data".into(), "/data".into(), Mode::Overlay))
        );
        assert_eq!(
            parse("a:b/c:/x//y/:ro"),
            Ok(("a:b/c".into(), "/x/y".into(), Mode::ReadOnly))
        );
        assert_eq!(
            parse("x.tar:/:rw"),
            Ok(("x.tar".into(), "/".into(), Mode::ReadWrite))
        );
    }

    #[test]
    fn a_mount_of_sources_leaves_caches_out() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        for name in ["src", "target/debug", ".git"] {
            fs::create_dir_all(dir.join(name)).unwrap();
        }
        for name in [
            "src/a.c",
            "target/CACHEDIR.TAG",
            "target/debug/a",
            ".git/HEAD",
        ] {
            fs::write(dir.join(name), name).unwrap();
        }
        let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
        let names: Vec<_> = headers(&pack(dir, true).unwrap())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["src/", "src/a.c"]);
        pack(dir, false).expect_err("a socket cannot be mounted");
    }

    /// The names in a tar, and their times.
    fn headers(image: &TarImage) -> Vec<(String, u64)> {
        use std::os::unix::fs::FileExt;
        let mut tar = vec![0; image.size as usize];
        image.file.read_exact_at(&mut tar, 0).unwrap();
        let mut archive = tar::Archive::new(&tar[..]);
        archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.path().unwrap().display().to_string();
                (name, entry.header().mtime().unwrap())
            })
            .collect()
    }

    #[test]
    fn a_file_from_before_1970_is_of_1970() {
        let dir = tempfile::tempdir().unwrap();
        let file = File::create(dir.path().join("old")).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(86_400);
        file.set_modified(time).unwrap();
        let image = pack(dir.path(), false).unwrap();
        assert_eq!(headers(&image), [("old".to_owned(), 0)]);
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        // Sparse, of a size that nobody could read in a test's time.
        let file = File::create(dir.path().join("sparse")).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = pack(dir.path(), false).unwrap_err();
        assert!(matches!(error, MountError::TooLarge(_)), "{error}");
    }

    #[test]
    fn bad_mounts_say_what_to_write() {
        for text in [
            "data",
            "data:x",
            ":/x",
            "data:ro",
            "data:x:ro",
            "d:/a/../b",
            "d:/a:rx",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("HOST_DIR_OR_TAR:/path"), "{text}: {error}");
        }
    }
}
