//! Numbers with 128 bits of mantissa: twice what an x87 register holds, so that rounding at the end is right.

use core::cmp::Ordering;

/// `±mantissa × 2^(exponent − 127)`; the mantissa's top bit is set, or all of it is 0 for zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide {
    pub(super) negative: bool,
    pub(super) exponent: i32,
    pub(super) mantissa: u128,
}

impl Wide {
    pub(super) const ZERO: Wide = Wide {
        negative: false,
        exponent: 0,
        mantissa: 0,
    };
    pub(super) const ONE: Wide = Wide::positive(0, 1 << 127);
    pub(super) const LN2: Wide = Wide::positive(-1, 0xb17217f7d1cf79abc9e3b39803f2f6af);
    pub(super) const INV_LN2: Wide = Wide::positive(0, 0xb8aa3b295c17f0bbbe87fed0691d3e89);
    pub(super) const PI: Wide = Wide::positive(1, 0xc90fdaa22168c234c4c6628b80dc1cd1);

    /// A constant.
    pub(super) const fn positive(exponent: i32, mantissa: u128) -> Wide {
        Wide {
            negative: false,
            exponent,
            mantissa,
        }
    }

    /// The number `value`.
    pub(super) fn integer(value: i32) -> Wide {
        Wide {
            negative: value < 0,
            ..Wide::normal(127, u128::from(value.unsigned_abs()))
        }
    }

    /// `mantissa × 2^(exponent − 127)` with the mantissa shifted into its place.
    pub(super) fn normal(exponent: i32, mantissa: u128) -> Wide {
        if mantissa == 0 {
            return Wide::ZERO;
        }
        let zeros = mantissa.leading_zeros();
        Wide::positive(exponent - zeros as i32, mantissa << zeros)
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn negated(self) -> Wide {
        Wide {
            negative: !self.negative,
            ..self
        }
    }

    pub(super) fn absolute(self) -> Wide {
        Wide {
            negative: false,
            ..self
        }
    }

    /// Times 2^power.
    pub(super) fn scaled(self, power: i32) -> Wide {
        Wide {
            exponent: self.exponent + power,
            ..self
        }
    }

    /// Compares without signs.
    pub(super) fn compare(self, other: Wide) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa)),
        }
    }

    pub(super) fn plus(self, other: Wide) -> Wide {
        let (large, small) = if self.compare(other).is_ge() {
            (self, other)
        } else {
            (other, self)
        };
        let distance = large.exponent.wrapping_sub(small.exponent) as u32;
        if small.is_zero() || distance >= 128 {
            return large;
        }
        let addend = small.mantissa >> distance;
        let sum = if large.negative == small.negative {
            match large.mantissa.overflowing_add(addend) {
                (sum, false) => Wide::positive(large.exponent, sum),
                (sum, true) => Wide::positive(large.exponent + 1, sum >> 1 | 1 << 127),
            }
        } else {
            Wide::normal(large.exponent, large.mantissa - addend)
        };
        if sum.is_zero() {
            sum
        } else {
            Wide {
                negative: large.negative,
                ..sum
            }
        }
    }

    pub(super) fn minus(self, other: Wide) -> Wide {
        self.plus(other.negated())
    }

    pub(super) fn times(self, other: Wide) -> Wide {
        let half = |x: u128| (x >> 64, x & u128::from(u64::MAX));
        let ((a, b), (c, d)) = (half(self.mantissa), half(other.mantissa));
        let middle = ((b * d) >> 64) + half(a * d).1 + half(b * c).1;
        let high = a * c + ((a * d) >> 64) + ((b * c) >> 64) + (middle >> 64);
        // One bit more than `high` has, where the product of the mantissas is below 2.
        let product = if high >> 127 == 0 {
            high << 1 | (middle >> 63 & 1)
        } else {
            high
        };
        Wide {
            negative: self.negative != other.negative,
            ..Wide::normal(
                self.exponent + other.exponent + (high >> 127) as i32,
                product,
            )
        }
    }

    /// Divides; the divisor is not 0.
    pub(super) fn over(self, divisor: Wide) -> Wide {
        // 129 steps of long division: the first quotient bit may be 0.
        let (mut rest, mut quotient, mut carry) = (self.mantissa, 0_u128, false);
        let mut exponent = self.exponent - divisor.exponent;
        if rest < divisor.mantissa {
            exponent -= 1;
            carry = rest >> 127 == 1;
            rest <<= 1;
        }
        for _ in 0..128 {
            let fits = carry || rest >= divisor.mantissa;
            if fits {
                rest = rest.wrapping_sub(divisor.mantissa);
            }
            quotient = quotient << 1 | u128::from(fits);
            carry = rest >> 127 == 1;
            rest <<= 1;
        }
        Wide {
            negative: self.negative != divisor.negative,
            ..Wide::normal(exponent, quotient)
        }
    }

    /// Divides by a small number.
    pub(super) fn over_small(self, divisor: u32) -> Wide {
        let divisor = u128::from(divisor);
        let (quotient, rest) = (self.mantissa / divisor, self.mantissa % divisor);
        // The bits that the quotient lost at its top come back at its bottom.
        let zeros = quotient.leading_zeros();
        let low = (rest << zeros) / divisor;
        Wide {
            negative: self.negative,
            ..Wide::normal(self.exponent - zeros as i32, quotient << zeros | low)
        }
    }

    /// `first + first·step·w(1) + first·step²·w(2) + …`, where `next` turns a power's index and the last term times `step`
    /// into the next term; ends where terms no longer count.
    pub(super) fn series(
        first: Wide,
        step: Wide,
        weigh: impl Fn(u32, Wide) -> Wide,
        keep_weight: bool,
    ) -> Wide {
        let (mut sum, mut power) = (first, first);
        for index in 1.. {
            power = power.times(step);
            let term = weigh(index, power);
            if keep_weight {
                power = term;
            }
            if term.is_zero() || term.exponent < sum.exponent - 128 {
                break;
            }
            sum = sum.plus(term);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_of_small_numbers_is_exact() {
        for a in -20..=20 {
            for b in -20..=20 {
                let (x, y) = (Wide::integer(a), Wide::integer(b));
                assert_eq!(x.plus(y), Wide::integer(a + b));
                assert_eq!(x.minus(y), Wide::integer(a - b));
                if a * b != 0 {
                    assert_eq!(x.times(y), Wide::integer(a * b));
                    assert_eq!(Wide::integer(a * b).over(y), x);
                    assert_eq!(
                        Wide {
                            negative: false,
                            ..Wide::integer(a * b).over_small(b.unsigned_abs())
                        },
                        x.absolute()
                    );
                }
            }
        }
    }

    #[test]
    fn thirds_and_their_triple() {
        let third = Wide::ONE.over(Wide::integer(3));
        assert_eq!((third.exponent, third.mantissa), (-2, u128::MAX / 3 * 2));
        assert_eq!(third.mantissa, Wide::ONE.over_small(3).mantissa);
        let one = third.times(Wide::integer(3));
        assert!(one.minus(Wide::ONE).exponent <= -126, "{one:?}");
    }
}
