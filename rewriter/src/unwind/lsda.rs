//! Language-specific data areas, as C++ and Rust have them (`.gcc_except_table`; Itanium C++ ABI, "Exception Handling
//! Tables"): which calls of a function unwind to which landing pads.

use super::pointer::{OMIT, UDATA4, ULEB, is_indirect, size};
use super::{Mapping, place};
use crate::bytes::{Cursor, Output};
use crate::error::RewriteError;

/// A range of code and where it unwinds to.
struct CallSite {
    start: u64,
    end: u64,
    landing_pad: Option<u64>,
    /// 1 plus the offset of the first action; 0 for none.
    action: u64,
}

/// One function's table. Addresses are the input's.
pub(super) struct Lsda<'a> {
    call_sites: Vec<CallSite>,
    actions: &'a [u8],
    type_encoding: u8,
    /// Types by their number, from 1.
    types: Vec<Option<u64>>,
    /// The lists of types of exception specifications.
    specifications: &'a [u8],
}

impl<'a> Lsda<'a> {
    /// Reads the table at the cursor, of the function that starts at `function`. The cursor ends with the section; `next` is
    /// where the next table starts.
    pub(super) fn read(mut at: Cursor<'a>, function: u64, next: u64) -> Result<Self, RewriteError> {
        let pads_encoding = at.byte()?;
        let pads_base = match pads_encoding {
            OMIT => function,
            encoding => at.pointer(encoding)?.unwrap_or(0),
        };
        let type_encoding = at.byte()?;
        let types_end = match type_encoding {
            OMIT => None,
            _ => {
                let distance = at.uleb()?;
                Some(at.address + distance)
            }
        };
        let encoding = at.byte()?;
        let length = at.uleb()?;
        // LLVM writes a table for each section of a function that it splits, one behind the other, and then their actions and
        // types: the lengths lead there.
        let own = length.min(next.saturating_sub(at.address));
        let table = &at.take(length as usize)?[..own as usize];
        let mut table = Cursor::new(table, 0, "a call-site table");
        let mut call_sites = Vec::new();
        // An entry is of 4 bytes at least; fewer zeros align the next table.
        let padding = |rest: &[u8]| rest.len() < 4 && rest.iter().all(|&byte| byte == 0);
        while !padding(table.rest()) {
            let (start, length) = (table.value(encoding)?, table.value(encoding)?);
            let (pad, action) = (table.value(encoding)?, table.uleb()?);
            let start = function.wrapping_add(start);
            call_sites.push(CallSite {
                start,
                end: start.wrapping_add(length),
                landing_pad: (pad != 0).then(|| pads_base.wrapping_add(pad)),
                action,
            });
        }
        let mut lsda = Lsda {
            call_sites,
            actions: &[],
            type_encoding,
            types: Vec::new(),
            specifications: &[],
        };
        lsda.read_types(at, types_end)?;
        Ok(lsda)
    }

    /// Reads what follows the call sites: actions up to the types, types, specifications. How many types there are only the
    /// actions tell.
    fn read_types(
        &mut self,
        actions: Cursor<'a>,
        types_end: Option<u64>,
    ) -> Result<(), RewriteError> {
        let (mut last_action, mut most, mut least) = (0, 0, 0);
        for site in &self.call_sites {
            let mut next = site.action;
            // A chain is as long as it has bytes at most; a circle in it would be the compiler's mistake.
            for _ in 0..actions.rest().len() {
                let Some(offset) = next.checked_sub(1) else {
                    break;
                };
                let mut at = actions;
                at.take(offset as usize)?;
                let filter = at.sleb()?;
                let link = at.address;
                let step = at.sleb()?;
                last_action = last_action.max(at.address);
                (most, least) = (filter.max(most), filter.min(least));
                next = match step {
                    0 => 0,
                    _ => link.wrapping_add_signed(step) - actions.address + 1,
                };
            }
        }
        let len = last_action.saturating_sub(actions.address) as usize;
        self.actions = actions
            .rest()
            .get(..len)
            .ok_or_else(|| actions.error("an action behind the table's end"))?;
        let Some(types_end) = types_end else {
            return if most > 0 || least < 0 {
                Err(actions.error("actions name types, and there are none"))
            } else {
                Ok(())
            };
        };
        let Some(width) = size(self.type_encoding) else {
            return Err(actions.error("an unknown encoding of types"));
        };
        let mut types = actions;
        let before = types_end.checked_sub(actions.address + most as u64 * width as u64);
        types.take(before.ok_or_else(|| actions.error("types overlap the actions"))? as usize)?;
        for _ in 0..most {
            self.types.push(types.pointer(self.type_encoding)?);
        }
        // They lie backwards from their end.
        self.types.reverse();
        if least < 0 {
            // The last list starts at -least - 1 and ends with a zero.
            let mut lists = types;
            lists.take((-least - 1) as usize)?;
            while lists.uleb()? != 0 {}
            let len = (lists.address - types.address) as usize;
            self.specifications = &types.rest()[..len];
        }
        Ok(())
    }

    /// Where unwinding can go on.
    pub(super) fn landing_pads(&self) -> impl Iterator<Item = u64> + '_ {
        self.call_sites.iter().filter_map(|site| site.landing_pad)
    }

    /// Writes the table for the moved code of the function that started at `function`.
    pub(super) fn write(
        &self,
        out: &mut Output,
        function: u64,
        moved: Mapping<'_>,
    ) -> Result<(), RewriteError> {
        let base = place(moved, function)?;
        let mut table = Output::new(0);
        // A pad before its function (a cold part's) needs another base than the function's start.
        let pads = self
            .landing_pads()
            .map(|pad| place(moved, pad))
            .collect::<Result<Vec<_>, _>>()?;
        let pads_base = if pads.iter().any(|&pad| pad <= base) {
            0
        } else {
            base
        };
        for site in &self.call_sites {
            let (start, end) = (place(moved, site.start)?, place(moved, site.end)?);
            table.uleb(start.wrapping_sub(base));
            table.uleb(end.wrapping_sub(start));
            table.uleb(match site.landing_pad {
                Some(pad) => place(moved, pad)? - pads_base,
                None => 0,
            });
            table.uleb(site.action);
        }
        if pads_base == base {
            out.put(&[OMIT]);
        } else {
            out.put(&[UDATA4]);
            out.word(0);
        }
        let mut tail = Output::new(0);
        tail.put(&[ULEB]);
        tail.uleb(table.bytes.len() as u64);
        tail.put(&table.bytes);
        tail.put(self.actions);
        out.put(&[self.type_encoding]);
        if let (true, Some(width)) = (self.type_encoding != OMIT, size(self.type_encoding)) {
            out.uleb((tail.bytes.len() + self.types.len() * width) as u64);
        }
        out.put(&tail.bytes);
        for &pointer in self.types.iter().rev() {
            // Types are data, which stays; so is the pointer to one.
            debug_assert!(is_indirect(self.type_encoding) || pointer != Some(function));
            if !out.pointer(self.type_encoding, pointer) {
                return Err(RewriteError::BadInput(
                    "a type of an exception is too far from its table".into(),
                ));
            }
        }
        out.put(self.specifications);
        Ok(())
    }
}
