//! Reading and writing the tables' numbers: LEB128 and encoded pointers (LSB core specification, "DWARF Exception Header
//! Encoding").

use crate::error::RewriteError;

/// `DW_EH_PE_omit`: there is no pointer.
pub(super) const OMIT: u8 = 0xFF;
/// `DW_EH_PE_uleb128`.
pub(super) const ULEB: u8 = 0x01;
/// `DW_EH_PE_udata4`.
pub(super) const UDATA4: u8 = 0x03;
/// `DW_EH_PE_pcrel | DW_EH_PE_sdata4`.
pub(super) const PCREL_SDATA4: u8 = 0x1B;
/// `DW_EH_PE_datarel | DW_EH_PE_sdata4`.
pub(super) const DATAREL_SDATA4: u8 = 0x3B;
const PCREL: u8 = 0x10;
/// `DW_EH_PE_indirect`: the address is that of a pointer.
const INDIRECT: u8 = 0x80;

/// Bytes at a known address, read from front to back.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Address of the next byte.
    pub(super) address: u64,
    /// What is read, for messages.
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], address: u64, what: &'static str) -> Self {
        Cursor {
            bytes,
            address,
            what,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn error(&self, reason: &str) -> RewriteError {
        RewriteError::BadInput(format!("{} at {:#x}: {reason}", self.what, self.address))
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], RewriteError> {
        match self.bytes.split_at_checked(len) {
            Some((taken, rest)) => {
                self.bytes = rest;
                self.address += len as u64;
                Ok(taken)
            }
            None => Err(self.error("it ends too early")),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, RewriteError> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of 1 to 8 bytes.
    pub(super) fn number(&mut self, len: usize) -> Result<u64, RewriteError> {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(self.take(len)?);
        Ok(u64::from_le_bytes(bytes))
    }

    fn signed(&mut self, len: usize) -> Result<u64, RewriteError> {
        let unused = 64 - 8 * len as u32;
        Ok((((self.number(len)? << unused) as i64) >> unused) as u64)
    }

    pub(super) fn uleb(&mut self) -> Result<u64, RewriteError> {
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

    pub(super) fn sleb(&mut self) -> Result<i64, RewriteError> {
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
    pub(super) fn string(&mut self) -> Result<&'a [u8], RewriteError> {
        let Some(len) = self.bytes.iter().position(|&byte| byte == 0) else {
            return Err(self.error("a string does not end"));
        };
        let string = self.take(len)?;
        self.take(1)?;
        Ok(string)
    }

    /// A value in the format of an encoding, as it stands.
    pub(super) fn value(&mut self, encoding: u8) -> Result<u64, RewriteError> {
        match encoding & 0x0F {
            0x00 | 0x04 | 0x0C => self.number(8),
            ULEB => self.uleb(),
            0x02 => self.number(2),
            UDATA4 => self.number(4),
            0x09 => Ok(self.sleb()? as u64),
            0x0A => self.signed(2),
            0x0B => self.signed(4),
            _ => Err(self.error("an unknown pointer format")),
        }
    }

    /// The address that an encoded pointer means (of the pointer to it, where the encoding is indirect); `None` for null.
    pub(super) fn pointer(&mut self, encoding: u8) -> Result<Option<u64>, RewriteError> {
        let at = self.address;
        let value = self.value(encoding)?;
        match encoding & 0x70 {
            _ if value == 0 => Ok(None),
            0 => Ok(Some(value)),
            PCREL => Ok(Some(at.wrapping_add(value))),
            _ => Err(self.error("an unknown pointer base")),
        }
    }
}

/// Whether an encoded pointer names a pointer in data, which is patched like any other datum.
pub(super) fn is_indirect(encoding: u8) -> bool {
    encoding & INDIRECT != 0
}

/// Bytes of an encoded value, for formats of one size.
pub(super) fn size(encoding: u8) -> Option<usize> {
    match encoding & 0x0F {
        0x00 | 0x04 | 0x0C => Some(8),
        0x02 | 0x0A => Some(2),
        UDATA4 | 0x0B => Some(4),
        _ => None,
    }
}

/// Bytes that will stand at a known address.
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    base: u64,
}

impl Output {
    pub(super) fn new(base: u64) -> Self {
        Output {
            bytes: Vec::new(),
            base,
        }
    }

    /// Address of the next byte.
    pub(super) fn address(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn word(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub(super) fn uleb(&mut self, mut value: u64) {
        loop {
            let byte = (value & 0x7F) as u8;
            value >>= 7;
            self.bytes.push(byte | if value > 0 { 0x80 } else { 0 });
            if value == 0 {
                return;
            }
        }
    }

    /// A value in the format of an encoding; false if it does not fit.
    pub(super) fn value(&mut self, encoding: u8, value: u64) -> bool {
        let signed = value as i64;
        match encoding & 0x0F {
            0x00 | 0x04 | 0x0C => self.put(&value.to_le_bytes()),
            ULEB => self.uleb(value),
            0x02 if value <= 0xFFFF => self.put(&(value as u16).to_le_bytes()),
            UDATA4 if value <= 0xFFFF_FFFF => self.word(value as u32),
            0x0A if i16::try_from(signed).is_ok() => self.put(&(signed as i16).to_le_bytes()),
            0x0B if i32::try_from(signed).is_ok() => self.put(&(signed as i32).to_le_bytes()),
            _ => return false,
        }
        true
    }

    /// A pointer in an encoding that [`Cursor::pointer`] reads; false if it does not fit.
    pub(super) fn pointer(&mut self, encoding: u8, pointer: Option<u64>) -> bool {
        let value = match pointer {
            None => 0,
            Some(address) if encoding & 0x70 == PCREL => address.wrapping_sub(self.address()),
            Some(address) => address,
        };
        self.value(encoding, value)
    }

    /// Fills with zeros up to a multiple of `align`.
    pub(super) fn align(&mut self, align: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(align), 0);
    }
}
