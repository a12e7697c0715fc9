//! An instruction's fields in front of its opcode, and what a form allows them to be.

use crate::encoding::{ADDRESS32, GROUP1, OPERAND16, RANK, REX, RSP};
use crate::rules::{Broken, Rule};
use crate::table::{self, Form, Map};

/// Prefixes, and what VEX and EVEX hold in their place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Fields {
    /// Bit n: the prefix of rank n stood there.
    pub(crate) seen: u8,
    /// The mandatory prefix as the tables count: none, 66, F3, F2.
    pub(crate) class: u8,
    pub(crate) lock: bool,
    pub(crate) wide: bool,
    /// Extensions of ModRM.reg, SIB.index and ModRM.rm: 0 or 8.
    pub(crate) r: u8,
    pub(crate) x: u8,
    pub(crate) b: u8,
    /// VEX.vvvv, upright.
    pub(crate) vvvv: u8,
    pub(crate) length: u8,
    pub(crate) vector: bool,
    evex: Option<Evex>,
}

/// What EVEX has and VEX has not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Evex {
    r2: bool,
    v2: bool,
    zeroing: bool,
    b: bool,
    mask: u8,
}

pub(crate) const UNLISTED: Broken = (Rule::C9, "not on the list of instructions");
const EMPTY: Broken = (Rule::C9, "a field of VEX or EVEX that must be empty");
const LENGTH: Broken = (Rule::C9, "a vector length that is not on the list");

impl Fields {
    #[inline]
    pub(crate) fn has(&self, rank: u8) -> bool {
        self.seen >> rank & 1 == 1
    }

    /// Takes a prefix in; `None` if the byte is none, `Some(false)` if it may not stand behind those before.
    #[inline]
    pub(crate) fn prefix(&mut self, byte: u8) -> Option<bool> {
        let rank = RANK[usize::from(byte)];
        if rank == 0 {
            return None;
        }
        if self.seen >> rank != 0 {
            return Some(false);
        }
        self.seen |= 1 << rank;
        match rank {
            REX => {
                self.wide = byte & 8 != 0;
                self.r = (byte & 4) << 1;
                self.x = (byte & 2) << 2;
                self.b = (byte & 1) << 3;
            }
            OPERAND16 if self.class == 0 => self.class = 1,
            GROUP1 if byte == 0xF3 => self.class = 2,
            GROUP1 if byte == 0xF2 => self.class = 3,
            GROUP1 => self.lock = true,
            _ => {}
        }
        Some(true)
    }

    /// VEX or EVEX, by its first byte and the three behind it: the opcode's map, and how many of the three are its own.
    /// Fields that name registers are stored inverted.
    #[inline]
    pub(crate) fn vector(
        &mut self,
        first: u8,
        [one, two, three]: [u8; 3],
    ) -> Result<(Map, usize), Broken> {
        if self.seen & (1 << GROUP1 | 1 << OPERAND16 | 1 << REX) != 0 {
            return Err((Rule::C9, "a legacy prefix before VEX or EVEX"));
        }
        self.vector = true;
        self.r = !one >> 4 & 8;
        // The last byte of VEX, whichever it is.
        let last = if first == 0xC5 { one } else { two };
        self.vvvv = !last >> 3 & 15;
        self.length = last >> 2 & 1;
        self.class = last & 3;
        if first == 0xC5 {
            return Ok((Map::VexOf, 1));
        }
        self.x = !one >> 3 & 8;
        self.b = !one >> 2 & 8;
        self.wide = two & 0x80 != 0;
        if first == 0xC4 {
            return match one & 0x1F {
                1 => Ok((Map::VexOf, 2)),
                2 => Ok((Map::VexOf38, 2)),
                3 => Ok((Map::VexOf3a, 2)),
                _ => Err(UNLISTED),
            };
        }
        self.length = three >> 5 & 3;
        self.evex = Some(Evex {
            r2: one & 0x10 == 0,
            v2: three & 8 == 0,
            zeroing: three & 0x80 != 0,
            b: three & 0x10 != 0,
            mask: three & 7,
        });
        if two & 4 == 0 {
            return Err((Rule::C9, "a fixed bit of EVEX is wrong"));
        }
        match one & 0x0F {
            1 => Ok((Map::EvexOf, 3)),
            2 => Ok((Map::EvexOf38, 3)),
            3 => Ok((Map::EvexOf3a, 3)),
            _ => Err(UNLISTED),
        }
    }

    /// Bytes of immediate.
    #[inline]
    pub(crate) fn immediate(&self, form: Form) -> usize {
        let word = if self.has(OPERAND16) && !self.wide {
            2
        } else {
            4
        };
        let long = if self.wide { 8 } else { word };
        let present = |bit: Form, bytes| if form & bit == 0 { 0 } else { bytes };
        present(table::IB, 1) + present(table::IZ, word) + present(table::IV, long)
    }

    /// Whether the form allows these fields; of ModRM, only whether it names a register.
    #[inline]
    pub(crate) fn fit(&self, form: Form, modrm: u8) -> Result<(), Broken> {
        if self.vector {
            self.fit_vector(form, modrm >= 0xC0)
        } else if self.seen & !(1 << ADDRESS32 | 1 << REX) != 0 || form & table::NO_REX != 0 {
            self.fit_legacy(form, modrm >= 0xC0)
        } else {
            Ok(())
        }
    }

    fn fit_legacy(&self, form: Form, register: bool) -> Result<(), Broken> {
        if self.lock && (form & table::LOCK == 0 || register) {
            return Err((Rule::C9, "lock on what cannot be locked"));
        }
        if self.class > 1 && self.has(OPERAND16) && form & table::WITH_66 == 0 {
            return Err((Rule::C9, "66 beside F2 or F3"));
        }
        if form & table::NO_REX != 0 && self.has(REX) {
            return Err((Rule::C9, "REX on an encoding that has none"));
        }
        Ok(())
    }

    /// What the form does not use must be empty.
    fn fit_vector(&self, form: Form, register: bool) -> Result<(), Broken> {
        let listed = form >> table::LENGTH_SHIFT >> self.length & 1 != 0;
        let k_vvvv = form & table::K_VVVV != 0 && self.vvvv > 7;
        let k_reg = form & table::K_REG != 0 && self.r != 0;
        let k_rm = form & table::K_RM != 0 && register && self.b != 0;
        if form & table::VVVV == 0 && self.vvvv != 0 || k_vvvv || k_reg || k_rm {
            return Err(EMPTY);
        }
        let Some(e) = self.evex else {
            return if listed { Ok(()) } else { Err(LENGTH) };
        };
        let static_rounding = register && e.b;
        if form & table::VECTOR_REG == 0 && e.r2
            || register && form & table::VECTOR_RM == 0 && self.x != 0
            || form & (table::VVVV | table::VSIB) == 0 && e.v2
        {
            return Err(EMPTY);
        }
        if static_rounding {
            if form & (table::ROUNDING | table::SAE) == 0 {
                return Err((
                    Rule::C9,
                    "EVEX.b on registers that cannot round or suppress",
                ));
            }
        } else {
            if e.b && form & table::BROADCAST == 0 {
                return Err((Rule::C9, "EVEX.b on memory that cannot be broadcast"));
            }
            if !listed || self.length == 3 {
                return Err(LENGTH);
            }
        }
        let into_memory = form & table::STORE != 0 && !register;
        if e.mask != 0 && form & table::MERGING == 0
            || e.mask == 0 && form & table::MASK_REQUIRED != 0
            || e.zeroing && (form & table::ZEROING == 0 || e.mask == 0 || into_memory)
        {
            return Err((Rule::C9, "EVEX masking that is not on the list"));
        }
        Ok(())
    }

    /// C8.
    #[inline]
    pub(crate) fn stack_pointer(&self, form: Form, opcode: u8, modrm: u8) -> Result<(), Broken> {
        let reg = modrm >> 3 & 7 | self.r;
        let rm = modrm & 7 | self.b;
        let written = form & table::WRITES_REG != 0 && reg == RSP
            || form & table::WRITES_RM != 0 && modrm >= 0xC0 && rm == RSP
            || form & table::WRITES_OPCODE != 0 && opcode & 7 | self.b == RSP
            || form & table::WRITES_VVVV != 0 && self.vvvv == RSP;
        let ah = form & table::BYTE != 0 && !self.has(REX);
        let narrow =
            form & (table::ESP | table::BYTE) == table::ESP && !self.wide && !self.has(OPERAND16);
        if !written || ah || narrow {
            return Ok(());
        }
        Err((
            Rule::C8,
            "writes the stack pointer other than by a listed 32-bit form",
        ))
    }
}
