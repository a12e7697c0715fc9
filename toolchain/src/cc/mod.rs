//! `zvm-cc`: a compiler driver with gcc's command line that makes images for the sandbox.
//!
//! The phases: `response` expands `@files`, [`args`] makes an [`invocation`] of the command line, `query` answers questions,
//! [`compiler`] and [`compile`] make objects with an ordinary compiler, [`link`](mod@link) makes an ordinary ELF with an
//! ordinary linker and rewrites it. Every phase can be used alone; `cargo-zvm` does so.

pub mod args;
pub mod compile;
pub mod compiler;
mod dependencies;
mod error;
mod host;
pub mod invocation;
pub mod language;
pub mod ld;
pub mod link;
mod linker_flags;
pub mod output;
mod query;
pub mod record;
pub mod reporting;
mod response;
pub mod run;
mod stack;
mod unchanged;

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;

use zvm_sysroot::{Progress, Sysroot};

use args::DYNAMIC;
use compiler::Compiler;
pub use error::CcError;
use invocation::{Invocation, Item, Stage};
use link::{LinkJob, Product};
use run::Show;

/// Whose command line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// gcc's: `zvm-cc`.
    C,
    /// g++'s: `zvm-c++`. C files are C++, and the C++ library is linked.
    Cxx,
}

/// The command `zvm-cc` or `zvm-c++`; `args` starts with the program's name.
pub fn main(driver: Driver, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = args.into_iter().skip(1);
    if host::is_wanted() {
        return host::become_compiler(driver, args);
    }
    let outcome = response::expand(args)
        .and_then(args::parse)
        .and_then(|mut call| {
            if driver == Driver::Cxx {
                call.make_cxx();
            }
            execute(&call)
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.status();
            error.print("zvm-cc");
            ExitCode::from(status)
        }
    }
}

/// Does what a command line asks for.
///
/// # Errors
/// [`CcError`]; compilers and the linker have then already said why on stderr.
pub fn execute(call: &Invocation) -> Result<(), CcError> {
    let progress = Progress::new("zvm-cc");
    let sysroot = Sysroot::open(&progress)?;
    let mut compiler = Compiler::find(call.compiler.as_deref(), &sysroot)?;
    if let Some(query) = &call.query {
        return query::answer(query, &sysroot, &compiler, call.gnu_ld);
    }
    let mut cxx = None;
    if call.wants_cxx() {
        let library = sysroot.cxx(&progress)?;
        if call.has_cxx_source() {
            compiler = compiler.with_cxx(library.clone())?;
        }
        cxx = Some(library);
    }
    let has_input = |wanted: fn(&Item) -> bool| call.items.iter().any(wanted);
    let show = match (call.dry_run, call.verbose) {
        (true, _) => Show::Only,
        (_, true) => Show::Too,
        _ => Show::Nothing,
    };
    if show != Show::Nothing {
        eprintln!("{}", query::version(&compiler)?);
    }
    if !call.quiet {
        warn(call);
    }
    if !has_input(|item| !matches!(item, Item::Linker(_))) {
        return if call.verbose {
            Ok(())
        } else {
            Err(CcError::usage(
                "no input files",
                "",
                "name a source: zvm-cc -O2 prog.c -o prog.zvm",
            ))
        };
    }
    if call.stage != Stage::Link {
        if !has_input(|item| matches!(item, Item::Source { .. })) {
            return Err(CcError::usage(
                "no source files",
                "objects and archives are only for linking",
                "",
            ));
        }
        check_files(call, &[call.output.as_deref()])?;
        return compile::last_step(&compiler, call, show);
    }
    let output = call.output.clone();
    let output = output.unwrap_or_else(|| link::default_output().to_owned());
    let outputs = [
        Some(&*output),
        call.emit_elf.as_deref(),
        call.reporting.map.as_deref(),
        call.link_dependencies.as_deref(),
    ];
    check_files(call, &outputs)?;
    let temp =
        tempfile::tempdir().map_err(CcError::file("create a folder in", &std::env::temp_dir()))?;
    let mut inputs = compile::to_objects(&compiler, call, temp.path(), show)?;
    check_objects(call)?;
    inputs.extend(
        compiler
            .prefixes()
            .iter()
            .flat_map(|prefix| ["-L".into(), prefix.join("lib").into()]),
    );
    let mut job = LinkJob {
        product: match (call.relocatable, call.native) {
            (true, _) => Product::Object,
            (_, true) => Product::Native,
            _ => Product::Image,
        },
        output,
        inputs,
        level: call.level.unwrap_or(1),
        strip: call.strip,
        start_files: !call.no_start_files,
        pie: match call.native && call.static_pie {
            true => Some(sysroot.pie(&progress)?),
            false => None,
        },
        cxx: cxx.map(|library| link::CxxLink {
            folder: library.lib(),
            implied: call.cxx && !call.no_std_lib,
        }),
        gnu_ld: call.gnu_ld,
        emit_elf: call.emit_elf.clone(),
        dependencies: call.link_dependencies.clone(),
        reporting: call.reporting.clone(),
        folder: None,
        show,
    };
    if let Some(folder) = record::folder().filter(|_| job.product == Product::Image) {
        record::keep(&folder, &job, temp.path())?;
        job.product = Product::Native;
    }
    let stats = link::link(&sysroot, &job)?;
    if let Some(stats) = stats.filter(|stats| stats.above_level > 0 && !call.quiet) {
        eprintln!(
            "zvm-cc: warning: {} instructions need more than x86-64-v{} and would end the program if they were reached; \
             give -march=x86-64-v3 (AVX2) or -march=x86-64-v4 (AVX-512) when linking, too, if the CPU may be newer",
            stats.above_level, job.level
        );
    }
    Ok(())
}

/// Of options that do not do what they say elsewhere.
fn warn(call: &Invocation) {
    if call.level.unwrap_or(1) < 3 && call.compile.iter().any(|flag| flag == "-mbmi") {
        eprintln!(
            "zvm-cc: warning: -mbmi: below x86-64-v3 tzcnt is bsf, which compilers write the same way where no 0 comes, so of 0 it \
             gives a wrong number; add -march=x86-64-v3 unless the code asks cpuid first"
        );
    }
    if call.split_debug {
        eprintln!(
            "zvm-cc: warning: -gsplit-dwarf is left out: .dwo files would describe the code from before the rewriting; debugging \
             information stays in the object, and the image's is right"
        );
    }
}

/// Said here, and not by a compiler under another name: a source cannot be read, or an output is one of the inputs.
fn check_files(call: &Invocation, outputs: &[Option<&Path>]) -> Result<(), CcError> {
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
    };
    for item in &call.items {
        let path = match item {
            Item::Source { path, .. } if path.as_os_str() == "-" => continue,
            Item::Source { path, .. } => {
                std::fs::metadata(path).map_err(CcError::file("read", path))?;
                path
            }
            Item::Object(path) => path,
            Item::Linker(_) => continue,
        };
        let input = identity(path);
        let mut outputs = outputs.iter().copied().flatten();
        if let Some(output) = outputs.find(|output| input.is_some() && identity(output) == input) {
            return Err(CcError::usage(
                format!("cannot write {}", output.display()),
                format!("it is an input, too: {}", path.display()),
                "give -o another name",
            ));
        }
    }
    Ok(())
}

/// Shared libraries cannot be linked in.
fn check_objects(call: &Invocation) -> Result<(), CcError> {
    for item in &call.items {
        let Item::Object(path) = item else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".so") || name.contains(".so.") {
            return Err(CcError::usage(
                format!("cannot link {}", path.display()),
                DYNAMIC.0,
                "link the static library (.a) of the same name",
            ));
        }
    }
    Ok(())
}
