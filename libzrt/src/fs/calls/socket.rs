//! socketpair, and the calls on its two ends. There is no network, so no other socket can be made.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::errno::Errno;
use crate::fs::{Kind, Node, NodeId, Socket, flag};
use crate::kernel::{Args, Kernel};
use crate::process::NOFILE;
use crate::signal::SIGPIPE;
use crate::text::text;
use crate::threads::On;

const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
const SEQUENCE: u32 = 5;

const MSG_PEEK: u64 = 0x2;
const MSG_TRUNC: u64 = 0x20;
const MSG_DONTWAIT: u64 = 0x40;
const MSG_WAITALL: u64 = 0x100;
const MSG_NOSIGNAL: u64 = 0x4000;

/// `AF_UNIX` as a socket's whole address: it has no name.
const UNNAMED: [u8; 2] = [1, 0];
/// Most bytes that one message's parts are gathered into.
const GATHER: u64 = 16 << 20;

impl Kernel {
    fn socket(&mut self, fd: u64) -> Result<(NodeId, &mut Socket), Errno> {
        let id = self.files.get(fd)?.node;
        match &mut self.tree.node_mut(id)?.kind {
            Kind::Socket(socket) => Ok((id, socket)),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    fn pair_end(&mut self, id: NodeId) -> Result<&mut Socket, Errno> {
        match &mut self.tree.node_mut(id)?.kind {
            Kind::Socket(socket) => Ok(socket),
            _ => Err(Errno::EIO),
        }
    }

    /// Whether the other end can still send to this one.
    fn peer_sends(&self, socket: &Socket) -> bool {
        let peer = socket.peer.and_then(|peer| self.tree.node(peer).ok());
        match peer.map(|node| &node.kind) {
            Some(Kind::Socket(peer)) => !peer.write_shut && !socket.read_shut,
            // An end of a datagram pair never hears that the other one has gone.
            _ => socket.kind == DATAGRAM && !socket.read_shut,
        }
    }

    /// What an end is ready for: (readable, at its end, writable, its other end gone).
    pub(super) fn socket_readiness(&self, socket: &Socket) -> (bool, bool, bool, bool) {
        let peer = socket.peer.and_then(|peer| self.tree.node(peer).ok());
        let at_end = !self.peer_sends(socket);
        let writable = match peer.map(|node| &node.kind) {
            Some(Kind::Socket(peer)) => peer.has_room(),
            // A write would fail at once.
            _ => true,
        };
        let alone = peer.is_none() && socket.kind != DATAGRAM;
        let gone = alone || (socket.read_shut && socket.write_shut);
        (socket.has_data() || at_end, at_end, writable, gone)
    }

    /// Receives: bytes copied, and the length of the message that they are from.
    pub(super) fn receive(
        &mut self,
        id: NodeId,
        buffer: &mut [u8],
        flags: u64,
        is_blocking: bool,
    ) -> Result<(usize, usize), Errno> {
        let is_blocking = is_blocking && flags & MSG_DONTWAIT == 0;
        let done = self.progress().done as usize;
        let whole = flags & MSG_WAITALL != 0 && flags & MSG_PEEK == 0;
        let rest = buffer.get_mut(done..).unwrap_or_default();
        let socket = self.pair_end(id)?;
        let is_stream = socket.kind == STREAM;
        if let Some((count, length)) = socket.receive(rest, flags & MSG_PEEK != 0) {
            let peer = socket.peer;
            if let Some(peer) = peer {
                self.wake_node(peer);
            }
            let total = done + count;
            if !(whole && is_stream && total < buffer.len()) {
                return Ok((total, done + length));
            }
            self.progress().done = total as u64;
        }
        let done = self.progress().done as usize;
        let Kind::Socket(socket) = &self.tree.node(id)?.kind else {
            return Err(Errno::EIO);
        };
        if !self.peer_sends(socket) || buffer.is_empty() {
            return Ok((done, done));
        }
        if !is_blocking {
            return if done > 0 {
                Ok((done, done))
            } else {
                Err(Errno::EAGAIN)
            };
        }
        match self.block(On::Node(id), None, "receives what nobody sends") {
            Errno::EINTR if done > 0 => Ok((done, done)),
            errno => Err(errno),
        }
    }

    /// Sends: bytes taken.
    pub(super) fn send(
        &mut self,
        id: NodeId,
        bytes: &[u8],
        flags: u64,
        is_blocking: bool,
    ) -> Result<u64, Errno> {
        let is_blocking = is_blocking && flags & MSG_DONTWAIT == 0;
        let done = self.progress().done;
        let socket = self.pair_end(id)?;
        let (kind, peer, shut) = (socket.kind, socket.peer, socket.write_shut);
        let deaf = match peer {
            Some(peer) => self.pair_end(peer)?.read_shut,
            None => true,
        };
        let peer = match peer {
            Some(peer) if !shut && !deaf => peer,
            None if kind == DATAGRAM && !shut => return Err(Errno::ECONNREFUSED),
            _ if done > 0 => return Ok(done),
            _ => {
                if flags & MSG_NOSIGNAL == 0 && kind != DATAGRAM {
                    self.raise(SIGPIPE);
                }
                return Err(Errno::EPIPE);
            }
        };
        let rest = bytes.get(done as usize..).unwrap_or_default();
        let sent = match self.pair_end(peer)?.deliver(rest) {
            Ok(count) => {
                self.wake_node(peer);
                count as u64
            }
            Err(Errno::EAGAIN) if is_blocking || done > 0 => 0,
            Err(errno) => return Err(errno),
        };
        let done = done + sent;
        if done == bytes.len() as u64 || (!is_blocking && done > 0) {
            return Ok(done);
        }
        self.progress().done = done;
        match self.block(On::Node(id), None, "sends what nobody receives") {
            Errno::EINTR if done > 0 => Ok(done),
            errno => Err(errno),
        }
    }

    /// An end is closed: the other one learns it.
    pub(super) fn hang_up(&mut self, id: NodeId) {
        let Ok(peer) = self.pair_end(id).map(|socket| socket.peer) else {
            return;
        };
        if let Some(peer) = peer
            && let Ok(socket) = self.pair_end(peer)
        {
            socket.peer = None;
            self.wake_node(peer);
        }
    }
}

/// No sockets but pairs.
pub(crate) fn socket(_: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Err(Errno::EAFNOSUPPORT)
}

pub(crate) fn socketpair(
    kernel: &mut Kernel,
    [domain, kind, protocol, fds, ..]: Args,
) -> Result<u64, Errno> {
    const UNIX: u64 = 1;
    let flags = kind as u32 & (flag::NONBLOCK | flag::CLOEXEC);
    let kind = kind as u32 & !flags;
    if domain != UNIX {
        return Err(Errno::EAFNOSUPPORT);
    }
    if !matches!(kind, STREAM | DATAGRAM | SEQUENCE) {
        return Err(Errno::ESOCKTNOSUPPORT);
    }
    if protocol > 1 {
        return Err(Errno::EPROTONOSUPPORT);
    }
    kernel.memory.check(fds, 8, true)?;
    // Two descriptors, or none.
    let limit = kernel.process.limits[NOFILE].0;
    let mut ends = [0_u32; 2];
    let mut nodes = [0; 2];
    for (end, node) in ends.iter_mut().zip(&mut nodes) {
        let now = kernel.now();
        let socket = Kind::Socket(Box::new(Socket::new(kind)));
        let id = kernel.tree.add(Node::new(socket, 0o777, 0, now))?;
        kernel.tree.hold(id)?;
        let name = text!("socket:[{}]", id + 1).into_bytes();
        let file = crate::fs::OpenFile::new(id, flag::RDWR | flags & flag::NONBLOCK, name);
        match kernel.files.add(file, flags & flag::CLOEXEC != 0, limit) {
            Ok(fd) => (*end, *node) = (fd as u32, id),
            Err((errno, file)) => {
                kernel.forget(&file);
                if ends[0] != 0 || nodes[0] != 0 {
                    super::close(kernel, [u64::from(ends[0]), 0, 0, 0, 0, 0])?;
                }
                return Err(errno);
            }
        }
    }
    kernel.pair_end(nodes[0])?.peer = Some(nodes[1]);
    kernel.pair_end(nodes[1])?.peer = Some(nodes[0]);
    kernel.memory.write(fds, &ends)?;
    Ok(0)
}

/// `connect`, `bind`, `listen`, `accept`: not for an end of a pair.
pub(crate) fn connected(kernel: &mut Kernel, [fd, ..]: Args) -> Result<u64, Errno> {
    kernel.socket(fd)?;
    Err(Errno::EINVAL)
}

fn is_blocking(kernel: &Kernel, fd: u64) -> Result<bool, Errno> {
    Ok(kernel.files.get(fd)?.flags & flag::NONBLOCK == 0)
}

pub(crate) fn sendto(
    kernel: &mut Kernel,
    [fd, address, size, flags, name, _]: Args,
) -> Result<u64, Errno> {
    let (id, _) = kernel.socket(fd)?;
    if name != 0 {
        return Err(Errno::EISCONN);
    }
    let wait = is_blocking(kernel, fd)?;
    // SAFETY: the bytes are copied into the other end's inbox before the call ends.
    let bytes = unsafe { kernel.memory.bytes(address, size)? };
    kernel.send(id, bytes, flags, wait)
}

pub(crate) fn recvfrom(
    kernel: &mut Kernel,
    [fd, address, size, flags, name, name_size]: Args,
) -> Result<u64, Errno> {
    let (id, _) = kernel.socket(fd)?;
    let wait = is_blocking(kernel, fd)?;
    // SAFETY: filled from an inbox, which is the library OS's own memory, before the call ends.
    let buffer = unsafe { kernel.memory.bytes_mut(address, size)? };
    let (count, length) = kernel.receive(id, buffer, flags, wait)?;
    if name != 0 && name_size != 0 {
        kernel.memory.write(name_size, &0_u32)?;
    }
    Ok(if flags & MSG_TRUNC != 0 {
        length
    } else {
        count
    } as u64)
}

/// `struct msghdr`, offsets.
const MSG_NAMELEN: u64 = 8;
const MSG_IOV: u64 = 16;
const MSG_CONTROL: u64 = 32;
const MSG_FLAGS: u64 = 48;

fn parts(kernel: &Kernel, message: u64) -> Result<Vec<[u64; 2]>, Errno> {
    let [address, count] = kernel.memory.read::<[u64; 2]>(message + MSG_IOV)?;
    if count > 1024 {
        return Err(Errno::EMSGSIZE);
    }
    let parts = kernel.memory.read_array::<[u64; 2]>(address, count, 1024)?;
    let total = parts
        .iter()
        .fold(0_u64, |sum, part| sum.saturating_add(part[1]));
    if total > GATHER {
        return Err(Errno::EMSGSIZE);
    }
    Ok(parts)
}

pub(crate) fn sendmsg(kernel: &mut Kernel, [fd, message, flags, ..]: Args) -> Result<u64, Errno> {
    let (id, _) = kernel.socket(fd)?;
    let wait = is_blocking(kernel, fd)?;
    let parts = parts(kernel, message)?;
    let [_, control] = kernel.memory.read::<[u64; 2]>(message + MSG_CONTROL)?;
    if control != 0 {
        // Descriptors and credentials go to other processes, and there is none.
        return Err(Errno::EOPNOTSUPP);
    }
    let mut bytes = Vec::new();
    for [start, size] in parts {
        // SAFETY: copied at once.
        bytes.extend_from_slice(unsafe { kernel.memory.bytes(start, size)? });
    }
    kernel.send(id, &bytes, flags, wait)
}

pub(crate) fn recvmsg(kernel: &mut Kernel, [fd, message, flags, ..]: Args) -> Result<u64, Errno> {
    let (id, _) = kernel.socket(fd)?;
    let wait = is_blocking(kernel, fd)?;
    let parts = parts(kernel, message)?;
    let total: u64 = parts.iter().map(|part| part[1]).sum();
    let mut buffer = alloc::vec![0; total as usize];
    if flags & MSG_WAITALL != 0 {
        // What came before the wait is not in this buffer any more: a message is taken as it comes.
        kernel.progress().done = 0;
    }
    let (count, length) = kernel.receive(id, &mut buffer, flags & !MSG_WAITALL, wait)?;
    let mut rest = &buffer[..count];
    for [start, size] in parts {
        let (part, behind) = rest.split_at(rest.len().min(size as usize));
        kernel.memory.put(start, part)?;
        rest = behind;
    }
    let truncated = if length > count { MSG_TRUNC as u32 } else { 0 };
    kernel.memory.write(message + MSG_NAMELEN, &0_u32)?;
    kernel.memory.write(message + MSG_CONTROL + 8, &0_u64)?;
    kernel.memory.write(message + MSG_FLAGS, &truncated)?;
    Ok(if flags & MSG_TRUNC != 0 {
        length
    } else {
        count
    } as u64)
}

pub(crate) fn shutdown(kernel: &mut Kernel, [fd, how, ..]: Args) -> Result<u64, Errno> {
    let (id, socket) = kernel.socket(fd)?;
    if how > 2 {
        return Err(Errno::EINVAL);
    }
    socket.read_shut |= how != 1;
    socket.write_shut |= how != 0;
    let peer = socket.peer;
    kernel.wake_node(id);
    if let Some(peer) = peer {
        kernel.wake_node(peer);
    }
    Ok(0)
}

/// `getsockname`, `getpeername`: neither end has a name.
pub(crate) fn socket_name(
    kernel: &mut Kernel,
    [fd, address, size, ..]: Args,
) -> Result<u64, Errno> {
    kernel.socket(fd)?;
    let room = kernel.memory.read::<u32>(size)?;
    kernel
        .memory
        .put(address, &UNNAMED[..(room as usize).min(UNNAMED.len())])?;
    kernel.memory.write(size, &(UNNAMED.len() as u32))?;
    Ok(0)
}

pub(crate) fn getpeername(kernel: &mut Kernel, args: Args) -> Result<u64, Errno> {
    let (_, socket) = kernel.socket(args[0])?;
    if socket.peer.is_none() {
        return Err(Errno::ENOTCONN);
    }
    socket_name(kernel, args)
}

const SOL_SOCKET: u64 = 1;

pub(crate) fn getsockopt(
    kernel: &mut Kernel,
    [fd, level, option, address, size, _]: Args,
) -> Result<u64, Errno> {
    const REUSEADDR: u64 = 2;
    const TYPE: u64 = 3;
    const ERROR: u64 = 4;
    const SNDBUF: u64 = 7;
    const RCVBUF: u64 = 8;
    const KEEPALIVE: u64 = 9;
    const ACCEPTCONN: u64 = 30;
    const PROTOCOL: u64 = 38;
    const DOMAIN: u64 = 39;
    let (_, socket) = kernel.socket(fd)?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    let value: u32 = match option {
        TYPE => socket.kind,
        DOMAIN => 1,
        SNDBUF | RCVBUF => 212_992,
        REUSEADDR | ERROR | KEEPALIVE | ACCEPTCONN | PROTOCOL => 0,
        _ => return Err(Errno::ENOPROTOOPT),
    };
    let room = kernel.memory.read::<u32>(size)?.min(4);
    kernel
        .memory
        .put(address, &value.to_le_bytes()[..room as usize])?;
    kernel.memory.write(size, &room)?;
    Ok(0)
}

pub(crate) fn setsockopt(
    kernel: &mut Kernel,
    [fd, level, option, address, size, _]: Args,
) -> Result<u64, Errno> {
    kernel.socket(fd)?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    if size < 4 {
        return Err(Errno::EINVAL);
    }
    kernel.memory.check(address, size, false)?;
    // REUSEADDR, SNDBUF, RCVBUF, KEEPALIVE, LINGER: sizes and addresses that mean nothing here.
    match option {
        2 | 7 | 8 | 9 | 13 => Ok(0),
        _ => Err(Errno::ENOPROTOOPT),
    }
}
