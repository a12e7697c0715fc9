//! Prefixes: C9's order is 67, 65, one null segment, one of F0 F2 F3, 66, REX, each at most once.

/// What stood before the opcode.
#[derive(Clone, Copy, Default)]
pub(crate) struct Prefixes {
    /// 67: the effective address is cut to 32 bits.
    pub address32: bool,
    /// 65.
    pub gs: bool,
    /// 2E, 36, 3E or 26: without meaning in 64-bit mode, but a hint on branches.
    pub null_segment: bool,
    /// 0, F0, F2 or F3.
    pub group1: u8,
    /// 66.
    pub operand16: bool,
    /// 0 or the REX byte.
    pub rex: u8,
    /// How many bytes.
    pub len: usize,
}

impl Prefixes {
    /// Reads prefixes; what stands out of order stays, as an opcode that no table lists.
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Prefixes {
        let mut p = Prefixes::default();
        // Most instructions have none of the rare ones.
        let Some(&first) = bytes.first() else {
            return p;
        };
        if matches!(first, 0x40..=0x4F) {
            p.rex = first;
            p.len = 1;
            return p;
        }
        let mut at = |accept: fn(u8) -> bool| match bytes.get(p.len) {
            Some(&byte) if accept(byte) => {
                p.len += 1;
                byte
            }
            _ => 0,
        };
        let address32 = at(|b| b == 0x67) != 0;
        let gs = at(|b| b == 0x65) != 0;
        let null_segment = at(|b| matches!(b, 0x2E | 0x36 | 0x3E | 0x26)) != 0;
        let group1 = at(|b| matches!(b, 0xF0 | 0xF2 | 0xF3));
        let operand16 = at(|b| b == 0x66) != 0;
        let rex = at(|b| matches!(b, 0x40..=0x4F));
        Prefixes {
            address32,
            gs,
            null_segment,
            group1,
            operand16,
            rex,
            len: p.len,
        }
    }

    /// Nothing but perhaps REX.
    pub(crate) fn only_rex(&self) -> bool {
        !(self.address32 || self.gs || self.null_segment || self.operand16) && self.group1 == 0
    }

    /// REX.W.
    pub(crate) fn wide(&self) -> bool {
        self.rex & 8 != 0
    }
}
