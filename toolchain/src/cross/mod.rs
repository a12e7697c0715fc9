//! The SDK as a cross toolchain, for build systems that it does not drive itself: `cargo zvm env` prints the settings, `cargo zvm exec`
//! runs a command inside them.
//!
//! | build system | what it reads |
//! | --- | --- |
//! | make, and all that look at `CC` | [`variables`] |
//! | configure scripts | `CONFIG_SITE`, which says that this is a cross build, and `CC` |
//! | CMake | `CMAKE_TOOLCHAIN_FILE`, whose emulator is `zvm-run`: `try_run` and CTest work |
//! | Meson | a cross file, `meson setup --cross-file "$ZVM_MESON_CROSS"`, whose `exe_wrapper` is `zvm-run` |
//! | pkg-config | `PKG_CONFIG_LIBDIR`: the `.pc` files of `ZVM_PREFIX`'s folders, never the machine's |
//! | cargo | the variables of [`crate::cargo::environment`], or the printed `.cargo/config.toml` |

pub mod command;
pub mod formats;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::Tools;
use formats::Format;

/// Files that build systems read, beside the tools' links. They are written anew when their text has changed.
#[derive(Clone, Debug)]
pub struct Files {
    /// CMake's toolchain file.
    pub cmake: PathBuf,
    /// Meson's cross file.
    pub meson: PathBuf,
    /// The site file of configure scripts.
    pub site: PathBuf,
    /// An empty folder: where pkg-config looks when no prefix is named.
    pub pkg_config: PathBuf,
}

impl Files {
    /// Writes what is missing.
    ///
    /// # Errors
    /// The SDK's cache cannot be written.
    pub fn open(tools: &Tools) -> Result<Files> {
        let files = Files {
            cmake: tools.path("zvm.cmake"),
            meson: tools.path("zvm.meson"),
            site: tools.path("config.site"),
            pkg_config: tools.path("no-pkg-config-files"),
        };
        for (path, format) in [
            (&files.cmake, Format::Cmake),
            (&files.meson, Format::Meson),
            (&files.site, Format::Autoconf),
        ] {
            write(path, &formats::text(format, tools)?)?;
        }
        fs::create_dir_all(&files.pkg_config)
            .with_context(|| format!("cannot make {}", files.pkg_config.display()))?;
        Ok(files)
    }
}

/// By a rename, as other commands may be reading the file.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let context = || format!("cannot write {}", path.display());
    let folder = path.parent().with_context(context)?;
    let file = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    fs::write(file.path(), text).with_context(context)?;
    file.persist(path).with_context(context)?;
    Ok(())
}

/// The variables of `cargo zvm exec`, in the order in which they are printed. `PATH` is not among them: `exec` puts
/// [`Tools::dir`] in front of it.
///
/// # Errors
/// The files cannot be written, or the user's RUSTFLAGS ask for what an image cannot be.
pub fn variables(tools: &Tools) -> Result<Vec<(String, OsString)>> {
    let files = Files::open(tools)?;
    let mut variables: Vec<(String, OsString)> = Vec::new();
    let mut set = |name: &str, value: OsString| variables.push((name.to_owned(), value));
    for (name, tool) in [
        ("CC", "zvm-cc"),
        ("CXX", "zvm-c++"),
        ("AR", "zvm-ar"),
        ("RANLIB", "zvm-ranlib"),
        ("NM", "zvm-nm"),
        ("STRIP", "zvm-strip"),
    ] {
        set(name, tools.path(tool).into());
    }
    // Programs that run while building are the machine's: two names are in use, one for all is nobody's standard.
    set("CC_FOR_BUILD", "cc".into());
    set("BUILD_CC", "cc".into());
    set("CONFIG_SITE", files.site.into());
    set("CMAKE_TOOLCHAIN_FILE", files.cmake.into());
    set("ZVM_MESON_CROSS", files.meson.into());
    set("PKG_CONFIG_LIBDIR", pkg_config(&files.pkg_config)?);
    set("PKG_CONFIG_PATH", OsString::new());
    for (name, value) in crate::cargo::environment(tools)? {
        set(&name, value);
    }
    Ok(variables)
}

/// Where pkg-config may look: below the folders of `ZVM_PREFIX`.
fn pkg_config(none: &Path) -> Result<OsString> {
    let prefixes = env::var_os("ZVM_PREFIX").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&prefixes)
        .filter(|prefix| !prefix.as_os_str().is_empty())
        .flat_map(|prefix| [prefix.join("lib/pkgconfig"), prefix.join("share/pkgconfig")])
        .collect();
    if folders.is_empty() {
        folders.push(none.to_owned());
    }
    env::join_paths(folders).context("ZVM_PREFIX")
}
