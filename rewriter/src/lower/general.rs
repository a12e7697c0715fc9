//! Ordinary instructions: one prefix for a memory operand (C6), 32 bits for a write of rsp (C8), plain stores for
//! non-temporal ones (C9).

use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};

use super::raw::Raw;
use super::shorter::shorter;
use super::{Lowerer, Outcome, Unsafe, cannot, moved};
use crate::code::{Fix, Op, Room, Target};
use crate::flags::{Flags, flags_live};
use crate::refs::CodeField;

/// Lowest displacement from rsp that needs no confinement (C6).
const LOWEST_DISPLACEMENT: i64 = -(8 << 20);

impl Lowerer<'_> {
    /// Lowers an instruction that neither branches nor traps.
    pub(super) fn general(&mut self, index: usize, field: Option<(CodeField, usize)>) -> Outcome {
        let program = self.program;
        let insn = &program.insns[index];
        let (bytes, decoded) = (program.bytes(index), &program.decoded(index));
        if let Some((CodeField::Origin, _)) = field {
            return self.origin(index);
        }
        if let Some((field, target)) = field
            && matches!(
                field,
                CodeField::Immediate32 | CodeField::Immediate64 | CodeField::Displacement
            )
        {
            if insn.rip {
                return self.without_rip(decoded, target);
            }
            let (fix, at) = match field {
                CodeField::Immediate32 => (Fix::Absolute32, insn.immediate_at),
                CodeField::Immediate64 => (Fix::Absolute64, insn.immediate_at),
                _ => (Fix::Absolute32, insn.displacement_at),
            };
            let (raw, shift) = prepare(bytes, decoded)?;
            let code = Target::Code(target as u32);
            let op = moved(raw, fix, usize::from(at), shift, code);
            self.ops.push(shorter(op));
            return Ok(());
        }
        if counts_to_a_match(decoded) {
            // 0x67 makes ecx the counter, so the upper half of rcx, which -1 has, would be lost: it comes back from the stack.
            self.leave_red_zone();
            self.push(&[0x51]);
            self.confined(bytes, decoded, 0, None)?;
            // mov %ecx, (%rsp)
            self.push(&[0x89, 0x0C, 0x24]);
            self.push(&[0x59]);
            self.enter_red_zone();
            return Ok(());
        }
        if partial_stack_pointer(decoded) {
            return self.align_stack(index);
        }
        self.confined(
            bytes,
            decoded,
            usize::from(insn.displacement_at),
            field.map(|f| f.1),
        )
    }

    /// A store of a code address to a RIP-relative place: data does not move, so the place is named by its address.
    fn without_rip(&mut self, insn: &Instruction, target: usize) -> Outcome {
        let mut absolute = *insn;
        absolute.set_memory_base(Register::None);
        absolute.set_memory_displacement64(insn.ip_rel_memory_address());
        absolute.set_memory_displ_size(8);
        let bytes = self.encoded(&absolute)?;
        let mut decoder =
            iced_x86::Decoder::with_ip(64, &bytes, insn.ip(), iced_x86::DecoderOptions::NONE);
        let decoded = decoder.decode();
        let at = decoder.get_constant_offsets(&decoded).immediate_offset();
        let (op, shift) = prepare(&bytes, &decoded)?;
        let code = Target::Code(target as u32);
        self.ops.push(moved(op, Fix::Absolute32, at, shift, code));
        Ok(())
    }

    /// `mov $imm,%spl` and `mov $imm,%sp`, by which gcc -O0 aligns the stack: the same on esp.
    fn align_stack(&mut self, index: usize) -> Outcome {
        let insn = &self.program.decoded(index);
        if flags_live(self.program, index + 1, Flags::Keep) {
            return cannot(
                "part of the stack pointer is written where flags are live",
                "align the stack with and",
            );
        }
        let (mask, value): (u32, i32) = match insn.op0_register() {
            Register::SPL => (!0xFF, i32::from(insn.immediate8())),
            _ => (!0xFFFF, i32::from(insn.immediate16())),
        };
        let [a, b, c, d] = mask.to_le_bytes();
        self.push(&[0x81, 0xE4, a, b, c, d]);
        if value != 0 {
            let [a, b, c, d] = value.to_le_bytes();
            self.push(&[0x8D, 0xA4, 0x24, a, b, c, d]);
        }
        Ok(())
    }

    /// Emits `insn` from its `bytes` with what C6 and C8 ask for. `displacement_at` is the displacement's offset in
    /// `bytes`, `code` the code index that a RIP-relative `lea` means.
    pub(super) fn confined(
        &mut self,
        bytes: &[u8],
        insn: &Instruction,
        displacement_at: usize,
        code: Option<usize>,
    ) -> Outcome {
        let (op, shift) = prepare(bytes, insn)?;
        let target = match code {
            Some(code) => Target::Code(code as u32),
            None => Target::Fixed(insn.ip_rel_memory_address() as u32),
        };
        self.ops.push(if insn.is_ip_rel_memory_operand() {
            shorter(moved(op, Fix::Rip, displacement_at, shift, target))
        } else {
            op
        });
        Ok(())
    }

    /// Emits `raw`, which was parsed from `insn`, confined.
    pub(super) fn emit_raw(
        &mut self,
        raw: Raw<'_>,
        insn: &Instruction,
        code: Option<usize>,
    ) -> Outcome {
        let Some((op, _)) = raw.encode() else {
            return cannot("no room for a prefix", "shorten it");
        };
        let bytes = op.bytes[..usize::from(op.len)].to_vec();
        let mut decoder =
            iced_x86::Decoder::with_ip(64, &bytes, insn.ip(), iced_x86::DecoderOptions::NONE);
        let mut decoded = decoder.decode();
        let offsets = decoder.get_constant_offsets(&decoded);
        if insn.is_ip_rel_memory_operand() {
            // Another length, the same target.
            decoded.set_memory_displacement64(insn.ip_rel_memory_address());
        }
        self.confined(&bytes, &decoded, offsets.displacement_offset(), code)
    }
}

/// `rep scas` and `rep cmps`: what they leave in rcx is looked at, as in strlen by `repne scasb`.
fn counts_to_a_match(insn: &Instruction) -> bool {
    use Mnemonic as M;
    (insn.has_rep_prefix() || insn.has_repne_prefix())
        && matches!(
            insn.mnemonic(),
            M::Scasb | M::Scasw | M::Scasd | M::Scasq | M::Cmpsb | M::Cmpsw | M::Cmpsd | M::Cmpsq
        )
        && insn.is_string_instruction()
}

/// The operation for `insn`, without its field, and how far its body moved.
pub(super) fn prepare(bytes: &[u8], insn: &Instruction) -> Result<(Op, isize), Unsafe> {
    let mut raw = Raw::parse(bytes);
    let mut plain = [0u8; 15];
    if let Some(opcode_at) = non_temporal(insn, raw.body) {
        plain[..raw.body.len()].copy_from_slice(raw.body);
        plain[opcode_at.0] = opcode_at.1;
        raw.body = &plain[..raw.body.len()];
    }
    if writes_rsp(insn)? {
        raw.narrow();
    }
    if insn.has_xacquire_prefix() || insn.has_xrelease_prefix() {
        raw.rep = None;
    }
    match insn.segment_prefix() {
        Register::GS if is_absolute(insn) => raw.segment = Some(0x65),
        Register::GS if insn.mnemonic() != Mnemonic::Lea => {
            return cannot(
                "the gs segment belongs to the sandbox",
                "use thread-local variables of the language",
            );
        }
        _ => raw.segment = None,
    }
    if needs_confinement(insn)? {
        raw.address32 = true;
    }
    match raw.encode() {
        Some((op, shift)) => {
            let room = room(insn, &raw);
            Ok((Op { room, ..op }, shift))
        }
        None => cannot(
            "no room for a prefix in this instruction",
            "shorten it (drop a prefix)",
        ),
    }
}

/// The padding that `insn` can take: 0x67 would cut what `lea` computes.
fn room(insn: &Instruction, raw: &Raw<'_>) -> Room {
    let reads_address = raw.address32 || (0..insn.op_count()).any(|op| is_memory(insn.op_kind(op)));
    match raw.segment {
        Some(_) => Room::None,
        None if reads_address => Room::Segment,
        None => Room::Both,
    }
}

fn is_memory(kind: OpKind) -> bool {
    !matches!(
        kind,
        OpKind::Register
            | OpKind::Immediate8
            | OpKind::Immediate8_2nd
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64
    )
}

/// A constant in a part of rsp.
fn partial_stack_pointer(insn: &Instruction) -> bool {
    insn.mnemonic() == Mnemonic::Mov
        && matches!(insn.op0_register(), Register::SPL | Register::SP)
        && matches!(insn.op1_kind(), OpKind::Immediate8 | OpKind::Immediate16)
}

/// `%gs:disp32` alone, which C7 allows.
fn is_absolute(insn: &Instruction) -> bool {
    insn.memory_base() == Register::None && insn.memory_index() == Register::None
}

/// Whether the memory operand, if there is one, must be cut to 32 bits.
fn needs_confinement(insn: &Instruction) -> Result<bool, Unsafe> {
    let mut explicit = false;
    for op in 0..insn.op_count() {
        match insn.op_kind(op) {
            OpKind::Memory => explicit = true,
            // String instructions and maskmov name no operand that could be checked.
            OpKind::MemorySegSI | OpKind::MemorySegDI | OpKind::MemoryESDI => {
                return cannot("16-bit addressing", "use 64-bit addressing");
            }
            OpKind::MemorySegESI
            | OpKind::MemorySegRSI
            | OpKind::MemorySegEDI
            | OpKind::MemorySegRDI
            | OpKind::MemoryESEDI
            | OpKind::MemoryESRDI => return Ok(true),
            _ => {}
        }
    }
    if !explicit || insn.mnemonic() == Mnemonic::Lea {
        return Ok(false);
    }
    if insn.mnemonic() == Mnemonic::Xlatb {
        return Ok(true);
    }
    match insn.memory_base() {
        Register::RIP => Ok(false),
        Register::EIP => cannot("32-bit RIP-relative addressing", "use 64-bit addressing"),
        Register::None if insn.segment_prefix() == Register::GS && is_absolute(insn) => Ok(false),
        _ => Ok(is_confined(insn)),
    }
}

/// Whether an explicit memory operand without rip and segment must be cut to 32 bits; `lea` has none.
pub(super) fn is_confined(insn: &Instruction) -> bool {
    let displacement = || insn.memory_displacement64() as i64;
    match (insn.memory_base(), insn.memory_index()) {
        _ if insn.mnemonic() == Mnemonic::Lea => false,
        (Register::RSP, Register::None) => displacement() < LOWEST_DISPLACEMENT,
        (Register::None, Register::None) => !(0..1 << 31).contains(&displacement()),
        _ => true,
    }
}

/// Whether `insn` writes the stack pointer explicitly, in a way that its 32-bit form does too.
fn writes_rsp(insn: &Instruction) -> Result<bool, Unsafe> {
    let is = |op: u32| {
        insn.op_kind(op) == OpKind::Register
            && insn.op_register(op).full_register() == Register::RSP
            && insn.op_register(op) != Register::None
    };
    let written = (insn.op_count() > 0 && is(0))
        || (insn.op_count() > 1
            && is(1)
            && matches!(insn.mnemonic(), Mnemonic::Xchg | Mnemonic::Xadd));
    if !written {
        return Ok(false);
    }
    use Mnemonic as M;
    match insn.mnemonic() {
        M::Cmp | M::Test | M::Push | M::Bt => Ok(false),
        M::Mov | M::Add | M::Sub | M::And | M::Lea | M::Xchg
            if insn.op_register(if is(0) { 0 } else { 1 }).is_gpr64()
                || insn.op_register(if is(0) { 0 } else { 1 }).is_gpr32() =>
        {
            Ok(true)
        }
        // No REX.W in these bytes means that the stack pointer is no destination.
        _ if format!("{:?}", insn.mnemonic()).starts_with("Cmov")
            && insn.op0_register() == Register::RSP =>
        {
            Ok(true)
        }
        _ if !may_write_op0(insn) => Ok(false),
        mnemonic => cannot(
            format!("{mnemonic:?} writes the stack pointer in a way that cannot be confined"),
            "compute in another register and move the result to rsp",
        ),
    }
}

/// Whether the first operand can be written at all.
fn may_write_op0(insn: &Instruction) -> bool {
    use iced_x86::{InstructionInfoFactory, OpAccess};
    let mut factory = InstructionInfoFactory::new();
    !matches!(
        factory.info(insn).op0_access(),
        OpAccess::Read | OpAccess::CondRead | OpAccess::None | OpAccess::NoMemAccess
    )
}

/// The opcode of the plain store that a non-temporal one becomes (movnti: see [`Lowerer::movnti`]).
pub(super) fn plain_store(mnemonic: Mnemonic) -> Option<u8> {
    match mnemonic {
        Mnemonic::Movntps | Mnemonic::Movntpd | Mnemonic::Vmovntps | Mnemonic::Vmovntpd => {
            Some(0x29)
        }
        Mnemonic::Movntdq | Mnemonic::Vmovntdq | Mnemonic::Movntq => Some(0x7F),
        _ => None,
    }
}

/// Non-temporal stores become plain ones: (offset of the opcode in the body, the plain opcode).
fn non_temporal(insn: &Instruction, body: &[u8]) -> Option<(usize, u8)> {
    let plain = plain_store(insn.mnemonic())?;
    // Legacy 0F op, VEX C5 xx op, VEX C4 xx xx op, EVEX 62 xx xx xx op.
    let at = match body.first()? {
        0x0F => 1,
        0xC5 => 2,
        0xC4 => 3,
        _ => 4,
    };
    Some((at, plain))
}

impl Lowerer<'_> {
    /// movnti is mov with another opcode, one byte longer.
    pub(super) fn movnti(&mut self, insn: &Instruction) -> Outcome {
        let mut mov = *insn;
        mov.set_code(if insn.code() == Code::Movnti_m64_r64 {
            Code::Mov_rm64_r64
        } else {
            Code::Mov_rm32_r32
        });
        self.emit(&mov)
    }
}
