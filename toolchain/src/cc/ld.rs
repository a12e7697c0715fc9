//! `zvm-ld`: the link alone, with ld's own arguments, for build systems that call the linker themselves.

use std::ffi::OsString;
use std::process::ExitCode;

use super::error::CcError;
use super::{args, execute, linker_flags, response};

/// The command; `args` starts with the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = response::expand(args.into_iter().skip(1))
        .and_then(as_drivers)
        .and_then(args::parse)
        .and_then(|call| execute(&call));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.status();
            error.print("zvm-ld");
            ExitCode::from(status)
        }
    }
}

/// The same link in the compiler driver's words: what is no file, output or library goes through `-Xlinker`. Start files are the
/// caller's, as with any ld.
fn as_drivers(args: Vec<OsString>) -> Result<Vec<OsString>, CcError> {
    let mut out: Vec<OsString> = vec!["-nostdlib".into()];
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        let plain = !text.starts_with('-') || text.starts_with("-l") || text.starts_with("-L");
        match &*text {
            "--version" | "-v" | "--help" => out.push("--version".into()),
            "-o" | "--output" => {
                out.push("-o".into());
                out.extend(args.next());
            }
            "-r" | "--relocatable" => out.push("-r".into()),
            "-l" | "-L" => {
                out.push(arg.clone());
                out.extend(args.next());
            }
            _ if plain || text.starts_with("-o") || text.starts_with("--output=") => out.push(arg),
            _ => {
                let (_, has_value) = linker_flags::classify(&arg)?;
                let value = has_value.then(|| args.next()).flatten();
                for word in [Some(arg), value].into_iter().flatten() {
                    out.extend(["-Xlinker".into(), word]);
                }
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ld_s_words_become_the_driver_s() {
        let words = "-m elf_x86_64 -o a crt1.o a.o -L/x -lm -u main --gc-sections -r";
        let words = words.split(' ').map(OsString::from).collect();
        let out = as_drivers(words).unwrap();
        let out: Vec<_> = out.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(
            out.join(" "),
            "-nostdlib -Xlinker -m -Xlinker elf_x86_64 -o a crt1.o a.o -L/x -lm -Xlinker -u -Xlinker main \
             -Xlinker --gc-sections -r"
        );
        for joined in ["-oa", "--output=a"] {
            let out = as_drivers(vec![joined.into()]).unwrap();
            assert_eq!(out[1..], [joined]);
        }
        assert!(as_drivers(vec!["-shared".into()]).is_err());
    }
}
