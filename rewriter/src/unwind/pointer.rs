//! Encoded pointers (LSB core specification, "DWARF Exception Header
//! Encoding").

use crate::bytes::{Cursor, Output};
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

impl Cursor<'_> {
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

impl Output {
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
}
