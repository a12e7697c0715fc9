//! Jumps to a label plus a distance: through a table of direct jumps, one bundle each, which counts from the label.

use zvm_abi::layout::BUNDLE;

use super::{Lowerer, Outcome, Unsafe, number};
use crate::code::{Fix, Gpr, Op, Target};

impl Lowerer<'_> {
    /// The instruction that names the label: 0 in its place.
    pub(super) fn origin(&mut self, index: usize) -> Outcome {
        let known = self.program.insns[index];
        let mut bytes = self.program.bytes(index).to_vec();
        let insn = self.program.decoded(index);
        if known.rip {
            let register = number(insn.op0_register()).ok_or(Unsafe {
                reason: "a label's address goes elsewhere than into a register".into(),
                way_out: "report this instruction as a bug of the rewriter",
            })?;
            // mov $0, %r32, which keeps the flags.
            let zero: &[u8] = &[0x41, 0xB8 | register & 7, 0, 0, 0, 0];
            self.push(&zero[usize::from(register < 8)..]);
            return Ok(());
        }
        let at = match known.immediate_at {
            0 => known.displacement_at,
            at => at,
        };
        bytes[usize::from(at)..].fill(0);
        let mut decoder =
            iced_x86::Decoder::with_ip(64, &bytes, insn.ip(), iced_x86::DecoderOptions::NONE);
        self.confined(&bytes, &decoder.decode(), usize::from(at), None)
    }

    /// Before the indirect jump at code index `index` through `register`: makes the distance there the table's address.
    pub(super) fn through_table(&mut self, index: usize, register: Gpr) {
        let Some(&table) = self.refs.computed.jumps.get(&index) else {
            return;
        };
        let scale = BUNDLE.trailing_zeros() - self.refs.computed.tables[table].unit;
        let (low, high) = (register & 7, register >> 3);
        // lea table(,%r,scale), %r32, which keeps the flags.
        let rex = 0x40 | high << 2 | high << 1;
        let bytes = [
            rex,
            0x8D,
            low << 3 | 4,
            (scale as u8) << 6 | low << 3 | 5,
            0,
            0,
            0,
            0,
        ];
        let bytes = &bytes[usize::from(high == 0)..];
        let field = bytes.len() - 4;
        let op = Op::plain(bytes).fixed(Fix::Absolute32, field, Target::Table(table as u32));
        self.ops.push(op);
    }

    /// The operations of all tables, and which of them each table counts from.
    pub(super) fn jump_tables(&mut self) -> Vec<u32> {
        let mut starts = Vec::new();
        for table in &self.refs.computed.tables {
            starts.push((self.ops.len() + table.before) as u32);
            for entry in &table.entries {
                match entry {
                    Some(code) => {
                        let target = Target::Entry(*code as u32);
                        self.ops.push(Op::branch(0xEB, target, true));
                    }
                    // ud2
                    None => self.push(&[0x0F, 0x0B]),
                }
            }
        }
        starts
    }
}
