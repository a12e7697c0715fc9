//! Threads: coroutines on the one host thread that an instance has.
//!
//! A thread runs until a system call of its own cannot go on, it yields, it ends, or it has made [`TURN`] calls while others
//! could run. The others take turns in the order in which they became able to run. So the order in which threads run
//! depends on nothing but the program, and no two of them ever run at once.
//!
//! A call that cannot go on says what it waits for ([`Kernel::block`]) and is made again, with the same arguments, when that
//! may have happened; what it must remember meanwhile is its [`Progress`]. When no thread can run, time passes to the next
//! deadline; when there is none either, nothing can ever happen again, and the instance ends with a report of who waits for
//! what.
//!
//! The limit of this: a thread that never makes a system call is never interrupted, so one that spins on a variable that
//! another is to set spins until the instance's time is over.

mod calls;
mod futex;
mod schedule;
pub mod state;

pub(crate) use calls::*;
pub(crate) use futex::{Futexes, futex};

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use crate::fault::Back;
use crate::fs::{Held, NodeId};
use crate::kernel::Args;
use crate::process::PID;
use crate::signal::ThreadSignals;
use crate::text::text;
pub(crate) use state::State;

#[cfg(doc)]
use crate::kernel::Kernel;

/// Most threads at once; more give `EAGAIN`.
pub const MAX_THREADS: usize = 16_384;
/// System calls that a thread makes before another one gets its turn.
pub const TURN: u32 = 64;

/// Index of a thread in [`Threads`].
pub(crate) type Slot = u32;

/// No node's number: what stands for all of them.
const ANY_NODE: NodeId = NodeId::MAX;

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// Its deadline, or a signal.
    Time,
    /// A wake-up of the futex at this address.
    Futex(u32),
    /// A change of this pipe, socket or event counter.
    Node(NodeId),
    /// A change of any of them.
    AnyNode,
}

impl On {
    /// The node, or [`ANY_NODE`].
    fn node(self) -> Option<NodeId> {
        match self {
            On::Node(id) => Some(id),
            On::AnyNode => Some(ANY_NODE),
            On::Time | On::Futex(_) => None,
        }
    }
}

/// A thread's wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub on: On,
    /// On the instance's clock: nanoseconds since the start.
    pub deadline: Option<u64>,
    /// For the report of a deadlock: what the thread does.
    pub why: &'static str,
}

/// What a call that is made again knows of its first time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// There is something here: most calls need nothing.
    pub used: bool,
    /// It has been made before.
    pub again: bool,
    /// When it is to give up.
    pub deadline: Option<u64>,
    /// Bytes that it has moved.
    pub done: u64,
    /// Bytes of the parts before, if it moves them in parts.
    pub before: u64,
    /// The waker has done all that is to do.
    pub woken: bool,
    /// It waits, among others, for the world outside.
    pub outside: bool,
    /// Its address and place among those who wait for a futex.
    pub place: (u32, u64),
    /// How often the other end of the pipe that it opens had been opened.
    pub opened: Option<u32>,
    /// The open file that its first argument named when it began to wait.
    pub held: Option<Held>,
}

/// Whether a thread can run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// Its call is answered.
    Ready,
    /// Its call is to be made again.
    Retry,
    /// It waits.
    Waiting(Wait),
}

/// A thread.
pub(crate) struct Thread {
    pub tid: u32,
    pub run: Run,
    /// Its call: the number, and, while it waits, the arguments.
    pub number: u64,
    pub args: Args,
    pub progress: Progress,
    /// Its call's answer was `EINTR`.
    pub interrupted: bool,
    /// Address of the register block with which it goes on; [`crate::fault::BACK`] if `back` says it.
    pub block: u64,
    /// Where a fault was, to which its handler has returned.
    pub back: Option<Box<Back>>,
    /// What the entry does not keep on its stack.
    pub state: State,
    /// gs base, which stands for fs base.
    pub pointer: u32,
    pub signals: ThreadSignals,
    /// `prctl(PR_SET_NAME)`.
    pub name: [u8; 16],
    /// `set_tid_address`: becomes 0 and is woken when the thread ends.
    pub clear_tid: u64,
    /// `set_robust_list`.
    pub robust: u64,
}

impl Thread {
    /// A call of the thread's begins.
    pub(crate) fn begin(&mut self, number: u64, block: u64) {
        self.block = block;
        self.number = number;
        if self.progress.used {
            self.progress = Progress::default();
        }
        self.interrupted = false;
    }
}

/// All threads.
pub struct Threads {
    slots: Vec<Option<Box<Thread>>>,
    free: Vec<Slot>,
    /// Threads that ended: their memory is used again, as the entry may still refer to it.
    // Boxed, because they go back to `slots` as they are.
    #[allow(clippy::vec_box)]
    ended: Vec<Box<Thread>>,
    current: Slot,
    /// Threads that can run, but the current one.
    ready: VecDeque<Slot>,
    /// Calls that the current thread may still make in its turn.
    left: u32,
    next_tid: u32,
    /// No deadline is before this.
    pub(crate) earliest: u64,
    /// The image's level, which says how much state a thread has.
    level: u32,
    /// Deadlines of those that wait with one.
    deadlines: BTreeSet<(u64, Slot)>,
    /// Threads that wait for a change of a node; [`ANY_NODE`] stands for any.
    on_nodes: BTreeSet<(NodeId, Slot)>,
    /// Memory that is used again: of nodes that change at once, and of threads that hear of it.
    told: Vec<NodeId>,
    woken: Vec<Slot>,
    /// The threads' slots by their numbers.
    by_number: BTreeMap<u32, Slot>,
    /// Exit status of the first thread.
    first_status: u8,
}

impl Threads {
    /// The first thread, in an image of this level.
    pub fn new(level: u32, name: [u8; 16]) -> Threads {
        let first = Thread {
            tid: PID,
            run: Run::Ready,
            number: 0,
            args: [0; 6],
            progress: Progress::default(),
            interrupted: false,
            block: 0,
            back: None,
            state: State::new(level),
            pointer: 0,
            signals: ThreadSignals::default(),
            name,
            clear_tid: 0,
            robust: 0,
        };
        Threads {
            slots: alloc::vec![Some(Box::new(first))],
            free: Vec::new(),
            ended: Vec::new(),
            current: 0,
            ready: VecDeque::new(),
            left: TURN,
            next_tid: PID + 1,
            earliest: u64::MAX,
            level,
            deadlines: BTreeSet::new(),
            on_nodes: BTreeSet::new(),
            told: Vec::new(),
            woken: Vec::new(),
            by_number: BTreeMap::from([(PID, 0)]),
            first_status: 0,
        }
    }

    /// The thread that runs.
    pub(crate) fn current(&self) -> &Thread {
        match &self.slots[self.current as usize] {
            Some(thread) => thread,
            None => unreachable!("the current thread is there until another one is chosen"),
        }
    }

    /// The thread that runs, to change it.
    pub(crate) fn current_mut(&mut self) -> &mut Thread {
        match &mut self.slots[self.current as usize] {
            Some(thread) => thread,
            None => unreachable!("the current thread is there until another one is chosen"),
        }
    }

    /// The thread that runs, if it has not just ended.
    pub(crate) fn running(&self) -> Option<&Thread> {
        self.slots[self.current as usize].as_deref()
    }

    /// The thread pointer of the thread that runs, for the entry.
    pub fn pointer(&self) -> u32 {
        self.current().pointer
    }

    /// The state of the thread that runs, for the entry.
    pub fn state(&mut self) -> &mut State {
        &mut self.current_mut().state
    }

    /// Number of threads.
    pub fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All threads in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Thread)> + Clone {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(slot, thread)| Some((slot as Slot, &**thread.as_ref()?)))
    }

    /// All threads, to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Thread> {
        self.slots.iter_mut().filter_map(Option::as_deref_mut)
    }

    fn get_mut(&mut self, slot: Slot) -> Option<&mut Thread> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    /// The thread of this number.
    pub(crate) fn find(&self, tid: u32) -> Option<Slot> {
        self.by_number.get(&tid).copied()
    }

    /// The current thread's wait begins.
    fn begin_wait(&mut self, wait: Wait) {
        if let Some(deadline) = wait.deadline {
            self.deadlines.insert((deadline, self.current));
            self.earliest = self.earliest.min(deadline);
        }
        if let Some(node) = wait.on.node() {
            self.on_nodes.insert((node, self.current));
        }
    }

    /// A thread waits no more.
    fn end_wait(&mut self, slot: Slot, wait: Wait) {
        if let Some(deadline) = wait.deadline {
            self.deadlines.remove(&(deadline, slot));
        }
        if let Some(node) = wait.on.node() {
            self.on_nodes.remove(&(node, slot));
        }
    }

    /// Who waits for a change of this node, and of it alone.
    fn waiting_on(&self, node: NodeId) -> impl Iterator<Item = Slot> {
        let range = self.on_nodes.range((node, 0)..=(node, Slot::MAX));
        range.map(|&(_, slot)| slot)
    }

    /// Whether somebody does.
    pub(crate) fn wait_on(&self, node: NodeId) -> bool {
        self.waiting_on(node).next().is_some()
    }

    /// Whether somebody waits for a change of any node.
    pub(crate) fn wait_on_any(&self) -> bool {
        self.wait_on(ANY_NODE)
    }

    /// The thread of this number, to change it.
    pub(crate) fn by_tid(&mut self, tid: u32) -> Option<&mut Thread> {
        let slot = self.find(tid)?;
        self.get_mut(slot)
    }

    /// Who waits for what, for the report of a deadlock.
    fn waits(&self) -> String {
        const SHOWN: usize = 8;
        let mut report = String::new();
        for (_, thread) in self.iter().take(SHOWN) {
            let Run::Waiting(wait) = thread.run else {
                continue;
            };
            let separator = if report.is_empty() { "" } else { "; " };
            report.push_str(&text!("{separator}thread {} {}", thread.tid, wait.why));
            if let On::Futex(address) = wait.on {
                report.push_str(&text!(" (futex at {address:#x})"));
            }
        }
        if self.count() > SHOWN {
            report.push_str(&text!("; and {} more wait", self.count() - SHOWN));
        }
        report
    }
}
