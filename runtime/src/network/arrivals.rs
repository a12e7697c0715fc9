//! Waiting for a channel's other end among all who connect: of a framed channel for its writer, who greets.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::Address;
use super::connect::AGAIN;
use super::link;

/// How long a connection may take to say that it is a channel's writer.
const HELLO: Duration = Duration::from_secs(2);
/// Most connections that have not greeted yet; the oldest makes room for another.
const MOST: usize = 64;

/// A connection that has not greeted yet.
struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    hello: [u8; link::HELLO],
    got: usize,
    until: Instant,
}

impl Arrival {
    fn new(stream: TcpStream, peer: SocketAddr) -> io::Result<Arrival> {
        stream.set_nonblocking(true)?;
        Ok(Arrival {
            stream,
            peer,
            hello: [0; link::HELLO],
            got: 0,
            until: Instant::now() + HELLO,
        })
    }

    /// Whether it has greeted as the writer that is wanted.
    ///
    /// # Errors
    /// It is none, or was too long about it.
    fn has_greeted(&mut self, from: &Address) -> io::Result<bool> {
        while self.got < self.hello.len() {
            match self.stream.read(&mut self.hello[self.got..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.got += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return match Instant::now() < self.until {
                        true => Ok(false),
                        false => Err(io::Error::other("it did not greet")),
                    };
                }
                Err(error) => return Err(error),
            }
        }
        match (link::greeted(&self.hello), from) {
            (None, _) => Err(io::Error::other("not a channel's writer")),
            (Some(node), Address::Node(wanted)) if node != *wanted => {
                Err(io::Error::other(format!("it is node {node}, not {wanted}")))
            }
            _ => Ok(true),
        }
    }
}

/// The first who connects.
///
/// # Errors
/// The host's, or that nobody did by the deadline.
pub(super) fn anybody(listener: &TcpListener, deadline: Instant) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    loop {
        if let Some((stream, _)) = next(listener)? {
            stream.set_nonblocking(false)?;
            stream.set_nodelay(true)?;
            return Ok(stream);
        }
        if Instant::now() >= deadline {
            return Err(io::Error::other("nobody connected"));
        }
        std::thread::sleep(AGAIN);
    }
}

/// The first who connects and greets as the writer that is wanted. Whoever else connects is sent away, and keeps nobody
/// waiting.
///
/// # Errors
/// The host's, or that no writer did by the deadline.
pub(super) fn writer(
    listener: &TcpListener,
    from: &Address,
    deadline: Instant,
) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let mut arrivals: Vec<Arrival> = Vec::new();
    let mut last = None;
    loop {
        // So many and no more: however many come, those that are here are heard, and the deadline is kept.
        for _ in 0..MOST {
            let Some((stream, peer)) = next(listener)? else {
                break;
            };
            if arrivals.len() == MOST {
                arrivals.remove(0);
            }
            arrivals.push(Arrival::new(stream, peer)?);
        }
        let mut index = 0;
        while let Some(arrival) = arrivals.get_mut(index) {
            match arrival.has_greeted(from) {
                Ok(true) => {
                    let stream = arrivals.swap_remove(index).stream;
                    stream.set_nonblocking(false)?;
                    return Ok(stream);
                }
                Ok(false) => index += 1,
                Err(error) => {
                    last = Some(format!("{}: {error}", arrival.peer));
                    arrivals.remove(index);
                }
            }
        }
        if Instant::now() >= deadline {
            let silent = |arrival: &Arrival| format!("{}: it did not greet", arrival.peer);
            let last = last.or_else(|| arrivals.last().map(silent));
            return Err(io::Error::other(match last {
                None => "nobody connected".to_owned(),
                Some(last) => format!("no writer connected; the last that did was {last}"),
            }));
        }
        std::thread::sleep(AGAIN);
    }
}

/// Who has connected, if somebody has and is still there.
fn next(listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    match listener.accept() {
        Ok(arrived) => Ok(Some(arrived)),
        Err(error) if matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    /// Nobody waits for those in front of it: they are all silent, and there is time for none of them.
    #[test]
    fn strangers_do_not_stand_in_a_writers_way() {
        let (listener, address) = listener();
        let connect = || TcpStream::connect(address).unwrap();
        let silent: Vec<_> = (0..10).map(|_| connect()).collect();
        let mut other = connect();
        other.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        let mut wrong = connect();
        wrong.write_all(&link::hello(8)).unwrap();
        let mut writer = connect();
        writer.write_all(&link::hello(7)).unwrap();
        let stream = super::writer(&listener, &Address::Node(7), soon()).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), writer.local_addr().unwrap());
        drop(silent);
    }

    #[test]
    fn a_greeting_may_come_in_pieces() {
        let (listener, address) = listener();
        let mut writer = TcpStream::connect(address).unwrap();
        let hello = link::hello(7);
        writer.write_all(&hello[..5]).unwrap();
        let from = Address::Node(7);
        let error = super::writer(&listener, &from, soon()).unwrap_err();
        assert!(error.to_string().ends_with("it did not greet"), "{error}");
        let mut writer = TcpStream::connect(address).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                writer.write_all(&hello[..5]).unwrap();
                std::thread::sleep(AGAIN);
                writer.write_all(&hello[5..]).unwrap();
            });
            super::writer(&listener, &from, Instant::now() + 10 * HELLO).unwrap();
        });
    }

    /// Without an end to the strangers, the wait for a writer has one.
    #[test]
    fn strangers_do_not_put_the_deadline_off() {
        let (listener, address) = listener();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut strangers = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        strangers.extend(TcpStream::connect_timeout(&address, AGAIN));
                        strangers.truncate(MOST);
                    }
                });
            }
            let from = Address::Host(String::new());
            let waited = super::writer(&listener, &from, soon());
            done.store(true, Ordering::Relaxed);
            assert!(waited.is_err());
        });
    }
}
