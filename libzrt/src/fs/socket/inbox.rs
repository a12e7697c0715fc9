//! What arrived at a socket and was not read yet.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::Address;
use crate::errno::Errno;
use crate::fs::Pipe;

/// Bytes of messages that an inbox holds (Linux's `wmem_default`).
pub const CAPACITY: usize = 212_992;

/// A datagram, or a packet of a sequence.
#[derive(Debug)]
pub struct Message {
    bytes: Vec<u8>,
    from: Address,
}

/// What arrived.
#[derive(Debug)]
pub enum Inbox {
    /// `SOCK_STREAM`: bytes.
    Stream(Pipe),
    /// `SOCK_DGRAM` and `SOCK_SEQPACKET`: messages, and the bytes in them.
    Messages(VecDeque<Message>, usize),
}

/// What a read took out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Bytes copied.
    pub count: usize,
    /// The length of the message that they are from.
    pub length: usize,
    /// Who sent it, if it has a name.
    pub from: Address,
}

impl Inbox {
    /// Whether there is nothing to read. A message without bytes is something.
    pub fn is_empty(&self) -> bool {
        match self {
            Inbox::Stream(pipe) => pipe.is_empty(),
            Inbox::Messages(list, _) => list.is_empty(),
        }
    }

    /// Bytes that a read would give (of the first message).
    pub fn waiting(&self) -> usize {
        match self {
            Inbox::Stream(pipe) => pipe.len(),
            Inbox::Messages(list, _) => list.front().map_or(0, |message| message.bytes.len()),
        }
    }

    /// Whether something more can be delivered.
    pub fn has_room(&self) -> bool {
        match self {
            Inbox::Stream(pipe) => pipe.room() > 0,
            Inbox::Messages(_, bytes) => *bytes < CAPACITY,
        }
    }

    /// Takes out what is there, or copies it and leaves it there. `None` if there is nothing.
    pub fn receive(&mut self, buffer: &mut [u8], peek: bool) -> Option<Received> {
        match self {
            Inbox::Stream(pipe) if pipe.is_empty() => None,
            Inbox::Stream(pipe) => {
                let count = if peek {
                    pipe.peek(buffer)
                } else {
                    pipe.read(buffer)
                };
                Some(Received {
                    count,
                    length: count,
                    from: Address::Unnamed,
                })
            }
            Inbox::Messages(list, held) => {
                let message = list.front()?;
                let (count, length) = (buffer.len().min(message.bytes.len()), message.bytes.len());
                buffer[..count].copy_from_slice(&message.bytes[..count]);
                let from = message.from.clone();
                if !peek {
                    list.pop_front();
                    *held -= length;
                }
                Some(Received {
                    count,
                    length,
                    from,
                })
            }
        }
    }

    /// Puts bytes in: how many.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room, `EMSGSIZE` for a message that never fits, `ENOMEM`.
    pub fn deliver(&mut self, bytes: &[u8], from: Address) -> Result<usize, Errno> {
        match self {
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
                let mut copy = Vec::new();
                copy.try_reserve_exact(bytes.len())
                    .map_err(|_| Errno::ENOMEM)?;
                copy.extend_from_slice(bytes);
                let count = bytes.len();
                *held += count;
                list.push_back(Message { bytes: copy, from });
                Ok(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_borders() {
        let mut inbox = Inbox::Messages(VecDeque::new(), 0);
        for text in [&b"first"[..], b"", b"third"] {
            inbox.deliver(text, Address::Unnamed).unwrap();
        }
        let mut buffer = [0; 3];
        let mut receive = |peek| {
            let received = inbox.receive(&mut buffer, peek)?;
            Some((received.count, received.length))
        };
        assert_eq!(receive(true), Some((3, 5)));
        assert_eq!(receive(false), Some((3, 5)));
        assert_eq!(receive(false), Some((0, 0)));
        assert_eq!(receive(false), Some((3, 5)));
        assert_eq!(receive(false), None);
        let mut deliver = |bytes: &[u8]| inbox.deliver(bytes, Address::Unnamed);
        assert_eq!(deliver(&[0; CAPACITY + 1]), Err(Errno::EMSGSIZE));
        deliver(&[0; CAPACITY]).unwrap();
        assert_eq!(deliver(b"x"), Err(Errno::EAGAIN));
    }
}
