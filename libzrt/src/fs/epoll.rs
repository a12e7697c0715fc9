//! What an epoll descriptor watches.

use alloc::vec::Vec;

use super::NodeId;

/// A watched open file.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// The descriptor by which it was added.
    pub fd: u32,
    /// [`super::OpenFile::serial`].
    pub serial: u64,
    /// Its node.
    pub node: NodeId,
    /// Whether the open file may be read and written.
    pub access: (bool, bool),
    /// `EPOLL…` bits that are asked for.
    pub events: u32,
    /// The program's word.
    pub data: u64,
    /// `EPOLLONESHOT` has fired.
    pub disarmed: bool,
    /// With `EPOLLET`: the node's version that was reported.
    pub seen: Option<u32>,
}

/// An epoll descriptor's node.
#[derive(Debug, Default)]
pub struct Epoll {
    /// In the order in which they were added.
    pub watches: Vec<Watch>,
    /// Where the next wait begins to look, so that nobody is passed over for ever.
    pub next: usize,
}
