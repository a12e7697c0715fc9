//! Turns an ordinary static ELF with its relocations into a bundled image that the validator accepts.
//!
//! The input is what `lld` or GNU `ld` writes with `-static -no-pie --emit-relocs -T sysroot/zvm.ld`; the output keeps the
//! contract in ARCHITECTURE.md ("The image"). Data never moves; code addresses change, and every place that holds one
//! is found through a relocation or through the instruction that computes it. What cannot be rewritten is refused with
//! function, offset, bytes, the reason and a way out.
//!
//! The phases, one module each: `input` reads the ELF, `decode` sweeps over text, `refs` finds what holds
//! code addresses, `computed` the jumps that compute where they go, `lower` settles what more than one function is asked about; then `chunks`
//! makes the text, function by function: `lower` turns each instruction into conforming ones, `layout` packs them into bundles. `unwind` makes unwind tables and `debug` makes DWARF for where they lie, `output` writes the image.
#![forbid(unsafe_code)]

mod bytes;
mod chunks;
mod code;
mod computed;
mod debug;
mod decode;
mod effect;
mod error;
mod flags;
mod input;
mod layout;
mod liveness;
mod longer;
mod lower;
mod marks;
mod output;
mod parts;
mod quick;
#[cfg(test)]
mod random;
mod refs;
mod regions;
mod starts;
mod threads;
mod unwind;

use std::time::{Duration, Instant};

pub use error::{Refusal, RewriteError};
pub use layout::Gaps;

/// Names this rewriter: another source, or other versions of what it uses, give another name.
pub const NAME: &str = env!("ZVM_REWRITER");

/// How to rewrite.
#[derive(Clone, Debug)]
pub struct Options {
    /// 1 to 4: instructions above x86-64-v*level* become `ud2`, as code behind a `cpuid` test that is never taken.
    pub level: u32,
    /// Leave `.symtab` and debugging information out of the image.
    pub strip: bool,
    /// Collect every refusal instead of stopping at the first.
    pub keep_going: bool,
    /// Make [`Image::map`].
    pub map: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            level: 1,
            strip: false,
            keep_going: false,
            map: false,
        }
    }
}

/// A finished image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The ELF file.
    pub bytes: Vec<u8>,
    /// What the rewriting did.
    pub stats: Stats,
    /// What the image lacks, and why: sentences for a person.
    pub warnings: Vec<String>,
    /// How long each phase took, in their order.
    pub times: Vec<(&'static str, Duration)>,
    /// Of each instruction, in rising order: its address before, and after. Empty unless [`Options::map`].
    pub map: Vec<(u32, u32)>,
}

/// What the rewriting did: sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Text before.
    pub text_in: u64,
    /// Text after.
    pub text_out: u64,
    /// Instructions before, padding apart.
    pub instructions: u64,
    /// Instructions after, nops apart.
    pub operations: u64,
    /// Bytes of padding in the text before, which is dropped.
    pub padding_in: u64,
    /// Gaps in the text after, by their reasons.
    pub gaps: Gaps,
    /// Pairs of a mask and what it guards.
    pub guarded: u64,
    /// Jumps through memory for which a dead register was found.
    pub scratch_found: u64,
    /// Jumps that save a register or the flags, because a label of their function needs them.
    pub scratch_saved: u64,
    /// Jumps through the stack, as no register is dead.
    pub through_stack: u64,
    /// Sequences that save registers or flags on the stack.
    pub spills: u64,
    /// Instructions that became `ud2` because they are above the image's level, libzrt's apart.
    pub above_level: u64,
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, other: Stats) {
        self.text_in += other.text_in;
        self.text_out += other.text_out;
        self.instructions += other.instructions;
        self.operations += other.operations;
        self.padding_in += other.padding_in;
        self.gaps += other.gaps;
        self.guarded += other.guarded;
        self.scratch_found += other.scratch_found;
        self.scratch_saved += other.scratch_saved;
        self.through_stack += other.through_stack;
        self.spills += other.spills;
        self.above_level += other.above_level;
    }
}

impl Stats {
    /// What the text grew by, in bytes, by causes that add up to it.
    pub fn growth(&self) -> [(&'static str, i64); 6] {
        let gaps = &self.gaps;
        let (before, after) = (self.text_in as i64, self.text_out as i64);
        let dropped = self.padding_in as i64;
        [
            ("its padding dropped", -dropped),
            (
                "instructions rewritten",
                after - before + dropped - gaps.total() as i64,
            ),
            ("gaps before calls", gaps.calls as i64),
            ("gaps before targets", gaps.targets as i64),
            ("gaps at ends of bundles", gaps.crossings as i64),
            ("gaps before small loops", gaps.loops as i64),
        ]
    }
}

/// Rewrites `elf`.
///
/// # Errors
/// [`RewriteError`] when the input breaks the contract or holds code that cannot be made safe.
pub fn rewrite(elf: &[u8], options: &Options) -> Result<Image, RewriteError> {
    let mut clock = Clock::start();
    let input = input::Input::read(elf)?;
    clock.lap("read");
    let unwind = unwind::Unwind::read(&input)?;
    clock.lap("unwind");
    // What seemed to be fill, and is code, as something leads there.
    let mut code: Vec<u64> = Vec::new();
    let (program, mut refs) = loop {
        let program = decode::sweep(&input, &code)?;
        clock.lap("decode");
        let refs = refs::find(&input, &program, unwind.as_ref())?;
        let more = program.code_in_fill(&refs.taken);
        if more.is_empty() {
            break (program, refs);
        }
        clock.lap("refs");
        code.extend(more);
        code.sort_unstable();
    };
    computed::find(&input, &program, &mut refs, options.keep_going)?;
    clock.lap("refs");
    let plan = lower::plan(&input, &program, &refs);
    clock.lap("plan");
    let text = chunks::make(&input, &program, &refs, &plan, options)?;
    clock.lap("code");
    let mut image = output::write(&input, &program, &refs, unwind.as_ref(), &text, options)?;
    clock.lap("output");
    image.times = clock.laps;
    Ok(image)
}

/// Takes the time of the phases.
struct Clock {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Clock {
    fn start() -> Clock {
        Clock {
            last: Instant::now(),
            laps: Vec::new(),
        }
    }

    fn lap(&mut self, phase: &'static str) {
        let now = Instant::now();
        let time = now - self.last;
        match self.laps.iter_mut().find(|known| known.0 == phase) {
            Some(known) => known.1 += time,
            None => self.laps.push((phase, time)),
        }
        self.last = now;
    }
}
