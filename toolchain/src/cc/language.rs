//! What a file is, by its name and by what `-x` says.

use std::ffi::OsStr;
use std::path::Path;

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
    match language {
        Some("c" | "c-header" | "cpp-output" | "assembler" | "assembler-with-cpp") => Language::C,
        Some("c++" | "c++-header" | "c++-cpp-output") => Language::Cxx,
        Some(language) => Language::Other(language),
        None => match extension(path) {
            "C" | "cc" | "cp" | "cpp" | "cxx" | "c++" | "CPP" | "ii" => Language::Cxx,
            "m" | "mm" | "M" => Language::Other("Objective-C"),
            extension if CXX_HEADERS.contains(&extension) => Language::Cxx,
            _ => Language::C,
        },
    }
}

/// Suffixes of headers that are C++; `.h` is the language's of the driver.
const CXX_HEADERS: &[&str] = &["hh", "H", "hp", "hpp", "hxx", "h++", "HPP", "tcc"];

/// Whether it is a header, of which a compiler makes a precompiled one.
pub fn is_header(path: &Path, language: Option<&str>) -> bool {
    match language {
        Some(language) => language.ends_with("-header"),
        None => extension(path) == "h" || CXX_HEADERS.contains(&extension(path)),
    }
}

/// What `-x` says to a compiler of a file that it is not said of: not every compiler knows every header's suffix.
pub fn implied(path: &Path) -> &'static str {
    match (is_header(path, None), language_of(path, None)) {
        (true, Language::Cxx) => "c++-header",
        (true, _) => "c-header",
        (false, _) => "none",
    }
}

/// Whether gcc would compile the file, by its name.
pub fn is_source(path: &Path) -> bool {
    let known = matches!(
        extension(path),
        "c" | "i"
            | "s"
            | "S"
            | "sx"
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
    );
    known || is_header(path, None)
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(OsStr::to_str).unwrap_or("")
}
