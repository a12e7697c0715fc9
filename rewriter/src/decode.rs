//! A linear sweep over text: every instruction of the input, in order.
//!
//! What is kept of each is small; who needs all of an instruction has it decoded again.

use std::ops::Range;

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use zvm_abi::layout::TEXT_BASE;

use crate::error::{Refusal, RewriteError};
use crate::input::Input;
use crate::parts::{Parts, whole};
use crate::quick::{REX_W, WINDOW, long_nop, quick};
use crate::starts::Starts;
use crate::threads::{count, each};

/// What an instruction is to the phases behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Registers and constants alone; it stays as it is. So do the next six, but for what is said.
    #[default]
    Plain,
    /// A move of a constant to a register of 64 bits, which may have a shorter form.
    Constant,
    /// It names memory without a need for 0x67, or is a `lea`.
    Memory,
    /// It names memory, and gets 0x67.
    Confined,
    /// Its memory operand is relative to rip.
    Rip,
    /// A `lea` relative to rip.
    Lea,
    /// `add`, `sub` or `and` of a constant to rsp, with 48 in front, which goes.
    Stack,
    /// Nothing but room: fill, nops; endbr64 counts, as the sandbox has its own rule for targets.
    Padding,
    /// The direct branches, each to [`Program::target`].
    Jump,
    Branch,
    Call,
    Return,
    /// Through a register or memory.
    IndirectJump,
    IndirectCall,
    /// Whatever else goes on to the next instruction.
    Other,
    /// Whatever else does not, or not always: system calls, loops, traps.
    Flow,
}

impl Kind {
    /// Whether no more than this has to be known of an instruction that holds no code address.
    #[inline]
    pub(crate) fn is_quick(self) -> bool {
        matches!(
            self,
            Kind::Plain
                | Kind::Constant
                | Kind::Memory
                | Kind::Confined
                | Kind::Rip
                | Kind::Lea
                | Kind::Stack
        )
    }
}

/// What an instruction does to the arithmetic flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flags {
    /// Nothing.
    Keeps,
    /// It writes them all, and reads none.
    Sets,
    /// More than that: ask iced.
    #[default]
    Asks,
}

/// One instruction of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Insn {
    /// Offset in text.
    pub at: u32,
    pub len: u8,
    pub kind: Kind,
    /// Offset in the instruction of the displacement field, if that has four bytes or more; else 0.
    pub displacement_at: u8,
    /// The same of the constant.
    pub immediate_at: u8,
    pub flags: Flags,
    /// A general register that it writes, of 32 bits or more, by its number and 1; 0 = none is known of.
    pub written: u8,
    /// Its memory operand is relative to rip.
    pub rip: bool,
    /// Its REX prefix, if it is of a quick kind and has one; else 0.
    pub rex: u8,
}

impl Insn {
    /// Whether it surely neither reads nor writes any of these registers and flags: only a bit of REX names one of the upper
    /// eight registers.
    pub(crate) fn leaves_alone(&self, parts: Parts) -> bool {
        const UPPER: Parts = whole(0xFF00);
        parts & !UPPER == 0 && self.kind.is_quick() && self.rex & !(0x40 | REX_W) == 0
    }

    /// What iced says of it.
    pub(crate) fn new(decoder: &Decoder<'_>, decoded: &Instruction) -> Self {
        let kind = match decoded.flow_control() {
            _ if is_padding(decoded) => Kind::Padding,
            FlowControl::Next if decoded.mnemonic() == Mnemonic::Hlt => Kind::Flow,
            FlowControl::Next => Kind::Other,
            // With a prefix that means nothing, as linkers leave it.
            FlowControl::Call if decoded.code() == Code::Call_rel32_64 => Kind::Call,
            FlowControl::IndirectBranch if decoded.is_jmp_near_indirect() => Kind::IndirectJump,
            FlowControl::IndirectCall if decoded.is_call_near_indirect() => Kind::IndirectCall,
            _ => Kind::Flow,
        };
        let offsets = decoder.get_constant_offsets(decoded);
        let field = |at: usize, size: usize| if size >= 4 { at as u8 } else { 0 };
        Insn {
            at: (decoded.ip() - TEXT_BASE) as u32,
            len: decoded.len() as u8,
            kind,
            displacement_at: field(offsets.displacement_offset(), offsets.displacement_size()),
            immediate_at: field(offsets.immediate_offset(), offsets.immediate_size()),
            rip: decoded.is_ip_rel_memory_operand(),
            ..Insn::default()
        }
    }

    /// So many bytes at this offset in text that do nothing.
    fn fill(at: usize, len: u8) -> Self {
        Insn {
            at: at as u32,
            len,
            kind: Kind::Padding,
            flags: Flags::Keeps,
            ..Insn::default()
        }
    }

    /// Its address.
    pub(crate) fn ip(&self) -> u64 {
        TEXT_BASE + u64::from(self.at)
    }

    /// The address behind it.
    pub(crate) fn next_ip(&self) -> u64 {
        self.ip() + u64::from(self.len)
    }
}

/// A direct jump, branch or call, by code indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub at: u32,
    /// [`Branch::NOWHERE`] if no instruction starts there.
    pub to: u32,
}

impl Branch {
    pub(crate) const NOWHERE: u32 = u32::MAX;

    /// Where it leads.
    pub(crate) fn target(self) -> Option<usize> {
        (self.to != Branch::NOWHERE).then_some(self.to as usize)
    }
}

/// The instructions of text, in order. An index into them is a *code index*; their number stands for the end of text.
pub(crate) struct Program<'a> {
    pub insns: Vec<Insn>,
    /// Of all instructions that have a target, in rising order.
    pub branches: Vec<Branch>,
    text: &'a [u8],
    starts: Starts,
    end: u64,
    /// Runs of zeros that were read as fill, by code index: each byte is an instruction of its own, so that what leads into
    /// them can be told.
    fill: Vec<Range<usize>>,
}

impl<'a> Program<'a> {
    /// All of the instruction at a code index.
    pub(crate) fn decoded(&self, index: usize) -> Instruction {
        decode(self.text, &self.insns[index])
    }

    /// The bytes of the instruction at a code index.
    pub(crate) fn bytes(&self, index: usize) -> &'a [u8] {
        bytes(self.text, &self.insns[index])
    }

    /// The same and what follows, or zeros behind text's end.
    pub(crate) fn bytes_and_more(&self, index: usize) -> [u8; WINDOW] {
        self.window(self.insns[index].at as usize)
    }

    /// Text from an offset on, or zeros behind its end.
    #[inline]
    pub(crate) fn window(&self, from: usize) -> [u8; WINDOW] {
        window(self.text, from)
    }

    /// The address of a code index.
    pub(crate) fn address(&self, index: usize) -> u64 {
        self.insns.get(index).map_or(self.end, |insn| insn.ip())
    }

    /// The address that the direct jump, branch or call at a code index leads to; `None` for all else.
    pub(crate) fn target(&self, index: usize) -> Option<u64> {
        branch_target(self.text, &self.insns[index])
    }

    /// The address of the datum that the instruction at a code index names relative to rip, if it does.
    pub(crate) fn data(&self, index: usize) -> u64 {
        let insn = &self.insns[index];
        match insn.kind {
            Kind::Rip | Kind::Lea => {
                let field = &self.bytes(index)[usize::from(insn.displacement_at)..];
                let field = field.first_chunk().copied().unwrap_or_default();
                let distance = i64::from(i32::from_le_bytes(field));
                insn.next_ip().wrapping_add_signed(distance)
            }
            _ => self.decoded(index).ip_rel_memory_address(),
        }
    }

    /// The register that it pops, as a mask: bit n = register n of the encoding.
    pub(crate) fn popped(&self, index: usize) -> u16 {
        match *self.bytes(index) {
            [opcode @ 0x58..=0x5F] => 1 << (opcode - 0x58),
            [0x41, opcode @ 0x58..=0x5F] => 1 << (8 + opcode - 0x58),
            _ => 0,
        }
    }

    /// The addresses in fill that branches or pointers lead to (`taken`, by code index): there is code.
    pub(crate) fn code_in_fill(&self, taken: &[bool]) -> Vec<u64> {
        let mut reached = Vec::new();
        if !self.fill.is_empty() {
            let targets = self.branches.iter().filter_map(|branch| branch.target());
            let inside = |&index: &usize| {
                let run = self.fill.partition_point(|run| run.end <= index);
                self.fill.get(run).is_some_and(|run| run.contains(&index))
            };
            let pointed = self.fill.iter().cloned().flatten().filter(|&i| taken[i]);
            let indices = targets.filter(inside).chain(pointed);
            reached.extend(indices.map(|index| self.insns[index].ip()));
        }
        reached
    }

    /// Whether it goes on to the next instruction, always or on a condition; a call does not.
    pub(crate) fn falls_through(&self, index: usize) -> bool {
        match self.insns[index].kind {
            Kind::Jump | Kind::Call | Kind::Return | Kind::IndirectJump | Kind::IndirectCall => {
                false
            }
            Kind::Flow => matches!(
                self.decoded(index).flow_control(),
                FlowControl::Next | FlowControl::ConditionalBranch
            ),
            _ => true,
        }
    }

    /// The branches of the instructions at these code indices.
    pub(crate) fn branches_in(&self, codes: Range<usize>) -> &[Branch] {
        let from = |code: usize| self.branches.partition_point(|b| (b.at as usize) < code);
        &self.branches[from(codes.start)..from(codes.end)]
    }

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
        let before = self.insns.get(index.checked_sub(1)?)?;
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

fn bytes<'a>(text: &'a [u8], insn: &Insn) -> &'a [u8] {
    &text[insn.at as usize..][..usize::from(insn.len)]
}

/// Text from an offset on, or zeros behind its end.
#[inline]
fn window(text: &[u8], from: usize) -> [u8; WINDOW] {
    let rest = &text[from..];
    match rest.first_chunk() {
        Some(bytes) => *bytes,
        None => {
            let mut bytes = [0; WINDOW];
            bytes[..rest.len()].copy_from_slice(rest);
            bytes
        }
    }
}

fn decode(text: &[u8], insn: &Insn) -> Instruction {
    Decoder::with_ip(64, bytes(text, insn), insn.ip(), DecoderOptions::NONE).decode()
}

/// See [`Program::target`].
fn branch_target(text: &[u8], insn: &Insn) -> Option<u64> {
    let distance = match insn.kind {
        Kind::Jump | Kind::Branch | Kind::Call => {
            let end = (insn.at + u32::from(insn.len)) as usize;
            match insn.len {
                2 => i64::from(text[end - 1] as i8),
                _ => {
                    let field = text[..end].last_chunk().copied().unwrap_or_default();
                    i64::from(i32::from_le_bytes(field))
                }
            }
        }
        // ud2, int3, hlt: most of them.
        Kind::Flow if matches!(bytes(text, insn), [0x0F, 0x0B] | [0xCC] | [0xF4]) => return None,
        Kind::Flow => {
            let target = decode(text, insn).near_branch_target();
            return (target != 0).then_some(target);
        }
        _ => return None,
    };
    Some(insn.next_ip().wrapping_add_signed(distance))
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
///
/// Zeros behind an instruction that always goes on elsewhere are fill (`.org`, `.space`), of which an odd number would hide the
/// next instruction's start. At the addresses `code`, in rising order, they are code after all.
#[inline(never)] // A phase has a name in profiles.
pub(crate) fn sweep<'a>(input: &Input<'a>, code: &[u64]) -> Result<Program<'a>, RewriteError> {
    let text = input.text;
    let parts = each(&cut(input), || (), |(), part| sweep_part(input, code, part));
    let Swept { insns, holes, fill } = join(parts)?;
    refuse_what_is_reached(text, &insns, holes)?;
    let mut starts = Starts::new(text.len());
    for insn in &insns {
        starts.add(insn.ip());
    }
    starts.finish();
    let mut program = Program {
        insns,
        branches: Vec::new(),
        text,
        starts,
        end: input.text_end(),
        fill,
    };
    program.branches = branches(&program);
    Ok(program)
}

/// The parts as one.
fn join(mut parts: Vec<Result<Swept, RewriteError>>) -> Result<Swept, RewriteError> {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let count = parts.iter().flatten().map(|part| part.insns.len()).sum();
    let mut whole = Swept {
        insns: Vec::with_capacity(count),
        holes: Vec::new(),
        fill: Vec::new(),
    };
    for part in parts {
        let part = part?;
        let before = whole.insns.len();
        let fill = part.fill.iter().map(|f| f.start + before..f.end + before);
        whole.fill.extend(fill);
        whole.holes.extend(part.holes);
        whole.insns.extend_from_slice(&part.insns);
    }
    Ok(whole)
}

/// What one thread sweeps over: offsets in text, from one function's start to another's, and the index of the first function.
struct Part {
    start: usize,
    end: usize,
    function: usize,
}

/// Bytes of text in a part, and what its last function is longer.
const PART: u64 = 1 << 16;

fn cut(input: &Input<'_>) -> Vec<Part> {
    let mut starts = vec![(TEXT_BASE, 0)];
    // One thread needs no parts, whose instructions would have to be put together.
    let alone = count() == 1;
    for (function, &(start, ..)) in input.functions.iter().enumerate() {
        if !alone && starts.last().is_some_and(|last| start - last.0 >= PART) {
            starts.push((start, function));
        }
    }
    let ends = starts.iter().skip(1).map(|start| start.0);
    let ends = ends.chain([input.text_end()]);
    let part = |(&(start, function), end): (&(u64, usize), u64)| Part {
        start: (start - TEXT_BASE) as usize,
        end: (end - TEXT_BASE) as usize,
        function,
    };
    starts.iter().zip(ends).map(part).collect()
}

/// What is in a part. `fill` counts from its first instruction.
struct Swept {
    insns: Vec<Insn>,
    holes: Vec<Hole>,
    fill: Vec<Range<usize>>,
}

fn sweep_part(input: &Input<'_>, code: &[u64], part: &Part) -> Result<Swept, RewriteError> {
    let text = input.text;
    // Room that is not used costs nothing; growing doubles what is kept.
    let mut insns: Vec<Insn> = Vec::with_capacity((part.end - part.start) / 3);
    let (mut holes, mut fill): (Vec<Hole>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::with_ip(64, text, TEXT_BASE, DecoderOptions::NONE);
    let mut decoded = Instruction::default();
    let functions = input.functions[part.function..].iter();
    let mut functions = functions.map(|f| f.0).peekable();
    let start = TEXT_BASE + part.start as u64;
    let (mut function, mut next) = (start, functions.peek().copied().unwrap_or(u64::MAX));
    let mut from = part.start;
    while from < part.end {
        let at = TEXT_BASE + from as u64;
        while next <= at {
            function = next;
            functions.next();
            next = functions.peek().copied().unwrap_or(u64::MAX);
        }
        if text[from] == 0
            && let Some(last) = insns.last()
            && (function..=at).contains(&last.ip())
            && last.next_ip() == at
            && !goes_on(text, last)
        {
            let end = (next.min(input.text_end()) - TEXT_BASE) as usize;
            let zeros = fill_at(&text[from..end], at, code);
            if zeros > 0 {
                let first = insns.len();
                insns.extend((from..from + zeros).map(|at| Insn::fill(at, 1)));
                fill.push(first..insns.len());
                from += zeros;
                continue;
            }
        }
        // Most of a function, up to what only iced knows, or may be fill.
        let (end, begun) = ((next.min(input.text_end()) - TEXT_BASE) as usize, from);
        while let Some(insn) = quick(&window(text, from), from as u32)
            && from + usize::from(insn.len) <= end
        {
            from += usize::from(insn.len);
            insns.push(insn);
            if from == end || text[from] == 0 {
                break;
            }
        }
        if from > begun {
            continue;
        }
        let nop = long_nop(&window(text, from));
        if nop > 0 && from + usize::from(nop) <= end {
            insns.push(Insn::fill(from, nop));
            from += usize::from(nop);
            continue;
        }
        decoder
            .set_position(from)
            .expect("what is left of text starts in it");
        decoder.set_ip(at);
        decoder.decode_out(&mut decoded);
        let reason = if next < decoded.next_ip() {
            // Bytes between functions that run into the next one are padding only if they are int3 or nops,
            // which never do: so these bytes are data, or the symbol is not a function.
            "the instruction runs into the next function, so one of the two is no code"
        } else if decoded.is_invalid() {
            "these bytes are no instruction"
        } else if is_port_access(&decoded) {
            "it reads or writes a port, which no program can, so these bytes may be data"
        } else {
            insns.push(Insn::new(&decoder, &decoded));
            from += decoded.len();
            continue;
        };
        // What follows an instruction that always goes on elsewhere is reached by a jump or not at all.
        let leaves = insns
            .iter()
            .rposition(|i| i.ip() < function || !goes_on(text, i))
            .filter(|&i| insns[i].ip() >= function);
        let refusal = input.refusal(
            at,
            decoded.len().max(1),
            reason,
            "move data out of .text (assembly: into .section .rodata)",
        );
        let Some(last) = leaves else {
            if is_port_access(&decoded) {
                // The lowering says better why not.
                insns.push(Insn::new(&decoder, &decoded));
                from += decoded.len();
                continue;
            }
            return Err(RewriteError::Refused(vec![refusal]));
        };
        insns.truncate(last + 1);
        let end = next.min(input.text_end());
        holes.push(Hole {
            start: insns[last].next_ip(),
            end,
            refusal,
        });
        from = (end - TEXT_BASE) as usize;
    }
    Ok(Swept { insns, holes, fill })
}

fn branches(program: &Program<'_>) -> Vec<Branch> {
    let mut branches = Vec::with_capacity(program.insns.len() / 4);
    for (at, insn) in program.insns.iter().enumerate() {
        if matches!(
            insn.kind,
            Kind::Jump | Kind::Branch | Kind::Call | Kind::Flow
        ) && let Some(target) = branch_target(program.text, insn)
        {
            let to = program
                .at(target)
                .map_or(Branch::NOWHERE, |index| index as u32);
            branches.push(Branch { at: at as u32, to });
        }
    }
    branches
}

/// How many zeros at the start of `bytes`, which lie at `address`, are fill: two or more (one alone may be the opcode of an `add`),
/// up to the next address in `code`.
fn fill_at(bytes: &[u8], address: u64, code: &[u64]) -> usize {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let next = code.partition_point(|&start| start < address);
    match code.get(next) {
        _ if zeros < 2 => 0,
        Some(start) => zeros.min((start - address) as usize),
        None => zeros,
    }
}

/// A hole is one only if no branch leads there.
fn refuse_what_is_reached(
    text: &[u8],
    insns: &[Insn],
    holes: Vec<Hole>,
) -> Result<(), RewriteError> {
    if holes.is_empty() {
        return Ok(());
    }
    let targets = insns.iter().filter_map(|insn| branch_target(text, insn));
    let mut targets: Vec<u64> = targets.collect();
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
fn goes_on(text: &[u8], insn: &Insn) -> bool {
    match insn.kind {
        Kind::Jump | Kind::Return | Kind::IndirectJump => false,
        Kind::Flow => {
            let insn = decode(text, insn);
            !matches!(
                insn.flow_control(),
                FlowControl::Return
                    | FlowControl::UnconditionalBranch
                    | FlowControl::IndirectBranch
                    | FlowControl::Exception
            ) && insn.mnemonic() != Mnemonic::Hlt
        }
        _ => true,
    }
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
