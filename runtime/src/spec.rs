//! What a user says about a channel, in ZeroVM's words: `uri, alias, type, etag, gets, get_size, puts, put_size`.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;

use zvm_abi::manifest::{self, limit};

use crate::limits;
use crate::network::Address;
use crate::zerovm::integer;

/// No limit.
pub const UNLIMITED: i64 = i64::MAX;

/// A channel that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Where its bytes come from or go to; several are read one after the other, and written all.
    pub uris: Vec<Uri>,
    /// The guest's name for it, an absolute path.
    pub alias: String,
    /// [`manifest::SEQUENTIAL`], [`manifest::RANDOM_READ`], [`manifest::RANDOM_WRITE`] or [`manifest::RANDOM`].
    pub kind: u32,
    /// Whether the report carries a digest of what passed.
    pub etag: bool,
    /// gets, get_size, puts, put_size.
    pub limits: [i64; 4],
}

/// One source of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uri {
    /// A regular file, a character device, a FIFO, or a directory (as a tar).
    Path(PathBuf),
    /// A descriptor that this process has: `fd:7`.
    Descriptor(RawFd),
    /// A TCP connection, `tcp:host:port` or `tcp:node:`: a channel that reads listens there, one that writes connects
    /// to it.
    Tcp(Address),
    /// A TCP connection whose bytes are the channel's, both ways: `connect:host:port`, or `listen:host:port` for the first
    /// that somebody else makes.
    Stream {
        /// Where to connect to, or to listen.
        address: Address,
        /// Whether the other end connects.
        listens: bool,
    },
}

impl ChannelSpec {
    /// Reads `uri[;uri…], alias, type, etag, gets, get_size, puts, put_size`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<ChannelSpec, String> {
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let [uris, alias, kind, etag, quotas @ ..] = fields.as_slice() else {
            return Err(count(fields.len()));
        };
        let quotas: [&str; 4] = quotas.try_into().map_err(|_| count(fields.len()))?;
        let mut sources = Vec::new();
        for uri in uris.split(';') {
            sources.push(Uri::parse(uri.trim())?);
        }
        if sources.len() > limits::SOURCES {
            return Err(format!("more than {} sources", limits::SOURCES));
        }
        check_alias(alias)?;
        let kind = match integer(kind)? {
            kind @ 0..=3 => kind as u32,
            other => return Err(format!("the type is {other}; it must be 0 to 3")),
        };
        let etag = match integer(etag)? {
            0 => false,
            1 => true,
            other => return Err(format!("the etag is {other}; it must be 0 or 1")),
        };
        let mut limits = [0; 4];
        for (limit, text) in limits.iter_mut().zip(quotas) {
            *limit = integer(text)?;
        }
        let spec = ChannelSpec {
            uris: sources,
            alias: (*alias).to_owned(),
            kind,
            etag,
            limits,
        };
        spec.check()?;
        Ok(spec)
    }

    /// One of the standard streams on a file, without limits: number 0 reads it, 1 and 2 write it.
    pub fn standard(number: u32, uri: Uri) -> ChannelSpec {
        let (alias, limits) = match number {
            0 => ("/dev/stdin", [UNLIMITED, UNLIMITED, 0, 0]),
            1 => ("/dev/stdout", [0, 0, UNLIMITED, UNLIMITED]),
            _ => ("/dev/stderr", [0, 0, UNLIMITED, UNLIMITED]),
        };
        ChannelSpec {
            uris: vec![uri],
            alias: alias.to_owned(),
            kind: manifest::SEQUENTIAL,
            etag: false,
            limits,
        }
    }

    /// A connection that the program's sockets reach as `name:port`: `[name:port=]host:port`, where `host:port` is whom it
    /// connects to.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn connect(text: &str) -> Result<ChannelSpec, String> {
        let (inside, host) = text.split_once('=').unwrap_or((text, text));
        let inside = Address::host(inside)?.to_string();
        let (name, port) = inside.rsplit_once(':').unwrap_or_default();
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ChannelSpec::connection(
            Address::host(host)?,
            false,
            format!("{}{name}/{port}", manifest::CONNECT),
        )
    }

    /// A connection that somebody makes to `ip:port`, and that a program gets which listens at this port: `[port=]ip:port`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn listen(text: &str) -> Result<ChannelSpec, String> {
        let (inside, host) = text.split_once('=').unwrap_or(("", text));
        let address = Address::host(host)?;
        let inside = match inside {
            "" => host.rsplit_once(':').unwrap_or_default().1,
            inside => Address::host(&format!("0:{inside}")).map(|_| inside)?,
        };
        ChannelSpec::connection(address, true, format!("{}{inside}", manifest::LISTEN))
    }

    fn connection(address: Address, listens: bool, alias: String) -> Result<ChannelSpec, String> {
        check_alias(&alias)?;
        Ok(ChannelSpec {
            uris: vec![Uri::Stream { address, listens }],
            alias,
            kind: manifest::SEQUENTIAL,
            etag: false,
            limits: [UNLIMITED; 4],
        })
    }

    /// Whether the guest may read it.
    pub fn readable(&self) -> bool {
        self.limits[limit::GETS] > 0 && self.limits[limit::GET_SIZE] > 0
    }

    /// Whether the guest may write it.
    pub fn writable(&self) -> bool {
        self.limits[limit::PUTS] > 0 && self.limits[limit::PUT_SIZE] > 0
    }

    fn check(&self) -> Result<(), String> {
        let framed = self.uris.iter().any(|uri| matches!(uri, Uri::Tcp(_)));
        let stream = |uri: &Uri| matches!(uri, Uri::Stream { .. });
        let stream = self.uris.iter().any(stream);
        if (framed || stream) && self.kind != manifest::SEQUENTIAL {
            return Err("a network channel must be sequential (type 0)".to_owned());
        }
        if framed && self.readable() && self.writable() {
            return Err("a tcp: channel either reads or writes".to_owned());
        }
        if stream && self.uris.len() > 1 {
            return Err("a connect: or listen: channel has no other source".to_owned());
        }
        Ok(())
    }
}

fn count(fields: usize) -> String {
    format!(
        "a channel has 8 fields (uri, alias, type, etag, gets, get_size, puts, put_size), not {fields}"
    )
}

fn check_alias(alias: &str) -> Result<(), String> {
    if !alias.starts_with('/') || alias.len() < 2 {
        return Err(format!("the alias `{alias}` must be an absolute path"));
    }
    if alias.len() > limits::ALIAS {
        return Err(format!("an alias longer than {} bytes", limits::ALIAS));
    }
    if alias.bytes().any(|byte| !(0x21..=0x7e).contains(&byte))
        || alias[1..]
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(format!(
            "the alias `{alias}` must be printable, without blanks, `//`, `.` and `..`"
        ));
    }
    Ok(())
}

impl Uri {
    /// Reads `fd:N`, `tcp:HOST:PORT`, `tcp:NODE:`, `connect:HOST:PORT`, `listen:HOST:PORT`, or a path.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Uri, String> {
        if text.is_empty() {
            return Err("an empty uri".to_owned());
        }
        if let Some(number) = text.strip_prefix("fd:") {
            return i32::try_from(integer(number)?)
                .map(Uri::Descriptor)
                .map_err(|_| format!("{text}: no such descriptor"));
        }
        if let Some(address) = text.strip_prefix("tcp:") {
            return Address::parse(address).map(Uri::Tcp);
        }
        for (scheme, listens) in [("connect:", false), ("listen:", true)] {
            if let Some(address) = text.strip_prefix(scheme) {
                return match Address::host(address) {
                    Ok(address) => Ok(Uri::Stream { address, listens }),
                    Err(problem) => Err(format!("{text}: {problem}")),
                };
            }
        }
        Ok(Uri::Path(OsString::from(text).into()))
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Path(path) => path.display().fmt(f),
            Uri::Descriptor(fd) => write!(f, "fd:{fd}"),
            Uri::Tcp(address) => write!(f, "tcp:{address}"),
            Uri::Stream { address, listens } => {
                let scheme = if *listens { "listen" } else { "connect" };
                write!(f, "{scheme}:{address}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        let spec = ChannelSpec::parse("/a; fd:7;/dev/null , /dev/in/x, 0, 0, 1, 2, 0, 0").unwrap();
        assert_eq!(
            spec.uris,
            [
                Uri::Path("/a".into()),
                Uri::Descriptor(7),
                Uri::Path("/dev/null".into())
            ]
        );
        assert!(spec.readable() && !spec.writable());
        let tcp = ChannelSpec::parse("tcp:[::1]:80, /dev/out/x, 0, 0, 0, 0, 1, 1").unwrap();
        assert_eq!(tcp.uris, [Uri::Tcp(Address::Host("[::1]:80".into()))]);
        let both = ChannelSpec::parse("connect:db:5432, /dev/tcp/db/5432, 0, 0, 1, 1, 1, 1");
        assert_eq!(both.unwrap().uris[0].to_string(), "connect:db:5432");
        let sides = |spec: Result<ChannelSpec, String>| {
            spec.map(|spec| (spec.uris[0].to_string(), spec.alias)).ok()
        };
        for (text, uri, alias) in [
            ("db:5432", "connect:db:5432", "/dev/tcp/db/5432"),
            ("db:1=127.0.0.1:9", "connect:127.0.0.1:9", "/dev/tcp/db/1"),
            ("[::1]:80", "connect:[::1]:80", "/dev/tcp/::1/80"),
        ] {
            let expected = (uri.to_owned(), alias.to_owned());
            assert_eq!(sides(ChannelSpec::connect(text)), Some(expected));
        }
        for (text, uri, alias) in [
            ("0.0.0.0:80", "listen:0.0.0.0:80", "/dev/listen/80"),
            ("80=[::]:8080", "listen:[::]:8080", "/dev/listen/80"),
        ] {
            let expected = (uri.to_owned(), alias.to_owned());
            assert_eq!(sides(ChannelSpec::listen(text)), Some(expected));
        }
        for bad in ["", "80", "a:b", "x=h:1", "h:1=x", "h:1="] {
            assert!(ChannelSpec::connect(bad).is_err(), "{bad}");
            assert!(ChannelSpec::listen(bad).is_err(), "{bad}");
        }
        assert!(ChannelSpec::connect("a/../c:1").is_err());
        for bad in [
            "listen:80, /a, 0, 0, 1, 1, 1, 1",
            "connect:db:0, /a, 0, 0, 1, 1, 1, 1",
            "connect:db:1, /a, 3, 0, 1, 1, 1, 1",
            "connect:db:1;/b, /a, 0, 0, 1, 1, 1, 1",
            "tcp:x, /a, 0, 0, 1, 1, 0, 0",
            "tcp:node:, /a, 0, 0, 1, 1, 0, 0",
            "tcp:1:, /a, 3, 0, 1, 1, 0, 0",
            "tcp:1.2.3.4:5, /a, 1, 0, 1, 1, 0, 0",
            "tcp:1.2.3.4:5, /a, 0, 0, 1, 1, 1, 1",
            "fd:x, /a, 0, 0, 1, 1, 0, 0",
            "fd:99999999999, /a, 0, 0, 1, 1, 0, 0",
            "/x;, /a, 0, 0, 1, 1, 0, 0",
            "/x, /a/../b, 0, 0, 1, 1, 0, 0",
            "/x, /a//b, 0, 0, 1, 1, 0, 0",
            "/x, /, 0, 0, 1, 1, 0, 0",
            "/x, /a b, 0, 0, 1, 1, 0, 0",
        ] {
            assert!(ChannelSpec::parse(bad).is_err(), "{bad}");
        }
    }
}
