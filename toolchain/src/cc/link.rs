//! Links objects into an ordinary ELF and rewrites that into an image; or links a native program of the same objects.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use zvm_rewriter::{Options, Stats};
use zvm_sysroot::{Pie, REQUIRED_SYMBOLS, Sysroot};

use super::error::CcError;
use super::output;
use super::reporting::{Around, Reporting};
use super::run::{self, Show};
use super::unchanged::Origin;
use super::{dependencies, stack};

/// What kind of file comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A sandboxed image.
    Image,
    /// A static executable of the host, from the same objects and the same musl, with neither libzrt nor rewriting.
    Native,
    /// One relocatable object (`-r`).
    Object,
}

/// The C++ library in a link.
#[derive(Clone, Debug)]
pub struct CxxLink {
    /// The folder of its archives.
    pub folder: PathBuf,
    /// Linked without being asked for.
    pub implied: bool,
}

/// What to link and how.
#[derive(Clone, Debug)]
pub struct LinkJob {
    /// What comes out.
    pub product: Product,
    /// Where to.
    pub output: PathBuf,
    /// Objects, archives and linker options, in order.
    pub inputs: Vec<OsString>,
    /// The image's x86-64-v*level*.
    pub level: u32,
    /// No symbols.
    pub strip: bool,
    /// With `crt1.o`.
    pub start_files: bool,
    /// A native executable is to be position-independent, with this C library.
    pub pie: Option<Pie>,
    /// With the C++ library at hand.
    pub cxx: Option<CxxLink>,
    /// By the system's GNU ld.
    pub gnu_ld: bool,
    /// Also keep the linker's output here.
    pub emit_elf: Option<PathBuf>,
    /// Also write here what the linker read, as a rule for make.
    pub dependencies: Option<PathBuf>,
    /// What to say of the rewriting.
    pub reporting: Reporting,
    /// Where relative names of inputs start; else the working folder.
    pub folder: Option<PathBuf>,
    /// What to print.
    pub show: Show,
}

/// Links. For an image, says what the rewriter did; nothing, where the image was there already.
///
/// # Errors
/// The linker fails, the rewriter refuses, or a file cannot be written. No output of an earlier link is there then.
pub fn link(sysroot: &Sysroot, job: &LinkJob) -> Result<Option<Stats>, CcError> {
    let outcome = make(sysroot, job);
    if outcome.is_err() {
        output::remove(&job.output);
    }
    outcome
}

fn make(sysroot: &Sysroot, job: &LinkJob) -> Result<Option<Stats>, CcError> {
    let temp =
        tempfile::tempdir().map_err(CcError::file("create a folder in", &std::env::temp_dir()))?;
    let elf_path = temp.path().join("linked.elf");
    let start = Instant::now();
    let mut command = linker(sysroot, job);
    command.arg("-o").arg(&elf_path);
    let rules_path = temp.path().join("linked.d");
    if job.dependencies.is_some() {
        command.arg("--dependency-file").arg(&rules_path);
    }
    run::run(&mut command, job.show)?;
    if job.show == Show::Only {
        return Ok(None);
    }
    let read = |path: &Path| fs::read(path).map_err(CcError::file("read", path));
    let mut elf = read(&elf_path)?;
    let link = start.elapsed();
    if let Some(file) = &job.dependencies {
        let rules = dependencies::for_output(read(&rules_path)?, &elf_path, &job.output);
        fs::write(file, rules).map_err(CcError::file("write", file))?;
    }
    if job.product == Product::Image
        && let Some(size) = stack::size(&job.inputs)
    {
        stack::set(&mut elf, size);
    }
    if let Some(keep) = &job.emit_elf {
        output::write(keep, &elf)?;
    }
    if job.product != Product::Image {
        output::write(&job.output, &elf)?;
        return Ok(None);
    }
    let options = Options {
        level: job.level,
        strip: job.strip,
        keep_going: job.reporting.keep_going,
        map: job.reporting.map.is_some(),
    };
    // Who asks for a report wants the rewriting.
    let origin = (job.reporting.is_silent()).then(|| Origin::of(&elf, &options));
    if origin.as_ref().is_some_and(|o| o.stands_at(&job.output)) {
        return Ok(None);
    }
    let mut image = zvm_rewriter::rewrite(&elf, &options).map_err(|source| CcError::Rewrite {
        output: job.output.clone(),
        source,
    })?;
    for warning in &image.warnings {
        eprintln!("zvm-cc: warning: {}: {warning}", job.output.display());
    }
    // What has a warning is made again, so that the warning comes again.
    if let Some(origin) = origin
        && image.warnings.is_empty()
        && image.stats.above_level == 0
    {
        origin.sign(&mut image.bytes);
    }
    let start = Instant::now();
    output::write(&job.output, &image.bytes)?;
    let write = start.elapsed();
    job.reporting.say(&image, &elf, &Around { link, write })?;
    Ok(Some(image.stats))
}

/// Lets the linker answer `--version` or `--help`.
///
/// # Errors
/// It does not start, or fails.
pub fn ask(sysroot: &Sysroot, gnu_ld: bool, question: &OsStr) -> Result<(), CcError> {
    let mut command = program(sysroot, gnu_ld);
    let status = command
        .arg(question)
        .status()
        .map_err(run::start(&command))?;
    run::check(status)
}

fn program(sysroot: &Sysroot, gnu_ld: bool) -> Command {
    if gnu_ld {
        return Command::new("ld.bfd");
    }
    let mut command = Command::new(sysroot.zig());
    command.envs(sysroot.zig_env()).arg("ld.lld");
    command
}

fn linker(sysroot: &Sysroot, job: &LinkJob) -> Command {
    let mut command = program(sysroot, job.gnu_ld);
    if job.gnu_ld {
        // An identity for destructors, which lld supplies by itself and gcc's crtbegin.o would.
        command.arg("--defsym=__dso_handle=0");
    }
    command.args(["-m", "elf_x86_64"]);
    if let Some(folder) = &job.folder {
        command.current_dir(folder);
    }
    if job.product == Product::Object {
        command.arg("-r").args(&job.inputs);
        return command;
    }
    command.args(["-static", "--gc-sections", "-z", "noexecstack"]);
    if !job.gnu_ld {
        // Sections whose start and end the program asks for stay, as GNU ld has it.
        command.args(["-z", "nostart-stop-gc"]);
    }
    let pie = job.pie.as_ref().filter(|_| job.product == Product::Native);
    match pie {
        Some(_) => command.args(["-pie", "--no-dynamic-linker", "-z", "now"]),
        None => command.arg("--no-pie"),
    };
    if job.product == Product::Image {
        command
            .arg("--emit-relocs")
            .arg("-T")
            .arg(sysroot.linker_script());
        // The rewriter calls these, and no object names them.
        command.args(REQUIRED_SYMBOLS.iter().flat_map(|symbol| ["-u", symbol]));
    } else {
        command.arg("--eh-frame-hdr");
        command.args(job.strip.then_some("--strip-all"));
    }
    if job.start_files {
        command.arg(match pie {
            Some(pie) => pie.lib().join("rcrt1.o"),
            None => sysroot.library("crt1.o"),
        });
    }
    command.args(&job.inputs);
    if let Some(pie) = pie {
        command.arg("-L").arg(pie.lib());
    }
    command.arg("-L").arg(sysroot.lib());
    if let Some(cxx) = &job.cxx {
        command.arg("-L").arg(&cxx.folder);
        command.args(cxx.implied.then_some("-lstdc++"));
    }
    command.arg(sysroot.library("glibc-names.ld"));
    command.arg("--start-group");
    if job.product == Product::Image {
        // Before musl: its fenv and long-double functions replace those that the sandbox cannot run.
        command.arg(sysroot.library("libzrt.o"));
    }
    // And the allocator and the string functions, which a native program gets too: nothing but the sandbox is to differ. (The
    // allocator is no position-independent code.)
    match pie {
        Some(pie) => command.arg(pie.lib().join("glibc.o")),
        None => command.arg(sysroot.library("libmalloc.a")),
    };
    let strings = if job.level >= 3 {
        "libstring-v3.a"
    } else {
        "libstring.a"
    };
    command.arg(sysroot.library(strings));
    command.args(
        ["libc.a", "libzigc.a", "libcompiler_rt.a"].map(|name| match pie {
            Some(pie) => pie.lib().join(name),
            None => sysroot.library(name),
        }),
    );
    command.arg("--end-group");
    command
}

/// Where the output goes without `-o`.
pub fn default_output() -> &'static Path {
    Path::new("a.out")
}
