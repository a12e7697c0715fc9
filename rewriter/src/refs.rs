//! Everything that holds a code address: immediates and `lea` in text, pointers, GOT slots and jump tables in data.
//!
//! A static link leaves a relocation for each, with three exceptions that are found through the instruction that names
//! them: direct branches and RIP-relative `lea`, which decode to their target; GOT slots that survive relaxation; and the base of
//! a PIC jump table, which its entries (R_X86_64_PC32) are relative to and which only the code's `lea` knows.

use std::collections::HashSet;

use iced_x86::{Instruction, Mnemonic, Register};
use object::elf;
use zvm_abi::layout::TEXT_BASE;

use crate::computed::Computed;
use crate::decode::{Kind, Program};
use crate::error::RewriteError;
use crate::input::{Input, RelocKind, StartReloc};
use crate::unwind::{Unwind, is_table};

/// Where in an instruction a code address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeField {
    /// RIP-relative displacement of a `lea`.
    RipDisplacement,
    /// 4-byte displacement of a `lea` without RIP.
    Displacement,
    /// 4-byte immediate.
    Immediate32,
    /// 8-byte immediate.
    Immediate64,
    /// Any of these, and it becomes 0: a table of jumps counts from there.
    Origin,
}

/// How a datum holds a code address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataField {
    Absolute64,
    Absolute32,
    /// 4 bytes: distance of the target from this address (a jump table's base, or the field itself).
    Relative32(u64),
}

pub(crate) struct Refs {
    /// For each code index, and the end: its address is taken, so it must start a bundle.
    pub taken: Vec<bool>,
    /// Code indices that unwinding jumps to: they start a bundle too, but no code holds their address.
    pub landing_pads: Vec<usize>,
    /// Instructions that hold a code address: (code index, field, target's code index), by code index.
    pub in_code: Vec<(usize, CodeField, usize)>,
    /// Data that hold one: (address, form, target's code index).
    pub in_data: Vec<(u64, DataField, usize)>,
    /// Addresses of branch instructions whose target is a weak undefined symbol: they can never run.
    pub dead_branches: HashSet<u64>,
    /// Data addresses that code names, in rising order: where a table may start.
    pub bases: Vec<u64>,
    /// Jump tables' entries of 8 bytes: (address, target's code index), by address.
    pub pointers: Vec<(u64, usize)>,
    /// Jumps to a label plus a distance.
    pub computed: Computed,
}

impl Refs {
    /// The code indices whose addresses code holds.
    pub(crate) fn held_by_code(&self) -> impl Iterator<Item = usize> {
        let held = self.in_code.iter().filter(|r| r.1 != CodeField::Origin);
        held.map(|r| r.2)
    }

    /// The targets in the table of `jmp *table(,%r,8)`, as far as they follow each other.
    pub(crate) fn table(&self, insn: &Instruction) -> Vec<usize> {
        if insn.memory_base() != Register::None || insn.memory_index_scale() != 8 {
            return Vec::new();
        }
        let mut at = u64::from(insn.memory_displacement32());
        let from = self.pointers.partition_point(|p| p.0 < at);
        let mut targets = Vec::new();
        for &(address, target) in &self.pointers[from..] {
            // The table ends where the next one starts at the latest; taking more only makes more registers live.
            if address != at || (!targets.is_empty() && self.is_base(at)) {
                break;
            }
            targets.push(target);
            at += 8;
        }
        targets
    }

    /// Whether code names this data address.
    pub(crate) fn is_base(&self, address: u64) -> bool {
        self.bases.binary_search(&address).is_ok()
    }
}

/// Finds them all.
#[inline(never)]
pub(crate) fn find(
    input: &Input<'_>,
    program: &Program<'_>,
    unwind: Option<&Unwind<'_>>,
) -> Result<Refs, RewriteError> {
    let mut refs = Refs {
        taken: vec![false; program.insns.len() + 1],
        landing_pads: unwind.map_or(Ok(Vec::new()), |unwind| unwind.landing_pads(program))?,
        in_code: Vec::new(),
        in_data: Vec::new(),
        dead_branches: HashSet::new(),
        bases: Vec::new(),
        pointers: Vec::new(),
        computed: Computed::default(),
    };
    find_in_code(input, program, &mut refs)?;
    refs.bases.sort_unstable();
    refs.bases.dedup();
    find_in_data(input, program, &mut refs)?;
    find_in_got(input, program, &mut refs)?;
    find_resolvers(input, program, &mut refs)?;
    let entry = program.at(input.entry).filter(|&i| i < program.insns.len());
    let Some(entry) = entry else {
        return Err(RewriteError::BadInput(format!(
            "its entry {:#x} is no instruction",
            input.entry
        )));
    };
    refs.taken[entry] = true;
    if let Some(unwind) = unwind {
        for routine in unwind.personalities(program)? {
            refs.taken[routine] = true;
        }
    }
    refs.pointers.sort_unstable();
    Ok(refs)
}

/// Whether a code pointer may have this value: an address in text, or its end.
fn may_point(input: &Input<'_>, value: u64) -> bool {
    (TEXT_BASE..=input.text_end()).contains(&value)
}

/// The code index that a pointer at `at` with `value` means.
fn target(
    input: &Input<'_>,
    program: &Program<'_>,
    at: u64,
    len: usize,
    value: u64,
) -> Result<usize, RewriteError> {
    program.at(value).ok_or_else(|| {
        let reason = format!(
            "points into the middle of an instruction, {}",
            input.describe(value)
        );
        RewriteError::Refused(vec![input.refusal(
            at,
            len,
            &reason,
            "data in text, or a label that no instruction starts at, must be moved out of .text",
        )])
    })
}

/// Fills `taken`, `in_code`, `bases` and `dead_branches`.
fn find_in_code(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &mut Refs,
) -> Result<(), RewriteError> {
    let mut relocs = &input.text_relocs[..];
    for (index, insn) in program.insns.iter().enumerate() {
        let (ip, end, len) = (insn.ip(), insn.next_ip(), usize::from(insn.len));
        // Most have neither.
        if !insn.rip && relocs.first().is_none_or(|r| r.at >= end) {
            continue;
        }
        let mut note = |field, value| -> Result<(), RewriteError> {
            let target = target(input, program, ip, len, value)?;
            refs.taken[target] = true;
            refs.in_code.push((index, field, target));
            Ok(())
        };
        let reads_text = || {
            RewriteError::Refused(vec![input.refusal(
                ip,
                len,
                "the instruction reads or writes data that lies in text",
                "move the data out of .text (assembly: into .section .rodata)",
            )])
        };
        if insn.rip {
            let value = program.data(index);
            let lea = match insn.kind {
                Kind::Other => program.decoded(index).mnemonic() == Mnemonic::Lea,
                kind => kind == Kind::Lea,
            };
            if may_point(input, value) {
                if !lea {
                    return Err(reads_text());
                }
                note(CodeField::RipDisplacement, value)?;
            } else if lea {
                refs.bases.push(value);
            }
        }
        while let [reloc, rest @ ..] = relocs
            && reloc.at < end
        {
            relocs = rest;
            if reloc.at < ip {
                continue;
            }
            let field = (reloc.at - ip) as u8;
            match reloc.kind {
                RelocKind::Pc64 | RelocKind::Large => {
                    return Err(RewriteError::Refused(vec![input.refusal(
                        ip,
                        len,
                        "position-independent code of the large model, which computes with 8-byte distances from code",
                        "compile with -mcmodel=small, the default",
                    )]));
                }
                RelocKind::Pc32 | RelocKind::Got if reloc.undefined_weak => {
                    refs.dead_branches.insert(ip);
                }
                // `call *f@GOTPCREL(%rip)`, relaxed to `addr32 call f`: the branch says its target.
                RelocKind::Got if program.target(index).is_some() => {}
                RelocKind::Abs32 | RelocKind::Abs64 | RelocKind::Got
                    if field == insn.immediate_at =>
                {
                    let wide = len - field as usize >= 8 && reloc.kind == RelocKind::Abs64;
                    // The field's own bytes: the linker may have relaxed the instruction and kept the type.
                    let bytes = &program.bytes(index)[field as usize..];
                    let value = if wide {
                        u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes were checked"))
                    } else if bytes.len() >= 4 {
                        u64::from(u32::from_le_bytes(
                            bytes[..4].try_into().expect("4 bytes were checked"),
                        ))
                    } else {
                        continue;
                    };
                    if may_point(input, value) {
                        note(
                            if wide {
                                CodeField::Immediate64
                            } else {
                                CodeField::Immediate32
                            },
                            value,
                        )?;
                    } else {
                        refs.bases.push(value);
                    }
                }
                RelocKind::Abs32 if field == insn.displacement_at && !insn.rip => {
                    let decoded = program.decoded(index);
                    let value = u64::from(decoded.memory_displacement32());
                    if may_point(input, value) {
                        if decoded.mnemonic() != Mnemonic::Lea {
                            return Err(reads_text());
                        }
                        note(CodeField::Displacement, value)?;
                    } else {
                        refs.bases.push(value);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn find_in_data(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &mut Refs,
) -> Result<(), RewriteError> {
    // Unwind tables are re-encoded by their own rules, not field by field.
    let unwind: Vec<_> = input
        .sections
        .iter()
        .filter(|s| is_table(s.name))
        .map(|s| s.address..s.address + s.size)
        .collect();
    let mut table: Option<(u64, u64)> = None; // the current jump table: its base, and where its next entry would be
    for reloc in input
        .data_relocs
        .iter()
        .filter(|r| !unwind.iter().any(|u| u.contains(&r.at)))
    {
        let width = if matches!(
            reloc.kind,
            RelocKind::Abs64 | RelocKind::Pc64 | RelocKind::Large
        ) {
            8
        } else {
            4
        };
        let refuse = |reason: &str, way_out: &str| {
            RewriteError::Refused(vec![input.refusal(reloc.at, width, reason, way_out)])
        };
        let Some(bytes) = input.data(reloc.at, width) else {
            continue;
        };
        let field = if width == 8 {
            u64::from_le_bytes(bytes.try_into().expect("width is 8"))
        } else {
            u64::from(u32::from_le_bytes(bytes.try_into().expect("width is 4")))
        };
        let (form, value) = match reloc.kind {
            RelocKind::Abs64 if may_point(input, field) => (DataField::Absolute64, field),
            RelocKind::Abs32 if may_point(input, field) => (DataField::Absolute32, field),
            RelocKind::Pc64 | RelocKind::Large if reloc.code => {
                return Err(refuse(
                    "an 8-byte distance to code",
                    "compile with -mcmodel=small",
                ));
            }
            RelocKind::Pc32 if reloc.code => {
                let base = match table {
                    _ if refs.is_base(reloc.at) => reloc.at,
                    Some((base, next)) if next == reloc.at && !reloc.function => base,
                    // A distance from the field itself.
                    _ => reloc.at,
                };
                table = Some((base, reloc.at + 4));
                (
                    DataField::Relative32(base),
                    base.wrapping_add(field as u32 as i32 as u64),
                )
            }
            _ => continue,
        };
        if !may_point(input, value) {
            return Err(refuse(
                "a jump table whose base no instruction names",
                "compile this file with -fno-jump-tables or without -fPIC",
            ));
        }
        let target = target(input, program, reloc.at, width, value)?;
        refs.taken[target] = true;
        refs.in_data.push((reloc.at, form, target));
        if form == DataField::Absolute64 {
            refs.pointers.push((reloc.at, target));
        }
    }
    Ok(())
}

/// GOT slots that survived relaxation have no relocation, but what lies in the range of text can only be a code address.
fn find_in_got(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &mut Refs,
) -> Result<(), RewriteError> {
    for section in input
        .sections
        .iter()
        .filter(|s| matches!(s.name, ".got" | ".got.plt"))
    {
        for at in (section.address..section.address + section.size).step_by(8) {
            let Some(value) = input.got_slot(at) else {
                continue;
            };
            if may_point(input, value)
                && input
                    .data_relocs
                    .binary_search_by_key(&at, |r| r.at)
                    .is_err()
            {
                let target = target(input, program, at, 8, value)?;
                refs.taken[target] = true;
                refs.in_data.push((at, DataField::Absolute64, target));
            }
        }
    }
    Ok(())
}

/// The relocations that are left for the start: R_X86_64_IRELATIVE, whose addend is the address of an ifunc's resolver.
fn find_resolvers(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &mut Refs,
) -> Result<(), RewriteError> {
    let in_got = |slot| {
        let mut got = input.sections.iter().filter(|s| s.name.starts_with(".got"));
        got.any(|s| (s.address..s.address + s.size).contains(&slot))
    };
    for reloc in &input.start_relocs {
        if reloc.info != u64::from(elf::R_X86_64_IRELATIVE)
            || !in_got(reloc.slot)
            || !may_point(input, reloc.addend)
        {
            return Err(RewriteError::Refused(vec![input.refusal(
                reloc.at,
                StartReloc::SIZE,
                "a relocation that only a dynamic linker resolves",
                "link with -static -no-pie",
            )]));
        }
        let target = target(input, program, reloc.at, StartReloc::SIZE, reloc.addend)?;
        refs.taken[target] = true;
        refs.in_data
            .push((reloc.addend_at(), DataField::Absolute64, target));
    }
    Ok(())
}
