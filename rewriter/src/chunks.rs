//! Makes the new text: functions are lowered and packed one after another, while they are in the cache, in chunks that know
//! nothing of each other; then all chunks get their places, and what leads from one to another is filled in.
//!
//! Where a chunk ends depends on the code alone, so the text is the same however many threads work on it.

use std::collections::HashMap;
use std::ops::Range;

use zvm_abi::layout::{BUNDLE, TEXT_BASE, TEXT_LIMIT};

use crate::code::Target;
use crate::decode::{Kind, Program};
use crate::error::{Refusals, RewriteError};
use crate::input::Input;
use crate::layout::{Chunk, Field, Form, Packer};
use crate::lower::{Lowered, Lowerer, Plan, Unsafe};
use crate::refs::Refs;
use crate::threads::each;
use crate::{Options, Stats};

/// Instructions of a run, which is lowered as a whole: as many as keep what is known of them in the cache, or one function.
const RUN: usize = 1 << 10;
/// Instructions of a chunk, and what the last run is longer.
const CHUNK: usize = 1 << 14;

/// The new text.
pub(crate) struct Text {
    /// Its bytes, in parts that follow each other.
    pub parts: Vec<Vec<u8>>,
    /// Of each code index, and the end: its new address.
    addresses: Vec<u32>,
    /// By code index, the address that data lead to instead.
    entries: HashMap<usize, u32>,
    pub stats: Stats,
}

impl Text {
    /// The new address of a code index.
    pub(crate) fn address(&self, code: usize) -> u32 {
        self.addresses[code]
    }

    /// The new address of a code index for data.
    pub(crate) fn entry(&self, code: usize) -> u32 {
        match self.entries.get(&code) {
            Some(&entry) => entry,
            None => self.address(code),
        }
    }
}

/// What a thread is given, and what comes of it.
struct Done {
    chunk: Chunk,
    stats: Stats,
    refused: Vec<(usize, Unsafe)>,
}

/// Makes it.
#[inline(never)] // A phase has a name in profiles.
pub(crate) fn make(
    input: &Input<'_>,
    program: &Program<'_>,
    refs: &Refs,
    plan: &Plan,
    options: &Options,
) -> Result<Text, RewriteError> {
    let chunks = cut(input, program);
    let worker = || {
        let lowerer = Lowerer::new(input, program, refs, plan, options.level);
        (lowerer, Lowered::default(), Packer::default())
    };
    let done = each(&chunks, worker, |(lowerer, lowered, packer), runs| {
        for codes in runs {
            lowerer.run(codes.clone(), lowered);
            packer.add(lowered);
        }
        let last = runs
            .last()
            .is_some_and(|run| run.end == program.insns.len());
        Done {
            chunk: packer.finish(last),
            stats: std::mem::take(&mut lowerer.stats),
            refused: std::mem::take(&mut lowerer.refused),
        }
    });
    let mut refusals = Refusals::new(options.keep_going);
    let refused = done.iter().flat_map(|done| &done.refused);
    for (index, refused) in plan.refused.iter().chain(refused) {
        refusals.push(Lowerer::refusal(input, program, *index, refused))?;
    }
    refusals.finish()?;
    join(done, input.text.len() as u64)
}

/// Cuts the code into runs, at the starts of functions, and these into chunks.
fn cut(input: &Input<'_>, program: &Program<'_>) -> Vec<Vec<Range<usize>>> {
    let end = program.insns.len();
    let (mut chunks, mut runs, mut start) = (Vec::new(), Vec::new(), 0);
    let mut chunk_start = 0;
    let functions = input.functions.iter().map(|f| program.first_from(f.0));
    for mut next in functions.chain([end]) {
        if next < end && next - start < RUN {
            continue;
        }
        // What has no operation of its own leads to the one behind it.
        while next < end && next > start && program.insns[next - 1].kind == Kind::Padding {
            next -= 1;
        }
        if next > start || next == end {
            runs.push(start..next);
            start = next;
        }
        if next == end || next - chunk_start >= CHUNK {
            chunks.push(std::mem::take(&mut runs));
            chunk_start = next;
        }
        if next == end {
            break;
        }
    }
    chunks
}

/// Puts the chunks behind each other.
fn join(done: Vec<Done>, text_in: u64) -> Result<Text, RewriteError> {
    let size: usize = done.iter().map(|done| done.chunk.text.len()).sum();
    if size as u64 + TEXT_BASE + BUNDLE > TEXT_LIMIT {
        return Err(RewriteError::BadInput(
            "the rewritten text does not fit below 0x10000000".into(),
        ));
    }
    let mut text = Text {
        parts: Vec::with_capacity(done.len()),
        addresses: Vec::with_capacity(done.iter().map(|done| done.chunk.labels.len()).sum()),
        entries: HashMap::new(),
        stats: Stats {
            text_in,
            text_out: size as u64,
            ..Stats::default()
        },
    };
    let mut tables = Vec::new();
    let mut fields: Vec<(usize, Vec<Field>)> = Vec::with_capacity(done.len());
    let mut base = 0;
    for Done { chunk, stats, .. } in done {
        let address = |offset: u32| TEXT_BASE as u32 + base as u32 + offset;
        text.addresses
            .extend(chunk.labels.iter().map(|&at| address(at)));
        let entries = chunk.entries.iter().map(|&(code, at)| (code, address(at)));
        text.entries.extend(entries);
        tables.extend(chunk.tables.iter().map(|&at| address(at)));
        text.stats += Stats {
            gaps: chunk.gaps,
            operations: chunk.operations,
            guarded: chunk.guarded,
            ..stats
        };
        fields.push((base, chunk.fields));
        base += chunk.text.len();
        text.parts.push(chunk.text);
    }
    let mut parts = std::mem::take(&mut text.parts);
    for (part, (base, fields)) in parts.iter_mut().zip(fields) {
        for field in fields {
            let address = u64::from(match field.target {
                Target::Code(code) => text.address(code as usize),
                Target::Entry(code) => text.entry(code as usize),
                Target::Table(table) => tables[table as usize],
                Target::Fixed(address) => address,
                Target::Op(_) => unreachable!("an operation's distance is known in its run"),
            });
            let behind = TEXT_BASE + (base + field.behind as usize) as u64;
            let bytes = &mut part[field.at as usize..];
            match field.form {
                Form::Relative32 => {
                    let distance = address.wrapping_sub(behind) as u32;
                    bytes[..4].copy_from_slice(&distance.to_le_bytes());
                }
                Form::Absolute32 => bytes[..4].copy_from_slice(&(address as u32).to_le_bytes()),
                Form::Absolute64 => bytes[..8].copy_from_slice(&address.to_le_bytes()),
            }
        }
    }
    text.parts = parts;
    Ok(text)
}
