//! The x87's transcendental instructions in software.
//!
//! Results of the hardware's differ between vendors and models, so the validator rejects the instructions and the rewriter
//! calls these instead (Intel SDM volume 2, `F2XM1` … `FYL2XP1`, for operands, special cases and exceptions). Everything is
//! integer arithmetic with 128 bits, twice the mantissa: results are correctly rounded but for one case in about 2^50.

mod format;
mod wide;

use core::cmp::Ordering;

pub use format::{F80, flag};

use format::Class;
use wide::Wide;

/// An instruction.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// 2^st(0) − 1.
    F2xm1,
    /// st(1) · log2(st(0)).
    Fyl2x,
    /// st(1) · log2(st(0) + 1).
    Fyl2xp1,
    /// Angle of the point st(0), st(1).
    Fpatan,
    /// Tangent, then 1.
    Fptan,
    /// Sine.
    Fsin,
    /// Cosine.
    Fcos,
    /// Sine, then cosine.
    Fsincos,
}

/// What an instruction leaves.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Replaces the operands.
    pub value: F80,
    /// Pushed after that by `Fptan` and `Fsincos`.
    pub second: F80,
    /// Exceptions, with the status word's bits.
    pub flags: u32,
    /// The operand was too large (C2): it stays where it is.
    pub out_of_range: u32,
}

/// Carries out `operation` on st(0) = `x`, and st(1) = `y` where there is one, with the control word's rounding.
pub fn compute(operation: Operation, x: F80, y: F80, control: u16) -> Answer {
    let (value, flags) = match operation {
        Operation::F2xm1 => exponential(x, control),
        Operation::Fyl2x => logarithm(x, y, control),
        Operation::Fyl2xp1 => logarithm_near_one(x, y, control),
        Operation::Fpatan => angle(x, y, control),
        Operation::Fptan | Operation::Fsin | Operation::Fcos | Operation::Fsincos => {
            return trigonometric(operation, x, control);
        }
    };
    Answer {
        value,
        flags,
        ..Answer::default()
    }
}

fn invalid() -> (F80, u32) {
    (F80::DEFAULT_NAN, flag::INVALID)
}

fn exponential(x: F80, control: u16) -> (F80, u32) {
    match x.class() {
        Class::Nan => x.quieted(),
        Class::Zero => (x, 0),
        Class::Infinite if x.is_negative() => (F80::one(true), 0),
        Class::Infinite => (x, 0),
        Class::Finite(number) => match number.absolute().compare(Wide::ONE) {
            // Undefined above 1: the operand stays.
            Ordering::Greater => (x, 0),
            Ordering::Equal if number.negative => {
                F80::round(Wide::ONE.scaled(-1).negated(), control)
            }
            Ordering::Equal => (F80::one(false), 0),
            Ordering::Less => {
                let power = number.times(Wide::LN2);
                F80::round(
                    Wide::series(power, power, |n, term| term.over_small(n + 1), true),
                    control,
                )
            }
        },
    }
}

/// 2·artanh(z): the logarithm of (1 + z)/(1 − z).
fn twice_artanh(z: Wide) -> Wide {
    Wide::series(z, z.times(z), |n, power| power.over_small(2 * n + 1), false).scaled(1)
}

/// log2 of a positive number.
fn log2(number: Wide) -> Wide {
    let (mut mantissa, mut power) = (
        Wide {
            exponent: 0,
            ..number
        },
        number.exponent,
    );
    if mantissa.mantissa > 3 << 126 {
        // From 0.75 to 1.5, so that nothing cancels near 1.
        mantissa = mantissa.scaled(-1);
        power += 1;
    }
    let fraction = if mantissa == Wide::ONE {
        Wide::ZERO
    } else {
        twice_artanh(mantissa.minus(Wide::ONE).over(mantissa.plus(Wide::ONE))).times(Wide::INV_LN2)
    };
    Wide::integer(power).plus(fraction)
}

/// y times a logarithm, for y of any class but NaN.
fn times_log(y: F80, log: Wide, control: u16) -> (F80, u32) {
    let negative = y.is_negative() != log.negative;
    match y.class() {
        Class::Finite(factor) if !log.is_zero() => F80::round(factor.times(log), control),
        Class::Infinite if log.is_zero() => invalid(),
        Class::Infinite => (F80::infinity(negative), 0),
        _ => (F80::zero(negative), 0),
    }
}

fn logarithm(x: F80, y: F80, control: u16) -> (F80, u32) {
    match (x.class(), y.class()) {
        (Class::Nan, _) | (_, Class::Nan) => F80::nan_of(x, y),
        (Class::Zero | Class::Infinite, Class::Zero) => invalid(),
        (Class::Zero, Class::Infinite) => (F80::infinity(!y.is_negative()), 0),
        (Class::Zero, _) => (F80::infinity(!y.is_negative()), flag::ZERO_DIVIDE),
        _ if x.is_negative() => invalid(),
        (Class::Infinite, _) => (F80::infinity(y.is_negative()), 0),
        (Class::Finite(number), _) => times_log(y, log2(number), control),
    }
}

fn logarithm_near_one(x: F80, y: F80, control: u16) -> (F80, u32) {
    match (x.class(), y.class()) {
        (Class::Nan, _) | (_, Class::Nan) => F80::nan_of(x, y),
        (Class::Zero, Class::Infinite) | (Class::Infinite, Class::Zero) => invalid(),
        (Class::Zero, _) => (F80::zero(x.is_negative() != y.is_negative()), 0),
        (Class::Infinite, _) if x.is_negative() => invalid(),
        (Class::Infinite, _) => (F80::infinity(y.is_negative()), 0),
        (Class::Finite(number), _) => {
            let sum = number.plus(Wide::ONE);
            if sum.negative || sum.is_zero() {
                // Undefined: there is no logarithm.
                invalid()
            } else if number.exponent < -1 {
                let log =
                    twice_artanh(number.over(number.plus(Wide::integer(2)))).times(Wide::INV_LN2);
                times_log(y, log, control)
            } else {
                times_log(y, log2(sum), control)
            }
        }
    }
}

/// Arc tangents of the quarters.
const QUARTERS: [Wide; 5] = [
    Wide::ZERO,
    Wide::positive(-3, 0xfadbafc96406eb156dc79ef5f7a217e6),
    Wide::positive(-2, 0xed63382b0dda7b456fe445ecbc3a8d03),
    Wide::positive(-1, 0xa4bc7d1934f7092419a87f2a457dac9f),
    Wide::positive(-1, Wide::PI.mantissa),
];

/// Arc tangent of a ratio from 0 to 1.
fn arc_tangent(ratio: Wide) -> Wide {
    // The nearest quarter c: arctan r = arctan c + arctan((r − c)/(1 + rc)).
    let quarter = (1..=4)
        .rev()
        .find(|&n| ratio.compare(Wide::integer(2 * n - 1).scaled(-3)).is_ge())
        .unwrap_or(0);
    let near = Wide::integer(quarter).scaled(-2);
    let rest = if quarter == 0 {
        ratio
    } else {
        ratio.minus(near).over(Wide::ONE.plus(ratio.times(near)))
    };
    if rest.is_zero() {
        return QUARTERS[quarter as usize];
    }
    let sum = Wide::series(
        rest,
        rest.times(rest).negated(),
        |n, power| power.over_small(2 * n + 1),
        false,
    );
    QUARTERS[quarter as usize].plus(sum)
}

fn angle(x: F80, y: F80, control: u16) -> (F80, u32) {
    // The angle for |x| and |y| first: as a part of the right angle.
    let first = match (x.class(), y.class()) {
        (Class::Nan, _) | (_, Class::Nan) => return F80::nan_of(x, y),
        (Class::Infinite, Class::Infinite) => Wide::PI.scaled(-2),
        (Class::Infinite, _) | (_, Class::Zero) => Wide::ZERO,
        (_, Class::Infinite) | (Class::Zero, _) => Wide::PI.scaled(-1),
        (Class::Finite(x), Class::Finite(y)) => {
            let (x, y) = (x.absolute(), y.absolute());
            if y.compare(x).is_gt() {
                Wide::PI.scaled(-1).minus(arc_tangent(x.over(y)))
            } else {
                arc_tangent(y.over(x))
            }
        }
    };
    let turned = if x.is_negative() {
        Wide::PI.minus(first)
    } else {
        first
    };
    if turned.is_zero() {
        return (F80::zero(y.is_negative()), 0);
    }
    F80::round(
        Wide {
            negative: y.is_negative(),
            ..turned
        },
        control,
    )
}

/// 2/π · 2^256, lowest word first.
const TWO_OVER_PI: [u64; 4] = [
    0xfe5163abdebbc561,
    0xdb6295993c439041,
    0xfc2757d1f534ddc0,
    0xa2f9836e4e441529,
];

/// Shifts words, lowest first, left; what leaves at the top is lost.
fn shift_left(words: &mut [u64; 5], count: u32) {
    let (whole, bits) = (count as usize / 64, count % 64);
    let source = *words;
    let word = |index: usize| index.checked_sub(whole).map_or(0, |index| source[index]);
    for (index, slot) in words.iter_mut().enumerate() {
        let below = if index > 0 { word(index - 1) } else { 0 };
        *slot = (u128::from(word(index)) << 64 | u128::from(below))
            .wrapping_shl(bits)
            .wrapping_shr(64) as u64;
    }
}

/// Takes multiples of a right angle away: how many (modulo 4), and what remains, at most π/4 either way.
fn reduce(number: Wide) -> (u32, Wide) {
    if number.exponent < -1 {
        return (0, number);
    }
    // |number| < 2^63, so the words below hold number · 2/π with 320 bits, of which exponent + 1 stand before the point.
    let factor = number.mantissa >> 64;
    let mut words = [0_u64; 5];
    let mut carry = 0_u128;
    for (slot, &word) in words.iter_mut().zip(&TWO_OVER_PI) {
        let sum = u128::from(word) * factor + carry;
        *slot = sum as u64;
        carry = sum >> 64;
    }
    words[4] = carry as u64;
    let whole = (number.exponent + 1) as u32;
    let mut quadrant = words[4].checked_shr(64 - whole).unwrap_or(0) as u32;
    shift_left(&mut words, whole);
    // To the nearest multiple: above one half it is the next one's, from below.
    let above = words[4] >> 63 == 1;
    if above {
        quadrant = quadrant.wrapping_add(1);
        let mut carry = true;
        for word in &mut words {
            (*word, carry) = (!*word).overflowing_add(u64::from(carry));
        }
    }
    // Zero bits at the top: no number of 64 bits comes nearer than about 2^-70 to a multiple of a right angle.
    let empty = words
        .iter()
        .rev()
        .take_while(|&&word| word == 0)
        .count()
        .min(4);
    let zeros = 64 * empty as u32 + words[4 - empty].leading_zeros();
    shift_left(&mut words, zeros);
    let fraction = Wide::positive(
        -1 - zeros as i32,
        u128::from(words[4]) << 64 | u128::from(words[3]),
    );
    let rest = Wide {
        negative: above,
        ..fraction.times(Wide::PI.scaled(-1))
    };
    let quadrant = quadrant & 3;
    if number.negative {
        ((4 - quadrant) & 3, rest.negated())
    } else {
        (quadrant, rest)
    }
}

fn sine(x: Wide) -> Wide {
    Wide::series(
        x,
        x.times(x).negated(),
        |n, term| term.over_small(2 * n).over_small(2 * n + 1),
        true,
    )
}

fn cosine(x: Wide) -> Wide {
    Wide::series(
        Wide::ONE,
        x.times(x).negated(),
        |n, term| term.over_small(2 * n - 1).over_small(2 * n),
        true,
    )
}

fn trigonometric(operation: Operation, x: F80, control: u16) -> Answer {
    let pair = |value, second, flags| Answer {
        value,
        second,
        flags,
        out_of_range: 0,
    };
    let one = |(value, flags)| pair(value, F80::default(), flags);
    let number = match x.class() {
        Class::Nan => {
            let (nan, flags) = x.quieted();
            return pair(nan, nan, flags);
        }
        Class::Infinite => return pair(F80::DEFAULT_NAN, F80::DEFAULT_NAN, flag::INVALID),
        Class::Zero => {
            let value = if operation == Operation::Fcos {
                F80::one(false)
            } else {
                x
            };
            return pair(value, F80::one(false), 0);
        }
        Class::Finite(number) if number.exponent >= 63 => {
            return Answer {
                value: x,
                out_of_range: 1,
                ..Answer::default()
            };
        }
        Class::Finite(number) => number,
    };
    let (quadrant, rest) = reduce(number);
    let turned = |quadrant: u32| {
        let value = if quadrant & 1 == 0 {
            sine(rest)
        } else {
            cosine(rest)
        };
        if quadrant & 2 == 0 {
            value
        } else {
            value.negated()
        }
    };
    let (sine, cosine) = (|| turned(quadrant), || turned((quadrant + 1) & 3));
    match operation {
        Operation::Fcos => one(F80::round(cosine(), control)),
        Operation::Fptan => {
            let (value, flags) = F80::round(sine().over(cosine()), control);
            pair(value, F80::one(false), flags)
        }
        Operation::Fsincos => {
            let ((value, first), (second, more)) =
                (F80::round(sine(), control), F80::round(cosine(), control));
            pair(value, second, first | more)
        }
        _ => one(F80::round(sine(), control)),
    }
}

#[cfg(test)]
mod tests;
