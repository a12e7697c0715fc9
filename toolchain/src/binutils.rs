//! `zvm-ar` and kin: the archiver and object tools that build systems expect beside a compiler.
//!
//! `ar` and `ranlib` are the bundled LLVM's. `strip` is ours for images: their headers lie where the guest reads them, so only
//! what is behind the loaded part may go. `nm` is the system's, which reads images, objects and archives alike.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use zvm_sysroot::{Progress, Sysroot};

use crate::cc::output;
use crate::problem;

/// Which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binutil {
    /// Makes archives.
    Ar,
    /// Gives archives an index.
    Ranlib,
    /// Lists symbols.
    Nm,
    /// Takes symbols out.
    Strip,
}

impl Binutil {
    /// The tool of this name.
    pub fn named(name: &str) -> Option<Binutil> {
        Some(match name {
            "ar" => Binutil::Ar,
            "ranlib" => Binutil::Ranlib,
            "nm" => Binutil::Nm,
            "strip" => Binutil::Strip,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Binutil::Ar => "ar",
            Binutil::Ranlib => "ranlib",
            Binutil::Nm => "nm",
            Binutil::Strip => "strip",
        }
    }
}

/// The command; `args` starts with the program's name.
pub fn main(tool: Binutil, args: Vec<OsString>) -> ExitCode {
    match execute(tool, &args[args.len().min(1)..]) {
        Ok(code) => code,
        Err(error) => {
            problem::print(&format!("zvm-{}", tool.name()), &error);
            ExitCode::FAILURE
        }
    }
}

fn execute(tool: Binutil, args: &[OsString]) -> Result<ExitCode> {
    let mut command = match tool {
        Binutil::Strip => return strip(args),
        Binutil::Nm => Command::new("nm"),
        Binutil::Ar | Binutil::Ranlib => {
            let sysroot = Sysroot::open(&Progress::new("zvm-ar"))?;
            let mut command = Command::new(sysroot.zig());
            command.envs(sysroot.zig_env()).arg(tool.name());
            command
        }
    };
    let status = command
        .args(args)
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    Ok(exit_code(status))
}

/// A child's status as this process's.
pub(crate) fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    ExitCode::from(status_code(status))
}

/// A child's status as a shell shows it.
pub(crate) fn status_code(status: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let signal = || 128u8.wrapping_add(status.signal().unwrap_or(0) as u8);
    status.code().map_or_else(signal, |code| code as u8)
}

/// `strip [-o FILE] FILE…`: images lose symbols and debug information; objects and archives stay as they are, since what an image
/// keeps of them is decided at the link.
fn strip(args: &[OsString]) -> Result<ExitCode> {
    let mut output: Option<&OsString> = None;
    let mut files = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        match &*text {
            "-o" => output = Some(args.next().context("missing the value of -o")?),
            "-R" | "-K" | "-N" | "-F" | "-I" | "-O" => drop(args.next()),
            "--version" => {
                println!("zvm-strip {}", env!("CARGO_PKG_VERSION"));
                return Ok(ExitCode::SUCCESS);
            }
            _ if text.starts_with('-') => {}
            _ => files.push(Path::new(arg)),
        }
    }
    if files.is_empty() || (output.is_some() && files.len() > 1) {
        bail!("usage: zvm-strip [-o FILE] FILE...");
    }
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let stripped = loaded_part(&bytes).unwrap_or(bytes);
        output::write(output.map_or(file, Path::new), &stripped)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An executable without what no segment holds: section headers, symbols, debug information. `None` for other files.
fn loaded_part(bytes: &[u8]) -> Option<Vec<u8>> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    const ET_EXEC: u16 = 2;
    if !bytes.starts_with(b"\x7fELF\x02\x01") || u16_at(16)? != ET_EXEC {
        return None;
    }
    let (table, size, count) = (u64_at(32)?, u16_at(54)?, u16_at(56)?);
    // The header table is part of what stays.
    const HEADER: u16 = 56;
    let length = u64::from(size) * u64::from(count);
    let mut end = table.checked_add(length)?;
    if size < HEADER || table < 64 || end > bytes.len() as u64 {
        return None;
    }
    for index in 0..u64::from(count) {
        let header = usize::try_from(table + index * u64::from(size)).ok()?;
        end = end.max(u64_at(header + 8)?.checked_add(u64_at(header + 32)?)?);
    }
    let mut out = bytes.get(..usize::try_from(end).ok()?)?.to_vec();
    // No section headers: e_shoff, then e_shnum and e_shstrndx.
    out[40..48].fill(0);
    out[60..64].fill(0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_executable_stays() {
        assert_eq!(loaded_part(b""), None);
        assert_eq!(loaded_part(b"!<arch>\n"), None);
        let mut object = vec![0; 64];
        object[..6].copy_from_slice(b"\x7fELF\x02\x01");
        object[16] = 1;
        assert_eq!(loaded_part(&object), None);
        object[16] = 2;
        object[56] = 1;
        assert_eq!(loaded_part(&object), None, "its header table is cut off");
    }
}
