//! nvram as ZeroVM's users write it. It is read here, on the host, so that a mistake has a line number before anything
//! runs; the guest gets the same facts in the one spelling that libzrt reads (`crate::nvram`).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{LineError, integer};
use crate::limits;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserNvram {
    /// argv, the program's name first.
    pub args: Vec<OsString>,
    /// Environment.
    pub env: Vec<(OsString, OsString)>,
    /// Mounts.
    pub fstab: Vec<Fstab>,
    /// Lines of `[mapping]`.
    pub mapping: Vec<(String, String)>,
    /// Seconds since 1970 at which the clock starts.
    pub seconds: Option<u64>,
    /// The guest's clock is the host's.
    pub host_clock: bool,
    /// Seed of random numbers.
    pub seed: Option<[u8; 32]>,
    /// Working directory.
    pub cwd: Option<OsString>,
}

/// A line of `[fstab]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fstab {
    /// Alias of the tar's channel.
    pub channel: String,
    /// Absolute path in the guest.
    pub point: OsString,
    /// How.
    pub access: FstabAccess,
    /// Where the file says it.
    pub line: usize,
}

/// What a line of `[fstab]` allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FstabAccess {
    /// The tar is unpacked; no changes.
    ReadOnly,
    /// The tar is unpacked; changes vanish.
    Overlay,
    /// Starts empty and is written as a tar at exit.
    WriteOnly,
}

impl UserNvram {
    /// Reads the text.
    ///
    /// # Errors
    /// [`LineError`] for everything that the format does not know.
    pub fn parse(text: &[u8]) -> Result<UserNvram, LineError> {
        if text.len() > limits::NVRAM {
            return Err(LineError {
                line: 0,
                problem: format!("nvram is larger than {} bytes", limits::NVRAM),
            });
        }
        let mut nvram = UserNvram::default();
        let mut section = String::new();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let fail = |problem: String| LineError {
                line: index + 1,
                problem,
            };
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if let Some(name) = line.strip_prefix(b"[") {
                let name = name
                    .strip_suffix(b"]")
                    .ok_or_else(|| fail("a section without `]`".to_owned()))?;
                section = String::from_utf8_lossy(name).into_owned();
                if !SECTIONS.contains(&section.as_str()) {
                    return Err(fail(format!("unknown section [{section}]")));
                }
                continue;
            }
            nvram.line(&section, line, index + 1).map_err(fail)?;
        }
        Ok(nvram)
    }

    fn line(&mut self, section: &str, line: &[u8], number: usize) -> Result<(), String> {
        match section {
            "args" => {
                let text = value(line, "args")?;
                self.args.extend(words(text)?);
                Ok(())
            }
            "env" => {
                let [name, value] = fields(line, ["name", "value"])?;
                let name = needed(name, "name")?;
                if name.is_empty() || name.contains(&b'=') {
                    return Err("a bad name for a variable".to_owned());
                }
                self.env.push((
                    OsString::from_vec(name),
                    OsString::from_vec(needed(value, "value")?),
                ));
                Ok(())
            }
            "fstab" => self.fstab(line, number),
            "mapping" => {
                let [channel, mode] = fields(line, ["channel", "mode"])?;
                let mode = text(needed(mode, "mode")?)?;
                if !["char", "file", "pipe", "dir"].contains(&mode.as_str()) {
                    return Err(format!(
                        "mode is `{mode}`; it must be char, file, pipe or dir"
                    ));
                }
                self.mapping
                    .push((text(needed(channel, "channel")?)?, mode));
                Ok(())
            }
            "time" => {
                let [seconds, clock] = fields(line, ["seconds", "clock"])?;
                match clock.map(text).transpose()?.as_deref() {
                    Some("host") if seconds.is_none() => self.host_clock = true,
                    Some("host") => return Err("the host's clock has its own seconds".to_owned()),
                    Some(other) => return Err(format!("clock is `{other}`; it can be host")),
                    None => {
                        self.seconds = Some(integer(&text(needed(seconds, "seconds")?)?)? as u64);
                    }
                }
                Ok(())
            }
            "random" => {
                let seed = String::from_utf8_lossy(value(line, "seed")?).into_owned();
                self.seed = Some(crate::nvram::seed(&seed)?);
                Ok(())
            }
            "cwd" => {
                let path = unescape(value(line, "path")?)?;
                if !path.starts_with(b"/") {
                    return Err("the working directory must be absolute".to_owned());
                }
                self.cwd = Some(OsString::from_vec(path));
                Ok(())
            }
            "debug" => fields(line, ["verbosity"])
                .and_then(|[level]| integer(&text(needed(level, "verbosity")?)?).map(|_| ())),
            "precache" => fields(line, ["precache"]).and_then(|[choice]| {
                match needed(choice, "precache")?.as_slice() {
                    b"yes" | b"no" => Ok(()),
                    _ => Err("precache must be yes or no".to_owned()),
                }
            }),
            _ => Err("a line before the first section".to_owned()),
        }
    }

    fn fstab(&mut self, line: &[u8], number: usize) -> Result<(), String> {
        let [channel, point, access, removable] =
            fields(line, ["channel", "mountpoint", "access", "removable"])?;
        let access = match needed(access, "access")?.as_slice() {
            b"ro" => FstabAccess::ReadOnly,
            b"overlay" => FstabAccess::Overlay,
            b"wo" => FstabAccess::WriteOnly,
            other => {
                return Err(format!(
                    "access is `{}`; it must be ro, overlay or wo",
                    String::from_utf8_lossy(other)
                ));
            }
        };
        match removable.as_deref() {
            None | Some(b"no") => {}
            Some(b"yes") => {
                return Err("removable=yes belongs to fork, which is not supported".to_owned());
            }
            Some(_) => return Err("removable must be yes or no".to_owned()),
        }
        let point = OsString::from_vec(needed(point, "mountpoint")?);
        let bytes = point.as_bytes();
        if !bytes.starts_with(b"/") || bytes.split(|&byte| byte == b'/').any(|part| part == b"..") {
            return Err("mountpoint must be an absolute path without `..`".to_owned());
        }
        self.fstab.push(Fstab {
            channel: text(needed(channel, "channel")?)?,
            point,
            access,
            line: number,
        });
        Ok(())
    }
}

const SECTIONS: [&str; 9] = [
    "args", "env", "fstab", "mapping", "time", "debug", "precache", "random", "cwd",
];

fn needed(field: Option<Vec<u8>>, key: &str) -> Result<Vec<u8>, String> {
    field.ok_or_else(|| format!("no {key}"))
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// What follows `key =`.
fn value<'l>(line: &'l [u8], key: &str) -> Result<&'l [u8], String> {
    let wrong = || format!("not `{key} = …`");
    let rest = line.strip_prefix(key.as_bytes()).ok_or_else(wrong)?;
    let rest = rest.trim_ascii_start().strip_prefix(b"=");
    Ok(rest.ok_or_else(wrong)?.trim_ascii())
}

/// `key=value, …`, these keys alone, each at most once. A comma in a value is written `\x2c` or stands in quotes.
fn fields<const N: usize>(line: &[u8], keys: [&str; N]) -> Result<[Option<Vec<u8>>; N], String> {
    let mut found = [const { None }; N];
    for field in split_outside_quotes(line) {
        let field = field.trim_ascii();
        let equals = field
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or_else(|| format!("`{}` is not key=value", String::from_utf8_lossy(field)))?;
        let key = field[..equals].trim_ascii();
        let index = keys
            .iter()
            .position(|known| known.as_bytes() == key)
            .ok_or_else(|| format!("unknown key `{}`", String::from_utf8_lossy(key)))?;
        let value = unquote(field[equals + 1..].trim_ascii())?;
        if found[index].replace(value).is_some() {
            return Err(format!("{} stands twice", keys[index]));
        }
    }
    Ok(found)
}

fn split_outside_quotes(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    line.split(move |&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    })
}

fn unquote(value: &[u8]) -> Result<Vec<u8>, String> {
    match value {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => unescape(inner),
        _ if value.contains(&b'"') => Err("quotes must stand around the whole value".to_owned()),
        _ => unescape(value),
    }
}

/// Words between blanks; blanks within `"` belong to the word.
pub(crate) fn words(text: &[u8]) -> Result<Vec<OsString>, String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    for &byte in text {
        match byte {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b' ' | b'\t' if !quoted => {
                if let Some(word) = word.take() {
                    words.push(OsString::from_vec(unescape(&word)?));
                }
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    if quoted {
        return Err("a quote that nothing closes".to_owned());
    }
    if let Some(word) = word {
        words.push(OsString::from_vec(unescape(&word)?));
    }
    Ok(words)
}

pub(crate) fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let digits = match tail {
            [b'x' | b'X', high, low, ..] if high.is_ascii_hexdigit() => {
                std::str::from_utf8(&[*high, *low])
                    .ok()
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        match digits {
            None => return Err("a `\\` that is not `\\xHH`".to_owned()),
            Some(0) => return Err("an escaped NUL".to_owned()),
            Some(byte) => bytes.push(byte),
        }
        rest = &tail[3..];
    }
    if bytes.contains(&0) {
        return Err("a NUL byte".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zerovms_example_is_read() {
        let text = br#"[args]
args = prog -a "two words" x\x2Cy ""
[env]
name=HOME, value=/home/zvm
name=LIST, value="a, b"
[fstab]
channel=/dev/mount/in.tar, mountpoint=/, access=ro, removable=no
channel=/dev/mount/out.tar, mountpoint=/out, access=wo
[mapping]
channel=/dev/stdout, mode=char
[time]
seconds=1370454582
[debug]
verbosity=1
[precache]
precache=yes
"#;
        let nvram = UserNvram::parse(text).unwrap();
        assert_eq!(nvram.args, ["prog", "-a", "two words", "x,y", ""]);
        assert_eq!(nvram.env[1], ("LIST".into(), "a, b".into()));
        assert_eq!(nvram.fstab[1].access, FstabAccess::WriteOnly);
        assert_eq!(nvram.fstab[1].line, 8);
        assert_eq!(nvram.seconds, Some(1_370_454_582));
        assert_eq!(
            nvram.mapping,
            [("/dev/stdout".to_owned(), "char".to_owned())]
        );
    }

    #[test]
    fn malformed_lines_are_errors_with_their_number() {
        let cases: &[(&str, usize, &str)] = &[
            ("[nosuch]\n", 1, "unknown section"),
            ("[args\n", 1, "without `]`"),
            ("args = x\n", 1, "before the first section"),
            ("[args]\nargv = x\n", 2, "args"),
            ("[args]\nargs = \"x\n", 2, "nothing closes"),
            ("[args]\nargs = \\n\n", 2, "\\xHH"),
            ("[args]\nargs = \\x0\n", 2, "\\xHH"),
            ("[args]\nargs = \\x00\n", 2, "NUL"),
            ("[env]\n\nname=A\n", 3, "no value"),
            ("[env]\nname=A, value=b, c\n", 2, "not key=value"),
            ("[env]\nname=A=B, value=x\n", 2, "bad name"),
            ("[env]\nname=A, name=B, value=x\n", 2, "twice"),
            (
                "[fstab]\nchannel=/a, mountpoint=/, access=xx\n",
                2,
                "access",
            ),
            (
                "[fstab]\nchannel=/a, mountpoint=x, access=ro\n",
                2,
                "absolute",
            ),
            (
                "[fstab]\nchannel=/a, mountpoint=/../x, access=ro\n",
                2,
                "`..`",
            ),
            (
                "[fstab]\nchannel=/a, mountpoint=/, access=ro, removable=yes\n",
                2,
                "fork",
            ),
            ("[mapping]\nchannel=/a, mode=blob\n", 2, "mode"),
            ("[time]\nseconds=now\n", 2, "not a number"),
            ("[time]\nclock=sundial\n", 2, "clock is `sundial`"),
            ("[time]\nseconds=1, clock=host\n", 2, "its own seconds"),
            ("[random]\nseed=xyz\n", 2, "hex"),
            ("[cwd]\npath=x\n", 2, "absolute"),
            ("[debug]\nverbosity=loud\n", 2, "not a number"),
            ("[precache]\nprecache=maybe\n", 2, "yes or no"),
        ];
        for (text, line, words) in cases {
            let error = UserNvram::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.line, *line, "{text}: {error}");
            assert!(error.problem.contains(words), "{text}: {error}");
        }
    }
}
