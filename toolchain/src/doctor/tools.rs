//! What building needs: Python's pip, Rust, room in the cache; and whether a program comes out of it and runs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use zvm_sysroot::{Cache, Progress, Sysroot};

use super::{Check, Finding, Fix, fixable, notice, problem};
use crate::cargo::TARGET;

/// In the order in which they are shown.
pub const CHECKS: &[Check] = &[
    Check {
        name: "cache",
        look: cache,
    },
    Check {
        name: "pip",
        look: pip,
    },
    Check {
        name: "compiler",
        look: compiler,
    },
    Check {
        name: "rust",
        look: rust,
    },
    Check {
        name: "commands",
        look: commands,
    },
    Check {
        name: "debugger",
        look: debugger,
    },
    Check {
        name: "a program",
        look: program,
    },
];

/// What the cache takes with the C and the C++ library, in bytes, and something for programs.
const ROOM: u64 = 1 << 30;
const OLDEST_RUST: (u32, u32) = (1, 88);

/// Assembles the cache.
///
/// # Errors
/// What keeps it from that.
pub fn set_up(progress: &Progress) -> Result<()> {
    Sysroot::open(progress)?;
    Ok(())
}

/// Adds the standard library that programs for the sandbox link.
///
/// # Errors
/// rustup is missing, or fails.
pub fn add_target() -> Result<()> {
    let status = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status()
        .context("cannot start rustup")?;
    match status.success() {
        true => Ok(()),
        false => bail!("rustup ended with {status}"),
    }
}

/// The first line of what a command prints; `None` if it does not start or fails.
fn answer(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default().to_owned();
    output.status.success().then_some(line)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The nearest folder that exists.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"))
}

fn cache() -> Finding {
    let elsewhere = "set ZVM_HOME to a folder that you can write, with 1 GB free";
    let cache = match Cache::locate() {
        Ok(cache) => cache,
        Err(error) => return problem(error.to_string(), elsewhere),
    };
    let (shown, folder) = (cache.root().display(), existing(cache.root()));
    if let Err(error) = tempfile::Builder::new()
        .prefix(".doctor-")
        .tempfile_in(folder)
    {
        return problem(format!("{shown} cannot be written: {error}"), elsewhere);
    }
    let free = rustix::fs::statvfs(folder)
        .map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    if free < ROOM && !is_set_up() {
        return problem(
            format!("{shown} has {} MB left", free / 1_000_000),
            elsewhere,
        );
    }
    Finding::Fine(format!("{shown}, {} GB free", free / 1_000_000_000))
}

/// Whether the compiler is there.
fn is_set_up() -> bool {
    Cache::locate().is_ok_and(|cache| Sysroot::find(&cache).is_some())
}

fn pip() -> Finding {
    match answer("python3", &["-m", "pip", "--version"]) {
        Some(line) => {
            let version: Vec<_> = line.split(' ').take(2).collect();
            Finding::Fine(version.join(" "))
        }
        None if is_set_up() => notice(
            "python3 -m pip does not work; the compiler is there already",
            "install python3 and pip (Debian: python3-pip) before the SDK is renewed".to_owned(),
        ),
        None => problem(
            "python3 -m pip does not work; it fetches the compiler",
            "install python3 and pip (Debian: python3-pip), or set ZVM_WHEEL to a copy of the wheel",
        ),
    }
}

fn compiler() -> Finding {
    if is_set_up() {
        return Finding::Fine("clang, the C library and the sysroot are in the cache".to_owned());
    }
    fixable(
        "not fetched yet",
        "cargo zvm setup (or --fix, or just build something): 90 MB and one to two minutes",
        Fix::Setup,
    )
}

fn rust() -> Finding {
    let Some(line) = answer("rustc", &["--version"]) else {
        return notice(
            "rustc is not on the PATH: only C and C++ can be built",
            "install Rust with rustup".to_owned(),
        );
    };
    let version = line.split(' ').nth(1).unwrap_or_default();
    let mut numbers = version.split('.').flat_map(str::parse::<u32>);
    if let (Some(major), Some(minor)) = (numbers.next(), numbers.next())
        && (major, minor) < OLDEST_RUST
    {
        return problem(
            format!("rustc {version} is too old"),
            "rustup update stable: Rust 1.88 or newer",
        );
    }
    let library = answer("rustc", &["--print", "target-libdir", "--target", TARGET]);
    if !library.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return fixable(
            format!("rustc {version} has no standard library for {TARGET}"),
            format!("rustup target add {TARGET} (or --fix)"),
            Fix::RustTarget,
        );
    }
    Finding::Fine(format!("rustc {version} with {TARGET}"))
}

fn commands() -> Finding {
    let names = ["cargo-zvm", "zvm", "zvm-cc", "zvm-c++", "zvm-ld", "zvm-run"];
    let missing: Vec<_> = names
        .into_iter()
        .filter(|name| on_path(name).is_none())
        .collect();
    if missing.is_empty() {
        return Finding::Fine(format!("{} are on the PATH", names.join(", ")));
    }
    let installed = on_path("cargo-zvm").and_then(|path| fs::canonicalize(path).ok())
        == std::env::current_exe().ok();
    if installed {
        return Finding::Notice {
            what: format!("not on the PATH: {}", missing.join(", ")),
            advice: "cargo zvm setup --links (or --fix) links them beside cargo-zvm".to_owned(),
            fix: Some(Fix::Links),
        };
    }
    notice(
        format!("not on the PATH: {}", missing.join(", ")),
        "cargo install --locked --path toolchain, with ~/.cargo/bin on the PATH; `cargo zvm exec` has all of them in any case".to_owned(),
    )
}

fn debugger() -> Finding {
    match answer("gdb", &["--version"]) {
        Some(line) => Finding::Fine(line),
        None => notice(
            "gdb is not installed",
            "install gdb for `cargo zvm debug`".to_owned(),
        ),
    }
}

/// What comes out of it all, in the end.
fn program() -> Finding {
    if !is_set_up() {
        return notice(
            "not tried: the compiler is not there yet",
            "cargo zvm setup".to_owned(),
        );
    }
    match hello() {
        Ok(()) => Finding::Fine("built, validated, ran".to_owned()),
        Err(error) => problem(
            format!("{error:#}"),
            "solve the problems above first; else report this",
        ),
    }
}

fn hello() -> Result<()> {
    const SOURCE: &str = "#include <stdio.h>\nint main(void) { puts(\"well\"); return 0; }\n";
    let folder = tempfile::tempdir()?;
    let (source, image) = (folder.path().join("a.c"), folder.path().join("a.zvm"));
    fs::write(&source, SOURCE)?;
    // This executable under the other names that it has.
    let run = |name: &str, args: &[&OsStr]| -> Result<String> {
        let output = Command::new(std::env::current_exe()?)
            .arg0(name)
            .args(args)
            .env_remove("ZVM_CC")
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{name} ended with {}: {}", output.status, said.trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    run("zvm-cc", &[source.as_ref(), "-o".as_ref(), image.as_ref()])?;
    let said = run("zvm", &["run".as_ref(), image.as_ref()])?;
    if said != "well\n" {
        bail!("a program printed {said:?} instead of \"well\"");
    }
    Ok(())
}
