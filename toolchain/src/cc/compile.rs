//! Compiles sources: as the last step (`-E`, `-S`, `-c`), or to temporary objects for linking.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::args::{Invocation, Item, Stage};
use super::compiler::Compiler;
use super::error::CcError;
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
    if let (Some(output), true) = (&call.output, sources.len() > 1 && call.stage != Stage::Preprocess) {
        return Err(CcError::Usage(format!("-o {} with several files and no linking", output.display())));
    }
    let mut command = compiler.command(&call.compile, call.no_std_inc);
    command.args(stage_option(call));
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
pub fn to_objects(compiler: &Compiler, call: &Invocation, dir: &Path, show: Show) -> Result<Vec<OsString>, CcError> {
    let mut jobs = Vec::new();
    let mut inputs = Vec::new();
    for item in &call.items {
        match item {
            Item::Linker(flag) => inputs.push(flag.clone()),
            Item::Object(path) => inputs.push(path.into()),
            Item::Source { path, language } => {
                check_language(path, language.as_deref())?;
                let stem = path.file_stem().unwrap_or(OsStr::new("stdin"));
                // Numbered: two folders may have files of the same name.
                let object = dir.join(jobs.len().to_string()).with_extension("o");
                let mut command = compiler.command(&call.compile, call.no_std_inc);
                command.args(dependency_file(call, stem));
                command.arg("-c").arg("-o").arg(&object);
                add_sources(&mut command, &[(path, language.as_deref())]);
                inputs.push(object.into());
                jobs.push(command);
            }
        }
    }
    match &mut jobs[..] {
        [] => {}
        [only] => run::run(only, show)?,
        _ => all(jobs, show)?,
    }
    Ok(inputs)
}

/// Runs commands side by side; what each prints stays together, in the order of the command line.
fn all(mut jobs: Vec<Command>, show: Show) -> Result<(), CcError> {
    for job in &mut jobs {
        if std::io::stderr().is_terminal() {
            job.arg("-fdiagnostics-color=always");
        }
        run::print(job, show);
    }
    if show == Show::Only {
        return Ok(());
    }
    let workers = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let results: Vec<_> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let count = jobs.len();
    let jobs = Mutex::new(jobs.into_iter().enumerate());
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((index, mut job)) = next else { return };
                    let result = job.output().map_err(run::start(&job));
                    *results[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    debug_assert_eq!(done.into_inner(), count);
    let mut outcome = Ok(());
    for result in results {
        let Some(result) = result.into_inner().unwrap_or_else(PoisonError::into_inner) else { continue };
        let ended = result.and_then(|output| {
            // A closed stderr is no reason to fail.
            let _ = std::io::stderr().write_all(&output.stderr);
            run::check(output.status)
        });
        outcome = outcome.and(ended);
    }
    outcome
}

fn sources(call: &Invocation) -> impl Iterator<Item = (&PathBuf, Option<&str>)> {
    call.items.iter().filter_map(|item| match item {
        Item::Source { path, language } => Some((path, language.as_deref())),
        _ => None,
    })
}

/// `-x` belongs to the files behind it.
fn add_sources(command: &mut Command, sources: &[(&PathBuf, Option<&str>)]) {
    for (path, language) in sources {
        command.arg("-x").arg(language.unwrap_or("none")).arg(path);
    }
}

fn stage_option(call: &Invocation) -> Option<&'static str> {
    match call.stage {
        // -M is there already, and means it.
        Stage::Preprocess if call.compile.iter().any(|option| option == "-M" || option == "-MM") => None,
        Stage::Preprocess => Some("-E"),
        Stage::Check => Some("-fsyntax-only"),
        Stage::Assembly => Some("-S"),
        Stage::Object => Some("-c"),
        Stage::Link => None,
    }
}

/// With `-MD` and no `-MF` the compiler would put the dependencies beside the temporary object, and name that as target.
fn dependency_file(call: &Invocation, stem: &OsStr) -> Vec<OsString> {
    let has = |names: &[&str]| call.compile.iter().any(|option| names.iter().any(|name| option == name));
    let mut options = Vec::new();
    if !has(&["-MD", "-MMD"]) {
        return options;
    }
    if !has(&["-MF"]) {
        let file = match &call.output {
            Some(output) if sources(call).count() == 1 => output.with_extension("d"),
            _ => Path::new(stem).with_extension("d"),
        };
        options.extend(["-MF".into(), file.into_os_string()]);
    }
    if !has(&["-MT", "-MQ"]) {
        options.extend(["-MT".into(), Path::new(stem).with_extension("o").into_os_string()]);
    }
    options
}

/// C and assembly are what the sysroot has libraries for.
fn check_language(path: &Path, language: Option<&str>) -> Result<(), CcError> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or("");
    let other = match language {
        Some("c" | "c-header" | "cpp-output" | "assembler" | "assembler-with-cpp") => None,
        Some(language) => Some(language),
        None => match extension {
            "C" | "cc" | "cp" | "cpp" | "cxx" | "c++" | "CPP" | "ii" => Some("C++"),
            "m" | "mm" | "M" => Some("Objective-C"),
            _ => None,
        },
    };
    match other {
        None => Ok(()),
        Some(other) => {
            Err(CcError::Usage(format!("{}: zvm-cc compiles C and assembly; the sysroot has no library for {other} yet", path.display())))
        }
    }
}
