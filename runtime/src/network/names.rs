//! The question to a name server, in ZeroVM's words: one datagram says on which ports a node listens for which others, and
//! to which others it wants to connect; the answer, sent when all nodes have asked, says where those listen.
//!
//! A question is `node, count, records of listeners, count, records of connections`, an answer `count, records of
//! connections`. Numbers are big-endian, four bytes; a record is a node's number, an IPv4 address and a port of two bytes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

/// Bytes of a record.
const RECORD: usize = 10;
/// Most bytes of a datagram.
pub const DATAGRAM: usize = 65_507;
/// After so long without an answer the question is asked again: a datagram may be lost.
const AGAIN: Duration = Duration::from_millis(500);

/// A node, and where it listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub node: u32,
    /// Its address; 0 where the reader of the record knows it, or wants to.
    pub ip: Ipv4Addr,
    /// Its port; 0 where the reader of the record wants to know it.
    pub port: u16,
}

/// What a node asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub node: u32,
    /// For whom it listens, and on which port.
    pub listens: Vec<Record>,
    /// To whom it wants to connect.
    pub connects: Vec<Record>,
}

impl Question {
    /// As a datagram.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.node.to_be_bytes().to_vec();
        put(&mut bytes, &self.listens);
        put(&mut bytes, &self.connects);
        bytes
    }

    /// From a datagram; `None` if it is no question.
    pub fn parse(bytes: &[u8]) -> Option<Question> {
        let (node, rest) = number(bytes)?;
        let (listens, rest) = take(rest)?;
        let (connects, rest) = take(rest)?;
        rest.is_empty().then_some(Question {
            node,
            listens,
            connects,
        })
    }

    /// Asks `server` until it answers: where the nodes in `connects` listen, in their order.
    ///
    /// # Errors
    /// The host's, or that there was no good answer by `deadline`.
    pub fn ask(&self, server: SocketAddr, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        let bytes = self.bytes();
        if bytes.len() > DATAGRAM {
            return Err(io::Error::other(
                "more channels than a name server can be asked for",
            ));
        }
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(server)?;
        let mut answer = vec![0; DATAGRAM];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::other("no answer: have all nodes been started?"));
            }
            // A server that is not up yet shows as a refusal here or below.
            let _ = socket.send(&bytes);
            socket.set_read_timeout(Some(left.min(AGAIN)))?;
            let asked = Instant::now();
            match socket.recv(&mut answer) {
                Ok(length) => {
                    return self
                        .answered(&answer[..length])
                        .ok_or_else(|| io::Error::other("the answer is malformed"));
                }
                Err(_) => {
                    std::thread::sleep((left.min(AGAIN) / 10).saturating_sub(asked.elapsed()))
                }
            }
        }
    }

    fn answered(&self, bytes: &[u8]) -> Option<Vec<SocketAddr>> {
        let (records, rest) = take(bytes)?;
        let same = records.len() == self.connects.len() && rest.is_empty();
        let found = self.connects.iter().map(|wanted| {
            let record = records.iter().find(|record| record.node == wanted.node)?;
            (record.port != 0).then_some(SocketAddrV4::new(record.ip, record.port).into())
        });
        found.collect::<Option<_>>().filter(|_| same)
    }
}

/// Adds a count and the records.
pub fn put(bytes: &mut Vec<u8>, records: &[Record]) {
    bytes.extend_from_slice(&(records.len() as u32).to_be_bytes());
    for record in records {
        bytes.extend_from_slice(&record.node.to_be_bytes());
        bytes.extend_from_slice(&record.ip.octets());
        bytes.extend_from_slice(&record.port.to_be_bytes());
    }
}

/// Takes a count and the records.
fn take(bytes: &[u8]) -> Option<(Vec<Record>, &[u8])> {
    let (count, rest) = number(bytes)?;
    let (records, rest) = rest.split_at_checked((count as usize).checked_mul(RECORD)?)?;
    let record = |bytes: &[u8]| {
        let &[a, b, c, d, i, p, v, q, high, low] = bytes else {
            return None;
        };
        Some(Record {
            node: u32::from_be_bytes([a, b, c, d]),
            ip: Ipv4Addr::new(i, p, v, q),
            port: u16::from_be_bytes([high, low]),
        })
    };
    let records = records.chunks(RECORD).map(record).collect::<Option<_>>()?;
    Some((records, rest))
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*head), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(node: u32, ip: [u8; 4], port: u16) -> Record {
        Record {
            node,
            ip: ip.into(),
            port,
        }
    }

    #[test]
    fn questions_and_answers() {
        let question = Question {
            node: 1,
            listens: vec![record(2, [0; 4], 0x1234)],
            connects: vec![record(3, [0; 4], 0)],
        };
        let bytes = question.bytes();
        let expected = [
            0, 0, 0, 1, // who
            0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0x12, 0x34, // listens
            0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, // connects
        ];
        assert_eq!(bytes, expected);
        assert_eq!(Question::parse(&bytes), Some(question.clone()));
        for length in 0..bytes.len() {
            assert_eq!(Question::parse(&bytes[..length]), None);
        }
        let mut huge = bytes.clone();
        huge[4] = 0xff;
        assert_eq!(Question::parse(&huge), None);

        let mut answer = Vec::new();
        put(&mut answer, &[record(3, [10, 0, 0, 7], 80)]);
        let found = question.answered(&answer);
        assert_eq!(found, Some(vec!["10.0.0.7:80".parse().unwrap()]));
        for wrong in [
            vec![],
            vec![record(4, [10, 0, 0, 7], 80)],
            vec![record(3, [0; 4], 0)],
        ] {
            let mut answer = Vec::new();
            put(&mut answer, &wrong);
            assert_eq!(question.answered(&answer), None);
        }
    }
}
