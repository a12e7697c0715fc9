//! What a thread has besides its general registers: vector registers, the x87 stack, rounding and exception modes.
//!
//! The entry (`guest/entry.rs`) stores xmm0 to xmm15 at every system call; the rest is moved only when another thread
//! runs on (`guest/switch.rs`). `XSAVE` would do all this, but no guest may use it (rule C9).

use alloc::vec::Vec;

use crate::kernel::Vectors;

/// A cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default)]
struct Line([u64; 8]);

/// Offset of the x87 stack: eight registers of 16 bytes, st(0) first.
pub const X87: usize = 256;
/// Offset of the number of x87 registers that are in use, u32.
pub const X87_COUNT: usize = 384;
/// Offset of the x87 control word, u16.
pub const X87_CONTROL: usize = 388;
/// Offset of MXCSR, u32.
pub const MXCSR: usize = 392;
/// Offset of the whole vector registers: 16 ymm of 32 bytes (level 3), or 32 zmm of 64 bytes (level 4).
pub const WIDE: usize = 448;
/// Offset of the eight mask registers (level 4).
pub const MASKS: usize = WIDE + 32 * 64;

/// The state's memory; it never moves while the thread lives.
#[derive(Clone, Debug)]
pub struct State(Vec<Line>);

impl State {
    /// State as at the start of an instance, with what an image of this level has.
    pub fn new(level: u32) -> State {
        let size = match level {
            0..=2 => WIDE,
            3 => WIDE + 16 * 32,
            _ => MASKS + 64,
        };
        let mut state = State(alloc::vec![Line::default(); size.div_ceil(64)]);
        // fninit's control word, and MXCSR's value at the start.
        state.0[X87_CONTROL / 64].0[X87_COUNT % 64 / 8] = 0x37F << 32;
        state.0[MXCSR / 64].0[MXCSR % 64 / 8] = 0x1F80;
        state
    }

    /// Its first byte.
    pub fn address(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// xmm0 to xmm15.
    pub fn vectors(&mut self) -> &mut Vectors {
        // SAFETY: the memory begins with 256 bytes for them, is aligned to 64, and is borrowed for as long as the result.
        unsafe { &mut *self.0.as_mut_ptr().cast::<Vectors>() }
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the lines are numbers without gaps, borrowed for as long as the result.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 64) }
    }

    /// All of it, to change it.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; any bytes are numbers.
        unsafe { core::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 64) }
    }

    /// Copies another thread's.
    pub(crate) fn copy(&mut self, other: &State) {
        self.0.copy_from_slice(&other.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_the_assembly_expects_them() {
        for level in 1..=4 {
            let mut state = State::new(level);
            state.vectors()[15] = 7;
            let start = state.address();
            assert!((start as usize).is_multiple_of(64));
            // SAFETY: all offsets lie inside of the smallest state.
            unsafe {
                assert_eq!(start.add(240).read(), 7);
                assert_eq!(start.add(X87_COUNT).cast::<u32>().read(), 0);
                assert_eq!(start.add(X87_CONTROL).cast::<u16>().read(), 0x37F);
                assert_eq!(start.add(MXCSR).cast::<u32>().read(), 0x1F80);
            }
        }
    }
}
