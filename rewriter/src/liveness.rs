//! Which registers are dead where a scratch register is needed.
//!
//! Registers are a mask of 16 bits, bit n = register n of the encoding. Everything here errs towards "live".
//!
//! One backward fixpoint answers all questions about a *region*: functions between which code jumps or falls through
//! other than by a call, such as a function and its cold part.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Register};

use crate::decode::{Branch, Kind, Program};
use crate::effect::effect_at;
use crate::flags::Returns;
use crate::input::Input;
use crate::marks::Marks;
use crate::parts::{FLAGS, Parts, some, whole};
use crate::refs::Refs;
use crate::regions::Regions;

/// What a System V function may expect in registers at its entry: arguments, al, the static chain, all that it must preserve.
const AT_ENTRY: u16 = mask(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15]);
/// What a call reads, and a tail call on the way to it. al and the static chain are set right before the call, in the same
/// block, so no jump's target gets them from before the jump.
const AT_CALL: u16 = mask(&[1, 2, 6, 7, 8, 9]);
/// What a system call reads and a function's call does not: its number and its fourth argument.
const SYSTEM_ONLY: u16 = mask(&[0, 10]);
/// What a function must preserve.
const PRESERVED: u16 = mask(&[3, 4, 5, 12, 13, 14, 15]);
/// What a function may clobber.
const CALLER_SAVED: u16 = mask(&[0, 1, 2, 6, 7, 8, 9, 10, 11]);
/// What a caller may look at after a return: the two results and all that is preserved.
const AT_RETURN: u16 = mask(&[0, 2, 3, 4, 5, 12, 13, 14, 15]);
/// Functions that may lie between a jump and those who may rely on its function's registers.
const MOST_CALLERS: usize = 200;
/// Instructions that are looked at to find whether one register is needed behind a call, or a jump: so many, and more for each label.
const MOST_LOOKED_AT: usize = 1000;
const MOST_FOR_LABEL: usize = 50;

const fn mask(registers: &[u8]) -> u16 {
    let (mut mask, mut i) = (0, 0);
    while i < registers.len() {
        mask |= 1 << registers[i];
        i += 1;
    }
    mask
}

/// Which question this is: for one register, by its number, or for the flags, 16.
fn asked(parts: Parts) -> usize {
    some(parts).trailing_zeros() as usize
}

/// A jump through an indexed table of 8-byte entries at an address of its own: a switch or a computed goto. (With a base
/// register it may be a tail call through a table in an object.)
pub(crate) fn is_goto(insn: &Instruction) -> bool {
    insn.memory_base() == Register::None
        && insn.memory_index() != Register::None
        && insn.memory_index_scale() == 8
}

/// What comes after an instruction.
#[derive(Clone, Copy)]
enum After {
    /// The next one.
    Next,
    /// Its target, by place in the region; `None`: a tail call.
    Jump(Option<u32>),
    /// Its target, or the next one.
    Either(Option<u32>),
    /// Code that no symbol covers.
    Unknown,
    /// The labels of a computed goto or a switch.
    Labels,
    /// Those, or another function.
    Anywhere,
    /// The caller.
    Caller,
    /// A call that may clobber these, and then the next one.
    Call(u16),
    /// A system call, which keeps the flags.
    System,
    /// A call that does not come back.
    LastCall,
    /// Nothing.
    Nothing,
}

/// What is live in one region.
struct Region {
    /// Runs of code indices: (first, last + 1, the first one's place in `live`), in rising order.
    runs: Vec<(usize, usize, usize)>,
    /// Live before each instruction.
    live: Vec<Parts>,
}

/// Where an indirect jump may lead.
pub(crate) struct Targets {
    /// Code indices in its region, in rising order.
    labels: Rc<[usize]>,
    /// Other functions too.
    pub(crate) elsewhere: bool,
}

impl Region {
    fn place(&self, at: usize) -> Option<usize> {
        let run = self.runs.partition_point(|run| run.1 <= at);
        let &(first, _, base) = self.runs.get(run)?;
        Some(base + at.checked_sub(first)?)
    }

    /// Live before the instruction at code index `at`.
    fn live_at(&self, at: usize) -> u16 {
        self.place(at)
            .map_or(u16::MAX, |place| some(self.live[place]))
    }
}

/// Live registers in the functions that were asked about.
pub(crate) struct Liveness<'p> {
    input: &'p Input<'p>,
    program: &'p Program<'p>,
    refs: &'p Refs,
    factory: InstructionInfoFactory,
    regions: Option<Regions>,
    /// By the region's first function.
    known: Vec<Option<Region>>,
    /// The same: see [`Self::labels`].
    labels: HashMap<usize, Rc<[usize]>>,
    /// By function: the registers that it writes.
    written: Vec<Option<u16>>,
    /// By function: see [`Self::clobbered`].
    clobbered: Vec<Option<u16>>,
    /// What the search of [`Self::needs`] that is under way has looked at, twice.
    seen: Marks,
    looked_at: Vec<usize>,
    /// By what was asked, see [`asked`]: from where on nobody needs it, as searches have found.
    unneeded: [Option<Marks>; 17],
    /// By function and its jumps' displacement: see [`Self::stays`].
    staying: HashMap<(usize, u32), bool>,
    /// By region and register: dead at all its labels.
    dead: HashMap<(Option<usize>, u8), bool>,
    /// By function's address and register: see [`Self::may_clobber`].
    clobberable: HashMap<(u64, u8), bool>,
    returns: Returns,
    /// Direct calls of functions and jumps to them, sorted: (the function's start, the code index). Made when it is first needed.
    callers: Option<Vec<(u64, usize)>>,
}

impl<'p> Liveness<'p> {
    pub(crate) fn new(input: &'p Input<'p>, program: &'p Program<'p>, refs: &'p Refs) -> Self {
        Liveness {
            input,
            program,
            refs,
            factory: InstructionInfoFactory::new(),
            regions: None,
            known: std::iter::repeat_with(|| None)
                .take(input.functions.len())
                .collect(),
            labels: HashMap::new(),
            written: vec![None; input.functions.len()],
            clobbered: vec![None; input.functions.len()],
            seen: Marks::new(program.insns.len()),
            looked_at: Vec::new(),
            unneeded: [const { None }; 17],
            staying: HashMap::new(),
            dead: HashMap::new(),
            clobberable: HashMap::new(),
            returns: Returns::new(program),
            callers: None,
        }
    }

    /// The first function of `function`'s region.
    pub(crate) fn region_of(&mut self, function: usize) -> usize {
        let (input, program, refs) = (self.input, self.program, self.refs);
        let regions = self
            .regions
            .get_or_insert_with(|| Regions::find(input, program, refs));
        regions.first(function)
    }

    /// The code indices in `function`'s region whose addresses are held somewhere: an indirect jump may lead there.
    pub(crate) fn labels(&mut self, function: usize) -> Rc<[usize]> {
        let first = self.region_of(function);
        if let Some(known) = self.labels.get(&first) {
            return known.clone();
        }
        let runs = self.runs(function);
        let codes = runs.iter().flat_map(|run| run.0..run.1);
        let taken = codes.filter(|&at| self.refs.taken[at] && self.live_at_other(at).is_none());
        let labels: Rc<[usize]> = taken.collect();
        self.labels.insert(first, labels.clone());
        labels
    }

    /// Where the indirect jump at code index `at` may lead; `None`: no function holds it.
    ///
    /// That is every label of its region: what a table holds at the start does not say all, as it may have gaps, be written later,
    /// or begin elsewhere than at the displacement (`table - 32(,%rdi,8)`).
    pub(crate) fn targets(&mut self, at: usize) -> Option<Targets> {
        let function = self.input.function_index(self.program.insns[at].ip())?;
        Some(Targets {
            labels: self.labels(function),
            elsewhere: !self.stays(at, function),
        })
    }

    /// Whether the indirect jump at code index `at` in `function` leads to labels of its region and nowhere else, as its table
    /// holds such labels alone. (One that is empty at the start may get functions: a tail call.)
    fn stays(&mut self, at: usize, function: usize) -> bool {
        let insn = self.program.decoded(at);
        if !is_goto(&insn) {
            return false;
        }
        let key = (function, insn.memory_displacement32());
        if let Some(&known) = self.staying.get(&key) {
            return known;
        }
        let table = self.refs.table(&insn);
        let labels = self.labels(function);
        let end = self.input.extent(function).1;
        let is_label = |&at: &usize| labels.binary_search(&at).is_ok() || self.is_end(at, end);
        let stays = !table.is_empty() && table.iter().all(is_label);
        self.staying.insert(key, stays);
        stays
    }

    /// Whether the indirect jump at code index `at` may write a register, as far as its own region knows: it is dead wherever the
    /// jump may lead, and its function writes it, so that no caller expects it to be kept.
    pub(crate) fn is_free(&mut self, at: usize, targets: &Targets, register: u8) -> bool {
        // What a tail call reaches may clobber all that the ABI says.
        let is_tail_call = targets.elsewhere && targets.labels.is_empty();
        (is_tail_call || self.is_written_around(at, register))
            && self.is_dead(at, targets, register)
    }

    /// Whether the function at code index `at` writes a register, as far as that is easily told.
    pub(crate) fn is_written_around(&mut self, at: usize, register: u8) -> bool {
        let function = self.input.function_index(self.program.insns[at].ip());
        function.is_some_and(|function| self.written(function) & (1 << register) != 0)
    }

    /// Whether a register is dead wherever the indirect jump at code index `at` may lead.
    pub(crate) fn is_dead(&mut self, at: usize, targets: &Targets, register: u8) -> bool {
        let bit = 1u16 << register;
        if targets.elsewhere && AT_ENTRY & bit != 0 {
            return false;
        }
        // All jumps of a region have the same labels.
        let function = self.input.function_index(self.program.insns[at].ip());
        let key = (function.map(|function| self.region_of(function)), register);
        if let Some(&known) = self.dead.get(&key) {
            return known;
        }
        let labels = &targets.labels;
        let soon = self.needs(labels, whole(bit));
        let needed =
            soon.unwrap_or_else(|| labels.iter().any(|&label| self.live_at(label) & bit != 0));
        self.dead.insert(key, !needed);
        !needed
    }

    /// Whether nobody reads a register behind the call at code index `at`, as far as that is soon told.
    pub(crate) fn is_dead_behind(&mut self, at: usize, register: u8) -> bool {
        self.needs(&[at + 1], whole(1 << register)) == Some(false)
    }

    /// Whether code index `at` is the padding behind a function that ends at `end`: clang lets a jump table's impossible cases
    /// go there.
    fn is_end(&self, at: usize, end: u64) -> bool {
        let ip = self.program.insns.get(at).map(|insn| insn.ip());
        ip == Some(end) && self.input.function_index(end).is_none()
    }

    /// Whether the function at `start` may clobber a caller-saved register that it does not write so far. A caller in the
    /// same object may rely on that (-fipa-ra), and so may its callers in turn: none of them has the register live
    /// across the call.
    pub(crate) fn may_clobber(&mut self, start: u64, register: u8) -> bool {
        if let Some(&known) = self.clobberable.get(&(start, register)) {
            return known;
        }
        let answer = self.ask_callers(start, register);
        self.clobberable.insert((start, register), answer);
        answer
    }

    fn ask_callers(&mut self, start: u64, register: u8) -> bool {
        let bit = 1u16 << register;
        let (mut seen, mut work) = (HashSet::from([start]), vec![start]);
        while let Some(function) = work.pop() {
            let sites = self.callers_of(function);
            let calls = sites.iter().copied();
            let calls = calls.filter(|&site| self.program.insns[site].kind == Kind::Call);
            let behind: Vec<usize> = calls.map(|site| site + 1).collect();
            // All at once, as calls that stand close share what follows; one by one, if that is too much.
            let soon = self.needs(&behind, whole(bit));
            let needed = soon.unwrap_or_else(|| {
                (behind.iter()).any(|&at| {
                    let soon = self.needs(&[at], whole(bit));
                    soon.unwrap_or_else(|| self.live_at(at) & bit != 0)
                })
            });
            if needed {
                return false;
            }
            for site in sites {
                let ip = self.program.insns[site].ip();
                let Some(caller) = self.input.function_index(ip) else {
                    return false;
                };
                let start = self.input.functions[caller].0;
                let known = self.written(caller) & bit != 0;
                if !known && seen.insert(start) {
                    work.push(start);
                }
                if seen.len() > MOST_CALLERS {
                    return false;
                }
            }
        }
        true
    }

    /// Whether some of `parts` may be read behind one of the code indices `from`, as far as that is soon told: going on along all
    /// ways until they are written, or a call or a return ends their life.
    fn needs(&mut self, from: &[usize], parts: Parts) -> Option<bool> {
        let last = self.program.insns.len();
        let mut unneeded = self.unneeded[asked(parts)].take();
        let known = unneeded.get_or_insert_with(|| Marks::new(last));
        let needed = self.search(from, parts, known);
        for at in self.looked_at.drain(..) {
            self.seen.remove(at);
            if needed == Some(false) {
                // Nor is it behind all that was looked at.
                known.add(at);
            }
        }
        self.unneeded[asked(parts)] = unneeded;
        needed
    }

    /// The same, and what was looked at is noted; from the places in `unneeded` on it is known that nobody does.
    fn search(&mut self, from: &[usize], parts: Parts, unneeded: &Marks) -> Option<bool> {
        let program = self.program;
        let registers = some(parts);
        let most = MOST_LOOKED_AT + MOST_FOR_LABEL * from.len();
        let (mut work, mut in_part) = (from.to_vec(), false);
        // Regions whose labels are among the ways.
        let mut labelled = HashSet::new();
        while let Some(mut at) = work.pop() {
            loop {
                let insn = program.insns.get(at)?;
                if unneeded.has(at) {
                    break;
                }
                if self.looked_at.len() == most {
                    return None;
                }
                if !self.seen.add(at) {
                    break;
                }
                self.looked_at.push(at);
                if insn.leaves_alone(parts) {
                    at += 1;
                    continue;
                }
                let (uses, defs) = effect_at(&mut self.factory, program, at);
                if uses & parts != 0 {
                    // Perhaps only of what was written on the way.
                    return (!in_part).then_some(true);
                }
                if parts & !defs == 0 {
                    break;
                }
                in_part |= parts & defs != 0;
                match insn.kind {
                    Kind::Jump | Kind::Branch => {
                        let target = program.target(at).unwrap_or_default();
                        match (self.input.function_index(target), program.at(target)) {
                            (Some(function), Some(_))
                                if self.is_other_function(function, target) =>
                            {
                                if (AT_CALL | PRESERVED) & registers != 0 {
                                    return Some(true);
                                }
                            }
                            (Some(_), Some(target)) => work.push(target),
                            _ => return None,
                        }
                        if insn.kind == Kind::Jump {
                            break;
                        }
                    }
                    Kind::Return if AT_RETURN & registers != 0 => return Some(true),
                    Kind::Return => break,
                    Kind::Call | Kind::IndirectCall if (AT_CALL | PRESERVED) & registers != 0 => {
                        return Some(true);
                    }
                    // All others may be clobbered, and so may flags.
                    Kind::IndirectCall => break,
                    Kind::Call => match self.after_call(program.target(at).unwrap_or_default()) {
                        After::Call(clobbered) if registers & !clobbered != 0 => {}
                        _ => break,
                    },
                    Kind::IndirectJump => {
                        let targets = self.targets(at)?;
                        if targets.elsewhere && (AT_CALL | PRESERVED) & registers != 0 {
                            return Some(true);
                        }
                        let function = self.input.function_index(insn.ip())?;
                        if labelled.insert(self.region_of(function)) {
                            work.extend_from_slice(&targets.labels);
                        }
                        break;
                    }
                    // ud2
                    Kind::Flow if program.bytes(at) == [0x0F, 0x0B] => break,
                    Kind::Flow => return None,
                    _ => {}
                }
                at += 1;
            }
        }
        Some(false)
    }

    /// Which of the labels of one region need the arithmetic flags that hold before them.
    pub(crate) fn flags_at_labels(&mut self, labels: &[usize]) -> Vec<bool> {
        match self.needs(labels, FLAGS) {
            Some(false) => vec![false; labels.len()],
            _ => labels.iter().map(|&label| self.flags_at(label)).collect(),
        }
    }

    /// Whether arithmetic flags that hold before code index `at`, a label in a function, are read later.
    fn flags_at(&mut self, at: usize) -> bool {
        if let Some(soon) = self.needs(&[at], FLAGS) {
            return soon;
        }
        let insn = self.program.insns.get(at);
        let function = insn.and_then(|i| self.input.function_index(i.ip()));
        let Some(function) = function else {
            return true;
        };
        let region = self.region(function);
        let place = region.place(at);
        place.is_none_or(|place| region.live[place] & FLAGS != 0)
    }

    fn callers_of(&mut self, start: u64) -> Vec<usize> {
        let (input, program) = (self.input, self.program);
        let callers = self.callers.get_or_insert_with(|| {
            let mut starts = vec![false; program.insns.len() + 1];
            for function in &input.functions {
                if let Some(at) = program.at(function.0) {
                    starts[at] = true;
                }
            }
            let to_function = |b: &&Branch| b.target().is_some_and(|target| starts[target]);
            let branches = program.branches.iter().filter(to_function);
            let pairs = branches.map(|b| (program.address(b.to as usize), b.at as usize));
            let mut callers: Vec<_> = pairs.collect();
            callers.sort_unstable();
            callers
        });
        let first = callers.partition_point(|caller| caller.0 < start);
        let of_it = callers[first..].iter().take_while(|c| c.0 == start);
        of_it.map(|caller| caller.1).collect()
    }

    /// The registers that a function writes, as far as that is easily told.
    fn written(&mut self, function: usize) -> u16 {
        if let Some(known) = self.written[function] {
            return known;
        }
        let (start, end) = self.input.extent(function);
        let (first, last) = (self.program.first_from(start), self.program.first_from(end));
        let insns = self.program.insns[first..last].iter();
        let written = insns.fold(0, |mask, i| mask | 1u32 << i.written) >> 1;
        let written = written as u16;
        self.written[function] = Some(written);
        written
    }

    /// What is live before the instruction at code index `at`, which a jump or a return reaches.
    pub(crate) fn live_at(&mut self, at: usize) -> u16 {
        if let Some(live) = self.live_at_other(at) {
            return live;
        }
        let function = (self.input).function_index(self.program.insns[at].ip());
        function.map_or(u16::MAX, |function| self.region(function).live_at(at))
    }

    /// The same, if code index `at` is none within a function.
    fn live_at_other(&self, at: usize) -> Option<u16> {
        let Some(insn) = self.program.insns.get(at) else {
            return Some(u16::MAX);
        };
        let ip = insn.ip();
        match self.input.function_index(ip) {
            None => Some(u16::MAX),
            Some(function) if self.is_other_function(function, ip) => Some(AT_CALL | PRESERVED),
            Some(_) => None,
        }
    }

    /// Whether a jump to `ip` in `function` is a tail call.
    fn is_other_function(&self, function: usize, ip: u64) -> bool {
        self.input.functions[function].0 == ip && !self.input.is_cold(function)
    }

    fn region(&mut self, function: usize) -> &Region {
        let first = self.region_of(function);
        if self.known[first].is_none() {
            let runs = self.runs(first);
            self.known[first] = Some(self.solve(runs));
        }
        self.known[first].as_ref().expect("it was just solved")
    }

    /// The code of the region of `function`, as [`Region::runs`].
    fn runs(&mut self, function: usize) -> Vec<(usize, usize, usize)> {
        let first = self.region_of(function);
        let functions = self.regions.as_ref().map_or(&[][..], |r| r.members(first));
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        let mut size = 0;
        for &function in functions {
            let (start, end) = self.input.extent(function);
            let first = self.program.first_from(start);
            let first = runs.last().map_or(first, |run| first.max(run.1));
            let last = self.program.first_from(end);
            if first < last {
                runs.push((first, last, size));
                size += last - first;
            }
        }
        runs
    }

    /// The fixpoint over the code of a region.
    fn solve(&mut self, runs: Vec<(usize, usize, usize)>) -> Region {
        let program = self.program;
        let size = runs.last().map_or(0, |run| run.2 + run.1 - run.0);
        let mut region = Region {
            runs,
            live: vec![0; size],
        };
        let pads: Vec<usize> = (self.refs.landing_pads.iter())
            .filter_map(|&pad| region.place(pad))
            .collect();
        let mut steps = Vec::with_capacity(size);
        let mut labels = Vec::new();
        for &(first, last, base) in &region.runs {
            for at in first..last {
                let insn = &program.insns[at];
                let (uses, defs) = effect_at(&mut self.factory, program, at);
                steps.push((uses, defs, self.after(&region, at)));
                let function = || self.input.function_index(insn.ip());
                if self.refs.taken[at]
                    && !function().is_some_and(|f| self.is_other_function(f, insn.ip()))
                {
                    labels.push(base + at - first);
                }
            }
        }
        let mut ends = vec![false; size];
        for &(first, last, base) in &region.runs {
            ends[base + last - first - 1] = true;
        }
        let live = &mut region.live;
        let elsewhere = whole(AT_CALL | PRESERVED);
        // A callee may throw, and so go on at any landing pad, or in the caller: unwinding this frame may need its frame pointer,
        // which nothing else may ever read, and passes on what the function has not saved.
        let at_call = whole(AT_CALL | PRESERVED);
        let at_system = whole(SYSTEM_ONLY);
        let (mut at_labels, mut at_pads) = (0, 0);
        loop {
            let mut changed = false;
            for (i, &(uses, defs, after)) in steps.iter().enumerate().rev() {
                // What falls out of the region are calls that do not come back.
                let next = || {
                    if ends[i] { elsewhere } else { live[i + 1] }
                };
                let jump = |place: Option<u32>| place.map_or(elsewhere, |p| live[p as usize]);
                let (after, defs) = match after {
                    After::Next => (next(), defs),
                    After::Jump(target) => (jump(target), defs),
                    After::Either(target) => (jump(target) | next(), defs),
                    After::Unknown => (whole(u16::MAX) | FLAGS, defs),
                    After::Labels => (at_labels, defs),
                    After::Anywhere => (at_labels | elsewhere, defs),
                    After::Caller => (whole(AT_RETURN), defs),
                    // Functions neither take nor give flags.
                    After::Call(clobbered) => {
                        let kept = next() & !whole(clobbered) & !FLAGS;
                        (kept | at_pads | at_call, 0)
                    }
                    After::System => (next() | at_pads | at_call | at_system, 0),
                    After::LastCall => (at_pads | at_call, 0),
                    After::Nothing => (0, defs),
                };
                let before = uses | (after & !defs);
                changed |= live[i] != before;
                live[i] = before;
            }
            let at = |places: &[usize]| places.iter().fold(0, |mask, &place| mask | live[place]);
            let now = (at(&labels), at(&pads));
            changed |= now != (at_labels, at_pads);
            (at_labels, at_pads) = now;
            if !changed {
                break;
            }
        }
        region
    }

    fn after(&mut self, region: &Region, at: usize) -> After {
        let program = self.program;
        let to = || program.target(at).unwrap_or_default();
        match program.insns[at].kind {
            Kind::Call => self.after_call(to()),
            Kind::IndirectCall => After::Call(CALLER_SAVED),
            Kind::Jump => self.after_jump(region, to(), After::Jump),
            Kind::Branch => self.after_jump(region, to(), After::Either),
            Kind::IndirectJump => {
                let function = self.input.function_index(program.insns[at].ip());
                match function.is_some_and(|function| self.stays(at, function)) {
                    true => After::Labels,
                    false => After::Anywhere,
                }
            }
            Kind::Return => After::Caller,
            Kind::Flow => {
                let insn = program.decoded(at);
                match insn.flow_control() {
                    FlowControl::Call if insn.is_call_near() => self.after_call(to()),
                    FlowControl::IndirectCall => After::Call(CALLER_SAVED),
                    FlowControl::Call => After::System,
                    FlowControl::UnconditionalBranch => self.after_jump(region, to(), After::Jump),
                    FlowControl::ConditionalBranch => self.after_jump(region, to(), After::Either),
                    FlowControl::IndirectBranch => After::Anywhere,
                    FlowControl::Return => After::Caller,
                    FlowControl::Exception => After::Nothing,
                    // int3: a debugger, or the program's handler, goes on behind it.
                    _ => After::Next,
                }
            }
            _ => After::Next,
        }
    }

    fn after_jump(&self, region: &Region, ip: u64, after: fn(Option<u32>) -> After) -> After {
        let place = self.program.at(ip).and_then(|at| region.place(at));
        match (self.input.function_index(ip), place) {
            (Some(function), _) if self.is_other_function(function, ip) => after(None),
            (Some(_), Some(place)) => after(Some(place as u32)),
            _ => After::Unknown,
        }
    }

    fn after_call(&mut self, callee: u64) -> After {
        let entry = self.program.at(callee);
        let (Some(entry), Some(function)) = (entry, self.input.function_index(callee)) else {
            return After::Call(0);
        };
        if self.returns.may_return(self.program, entry) {
            After::Call(self.clobbered(function, 0))
        } else {
            After::LastCall
        }
    }

    /// The caller-saved registers that a function writes, or what it calls: nobody who knows its code (-fipa-ra) expects
    /// that it keeps them, so what its caller finds in them is a result. Assembly may save such a register, and pops it then.
    fn clobbered(&mut self, function: usize, depth: usize) -> u16 {
        if let Some(known) = self.clobbered[function] {
            return known;
        }
        // Recursion adds nothing of its own.
        self.clobbered[function] = Some(0);
        let program = self.program;
        let (start, end) = self.input.extent(function);
        let (first, last) = (program.first_from(start), program.first_from(end));
        let (mut clobbered, mut kept) = (self.written(function), 0);
        for at in first..last {
            match program.insns[at].kind {
                Kind::IndirectCall => clobbered = CALLER_SAVED,
                Kind::Call | Kind::Jump if depth < MOST_CALLERS => {
                    let target = program.target(at);
                    let target = target.filter(|target| !(start..end).contains(target));
                    if let Some(callee) = target.and_then(|t| self.input.function_index(t)) {
                        clobbered |= self.clobbered(callee, depth + 1);
                    }
                }
                // No pop is longer.
                Kind::Plain if program.insns[at].len <= 2 => kept |= program.popped(at),
                _ => {}
            }
        }
        let clobbered = clobbered & !kept & CALLER_SAVED;
        self.clobbered[function] = Some(clobbered);
        clobbered
    }
}
