//! Sockets of the network inside the instance: pairs, `AF_UNIX`, and the loopback addresses of `AF_INET` and `AF_INET6`. What
//! is written at one end goes into the other end's [`Inbox`]; nothing leaves the sandbox but through a channel that is a
//! connection ([`Outside`]).

mod address;
mod inbox;
mod options;
mod outside;
mod ports;

pub use address::{Address, Family, Ip};
pub use inbox::{Inbox, Received};
pub use options::Options;
pub use outside::{Line, Outside};
pub use ports::{Claim, Ports};

use alloc::collections::VecDeque;

use super::{NodeId, Pipe};
use crate::errno::Errno;

/// `SOCK_STREAM`.
pub const STREAM: u32 = 1;
/// `SOCK_DGRAM`.
pub const DATAGRAM: u32 = 2;
/// `SOCK_SEQPACKET`.
pub const SEQUENCE: u32 = 5;

/// Bytes on their way in a stream of the internet; Linux's windows grow to megabytes.
const INTERNET_CAPACITY: usize = 1 << 20;
/// Bytes on their way in a stream of `AF_UNIX` (Linux's `wmem_default`).
const UNIX_CAPACITY: usize = inbox::CAPACITY;

/// Whether a socket has another end.
#[derive(Debug)]
pub enum State {
    /// Not yet.
    New,
    /// It waits for connections: the ends of those that nobody has accepted, and how many may wait.
    Listening {
        /// Ends that `accept` will give.
        waiting: VecDeque<NodeId>,
        /// The second argument of `listen`.
        limit: usize,
    },
    /// It has, but a `connect` that does not block has not said so yet.
    Connecting,
    /// It has; of datagrams, somebody to whom they go.
    Connected,
}

/// A socket.
#[derive(Debug)]
pub struct Socket {
    /// Its protocols.
    pub family: Family,
    /// [`STREAM`], [`DATAGRAM`] or [`SEQUENCE`].
    pub kind: u32,
    /// What is to be read here.
    pub inbox: Inbox,
    /// Whether it has another end.
    pub state: State,
    /// The other end; `None` when it was closed, and where only `peer_name` says who it is.
    pub peer: Option<NodeId>,
    /// The connection that it is, if its other end is outside.
    pub line: Option<Line>,
    /// Its own name.
    pub name: Address,
    /// The other end's name.
    pub peer_name: Address,
    /// Nothing more can be read here.
    pub read_shut: bool,
    /// Nothing more can be written here.
    pub write_shut: bool,
    /// Who sends datagrams to its name may have found no room.
    pub crowded: bool,
    /// What went wrong meanwhile; it is told once.
    pub error: Option<Errno>,
    /// What `setsockopt` set.
    pub options: Options,
}

impl Socket {
    /// A socket without a name.
    pub fn new(family: Family, kind: u32) -> Socket {
        let inbox = if kind == STREAM {
            let internet = family != Family::Unix;
            Inbox::Stream(Pipe::with_capacity(if internet {
                INTERNET_CAPACITY
            } else {
                UNIX_CAPACITY
            }))
        } else {
            Inbox::Messages(VecDeque::new(), 0)
        };
        Socket {
            family,
            kind,
            inbox,
            state: State::New,
            peer: None,
            line: None,
            name: Address::Unnamed,
            peer_name: Address::Unnamed,
            read_shut: false,
            write_shut: false,
            crowded: false,
            error: None,
            options: Options::default(),
        }
    }

    /// Whether it must be connected before anything can be sent.
    pub fn has_connections(&self) -> bool {
        self.kind != DATAGRAM
    }

    /// Whether it is a socket of `AF_INET` or `AF_INET6`.
    pub fn is_internet(&self) -> bool {
        self.family != Family::Unix
    }

    /// Whether there is another end, or was.
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connecting | State::Connected)
    }

    /// Whether it hears no IPv4.
    pub fn only_v6(&self) -> bool {
        self.family == Family::V6 && self.options.only_v6()
    }
}
