//! The rules, and the levels, by name.

use core::fmt;

/// A broken rule and what about it.
pub(crate) type Broken = (Rule, &'static str);

/// x86-64 microarchitecture level (psABI, section 3.1.1): instructions above it are rejected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// SSE2.
    V1,
    /// SSE4.2, POPCNT, CMPXCHG16B.
    V2,
    /// AVX2, BMI, FMA, MOVBE.
    V3,
    /// AVX-512.
    V4,
}

impl TryFrom<u32> for Level {
    type Error = ();

    fn try_from(number: u32) -> Result<Level, ()> {
        Ok(match number {
            1 => Level::V1,
            2 => Level::V2,
            3 => Level::V3,
            4 => Level::V4,
            _ => return Err(()),
        })
    }
}

/// The rule that was broken. The numbers are those of the design; C11 is the runtime's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Bundles.
    C1,
    /// Direct branches.
    C2,
    /// Indirect branches.
    C3,
    /// Returns.
    C4,
    /// Calls.
    C5,
    /// Memory operands.
    C6,
    /// The thread pointer.
    C7,
    /// The stack pointer.
    C8,
    /// Accepted encodings.
    C9,
    /// Determinism and level.
    C10,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::C1 => "C1 (no instruction and no guarded pair crosses a bundle's end)",
            Rule::C2 => "C2 (a direct branch goes to an instruction's start or a trampoline)",
            Rule::C3 => "C3 (an indirect branch is masked, in one bundle)",
            Rule::C4 => "C4 (a return is masked, in one bundle)",
            Rule::C5 => "C5 (a call ends its bundle)",
            Rule::C6 => "C6 (a memory operand is confined)",
            Rule::C7 => "C7 (gs only with an absolute displacement, its base only by 32 bits)",
            Rule::C8 => "C8 (the stack pointer is only written by 32-bit forms)",
            Rule::C9 => "C9 (only listed encodings, prefixes in order)",
            Rule::C10 => "C10 (deterministic, at the image's level)",
        })
    }
}
