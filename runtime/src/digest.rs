//! Digests of what passes a channel and of final memory. Nothing of that allocates: it runs in the instance.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;

use sha2::Digest as _;

use crate::span::Span;

/// Bytes of a digest, whatever the algorithm.
pub const BYTES: usize = 32;

/// Which digest a report carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// BLAKE3, 256 bits.
    #[default]
    Blake3,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// Reads `blake3` or `sha256`.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        match name {
            "blake3" => Some(Algorithm::Blake3),
            "sha256" => Some(Algorithm::Sha256),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Algorithm::Blake3 => "blake3",
            Algorithm::Sha256 => "sha256",
        })
    }
}

/// BLAKE3 of a part of a file.
///
/// # Errors
/// The host's.
pub fn of_file(file: &File, range: Range<u64>) -> io::Result<[u8; BYTES]> {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    let mut part = Span::new(file, range);
    let mut block = vec![0; 1 << 17];
    loop {
        match part.read(&mut block)? {
            0 => return Ok(hasher.finish()),
            got => hasher.update(&block[..got]),
        }
    }
}

/// A digest in the making.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "it must not allocate, and there is one per channel"
)]
pub enum Hasher {
    /// BLAKE3.
    Blake3(blake3::Hasher),
    /// SHA-256.
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// Of nothing yet.
    pub fn new(algorithm: Algorithm) -> Hasher {
        match algorithm {
            Algorithm::Blake3 => Hasher::Blake3(blake3::Hasher::new()),
            Algorithm::Sha256 => Hasher::Sha256(sha2::Sha256::new()),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes so far.
    pub fn finish(&self) -> [u8; BYTES] {
        match self {
            Hasher::Blake3(hasher) => *hasher.finalize().as_bytes(),
            Hasher::Sha256(hasher) => hasher.clone().finalize().into(),
        }
    }
}

/// Hex digits of a digest.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let of = |algorithm, bytes: &[u8]| {
            let mut hasher = Hasher::new(algorithm);
            bytes.chunks(1).for_each(|byte| hasher.update(byte));
            hex(&hasher.finish())
        };
        // The published vectors for the empty string and "abc".
        assert_eq!(
            of(Algorithm::Blake3, b""),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
        assert_eq!(
            of(Algorithm::Sha256, b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
