//! A folder with every tool under the names that build systems look for, all links to this executable.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use zvm_sysroot::{Cache, Sha256Hex, TRIPLE};

/// Short names; each is linked as `zvm-NAME` and as `TRIPLE-NAME`, which is what configure scripts try first.
const NAMES: &[&str] = &[
    "cc", "c++", "gcc", "g++", "ld", "ar", "ranlib", "nm", "strip",
];

/// The folder of links. It is named after the executable's path, size and time, so another SDK has another folder, and a
/// compiler's path in cargo's flags changes when the SDK does: then cargo links again.
#[derive(Clone, Debug)]
pub struct Tools {
    dir: PathBuf,
}

impl Tools {
    /// Finds the folder in the cache, or makes it.
    ///
    /// # Errors
    /// The executable cannot be found, or the cache cannot be written.
    pub fn open(cache: &Cache) -> Result<Tools> {
        let exe = std::env::current_exe().context("cannot find this executable")?;
        let metadata =
            fs::metadata(&exe).with_context(|| format!("cannot read {}", exe.display()))?;
        let time = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        let hash = Sha256Hex::new()
            .with(exe.as_os_str().as_encoded_bytes())
            .with(format!("{} {time:?} {NAMES:?}", metadata.len()))
            .finish();
        let dir = cache.root().join(format!("tools-{}", &hash[..16]));
        if !dir.exists() {
            make(cache.root(), &dir, &exe)
                .with_context(|| format!("cannot make {}", dir.display()))?;
        }
        Ok(Tools { dir })
    }

    /// The folder, for `PATH`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// One tool, such as `zvm-cc`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The names without the triple.
pub fn names() -> impl Iterator<Item = String> {
    ["zvm", "zvm-run", "cargo-zvm"]
        .into_iter()
        .map(str::to_owned)
        .chain(NAMES.iter().map(|name| format!("zvm-{name}")))
}

/// Links the names that are missing beside this executable, where `cargo install` has put it; gives those that it made.
///
/// # Errors
/// The executable's folder cannot be written.
pub fn link_beside() -> Result<Vec<String>> {
    let exe = std::env::current_exe().context("cannot find this executable")?;
    let folder = exe.parent().unwrap_or(Path::new("/"));
    let mut made = Vec::new();
    for name in names() {
        let path = folder.join(&name);
        // A link from an earlier SDK may lead nowhere by now.
        if path.is_symlink() && !path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot replace {}", path.display()))?;
        }
        if !path.exists() {
            symlink(exe.file_name().unwrap_or_default(), &path)
                .with_context(|| format!("cannot link {}", path.display()))?;
            made.push(name);
        }
    }
    Ok(made)
}

/// The folder appears whole, by a rename.
fn make(root: &Path, dir: &Path, exe: &Path) -> std::io::Result<()> {
    fs::create_dir_all(root)?;
    let temp = tempfile::Builder::new().prefix("tools-").tempdir_in(root)?;
    for name in names() {
        symlink(exe, temp.path().join(name))?;
    }
    for name in NAMES {
        symlink(exe, temp.path().join(format!("{TRIPLE}-{name}")))?;
    }
    match fs::rename(temp.path(), dir) {
        // Another command was faster.
        Err(_) if dir.exists() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            let _ = temp.keep();
            Ok(())
        }
    }
}
