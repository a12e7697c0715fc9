//! Builds a project: objects that changed, then the link, and neither if nothing did.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zvm_sysroot::{Progress, Sha256Hex, Sysroot, sha256_file};

use super::{Project, objects};
use crate::cc::args;
use crate::cc::compiler::Compiler;
use crate::cc::invocation::Item;
use crate::cc::language::{Language, language_of};
use crate::cc::link::{self, LinkJob, Product};
use crate::cc::run::Show;
use crate::port::builder;
use crate::problem::problem;

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// As `zvm-cc --compiler`.
    pub compiler: Option<OsString>,
    /// An ordinary executable of this machine.
    pub native: bool,
    /// Also keep what the linker made before rewriting, as `NAME.elf` beside the image.
    pub keep_elf: bool,
}

/// Builds and gives the path of the image, or of the native executable. What is done is told on stderr, as cargo does.
///
/// # Errors
/// A source pattern without a file, a compilation or the link failed, a file cannot be written.
pub fn build(project: &Project, sysroot: &Sysroot, options: &BuildOptions) -> Result<PathBuf> {
    let manifest = &project.manifest;
    if let Some(port) = &manifest.port {
        let built = builder::build(port, sysroot, &Progress::new("cargo zvm"))?;
        let built = project.port.get_or_init(|| built);
        return match options.native {
            true => built.native(None),
            false => built.image(None),
        };
    }
    let compiler = Compiler::find(options.compiler.as_deref(), sysroot)?;
    let sources = sources(project)?;
    // Understood as on zvm-cc's command line: refusals, levels and linker options are the same.
    let mut call = args::parse(flags(project)?)?;
    call.items.extend(
        manifest
            .libs
            .iter()
            .map(|lib| Item::Linker(format!("-l{lib}").into())),
    );

    let dir = project.build_dir();
    let (cxx_sources, c_sources): (Vec<PathBuf>, Vec<PathBuf>) =
        sources.into_iter().partition(|source| is_cxx(source));
    let cxx = if cxx_sources.is_empty() {
        None
    } else {
        Some(sysroot.cxx(&Progress::new("cargo zvm"))?)
    };
    let total = c_sources.len() + cxx_sources.len();
    let compiling = |count| {
        say(
            "Compiling",
            format!("{} ({count} of {total} files)", &*manifest.name),
        );
    };
    let mut objects = objects::update(
        &dir.join("objects"),
        &c_sources,
        &call.compile,
        &compiler,
        compiling,
    )?;
    if let Some(library) = &cxx {
        let mut options = call.compile.clone();
        options.extend(manifest.cxxflags.iter().map(OsString::from));
        let compiler = compiler.with_cxx(library.clone())?;
        let more = objects::update(
            &dir.join("objects"),
            &cxx_sources,
            &options,
            &compiler,
            compiling,
        )?;
        objects.extend(more);
    }
    let output = dir.join(format!(
        "{}.{}",
        &*manifest.name,
        if options.native { "native" } else { "zvm" }
    ));
    let mut inputs: Vec<OsString> = objects.into_iter().map(Into::into).collect();
    inputs.extend(call.items.iter().filter_map(|item| match item {
        Item::Linker(flag) => Some(flag.clone()),
        _ => None,
    }));
    let job = LinkJob {
        product: if options.native {
            Product::Native
        } else {
            Product::Image
        },
        output: output.clone(),
        inputs,
        level: call.level.unwrap_or(1),
        strip: call.strip,
        start_files: !call.no_start_files,
        pie: None,
        cxx: cxx.map(|library| link::CxxLink {
            folder: library.lib(),
            implied: true,
        }),
        gnu_ld: call.gnu_ld,
        emit_elf: options.keep_elf.then(|| output.with_extension("elf")),
        dependencies: None,
        reporting: call.reporting.clone(),
        folder: None,
        show: Show::Nothing,
    };
    let stamp = stamp(&job, sysroot)?;
    let stamp_path = dir.join(format!(
        "{}.stamp",
        output.file_name().unwrap_or_default().display()
    ));
    let present = |path: &PathBuf| path.exists();
    if output.exists()
        && job.emit_elf.as_ref().is_none_or(present)
        && fs::read_to_string(&stamp_path).is_ok_and(|old| old == stamp)
    {
        return Ok(output);
    }
    say("Linking", output.display());
    // Gone while the output does not match it.
    let _ = fs::remove_file(&stamp_path);
    link::link(sysroot, &job)?;
    fs::write(&stamp_path, stamp)
        .with_context(|| format!("cannot write {}", stamp_path.display()))?;
    Ok(output)
}

/// The options of all compilations, with `-D` and `-I`.
///
/// # Errors
/// A folder in a source that is not there.
pub(crate) fn flags(project: &Project) -> Result<Vec<OsString>> {
    let manifest = &project.manifest;
    let mut flags: Vec<OsString> = manifest.cflags.iter().map(OsString::from).collect();
    flags.extend(
        manifest
            .defines
            .iter()
            .map(|define| OsString::from(format!("-D{define}"))),
    );
    for folder in &manifest.include {
        let mut flag = OsString::from("-I");
        flag.push(project.path(folder)?);
        flags.push(flag);
    }
    Ok(flags)
}

/// Whether a source is C++, by its name.
/// The x86-64-v*level* that the project's flags ask for.
pub(crate) fn level(project: &Project) -> Result<u32> {
    Ok(args::parse(flags(project)?)?.level.unwrap_or(1))
}

pub(crate) fn is_cxx(source: &Path) -> bool {
    language_of(source, None) == Language::Cxx
}

/// One line in cargo's manner.
pub(crate) fn say(verb: &str, what: impl std::fmt::Display) {
    eprintln!("{verb:>12} {what}");
}

/// The files that the manifest's patterns name, sorted.
pub(crate) fn sources(project: &Project) -> Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    for pattern in &project.manifest.sources {
        files.extend(matches(project, pattern)?);
    }
    for pattern in &project.manifest.exclude {
        for path in matches(project, pattern)? {
            files.remove(&path);
        }
    }
    if files.is_empty() {
        bail!(
            "{}: `sources` in Zvm.toml names no file",
            project.folder.display()
        );
    }
    Ok(files.into_iter().collect())
}

pub(super) fn matches(project: &Project, pattern: &str) -> Result<Vec<PathBuf>> {
    let path = project.path(pattern)?;
    // The folder is literal, whatever its name.
    let base = project.path(
        pattern
            .split_once('/')
            .filter(|_| pattern.starts_with('@'))
            .map_or("", |(name, _)| name),
    )?;
    let rest = path.strip_prefix(&base).unwrap_or(&path);
    let full = Path::new(&glob::Pattern::escape(&base.to_string_lossy())).join(rest);
    let found = glob::glob(&full.to_string_lossy())
        .with_context(|| format!("{pattern} is not a pattern"))?;
    let files: Vec<PathBuf> = found
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot look for {pattern}"))?;
    if files.is_empty() {
        return Err(problem(
            format!(
                "{}: `{pattern}` matches no file",
                project.folder.join("Zvm.toml").display()
            ),
            "patterns start in that folder; `**` stands for folders below it",
        ));
    }
    Ok(files)
}

/// Stands for everything that goes into the link.
fn stamp(job: &LinkJob, sysroot: &Sysroot) -> Result<String> {
    let mut hash = Sha256Hex::new()
        .with(sysroot.root().as_os_str().as_encoded_bytes())
        .with(link_version()?);
    hash = hash.with(format!(
        "{:?} {} {} {} {:?} {}",
        job.product, job.level, job.strip, job.start_files, job.cxx, job.gnu_ld
    ));
    for input in &job.inputs {
        hash = hash.with(input.as_encoded_bytes());
        let path = Path::new(input);
        if path.extension() == Some(OsStr::new("o")) {
            hash = hash.with(
                sha256_file(path).with_context(|| format!("cannot read {}", path.display()))?,
            );
        }
    }
    Ok(hash.finish())
}

/// The linker's driver and the rewriter are in this very executable: it stands for their versions.
pub(crate) fn link_version() -> Result<String> {
    let path = std::env::current_exe().context("cannot find this executable")?;
    let metadata =
        fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let time = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(format!("{} {:?}", metadata.len(), time))
}
