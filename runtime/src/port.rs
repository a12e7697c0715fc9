//! One channel as traps need it: its descriptors, positions, what is left of its quotas, and its digest. Nothing here
//! allocates once the guest runs.
#![allow(unsafe_code)]

use std::os::fd::RawFd;

use zvm_abi::manifest::{self, limit};
use zvm_abi::trap::errno;

use crate::channel::{Channel, Source};
use crate::clock;
use crate::digest::{self, Algorithm, Hasher};
use crate::limits;
use crate::network::link::{Broken, Link};
use crate::space;

/// One host file of a channel.
struct Feed {
    fd: RawFd,
    /// Bytes of a regular file at start; `None` for what has no positions.
    size: Option<u64>,
    /// How bytes pass, where it is a connection between instances.
    link: Option<Link>,
    /// It is a connection, framed or not.
    network: bool,
    /// It is the host's clock.
    clock: bool,
}

/// Why a transfer did not happen.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// An error number for the guest.
    Errno(i64),
    /// What came over the network is not what was sent.
    Forged,
}

/// A channel in the instance.
pub struct Port {
    alias: Box<str>,
    feeds: Vec<Feed>,
    limits: [i64; 4],
    used: [u64; 4],
    readable: bool,
    writable: bool,
    random_read: bool,
    random_write: bool,
    /// The source that a sequential read takes next, and the position in it.
    current: usize,
    read_at: u64,
    /// Where the next sequential write goes.
    write_at: u64,
    /// See [`Port::taken`].
    taken: u64,
    hasher: Option<Box<Hasher>>,
}

impl Port {
    /// The port of a channel; all memory that it will need is taken here.
    pub fn new(channel: &Channel, algorithm: Algorithm) -> Port {
        let feed = |source: &Source| Feed {
            fd: source.fd(),
            size: match source {
                Source::Regular(_, size) => Some(*size),
                _ => None,
            },
            link: match source {
                Source::Framed(_) if channel.writable() => Some(Link::writer()),
                Source::Framed(_) => Some(Link::reader()),
                _ => None,
            },
            network: matches!(source, Source::Framed(_) | Source::Connection(_)),
            clock: matches!(source, Source::Clock),
        };
        Port {
            alias: channel.alias.as_str().into(),
            feeds: channel.sources.iter().map(feed).collect(),
            limits: channel.limits,
            used: [0; 4],
            readable: channel.readable(),
            writable: channel.writable(),
            random_read: channel.random_read(),
            random_write: channel.random_write(),
            current: 0,
            read_at: 0,
            // Random read with sequential write is append.
            taken: 0,
            write_at: match channel.kind {
                manifest::RANDOM_READ => channel.size,
                _ => 0,
            },
            hasher: channel.digest.then(|| Box::new(Hasher::new(algorithm))),
        }
    }

    /// The guest's name for it.
    pub fn alias(&self) -> &str {
        &self.alias
    }

    /// Whether the guest may read, or write, at all.
    pub fn allows(&self, write: bool) -> bool {
        if write { self.writable } else { self.readable }
    }

    /// gets, bytes read, puts, bytes written.
    pub fn used(&self) -> [u64; 4] {
        self.used
    }

    /// Digest of the bytes that passed, in their order, if the channel has one.
    pub fn digest(&self) -> Option<[u8; digest::BYTES]> {
        self.hasher.as_ref().map(|hasher| hasher.finish())
    }

    /// Moves bytes within the quotas; the buffer must be the guest's own. The answer is how many.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn transfer(
        &mut self,
        write: bool,
        buffer: u64,
        size: u64,
        offset: u64,
    ) -> Result<u64, Failure> {
        self.taken = 0;
        if size == 0 && self.is_network() {
            return if write {
                self.shut()
            } else {
                self.wait(offset)
            };
        }
        let (count, bytes) = if write {
            (limit::PUTS, limit::PUT_SIZE)
        } else {
            (limit::GETS, limit::GET_SIZE)
        };
        let left = (self.limits[bytes] as u64).saturating_sub(self.used[bytes]);
        if self.used[count] >= self.limits[count] as u64 || left == 0 {
            return Err(Failure::Errno(errno::EDQUOT));
        }
        let size = size.min(limits::TRANSFER).min(left);
        let random = if write {
            self.random_write
        } else {
            self.random_read
        };
        // Linux's offsets are signed.
        if random && offset > i64::MAX as u64 - size {
            return Err(Failure::Errno(errno::EINVAL));
        }
        let moved = match (write, random) {
            (false, false) => self.read(buffer, size),
            (false, true) => self.read_at(buffer, size, offset),
            (true, false) => self.write(buffer, size),
            (true, true) => self.write_all(buffer, size, Some(offset)),
        };
        // What the first source has is written, whatever became of it at the others.
        let moved_bytes = match &moved {
            Ok(moved) => *moved,
            Err(_) => self.taken,
        };
        if moved.is_ok() || moved_bytes > 0 {
            self.used[count] += 1;
        }
        self.used[bytes] += moved_bytes;
        if let Some(hasher) = &mut self.hasher {
            // SAFETY: the guest's own memory, readable, and nobody changes it while the trap runs.
            hasher.update(unsafe {
                std::slice::from_raw_parts(space::pointer(buffer), moved_bytes as usize)
            });
        }
        moved
    }

    /// Bytes of the last transfer that count as written: also of one that failed at a later source.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The guest has ended itself: tells the readers of connections that all has been sent.
    ///
    /// # Errors
    /// The host's error number.
    pub fn end(&mut self) -> Result<(), i32> {
        for feed in &mut self.feeds {
            if let Some(link) = &mut feed.link {
                link.end(|bytes| send(feed.fd, bytes))?;
            }
        }
        Ok(())
    }

    fn is_network(&self) -> bool {
        self.feeds.iter().any(|feed| feed.network)
    }

    /// Nothing more will be written: the other ends learn it.
    fn shut(&mut self) -> Result<u64, Failure> {
        self.end()?;
        for feed in self.feeds.iter().filter(|feed| feed.network) {
            // SAFETY: a descriptor of ours and an integer. Whoever has gone already need not be told.
            unsafe { libc::shutdown(feed.fd, libc::SHUT_WR) };
        }
        Ok(0)
    }

    /// Waits at most so many milliseconds until a read would not wait: 0 then, else EAGAIN.
    fn wait(&self, milliseconds: u64) -> Result<u64, Failure> {
        let Some(feed) = self.feeds.get(self.current).filter(|feed| feed.network) else {
            return Ok(0);
        };
        let mut wanted = libc::pollfd {
            fd: feed.fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let limit = milliseconds.min(limits::WAIT) as i32;
        // SAFETY: one structure, which lives through the call.
        match unsafe { libc::poll(&raw mut wanted, 1, limit) } {
            1.. => Ok(0),
            0 => Err(Failure::Errno(errno::EAGAIN)),
            _ => Err(std::io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::EIO)
                .into()),
        }
    }

    /// From the current source, or the first behind it that has more.
    fn read(&mut self, buffer: u64, size: u64) -> Result<u64, Failure> {
        let last = self.feeds.len().saturating_sub(1);
        while let Some(feed) = self.feeds.get_mut(self.current) {
            let got = match &mut feed.link {
                Some(link) => {
                    // SAFETY: the guest's own memory, writable, and nothing else of it is in use while the trap runs.
                    let buffer = unsafe {
                        std::slice::from_raw_parts_mut(space::pointer(buffer), size as usize)
                    };
                    link.read(buffer, |part| receive(feed.fd, part))? as u64
                }
                None => {
                    let at = feed.size.map(|_| self.read_at);
                    call(false, feed.fd, buffer, size, at)?
                }
            };
            if got > 0 || size == 0 || self.current == last {
                self.read_at += got;
                return Ok(got);
            }
            self.current += 1;
            self.read_at = 0;
        }
        Ok(0)
    }

    /// At an offset of the sources' concatenation.
    fn read_at(&self, buffer: u64, size: u64, offset: u64) -> Result<u64, Failure> {
        let mut at = offset;
        for (index, feed) in self.feeds.iter().enumerate() {
            if feed.clock {
                let words = clock::read(at).map(u64::to_le_bytes);
                let words = words.as_flattened();
                let count = words.len().min(size as usize);
                // SAFETY: the guest's own memory, writable, and nothing else of it is in use while the trap runs.
                let buffer =
                    unsafe { std::slice::from_raw_parts_mut(space::pointer(buffer), count) };
                buffer.copy_from_slice(&words[..count]);
                return Ok(count as u64);
            }
            let length = feed.size.unwrap_or(0);
            // The last source may have grown; the others count as what they were.
            if index + 1 == self.feeds.len() || at < length {
                let size = match index + 1 == self.feeds.len() {
                    true => size,
                    false => size.min(length - at),
                };
                return Ok(call(false, feed.fd, buffer, size, Some(at))?);
            }
            at -= length;
        }
        Ok(0)
    }

    fn write(&mut self, buffer: u64, size: u64) -> Result<u64, Failure> {
        let moved = self.write_all(buffer, size, None);
        self.write_at += self.taken;
        moved
    }

    /// What the first source takes goes to all others in full.
    fn write_all(&mut self, buffer: u64, size: u64, offset: Option<u64>) -> Result<u64, Failure> {
        let mut size = size;
        for (index, feed) in self.feeds.iter_mut().enumerate() {
            if let Some(link) = &mut feed.link {
                // SAFETY: the guest's own memory, readable, and nobody changes it while the trap runs.
                let bytes =
                    unsafe { std::slice::from_raw_parts(space::pointer(buffer), size as usize) };
                link.write(bytes, |part| send(feed.fd, part))?;
                if index == 0 {
                    self.taken = size;
                }
                continue;
            }
            let mut done = 0;
            loop {
                let at = feed
                    .size
                    .map(|_| offset.unwrap_or(self.write_at) + done)
                    .or(offset.map(|offset| offset + done));
                done += call(true, feed.fd, buffer + done, size - done, at)?;
                if index == 0 {
                    size = done;
                    self.taken = done;
                }
                if done >= size {
                    break;
                }
            }
        }
        Ok(size)
    }
}

impl From<i32> for Failure {
    fn from(errno: i32) -> Failure {
        Failure::Errno(errno.into())
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Failure {
        match broken {
            Broken::Host(errno) => errno.into(),
            Broken::Forged => Failure::Forged,
        }
    }
}

fn receive(fd: RawFd, buffer: &mut [u8]) -> Result<usize, i32> {
    let at = buffer.as_mut_ptr().expose_provenance() as u64;
    call(false, fd, at, buffer.len() as u64, None).map(|moved| moved as usize)
}

fn send(fd: RawFd, bytes: &[u8]) -> Result<usize, i32> {
    let at = bytes.as_ptr().expose_provenance() as u64;
    call(true, fd, at, bytes.len() as u64, None).map(|moved| moved as usize)
}

/// One system call; at an offset if there is one. The error is Linux's number.
fn call(write: bool, fd: RawFd, buffer: u64, size: u64, at: Option<u64>) -> Result<u64, i32> {
    let (buffer, size) = (space::pointer(buffer).cast::<libc::c_void>(), size as usize);
    loop {
        // SAFETY: the buffer is the guest's own memory, as was checked, where no Rust value lives, or a slice of the caller's.
        let moved = unsafe {
            match (write, at) {
                (false, None) => libc::read(fd, buffer, size),
                (false, Some(at)) => libc::pread(fd, buffer, size, at as i64),
                (true, None) => libc::write(fd, buffer, size),
                (true, Some(at)) => libc::pwrite(fd, buffer, size, at as i64),
            }
        };
        if let Ok(moved) = u64::try_from(moved) {
            return Ok(moved);
        }
        match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => {}
            error => return Err(error.unwrap_or(libc::EIO)),
        }
    }
}
