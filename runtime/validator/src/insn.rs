//! One instruction, or one guarded pair: its length and whether it keeps the rules.

use crate::limits::{BUNDLE, CODE_END, LONGEST, LOWEST_DISPLACEMENT};
use crate::prefix::Prefixes;
use crate::spec::{self, Entry};
use crate::{Level, Rule, x87};

/// What an accepted instruction means for control flow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Goes on behind itself, or faults, or branches in a way that needs no further check.
    Next,
    /// A direct branch; the address must be checked.
    Branch(u32),
    /// A direct call; it must end its bundle.
    Call(u32),
    /// An indirect call; it must end its bundle.
    IndirectCall,
}

/// A broken rule and what about it.
pub(crate) type Broken = (Rule, &'static str);

/// The return's mask: `andq $0x7fffffe0,(%rsp)`.
const RETURN_MASK: [u8; 8] = [0x48, 0x81, 0x24, 0x24, 0xE0, 0xFF, 0xFF, 0x7F];
/// The flags' mask: `andq $0xcd5,(%rsp)`: IF, TF, AC, NT and ID stay as they are.
const FLAGS_MASK: [u8; 8] = [0x48, 0x81, 0x24, 0x24, 0xD5, 0x0C, 0x00, 0x00];

const UNLISTED: Broken = (Rule::C9, "this encoding is not on the list");
const CROSSES: Broken = (Rule::C1, "the instruction does not end in its bundle");
const RSP: u8 = 4;

/// Bytes of the instruction, up to its bundle's end.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = *self.bytes.get(self.at).ok_or(CROSSES)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn i32(&mut self) -> Result<i32, Broken> {
        let end = self.at + 4;
        let bytes = self.bytes.get(self.at..end).ok_or(CROSSES)?;
        self.at = end;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn skip(&mut self, count: usize) -> Result<(), Broken> {
        self.at += count;
        if self.at > self.bytes.len() {
            Err(CROSSES)
        } else {
            Ok(())
        }
    }
}

/// ModRM and what follows it.
#[derive(Clone, Copy)]
struct Operand {
    /// The register in ModRM.rm, with its extension; `None` for memory.
    register: Option<u8>,
    /// What C6 and C7 must know of a memory operand.
    memory: Memory,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// `disp(%rsp)` without index.
    Stack(i32),
    /// RIP-relative.
    Relative(i32),
    /// Absolute disp32.
    Absolute(i32),
    /// Anything else.
    Other,
}

/// Decodes the instruction at the start of `bytes`, which reach to the bundle's end; `address` is where it stands.
#[inline]
pub(crate) fn decode(bytes: &[u8], address: u32, level: Level) -> Result<(usize, Flow), Broken> {
    let prefixes = Prefixes::read(bytes);
    let mut cursor = Cursor {
        bytes,
        at: prefixes.len,
    };
    let opcode = cursor.byte()?;
    let (entry, map) = match opcode {
        0x0F => return two_byte(cursor, prefixes, address, level),
        0xC4 | 0xC5 => return vex(cursor, prefixes, opcode, address, level),
        0xD8..=0xDF => return float(cursor, prefixes, opcode, address, level),
        _ => (spec::ONE_BYTE[usize::from(opcode)], 0),
    };
    if entry == 0 || opcode == 0xFF || (opcode == 0x83 || opcode == 0x81) {
        if let Some(done) = control(bytes, prefixes, opcode, address)? {
            return Ok(done);
        }
        if entry == 0 {
            return Err(UNLISTED);
        }
    }
    if prefixes.operand16 && prefixes.wide() {
        return Err((Rule::C9, "66 and REX.W together"));
    }
    match prefixes.group1 {
        0xF3 if entry & spec::REP == 0 => return Err(UNLISTED),
        0xF2 if entry & spec::REPNE == 0 => return Err(UNLISTED),
        _ => {}
    }
    finish(cursor, prefixes, opcode, entry, map, address, level)
}

/// Branches and guarded pairs. They bear no prefix but what is named: 66 would cut rip on one vendor's CPUs.
fn control(
    bytes: &[u8],
    p: Prefixes,
    opcode: u8,
    address: u32,
) -> Result<Option<(usize, Flow)>, Broken> {
    let bare = p.len == 0;
    let mut cursor = Cursor {
        bytes,
        at: p.len + 1,
    };
    let relative = |end: usize, displacement: i32| {
        address
            .wrapping_add(end as u32)
            .wrapping_add_signed(displacement)
    };
    Ok(Some(match opcode {
        0x70..=0x7F | 0xEB if bare => {
            let displacement = cursor.byte()? as i8;
            (
                cursor.at,
                Flow::Branch(relative(cursor.at, displacement.into())),
            )
        }
        // jrcxz, and jecxz with 67.
        0xE3 if bare || (p.address32 && p.len == 1) => {
            let displacement = cursor.byte()? as i8;
            (
                cursor.at,
                Flow::Branch(relative(cursor.at, displacement.into())),
            )
        }
        0xE9 | 0xE8 if bare => {
            let displacement = cursor.i32()?;
            let target = relative(cursor.at, displacement);
            (
                cursor.at,
                if opcode == 0xE8 {
                    Flow::Call(target)
                } else {
                    Flow::Branch(target)
                },
            )
        }
        0x70..=0x7F | 0xEB | 0xE3 | 0xE8 | 0xE9 => {
            return Err((Rule::C2, "a branch with a prefix"));
        }
        0xC3 => return Err((Rule::C4, "a return without its mask")),
        0x9D => return Err((Rule::C9, "popfq without its mask")),
        0x83 => match masked_branch(bytes, p) {
            Some(pair) => pair,
            None => return Ok(None),
        },
        0x81 if p.len == 1 && bytes.len() >= 9 => match (
            bytes[..8] == RETURN_MASK,
            bytes[..8] == FLAGS_MASK,
            bytes[8],
        ) {
            (true, _, 0xC3) | (_, true, 0x9D) => (9, Flow::Next),
            _ => return Ok(None),
        },
        0xFF => match bytes.get(cursor.at) {
            Some(modrm) if matches!(modrm >> 3 & 7, 2..=5) => {
                return Err((
                    Rule::C3,
                    "an indirect branch without its mask, or through memory",
                ));
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

/// `and $-32,%r32` and `jmp *%r64` or `call *%r64` on the same register: one guarded pair.
fn masked_branch(bytes: &[u8], p: Prefixes) -> Option<(usize, Flow)> {
    if !p.only_rex() || p.rex & !1 & 0x4F != 0x40 & p.rex {
        return None;
    }
    let at = p.len;
    let (modrm, imm) = (*bytes.get(at + 1)?, *bytes.get(at + 2)?);
    // /4 with a register, −32; never the stack pointer.
    if modrm & 0xF8 != 0xE0 || imm != 0xE0 || (modrm & 7 == RSP && p.rex & 1 == 0) {
        return None;
    }
    // The second half bears the same REX byte: nothing, or REX.B alone.
    let second = &bytes[at + 3..];
    let second = match (p.len, second.first()) {
        (0, _) => second,
        (1, Some(&rex)) if rex == p.rex => &second[1..],
        _ => return None,
    };
    let (opcode, jump) = (*second.first()?, *second.get(1)?);
    if opcode != 0xFF || jump & 7 != modrm & 7 {
        return None;
    }
    let len = 2 * at + 5;
    match jump & 0xF8 {
        0xD0 => Some((len, Flow::IndirectCall)),
        0xE0 => Some((len, Flow::Next)),
        _ => None,
    }
}

fn two_byte(
    mut cursor: Cursor<'_>,
    p: Prefixes,
    address: u32,
    level: Level,
) -> Result<(usize, Flow), Broken> {
    let class = match p.group1 {
        0xF3 => 2,
        0xF2 => 3,
        _ => usize::from(p.operand16),
    };
    let opcode = cursor.byte()?;
    let (table, map, opcode) = match opcode {
        0x38 => (&spec::MAP_0F38[class], 2, cursor.byte()?),
        0x3A => (&spec::MAP_0F3A[class], 3, cursor.byte()?),
        0x80..=0x8F => {
            if p.len != 0 {
                return Err((Rule::C2, "a branch with a prefix"));
            }
            let displacement = cursor.i32()?;
            let target = address
                .wrapping_add(cursor.at as u32)
                .wrapping_add_signed(displacement);
            return Ok((cursor.at, Flow::Branch(target)));
        }
        // endbr64 has an encoding of its own in the space of hints.
        0x1E if class == 2 && !p.operand16 && p.rex == 0 => {
            return if cursor.byte()? == 0xFA {
                Ok((cursor.at, Flow::Next))
            } else {
                Err(UNLISTED)
            };
        }
        _ => (&spec::MAP_0F[class], 1, opcode),
    };
    let mut entry = table[usize::from(opcode)];
    if entry == 0 {
        return Err(unlisted(map, class, opcode));
    }
    if class >= 2 && p.operand16 && entry & spec::WITH_66 == 0 {
        return Err((Rule::C9, "66 beside F2 or F3"));
    }
    if entry & spec::GROUP == spec::GROUP {
        let modrm = *cursor.bytes.get(cursor.at).ok_or(CROSSES)?;
        entry |= spec::group_0f(class, opcode, modrm, p.wide())
            .ok_or_else(|| unlisted(map, class, opcode))?;
    }
    // crc32 of a byte reads one, but writes a wide register.
    finish(cursor, p, opcode, entry, map, address, level)
}

/// Why an opcode of map 0F is not listed: some are known well enough to say more.
fn unlisted(map: u8, class: usize, opcode: u8) -> Broken {
    match (map, class, opcode) {
        (1, _, 0x05 | 0x34) => (Rule::C9, "a system call"),
        (1, _, 0x31 | 0x33 | 0xA2) => (Rule::C10, "differs from run to run or machine to machine"),
        (1, 0 | 2, 0x52 | 0x53) => (Rule::C10, "an approximation that differs between CPUs"),
        (1, _, 0xC7) => (Rule::C10, "rdrand, rdseed, rdpid and kin"),
        (1, 2, 0xAE) => (Rule::C7, "a segment base"),
        (1, _, 0xA3 | 0xAB | 0xB3 | 0xBB) => (Rule::C9, "a bit test reaches anywhere"),
        _ => UNLISTED,
    }
}

fn float(
    mut cursor: Cursor<'_>,
    p: Prefixes,
    opcode: u8,
    address: u32,
    level: Level,
) -> Result<(usize, Flow), Broken> {
    if p.group1 != 0 || p.operand16 {
        return Err((Rule::C9, "a prefix that x87 does not have"));
    }
    let modrm = *cursor.bytes.get(cursor.at).ok_or(CROSSES)?;
    if !x87::accepted(opcode, modrm, level) {
        return Err((
            Rule::C10,
            "an x87 instruction that is not deterministic, or not on the list",
        ));
    }
    let operand = operand(&mut cursor, p.rex & 1, p.rex >> 1 & 1)?;
    if operand.register.is_none() {
        confine(operand.memory, &p, false, address, cursor.at)?;
    } else if p.gs {
        return Err((Rule::C7, "gs without a memory operand"));
    }
    Ok((cursor.at, Flow::Next))
}

fn vex(
    mut cursor: Cursor<'_>,
    mut p: Prefixes,
    first: u8,
    address: u32,
    level: Level,
) -> Result<(usize, Flow), Broken> {
    if p.group1 != 0 || p.operand16 || p.rex != 0 {
        return Err((Rule::C9, "a prefix before VEX"));
    }
    let second = cursor.byte()?;
    // R, X and B are stored inverted.
    let (map, last) = if first == 0xC5 {
        p.rex = (!second >> 7) << 2;
        (1, second)
    } else {
        let third = cursor.byte()?;
        p.rex = !second >> 5 & 7 | (third >> 7) << 3;
        (second & 0x1F, third)
    };
    let (vvvv, long, class) = (!last >> 3 & 0xF, last & 4 != 0, usize::from(last & 3));
    let maps = match map {
        1 => &spec::VEX_0F,
        2 => &spec::VEX_0F38,
        3 => &spec::VEX_0F3A,
        _ => return Err(UNLISTED),
    };
    let opcode = cursor.byte()?;
    let mut entry = maps[class][usize::from(opcode)];
    if entry == 0 {
        return Err(UNLISTED);
    }
    let modrm = cursor.bytes.get(cursor.at).copied();
    if entry & spec::GROUP == spec::GROUP {
        let reg = modrm.ok_or(CROSSES)? >> 3 & 7;
        entry |= spec::group_vex(map, opcode, reg).ok_or(UNLISTED)?;
    }
    let uses_vvvv =
        entry & spec::NDS != 0 || (entry & spec::NDS_REG != 0 && modrm.is_some_and(|m| m >= 0xC0));
    if (!uses_vvvv && vvvv != 0)
        || (entry & spec::L0 != 0 && long)
        || (entry & spec::L1 != 0 && !long)
    {
        return Err((Rule::C9, "a VEX field that must be empty"));
    }
    if entry & spec::W_VVVV != 0 && vvvv == RSP {
        return Err((Rule::C8, "VEX.vvvv writes the stack pointer"));
    }
    // From here on it is like any other instruction; REX.W decides nothing about immediates.
    finish(
        cursor,
        p,
        opcode,
        entry | spec::NO_66,
        4 + map,
        address,
        level,
    )
}

/// ModRM, immediates and the rules for operands.
#[inline]
fn finish(
    mut cursor: Cursor<'_>,
    p: Prefixes,
    opcode: u8,
    mut entry: Entry,
    map: u8,
    address: u32,
    level: Level,
) -> Result<(usize, Flow), Broken> {
    if map == 0 && entry & spec::GROUP == spec::GROUP {
        let modrm = *cursor.bytes.get(cursor.at).ok_or(CROSSES)?;
        entry |= spec::group(opcode, modrm >> 3 & 7).ok_or(UNLISTED)?;
    }
    if (entry & spec::V3 != 0 && level < Level::V3) || (entry & spec::V2 != 0 && level < Level::V2)
    {
        return Err((Rule::C10, "above the image's level"));
    }
    if (entry & spec::NO_66 != 0 && p.operand16)
        || (entry & spec::W0 != 0 && p.wide())
        || (entry & spec::W1 != 0 && !p.wide())
    {
        return Err((Rule::C9, "an operand size that is not on the list"));
    }
    let mut written = None;
    if entry & spec::MODRM == spec::MODRM {
        let modrm = *cursor.bytes.get(cursor.at).ok_or(CROSSES)?;
        let operand = operand(&mut cursor, p.rex & 1, p.rex >> 1 & 1)?;
        let reg = modrm >> 3 & 7 | (p.rex & 4) << 1;
        match operand.register {
            Some(register) => {
                if entry & (spec::MEM_ONLY | spec::VSIB) != 0 {
                    return Err((Rule::C9, "needs a memory operand"));
                }
                if p.group1 == 0xF0 {
                    return Err((Rule::C9, "lock without a memory operand"));
                }
                if entry & spec::W_RM != 0 && register == RSP {
                    written = Some(RSP);
                }
            }
            None if entry & spec::REG_ONLY != 0 => {
                return Err((Rule::C9, "this instruction is only accepted on registers"));
            }
            None => {}
        }
        if entry & spec::W_REG != 0 && reg == RSP {
            written = Some(RSP);
        }
        skip_immediate(&mut cursor, entry, &p)?;
        if operand.register.is_none() && entry & spec::NO_ACCESS == 0 {
            confine(
                operand.memory,
                &p,
                entry & spec::VSIB != 0,
                address,
                cursor.at,
            )?;
        } else if p.gs {
            return Err((Rule::C7, "gs without a memory access"));
        }
    } else {
        if p.gs {
            return Err((Rule::C7, "gs without a memory operand"));
        }
        if entry & spec::W_OP == spec::W_OP && opcode & 7 | (p.rex & 1) << 3 == RSP {
            written = Some(RSP);
        }
        skip_immediate(&mut cursor, entry, &p)?;
    }
    if p.group1 == 0xF0 && entry & spec::LOCK == 0 {
        return Err((Rule::C9, "lock is not accepted here"));
    }
    if entry & spec::STRING == spec::STRING && !p.address32 {
        return Err((Rule::C6, "an implicit memory operand without 67"));
    }
    if written.is_some() {
        // ah has the number of rsp.
        let high_byte = entry & spec::BYTE != 0 && p.rex == 0;
        let narrow = entry & (spec::STACK | spec::BYTE) == spec::STACK && !p.operand16 && !p.wide();
        if !high_byte && !narrow {
            return Err((
                Rule::C8,
                "writes the stack pointer, and not by a 32-bit form that is listed",
            ));
        }
    }
    if cursor.at > LONGEST {
        return Err((Rule::C9, "longer than an instruction can be"));
    }
    Ok((cursor.at, Flow::Next))
}

#[inline]
fn skip_immediate(cursor: &mut Cursor<'_>, entry: Entry, p: &Prefixes) -> Result<(), Broken> {
    let mut count = 0;
    if entry & spec::IMM8 == spec::IMM8 {
        count += 1;
    }
    if entry & spec::IMMZ == spec::IMMZ {
        count += if p.operand16 { 2 } else { 4 };
    }
    if entry & spec::IMMV == spec::IMMV {
        count += if p.wide() {
            8
        } else if p.operand16 {
            2
        } else {
            4
        };
    }
    cursor.skip(count)
}

/// Reads ModRM, SIB and displacement. `b` and `x` are REX.B and REX.X.
#[inline]
fn operand(cursor: &mut Cursor<'_>, b: u8, x: u8) -> Result<Operand, Broken> {
    let modrm = cursor.byte()?;
    let (mode, rm) = (modrm >> 6, modrm & 7);
    if mode == 3 {
        return Ok(Operand {
            register: Some(rm | b << 3),
            memory: Memory::Other,
        });
    }
    let mut base = rm;
    let mut index = false;
    if rm == 4 {
        let sib = cursor.byte()?;
        base = sib & 7;
        index = sib >> 3 & 7 != 4 || x == 1;
    }
    let displacement = match mode {
        0 if base == 5 => cursor.i32()?,
        0 => 0,
        1 => i32::from(cursor.byte()? as i8),
        _ => cursor.i32()?,
    };
    let memory = if rm == 4 && base == 4 && b == 0 && !index {
        Memory::Stack(displacement)
    } else if mode == 0 && rm == 5 {
        Memory::Relative(displacement)
    } else if mode == 0 && rm == 4 && base == 5 && !index {
        Memory::Absolute(displacement)
    } else {
        Memory::Other
    };
    Ok(Operand {
        register: None,
        memory,
    })
}

/// C6 and C7: where a memory operand may point. `len` is the instruction's length.
#[inline]
fn confine(
    memory: Memory,
    p: &Prefixes,
    vsib: bool,
    address: u32,
    len: usize,
) -> Result<(), Broken> {
    if p.gs {
        return match memory {
            Memory::Absolute(displacement)
                if !p.address32
                    && !p.null_segment
                    && !vsib
                    && displacement >= LOWEST_DISPLACEMENT =>
            {
                Ok(())
            }
            _ => Err((
                Rule::C7,
                "gs with more than an absolute displacement of at least −8 MiB",
            )),
        };
    }
    if p.address32 {
        return Ok(());
    }
    if vsib {
        return Err((Rule::C6, "a gather without 67"));
    }
    match memory {
        Memory::Stack(displacement) if displacement >= LOWEST_DISPLACEMENT => Ok(()),
        Memory::Stack(_) => Err((
            Rule::C6,
            "more than 8 MiB below the stack pointer without 67",
        )),
        Memory::Absolute(displacement) if displacement >= 0 => Ok(()),
        Memory::Absolute(_) => Err((Rule::C6, "an absolute address that is not in the sandbox")),
        Memory::Relative(displacement) => {
            let target = i64::from(address) + len as i64 + i64::from(displacement);
            if (0..1i64 << 32).contains(&target) {
                Ok(())
            } else {
                Err((
                    Rule::C6,
                    "a RIP-relative address that is not in the sandbox",
                ))
            }
        }
        Memory::Other => Err((Rule::C6, "a memory operand without 67")),
    }
}

const _: () = assert!(BUNDLE == 32 && CODE_END > 0);
