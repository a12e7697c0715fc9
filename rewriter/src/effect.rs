//! What one instruction does to general registers.
//!
//! Three masks of 16 bits tell a register's lowest byte and its second from the rest, because compilers write those alone.

use iced_x86::{
    Instruction, InstructionInfoFactory, InstructionInfoOptions, Mnemonic, OpAccess, OpKind,
    Register, RflagsBits,
};

/// Registers in parts: bit n = the lowest byte of register n, bit 16 + n = its second byte, bit 32 + n = all above.
pub(crate) type Parts = u64;

/// The arithmetic flags beside the registers' parts, one bit each.
pub(crate) const FLAGS: Parts = 0x3F << 48;

/// Iced's bits of the arithmetic flags as [`FLAGS`].
fn flags(bits: u32) -> Parts {
    let each = [
        RflagsBits::CF,
        RflagsBits::PF,
        RflagsBits::AF,
        RflagsBits::ZF,
        RflagsBits::SF,
        RflagsBits::OF,
    ];
    let flag = |(at, flag): (usize, &u32)| Parts::from(bits & flag != 0) << (48 + at);
    each.iter().enumerate().map(flag).sum()
}

/// Flags that an instruction needs, and that it writes.
pub(crate) fn flags_effect(insn: &Instruction) -> (Parts, Parts) {
    match insn.mnemonic() {
        // It reads them only to hand them back.
        Mnemonic::Syscall => (0, 0),
        _ => (flags(insn.rflags_read()), flags(insn.rflags_modified())),
    }
}

/// Registers with all their parts.
pub(crate) const fn whole(registers: u16) -> Parts {
    word(registers) | (registers as Parts) << 32
}

/// The low 16 bits of registers.
const fn word(registers: u16) -> Parts {
    registers as Parts | (registers as Parts) << 16
}

/// Registers of which some part is in the mask.
pub(crate) fn some(parts: Parts) -> u16 {
    (parts | parts >> 16 | parts >> 32) as u16
}

/// The parts that a general register's name means.
fn parts(register: Register) -> Parts {
    let bit = 1u16 << (register.full_register() as usize - Register::RAX as usize);
    let second = matches!(
        register,
        Register::AH | Register::BH | Register::CH | Register::DH
    );
    // Writes of 32 bits clear the upper ones.
    match register.size() {
        1 if second => Parts::from(bit) << 16,
        1 => Parts::from(bit),
        2 => word(bit),
        _ => whole(bit),
    }
}

/// Uses and definitions of one instruction: (read, fully written).
pub(crate) fn effect(factory: &mut InstructionInfoFactory, insn: &Instruction) -> (Parts, Parts) {
    common(insn).unwrap_or_else(|| by_table(factory, insn))
}

/// By iced's tables, which know every instruction.
fn by_table(factory: &mut InstructionInfoFactory, insn: &Instruction) -> (Parts, Parts) {
    let (mut uses, mut defs) = (0, 0);
    let info = factory.info_options(insn, InstructionInfoOptions::NO_MEMORY_USAGE);
    for used in info.used_registers() {
        let register = used.register();
        if !register.is_gpr() {
            continue;
        }
        let parts = parts(register);
        match used.access() {
            OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite => {
                uses |= parts
            }
            OpAccess::Write => defs |= parts,
            // Perhaps no write: the old value stays.
            OpAccess::CondWrite => uses |= parts,
            _ => {}
        }
    }
    (uses, defs)
}

/// The same for what compilers emit most, in a fraction of the time.
fn common(insn: &Instruction) -> Option<(Parts, Parts)> {
    use Mnemonic as M;
    let (reads_first, writes_first) = match insn.mnemonic() {
        M::Mov | M::Lea | M::Movzx | M::Movsx | M::Movsxd => (false, true),
        M::Add | M::Sub | M::And | M::Or | M::Xor | M::Inc | M::Dec | M::Neg | M::Not => {
            (true, true)
        }
        M::Cmp | M::Test => (true, false),
        _ if insn.is_jcc_short_or_near() || insn.is_jmp_short_or_near() => return Some((0, 0)),
        _ => return None,
    };
    let same = insn.op1_kind() == OpKind::Register && insn.op0_register() == insn.op1_register();
    let special = match insn.mnemonic() {
        // The old value does not matter.
        M::Xor | M::Sub => same,
        // 16 bits of the address are enough.
        M::Lea => insn.op0_register().size() == 2,
        _ => false,
    };
    if special {
        return None;
    }
    let (mut uses, mut defs) = (0, 0);
    for op in 0..insn.op_count() {
        match insn.op_kind(op) {
            OpKind::Register => {
                let register = insn.op_register(op);
                if !register.is_gpr() {
                    return None;
                }
                let parts = parts(register);
                uses |= if op > 0 || reads_first { parts } else { 0 };
                // The upper half of a register of 32 bits is written without being read.
                if op == 0 && writes_first && (!reads_first || register.is_gpr32()) {
                    defs |= parts;
                }
            }
            OpKind::Memory => {
                let address = [insn.memory_base(), insn.memory_index()];
                let registers = address.into_iter().filter(|register| register.is_gpr());
                uses |= registers.map(parts).fold(0, |mask, parts| mask | parts);
            }
            _ => {}
        }
    }
    Some((uses, defs))
}

#[cfg(test)]
mod tests {
    use iced_x86::{Decoder, DecoderOptions, InstructionInfoFactory};

    use super::{by_table, common};

    /// Random bytes behind ordinary first ones.
    #[test]
    fn the_short_way_says_what_the_tables_say() {
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let starts: [&[u8]; 8] = [
            &[],
            &[0x48],
            &[0x4C],
            &[0x41],
            &[0x66],
            &[0x0F],
            &[0x67],
            &[0xF3],
        ];
        let mut factory = InstructionInfoFactory::new();
        let mut answered = 0;
        for trial in 0..400_000 {
            let mut bytes = starts[trial % starts.len()].to_vec();
            bytes.extend(random());
            bytes.extend(random());
            let insn = Decoder::with_ip(64, &bytes, 0x40000, DecoderOptions::NONE).decode();
            if insn.is_invalid() {
                continue;
            }
            if let Some(effect) = common(&insn) {
                assert_eq!(effect, by_table(&mut factory, &insn), "{bytes:02x?}");
                answered += 1;
            }
        }
        assert!(answered > 100_000, "{answered} only");
    }
}
