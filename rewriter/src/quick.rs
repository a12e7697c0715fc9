//! What compilers emit most, taken apart by a table of opcodes instead of by iced: lengths, fields, and what lowering asks.
//!
//! It answers for an instruction whose prefixes stand in order and that is of x86-64-v1, or not at all; iced decodes the rest.
//! The test below holds every answer against iced.

use crate::decode::{Flags, Insn, Kind};
use crate::parts::{CARRY, FLAGS, Parts, lowest, second, tested, whole, word};

/// Bytes that must follow the start of an instruction: more than the longest one here has.
pub(crate) const WINDOW: usize = 16;

/// What is known of an opcode, as a set.
type Entry = u32;

/// Prefixes that it may have: none, 66, F3, F2. An opcode with none of them is left to iced.
const NONE: Entry = 1;
const P66: Entry = 1 << 1;
const PF3: Entry = 1 << 2;
const PF2: Entry = 1 << 3;
/// What follows: ModRM; a constant of one byte; one of four, or of two behind 66.
const MODRM: Entry = 1 << 4;
const BYTE: Entry = 1 << 5;
const WORD: Entry = 1 << 6;
/// The first operand is the general register of ModRM's reg field, or of rm where that is no memory.
const REG: Entry = 1 << 7;
const RM: Entry = 1 << 8;
/// That operand is written.
const WRITES: Entry = 1 << 9;
/// Arithmetic flags: all written and none read; or more than that is to say.
const SETS: Entry = 1 << 10;
const ASKS: Entry = 1 << 11;
/// Only with a memory operand; only without.
const MEMORY: Entry = 1 << 12;
const REGISTER: Entry = 1 << 13;
/// The operand has eight bits.
const NARROW: Entry = 1 << 14;
/// Above that: what is special about it.
const SPECIAL: u32 = 16;

const BRANCH_SHORT: Entry = 1 << SPECIAL;
const JUMP_SHORT: Entry = 2 << SPECIAL;
const BRANCH_NEAR: Entry = 3 << SPECIAL;
const JUMP_NEAR: Entry = 4 << SPECIAL;
const CALL: Entry = 5 << SPECIAL;
const RETURN: Entry = 6 << SPECIAL;
const NOP: Entry = 7 << SPECIAL;
/// The register stands in the opcode: push, pop, mov of a constant, bswap.
const PUSH: Entry = 8 << SPECIAL;
const POP: Entry = 9 << SPECIAL;
const CONSTANT: Entry = 10 << SPECIAL;
const SWAP: Entry = 11 << SPECIAL;
const LEA: Entry = 12 << SPECIAL;
/// ModRM's reg field says which instruction it is.
const ARITHMETIC: Entry = 13 << SPECIAL;
const SHIFT: Entry = 14 << SPECIAL;
const UNARY: Entry = 15 << SPECIAL;
const COUNT: Entry = 16 << SPECIAL;
const ONLY_FIRST: Entry = 17 << SPECIAL;
const PREFETCH: Entry = 18 << SPECIAL;
const VECTOR_SHIFT: Entry = 19 << SPECIAL;
const ENDBR64: Entry = 20 << SPECIAL;

const fn fill<const N: usize>(table: &mut [Entry; 256], opcodes: [usize; N], entry: Entry) {
    let mut i = 0;
    while i < N {
        table[opcodes[i]] = entry;
        i += 1;
    }
}

const fn span(table: &mut [Entry; 256], first: usize, last: usize, entry: Entry) {
    let mut opcode = first;
    while opcode <= last {
        table[opcode] = entry;
        opcode += 1;
    }
}

/// Opcodes of one byte.
static ONE: [Entry; 256] = {
    let mut table = [0; 256];
    let operand = NONE | P66;
    let mut row = 0;
    while row < 0x40 {
        // add, or, adc, sbb, and, sub, xor, cmp.
        let writes = if row == 0x38 { 0 } else { WRITES };
        let flags = if row == 0x10 || row == 0x18 {
            ASKS
        } else {
            SETS
        };
        table[row] = NONE | MODRM | RM | NARROW | writes | flags;
        table[row + 1] = operand | MODRM | RM | writes | flags;
        table[row + 2] = NONE | MODRM | REG | NARROW | writes | flags;
        table[row + 3] = operand | MODRM | REG | writes | flags;
        table[row + 4] = NONE | BYTE | flags;
        table[row + 5] = operand | WORD | flags;
        row += 8;
    }
    span(&mut table, 0x50, 0x57, NONE | PUSH);
    span(&mut table, 0x58, 0x5F, NONE | POP);
    table[0x63] = NONE | MODRM | REG | WRITES;
    table[0x68] = NONE | WORD;
    table[0x69] = operand | MODRM | WORD | REG | WRITES | SETS;
    table[0x6A] = NONE | BYTE;
    table[0x6B] = operand | MODRM | BYTE | REG | WRITES | SETS;
    span(&mut table, 0x70, 0x7F, NONE | BRANCH_SHORT | ASKS);
    table[0x80] = NONE | MODRM | BYTE | RM | NARROW | ARITHMETIC;
    table[0x81] = operand | MODRM | WORD | RM | ARITHMETIC;
    table[0x83] = operand | MODRM | BYTE | RM | ARITHMETIC;
    table[0x84] = NONE | MODRM | RM | NARROW | SETS;
    table[0x85] = operand | MODRM | RM | SETS;
    table[0x88] = NONE | MODRM | RM | NARROW | WRITES;
    table[0x89] = operand | MODRM | RM | WRITES;
    table[0x8A] = NONE | MODRM | REG | NARROW | WRITES;
    table[0x8B] = operand | MODRM | REG | WRITES;
    table[0x8D] = operand | MODRM | REG | WRITES | MEMORY | LEA;
    table[0x90] = operand | NOP;
    table[0x98] = operand;
    table[0x99] = operand;
    table[0xA8] = NONE | BYTE | SETS;
    table[0xA9] = operand | WORD | SETS;
    span(&mut table, 0xB0, 0xB7, NONE | BYTE | CONSTANT | NARROW);
    span(&mut table, 0xB8, 0xBF, operand | WORD | CONSTANT);
    table[0xC0] = NONE | MODRM | BYTE | RM | NARROW | WRITES | ASKS | SHIFT;
    table[0xC1] = operand | MODRM | BYTE | RM | WRITES | ASKS | SHIFT;
    table[0xC3] = NONE | RETURN;
    table[0xC6] = NONE | MODRM | BYTE | RM | NARROW | WRITES | ONLY_FIRST;
    table[0xC7] = operand | MODRM | WORD | RM | WRITES | ONLY_FIRST;
    table[0xD0] = NONE | MODRM | RM | NARROW | WRITES | ASKS | SHIFT;
    table[0xD1] = operand | MODRM | RM | WRITES | ASKS | SHIFT;
    table[0xD2] = NONE | MODRM | RM | NARROW | WRITES | ASKS | SHIFT;
    table[0xD3] = operand | MODRM | RM | WRITES | ASKS | SHIFT;
    table[0xE8] = NONE | CALL;
    table[0xE9] = NONE | JUMP_NEAR;
    table[0xEB] = NONE | JUMP_SHORT;
    table[0xF6] = NONE | MODRM | RM | NARROW | UNARY;
    table[0xF7] = operand | MODRM | RM | UNARY;
    table[0xFE] = NONE | MODRM | RM | NARROW | WRITES | ASKS | COUNT;
    table[0xFF] = operand | MODRM | RM | WRITES | ASKS | COUNT;
    table
};

/// Opcodes behind 0F.
static TWO: [Entry; 256] = {
    let mut table = [0; 256];
    let (operand, all) = (NONE | P66, NONE | P66 | PF3 | PF2);
    fill(
        &mut table,
        [0x10, 0x11, 0x51, 0x58, 0x59, 0x5A, 0x5C, 0x5D, 0x5E, 0x5F],
        all | MODRM,
    );
    table[0x12] = NONE | MODRM;
    table[0x16] = NONE | MODRM;
    fill(&mut table, [0x13, 0x17], operand | MODRM | MEMORY);
    fill(&mut table, [0x14, 0x15, 0x28, 0x29], operand | MODRM);
    table[0x18] = NONE | MODRM | MEMORY | PREFETCH;
    table[0x1E] = PF3 | MODRM | REGISTER | ENDBR64;
    table[0x1F] = operand | MODRM | NOP;
    table[0x2A] = PF3 | PF2 | MODRM;
    fill(&mut table, [0x2C, 0x2D], PF3 | PF2 | MODRM | REG | WRITES);
    fill(&mut table, [0x2E, 0x2F], operand | MODRM | SETS);
    span(&mut table, 0x40, 0x4F, operand | MODRM | REG | ASKS);
    table[0x50] = operand | MODRM | REGISTER | REG | WRITES;
    span(&mut table, 0x54, 0x57, operand | MODRM);
    table[0x5B] = NONE | P66 | PF3 | MODRM;
    span(&mut table, 0x60, 0x6E, P66 | MODRM);
    table[0x6F] = P66 | PF3 | MODRM;
    table[0x70] = P66 | PF3 | PF2 | MODRM | BYTE;
    span(
        &mut table,
        0x71,
        0x73,
        P66 | MODRM | BYTE | REGISTER | VECTOR_SHIFT,
    );
    span(&mut table, 0x74, 0x76, P66 | MODRM);
    // Of the forms of 7E one is a move to a general register.
    table[0x7E] = P66 | PF3 | MODRM | RM;
    table[0x7F] = P66 | PF3 | MODRM;
    span(&mut table, 0x80, 0x8F, NONE | BRANCH_NEAR | ASKS);
    span(&mut table, 0x90, 0x9F, NONE | MODRM | RM | NARROW | ASKS);
    table[0xAF] = operand | MODRM | REG | WRITES | SETS;
    fill(
        &mut table,
        [0xB6, 0xB7, 0xBE, 0xBF],
        operand | MODRM | REG | WRITES,
    );
    fill(&mut table, [0xBC, 0xBD], operand | MODRM | REG | ASKS);
    table[0xC2] = all | MODRM | BYTE;
    table[0xC4] = P66 | MODRM | BYTE;
    table[0xC5] = P66 | MODRM | BYTE | REGISTER | REG | WRITES;
    table[0xC6] = operand | MODRM | BYTE;
    span(&mut table, 0xC8, 0xCF, NONE | SWAP);
    span(&mut table, 0xD1, 0xD6, P66 | MODRM);
    table[0xD7] = P66 | MODRM | REGISTER | REG | WRITES;
    span(&mut table, 0xD8, 0xE5, P66 | MODRM);
    table[0xE6] = P66 | PF3 | PF2 | MODRM;
    span(&mut table, 0xE8, 0xEF, P66 | MODRM);
    span(&mut table, 0xF1, 0xF6, P66 | MODRM);
    span(&mut table, 0xF8, 0xFE, P66 | MODRM);
    table
};

pub(crate) const REX_W: u8 = 8;
pub(crate) const REX_R: u8 = 4;
const REX_X: u8 = 2;
pub(crate) const REX_B: u8 = 1;

/// Lowest displacement from rsp that needs no confinement (C6).
const LOWEST_DISPLACEMENT: i32 = -(8 << 20);

fn displacement_at(bytes: &[u8; WINDOW], at: usize) -> i32 {
    let field = bytes.get(at..at + 4).and_then(|field| field.first_chunk());
    i32::from_le_bytes(field.copied().unwrap_or_default())
}

/// The instruction at the start of `bytes`, which stands at `at` from the start of text; `None`: iced must say.
#[inline]
pub(crate) fn quick(bytes: &[u8; WINDOW], at: u32) -> Option<Insn> {
    let mut next = 1;
    let mut byte = bytes[0];
    let prefix = match byte {
        0x66 => P66,
        0xF3 => PF3,
        0xF2 => PF2,
        _ => NONE,
    };
    if prefix != NONE {
        byte = bytes[1];
        next = 2;
    }
    let mut rex = 0;
    if byte & 0xF0 == 0x40 {
        rex = byte;
        byte = bytes[next];
        next += 1;
    }
    let entry = if byte == 0x0F {
        byte = bytes[next];
        next += 1;
        TWO[usize::from(byte)]
    } else if prefix == P66 && rex & REX_W != 0 {
        // A prefix without a meaning.
        return None;
    } else {
        ONE[usize::from(byte)]
    };
    if entry & prefix == 0 {
        return None;
    }
    let mut insn = Insn {
        at,
        kind: Kind::Plain,
        ..Insn::default()
    };
    let (mut constant, mut reg, mut rm) = (0, 0, None);
    if entry & MODRM != 0 {
        let modrm = bytes[next];
        next += 1;
        reg = modrm >> 3 & 7;
        let mode = modrm >> 6;
        if mode == 3 {
            if entry & MEMORY != 0 {
                return None;
            }
            rm = Some(modrm & 7 | (rex & REX_B) << 3);
        } else {
            if entry & REGISTER != 0 {
                return None;
            }
            insn.kind = Kind::Confined;
            let mut displacement = [0, 1, 4][usize::from(mode)];
            if modrm & 7 == 4 {
                let sib = bytes[next];
                next += 1;
                let alone = sib & 0x38 == 0x20 && rex & REX_X == 0;
                match sib & 7 {
                    5 if mode == 0 => {
                        displacement = 4;
                        if alone && displacement_at(bytes, next) >= 0 {
                            insn.kind = Kind::Memory;
                        }
                    }
                    4 if alone
                        && rex & REX_B == 0
                        && (mode != 2 || displacement_at(bytes, next) >= LOWEST_DISPLACEMENT) =>
                    {
                        insn.kind = Kind::Memory;
                    }
                    _ => {}
                }
            } else if mode == 0 && modrm & 7 == 5 {
                displacement = 4;
                (insn.kind, insn.rip) = (Kind::Rip, true);
            }
            if displacement == 4 {
                insn.displacement_at = next as u8;
            }
            next += displacement;
        }
    }
    if entry & BYTE != 0 {
        constant = 1;
    } else if entry & WORD != 0 {
        constant = if prefix == P66 { 2 } else { 4 };
    }
    let mut written = entry & WRITES != 0;
    let mut flags = match entry & (SETS | ASKS) {
        0 => Flags::Keeps,
        SETS => Flags::Sets,
        _ => Flags::Asks,
    };
    // The first operand, if it is a general register.
    let mut first = match entry & (REG | RM) {
        0 => None,
        REG => Some(reg | (rex & REX_R) << 1),
        _ => rm,
    };
    if entry >> SPECIAL != 0 {
        let low = byte & 7 | (rex & REX_B) << 3;
        match entry & !0 << SPECIAL {
            BRANCH_SHORT..=RETURN if rex != 0 => return None,
            BRANCH_SHORT => (insn.kind, constant) = (Kind::Branch, 1),
            BRANCH_NEAR => (insn.kind, constant) = (Kind::Branch, 4),
            JUMP_SHORT => (insn.kind, constant) = (Kind::Jump, 1),
            JUMP_NEAR => (insn.kind, constant) = (Kind::Jump, 4),
            CALL => (insn.kind, constant) = (Kind::Call, 4),
            RETURN => insn.kind = Kind::Return,
            // REX makes an exchange of 90.
            NOP if byte == 0x90 && rex != 0 || reg != 0 => return None,
            NOP => insn.kind = Kind::Padding,
            ENDBR64 if reg == 7 && rm == Some(2) && rex == 0 => insn.kind = Kind::Padding,
            PUSH => first = Some(low),
            POP | SWAP => (first, written) = (Some(low), true),
            CONSTANT => {
                (first, written) = (Some(low), true);
                if rex & REX_W != 0 && entry & WORD != 0 {
                    (insn.kind, constant) = (Kind::Constant, 8);
                }
            }
            LEA if insn.kind == Kind::Rip => insn.kind = Kind::Lea,
            LEA => insn.kind = Kind::Memory,
            ARITHMETIC => {
                written = reg != 7;
                flags = match reg {
                    2 | 3 => Flags::Asks,
                    _ => Flags::Sets,
                };
                // add, and, sub.
                if rm == Some(4)
                    && entry & NARROW == 0
                    && rex == 0x40 | REX_W
                    && prefix == NONE
                    && matches!(reg, 0 | 4 | 5)
                {
                    (insn.kind, first) = (Kind::Stack, None);
                }
            }
            SHIFT if reg == 6 => return None,
            // What rotates writes some alone, and what shifts by nothing none.
            SHIFT if reg < 4 => {}
            SHIFT => match constant {
                1 if bytes[next] & 0x1F == 0 => {}
                _ => flags = Flags::Sets,
            },
            UNARY => match reg {
                0 => {
                    constant = match (entry & NARROW != 0, prefix) {
                        (true, _) => 1,
                        (_, P66) => 2,
                        _ => 4,
                    };
                    flags = Flags::Sets;
                }
                1 => return None,
                2 => written = true,
                3 => (written, flags) = (true, Flags::Sets),
                _ => flags = Flags::Asks,
            },
            COUNT => match reg {
                0 | 1 => {}
                6 if byte == 0xFF && rm.is_none() && prefix == NONE => flags = Flags::Keeps,
                _ => return None,
            },
            ONLY_FIRST if reg != 0 => return None,
            ONLY_FIRST if rm.is_some() && rex & REX_W != 0 => insn.kind = Kind::Constant,
            ONLY_FIRST => {}
            PREFETCH if reg > 3 => return None,
            PREFETCH => {}
            VECTOR_SHIFT => match (byte, reg) {
                (0x71 | 0x72, 2 | 4 | 6) | (0x73, 2 | 3 | 6 | 7) => {}
                _ => return None,
            },
            _ => return None,
        }
    }
    if let Some(register) = first {
        // What names the stack pointer may have to change.
        if register == 4 {
            return None;
        }
        if written && entry & NARROW == 0 && prefix == NONE {
            insn.written = 1 + register;
        }
    }
    if constant >= 4 {
        insn.immediate_at = next as u8;
    }
    insn.flags = flags;
    insn.len = (next + constant) as u8;
    Some(insn)
}

/// What the instruction at the start of `bytes` does to registers and to flags, which it does as `flags` says: (read, fully
/// written); what is both may count as read alone. `None`: iced must say. rsp is left out, which no one asks about. For what
/// [`quick`] has answered for, with a kind that stays as it is.
pub(crate) fn effect(bytes: &[u8; 15], flags: Flags) -> Option<(Parts, Parts)> {
    let mut next = 0;
    let prefix = match bytes[0] {
        0x66 => P66,
        0xF3 => PF3,
        0xF2 => PF2,
        _ => NONE,
    };
    next += usize::from(prefix != NONE);
    let mut rex = 0;
    if bytes[next] & 0xF0 == 0x40 {
        rex = bytes[next];
        next += 1;
    }
    let mut opcode = bytes[next];
    let two = opcode == 0x0F;
    if two {
        next += 1;
        opcode = bytes[next];
    }
    let entry = match two {
        true => TWO[usize::from(opcode)],
        false => ONE[usize::from(opcode)],
    };
    let special = entry & !0 << SPECIAL;
    let low = whole(1 << (opcode & 7 | (rex & REX_B) << 3)) & !RSP;
    let flags_written = match flags {
        Flags::Keeps => Some(0),
        Flags::Sets => Some(FLAGS),
        Flags::Asks => None,
    };
    match special {
        _ if prefix != NONE && !two => return None,
        PUSH => return Some((low, 0)),
        POP => return Some((0, low)),
        CONSTANT if entry & NARROW == 0 => return Some((0, low)),
        CONSTANT if rex != 0 || opcode & 7 < 4 => {
            return Some((0, lowest(1 << (opcode & 7 | (rex & REX_B) << 3)) & !RSP));
        }
        0 | LEA | ARITHMETIC | SHIFT | ONLY_FIRST | UNARY | COUNT => {}
        _ => return None,
    }
    if entry & MODRM == 0 {
        // What works on rax: arithmetic with a constant, tests, extensions of the sign.
        let narrow = opcode & 1 == 0;
        let operand = if narrow { lowest(1) } else { whole(1) };
        return match opcode {
            0x38..=0x3F | 0xA8 | 0xA9 => Some((operand, flags_written?)),
            0x00..=0x37 => Some((operand, operand | flags_written?)),
            0x98 if rex & REX_W == 0 => Some((word(1), whole(1))),
            0x98 => Some((whole(1), whole(1))),
            0x99 => Some((whole(1), whole(1 << 2))),
            _ => None,
        };
    }
    let modrm = bytes[next + 1];
    let (mode, field) = (modrm >> 6, modrm >> 3 & 7);
    let reg = field | (rex & REX_R) << 1;
    let (mut uses, mut rm) = (0, None);
    if mode == 3 {
        rm = Some(modrm & 7 | (rex & REX_B) << 3);
    } else if modrm & 7 == 4 {
        let sib = bytes[next + 2];
        let (base, index) = (
            sib & 7 | (rex & REX_B) << 3,
            sib >> 3 & 7 | (rex & REX_X) << 2,
        );
        if sib & 7 != 5 || mode != 0 {
            uses |= whole(1 << base);
        }
        uses |= whole(1 << index);
    } else if modrm & 0xC7 != 5 {
        uses |= whole(1 << (modrm & 7 | (rex & REX_B) << 3));
    }
    // A register as an operand of eight bits: without REX, 4 to 7 are the second bytes of 0 to 3.
    let narrow = |register: u8| match register {
        4..=7 if rex == 0 => second(1 << (register - 4)),
        _ => lowest(1 << register),
    };
    let wide = |register: u8| whole(1 << register);
    if two {
        let (reads, defs) = match opcode {
            // Vectors alone.
            0x10..=0x17
            | 0x28
            | 0x29
            | 0x2E
            | 0x2F
            | 0x51
            | 0x54..=0x6D
            | 0x6F
            | 0x70
            | 0x74..=0x76
            | 0x7F => (0, 0),
            0xC2 | 0xC6 | 0xD1..=0xD6 | 0xD8..=0xE6 | 0xE8..=0xFE => (0, 0),
            _ if prefix != NONE => return None,
            // cmov, which may leave its register as it is, and setcc.
            0x40..=0x4F => {
                let all = wide(reg) | rm.map_or(0, wide);
                return Some((uses & !RSP | all & !RSP | tested(opcode & 0xF), 0));
            }
            0x90..=0x9F => {
                let written = rm.map_or(0, narrow);
                return Some((uses & !RSP | tested(opcode & 0xF), written));
            }
            0xAF => (wide(reg) | rm.map_or(0, wide), wide(reg)),
            0xB6 | 0xBE => (rm.map_or(0, narrow), wide(reg)),
            0xB7 | 0xBF => (rm.map_or(0, |rm| word(1 << rm)), wide(reg)),
            _ => return None,
        };
        return Some(((uses | reads) & !RSP, defs & !RSP | flags_written?));
    }
    let written = match (special, field) {
        (COUNT, 0 | 1) => FLAGS & !CARRY,
        // The rest of its group works on rax and rdx.
        (UNARY, 4..) => return None,
        _ => flags_written?,
    };
    let operand = |register: u8| match entry & NARROW {
        0 => wide(register),
        _ => narrow(register),
    };
    let reads_first = match opcode {
        0x88..=0x8B | 0x8D | 0x63 | 0xC6 | 0xC7 => false,
        // imul by a constant.
        0x69 | 0x6B => false,
        // Exclusive or, difference of a register with itself.
        0x30..=0x33 | 0x28..=0x2B if rm == Some(reg) => {
            return Some((0, operand(reg) & !RSP | written));
        }
        _ => true,
    };
    let writes = match special {
        ARITHMETIC => field != 7,
        UNARY => field != 0,
        // A push of memory.
        COUNT => field != 6,
        _ => entry & WRITES != 0,
    };
    let constant = entry & (BYTE | WORD) != 0 && entry & REG == 0;
    let rm = rm.map_or(0, operand);
    let (first, other) = match entry & REG {
        _ if special == SHIFT && matches!(opcode, 0xD2 | 0xD3) => (rm, lowest(1 << 1)),
        0 if constant || matches!(special, SHIFT | UNARY | COUNT) => (rm, 0),
        0 => (rm, operand(reg)),
        _ => (operand(reg), rm),
    };
    // What adds to a byte leaves the others as they are, as does a move.
    uses |= other;
    if reads_first {
        uses |= first;
    }
    let defs = if writes { first } else { 0 };
    Some((uses & !RSP, defs & !RSP | written))
}

/// rsp with all its parts.
const RSP: Parts = whole(1 << 4);
