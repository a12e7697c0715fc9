//! The part `libcxx`: libc++, libc++abi and libunwind, built by zig when C++ (or Rust) first asks for them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context, SetupError};
use crate::part::Part;
use crate::progress::Progress;
use crate::{CLANG_TRIPLE, Sysroot, musl, wheel};

/// Counts up when anything below changes what is built.
const RECIPE: &str = "1";

const PART: Part<'static> = Part {
    name: "libcxx",
    inputs: &[RECIPE, wheel::SHA256, CLANG_TRIPLE],
    files: &["include/vector", "lib/libc++.a", "lib/libstdc++.a"],
};

const BUILT: &[&str] = &["libc++.a", "libc++abi.a", "libunwind.a"];

/// Names under which build systems ask for these libraries, as linker scripts.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("libstdc++.a", "INPUT(-lc++ -lc++abi -lunwind)\n"),
    ("libgcc_eh.a", "INPUT(-lunwind)\n"),
    ("libgcc_s.a", "INPUT(-lunwind)\n"),
];

/// How the headers must see the library that zig built: what its `__config_site` would say.
const DEFINES: &[&str] = &[
    "_LIBCPP_ABI_VERSION=1",
    "_LIBCPP_ABI_NAMESPACE=__1",
    "_LIBCPP_HAS_THREADS=1",
    "_LIBCPP_HAS_MONOTONIC_CLOCK",
    "_LIBCPP_HAS_TERMINAL",
    "_LIBCPP_HAS_MUSL_LIBC=1",
    "_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS",
    "_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
    "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
    "_LIBCPP_HAS_FILESYSTEM=1",
    "_LIBCPP_HAS_RANDOM_DEVICE",
    "_LIBCPP_HAS_LOCALIZATION",
    "_LIBCPP_HAS_UNICODE",
    "_LIBCPP_HAS_WIDE_CHARACTERS",
    "_LIBCPP_HAS_NO_STD_MODULES",
    "_LIBCPP_HAS_TIME_ZONE_DATABASE",
    "_LIBCPP_PSTL_BACKEND_SERIAL",
    "_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE",
    "_LIBCPP_ENABLE_CXX17_REMOVED_UNEXPECTED_FUNCTIONS",
];

/// The C++ library.
#[derive(Clone, Debug)]
pub struct Cxx {
    root: PathBuf,
}

impl Cxx {
    /// Finds it, or builds it.
    pub(crate) fn open(sysroot: &Sysroot, progress: &Progress) -> Result<Cxx, SetupError> {
        let root = PART.find_or_make(sysroot.cache(), progress, |dir| {
            build(sysroot, dir, progress)
        })?;
        Ok(Cxx { root })
    }

    /// Its headers: before the C library's.
    pub fn include(&self) -> PathBuf {
        self.root.join("include")
    }

    /// `libc++.a`, `libc++abi.a`, `libunwind.a`, and other names for them.
    pub fn lib(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// Macros that its headers need.
    pub fn defines(&self) -> &'static [&'static str] {
        DEFINES
    }
}

fn build(sysroot: &Sysroot, dir: &Path, progress: &Progress) -> Result<(), SetupError> {
    let compiler = sysroot.compiler();
    let lib = dir.join("lib");
    fs::create_dir(&lib).context("create", &lib)?;
    {
        let _phase = progress.spinner("building the C++ library (about a minute, once)");
        let options = ["-lc", "-lc++"];
        musl::take_archives(sysroot.cache(), compiler, &options, BUILT, &lib)?;
    }
    for (name, script) in OTHER_NAMES {
        let path = lib.join(name);
        fs::write(&path, script).context("write", &path)?;
    }
    let include = dir.join("include");
    for library in ["libcxx", "libcxxabi", "libunwind"] {
        musl::copy_tree(
            &compiler.join("lib").join(library).join("include"),
            &include,
        )?;
    }
    Ok(())
}
