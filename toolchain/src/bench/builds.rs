//! The same program built in each way that is compared.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use object::{Object as _, ObjectSection as _, SectionFlags};
use zvm_rewriter::{Options, Stats};
use zvm_sysroot::Sysroot;

use super::suite::Run;
use crate::cc::compile;
use crate::cc::run::Show;
use crate::project::Project;
use crate::project::build::{BuildOptions, build, flags, is_cxx, level, say, sources};
use crate::project::run::{RunOptions, image_args, native_command};

/// A way to build and run a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The same objects, the same C library and the same linker, without the sandbox.
    Native,
    /// An image in the sandbox.
    Sandboxed,
    /// The system's compiler and C library, dynamically linked.
    Glibc,
    /// WebAssembly, compiled by the SDK's compiler, run by `wasmtime`.
    Wasm,
}

impl Side {
    /// For people and for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Side::Native => "native",
            Side::Sandboxed => "sandboxed",
            Side::Glibc => "glibc",
            Side::Wasm => "wasm",
        }
    }
}

/// Sizes of code, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Of the native program.
    pub native: u64,
    /// Of what was rewritten: the same and libzrt.
    pub linked: u64,
    /// Of the image.
    pub image: u64,
    /// What the rewriter counted, where the linked file is there to ask.
    pub stats: Option<Stats>,
}

impl Text {
    /// What rewriting adds; 0.25 is a quarter.
    pub fn growth(&self) -> f64 {
        self.share(self.image as f64 - self.linked as f64)
    }

    /// The growth by its causes, which add up to it.
    pub fn causes(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let causes = self.stats.iter().flat_map(Stats::growth);
        causes.map(|(name, bytes)| (name, self.share(bytes as f64)))
    }

    fn share(&self, bytes: f64) -> f64 {
        bytes / self.linked.max(1) as f64
    }
}

/// A program, built.
#[derive(Debug)]
pub struct Built {
    /// The sides that could be built, with their programs, native and sandboxed first.
    pub sides: Vec<(Side, PathBuf)>,
    /// Why others could not.
    pub failed: Vec<(Side, String)>,
    /// Code sizes.
    pub text: Text,
}

/// Builds `project` in all ways that `wanted` names, besides natively and sandboxed.
///
/// # Errors
/// It cannot be built natively or for the sandbox.
pub fn all(
    project: &Project,
    sysroot: &Sysroot,
    compiler: Option<&OsString>,
    wanted: &[Side],
) -> Result<Built> {
    let options = |native| BuildOptions {
        compiler: compiler.cloned(),
        native,
        keep_elf: !native,
    };
    let native = build(project, sysroot, &options(true))?;
    let image = build(project, sysroot, &options(false))?;
    let text = Text {
        native: code_size(&native)?,
        linked: code_size(&image.with_extension("elf"))?,
        image: code_size(&image)?,
        stats: Some(stats(&image.with_extension("elf"), level(project)?)?),
    };
    let mut built = Built {
        sides: vec![(Side::Native, native), (Side::Sandboxed, image)],
        failed: Vec::new(),
        text,
    };
    for &side in wanted {
        let done = match side {
            Side::Glibc => system(project),
            Side::Wasm => wasm(project, sysroot),
            Side::Native | Side::Sandboxed => continue,
        };
        match done {
            Ok(program) => built.sides.push((side, program)),
            Err(error) => built.failed.push((side, format!("{error:#}"))),
        }
    }
    Ok(built)
}

/// Bytes in executable sections.
fn code_size(path: &Path) -> Result<u64> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(&*bytes)
        .with_context(|| format!("{} is no ELF file", path.display()))?;
    let executable = u64::from(object::elf::SHF_EXECINSTR);
    let code = file.sections().filter(|section| {
        matches!(section.flags(), SectionFlags::Elf { sh_flags } if sh_flags & executable != 0)
    });
    Ok(code.map(|section| section.size()).sum())
}

/// What the rewriter counts when it rewrites the linked program.
fn stats(elf: &Path, level: u32) -> Result<Stats> {
    let bytes = std::fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let options = Options {
        level,
        ..Options::default()
    };
    let image = zvm_rewriter::rewrite(&bytes, &options)
        .with_context(|| format!("cannot rewrite {}", elf.display()))?;
    Ok(image.stats)
}

/// The system's compilers for C and for C++.
const SYSTEM: [&str; 2] = ["gcc", "g++"];

/// The ordinary build of this system: its compiler, its C library, position-independent and dynamic if that is its default.
fn system(project: &Project) -> Result<PathBuf> {
    let sources = sources(project)?;
    let dir = project.build_dir().join("system");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let has_cxx = sources.iter().any(|source| is_cxx(source));
    let mut commands = Vec::new();
    let mut objects = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let cxx = is_cxx(source);
        let object = dir.join(format!("{}-{number}.o", &*project.manifest.name));
        let mut command = Command::new(SYSTEM[usize::from(cxx)]);
        command.arg("-w").args(flags(project)?);
        if cxx {
            command.args(&project.manifest.cxxflags);
        }
        command.arg("-c").arg(source).arg("-o").arg(&object);
        objects.push(object);
        commands.push(command);
    }
    let name = &project.manifest.name;
    say("Compiling", format!("{} with {}", &**name, SYSTEM[0]));
    compile::side_by_side(commands, Show::Nothing)
        .into_iter()
        .collect::<Result<Vec<()>, _>>()
        .with_context(|| format!("{} does not compile it", SYSTEM[0]))?;
    let output = project.build_dir().join(format!("{}.glibc", &**name));
    let mut link = Command::new(SYSTEM[usize::from(has_cxx)]);
    link.args(&objects).arg("-o").arg(&output);
    link.args(project.manifest.libs.iter().map(|lib| format!("-l{lib}")));
    finish(link)?;
    Ok(output)
}

/// WebAssembly with WASI, all in one command: the SDK's compiler brings that C library, too.
fn wasm(project: &Project, sysroot: &Sysroot) -> Result<PathBuf> {
    let sources = sources(project)?;
    if sources.iter().any(|source| is_cxx(source)) && sources.iter().any(|source| !is_cxx(source)) {
        bail!("C and C++ together");
    }
    let name = &project.manifest.name;
    let output = project.build_dir().join(format!("{}.wasm", &**name));
    let mut command = Command::new(sysroot.zig());
    let cxx = sources.iter().any(|source| is_cxx(source));
    command
        .envs(sysroot.zig_env())
        .arg(if cxx { "c++" } else { "cc" });
    command.args([
        "-target",
        "wasm32-wasi",
        "-w",
        "-UNDEBUG",
        "-fno-sanitize=undefined",
    ]);
    // Options for x86's instructions mean nothing there.
    let portable = |flag: &OsString| !flag.to_string_lossy().starts_with("-m");
    command.args(flags(project)?.into_iter().filter(portable));
    if cxx {
        command.args(&project.manifest.cxxflags);
    }
    command.args(&sources).arg("-o").arg(&output);
    command.args(project.manifest.libs.iter().map(|lib| format!("-l{lib}")));
    say("Compiling", format!("{} for wasm32-wasi", &**name));
    finish(command)?;
    Ok(output)
}

/// Runs a compiler; what it says becomes the reason if it fails.
fn finish(mut command: Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().find(|line| line.contains("error"));
    bail!(
        "{}",
        reason
            .or(said.lines().next())
            .unwrap_or("the compiler failed")
    )
}

/// The command that does one run.
///
/// # Errors
/// A mount cannot be prepared.
pub fn command(project: &Project, side: Side, program: &Path, run: &Run) -> Result<Command> {
    let options = RunOptions {
        args: run.args.iter().map(OsString::from).collect(),
        ..RunOptions::default()
    };
    match side {
        Side::Native | Side::Glibc => native_command(project, program, &options),
        Side::Sandboxed => {
            // This very executable, so that no other is needed.
            let mut command = Command::new(
                std::env::current_exe().context("cannot find this executable, to run images")?,
            );
            command
                .arg(super::IMAGE)
                .args(image_args(project, program, &options)?);
            Ok(command)
        }
        Side::Wasm => {
            let native = native_command(project, program, &options)?;
            let mut command = Command::new("wasmtime");
            command.args(["run", "--dir", "/"]);
            for (name, value) in &project.manifest.env {
                command.arg("--env").arg(format!("{name}={value}"));
            }
            command.arg(program).args(native.get_args());
            Ok(command)
        }
    }
}
