//! Answers what configure scripts and build systems ask a compiler.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

use zvm_sysroot::{Sysroot, TRIPLE};

use super::compiler::Compiler;
use super::error::CcError;
use super::invocation::Query;
use super::{link, run};

const HELP: &str = "\
Compiles C for the ZeroVM sandbox. Takes gcc's options.

Usage: zvm-cc [OPTION | FILE]...

  zvm-cc prog.c -O2 -o prog.zvm     compile, link and rewrite into an image
  zvm run prog.zvm                  run it

Options of its own:
  --compiler zig|gcc|clang|PATH     the compiler to run (also ZVM_CC; default: the SDK's clang, called zig)
  --native                          link the same objects into an ordinary executable of this machine; with -static-pie a
                                    position-independent one
  --emit-elf FILE                   keep the linker's output, from before the rewriting
  --time                            say how long the linker and each phase of the rewriting took
  --stats                           say what the rewriting did, and what the text grew by
  --map FILE                        write where each instruction went: before, after, function
  --strip                           leave symbols and debugging information out, as -s does
  --keep-going                      list everything that cannot be made safe, not only the first
  -march=x86-64[-v2|-v3|-v4]    what CPU the image needs (default: x86-64)
  -fuse-ld=bfd                      link by the system's GNU ld instead of the SDK's lld
  -v, -###                          show the commands and run them, or only show them

ZVM_PREFIX lists folders, separated by `:`, whose include and lib are searched as the sysroot's own are.
ZVM_HOME says where the SDK keeps compiler and libraries (default: $XDG_CACHE_HOME/zvm or ~/.cache/zvm).
";

/// Prints the answer to stdout; `gnu_ld` says which linker is meant.
///
/// # Errors
/// The compiler or the linker was to be asked and does not start.
pub fn answer(
    query: &Query,
    sysroot: &Sysroot,
    compiler: &Compiler,
    gnu_ld: bool,
) -> Result<(), CcError> {
    let lib = sysroot.lib();
    match query {
        Query::Linker(question) => link::ask(sysroot, gnu_ld, question)?,
        Query::Help => print!("{HELP}"),
        Query::Version => println!("{}", version(compiler)?),
        Query::DumpVersion(question) => print!("{}", ask(compiler, question)?),
        Query::Machine => println!("{TRIPLE}"),
        Query::SearchDirs => {
            println!("install: {}", sysroot.root().display());
            println!("programs: =");
            println!("libraries: ={}", lib.display());
        }
        Query::FileName(name) => show(&file(name, &lib, compiler.include())),
        // The SDK has no binutils of its own: whatever stands in PATH, which is what the bare name says.
        Query::ProgName(name) => show(name.as_bytes()),
        Query::LibgccFileName => show(lib.join("libcompiler_rt.a").as_os_str().as_bytes()),
        Query::Sysroot => show(sysroot.root().as_os_str().as_bytes()),
        Query::Fixed(text) => println!("{text}"),
        Query::ResourceDir => show(
            compiler
                .include()
                .parent()
                .unwrap_or(Path::new("/"))
                .as_os_str()
                .as_bytes(),
        ),
    }
    Ok(())
}

/// The lines of `--version`: the compiler's own first, where build systems look for name and version, then ours.
///
/// # Errors
/// The compiler does not start.
pub fn version(compiler: &Compiler) -> Result<String, CcError> {
    let text = ask(compiler, "--version")?;
    let ours = format!("zvm-cc {}, target {TRIPLE}", env!("CARGO_PKG_VERSION"));
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("Target:") && !line.starts_with("InstalledDir:"));
    let mut lines: Vec<_> = lines.collect();
    lines.insert(lines.len().min(1), &ours);
    Ok(lines.join("\n"))
}

/// The path of a library's file, or the name alone where there is none, as gcc answers.
fn file(name: &OsStr, lib: &Path, include: &Path) -> Vec<u8> {
    let path = if name == "include" {
        include.to_owned()
    } else {
        lib.join(name)
    };
    let known = !name.is_empty() && path.exists();
    if known {
        path.into_os_string()
    } else {
        name.to_owned()
    }
    .as_bytes()
    .to_vec()
}

fn show(line: &[u8]) {
    println!("{}", OsStr::from_bytes(line).display());
}

fn ask(compiler: &Compiler, question: &str) -> Result<String, CcError> {
    let mut command = compiler.question();
    command.arg(question).stdin(Stdio::null());
    let output = command.output().map_err(run::start(&command))?;
    run::check(output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
