//! Assembles the SDK's sysroot in a cache on first use: compiler, musl, crt, linker script, libzrt.
//!
//! [`Sysroot::open`] is the whole interface: it answers in microseconds when all is there, and otherwise builds what is
//! missing and says so. What it makes are *parts* (`part`), folders named after the hash of what went into them: they appear whole,
//! by one rename, and never change afterwards. So commands may run at once, SDKs of different versions share a cache, and
//! a new libzrt rebuilds nothing else.
//!
//! | folder in the cache | made of | by |
//! | --- | --- | --- |
//! | `compiler-HASH` | the pinned `ziglang` wheel: clang, lld, the sources of musl and of the compiler's runtime | `compiler`, `wheel` |
//! | `fast-HASH` | the allocator (mimalloc, from the pinned crate's C source) and vector string functions, linked before `libc.a` | `fast` |
//! | `musl-HASH` | `crt1.o`, `libc.a`, `libzigc.a`, `libcompiler_rt.a`, the headers | `musl` |
//! | `libcxx-HASH` | libc++, libc++abi, libunwind and their headers, when C++ first needs them | `libcxx` |
//! | `pie-HASH` | musl and libunwind for position-independent executables of the host, when a link first asks for one | `pie` |
//! | `sysroot-HASH` | links to the parts above, libzrt, the linker script | `assemble` |
//! | `downloads` | wheels | `wheel` |
//! | `sources` | upstream sources of samples | the `zvm-toolchain` crate |
//!
//! What it does not do: it installs nothing outside the cache, and asks nothing of the network once the parts are there.
#![forbid(unsafe_code)]

mod assemble;
mod cache;
mod compiler;
mod error;
mod fast;
mod hash;
mod libcxx;
mod musl;
mod part;
mod pie;
mod progress;
mod wheel;

use std::path::{Path, PathBuf};

pub use cache::{Cache, CacheLock};
pub use error::SetupError;
pub use hash::{Sha256Hex, sha256_file, sha256_hex};
pub use libcxx::Cxx;
pub use pie::Pie;
pub use progress::Progress;

/// The target in configure's sense.
pub const TRIPLE: &str = "x86_64-zvm-linux-musl";

/// The target as clang spells it.
pub const CLANG_TRIPLE: &str = "x86_64-linux-musl";

/// What libzrt supplies to the rewriter, and the entry point: the linker must keep these (ARCHITECTURE.md, "The contract").
pub const REQUIRED_SYMBOLS: &[&str] = &[
    "__zrt_start",
    "__zrt_syscall",
    "__zrt_cpuid",
    "__zrt_xgetbv",
    "__zrt_rdtsc",
    "__zrt_rdtscp",
    "__zrt_pause",
    "__zrt_rdrand",
    "__zrt_f2xm1",
    "__zrt_fyl2x",
    "__zrt_fyl2xp1",
    "__zrt_fpatan",
    "__zrt_fptan",
    "__zrt_fsin",
    "__zrt_fcos",
    "__zrt_fsincos",
];

/// A complete sysroot. Everything that it names exists and never changes.
#[derive(Clone, Debug)]
pub struct Sysroot {
    cache: Cache,
    root: PathBuf,
    compiler: PathBuf,
}

impl Sysroot {
    /// Opens the sysroot, assembling on the way what is missing: about 100 MB to download and a minute of work the first time.
    ///
    /// # Errors
    /// [`SetupError`]: no place for the cache, no wheel, a wheel with other bytes, or a step that failed.
    pub fn open(progress: &Progress) -> Result<Sysroot, SetupError> {
        let cache = Cache::locate()?;
        assemble::sysroot(cache, progress)
    }

    /// The sysroot, if it is complete already; makes nothing.
    pub fn find(cache: &Cache) -> Option<Sysroot> {
        assemble::find(cache)
    }

    /// The cache that it lives in.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The folder with `include`, `lib` and `zvm.ld`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// musl's and Linux's headers.
    pub fn include(&self) -> PathBuf {
        self.root.join("include")
    }

    /// Archives and `crt1.o`.
    pub fn lib(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// One file of [`lib`](Self::lib).
    pub fn library(&self, name: &str) -> PathBuf {
        self.root.join("lib").join(name)
    }

    /// The linker script.
    pub fn linker_script(&self) -> PathBuf {
        self.root.join("zvm.ld")
    }

    /// The multi-call binary: `clang`, `ld.lld`, `ar` and more as its first argument.
    pub fn zig(&self) -> PathBuf {
        self.compiler.join("zig")
    }

    /// The C++ library, built on the way if it is not there: a minute of work the first time.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn cxx(&self, progress: &Progress) -> Result<Cxx, SetupError> {
        Cxx::open(self, progress)
    }

    /// musl for position-independent static executables of the host, built on the way if it is not there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn pie(&self, progress: &Progress) -> Result<Pie, SetupError> {
        Pie::open(self, progress)
    }

    /// The folder of the unpacked compiler.
    pub(crate) fn compiler(&self) -> &Path {
        &self.compiler
    }

    /// The bundled clang's own headers (`immintrin.h` and the like).
    pub fn zig_include(&self) -> PathBuf {
        self.compiler.join("lib/include")
    }

    /// Environment for [`zig`](Self::zig): its caches stay inside ours.
    pub fn zig_env(&self) -> [(&'static str, PathBuf); 2] {
        compiler::environment(&self.cache)
    }
}
