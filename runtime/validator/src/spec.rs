//! The accepted instructions, opcode map by opcode map (Intel SDM volume 2, appendix A). This is the one thing to review.
//!
//! A row is `(first opcode, last opcode, entry)`; an opcode that no row names is rejected. Branches, returns and the guarded
//! pairs are not here but in `insn`, x87 is in `x87`. Tables are built from the rows at compile time.

/// What an opcode may look like: the bits below.
pub(crate) type Entry = u32;
/// One opcode map with one kind of mandatory prefix.
pub(crate) type Table = [Entry; 256];
/// Four tables, by mandatory prefix: none, 66, F3, F2 (the order of VEX.pp).
pub(crate) type Maps = [Table; 4];

// Operands.
/// Listed at all.
const OK: Entry = 1;
/// A ModRM byte follows.
pub(crate) const MODRM: Entry = 1 << 1 | OK;
/// ModRM must name memory.
pub(crate) const MEM_ONLY: Entry = 1 << 2;
/// ModRM must name a register.
pub(crate) const REG_ONLY: Entry = 1 << 3;
/// The memory operand is not accessed (lea, nop).
pub(crate) const NO_ACCESS: Entry = 1 << 4;
/// Implicit memory through rsi, rdi or rbx: needs 67.
pub(crate) const STRING: Entry = 1 << 5 | OK;
/// The index is a vector register: needs 67.
pub(crate) const VSIB: Entry = 1 << 6;

// Immediates.
pub(crate) const IMM8: Entry = 1 << 7 | OK;
/// 2 bytes with 66, else 4.
pub(crate) const IMMZ: Entry = 1 << 8 | OK;
/// 8 bytes with REX.W, 2 with 66, else 4.
pub(crate) const IMMV: Entry = 1 << 9 | OK;

// Explicit writes of general registers, for C8.
/// Writes the register in ModRM.rm (if it is one).
pub(crate) const W_RM: Entry = 1 << 10;
/// Writes the register in ModRM.reg.
pub(crate) const W_REG: Entry = 1 << 11;
/// Writes the register in the opcode's low bits.
pub(crate) const W_OP: Entry = 1 << 12 | OK;
/// Writes the register in VEX.vvvv.
pub(crate) const W_VVVV: Entry = 1 << 13;
/// The registers are 8 bits wide: number 4 is ah without REX.
pub(crate) const BYTE: Entry = 1 << 14;
/// The 32-bit form may write rsp: mov, add, sub, and, lea, xchg, cmov.
pub(crate) const STACK: Entry = 1 << 15;

// Prefixes.
pub(crate) const LOCK: Entry = 1 << 16;
pub(crate) const REP: Entry = 1 << 17;
pub(crate) const REPNE: Entry = 1 << 18;
/// 66 is not accepted.
pub(crate) const NO_66: Entry = 1 << 19;
/// 66 is accepted beside F2 or F3.
pub(crate) const WITH_66: Entry = 1 << 20;
/// REX.W or VEX.W must be 0, or 1.
pub(crate) const W0: Entry = 1 << 21;
pub(crate) const W1: Entry = 1 << 22;
/// VEX.L must be 0, or 1.
pub(crate) const L0: Entry = 1 << 23;
pub(crate) const L1: Entry = 1 << 24;
/// VEX.vvvv is an operand (else it must be 1111b); with a register only, where [`NDS_REG`].
pub(crate) const NDS: Entry = 1 << 25;
pub(crate) const NDS_REG: Entry = 1 << 26;

// Level above V1.
pub(crate) const V2: Entry = 1 << 27;
pub(crate) const V3: Entry = 1 << 28;

/// ModRM.reg selects the instruction: [`group`] has it.
pub(crate) const GROUP: Entry = 1 << 29 | MODRM;

/// A memory-only, a register-only operand.
const MEM: Entry = MODRM | MEM_ONLY;
const REG: Entry = MODRM | REG_ONLY;

type Row = (u8, u8, Entry);

const fn table(rows: &[Row], and: Entry) -> Table {
    let mut table = [0; 256];
    let mut i = 0;
    while i < rows.len() {
        let (mut opcode, last, entry) = (rows[i].0 as usize, rows[i].1 as usize, rows[i].2);
        while opcode <= last {
            assert!(table[opcode] == 0, "two rows for one opcode");
            table[opcode] = entry | and;
            opcode += 1;
        }
        i += 1;
    }
    table
}

/// The rows of both, for opcodes where 66 only changes the operand size.
const fn both(one: Table, two: Table) -> Table {
    let mut table = one;
    let mut i = 0;
    while i < 256 {
        if two[i] != 0 {
            assert!(table[i] == 0, "two rows for one opcode");
            table[i] = two[i];
        }
        i += 1;
    }
    table
}

// ---------------------------------------------------------------- one-byte opcodes

/// `op rm8,r8; op rm,r; op r8,rm8; op r,rm; op al,imm8; op eax,imm`: add, or, adc, sbb, and, sub, xor, cmp.
const fn arithmetic(table: &mut Table, first: usize, stack: Entry, writes: bool) {
    let (rm, reg, lock) = if writes {
        (W_RM, W_REG, LOCK)
    } else {
        (0, 0, 0)
    };
    table[first] = MODRM | BYTE | rm | lock;
    table[first + 1] = MODRM | rm | lock | stack;
    table[first + 2] = MODRM | BYTE | reg;
    table[first + 3] = MODRM | reg | stack;
    table[first + 4] = IMM8;
    table[first + 5] = IMMZ;
}

pub(crate) const ONE_BYTE: Table = {
    let mut t = table(
        &[
            (0x50, 0x57, OK | NO_66),                          // push r
            (0x58, 0x5F, W_OP | NO_66),                        // pop r
            (0x63, 0x63, MODRM | W_REG | NO_66),               // movsxd
            (0x68, 0x68, IMMZ | NO_66),                        // push imm
            (0x69, 0x69, MODRM | IMMZ | W_REG),                // imul r,rm,imm
            (0x6A, 0x6A, IMM8 | NO_66),                        // push imm8
            (0x6B, 0x6B, MODRM | IMM8 | W_REG),                // imul r,rm,imm8
            (0x80, 0x80, GROUP | IMM8 | BYTE),                 // arithmetic rm8,imm8
            (0x81, 0x81, GROUP | IMMZ),                        // arithmetic rm,imm
            (0x83, 0x83, GROUP | IMM8),                        // arithmetic rm,imm8
            (0x84, 0x85, MODRM),                               // test
            (0x86, 0x86, MODRM | W_RM | W_REG | BYTE | LOCK),  // xchg rm8,r8
            (0x87, 0x87, MODRM | W_RM | W_REG | STACK | LOCK), // xchg rm,r
            (0x88, 0x88, MODRM | W_RM | BYTE),                 // mov rm8,r8
            (0x89, 0x89, MODRM | W_RM | STACK),                // mov rm,r
            (0x8A, 0x8A, MODRM | W_REG | BYTE),                // mov r8,rm8
            (0x8B, 0x8B, MODRM | W_REG | STACK),               // mov r,rm
            (0x8D, 0x8D, MEM | NO_ACCESS | W_REG | STACK),     // lea
            (0x8F, 0x8F, GROUP | NO_66),                       // pop rm
            (0x90, 0x90, W_OP | REP | STACK),                  // nop, pause, xchg r8,rax
            (0x91, 0x97, W_OP | STACK),                        // xchg r,rax
            (0x98, 0x99, OK),                                  // cbw cwde cdqe, cwd cdq cqo
            (0x9B, 0x9B, OK | NO_66),                          // fwait
            (0x9C, 0x9C, OK | NO_66),                          // pushfq
            (0x9E, 0x9F, OK | NO_66),                          // sahf, lahf
            (0xA4, 0xA5, STRING | REP),                        // movs
            (0xA6, 0xA7, STRING | REP | REPNE),                // cmps
            (0xA8, 0xA8, IMM8),                                // test al,imm8
            (0xA9, 0xA9, IMMZ),                                // test eax,imm
            (0xAA, 0xAB, STRING | REP),                        // stos
            (0xAC, 0xAD, STRING | REP),                        // lods
            (0xAE, 0xAF, STRING | REP | REPNE),                // scas
            (0xB0, 0xB7, W_OP | IMM8 | BYTE),                  // mov r8,imm8
            (0xB8, 0xBF, W_OP | IMMV | STACK),                 // mov r,imm
            (0xC0, 0xC0, GROUP | IMM8 | BYTE),                 // shift rm8,imm8
            (0xC1, 0xC1, GROUP | IMM8),                        // shift rm,imm8
            (0xC6, 0xC6, GROUP | IMM8 | BYTE),                 // mov rm8,imm8
            (0xC7, 0xC7, GROUP | IMMZ),                        // mov rm,imm
            (0xCC, 0xCC, OK | NO_66),                          // int3
            (0xD0, 0xD0, GROUP | BYTE),                        // shift rm8,1
            (0xD1, 0xD1, GROUP),                               // shift rm,1
            (0xD2, 0xD2, GROUP | BYTE),                        // shift rm8,cl
            (0xD3, 0xD3, GROUP),                               // shift rm,cl
            (0xD7, 0xD7, STRING | NO_66),                      // xlat
            (0xF4, 0xF5, OK | NO_66),                          // hlt, cmc
            (0xF6, 0xF6, GROUP | BYTE),                        // test not neg mul imul div idiv rm8
            (0xF7, 0xF7, GROUP),                               // the same, rm
            (0xF8, 0xF9, OK | NO_66),                          // clc, stc
            (0xFC, 0xFD, OK | NO_66),                          // cld, std
            (0xFE, 0xFE, GROUP | BYTE),                        // inc, dec rm8
            (0xFF, 0xFF, GROUP), // inc, dec, push rm; branches are in `insn`
        ],
        0,
    );
    arithmetic(&mut t, 0x00, STACK, true); // add
    arithmetic(&mut t, 0x08, 0, true); // or
    arithmetic(&mut t, 0x10, 0, true); // adc
    arithmetic(&mut t, 0x18, 0, true); // sbb
    arithmetic(&mut t, 0x20, STACK, true); // and
    arithmetic(&mut t, 0x28, STACK, true); // sub
    arithmetic(&mut t, 0x30, 0, true); // xor
    arithmetic(&mut t, 0x38, 0, false); // cmp
    t
};

/// What ModRM.reg adds to a [`GROUP`] opcode of the one-byte map; `None` rejects.
pub(crate) const fn group(opcode: u8, reg: u8) -> Option<Entry> {
    Some(match (opcode, reg) {
        (0x80, 0..=6) => W_RM | LOCK,
        (0x81 | 0x83, 0 | 4 | 5) => W_RM | LOCK | STACK, // add, and, sub
        (0x81 | 0x83, 0..=6) => W_RM | LOCK,
        (0x80 | 0x81 | 0x83, 7) => 0, // cmp
        (0x8F, 0) => W_RM,
        (0xC0 | 0xC1 | 0xD0..=0xD3, 0..=5 | 7) => W_RM, // /6 is an alias of shl that no manual lists
        (0xC6, 0) => W_RM,
        (0xC7, 0) => W_RM | STACK,
        (0xF6, 0) => IMM8,
        (0xF7, 0) => IMMZ,
        (0xF6 | 0xF7, 2 | 3) => W_RM | LOCK, // not, neg
        (0xF6 | 0xF7, 4..=7) => 0,           // mul, imul, div, idiv
        (0xFE | 0xFF, 0 | 1) => W_RM | LOCK, // inc, dec
        (0xFF, 6) => NO_66,                  // push
        _ => return None,
    })
}

// ---------------------------------------------------------------- 0F

/// Opcodes that 66 gives a 16-bit operand.
const SIZED_0F: Table = table(
    &[
        (0x0D, 0x0D, GROUP | MEM_ONLY),                   // prefetchw
        (0x18, 0x18, GROUP | MEM_ONLY),                   // prefetch
        (0x1F, 0x1F, GROUP | NO_ACCESS),                  // nop rm
        (0x40, 0x4F, MODRM | W_REG | STACK),              // cmovcc
        (0x90, 0x9F, MODRM | W_RM | BYTE),                // setcc
        (0xA3, 0xA3, REG), // bt r,r: with memory, the offset reaches anywhere
        (0xA4, 0xA4, MODRM | IMM8 | W_RM | NO_66), // shld
        (0xA5, 0xA5, MODRM | W_RM | NO_66), // shld
        (0xAB, 0xAB, REG | W_RM), // bts r,r
        (0xAC, 0xAC, MODRM | IMM8 | W_RM | NO_66), // shrd
        (0xAD, 0xAD, MODRM | W_RM | NO_66), // shrd
        (0xAF, 0xAF, MODRM | W_REG), // imul r,rm
        (0xB0, 0xB0, MODRM | W_RM | BYTE | LOCK), // cmpxchg rm8
        (0xB1, 0xB1, MODRM | W_RM | LOCK), // cmpxchg
        (0xB3, 0xB3, REG | W_RM), // btr r,r
        (0xB6, 0xB7, MODRM | W_REG), // movzx
        (0xBA, 0xBA, GROUP | IMM8), // bt, bts, btr, btc rm,imm8
        (0xBB, 0xBB, REG | W_RM), // btc r,r
        (0xBC, 0xBD, MODRM | W_REG), // bsf, bsr
        (0xBE, 0xBF, MODRM | W_REG), // movsx
        (0xC0, 0xC0, MODRM | W_RM | W_REG | BYTE | LOCK), // xadd rm8
        (0xC1, 0xC1, MODRM | W_RM | W_REG | LOCK), // xadd
        (0xC7, 0xC7, GROUP | MEM_ONLY | NO_66), // cmpxchg8b, cmpxchg16b
        (0xC8, 0xCF, W_OP | NO_66), // bswap
    ],
    0,
);

const PLAIN_0F: Table = table(
    &[
        (0x0B, 0x0B, OK),                      // ud2
        (0x10, 0x12, MODRM),                   // movups, movlps or movhlps
        (0x13, 0x13, MEM),                     // movlps m,x
        (0x14, 0x16, MODRM),                   // unpcklps, unpckhps, movhps or movlhps
        (0x17, 0x17, MEM),                     // movhps m,x
        (0x28, 0x2A, MODRM),                   // movaps, cvtpi2ps
        (0x2C, 0x2F, MODRM),                   // cvttps2pi, cvtps2pi, ucomiss, comiss
        (0x50, 0x50, REG | W_REG),             // movmskps
        (0x51, 0x51, MODRM),                   // sqrtps; not rsqrtps, rcpps
        (0x54, 0x5F, MODRM),                   // andps … maxps
        (0x60, 0x6B, MODRM),                   // MMX unpack, compare, pack
        (0x6E, 0x6F, MODRM),                   // movd, movq
        (0x70, 0x70, MODRM | IMM8),            // pshufw
        (0x71, 0x73, GROUP | REG_ONLY | IMM8), // shifts by imm8
        (0x74, 0x76, MODRM),                   // pcmpeq
        (0x77, 0x77, OK),                      // emms
        (0x7E, 0x7E, MODRM | W_RM),            // movd rm,mm
        (0x7F, 0x7F, MODRM),                   // movq
        (0xAE, 0xAE, GROUP),                   // ldmxcsr, stmxcsr, fences
        (0xC2, 0xC2, MODRM | IMM8),            // cmpps
        (0xC4, 0xC4, MODRM | IMM8),            // pinsrw
        (0xC5, 0xC5, REG | IMM8 | W_REG),      // pextrw
        (0xC6, 0xC6, MODRM | IMM8),            // shufps
        (0xD1, 0xD5, MODRM),                   // psrl, paddq, pmullw
        (0xD7, 0xD7, REG | W_REG),             // pmovmskb
        (0xD8, 0xE5, MODRM),                   // MMX arithmetic
        (0xE8, 0xEF, MODRM),                   // MMX arithmetic; not movntq
        (0xF1, 0xF6, MODRM),                   // MMX arithmetic; not maskmovq
        (0xF8, 0xFE, MODRM),                   // MMX arithmetic
    ],
    0,
);

const P66_0F: Table = table(
    &[
        (0x10, 0x11, MODRM),                   // movupd
        (0x12, 0x13, MEM),                     // movlpd
        (0x14, 0x15, MODRM),                   // unpckpd
        (0x16, 0x17, MEM),                     // movhpd
        (0x28, 0x2A, MODRM),                   // movapd, cvtpi2pd
        (0x2C, 0x2F, MODRM),                   // cvttpd2pi, cvtpd2pi, ucomisd, comisd
        (0x50, 0x50, REG | W_REG),             // movmskpd
        (0x51, 0x51, MODRM),                   // sqrtpd
        (0x54, 0x6F, MODRM),                   // andpd … movdqa
        (0x70, 0x70, MODRM | IMM8),            // pshufd
        (0x71, 0x73, GROUP | REG_ONLY | IMM8), // shifts by imm8
        (0x74, 0x76, MODRM),                   // pcmpeq
        (0x7C, 0x7D, MODRM | V2),              // haddpd, hsubpd
        (0x7E, 0x7E, MODRM | W_RM),            // movd, movq rm,x
        (0x7F, 0x7F, MODRM),                   // movdqa
        (0xC2, 0xC2, MODRM | IMM8),            // cmppd
        (0xC4, 0xC4, MODRM | IMM8),            // pinsrw
        (0xC5, 0xC5, REG | IMM8 | W_REG),      // pextrw
        (0xC6, 0xC6, MODRM | IMM8),            // shufpd
        (0xD0, 0xD0, MODRM | V2),              // addsubpd
        (0xD1, 0xD6, MODRM),                   // psrl, paddq, pmullw, movq
        (0xD7, 0xD7, REG | W_REG),             // pmovmskb
        (0xD8, 0xE6, MODRM),                   // integer arithmetic, cvttpd2dq
        (0xE8, 0xEF, MODRM),                   // integer arithmetic; not movntdq
        (0xF1, 0xF6, MODRM),                   // integer arithmetic; not maskmovdqu
        (0xF8, 0xFE, MODRM),                   // integer arithmetic
    ],
    0,
);

const PF3_0F: Table = table(
    &[
        (0x10, 0x11, MODRM),                        // movss
        (0x12, 0x12, MODRM | V2),                   // movsldup
        (0x16, 0x16, MODRM | V2),                   // movshdup
        (0x2A, 0x2A, MODRM),                        // cvtsi2ss
        (0x2C, 0x2D, MODRM | W_REG),                // cvttss2si, cvtss2si
        (0x51, 0x51, MODRM),                        // sqrtss
        (0x58, 0x5F, MODRM),                        // addss … maxss
        (0x6F, 0x6F, MODRM),                        // movdqu
        (0x70, 0x70, MODRM | IMM8),                 // pshufhw
        (0x7E, 0x7F, MODRM),                        // movq x,xm; movdqu
        (0xAE, 0xAE, GROUP | REG_ONLY | W0),        // wrgsbase r32
        (0xB8, 0xB8, MODRM | W_REG | WITH_66 | V2), // popcnt
        (0xBC, 0xBD, MODRM | W_REG | WITH_66 | V3), // tzcnt, lzcnt: below V3 they are bsf and bsr, by CPU
        (0xC2, 0xC2, MODRM | IMM8),                 // cmpss
        (0xD6, 0xD6, REG),                          // movq2dq
        (0xE6, 0xE6, MODRM),                        // cvtdq2pd
    ],
    0,
);

const PF2_0F: Table = table(
    &[
        (0x10, 0x11, MODRM),         // movsd
        (0x12, 0x12, MODRM | V2),    // movddup
        (0x2A, 0x2A, MODRM),         // cvtsi2sd
        (0x2C, 0x2D, MODRM | W_REG), // cvttsd2si, cvtsd2si
        (0x51, 0x51, MODRM),         // sqrtsd
        (0x58, 0x5A, MODRM),         // addsd, mulsd, cvtsd2ss
        (0x5C, 0x5F, MODRM),         // subsd, minsd, divsd, maxsd
        (0x70, 0x70, MODRM | IMM8),  // pshuflw
        (0x7C, 0x7D, MODRM | V2),    // haddps, hsubps
        (0xC2, 0xC2, MODRM | IMM8),  // cmpsd
        (0xD0, 0xD0, MODRM | V2),    // addsubps
        (0xD6, 0xD6, REG),           // movdq2q
        (0xE6, 0xE6, MODRM),         // cvtpd2dq
        (0xF0, 0xF0, MEM | V2),      // lddqu
    ],
    0,
);

pub(crate) static MAP_0F: Maps = [
    both(PLAIN_0F, SIZED_0F),
    both(P66_0F, SIZED_0F),
    PF3_0F,
    PF2_0F,
];

/// What ModRM.reg adds to a [`GROUP`] opcode of map 0F; `modrm` is the whole byte, `class` the mandatory prefix.
pub(crate) const fn group_0f(class: usize, opcode: u8, modrm: u8, wide: bool) -> Option<Entry> {
    let (reg, memory) = (modrm >> 3 & 7, modrm < 0xC0);
    Some(match (opcode, reg) {
        (0x0D, 1) | (0x18, 0..=3) | (0x1F, 0) => 0,
        (0x71 | 0x72, 2 | 4 | 6) => 0,
        (0x73, 2 | 6) => 0,
        (0x73, 3 | 7) if class == 1 => 0, // psrldq, pslldq
        (0xAE, 2 | 3) if class == 0 && memory => 0, // ldmxcsr, stmxcsr
        (0xAE, _) if class == 0 && matches!(modrm, 0xE8 | 0xF0 | 0xF8) => 0, // lfence, mfence, sfence
        (0xAE, 3) if class == 2 => 0,                                        // wrgsbase
        (0xBA, 4) => 0,
        (0xBA, 5..=7) => W_RM | LOCK,
        (0xC7, 1) => LOCK | if wide { V2 } else { 0 },
        _ => return None,
    })
}

// ---------------------------------------------------------------- 0F 38 and 0F 3A

const MOVBE: Table = table(&[(0xF0, 0xF0, MEM | W_REG | V3), (0xF1, 0xF1, MEM | V3)], 0);

pub(crate) static MAP_0F38: Maps = [
    both(
        table(&[(0x00, 0x0B, MODRM | V2), (0x1C, 0x1E, MODRM | V2)], 0),
        MOVBE,
    ), // MMX of SSSE3
    both(
        table(
            &[
                (0x00, 0x0B, MODRM), // pshufb … pmulhrsw
                (0x10, 0x10, MODRM), // pblendvb
                (0x14, 0x15, MODRM), // blendvps, blendvpd
                (0x17, 0x17, MODRM), // ptest
                (0x1C, 0x1E, MODRM), // pabs
                (0x20, 0x25, MODRM), // pmovsx
                (0x28, 0x29, MODRM), // pmuldq, pcmpeqq
                (0x2A, 0x2A, MEM),   // movntdqa, a load
                (0x2B, 0x2B, MODRM), // packusdw
                (0x30, 0x35, MODRM), // pmovzx
                (0x37, 0x41, MODRM), // pcmpgtq, min, max, pmulld, phminposuw
            ],
            V2,
        ),
        MOVBE,
    ),
    [0; 256],
    table(&[(0xF0, 0xF1, MODRM | W_REG | WITH_66 | V2)], 0), // crc32
];

pub(crate) static MAP_0F3A: Maps = [
    table(&[(0x0F, 0x0F, MODRM | IMM8 | V2)], 0), // palignr of MMX
    table(
        &[
            (0x08, 0x0F, MODRM),        // round, blend, palignr
            (0x14, 0x17, MODRM | W_RM), // pextrb, pextrw, pextrd, extractps
            (0x20, 0x22, MODRM),        // pinsrb, insertps, pinsrd
            (0x40, 0x42, MODRM),        // dpps, dppd, mpsadbw
            (0x60, 0x63, MODRM),        // pcmpestrm … pcmpistri
        ],
        IMM8 | V2,
    ),
    [0; 256],
    [0; 256],
];

// ---------------------------------------------------------------- VEX

pub(crate) static VEX_0F: Maps = [
    table(
        &[
            (0x10, 0x11, MODRM),                 // vmovups
            (0x12, 0x12, MODRM | NDS | L0),      // vmovlps, vmovhlps
            (0x13, 0x13, MEM | L0),              // vmovlps m,x
            (0x14, 0x15, MODRM | NDS),           // vunpck
            (0x16, 0x16, MODRM | NDS | L0),      // vmovhps, vmovlhps
            (0x17, 0x17, MEM | L0),              // vmovhps m,x
            (0x28, 0x29, MODRM),                 // vmovaps
            (0x2E, 0x2F, MODRM),                 // vucomiss, vcomiss
            (0x50, 0x50, REG | W_REG),           // vmovmskps
            (0x51, 0x51, MODRM),                 // vsqrtps
            (0x54, 0x59, MODRM | NDS),           // vandps … vmulps
            (0x5A, 0x5B, MODRM),                 // vcvtps2pd, vcvtdq2ps
            (0x5C, 0x5F, MODRM | NDS),           // vsubps … vmaxps
            (0x77, 0x77, OK),                    // vzeroupper, vzeroall
            (0xAE, 0xAE, GROUP | MEM_ONLY | L0), // vldmxcsr, vstmxcsr
            (0xC2, 0xC2, MODRM | NDS | IMM8),    // vcmpps
            (0xC6, 0xC6, MODRM | NDS | IMM8),    // vshufps
        ],
        V3,
    ),
    table(
        &[
            (0x10, 0x11, MODRM),                         // vmovupd
            (0x12, 0x12, MEM | NDS | L0),                // vmovlpd
            (0x13, 0x13, MEM | L0),                      // vmovlpd m,x
            (0x14, 0x15, MODRM | NDS),                   // vunpckpd
            (0x16, 0x16, MEM | NDS | L0),                // vmovhpd
            (0x17, 0x17, MEM | L0),                      // vmovhpd m,x
            (0x28, 0x29, MODRM),                         // vmovapd
            (0x2E, 0x2F, MODRM),                         // vucomisd, vcomisd
            (0x50, 0x50, REG | W_REG),                   // vmovmskpd
            (0x51, 0x51, MODRM),                         // vsqrtpd
            (0x54, 0x59, MODRM | NDS),                   // vandpd … vmulpd
            (0x5A, 0x5B, MODRM),                         // vcvtpd2ps, vcvtps2dq
            (0x5C, 0x6D, MODRM | NDS),                   // vsubpd … vpunpckhqdq
            (0x6E, 0x6E, MODRM | L0),                    // vmovd, vmovq x,rm
            (0x6F, 0x6F, MODRM),                         // vmovdqa
            (0x70, 0x70, MODRM | IMM8),                  // vpshufd
            (0x71, 0x73, GROUP | REG_ONLY | NDS | IMM8), // shifts by imm8
            (0x74, 0x76, MODRM | NDS),                   // vpcmpeq
            (0x7C, 0x7D, MODRM | NDS),                   // vhaddpd, vhsubpd
            (0x7E, 0x7E, MODRM | W_RM | L0),             // vmovd, vmovq rm,x
            (0x7F, 0x7F, MODRM),                         // vmovdqa
            (0xC2, 0xC2, MODRM | NDS | IMM8),            // vcmppd
            (0xC4, 0xC4, MODRM | NDS | IMM8 | L0),       // vpinsrw
            (0xC5, 0xC5, REG | IMM8 | W_REG | L0),       // vpextrw
            (0xC6, 0xC6, MODRM | NDS | IMM8),            // vshufpd
            (0xD0, 0xD5, MODRM | NDS),                   // vaddsubpd, vpsrl, vpaddq, vpmullw
            (0xD6, 0xD6, MODRM | L0),                    // vmovq xm,x
            (0xD7, 0xD7, REG | W_REG),                   // vpmovmskb
            (0xD8, 0xE5, MODRM | NDS),                   // integer arithmetic
            (0xE6, 0xE6, MODRM),                         // vcvttpd2dq
            (0xE8, 0xEF, MODRM | NDS),                   // integer arithmetic; not vmovntdq
            (0xF1, 0xF6, MODRM | NDS),                   // integer arithmetic; not vmaskmovdqu
            (0xF8, 0xFE, MODRM | NDS),                   // integer arithmetic
        ],
        V3,
    ),
    table(
        &[
            (0x10, 0x11, MODRM | NDS_REG),    // vmovss
            (0x12, 0x12, MODRM),              // vmovsldup
            (0x16, 0x16, MODRM),              // vmovshdup
            (0x2A, 0x2A, MODRM | NDS),        // vcvtsi2ss
            (0x2C, 0x2D, MODRM | W_REG),      // vcvttss2si, vcvtss2si
            (0x51, 0x51, MODRM | NDS),        // vsqrtss
            (0x58, 0x5A, MODRM | NDS),        // vaddss, vmulss, vcvtss2sd
            (0x5B, 0x5B, MODRM),              // vcvttps2dq
            (0x5C, 0x5F, MODRM | NDS),        // vsubss … vmaxss
            (0x6F, 0x6F, MODRM),              // vmovdqu
            (0x70, 0x70, MODRM | IMM8),       // vpshufhw
            (0x7E, 0x7E, MODRM | L0),         // vmovq x,xm
            (0x7F, 0x7F, MODRM),              // vmovdqu
            (0xC2, 0xC2, MODRM | NDS | IMM8), // vcmpss
            (0xE6, 0xE6, MODRM),              // vcvtdq2pd
        ],
        V3,
    ),
    table(
        &[
            (0x10, 0x11, MODRM | NDS_REG),    // vmovsd
            (0x12, 0x12, MODRM),              // vmovddup
            (0x2A, 0x2A, MODRM | NDS),        // vcvtsi2sd
            (0x2C, 0x2D, MODRM | W_REG),      // vcvttsd2si, vcvtsd2si
            (0x51, 0x51, MODRM | NDS),        // vsqrtsd
            (0x58, 0x5A, MODRM | NDS),        // vaddsd, vmulsd, vcvtsd2ss
            (0x5C, 0x5F, MODRM | NDS),        // vsubsd … vmaxsd
            (0x70, 0x70, MODRM | IMM8),       // vpshuflw
            (0x7C, 0x7D, MODRM | NDS),        // vhaddps, vhsubps
            (0xC2, 0xC2, MODRM | NDS | IMM8), // vcmpsd
            (0xD0, 0xD0, MODRM | NDS),        // vaddsubps
            (0xE6, 0xE6, MODRM),              // vcvtpd2dq
            (0xF0, 0xF0, MEM),                // vlddqu
        ],
        V3,
    ),
];

pub(crate) static VEX_0F38: Maps = [
    table(
        &[
            (0xF2, 0xF2, MODRM | NDS | W_REG | L0),  // andn
            (0xF3, 0xF3, GROUP | NDS | W_VVVV | L0), // blsr, blsmsk, blsi
            (0xF5, 0xF5, MODRM | NDS | W_REG | L0),  // bzhi
            (0xF7, 0xF7, MODRM | NDS | W_REG | L0),  // bextr
        ],
        V3,
    ),
    table(
        &[
            (0x00, 0x0B, MODRM | NDS),              // vpshufb … vpmulhrsw
            (0x0C, 0x0D, MODRM | NDS | W0),         // vpermilps, vpermilpd
            (0x0E, 0x0F, MODRM | W0),               // vtestps, vtestpd
            (0x13, 0x13, MODRM | W0),               // vcvtph2ps
            (0x16, 0x16, MODRM | NDS | W0 | L1),    // vpermps
            (0x17, 0x17, MODRM),                    // vptest
            (0x18, 0x18, MODRM | W0),               // vbroadcastss
            (0x19, 0x19, MODRM | W0 | L1),          // vbroadcastsd
            (0x1A, 0x1A, MEM | W0 | L1),            // vbroadcastf128
            (0x1C, 0x1E, MODRM),                    // vpabs
            (0x20, 0x25, MODRM),                    // vpmovsx
            (0x28, 0x29, MODRM | NDS),              // vpmuldq, vpcmpeqq
            (0x2A, 0x2A, MEM),                      // vmovntdqa, a load
            (0x2B, 0x2B, MODRM | NDS),              // vpackusdw
            (0x2C, 0x2F, MEM | NDS | W0),           // vmaskmovps, vmaskmovpd
            (0x30, 0x35, MODRM),                    // vpmovzx
            (0x36, 0x36, MODRM | NDS | W0 | L1),    // vpermd
            (0x37, 0x40, MODRM | NDS),              // vpcmpgtq, min, max, vpmulld
            (0x41, 0x41, MODRM | L0),               // vphminposuw
            (0x45, 0x45, MODRM | NDS),              // vpsrlv
            (0x46, 0x46, MODRM | NDS | W0),         // vpsravd
            (0x47, 0x47, MODRM | NDS),              // vpsllv
            (0x58, 0x59, MODRM | W0),               // vpbroadcastd, vpbroadcastq
            (0x5A, 0x5A, MEM | W0 | L1),            // vbroadcasti128
            (0x78, 0x79, MODRM | W0),               // vpbroadcastb, vpbroadcastw
            (0x8C, 0x8C, MEM | NDS),                // vpmaskmov x,m
            (0x8E, 0x8E, MEM | NDS),                // vpmaskmov m,x
            (0x90, 0x93, MEM | NDS | VSIB),         // gathers
            (0x96, 0x9F, MODRM | NDS),              // FMA
            (0xA6, 0xAF, MODRM | NDS),              // FMA
            (0xB6, 0xBF, MODRM | NDS),              // FMA
            (0xF7, 0xF7, MODRM | NDS | W_REG | L0), // shlx
        ],
        V3,
    ),
    table(
        &[
            (0xF5, 0xF5, MODRM | NDS | W_REG | L0), // pext
            (0xF7, 0xF7, MODRM | NDS | W_REG | L0), // sarx
        ],
        V3,
    ),
    table(
        &[
            (0xF5, 0xF5, MODRM | NDS | W_REG | L0),          // pdep
            (0xF6, 0xF6, MODRM | NDS | W_REG | W_VVVV | L0), // mulx
            (0xF7, 0xF7, MODRM | NDS | W_REG | L0),          // shrx
        ],
        V3,
    ),
];

pub(crate) static VEX_0F3A: Maps = [
    [0; 256],
    table(
        &[
            (0x00, 0x01, MODRM | W1 | L1),       // vpermq, vpermpd
            (0x02, 0x02, MODRM | NDS | W0),      // vpblendd
            (0x04, 0x05, MODRM | W0),            // vpermilps, vpermilpd
            (0x06, 0x06, MODRM | NDS | W0 | L1), // vperm2f128
            (0x08, 0x09, MODRM),                 // vroundps, vroundpd
            (0x0A, 0x0F, MODRM | NDS),           // vroundss, vroundsd, vblend, vpalignr
            (0x14, 0x17, MODRM | W_RM | L0),     // vpextrb, vpextrw, vpextrd, vextractps
            (0x18, 0x18, MODRM | NDS | W0 | L1), // vinsertf128
            (0x19, 0x19, MODRM | W0 | L1),       // vextractf128
            (0x1D, 0x1D, MODRM | W0),            // vcvtps2ph
            (0x20, 0x22, MODRM | NDS | L0),      // vpinsrb, vinsertps, vpinsrd
            (0x38, 0x38, MODRM | NDS | W0 | L1), // vinserti128
            (0x39, 0x39, MODRM | W0 | L1),       // vextracti128
            (0x40, 0x40, MODRM | NDS),           // vdpps
            (0x41, 0x41, MODRM | NDS | L0),      // vdppd
            (0x42, 0x42, MODRM | NDS),           // vmpsadbw
            (0x46, 0x46, MODRM | NDS | W0 | L1), // vperm2i128
            (0x4A, 0x4C, MODRM | NDS | W0),      // vblendv
            (0x60, 0x63, MODRM | L0),            // vpcmpestrm … vpcmpistri
        ],
        IMM8 | V3,
    ),
    [0; 256],
    table(&[(0xF0, 0xF0, MODRM | IMM8 | W_REG | L0)], V3), // rorx
];

/// What ModRM.reg adds to a [`GROUP`] opcode under VEX.
pub(crate) const fn group_vex(map: u8, opcode: u8, reg: u8) -> Option<Entry> {
    match (map, opcode, reg) {
        (1, 0x71 | 0x72, 2 | 4 | 6) | (1, 0x73, 2 | 3 | 6 | 7) => Some(0),
        (1, 0xAE, 2 | 3) | (2, 0xF3, 1..=3) => Some(0),
        _ => None,
    }
}
