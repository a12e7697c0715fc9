//! Reads gcc's command line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::compile::{Language, language_of};
use super::error::CcError;
use super::linker_flags::{self, LinkerFlag};
use super::reporting::Reporting;

/// Where to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `-E`, `-M`, `-MM`.
    Preprocess,
    /// `-fsyntax-only`.
    Check,
    /// `-S`.
    Assembly,
    /// `-c`.
    Object,
    /// Nothing of these: link an image.
    Link,
}

/// One thing on the command line whose place matters to the linker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A file to compile.
    Source {
        /// The path; `-` is standard input.
        path: PathBuf,
        /// What `-x` said.
        language: Option<String>,
    },
    /// An object or archive.
    Object(PathBuf),
    /// Passed to the linker as it is: `-lNAME`, `-LDIR`, `-u SYMBOL`, …
    Linker(OsString),
}

/// A question that is answered instead of compiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// `-dumpversion`, `-dumpfullversion`: the compiler's answer.
    DumpVersion(String),
    /// `-dumpmachine`, `-print-target-triple`.
    Machine,
    /// `-print-search-dirs`.
    SearchDirs,
    /// `-print-file-name=NAME`.
    FileName(OsString),
    /// `-print-prog-name=NAME`.
    ProgName(OsString),
    /// `-print-libgcc-file-name`.
    LibgccFileName,
    /// `-print-sysroot`.
    Sysroot,
    /// `-print-multiarch`, `-print-multi-directory` and kin: the answer is this fixed line.
    Fixed(&'static str),
    /// `-print-resource-dir`.
    ResourceDir,
}

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// `--compiler`; `ZVM_CC` and the default are not looked at here.
    pub compiler: Option<OsString>,
    /// Where to stop.
    pub stage: Stage,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// Options for the compiler, in order, with `-E`, `-S`, `-c`, `-o` and `-x` taken out.
    pub compile: Vec<OsString>,
    /// Inputs and the linker's arguments, in order.
    pub items: Vec<Item>,
    /// x86-64-v*level*, from `-march`.
    pub level: Option<u32>,
    /// `-s`: no symbols in the image.
    pub strip: bool,
    /// `-nostdlib`, `-nostartfiles`: no `crt1.o`.
    pub no_start_files: bool,
    /// `-nostdinc`.
    pub no_std_inc: bool,
    /// `-r`: one object out of many.
    pub relocatable: bool,
    /// `-nostdlib`, `-nodefaultlibs`: no library that is not named.
    pub no_std_lib: bool,
    /// The C++ driver's: the C++ library is linked.
    pub cxx: bool,
    /// `--native`: an ordinary executable of the host.
    pub native: bool,
    /// `-static-pie`, which only executables of the host can be.
    pub static_pie: bool,
    /// `-fuse-ld=bfd`: the system's GNU ld links, not the SDK's lld.
    pub gnu_ld: bool,
    /// `--emit-elf FILE`: keep what the linker made.
    pub emit_elf: Option<PathBuf>,
    /// `--time`, `--stats`, `--map FILE`, `--keep-going`: what to say of the rewriting.
    pub reporting: Reporting,
    /// `-v`: show the commands.
    pub verbose: bool,
    /// `-###`: show the commands, run none.
    pub dry_run: bool,
    /// `-w`: no warnings.
    pub quiet: bool,
    /// The first question asked.
    pub query: Option<Query>,
}

impl Default for Invocation {
    fn default() -> Self {
        Invocation {
            compiler: None,
            stage: Stage::Link,
            output: None,
            compile: Vec::new(),
            items: Vec::new(),
            level: None,
            strip: false,
            no_start_files: false,
            no_std_inc: false,
            relocatable: false,
            no_std_lib: false,
            cxx: false,
            native: false,
            static_pie: false,
            gnu_ld: false,
            emit_elf: None,
            reporting: Reporting::default(),
            verbose: false,
            dry_run: false,
            quiet: false,
            query: None,
        }
    }
}

/// Names of the C++ library and its unwinder, as linker arguments.
const CXX_LIBRARIES: &[&str] = &[
    "-lc++", "-lstdc++", "-lc++abi", "-lsupc++", "-lunwind", "-lgcc_eh", "-lgcc_s",
];

impl Invocation {
    /// As g++ reads it: C files are C++, and the C++ library is linked.
    pub fn make_cxx(&mut self) {
        self.cxx = true;
        for item in &mut self.items {
            if let Item::Source { path, language } = item
                && language.is_none()
                && matches!(
                    path.extension().and_then(OsStr::to_str),
                    Some("c" | "h" | "i")
                )
            {
                *language = Some("c++".to_owned());
            }
        }
    }

    /// Whether a source is C++.
    pub fn has_cxx_source(&self) -> bool {
        self.items.iter().any(|item| match item {
            Item::Source { path, language } => {
                language_of(path, language.as_deref()) == Language::Cxx
            }
            _ => false,
        })
    }

    /// Whether the C++ library's headers or archives are needed.
    pub fn wants_cxx(&self) -> bool {
        let named = |item: &Item| match item {
            Item::Linker(flag) => CXX_LIBRARIES.iter().any(|name| flag == name),
            _ => false,
        };
        self.query.is_none()
            && (self.has_cxx_source()
                || self.stage == Stage::Link && (self.cxx || self.items.iter().any(named)))
    }
}

/// Compiler options whose value may be the next argument, and does not matter to us.
const WITH_VALUE: &[&str] = &[
    "-include",
    "-imacros",
    "-isystem",
    "-idirafter",
    "-iquote",
    "-iprefix",
    "-iwithprefix",
    "-iwithprefixbefore",
    "-isysroot",
    "-MF",
    "-MT",
    "-MQ",
    "-MJ",
    "-Xpreprocessor",
    "-Xassembler",
    "-Xclang",
    "-mllvm",
    "--param",
    "-aux-info",
    "-dumpbase",
    "-dumpdir",
    "--sysroot",
    "-D",
    "-U",
    "-I",
    "-A",
];

/// Options that ask for what a static program has anyway, or for what only shared libraries have.
const IGNORED: &[&str] = &[
    "-static",
    "-no-pie",
    "-nopie",
    "-pie",
    "-rdynamic",
    "-static-libgcc",
    "-shared-libgcc",
    "-static-libstdc++",
    "-nolibc",
    "-pipe",
    "-m64",
];

/// Options of the compiler that ask for what the sandbox does not have.
/// Why there are no shared libraries, and what to do instead.
pub const DYNAMIC: (&str, &str) = (
    "an image is one static program: the sandbox has no dynamic linker",
    "build a static library and link it in",
);

/// Options that an image cannot have: why, and what to do.
const REFUSED: &[(&str, &str, &str)] = &[
    ("-shared", DYNAMIC.0, DYNAMIC.1),
    ("--shared", DYNAMIC.0, DYNAMIC.1),
    ("-m32", "the sandbox runs x86-64 code only", ""),
    ("-m16", "the sandbox runs x86-64 code only", ""),
    (
        "-mx32",
        "the sandbox runs x86-64 code with 64-bit pointers only",
        "",
    ),
    (
        "-T",
        "the layout of an image is the SDK's (zvm.ld)",
        "leave the linker script out",
    ),
    (
        "-pg",
        "there is no profiling runtime in the sandbox",
        "use perf on the host, which sees the image's symbols",
    ),
    ("-dumpspecs", "zvm-cc has no specs", ""),
];

/// Understands `args`, the command line without the program's name and with response files expanded.
///
/// # Errors
/// [`CcError::Usage`]: an option without its value, or one that asks for what an image cannot have.
pub fn parse(args: Vec<OsString>) -> Result<Invocation, CcError> {
    let mut parser = Parser {
        args: args.into_iter(),
        out: Invocation::default(),
        language: None,
        pending: None,
    };
    while let Some(arg) = parser.args.next() {
        parser.argument(&arg)?;
    }
    if let Some((flag, _)) = parser.pending {
        return Err(CcError::usage(
            format!("missing the value of the linker's {}", flag.display()),
            "",
            "",
        ));
    }
    Ok(parser.out)
}

struct Parser {
    args: std::vec::IntoIter<OsString>,
    out: Invocation,
    language: Option<String>,
    /// A linker option that waits for its value.
    pending: Option<(OsString, LinkerFlag)>,
}

impl Parser {
    fn argument(&mut self, arg: &OsStr) -> Result<(), CcError> {
        if arg == "-" || !arg.as_bytes().starts_with(b"-") {
            self.input(arg);
            return Ok(());
        }
        // An option that is no text can only be one with a path inside: the compiler's.
        let text = arg.to_str().unwrap_or("");
        if self.query(text)?
            || self.driver(text, arg)?
            || self.linker(text, arg)?
            || self.machine(text)?
        {
            return Ok(());
        }
        self.out.compile.push(arg.to_owned());
        if WITH_VALUE.contains(&text) {
            let value = self.value(text)?;
            self.out.compile.push(value);
        }
        Ok(())
    }

    fn input(&mut self, arg: &OsStr) {
        let path = PathBuf::from(arg);
        let item = if self.language.is_some() || arg == "-" || is_source(&path) {
            Item::Source {
                path,
                language: self.language.clone(),
            }
        } else {
            Item::Object(path)
        };
        self.out.items.push(item);
    }

    /// The value of `option`, which is the next argument.
    fn value(&mut self, option: &str) -> Result<OsString, CcError> {
        self.args.next().ok_or_else(|| {
            CcError::usage(
                format!("missing the value of {option} at the end of the command line"),
                "",
                "",
            )
        })
    }

    /// The value of an option that starts `arg`: what follows in it, or the next argument.
    fn joined(&mut self, option: &str, arg: &OsStr) -> Result<OsString, CcError> {
        match arg.as_bytes().strip_prefix(option.as_bytes()) {
            Some([]) | None => self.value(option),
            Some(rest) => Ok(OsString::from_vec(rest.to_vec())),
        }
    }

    /// Questions.
    fn query(&mut self, text: &str) -> Result<bool, CcError> {
        let name = text
            .strip_prefix("--")
            .or_else(|| text.strip_prefix('-'))
            .unwrap_or("");
        let query = match name {
            "help" if text.starts_with("--") => Query::Help,
            "version" if text.starts_with("--") => Query::Version,
            "dumpversion" | "dumpfullversion" => Query::DumpVersion(format!("-{name}")),
            "dumpmachine" | "print-target-triple" | "print-effective-triple" => Query::Machine,
            "print-search-dirs" => Query::SearchDirs,
            "print-libgcc-file-name" => Query::LibgccFileName,
            "print-sysroot" => Query::Sysroot,
            "print-resource-dir" => Query::ResourceDir,
            // One set of libraries, in one folder, with no name of its own.
            "print-multiarch" => Query::Fixed(""),
            "print-multi-directory" | "print-multi-os-directory" => Query::Fixed("."),
            "print-multi-lib" => Query::Fixed(".;"),
            "print-file-name" => Query::FileName(self.value(text)?),
            "print-prog-name" => Query::ProgName(self.value(text)?),
            _ => match (
                name.strip_prefix("print-file-name="),
                name.strip_prefix("print-prog-name="),
            ) {
                (Some(file), _) => Query::FileName(file.into()),
                (_, Some(program)) => Query::ProgName(program.into()),
                _ => return Ok(false),
            },
        };
        self.out.query.get_or_insert(query);
        Ok(true)
    }

    /// Options of the driver itself.
    fn driver(&mut self, text: &str, arg: &OsStr) -> Result<bool, CcError> {
        let out = &mut self.out;
        // The earlier stage wins, as in gcc.
        let mut stop = |stage| {
            out.stage = if (out.stage as u8) < (stage as u8) {
                out.stage
            } else {
                stage
            }
        };
        match text {
            "-E" => stop(Stage::Preprocess),
            "-M" | "-MM" => {
                stop(Stage::Preprocess);
                out.compile.push(arg.to_owned());
            }
            "-fsyntax-only" => stop(Stage::Check),
            "-S" => stop(Stage::Assembly),
            "-c" => stop(Stage::Object),
            "-v" => out.verbose = true,
            "-###" => {
                out.verbose = true;
                out.dry_run = true;
            }
            "-s" | "--strip" => out.strip = true,
            "-w" => {
                out.quiet = true;
                out.compile.push(arg.to_owned());
            }
            "-nostdinc" => {
                out.no_std_inc = true;
                out.compile.push(arg.to_owned());
            }
            "-nostartfiles" => out.no_start_files = true,
            "-nostdlib" => {
                out.no_start_files = true;
                out.no_std_lib = true;
            }
            "-nodefaultlibs" | "-nostdlib++" => out.no_std_lib = true,
            "-r" => out.relocatable = true,
            "--native" => out.native = true,
            "-static-pie" => out.static_pie = true,
            "-target" | "--target" => {
                let target = self.value(text)?;
                check_target(&target.to_string_lossy())?;
            }
            _ if text.starts_with("--target=") => check_target(&text["--target=".len()..])?,
            // Where to look for programs and start files: ours are in the sysroot.
            _ if text.starts_with("-B") => drop(self.joined("-B", arg)?),
            "--compiler" => self.out.compiler = Some(self.value(text)?),
            "--time" => out.reporting.time = true,
            "--stats" => out.reporting.stats = true,
            "--keep-going" => out.reporting.keep_going = true,
            "--map" => self.out.reporting.map = Some(self.value(text)?.into()),
            _ if text.starts_with("--map=") => {
                out.reporting.map = Some(text["--map=".len()..].into())
            }
            "--emit-elf" => self.out.emit_elf = Some(self.value(text)?.into()),
            _ if text.starts_with("--compiler=") => {
                out.compiler = Some(text["--compiler=".len()..].into())
            }
            _ if text.starts_with("--emit-elf=") => {
                out.emit_elf = Some(text["--emit-elf=".len()..].into())
            }
            _ if arg.as_bytes().starts_with(b"-o") && !text.starts_with("-objc") => {
                self.out.output = Some(self.joined("-o", arg)?.into());
            }
            _ if text.starts_with("-x") => {
                let language = self.joined("-x", arg)?.into_string().unwrap_or_default();
                self.language = (language != "none").then_some(language);
            }
            // The last one counts; every other linker's name means the SDK's own.
            _ if text.starts_with("-fuse-ld=") => out.gnu_ld = text == "-fuse-ld=bfd",
            _ if IGNORED.contains(&text) => {}
            _ => {
                let refused = REFUSED.iter().find(|(option, ..)| {
                    *option == text || (*option == "-T" && text.starts_with("-T"))
                });
                if let Some((_, why, advice)) = refused {
                    return Err(CcError::usage(format!("{text} cannot be"), *why, *advice));
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Options for the linker.
    fn linker(&mut self, text: &str, arg: &OsStr) -> Result<bool, CcError> {
        let bytes = arg.as_bytes();
        if let Some(list) = bytes.strip_prefix(b"-Wl,") {
            for word in list.split(|&byte| byte == b',') {
                self.linker_word(OsString::from_vec(word.to_vec()))?;
            }
            return Ok(true);
        }
        match text {
            "-Xlinker" => {
                let flag = self.value(text)?;
                self.linker_word(flag)?;
            }
            "-z" | "-e" | "-u" => {
                self.linker_word(arg.to_owned())?;
                let value = self.value(text)?;
                self.linker_word(value)?;
            }
            _ if bytes.starts_with(b"-L") || bytes.starts_with(b"-l") => {
                let option = &text[..text.len().min(2)];
                let option = if option.is_empty() { "-L" } else { option };
                let mut flag = OsString::from(option);
                flag.push(self.joined(option, arg)?);
                self.out.items.push(Item::Linker(flag));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// One argument of the linker; it may be the value of the one before, even from another `-Wl` (`-Wl,-u -Wl,main`).
    fn linker_word(&mut self, word: OsString) -> Result<(), CcError> {
        if let Some((flag, kind)) = self.pending.take() {
            if kind == LinkerFlag::Pass {
                self.out.items.extend([flag, word].map(Item::Linker));
            }
            return Ok(());
        }
        let (kind, takes_value) = linker_flags::classify(&word)?;
        if takes_value {
            self.pending = Some((word, kind));
            return Ok(());
        }
        match kind {
            LinkerFlag::Ignore => {}
            LinkerFlag::Strip => self.out.strip = true,
            LinkerFlag::Input => self.out.items.push(Item::Object(word.into())),
            LinkerFlag::Pass => self.out.items.push(Item::Linker(word)),
        }
        Ok(())
    }

    /// Options that choose the processor, and what the sandbox cannot have of them.
    fn machine(&mut self, text: &str) -> Result<bool, CcError> {
        if let Some(name) = text
            .strip_prefix("-march=")
            .or_else(|| text.strip_prefix("-mcpu="))
        {
            let level = match name.replace('_', "-").as_str() {
                "x86-64" | "baseline" => 1,
                "x86-64-v2" => 2,
                "x86-64-v3" => 3,
                "x86-64-v4" => 4,
                _ => {
                    let why = if name == "native" {
                        "an image must not depend on the machine that built it"
                    } else {
                        "an image says its level"
                    };
                    return Err(CcError::usage(
                        format!("{text} cannot be"),
                        why,
                        "choose -march=x86-64, x86-64-v2, x86-64-v3 or x86-64-v4",
                    ));
                }
            };
            self.out.level = Some(level);
            let suffix = if level == 1 {
                String::new()
            } else {
                format!("-v{level}")
            };
            self.out
                .compile
                .push(format!("-march=x86-64{suffix}").into());
            return Ok(true);
        }
        if text == "-mtune=native" {
            return Ok(true);
        }
        if let Some(what) = text.strip_prefix("-fsanitize=") {
            let traps = |flag: &[u8]| {
                flag.starts_with(b"-fsanitize-trap")
                    || flag.starts_with(b"-fsanitize-undefined-trap-on-error")
            };
            let (before, behind) = (self.out.compile.iter(), self.args.as_slice().iter());
            let traps = before.chain(behind).any(|flag| traps(flag.as_bytes()));
            if !traps {
                return Err(CcError::usage(
                    format!("{text} cannot be"),
                    format!("the runtime of the {what} sanitizer is not in the sysroot"),
                    format!("for checks that need no runtime, add -fsanitize-trap={what}"),
                ));
            }
        }
        Ok(false)
    }
}

/// What a build for another machine passes; only ours is possible.
fn check_target(target: &str) -> Result<(), CcError> {
    if target.starts_with("x86_64") && target.contains("linux") {
        return Ok(());
    }
    Err(CcError::usage(
        format!("target {target} cannot be"),
        "the sandbox runs x86-64 code for Linux only",
        "leave the target out: it is the SDK's own",
    ))
}

/// Whether gcc would compile the file, by its name.
fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or("");
    matches!(
        extension,
        "c" | "i"
            | "s"
            | "S"
            | "sx"
            | "h"
            | "C"
            | "cc"
            | "cp"
            | "cpp"
            | "cxx"
            | "c++"
            | "CPP"
            | "ii"
            | "m"
            | "mm"
            | "M"
    )
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
