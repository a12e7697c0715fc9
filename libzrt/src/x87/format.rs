//! The x87's 80-bit format (Intel SDM volume 1, 4.2.2), and rounding to it.

use super::wide::Wide;

/// A number as `fstp m80` stores it, padded to 16 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct F80 {
    /// With the integer bit.
    pub mantissa: u64,
    /// Sign (bit 15) and exponent plus 16383.
    pub head: u16,
    padding: [u16; 3],
}

/// Exceptions, with the status word's bits (SDM volume 1, figure 8-4).
pub mod flag {
    /// Invalid operation.
    pub const INVALID: u32 = 1;
    /// Division by zero.
    pub const ZERO_DIVIDE: u32 = 4;
    /// Overflow.
    pub const OVERFLOW: u32 = 8;
    /// Underflow.
    pub const UNDERFLOW: u32 = 16;
    /// Inexact.
    pub const PRECISION: u32 = 32;
}

/// What bits stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Nan,
    Infinite,
    Zero,
    Finite(Wide),
}

const BIAS: i32 = 16383;
const TOP: u64 = 1 << 63;
/// Where an infinity's exponent stands.
const LAST: u16 = 0x7FFF;

impl F80 {
    /// From mantissa and head.
    pub const fn new(mantissa: u64, head: u16) -> F80 {
        F80 {
            mantissa,
            head,
            padding: [0; 3],
        }
    }

    /// The NaN that invalid operations give.
    pub const DEFAULT_NAN: F80 = F80::new(0xC000_0000_0000_0000, 0xFFFF);

    pub(super) fn is_negative(self) -> bool {
        self.head & 0x8000 != 0
    }

    pub(super) const fn zero(negative: bool) -> F80 {
        F80::new(0, (negative as u16) << 15)
    }

    pub(super) const fn infinity(negative: bool) -> F80 {
        F80::new(TOP, (negative as u16) << 15 | LAST)
    }

    pub(super) const fn one(negative: bool) -> F80 {
        F80::new(TOP, (negative as u16) << 15 | BIAS as u16)
    }

    pub(super) fn class(self) -> Class {
        let exponent = self.head & LAST;
        if self.is_unsupported() {
            return Class::Nan;
        }
        if exponent == LAST {
            return if self.mantissa == TOP {
                Class::Infinite
            } else {
                Class::Nan
            };
        }
        if self.mantissa == 0 && exponent == 0 {
            return Class::Zero;
        }
        let wide = Wide::normal(
            i32::from(exponent.max(1)) - BIAS,
            u128::from(self.mantissa) << 64,
        );
        Class::Finite(Wide {
            negative: self.is_negative(),
            ..wide
        })
    }

    /// Unnormals and the 287's infinities: no operands since the 387, and no NaNs either.
    fn is_unsupported(self) -> bool {
        self.head & LAST != 0 && self.mantissa < TOP
    }

    fn is_quiet(self) -> bool {
        self.head & LAST == LAST && self.mantissa >> 62 == 3
    }

    /// What a NaN operand gives, and its exception.
    pub(super) fn quieted(self) -> (F80, u32) {
        if self.is_quiet() {
            (self, 0)
        } else if !self.is_unsupported() {
            (F80::new(self.mantissa | 1 << 62, self.head), flag::INVALID)
        } else {
            (F80::DEFAULT_NAN, flag::INVALID)
        }
    }

    /// Of two operands, one a NaN at least: the NaN that comes out (SDM volume 1, table 4-7), and the exception.
    pub(super) fn nan_of(a: F80, b: F80) -> (F80, u32) {
        if a.is_unsupported() || b.is_unsupported() {
            return (F80::DEFAULT_NAN, flag::INVALID);
        }
        match (a.class(), b.class()) {
            (Class::Nan, Class::Nan) => {
                let ((x, first), (y, second)) = (a.quieted(), b.quieted());
                // A quiet one wins over a signalling one, the larger one over its like.
                let a_wins = if first == second {
                    x.mantissa >= y.mantissa
                } else {
                    first == 0
                };
                (if a_wins { x } else { y }, first | second)
            }
            (Class::Nan, _) => a.quieted(),
            _ => b.quieted(),
        }
    }

    /// Rounds as the control word says, and the exceptions of doing so.
    pub(super) fn round(value: Wide, control: u16) -> (F80, u32) {
        let sign = u16::from(value.negative) << 15;
        if value.is_zero() {
            return (F80::zero(value.negative), 0);
        }
        // Bits that the format has no room for: the lower 64, and more of a subnormal number's.
        let missing = (1 - BIAS - value.exponent).max(0) as u32;
        let tiny = missing > 0;
        let drop = 64 + missing.min(65);
        let (kept, lost, half) = if drop > 128 {
            (0, value.mantissa, u128::MAX)
        } else if drop == 128 {
            (0, value.mantissa, 1 << 127)
        } else {
            (
                value.mantissa >> drop,
                value.mantissa & ((1 << drop) - 1),
                1 << (drop - 1),
            )
        };
        let up = lost != 0
            && match control >> 10 & 3 {
                0 => lost > half || lost == half && kept & 1 == 1,
                1 => value.negative,
                2 => !value.negative,
                _ => false,
            };
        let mut mantissa = kept + u128::from(up);
        let mut exponent = if tiny { 1 - BIAS } else { value.exponent };
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
        let mut flags = if lost != 0 { flag::PRECISION } else { 0 };
        if tiny && lost != 0 {
            flags |= flag::UNDERFLOW;
        }
        if exponent > BIAS {
            let away = match control >> 10 & 3 {
                0 => true,
                1 => value.negative,
                2 => !value.negative,
                _ => false,
            };
            let result = if away {
                F80::infinity(value.negative)
            } else {
                F80::new(u64::MAX, sign | (LAST - 1))
            };
            return (result, flag::OVERFLOW | flag::PRECISION);
        }
        let mantissa = mantissa as u64;
        // Without the integer bit the exponent is 0, which counts as 1.
        let biased = if mantissa < TOP {
            0
        } else {
            (exponent + BIAS) as u16
        };
        (F80::new(mantissa, sign | biased), flags)
    }
}
