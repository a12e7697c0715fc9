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
    /// Mounts, in the order in which they are made.
    pub fstab: &'a [Line],
    /// ZeroVM's `[mapping]`: alias and mode of channels.
    pub mapping: &'a [(String, String)],
    /// Seconds since 1970 at which the guest's clock starts.
    pub seconds: u64,
    /// Seed of the guest's random bytes.
    pub seed: [u8; 32],
    /// Working directory.
    pub cwd: &'a OsStr,
    /// Alias of the channel to which libzrt shows the program's system calls, if it does.
    pub strace: Option<&'a str>,
}

/// A line of `[fstab]`.
#[derive(Debug, Clone)]
pub struct Line {
    /// Alias of the tar's channel.
    pub channel: String,
    /// Absolute path in the guest.
    pub point: OsString,
    /// ro, overlay or rw.
    pub access: &'static str,
    /// Alias of the channel to which a rw mount is written.
    pub out: Option<String>,
}

impl Line {
    /// The line of the mount with this index.
    pub fn of_mount(index: usize, mount: &Mount) -> Line {
        Line {
            channel: tar_name(index),
            point: mount.point.clone().into_os_string(),
            access: match mount.mode {
                Mode::ReadOnly => "ro",
                Mode::Overlay => "overlay",
                Mode::ReadWrite => "rw",
            },
            out: (mount.mode == Mode::ReadWrite).then(|| out_name(index)),
        }
    }
}

/// Reads a seed: hex digits, the number's last digit last; shorter ones are filled with zeros in front.
///
/// # Errors
/// Not 1 to 64 hex digits.
pub fn seed(text: &str) -> Result<[u8; 32], String> {
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("not 1 to 64 hex digits".to_owned());
    }
    let mut seed = [0; 32];
    for (index, pair) in format!("{text:0>64}").as_bytes().chunks(2).enumerate() {
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
        seed[index] = digit(pair[0]) << 4 | digit(pair[1]);
    }
    Ok(seed)
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
        for line in self.fstab {
            text.push_str("channel=");
            escape(&mut text, OsStr::new(&line.channel))?;
            text.push_str(", mountpoint=");
            escape(&mut text, &line.point)?;
            let _ = write!(text, ", access={}", line.access);
            if let Some(out) = &line.out {
                text.push_str(", out=");
                escape(&mut text, OsStr::new(out))?;
            }
            text.push('\n');
        }
        if !self.mapping.is_empty() {
            text.push_str("[mapping]\n");
        }
        for (channel, mode) in self.mapping {
            text.push_str("channel=");
            escape(&mut text, OsStr::new(channel))?;
            let _ = writeln!(text, ", mode={mode}");
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
pub(crate) fn escape(text: &mut String, word: &OsStr) -> Result<(), RunError> {
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
            sources_only: false,
        }];
        let nvram = Nvram {
            args: &[
                "prog".into(),
                "two words".into(),
                "".into(),
                "a,b\"\\\n\u{e9}=".into(),
            ],
            env: &[("HOME".into(), "/".into())],
            fstab: &[Line::of_mount(0, &mounts[0])],
            mapping: &[],
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
                fstab: &[],
                mapping: &[],
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
