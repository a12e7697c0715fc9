//! A shorter encoding of what compilers write in more bytes, since their code may lie anywhere: in the sandbox every address fits
//! into 32 bits.

use crate::code::{Fix, Op, Room, Target};
use crate::quick::{REX_B, REX_R, REX_W};

/// Below it, a constant is the same with the sign that `mov` to 64 bits extends and with the zeros of one to 32.
const SIGN: u32 = 1 << 31;

/// `lea x(%rip), %r`, `mov $x, %r64` and `movabs $x, %r64` as `mov $x, %r32`, which clears the upper half, if `x` is below 2 GiB,
/// as addresses of code are; any other operation as it is.
pub(super) fn shorter(op: Op) -> Op {
    let (rex, at) = match op.bytes[0] {
        rex @ 0x40..=0x4F => (rex, 1),
        _ => (0, 0),
    };
    let (opcode, modrm) = (op.bytes[at], op.bytes[at + 1]);
    let field = |from: usize| {
        let field = op.bytes[from..].first_chunk().copied();
        u32::from_le_bytes(field.unwrap_or_default())
    };
    let wide = rex & REX_W != 0;
    let end = usize::from(op.len);
    let (register, high, constant) = match opcode {
        0x8D if modrm & 0xC7 == 5 && op.fix == Fix::Rip => {
            let constant = match op.target {
                Target::Fixed(address) => Some(address),
                _ => None,
            };
            (modrm >> 3 & 7, rex & REX_R != 0, constant)
        }
        0xC7 if wide && modrm & 0xF8 == 0xC0 && end == at + 6 => {
            let constant = (op.fix == Fix::None).then(|| field(at + 2));
            (modrm & 7, rex & REX_B != 0, constant)
        }
        0xB8..=0xBF if wide && end == at + 9 => {
            let constant = match (op.fix, field(at + 5)) {
                (Fix::Absolute64, _) => None,
                (_, 0) => Some(field(at + 1)),
                _ => return op,
            };
            (opcode & 7, rex & REX_B != 0, constant)
        }
        _ => return op,
    };
    if constant.is_some_and(|constant| constant >= SIGN) {
        return op;
    }
    let mut shorter = Op {
        bytes: [0; 16],
        room: Room::Both,
        ..op
    };
    let at = usize::from(high);
    if high {
        shorter.bytes[0] = 0x40 | REX_B;
    }
    shorter.bytes[at] = 0xB8 | register;
    shorter.len = at as u8 + 5;
    match constant {
        Some(constant) => {
            shorter.bytes[at + 1..at + 5].copy_from_slice(&constant.to_le_bytes());
            shorter.fixed(Fix::None, 0, Target::Fixed(0))
        }
        None => shorter.fixed(Fix::Absolute32, at + 1, op.target),
    }
}

#[cfg(test)]
mod tests {
    use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind, Register};

    use super::shorter;
    use crate::code::{Fix, Op, Target};
    use crate::random::{IP, instructions};

    fn decoded(op: &Op) -> Instruction {
        let bytes = &op.bytes[..usize::from(op.len)];
        Decoder::with_ip(64, bytes, IP, DecoderOptions::NONE).decode()
    }

    /// What a register of 64 bits holds then, if the instruction loads a constant into it.
    fn loaded(insn: &Instruction) -> Option<(Register, u64)> {
        let constant = match insn.code() {
            Code::Lea_r64_m | Code::Lea_r32_m if insn.is_ip_rel_memory_operand() => {
                let address = insn.ip_rel_memory_address();
                if insn.code() == Code::Lea_r32_m {
                    address & 0xFFFF_FFFF
                } else {
                    address
                }
            }
            Code::Mov_rm64_imm32 if insn.op0_kind() == OpKind::Register => insn.immediate(1),
            Code::Mov_r64_imm64 | Code::Mov_r32_imm32 => insn.immediate(1),
            _ => return None,
        };
        Some((insn.op0_register().full_register(), constant))
    }

    #[test]
    fn a_shorter_form_loads_the_same() {
        let starts: [&[u8]; 8] = [
            &[],
            &[0x48, 0x8D],
            &[0x4C, 0x8D, 0x05],
            &[0x8D, 0x3D],
            &[0x48, 0xC7, 0xC7],
            &[0x49, 0xC7],
            &[0x48, 0xB8],
            &[0x49, 0xBF, 1, 2, 3, 4, 0, 0, 0, 0],
        ];
        let (mut shortened, mut forms) = (0, [0; 3]);
        instructions(&starts, 400_000, |bytes, decoder, before| {
            let mut op = Op::plain(&bytes[..before.len()]);
            if before.is_ip_rel_memory_operand() {
                let address = before.ip_rel_memory_address();
                let at = decoder.get_constant_offsets(before).displacement_offset();
                op = op.fixed(Fix::Rip, at, Target::Fixed(address as u32));
            }
            let after = shorter(op);
            if after.bytes[..usize::from(after.len)] == op.bytes[..usize::from(op.len)] {
                return;
            }
            assert!(after.len < op.len && after.fix == Fix::None, "{bytes:02x?}");
            assert_eq!(loaded(&decoded(&after)), loaded(before), "{bytes:02x?}");
            shortened += 1;
            forms[usize::from(before.code() == Code::Mov_rm64_imm32)
                + 2 * usize::from(before.code() == Code::Mov_r64_imm64)] += 1;
        });
        assert!(
            shortened > 1000 && forms.iter().all(|&n| n > 100),
            "{forms:?}"
        );
    }

    #[test]
    fn a_field_for_a_code_address_moves_along() {
        let code = Target::Code(7);
        for (bytes, fix, at) in [
            (&[0x4C, 0x8D, 0x0D, 0, 0, 0, 0][..], Fix::Rip, 3),
            (&[0x49, 0xC7, 0xC1, 0, 0, 2, 0], Fix::Absolute32, 3),
            (&[0x49, 0xB9, 0, 0, 2, 0, 0, 0, 0, 0], Fix::Absolute64, 2),
        ] {
            let op = shorter(Op::plain(bytes).fixed(fix, at, code));
            assert_eq!(op.bytes[..2], [0x41, 0xB9]);
            assert_eq!(
                (op.len, op.fix, op.at, op.target),
                (6, Fix::Absolute32, 2, code)
            );
        }
    }

    #[test]
    fn what_is_not_below_2_gib_stays() {
        for bytes in [
            &[0x48, 0xC7, 0xC0, 0, 0, 0, 0x80][..],
            &[0x48, 0xB8, 0, 0, 0, 0x80, 0, 0, 0, 0],
            &[0x48, 0xB8, 0, 0, 0, 0, 1, 0, 0, 0],
            &[0xC7, 0xC0, 0, 0, 0, 0],
        ] {
            let op = Op::plain(bytes);
            assert_eq!(shorter(op).bytes, op.bytes);
        }
        let lea = Op::plain(&[0x48, 0x8D, 0x05, 0, 0, 0, 0]);
        let negative = lea.fixed(Fix::Rip, 3, Target::Fixed(0xFFFF_FFF0));
        assert_eq!(shorter(negative).fix, Fix::Rip);
    }
}
