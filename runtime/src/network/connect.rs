//! Connecting all network channels of an instance: first everything listens, then names are asked for, then everything
//! connects, and only then anything is waited for. So two instances that write to each other both come up.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::arrivals;
use super::link;
use super::names::{Question, Record};
use super::{Address, resolve};

/// Between two tries of what is not there yet.
pub(super) const AGAIN: Duration = Duration::from_millis(5);

/// One end that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The other end, or where this one listens.
    pub address: Address,
    /// This end waits for the other one's connection.
    pub listens: bool,
    /// What passes is framed ([`link`]), and the writer greets; else it is the bytes alone, both ways.
    pub framed: bool,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.framed, self.listens) {
            (true, _) => "tcp",
            (false, true) => "listen",
            (false, false) => "connect",
        };
        write!(f, "{scheme}:{}", self.address)
    }
}

/// What the instance is among others.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its number.
    pub node: Option<u32>,
    /// Who knows the other nodes.
    pub name_server: Option<SocketAddr>,
}

/// An end that could not be connected.
#[derive(Debug)]
pub struct Failure {
    /// Its index among the wanted.
    pub index: usize,
    /// Why.
    pub source: io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// An end on its way.
enum End {
    /// Several ends may listen at one address.
    Listens(Rc<TcpListener>),
    Connects(Vec<SocketAddr>),
    Up(TcpStream),
}

/// Connects all that is wanted, in its order.
///
/// # Errors
/// [`Failure`] for the first that has no other end by `patience` from now.
pub fn connect(
    wanted: &[Wanted],
    place: Place,
    patience: Duration,
) -> Result<Vec<TcpStream>, Failure> {
    let deadline = Instant::now() + patience.min(Duration::from_secs(1 << 30));
    let mut ends: Vec<End> = Vec::with_capacity(wanted.len());
    for (index, end) in wanted.iter().enumerate() {
        let shared = (0..index).find(|&other| !end.framed && end.listens && wanted[other] == *end);
        let shared = shared.and_then(|other| match &ends[other] {
            End::Listens(listener) => Some(End::Listens(Rc::clone(listener))),
            _ => None,
        });
        let end = shared.map_or_else(|| prepare(end), Ok);
        ends.push(end.map_err(|source| Failure { index, source })?);
    }
    ask(wanted, &mut ends, place, deadline)?;
    for (index, end) in ends.iter_mut().enumerate() {
        if let End::Connects(addresses) = end {
            let stream = match wanted[index].framed {
                true => dial(addresses, place.node.unwrap_or(0), deadline),
                false => call(addresses, deadline),
            };
            *end = End::Up(stream.map_err(|source| Failure { index, source })?);
        }
    }
    let mut streams = Vec::with_capacity(ends.len());
    for (index, end) in ends.into_iter().enumerate() {
        let stream = match end {
            End::Up(stream) => Ok(stream),
            End::Listens(listener) => match wanted[index].framed {
                true => arrivals::writer(&listener, &wanted[index].address, deadline),
                false => arrivals::anybody(&listener, deadline),
            },
            End::Connects(_) => Err(io::Error::other("not connected")),
        };
        streams.push(stream.map_err(|source| Failure { index, source })?);
    }
    Ok(streams)
}

fn prepare(wanted: &Wanted) -> io::Result<End> {
    let listener = match (&wanted.address, wanted.listens) {
        (Address::Host(address), false) => return Ok(End::Connects(resolve(address)?)),
        (Address::Node(_), false) => return Ok(End::Connects(Vec::new())),
        (Address::Host(address), true) => TcpListener::bind(address.as_str()),
        (Address::Node(_), true) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)),
    };
    listener.map(|listener| End::Listens(Rc::new(listener)))
}

/// Asks the name server where nodes listen, and tells it where this one does.
fn ask(
    wanted: &[Wanted],
    ends: &mut [End],
    place: Place,
    deadline: Instant,
) -> Result<(), Failure> {
    let nodes: Vec<(usize, u32)> = wanted
        .iter()
        .enumerate()
        .filter_map(|(index, wanted)| match wanted.address {
            Address::Node(node) => Some((index, node)),
            Address::Host(_) => None,
        })
        .collect();
    let Some(&(index, _)) = nodes.first() else {
        return Ok(());
    };
    let fail = |source| Failure { index, source };
    let (Some(node), Some(server)) = (place.node, place.name_server) else {
        return Err(fail(io::Error::other(
            "a node's name needs NameServer and Node in the manifest; or write tcp:ip:port",
        )));
    };
    let mut question = Question {
        node,
        listens: Vec::new(),
        connects: Vec::new(),
    };
    let mut connecting = Vec::new();
    for (index, node) in nodes {
        let mut record = Record {
            node,
            ip: Ipv4Addr::UNSPECIFIED,
            port: 0,
        };
        match &ends[index] {
            End::Listens(listener) => {
                record.port = listener.local_addr().map_err(fail)?.port();
                question.listens.push(record);
            }
            _ => {
                connecting.push(index);
                question.connects.push(record);
            }
        }
    }
    let found = question.ask(server, deadline).map_err(|source| {
        fail(io::Error::other(format!(
            "the name server at {server}: {source}"
        )))
    })?;
    for (index, address) in connecting.into_iter().zip(found) {
        ends[index] = End::Connects(vec![address]);
    }
    Ok(())
}

/// Connects to the first of the addresses that answers, and greets.
fn dial(addresses: &[SocketAddr], node: u32, deadline: Instant) -> io::Result<TcpStream> {
    loop {
        let mut last = io::Error::other("no address");
        for address in addresses {
            let left = deadline.saturating_duration_since(Instant::now());
            let tried = TcpStream::connect_timeout(address, left.max(AGAIN));
            match tried.and_then(|stream| greet(stream, node)) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        if Instant::now() + AGAIN >= deadline {
            return Err(last);
        }
        std::thread::sleep(AGAIN);
    }
}

/// Connects to the first of the addresses that answers. Whoever is no instance of a job was there before, or never comes: it
/// is asked once.
fn call(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::other("no address");
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now());
        match TcpStream::connect_timeout(address, left.max(AGAIN)).and_then(ready) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A new connection, with what is written sent at once.
fn ready(stream: TcpStream) -> io::Result<TcpStream> {
    // A port of this host that nobody listens on may connect to itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn greet(stream: TcpStream, node: u32) -> io::Result<TcpStream> {
    let mut stream = ready(stream)?;
    io::Write::write_all(&mut stream, &link::hello(node))?;
    Ok(stream)
}
