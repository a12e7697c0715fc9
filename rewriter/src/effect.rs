//! What one instruction does to general registers and flags.

use iced_x86::{
    Instruction, InstructionInfoFactory, InstructionInfoOptions, Mnemonic, OpAccess, OpKind,
    Register, RflagsBits,
};

use crate::decode::{Kind, Program};
use crate::parts::{FLAGS, Parts, lowest, number, second, tested, whole, word};
use crate::quick;

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

/// What the instruction at a code index does to registers, rsp apart, and to flags: (read, fully written).
pub(crate) fn effect_at(
    factory: &mut InstructionInfoFactory,
    program: &Program<'_>,
    index: usize,
) -> (Parts, Parts) {
    let insn = &program.insns[index];
    let known = match insn.kind {
        Kind::Jump | Kind::Call | Kind::Return | Kind::Padding => Some((0, 0)),
        Kind::Branch => Some((tested(condition(program.bytes(index))), 0)),
        kind if kind.is_quick() => quick::effect(&program.bytes_and_more(index), insn.flags),
        _ => None,
    };
    known.unwrap_or_else(|| {
        let decoded = program.decoded(index);
        let (uses, defs) = effect(factory, &decoded);
        let (reads, writes) = flags_effect(&decoded);
        (uses | reads, defs | writes)
    })
}

/// What the instruction at a code index does to the arithmetic flags: (read, written).
pub(crate) fn flags_at(program: &Program<'_>, index: usize) -> (Parts, Parts) {
    let insn = &program.insns[index];
    let known = match insn.kind {
        Kind::Branch => Some((tested(condition(program.bytes(index))), 0)),
        kind if kind.is_quick() => quick::effect(&program.bytes_and_more(index), insn.flags),
        _ => None,
    };
    let (reads, writes) = known.unwrap_or_else(|| flags_effect(&program.decoded(index)));
    (reads & FLAGS, writes & FLAGS)
}

/// The number of a conditional branch's condition.
fn condition(branch: &[u8]) -> u8 {
    match *branch {
        [0x0F, opcode, ..] | [opcode, ..] => opcode & 0xF,
        [] => 0,
    }
}

/// Flags that an instruction needs, and that it writes.
fn flags_effect(insn: &Instruction) -> (Parts, Parts) {
    match insn.mnemonic() {
        // It reads them only to hand them back.
        Mnemonic::Syscall => (0, 0),
        _ => (flags(insn.rflags_read()), flags(insn.rflags_modified())),
    }
}

/// The parts that a general register's name means.
fn parts(register: Register) -> Parts {
    let bit = number(register).map_or(0, |number| 1u16 << number);
    let high = matches!(
        register,
        Register::AH | Register::BH | Register::CH | Register::DH
    );
    // Writes of 32 bits clear the upper ones.
    match register.size() {
        1 if high => second(bit),
        1 => lowest(bit),
        2 => word(bit),
        _ => whole(bit),
    }
}

/// Uses and definitions of one instruction: (read, fully written).
fn effect(factory: &mut InstructionInfoFactory, insn: &Instruction) -> (Parts, Parts) {
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
    use iced_x86::{InstructionInfoFactory, OpAccess, Register};

    use super::{by_table, common, condition, flags_effect};
    use crate::decode::{Flags, Kind};
    use crate::parts::{FLAGS, tested, whole};
    use crate::quick::{WINDOW, effect, quick};
    use crate::random::instructions;

    const STARTS: [&[u8]; 8] = [
        &[],
        &[0x48],
        &[0x4C],
        &[0x41],
        &[0x66],
        &[0x0F],
        &[0x67],
        &[0xF3],
    ];

    #[test]
    fn the_short_way_says_what_the_tables_say() {
        let mut factory = InstructionInfoFactory::new();
        let mut answered = 0;
        instructions(&STARTS, 400_000, |bytes, _, insn| {
            if let Some(effect) = common(insn) {
                assert_eq!(effect, by_table(&mut factory, insn), "{bytes:02x?}");
                answered += 1;
            }
        });
        assert!(answered > 100_000, "{answered} only");
    }

    /// rsp apart, and registers that are read and written, which count as read.
    #[test]
    fn the_quick_way_says_what_the_tables_say() {
        let rsp = whole(1 << 4);
        let mut factory = InstructionInfoFactory::new();
        let mut answered = 0;
        instructions(&STARTS, 400_000, |bytes, _, insn| {
            let window = bytes.first_chunk::<WINDOW>().expect("24 bytes");
            let Some(known) = quick(window, 0) else {
                return;
            };
            let (reads, writes) = flags_effect(insn);
            match (known.flags, known.kind) {
                (Flags::Keeps, _) => assert_eq!((reads, writes), (0, 0), "{bytes:02x?}"),
                (Flags::Sets, _) => assert_eq!((reads, writes), (0, FLAGS), "{bytes:02x?}"),
                (_, Kind::Branch) => assert_eq!(reads, tested(condition(window)), "{bytes:02x?}"),
                _ => {}
            }
            let (uses, defs) = by_table(&mut factory, insn);
            if known.written > 0 {
                let register = usize::from(known.written) - 1 + Register::RAX as usize;
                let info = factory.info(insn);
                let writes = info.used_registers().iter().any(|used| {
                    used.register().full_register() as usize == register
                        && matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite)
                });
                assert!(writes, "{bytes:02x?}: {insn}");
            }
            let parts = bytes.first_chunk().expect("24 bytes");
            if !known.kind.is_quick() {
                return;
            }
            if let Some((read, written)) = effect(parts, known.flags) {
                let (uses, defs) = ((uses | reads) & !rsp, (defs | writes) & !rsp);
                assert_eq!(read, uses, "{bytes:02x?}: {insn}");
                assert_eq!(read | written, uses | defs, "{bytes:02x?}: {insn}");
                answered += 1;
            }
        });
        assert!(answered > 30_000, "{answered} only");
    }
}
