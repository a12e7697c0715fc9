//! The settings as each build system writes them.

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Map, Value};
use zvm_sysroot::TRIPLE;

use super::variables;
use crate::cargo::{TARGET, flags};
use crate::tools::Tools;

/// What `cargo zvm env` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `export` lines for a shell: eval "$(cargo zvm env)"
    Sh,
    /// One object of strings
    Json,
    /// A toolchain file for CMake
    Cmake,
    /// A cross file for Meson
    Meson,
    /// A site file for configure scripts (CONFIG_SITE)
    Autoconf,
    /// A .cargo/config.toml, with which cargo itself builds images
    Cargo,
}

/// The settings' text, which ends with a line's end.
///
/// # Errors
/// A path that the format cannot hold, or [`variables`]' errors.
pub fn text(format: Format, tools: &Tools) -> Result<String> {
    let path = |name: &str| -> Result<String> {
        let path = tools.path(name);
        let text = path
            .to_str()
            .filter(|text| !text.contains(['"', '\'', '\\', '$', '\n']));
        Ok(text
            .with_context(|| {
                format!(
                    "{}: build systems' files cannot hold this path; set ZVM_HOME to another",
                    path.display()
                )
            })?
            .to_owned())
    };
    Ok(match format {
        Format::Sh => shell(tools)?,
        Format::Json => json(tools)?,
        Format::Cmake => format!(
            "# Made by `cargo zvm env --format cmake`: cmake -DCMAKE_TOOLCHAIN_FILE=THIS_FILE\n\
             set(CMAKE_SYSTEM_NAME Linux)\n\
             set(CMAKE_SYSTEM_PROCESSOR x86_64)\n\
             set(CMAKE_C_COMPILER \"{cc}\")\n\
             set(CMAKE_CXX_COMPILER \"{cxx}\")\n\
             set(CMAKE_AR \"{ar}\" CACHE FILEPATH \"\")\n\
             set(CMAKE_RANLIB \"{ranlib}\" CACHE FILEPATH \"\")\n\
             set(CMAKE_NM \"{nm}\" CACHE FILEPATH \"\")\n\
             set(CMAKE_STRIP \"{strip}\" CACHE FILEPATH \"\")\n\
             # try_run, add_test and custom commands start images by it.\n\
             set(CMAKE_CROSSCOMPILING_EMULATOR \"{run}\")\n\
             # Images are static, so libraries are, unless a project insists.\n\
             set(BUILD_SHARED_LIBS OFF CACHE BOOL \"\")\n\
             set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS FALSE)\n\
             # Programs are the machine's; libraries and headers never are.\n\
             string(REPLACE \":\" \";\" CMAKE_FIND_ROOT_PATH \"$ENV{{ZVM_PREFIX}}\")\n\
             if(NOT CMAKE_FIND_ROOT_PATH)\n  \
               set(CMAKE_FIND_ROOT_PATH \"{none}\")\n\
             endif()\n\
             set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)\n\
             set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)\n\
             set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)\n\
             set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)\n",
            cc = path("zvm-cc")?,
            cxx = path("zvm-c++")?,
            ar = path("zvm-ar")?,
            ranlib = path("zvm-ranlib")?,
            nm = path("zvm-nm")?,
            strip = path("zvm-strip")?,
            run = path("zvm-run")?,
            none = path("no-pkg-config-files")?,
        ),
        Format::Meson => format!(
            "# Made by `cargo zvm env --format meson`: meson setup --cross-file THIS_FILE\n\
             [binaries]\n\
             c = '{cc}'\n\
             cpp = '{cxx}'\n\
             ar = '{ar}'\n\
             nm = '{nm}'\n\
             strip = '{strip}'\n\
             exe_wrapper = '{run}'\n\
             pkg-config = 'pkg-config'\n\
             \n\
             [properties]\n\
             needs_exe_wrapper = true\n\
             pkg_config_libdir = '{none}'\n\
             \n\
             [built-in options]\n\
             default_library = 'static'\n\
             b_pie = false\n\
             \n\
             [host_machine]\n\
             system = 'linux'\n\
             cpu_family = 'x86_64'\n\
             cpu = 'x86_64'\n\
             endian = 'little'\n",
            cc = path("zvm-cc")?,
            cxx = path("zvm-c++")?,
            ar = path("zvm-ar")?,
            nm = path("zvm-nm")?,
            strip = path("zvm-strip")?,
            run = path("zvm-run")?,
            none = path("no-pkg-config-files")?,
        ),
        Format::Autoconf => format!(
            "# Made by `cargo zvm env --format autoconf`: CONFIG_SITE=THIS_FILE ./configure\n\
             # A cross build, whatever the command line says: what runs here is an image, and `x86_64` alone would look like this machine.\n\
             cross_compiling=yes\n\
             test -n \"$host_alias\" || host_alias={TRIPLE}\n\
             test -n \"$build_alias\" || build_alias=x86_64-pc-linux-gnu\n\
             # Images are static: there is nothing that could load a shared library.\n\
             test -n \"$enable_shared\" || enable_shared=no\n"
        ),
        Format::Cargo => {
            let list = flags::ours(&tools.path("zvm-cc"));
            let list = toml::Value::from(list).to_string();
            let quoted = |name: &str| -> Result<String> { Ok(format!("\"{}\"", path(name)?)) };
            let lower = TARGET.replace('-', "_");
            format!(
                "# Made by `cargo zvm env --format cargo`: as .cargo/config.toml, it makes cargo build for the sandbox.\n\
                 [build]\n\
                 target = \"{TARGET}\"\n\
                 \n\
                 [target.{TARGET}]\n\
                 rustflags = {list}\n\
                 rustdocflags = {list}\n\
                 runner = [{run}]\n\
                 \n\
                 [env]\n\
                 CC_{lower} = {cc}\n\
                 CXX_{lower} = {cxx}\n\
                 AR_{lower} = {ar}\n\
                 RANLIB_{lower} = {ranlib}\n\
                 PKG_CONFIG_LIBDIR_{lower} = {none}\n",
                run = quoted("zvm-run")?,
                cc = quoted("zvm-cc")?,
                cxx = quoted("zvm-c++")?,
                ar = quoted("zvm-ar")?,
                ranlib = quoted("zvm-ranlib")?,
                none = quoted("no-pkg-config-files")?,
            )
        }
    })
}

fn shell(tools: &Tools) -> Result<String> {
    let mut text = String::new();
    for (name, value) in variables(tools)? {
        let value = value
            .into_string()
            .map_err(|_| anyhow::anyhow!("{name}: no text"))?;
        text += &format!("export {name}={}\n", quoted(&value));
    }
    text += &format!(
        "export PATH={}:\"$PATH\"\n",
        quoted(&tools.dir().display().to_string())
    );
    Ok(text)
}

fn json(tools: &Tools) -> Result<String> {
    let mut object = Map::new();
    for (name, value) in variables(tools)? {
        let value = value
            .into_string()
            .map_err(|_| anyhow::anyhow!("{name}: no text"))?;
        object.insert(name, Value::from(value));
    }
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
