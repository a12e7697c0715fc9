//! Connections to the world outside, which are channels: by which addresses the program's sockets reach them.
//!
//! A channel `/dev/tcp/NAME/PORT` is reached by who connects to that name and port, a channel `/dev/listen/PORT` is a
//! connection that waits for whoever listens at that port. What follows a `#` tells apart those of one name. Each is used
//! once.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zvm_abi::manifest::{CONNECT, LISTEN};

use super::Ip;
use crate::fs::NodeId;
use crate::text::text;

/// How a channel's connection is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// By who connects to this address.
    Connects(Ip),
    /// By who listens.
    Listens,
}

/// A connection that a channel is.
#[derive(Clone, Copy, Debug)]
struct Connection {
    channel: u32,
    at: At,
    port: u16,
    /// A socket has it, or had it.
    taken: bool,
}

/// A socket's side of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The channel.
    pub channel: u32,
    /// Nothing more will come.
    pub ended: bool,
}

/// All connections that channels are.
#[derive(Debug, Default)]
pub struct Outside {
    connections: Vec<Connection>,
    /// Names that are no addresses; each gets one ([`nth`]).
    names: Vec<Box<[u8]>>,
    /// Sockets that have a [`Line`].
    pub open: Vec<NodeId>,
    /// What comes passes here on its way into an inbox.
    pub buffer: Vec<u8>,
}

/// The address of the name with this number, of a network that is set aside for tests (RFC 2544), and so is nobody's.
fn nth(number: usize) -> Ip {
    let [_, high, middle, low] = (number as u32 + 1).to_be_bytes();
    Ip::v4([198, 18 + (high & 1), middle, low])
}

impl Outside {
    /// Of channels by their numbers and aliases.
    pub fn new<'a>(channels: impl Iterator<Item = (u32, &'a [u8])>) -> Outside {
        let mut outside = Outside::default();
        outside.add(channels);
        outside
    }

    /// Takes more channels.
    pub fn add<'a>(&mut self, channels: impl Iterator<Item = (u32, &'a [u8])>) {
        for (channel, alias) in channels {
            let found = if let Some(rest) = alias.strip_prefix(CONNECT.as_bytes()) {
                let slash = rest.iter().rposition(|&byte| byte == b'/');
                slash.and_then(|slash| {
                    let port = port(&rest[slash + 1..])?;
                    Some((At::Connects(self.address(&rest[..slash])), port))
                })
            } else {
                let rest = alias.strip_prefix(LISTEN.as_bytes());
                rest.and_then(port).map(|port| (At::Listens, port))
            };
            if let Some((at, port)) = found {
                self.connections.push(Connection {
                    channel,
                    at,
                    port,
                    taken: false,
                });
            }
        }
    }

    /// The address that a name is, or gets.
    fn address(&mut self, name: &[u8]) -> Ip {
        let text = core::str::from_utf8(name).unwrap_or_default();
        match text.parse() {
            Ok(core::net::IpAddr::V4(ip)) => return Ip::v4(ip.octets()),
            Ok(core::net::IpAddr::V6(ip)) => return Ip(ip.octets()),
            Err(_) if name == b"localhost" => return Ip::v4([127, 0, 0, 1]),
            Err(_) => {}
        }
        let known = self.names.iter().position(|known| **known == *name);
        nth(known.unwrap_or_else(|| {
            self.names.push(Box::from(name));
            self.names.len() - 1
        }))
    }

    /// Lines for /etc/hosts: the names' addresses.
    pub fn hosts(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (number, name) in self.names.iter().enumerate() {
            let [.., a, b, c, d] = nth(number).0;
            lines.extend(text!("{a}.{b}.{c}.{d}\t").into_bytes());
            lines.extend(&name[..]);
            lines.push(b'\n');
        }
        lines
    }

    /// Whether something can be reached at the address, or could.
    pub fn knows(&self, ip: Ip) -> bool {
        let mut all = self.connections.iter();
        all.any(|connection| connection.at == At::Connects(ip))
    }

    /// Takes a connection to the address and port.
    pub fn connect(&mut self, ip: Ip, port: u16) -> Option<u32> {
        self.take(At::Connects(ip), port)
    }

    /// Takes a connection that waits for who listens at the port.
    pub fn arrival(&mut self, port: u16) -> Option<u32> {
        self.take(At::Listens, port)
    }

    fn take(&mut self, at: At, port: u16) -> Option<u32> {
        let mut all = self.connections.iter_mut();
        let found = all.find(|c| !c.taken && c.at == at && c.port == port)?;
        found.taken = true;
        Some(found.channel)
    }
}

/// The port in front of a `#`.
fn port(text: &[u8]) -> Option<u16> {
    let digits = text.split(|&byte| byte == b'#').next()?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_found_by_its_alias_and_once() {
        let aliases: [&[u8]; 10] = [
            b"/dev/stdin",
            b"/dev/tcp/192.0.2.1/80",
            b"/dev/tcp/db/5432",
            b"/dev/tcp/db/5433#9",
            b"/dev/tcp/::1/80",
            b"/dev/tcp/localhost/80",
            b"/dev/listen/80",
            b"/dev/listen/80#2",
            b"/dev/tcp/db/x",
            b"/dev/tcp/7",
        ];
        let mut outside = Outside::new((0..).zip(aliases));
        let db = Ip::v4([198, 18, 0, 1]);
        assert_eq!(outside.hosts(), b"198.18.0.1\tdb\n");
        assert!(outside.knows(db) && !outside.knows(Ip::v4([192, 0, 2, 2])));
        assert_eq!(outside.connect(Ip::v4([192, 0, 2, 1]), 80), Some(1));
        assert_eq!(outside.connect(Ip::v4([192, 0, 2, 1]), 80), None);
        assert_eq!(outside.connect(db, 5432), Some(2));
        assert_eq!(outside.connect(db, 5433), Some(3));
        assert_eq!(outside.connect(Ip::loopback(Ip([0; 16])), 80), Some(4));
        assert_eq!(outside.connect(Ip::v4([127, 0, 0, 1]), 80), Some(5));
        assert_eq!(outside.arrival(80), Some(6));
        assert_eq!(outside.arrival(80), Some(7));
        assert_eq!(outside.arrival(80), None);
        assert_eq!(outside.arrival(81), None);
    }

    #[test]
    fn names_have_addresses_of_their_own() {
        assert_eq!(nth(254), Ip::v4([198, 18, 0, 255]));
        assert_eq!(nth(255), Ip::v4([198, 18, 1, 0]));
        assert_eq!(nth(65_535), Ip::v4([198, 19, 0, 0]));
    }
}
