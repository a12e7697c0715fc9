//! Longer encodings of the same instruction: a displacement or a constant in four bytes instead of one or none, a move of a constant
//! to 64 bits instead of 32. They fill gaps that nops would, and cost nothing to run.

use crate::code::{Fix, LONGEST, Op};

/// Where an instruction can grow.
#[derive(Clone, Copy)]
enum Growth {
    /// The displacement at this offset has so many bytes, none or one; ModRM stands at the second offset.
    Displacement {
        at: usize,
        bytes: usize,
        modrm: usize,
    },
    /// The constant at the end has one byte; its opcode stands at this offset.
    Constant { opcode: usize },
    /// The move of a constant below 2 GiB to a register, by the opcode without ModRM at this offset, 0 or 1.
    Move { opcode: usize },
}

/// Bytes that [`lengthen`] adds; 0 if it can do nothing.
pub(crate) fn added(op: &Op) -> u8 {
    match growth(op) {
        Some(Growth::Displacement { bytes, .. }) => 4 - bytes as u8,
        Some(Growth::Constant { .. }) => 3,
        // ModRM, and REX if there was none.
        Some(Growth::Move { opcode }) => 2 - opcode as u8,
        None => 0,
    }
}

/// The longer form of the instruction; itself if there is none.
pub(crate) fn lengthen(op: &Op) -> Op {
    let mut longer = *op;
    let len = usize::from(op.len);
    let (at, bytes) = match growth(op) {
        Some(Growth::Displacement { at, bytes, modrm }) => {
            longer.bytes[modrm] = op.bytes[modrm] & 0x3F | 0x80;
            (at, bytes)
        }
        Some(Growth::Constant { opcode }) => {
            longer.bytes[opcode] = 0x81;
            (len - 1, 1)
        }
        Some(Growth::Move { opcode }) => {
            // REX.B, where there is a REX.
            let high = op.bytes[0] & opcode as u8;
            longer.bytes[..3].copy_from_slice(&[0x48 | high, 0xC7, 0xC0 | op.bytes[opcode] & 7]);
            longer.bytes[3..7].copy_from_slice(&op.bytes[opcode + 1..opcode + 5]);
            longer.len = 7;
            return longer;
        }
        None => return longer,
    };
    let value = match bytes {
        0 => 0,
        _ => i32::from(op.bytes[at] as i8),
    };
    longer.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    longer.bytes[at + 4..len + 4 - bytes].copy_from_slice(&op.bytes[at + bytes..len]);
    longer.len = (len + 4 - bytes) as u8;
    longer
}

fn growth(op: &Op) -> Option<Growth> {
    let bytes = &op.bytes[..usize::from(op.len)];
    if op.fix != Fix::None {
        return None;
    }
    let prefix = |b: &u8| {
        matches!(
            b,
            0x26 | 0x2E | 0x36 | 0x3E | 0x65..=0x67 | 0xF0 | 0xF2 | 0xF3
        )
    };
    let mut at = bytes.iter().position(|b| !prefix(b))?;
    let operand16 = bytes[..at].contains(&0x66);
    if bytes[at] & 0xF0 == 0x40 {
        at += 1;
    }
    let opcode = at;
    let constant = match *bytes.get(at)? {
        // Two-byte opcodes without a constant: moves and arithmetic of vectors, cmov, setcc, imul, movzx, movsx.
        0x0F => {
            at += 1;
            match *bytes.get(at)? {
                0x10..=0x17 | 0x28..=0x2F | 0x40..=0x4F | 0x51..=0x6F | 0x7E | 0x7F => 0,
                0x90..=0x9F | 0xAF | 0xB6 | 0xB7 | 0xBE | 0xBF | 0xD0..=0xFE => 0,
                _ => return None,
            }
        }
        0x00..=0x3F if bytes[at] & 7 < 4 => 0,
        0x63 | 0x84..=0x8B | 0x8D => 0,
        0x80 | 0xC6 => 1,
        // A constant of 16 bits slows decoders down.
        0x83 if !operand16 => return Some(Growth::Constant { opcode }),
        0x81 | 0xC7 if !operand16 => 4,
        0xB8..=0xBF => {
            let low = matches!(bytes[..at], [] | [0x40..=0x47]);
            let below = bytes.len() == at + 5 && bytes[at + 4] < 0x80;
            return (low && below).then_some(Growth::Move { opcode });
        }
        _ => return None,
    };
    let modrm = at + 1;
    let (mode, rm) = (bytes.get(modrm)? >> 6, bytes[modrm] & 7);
    let sib = rm == 4;
    let displacement = modrm + 1 + usize::from(sib);
    let no_base = match sib {
        true => bytes.get(modrm + 1)? & 7 == 5,
        false => rm == 5,
    };
    let length = match mode {
        0 if !no_base => 0,
        1 => 1,
        _ => return None,
    };
    (displacement + length + constant == bytes.len())
        .then_some(Growth::Displacement {
            at: displacement,
            bytes: length,
            modrm,
        })
        .filter(|_| bytes.len() + 4 - length <= usize::from(LONGEST))
}

#[cfg(test)]
mod tests {
    use iced_x86::{Code, Decoder, DecoderOptions, Formatter, GasFormatter, Instruction};

    use super::{added, lengthen};
    use crate::code::Op;
    use crate::random::{IP, instructions};

    fn decoded(bytes: &[u8]) -> Instruction {
        Decoder::with_ip(64, bytes, IP, DecoderOptions::NONE).decode()
    }

    fn text(insn: &Instruction) -> String {
        let mut text = String::new();
        GasFormatter::new().format(insn, &mut text);
        text
    }

    #[test]
    fn longer_forms_mean_the_same() {
        let starts: [&[u8]; 12] = [
            &[],
            &[0x48],
            &[0x67],
            &[0x67, 0x4C],
            &[0x66],
            &[0x0F],
            &[0x66, 0x0F],
            &[0xF2, 0x0F],
            &[0x83],
            &[0x3E, 0xF3, 0x41, 0x0F],
            &[0xB8, 1, 2, 3, 4],
            &[0x41, 0xBA],
        ];
        let (mut grown, mut moves) = (0, 0);
        instructions(&starts, 400_000, |bytes, _, before| {
            // What is relative to rip has a field, and never grows.
            if before.is_ip_rel_memory_operand() {
                return;
            }
            let op = Op::plain(&bytes[..before.len()]);
            let longer = lengthen(&op);
            assert_eq!(longer.len, op.len + added(&op));
            if longer.len == op.len {
                return;
            }
            let after = decoded(&longer.bytes[..usize::from(longer.len)]);
            assert_eq!(after.len(), usize::from(longer.len), "{bytes:02x?}");
            if before.code() == Code::Mov_r32_imm32 {
                assert_eq!(after.code(), Code::Mov_rm64_imm32, "{bytes:02x?}");
                let register = |insn: &Instruction| insn.op0_register().full_register();
                assert_eq!(register(&after), register(before), "{bytes:02x?}");
                assert_eq!(after.immediate(1), before.immediate(1), "{bytes:02x?}");
                moves += 1;
            } else {
                assert_eq!(text(&after), text(before), "{bytes:02x?}");
            }
            grown += 1;
        });
        assert!(grown > 50_000 && moves > 1000, "{grown}, {moves} only");
    }
}
