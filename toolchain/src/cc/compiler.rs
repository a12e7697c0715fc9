//! Which compiler runs, and with what in front of and behind the user's options.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zvm_sysroot::{CLANG_TRIPLE, Cxx, Sysroot};

use super::error::{COMPILERS, CcError};
use super::run;

/// Whose options it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The bundled clang.
    Zig,
    /// The system's clang.
    Clang,
    /// The system's gcc.
    Gcc,
}

/// A compiler that makes objects for the sandbox.
#[derive(Clone, Debug)]
pub struct Compiler {
    family: Family,
    program: PathBuf,
    /// Its own headers: `immintrin.h`, `stdatomic.h`.
    include: PathBuf,
    sysroot_include: PathBuf,
    /// From `ZVM_PREFIX`.
    prefixes: Vec<PathBuf>,
    env: Vec<(&'static str, PathBuf)>,
    cxx: Option<Cxx>,
}

impl Compiler {
    /// The compiler called `name`: `zig`, or a gcc or clang by name or path. Without a name, `ZVM_CC`'s, else `zig`.
    ///
    /// # Errors
    /// No such compiler, or one that is neither gcc nor clang.
    pub fn find(name: Option<&OsStr>, sysroot: &Sysroot) -> Result<Compiler, CcError> {
        let from_env = env::var_os("ZVM_CC").filter(|value| !value.is_empty());
        let name = name
            .map(OsStr::to_owned)
            .or(from_env)
            .unwrap_or_else(|| "zig".into());
        let file = Path::new(&name)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let family = if file == "zig" {
            Family::Zig
        } else if file.contains("clang") {
            Family::Clang
        } else if file.contains("gcc") {
            Family::Gcc
        } else {
            return Err(CcError::usage(
                format!("{}: not a compiler that zvm-cc knows", name.display()),
                "",
                COMPILERS,
            ));
        };
        let program = if family == Family::Zig {
            sysroot.zig()
        } else {
            PathBuf::from(name)
        };
        let include = match family {
            Family::Zig => sysroot.zig_include(),
            Family::Clang => ask(&program, "-print-resource-dir")?.join("include"),
            Family::Gcc => ask(&program, "-print-file-name=include")?,
        };
        let env = if family == Family::Zig {
            sysroot.zig_env().to_vec()
        } else {
            Vec::new()
        };
        Ok(Compiler {
            family,
            program,
            include,
            sysroot_include: sysroot.include(),
            prefixes: env::var_os("ZVM_PREFIX")
                .map(|list| {
                    env::split_paths(&list)
                        .filter(|p| !p.as_os_str().is_empty())
                        .collect()
                })
                .unwrap_or_default(),
            env,
            cxx: None,
        })
    }

    /// Lets it compile C++ with this library.
    ///
    /// # Errors
    /// Its headers are for newer compilers.
    pub fn with_cxx(mut self, cxx: Cxx) -> Result<Self, CcError> {
        if self.family != Family::Zig {
            return Err(CcError::usage(
                format!("cannot compile C++ with {}", self.program.display()),
                "the C++ library's headers need the SDK's own compiler",
                "leave --compiler and ZVM_CC out",
            ));
        }
        self.cxx = Some(cxx);
        Ok(self)
    }

    /// Folders with `include` and `lib` of more libraries, from `ZVM_PREFIX`.
    pub fn prefixes(&self) -> &[PathBuf] {
        &self.prefixes
    }

    /// Whose options it takes.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The folder of its own headers.
    pub fn include(&self) -> &Path {
        &self.include
    }

    /// Another text for another compiler, even if an upgrade put it in the same place.
    ///
    /// # Errors
    /// It does not start.
    pub fn identity(&self) -> Result<Vec<u8>, CcError> {
        let mut identity = self.program.as_os_str().as_encoded_bytes().to_vec();
        // The bundled one's path has its hash.
        if self.family != Family::Zig {
            let mut command = self.question();
            let output = command
                .arg("--version")
                .output()
                .map_err(run::start(&command))?;
            identity.extend(output.stdout);
        }
        Ok(identity)
    }

    /// A command that only asks the compiler something.
    pub fn question(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if self.family == Family::Zig {
            command.arg("clang");
        }
        command
    }

    /// A command that compiles with `options`; the caller adds `-c`, inputs and output.
    pub fn command(&self, options: &[OsString], no_std_inc: bool) -> Command {
        let mut command = self.question();
        if self.family != Family::Gcc {
            command.arg(format!("--target={CLANG_TRIPLE}"));
        }
        self.begin_own(&mut command);
        if let Some(cxx) = &self.cxx {
            command.args(cxx.defines().iter().map(|define| format!("-D{define}")));
        }
        // Images never move, so no code need be position-independent.
        command.args(["-D__ZVM__=1", "-fno-pic", "-fno-pie"]);
        self.end_own(&mut command);
        command.args(options);
        if self.family == Family::Gcc
            && options
                .iter()
                .any(|option| option.to_string_lossy().starts_with("-flto"))
        {
            // The linker is lld, which cannot read gcc's intermediate code.
            command.arg("-fno-lto");
        }
        let sanitizes = |option: &OsString| option.to_string_lossy().starts_with("-fsanitize=");
        if self.family != Family::Gcc && options.iter().any(sanitizes) {
            // Its checks read data in front of each function, and text is code here.
            command.arg("-fno-sanitize=function");
        }
        if !no_std_inc {
            self.begin_own(&mut command);
            for prefix in &self.prefixes {
                command.arg("-isystem").arg(prefix.join("include"));
            }
            // Behind the user's, as a compiler's own folders are; musl's before the compiler's, as on any system with musl.
            command.arg("-nostdinc");
            if let Some(cxx) = &self.cxx {
                command
                    .arg("-nostdinc++")
                    .arg("-isystem")
                    .arg(cxx.include());
            }
            command.arg("-isystem").arg(&self.sysroot_include);
            command.arg("-isystem").arg(&self.include);
            // gcc reads it by itself on systems with glibc, from the folders that it must not look into, and clang does not. As
            // a first `-include`, it would keep clang from a precompiled header in the user's.
            command.args(["-imacros", "stdc-predef.h"]);
            self.end_own(&mut command);
        }
        command
    }

    /// What follows is the SDK's own: clang says nothing of it where assembly has no use for it.
    fn begin_own(&self, command: &mut Command) {
        if self.family != Family::Gcc {
            command.arg("--start-no-unused-arguments");
        }
    }

    fn end_own(&self, command: &mut Command) {
        if self.family != Family::Gcc {
            command.arg("--end-no-unused-arguments");
        }
    }
}

/// The path that a compiler prints when asked.
fn ask(program: &Path, question: &str) -> Result<PathBuf, CcError> {
    let start = |source| CcError::Start {
        program: program.to_owned(),
        source,
    };
    let output = Command::new(program)
        .arg(question)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(start)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let path = PathBuf::from(text.trim_end());
    if output.status.success() && path.is_absolute() {
        return Ok(path);
    }
    Err(CcError::usage(
        format!(
            "{} does not answer {question} with a path",
            program.display()
        ),
        "it is neither gcc nor clang, or its installation is not whole",
        COMPILERS,
    ))
}
