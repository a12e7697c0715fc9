//! What becomes of arguments that are meant for the linker (`-Wl,…`, `-Xlinker`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::args::DYNAMIC;
use super::error::CcError;

/// What to do with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkerFlag {
    /// It is about dynamic linking, or asks for what an image has anyway.
    Ignore,
    /// No symbols in the image.
    Strip,
    /// One object out of many, as the driver's `-r`.
    Relocatable,
    /// `-z KEYWORD`: [`keyword_matters`] says what to do.
    Keyword,
    /// `--dependency-file=FILE`.
    Dependencies,
    /// The linker answers it instead of linking.
    Question,
    /// A file.
    Input,
    /// The linker understands it; it complains about what it does not know.
    Pass,
}

/// Ignored, without a value.
const IGNORED: &[&str] = &[
    "as-needed",
    "no-as-needed",
    "build-id",
    "Bstatic",
    "Bdynamic",
    "Bsymbolic",
    "Bsymbolic-functions",
    "Bsymbolic-non-weak",
    "Bsymbolic-non-weak-functions",
    "static",
    "dn",
    "dy",
    "call_shared",
    "non_shared",
    "E",
    "export-dynamic",
    "no-export-dynamic",
    "enable-new-dtags",
    "disable-new-dtags",
    "no-undefined",
    "allow-shlib-undefined",
    "no-allow-shlib-undefined",
    "no-copy-dt-needed-entries",
    "copy-dt-needed-entries",
    "add-needed",
    "no-add-needed",
    "pie",
    "no-pie",
    "hash-style",
    "eh-frame-hdr",
    "no-dynamic-linker",
    "nostdlib",
    "emit-relocs",
    "q",
    // The rewriter reads debugging information and writes it anew.
    "compress-debug-sections",
    "no-keep-memory",
    "reduce-memory-overheads",
    "relax",
    "sort-common",
];

/// Ignored, with a value.
const IGNORED_VALUE: &[&str] = &[
    "rpath",
    "R",
    "rpath-link",
    "soname",
    "h",
    "dynamic-linker",
    "I",
    "dynamic-list",
    "export-dynamic-symbol",
    "m",
    "plugin",
    "plugin-opt",
];

/// Passed on, with a value.
const PASSED_VALUE: &[&str] = &[
    "u",
    "undefined",
    "defsym",
    "Map",
    "wrap",
    "version-script",
    "y",
    "trace-symbol",
    "exclude-libs",
    "L",
    "l",
];

/// Behind `-z`, ignored, with or without `=VALUE`: about dynamic linking, page protection and layout, which the image's format
/// fixes.
const IGNORED_KEYWORDS: &[&str] = &[
    "now",
    "lazy",
    "relro",
    "norelro",
    "origin",
    "execstack",
    "noexecstack",
    "nognustack",
    "text",
    "notext",
    "textoff",
    "textwarn",
    "defs",
    "undefs",
    "combreloc",
    "nocombreloc",
    "copyreloc",
    "nocopyreloc",
    "rel",
    "rela",
    "pack-relative-relocs",
    "nopack-relative-relocs",
    "separate-code",
    "noseparate-code",
    "separate-loadable-segments",
    "max-page-size",
    "common-page-size",
    "sectionheader",
    "nosectionheader",
    "global",
    "initfirst",
    "interpose",
    "loadfltr",
    "nodefaultlib",
    "nodelete",
    "nodlopen",
    "nodump",
    "ibt",
    "ibtplt",
    "shstk",
    "force-ibt",
    "cet-report",
    "retpolineplt",
    "hazardplt",
    "ifunc-noplt",
    "wxneeded",
];

/// Refused: they would break the contract between linker and rewriter.
const LAYOUT: (&str, &str) = (
    "the layout of an image is the SDK's (zvm.ld)",
    "leave it out",
);
const ENTRY: (&str, &str) = (
    "an image starts in libzrt, which calls _start",
    "name your function _start, or leave the option out",
);
const REFUSED: &[(&str, (&str, &str))] = &[
    ("T", LAYOUT),
    ("script", LAYOUT),
    ("Ttext", LAYOUT),
    ("Tdata", LAYOUT),
    ("Tbss", LAYOUT),
    ("image-base", LAYOUT),
    ("section-start", LAYOUT),
    ("e", ENTRY),
    ("entry", ENTRY),
    ("shared", DYNAMIC),
    ("Bshareable", DYNAMIC),
];

/// What becomes of `flag`, and whether the next argument is its value.
///
/// # Errors
/// [`CcError::Usage`] for a flag that would break the image.
pub fn classify(flag: &OsStr) -> Result<(LinkerFlag, bool), CcError> {
    let bytes = flag.as_bytes();
    let Some(name) = bytes
        .strip_prefix(b"--")
        .or_else(|| bytes.strip_prefix(b"-"))
    else {
        return Ok((LinkerFlag::Input, false));
    };
    let end = name
        .iter()
        .position(|&byte| byte == b'=')
        .unwrap_or(name.len());
    let has_value = end < name.len();
    let name = std::str::from_utf8(&name[..end]).unwrap_or("");
    if let Some((_, (why, advice))) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(CcError::usage(
            format!("linker option {} cannot be", flag.display()),
            *why,
            *advice,
        ));
    }
    Ok(match name {
        "s" | "strip-all" => (LinkerFlag::Strip, false),
        "r" | "relocatable" => (LinkerFlag::Relocatable, false),
        "version" | "help" => (LinkerFlag::Question, false),
        "dependency-file" => (LinkerFlag::Dependencies, !has_value),
        // No other option starts so.
        _ if bytes.starts_with(b"-z") => (LinkerFlag::Keyword, bytes == b"-z"),
        _ if IGNORED.contains(&name) => (LinkerFlag::Ignore, false),
        _ if IGNORED_VALUE.contains(&name) => (LinkerFlag::Ignore, !has_value),
        _ if PASSED_VALUE.contains(&name) => (LinkerFlag::Pass, !has_value),
        _ => (LinkerFlag::Pass, false),
    })
}

/// Whether the linker gets `-z KEYWORD`.
pub fn keyword_matters(keyword: &OsStr) -> bool {
    let text = keyword.to_string_lossy();
    let name = text.split_once('=').map_or(&*text, |(name, _)| name);
    !IGNORED_KEYWORDS.contains(&name)
}
