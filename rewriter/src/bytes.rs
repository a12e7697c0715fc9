//! Reading and writing the little-endian numbers and LEB128 numbers of unwind and debugging tables.

use crate::error::RewriteError;

/// Bytes at a known address, read from front to back.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Address of the next byte.
    pub(crate) address: u64,
    /// What is read, for messages.
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], address: u64, what: &'static str) -> Self {
        Cursor {
            bytes,
            address,
            what,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn error(&self, reason: &str) -> RewriteError {
        RewriteError::BadInput(format!("{} at {:#x}: {reason}", self.what, self.address))
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], RewriteError> {
        match self.bytes.split_at_checked(len) {
            Some((taken, rest)) => {
                self.bytes = rest;
                self.address += len as u64;
                Ok(taken)
            }
            None => Err(self.error("it ends too early")),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, RewriteError> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of 1 to 8 bytes.
    pub(crate) fn number(&mut self, len: usize) -> Result<u64, RewriteError> {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(self.take(len)?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn signed(&mut self, len: usize) -> Result<u64, RewriteError> {
        let unused = 64 - 8 * len as u32;
        Ok((((self.number(len)? << unused) as i64) >> unused) as u64)
    }

    pub(crate) fn uleb(&mut self) -> Result<u64, RewriteError> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift >= 64 {
                return Err(self.error("a number is too long"));
            }
            value |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    pub(crate) fn sleb(&mut self) -> Result<i64, RewriteError> {
        let start = self.bytes;
        let value = self.uleb()?;
        let len = start.len() - self.bytes.len();
        let shift = (7 * len).min(64) as u32;
        let negative = start[len - 1] & 0x40 != 0;
        Ok(if negative && shift < 64 {
            (value | u64::MAX << shift) as i64
        } else {
            value as i64
        })
    }

    /// Up to and without the next zero byte.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], RewriteError> {
        let Some(len) = self.bytes.iter().position(|&byte| byte == 0) else {
            return Err(self.error("a string does not end"));
        };
        let string = self.take(len)?;
        self.take(1)?;
        Ok(string)
    }
}

/// Bytes that will stand at a known address.
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    base: u64,
}

impl Output {
    pub(crate) fn new(base: u64) -> Self {
        Output {
            bytes: Vec::new(),
            base,
        }
    }

    /// Address of the next byte.
    pub(crate) fn address(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn word(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn uleb(&mut self, mut value: u64) {
        loop {
            let byte = (value & 0x7F) as u8;
            value >>= 7;
            self.bytes.push(byte | if value > 0 { 0x80 } else { 0 });
            if value == 0 {
                return;
            }
        }
    }

    /// Fills with zeros up to a multiple of `align`.
    pub(crate) fn align(&mut self, align: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(align), 0);
    }
}
