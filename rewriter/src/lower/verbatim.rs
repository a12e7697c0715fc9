//! The fast path: most instructions stay as they are, but for the 0x67 of a memory operand that C6 confines.
//!
//! [`Lowerer::general`] would come to the same operation (see the test below); this way costs a fraction of the time.

use iced_x86::{Code, FlowControl, Instruction, Mnemonic, OpKind, Register};

use super::shorter::shorter;
use super::system::answer;
use super::{Lowerer, general, level};
use crate::code::{Fix, LONGEST, Op, Room, Target};
use crate::decode::{Insn, Kind, Program};
use crate::quick::WINDOW;

/// What is known of each `Code`, found out when it is first asked for.
pub(super) struct Ordinary(Vec<u8>);

/// Not looked at so far.
const UNKNOWN: u8 = 0xFF;
/// Lowered in some way of its own.
const SPECIAL: u8 = 0xFE;

impl Ordinary {
    pub(super) fn new() -> Self {
        Ordinary(vec![UNKNOWN; Code::values().len()])
    }

    /// The level of the instructions with this code, if nothing but their operands and prefixes can make them special.
    fn level(&mut self, code: Code) -> Option<u32> {
        let known = &mut self.0[code as usize];
        if *known == UNKNOWN {
            *known = find(code).map_or(SPECIAL, |level| level as u8);
        }
        (*known != SPECIAL).then_some(u32::from(*known))
    }
}

fn find(code: Code) -> Option<u32> {
    use Mnemonic as M;
    let mut insn = Instruction::default();
    insn.set_code(code);
    let mnemonic = insn.mnemonic();
    let special = code == Code::INVALID
        || insn.flow_control() != FlowControl::Next
        || answer(&insn).is_some()
        || insn.is_string_instruction()
        || general::plain_store(mnemonic).is_some()
        || matches!(mnemonic, M::Nop | M::Endbr64 | M::Endbr32 | M::Xlatb)
        || matches!(mnemonic, M::Bt | M::Bts | M::Btr | M::Btc)
        || matches!(mnemonic, M::Shld | M::Shrd | M::Xchg | M::Xadd)
        || names_segment(code);
    (!special).then(|| level::of(&insn))
}

/// Whether an operand of instructions with this code is a segment register. (iced's own table of operands takes longer to make
/// than a small program to rewrite; the test below holds this against it.)
fn names_segment(code: Code) -> bool {
    use Code as C;
    matches!(
        code,
        C::Mov_rm16_Sreg
            | C::Mov_r32m16_Sreg
            | C::Mov_r64m16_Sreg
            | C::Mov_Sreg_rm16
            | C::Mov_Sreg_r32m16
            | C::Mov_Sreg_r64m16
            | C::Svdc_m80_Sreg
            | C::Rsdc_Sreg_m80
    )
}

/// The operation for the instruction at a code index of a quick kind that holds no code address.
#[inline]
pub(super) fn quick(program: &Program<'_>, index: usize) -> Op {
    let insn = &program.insns[index];
    let data = if insn.rip { program.data(index) } else { 0 };
    // Nothing is moved within the bytes: processors wait for what was just written in parts.
    let from = insn.at as usize + usize::from(insn.kind == Kind::Stack);
    let bytes = match from.checked_sub(usize::from(insn.kind == Kind::Confined)) {
        Some(from) => program.window(from),
        None => {
            let mut bytes = program.window(from);
            bytes.copy_within(..WINDOW - 1, 1);
            bytes
        }
    };
    if matches!(insn.kind, Kind::Lea | Kind::Constant) {
        return shorter(kept(insn, bytes, data as u32));
    }
    kept(insn, bytes, data as u32)
}

/// The same from its bytes with room for 0x67 and without a prefix that goes, and the address that it names relative to rip.
#[inline]
fn kept(insn: &Insn, mut bytes: [u8; WINDOW], data: u32) -> Op {
    let confined = insn.kind == Kind::Confined;
    bytes[0] = if confined { ADDRESS32 } else { bytes[0] };
    Op {
        bytes,
        len: insn.len + u8::from(confined) - u8::from(insn.kind == Kind::Stack),
        fix: if insn.rip { Fix::Rip } else { Fix::None },
        at: insn.displacement_at,
        kind: 0,
        long: false,
        room: match insn.kind {
            Kind::Plain | Kind::Constant | Kind::Stack => Room::Both,
            _ => Room::Segment,
        },
        target: Target::Fixed(data),
    }
}

const ADDRESS32: u8 = 0x67;

impl Lowerer<'_> {
    /// Lowers `insn`, which holds no code address, if it may stay as it is.
    pub(super) fn verbatim(&mut self, insn: &Insn, decoded: &Instruction) -> bool {
        let bytes = self.input.bytes(decoded);
        let level = self.ordinary.level(decoded.code());
        if level.is_none_or(|level| level > self.level) {
            return false;
        }
        let Some(op) = verbatim(insn, decoded, bytes) else {
            return false;
        };
        self.ops.push(shorter(op));
        true
    }
}

/// The operation for an instruction with an ordinary code; `None` where prefixes or operands make it special.
fn verbatim(insn: &Insn, decoded: &Instruction, bytes: &[u8]) -> Option<Op> {
    if !in_order(bytes) || decoded.has_rep_prefix() || decoded.has_repne_prefix() {
        return None;
    }
    let operands = decoded.op_count();
    if operands > 0
        && decoded.op0_kind() == OpKind::Register
        && decoded.op0_register().full_register() == Register::RSP
    {
        return None;
    }
    if !(0..operands).any(|op| decoded.op_kind(op) == OpKind::Memory) {
        let room = Room::Both;
        return Some(Op {
            room,
            ..Op::plain(bytes)
        });
    }
    let mut op = match decoded.memory_base() {
        Register::RIP => Op::plain(bytes).fixed(
            Fix::Rip,
            usize::from(insn.displacement_at),
            Target::Fixed(decoded.ip_rel_memory_address() as u32),
        ),
        Register::EIP => return None,
        _ if !general::is_confined(decoded) => Op::plain(bytes),
        _ => {
            let mut op = Op::plain(&[ADDRESS32]);
            let len = 1 + bytes.len();
            if len > usize::from(LONGEST) {
                return None;
            }
            op.bytes[1..len].copy_from_slice(bytes);
            op.len = len as u8;
            op
        }
    };
    op.room = Room::Segment;
    Some(op)
}

/// Whether the prefixes are at most one of 66, F2 and F3, and a REX that leaves it a meaning.
fn in_order(bytes: &[u8]) -> bool {
    let &[first, ..] = bytes else {
        return false;
    };
    let mandatory = matches!(first, 0x66 | 0xF2 | 0xF3);
    let rest = &bytes[usize::from(mandatory)..];
    let rex = rest.first().copied().filter(|byte| byte & 0xF0 == 0x40);
    let Some(&opcode) = rest.get(usize::from(rex.is_some())) else {
        return false;
    };
    let prefix = matches!(
        opcode,
        0x26 | 0x2E | 0x36 | 0x3E | 0x40..=0x4F | 0x64..=0x67 | 0xF0 | 0xF2 | 0xF3
    );
    let void = first == 0x66 && opcode != 0x0F && rex.is_some_and(|rex| rex & 8 != 0);
    !prefix && !void
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use iced_x86::{Code, FlowControl, OpCodeOperandKind};

    use super::{Ordinary, answer, general, kept, level, names_segment, verbatim};
    use crate::code::{Fix, Op};
    use crate::decode::{Insn, Kind, is_padding};
    use crate::quick::{WINDOW, long_nop, quick};
    use crate::random::instructions;

    const STARTS: [&[u8]; 19] = [
        &[],
        &[0x48],
        &[0x0F],
        &[0x66],
        &[0x66, 0x0F],
        &[0xF2, 0x0F],
        &[0xF3, 0x0F],
        &[0xF3, 0x4C, 0x0F],
        &[0x66, 0x48],
        &[0x66, 0x0F, 0x38],
        &[0x66, 0x0F, 0x3A],
        &[0xC5],
        &[0xC4],
        &[0x67],
        &[0x48, 0x83],
        &[0x48, 0x81],
        &[0xFF],
        &[0xF7],
        &[0x41, 0x0F],
    ];

    fn written(op: &Op) -> &[u8] {
        &op.bytes[..usize::from(op.len)]
    }

    /// Wherever the fast path answers, it answers as the other.
    #[test]
    fn agrees_with_the_general_way() {
        let mut ordinary = Ordinary::new();
        let mut answered = 0;
        let mut codes = HashSet::<Code>::new();
        instructions(&STARTS, 500_000, |bytes, decoder, decoded| {
            if ordinary.level(decoded.code()).is_none() {
                return;
            }
            let insn = Insn::new(decoder, decoded);
            let bytes = &bytes[..decoded.len()];
            let Some(op) = verbatim(&insn, decoded, bytes) else {
                return;
            };
            let Ok((expected, shift)) = general::prepare(bytes, decoded) else {
                panic!("{bytes:02x?} has no general form");
            };
            assert_eq!(written(&op), written(&expected), "{bytes:02x?}");
            assert_eq!(op.room, expected.room, "{bytes:02x?}");
            let rip = decoded.is_ip_rel_memory_operand();
            assert_eq!(op.fix == Fix::Rip, rip, "{bytes:02x?}");
            if rip {
                let offset = decoder.get_constant_offsets(decoded).displacement_offset();
                assert_eq!(
                    usize::from(op.at),
                    offset.wrapping_add_signed(shift),
                    "{bytes:02x?}"
                );
            }
            answered += 1;
            codes.insert(decoded.code());
        });
        for code in Code::values() {
            let segment = code
                .op_code()
                .op_kinds()
                .contains(&OpCodeOperandKind::seg_reg);
            assert_eq!(names_segment(code), segment, "{code:?}");
        }
        assert!(answered > 100_000, "{answered} only");
        assert!(codes.len() > 500, "{} codes only", codes.len());
    }

    /// Fill of every length against iced.
    #[test]
    fn long_nops_are_nops() {
        let starts: [&[u8]; 4] = [
            &[0x0F, 0x1F],
            &[0x2E, 0x0F, 0x1F, 0x84],
            &[0x66, 0x2E, 0x0F, 0x1F, 0x80],
            &[0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2E, 0x0F, 0x1F],
        ];
        let mut answered = 0;
        instructions(&starts, 100_000, |bytes, _, decoded| {
            let len = long_nop(bytes.first_chunk::<WINDOW>().expect("24 bytes"));
            if len > 0 {
                assert_eq!(usize::from(len), decoded.len(), "{bytes:02x?}");
                assert!(is_padding(decoded), "{bytes:02x?}");
                answered += 1;
            }
        });
        assert!(answered > 10_000, "{answered} only");
    }

    /// The quick decoder against iced, and its way of lowering against the general one.
    #[test]
    fn quick_agrees_with_the_general_way() {
        let mut answered = 0;
        let mut codes = HashSet::<Code>::new();
        instructions(&STARTS, 1_000_000, |bytes, decoder, decoded| {
            let window = bytes.first_chunk::<WINDOW>().expect("24 bytes");
            let at = (decoded.ip() - zvm_abi::layout::TEXT_BASE) as u32;
            let Some(insn) = quick(window, at) else {
                return;
            };
            let exact = &bytes[..decoded.len()];
            assert_eq!(usize::from(insn.len), decoded.len(), "{exact:02x?}");
            answered += 1;
            codes.insert(decoded.code());
            let expected = Insn::new(decoder, decoded);
            let flow = match insn.kind {
                Kind::Padding => return assert!(is_padding(decoded), "{exact:02x?}"),
                Kind::Jump => FlowControl::UnconditionalBranch,
                Kind::Branch => FlowControl::ConditionalBranch,
                Kind::Call => FlowControl::Call,
                Kind::Return => FlowControl::Return,
                Kind::IndirectJump => FlowControl::IndirectBranch,
                Kind::IndirectCall => FlowControl::IndirectCall,
                Kind::Flow if exact == [0xCC] => FlowControl::Interrupt,
                Kind::Flow => FlowControl::Exception,
                _ => FlowControl::Next,
            };
            assert_eq!(decoded.flow_control(), flow, "{exact:02x?}");
            if matches!(insn.kind, Kind::IndirectJump | Kind::IndirectCall) {
                let near = decoded.is_jmp_near_indirect() || decoded.is_call_near_indirect();
                assert!(near && insn.rip == expected.rip, "{exact:02x?}");
            }
            if flow != FlowControl::Next {
                return;
            }
            assert_eq!(
                insn.displacement_at, expected.displacement_at,
                "{exact:02x?}"
            );
            assert_eq!(insn.immediate_at, expected.immediate_at, "{exact:02x?}");
            assert_eq!(insn.rip, expected.rip, "{exact:02x?}");
            assert_eq!(expected.kind, Kind::Other, "{exact:02x?}");
            assert_eq!(level::of(decoded), 1, "{exact:02x?}");
            assert!(answer(decoded).is_none(), "{exact:02x?}");
            assert!(!decoded.is_string_instruction(), "{exact:02x?}");
            let (first, to) = match insn.kind {
                Kind::Stack => (1, 0),
                Kind::Confined => (0, 1),
                _ => (0, 0),
            };
            let mut parts = [0; WINDOW];
            parts[to..].copy_from_slice(&bytes[first..first + WINDOW - to]);
            let op = kept(&insn, parts, 0);
            let Ok((general, _)) = general::prepare(exact, decoded) else {
                panic!("{exact:02x?} has no general form");
            };
            assert_eq!(written(&op), written(&general), "{exact:02x?}");
            assert_eq!(op.room, general.room, "{exact:02x?}");
            assert_eq!(op.fix == Fix::Rip, insn.rip, "{exact:02x?}");
        });
        assert!(answered > 200_000, "{answered} only");
        assert!(codes.len() > 250, "{} codes only", codes.len());
    }
}
