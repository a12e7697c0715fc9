//! From the registers at a fault to the frames of all callers, by the image's call frame tables.

use std::collections::BTreeSet;

use gimli::{
    BaseAddresses, CfaRule, DebugFrame, EhFrame, EhFrameHdr, EndianSlice, LittleEndian, Register,
    RegisterRule, UnwindContext, UnwindSection, UnwindTableRow, X86_64,
};
use zvm_abi::layout;

use super::snapshot::Snapshot;
use super::symbols::Sections;
use crate::image::Image;
use crate::limits;
use crate::record::{Fault, RIP, RSP};

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Where it stands: the faulting instruction, or a return address.
    pub pc: u64,
    /// Whether it stands behind a call.
    caller: bool,
}

impl Frame {
    /// An address inside the instruction that it executes: a return address may belong to the next line already.
    pub fn lookup(&self) -> u64 {
        self.pc - u64::from(self.caller)
    }
}

/// DWARF's numbers of rax to r15, in the order of [`Fault::registers`].
const NUMBERS: [Register; 16] = [
    X86_64::RAX,
    X86_64::RBX,
    X86_64::RCX,
    X86_64::RDX,
    X86_64::RSI,
    X86_64::RDI,
    X86_64::RBP,
    X86_64::RSP,
    X86_64::R8,
    X86_64::R9,
    X86_64::R10,
    X86_64::R11,
    X86_64::R12,
    X86_64::R13,
    X86_64::R14,
    X86_64::R15,
];

/// The frames, innermost first. At least one; as far as tables and memory tell.
pub fn frames(fault: &Fault, image: &Image, snapshot: &Snapshot) -> Vec<Frame> {
    let sections = Sections::of(image);
    let tables = Tables::new(&sections);
    let mut registers = [0; 16];
    registers.copy_from_slice(&fault.registers[..16]);
    let mut frame = Frame {
        pc: fault.registers[RIP],
        caller: false,
    };
    let mut frames = vec![frame];
    let mut seen = BTreeSet::new();
    while frames.len() < limits::FRAMES {
        let Some(pc) = step(&tables, frame, &mut registers, snapshot) else {
            break;
        };
        // A return address lies in text, behind a call, and frames do not come round again.
        let text = image.text.address..image.text.address + image.text.size;
        if !text.contains(&pc) || !seen.insert((pc, registers[RSP])) {
            break;
        }
        frame = Frame { pc, caller: true };
        frames.push(frame);
    }
    frames
}

struct Tables<'a> {
    eh_frame: EhFrame<Slice<'a>>,
    header: Option<gimli::ParsedEhFrameHdr<Slice<'a>>>,
    debug_frame: DebugFrame<Slice<'a>>,
    bases: BaseAddresses,
}

impl<'a> Tables<'a> {
    fn new(sections: &'a Sections) -> Tables<'a> {
        let (header_bytes, header_address) = sections.get(".eh_frame_hdr");
        let (frame_bytes, frame_address) = sections.get(".eh_frame");
        let bases = BaseAddresses::default()
            .set_eh_frame_hdr(header_address)
            .set_eh_frame(frame_address)
            .set_text(layout::TEXT_BASE);
        let header = EhFrameHdr::new(header_bytes, LittleEndian).parse(&bases, 8);
        let mut debug_frame = DebugFrame::new(sections.get(".debug_frame").0, LittleEndian);
        debug_frame.set_address_size(8);
        Tables {
            eh_frame: EhFrame::new(frame_bytes, LittleEndian),
            header: header.ok(),
            debug_frame,
            bases,
        }
    }

    /// The table's row for an address.
    fn row(&self, pc: u64) -> Option<UnwindTableRow<usize>> {
        let mut context = UnwindContext::new();
        let sorted = self.header.as_ref().and_then(|header| header.table());
        let entry = match sorted {
            Some(table) => {
                table.fde_for_address(&self.eh_frame, &self.bases, pc, EhFrame::cie_from_offset)
            }
            None => self
                .eh_frame
                .fde_for_address(&self.bases, pc, EhFrame::cie_from_offset),
        };
        if let Ok(entry) = entry
            && let Ok(row) =
                entry.unwind_info_for_address(&self.eh_frame, &self.bases, &mut context, pc)
        {
            return Some(row.clone());
        }
        let cie = DebugFrame::cie_from_offset;
        let entry = self
            .debug_frame
            .fde_for_address(&self.bases, pc, cie)
            .ok()?;
        entry
            .unwind_info_for_address(&self.debug_frame, &self.bases, &mut context, pc)
            .ok()
            .cloned()
    }
}

/// One frame up: changes the registers to the caller's, and gives its address.
fn step(
    tables: &Tables<'_>,
    frame: Frame,
    registers: &mut [u64; 16],
    snapshot: &Snapshot,
) -> Option<u64> {
    // Tables of functions that the linker left out say that they lie at 0.
    let in_text = (layout::TEXT_BASE..layout::TEXT_LIMIT).contains(&frame.lookup());
    let row = tables.row(frame.lookup()).filter(|_| in_text);
    let Some(row) = row else {
        // A jump to nowhere, or assembly without tables: at the first instruction of a function rsp is at the return address.
        if frame.caller {
            return None;
        }
        let pc = snapshot.word(registers[RSP])?;
        registers[RSP] += 8;
        return Some(pc);
    };
    let value = |number: Register| {
        let index = NUMBERS.iter().position(|&known| known == number)?;
        Some(registers[index])
    };
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            value(*register)?.checked_add_signed(*offset)?
        }
        // Only procedure linkage tables and hand-written code have them: images have no such tables.
        CfaRule::Expression(_) => return None,
    };
    let mut callers = *registers;
    for (index, &number) in NUMBERS.iter().enumerate() {
        match row.register(number) {
            Some(RegisterRule::Offset(offset)) => {
                callers[index] = snapshot.word(cfa.checked_add_signed(offset)?)?;
            }
            Some(RegisterRule::ValOffset(offset)) => {
                callers[index] = cfa.checked_add_signed(offset)?
            }
            Some(RegisterRule::Register(other)) => callers[index] = value(other)?,
            _ => {}
        }
    }
    let pc = match row.register(X86_64::RA) {
        Some(RegisterRule::Offset(offset)) => snapshot.word(cfa.checked_add_signed(offset)?)?,
        Some(RegisterRule::Register(other)) => value(other)?,
        _ => return None,
    };
    callers[RSP] = cfa;
    *registers = callers;
    Some(pc)
}
