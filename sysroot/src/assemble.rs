//! Puts the parts together.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::cache::Cache;
use crate::error::{Context, SetupError};
use crate::part::Part;
use crate::progress::Progress;
use crate::{Sysroot, compiler, fast, musl, wheel};

/// libzrt, built for the guest by this crate's build script.
const LIBZRT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libzrt.o"));

/// SHA-256 of [`LIBZRT`].
const LIBZRT_SHA256: &str = env!("ZVM_LIBZRT_SHA256");

const LINKER_SCRIPT: &str = include_str!("../zvm.ld");
const ZVM_H: &str = include_str!("../include/zvm.h");
const GLIBC_NAMES: &str = include_str!("../glibc-names.ld");

/// Counts up when the layout below changes.
const RECIPE: &str = "3";

const PART: Part<'static> = Part {
    name: "sysroot",
    inputs: &[
        RECIPE,
        wheel::SHA256,
        LINKER_SCRIPT,
        GLIBC_NAMES,
        ZVM_H,
        LIBZRT_SHA256,
        fast::RECIPE,
        fast::SHA256,
        fast::MALLOC,
        fast::STRING,
        fast::SETTINGS_TEXT,
    ],
    files: &[
        "zvm.ld",
        "lib/glibc-names.ld",
        "lib/libzrt.o",
        "lib/libc.a",
        "lib/libmalloc.a",
        "lib/libstring.a",
        "include/stdio.h",
        "include/zvm.h",
    ],
};

/// Finds the sysroot, if it is whole.
pub fn find(cache: &Cache) -> Option<Sysroot> {
    Some(Sysroot {
        compiler: compiler::PART.find(cache)?,
        root: PART.find(cache)?,
        cache: cache.clone(),
    })
}

/// Finds the sysroot, or makes what is missing of it.
pub fn sysroot(cache: Cache, progress: &Progress) -> Result<Sysroot, SetupError> {
    if let Some(sysroot) = find(&cache) {
        return Ok(sysroot);
    }
    let lock = cache.lock(progress)?;
    let new = compiler::PART.find(&cache).is_none() || musl::PART.find(&cache).is_none();
    if new {
        progress.note(&format!(
            "setting up the SDK's cache in {} (once, about a minute)",
            cache.root().display()
        ));
    }
    let compiler =
        compiler::PART.get(&cache, &lock, |dir| compiler::unpack(&cache, dir, progress))?;
    let musl = musl::PART.get(&cache, &lock, |dir| {
        musl::build(&cache, &compiler, dir, progress)
    })?;
    let fast = fast::PART.get(&cache, &lock, |dir| {
        fast::build(&cache, &compiler, dir, progress)
    })?;
    let root = PART.get(&cache, &lock, |dir| fill(dir, &musl, &fast))?;
    if new {
        progress.note("the SDK's cache is ready");
    }
    Ok(Sysroot {
        cache,
        root,
        compiler,
    })
}

/// Links musl's files into `dir` and adds our own. The links are relative: the cache may be moved.
fn fill(dir: &Path, musl: &Path, fast: &Path) -> Result<(), SetupError> {
    let link = |target: &Path, at: &Path| symlink(target, at).context("link", at);
    let lib = dir.join("lib");
    fs::create_dir(&lib).context("create", &lib)?;
    let name = Path::new(musl.file_name().unwrap_or_default());
    let include = dir.join("include");
    fs::create_dir(&include).context("create", &include)?;
    let fast_name = Path::new(fast.file_name().unwrap_or_default());
    for (from, part, to) in [
        (musl.join("include"), name.join("include"), &include),
        (musl.join("lib"), name.join("lib"), &lib),
        (fast.to_owned(), fast_name.to_owned(), &lib),
    ] {
        for entry in fs::read_dir(&from).context("read", &from)? {
            let file = entry.context("read", &from)?.file_name();
            link(&Path::new("../..").join(&part).join(&file), &to.join(&file))?;
        }
    }
    let write = |path: &Path, bytes: &[u8]| fs::write(path, bytes).context("write", path);
    write(&include.join("zvm.h"), ZVM_H.as_bytes())?;
    write(&lib.join("libzrt.o"), LIBZRT)?;
    write(&lib.join("glibc-names.ld"), GLIBC_NAMES.as_bytes())?;
    write(&dir.join("zvm.ld"), LINKER_SCRIPT.as_bytes())
}
