//! A second decoder, yaxpeax-x86, which shares nothing with iced-x86 nor with the validator: both must read the same length,
//! mnemonic, registers, memory operand and immediates.

use std::collections::HashMap;

use iced_x86::{Instruction, Mnemonic, OpKind, Register};
use yaxpeax_arch::LengthedInstruction;
use yaxpeax_x86::long_mode::{InstDecoder, Operand as Y, RegSpec, register_class as class};

/// An operand in terms that both decoders have. A register is (class, number).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    Register(Name),
    Memory {
        base: Option<Name>,
        index: Option<(Name, u8)>,
        displacement: i32,
    },
    Immediate(i64),
}

/// `byte`, `high` (ah to bh), `word`, … and the number.
type Name = (&'static str, u8);

/// The second decoder.
#[derive(Default)]
pub struct Second {
    decoder: InstDecoder,
    /// Whether two names are the same, for those that were compared before.
    names: HashMap<(Mnemonic, u32), bool>,
}

impl Second {
    /// How the two decoders differ about `bytes`, which iced has read as `insn`: what differs, and the details.
    pub fn difference(&mut self, bytes: &[u8], insn: &Instruction) -> Option<(String, String)> {
        let found =
            |what: &str, details: String| Some((format!("{what} {:?}", insn.code()), details));
        let other = match self.decoder.decode_slice(bytes) {
            Ok(other) => other,
            Err(error) => return found("invalid", error.to_string()),
        };
        let length = other.len().to_const() as usize;
        if length != insn.len() {
            return found("length", format!("{length}: {other}"));
        }
        if let Some(what) = operand_difference(insn, &other) {
            return found(what, other.to_string());
        }
        let (ours, theirs) = (insn.mnemonic(), other.opcode());
        let same = self
            .names
            .entry((ours, theirs as u32))
            .or_insert_with(|| format!("{ours:?}").to_lowercase() == theirs.to_string());
        if *same {
            None
        } else {
            let what = format!("mnemonic {} {theirs}", format!("{ours:?}").to_lowercase());
            Some((what, other.to_string()))
        }
    }
}

fn operand_difference(
    insn: &Instruction,
    other: &yaxpeax_x86::long_mode::Instruction,
) -> Option<&'static str> {
    let ours = iced(insn);
    let theirs: Vec<Operand> = (0..other.operand_count())
        .filter_map(|index| yaxpeax(other.operand(index)))
        .collect();
    let memory = |operand: &&Operand| matches!(operand, Operand::Memory { .. });
    if ours.iter().filter(memory).ne(theirs.iter().filter(memory)) {
        return Some("memory");
    }
    let register = |operand: &&Operand| matches!(operand, Operand::Register(_));
    if ours
        .iter()
        .filter(register)
        .ne(theirs.iter().filter(register))
    {
        return Some("registers");
    }
    let immediates = |operands: &[Operand]| -> Vec<i64> {
        let value = |operand: &Operand| match operand {
            Operand::Immediate(value) => Some(*value),
            _ => None,
        };
        operands.iter().filter_map(value).collect()
    };
    let (ours, theirs) = (immediates(&ours), immediates(&theirs));
    // One decoder extends the sign, the other does not.
    let same = ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(&a, &b)| {
            a == b || a as u32 == b as u32 || a as u16 == b as u16 || a as u8 == b as u8
        });
    (!same).then_some("immediates")
}

fn iced(insn: &Instruction) -> Vec<Operand> {
    (0..insn.op_count())
        .map(|index| match insn.op_kind(index) {
            OpKind::Register => Operand::Register(iced_name(insn.op_register(index))),
            OpKind::Memory => {
                let name =
                    |register: Register| (register != Register::None).then(|| iced_name(register));
                let (base, index) = (name(insn.memory_base()), name(insn.memory_index()));
                let displacement = insn.memory_displacement64();
                Operand::Memory {
                    base,
                    index: index.map(|index| (index, insn.memory_index_scale() as u8)),
                    displacement: if insn.is_ip_rel_memory_operand() {
                        displacement.wrapping_sub(insn.next_ip()) as i32
                    } else {
                        displacement as i32
                    },
                }
            }
            OpKind::MemoryESRDI | OpKind::MemoryESEDI => {
                implied(insn.op_kind(index) == OpKind::MemoryESRDI, 7)
            }
            OpKind::MemorySegRSI | OpKind::MemorySegESI => {
                implied(insn.op_kind(index) == OpKind::MemorySegRSI, 6)
            }
            OpKind::NearBranch64 => {
                Operand::Immediate(insn.near_branch64().wrapping_sub(insn.next_ip()) as i64)
            }
            _ => Operand::Immediate(insn.immediate(index) as i64),
        })
        .collect()
}

fn implied(wide: bool, number: u8) -> Operand {
    Operand::Memory {
        base: Some((if wide { "quad" } else { "double" }, number)),
        index: None,
        displacement: 0,
    }
}

fn iced_name(register: Register) -> Name {
    let number = register.number() as u8;
    let class = match register {
        Register::AH | Register::CH | Register::DH | Register::BH => {
            return ("high", register.full_register().number() as u8);
        }
        Register::RIP => return ("rip", 0),
        Register::EIP => return ("eip", 0),
        _ if register.is_gpr8() => return ("byte", register.full_register().number() as u8),
        _ if register.is_gpr16() => "word",
        _ if register.is_gpr32() => "double",
        _ if register.is_gpr64() => "quad",
        _ if register.is_xmm() => "xmm",
        _ if register.is_ymm() => "ymm",
        _ if register.is_zmm() => "zmm",
        _ if register.is_k() => "k",
        _ if register.is_mm() => "mm",
        _ if register.is_st() => "st",
        _ => "other",
    };
    (class, number)
}

fn yaxpeax(operand: Y) -> Option<Operand> {
    let memory =
        |base: Option<RegSpec>, index: Option<(RegSpec, u8)>, displacement| Operand::Memory {
            base: base.map(yaxpeax_name),
            index: index.map(|(register, scale)| (yaxpeax_name(register), scale)),
            displacement,
        };
    Some(match operand {
        Y::ImmediateI8 { imm } => Operand::Immediate(imm.into()),
        Y::ImmediateU8 { imm } => Operand::Immediate(imm.into()),
        Y::ImmediateI16 { imm } => Operand::Immediate(imm.into()),
        Y::ImmediateU16 { imm } => Operand::Immediate(imm.into()),
        Y::ImmediateI32 { imm } => Operand::Immediate(imm.into()),
        Y::ImmediateU32 { imm } => Operand::Immediate(imm.into()),
        Y::ImmediateI64 { imm } => Operand::Immediate(imm),
        Y::ImmediateU64 { imm } => Operand::Immediate(imm as i64),
        Y::Register { reg }
        | Y::RegisterMaskMerge { reg, .. }
        | Y::RegisterMaskMergeSae { reg, .. }
        | Y::RegisterMaskMergeSaeNoround { reg, .. } => Operand::Register(yaxpeax_name(reg)),
        Y::AbsoluteU32 { addr } => memory(None, None, addr as i32),
        Y::AbsoluteU64 { addr } => memory(None, None, addr as i32),
        Y::MemDeref { base } | Y::MemDerefMasked { base, .. } => memory(Some(base), None, 0),
        Y::Disp { base, disp } | Y::DispMasked { base, disp, .. } => memory(Some(base), None, disp),
        Y::MemIndexScale { index, scale } | Y::MemIndexScaleMasked { index, scale, .. } => {
            memory(None, Some((index, scale)), 0)
        }
        Y::MemIndexScaleDisp { index, scale, disp }
        | Y::MemIndexScaleDispMasked {
            index, scale, disp, ..
        } => memory(None, Some((index, scale)), disp),
        Y::MemBaseIndexScale { base, index, scale }
        | Y::MemBaseIndexScaleMasked {
            base, index, scale, ..
        } => memory(Some(base), Some((index, scale)), 0),
        Y::MemBaseIndexScaleDisp {
            base,
            index,
            scale,
            disp,
        }
        | Y::MemBaseIndexScaleDispMasked {
            base,
            index,
            scale,
            disp,
            ..
        } => memory(Some(base), Some((index, scale)), disp),
        _ => return None,
    })
}

fn yaxpeax_name(register: RegSpec) -> Name {
    let number = register.num();
    let name = match register.class() {
        class::B if (4..8).contains(&number) => return ("high", number - 4),
        class::B | class::RB => "byte",
        class::W => "word",
        class::D => "double",
        class::Q => "quad",
        class::X => "xmm",
        class::Y => "ymm",
        class::Z => "zmm",
        class::K => "k",
        class::MM => "mm",
        class::ST => "st",
        class::RIP => "rip",
        class::EIP => "eip",
        _ => "other",
    };
    (name, number)
}
