//! An instruction's bytes taken apart into prefixes and body, and put together again in the order of rule C9.

use crate::code::Op;

/// Prefixes, and the body: opcode (or VEX, EVEX) and all behind it.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub address32: bool,
    /// 0x64 or 0x65; the null segments are dropped.
    pub segment: Option<u8>,
    /// 0xF0, and 0xF2 or 0xF3.
    pub lock: bool,
    pub rep: Option<u8>,
    pub operand16: bool,
    /// 0 or the REX byte.
    pub rex: u8,
    pub body: &'a [u8],
    /// Bytes before the body in the input.
    header: usize,
}

impl<'a> Raw<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        let mut raw = Raw {
            address32: false,
            segment: None,
            lock: false,
            rep: None,
            operand16: false,
            rex: 0,
            body: bytes,
            header: 0,
        };
        for (i, &byte) in bytes.iter().enumerate() {
            // A REX byte counts only right before the opcode.
            let rex = std::mem::take(&mut raw.rex);
            match byte {
                0x66 => raw.operand16 = true,
                0x67 => raw.address32 = true,
                0x2E | 0x36 | 0x3E | 0x26 => {}
                0x64 | 0x65 => raw.segment = Some(byte),
                0xF0 => raw.lock = true,
                0xF2 | 0xF3 => raw.rep = Some(byte),
                0x40..=0x4F => raw.rex = byte,
                _ => {
                    raw.rex = rex;
                    raw.body = &bytes[i..];
                    raw.header = i;
                    break;
                }
            }
        }
        // Linkers pad relaxed TLS sequences with 66; REX.W makes it void where it does not select the opcode.
        if raw.rex & 8 != 0 && raw.body.first() != Some(&0x0F) {
            raw.operand16 = false;
        }
        raw
    }

    /// Clears REX.W, so that the operation writes the 32-bit register; an empty REX vanishes.
    pub(crate) fn narrow(&mut self) {
        self.rex &= !8;
        if self.rex == 0x40 {
            self.rex = 0;
        }
    }

    /// The operation, and how far its body moved against the input.
    /// `None` where the result would be longer than an instruction may be.
    pub(crate) fn encode(&self) -> Option<(Op, isize)> {
        let mut bytes = [0; 15];
        let mut header = 0;
        let prefixes = [
            self.address32.then_some(0x67),
            self.segment,
            self.lock.then_some(0xF0),
            self.rep,
            self.operand16.then_some(0x66),
            (self.rex != 0).then_some(self.rex),
        ];
        for byte in prefixes.into_iter().flatten() {
            bytes[header] = byte;
            header += 1;
        }
        let len = header + self.body.len();
        bytes.get_mut(header..len)?.copy_from_slice(self.body);
        Some((
            Op::plain(&bytes[..len]),
            header as isize - self.header as isize,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::Raw;

    fn ordered(bytes: &[u8]) -> Vec<u8> {
        let (op, _) = Raw::parse(bytes).encode().expect("short");
        op.bytes[..usize::from(op.len)].to_vec()
    }

    #[test]
    fn prefixes_come_out_in_order() {
        assert_eq!(
            ordered(&[0x66, 0xF0, 0x67, 0x0F, 0xC1, 0x03]),
            [0x67, 0xF0, 0x66, 0x0F, 0xC1, 0x03]
        );
        assert_eq!(
            ordered(&[0x2E, 0x66, 0x0F, 0x1F, 0x00]),
            [0x66, 0x0F, 0x1F, 0x00]
        );
    }

    #[test]
    fn relaxed_tls_padding_vanishes() {
        let relaxed = [0x66, 0x66, 0x66, 0x64, 0x48, 0x8B, 0x04, 0x25, 0, 0, 0, 0];
        assert_eq!(
            ordered(&relaxed),
            [0x64, 0x48, 0x8B, 0x04, 0x25, 0, 0, 0, 0]
        );
        // movq needs its 66.
        assert_eq!(
            ordered(&[0x66, 0x48, 0x0F, 0x6E, 0xC0]),
            [0x66, 0x48, 0x0F, 0x6E, 0xC0]
        );
    }

    #[test]
    fn rex_counts_only_before_the_opcode() {
        assert_eq!(ordered(&[0x48, 0x66, 0x90]), [0x66, 0x90]);
    }
}
