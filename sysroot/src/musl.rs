//! The part `musl`: the C library, built once by zig from the sources in the wheel, and the headers as one tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use walkdir::WalkDir;

use crate::cache::Cache;
use crate::error::{Context, SetupError};
use crate::part::Part;
use crate::progress::Progress;
use crate::{CLANG_TRIPLE, wheel};

/// Counts up when anything below changes what is built.
const RECIPE: &str = "1";

/// The part.
pub const PART: Part<'static> = Part {
    name: "musl",
    inputs: &[RECIPE, wheel::SHA256, CLANG_TRIPLE],
    files: &[
        "include/stdio.h",
        "lib/crt1.o",
        "lib/libc.a",
        "lib/libzigc.a",
        "lib/libcompiler_rt.a",
        "lib/libm.a",
    ],
};

/// What zig's linker command names and we keep.
const BUILT: &[&str] = &["crt1.o", "libc.a", "libzigc.a", "libcompiler_rt.a"];

/// Archives that musl itself installs empty, because everything is in `libc.a`; and gcc's, which are in `libcompiler_rt.a`.
const EMPTY: &[&str] = &[
    "libm.a",
    "libpthread.a",
    "libdl.a",
    "librt.a",
    "libutil.a",
    "libxnet.a",
    "libresolv.a",
    "libcrypt.a",
    "libgcc.a",
    "libatomic.a",
];

/// Zig's header folders in order of precedence.
const HEADERS: &[&str] = &[
    "x86_64-linux-musl",
    "generic-musl",
    "x86-linux-any",
    "any-linux-any",
];

/// Fills `dir` from the unpacked compiler.
pub fn build(
    cache: &Cache,
    compiler: &Path,
    dir: &Path,
    progress: &Progress,
) -> Result<(), SetupError> {
    let lib = dir.join("lib");
    fs::create_dir(&lib).context("create", &lib)?;
    {
        let _phase = progress.spinner("building the C library musl (about 40 s, once)");
        build_archives(cache, compiler, &lib)?;
    }
    for name in EMPTY {
        let path = lib.join(name);
        fs::write(&path, b"!<arch>\n").context("write", &path)?;
    }
    copy_headers(compiler, &dir.join("include"))
}

/// Lets zig link an empty program and takes the archives from the linker's command line.
fn build_archives(cache: &Cache, compiler: &Path, lib: &Path) -> Result<(), SetupError> {
    take_archives(cache, compiler, &["-lc"], BUILT, lib)
}

/// Lets zig link an empty program with `options` and copies the files called `names` from the linker's command line to `lib`.
pub(crate) fn take_archives(
    cache: &Cache,
    compiler: &Path,
    options: &[&str],
    names: &[&str],
    lib: &Path,
) -> Result<(), SetupError> {
    let staging = cache.staging()?;
    let probe = staging.path().join("probe.c");
    fs::write(&probe, "int main(void) { return 0; }\n").context("write", &probe)?;
    let failed = |reason| SetupError::Musl { reason };
    let output = Command::new(compiler.join("zig"))
        .args([
            "build-exe",
            "-target",
            CLANG_TRIPLE,
            "probe.c",
            "-femit-bin=probe",
            "--verbose-link",
        ])
        .args(options)
        .current_dir(staging.path())
        // Objects by the hundred, which nobody needs afterwards.
        .env("ZIG_GLOBAL_CACHE_DIR", staging.path().join("cache"))
        .env("ZIG_LOCAL_CACHE_DIR", staging.path().join("cache"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            failed(format!(
                "{} does not start: {error}",
                compiler.join("zig").display()
            ))
        })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(failed(format!(
            "zig ended with {}:\n{}",
            output.status,
            tail(&said)
        )));
    }
    for name in names {
        let path = linked_file(&said, name).ok_or_else(|| {
            failed(format!(
                "zig's linker command does not name {name}:\n{}",
                tail(&said)
            ))
        })?;
        // Zig prints paths below its own folder relative to it.
        let from = staging.path().join(path);
        let to = lib.join(name);
        fs::copy(&from, &to).context("copy", &from)?;
    }
    Ok(())
}

/// Copies the tree `from` into `to`; files that are there stay.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<(), SetupError> {
    for entry in WalkDir::new(from) {
        let entry = entry.map_err(Into::into).context("read", from)?;
        let Ok(name) = entry.path().strip_prefix(from) else {
            continue;
        };
        let target = to.join(name);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).context("create", &target)?;
        } else if !target.exists() {
            fs::copy(entry.path(), &target).context("copy", entry.path())?;
        }
    }
    Ok(())
}

/// The path of the file `name` on the last `ld.lld` line, the one that links the program.
fn linked_file(said: &str, name: &str) -> Option<PathBuf> {
    let line = said.lines().rfind(|line| line.starts_with("ld.lld "))?;
    line.split(' ')
        .map(Path::new)
        .find(|path| path.file_name().is_some_and(|file| file == name))
        .map(Path::to_owned)
}

/// The last lines of what a tool said: it can be very long.
fn tail(said: &str) -> &str {
    let said = said.trim_end();
    let start = said.len().saturating_sub(2000);
    (start..said.len())
        .find_map(|at| said.get(at..))
        .unwrap_or(said)
}

fn copy_headers(compiler: &Path, include: &Path) -> Result<(), SetupError> {
    let from = compiler.join("lib/libc/include");
    HEADERS
        .iter()
        .try_for_each(|folder| copy_tree(&from.join(folder), include))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_linked_last() {
        let said = "ld.lld -r -o /c/o/1/crt1.o /c/o/2/crt1.o\nar rcs /c/o/3/libc.a /c/o/4/aio.o\n\
                    ld.lld -static -o probe /c/o/1/crt1.o /c/o/5/probe.o --as-needed /c/o/3/libc.a c/libzigc.a\n";
        assert_eq!(linked_file(said, "crt1.o"), Some("/c/o/1/crt1.o".into()));
        assert_eq!(linked_file(said, "libc.a"), Some("/c/o/3/libc.a".into()));
        assert_eq!(linked_file(said, "libzigc.a"), Some("c/libzigc.a".into()));
        assert_eq!(linked_file(said, "libcompiler_rt.a"), None);
    }

    #[test]
    fn tail_keeps_characters_whole() {
        let long = "é".repeat(3000);
        assert!(tail(&long).chars().all(|c| c == 'é'));
        assert_eq!(tail("short\n"), "short");
    }
}
