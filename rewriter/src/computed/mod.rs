//! Jumps to a label plus a distance: `lea label(%rip), %r11; lea (%r11,%r10,8), %r10; jmp *%r10`.
//!
//! Hand-written assembly makes a table of the code itself: what follows the label comes in steps of so many bytes. Code is
//! laid out anew in an image, so such a jump would arrive elsewhere: inside the sandbox, but wrong. Where all that is done with
//! the label's address is known, the label becomes 0, what the jump computes is the distance alone, and a table of direct
//! jumps, one bundle for each step, leads to where the code is now. All else is refused.

mod follow;
mod prove;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use zvm_abi::layout::BUNDLE;

use crate::decode::Program;
use crate::error::{Refusal, Refusals, RewriteError};
use crate::input::Input;
use crate::refs::{CodeField, Refs};
use follow::{Follower, Use};
use prove::{Value, Values, common};

/// log2 of the smallest step: a table for a smaller one would be larger than the code several times over.
const NARROWEST: u32 = 2;
/// Entries of one table.
const MOST_ENTRIES: i64 = 4_096;

const WAY_OUT: &str = "jump through a table of addresses (assembly: .quad in .section .rodata; C: static void *const labels[] = { &&a, … })";

/// A table of jumps in place of a table of code.
pub(crate) struct Table {
    /// log2 of the bytes that one entry stands for, at most that of a bundle.
    pub unit: u32,
    /// From the first to the last, the entries' code indices; `None` where nothing can lead.
    pub entries: Vec<Option<usize>>,
    /// How many of them come before the label.
    pub before: usize,
}

impl Table {
    /// Of these places, which lie `step` bytes apart, in rising order.
    fn new(places: &[(i64, usize)], step: u32) -> Option<Table> {
        let unit = step.trailing_zeros().min(BUNDLE.trailing_zeros());
        let apart = i64::from(step >> unit);
        let (first, last) = (places.first()?.0 * apart, places.last()?.0 * apart);
        if last - first >= MOST_ENTRIES {
            return None;
        }
        let mut entries = vec![None; (last - first + 1) as usize];
        for &(multiple, at) in places {
            entries[(multiple * apart - first) as usize] = Some(at);
        }
        Some(Table {
            unit,
            entries,
            before: -first as usize,
        })
    }
}

/// What was found.
#[derive(Default)]
pub(crate) struct Computed {
    pub tables: Vec<Table>,
    /// The jumps' tables, by code index.
    pub jumps: HashMap<usize, usize>,
    /// Code indices that only tables lead to: they need not start bundles.
    pub inner: HashSet<usize>,
}

/// Finds all computed jumps, and notes in `refs` what they lead to.
#[inline(never)] // A phase has a name in profiles.
pub(crate) fn find(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &mut Refs,
    keep_going: bool,
) -> Result<(), RewriteError> {
    let mut refusals = Refusals::new(keep_going);
    for (function, uses) in suspects(input, program, refs) {
        match keep(input, program, refs, function, &uses) {
            Ok(kept) => kept.into_iter().for_each(|kept| note(refs, kept)),
            Err(refusal) => refusals.push(*refusal)?,
        }
    }
    refusals.finish()
}

/// By function, what may be wrong in it: where, with the address of which code index.
type Suspects = BTreeMap<usize, BTreeSet<(Use, usize)>>;

fn suspects(input: &Input<'_>, program: &Program<'_>, refs: &Refs) -> Suspects {
    let mut suspects = Suspects::new();
    let mut follower = Follower::new(input, program);
    // No code lies at the end of text.
    let code = refs.in_code.iter().filter(|r| r.2 < program.insns.len());
    for &(source, field, target) in code {
        for &found in follower.follow(source, field, target) {
            // Code without a symbol is the linker's own.
            if let Some(function) = input.function_index(program.insns[source].ip()) {
                suspects
                    .entry(function)
                    .or_default()
                    .insert((found, target));
            }
        }
    }
    suspects
}

/// What becomes a table: its label's code index, the jumps that go through it, and where the label's address comes from, as
/// indices into [`Refs::in_code`].
struct Kept {
    table: Table,
    base: usize,
    jumps: Vec<usize>,
    sources: Vec<usize>,
}

/// The tables of a function, or why it has none.
fn keep(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &Refs,
    function: usize,
    uses: &BTreeSet<(Use, usize)>,
) -> Result<Vec<Kept>, Box<Refusal>> {
    let bases = distinct(uses.iter().map(|u| u.1));
    let values = Values::find(input, program, refs, function, &bases);
    for &(found, _) in uses {
        let Use::Read(at) = found else { continue };
        let insn = program.decoded(at);
        if let Some(Value::Code(..)) = values.before(at, insn.memory_base()) {
            return Err(Box::new(input.refusal(
                insn.ip(),
                insn.len(),
                "the instruction reads or writes data that lies in text",
                "move the data out of .text (assembly: into .section .rodata)",
            )));
        }
    }
    let jumps = uses.iter().filter_map(|&(found, base)| match found {
        Use::Jump(at) => Some((at, base)),
        Use::Read(_) => None,
    });
    let jumps: Vec<(usize, usize)> = jumps.collect();
    let bases = distinct(jumps.iter().map(|jump| jump.1));
    let refuse =
        |jump: (usize, usize), why: &str| Err(Box::new(refusal(input, program, jump, why)));
    let mut values = Values::find(input, program, refs, function, &bases);
    let known = values.jumps();
    for &jump in &jumps {
        if !known.iter().any(|known| known.0 == jump.0) {
            return refuse(jump, "its register may hold something else, too");
        }
    }
    if let (Some(at), Some(&jump)) = (values.lost(), jumps.first()) {
        let at = input.describe(program.insns[at].ip());
        return refuse(
            jump,
            &format!("the label's address is used otherwise at {at}"),
        );
    }
    let mut kept = Vec::new();
    for &base in &bases {
        let of_it: Vec<_> = known.iter().filter(|jump| jump.1 == base).collect();
        let Some(&&(first, ..)) = of_it.first() else {
            continue;
        };
        let step = of_it.iter().fold(0, |step, jump| common(step, jump.2));
        if step.trailing_zeros() < NARROWEST {
            return refuse(
                (first, base),
                "the distance is no multiple of 4, as far as can be told",
            );
        }
        let Some(table) = Table::new(&values.places(base, step), step) else {
            return refuse(
                (first, base),
                "the code there is no table: it lies in another function, or is too long",
            );
        };
        kept.push(Kept {
            table,
            base,
            jumps: of_it.iter().map(|jump| jump.0).collect(),
            sources: values.sources(base),
        });
    }
    Ok(kept)
}

fn distinct(codes: impl Iterator<Item = usize>) -> Vec<usize> {
    let codes: BTreeSet<usize> = codes.collect();
    codes.into_iter().collect()
}

/// Notes in `refs` that the label's address is 0 now, and what the table leads to.
fn note(refs: &mut Refs, kept: Kept) {
    let computed = &mut refs.computed;
    let table = computed.tables.len();
    (computed.jumps).extend(kept.jumps.iter().map(|&jump| (jump, table)));
    for source in kept.sources {
        refs.in_code[source].1 = CodeField::Origin;
    }
    let held = |at| {
        refs.in_code
            .iter()
            .any(|r| r.1 != CodeField::Origin && r.2 == at)
            || refs.in_data.iter().any(|r| r.2 == at)
    };
    if !held(kept.base) {
        computed.inner.insert(kept.base);
    }
    for entry in kept.table.entries.iter().copied().flatten() {
        if !std::mem::replace(&mut refs.taken[entry], true) {
            computed.inner.insert(entry);
        }
    }
    computed.tables.push(kept.table);
}

/// The refusal of a jump to the label at a code index.
fn refusal(input: &Input<'_>, program: &Program<'_>, jump: (usize, usize), why: &str) -> Refusal {
    let insn = &program.insns[jump.0];
    let label = program.insns.get(jump.1);
    let label = label.map_or(input.text_end(), |insn| insn.ip());
    let reason = format!(
        "it goes to {} plus a computed distance, where other code lies in an image, and {why}",
        input.describe(label)
    );
    input.refusal(insn.ip(), usize::from(insn.len), &reason, WAY_OUT)
}
