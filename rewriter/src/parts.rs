//! General registers in parts, and the arithmetic flags, as one set.
//!
//! A register's lowest byte and its second are told from the rest, because compilers write those alone.

use iced_x86::Register;

use crate::code::Gpr;

/// Bit n = the lowest byte of register n of the encoding, bit 16 + n = its second byte, bit 32 + n = all above; the flags above
/// them.
pub(crate) type Parts = u64;

/// The arithmetic flags, one bit each: carry, parity, adjust, zero, sign, overflow.
pub(crate) const FLAGS: Parts = 0x3F << 48;
/// Carry alone.
pub(crate) const CARRY: Parts = 1 << 48;

/// The number of a general register of any width.
pub(crate) fn number(register: Register) -> Option<Gpr> {
    register
        .is_gpr()
        .then(|| (register.full_register() as usize - Register::RAX as usize) as Gpr)
}

/// Registers with all their parts.
pub(crate) const fn whole(registers: u16) -> Parts {
    word(registers) | (registers as Parts) << 32
}

/// The low 16 bits of registers.
pub(crate) const fn word(registers: u16) -> Parts {
    registers as Parts | (registers as Parts) << 16
}

/// The lowest bytes of registers.
pub(crate) const fn lowest(registers: u16) -> Parts {
    registers as Parts
}

/// The second bytes of registers.
pub(crate) const fn second(registers: u16) -> Parts {
    (registers as Parts) << 16
}

/// Registers of which some part is in the set.
pub(crate) fn some(parts: Parts) -> u16 {
    (parts | parts >> 16 | parts >> 32) as u16
}

/// Flags that a condition reads, by its number in encodings.
pub(crate) fn tested(condition: u8) -> Parts {
    const P: Parts = 2 << 48;
    const Z: Parts = 8 << 48;
    const S: Parts = 16 << 48;
    const O: Parts = 32 << 48;
    const TESTED: [Parts; 8] = [O, CARRY, Z, CARRY | Z, S, P, S | O, S | O | Z];
    TESTED[usize::from(condition >> 1 & 7)]
}
