//! Sockets without a network: the two ends that `socketpair` makes. A write goes into the other end's inbox.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::{NodeId, Pipe};
use crate::errno::Errno;

/// Bytes of messages that an inbox holds (Linux's `wmem_default`).
const CAPACITY: usize = 212_992;

/// What arrived at an end.
#[derive(Debug)]
pub enum Inbox {
    /// `SOCK_STREAM`: bytes.
    Stream(Pipe),
    /// `SOCK_DGRAM` and `SOCK_SEQPACKET`: messages, and the bytes in them.
    Messages(VecDeque<Box<[u8]>>, usize),
}

/// An end.
#[derive(Debug)]
pub struct Socket {
    /// `SOCK_STREAM` 1, `SOCK_DGRAM` 2, `SOCK_SEQPACKET` 5.
    pub kind: u32,
    /// What is to be read here.
    pub inbox: Inbox,
    /// The other end; `None` when it was closed.
    pub peer: Option<NodeId>,
    /// Nothing more can be read here.
    pub read_shut: bool,
    /// Nothing more can be written here.
    pub write_shut: bool,
}

impl Socket {
    /// An end of this type.
    pub fn new(kind: u32) -> Socket {
        let inbox = if kind == 1 {
            Inbox::Stream(Pipe::default())
        } else {
            Inbox::Messages(VecDeque::new(), 0)
        };
        Socket {
            kind,
            inbox,
            peer: None,
            read_shut: false,
            write_shut: false,
        }
    }

    /// Whether there is something to read.
    pub fn has_data(&self) -> bool {
        self.waiting() > 0 || matches!(&self.inbox, Inbox::Messages(list, _) if !list.is_empty())
    }

    /// Bytes that a read would give (of the first message).
    pub fn waiting(&self) -> usize {
        match &self.inbox {
            Inbox::Stream(pipe) => pipe.len(),
            Inbox::Messages(list, _) => list.front().map_or(0, |message| message.len()),
        }
    }

    /// Whether a write to the other end's inbox, this one, would find room.
    pub fn has_room(&self) -> bool {
        match &self.inbox {
            Inbox::Stream(pipe) => pipe.room() > 0,
            Inbox::Messages(_, bytes) => *bytes < CAPACITY,
        }
    }

    /// Takes out what is there: the bytes copied, and the whole length of the message. `None` if there is nothing.
    pub fn receive(&mut self, buffer: &mut [u8], peek: bool) -> Option<(usize, usize)> {
        if !self.has_data() {
            return None;
        }
        match &mut self.inbox {
            Inbox::Stream(pipe) => {
                let count = if peek {
                    pipe.peek(buffer)
                } else {
                    pipe.read(buffer)
                };
                Some((count, count))
            }
            Inbox::Messages(list, bytes) => {
                let message = list.front()?;
                let count = buffer.len().min(message.len());
                buffer[..count].copy_from_slice(&message[..count]);
                let length = message.len();
                if !peek {
                    list.pop_front();
                    *bytes -= length;
                }
                Some((count, length))
            }
        }
    }

    /// Puts bytes into this inbox: how many.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room, `EMSGSIZE` for a message that never fits, `ENOMEM`.
    pub fn deliver(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match &mut self.inbox {
            Inbox::Stream(pipe) if pipe.room() == 0 && !bytes.is_empty() => Err(Errno::EAGAIN),
            Inbox::Stream(pipe) => pipe.write(&bytes[..bytes.len().min(pipe.room())]),
            Inbox::Messages(list, held) => {
                if bytes.len() > CAPACITY {
                    return Err(Errno::EMSGSIZE);
                }
                if *held + bytes.len() > CAPACITY {
                    return Err(Errno::EAGAIN);
                }
                list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                list.push_back(Box::from(bytes));
                *held += bytes.len();
                Ok(bytes.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_borders() {
        let mut socket = Socket::new(2);
        socket.deliver(b"first").unwrap();
        socket.deliver(b"").unwrap();
        socket.deliver(b"third").unwrap();
        let mut buffer = [0; 3];
        assert_eq!(socket.receive(&mut buffer, true), Some((3, 5)));
        assert_eq!(socket.receive(&mut buffer, false), Some((3, 5)));
        assert_eq!(socket.receive(&mut buffer, false), Some((0, 0)));
        assert_eq!(socket.receive(&mut buffer, false), Some((3, 5)));
        assert_eq!(socket.receive(&mut buffer, false), None);
        assert_eq!(socket.deliver(&[0; CAPACITY + 1]), Err(Errno::EMSGSIZE));
        socket.deliver(&[0; CAPACITY]).unwrap();
        assert_eq!(socket.deliver(b"x"), Err(Errno::EAGAIN));
    }
}
