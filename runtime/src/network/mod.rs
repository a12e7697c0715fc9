//! Channels over TCP, connected in the monitor before the instance exists ([`connect`]).
//!
//! One between instances goes one way: its reader listens, its writer connects; [`names`] finds the nodes that a name server
//! knows. What passes is framed ([`link`]), so that an end is told from a connection that broke, and carries the digest of
//! all that was sent. One to the rest of the world carries bytes as they are, both ways; the program's sockets reach it.

mod arrivals;
pub mod connect;
pub mod link;
pub mod name_server;
pub mod names;

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

/// The other end of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `tcp:HOST:PORT`: where the reader listens.
    Host(String),
    /// `tcp:NODE:`: another instance, found by the name server.
    Node(u32),
}

impl Address {
    /// Reads what follows `tcp:`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Address, String> {
        match text.rsplit_once(':') {
            Some((node, "")) => match node.parse() {
                Ok(node) => Ok(Address::Node(node)),
                Err(_) => Err(format!("tcp:{text}: not tcp:ip:port or tcp:node:")),
            },
            _ => Address::host(text).map_err(|problem| format!("tcp:{text}: {problem}")),
        }
    }

    /// Reads `host:port`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn host(text: &str) -> Result<Address, String> {
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => match port.parse::<u16>() {
                Ok(1..) => Ok(Address::Host(text.to_owned())),
                _ => Err("the port must be 1 to 65535".to_owned()),
            },
            _ => Err("not a host and a port, as in 127.0.0.1:80".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Host(address) => write!(f, "{address}"),
            Address::Node(node) => write!(f, "{node}:"),
        }
    }
}

/// The addresses of `host:port`.
///
/// # Errors
/// The resolver's.
fn resolve(text: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(text.to_socket_addrs()?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(
            Address::parse("[::1]:80"),
            Ok(Address::Host("[::1]:80".into()))
        );
        assert_eq!(Address::parse("12:"), Ok(Address::Node(12)));
        for bad in ["", ":", "x:", "host", ":80", "h:0", "h:65536", "-1:", "h:x"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
