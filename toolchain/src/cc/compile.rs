//! Compiles sources: as the last step (`-E`, `-S`, `-c`), or to temporary objects for linking.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
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
pub fn to_objects(
    compiler: &Compiler,
    call: &Invocation,
    dir: &Path,
    show: Show,
) -> Result<Vec<OsString>, CcError> {
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
        _ => side_by_side(jobs, show)
            .into_iter()
            .collect::<Result<(), _>>()?,
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

/// `-x` belongs to the files behind it.
fn add_sources(command: &mut Command, sources: &[(&PathBuf, Option<&str>)]) {
    for (path, language) in sources {
        command.arg("-x").arg(language.unwrap_or("none")).arg(path);
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

/// With `-MD` and no `-MF` the compiler would put the dependencies beside the temporary object, and name that as target.
fn dependency_file(call: &Invocation, stem: &OsStr) -> Vec<OsString> {
    let has = |names: &[&str]| {
        call.compile
            .iter()
            .any(|option| names.iter().any(|name| option == name))
    };
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
        options.extend([
            "-MT".into(),
            Path::new(stem).with_extension("o").into_os_string(),
        ]);
    }
    options
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

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language<'l> {
    /// C or assembly.
    C,
    /// C++.
    Cxx,
    /// Its name.
    Other(&'l str),
}

/// The language that `-x` or the name says.
pub fn language_of<'l>(path: &Path, language: Option<&'l str>) -> Language<'l> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or("");
    match language {
        Some("c" | "c-header" | "cpp-output" | "assembler" | "assembler-with-cpp") => Language::C,
        Some("c++" | "c++-header" | "c++-cpp-output") => Language::Cxx,
        Some(language) => Language::Other(language),
        None => match extension {
            "C" | "cc" | "cp" | "cpp" | "cxx" | "c++" | "CPP" | "ii" => Language::Cxx,
            "m" | "mm" | "M" => Language::Other("Objective-C"),
            _ => Language::C,
        },
    }
}
