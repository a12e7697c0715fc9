//! What was read, as rules for make: the compiler's `-MD`, whose output is a link's, and the linker's `--dependency-file`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::CcError;
use super::invocation::{Invocation, Item};

/// Where the compilations of one link write their dependencies.
pub struct Dependencies {
    /// `-MD` or `-MMD` asks for them.
    wanted: bool,
    /// `-MF`, the last.
    file: Option<PathBuf>,
    /// `-MT` or `-MQ` says the target.
    has_target: bool,
    output: Option<PathBuf>,
    /// The files of several sources that are to become one, in their order.
    parts: Vec<PathBuf>,
    several: bool,
}

impl Dependencies {
    /// Of a link that compiles.
    pub fn of(call: &Invocation) -> Dependencies {
        let mut dependencies = Dependencies {
            wanted: false,
            file: None,
            has_target: false,
            output: call.output.clone(),
            parts: Vec::new(),
            several: call.items.iter().filter(|item| is_source(item)).count() > 1,
        };
        let mut options = call.compile.iter();
        while let Some(option) = options.next() {
            match option.as_bytes() {
                b"-MD" | b"-MMD" => dependencies.wanted = true,
                b"-MF" => dependencies.file = options.next().map(PathBuf::from),
                [b'-', b'M', b'T' | b'Q', ..] => dependencies.has_target = true,
                [b'-', b'M', b'F', file @ ..] => {
                    dependencies.file = Some(OsStr::from_bytes(file).into());
                }
                _ => {}
            }
        }
        dependencies
    }

    /// Options for the compilation of the source called `stem` to `object`, a temporary file: without them, the compiler would
    /// put the dependencies beside that and name it as target.
    pub fn options(&mut self, stem: &OsStr, object: &Path) -> Vec<OsString> {
        if !self.wanted {
            return Vec::new();
        }
        let beside = |path: &Path, extension| path.with_extension(extension).into_os_string();
        let mut options: Vec<OsString> = Vec::new();
        match (&self.file, &self.output) {
            // Side by side, they would write over each other.
            (Some(_), _) if self.several => {
                let part = object.with_extension("d");
                options.extend(["-MF".into(), part.clone().into()]);
                self.parts.push(part);
            }
            (Some(_), _) => {}
            (None, Some(output)) if !self.several => {
                options.extend(["-MF".into(), beside(output, "d")]);
            }
            (None, _) => options.extend(["-MF".into(), beside(Path::new(stem), "d")]),
        }
        if !self.has_target {
            // Without -o it is the object's name, as gcc and clang have it.
            let target = match &self.output {
                Some(output) => output.into(),
                None => beside(Path::new(stem), "o"),
            };
            options.extend(["-MT".into(), target]);
        }
        options
    }

    /// When all is compiled: one file of the rules of several sources.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn join(&self) -> Result<(), CcError> {
        let Some(file) = self.file.as_ref().filter(|_| !self.parts.is_empty()) else {
            return Ok(());
        };
        let mut rules = Vec::new();
        for part in &self.parts {
            rules.extend(fs::read(part).map_err(CcError::file("read", part))?);
        }
        fs::write(file, rules).map_err(CcError::file("write", file))
    }
}

fn is_source(item: &Item) -> bool {
    matches!(item, Item::Source { .. })
}

/// The linker's `rules` for `linked`, a temporary file, as rules for `output`.
pub fn for_output(rules: Vec<u8>, linked: &Path, output: &Path) -> Vec<u8> {
    let quoted = |path: &Path| {
        let mut name = Vec::new();
        for &byte in path.as_os_str().as_bytes() {
            match byte {
                b' ' | b'#' => name.push(b'\\'),
                b'$' => name.push(b'$'),
                _ => {}
            }
            name.push(byte);
        }
        name
    };
    // No linker quotes the target.
    match rules.strip_prefix(linked.as_os_str().as_bytes()) {
        Some(rest) => [&*quoted(output), rest].concat(),
        None => rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cc::args::parse;

    fn options(args: &str) -> Vec<String> {
        let call = parse(args.split_whitespace().map(OsString::from).collect()).expect(args);
        let mut dependencies = Dependencies::of(&call);
        let mut out = Vec::new();
        for (number, item) in call.items.iter().enumerate() {
            if let Item::Source { path, .. } = item {
                let stem = path.file_stem().expect("a name");
                let object = PathBuf::from(format!("/t/{number}.o"));
                out.push(
                    dependencies
                        .options(stem, &object)
                        .join(OsStr::new(" "))
                        .into_string()
                        .expect("text"),
                );
            }
        }
        out
    }

    #[test]
    fn the_target_is_what_is_linked() {
        assert_eq!(options("a.c -o bin/prog"), [""]);
        assert_eq!(
            options("-MD a.c -o bin/prog"),
            ["-MF bin/prog.d -MT bin/prog"]
        );
        assert_eq!(options("-MMD a.c"), ["-MF a.d -MT a.o"]);
        assert_eq!(options("-MD -MF x a.c -o prog"), ["-MT prog"]);
        assert_eq!(options("-Wp,-MMD,x a.c -o prog"), ["-MT prog"]);
        assert_eq!(options("-MD -MFx -MTy a.c -o prog"), [""]);
        assert_eq!(
            options("-MD a.c b.c -o prog"),
            ["-MF a.d -MT prog", "-MF b.d -MT prog"]
        );
        assert_eq!(
            options("-MD -MF x a.c b.c -o prog"),
            ["-MF /t/0.d -MT prog", "-MF /t/1.d -MT prog"]
        );
    }

    #[test]
    fn the_linker_s_rules_name_the_output() {
        let rules = b"/t/linked.elf: \\\n a.o\n\na.o:\n".to_vec();
        assert_eq!(
            for_output(rules, Path::new("/t/linked.elf"), Path::new("my prog")),
            b"my\\ prog: \\\n a.o\n\na.o:\n"
        );
    }
}
