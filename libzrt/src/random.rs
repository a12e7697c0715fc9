//! Random bytes: the ChaCha20 block function (RFC 8439, section 2.3) as a generator, keyed with the seed from nvram. The
//! same seed gives the same bytes in every run; whoever wants secrets must give a secret seed.

use crate::errno::Errno;
use crate::kernel::{Args, Kernel};

/// A generator.
#[derive(Clone, Debug)]
pub struct Random {
    key: [u32; 8],
    /// The first word counts the snapshots that the program has come back from.
    nonce: [u32; 2],
    counter: u64,
    block: [u8; 64],
    /// Bytes of `block` that were used.
    used: usize,
}

impl Random {
    /// A generator for this seed.
    pub fn new(seed: [u8; 32]) -> Random {
        let word = |index: usize| {
            u32::from_le_bytes([
                seed[index],
                seed[index + 1],
                seed[index + 2],
                seed[index + 3],
            ])
        };
        Random {
            key: core::array::from_fn(|index| word(index * 4)),
            nonce: [0; 2],
            counter: 0,
            block: [0; 64],
            used: 64,
        }
    }

    /// The generator with which a program goes on behind a snapshot: what it gives is in no stream from before, whatever the seed.
    pub fn after_snapshot(&self, seed: [u8; 32]) -> Random {
        Random {
            nonce: [self.nonce[0].wrapping_add(1), 0],
            ..Random::new(seed)
        }
    }

    /// The next bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.used == 64 {
                self.block = block(&self.key, self.counter, self.nonce);
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// One block: 64-bit counter, 64-bit nonce.
fn block(key: &[u32; 8], counter: u64, nonce: [u32; 2]) -> [u8; 64] {
    let mut start = [0; 16];
    start[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    start[4..12].copy_from_slice(key);
    start[12..].copy_from_slice(&[counter as u32, (counter >> 32) as u32, nonce[0], nonce[1]]);
    let mut state = start;
    for _ in 0..10 {
        for [a, b, c, d] in [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] {
            quarter(&mut state, a, b, c, d);
        }
        for [a, b, c, d] in [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] {
            quarter(&mut state, a, b, c, d);
        }
    }
    let mut bytes = [0; 64];
    for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
        chunk.copy_from_slice(&state[index].wrapping_add(start[index]).to_le_bytes());
    }
    bytes
}

fn quarter(state: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (first, second, third, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[first] = state[first].wrapping_add(state[second]);
        state[third] = (state[third] ^ state[first]).rotate_left(turn);
    }
}

/// `getrandom(buffer, size, flags)`: never blocks, never short.
pub(crate) fn getrandom(
    kernel: &mut Kernel,
    [buffer, size, flags, ..]: Args,
) -> Result<u64, Errno> {
    // GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE.
    if flags & !7 != 0 || flags & 6 == 6 {
        return Err(Errno::EINVAL);
    }
    // Linux's own limit for one call.
    let size = size.min(0x1FF_FFFF);
    // SAFETY: the slice ends with the call, and nothing else uses the range meanwhile.
    let bytes = unsafe { kernel.memory.some_bytes_mut(buffer, size)? };
    kernel.random.fill(bytes);
    Ok(bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_function_is_rfc_8439s() {
        // Section 2.3.2, whose 96-bit nonce and 32-bit counter are the same four words.
        let key = core::array::from_fn(|index| {
            u32::from_le_bytes(core::array::from_fn(|byte| (index * 4 + byte) as u8))
        });
        let bytes = block(&key, 0x0900_0000_0000_0001, [0x4a00_0000, 0]);
        assert_eq!(bytes[..8], [0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15]);
        assert_eq!(bytes[60..], [0xa2, 0x50, 0x3c, 0x4e]);
    }

    #[test]
    fn the_stream_depends_on_the_seed_alone() {
        let (mut a, mut b, mut c) = (
            Random::new([1; 32]),
            Random::new([1; 32]),
            Random::new([2; 32]),
        );
        let (mut x, mut y) = ([0; 200], [0; 200]);
        a.fill(&mut x);
        y.chunks_mut(7).for_each(|part| b.fill(part));
        assert_eq!(x, y);
        c.fill(&mut y);
        assert_ne!(x, y);
        // Behind a snapshot, the same seed gives other bytes, and equal ones in each instance.
        let z = [&a, &a].map(|random| {
            let mut bytes = [0; 200];
            random.after_snapshot([1; 32]).fill(&mut bytes);
            bytes
        });
        assert_eq!(z[0], z[1]);
        let mut start = [0; 200];
        Random::new([1; 32]).fill(&mut start);
        assert_ne!(z[0], start);
    }
}
