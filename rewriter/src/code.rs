//! The rewritten code before it has addresses: a list of operations, some of which hold a target.

/// What an operation's field at `at` must hold once addresses are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fix {
    /// Nothing: the bytes stand as they are.
    None,
    /// RIP-relative 4-byte displacement to `target`.
    Rip,
    /// 4-byte address of `target`.
    Absolute32,
    /// 8-byte address of `target`.
    Absolute64,
    /// A direct branch to `target`; `bytes[0]` says which: 0xEB jmp, 0x70+cc jcc, 0xE8 call. Encoded at the end.
    Branch,
    /// A short-only branch (jrcxz, jecxz, loop) to a near operation: `bytes` and an 8-bit displacement behind them.
    Short,
}

/// What `Op::target` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A code index of the input program.
    Code(u32),
    /// The same, where data lead to: what is restored for its label comes first.
    Entry(u32),
    /// An index into the operations of the same run.
    Op(u32),
    /// What a table of jumps counts from, by its index.
    Table(u32),
    /// An address that does not move: data, or a trampoline.
    Fixed(u32),
}

/// One output instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// One more than an instruction may have, so that they are copied at once. What stands behind `len` means nothing.
    pub bytes: [u8; 16],
    pub len: u8,
    pub fix: Fix,
    /// Offset of the field.
    pub at: u8,
    /// A set of [`GLUED`] and what follows it.
    pub kind: u8,
    /// A branch in its long form.
    pub long: bool,
    /// Prefixes that mean nothing here and may stand in front to fill a gap.
    pub room: Room,
    pub target: Target,
}

/// Must stand in the same bundle as the next operation, right before it.
pub(crate) const GLUED: u8 = 1;
/// Must end its bundle.
pub(crate) const ENDS: u8 = 2;
/// What follows is not reached through it.
pub(crate) const STOPS: u8 = 4;
/// A jump through a register.
pub(crate) const INDIRECT: u8 = 8;
/// Must start a bundle.
pub(crate) const ALIGNED: u8 = 16;

/// The longest instruction, in bytes.
pub(crate) const LONGEST: u8 = 15;

/// Padding that an operation can take (rule C9): prefixes without an effect on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// None: branches, parts of guarded pairs, what has its segment.
    None = 0,
    /// A null segment.
    Segment = 1,
    /// A null segment, and 0x67, as the operation has no memory operand.
    Both = 2,
}

impl Room {
    /// In bytes.
    pub(crate) fn bytes(self) -> u8 {
        self as u8
    }
}

impl Op {
    /// An operation without a field.
    pub(crate) fn plain(bytes: &[u8]) -> Op {
        let mut op = Op {
            bytes: [0; 16],
            len: bytes.len() as u8,
            fix: Fix::None,
            at: 0,
            kind: match bytes {
                [0xC3] | [0xF4] | [0xCC] | [0x0F, 0x0B] => STOPS,
                _ => 0,
            },
            long: false,
            room: Room::None,
            target: Target::Fixed(0),
        };
        op.bytes[..bytes.len()].copy_from_slice(bytes);
        op
    }

    /// A direct branch; `opcode` as in [`Fix::Branch`].
    pub(crate) fn branch(opcode: u8, target: Target, long: bool) -> Op {
        let call = opcode == 0xE8;
        let mut bytes = [0; 16];
        bytes[0] = opcode;
        let mut op = Op {
            bytes,
            len: 0,
            fix: Fix::Branch,
            at: 0,
            kind: match opcode {
                0xE8 => ENDS,
                0xEB => STOPS,
                _ => 0,
            },
            long: long || call,
            room: Room::None,
            target,
        };
        op.len = op.branch_len();
        op
    }

    /// Gives a [`Fix::Branch`] its long form.
    pub(crate) fn lengthen(&mut self) {
        self.long = true;
        self.len = self.branch_len();
    }

    /// Bytes that a [`Fix::Branch`] takes.
    pub(crate) fn branch_len(&self) -> u8 {
        match (self.long, self.bytes[0]) {
            (false, _) => 2,
            (true, 0xEB | 0xE8) => 5,
            (true, _) => 6,
        }
    }

    /// The same with more of a kind.
    pub(crate) fn also(mut self, kind: u8) -> Op {
        self.kind |= kind;
        self
    }

    pub(crate) fn fixed(mut self, fix: Fix, at: usize, target: Target) -> Op {
        (self.fix, self.at, self.target) = (fix, at as u8, target);
        self
    }
}

/// A general register by its number in an encoding, 0 = rax … 15 = r15.
pub(crate) type Gpr = u8;
/// Register numbers used by name.
pub(crate) const RAX: Gpr = 0;
pub(crate) const RSP: Gpr = 4;
pub(crate) const R10: Gpr = 10;
pub(crate) const R11: Gpr = 11;

/// `and $-32, %r32` glued to `jmp *%r` or `call *%r`: rule C3.
pub(crate) fn indirect(register: Gpr, call: bool) -> [Op; 2] {
    let (low, high) = (register & 7, register >> 3);
    let mask: &[u8] = &[0x41, 0x83, 0xE0 | low, 0xE0];
    let jump: &[u8] = &[0x41, 0xFF, if call { 0xD0 } else { 0xE0 } | low];
    let from = usize::from(high == 0);
    let jump = Op::plain(&jump[from..]);
    [
        Op::plain(&mask[from..]).also(GLUED),
        jump.also(if call { ENDS } else { STOPS | INDIRECT }),
    ]
}

/// `andq $0x7fffffe0, (%rsp)` glued to `ret`: rule C4.
pub(crate) fn masked_return() -> [Op; 2] {
    [
        Op::plain(&[0x48, 0x81, 0x24, 0x24, 0xE0, 0xFF, 0xFF, 0x7F]).also(GLUED),
        Op::plain(&[0xC3]),
    ]
}

/// `andq $0xcd5, (%rsp)` glued to `popfq`: rule C9.
pub(crate) fn masked_popfq() -> [Op; 2] {
    [
        Op::plain(&[0x48, 0x81, 0x24, 0x24, 0xD5, 0x0C, 0x00, 0x00]).also(GLUED),
        Op::plain(&[0x9D]),
    ]
}
