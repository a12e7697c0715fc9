//! The part `compiler`: the wheel, unpacked.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::cache::Cache;
use crate::error::{Context, SetupError};
use crate::part::Part;
use crate::progress::Progress;
use crate::wheel;

/// Counts up when what is unpacked changes.
const RECIPE: &str = "1";

/// The part.
pub const PART: Part<'static> = Part {
    name: "compiler",
    inputs: &[RECIPE, wheel::SHA256],
    files: &["zig", "lib/include/immintrin.h", "lib/libc/musl"],
};

/// What the wheel calls the folder that we want.
const PREFIX: &str = "ziglang";

/// Environment for `zig`: its caches stay inside ours.
pub fn environment(cache: &Cache) -> [(&'static str, PathBuf); 2] {
    let dir = cache.root().join("zig-cache");
    [
        ("ZIG_GLOBAL_CACHE_DIR", dir.clone()),
        ("ZIG_LOCAL_CACHE_DIR", dir),
    ]
}

/// Fills `dir`.
pub fn unpack(cache: &Cache, dir: &Path, progress: &Progress) -> Result<(), SetupError> {
    let path = wheel::get(cache, progress)?;
    let bad = |reason: String| SetupError::Unpack {
        path: path.clone(),
        reason,
    };
    let file = File::open(&path).context("open", &path)?;
    let mut archive = ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    let phase = progress.bar(
        "unpacking the compiler (a few seconds)",
        archive.len() as u64,
    );
    for index in 0..archive.len() {
        phase.advance(1);
        let mut entry = archive
            .by_index(index)
            .map_err(|error| bad(error.to_string()))?;
        let Some(name) = entry.enclosed_name() else {
            return Err(bad(format!("{} leads out of the folder", entry.name())));
        };
        let Ok(name) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        let target = dir.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).context("create", parent)?;
        }
        let mut out = File::create(&target).context("create", &target)?;
        io::copy(&mut entry, &mut out)
            .map_err(|error| bad(format!("{}: {error}", entry.name())))?;
    }
    let zig = dir.join("zig");
    fs::set_permissions(&zig, fs::Permissions::from_mode(0o755)).context("make executable", &zig)
}
