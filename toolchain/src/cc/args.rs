//! Reads gcc's command line.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::error::CcError;
use super::invocation::{Invocation, Item, Query, Stage};
use super::language::is_source;
use super::linker_flags::{self, LinkerFlag};

/// Compiler options whose value may be the next argument, and does not matter to us.
const WITH_VALUE: &[&str] = &[
    "-include",
    "-include-pch",
    "-imacros",
    "-isystem",
    "-cxx-isystem",
    "-ivfsoverlay",
    "-iwithsysroot",
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
    "-serialize-diagnostics",
    "--serialize-diagnostics",
    "-working-directory",
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

/// Why there are no shared libraries, and what to do instead.
pub const DYNAMIC: (&str, &str) = (
    "an image is one static program: the sandbox has no dynamic linker",
    "build a static library and link it in",
);

/// Why nothing counts what runs, and what to do instead.
const COUNTERS: (&str, &str) = (
    "the runtime that would write the counters is not in the sysroot",
    "measure a build of the host's own compiler; -fprofile-use=FILE takes what that found out",
);

/// Options that an image cannot have, with or without `=VALUE`: why, and what to do.
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
    ("--coverage", COUNTERS.0, COUNTERS.1),
    ("-coverage", COUNTERS.0, COUNTERS.1),
    ("-fprofile-arcs", COUNTERS.0, COUNTERS.1),
    ("-ftest-coverage", COUNTERS.0, COUNTERS.1),
    ("-fprofile-generate", COUNTERS.0, COUNTERS.1),
    ("-fcs-profile-generate", COUNTERS.0, COUNTERS.1),
    ("-fprofile-instr-generate", COUNTERS.0, COUNTERS.1),
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
    if parser.out.stage == Stage::Link && parser.out.is_all_headers() {
        // A precompiled header is the last step.
        parser.out.stage = Stage::Object;
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
            "--output" => self.out.output = Some(self.value(text)?.into()),
            _ if arg.as_bytes().starts_with(b"--output=") => {
                let path = OsString::from_vec(arg.as_bytes()["--output=".len()..].to_vec());
                out.output = Some(path.into());
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
            // What an image's .dwo files would say is the code from before the rewriting.
            "-gsplit-dwarf" => out.split_debug = true,
            _ if text.starts_with("-gsplit-dwarf=") => out.split_debug = true,
            _ if IGNORED.contains(&text) => {}
            _ => {
                let name = text.split_once('=').map_or(text, |(name, _)| name);
                let refused = REFUSED.iter().find(|(option, ..)| {
                    *option == name || (*option == "-T" && text.starts_with("-T"))
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
        if let Some(list) = bytes.strip_prefix(b"-Wp,") {
            self.preprocessor(list);
            return Ok(true);
        }
        match text {
            "-Xlinker" => {
                let flag = self.value(text)?;
                self.linker_word(flag)?;
            }
            "-e" => {
                self.linker_word(arg.to_owned())?;
                let value = self.value(text)?;
                self.linker_word(value)?;
            }
            _ if bytes.starts_with(b"-z") || bytes.starts_with(b"-u") && text != "-undef" => {
                let option = if bytes[1] == b'z' { "-z" } else { "-u" };
                let value = self.joined(option, arg)?;
                self.linker_word(option.into())?;
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

    /// The preprocessor's words of a `-Wp,`. With a file behind it, its `-MD` is what the driver calls `-MD -MF`.
    fn preprocessor(&mut self, list: &[u8]) {
        let mut words = list.split(|&byte| byte == b',');
        let own = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        while let Some(word) = words.next() {
            let file = match word {
                b"-MD" | b"-MMD" => words.next(),
                _ => None,
            };
            self.out.compile.push(match file {
                Some(_) => own(word),
                None => own(&[b"-Wp,", word].concat()),
            });
            if let Some(file) = file {
                self.out.compile.extend(["-MF".into(), own(file)]);
            }
        }
    }

    /// One argument of the linker; it may be the value of the one before, even from another `-Wl` (`-Wl,-u -Wl,main`).
    fn linker_word(&mut self, word: OsString) -> Result<(), CcError> {
        if let Some((flag, kind)) = self.pending.take() {
            match kind {
                LinkerFlag::Pass => self.out.items.extend([flag, word].map(Item::Linker)),
                LinkerFlag::Keyword => self.keyword(word),
                LinkerFlag::Dependencies => self.out.link_dependencies = Some(word.into()),
                _ => {}
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
            LinkerFlag::Relocatable => self.out.relocatable = true,
            LinkerFlag::Keyword => {
                self.keyword(OsString::from_vec(word.as_bytes()["-z".len()..].to_vec()));
            }
            LinkerFlag::Dependencies => {
                let file = word.as_bytes().splitn(2, |&byte| byte == b'=').nth(1);
                self.out.link_dependencies = file.map(|file| OsStr::from_bytes(file).into());
            }
            LinkerFlag::Question => {
                self.out.query.get_or_insert(Query::Linker(word));
            }
            LinkerFlag::Input => self.out.items.push(Item::Object(word.into())),
            LinkerFlag::Pass => self.out.items.push(Item::Linker(word)),
        }
        Ok(())
    }

    /// What stands behind the linker's `-z`.
    fn keyword(&mut self, word: OsString) {
        if linker_flags::keyword_matters(&word) {
            self.out.items.extend(["-z".into(), word].map(Item::Linker));
        }
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

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
