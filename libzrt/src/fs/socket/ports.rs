//! Which sockets have which names, of those that no directory has.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Ip;
use crate::errno::Errno;
use crate::fs::NodeId;

/// Ports that sockets get which ask for none (Linux's `ip_local_port_range`).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 32_768..=60_999;

/// A socket's share of a port.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The socket.
    pub node: NodeId,
    /// The address at which it hears.
    pub ip: Ip,
    /// It hears no IPv4, though its address is all of IPv6.
    pub only_v6: bool,
}

impl Claim {
    /// How well it fits what is sent to `ip`; `None` if it does not.
    fn fits(&self, ip: Ip) -> Option<u8> {
        if self.ip == ip {
            return Some(2);
        }
        let hears = self.ip.is_any() && (self.ip.is_v4() == ip.is_v4() || self.hears_both());
        hears.then_some(1)
    }

    fn hears_both(&self) -> bool {
        self.ip.is_any() && !self.ip.is_v4() && !self.only_v6
    }

    /// Whether something could be sent to both.
    fn overlaps(&self, other: &Claim) -> bool {
        if self.ip.is_any() && other.ip.is_any() {
            return self.ip == other.ip || self.hears_both() || other.hears_both();
        }
        self.fits(other.ip).is_some() || other.fits(self.ip).is_some()
    }
}

/// All names: ports of streams and of datagrams, and abstract names.
#[derive(Debug)]
pub struct Ports {
    claims: BTreeMap<(bool, u16), Vec<Claim>>,
    /// Sockets with an abstract name.
    pub names: BTreeMap<Box<[u8]>, NodeId>,
    next: u16,
}

impl Default for Ports {
    fn default() -> Ports {
        Ports {
            claims: BTreeMap::new(),
            names: BTreeMap::new(),
            next: *EPHEMERAL.start(),
        }
    }
}

impl Ports {
    /// Who has a part of the port.
    pub fn at(&self, is_stream: bool, port: u16) -> &[Claim] {
        self.claims.get(&(is_stream, port)).map_or(&[], |list| list)
    }

    /// Those that hear what is sent to the address and port, the best fit first.
    pub fn hearers(&self, is_stream: bool, ip: Ip, port: u16) -> Vec<NodeId> {
        let claims = self.at(is_stream, port).iter();
        let mut fits: Vec<_> = claims.filter_map(|c| Some((c.fits(ip)?, c.node))).collect();
        fits.sort_by_key(|(fit, _)| core::cmp::Reverse(*fit));
        fits.into_iter().map(|(_, node)| node).collect()
    }

    /// Those whose part of the port `claim` would share.
    pub fn rivals(&self, is_stream: bool, port: u16, claim: &Claim) -> Vec<NodeId> {
        let claims = self.at(is_stream, port).iter();
        let rivals = claims.filter(|c| c.node != claim.node && c.overlaps(claim));
        rivals.map(|c| c.node).collect()
    }

    /// Gives a socket a part of the port.
    pub fn claim(&mut self, is_stream: bool, port: u16, claim: Claim) {
        self.claims
            .entry((is_stream, port))
            .or_default()
            .push(claim);
    }

    /// A port that nobody has: the next one, so that the same program gets the same ports.
    ///
    /// # Errors
    /// `EADDRINUSE`.
    pub fn free(&mut self, is_stream: bool) -> Result<u16, Errno> {
        for _ in EPHEMERAL {
            let port = self.next;
            self.next = if port == *EPHEMERAL.end() {
                *EPHEMERAL.start()
            } else {
                port + 1
            };
            if !self.claims.contains_key(&(is_stream, port)) {
                return Ok(port);
            }
        }
        Err(Errno::EADDRINUSE)
    }

    /// The socket gives its part of the port back.
    pub fn release(&mut self, is_stream: bool, port: u16, node: NodeId) {
        if let Some(list) = self.claims.get_mut(&(is_stream, port)) {
            list.retain(|claim| claim.node != node);
            if list.is_empty() {
                self.claims.remove(&(is_stream, port));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Family;
    use super::*;

    #[test]
    fn an_address_of_its_own_goes_before_all_addresses() {
        let claim = |node, ip, only_v6| Claim { node, ip, only_v6 };
        let (one, two) = (Ip::v4([127, 0, 0, 1]), Ip::v4([127, 0, 0, 2]));
        let mut ports = Ports::default();
        let port = ports.free(true).unwrap();
        ports.claim(true, port, claim(1, Ip::any(Family::V4), false));
        ports.claim(true, port, claim(2, one, false));
        assert_eq!(ports.hearers(true, one, port), [2, 1]);
        assert_eq!(ports.hearers(true, two, port), [1]);
        assert_eq!(ports.hearers(false, one, port), []);
        assert_ne!(ports.free(true).unwrap(), port);
        let rivals = |ip, only_v6| ports.rivals(true, port, &claim(9, ip, only_v6));
        assert_eq!(rivals(two, false), [1]);
        assert_eq!(rivals(Ip::any(Family::V6), false), [1, 2]);
        assert_eq!(rivals(Ip::any(Family::V6), true), []);
        ports.release(true, port, 1);
        ports.release(true, port, 2);
        assert!(ports.at(true, port).is_empty());
    }
}
