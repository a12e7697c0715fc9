//! Sockets: making them, closing them, what they are ready for, their names and options.

mod connect;
mod messages;
mod outside;
mod transfer;

pub(crate) use connect::*;
pub(crate) use messages::*;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::errno::Errno;
use crate::fs::calls::poll::{ANY, OUT, WRNORM};
use crate::fs::socket::{Address, Claim, DATAGRAM, Family, Ip, SEQUENCE, STREAM, State};
use crate::fs::{Kind, Node, NodeId, OpenFile, Socket, flag, resolve_made};
use crate::kernel::{Args, Kernel};
use crate::process::{NOFILE, PID};
use crate::text::text;

/// What a socket is ready for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Readiness {
    /// A read would not wait.
    pub readable: bool,
    /// Nothing more will come.
    pub at_end: bool,
    /// A write would not wait.
    pub writable: bool,
    /// There is no other end.
    pub gone: bool,
    /// Something went wrong.
    pub failed: bool,
}

impl Kernel {
    /// The socket of a descriptor.
    fn socket(&mut self, fd: u64) -> Result<(NodeId, &mut Socket), Errno> {
        let id = self.files.get(fd)?.node;
        match &mut self.tree.node_mut(id)?.kind {
            Kind::Socket(socket) => Ok((id, socket)),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    /// The socket that this node is.
    fn socket_at(&mut self, id: NodeId) -> Result<&mut Socket, Errno> {
        match &mut self.tree.node_mut(id)?.kind {
            Kind::Socket(socket) => Ok(socket),
            _ => Err(Errno::EIO),
        }
    }

    /// The same, only to look at.
    fn look_at(&self, id: NodeId) -> Option<&Socket> {
        match &self.tree.node(id).ok()?.kind {
            Kind::Socket(socket) => Some(socket),
            _ => None,
        }
    }

    /// Whether the other end can still send to this one.
    fn peer_sends(&self, socket: &Socket) -> bool {
        if socket.read_shut {
            return false;
        }
        if let Some(line) = &socket.line {
            return !line.ended;
        }
        match socket.peer.and_then(|peer| self.look_at(peer)) {
            Some(peer) => !peer.write_shut,
            // One that takes datagrams never hears that somebody has gone.
            None => socket.kind == DATAGRAM,
        }
    }

    /// What a socket is ready for.
    pub(super) fn socket_readiness(&self, socket: &Socket) -> Readiness {
        let failed = socket.error.is_some();
        if let State::Listening { waiting, .. } = &socket.state {
            return Readiness {
                readable: !waiting.is_empty() || socket.read_shut,
                ..Readiness::default()
            };
        }
        if socket.has_connections() && !socket.is_connected() {
            return Readiness {
                readable: failed,
                at_end: failed,
                writable: true,
                gone: true,
                failed,
            };
        }
        let peer = socket.peer.and_then(|peer| self.look_at(peer));
        let at_end = !self.peer_sends(socket);
        if socket.line.is_some() {
            return Readiness {
                readable: !socket.inbox.is_empty() || at_end || failed,
                at_end,
                writable: true,
                gone: at_end && socket.write_shut,
                failed,
            };
        }
        let alone = peer.is_none() && socket.has_connections();
        Readiness {
            readable: !socket.inbox.is_empty() || at_end || failed,
            at_end,
            // Without another end, a write would fail at once.
            writable: match peer {
                Some(peer) => peer.inbox.has_room(),
                None => self.has_room_at(&socket.peer_name),
            },
            gone: alone && !self.half_open(socket) || (socket.read_shut && socket.write_shut),
            failed,
        }
    }

    /// Whether the other end of a connection of the internet was closed in order: then this one may still write, once.
    fn half_open(&self, socket: &Socket) -> bool {
        socket.is_internet() && socket.error.is_none() && !socket.write_shut
    }

    /// A socket is closed: others learn it, and its names are free again.
    pub(super) fn hang_up(&mut self, id: NodeId) {
        self.leave_outside(id);
        let Ok(socket) = self.socket_at(id) else {
            return;
        };
        if core::mem::take(&mut socket.crowded) && socket.kind == DATAGRAM {
            self.wake_senders(id);
        }
        let Ok(socket) = self.socket_at(id) else {
            return;
        };
        let unread = !socket.inbox.is_empty() || socket.options.resets();
        let reset = (unread && socket.has_connections()).then_some(Errno::ECONNRESET);
        let (kind, family) = (socket.kind, socket.family);
        let (name, peer) = (core::mem::take(&mut socket.name), socket.peer.take());
        let state = core::mem::replace(&mut socket.state, State::New);
        // A node with a name in a directory lives on: nobody is behind it any more.
        socket.inbox = Socket::new(family, kind).inbox;
        match name {
            Address::Internet(_, port) => self.ports.release(kind == STREAM, port, id),
            Address::Unix(name) if name.first() == Some(&0) => {
                self.ports.names.remove(&name);
            }
            _ => {}
        }
        self.lose(peer, unread, reset);
        if let State::Listening { waiting, .. } = state {
            for end in waiting {
                let peer = self.socket_at(end).ok().and_then(|end| end.peer.take());
                self.lose(peer, false, Some(Errno::ECONNRESET));
                self.leave_outside(end);
                self.tree.release(end);
            }
        }
    }

    /// Tells `end` that its other end is gone, and whether that had something `unread`.
    fn lose(&mut self, end: Option<NodeId>, unread: bool, error: Option<Errno>) {
        if let Some(id) = end
            && let Ok(socket) = self.socket_at(id)
        {
            socket.peer = None;
            socket.error = socket.error.or(error);
            // One that sends datagrams hears of room alone.
            let events = match socket.has_connections() {
                true => ANY,
                false if unread => OUT | WRNORM,
                false => 0,
            };
            self.wake_node(id, events);
        }
    }

    /// A descriptor for a socket whose node somebody holds for it; on an error it is still held.
    fn socket_descriptor(&mut self, id: NodeId, flags: u32) -> Result<u64, Errno> {
        let name = text!("socket:[{}]", id + 1).into_bytes();
        let file = OpenFile::new(id, flag::RDWR | flags & flag::NONBLOCK, name);
        let limit = self.process.limits[NOFILE].0;
        let close = flags & flag::CLOEXEC != 0;
        let added = self.files.add(file, close, limit);
        added.map_err(|(errno, _)| errno)
    }

    /// A node for a new socket, which somebody holds.
    fn add_socket(&mut self, socket: Socket) -> Result<NodeId, Errno> {
        let now = self.now();
        let kind = Kind::Socket(Box::new(socket));
        let id = self.tree.add(Node::new(kind, 0o777, 0, now))?;
        self.tree.hold(id)?;
        Ok(id)
    }

    /// A new socket and its descriptor.
    fn new_socket(
        &mut self,
        family: Family,
        kind: u32,
        flags: u32,
    ) -> Result<(u64, NodeId), Errno> {
        let id = self.add_socket(Socket::new(family, kind))?;
        match self.socket_descriptor(id, flags) {
            Ok(fd) => Ok((fd, id)),
            Err(errno) => {
                self.tree.release(id);
                Err(errno)
            }
        }
    }

    /// A `struct sockaddr` argument.
    fn address(&self, address: u64, size: u64, family: Family) -> Result<Address, Errno> {
        // `sizeof(struct sockaddr_storage)`; a negative size is larger.
        const MOST: u64 = 128;
        let size = u64::from(size as u32);
        let bytes = self.memory.read_array::<u8>(address, size, MOST)?;
        Address::parse(&bytes, family)
    }

    /// Writes a `struct sockaddr` for the program: as much as it has room for, and how long it is.
    fn put_address(&self, to: u64, size: u64, name: &Address, family: Family) -> Result<(), Errno> {
        if to == 0 {
            return Ok(());
        }
        let room = self.memory.read::<u32>(size)?;
        if room as i32 <= -1 {
            return Err(Errno::EINVAL);
        }
        let bytes = name.to_bytes(family);
        self.memory
            .put(to, &bytes[..bytes.len().min(room as usize)])?;
        self.memory.write(size, &(bytes.len() as u32))
    }

    /// The socket of `AF_UNIX` that has this name.
    ///
    /// # Errors
    /// `ENOENT` and its like for a path, `ECONNREFUSED` if nobody has the name, or no socket.
    fn named(&self, name: &[u8]) -> Result<NodeId, Errno> {
        let id = if name.first() == Some(&0) {
            *self.ports.names.get(name).ok_or(Errno::ECONNREFUSED)?
        } else {
            resolve_made(&self.tree, &self.files, self.files.cwd, name)?.existing()?
        };
        match self.tree.node(id) {
            // A name in a directory outlives its socket.
            Ok(node) if matches!(node.kind, Kind::Socket(_)) && node.opens > 0 => Ok(id),
            _ => Err(Errno::ECONNREFUSED),
        }
    }

    /// Gives a socket of the internet its name: port 0 is one that is free.
    fn name_internet(&mut self, id: NodeId, ip: Ip, port: u16) -> Result<(), Errno> {
        let socket = self.socket_at(id)?;
        let (kind, only_v6) = (socket.kind, socket.only_v6());
        let (shares, shares_port) = (
            socket.options.reuses_address(),
            socket.options.reuses_port(),
        );
        let is_stream = kind == STREAM;
        let claim = Claim {
            node: id,
            ip,
            only_v6,
        };
        let port = match port {
            0 => self.ports.free(is_stream)?,
            port => port,
        };
        for rival in self.ports.rivals(is_stream, port, &claim) {
            let Some(rival) = self.look_at(rival) else {
                continue;
            };
            let listening = matches!(rival.state, State::Listening { .. });
            let by_address = shares && rival.options.reuses_address() && !(is_stream && listening);
            let by_port = shares_port && rival.options.reuses_port();
            if !(by_address || by_port) {
                return Err(Errno::EADDRINUSE);
            }
        }
        self.ports.claim(is_stream, port, claim);
        self.socket_at(id)?.name = Address::Internet(ip, port);
        Ok(())
    }

    /// Gives a socket of the internet any name, if it has none.
    fn name_if_unnamed(&mut self, id: NodeId, ip: Ip) -> Result<(), Errno> {
        match self.socket_at(id)?.name {
            Address::Unnamed => self.name_internet(id, ip, 0),
            _ => Ok(()),
        }
    }
}

/// Type and flags of the second argument of `socket` and `socketpair`.
fn split_kind(kind: u64) -> (u32, u32) {
    let flags = kind as u32 & (flag::NONBLOCK | flag::CLOEXEC);
    (kind as u32 & !flags, flags)
}

pub(crate) fn socket(
    kernel: &mut Kernel,
    [domain, kind, protocol, ..]: Args,
) -> Result<u64, Errno> {
    const RAW: u32 = 3;
    /// One more than the last type that Linux has a name for.
    const TYPES: u32 = 11;
    let family = Family::new(domain)?;
    let (kind, flags) = split_kind(kind);
    // TCP, UDP; of AF_UNIX, its own number.
    let protocols: &[u64] = match (family, kind) {
        (Family::Unix, STREAM | DATAGRAM | SEQUENCE) => &[0, 1],
        (_, STREAM) => &[0, 6],
        (_, DATAGRAM) => &[0, 17],
        (Family::V4 | Family::V6, RAW) => return Err(Errno::EPERM),
        (_, TYPES..) => return Err(Errno::EINVAL),
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    if !protocols.contains(&protocol) {
        return Err(Errno::EPROTONOSUPPORT);
    }
    Ok(kernel.new_socket(family, kind, flags)?.0)
}

pub(crate) fn socketpair(
    kernel: &mut Kernel,
    [domain, kind, protocol, fds, ..]: Args,
) -> Result<u64, Errno> {
    let (kind, flags) = split_kind(kind);
    if Family::new(domain)? != Family::Unix {
        return Err(Errno::EOPNOTSUPP);
    }
    if !matches!(kind, STREAM | DATAGRAM | SEQUENCE) {
        return Err(Errno::ESOCKTNOSUPPORT);
    }
    if protocol > 1 {
        return Err(Errno::EPROTONOSUPPORT);
    }
    kernel.memory.check(fds, 8, true)?;
    // Two descriptors, or none.
    let (first, one) = kernel.new_socket(Family::Unix, kind, flags)?;
    let (second, other) = match kernel.new_socket(Family::Unix, kind, flags) {
        Ok(pair) => pair,
        Err(errno) => {
            super::close(kernel, [first, 0, 0, 0, 0, 0])?;
            return Err(errno);
        }
    };
    for (end, peer) in [(one, other), (other, one)] {
        let socket = kernel.socket_at(end)?;
        (socket.peer, socket.state) = (Some(peer), State::Connected);
    }
    kernel.memory.write(fds, &[first as u32, second as u32])?;
    Ok(0)
}

fn is_blocking(kernel: &Kernel, fd: u64) -> Result<bool, Errno> {
    Ok(kernel.files.get(fd)?.flags & flag::NONBLOCK == 0)
}

pub(crate) fn shutdown(kernel: &mut Kernel, [fd, how, ..]: Args) -> Result<u64, Errno> {
    let (id, socket) = kernel.socket(fd)?;
    if how > 2 {
        return Err(Errno::EINVAL);
    }
    let listening = matches!(socket.state, State::Listening { .. });
    if !socket.is_connected() && !listening && (socket.is_internet() || socket.has_connections()) {
        return Err(Errno::ENOTCONN);
    }
    let ends = how != 0 && !socket.write_shut;
    socket.read_shut |= how != 1;
    socket.write_shut |= how != 0;
    let (peer, line) = (socket.peer, socket.line);
    // One that takes datagrams never hears of it.
    let events = if socket.has_connections() { ANY } else { 0 };
    if let Some(line) = line.filter(|_| ends) {
        kernel.shut_outside(line);
    }
    kernel.wake_node(id, ANY);
    if let Some(peer) = peer {
        kernel.wake_node(peer, events);
    }
    Ok(0)
}

pub(crate) fn getsockname(
    kernel: &mut Kernel,
    [fd, address, size, ..]: Args,
) -> Result<u64, Errno> {
    let (_, socket) = kernel.socket(fd)?;
    let (name, family) = (socket.name.clone(), socket.family);
    kernel.put_address(address, size, &name, family)?;
    Ok(0)
}

pub(crate) fn getpeername(
    kernel: &mut Kernel,
    [fd, address, size, ..]: Args,
) -> Result<u64, Errno> {
    let (_, socket) = kernel.socket(fd)?;
    let alone = socket.has_connections() && socket.peer.is_none();
    if !socket.is_connected() || (alone && socket.error.is_some()) {
        return Err(Errno::ENOTCONN);
    }
    let (name, family) = (socket.peer_name.clone(), socket.family);
    kernel.put_address(address, size, &name, family)?;
    Ok(0)
}

const SOL_SOCKET: u64 = 1;

/// Whether the socket's protocols have options of this level; `foreign` is what the internet's protocols say of another's.
fn check_level(socket: &Socket, level: u64, foreign: Errno) -> Result<(), Errno> {
    const IP: u64 = 0;
    const TCP: u64 = 6;
    const IPV6: u64 = 41;
    match (level, socket.family) {
        (SOL_SOCKET, _) => Ok(()),
        (_, Family::Unix) => Err(Errno::EOPNOTSUPP),
        (IP, _) | (IPV6, Family::V6) => Ok(()),
        (TCP, _) if socket.kind == STREAM => Ok(()),
        _ => Err(foreign),
    }
}

pub(crate) fn getsockopt(
    kernel: &mut Kernel,
    [fd, level, option, address, size, _]: Args,
) -> Result<u64, Errno> {
    const TYPE: u64 = 3;
    const ERROR: u64 = 4;
    const PEERCRED: u64 = 17;
    const ACCEPTCONN: u64 = 30;
    const PROTOCOL: u64 = 38;
    const DOMAIN: u64 = 39;
    let (_, socket) = kernel.socket(fd)?;
    check_level(socket, level, Errno::EOPNOTSUPP)?;
    let own = |value: u32| value.to_le_bytes().to_vec();
    let protocol = match (socket.family, socket.kind) {
        (Family::Unix, _) => 0,
        (_, STREAM) => 6,
        _ => 17,
    };
    let value: Vec<u8> = match option {
        TYPE if level == SOL_SOCKET => own(socket.kind),
        ERROR if level == SOL_SOCKET => own(socket.error.take().map_or(0, |e| e.0.into())),
        ACCEPTCONN if level == SOL_SOCKET => {
            own(matches!(socket.state, State::Listening { .. }).into())
        }
        PROTOCOL if level == SOL_SOCKET => own(protocol),
        DOMAIN if level == SOL_SOCKET => own(socket.family.number().into()),
        PEERCRED if level == SOL_SOCKET && socket.family == Family::Unix => {
            // Whoever is at the other end is this process.
            let [user, group] = kernel.process.effective();
            [PID, user, group]
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect()
        }
        _ => socket.options.get(level as u32, option as u32)?,
    };
    let room = kernel.memory.read::<u32>(size)?;
    if room as i32 <= -1 {
        return Err(Errno::EINVAL);
    }
    let count = (room as usize).min(value.len());
    kernel.memory.put(address, &value[..count])?;
    kernel.memory.write(size, &(count as u32))?;
    Ok(0)
}

pub(crate) fn setsockopt(
    kernel: &mut Kernel,
    [fd, level, option, address, size, _]: Args,
) -> Result<u64, Errno> {
    let (_, socket) = kernel.socket(fd)?;
    check_level(socket, level, Errno::ENOPROTOOPT)?;
    if size as i32 <= -1 {
        return Err(Errno::EINVAL);
    }
    let size = u64::from(size as u32).min(128);
    let value = kernel.memory.read_array::<u8>(address, size, 128)?;
    let (_, socket) = kernel.socket(fd)?;
    socket.options.set(level as u32, option as u32, &value)?;
    Ok(0)
}
