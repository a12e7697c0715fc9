//! What an instruction may look like, as bits, and where they stand. `build/rows.rs` fills the tables from the specification.
// The makers of the tables, in `build`, use all of them; the library does not.
#![allow(dead_code)]

/// Opcode maps: legacy, VEX, EVEX.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Map {
    One,
    Of,
    Of38,
    Of3a,
    VexOf,
    VexOf38,
    VexOf3a,
    EvexOf,
    EvexOf38,
    EvexOf3a,
}

impl Map {
    /// The level that its encoding needs, less one.
    pub(crate) fn level(self) -> Form {
        match self {
            Map::One | Map::Of | Map::Of38 | Map::Of3a => 0,
            Map::VexOf | Map::VexOf38 | Map::VexOf3a => 2,
            Map::EvexOf | Map::EvexOf38 | Map::EvexOf3a => 3,
        }
    }
}

const MAPS: usize = 10;

/// What one form of an instruction (opcode, prefix, W, ModRM.reg, register or memory) may look like: the bits below; 0 is reject.
pub(crate) type Form = u64;

pub(crate) const OK: Form = 1;
/// A ModRM byte follows.
pub(crate) const MODRM: Form = 1 << 1;
/// The memory operand is only computed.
pub(crate) const ADDRESS: Form = 1 << 2;
/// The index is a vector register.
pub(crate) const VSIB: Form = 1 << 3;
/// Memory through rsi, rdi, rbx.
pub(crate) const STRING: Form = 1 << 4;
/// Immediates: one byte; two with 66, else four; two, four or eight.
pub(crate) const IB: Form = 1 << 5;
pub(crate) const IZ: Form = 1 << 6;
pub(crate) const IV: Form = 1 << 7;
/// Branch displacements.
pub(crate) const JB: Form = 1 << 8;
pub(crate) const JZ: Form = 1 << 9;
/// General registers written: ModRM.reg, ModRM.rm, the opcode's low bits, VEX.vvvv.
pub(crate) const WRITES_REG: Form = 1 << 10;
pub(crate) const WRITES_RM: Form = 1 << 11;
pub(crate) const WRITES_OPCODE: Form = 1 << 12;
pub(crate) const WRITES_VVVV: Form = 1 << 13;
pub(crate) const WRITES: Form = WRITES_REG | WRITES_RM | WRITES_OPCODE | WRITES_VVVV;
/// The written registers are bytes.
pub(crate) const BYTE: Form = 1 << 14;
/// C8 allows the 32-bit form to write esp.
pub(crate) const ESP: Form = 1 << 15;
pub(crate) const LOCK: Form = 1 << 16;
/// 66 may stand beside F2 or F3.
pub(crate) const WITH_66: Form = 1 << 17;
pub(crate) const CALL: Form = 1 << 18;
pub(crate) const MASK: Form = 1 << 19;
pub(crate) const NO_REX: Form = 1 << 20;
/// Two bits: the level, less one.
pub(crate) const LEVEL_SHIFT: u32 = 21;
/// VEX.vvvv is an operand; else it must be empty.
pub(crate) const VVVV: Form = 1 << 23;
/// Vector lengths 0, 1, 2.
pub(crate) const LENGTH_SHIFT: u32 = 24;
pub(crate) const BROADCAST: Form = 1 << 28;
pub(crate) const ROUNDING: Form = 1 << 29;
pub(crate) const SAE: Form = 1 << 30;
pub(crate) const MERGING: Form = 1 << 31;
pub(crate) const ZEROING: Form = 1 << 32;
pub(crate) const MASK_REQUIRED: Form = 1 << 33;
/// ModRM.reg and ModRM.rm are vectors: EVEX.R' and EVEX.X extend them.
pub(crate) const VECTOR_REG: Form = 1 << 34;
pub(crate) const VECTOR_RM: Form = 1 << 35;
/// Mask registers: no extension.
pub(crate) const K_REG: Form = 1 << 36;
pub(crate) const K_RM: Form = 1 << 37;
pub(crate) const K_VVVV: Form = 1 << 38;
/// The destination is in ModRM.rm.
pub(crate) const STORE: Form = 1 << 39;
/// A direct branch that 67 makes test ecx.
pub(crate) const BRANCH_67: Form = 1 << 40;
/// Eight bits: the values of ModRM.rm in a register form.
pub(crate) const RM_SHIFT: u32 = 48;

/// Slots of one opcode: by ModRM.reg, memory forms, then register forms. An opcode without ModRM has 16 equal ones.
pub(crate) type Slots = [Form; 16];

pub(crate) const SLOTS: usize = MAPS * 4 * 2 * 256;
pub(crate) const GROUPS: usize = 256;

/// Where an opcode's group number stands.
#[inline]
pub(crate) const fn slot(map: Map, pp: usize, w: usize, opcode: u8) -> usize {
    ((map as usize * 4 + pp) * 2 + w) * 256 + opcode as usize
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) group: [u16; SLOTS],
    pub(crate) forms: [Slots; GROUPS],
}

impl Tables {
    /// An opcode's forms.
    #[inline]
    pub(crate) fn forms(&self, slot: usize) -> &Slots {
        &self.forms[self.group[slot] as usize % GROUPS]
    }

    /// The form of an opcode whose next byte, ModRM or not, is `modrm`.
    #[inline]
    pub(crate) fn form(&self, slot: usize, modrm: u8) -> Form {
        self.forms(slot)[(modrm >> 3 & 7 | if modrm >= 0xC0 { 8 } else { 0 }) as usize]
    }
}
