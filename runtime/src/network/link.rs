//! What passes a connection. The writer says [`hello`], then sends frames: a length of four bytes, little-endian, and that
//! many bytes, at least one. A length of zero ends them, followed by the BLAKE3 digest of all bytes sent; a connection
//! that closes without it broke. The reader sends nothing.
//!
//! A [`Link`] is one side of that in the instance: reads and writes alone, and nothing allocates.

/// Bytes of a writer's greeting.
pub const HELLO: usize = 12;
const MAGIC: &[u8; 8] = b"ZVMCHAN1";
/// Most bytes of one frame.
pub const FRAME: usize = 64 << 10;
const HEAD: usize = 4;
const DIGEST: usize = blake3::OUT_LEN;

/// The writer's greeting: what it is, and its node's number, 0 for none.
pub fn hello(node: u32) -> [u8; HELLO] {
    let mut hello = [0; HELLO];
    hello[..MAGIC.len()].copy_from_slice(MAGIC);
    hello[MAGIC.len()..].copy_from_slice(&node.to_le_bytes());
    hello
}

/// The node that a greeting names; `None` if it is no greeting.
pub fn greeted(hello: &[u8; HELLO]) -> Option<u32> {
    let node = hello.strip_prefix(MAGIC)?;
    node.try_into().ok().map(u32::from_le_bytes)
}

/// Why nothing more passes.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// The host's error number; EIO for a connection that closed before its end.
    Host(i32),
    /// The digest at the end is not that of the bytes that came, or a frame is none.
    Forged,
}

/// One side of a connection.
pub struct Link {
    hasher: Box<blake3::Hasher>,
    /// Bytes of the current frame that are still to come.
    left: usize,
    /// The end has come, or was sent, or can no longer be.
    ended: bool,
    /// The frame that is being sent; for a writer.
    frame: Vec<u8>,
}

impl Link {
    /// A reader's side.
    pub fn reader() -> Link {
        Link::new(0)
    }

    /// A writer's side.
    pub fn writer() -> Link {
        Link::new(HEAD + FRAME)
    }

    fn new(frame: usize) -> Link {
        Link {
            hasher: Box::new(blake3::Hasher::new()),
            left: 0,
            ended: false,
            frame: vec![0; frame],
        }
    }

    /// Receives: how many bytes, 0 at the end. `receive` is `read` on the connection.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        mut receive: impl FnMut(&mut [u8]) -> Result<usize, i32>,
    ) -> Result<usize, Broken> {
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        if self.left == 0 {
            let mut head = [0; HEAD];
            fill(&mut head, &mut receive)?;
            self.left = u32::from_le_bytes(head) as usize;
            if self.left == 0 {
                let mut digest = [0; DIGEST];
                fill(&mut digest, &mut receive)?;
                self.ended = true;
                return match self.hasher.finalize() == digest {
                    true => Ok(0),
                    false => Err(Broken::Forged),
                };
            }
            if self.left > FRAME {
                return Err(Broken::Forged);
            }
        }
        let wanted = buffer.len().min(self.left);
        let got = some(&mut buffer[..wanted], &mut receive)?;
        self.hasher.update(&buffer[..got]);
        self.left -= got;
        Ok(got)
    }

    /// Sends all bytes. `send` is `write` on the connection.
    ///
    /// # Errors
    /// The host's error number; nothing can be sent from then on.
    pub fn write(
        &mut self,
        bytes: &[u8],
        mut send: impl FnMut(&[u8]) -> Result<usize, i32>,
    ) -> Result<(), i32> {
        if self.ended {
            return Err(libc::EPIPE);
        }
        for part in bytes.chunks(FRAME) {
            let end = HEAD + part.len();
            self.frame[..HEAD].copy_from_slice(&(part.len() as u32).to_le_bytes());
            self.frame[HEAD..end].copy_from_slice(part);
            // Half a frame may have gone: nothing can follow it.
            drain(&self.frame[..end], &mut send).inspect_err(|_| self.ended = true)?;
            self.hasher.update(part);
        }
        Ok(())
    }

    /// Sends the end, if it can still be sent.
    ///
    /// # Errors
    /// The host's error number.
    pub fn end(&mut self, mut send: impl FnMut(&[u8]) -> Result<usize, i32>) -> Result<(), i32> {
        if std::mem::replace(&mut self.ended, true) || self.frame.is_empty() {
            return Ok(());
        }
        let mut end = [0; HEAD + DIGEST];
        end[HEAD..].copy_from_slice(self.hasher.finalize().as_bytes());
        drain(&end, &mut send)
    }
}

/// At least one byte.
fn some(
    buffer: &mut [u8],
    receive: &mut impl FnMut(&mut [u8]) -> Result<usize, i32>,
) -> Result<usize, Broken> {
    match receive(buffer) {
        Ok(0) => Err(Broken::Host(libc::EIO)),
        Ok(got) => Ok(got),
        Err(errno) => Err(Broken::Host(errno)),
    }
}

fn fill(
    buffer: &mut [u8],
    receive: &mut impl FnMut(&mut [u8]) -> Result<usize, i32>,
) -> Result<(), Broken> {
    let mut done = 0;
    while done < buffer.len() {
        done += some(&mut buffer[done..], receive)?;
    }
    Ok(())
}

fn drain(mut bytes: &[u8], send: &mut impl FnMut(&[u8]) -> Result<usize, i32>) -> Result<(), i32> {
    while !bytes.is_empty() {
        bytes = &bytes[send(bytes)?..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A writer's bytes, in pieces of `piece` at most.
    fn sent(messages: &[&[u8]], piece: usize, end: bool) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut send = |bytes: &[u8]| {
            let count = bytes.len().min(piece);
            wire.extend_from_slice(&bytes[..count]);
            Ok(count)
        };
        let mut link = Link::writer();
        for message in messages {
            link.write(message, &mut send).unwrap();
        }
        if end {
            link.end(&mut send).unwrap();
            link.end(&mut send).unwrap();
        }
        wire
    }

    fn received(wire: Vec<u8>, piece: usize) -> Result<Vec<u8>, Broken> {
        let mut wire = VecDeque::from(wire);
        let mut receive = |buffer: &mut [u8]| {
            let count = buffer.len().min(piece).min(wire.len());
            buffer
                .iter_mut()
                .zip(wire.drain(..count))
                .for_each(|(to, from)| *to = from);
            Ok(count)
        };
        let (mut link, mut all, mut buffer) = (Link::reader(), Vec::new(), [0; 1000]);
        loop {
            match link.read(&mut buffer, &mut receive)? {
                0 => break,
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
        assert_eq!(
            link.read(&mut buffer, |_| Err(libc::EBADF)),
            Ok(0),
            "an end stays"
        );
        Ok(all)
    }

    #[test]
    fn what_is_sent_arrives() {
        let large: Vec<u8> = (0..3 * FRAME + 5).map(|n| (n * 7 % 251) as u8).collect();
        for piece in [1, 3, 4096, usize::MAX] {
            let wire = sent(&[b"a", &large, b"", b"bc"], piece, true);
            assert_eq!(
                received(wire, piece).unwrap(),
                [b"a", &large[..], b"bc"].concat()
            );
        }
        assert_eq!(received(sent(&[], 9, true), 9).unwrap(), b"");
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_seen() {
        let wire = sent(&[b"some", b" bytes"], 99, true);
        for length in 0..wire.len() {
            let cut = received(wire[..length].to_vec(), 99);
            assert_eq!(cut, Err(Broken::Host(libc::EIO)), "{length}");
        }
        for at in 0..wire.len() {
            let mut changed = wire.clone();
            changed[at] ^= 1;
            assert!(received(changed, 99).is_err(), "{at}");
        }
        let huge = (FRAME as u32 + 1).to_le_bytes().to_vec();
        assert_eq!(received(huge, 99), Err(Broken::Forged));
    }

    #[test]
    fn a_broken_connection_stays_broken() {
        let mut link = Link::writer();
        let reset = link.write(b"x", |_| Err(libc::ECONNRESET));
        assert_eq!(reset, Err(libc::ECONNRESET));
        assert_eq!(link.write(b"x", |bytes| Ok(bytes.len())), Err(libc::EPIPE));
        assert_eq!(
            link.end(|_| Err(libc::EBADF)),
            Ok(()),
            "the program knows already"
        );
    }

    #[test]
    fn greetings() {
        assert_eq!(greeted(&hello(77)), Some(77));
        assert_eq!(greeted(b"GET / HTTP/1"), None);
    }
}
