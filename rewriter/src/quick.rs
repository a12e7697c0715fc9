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
/// The first operand is the general register in the opcode: push, pop, mov of a constant, bswap.
const LOW: Entry = 1 << 15;
/// Above that: what is special about it.
const SPECIAL: u32 = 16;

/// What goes elsewhere, without REX.
const BRANCH: Entry = 1 << SPECIAL;
const JUMP: Entry = 2 << SPECIAL;
const CALL: Entry = 3 << SPECIAL;
const RETURN: Entry = 4 << SPECIAL;
const TRAP: Entry = 5 << SPECIAL;
const PUSH: Entry = 6 << SPECIAL;
const POP: Entry = 7 << SPECIAL;
const SWAP: Entry = 8 << SPECIAL;
/// From here on more is to be said of it.
const CONSTANT: Entry = 9 << SPECIAL;
const NOP: Entry = 10 << SPECIAL;
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
const ONE: [Entry; 256] = {
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
    span(&mut table, 0x50, 0x57, NONE | LOW | PUSH);
    span(&mut table, 0x58, 0x5F, NONE | LOW | WRITES | POP);
    table[0x63] = NONE | MODRM | REG | WRITES;
    table[0x68] = NONE | WORD;
    table[0x69] = operand | MODRM | WORD | REG | WRITES | SETS;
    table[0x6A] = NONE | BYTE;
    table[0x6B] = operand | MODRM | BYTE | REG | WRITES | SETS;
    span(&mut table, 0x70, 0x7F, NONE | BYTE | BRANCH | ASKS);
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
    span(
        &mut table,
        0xB0,
        0xB7,
        NONE | BYTE | LOW | WRITES | CONSTANT | NARROW,
    );
    span(
        &mut table,
        0xB8,
        0xBF,
        operand | WORD | LOW | WRITES | CONSTANT,
    );
    table[0xC0] = NONE | MODRM | BYTE | RM | NARROW | WRITES | ASKS | SHIFT;
    table[0xC1] = operand | MODRM | BYTE | RM | WRITES | ASKS | SHIFT;
    table[0xC3] = NONE | RETURN;
    table[0xC6] = NONE | MODRM | BYTE | RM | NARROW | WRITES | ONLY_FIRST;
    table[0xC7] = operand | MODRM | WORD | RM | WRITES | ONLY_FIRST;
    table[0xD0] = NONE | MODRM | RM | NARROW | WRITES | ASKS | SHIFT;
    table[0xD1] = operand | MODRM | RM | WRITES | ASKS | SHIFT;
    table[0xD2] = NONE | MODRM | RM | NARROW | WRITES | ASKS | SHIFT;
    table[0xD3] = operand | MODRM | RM | WRITES | ASKS | SHIFT;
    table[0xCC] = NONE | TRAP;
    table[0xE8] = NONE | WORD | CALL;
    table[0xE9] = NONE | WORD | JUMP;
    table[0xEB] = NONE | BYTE | JUMP;
    table[0xF6] = NONE | MODRM | RM | NARROW | UNARY;
    table[0xF7] = operand | MODRM | RM | UNARY;
    table[0xFE] = NONE | MODRM | RM | NARROW | WRITES | ASKS | COUNT;
    table[0xFF] = operand | MODRM | RM | WRITES | ASKS | COUNT;
    table
};

/// Opcodes behind 0F.
const TWO: [Entry; 256] = {
    let mut table = [0; 256];
    let (operand, all) = (NONE | P66, NONE | P66 | PF3 | PF2);
    fill(
        &mut table,
        [0x10, 0x11, 0x51, 0x58, 0x59, 0x5A, 0x5C, 0x5D, 0x5E, 0x5F],
        all | MODRM,
    );
    table[0x0B] = NONE | ASKS | TRAP;
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
    span(&mut table, 0x80, 0x8F, NONE | WORD | BRANCH | ASKS);
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
    span(&mut table, 0xC8, 0xCF, NONE | LOW | WRITES | SWAP);
    span(&mut table, 0xD1, 0xD6, P66 | MODRM);
    table[0xD7] = P66 | MODRM | REGISTER | REG | WRITES;
    span(&mut table, 0xD8, 0xE5, P66 | MODRM);
    table[0xE6] = P66 | PF3 | PF2 | MODRM;
    span(&mut table, 0xE8, 0xEF, P66 | MODRM);
    span(&mut table, 0xF1, 0xF6, P66 | MODRM);
    span(&mut table, 0xF8, 0xFE, P66 | MODRM);
    table
};

/// Opcodes of one byte, then those behind 0F.
static OPCODES: [[Entry; 256]; 2] = [ONE, TWO];

/// What ModRM says, without regard to what a SIB byte adds.
#[derive(Clone, Copy)]
struct Form {
    kind: Kind,
    /// Bytes of ModRM, SIB and the displacement.
    len: u8,
    displacement: u8,
    sib: bool,
}

static FORMS: [Form; 256] = {
    let mut forms = [NO_FORM; 256];
    let mut modrm = 0;
    while modrm < 256 {
        let (mode, rm) = (modrm >> 6, modrm & 7);
        let displacement = match (mode, rm) {
            (0, 5) | (2, _) => 4,
            (1, _) => 1,
            _ => 0,
        };
        let sib = mode != 3 && rm == 4;
        forms[modrm] = Form {
            kind: match (mode, rm) {
                (3, _) => Kind::Plain,
                (0, 5) => Kind::Rip,
                _ => Kind::Confined,
            },
            len: 1 + sib as u8 + displacement,
            displacement,
            sib,
        };
        modrm += 1;
    }
    forms
};
/// Of an instruction without ModRM.
const NO_FORM: Form = Form {
    kind: Kind::Plain,
    len: 0,
    displacement: 0,
    sib: false,
};

/// By what is special about an opcode without ModRM.
static KINDS: [Kind; 16] = {
    let mut kinds = [Kind::Plain; 16];
    kinds[(BRANCH >> SPECIAL) as usize] = Kind::Branch;
    kinds[(JUMP >> SPECIAL) as usize] = Kind::Jump;
    kinds[(CALL >> SPECIAL) as usize] = Kind::Call;
    kinds[(RETURN >> SPECIAL) as usize] = Kind::Return;
    kinds[(TRAP >> SPECIAL) as usize] = Kind::Flow;
    kinds
};

/// By SETS and ASKS.
static FLAG_EFFECTS: [Flags; 4] = [Flags::Keeps, Flags::Sets, Flags::Asks, Flags::Asks];

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

/// No register.
const NOWHERE: u8 = 0xFF;

/// The instruction at the start of `bytes`, which stands at `at` from the start of text; `None`: iced must say.
///
/// How long it is hangs on branches, which processors run ahead of; what else is to be said is looked up and selected.
#[inline]
pub(crate) fn quick(bytes: &[u8; WINDOW], at: u32) -> Option<Insn> {
    let (mut next, mut opcode, mut rex) = (1, bytes[0], 0);
    let prefix = match opcode {
        0x66 => P66,
        0xF3 => PF3,
        0xF2 => PF2,
        _ => NONE,
    };
    if prefix != NONE {
        (next, opcode) = (2, bytes[1]);
    }
    if opcode & 0xF0 == 0x40 {
        (rex, opcode) = (opcode, bytes[next]);
        next += 1;
    }
    let entry = if opcode == 0x0F {
        opcode = bytes[next];
        next += 1;
        OPCODES[1][usize::from(opcode)]
    } else if prefix == P66 && rex & REX_W != 0 {
        // A prefix without a meaning.
        return None;
    } else {
        OPCODES[0][usize::from(opcode)]
    };
    if entry & prefix == 0 {
        return None;
    }
    let special = entry & !0 << SPECIAL;
    let modrm = bytes[next];
    let reg = modrm >> 3 & 7;
    let is_register = entry & MODRM != 0 && modrm >= 0xC0;
    let mut insn = Insn {
        at,
        rex,
        ..Insn::default()
    };
    if entry & MODRM != 0 {
        let excluded = if is_register { MEMORY } else { REGISTER };
        if entry & excluded != 0 {
            return None;
        }
        let mut form = FORMS[usize::from(modrm)];
        if form.sib {
            form = with_sib(bytes, next, rex, form);
        }
        insn.kind = form.kind;
        insn.rip = form.kind == Kind::Rip;
        let field = form.displacement == 4;
        next += usize::from(form.len);
        insn.displacement_at = if field { next as u8 - 4 } else { 0 };
    } else if special != 0 {
        if special < PUSH && rex != 0 {
            return None;
        }
        insn.kind = KINDS[((special >> SPECIAL) & 15) as usize];
    }
    let word = if prefix == P66 { 2 } else { 4 };
    let mut constant = usize::from(entry & BYTE != 0);
    constant += if entry & WORD != 0 { word } else { 0 };
    let mut written = entry & WRITES != 0;
    insn.flags = FLAG_EFFECTS[((entry / SETS) & 3) as usize];
    // The first operand, if it is a general register.
    let base = (rex & REX_B) << 3;
    let rm = if is_register {
        modrm & 7 | base
    } else {
        NOWHERE
    };
    let mut first = match entry & (REG | RM | LOW) {
        0 => NOWHERE,
        REG => reg | (rex & REX_R) << 1,
        RM => rm,
        _ => opcode & 7 | base,
    };
    if special >= CONSTANT {
        match special {
            CONSTANT if rex & REX_W != 0 && entry & WORD != 0 => {
                (insn.kind, constant) = (Kind::Constant, 8);
            }
            CONSTANT => {}
            // REX makes an exchange of 90.
            NOP if opcode == 0x90 => {
                if rex != 0 {
                    return None;
                }
                insn.kind = Kind::Padding;
            }
            NOP if reg != 0 => return None,
            NOP => insn.kind = Kind::Padding,
            ENDBR64 if modrm == 0xFA && rex == 0 => insn.kind = Kind::Padding,
            LEA if insn.rip => insn.kind = Kind::Lea,
            LEA => insn.kind = Kind::Memory,
            ARITHMETIC => {
                written = reg != 7;
                insn.flags = match reg {
                    2 | 3 => Flags::Asks,
                    _ => Flags::Sets,
                };
                // add, and, sub.
                if rm == 4
                    && entry & NARROW == 0
                    && rex == 0x40 | REX_W
                    && prefix == NONE
                    && matches!(reg, 0 | 4 | 5)
                {
                    (insn.kind, first) = (Kind::Stack, NOWHERE);
                }
            }
            SHIFT if reg == 6 => return None,
            // What rotates writes some alone, and what shifts by nothing none.
            SHIFT if reg < 4 => {}
            SHIFT => match constant {
                1 if bytes[next] & 0x1F == 0 => {}
                _ => insn.flags = Flags::Sets,
            },
            UNARY => match reg {
                0 => {
                    constant = match (entry & NARROW != 0, prefix) {
                        (true, _) => 1,
                        (_, P66) => 2,
                        _ => 4,
                    };
                    insn.flags = Flags::Sets;
                }
                1 => return None,
                2 => written = true,
                3 => (written, insn.flags) = (true, Flags::Sets),
                _ => insn.flags = Flags::Asks,
            },
            COUNT => match reg {
                0 | 1 => {}
                2 | 4 if opcode == 0xFF && prefix == NONE => {
                    insn.kind = match reg {
                        2 => Kind::IndirectCall,
                        _ => Kind::IndirectJump,
                    };
                    written = false;
                }
                6 if opcode == 0xFF && !is_register && prefix == NONE => insn.flags = Flags::Keeps,
                _ => return None,
            },
            ONLY_FIRST if reg != 0 => return None,
            ONLY_FIRST if is_register && rex & REX_W != 0 => insn.kind = Kind::Constant,
            ONLY_FIRST => {}
            PREFETCH if reg > 3 => return None,
            PREFETCH => {}
            VECTOR_SHIFT => match (opcode, reg) {
                (0x71 | 0x72, 2 | 4 | 6) | (0x73, 2 | 3 | 6 | 7) => {}
                _ => return None,
            },
            _ => return None,
        }
    }
    // What names the stack pointer may have to change.
    if first == 4 {
        return None;
    }
    let known = first != NOWHERE && written && entry & NARROW == 0 && prefix == NONE;
    insn.written = if known { 1 + first } else { 0 };
    insn.immediate_at = if constant >= 4 { next as u8 } else { 0 };
    insn.len = (next + constant) as u8;
    Some(insn)
}

/// A form with ModRM at `at` and a SIB byte behind it.
fn with_sib(bytes: &[u8; WINDOW], at: usize, rex: u8, mut form: Form) -> Form {
    let (mode, sib) = (bytes[at] >> 6, bytes[at + 1]);
    let alone = sib & 0x38 == 0x20 && rex & REX_X == 0;
    match sib & 7 {
        5 if mode == 0 => {
            (form.displacement, form.len) = (4, form.len + 4);
            if alone && displacement_at(bytes, at + 2) >= 0 {
                form.kind = Kind::Memory;
            }
        }
        4 if alone
            && rex & REX_B == 0
            && (mode != 2 || displacement_at(bytes, at + 2) >= LOWEST_DISPLACEMENT) =>
        {
            form.kind = Kind::Memory;
        }
        _ => {}
    }
    form
}

/// The length of the long nop at the start of `bytes`, as assemblers fill with: 66 as often as one likes, a null segment, 0F 1F.
/// 0: there is none that is known of.
pub(crate) fn long_nop(bytes: &[u8; WINDOW]) -> u8 {
    let mut next = 0;
    while bytes[next] == 0x66 && next < 6 {
        next += 1;
    }
    next += usize::from(bytes[next] == 0x2E);
    match bytes[next..next + 3] {
        // No register, no displacement of one byte: such nops are shorter.
        [0x0F, 0x1F, modrm] if modrm & 0xF8 == 0x80 => {
            let form = FORMS[usize::from(modrm)];
            next as u8 + 2 + form.len
        }
        _ => 0,
    }
}

/// What the instruction at the start of `bytes` does to registers and to flags, which it does as `flags` says: (read, fully
/// written); what is both may count as read alone. `None`: iced must say. rsp is left out, which no one asks about. For what
/// [`quick`] has answered for, with a kind that stays as it is.
pub(crate) fn effect(bytes: &[u8; WINDOW], flags: Flags) -> Option<(Parts, Parts)> {
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
    let entry = OPCODES[usize::from(two)][usize::from(opcode)];
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
