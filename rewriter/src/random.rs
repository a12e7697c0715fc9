//! Random instructions for tests: the same ones in every run.

use iced_x86::{Decoder, DecoderOptions, Instruction};

/// Where they stand.
pub(crate) const IP: u64 = 0x40000;

/// Calls `check` with `trials` instructions that iced knows, each with 24 bytes that begin with it: random ones behind one of
/// `starts` by turns.
pub(crate) fn instructions(
    starts: &[&[u8]],
    trials: usize,
    mut check: impl FnMut(&[u8; 24], &Decoder<'_>, &Instruction),
) {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for start in starts.iter().cycle().take(trials) {
        let mut bytes = [0; 24];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&random());
        }
        bytes.copy_within(..24 - start.len(), start.len());
        bytes[..start.len()].copy_from_slice(start);
        let mut decoder = Decoder::with_ip(64, &bytes, IP, DecoderOptions::NONE);
        let insn = decoder.decode();
        if !insn.is_invalid() {
            check(&bytes, &decoder, &insn);
        }
    }
}
