//! One instruction, or one guarded pair: its length, and whether it keeps the rules.

use crate::encoding::{ADDRESS32, GS, NULL_SEGMENT, OPERAND16, POP_FLAGS, RANK, RETURN, RSP};
use crate::fields::{Fields, UNLISTED};
use crate::limits::{LONGEST, LOWEST_DISPLACEMENT};
use crate::rules::{Broken, Level, Rule};
use crate::table::{self, Form, Map, Tables, slot};

/// A bundle and what follows it, so that reading needs no bounds: what ends behind the bundle is rejected at the end.
pub(crate) type Window = [u8; 64];

/// What an accepted instruction means for control flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flow {
    /// Goes on behind itself, or faults, or is the indirect branch or return of a guarded pair.
    Next,
    /// A direct branch to this address, which is to be checked.
    Branch(u32),
    /// A direct call: it must end its bundle as well.
    Call(u32),
    /// The call of a guarded pair: it must end its bundle.
    IndirectCall,
}

/// Made by `build.rs`.
pub(crate) static TABLES: Tables = include!(concat!(env!("OUT_DIR"), "/tables.in"));

#[inline]
fn byte(window: &Window, at: usize) -> u8 {
    window[at % 64]
}

#[inline]
fn i32_at(window: &Window, at: usize) -> i32 {
    i32::from_le_bytes([
        byte(window, at),
        byte(window, at + 1),
        byte(window, at + 2),
        byte(window, at + 3),
    ])
}

/// Decodes what stands at `start`, below 32, in the bundle; `bundle` is the bundle's address.
///
/// Returns the length, which may reach behind the bundle: C1 is the caller's.
#[inline]
pub(crate) fn decode(
    window: &Window,
    start: usize,
    bundle: u32,
    level: Level,
) -> Result<(usize, Flow), Broken> {
    let mut f = Fields::default();
    let mut at = start;
    while let Some(right) = f.prefix(byte(window, at)) {
        at += 1;
        if !right {
            at = padded_nop(window, start)
                .ok_or((Rule::C9, "prefixes out of order, or one of them twice"))?;
            f = Fields::default();
            f.prefix(0x66);
            break;
        }
    }

    let map = match byte(window, at) {
        0x0F => {
            at += 1;
            match byte(window, at) {
                0x38 => {
                    at += 1;
                    Map::Of38
                }
                0x3A => {
                    at += 1;
                    Map::Of3a
                }
                _ => Map::Of,
            }
        }
        first @ (0xC4 | 0xC5 | 0x62) => {
            let behind = [1, 2, 3].map(|n| byte(window, at + n));
            let (map, own) = f.vector(first, behind)?;
            at += 1 + own;
            map
        }
        _ => Map::One,
    };
    let opcode = byte(window, at);
    at += 1;

    let modrm = byte(window, at);
    let form = TABLES.form(slot(map, f.class.into(), f.wide.into(), opcode), modrm);
    if form == 0 {
        return Err(unlisted(map, f.class, opcode, modrm));
    }
    if form >> table::LEVEL_SHIFT & 3 > level as u64 {
        return Err((Rule::C10, "above the image's level"));
    }
    if form & (table::JB | table::JZ) != 0 {
        return branch(window, start, at, bundle, &f, form);
    }
    f.fit(form, modrm)?;

    // The immediate is needed before the memory operand: rip is the instruction's end.
    let immediate = f.immediate(form);
    if form & table::MODRM != 0 {
        at += 1;
        if modrm >= 0xC0 {
            if form >> table::RM_SHIFT >> (modrm & 7) & 1 == 0 {
                return Err(unlisted(map, f.class, opcode, modrm));
            }
            if f.has(GS) {
                return Err(GS_ALONE);
            }
            at += immediate;
        } else {
            let operand = memory(window, &mut at, modrm, &f, form)?;
            at += immediate;
            if form & table::ADDRESS == 0 {
                confine(operand, &f, bundle, at)?;
            } else if f.has(GS) {
                return Err(GS_ALONE);
            }
        }
    } else {
        if f.has(GS) {
            return Err(GS_ALONE);
        }
        if form & table::STRING != 0 && !f.has(ADDRESS32) {
            return Err((Rule::C6, "a string instruction without 67"));
        }
        at += immediate;
    }
    if form & table::WRITES != 0 {
        f.stack_pointer(form, opcode, modrm)?;
    }
    if at - start > LONGEST {
        return Err((Rule::C9, "longer than 15 bytes"));
    }
    if form & table::MASK != 0
        && let Some((length, flow)) = pair(window, start, at, opcode, modrm, &f)
    {
        return Ok((length, flow));
    }
    Ok((at - start, Flow::Next))
}

const GS_ALONE: Broken = (Rule::C7, "gs on an instruction without a memory access");

/// `66 … 66 [null segment] nop` as compilers pad: the opcode's position.
#[cold]
fn padded_nop(window: &Window, start: usize) -> Option<usize> {
    let mut at = start;
    while byte(window, at) == 0x66 && at - start < LONGEST {
        at += 1;
    }
    if at == start {
        return None;
    }
    if RANK[byte(window, at) as usize] == NULL_SEGMENT {
        at += 1;
    }
    let long = byte(window, at) == 0x0F && byte(window, at + 1) == 0x1F;
    (long || byte(window, at) == 0x90).then_some(at)
}

/// A direct branch bears no prefix: 66 would cut rip on one vendor's processors, others are hints.
#[inline]
fn branch(
    window: &Window,
    start: usize,
    at: usize,
    bundle: u32,
    f: &Fields,
    form: Form,
) -> Result<(usize, Flow), Broken> {
    if f.seen != 0 && !(form & table::BRANCH_67 != 0 && f.seen == 1 << ADDRESS32) {
        return Err((Rule::C2, "a direct branch with a prefix"));
    }
    let (end, displacement) = if form & table::JB != 0 {
        (at + 1, i32::from(byte(window, at) as i8))
    } else {
        (at + 4, i32_at(window, at))
    };
    // Code lies below 2 GiB: a target below 0 wraps to an address above it, which no range holds.
    let target = bundle
        .wrapping_add(end as u32)
        .wrapping_add_signed(displacement);
    let flow = if form & table::CALL != 0 {
        Flow::Call(target)
    } else {
        Flow::Branch(target)
    };
    Ok((end - start, flow))
}

/// A memory operand, as far as C6 and C7 care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// `disp(%rsp)` without index.
    Stack(i32),
    /// `disp(%rip)`.
    Relative(i32),
    /// `disp32` without base and index.
    Absolute(i32),
    /// Anything else.
    Computed,
}

/// Reads SIB and displacement; `at` stands behind ModRM, which names memory.
#[inline]
fn memory(
    window: &Window,
    at: &mut usize,
    modrm: u8,
    f: &Fields,
    form: Form,
) -> Result<Memory, Broken> {
    let (mode, rm) = (modrm >> 6, modrm & 7);
    let vsib = form & table::VSIB != 0;
    let mut plain = false;
    let mut base = rm;
    if rm == 4 {
        let sib = byte(window, *at);
        *at += 1;
        base = sib & 7;
        // No index, and neither base nor index extended.
        plain = sib & 0x38 == 0x20 && f.x == 0 && f.b == 0 && !vsib;
    } else if vsib {
        return Err((Rule::C9, "a vector of addresses needs SIB"));
    }
    let displacement = if mode == 1 {
        *at += 1;
        i32::from(byte(window, *at - 1) as i8)
    } else if mode == 2 || base == 5 {
        *at += 4;
        i32_at(window, *at - 4)
    } else {
        0
    };
    Ok(if plain && base == 4 {
        Memory::Stack(displacement)
    } else if plain && base == 5 && mode == 0 {
        Memory::Absolute(displacement)
    } else if rm == 5 && mode == 0 {
        Memory::Relative(displacement)
    } else {
        Memory::Computed
    })
}

/// C6 and C7; `end` is the instruction's end, counted from the bundle.
#[inline]
fn confine(operand: Memory, f: &Fields, bundle: u32, end: usize) -> Result<(), Broken> {
    if f.has(GS) {
        return match operand {
            Memory::Absolute(displacement)
                if f.seen & (1 << ADDRESS32 | 1 << NULL_SEGMENT) == 0
                    && displacement >= LOWEST_DISPLACEMENT =>
            {
                Ok(())
            }
            _ => Err((
                Rule::C7,
                "gs with more than a displacement of at least -8 MiB",
            )),
        };
    }
    if f.has(ADDRESS32) {
        return Ok(());
    }
    match operand {
        Memory::Stack(displacement) if displacement >= LOWEST_DISPLACEMENT => Ok(()),
        Memory::Stack(_) => Err((Rule::C6, "more than 8 MiB below rsp without 67")),
        Memory::Absolute(displacement) if displacement >= 0 => Ok(()),
        Memory::Absolute(_) => Err((Rule::C6, "an absolute address above 2 GiB without 67")),
        Memory::Relative(displacement) => {
            let target = i64::from(bundle) + end as i64 + i64::from(displacement);
            if target >> 32 == 0 {
                Ok(())
            } else {
                Err((Rule::C6, "a rip-relative address outside the sandbox"))
            }
        }
        Memory::Computed => Err((Rule::C6, "a computed address without 67")),
    }
}

/// The guarded pairs that the `and` from `start` to `middle` begins: C3, C4 and popf.
fn pair(
    window: &Window,
    start: usize,
    middle: usize,
    opcode: u8,
    modrm: u8,
    f: &Fields,
) -> Option<(usize, Flow)> {
    if modrm < 0xC0 {
        let whole = |pattern: &[u8; 9]| (0..9).all(|i| byte(window, start + i) == pattern[i]);
        return (whole(&RETURN) || whole(&POP_FLAGS)).then_some((9, Flow::Next));
    }
    // `and $-32,%r32` in its short form, and not %esp.
    let register = modrm & 7 | f.b;
    if opcode != 0x83
        || f.wide
        || f.has(OPERAND16)
        || register == RSP
        || byte(window, middle - 1) != 0xE0
    {
        return None;
    }
    let mut at = middle;
    if register > 7 {
        if byte(window, at) != 0x41 {
            return None;
        }
        at += 1;
    }
    if byte(window, at) != 0xFF {
        return None;
    }
    let length = at + 2 - start;
    match byte(window, at + 1) ^ (register & 7) {
        0xE0 => Some((length, Flow::Next)),
        0xD0 => Some((length, Flow::IndirectCall)),
        _ => None,
    }
}

/// Why an opcode is not listed, where there is more to say.
#[cold]
fn unlisted(map: Map, pp: u8, opcode: u8, modrm: u8) -> Broken {
    let reg = modrm >> 3 & 7;
    let memory = modrm < 0xC0;
    match (map, opcode) {
        (Map::One, 0xC3) => (Rule::C4, "a return without its mask"),
        (Map::One, 0xC2) => (Rule::C4, "a return that pops"),
        (Map::One, 0xFF) if reg == 2 || reg == 4 => (
            Rule::C3,
            "an indirect branch without its mask, or through memory",
        ),
        (Map::One, 0xFF) if reg == 3 || reg == 5 => (Rule::C3, "a far branch"),
        (Map::One, 0xCA | 0xCB | 0xCF) => (Rule::C9, "a far return"),
        (Map::One, 0x70..=0x7F | 0xE0..=0xE3 | 0xE8 | 0xE9 | 0xEB) => {
            (Rule::C2, "a direct branch with a prefix")
        }
        (Map::Of, 0x80..=0x8F) => (Rule::C2, "a direct branch with a prefix"),
        (Map::One, 0x9D) => (Rule::C9, "popf without its mask"),
        (Map::One, 0x64) => (Rule::C7, "fs"),
        (Map::One, 0xC9) => (Rule::C9, "leave loads 64 bits into rsp"),
        (Map::One, 0x58..=0x5F) => (Rule::C8, "a pop that is not 64 bits wide"),
        (Map::One, 0xA0..=0xA3) => (Rule::C9, "a 64-bit absolute address"),
        (Map::One, 0xD8..=0xDF) if pp == 0 => (
            Rule::C10,
            "an x87 instruction that is not deterministic, or not listed",
        ),
        (Map::Of, 0x05 | 0x34) => (Rule::C9, "a system call"),
        (Map::Of, 0x31 | 0x33 | 0xA2) => (
            Rule::C10,
            "differs from run to run, or from machine to machine",
        ),
        (Map::Of, 0x52 | 0x53) if pp == 0 || pp == 2 => (
            Rule::C10,
            "an approximation that differs between processors",
        ),
        (Map::VexOf, 0x52 | 0x53) => (
            Rule::C10,
            "an approximation that differs between processors",
        ),
        (Map::EvexOf38, 0x4C..=0x4F) => (
            Rule::C10,
            "an approximation that differs between processors",
        ),
        (Map::Of, 0xC7) if !memory => (Rule::C10, "differs from run to run"),
        (Map::Of, 0x00) if reg < 2 => (Rule::C10, "tells what the host's tables are"),
        (Map::Of, 0x01)
            if (memory && reg < 2) || reg == 4 || matches!(modrm, 0xD0 | 0xF9 | 0xFD) =>
        {
            (Rule::C10, "tells what the host is, or the time")
        }
        (Map::Of, 0x00 | 0x01) => (Rule::C9, "a system instruction"),
        (Map::Of, 0xAE) if pp == 2 => (Rule::C7, "a segment base other than by wrgsbase %r32"),
        (Map::Of, 0xA3 | 0xAB | 0xB3 | 0xBB) => {
            (Rule::C9, "a bit offset in a register reaches anywhere")
        }
        _ => UNLISTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Displacements: all of them with ZVM_EXHAUSTIVE set, else one of 4,099 and all near every bound.
    fn displacements(bounds: &[i64]) -> impl Iterator<Item = i32> {
        let step = if std::env::var_os("ZVM_EXHAUSTIVE").is_some() {
            1
        } else {
            4099
        };
        let near: Vec<i32> = bounds
            .iter()
            .chain(&[i64::from(i32::MIN), 0, i64::from(i32::MAX)])
            .flat_map(|bound| bound - 70..bound + 70)
            .filter_map(|near| i32::try_from(near).ok())
            .collect();
        (i32::MIN..=i32::MAX).step_by(step).chain(near)
    }

    /// C6 and C7 by their words, in integers that cannot wrap.
    #[test]
    fn confinement_is_exact() {
        const LOWEST: i64 = -(8 << 20);
        let plain = Fields::default();
        let with = |prefix: u8| {
            let mut fields = Fields::default();
            fields.prefix(prefix);
            fields
        };
        let ok =
            |memory, fields: &Fields, bundle, end| confine(memory, fields, bundle, end).is_ok();
        for d in displacements(&[LOWEST]) {
            let wide = i64::from(d);
            assert_eq!(ok(Memory::Stack(d), &plain, 0, 0), wide >= LOWEST, "{d}");
            assert_eq!(ok(Memory::Absolute(d), &plain, 0, 0), wide >= 0, "{d}");
            let gs = ok(Memory::Absolute(d), &with(0x65), 0, 0);
            assert_eq!(gs, wide >= LOWEST, "{d}");
            assert!(!ok(Memory::Stack(d), &with(0x65), 0, 0));
            assert!(!ok(Memory::Relative(d), &with(0x65), 0, 0));
            assert!(ok(Memory::Stack(d), &with(0x67), 0, 0));
        }
        // The lowest and the highest code, and some between; every length that an instruction may end at.
        for bundle in [0u32, 0x2_0000, 0x0FFF_FFE0, 0x7FFF_FFE0] {
            for end in [2, 31, 32, 46] {
                let ip = i64::from(bundle) + end as i64;
                for d in displacements(&[-ip, (1 << 32) - ip]) {
                    let target = ip + i64::from(d);
                    let confined = ok(Memory::Relative(d), &plain, bundle, end);
                    assert_eq!(
                        confined,
                        (0..1 << 32).contains(&target),
                        "{bundle:x} {end} {d}"
                    );
                }
            }
        }
        assert!(!ok(Memory::Computed, &plain, 0, 0) && ok(Memory::Computed, &with(0x67), 0, 0));
    }

    /// A target in 32 bits says the same as one in 64, for every address where code may lie.
    #[test]
    fn branch_targets_are_exact() {
        let form = table::OK | table::JZ;
        for bundle in [0x2_0000u32, 0x0FFF_FFE0, 0x7FFF_FFE0] {
            let ip = i64::from(bundle) + 5;
            for d in displacements(&[-ip, (1 << 31) - ip, (1 << 32) - ip]) {
                let mut window: Window = [0; 64];
                window[1..5].copy_from_slice(&d.to_le_bytes());
                let flow = branch(&window, 0, 1, bundle, &Fields::default(), form);
                let Ok((5, Flow::Branch(target))) = flow else {
                    panic!("{flow:?}")
                };
                let exact = ip + i64::from(d);
                let code = 0..1 << 31;
                assert_eq!(
                    code.contains(&i64::from(target)),
                    code.contains(&exact),
                    "{d}"
                );
                assert!(!code.contains(&exact) || i64::from(target) == exact, "{d}");
            }
        }
    }
}
