//! Pipes: bytes in memory between descriptors of the one process.

use alloc::collections::VecDeque;

use crate::errno::Errno;

/// Bytes that a pipe holds (Linux's default).
const CAPACITY: usize = 65_536;
/// Most bytes that a pipe can be made to hold (Linux's `pipe-max-size`).
const MOST: u64 = 1 << 20;
/// A pipe holds whole pages.
const PAGE: u64 = 4096;
/// Writes of up to this many bytes are not torn (`PIPE_BUF`).
pub const ATOMIC: usize = 4096;

/// A pipe.
#[derive(Debug)]
pub struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Open files that read.
    pub readers: u32,
    /// Open files that write.
    pub writers: u32,
    /// How often it was opened by its name to be read, and to be written.
    pub opened: (u32, u32),
}

impl Default for Pipe {
    fn default() -> Pipe {
        Pipe::with_capacity(CAPACITY)
    }
}

impl Pipe {
    /// A pipe that holds so many bytes.
    pub fn with_capacity(capacity: usize) -> Pipe {
        Pipe {
            bytes: VecDeque::new(),
            capacity,
            readers: 0,
            writers: 0,
            opened: (0, 0),
        }
    }

    /// Bytes that it holds.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Makes it hold at least so many bytes: a power of two of pages, as on Linux.
    ///
    /// # Errors
    /// `EINVAL` for no size, `EPERM` for more than a pipe may hold, `EBUSY` if more is in it.
    pub fn resize(&mut self, size: u64) -> Result<(), Errno> {
        let size = u64::from(size as u32);
        if size > i32::MAX as u64 {
            return Err(Errno::EINVAL);
        }
        let capacity = size.max(PAGE).next_power_of_two();
        if capacity > MOST && capacity > self.capacity as u64 {
            return Err(Errno::EPERM);
        }
        if capacity < self.bytes.len() as u64 {
            return Err(Errno::EBUSY);
        }
        self.capacity = capacity as usize;
        Ok(())
    }

    /// Bytes to read.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that can be written.
    pub fn room(&self) -> usize {
        self.capacity - self.bytes.len()
    }

    /// Whether poll says that it can be written: no write of up to [`ATOMIC`] bytes would wait.
    pub fn is_writable(&self) -> bool {
        self.room() >= ATOMIC
    }

    /// Takes bytes out: how many.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.bytes.len());
        let (first, second) = self.bytes.as_slices();
        let split = count.min(first.len());
        buffer[..split].copy_from_slice(&first[..split]);
        buffer[split..count].copy_from_slice(&second[..count - split]);
        self.bytes.drain(..count);
        count
    }

    /// Copies bytes that stay: how many.
    pub fn peek(&self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.bytes.len());
        for (to, from) in buffer.iter_mut().zip(self.bytes.iter()) {
            *to = *from;
        }
        count
    }

    /// Puts bytes in: how many. Up to [`ATOMIC`] bytes go in whole or not at all.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room, `ENOMEM`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let count = bytes.len().min(self.room());
        if !bytes.is_empty() && (count == 0 || (bytes.len() <= ATOMIC && count < bytes.len())) {
            return Err(Errno::EAGAIN);
        }
        self.bytes.try_reserve(count).map_err(|_| Errno::ENOMEM)?;
        self.bytes.extend(&bytes[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_holds_what_it_is_made_to() {
        let mut pipe = Pipe::default();
        assert_eq!(pipe.write(&[0; 5000]), Ok(5000));
        assert_eq!(pipe.resize(1), Err(Errno::EBUSY));
        assert_eq!(pipe.resize(5001), Ok(()));
        assert_eq!((pipe.capacity(), pipe.room()), (8192, 3192));
        assert_eq!(pipe.resize(MOST + 1), Err(Errno::EPERM));
    }

    #[test]
    fn small_writes_are_whole() {
        let mut pipe = Pipe::default();
        assert_eq!(pipe.write(&[1; 65_000]), Ok(65_000));
        assert_eq!(pipe.write(&[2; 600]), Err(Errno::EAGAIN));
        assert_eq!(pipe.write(&[2; 5000]), Ok(536));
        assert_eq!(pipe.write(b"x"), Err(Errno::EAGAIN));
        let mut buffer = alloc::vec![0; 70_000];
        assert_eq!(pipe.read(&mut buffer), 65_536);
        assert!(buffer[65_000..65_536].iter().all(|&byte| byte == 2));
        assert_eq!(pipe.read(&mut buffer), 0);
    }
}
