//! x87 (opcodes D8 to DF): Intel SDM volume 2, appendix A.5. Transcendentals are not deterministic across vendors, and
//! fldenv, fnstenv, frstor and fnsave handle an instruction's address: none of them is listed (C10).

use crate::Level;

/// For each opcode, bit n = `/n` with a memory operand is accepted.
const MEMORY: [u8; 8] = [
    0b1111_1111, // D8 arithmetic with m32
    0b1010_1101, // D9 fld m32, fst, fstp, fldcw, fnstcw
    0b1111_1111, // DA arithmetic with m32int
    0b1010_1111, // DB fild, fisttp, fist, fistp m32int; fld, fstp m80
    0b1111_1111, // DC arithmetic with m64
    0b1000_1111, // DD fld, fisttp, fst, fstp m64; fnstsw m16
    0b1111_1111, // DE arithmetic with m16int
    0b1111_1111, // DF fild, fisttp, fist, fistp m16int; fbld; fild m64int; fbstp; fistp m64int
];

/// For each opcode, bit n = ModRM 0xC0 + n is accepted.
const REGISTER: [u64; 8] = [
    u64::MAX, // D8
    range(0xC0, 0xD0) | at(&[0xE0, 0xE1, 0xE4, 0xE5]) | range(0xE8, 0xEE)      // D9: fld, fxch, fnop, fchs, fabs, ftst, fxam, constants
        | at(&[0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xFA, 0xFC, 0xFD]), // fxtract, fprem1, fdecstp, fincstp, fprem, fsqrt, frndint, fscale
    range(0xC0, 0xDF) | at(&[0xE9]), // DA: fcmov, fucompp
    range(0xC0, 0xDF) | at(&[0xE2, 0xE3]) | range(0xE8, 0xF7), // DB: fcmovn, fnclex, fninit, fucomi, fcomi
    range(0xC0, 0xCF) | range(0xE0, 0xFF),                     // DC
    range(0xC0, 0xC7) | range(0xD0, 0xEF), // DD: ffree, fst, fstp, fucom, fucomp
    range(0xC0, 0xCF) | at(&[0xD9]) | range(0xE0, 0xFF), // DE
    at(&[0xE0]) | range(0xE8, 0xF7),       // DF: fnstsw %ax, fucomip, fcomip
];

const fn range(from: u8, to: u8) -> u64 {
    let (mut mask, mut modrm) = (0, from);
    while modrm < to {
        mask |= 1 << (modrm - 0xC0);
        modrm += 1;
    }
    mask | 1 << (to - 0xC0)
}

const fn at(values: &[u8]) -> u64 {
    let (mut mask, mut i) = (0, 0);
    while i < values.len() {
        mask |= 1 << (values[i] - 0xC0);
        i += 1;
    }
    mask
}

/// Whether `opcode` (D8 to DF) with this ModRM byte is accepted.
pub(crate) fn accepted(opcode: u8, modrm: u8, level: Level) -> bool {
    let i = usize::from(opcode - 0xD8);
    if modrm >= 0xC0 {
        return REGISTER[i] >> (modrm - 0xC0) & 1 == 1;
    }
    let reg = modrm >> 3 & 7;
    // fisttp is SSE3's.
    let fisttp = reg == 1 && matches!(opcode, 0xDB | 0xDD | 0xDF);
    MEMORY[i] >> reg & 1 == 1 && (!fisttp || level >= Level::V2)
}
