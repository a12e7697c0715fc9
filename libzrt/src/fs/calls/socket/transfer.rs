//! Bytes and messages from one socket's hands into another one's inbox.

use alloc::vec::Vec;

use crate::errno::Errno;
use crate::fs::calls::poll::{ANY, IN, OUT, RDNORM, WRNORM};
use crate::fs::socket::{Address, DATAGRAM, Ip, Received, STREAM};
use crate::fs::{Kind, NodeId};
use crate::kernel::Kernel;
use crate::signal::SIGPIPE;
use crate::threads::On;

pub(super) const MSG_PEEK: u64 = 0x2;
pub(super) const MSG_TRUNC: u64 = 0x20;
pub(super) const MSG_DONTWAIT: u64 = 0x40;
pub(super) const MSG_WAITALL: u64 = 0x100;
pub(super) const MSG_NOSIGNAL: u64 = 0x4000;

/// Most bytes of a datagram of the internet.
const LARGEST_DATAGRAM: usize = 65_507;

impl Kernel {
    /// Receives.
    pub(in crate::fs::calls) fn receive(
        &mut self,
        id: NodeId,
        buffer: &mut [u8],
        flags: u64,
        is_blocking: bool,
    ) -> Result<Received, Errno> {
        let is_blocking = is_blocking && flags & MSG_DONTWAIT == 0;
        let done = self.progress().done as usize;
        let whole = flags & MSG_WAITALL != 0 && flags & MSG_PEEK == 0;
        let rest = buffer.get_mut(done..).unwrap_or_default();
        self.look_at_line(id);
        let socket = self.socket_at(id)?;
        if socket.has_connections() && !socket.is_connected() {
            return Err(match socket.error.take() {
                Some(errno) => errno,
                None if socket.is_internet() => Errno::ENOTCONN,
                None => Errno::EINVAL,
            });
        }
        if socket.kind == DATAGRAM
            && let Some(errno) = socket.error.take()
        {
            return Err(errno);
        }
        let (kind, timeout) = (socket.kind, socket.options.receive_timeout);
        let is_stream = kind == STREAM;
        let so_far = |done| Received {
            count: done,
            length: done,
            from: Address::Unnamed,
        };
        let had_room = socket.inbox.has_room();
        if let Some(received) = socket.inbox.receive(rest, flags & MSG_PEEK != 0) {
            // Whoever waits for room: the other end, or all who send to a name.
            let waits = socket.peer.unwrap_or(id);
            // Of AF_UNIX, the other end hears of all that leaves here; of the internet, when it can send again.
            let news = socket.peer.is_some() && !(socket.is_internet() && had_room);
            let crowded = core::mem::take(&mut socket.crowded);
            self.wake_node(waits, if news { OUT | WRNORM } else { 0 });
            if crowded && kind == DATAGRAM {
                self.wake_senders(id);
            }
            let total = done + received.count;
            if !(whole && is_stream && total < buffer.len()) {
                return Ok(Received {
                    count: total,
                    length: done + received.length,
                    from: received.from,
                });
            }
            self.progress().done = total as u64;
        }
        let done = self.progress().done as usize;
        let Kind::Socket(socket) = &self.tree.node(id)?.kind else {
            return Err(Errno::EIO);
        };
        let at_end = !self.peer_sends(socket);
        if done == 0
            && let Some(errno) = self.socket_at(id)?.error.take()
        {
            return Err(errno);
        }
        if at_end {
            return Ok(so_far(done));
        }
        if !is_blocking {
            return if done > 0 {
                Ok(so_far(done))
            } else {
                Err(Errno::EAGAIN)
            };
        }
        let deadline = self.deadline(timeout);
        match self.block(On::Node(id), deadline, "receives what nobody sends") {
            Errno::EINTR | Errno::ETIMEDOUT if done > 0 => Ok(so_far(done)),
            Errno::ETIMEDOUT => Err(Errno::EAGAIN),
            errno => Err(errno),
        }
    }

    /// Sends, to whom the socket is connected or to an address: bytes taken.
    pub(in crate::fs::calls) fn send(
        &mut self,
        id: NodeId,
        bytes: &[u8],
        flags: u64,
        is_blocking: bool,
        to: Option<Address>,
    ) -> Result<u64, Errno> {
        let is_blocking = is_blocking && flags & MSG_DONTWAIT == 0;
        let socket = self.socket_at(id)?;
        if socket.kind == DATAGRAM {
            return self.send_message(id, bytes, is_blocking, to);
        }
        if to.is_some() && !socket.is_internet() && socket.kind == STREAM {
            return Err(if socket.is_connected() {
                Errno::EISCONN
            } else {
                Errno::EOPNOTSUPP
            });
        }
        let done = self.progress().done;
        match self.send_rest(id, bytes, is_blocking) {
            Err(Errno::EPIPE) if done == 0 => {
                if flags & MSG_NOSIGNAL == 0 {
                    self.raise(SIGPIPE);
                }
                Err(Errno::EPIPE)
            }
            Err(Errno::EPIPE | Errno::ECONNRESET | Errno::EINTR) if done > 0 => Ok(done),
            result => result,
        }
    }

    /// Sends what is left of a connection's bytes.
    fn send_rest(&mut self, id: NodeId, bytes: &[u8], is_blocking: bool) -> Result<u64, Errno> {
        let done = self.progress().done;
        let socket = self.socket_at(id)?;
        let is_internet = socket.is_internet();
        if let Some(errno) = socket.error.take() {
            return Err(errno);
        }
        if !socket.is_connected() {
            return Err(if is_internet {
                Errno::EPIPE
            } else {
                Errno::ENOTCONN
            });
        }
        if let Some(line) = socket.line.filter(|_| !socket.write_shut) {
            return self.send_outside(line, bytes);
        }
        let (peer, shut, timeout) = (socket.peer, socket.write_shut, socket.options.send_timeout);
        let Some(peer) = peer.filter(|_| !shut) else {
            if is_internet && !shut {
                // The other end was closed: this one hears so by the answer to what it sends.
                socket.error = Some(Errno::EPIPE);
                self.wake_node(id, ANY);
                return Ok(bytes.len() as u64);
            }
            return Err(Errno::EPIPE);
        };
        let rest = bytes.get(done as usize..).unwrap_or_default();
        let other = self.socket_at(peer)?;
        if other.read_shut && !is_internet {
            return Err(Errno::EPIPE);
        }
        let sent = match self.deliver_to(peer, rest, Address::Unnamed) {
            Ok(count) => {
                self.wake_node(peer, IN | RDNORM);
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
        let deadline = self.deadline(timeout);
        match self.block(On::Node(id), deadline, "sends what nobody receives") {
            Errno::EINTR | Errno::ETIMEDOUT if done > 0 => Ok(done),
            Errno::ETIMEDOUT => Err(Errno::EAGAIN),
            errno => Err(errno),
        }
    }

    /// Sends a datagram.
    fn send_message(
        &mut self,
        id: NodeId,
        bytes: &[u8],
        is_blocking: bool,
        to: Option<Address>,
    ) -> Result<u64, Errno> {
        let socket = self.socket_at(id)?;
        if let Some(errno) = socket.error.take() {
            return Err(errno);
        }
        if socket.write_shut {
            return Err(Errno::EPIPE);
        }
        if socket.is_internet() {
            return self.send_packet(id, bytes, to);
        }
        let (name, timeout) = (socket.name.clone(), socket.options.send_timeout);
        let (connected, peer) = (socket.is_connected(), socket.peer);
        let target = match (to, peer) {
            (Some(Address::Unix(name)), _) => self.named(&name)?,
            (_, Some(peer)) => peer,
            (None, None) if connected => match self.socket_at(id)?.peer_name.clone() {
                Address::Unix(name) => self.named(&name).map_err(|_| Errno::ECONNREFUSED)?,
                _ => return Err(Errno::ECONNREFUSED),
            },
            _ => return Err(Errno::ENOTCONN),
        };
        let other = self.socket_at(target)?;
        if other.kind != DATAGRAM {
            return Err(Errno::EPROTOTYPE);
        }
        if other.read_shut {
            return Err(Errno::EPIPE);
        }
        match self.deliver_to(target, bytes, name) {
            Ok(count) => {
                self.wake_node(target, IN | RDNORM);
                Ok(count as u64)
            }
            Err(Errno::EAGAIN) if is_blocking => {
                let on = if peer == Some(target) { id } else { target };
                let deadline = self.deadline(timeout);
                match self.block(On::Node(on), deadline, "sends what nobody receives") {
                    Errno::ETIMEDOUT => Err(Errno::EAGAIN),
                    errno => Err(errno),
                }
            }
            Err(errno) => Err(errno),
        }
    }

    /// Puts bytes into a socket's inbox: how many.
    fn deliver_to(&mut self, id: NodeId, bytes: &[u8], from: Address) -> Result<usize, Errno> {
        let Kind::Socket(socket) = &mut self.tree.node_mut(id)?.kind else {
            return Err(Errno::EIO);
        };
        let result = self.memory.strictly(|| socket.inbox.deliver(bytes, from));
        socket.crowded |= result == Err(Errno::EAGAIN) || !socket.inbox.has_room();
        result
    }

    /// There is room again at a socket: those that watch others which send to its name hear of it.
    pub(super) fn wake_senders(&mut self, id: NodeId) {
        let mut senders = Vec::new();
        for &epoll in &self.epolls {
            let Ok(node) = self.tree.node(epoll) else {
                continue;
            };
            let Kind::Epoll(epoll) = &node.kind else {
                continue;
            };
            let watched = epoll.watches().map(|(_, watch)| watch.node);
            senders.extend(watched.filter(|&sender| {
                self.look_at(sender).is_some_and(|socket| {
                    matches!(&socket.peer_name, Address::Unix(name)
                        if socket.kind == DATAGRAM && self.named(name) == Ok(id))
                })
            }));
        }
        for sender in senders {
            self.wake_node(sender, OUT | WRNORM);
        }
    }

    /// Sends a datagram of the internet: it arrives, or it is lost.
    fn send_packet(&mut self, id: NodeId, bytes: &[u8], to: Option<Address>) -> Result<u64, Errno> {
        let socket = self.socket_at(id)?;
        let connected = socket.is_connected();
        let any = Ip::any(socket.family);
        let (ip, port) = match (to, &socket.peer_name) {
            (Some(Address::Internet(_, 0)), _) => return Err(Errno::EINVAL),
            (Some(Address::Internet(ip, port)), _) => (ip, port),
            (None, Address::Internet(ip, port)) if connected => (*ip, *port),
            _ => return Err(Errno::EDESTADDRREQ),
        };
        if bytes.len() > LARGEST_DATAGRAM {
            return Err(Errno::EMSGSIZE);
        }
        let ip = ip.arrives()?;
        self.name_if_unnamed(id, any)?;
        let from = match self.socket_at(id)?.name {
            Address::Internet(own, port) if own.is_any() => {
                Address::Internet(Ip::loopback(ip), port)
            }
            ref name => name.clone(),
        };
        let hearers = self.ports.hearers(false, ip, port);
        // One that is connected to the sender goes before those that hear anybody, and hears nobody else.
        let mut best = None;
        for hearer in hearers {
            let Some(socket) = self.look_at(hearer) else {
                continue;
            };
            if socket.is_connected() && socket.peer_name == from {
                best = Some(hearer);
                break;
            }
            if !socket.is_connected() && best.is_none() {
                best = Some(hearer);
            }
        }
        let Some(target) = best else {
            if connected {
                // What comes back says so.
                self.socket_at(id)?.error = Some(Errno::ECONNREFUSED);
                self.wake_node(id, ANY);
            }
            return Ok(bytes.len() as u64);
        };
        match self.deliver_to(target, bytes, from) {
            // No room: lost.
            Ok(_) | Err(Errno::EAGAIN) => {}
            Err(errno) => return Err(errno),
        }
        self.wake_node(target, IN | RDNORM);
        Ok(bytes.len() as u64)
    }

    /// Whether there is room for datagrams that go to this name.
    pub(super) fn has_room_at(&self, name: &Address) -> bool {
        let Address::Unix(name) = name else {
            return true;
        };
        let target = self.named(name).ok().and_then(|id| self.look_at(id));
        target.is_none_or(|socket| socket.inbox.has_room())
    }
}
