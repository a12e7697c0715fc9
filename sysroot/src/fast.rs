//! The part `fast`: what replaces musl's slowest functions. An allocator (mimalloc, from the C source in the crate
//! libmimalloc-sys) and vector versions of the string functions (our own), as archives that are linked before `libc.a`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use object::{Object as _, ObjectSymbol as _};

use crate::cache::Cache;
use crate::error::{Context, SetupError};
use crate::hash::sha256_file;
use crate::part::Part;
use crate::progress::Progress;
use crate::{CLANG_TRIPLE, compiler, wheel};

/// Counts up when anything below changes what is built.
pub(crate) const RECIPE: &str = "3";

/// The crate with mimalloc's source; mimalloc 2 lies in [`SOURCE`].
const CRATE: &str = "libmimalloc-sys";
const VERSION: &str = "0.1.49";
/// SHA-256 of the `.crate` file.
pub(crate) const SHA256: &str = "6a45a52f43e1c16f667ccfe4dd8c85b7f7c204fd5e3bf46c5b0db9a5c3c0b8e9";
const SOURCE: &str = "libmimalloc-sys-0.1.49/c_src/mimalloc/v2";

pub(crate) const MALLOC: &str = include_str!("../libc/malloc.c");
pub(crate) const STRING: &str = include_str!("../libc/string.c");

/// The part.
pub const PART: Part<'static> = Part {
    name: "fast",
    inputs: &[
        RECIPE,
        wheel::SHA256,
        CLANG_TRIPLE,
        SHA256,
        MALLOC,
        STRING,
        SETTINGS_TEXT,
    ],
    files: &["libmalloc.a", "libstring.a", "libstring-v3.a"],
};

/// How mimalloc is to be: a reserve of 32 MiB at a time instead of a gigabyte (an instance may have less), and segments of 4 MiB
/// for the same reason.
const SETTINGS: &[&str] = &[
    "-DNDEBUG",
    "-DMI_LIBC_MUSL=1",
    "-DMI_SEGMENT_SHIFT=22",
    "-DMI_DEFAULT_ARENA_RESERVE=32768",
    "-DMI_DEFAULT_ALLOW_THP=0",
    // The same bytes whenever it is built.
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"\"",
    "-D__TIME__=\"\"",
    "-ftls-model=local-exec",
    "-fno-builtin-malloc",
];
/// A word for [`SETTINGS`] in the part's name: counts up with them.
pub(crate) const SETTINGS_TEXT: &str = "settings 2";

/// Options of all: sections by function, so that a program has only what it uses.
const COMMON: &[&str] = &[
    "cc",
    "-target",
    CLANG_TRIPLE,
    "-c",
    "-O2",
    "-g0",
    "-fno-sanitize=undefined",
    "-fno-stack-protector",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-pic",
];

/// Fills `dir`.
pub fn build(
    cache: &Cache,
    compiler: &Path,
    dir: &Path,
    progress: &Progress,
) -> Result<(), SetupError> {
    let _phase =
        progress.spinner("building the allocator and the string functions (seconds, once)");
    let staging = cache.staging()?;
    let work = staging.path();
    unpack(&crate_file(work)?, work)?;
    for (name, text) in [("malloc.c", MALLOC), ("string.c", STRING)] {
        let path = work.join(name);
        fs::write(&path, text).context("write", &path)?;
    }
    let source = work.join(SOURCE);
    let includes = [
        format!("-I{}", source.join("include").display()),
        format!("-I{}", source.join("src").display()),
    ];
    let malloc: Vec<&str> = SETTINGS
        .iter()
        .copied()
        .chain(includes.iter().map(String::as_str))
        .chain(["-include", NAMES])
        .collect();
    hide_names(cache, compiler, work, &malloc)?;
    let string = ["-ffreestanding", "-fno-builtin"];
    let string_v3 = ["-ffreestanding", "-fno-builtin", "-march=x86_64_v3"];
    for (archive, source, options) in [
        ("libmalloc.a", "malloc.c", &malloc[..]),
        ("libstring.a", "string.c", &string[..]),
        ("libstring-v3.a", "string.c", &string_v3[..]),
    ] {
        let object = archive.replace("lib", "").replace(".a", ".o");
        let mut compile = Command::new(compiler.join("zig"));
        compile
            .args(COMMON)
            .args(options)
            .arg(source)
            .arg("-o")
            .arg(&object);
        run(cache, work, &mut compile)?;
        let mut archiver = Command::new(compiler.join("zig"));
        archiver
            .args(["ar", "rcsD"])
            .arg(dir.join(archive))
            .arg(&object);
        run(cache, work, &mut archiver)?;
    }
    Ok(())
}

/// The header that [`hide_names`] writes.
const NAMES: &str = "names.h";

/// Gives mimalloc's own functions and variables names that no program has: it may well bring a mimalloc of its own. Which
/// they are, a first compilation tells.
fn hide_names(
    cache: &Cache,
    compiler: &Path,
    work: &Path,
    options: &[&str],
) -> Result<(), SetupError> {
    let header = work.join(NAMES);
    fs::write(&header, "").context("write", &header)?;
    let mut compile = Command::new(compiler.join("zig"));
    compile
        .args(COMMON)
        .args(options)
        .args(["malloc.c", "-o", "named.o"]);
    run(cache, work, &mut compile)?;
    let object = work.join("named.o");
    let bytes = fs::read(&object).context("read", &object)?;
    let file = object::File::parse(&*bytes).map_err(|error| SetupError::Fast {
        reason: format!("named.o: {error}"),
    })?;
    let mut names: Vec<&str> = file
        .symbols()
        .filter(|symbol| symbol.is_global() && !symbol.is_undefined())
        .filter_map(|symbol| symbol.name().ok())
        .filter(|name| name.trim_start_matches('_').starts_with("mi_"))
        .collect();
    names.sort_unstable();
    let text: String = names
        .iter()
        .map(|name| format!("#define {name} zvm_malloc_{name}\n"))
        .collect();
    fs::write(&header, text).context("write", &header)
}

fn run(cache: &Cache, folder: &Path, command: &mut Command) -> Result<(), SetupError> {
    let output = command
        .current_dir(folder)
        .envs(compiler::environment(cache))
        .stdin(Stdio::null())
        .output()
        .context("start", Path::new("zig"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(SetupError::Fast {
        reason: format!("zig ended with {}:\n{}", output.status, said.trim_end()),
    })
}

/// The `.crate` file: from cargo's own cache, or fetched by cargo; always checked.
fn crate_file(scratch: &Path) -> Result<PathBuf, SetupError> {
    let failed = |reason: String| SetupError::Fast { reason };
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .ok_or_else(|| failed("neither CARGO_HOME nor HOME is set".into()))?;
    let name = format!("{CRATE}-{VERSION}.crate");
    let cached = || {
        let registries = fs::read_dir(home.join("registry/cache")).ok()?;
        registries
            .flatten()
            .map(|registry| registry.path().join(&name))
            .find(|path| path.is_file())
    };
    let path = match cached() {
        Some(path) => path,
        None => {
            fetch(scratch)?;
            cached().ok_or_else(|| failed(format!("cargo fetch did not leave {name}")))?
        }
    };
    let found = sha256_file(&path).context("read", &path)?;
    if found != SHA256 {
        return Err(SetupError::Hash {
            path,
            expected: SHA256.to_owned(),
            found,
        });
    }
    Ok(path)
}

/// Cargo fetches for a project, so here is one that depends on the crate.
fn fetch(scratch: &Path) -> Result<(), SetupError> {
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
         [dependencies]\n{CRATE} = {{ version = \"={VERSION}\", default-features = false }}\n"
    );
    let path = scratch.join("Cargo.toml");
    fs::write(&path, manifest).context("write", &path)?;
    let library = scratch.join("lib.rs");
    fs::write(&library, "").context("write", &library)?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["fetch", "--quiet", "--manifest-path"])
        .arg(&path)
        .stdin(Stdio::null())
        .output()
        .context("start", Path::new("cargo"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(SetupError::Fast {
        reason: format!("cannot fetch the crate {CRATE}: {}", said.trim_end()),
    })
}

fn unpack(archive: &Path, dir: &Path) -> Result<(), SetupError> {
    let file = fs::File::open(archive).context("open", archive)?;
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(dir)
        .context("unpack", archive)
}
