//! Compiles sources: as the last step (`-E`, `-S`, `-c`), or to temporary objects for linking.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::compiler::Compiler;
use super::dependencies::Dependencies;
use super::error::CcError;
use super::invocation::{Invocation, Item, Stage};
use super::language::{self, Language, is_header, language_of};
use super::run::{self, Show};

/// Runs the compiler once over all sources and lets it name the outputs.
///
/// # Errors
/// It does not start, or fails.
pub fn last_step(compiler: &Compiler, call: &Invocation, show: Show) -> Result<(), CcError> {
    let sources: Vec<_> = sources(call).collect();
    for (path, language) in &sources {
        check_language(path, *language)?;
    }
    if let (Some(output), true) = (
        &call.output,
        sources.len() > 1 && call.stage != Stage::Preprocess,
    ) {
        return Err(CcError::usage(
            format!("-o {} with several files and no linking", output.display()),
            "each file has an output of its own",
            "leave -o out, or compile one file at a time",
        ));
    }
    let mut command = compiler.command(&call.compile, call.no_std_inc);
    command.args(stage_option(call)).args(verbose(show));
    if let Some(output) = &call.output {
        command.arg("-o").arg(output);
    }
    add_sources(&mut command, &sources);
    run::run(&mut command, show)
}

/// Compiles every source of a link to an object in `dir`, on all processors. Gives the linker's inputs: objects and
/// options in the order of the command line.
///
/// # Errors
/// The first compilation in that order that fails.
pub fn to_objects(
    compiler: &Compiler,
    call: &Invocation,
    dir: &Path,
    show: Show,
) -> Result<Vec<OsString>, CcError> {
    let mut jobs = Vec::new();
    let mut inputs = Vec::new();
    let mut dependencies = Dependencies::of(call);
    for item in &call.items {
        match item {
            Item::Linker(flag) => inputs.push(flag.clone()),
            Item::Object(path) => inputs.push(path.into()),
            Item::Source { path, language } => {
                check_language(path, language.as_deref())?;
                if is_header(path, language.as_deref()) {
                    return Err(CcError::usage(
                        format!("cannot link {}", path.display()),
                        "of a header the compiler makes a precompiled header, which is nothing to link",
                        "leave it out, or compile it by itself",
                    ));
                }
                let stem = path.file_stem().unwrap_or(OsStr::new("stdin"));
                // Numbered: two folders may have files of the same name.
                let object = dir.join(jobs.len().to_string()).with_extension("o");
                let mut command = compiler.command(&call.compile, call.no_std_inc);
                command.args(dependencies.options(stem, &object));
                command.args(verbose(show)).arg("-c").arg("-o").arg(&object);
                if path.as_os_str() == "-" {
                    // Side by side, commands would get none.
                    command.stdin(Stdio::inherit());
                }
                add_sources(&mut command, &[(path, language.as_deref())]);
                inputs.push(object.into());
                jobs.push(command);
            }
        }
    }
    match &mut jobs[..] {
        [] => {}
        [only] => run::run(only, show)?,
        _ => side_by_side(jobs, show)
            .into_iter()
            .collect::<Result<(), _>>()?,
    }
    if show != Show::Only {
        dependencies.join()?;
    }
    Ok(inputs)
}

/// Runs commands side by side, on all processors; what each prints stays together, in the order given. So do the results.
pub fn side_by_side(mut commands: Vec<Command>, show: Show) -> Vec<Result<(), CcError>> {
    let colour = std::io::stderr().is_terminal();
    for command in &mut commands {
        // It does not see the terminal.
        command.args(colour.then_some("-fdiagnostics-color=always"));
        run::print(command, show);
    }
    if show == Show::Only {
        return commands.iter().map(|_| Ok(())).collect();
    }
    let workers = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(commands.len());
    let slots: Vec<_> = commands
        .into_iter()
        .map(|command| Mutex::new((command, None)))
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (command, result) =
                        &mut *slot.lock().unwrap_or_else(PoisonError::into_inner);
                    *result = Some(command.output().map_err(run::start(command)));
                }
            });
        }
    });
    let results = slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner).1);
    let report = |output: Output| {
        // A closed stderr is no reason to fail.
        let _ = std::io::stderr().write_all(&output.stderr);
        run::check(output.status)
    };
    results.map(|result| result.and_then(report)).collect()
}

fn sources(call: &Invocation) -> impl Iterator<Item = (&PathBuf, Option<&str>)> {
    call.items.iter().filter_map(|item| match item {
        Item::Source { path, language } => Some((path, language.as_deref())),
        _ => None,
    })
}

/// With `-v` the compiler shows where it looks for headers, which build systems read.
fn verbose(show: Show) -> Option<&'static str> {
    (show == Show::Too).then_some("-v")
}

/// `-x` belongs to the files behind it.
fn add_sources(command: &mut Command, sources: &[(&PathBuf, Option<&str>)]) {
    for (path, language) in sources {
        let language = language.unwrap_or_else(|| language::implied(path));
        command.arg("-x").arg(language).arg(path);
    }
}

fn stage_option(call: &Invocation) -> Option<&'static str> {
    match call.stage {
        // -M is there already, and means it.
        Stage::Preprocess
            if call
                .compile
                .iter()
                .any(|option| option == "-M" || option == "-MM") =>
        {
            None
        }
        Stage::Preprocess => Some("-E"),
        Stage::Check => Some("-fsyntax-only"),
        Stage::Assembly => Some("-S"),
        Stage::Object => Some("-c"),
        Stage::Link => None,
    }
}

/// Languages that the sysroot has libraries for.
fn check_language(path: &Path, language: Option<&str>) -> Result<(), CcError> {
    match language_of(path, language) {
        Language::C | Language::Cxx => Ok(()),
        Language::Other(other) => Err(CcError::usage(
            format!("cannot compile {}", path.display()),
            format!("the sysroot has no library for {other}"),
            "give zvm-cc C, C++ or assembly",
        )),
    }
}
