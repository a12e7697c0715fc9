//! bind, listen, connect, accept.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::{is_blocking, split_kind};
use crate::errno::Errno;
use crate::fs::calls::poll::{ANY, IN, OUT, RDNORM, WRNORM};
use crate::fs::socket::{Address, Family, Ip, STREAM, State};
use crate::fs::{Last, NodeId, Socket, resolve};
use crate::kernel::{Args, Kernel};
use crate::text::text;
use crate::threads::On;

/// Most connections that wait for `accept` (Linux's `somaxconn`).
const MOST_WAITING: usize = 4096;

pub(crate) fn bind(kernel: &mut Kernel, [fd, address, size, ..]: Args) -> Result<u64, Errno> {
    let (id, socket) = kernel.socket(fd)?;
    let (family, only_v6) = (socket.family, socket.only_v6());
    let named = socket.name != Address::Unnamed;
    match kernel.address(address, size, family)? {
        _ if named => return Err(Errno::EINVAL),
        Address::Internet(ip, port) => {
            let mapped = family == Family::V6 && ip.is_v4();
            if !ip.is_local() || (mapped && only_v6) {
                return Err(Errno::EADDRNOTAVAIL);
            }
            kernel.name_internet(id, ip, port)?;
        }
        Address::Unnamed => {
            // The first abstract name of five hexadecimal digits that is free.
            let names = (0..0x10_0000).map(|number| text!("\0{number:05x}").into_bytes());
            let mut free = names.filter(|name| !kernel.ports.names.contains_key(&name[..]));
            let name = free.next().ok_or(Errno::EADDRINUSE)?;
            kernel.name_unix(id, &name)?;
        }
        Address::Unix(name) => kernel.name_unix(id, &name)?,
    }
    Ok(0)
}

pub(crate) fn listen(kernel: &mut Kernel, [fd, backlog, ..]: Args) -> Result<u64, Errno> {
    let (id, socket) = kernel.socket(fd)?;
    if !socket.has_connections() {
        return Err(Errno::EOPNOTSUPP);
    }
    let most = usize::try_from(backlog as i32).map_or(MOST_WAITING, |most| most.min(MOST_WAITING));
    match &mut socket.state {
        State::Listening { limit, .. } => {
            *limit = most;
            return Ok(0);
        }
        State::New => {}
        _ => return Err(Errno::EINVAL),
    }
    if !socket.is_internet() && socket.name == Address::Unnamed {
        return Err(Errno::EINVAL);
    }
    if socket.is_internet() {
        let any = Ip::any(socket.family);
        kernel.name_if_unnamed(id, any)?;
        if kernel.has_listening_rival(id)? {
            return Err(Errno::EADDRINUSE);
        }
    }
    kernel.socket_at(id)?.state = State::Listening {
        waiting: VecDeque::new(),
        limit: most,
    };
    kernel.let_arrive(id)?;
    kernel.wake_node(id, ANY);
    Ok(0)
}

pub(crate) fn connect(kernel: &mut Kernel, [fd, address, size, ..]: Args) -> Result<u64, Errno> {
    const UNSPECIFIED: u16 = 0;
    let (id, socket) = kernel.socket(fd)?;
    let (family, is_stream) = (socket.family, socket.has_connections());
    if size as u32 >= 2 && kernel.memory.read::<u16>(address)? == UNSPECIFIED && !is_stream {
        let socket = kernel.socket_at(id)?;
        (socket.peer, socket.peer_name) = (None, Address::Unnamed);
        socket.state = State::New;
        kernel.wake_node(id, OUT | WRNORM);
        return Ok(0);
    }
    let to = kernel.address(address, size, family)?;
    let wait = is_blocking(kernel, fd)?;
    let socket = kernel.socket_at(id)?;
    if !is_stream {
        kernel.set_target(id, to)?;
        kernel.wake_node(id, OUT | WRNORM);
        return Ok(0);
    }
    match socket.state {
        State::New => {}
        State::Listening { .. } if family == Family::Unix => return Err(Errno::EINVAL),
        State::Connecting => {
            socket.state = State::Connected;
            return Ok(0);
        }
        State::Listening { .. } | State::Connected => return Err(Errno::EISCONN),
    }
    if let Some(errno) = socket.error.take() {
        return Err(errno);
    }
    match to {
        Address::Internet(ip, port) => {
            let result = kernel.connect_internet(id, ip, port);
            if wait || result == Err(Errno::ENETUNREACH) {
                return result.map(|()| 0);
            }
            // As on Linux, where even this machine answers a moment later.
            let socket = kernel.socket_at(id)?;
            match result {
                Ok(()) => socket.state = State::Connecting,
                Err(errno) => socket.error = Some(errno),
            }
            kernel.wake_node(id, ANY);
            Err(Errno::EINPROGRESS)
        }
        Address::Unix(name) => kernel.connect_unix(id, &name, wait).map(|()| 0),
        Address::Unnamed => Err(Errno::EINVAL),
    }
}

impl Kernel {
    /// Gives a socket of `AF_UNIX` its name.
    fn name_unix(&mut self, id: NodeId, name: &[u8]) -> Result<(), Errno> {
        if name.first() == Some(&0) {
            if self.ports.names.contains_key(name) {
                return Err(Errno::EADDRINUSE);
            }
            self.ports.names.insert(Box::from(name), id);
        } else {
            let found = resolve(
                &mut self.tree,
                &self.files,
                self.files.cwd,
                name,
                Last::Named,
            )?;
            if found.node.is_some() {
                return Err(Errno::EADDRINUSE);
            }
            if found.slash {
                return Err(Errno::ENOENT);
            }
            self.room_for_name()?;
            let (mount, now) = (self.tree.node(found.parent)?.mount, self.now());
            let umask = self.process.umask;
            let node = self.tree.node_mut(id)?;
            (node.mount, node.permissions) = (mount, 0o777 & !umask);
            self.tree.link(found.parent, &found.name, id, now)?;
        }
        self.socket_at(id)?.name = Address::Unix(Box::from(name));
        Ok(())
    }

    /// Whether another socket listens where this one wants to.
    fn has_listening_rival(&mut self, id: NodeId) -> Result<bool, Errno> {
        let socket = self.socket_at(id)?;
        let shares = socket.options.reuses_port();
        let Address::Internet(_, port) = socket.name else {
            return Ok(false);
        };
        let claims = self.ports.at(true, port).iter();
        let Some(own) = claims.clone().find(|claim| claim.node == id).copied() else {
            return Ok(false);
        };
        let rivals = self.ports.rivals(true, port, &own);
        let mut rivals = rivals.iter().filter_map(|&rival| self.look_at(rival));
        Ok(rivals.any(|rival| {
            matches!(rival.state, State::Listening { .. })
                && !(shares && rival.options.reuses_port())
        }))
    }

    /// Where datagrams go that do not say where.
    fn set_target(&mut self, id: NodeId, to: Address) -> Result<(), Errno> {
        let to = match to {
            Address::Internet(ip, port) => {
                let ip = ip.arrives()?;
                let source = Ip::loopback(ip);
                self.name_if_unnamed(id, source)?;
                if let Address::Internet(own, _) = &mut self.socket_at(id)?.name
                    && own.is_any()
                {
                    *own = source;
                }
                Address::Internet(ip, port)
            }
            Address::Unix(name) => {
                let target = self.named(&name)?;
                if self.socket_at(target)?.kind != self.socket_at(id)?.kind {
                    return Err(Errno::EPROTOTYPE);
                }
                Address::Unix(name)
            }
            Address::Unnamed => return Err(Errno::EINVAL),
        };
        let socket = self.socket_at(id)?;
        (socket.peer, socket.peer_name, socket.state) = (None, to, State::Connected);
        Ok(())
    }

    /// Connects to whoever listens at this port.
    fn connect_internet(&mut self, id: NodeId, ip: Ip, port: u16) -> Result<(), Errno> {
        let to = if ip.is_any() { Ip::loopback(ip) } else { ip };
        if self.connect_outside(id, to, port)? {
            return Ok(());
        }
        let ip = match ip.arrives() {
            // There is somebody, but not at this port, or no more of it.
            Err(_) if self.outside.knows(ip) => return Err(Errno::ECONNREFUSED),
            arrives => arrives?,
        };
        let hearers = self.ports.hearers(true, ip, port);
        let mut listeners = hearers.into_iter().filter(|&node| {
            let socket = self.look_at(node);
            socket.is_some_and(|s| matches!(s.state, State::Listening { .. }) && !s.read_shut)
        });
        let listener = listeners.next().ok_or(Errno::ECONNREFUSED)?;
        self.name_if_unnamed(id, Ip::loopback(ip))?;
        let client = self.socket_at(id)?;
        if let Address::Internet(own, _) = &mut client.name
            && own.is_any()
        {
            *own = Ip::loopback(ip);
        }
        self.join(id, listener, Address::Internet(ip, port))
    }

    fn connect_unix(&mut self, id: NodeId, name: &[u8], wait: bool) -> Result<(), Errno> {
        let listener = self.named(name)?;
        let kind = self.socket_at(id)?.kind;
        let socket = self.socket_at(listener)?;
        if socket.kind != kind {
            return Err(Errno::EPROTOTYPE);
        }
        match &socket.state {
            State::Listening { waiting, limit } if !socket.read_shut => {
                if waiting.len() > *limit {
                    return Err(if wait {
                        self.block(On::Node(listener), None, "connects to who accepts nobody")
                    } else {
                        Errno::EAGAIN
                    });
                }
            }
            _ => return Err(Errno::ECONNREFUSED),
        }
        let name = self.socket_at(listener)?.name.clone();
        self.join(id, listener, name)
    }

    /// Makes the other end of `id`'s connection, and lets it wait for `accept`.
    fn join(&mut self, id: NodeId, listener: NodeId, name: Address) -> Result<(), Errno> {
        let own_name = self.socket_at(id)?.name.clone();
        let model = self.socket_at(listener)?;
        if let State::Listening { waiting, .. } = &mut model.state
            && (waiting.len() > MOST_WAITING || waiting.try_reserve(1).is_err())
        {
            return Err(Errno::ECONNREFUSED);
        }
        let mut end = Socket::new(model.family, model.kind);
        end.options = model.options.clone();
        (end.name, end.peer_name) = (name.clone(), own_name);
        (end.state, end.peer) = (State::Connected, Some(id));
        let end = self.add_socket(end)?;
        if let State::Listening { waiting, .. } = &mut self.socket_at(listener)?.state {
            waiting.push_back(end);
        }
        let socket = self.socket_at(id)?;
        (socket.state, socket.peer, socket.peer_name) = (State::Connected, Some(end), name);
        // Of AF_UNIX, whoever connects knows it without being told.
        let told = if socket.is_internet() { ANY } else { 0 };
        self.wake_node(listener, IN | RDNORM);
        self.wake_node(id, told);
        Ok(())
    }
}

pub(crate) fn accept(kernel: &mut Kernel, [fd, address, size, ..]: Args) -> Result<u64, Errno> {
    accept4(kernel, [fd, address, size, 0, 0, 0])
}

pub(crate) fn accept4(
    kernel: &mut Kernel,
    [fd, address, size, flags, ..]: Args,
) -> Result<u64, Errno> {
    let (rest, flags) = split_kind(flags);
    let wait = is_blocking(kernel, fd)?;
    let (id, socket) = kernel.socket(fd)?;
    if rest != 0 {
        return Err(Errno::EINVAL);
    }
    if socket.kind != STREAM && !socket.has_connections() {
        return Err(Errno::EOPNOTSUPP);
    }
    let (shut, timeout) = (socket.read_shut, socket.options.receive_timeout);
    let State::Listening { waiting, .. } = &socket.state else {
        return Err(Errno::EINVAL);
    };
    let Some(&end) = waiting.front() else {
        if shut {
            return Err(Errno::EINVAL);
        }
        if !wait {
            return Err(Errno::EAGAIN);
        }
        let deadline = kernel.deadline(timeout);
        return Err(
            match kernel.block(On::Node(id), deadline, "accepts what nobody connects") {
                Errno::ETIMEDOUT => Errno::EAGAIN,
                errno => errno,
            },
        );
    };
    let socket = kernel.socket_at(end)?;
    let (name, family) = (socket.peer_name.clone(), socket.family);
    // Before anything is taken: the program's buffer may be none.
    kernel.put_address(address, size, &name, family)?;
    let fd = kernel.socket_descriptor(end, flags)?;
    if let State::Listening { waiting, .. } = &mut kernel.socket_at(id)?.state {
        waiting.pop_front();
    }
    if family == Family::Unix {
        // Somebody may wait for a place.
        kernel.wake_node(id, 0);
    }
    Ok(fd)
}
