//! Against the host's own instructions, which are within one unit of the last place, and against exact results.

use core::arch::asm;

use super::format::Class;
use super::*;

const OPERATIONS: [Operation; 8] = [
    Operation::F2xm1,
    Operation::Fyl2x,
    Operation::Fyl2xp1,
    Operation::Fpatan,
    Operation::Fptan,
    Operation::Fsin,
    Operation::Fcos,
    Operation::Fsincos,
];

/// What fninit sets: to nearest, 64 bits.
const CONTROL: u16 = 0x37F;

macro_rules! instruction {
    ($text:literal, $x:expr, $y:expr, $results:literal) => {{
        let (mut value, mut second) = (F80::default(), F80::default());
        let status: u16;
        // SAFETY: the x87 stack is empty before and after; the pointers are to 16 bytes each.
        unsafe {
            asm!(
                "fninit",
                concat!("fld tbyte ptr [{y}]\nfld tbyte ptr [{x}]\n", $text),
                "fnstsw ax",
                concat!(".if ", $results, " == 2\nfstp tbyte ptr [{second}]\n.endif"),
                "fstp tbyte ptr [{value}]",
                "fninit",
                x = in(reg) &raw const $x, y = in(reg) &raw const $y,
                value = in(reg) &raw mut value, second = in(reg) &raw mut second,
                out("ax") status,
                out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
            );
        }
        (value, second, u32::from(status) & 0x3F)
    }};
}

/// The host's answer: values and exception flags.
fn native(operation: Operation, x: F80, y: F80) -> (F80, F80, u32) {
    match operation {
        Operation::F2xm1 => instruction!("f2xm1", x, y, 1),
        Operation::Fyl2x => instruction!("fyl2x", x, y, 1),
        Operation::Fyl2xp1 => instruction!("fyl2xp1", x, y, 1),
        Operation::Fpatan => instruction!("fpatan", x, y, 1),
        Operation::Fptan => instruction!("fptan", x, y, 2),
        Operation::Fsin => instruction!("fsin", x, y, 1),
        Operation::Fcos => instruction!("fcos", x, y, 1),
        Operation::Fsincos => instruction!("fsincos", x, y, 2),
    }
}

/// Steps of the last place between two numbers of one sign.
fn distance(a: F80, b: F80) -> u128 {
    let order =
        |x: F80| (u128::from(x.head & 0x7FFF) << 63) + u128::from(x.mantissa & (u64::MAX >> 1));
    if a.head >> 15 == b.head >> 15 {
        order(a).abs_diff(order(b))
    } else {
        order(a) + order(b)
    }
}

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 ^ self.0 >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// A normal number with an exponent in this range.
    fn number(&mut self, low: i32, high: i32) -> F80 {
        let exponent = low + (self.next() >> 8) as i32 % (high - low);
        let exponent = exponent.clamp(low, high - 1);
        F80::new(
            self.next() | 1 << 63,
            (exponent + 16383) as u16 | (self.next() as u16 & 0x8000),
        )
    }
}

#[test]
fn the_host_agrees_to_the_last_place() {
    let mut numbers = Numbers(1);
    for operation in OPERATIONS {
        for round in 0..4000 {
            let (mut x, y) = match operation {
                Operation::F2xm1 => (numbers.number(-70, 0), F80::one(false)),
                Operation::Fyl2x => (
                    numbers.number(if round % 2 == 0 { -16000 } else { -2 }, 2),
                    numbers.number(-20, 20),
                ),
                Operation::Fyl2xp1 => (numbers.number(-70, -2), numbers.number(-20, 20)),
                Operation::Fpatan => (numbers.number(-20, 20), numbers.number(-20, 20)),
                // The hardware's π has 66 bits: it is exact far from multiples of π only.
                _ => (numbers.number(-40, 0), F80::one(false)),
            };
            if operation == Operation::Fyl2x {
                x.head &= 0x7FFF;
            }
            let (value, second, _) = native(operation, x, y);
            let answer = compute(operation, x, y, CONTROL);
            let report =
                || format!("{operation:?} {x:x?} {y:x?}: {answer:x?}, host {value:x?} {second:x?}");
            assert!(distance(answer.value, value) <= 1, "{}", report());
            if matches!(operation, Operation::Fptan | Operation::Fsincos) {
                assert!(distance(answer.second, second) <= 1, "{}", report());
            }
        }
    }
}

#[test]
fn the_host_agrees_on_special_operands() {
    let special = [
        F80::zero(false),
        F80::zero(true),
        F80::one(false),
        F80::one(true),
        F80::new(1 << 63, 0x4000),
        F80::new(1 << 63, 0xC000),
        F80::new(3 << 62, 0x3FFC),
        F80::new(3 << 62, 0xBFFC),
        F80::infinity(false),
        F80::infinity(true),
        F80::DEFAULT_NAN,
        F80::new(0xC000_0000_0000_1234, 0x7FFF),
        F80::new(0x8000_0000_0000_1234, 0x7FFF),
        F80::new(0x4000_0000_0000_0000, 0x4000),
    ];
    for operation in OPERATIONS {
        for x in special {
            for y in special {
                let finite = |x: F80| match x.class() {
                    Class::Finite(wide) => Some(wide),
                    _ => None,
                };
                // Undefined for operands out of these ranges.
                let near = finite(x).is_none_or(|wide| wide.exponent < -1);
                if operation == Operation::Fyl2xp1 && (!near || x.class() == Class::Infinite)
                    || operation == Operation::F2xm1
                        && finite(x).is_some_and(|wide| wide.exponent > 0)
                {
                    continue;
                }
                let (value, second, flags) = native(operation, x, y);
                let answer = compute(operation, x, y, CONTROL);
                let report = || {
                    format!(
                        "{operation:?} {x:x?} {y:x?}: {answer:x?}, host {value:x?} {second:x?} {flags:#x}"
                    )
                };
                let same =
                    |a: F80, b: F80| a == b || a.class() != Class::Nan && distance(a, b) <= 1;
                assert!(same(answer.value, value), "{}", report());
                if matches!(operation, Operation::Fptan | Operation::Fsincos) {
                    assert!(same(answer.second, second), "{}", report());
                }
                // Whether an exact result counts as inexact is the hardware's own affair.
                assert_eq!(
                    answer.flags & !flag::PRECISION,
                    flags & !flag::PRECISION,
                    "{}",
                    report()
                );
            }
        }
    }
}

#[test]
fn exact_results_are_exact() {
    let power = |exponent: i32| F80::new(1 << 63, (16383 + exponent) as u16);
    for exponent in [-16000, -1, 0, 1, 5, 16000] {
        let answer = compute(Operation::Fyl2x, power(exponent), F80::one(false), CONTROL);
        let (expected, _) = F80::round(Wide::integer(exponent), CONTROL);
        assert_eq!((answer.value, answer.flags), (expected, 0), "{exponent}");
    }
}

#[test]
fn large_angles_are_reduced_exactly() {
    // From 400-digit arithmetic: sin and cos of 2^62 + 1 and of the number that comes nearest to a multiple of pi/2.
    let cases = [
        (
            F80::new(0x8000_0000_0000_0002, 16383 + 62),
            (0xfa71eadbead1f984, 0xbffe),
            (0xd4299770d4c2c9e9, 0x3ffc),
        ),
        (
            F80::new(0xfb3ab09a4ba1d149, 16383 + 48),
            (0x8000000000000000, 0xbfff),
            (0xdde293c6704a0ec2, 0xbfba),
        ),
    ];
    for (x, sin, cos) in cases {
        let answer = compute(Operation::Fsincos, x, F80::default(), CONTROL);
        assert_eq!(
            (answer.value, answer.second),
            (F80::new(sin.0, sin.1), F80::new(cos.0, cos.1)),
            "{x:x?}"
        );
    }
    let far = F80::new(1 << 63, 16383 + 63);
    let answer = compute(Operation::Fsin, far, F80::default(), CONTROL);
    assert_eq!((answer.value, answer.out_of_range), (far, 1));
}

#[test]
fn rounding_obeys_the_control_word() {
    let third = Wide::ONE.over(Wide::integer(3));
    let round = |value, mode: u16| F80::round(value, CONTROL | mode << 10).0;
    let (low, high) = (
        F80::new(0xAAAA_AAAA_AAAA_AAAA, 0x3FFD),
        F80::new(0xAAAA_AAAA_AAAA_AAAB, 0x3FFD),
    );
    assert_eq!(
        [0, 1, 2, 3].map(|mode| round(third, mode)),
        [high, low, high, low]
    );
    let minus = |x: F80| F80::new(x.mantissa, x.head | 0x8000);
    assert_eq!(
        [0, 1, 2, 3].map(|mode| round(third.negated(), mode)),
        [high, high, low, low].map(minus)
    );
    let (huge, tiny) = (Wide::ONE.scaled(20_000), Wide::ONE.scaled(-20_000));
    assert_eq!(
        [0, 1].map(|mode| round(huge, mode)),
        [F80::infinity(false), F80::new(u64::MAX, 0x7FFE)]
    );
    assert_eq!(
        [0, 2].map(|mode| round(tiny, mode)),
        [F80::zero(false), F80::new(1, 0)]
    );
    // The smallest normal number, one step of it below, and halves of the smallest subnormal.
    assert_eq!(
        F80::round(Wide::ONE.scaled(-16382), CONTROL),
        (F80::new(1 << 63, 1), 0)
    );
    assert_eq!(
        F80::round(Wide::ONE.scaled(-16383), CONTROL),
        (F80::new(1 << 62, 0), 0)
    );
    assert_eq!(
        F80::round(Wide::ONE.scaled(-16446), CONTROL).0,
        F80::zero(false)
    );
    assert_eq!(
        F80::round(third.scaled(-16443), CONTROL),
        (F80::new(1, 0), flag::UNDERFLOW | flag::PRECISION)
    );
}
