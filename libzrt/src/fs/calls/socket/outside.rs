//! Sockets that are channels: what comes through one goes into its inbox, as from a socket within the instance.
//!
//! A thread that waits for one lets the others run. When none can, the instance waits outside, and no time passes meanwhile:
//! what the world has to say comes before any deadline, so that deadlines do not depend on how fast it is. Only with the
//! host's clock do they end such a wait.

use alloc::vec;

use crate::errno::Errno;
use crate::fs::calls::poll::ANY;
use crate::fs::socket::{Address, Ip, Line, State};
use crate::fs::{Kind, NodeId, Socket};
use crate::kernel::Kernel;
use crate::threads::Thread;

/// Most bytes that come at once.
const PIECE: usize = 64 << 10;
/// Nanoseconds in a millisecond.
const MILLISECOND: u64 = 1_000_000;
/// How long one of several connections is waited for before the next one's turn, in milliseconds.
const EACH: u64 = 1;
/// The longest wait that a trap does, in milliseconds.
const LONGEST: u64 = 1000;

/// This machine, as seen by who is no part of it.
const HERE: [u8; 4] = [198, 19, 255, 254];
/// Whoever connects to it: who that is, is the host's to know.
const THERE: [u8; 4] = [198, 19, 255, 253];
/// The port of the first of them.
const THERE_PORT: u16 = 49_152;

impl Kernel {
    /// Connects to a channel, if there is one for the address and port.
    pub(super) fn connect_outside(&mut self, id: NodeId, ip: Ip, port: u16) -> Result<bool, Errno> {
        let Some(channel) = self.outside.connect(ip, port) else {
            return Ok(false);
        };
        let here = if ip.is_local() {
            Ip::loopback(ip)
        } else {
            Ip::v4(HERE)
        };
        self.name_if_unnamed(id, here)?;
        let socket = self.socket_at(id)?;
        if let Address::Internet(own, _) = &mut socket.name
            && own.is_any()
        {
            *own = here;
        }
        socket.peer_name = Address::Internet(ip, port);
        self.put_through(id, channel)?;
        self.wake_node(id, ANY);
        Ok(true)
    }

    /// Lets the connections that wait for this listener wait for its `accept`.
    pub(super) fn let_arrive(&mut self, id: NodeId) -> Result<(), Errno> {
        loop {
            let model = self.socket_at(id)?;
            let Address::Internet(ip, port) = model.name else {
                return Ok(());
            };
            let mut end = Socket::new(model.family, model.kind);
            end.options = model.options.clone();
            let Some(channel) = self.outside.arrival(port) else {
                return Ok(());
            };
            let here = if ip.is_any() { Ip::v4(HERE) } else { ip };
            end.name = Address::Internet(here, port);
            let number = self.outside.open.len() as u16 % (u16::MAX - THERE_PORT);
            end.peer_name = Address::Internet(Ip::v4(THERE), THERE_PORT + number);
            let end = self.add_socket(end)?;
            self.put_through(end, channel)?;
            if let State::Listening { waiting, .. } = &mut self.socket_at(id)?.state {
                waiting.push_back(end);
            }
        }
    }

    /// The socket is this channel.
    fn put_through(&mut self, id: NodeId, channel: u32) -> Result<(), Errno> {
        let open = &mut self.outside.open;
        open.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        open.push(id);
        // A channel that cannot be read has no more to say.
        let readable = self.channels[channel as usize].readable;
        let socket = self.socket_at(id)?;
        socket.line = Some(Line {
            channel,
            ended: !readable,
        });
        socket.state = State::Connected;
        Ok(())
    }

    /// A socket is closed: so is its side of the connection.
    pub(super) fn leave_outside(&mut self, id: NodeId) {
        let Ok(socket) = self.socket_at(id) else {
            return;
        };
        let shut = socket.write_shut;
        if let Some(line) = socket.line.take() {
            if !shut {
                self.shut_outside(line);
            }
            self.outside.open.retain(|&open| open != id);
        }
    }

    /// Nothing more will be sent.
    pub(super) fn shut_outside(&mut self, line: Line) {
        if self.channels[line.channel as usize].writable {
            // Whoever has gone need not be told.
            self.host.write(line.channel, &[], 0);
        }
    }

    /// Sends to a connection, which takes all of it, and waits outside until it has.
    pub(super) fn send_outside(&mut self, line: Line, bytes: &[u8]) -> Result<u64, Errno> {
        if !self.channels[line.channel as usize].writable {
            return Err(Errno::EPIPE);
        }
        self.write_channel(line.channel, bytes, &mut 0, false)
    }

    /// The channel of a socket that has nothing to be read, but may get it.
    fn quiet_line(&self, id: NodeId) -> Option<u32> {
        let socket = self.look_at(id)?;
        let line = socket.line.filter(|line| !line.ended)?;
        let quiet = socket.inbox.is_empty() && socket.error.is_none() && !socket.read_shut;
        quiet.then_some(line.channel)
    }

    /// Whether who waits until this can be read waits for the world outside.
    pub(in crate::fs::calls) fn waits_outside(&self, id: NodeId, depth: u32) -> bool {
        if self.outside.open.is_empty() || depth == 0 {
            return false;
        }
        match self.tree.node(id).map(|node| &node.kind) {
            Ok(Kind::Epoll(epoll)) => epoll
                .watches()
                .any(|(_, watch)| watch.wants(ANY) && self.waits_outside(watch.node, depth - 1)),
            _ => self.quiet_line(id).is_some(),
        }
    }

    /// Takes in what has come, through all connections that have nothing to be read.
    pub(crate) fn look_outside(&mut self) {
        for index in 0..self.outside.open.len() {
            self.look_at_line(self.outside.open[index]);
        }
    }

    /// Takes in what has come through this one, if it has nothing to be read.
    pub(super) fn look_at_line(&mut self, id: NodeId) {
        if let Some(channel) = self.quiet_line(id)
            && self.comes(channel, 0)
        {
            self.take_in(id, channel);
        }
    }

    /// Whether there is something to read within so many milliseconds.
    fn comes(&mut self, channel: u32, milliseconds: u64) -> bool {
        self.host.read(channel, &mut [], milliseconds) != -i64::from(Errno::EAGAIN.0)
    }

    /// Takes in what comes next, and waits for it.
    fn take_in(&mut self, id: NodeId, channel: u32) {
        let mut buffer = core::mem::take(&mut self.outside.buffer);
        if buffer.is_empty() {
            buffer = vec![0; PIECE];
        }
        let got = Errno::check(self.host.read(channel, &mut buffer, 0));
        if let Ok(socket) = self.socket_at(id) {
            let taken = match got {
                Ok(count) => {
                    let bytes = &buffer[..(count as usize).min(PIECE)];
                    socket.inbox.deliver(bytes, Address::Unnamed).map(|_| count)
                }
                Err(errno) => Err(errno),
            };
            if !matches!(taken, Ok(1..)) {
                socket.error = taken.err();
                if let Some(line) = &mut socket.line {
                    line.ended = true;
                }
            }
        }
        self.outside.buffer = buffer;
        self.wake_node(id, ANY);
    }

    /// No thread can run: waits for what comes to those that wait for the world outside, as long as `span` says in
    /// nanoseconds. Whether something came.
    pub(crate) fn wait_outside(&mut self, span: Option<u64>) -> bool {
        let outside = |(_, thread): (_, &Thread)| thread.progress.outside;
        let polled = self.threads.wait_on_any() && self.threads.iter().any(outside);
        let wanted = |id: NodeId| polled || self.is_awaited(id, ANY);
        let open = self.outside.open.iter().copied();
        let lines = open.filter(|&id| wanted(id));
        let lines = lines.filter_map(|id| Some((id, self.quiet_line(id)?)));
        let lines: vec::Vec<_> = lines.collect();
        if lines.is_empty() {
            return false;
        }
        if let ([(id, channel)], None) = (&lines[..], span) {
            self.take_in(*id, *channel);
            return true;
        }
        let each = if lines.len() == 1 { LONGEST } else { EACH };
        let mut left = span.map(|span| span.div_ceil(MILLISECOND));
        loop {
            for &(id, channel) in &lines {
                let wait = left.map_or(each, |left| left.min(each));
                if self.comes(channel, wait) {
                    self.take_in(id, channel);
                    return true;
                }
                left = left.map(|left| left - wait);
            }
            if left == Some(0) {
                return false;
            }
        }
    }
}
