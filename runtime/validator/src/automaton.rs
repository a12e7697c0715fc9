//! The common instructions as a finite automaton over bytes, made from the specification's tables at compile time.
//!
//! One state a byte: `next[state][byte]`, from 0 at a bundle's start. Whatever the automaton does not follow to its end (rare
//! encodings, and all that is wrong) leads to [`SLOW`], from where nothing leads back: then `decode` has the word. So the
//! automaton only ever says that an instruction is right, never that it is wrong, and says so only of what `decode` accepts too.
//!
//! An entry of the table is the next state and what has happened on the way there: whether an instruction ended,
//! which one if it was a branch, and the level that the opcode needs.

use std::collections::HashMap;

use crate::encoding::{
    ADDRESS32, BRANCH, BRANCH8, BRANCH32, CALL, END, GROUP1, INDIRECT_CALL, NEEDS_V2, NEEDS_V3,
    NULL_SEGMENT, OPERAND16, RANK, RETURN, REX, RSP, SLOW, STATE_SHIFT,
};
use crate::table::{self, Form, Map, Tables, slot};

/// What the bytes since the instruction's start come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum State {
    Slow,
    /// An instruction has ended; it was a branch of this kind, or none.
    End(u16),
    /// Prefixes, the last one of this rank.
    Prefixes(Prefixes, u8),
    /// So many bytes of compilers' padding: 66 again and again, and whether a null segment stood behind; the same and 0F.
    Padding(u8, bool),
    PaddingEscape,
    /// The opcode of this map is next.
    Opcode(Map, Prefixes),
    /// Behind C5, C4, and the byte behind C4.
    Vex2(Prefixes),
    Vex3(Prefixes),
    Vex3Second(Map, Prefixes),
    /// ModRM is next: what is to follow by ModRM.reg, for memory, then for registers.
    ModRm(u64, Access, u8),
    /// SIB is next, behind this mode and before so many bytes of immediate.
    Sib(u8, Access, u8),
    /// Bytes of any value.
    Skip(u8),
    /// So many bytes of a displacement that is to be at least −8 MiB, whether its third byte is 80 or more, and the immediate.
    Lowest(u8, bool, u8),
    /// So many bytes of a displacement that is not to be negative, and the immediate.
    Positive(u8, u8),
    /// So many bytes of a branch's displacement, then this end.
    Branch(u8, u16),
    /// A guarded pair of this register, behind its ModRM, its mask, and 41; and behind FF.
    Mask(u8),
    Masked(u8),
    MaskedHigh(u8),
    Jump(u8),
    /// So many bytes of a guarded return.
    Return(u8),
}

/// What a memory operand may be, by the prefixes: anything (67, or an address that is not accessed); rsp, rip, or absolute;
/// rip alone, because an extended register is part of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Access {
    Any,
    Confined,
    Relative,
}

/// Prefixes, or what VEX holds in their place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Prefixes {
    /// A null segment: it means nothing, but branches and the mask of a return bear none.
    segment: bool,
    /// 67.
    narrow: bool,
    /// As in the specification: none, 66, F3, F2.
    class: u8,
    rex: bool,
    w: bool,
    r: bool,
    x: bool,
    b: bool,
    vector: bool,
    length: u8,
    /// 0 where VEX.vvvv is empty, 1 for rsp, 2 for others.
    vvvv: u8,
}

impl Prefixes {
    const NONE: Prefixes = Prefixes {
        segment: false,
        narrow: false,
        class: 0,
        rex: false,
        w: false,
        r: false,
        x: false,
        b: false,
        vector: false,
        length: 0,
        vvvv: 0,
    };

    /// VEX's X and B are told apart by `decode`; here either is both.
    fn vex(mut self, r: bool, extended: bool, last: u8) -> Prefixes {
        self.vector = true;
        self.class = last & 3;
        self.r = r;
        self.x = extended && !self.narrow;
        self.length = last >> 2 & 1;
        self.vvvv = match last >> 3 & 15 {
            15 => 0,
            11 => 1,
            _ => 2,
        };
        self
    }
}

/// 66 alone.
const PADDING: Prefixes = Prefixes {
    class: 1,
    ..Prefixes::NONE
};

/// The state behind `byte`.
fn follow(tables: &Tables, state: State, byte: u8) -> State {
    match state {
        State::Slow => State::Slow,
        State::End(_) if byte == 0x66 => State::Padding(1, false),
        State::End(_) => prefixes(tables, Prefixes::NONE, 0, byte),
        State::Prefixes(seen, last) => prefixes(tables, seen, last, byte),
        State::Padding(count @ ..7, false) if byte == 0x66 => State::Padding(count + 1, false),
        State::Padding(count @ ..7, false) if RANK[usize::from(byte)] == NULL_SEGMENT => {
            State::Padding(count + 1, true)
        }
        State::Padding(1, false) => prefixes(tables, PADDING, OPERAND16, byte),
        State::Padding(..) if byte == 0x90 => State::End(0),
        State::Padding(..) if byte == 0x0F => State::PaddingEscape,
        State::PaddingEscape if byte == 0x1F => opcode(tables, Map::Of, PADDING, byte),
        State::Padding(..) | State::PaddingEscape => State::Slow,
        State::Opcode(map, seen) => match (map, byte) {
            (Map::Of, 0x38) => State::Opcode(Map::Of38, seen),
            (Map::Of, 0x3A) => State::Opcode(Map::Of3a, seen),
            _ => opcode(tables, map, seen, byte),
        },
        State::Vex2(seen) => State::Opcode(Map::VexOf, seen.vex(byte & 0x80 == 0, false, byte)),
        State::Vex3(mut seen) => {
            seen.r = byte & 0x80 == 0;
            seen.x = byte & 0x60 != 0x60;
            match byte & 0x1F {
                1 => State::Vex3Second(Map::VexOf, seen),
                2 => State::Vex3Second(Map::VexOf38, seen),
                3 => State::Vex3Second(Map::VexOf3a, seen),
                _ => State::Slow,
            }
        }
        State::Vex3Second(map, mut seen) => {
            seen.w = byte & 0x80 != 0;
            State::Opcode(map, seen.vex(seen.r, seen.x, byte))
        }
        State::ModRm(shapes, access, _) => modrm(shapes, access, byte),
        State::Sib(mode, access, immediate) => sib(mode, access, immediate, byte),
        State::Skip(count) => skip(count - 1),
        State::Lowest(1, low, immediate) => {
            // 8 MiB: bits 23 to 31 are the sign's.
            if byte < 0x80 || byte == 0xFF && low {
                skip(immediate)
            } else {
                State::Slow
            }
        }
        State::Lowest(2, _, immediate) => State::Lowest(1, byte >= 0x80, immediate),
        State::Lowest(left, low, immediate) => State::Lowest(left - 1, low, immediate),
        State::Positive(1, immediate) if byte < 0x80 => skip(immediate),
        State::Positive(1, _) => State::Slow,
        State::Positive(left, immediate) => State::Positive(left - 1, immediate),
        State::Branch(1, end) => State::End(end),
        State::Branch(left, end) => State::Branch(left - 1, end),
        // Another mask is no guard, and an instruction of its own.
        State::Mask(_) if byte != 0xE0 => State::End(0),
        State::Mask(register) => State::Masked(register),
        State::Masked(register) if register < 8 && byte == 0xFF => State::Jump(register),
        State::Masked(register) if register >= 8 && byte == 0x41 => State::MaskedHigh(register - 8),
        State::MaskedHigh(register) if byte == 0xFF => State::Jump(register),
        State::Jump(register) if byte == 0xE0 | register => State::End(0),
        State::Jump(register) if byte == 0xD0 | register => State::End(BRANCH | INDIRECT_CALL),
        State::Return(left) if byte == RETURN[RETURN.len() - left as usize] => {
            if left == 1 {
                State::End(0)
            } else {
                State::Return(left - 1)
            }
        }
        State::Masked(_) | State::MaskedHigh(_) | State::Jump(_) | State::Return(_) => State::Slow,
    }
}

fn skip(count: u8) -> State {
    if count == 0 {
        State::End(0)
    } else {
        State::Skip(count)
    }
}

fn prefixes(tables: &Tables, mut seen: Prefixes, last: u8, byte: u8) -> State {
    let rank = RANK[byte as usize];
    if rank != 0 {
        if rank <= last {
            return State::Slow;
        }
        match rank {
            ADDRESS32 => seen.narrow = true,
            NULL_SEGMENT => seen.segment = true,
            OPERAND16 if seen.class == 0 => seen.class = 1,
            GROUP1 if byte == 0xF3 => seen.class = 2,
            GROUP1 if byte == 0xF2 => seen.class = 3,
            REX => {
                seen.rex = true;
                seen.w = byte & 8 != 0;
                seen.r = byte & 4 != 0;
                seen.x = byte & 2 != 0 && !seen.narrow;
                seen.b = byte & 1 != 0;
            }
            _ => return State::Slow,
        }
        return State::Prefixes(seen, rank);
    }
    let vex = seen.class == 0 && !seen.rex;
    match byte {
        0x0F => State::Opcode(Map::Of, seen),
        0xC5 if vex => State::Vex2(seen),
        0xC4 if vex => State::Vex3(seen),
        0xC4 | 0xC5 | 0x62 => State::Slow,
        _ => opcode(tables, Map::One, seen, byte),
    }
}

fn opcode(tables: &Tables, map: Map, seen: Prefixes, opcode: u8) -> State {
    let forms = tables.forms(slot(map, seen.class as usize, seen.w as usize, opcode));
    let form = forms[0];
    if form & table::OK != 0 && form & table::MODRM == 0 {
        let plain = seen == Prefixes::NONE;
        let stack_pointer = form & table::WRITES_OPCODE != 0
            && opcode & 7 == RSP
            && !seen.b
            && !narrow_write(form, seen);
        let empty = form & table::VVVV != 0 || seen.vvvv == 0;
        let long = !seen.vector || form >> table::LENGTH_SHIFT >> seen.length & 1 != 0;
        // VEX has told its level; for others none would.
        if form >> table::LEVEL_SHIFT & 3 != 0 && !seen.vector
            || form & table::NO_REX != 0 && seen.rex
            || form & table::STRING != 0 && !seen.narrow
            || stack_pointer
            || !empty
            || !long
        {
            return State::Slow;
        }
        if form & table::JB != 0 {
            return if plain {
                State::Branch(1, BRANCH | BRANCH8)
            } else {
                State::Slow
            };
        }
        if form & table::JZ != 0 {
            let kind = if form & table::CALL != 0 {
                CALL
            } else {
                BRANCH32
            };
            return if plain {
                State::Branch(4, BRANCH | kind)
            } else {
                State::Slow
            };
        }
        return skip(immediate(form, seen));
    }
    let (mut shapes, mut level, mut memory) = (0, 4, false);
    let mut i = 0;
    while i < 16 {
        let shape = shape(forms[i], i as u8, opcode, seen);
        let needs = (forms[i] >> table::LEVEL_SHIFT & 3) as u8;
        if shape != 0 && needs < 3 && (level == 4 || level == needs) {
            level = needs;
            shapes |= (shape as u64) << (4 * i);
            memory = memory || i < 8 && shape <= 4;
        }
        i += 1;
    }
    if shapes == 0 {
        return State::Slow;
    }
    let access = if seen.narrow || !memory {
        Access::Any
    } else if seen.x || seen.b {
        Access::Relative
    } else {
        Access::Confined
    };
    State::ModRm(shapes, access, level)
}

/// Whether writing rsp's number is a listed 32-bit form, or writes ah.
fn narrow_write(form: Form, seen: Prefixes) -> bool {
    if form & table::BYTE != 0 {
        !seen.rex && !seen.vector
    } else {
        form & table::ESP != 0 && !seen.w && seen.class != 1
    }
}

fn immediate(form: Form, seen: Prefixes) -> u8 {
    let word = if seen.w || seen.class != 1 { 4 } else { 2 };
    (form & table::IB != 0) as u8
        + if form & table::IZ != 0 { word } else { 0 }
        + if form & table::IV == 0 {
            0
        } else if seen.w {
            8
        } else {
            word
        }
}

/// Four bits for ModRM.reg and memory (`at` below 8) or register: 0 is slow; 1 to 4 an operand, and 0, 1, 2 or 4 bytes of
/// immediate; 5 to 8 the same of memory that is not accessed, or of a register that may not be rsp; then the masks.
fn shape(form: Form, at: u8, opcode: u8, seen: Prefixes) -> u8 {
    let (reg, register) = (at & 7, at >= 8);
    if form & table::OK == 0
        || form & (table::VSIB | table::K_REG | table::K_RM | table::K_VVVV) != 0
        || register && form >> table::RM_SHIFT & 0xFF != 0xFF
        || form & table::NO_REX != 0 && seen.rex
    {
        return 0;
    }
    if seen.vector
        && (form & table::VVVV == 0 && seen.vvvv != 0
            || form & table::WRITES_VVVV != 0 && seen.vvvv == 1
            || form >> table::LENGTH_SHIFT >> seen.length & 1 == 0)
    {
        return 0;
    }
    let harmless = form & table::WRITES == 0 || narrow_write(form, seen);
    if form & table::WRITES_REG != 0 && reg == RSP && !seen.r && !harmless {
        return 0;
    }
    if form & table::MASK != 0 {
        if register && opcode == 0x83 && !seen.w && seen.class == 0 {
            return if seen.b { MASK_HIGH } else { MASK };
        }
        let rex_w = Prefixes {
            rex: true,
            w: true,
            ..Prefixes::NONE
        };
        if !register && opcode == 0x81 && seen == rex_w {
            return RETURN_MASK;
        }
    }
    let count = match immediate(form, seen) {
        0 => 1,
        1 => 2,
        2 => 3,
        _ => 4,
    };
    let marked = if register {
        form & table::WRITES_RM != 0 && !seen.b && !harmless
    } else {
        form & table::ADDRESS != 0
    };
    if marked { count + 4 } else { count }
}

const MASK: u8 = 9;
const MASK_HIGH: u8 = 10;
const RETURN_MASK: u8 = 11;

fn modrm(shapes: u64, access: Access, byte: u8) -> State {
    let (mode, reg, rm) = (byte >> 6, byte >> 3 & 7, byte & 7);
    let register = mode == 3;
    let shape = (shapes >> (4 * (reg + if register { 8 } else { 0 })) & 15) as u8;
    let marked = shape >= 5;
    let immediate = match shape {
        1 | 5 => 0,
        2 | 6 => 1,
        3 | 7 => 2,
        4 | 8 => 4,
        // `and $-32,%esp` masks nothing.
        MASK if rm == RSP => return State::Skip(1),
        MASK => return State::Mask(rm),
        MASK_HIGH => return State::Mask(rm | 8),
        RETURN_MASK if byte == RETURN[2] => return State::Return(RETURN.len() as u8 - 3),
        _ => return State::Slow,
    };
    if register {
        return if marked && rm == RSP {
            State::Slow
        } else {
            skip(immediate)
        };
    }
    let access = if marked { Access::Any } else { access };
    match (mode, rm, access) {
        (_, 4, Access::Relative) => State::Slow,
        (_, 4, _) => State::Sib(mode, access, immediate),
        (0, 5, Access::Any) => State::Skip(4 + immediate),
        // Code lies below 2 GiB, so what is as far ahead of it lies below 4.
        (0, 5, _) => State::Positive(4, immediate),
        (_, _, Access::Any) => skip(displacement(mode, rm) + immediate),
        _ => State::Slow,
    }
}

fn displacement(mode: u8, base: u8) -> u8 {
    match mode {
        0 if base != 5 => 0,
        1 => 1,
        _ => 4,
    }
}

fn sib(mode: u8, access: Access, immediate: u8, byte: u8) -> State {
    let (index, base) = (byte >> 3 & 7, byte & 7);
    match (access, mode, base) {
        (Access::Any, ..) => skip(displacement(mode, base) + immediate),
        (Access::Confined, 2, 4) if index == 4 => State::Lowest(4, false, immediate),
        (Access::Confined, 0 | 1, 4) if index == 4 => skip(mode + immediate),
        (Access::Confined, 0, 5) if index == 4 => State::Positive(4, immediate),
        _ => State::Slow,
    }
}

/// The table: by state and byte.
pub(crate) fn build(tables: &Tables) -> Vec<[u16; 256]> {
    let mut builder = Builder {
        tables,
        numbers: HashMap::new(),
        merged: HashMap::new(),
        rows: vec![[SLOW; 256]],
    };
    builder.rows[0] = builder.row(State::End(0));
    builder.rows
}

struct Builder<'a> {
    tables: &'a Tables,
    numbers: HashMap<State, u16>,
    /// States where all that may follow is the same are one.
    merged: HashMap<[u16; 256], u16>,
    rows: Vec<[u16; 256]>,
}

impl Builder<'_> {
    fn row(&mut self, state: State) -> [u16; 256] {
        std::array::from_fn(|byte| {
            let next = follow(self.tables, state, byte as u8);
            let needs = match next {
                State::ModRm(_, _, 1) => NEEDS_V2,
                State::ModRm(_, _, 2) | State::Vex2(_) | State::Vex3(_) => NEEDS_V3,
                _ => 0,
            };
            self.number(next) | needs
        })
    }

    /// The entry of a state, which is made, and all behind it, if it is new.
    fn number(&mut self, state: State) -> u16 {
        match state {
            State::Slow => return SLOW,
            State::End(kind) => return END | kind,
            _ => {}
        }
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let row = self.row(state);
        let next = (self.rows.len() as u16) << STATE_SHIFT;
        let number = *self.merged.entry(row).or_insert(next);
        if number == next {
            assert!(next < SLOW, "more states than the table has room for");
            self.rows.push(row);
        }
        self.numbers.insert(state, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::decode::{Flow, TABLES, Window, decode};
    use crate::encoding::KIND;
    use crate::{Level, fast};

    const BASE: u32 = 0x2_0000;
    /// Bytes to go on with, and where they lead.
    type Leading = Rc<[(u8, State)]>;
    const LEVELS: [Level; 4] = [Level::V1, Level::V2, Level::V3, Level::V4];

    /// Ways through the automaton, the table and `follow` side by side, against the decoder: all opcodes behind all orders of prefixes,
    /// six of the REX, and one or two bytes for each state that they may lead to. With ZVM_EXHAUSTIVE every REX and every ModRM.
    struct Walk {
        exhaustive: bool,
        /// What leads on from a state, and the table's number for it.
        known: HashMap<State, (u16, Leading)>,
        bytes: Vec<u8>,
        happened: u16,
        ways: u64,
    }

    impl Walk {
        fn on(&mut self, state: State, entry: u16) {
            let number = entry >> STATE_SHIFT;
            let exhaustive = self.exhaustive;
            let known = self.known.entry(state);
            let (same, leading) =
                known.or_insert_with(|| (number, leading(state, entry, exhaustive)));
            assert_eq!(*same, number, "{:02x?}", self.bytes);
            for &(byte, next) in leading.clone().iter() {
                let behind = fast::step(entry, byte);
                self.bytes.push(byte);
                let before = self.happened;
                self.happened |= behind & (NEEDS_V2 | NEEDS_V3);
                match next {
                    State::End(kind) => self.end(kind, behind),
                    _ => self.on(next, behind),
                }
                self.happened = before;
                self.bytes.pop();
            }
        }

        /// The decoder sees the same, whatever stands behind.
        fn end(&mut self, kind: u16, entry: u16) {
            self.ways += 1;
            assert_eq!(entry, END | kind, "{:02x?}", self.bytes);
            assert!(self.bytes.len() <= 15);
            let masks = matches!(
                self.bytes.iter().find(|&&byte| byte & 0xF0 != 0x40),
                Some(0x81 | 0x83)
            );
            let others: &[[u8; 3]] = if masks {
                &[
                    [0xF4; 3],
                    [0xFF, 0xE0, 0xF4],
                    [0xFF, 0xD1, 0xF4],
                    [0x41, 0xFF, 0xE3],
                    [0xC3; 3],
                    [0x9D; 3],
                ]
            } else {
                &[[0xFF, 0xE0, 0xF4]]
            };
            for behind in others {
                let mut window: Window = [0; 64];
                window[..self.bytes.len()].copy_from_slice(&self.bytes);
                window[self.bytes.len()..][..3].copy_from_slice(behind);
                // The lowest level that the automaton would let it pass at; higher ones accept more.
                let lowest = LEVELS
                    .into_iter()
                    .find(|&level| self.happened & fast::forbidden(level) == 0);
                if let Some(level) = lowest {
                    let (length, flow) = decode(&window, 0, BASE, level)
                        .unwrap_or_else(|broken| panic!("{:02x?}: {broken:?}", self.bytes));
                    assert_eq!(length, self.bytes.len(), "{:02x?}", self.bytes);
                    let at = |count: usize| {
                        let mut wide = [0; 4];
                        wide[4 - count..].copy_from_slice(&self.bytes[length - count..]);
                        let displacement = i32::from_le_bytes(wide) >> (8 * (4 - count));
                        (BASE + length as u32).wrapping_add_signed(displacement)
                    };
                    let expected = match (kind & BRANCH, kind & KIND) {
                        (0, 0) => Flow::Next,
                        (BRANCH, BRANCH8) => Flow::Branch(at(1)),
                        (BRANCH, BRANCH32) => Flow::Branch(at(4)),
                        (BRANCH, CALL) => Flow::Call(at(4)),
                        (BRANCH, INDIRECT_CALL) => Flow::IndirectCall,
                        _ => panic!("{kind}"),
                    };
                    assert_eq!(flow, expected, "{:02x?}", self.bytes);
                }
            }
        }
    }

    /// Compares the table's row with `follow`, and chooses the bytes to go on with.
    fn leading(state: State, entry: u16, exhaustive: bool) -> Leading {
        let all = match state {
            State::End(_) | State::Prefixes(..) | State::Opcode(..) => true,
            State::ModRm(..) | State::Vex2(_) | State::Vex3(_) | State::Vex3Second(..) => {
                exhaustive
            }
            _ => false,
        };
        let twice = matches!(state, State::ModRm(..) | State::Sib(..) | State::Lowest(..));
        let mut leading: Vec<(u8, State)> = Vec::new();
        let mut firsts: Vec<State> = Vec::new();
        for byte in 0..=255u8 {
            let (next, behind) = (follow(&TABLES, state, byte), fast::step(entry, byte));
            assert_eq!(next == State::Slow, behind == SLOW, "{state:?} {byte:x}");
            assert_eq!(
                matches!(next, State::End(_)),
                behind & END != 0,
                "{state:?} {byte:x}"
            );
            let rex = matches!(next, State::Prefixes(_, REX));
            let usual = exhaustive || !rex || [0x40, 0x41, 0x44, 0x48, 0x4B, 0x4D].contains(&byte);
            if next != State::Slow && (all && usual || !all && !firsts.contains(&next)) {
                firsts.push(next);
                leading.push((byte, next));
            }
        }
        for byte in (0..=255u8).rev() {
            let next = follow(&TABLES, state, byte);
            if let Some(at) = firsts.iter().position(|&other| other == next)
                && twice
                && !all
            {
                firsts.swap_remove(at);
                leading.push((byte, next));
            }
        }
        leading.into()
    }

    #[test]
    fn the_table_is_this_one() {
        for (state, row) in (0..).zip(build(&TABLES)) {
            for (byte, entry) in (0..=255).zip(row) {
                assert_eq!(fast::step(state << STATE_SHIFT, byte), entry);
            }
        }
    }

    #[test]
    fn every_way_ends_as_the_decoder_says() {
        let mut walk = Walk {
            exhaustive: std::env::var_os("ZVM_EXHAUSTIVE").is_some(),
            known: HashMap::new(),
            bytes: Vec::new(),
            happened: 0,
            ways: 0,
        };
        walk.on(State::End(0), 0);
        println!("{} ways", walk.ways);
        assert!(walk.ways > 1_000_000);
    }
}
