//! DWARF expressions (DWARF 5, 2.5): where they hold addresses.

use gimli::{Encoding, EndianSlice, Expression, Format, LittleEndian, Operation, constants as dw};

use super::Moved;

/// Where addresses stand in an expression of a unit's DWARF version, and which: of variables, and of functions that are passed
/// as arguments. Those in expressions within it are among them.
///
/// They end at an operation that the reader does not know: a debugger that does not either shows no value.
pub(super) fn addresses(expression: &[u8], version: u16) -> impl Iterator<Item = (usize, u64)> {
    let encoding = Encoding {
        format: Format::Dwarf32,
        version,
        address_size: 8,
    };
    // Most expressions are of a few bytes.
    let any = expression.contains(&dw::DW_OP_addr.0);
    let mut at = if any { 0 } else { expression.len() };
    std::iter::from_fn(move || {
        loop {
            let rest = Expression(EndianSlice::new(expression.get(at..)?, LittleEndian));
            let mut operations = rest.operations(encoding);
            let operation = operations.next().ok()??;
            let start = at;
            at += operations.offset_from(&rest);
            match operation {
                Operation::Address { address } => return Some((start + 1, address)),
                // Its own expression comes next.
                Operation::EntryValue { expression } => at -= expression.len(),
                _ => {}
            }
        }
    })
}

/// Moves the addresses in an expression where it stands.
pub(super) fn patch(expression: &mut [u8], version: u16, moved: Moved<'_>) {
    let found: Vec<(usize, u64)> = addresses(expression, version).collect();
    for (at, address) in found {
        expression[at..at + 8].copy_from_slice(&moved(address).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_expressions_within() {
        let mut bytes = vec![dw::DW_OP_entry_value.0, 9, dw::DW_OP_addr.0];
        bytes.extend(0x20_000_u64.to_le_bytes());
        // A constant with the operation's code in it is none.
        bytes.extend([dw::DW_OP_const1u.0, dw::DW_OP_addr.0, dw::DW_OP_plus.0]);
        bytes.push(dw::DW_OP_addr.0);
        bytes.extend(0x20_040_u64.to_le_bytes());
        bytes.push(dw::DW_OP_stack_value.0);
        let found: Vec<_> = addresses(&bytes, 5).collect();
        assert_eq!(found, [(3, 0x20_000), (15, 0x20_040)]);
        patch(&mut bytes, 5, &|address| address + 0x100);
        let found: Vec<_> = addresses(&bytes, 5).collect();
        assert_eq!(found, [(3, 0x20_100), (15, 0x20_140)]);
    }

    #[test]
    fn an_expression_that_ends_too_early_holds_none() {
        assert_eq!(addresses(&[dw::DW_OP_addr.0, 1, 2], 5).count(), 0);
        assert_eq!(addresses(&[dw::DW_OP_entry_value.0, 9, 3], 5).count(), 0);
    }
}
