//! What `setsockopt` sets and `getsockopt` says.

use alloc::vec::Vec;

use crate::errno::Errno;
use crate::time::SECOND;

/// `SOL_SOCKET`.
pub const SOCKET: u32 = 1;
const IP: u32 = 0;
const TCP: u32 = 6;
const IPV6: u32 = 41;

const REUSEADDR: u32 = 2;
const SNDBUF: u32 = 7;
const RCVBUF: u32 = 8;
const LINGER: u32 = 13;
const REUSEPORT: u32 = 15;
const V6ONLY: u32 = 26;

/// Options that are numbers, with the value that a new socket has: (level, option, value). Those of the levels IP and TCP, buffer
/// sizes and priorities say how packets travel, and here none does: they are kept, and change nothing.
const NUMBERS: &[(u32, u32, i32)] = &[
    (SOCKET, REUSEADDR, 0),
    (SOCKET, 5, 0), // SO_DONTROUTE
    (SOCKET, 6, 0), // SO_BROADCAST
    (SOCKET, SNDBUF, 212_992),
    (SOCKET, RCVBUF, 212_992),
    (SOCKET, 9, 0),  // SO_KEEPALIVE
    (SOCKET, 10, 0), // SO_OOBINLINE
    (SOCKET, 12, 0), // SO_PRIORITY
    (SOCKET, REUSEPORT, 0),
    (SOCKET, 16, 0),  // SO_PASSCRED
    (SOCKET, 18, 1),  // SO_RCVLOWAT
    (IP, 1, 0),       // IP_TOS
    (IP, 2, 64),      // IP_TTL
    (IP, 15, 0),      // IP_FREEBIND
    (IP, 24, 0),      // IP_BIND_ADDRESS_NO_PORT
    (IP, 33, 1),      // IP_MULTICAST_TTL
    (IP, 34, 1),      // IP_MULTICAST_LOOP
    (TCP, 1, 0),      // TCP_NODELAY
    (TCP, 2, 65_483), // TCP_MAXSEG
    (TCP, 3, 0),      // TCP_CORK
    (TCP, 4, 7200),   // TCP_KEEPIDLE
    (TCP, 5, 75),     // TCP_KEEPINTVL
    (TCP, 6, 9),      // TCP_KEEPCNT
    (TCP, 7, 6),      // TCP_SYNCNT
    (TCP, 8, 60),     // TCP_LINGER2
    (TCP, 9, 0),      // TCP_DEFER_ACCEPT
    (TCP, 12, 1),     // TCP_QUICKACK
    (TCP, 18, 0),     // TCP_USER_TIMEOUT
    (TCP, 23, 0),     // TCP_FASTOPEN
    (TCP, 25, 0),     // TCP_NOTSENT_LOWAT
    (IPV6, 16, 64),   // IPV6_UNICAST_HOPS
    (IPV6, 18, 1),    // IPV6_MULTICAST_HOPS
    (IPV6, 19, 1),    // IPV6_MULTICAST_LOOP
    (IPV6, V6ONLY, 0),
    (IPV6, 49, 0), // IPV6_RECVPKTINFO
    (IPV6, 51, 0), // IPV6_RECVHOPLIMIT
    (IPV6, 66, 0), // IPV6_RECVTCLASS
    (IPV6, 67, 0), // IPV6_TCLASS
];

/// Options of one socket.
#[derive(Clone, Debug, Default)]
pub struct Options {
    set: Vec<(u32, u32, i32)>,
    /// `SO_LINGER`: whether, and seconds.
    linger: [i32; 2],
    /// `SO_RCVTIMEO` and `SO_SNDTIMEO`, in nanoseconds.
    pub receive_timeout: Option<u64>,
    /// See `receive_timeout`.
    pub send_timeout: Option<u64>,
}

fn number(bytes: &[u8]) -> Result<i32, Errno> {
    let bytes = bytes.first_chunk().ok_or(Errno::EINVAL)?;
    Ok(i32::from_le_bytes(*bytes))
}

/// `struct timeval` of a timeout; zero is none.
fn timeout(bytes: &[u8]) -> Result<Option<u64>, Errno> {
    let words = bytes.first_chunk::<16>().ok_or(Errno::EINVAL)?;
    let word = |at: usize| {
        let bytes = words[at..].first_chunk().copied();
        i64::from_le_bytes(bytes.unwrap_or_default())
    };
    let (seconds, micros) = (word(0), word(8));
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    // Linux counts milliseconds, and what has no number of them is none.
    if seconds >= i64::MAX / 1000 - 1 {
        return Ok(None);
    }
    // A negative time has passed; Linux does not wait either.
    let span = u64::try_from(seconds).map_or(1, |seconds| {
        seconds
            .saturating_mul(SECOND)
            .saturating_add(micros as u64 * 1000)
    });
    Ok((span > 0).then_some(span))
}

fn timeout_bytes(timeout: Option<u64>) -> Vec<u8> {
    let span = timeout.unwrap_or(0);
    let words = [span / SECOND, span % SECOND / 1000];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Options {
    /// Sets an option.
    ///
    /// # Errors
    /// `ENOPROTOOPT` for an unknown one, `EINVAL` for a value that is too short, `EDOM` for a time that is none.
    pub fn set(&mut self, level: u32, option: u32, value: &[u8]) -> Result<(), Errno> {
        match (level, option) {
            (SOCKET, LINGER) => {
                let seconds = value.get(4..).ok_or(Errno::EINVAL)?;
                self.linger = [i32::from(number(value)? != 0), number(seconds)?];
            }
            (SOCKET, 20 | 66) => self.receive_timeout = timeout(value)?,
            (SOCKET, 21 | 67) => self.send_timeout = timeout(value)?,
            _ => {
                let mut known = NUMBERS.iter();
                known
                    .find(|known| (known.0, known.1) == (level, option))
                    .ok_or(Errno::ENOPROTOOPT)?;
                // Programs give some of IP's as a byte.
                let value = match value {
                    [byte] if level == IP => i32::from(*byte),
                    _ => number(value)?,
                };
                let value = match (level, option) {
                    (SOCKET, SNDBUF) => buffer_size(value, 4608),
                    (SOCKET, RCVBUF) => buffer_size(value, 2304),
                    (SOCKET, 18) => value.max(1),
                    (SOCKET, 12) => value,
                    (SOCKET, _) | (IPV6, V6ONLY) | (TCP, 1 | 3) => i32::from(value != 0),
                    _ => value,
                };
                self.set.retain(|set| (set.0, set.1) != (level, option));
                self.set.push((level, option, value));
            }
        }
        Ok(())
    }

    /// An option's value.
    ///
    /// # Errors
    /// `ENOPROTOOPT`.
    pub fn get(&self, level: u32, option: u32) -> Result<Vec<u8>, Errno> {
        match (level, option) {
            (SOCKET, LINGER) => Ok(self.linger.iter().flat_map(|w| w.to_le_bytes()).collect()),
            (SOCKET, 20 | 66) => Ok(timeout_bytes(self.receive_timeout)),
            (SOCKET, 21 | 67) => Ok(timeout_bytes(self.send_timeout)),
            _ => self
                .value(level, option)
                .map(|value| value.to_le_bytes().to_vec()),
        }
    }

    fn value(&self, level: u32, option: u32) -> Result<i32, Errno> {
        let mut all = self.set.iter().chain(NUMBERS);
        let found = all.find(|known| (known.0, known.1) == (level, option));
        found.map(|known| known.2).ok_or(Errno::ENOPROTOOPT)
    }

    fn is_set(&self, level: u32, option: u32) -> bool {
        self.value(level, option).is_ok_and(|value| value != 0)
    }

    /// `IPV6_V6ONLY`.
    pub fn only_v6(&self) -> bool {
        self.is_set(IPV6, V6ONLY)
    }

    /// `SO_REUSEADDR`.
    pub fn reuses_address(&self) -> bool {
        self.is_set(SOCKET, REUSEADDR)
    }

    /// `SO_REUSEPORT`.
    pub fn reuses_port(&self) -> bool {
        self.is_set(SOCKET, REUSEPORT)
    }

    /// A close throws away what was not read at the other end: `SO_LINGER` with no time.
    pub fn resets(&self) -> bool {
        self.linger == [1, 0]
    }
}

/// A buffer's size, of what the program asks for, whose sign Linux does not see; it doubles that, for what it keeps besides.
fn buffer_size(value: i32, least: i32) -> i32 {
    const MOST: u32 = 212_992;
    ((value as u32).min(MOST) as i32 * 2).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_said() {
        let mut options = Options::default();
        assert_eq!(options.get(SOCKET, REUSEADDR).unwrap(), [0; 4]);
        options.set(SOCKET, REUSEADDR, &[7, 0, 0, 0]).unwrap();
        assert!(options.reuses_address() && !options.reuses_port());
        options
            .set(SOCKET, RCVBUF, &1000_i32.to_le_bytes())
            .unwrap();
        assert_eq!(options.get(SOCKET, RCVBUF).unwrap(), 2304_i32.to_le_bytes());
        let time: Vec<u8> = [3_i64, 500_000]
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        options.set(SOCKET, 20, &time).unwrap();
        assert_eq!(options.receive_timeout, Some(3_500_000_000));
        assert_eq!(options.get(SOCKET, 66).unwrap(), time);
        assert_eq!(options.set(SOCKET, 9999, &[0; 4]), Err(Errno::ENOPROTOOPT));
        assert_eq!(options.set(TCP, 1, &[0; 2]), Err(Errno::EINVAL));
    }
}
