//! Response files: `@FILE` on the command line stands for the arguments in the file, quoted as gcc reads them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::error::CcError;

/// Files within files; more are a loop.
const MAX_DEPTH: u32 = 16;

/// Replaces every `@FILE` whose file exists; like gcc, keeps the others as they are.
///
/// # Errors
/// A file cannot be read, or includes itself.
pub fn expand(args: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, CcError> {
    let mut out = Vec::new();
    for arg in args {
        add(arg, &mut out, 0)?;
    }
    Ok(out)
}

fn add(arg: OsString, out: &mut Vec<OsString>, depth: u32) -> Result<(), CcError> {
    let file = match arg.as_bytes().strip_prefix(b"@") {
        Some(name) => OsString::from_vec(name.to_vec()),
        None => {
            out.push(arg);
            return Ok(());
        }
    };
    let path = Path::new(&file);
    if !path.exists() {
        out.push(arg);
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Err(CcError::usage(
            format!("cannot read {}", arg.display()),
            format!("response files within response files, {MAX_DEPTH} deep"),
            "",
        ));
    }
    let bytes = fs::read(path).map_err(CcError::file("read", path))?;
    for word in split(&bytes) {
        add(word, out, depth + 1)?;
    }
    Ok(())
}

/// Words between blanks; quotes of both kinds keep blanks, a backslash keeps the next character.
fn split(bytes: &[u8]) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => word.get_or_insert_default().extend(bytes.next()),
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (_, Some(end)) if end == byte => quote = None,
            (_, None) if byte.is_ascii_whitespace() => {
                words.extend(word.take().map(OsString::from_vec))
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word.map(OsString::from_vec));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        let words = split(b"-c  a.c\n\t-DX='a b' \"-DY=\\\"q\\\"\" '' back\\ slash");
        assert_eq!(
            words,
            ["-c", "a.c", "-DX=a b", "-DY=\"q\"", "", "back slash"]
        );
    }

    #[test]
    fn nested_missing_and_endless() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| OsString::from(format!("@{}", dir.path().join(name).display()));
        fs::write(dir.path().join("inner"), "-O2").unwrap();
        fs::write(
            dir.path().join("outer"),
            format!("-c {} x.c", at("inner").display()),
        )
        .unwrap();
        fs::write(dir.path().join("loop"), at("loop").as_bytes()).unwrap();
        assert_eq!(expand([at("outer")]).unwrap(), ["-c", "-O2", "x.c"]);
        assert_eq!(expand([at("absent")]).unwrap(), [at("absent")]);
        assert!(expand([at("loop")]).is_err());
    }
}
