//! A command line, understood: what is to be done with what.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::language::{Language, is_header, language_of};
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
    /// `-Wl,--version`, `-Wl,--help`: the linker's answer.
    Linker(OsString),
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
    /// `-Wl,--dependency-file=FILE`: what the linker read, as a rule for make.
    pub link_dependencies: Option<PathBuf>,
    /// `-gsplit-dwarf`, which is left out: debugging information stays in the object.
    pub split_debug: bool,
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
            link_dependencies: None,
            split_debug: false,
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
                let header = is_header(path, None);
                *language = Some(if header { "c++-header" } else { "c++" }.to_owned());
            }
        }
    }

    /// Whether there is nothing but headers to compile, and nothing to link.
    pub fn is_all_headers(&self) -> bool {
        let mut files = self.items.iter().filter_map(|item| match item {
            Item::Source { path, language } => Some(is_header(path, language.as_deref())),
            Item::Object(_) => Some(false),
            Item::Linker(_) => None,
        });
        files.next() == Some(true) && files.all(|header| header)
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
