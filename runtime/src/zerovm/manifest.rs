//! The manifest: `Key = value` lines that say what to run, with how much, and on which channels.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{LineError, integer};
use crate::digest::Algorithm;
use crate::limits;
use crate::spec::ChannelSpec;

/// The one version there is.
pub const VERSION: i64 = 20_130_611;

/// A manifest as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The image.
    pub program: PathBuf,
    /// Bytes of heap.
    pub memory: u64,
    /// Whether the report carries a digest of final memory.
    pub memory_etag: bool,
    /// Longest wall time.
    pub timeout: Duration,
    /// Channels: stdin, stdout, stderr, then the others in the file's order.
    pub channels: Vec<ChannelSpec>,
    /// The instance's number among others.
    pub node: Option<u32>,
    /// Who tells where the other nodes listen.
    pub name_server: Option<SocketAddr>,
    /// What `Etag` says, or BLAKE3.
    pub algorithm: Algorithm,
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    version: Option<()>,
    program: Option<PathBuf>,
    memory: Option<(u64, bool)>,
    timeout: Option<Duration>,
    node: Option<u32>,
    name_server: Option<SocketAddr>,
    algorithm: Option<Algorithm>,
    channels: Vec<ChannelSpec>,
}

const STANDARD: [&str; 3] = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`LineError`] for an unknown key, a malformed value, a key that stands twice or is missing, a channel whose alias
    /// is another's, or a file beyond [`limits::MANIFEST_BYTES`] and [`limits::MANIFEST_LINES`].
    pub fn parse(text: &str) -> Result<Manifest, LineError> {
        let whole = |problem: String| LineError { line: 0, problem };
        if text.len() > limits::MANIFEST_BYTES {
            return Err(whole(format!(
                "the manifest has {} bytes; the limit is {}",
                text.len(),
                limits::MANIFEST_BYTES
            )));
        }
        let mut draft = Draft::default();
        for (index, line) in text.lines().enumerate() {
            let fail = |problem: String| LineError {
                line: index + 1,
                problem,
            };
            if index >= limits::MANIFEST_LINES {
                return Err(fail(format!("more than {} lines", limits::MANIFEST_LINES)));
            }
            let line = line.trim();
            if !line.is_empty() {
                draft.line(line).map_err(fail)?;
            }
        }
        draft.finish().map_err(whole)
    }
}

impl Draft {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("`{line}` is not `Key = value`"))?;
        let (key, value) = (key.trim(), value.trim());
        if value.is_empty() {
            return Err(format!("{key} has no value"));
        }
        match key {
            "Version" => {
                if integer(value)? != VERSION {
                    return Err(format!("Version is {value}; it must be {VERSION}"));
                }
                once(&mut self.version, key, ())
            }
            "Program" => once(&mut self.program, key, value.into()),
            "Memory" => {
                let (size, etag) = value.split_once(',').ok_or("Memory is not `size, etag`")?;
                let size = integer(size.trim())? as u64;
                if size < limits::MEMORY_MIN {
                    return Err(format!(
                        "Memory is {size}; it must be at least {}",
                        limits::MEMORY_MIN
                    ));
                }
                once(&mut self.memory, key, (size, flag(etag.trim())?))
            }
            "Timeout" => match integer(value)? {
                0 => Err("Timeout must be at least 1 second".to_owned()),
                seconds => once(&mut self.timeout, key, Duration::from_secs(seconds as u64)),
            },
            "Channel" => {
                let spec = ChannelSpec::parse(value)?;
                if self.channels.len() == zvm_abi::manifest::MAX_CHANNELS {
                    return Err(format!("more than {} channels", self.channels.len()));
                }
                self.channels.push(spec);
                Ok(())
            }
            "Node" => {
                let node = u32::try_from(integer(value)?)
                    .map_err(|_| format!("Node {value} is more than 2^32 - 1"))?;
                once(&mut self.node, key, node)
            }
            "Etag" => {
                let algorithm = Algorithm::from_name(value)
                    .ok_or_else(|| format!("Etag is `{value}`; it must be blake3 or sha256"))?;
                once(&mut self.algorithm, key, algorithm)
            }
            "NameServer" => {
                let address = value
                    .strip_prefix("udp:")
                    .and_then(|text| text.parse().ok());
                let address =
                    address.ok_or_else(|| format!("NameServer is `{value}`, not udp:ip:port"))?;
                once(&mut self.name_server, key, address)
            }
            "Job" => Err("Job (a daemon's socket) is not supported".to_owned()),
            _ => Err(format!("unknown key `{key}`")),
        }
    }

    fn finish(self) -> Result<Manifest, String> {
        let missing = |key: &str| format!("the manifest has no {key}");
        self.version.ok_or_else(|| missing("Version"))?;
        let (memory, memory_etag) = self.memory.ok_or_else(|| missing("Memory"))?;
        let mut channels = self.channels;
        let mut names = std::collections::HashSet::new();
        if let Some(twice) = channels
            .iter()
            .find(|channel| !names.insert(channel.alias.as_str()))
        {
            return Err(format!("two channels have the alias {}", twice.alias));
        }
        if let Some(name) = STANDARD.into_iter().find(|name| !names.contains(name)) {
            return Err(missing(&format!("channel {name}")));
        }
        // A stable sort: the others keep the file's order.
        channels.sort_by_key(|channel| {
            STANDARD
                .iter()
                .position(|&name| name == channel.alias)
                .unwrap_or(STANDARD.len())
        });
        Ok(Manifest {
            program: self.program.ok_or_else(|| missing("Program"))?,
            memory,
            memory_etag,
            timeout: self.timeout.ok_or_else(|| missing("Timeout"))?,
            channels,
            node: self.node,
            name_server: self.name_server,
            algorithm: self.algorithm.unwrap_or_default(),
        })
    }
}

fn once<T>(slot: &mut Option<T>, key: &str, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{key} stands twice")),
    }
}

/// 0 or 1.
fn flag(text: &str) -> Result<bool, String> {
    match integer(text)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(format!("etag is {other}; it must be 0 or 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
Version = 20130611
Program = /abs/hello.nexe
Memory = 33554432, 0
Timeout = 1

Channel = /abs/in.tar, /dev/mount/in.tar, 3, 1, 0x10, 017, 0, 0
Channel = /dev/null, /dev/stdin, 0, 1, 999999, 999999, 0, 0
Channel = /dev/stdout, /dev/stdout, 0, 1, 0, 0, 999999, 999999
Channel = /abs/err.log, /dev/stderr, 0, 0, 0, 0, 999999, 999999
";

    #[test]
    fn zerovms_example_is_read() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.program, PathBuf::from("/abs/hello.nexe"));
        assert_eq!((manifest.memory, manifest.memory_etag), (33_554_432, false));
        assert_eq!(manifest.timeout, Duration::from_secs(1));
        let aliases: Vec<&str> = manifest
            .channels
            .iter()
            .map(|channel| channel.alias.as_str())
            .collect();
        assert_eq!(
            aliases,
            [
                "/dev/stdin",
                "/dev/stdout",
                "/dev/stderr",
                "/dev/mount/in.tar"
            ]
        );
        assert_eq!(manifest.channels[3].limits, [16, 15, 0, 0]);
        assert!(manifest.channels[0].etag && !manifest.channels[2].etag);
    }

    /// Each change of the example, and the line and words of its refusal.
    #[test]
    fn malformed_lines_are_errors_with_their_number() {
        let cases: &[(&str, &str, usize, &str)] = &[
            ("Version = 20130611", "Version = 1", 1, "must be 20130611"),
            ("Version = 20130611\n", "", 0, "no Version"),
            ("Program", "Programm", 2, "unknown key `Programm`"),
            (
                "Program = /abs/hello.nexe",
                "just words",
                2,
                "not `Key = value`",
            ),
            ("Program = /abs/hello.nexe", "Program =", 2, "no value"),
            ("33554432, 0", "33554432", 3, "not `size, etag`"),
            ("33554432, 0", "33554432, 2", 3, "must be 0 or 1"),
            ("33554432, 0", "12, 0", 3, "at least"),
            ("Timeout = 1", "Timeout = 0", 4, "at least 1"),
            ("Timeout = 1", "Timeout = 1s", 4, "not a number"),
            ("Timeout = 1", "Timeout = 1\nTimeout = 2", 5, "stands twice"),
            ("Timeout = 1", "# Timeout", 4, "not `Key = value`"),
            ("017, 0, 0", "017, 0", 6, "8 fields"),
            ("017, 0, 0", "017, 0, 0, 0", 6, "8 fields"),
            ("017, 0, 0", "017, 0, -1", 6, "not a number"),
            ("/dev/mount/in.tar, 3", "/dev/mount/in.tar, 4", 6, "type"),
            ("/dev/mount/in.tar, 3", "mount/in.tar, 3", 6, "absolute"),
            (
                "/dev/mount/in.tar, 3, 1",
                "/dev/mount/in.tar, 3, 7",
                6,
                "etag",
            ),
            ("/dev/mount/in.tar", "/dev/stdin", 0, "two channels"),
            ("/dev/stderr", "/dev/other", 0, "no channel /dev/stderr"),
            (
                "Timeout = 1",
                "Timeout = 1\nNameServer = 1.2.3.4:5",
                5,
                "not udp:ip:port",
            ),
            ("Timeout = 1", "Timeout = 1\nJob = /x", 5, "not supported"),
            (
                "Timeout = 1",
                "Timeout = 1\nEtag = md5",
                5,
                "blake3 or sha256",
            ),
        ];
        for (from, to, line, words) in cases {
            assert!(GOOD.contains(from), "{from}");
            let error = Manifest::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert_eq!(error.line, *line, "{to}: {error}");
            assert!(error.problem.contains(words), "{to}: {error}");
        }
    }

    #[test]
    fn limits_are_limits() {
        let long = format!("{GOOD}{}", "\n".repeat(limits::MANIFEST_LINES));
        assert_eq!(
            Manifest::parse(&long).unwrap_err().line,
            limits::MANIFEST_LINES + 1
        );
        let big = format!("{GOOD}{}", " ".repeat(limits::MANIFEST_BYTES));
        assert!(Manifest::parse(&big).unwrap_err().problem.contains("bytes"));
    }
}
