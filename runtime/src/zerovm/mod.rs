//! ZeroVM's text formats, read exactly: nothing is skipped silently, and every refusal names its line.

pub mod manifest;
pub mod nvram;

use std::fmt;

/// A line that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// From 1; 0 for what the whole file lacks.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.problem),
            line => write!(f, "line {line}: {}", self.problem),
        }
    }
}

impl std::error::Error for LineError {}

/// An integer as C writes it: decimal, `0x` hex, or octal behind a 0; not negative.
///
/// # Errors
/// The text is no such number, or does not fit 63 bits.
pub fn integer(text: &str) -> Result<i64, String> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain {
        return Err(format!("`{text}` is not a number"));
    }
    i64::from_str_radix(digits, radix).map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow => format!("{text} is more than 2^63 - 1"),
        _ => format!("`{text}` is not a number"),
    })
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn integers_are_cs() {
        for (text, value) in [
            ("0", 0),
            ("42", 42),
            ("0x1F", 31),
            ("017", 15),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(integer(text), Ok(value));
        }
        for bad in [
            "",
            "-1",
            "+1",
            "0x",
            "0xg",
            "08",
            "1 2",
            "9223372036854775808",
            "1k",
            "x",
        ] {
            assert!(integer(bad).is_err(), "{bad}");
        }
    }
}
