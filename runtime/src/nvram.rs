//! `/dev/nvram`: arguments, environment, mounts, time and seed as the text that libzrt reads (the contract).

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use crate::error::RunError;
use crate::limits;
use crate::mount::{Mode, Mount};

/// What the text says.
pub struct Nvram<'a> {
    /// argv, the program's name first.
    pub args: &'a [OsString],
    /// Environment, in this order.
    pub env: &'a [(OsString, OsString)],
    /// Mounts, in the order of their channels.
    pub mounts: &'a [Mount],
    /// Seconds since 1970 at which the guest's clock starts.
    pub seconds: u64,
    /// Seed of the guest's random bytes.
    pub seed: [u8; 32],
    /// Working directory.
    pub cwd: &'a OsStr,
    /// Alias of the channel to which libzrt shows the program's system calls, if it does.
    pub strace: Option<&'a str>,
}

impl Nvram<'_> {
    /// The text.
    ///
    /// # Errors
    /// [`RunError::Nvram`] for an impossible variable name, a NUL byte, or more than [`limits::NVRAM`] bytes.
    pub fn text(&self) -> Result<String, RunError> {
        let mut text = String::from("[args]\nargs =");
        for arg in self.args {
            text.push(' ');
            if arg.is_empty() {
                text.push_str("\"\"");
            }
            escape(&mut text, arg)?;
        }
        text.push_str("\n[env]\n");
        for (name, value) in self.env {
            if name.is_empty() || name.as_bytes().contains(&b'=') {
                return Err(RunError::Nvram(format!(
                    "{name:?} is not a name for an environment variable"
                )));
            }
            text.push_str("name=");
            escape(&mut text, name)?;
            text.push_str(", value=");
            escape(&mut text, value)?;
            text.push('\n');
        }
        text.push_str("[fstab]\n");
        for (index, mount) in self.mounts.iter().enumerate() {
            let _ = write!(text, "channel={}, mountpoint=", tar_name(index));
            escape(&mut text, mount.point.as_os_str())?;
            let _ = match mount.mode {
                Mode::ReadOnly => writeln!(text, ", access=ro"),
                Mode::Overlay => writeln!(text, ", access=overlay"),
                Mode::ReadWrite => writeln!(text, ", access=rw, out={}", out_name(index)),
            };
        }
        let _ = write!(
            text,
            "[time]\nseconds={}, nanoseconds=0\n[random]\nseed=",
            self.seconds
        );
        for byte in self.seed {
            let _ = write!(text, "{byte:02x}");
        }
        text.push_str("\n[cwd]\npath=");
        escape(&mut text, self.cwd)?;
        text.push('\n');
        if let Some(channel) = self.strace {
            let _ = writeln!(text, "[strace]\nchannel={channel}");
        }
        if text.len() > limits::NVRAM {
            return Err(RunError::Nvram(format!(
                "arguments and environment take {} bytes; the limit is {}",
                text.len(),
                limits::NVRAM
            )));
        }
        Ok(text)
    }
}

/// Alias of the channel with a mount's tar.
pub fn tar_name(index: usize) -> String {
    format!("/dev/mount/{index}.tar")
}

/// Alias of the channel to which the guest writes a mount back.
pub fn out_name(index: usize) -> String {
    format!("/dev/mount/{index}.out.tar")
}

/// Appends `word` with everything that has a meaning in the format, and every byte that is not printable, as `\xHH`.
fn escape(text: &mut String, word: &OsStr) -> Result<(), RunError> {
    for &byte in word.as_bytes() {
        match byte {
            0 => return Err(RunError::Nvram(format!("{word:?} contains a NUL byte"))),
            b',' | b'"' | b'\\' => {
                let _ = write!(text, "\\x{byte:02x}");
            }
            0x21..=0x7e => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn text_escapes_what_the_format_needs() {
        let mounts = [Mount {
            host: PathBuf::from("x"),
            point: PathBuf::from("/a b"),
            mode: Mode::ReadWrite,
        }];
        let nvram = Nvram {
            args: &[
                "prog".into(),
                "two words".into(),
                "".into(),
                "a,b\"\\\n\u{e9}=".into(),
            ],
            env: &[("HOME".into(), "/".into())],
            mounts: &mounts,
            seconds: 7,
            seed: [0xab; 32],
            cwd: OsStr::new("/"),
            strace: Some("/dev/stderr"),
        };
        let expected = "[args]\nargs = prog two\\x20words \"\" a\\x2cb\\x22\\x5c\\x0a\\xc3\\xa9=\n\
            [env]\nname=HOME, value=/\n\
            [fstab]\nchannel=/dev/mount/0.tar, mountpoint=/a\\x20b, access=rw, out=/dev/mount/0.out.tar\n\
            [time]\nseconds=7, nanoseconds=0\n[random]\nseed=";
        let text = nvram.text().unwrap();
        assert_eq!(
            text,
            format!(
                "{expected}{}\n[cwd]\npath=/\n[strace]\nchannel=/dev/stderr\n",
                "ab".repeat(32)
            )
        );
    }

    #[test]
    fn bad_names_are_refused() {
        let nvram = |env: &[(OsString, OsString)]| {
            Nvram {
                args: &[],
                env,
                mounts: &[],
                seconds: 0,
                seed: [0; 32],
                cwd: OsStr::new("/"),
                strace: None,
            }
            .text()
        };
        assert!(nvram(&[("A=B".into(), "".into())]).is_err());
        assert!(nvram(&[("".into(), "".into())]).is_err());
        assert!(nvram(&[("A".into(), "a\0b".into())]).is_err());
    }
}
