//! A linear sweep over text: every instruction of the input, in order.

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};
use zvm_abi::layout::TEXT_BASE;

use crate::error::RewriteError;
use crate::input::Input;
use crate::starts::Starts;

/// One instruction of the input.
#[derive(Clone, Copy)]
pub(crate) struct Insn {
    pub decoded: Instruction,
    /// Offset of the displacement field in the instruction, 0 = none.
    pub displacement_at: u8,
    /// Offset of the immediate field in the instruction, 0 = none.
    pub immediate_at: u8,
}

/// The instructions of text, in order. An index into them is a *code index*; their number stands for the end of text.
pub(crate) struct Program {
    pub insns: Vec<Insn>,
    starts: Starts,
    end: u64,
}

impl Program {
    /// The code index of the instruction that starts at `address`, or of text's end.
    pub(crate) fn at(&self, address: u64) -> Option<usize> {
        let (index, exact) = self.starts.rank(address);
        (exact || address == self.end).then_some(index)
    }

    /// The code index of the first instruction that starts at `address` or later.
    pub(crate) fn first_from(&self, address: u64) -> usize {
        self.starts.rank(address).0
    }

    /// The code index of the instruction that holds the byte at `address`; of text's end, its number.
    pub(crate) fn holding(&self, address: u64) -> usize {
        let (index, exact) = self.starts.rank(address);
        if exact || address >= self.end {
            index
        } else {
            index.saturating_sub(1)
        }
    }
}

impl<'a> Input<'a> {
    /// The instruction's bytes in the input.
    pub(crate) fn bytes(&self, insn: &Instruction) -> &'a [u8] {
        let from = (insn.ip() - TEXT_BASE) as usize;
        &self.text[from..from + insn.len()]
    }
}

/// Decodes all of text, starting afresh at every function.
pub(crate) fn sweep(input: &Input<'_>) -> Result<Program, RewriteError> {
    let mut insns = Vec::with_capacity(input.text.len() / 4);
    let mut starts = Starts::new(input.text.len());
    let mut decoder = Decoder::with_ip(64, input.text, TEXT_BASE, DecoderOptions::NONE);
    let mut next_function = input.functions.iter().map(|f| f.0).peekable();
    while decoder.can_decode() {
        let at = decoder.ip();
        let decoded = decoder.decode();
        while next_function.next_if(|&start| start <= at).is_some() {}
        if let Some(&start) = next_function.peek()
            && start < decoded.next_ip()
        {
            // Bytes between functions that run into the next one are padding only if they are int3 or nops,
            // which never do: so these bytes are data, or the symbol is not a function.
            return Err(refuse(
                input,
                at,
                decoded.len(),
                "the instruction runs into the next function, so one of the two is no code",
            ));
        }
        if decoded.is_invalid() {
            return Err(refuse(
                input,
                at,
                decoded.len(),
                "these bytes are no instruction",
            ));
        }
        let offsets = decoder.get_constant_offsets(&decoded);
        starts.add(at);
        insns.push(Insn {
            decoded,
            displacement_at: offsets.displacement_offset() as u8,
            immediate_at: offsets.immediate_offset() as u8,
        });
    }
    starts.finish();
    Ok(Program {
        insns,
        starts,
        end: decoder.ip(),
    })
}

fn refuse(input: &Input<'_>, at: u64, len: usize, reason: &str) -> RewriteError {
    RewriteError::Refused(vec![input.refusal(
        at,
        len.max(1),
        reason,
        "move data out of .text (assembly: into .section .rodata)",
    )])
}

/// Whether the instruction does nothing but take room; endbr64 counts, as the sandbox has its own rule for targets.
pub(crate) fn is_padding(insn: &Instruction) -> bool {
    matches!(
        insn.mnemonic(),
        Mnemonic::Nop | Mnemonic::Endbr64 | Mnemonic::Endbr32
    )
}
