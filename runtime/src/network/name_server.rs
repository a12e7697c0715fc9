//! A name server for a job of a known number of nodes: it hears each node's question and, when all have asked, tells each
//! where the others listen.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::names::{self, DATAGRAM, Question, Record};

/// Answers on `socket`. Once `nodes` nodes have asked, each is answered, and again whenever it asks again. Ends only with
/// an error; whoever calls it decides how long it serves.
///
/// # Errors
/// The host's.
pub fn serve(socket: &UdpSocket, nodes: usize) -> io::Result<std::convert::Infallible> {
    let mut asked: BTreeMap<u32, (SocketAddr, Question)> = BTreeMap::new();
    let mut datagram = vec![0; DATAGRAM];
    loop {
        let (length, from) = match socket.recv_from(&mut datagram) {
            Ok(received) => received,
            // On Linux a datagram to a node that has gone shows here.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) => return Err(error),
        };
        let Some(question) = Question::parse(&datagram[..length]) else {
            continue;
        };
        let node = question.node;
        // Whoever is one too many is not heard: the job is complete without it.
        if asked.len() == nodes && !asked.contains_key(&node) {
            continue;
        }
        let complete = asked.len() == nodes;
        asked.insert(node, (from, question));
        if asked.len() < nodes {
            continue;
        }
        for (peer, (to, question)) in &asked {
            if complete && *peer != node {
                continue;
            }
            if let Some(answer) = answer(&asked, *peer, question, *to) {
                // Whoever does not hear it asks again.
                let _ = socket.send_to(&answer, to);
            }
        }
    }
}

/// Where the nodes listen to which `node`, at `to`, wants to connect; `None` if one does not listen for it.
fn answer(
    asked: &BTreeMap<u32, (SocketAddr, Question)>,
    node: u32,
    question: &Question,
    to: SocketAddr,
) -> Option<Vec<u8>> {
    let found = question.connects.iter().map(|wanted| {
        let (at, other) = asked.get(&wanted.node)?;
        let listens = other.listens.iter().find(|record| record.node == node)?;
        let ip = match at.ip() {
            // Nodes of one host, which may see themselves under an address that means nothing to others.
            ip if ip == to.ip() => Ipv4Addr::LOCALHOST,
            IpAddr::V4(ip) => ip,
            IpAddr::V6(ip) => ip.to_ipv4_mapped()?,
        };
        Some(Record {
            node: wanted.node,
            ip,
            port: listens.port,
        })
    });
    let records = found.collect::<Option<Vec<_>>>()?;
    let mut bytes = Vec::new();
    names::put(&mut bytes, &records);
    Some(bytes)
}
