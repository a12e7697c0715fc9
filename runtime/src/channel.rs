//! Channels: what the guest can read and write. All are opened by the parent before the first guest instruction; the
//! instance only has the descriptors.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

use zvm_abi::manifest::{self, limit};

use crate::network::connect::Wanted;
use crate::spec::UNLIMITED;

/// One channel, open.
#[derive(Debug)]
pub struct Channel {
    /// The guest's name for it, an absolute path.
    pub alias: String,
    /// Its host files: read one after the other, written all.
    pub sources: Vec<Source>,
    /// [`manifest::SEQUENTIAL`], [`manifest::RANDOM_READ`], [`manifest::RANDOM_WRITE`] or [`manifest::RANDOM`].
    pub kind: u32,
    /// gets, get_size, puts, put_size.
    pub limits: [i64; 4],
    /// Bytes at start; 0 where it has no size.
    pub size: u64,
    /// Whether its bytes are mapped read-only for the guest.
    pub mapped: bool,
    /// Whether the report carries a digest of what passed.
    pub digest: bool,
}

/// Where a channel's bytes come from or go to.
#[derive(Debug)]
pub enum Source {
    /// A descriptor that is not ours to close: stdin, stdout, stderr, `fd:N`.
    Inherited(RawFd),
    /// A FIFO or a pipe.
    Stream(File),
    /// A character device.
    Device(File),
    /// A regular file, and its bytes at start.
    Regular(File, u64),
    /// The other end of a network channel, before it is connected.
    Unconnected(Wanted),
    /// A connection between instances, on which the writer has greeted.
    Framed(TcpStream),
    /// A connection whose bytes are the channel's.
    Connection(TcpStream),
    /// The host's clock.
    Clock,
}

impl Source {
    /// Its descriptor; −1 for what has none.
    pub fn fd(&self) -> RawFd {
        match self {
            Source::Inherited(fd) => *fd,
            Source::Framed(stream) | Source::Connection(stream) => stream.as_raw_fd(),
            Source::Unconnected(_) | Source::Clock => -1,
            Source::Stream(file) | Source::Device(file) | Source::Regular(file, _) => {
                file.as_raw_fd()
            }
        }
    }

    /// Bytes at start; 0 where it has no size.
    pub fn size(&self) -> u64 {
        match self {
            Source::Regular(_, size) => *size,
            _ => 0,
        }
    }
}

impl Channel {
    /// A standard stream: descriptor 0, 1 or 2.
    pub fn standard(fd: RawFd) -> Channel {
        let (alias, limits) = match fd {
            0 => ("/dev/stdin", [UNLIMITED, UNLIMITED, 0, 0]),
            1 => ("/dev/stdout", [0, 0, UNLIMITED, UNLIMITED]),
            _ => ("/dev/stderr", [0, 0, UNLIMITED, UNLIMITED]),
        };
        Channel {
            alias: alias.to_owned(),
            sources: vec![Source::Inherited(fd)],
            kind: manifest::SEQUENTIAL,
            limits,
            size: 0,
            mapped: false,
            digest: false,
        }
    }

    /// The host's clock ([`manifest::CLOCK`]).
    pub fn clock() -> Channel {
        Channel {
            alias: manifest::CLOCK.to_owned(),
            sources: vec![Source::Clock],
            kind: manifest::RANDOM_READ,
            limits: [UNLIMITED, UNLIMITED, 0, 0],
            size: 0,
            mapped: false,
            digest: false,
        }
    }

    /// A file that the guest reads at any offset, and sees mapped.
    pub fn mapped(alias: String, file: File, size: u64) -> Channel {
        Channel {
            alias,
            sources: vec![Source::Regular(file, size)],
            kind: manifest::RANDOM_READ,
            limits: [UNLIMITED, UNLIMITED, 0, 0],
            size,
            mapped: true,
            digest: false,
        }
    }

    /// A file to which the guest writes from its start, at most `put_size` bytes.
    pub fn output(alias: String, file: File, put_size: i64) -> Channel {
        Channel {
            alias,
            sources: vec![Source::Regular(file, 0)],
            kind: manifest::SEQUENTIAL,
            limits: [0, 0, UNLIMITED, put_size],
            size: 0,
            mapped: false,
            digest: false,
        }
    }

    /// The descriptors of its sources.
    pub fn fds(&self) -> impl Iterator<Item = RawFd> {
        self.sources.iter().map(Source::fd).filter(|&fd| fd >= 0)
    }

    /// Whether bytes go over the network.
    pub fn network(&self) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| matches!(source, Source::Framed(_) | Source::Connection(_)))
    }

    /// Whether it can be read at any offset.
    pub fn random_read(&self) -> bool {
        self.kind == manifest::RANDOM_READ || self.kind == manifest::RANDOM
    }

    /// Whether it can be written at any offset.
    pub fn random_write(&self) -> bool {
        self.kind == manifest::RANDOM_WRITE || self.kind == manifest::RANDOM
    }

    /// Whether the guest may read it at all.
    pub fn readable(&self) -> bool {
        self.limits[limit::GETS] > 0 && self.limits[limit::GET_SIZE] > 0
    }

    /// Whether the guest may write it at all.
    pub fn writable(&self) -> bool {
        self.limits[limit::PUTS] > 0 && self.limits[limit::PUT_SIZE] > 0
    }
}

/// An empty file in memory.
///
/// # Errors
/// The host's.
pub fn memory_file(name: &CStr) -> io::Result<File> {
    // SAFETY: the name is a NUL-terminated string; the call has no other memory argument.
    let fd =
        unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Makes a file from [`memory_file`] unchangeable, so that its mapped pages stay what they are.
///
/// # Errors
/// The host's.
pub fn seal(file: &File) -> io::Result<()> {
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: fcntl with an integer argument touches no memory of ours.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
