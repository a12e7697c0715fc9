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
    ADDRESS32, BRANCH, BRANCH8, BRANCH32, CALL, END, GS, INDIRECT_CALL, NEEDS_V2, NEEDS_V3,
    NULL_SEGMENT, RANK, RETURN, REX, RSP, SLOW, STATE_SHIFT,
};
use crate::fields::Fields;
use crate::table::{self, Form, Map, Tables, slot};

/// What the bytes since the instruction's start come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum State {
    Slow,
    /// An instruction has ended; it was a branch of this kind, or none.
    End(u16),
    Prefixes(Fields),
    /// So many bytes of compilers' padding: 66 again and again, and whether a null segment stood behind; the same and 0F.
    Padding(u8, bool),
    PaddingEscape,
    /// The opcode of this map is next.
    Opcode(Map, Fields),
    /// Behind C5, C4, and the byte behind C4.
    Vex2(Fields),
    Vex3(Fields),
    Vex3Second(Fields, u8),
    /// ModRM is next: what is to follow by ModRM.reg, for memory, then for registers; and the level.
    ModRm([Shape; 16], Access, u8),
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

/// What is to follow ModRM.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Shape {
    Slow,
    /// An operand and so many bytes of immediate; marked is memory that is not accessed, and a register that may not be rsp.
    Operand(u8, bool),
    /// The mask of a guarded pair, in an extended register or not, or of a return.
    Mask(bool),
    ReturnMask,
}

/// The state behind `byte`.
fn follow(tables: &Tables, state: State, byte: u8) -> State {
    match state {
        State::Slow => State::Slow,
        State::End(_) if byte == 0x66 => State::Padding(1, false),
        State::End(_) => prefixes(tables, Fields::default(), byte),
        State::Prefixes(fields) => prefixes(tables, fields, byte),
        State::Padding(count @ ..7, false) if byte == 0x66 => State::Padding(count + 1, false),
        State::Padding(count @ ..7, false) if RANK[usize::from(byte)] == NULL_SEGMENT => {
            State::Padding(count + 1, true)
        }
        State::Padding(1, false) => prefixes(tables, padding(), byte),
        State::Padding(..) if byte == 0x90 => State::End(0),
        State::Padding(..) if byte == 0x0F => State::PaddingEscape,
        State::PaddingEscape if byte == 0x1F => opcode(tables, Map::Of, padding(), byte),
        State::Padding(..) | State::PaddingEscape => State::Slow,
        State::Opcode(map, fields) => match (map, byte) {
            (Map::Of, 0x38) => State::Opcode(Map::Of38, fields),
            (Map::Of, 0x3A) => State::Opcode(Map::Of3a, fields),
            _ => opcode(tables, map, fields, byte),
        },
        State::Vex2(fields) => vex(fields, 0xC5, [byte, 0, 0]),
        State::Vex3(fields) if matches!(byte & 0x1F, 1..=3) => State::Vex3Second(fields, byte),
        State::Vex3(_) => State::Slow,
        State::Vex3Second(fields, one) => vex(fields, 0xC4, [one, byte, 0]),
        State::ModRm(shapes, access, _) => modrm(&shapes, access, byte),
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

/// 66 alone.
fn padding() -> Fields {
    let mut fields = Fields::default();
    fields.prefix(0x66);
    fields
}

fn prefixes(tables: &Tables, mut fields: Fields, byte: u8) -> State {
    let before = fields;
    match fields.prefix(byte) {
        Some(right) => {
            let odd = fields.lock || fields.has(GS) || byte == 0x66 && before.class > 1;
            if !right || odd {
                return State::Slow;
            }
            // 67 confines whatever the index is.
            if fields.has(ADDRESS32) {
                fields.x = 0;
            }
            State::Prefixes(fields)
        }
        None => match byte {
            0x0F => State::Opcode(Map::Of, fields),
            0xC4 | 0xC5 | 0x62 if fields.class != 0 || fields.has(REX) => State::Slow,
            0xC5 => State::Vex2(fields),
            0xC4 => State::Vex3(fields),
            0x62 => State::Slow,
            _ => opcode(tables, Map::One, fields, byte),
        },
    }
}

fn vex(mut fields: Fields, first: u8, behind: [u8; 3]) -> State {
    let Ok((map, _)) = fields.vector(first, behind) else {
        return State::Slow;
    };
    // X and B are told apart by `decode`, here either is both; of vvvv it matters whether it is empty, or rsp.
    fields.x = (fields.x | fields.b) & if fields.has(ADDRESS32) { 0 } else { 8 };
    fields.b = 0;
    if fields.vvvv != 0 && fields.vvvv != RSP {
        fields.vvvv = 1;
    }
    State::Opcode(map, fields)
}

fn opcode(tables: &Tables, map: Map, fields: Fields, opcode: u8) -> State {
    let forms = tables.forms(slot(map, fields.class.into(), fields.wide.into(), opcode));
    if forms[0] != 0 && forms[0] & table::MODRM == 0 {
        return plain(forms[0], fields, opcode);
    }
    let (mut shapes, mut level, mut memory) = ([Shape::Slow; 16], None, false);
    for (at, &form) in forms.iter().enumerate() {
        let (reg, register) = (at as u8 & 7, at >= 8);
        let shape = shape(form, reg, register, opcode, &fields);
        // All shapes need the first one's level.
        if shape != Shape::Slow
            && needs(form) < 3
            && needs(form) == *level.get_or_insert(needs(form))
        {
            shapes[at] = shape;
            memory |= !register && matches!(shape, Shape::Operand(_, false));
        }
    }
    let Some(level) = level else {
        return State::Slow;
    };
    let access = if fields.has(ADDRESS32) || !memory {
        Access::Any
    } else if fields.x | fields.b != 0 {
        Access::Relative
    } else {
        Access::Confined
    };
    State::ModRm(shapes, access, level)
}

/// The level that a form needs, less one.
fn needs(form: Form) -> u8 {
    (form >> table::LEVEL_SHIFT & 3) as u8
}

/// An instruction without ModRM.
fn plain(form: Form, fields: Fields, opcode: u8) -> State {
    let wrong = fields.fit(form, 0).is_err()
        || fields.stack_pointer(form, opcode, 0).is_err()
        || form & table::STRING != 0 && !fields.has(ADDRESS32)
        || form & (table::JB | table::JZ) != 0 && fields.seen != 0;
    // VEX has told its level; for others none would.
    if wrong || needs(form) != 0 && !fields.vector {
        State::Slow
    } else if form & table::JB != 0 {
        State::Branch(1, BRANCH | BRANCH8)
    } else if form & table::CALL != 0 {
        State::Branch(4, BRANCH | CALL)
    } else if form & table::JZ != 0 {
        State::Branch(4, BRANCH | BRANCH32)
    } else {
        skip(fields.immediate(form) as u8)
    }
}

fn shape(form: Form, reg: u8, register: bool, opcode: u8, fields: &Fields) -> Shape {
    let rare = form & (table::VSIB | table::K_REG | table::K_RM | table::K_VVVV) != 0;
    let some = register && form >> table::RM_SHIFT & 0xFF != 0xFF;
    // ModRM with some register that is not rsp, and with rsp.
    let modrm = if register { 0xC0 } else { 0 } | reg << 3;
    let (other, rsp) = (modrm, modrm | RSP);
    if form == 0
        || rare
        || some
        || fields.fit(form, modrm).is_err()
        || fields.stack_pointer(form, opcode, other).is_err()
    {
        return Shape::Slow;
    }
    if form & table::MASK != 0 {
        if register && opcode == 0x83 && !fields.wide && fields.class == 0 {
            return Shape::Mask(fields.b != 0);
        }
        let mut rex_w = Fields::default();
        rex_w.prefix(0x48);
        if !register && opcode == 0x81 && *fields == rex_w {
            return Shape::ReturnMask;
        }
    }
    let marked = if register {
        fields.stack_pointer(form, opcode, rsp).is_err()
    } else {
        form & table::ADDRESS != 0
    };
    Shape::Operand(fields.immediate(form) as u8, marked)
}

fn modrm(shapes: &[Shape; 16], access: Access, byte: u8) -> State {
    let (mode, reg, rm) = (byte >> 6, byte >> 3 & 7, byte & 7);
    let register = mode == 3;
    let (immediate, marked) = match shapes[usize::from(reg | if register { 8 } else { 0 })] {
        Shape::Operand(immediate, marked) => (immediate, marked),
        // `and $-32,%esp` masks nothing.
        Shape::Mask(false) if rm == RSP => return State::Skip(1),
        Shape::Mask(high) => return State::Mask(rm | if high { 8 } else { 0 }),
        Shape::ReturnMask if byte == RETURN[2] => return State::Return(RETURN.len() as u8 - 3),
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
            State::End(_) | State::Prefixes(_) | State::Opcode(..) => true,
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
            let rex = matches!(next, State::Prefixes(fields) if fields.has(REX));
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
