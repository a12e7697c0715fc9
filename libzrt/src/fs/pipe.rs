//! Pipes: bytes in memory between descriptors of the one process.

use alloc::collections::VecDeque;

use crate::errno::Errno;

/// Bytes that a pipe holds (Linux's default).
pub const CAPACITY: usize = 65_536;
/// Writes of up to this many bytes are not torn (`PIPE_BUF`).
pub const ATOMIC: usize = 4096;

/// A pipe.
#[derive(Debug, Default)]
pub struct Pipe {
    bytes: VecDeque<u8>,
    /// Open files that read.
    pub readers: u32,
    /// Open files that write.
    pub writers: u32,
}

impl Pipe {
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
        CAPACITY - self.bytes.len()
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
