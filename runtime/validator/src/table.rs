//! From the specification's rows to dense tables, at compile time.

use crate::spec::SPEC;

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

const SLOT_COUNT: usize = MAPS * 4 * 2 * 256;
const MOST_GROUPS: usize = 512;
const MOST_OPCODES: usize = 4096;

/// Where an opcode's group number stands.
#[inline]
pub(crate) const fn slot(map: Map, pp: usize, w: usize, opcode: u8) -> usize {
    ((map as usize * 4 + pp) * 2 + w) * 256 + opcode as usize
}

/// All tables.
pub(crate) struct Tables {
    group: [u16; SLOT_COUNT],
    forms: [Slots; MOST_GROUPS],
}

impl Tables {
    /// An opcode's forms, for the automaton's maker.
    #[allow(dead_code)]
    pub(crate) const fn forms(&self, slot: usize) -> &Slots {
        &self.forms[self.group[slot] as usize]
    }

    /// The form of an opcode whose next byte, ModRM or not, is `modrm`.
    #[inline]
    pub(crate) fn form(&self, slot: usize, modrm: u8) -> Form {
        let row = &self.forms[self.group[slot] as usize % MOST_GROUPS];
        row[(modrm >> 3 & 7 | if modrm >= 0xC0 { 8 } else { 0 }) as usize]
    }
}

/// A row, parsed.
struct Row {
    opcodes: [bool; 256],
    /// ModRM.reg values; `None` in the text is all.
    regs: u8,
    prefixes: [bool; 4],
    /// For W = 0 and W = 1.
    wide: [bool; 2],
    memory: bool,
    register: bool,
    form: Form,
}

/// Parses the specification.
pub(crate) const fn build() -> Tables {
    // Un-merged slots first: an opcode's forms may come from several rows.
    let mut number = [0u16; SLOT_COUNT];
    let mut raw = [[0; 16]; MOST_OPCODES];
    let mut used = 1;
    let mut section = 0;
    while section < SPEC.len() {
        let (map, text) = (SPEC[section].0, SPEC[section].1.as_bytes());
        let mut at = 0;
        while at < text.len() {
            let end = line_end(text, at);
            if end > at {
                let row = parse(text, at, end, map);
                used = enter(&row, map, &mut number, &mut raw, used);
            }
            at = end + 1;
        }
        section += 1;
    }
    merge(number, &raw, used)
}

/// Writes one row into all slots that it names; two rows for one slot are an error.
const fn enter(
    row: &Row,
    map: Map,
    number: &mut [u16; SLOT_COUNT],
    raw: &mut [Slots; MOST_OPCODES],
    mut used: usize,
) -> usize {
    let mut opcode = 0;
    while opcode < 256 {
        let mut variant = 0;
        while row.opcodes[opcode] && variant < 8 {
            let (pp, w) = (variant >> 1, variant & 1);
            if row.prefixes[pp] && row.wide[w] {
                let slot = slot(map, pp, w, opcode as u8);
                if number[slot] == 0 {
                    number[slot] = used as u16;
                    used += 1;
                }
                let forms = &mut raw[number[slot] as usize];
                let mut i = 0;
                while i < 16 {
                    if row.regs >> (i & 7) & 1 == 1
                        && (if i < 8 { row.memory } else { row.register })
                    {
                        assert!(forms[i] == 0, "two rows for one form");
                        forms[i] = row.form;
                    }
                    i += 1;
                }
            }
            variant += 1;
        }
        opcode += 1;
    }
    used
}

/// Gives equal slots one number.
const fn merge(mut number: [u16; SLOT_COUNT], raw: &[Slots; MOST_OPCODES], used: usize) -> Tables {
    let mut forms = [[0; 16]; MOST_GROUPS];
    let mut groups = 1;
    let mut renumbered = [0u16; MOST_OPCODES];
    let mut i = 1;
    while i < used {
        let mut group = 1;
        while group < groups && !equal(&forms[group], &raw[i]) {
            group += 1;
        }
        if group == groups {
            forms[group] = raw[i];
            groups += 1;
        }
        renumbered[i] = group as u16;
        i += 1;
    }
    let mut slot = 0;
    while slot < SLOT_COUNT {
        number[slot] = renumbered[number[slot] as usize];
        slot += 1;
    }
    Tables {
        group: number,
        forms,
    }
}

const fn equal(a: &Slots, b: &Slots) -> bool {
    let mut i = 0;
    while i < 16 {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn line_end(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && text[at] != b'\n' {
        at += 1;
    }
    at
}

/// The end of the word at `at`; words end at blanks.
const fn word_end(text: &[u8], mut at: usize, end: usize) -> usize {
    while at < end && text[at] != b' ' {
        at += 1;
    }
    at
}

const fn parse(text: &[u8], mut at: usize, end: usize, map: Map) -> Row {
    let vector = map as usize >= Map::VexOf as usize;
    let evex = map as usize >= Map::EvexOf as usize;
    let mut row = Row {
        opcodes: [false; 256],
        regs: 0xFF,
        prefixes: [false; 4],
        wide: [true; 2],
        memory: false,
        register: false,
        form: OK | 0xFF << RM_SHIFT,
    };
    if evex {
        row.form |= 3 << LEVEL_SHIFT;
    } else if vector {
        row.form |= 2 << LEVEL_SHIFT;
    }
    let mut field = 0;
    loop {
        while at < end && text[at] == b' ' {
            at += 1;
        }
        if at == end || text[at] == b';' {
            break;
        }
        let stop = word_end(text, at, end);
        let word = text.split_at(stop).0.split_at(at).1;
        match field {
            0 => opcodes(word, &mut row),
            1 => prefixes(word, &mut row),
            2 => operands(word, &mut row),
            _ => flag(word, &mut row),
        }
        field += 1;
        at = stop;
    }
    if field == 0 {
        // Only names that go on from the line before.
        return row;
    }
    assert!(field >= 3, "a row has opcodes, prefixes and operands");
    if vector && row.form >> LENGTH_SHIFT & 7 == 0 {
        panic!("a VEX row says its lengths");
    }
    row
}

const fn hex(digit: u8) -> usize {
    match digit {
        b'0'..=b'9' => (digit - b'0') as usize,
        b'a'..=b'f' => (digit - b'a' + 10) as usize,
        _ => panic!("not a hexadecimal digit"),
    }
}

const fn opcodes(word: &[u8], row: &mut Row) {
    let mut at = 0;
    let (mut first, mut ranging) = (0, false);
    while at < word.len() {
        match word[at] {
            b',' => at += 1,
            b'-' => {
                ranging = true;
                at += 1;
            }
            b'/' => {
                row.regs = digits(word.split_at(at + 1).1);
                return;
            }
            _ => {
                let opcode = hex(word[at]) * 16 + hex(word[at + 1]);
                if !ranging {
                    first = opcode;
                }
                ranging = false;
                while first <= opcode {
                    row.opcodes[first] = true;
                    first += 1;
                }
                at += 2;
            }
        }
    }
}

/// A list of digits 0 to 7, with ranges, as a mask.
const fn digits(list: &[u8]) -> u8 {
    let (mut mask, mut at, mut first, mut ranging) = (0, 0, 0, false);
    while at < list.len() {
        match list[at] {
            b',' => {}
            b'-' => ranging = true,
            digit => {
                let n = hex(digit);
                if !ranging {
                    first = n;
                }
                ranging = false;
                while first <= n {
                    mask |= 1 << first;
                    first += 1;
                }
            }
        }
        at += 1;
    }
    mask
}

const fn prefixes(word: &[u8], row: &mut Row) {
    let mut at = 0;
    while at < word.len() {
        match (
            word[at],
            if at + 1 < word.len() {
                word[at + 1]
            } else {
                b','
            },
        ) {
            (b'v', _) => {
                row.prefixes[0] = true;
                row.prefixes[1] = true;
                at += 1;
            }
            (b'n', b'p') => {
                row.prefixes[0] = true;
                at += 2;
            }
            (b'6', b'6') => {
                row.prefixes[1] = true;
                at += 2;
            }
            (b'f', which) => {
                row.prefixes[if which == b'3' { 2 } else { 3 }] = true;
                at += 2;
                if at < word.len() && word[at] == b'v' {
                    row.form |= WITH_66;
                    at += 1;
                }
            }
            _ => panic!("not a prefix"),
        }
        if at < word.len() {
            assert!(word[at] == b',', "prefixes are separated by commas");
            at += 1;
        }
    }
}

const fn operands(word: &[u8], row: &mut Row) {
    let mut modrm = false;
    let mut at = 0;
    while at < word.len() {
        let kind = word[at];
        if at == 0 && matches!(kind, b'W' | b'M' | b'E' | b'X' | b'C') {
            row.form |= STORE;
        }
        at += 1;
        let (mut size, mut written) = (b'v', false);
        while at < word.len() && word[at] != b',' {
            if word[at] == b'!' {
                written = true;
            } else {
                size = word[at];
            }
            at += 1;
        }
        at += 1;
        let writes = match kind {
            b'E' | b'R' => WRITES_RM,
            b'G' => WRITES_REG,
            b'B' => WRITES_VVVV,
            b'Z' => WRITES_OPCODE,
            _ => 0,
        };
        if written {
            assert!(writes != 0, "only general registers are marked as written");
            row.form |= writes;
            if size == b'b' {
                row.form |= BYTE;
            }
        }
        match kind {
            b'E' | b'W' | b'Q' | b'C' => {
                row.memory = true;
                row.register = true;
            }
            b'M' | b'A' | b'X' => row.memory = true,
            b'R' | b'U' | b'N' | b'D' => row.register = true,
            _ => {}
        }
        match kind {
            b'E' | b'R' | b'G' | b'M' | b'Q' | b'N' | b'P' => modrm = true,
            b'W' | b'U' => {
                modrm = true;
                row.form |= VECTOR_RM;
            }
            b'V' => {
                modrm = true;
                row.form |= VECTOR_REG;
            }
            b'C' | b'D' => {
                modrm = true;
                row.form |= K_RM;
            }
            b'K' => {
                modrm = true;
                row.form |= K_REG;
            }
            b'A' => {
                modrm = true;
                row.form |= ADDRESS;
            }
            b'X' => {
                modrm = true;
                row.form |= VSIB;
            }
            b'H' | b'B' => row.form |= VVVV,
            b'L' => row.form |= VVVV | K_VVVV,
            b'S' => row.form |= STRING,
            b'I' => {
                row.form |= match size {
                    b'b' => IB,
                    b'z' => IZ,
                    _ => IV,
                }
            }
            b'J' => row.form |= if size == b'b' { JB } else { JZ },
            b'Z' | b'-' => {}
            _ => panic!("not an operand"),
        }
    }
    if modrm {
        row.form |= MODRM;
        assert!(row.memory || row.register, "ModRM without an operand in rm");
    } else {
        row.memory = true;
        row.register = true;
    }
}

const fn flag(word: &[u8], row: &mut Row) {
    row.form |= match word {
        b"lock" => LOCK,
        b"esp" => ESP,
        b"call" => CALL,
        b"a32" => BRANCH_67,
        b"mask" => MASK,
        b"norex" => NO_REX,
        b"v2" => 1 << LEVEL_SHIFT,
        b"v3" => 2 << LEVEL_SHIFT,
        b"v4" => 3 << LEVEL_SHIFT,
        b"bc" => BROADCAST,
        b"er" => ROUNDING,
        b"sae" => SAE,
        b"k" => MERGING,
        b"z" => MERGING | ZEROING,
        b"k!" => MERGING | MASK_REQUIRED,
        b"w0" => {
            row.wide[1] = false;
            0
        }
        b"w1" => {
            row.wide[0] = false;
            0
        }
        [b'l', lengths @ ..] => (digits(lengths) as Form) << LENGTH_SHIFT,
        [b'r', b'm', b'=', list @ ..] => {
            row.form &= !(0xFF << RM_SHIFT);
            (digits(list) as Form) << RM_SHIFT
        }
        _ => panic!("not a flag"),
    };
}
