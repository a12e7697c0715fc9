//! What a step of a recipe finds in its environment: the SDK as if it were a cross toolchain, and nothing of the host's.
//!
//! | variable | what it is |
//! | --- | --- |
//! | `CC`, `CXX`, `AR`, `RANLIB`, `LD` | the SDK's tools |
//! | `BUILD_CC` | the machine's own compiler, for programs that run while building |
//! | `CFLAGS`, `CXXFLAGS` | `-O2`, unless the recipe says otherwise |
//! | `BUILD`, `HOST` | configure's names of the machine and of the sandbox |
//! | `PREFIX` | where to install |
//! | `JOBS` | for `make -j` |
//! | `CONFIG_SITE` | the recipe's answers |
//! | `PKG_CONFIG_LIBDIR` | the dependencies' `.pc` files and no others |
//! | `ZVM_PREFIX` | the dependencies' prefixes, which `CC` searches |
//! | `DEP_NAME` | the prefix of the dependency `name`, `-` and `.` as `_` |
//! | `WORK` | the port's folder, with `build`, `prefix` and `logs` |

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};
use zvm_sysroot::{Sysroot, TRIPLE};

use super::recipe::Recipe;
use crate::cc::record;

/// A built dependency.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its prefix.
    pub prefix: PathBuf,
}

/// Variables for the steps of one port.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
}

/// Of the caller's environment, all that steps see.
const KEPT: &[&str] = &["HOME", "TMPDIR", "ZVM_HOME", "XDG_CACHE_HOME"];

impl Environment {
    /// Makes the tools in `work/bin` and the answers, and gathers the variables.
    ///
    /// # Errors
    /// A file cannot be written, or a tool that the recipe names is missing.
    pub fn prepare(
        recipe: &Recipe,
        work: &Path,
        dependencies: &[Dependency],
        sysroot: &Sysroot,
    ) -> Result<Environment> {
        check_tools(recipe)?;
        let bin = work.join("bin");
        tools(&bin, sysroot)?;
        let site = work.join("config.site");
        let answers = recipe.answer.iter();
        let answers = answers.map(|a| format!("# {}\n{}={}\n", a.reason, a.name, quoted(&a.value)));
        fs::write(&site, answers.collect::<String>())
            .with_context(|| format!("cannot write {}", site.display()))?;

        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        let mut set = |name: &str, value: OsString| variables.push((name.into(), value));
        for name in KEPT {
            if let Some(value) = env::var_os(name) {
                set(name, value);
            }
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&path).filter(|dir| dir.is_absolute());
        set(
            "PATH",
            env::join_paths([bin.clone()].into_iter().chain(path))?,
        );
        set("LC_ALL", "C".into());
        // Builds that write the time of day into their output take this one.
        set("SOURCE_DATE_EPOCH", "1370454582".into());
        for (name, tool) in [
            ("CC", "zvm-cc"),
            ("CXX", "zvm-c++"),
            ("AR", "zvm-ar"),
            ("RANLIB", "zvm-ranlib"),
            ("LD", "zvm-ld"),
        ] {
            set(name, bin.join(tool).into());
        }
        set("BUILD_CC", "cc".into());
        set("CFLAGS", "-O2".into());
        set("CXXFLAGS", "-O2".into());
        set("BUILD", "x86_64-pc-linux-gnu".into());
        set("HOST", TRIPLE.into());
        set("WORK", work.into());
        set("PREFIX", work.join("prefix").into());
        let jobs = available_parallelism().map_or(1, std::num::NonZero::get);
        set("JOBS", jobs.to_string().into());
        set("CONFIG_SITE", site.into());
        set(record::VARIABLE, work.join("links").into());
        let pkg_config = dependencies
            .iter()
            .map(|dep| dep.prefix.join("lib/pkgconfig"));
        set("PKG_CONFIG_LIBDIR", env::join_paths(pkg_config)?);
        set(
            "ZVM_PREFIX",
            env::join_paths(dependencies.iter().map(|dep| &dep.prefix))?,
        );
        for dep in dependencies {
            let name = dep.name.to_uppercase().replace(['-', '.'], "_");
            set(&format!("DEP_{name}"), dep.prefix.clone().into());
        }
        for (name, value) in &recipe.env {
            set(name, value.into());
        }
        Ok(Environment { variables })
    }

    /// A shell for `script` in `folder`, with these variables and no others.
    pub fn shell(&self, script: &str, folder: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-euc", script]).current_dir(folder);
        command.env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn check_tools(recipe: &Recipe) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let missing = |tool: &&str| !env::split_paths(&path).any(|dir| dir.join(tool).is_file());
    let tools = ["make"].into_iter();
    let tools = tools.chain(recipe.tools.iter().map(String::as_str));
    let missing: Vec<_> = tools.filter(missing).collect();
    if !missing.is_empty() {
        bail!(
            "building the port {} needs these programs, which are not in PATH: {}",
            &*recipe.name,
            missing.join(", ")
        );
    }
    Ok(())
}

/// The driver is this very program under another name; `ar` and its like are the SDK's compiler.
fn tools(bin: &Path, sysroot: &Sysroot) -> Result<()> {
    let context = || format!("cannot make the tools in {}", bin.display());
    fs::create_dir_all(bin).with_context(context)?;
    let this = env::current_exe().context("cannot find this executable")?;
    for name in ["zvm-cc", "zvm-c++"] {
        let link = bin.join(name);
        // Of an earlier preparation, by an executable that may have lain elsewhere.
        if link.is_symlink() {
            fs::remove_file(&link).with_context(context)?;
        }
        symlink(&this, link).with_context(context)?;
    }
    for (name, inner) in [
        ("zvm-ar", "ar"),
        ("zvm-ranlib", "ranlib"),
        ("zvm-ld", "ld.lld"),
    ] {
        let mut script = "#!/bin/sh\n".to_owned();
        for (name, value) in sysroot.zig_env() {
            script += &format!("export {name}={}\n", quoted_path(&value));
        }
        script += &format!("exec {} {inner} \"$@\"\n", quoted_path(&sysroot.zig()));
        let path = bin.join(name);
        fs::write(&path, script).with_context(context)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).with_context(context)?;
    }
    Ok(())
}

fn quoted_path(path: &Path) -> String {
    quoted(&OsStr::to_string_lossy(path.as_os_str()))
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_reaches_the_shell_whole() {
        let word = "it's $HOME \"x\"";
        let echo = Command::new("sh")
            .args(["-c", &format!("printf %s {}", quoted(word))])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(echo.stdout).unwrap(), word);
    }
}
