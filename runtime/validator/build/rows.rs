//! From the specification's rows to the tables.

use std::collections::HashMap;

use crate::spec::SPEC;
use crate::table::*;

/// Parses the specification; two rows for one form are an error.
pub(crate) fn tables() -> Box<Tables> {
    let mut slots = vec![[0; 16]; SLOTS];
    for &(map, rows) in SPEC {
        for row in rows.lines().filter_map(|line| Row::parse(line, map)) {
            row.enter(map, &mut slots);
        }
    }
    // Equal ones have one number; 0 is what has no row.
    let mut tables = Box::new(Tables {
        group: [0; SLOTS],
        forms: [[0; 16]; GROUPS],
    });
    let mut numbers = HashMap::from([([0; 16], 0)]);
    for (group, forms) in tables.group.iter_mut().zip(slots) {
        let next = numbers.len();
        *group = *numbers.entry(forms).or_insert(next as u16);
        tables.forms[usize::from(*group)] = forms;
    }
    tables
}

/// A row, parsed.
struct Row {
    opcodes: Vec<u8>,
    /// ModRM.reg values; where the row names none, all.
    regs: Vec<u8>,
    /// None, 66, F3, F2.
    prefixes: [bool; 4],
    /// For W = 0 and W = 1.
    wide: [bool; 2],
    memory: bool,
    register: bool,
    /// ModRM.rm values of the register form.
    rms: Vec<u8>,
    form: Form,
}

impl Row {
    /// `None` where a line only has names that go on from the one before.
    fn parse(line: &str, map: Map) -> Option<Row> {
        let (encoding, _) = line.split_once(';')?;
        let mut words = encoding.split_whitespace();
        let opcodes = words.next()?;
        let (opcodes, regs) = opcodes.split_once('/').unwrap_or((opcodes, "0-7"));
        let mut row = Row {
            opcodes: list(opcodes),
            regs: list(regs),
            prefixes: [false; 4],
            wide: [true; 2],
            memory: false,
            register: false,
            rms: list("0-7"),
            form: OK | map.level() << LEVEL_SHIFT,
        };
        let missing = "a row has opcodes, prefixes and operands";
        words
            .next()
            .expect(missing)
            .split(',')
            .for_each(|word| row.prefix(word));
        row.operands(words.next().expect(missing));
        words.for_each(|word| row.flag(word));
        row.form |= mask(row.rms.iter().copied()) << RM_SHIFT;
        let vector = map.level() > 0;
        assert!(
            !vector || row.form >> LENGTH_SHIFT & 7 != 0,
            "a VEX row says its lengths: {line}"
        );
        Some(row)
    }

    /// Writes the form into all slots that the row names.
    fn enter(&self, map: Map, slots: &mut [Slots]) {
        let classes = (0..4).filter(|&class| self.prefixes[class]);
        for (class, w) in classes.flat_map(|class| [(class, 0), (class, 1)]) {
            for &opcode in self.opcodes.iter().filter(|_| self.wide[w]) {
                for &reg in &self.regs {
                    for (there, at) in [(self.memory, reg), (self.register, 8 + reg)] {
                        let form = &mut slots[slot(map, class, w, opcode)][usize::from(at)];
                        assert!(
                            !there || *form == 0,
                            "two rows for one form: {map:?} {opcode:x}"
                        );
                        *form |= if there { self.form } else { 0 };
                    }
                }
            }
        }
    }

    fn prefix(&mut self, word: &str) {
        let with_66 = word.len() == 3;
        match &word[..word.len().min(2)] {
            "np" => self.prefixes[0] = true,
            "66" => self.prefixes[1] = true,
            "f3" => self.prefixes[2] = true,
            "f2" => self.prefixes[3] = true,
            "v" => self.prefixes[..2].fill(true),
            _ => panic!("not a prefix: {word}"),
        }
        if with_66 {
            assert!(
                word.ends_with('v') && word.starts_with('f'),
                "not a prefix: {word}"
            );
            self.form |= WITH_66;
        }
    }

    fn operands(&mut self, word: &str) {
        // The destination stands first.
        if word.starts_with(['W', 'M', 'E', 'X', 'C']) {
            self.form |= STORE;
        }
        for operand in word.split(',') {
            let (name, written) = match operand.strip_suffix('!') {
                Some(name) => (name, true),
                None => (operand, false),
            };
            let (kind, size) = name.split_at(1);
            self.form |= match (kind, size) {
                ("E" | "R", _) if written => WRITES_RM,
                ("G", _) if written => WRITES_REG,
                ("B", _) if written => WRITES_VVVV | VVVV,
                ("Z", _) if written => WRITES_OPCODE,
                _ if written => panic!("only general registers are marked as written: {word}"),
                ("W" | "U", _) => VECTOR_RM,
                ("V", _) => VECTOR_REG,
                ("C" | "D", _) => K_RM,
                ("K", _) => K_REG,
                ("A", _) => ADDRESS,
                ("X", _) => VSIB,
                ("H" | "B", _) => VVVV,
                ("L", _) => VVVV | K_VVVV,
                ("S", _) => STRING,
                ("I", "b") => IB,
                ("I", "z") => IZ,
                ("I", "v") => IV,
                ("J", "b") => JB,
                ("J", "z") => JZ,
                ("E" | "R" | "G" | "M" | "Q" | "N" | "P" | "Z" | "-", _) => 0,
                _ => panic!("not an operand: {word}"),
            };
            if written && size == "b" {
                self.form |= BYTE;
            }
            let rm = "EWQCMAXRUND".contains(kind);
            self.memory |= "EWQCMAX".contains(kind);
            self.register |= "EWQCRUND".contains(kind);
            if rm || "GPVK".contains(kind) {
                self.form |= MODRM;
            }
        }
        if self.form & MODRM == 0 {
            (self.memory, self.register) = (true, true);
        }
        assert!(
            self.memory || self.register,
            "ModRM without an operand in rm: {word}"
        );
    }

    fn flag(&mut self, word: &str) {
        self.form |= match word {
            "lock" => LOCK,
            "esp" => ESP,
            "call" => CALL,
            "a32" => BRANCH_67,
            "mask" => MASK,
            "norex" => NO_REX,
            "v2" => 1 << LEVEL_SHIFT,
            "v3" => 2 << LEVEL_SHIFT,
            "v4" => 3 << LEVEL_SHIFT,
            "bc" => BROADCAST,
            "er" => ROUNDING,
            "sae" => SAE,
            "k" => MERGING,
            "z" => MERGING | ZEROING,
            "k!" => MERGING | MASK_REQUIRED,
            "w0" | "w1" => {
                self.wide = [word == "w0", word == "w1"];
                0
            }
            _ => match (word.strip_prefix("rm="), word.strip_prefix('l')) {
                (Some(rms), _) => {
                    self.rms = list(rms);
                    0
                }
                (_, Some(lengths)) => {
                    mask(lengths.bytes().map(|digit| digit - b'0')) << LENGTH_SHIFT
                }
                _ => panic!("not a flag: {word}"),
            },
        };
    }
}

/// Hexadecimal numbers and ranges of them.
fn list(text: &str) -> Vec<u8> {
    let number = |text| u8::from_str_radix(text, 16).expect("a hexadecimal number");
    text.split(',')
        .flat_map(|item| {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            number(first)..=number(last)
        })
        .collect()
}

fn mask(bits: impl Iterator<Item = u8>) -> Form {
    bits.fold(0, |mask, bit| mask | 1 << bit)
}
