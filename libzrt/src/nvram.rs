//! Reads `/dev/nvram`: arguments, environment, mounts, clock, seed and working directory, in ZeroVM's text format (see
//! "Load time" in ARCHITECTURE.md).

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::fmt;

/// What the text says; what it leaves out has the value that [`Default`] gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nvram {
    /// argv.
    pub args: Vec<Vec<u8>>,
    /// Environment: `NAME=value` strings in the text's order.
    pub env: Vec<Vec<u8>>,
    /// Mounts.
    pub mounts: Vec<MountLine>,
    /// Seconds since 1970 at which the clock starts.
    pub seconds: i64,
    /// And nanoseconds.
    pub nanoseconds: u32,
    /// Seed of all random bytes.
    pub seed: [u8; 32],
    /// Working directory; empty for `/`.
    pub cwd: Vec<u8>,
    /// Alias of the channel to which calls are shown, if they are.
    pub strace: Option<Vec<u8>>,
}

/// A line of `[fstab]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountLine {
    /// Alias of the channel with the tar image.
    pub channel: Vec<u8>,
    /// Absolute path.
    pub point: Vec<u8>,
    /// What may happen to it.
    pub access: Access,
    /// Alias of the channel for the tree at exit.
    pub out: Option<Vec<u8>>,
}

/// What a mount allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No change.
    ReadOnly,
    /// Changes that vanish at exit.
    Overlay,
    /// Changes that are written to the `out` channel at exit.
    ReadWrite,
}

/// Why the text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NvramError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

impl fmt::Display for NvramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nvram line {}: {}", self.line, self.problem)
    }
}

impl Nvram {
    /// Reads the text; bytes from the first NUL on are padding.
    ///
    /// # Errors
    /// [`NvramError`] for anything that the format does not know: nothing is skipped silently.
    pub fn parse(text: &[u8]) -> Result<Nvram, NvramError> {
        let text = &text[..text
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(text.len())];
        let mut nvram = Nvram::default();
        let mut section: &[u8] = b"";
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let fail = |problem| NvramError {
                line: index + 1,
                problem,
            };
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if let Some(name) = line.strip_prefix(b"[") {
                section = name
                    .strip_suffix(b"]")
                    .ok_or(fail("a section header without `]`"))?;
                continue;
            }
            nvram.line(section, line).map_err(fail)?;
        }
        Ok(nvram)
    }

    fn line(&mut self, section: &[u8], line: &[u8]) -> Result<(), &'static str> {
        match section {
            b"args" => {
                for word in value(line, b"args")?
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                {
                    self.args.push(if word == b"\"\"" {
                        Vec::new()
                    } else {
                        unescape(word)?
                    });
                }
            }
            b"env" => {
                let [name, value] = fields(line, [b"name", b"value"])?;
                let mut entry = name.ok_or("no name")?;
                if entry.is_empty() || entry.contains(&b'=') {
                    return Err("a bad name for a variable");
                }
                entry.push(b'=');
                entry.extend(value.ok_or("no value")?);
                self.env.push(entry);
            }
            b"fstab" => {
                let [channel, point, access, out] =
                    fields(line, [b"channel", b"mountpoint", b"access", b"out"])?;
                let access = match access.as_deref() {
                    Some(b"ro") => Access::ReadOnly,
                    Some(b"overlay") => Access::Overlay,
                    Some(b"rw") => Access::ReadWrite,
                    _ => return Err("access must be ro, overlay or rw"),
                };
                let point = point
                    .filter(|point| point.starts_with(b"/"))
                    .ok_or("no absolute mountpoint")?;
                if point.split(|&byte| byte == b'/').any(|part| part == b"..") {
                    return Err("a mountpoint with `..`");
                }
                if out.is_some() != (access == Access::ReadWrite) {
                    return Err("`out` belongs to access=rw, and is needed there");
                }
                self.mounts.push(MountLine {
                    channel: channel.ok_or("no channel")?,
                    point,
                    access,
                    out,
                });
            }
            b"time" => {
                let [seconds, nanoseconds] = fields(line, [b"seconds", b"nanoseconds"])?;
                let seconds = seconds
                    .and_then(|text| number(&text))
                    .ok_or("no number of seconds")?;
                self.seconds = i64::try_from(seconds).map_err(|_| "too many seconds")?;
                let nanoseconds = nanoseconds
                    .map_or(Some(0), |text| number(&text))
                    .filter(|&value| value < 1_000_000_000);
                self.nanoseconds = nanoseconds.ok_or("nanoseconds must be below 10^9")? as u32;
            }
            b"random" => {
                let text = value(line, b"seed")?;
                if text.len() != 64 {
                    return Err("the seed must have 64 hex digits");
                }
                for (byte, digits) in self.seed.iter_mut().zip(text.chunks(2)) {
                    *byte = hex(digits).ok_or("the seed must have 64 hex digits")?;
                }
            }
            b"cwd" => {
                let path = unescape(value(line, b"path")?)?;
                self.cwd = if path.starts_with(b"/") {
                    path
                } else {
                    return Err("the working directory must be absolute");
                };
            }
            b"strace" => self.strace = Some(unescape(value(line, b"channel")?)?),
            // ZeroVM's sections that have no meaning here.
            b"mapping" | b"debug" | b"precache" => {}
            _ => return Err("a line in no known section"),
        }
        Ok(())
    }
}

/// What follows `key =`.
fn value<'l>(line: &'l [u8], key: &[u8]) -> Result<&'l [u8], &'static str> {
    let rest = line
        .strip_prefix(key)
        .ok_or("an unknown key")?
        .trim_ascii_start();
    Ok(rest
        .strip_prefix(b"=")
        .ok_or("no `=` after the key")?
        .trim_ascii())
}

/// `key=value, key=value …` with exactly these keys, each at most once.
fn fields<const N: usize>(
    line: &[u8],
    keys: [&[u8]; N],
) -> Result<[Option<Vec<u8>>; N], &'static str> {
    let mut found = [const { None }; N];
    for field in line.split(|&byte| byte == b',') {
        let field = field.trim_ascii();
        let equals = field
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or("a field without `=`")?;
        let (key, value) = (
            field[..equals].trim_ascii(),
            field[equals + 1..].trim_ascii(),
        );
        let index = keys
            .iter()
            .position(|&known| known == key)
            .ok_or("an unknown field")?;
        if found[index].replace(unescape(value)?).is_some() {
            return Err("a field twice");
        }
    }
    Ok(found)
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    if !text.contains(&b'\\') {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let [b'x' | b'X', high, low, ..] = *tail else {
            return Err("a `\\` that is not `\\xHH`");
        };
        match hex(&[high, low]) {
            Some(0) => return Err("an escaped NUL"),
            Some(byte) => bytes.push(byte),
            None => return Err("a `\\x` without two hex digits"),
        }
        rest = &tail[3..];
    }
    Ok(bytes)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let mut value = 0;
    for &digit in digits {
        value = value << 4 | char::from(digit).to_digit(16)? as u8;
    }
    Some(value)
}

fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "[args]\nargs = prog one two\\x20words \"\" a\\x2cb\\xC3\n\
        [env]\nname=HOME, value=/\nname=EMPTY, value=\nname=X, value=a=b\\x2c c\n\
        [fstab]\nchannel=/dev/mount/0.tar, mountpoint=/data\\x20x, access=rw, out=/dev/mount/0.out.tar\n\
        channel=/dev/mount/1.tar, mountpoint=/, access=ro\n\
        [time]\nseconds=1370454582, nanoseconds=7\n\
        [random]\nseed=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFF\n\
        [cwd]\npath=/data\\x20x\n\
        [strace]\nchannel=/dev/stderr\n\0\0\0";

    #[test]
    fn the_contracts_example() {
        let nvram = Nvram::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(
            nvram.args,
            [&b"prog"[..], b"one", b"two words", b"", b"a,b\xC3"]
        );
        assert_eq!(nvram.env, [&b"HOME=/"[..], b"EMPTY=", b"X=a=b, c"]);
        assert_eq!(nvram.mounts.len(), 2);
        assert_eq!(nvram.mounts[0].point, b"/data x");
        assert_eq!(
            (nvram.mounts[0].access, nvram.mounts[1].access),
            (Access::ReadWrite, Access::ReadOnly)
        );
        assert_eq!(
            (
                nvram.seconds,
                nvram.nanoseconds,
                nvram.seed[1],
                nvram.seed[31]
            ),
            (1_370_454_582, 7, 1, 0xFF)
        );
        assert_eq!(nvram.cwd, b"/data x");
        assert_eq!(nvram.strace.as_deref(), Some(&b"/dev/stderr"[..]));
    }

    #[test]
    fn mistakes_carry_their_line() {
        for (text, line) in [
            ("x=1", 1),
            ("[args\n", 1),
            ("[args]\n\nargz = a", 3),
            ("[args]\nargs = a\\q", 2),
            ("[args]\nargs = a\\x4", 2),
            ("[args]\nargs = a\\x00", 2),
            ("[env]\nname=A", 2),
            ("[env]\nname=, value=", 2),
            ("[env]\nname=A, value=b, color=red", 2),
            ("[env]\nname=A, name=B, value=b", 2),
            ("[fstab]\nchannel=c, mountpoint=rel, access=ro", 2),
            ("[fstab]\nchannel=c, mountpoint=/a/../b, access=ro", 2),
            ("[fstab]\nchannel=c, mountpoint=/, access=rx", 2),
            ("[fstab]\nchannel=c, mountpoint=/, access=rw", 2),
            ("[fstab]\nchannel=c, mountpoint=/, access=ro, out=x", 2),
            ("[time]\nseconds=1, nanoseconds=1000000000", 2),
            ("[time]\nseconds=99999999999999999999", 2),
            ("[random]\nseed=12", 2),
            ("[cwd]\npath=x", 2),
            ("[strace]\nto=/dev/stderr", 2),
            ("[what]\na=b", 2),
        ] {
            assert_eq!(
                Nvram::parse(text.as_bytes()).unwrap_err().line,
                line,
                "{text}"
            );
        }
    }
}
