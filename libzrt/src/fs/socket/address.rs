//! Names of sockets: `struct sockaddr`, and which of them are on this machine.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::errno::Errno;

/// A protocol family that sockets are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_UNIX`.
    Unix,
    /// `AF_INET`.
    V4,
    /// `AF_INET6`.
    V6,
}

impl Family {
    /// Of Linux's number.
    ///
    /// # Errors
    /// `EAFNOSUPPORT`.
    pub fn new(number: u64) -> Result<Family, Errno> {
        match number {
            1 => Ok(Family::Unix),
            2 => Ok(Family::V4),
            10 => Ok(Family::V6),
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }

    /// Linux's number.
    pub fn number(self) -> u16 {
        match self {
            Family::Unix => 1,
            Family::V4 => 2,
            Family::V6 => 10,
        }
    }
}

/// An address of the internet; IPv4's are those that IPv6 maps them to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip(pub [u8; 16]);

impl Ip {
    /// Of four bytes.
    pub fn v4(bytes: [u8; 4]) -> Ip {
        let [a, b, c, d] = bytes;
        Ip([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d])
    }

    /// `INADDR_ANY` or `in6addr_any`.
    pub fn any(family: Family) -> Ip {
        if family == Family::V6 {
            Ip([0; 16])
        } else {
            Ip::v4([0; 4])
        }
    }

    /// 127.0.0.1, or ::1 for what is no IPv4 address.
    pub fn loopback(like: Ip) -> Ip {
        if like.is_v4() {
            Ip::v4([127, 0, 0, 1])
        } else {
            let mut bytes = [0; 16];
            bytes[15] = 1;
            Ip(bytes)
        }
    }

    /// Whether it is an IPv4 address.
    pub fn is_v4(self) -> bool {
        self.0[..12] == Ip::v4([0; 4]).0[..12]
    }

    /// Whether it stands for all addresses.
    pub fn is_any(self) -> bool {
        self.0 == [0; 16] || self == Ip::v4([0; 4])
    }

    /// Whether it is on this machine.
    pub fn is_local(self) -> bool {
        self.is_any() || self == Ip::loopback(Ip([0; 16])) || (self.is_v4() && self.0[12] == 127)
    }

    /// Where what is sent to it arrives.
    ///
    /// # Errors
    /// `ENETUNREACH`: there is no network but the one inside the instance.
    pub fn arrives(self) -> Result<Ip, Errno> {
        if self.is_any() {
            Ok(Ip::loopback(self))
        } else if self.is_local() {
            Ok(self)
        } else {
            Err(Errno::ENETUNREACH)
        }
    }
}

/// A socket's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Address {
    /// None.
    #[default]
    Unnamed,
    /// Address and port.
    Internet(Ip, u16),
    /// `AF_UNIX`: a path, or an abstract name, which begins with a NUL.
    Unix(Box<[u8]>),
}

/// `sizeof(struct sockaddr_un)`.
const LARGEST: usize = 110;

impl Address {
    /// Reads a `struct sockaddr` that is to name or to find a socket of this family.
    ///
    /// # Errors
    /// `EINVAL` for a wrong size, `EAFNOSUPPORT` for another family's.
    pub fn parse(bytes: &[u8], family: Family) -> Result<Address, Errno> {
        let number = bytes.first_chunk::<2>().ok_or(Errno::EINVAL)?;
        let foreign = u16::from_le_bytes(*number) != family.number();
        let port = |bytes: &[u8]| u16::from_be_bytes([bytes[2], bytes[3]]);
        match family {
            Family::V4 => {
                let bytes = bytes.get(..16).ok_or(Errno::EINVAL)?;
                if foreign {
                    return Err(Errno::EAFNOSUPPORT);
                }
                let ip = Ip::v4([bytes[4], bytes[5], bytes[6], bytes[7]]);
                Ok(Address::Internet(ip, port(bytes)))
            }
            Family::V6 => {
                let bytes = bytes.get(..24).ok_or(Errno::EINVAL)?;
                if foreign {
                    return Err(Errno::EAFNOSUPPORT);
                }
                let mut ip = [0; 16];
                ip.copy_from_slice(&bytes[8..24]);
                Ok(Address::Internet(Ip(ip), port(bytes)))
            }
            Family::Unix if foreign || bytes.len() > LARGEST => Err(Errno::EINVAL),
            Family::Unix => {
                let name = &bytes[2..];
                let end = match name.first() {
                    None => return Ok(Address::Unnamed),
                    // An abstract name has the size that is given.
                    Some(0) => name.len(),
                    Some(_) => name.iter().position(|&b| b == 0).unwrap_or(name.len()),
                };
                Ok(Address::Unix(Box::from(&name[..end])))
            }
        }
    }

    /// As the `struct sockaddr` of a socket of this family.
    pub fn to_bytes(&self, family: Family) -> Vec<u8> {
        let mut bytes = family.number().to_le_bytes().to_vec();
        let (ip, port) = match self {
            Address::Internet(ip, port) => (*ip, *port),
            _ => (Ip::any(family), 0),
        };
        match family {
            Family::V4 => {
                bytes.extend(port.to_be_bytes());
                bytes.extend(&ip.0[12..]);
                bytes.extend([0; 8]);
            }
            Family::V6 => {
                bytes.extend(port.to_be_bytes());
                bytes.extend([0; 4]);
                bytes.extend(ip.0);
                bytes.extend([0; 4]);
            }
            Family::Unix => {
                if let Address::Unix(name) = self {
                    bytes.extend(&name[..]);
                    if name.first() != Some(&0) {
                        bytes.push(0);
                    }
                }
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_is_written() {
        let (v4, v6) = (Ip::v4([127, 1, 2, 3]), Ip::loopback(Ip([0; 16])));
        for (address, family, size) in [
            (Address::Internet(v4, 8080), Family::V4, 16),
            (Address::Internet(v6, 1), Family::V6, 28),
            (Address::Internet(v4, 2), Family::V6, 28),
            (Address::Unix(Box::from(&b"/tmp/s"[..])), Family::Unix, 9),
            (Address::Unix(Box::from(&b"\0ab\0"[..])), Family::Unix, 6),
            (Address::Unnamed, Family::Unix, 2),
        ] {
            let bytes = address.to_bytes(family);
            assert_eq!(bytes.len(), size, "{address:?}");
            assert_eq!(Address::parse(&bytes, family), Ok(address));
        }
        let short = Address::parse(&[2, 0, 0, 80], Family::V4);
        assert_eq!(short, Err(Errno::EINVAL));
        let foreign = Address::parse(&[10; 28], Family::V4);
        assert_eq!(foreign, Err(Errno::EAFNOSUPPORT));
    }

    #[test]
    fn only_this_machine_is_reached() {
        assert_eq!(Ip::any(Family::V6).arrives(), Ok(Ip::loopback(Ip([0; 16]))));
        assert_eq!(Ip::any(Family::V4).arrives(), Ok(Ip::v4([127, 0, 0, 1])));
        let outside = Ip::v4([192, 0, 2, 1]);
        assert_eq!(outside.arrives(), Err(Errno::ENETUNREACH));
    }
}
