//! A linear sweep over text: every instruction of the input, in order.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use zvm_abi::layout::TEXT_BASE;

use crate::error::{Refusal, RewriteError};
use crate::input::Input;
use crate::starts::Starts;

/// One instruction of the input.
#[derive(Clone, Copy)]
pub(crate) struct Insn {
    pub decoded: Instruction,
    /// Offset of the displacement field in the instruction, 0 = none, or none that holds an address.
    pub displacement_at: u8,
    /// Offset of the immediate field in the instruction, 0 = none, or none that holds an address.
    pub immediate_at: u8,
}

/// Bytes of an instruction that has room for an opcode and four bytes of an address.
const SHORTEST_WITH_ADDRESS: usize = 5;

impl Insn {
    pub(crate) fn new(decoder: &Decoder<'_>, decoded: Instruction) -> Self {
        if decoded.len() < SHORTEST_WITH_ADDRESS {
            return Insn {
                decoded,
                displacement_at: 0,
                immediate_at: 0,
            };
        }
        let offsets = decoder.get_constant_offsets(&decoded);
        Insn {
            decoded,
            displacement_at: offsets.displacement_offset() as u8,
            immediate_at: offsets.immediate_offset() as u8,
        }
    }
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

    /// The code index of what follows the instruction that ends at `address`, even if bytes that are no code lie between.
    pub(crate) fn behind(&self, address: u64) -> Option<usize> {
        let index = self.first_from(address);
        let before = &self.insns.get(index.checked_sub(1)?)?.decoded;
        (before.next_ip() == address).then_some(index)
    }
}

impl<'a> Input<'a> {
    /// The instruction's bytes in the input.
    pub(crate) fn bytes(&self, insn: &Instruction) -> &'a [u8] {
        let from = (insn.ip() - TEXT_BASE) as usize;
        &self.text[from..from + insn.len()]
    }
}

/// Bytes that are no code, in a function: from behind the last instruction before them that goes on elsewhere, to the next
/// function.
struct Hole {
    start: u64,
    end: u64,
    refusal: Refusal,
}

/// Decodes all of text, starting afresh at every function.
///
/// Some assembly keeps a line of text behind its last `ret` (OpenSSL's does). What nothing reaches and nothing can decode is
/// left out; a pointer to it is found later to mean no instruction, and refused.
pub(crate) fn sweep(input: &Input<'_>) -> Result<Program, RewriteError> {
    let mut insns: Vec<Insn> = Vec::with_capacity(input.text.len() / 4);
    let mut holes: Vec<Hole> = Vec::new();
    let mut decoder = Decoder::with_ip(64, input.text, TEXT_BASE, DecoderOptions::NONE);
    let mut functions = input.functions.iter().map(|f| f.0).peekable();
    let mut function = TEXT_BASE;
    while decoder.can_decode() {
        let at = decoder.ip();
        let decoded = decoder.decode();
        while let Some(start) = functions.next_if(|&start| start <= at) {
            function = start;
        }
        let next = functions.peek().copied();
        let reason = if next.is_some_and(|start| start < decoded.next_ip()) {
            // Bytes between functions that run into the next one are padding only if they are int3 or nops,
            // which never do: so these bytes are data, or the symbol is not a function.
            "the instruction runs into the next function, so one of the two is no code"
        } else if decoded.is_invalid() {
            "these bytes are no instruction"
        } else if is_port_access(&decoded) {
            "it reads or writes a port, which no program can, so these bytes may be data"
        } else {
            insns.push(Insn::new(&decoder, decoded));
            continue;
        };
        // What follows an instruction that always goes on elsewhere is reached by a jump or not at all.
        let leaves = insns
            .iter()
            .rposition(|i| i.decoded.ip() < function || !goes_on(&i.decoded))
            .filter(|&i| insns[i].decoded.ip() >= function);
        let refusal = input.refusal(
            at,
            decoded.len().max(1),
            reason,
            "move data out of .text (assembly: into .section .rodata)",
        );
        let Some(last) = leaves else {
            if is_port_access(&decoded) {
                // The lowering says better why not.
                insns.push(Insn::new(&decoder, decoded));
                continue;
            }
            return Err(RewriteError::Refused(vec![refusal]));
        };
        insns.truncate(last + 1);
        let end = next.unwrap_or(input.text_end());
        holes.push(Hole {
            start: insns[last].decoded.next_ip(),
            end,
            refusal,
        });
        let from = (end - TEXT_BASE) as usize;
        decoder
            .set_position(from)
            .expect("a function starts in text, and its end is text's at most");
        decoder.set_ip(end);
    }
    refuse_what_is_reached(&insns, holes)?;
    let mut starts = Starts::new(input.text.len());
    for insn in &insns {
        starts.add(insn.decoded.ip());
    }
    starts.finish();
    Ok(Program {
        insns,
        starts,
        end: decoder.ip(),
    })
}

/// A hole is one only if no branch leads there.
fn refuse_what_is_reached(insns: &[Insn], holes: Vec<Hole>) -> Result<(), RewriteError> {
    if holes.is_empty() {
        return Ok(());
    }
    let mut targets: Vec<u64> = insns
        .iter()
        .filter(|i| i.decoded.near_branch_target() != 0)
        .map(|i| i.decoded.near_branch_target())
        .collect();
    targets.sort_unstable();
    let reached = |hole: &Hole| {
        let first = targets.partition_point(|&target| target < hole.start);
        targets.get(first).is_some_and(|&target| target < hole.end)
    };
    let refused: Vec<Refusal> = holes
        .into_iter()
        .filter(reached)
        .map(|hole| hole.refusal)
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(RewriteError::Refused(refused))
}

/// Whether the next instruction may run after this one.
fn goes_on(insn: &Instruction) -> bool {
    !matches!(
        insn.flow_control(),
        FlowControl::Return
            | FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Exception
    ) && insn.mnemonic() != Mnemonic::Hlt
}

/// `in`, `out` and their string forms: letters of text (`l`, `m`, `n`, `o`) decode to them.
fn is_port_access(insn: &Instruction) -> bool {
    use Mnemonic as M;
    matches!(
        insn.mnemonic(),
        M::In | M::Out | M::Insb | M::Insw | M::Insd | M::Outsb | M::Outsw | M::Outsd
    )
}

/// Whether the instruction does nothing but take room; endbr64 counts, as the sandbox has its own rule for targets.
pub(crate) fn is_padding(insn: &Instruction) -> bool {
    matches!(
        insn.mnemonic(),
        Mnemonic::Nop | Mnemonic::Endbr64 | Mnemonic::Endbr32
    )
}
