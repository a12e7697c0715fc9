//! The part `pie`: musl for position-independent static executables of the host, built by zig when a link first asks for one.
//! `zvm` can be such an executable: its addresses must not be the sandbox's, and it starts much faster than with glibc.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Context, SetupError};
use crate::part::Part;
use crate::progress::Progress;
use crate::{CLANG_TRIPLE, Sysroot, musl, wheel};

/// Counts up when anything below changes what is built.
const RECIPE: &str = "1";

const GLIBC: &str = include_str!("../libc/glibc.c");

const PART: Part<'static> = Part {
    name: "pie",
    inputs: &[RECIPE, wheel::SHA256, CLANG_TRIPLE, GLIBC],
    files: &["rcrt1.o", "glibc.o", "libc.a", "libunwind.a"],
};

const BUILT: &[&str] = &[
    "rcrt1.o",
    "libc.a",
    "libzigc.a",
    "libcompiler_rt.a",
    "libunwind.a",
];

/// The C library of position-independent executables.
#[derive(Clone, Debug)]
pub struct Pie {
    root: PathBuf,
}

impl Pie {
    /// Finds it, or builds it.
    pub(crate) fn open(sysroot: &Sysroot, progress: &Progress) -> Result<Pie, SetupError> {
        let root = PART.find_or_make(sysroot.cache(), progress, |dir| {
            build(sysroot, dir, progress)
        })?;
        Ok(Pie { root })
    }

    /// The folder of all its files.
    pub fn lib(&self) -> &Path {
        &self.root
    }
}

fn build(sysroot: &Sysroot, dir: &Path, progress: &Progress) -> Result<(), SetupError> {
    let _phase =
        progress.spinner("building musl as position-independent code (half a minute, once)");
    let options = ["-lc", "-lunwind", "-fPIE"];
    musl::take_archives(sysroot.cache(), sysroot.compiler(), &options, BUILT, dir)?;
    let source = dir.join("glibc.c");
    fs::write(&source, GLIBC).context("write", &source)?;
    let failed = |reason| SetupError::Musl { reason };
    let output = Command::new(sysroot.zig())
        .args(["cc", "-target", CLANG_TRIPLE, "-O2", "-fPIE", "-c"])
        .arg(&source)
        .arg("-o")
        .arg(dir.join("glibc.o"))
        .envs(sysroot.zig_env())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("zig does not start: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}
