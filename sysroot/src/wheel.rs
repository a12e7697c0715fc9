//! The pinned wheel with the compiler: found, or downloaded by pip, and always checked.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cache::Cache;
use crate::error::{Context, SetupError};
use crate::hash::sha256_file;
use crate::progress::Progress;

/// The Python package's version. The recipes (which archives musl is made of, which options clang gets) belong to it.
pub const VERSION: &str = "0.15.2";

/// SHA-256 of [`FILE`].
pub const SHA256: &str = "806316453d1ede7174ed3fefb8e5348154629089c3bb5fe812dfd0e172fac130";

/// The wheel's file name.
pub const FILE: &str =
    "ziglang-0.15.2-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64.whl";

/// The wheel: `ZVM_WHEEL` if set, else the cache's, else a download into the cache.
///
/// # Errors
/// [`SetupError::Download`], [`SetupError::Hash`], or the cache cannot be written.
pub fn get(cache: &Cache, progress: &Progress) -> Result<PathBuf, SetupError> {
    if let Some(given) = env::var_os("ZVM_WHEEL").filter(|value| !value.is_empty()) {
        let path = PathBuf::from(given);
        if !path.is_file() {
            return Err(SetupError::NoWheel { path });
        }
        check(&path)?;
        return Ok(path);
    }
    let cached = cache.downloads().join(FILE);
    if cached.exists() {
        check(&cached)?;
        return Ok(cached);
    }
    let _phase = progress.spinner("downloading the compiler (the Python package ziglang, 90 MB)");
    let staging = cache.staging()?;
    download(staging.path())?;
    let fresh = staging.path().join(FILE);
    check(&fresh)?;
    fs::create_dir_all(cache.downloads()).context("create", &cache.downloads())?;
    fs::rename(&fresh, &cached).context("create", &cached)?;
    Ok(cached)
}

/// Fails unless the file has the pinned bytes.
fn check(path: &Path) -> Result<(), SetupError> {
    let found = sha256_file(path).context("read", path)?;
    if found == SHA256 {
        return Ok(());
    }
    Err(SetupError::Hash {
        path: path.to_owned(),
        expected: SHA256.to_owned(),
        found,
    })
}

fn download(dir: &Path) -> Result<(), SetupError> {
    let failed = |reason| SetupError::Download {
        wheel: FILE.to_owned(),
        reason,
    };
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ])
        // The same file on every kind of Linux.
        .args(["--platform", "manylinux2010_x86_64"])
        .arg("--dest")
        .arg(dir)
        .arg(format!("ziglang=={VERSION}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("python3 does not start: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(format!(
            "pip ended with {}:\n{}",
            output.status,
            said.trim_end()
        )));
    }
    if !dir.join(FILE).exists() {
        let got = fs::read_dir(dir)
            .context("read", dir)?
            .flatten()
            .map(|entry| entry.file_name().display().to_string());
        return Err(failed(format!(
            "pip brought [{}] instead of {FILE}",
            got.collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(())
}
