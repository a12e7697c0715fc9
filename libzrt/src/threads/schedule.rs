//! Who runs when.

use super::{On, Progress, Run, Slot, TURN, Wait};
use crate::errno::Errno;
use crate::fs::NodeId;
use crate::kernel::Kernel;
use crate::signal::SIGALRM;
use crate::syscalls;

impl Kernel {
    /// The call of the current thread cannot go on: the error with which its handler is to return. That is
    /// [`Errno::WAITS`], and the handler runs again when `on` may have happened; `EINTR` if there is a signal to deliver,
    /// or `ETIMEDOUT` if the deadline has passed. So a handler looks first whether it can go on, and then asks this.
    pub(crate) fn block(&mut self, on: On, deadline: Option<u64>, why: &'static str) -> Errno {
        if self.signals.deliverable(&self.threads.current().signals) {
            return Errno::EINTR;
        }
        if deadline.is_some_and(|deadline| deadline <= self.clock.elapsed()) {
            return Errno::ETIMEDOUT;
        }
        self.threads.current_mut().run = Run::Waiting(Wait { on, deadline, why });
        Errno::WAITS
    }

    /// When a call that gives up after `span` nanoseconds gives up: the same each time that it is made again.
    pub(crate) fn deadline(&mut self, span: Option<u64>) -> Option<u64> {
        let span = span?;
        let now = self.clock.elapsed();
        let progress = &mut self.threads.current_mut().progress;
        Some(
            *progress
                .deadline
                .get_or_insert_with(|| now.saturating_add(span)),
        )
    }

    /// What the current call remembers.
    pub(crate) fn progress(&mut self) -> &mut Progress {
        &mut self.threads.current_mut().progress
    }

    /// Something changed at a node: whoever waits for it looks again.
    pub(crate) fn wake_node(&mut self, id: NodeId) {
        if let Ok(node) = self.tree.node_mut(id) {
            node.version = node.version.wrapping_add(1);
        }
        if self.threads.node_waiters == 0 {
            return;
        }
        for slot in 0..self.threads.slots.len() as Slot {
            let waits = self.threads.get_mut(slot).is_some_and(|thread| {
                matches!(thread.run, Run::Waiting(wait) if wait.on == On::AnyNode || wait.on == On::Node(id))
            });
            if waits {
                self.wake_thread(slot);
            }
        }
    }

    /// Lets a waiting thread look again at what it waits for.
    pub(crate) fn wake_thread(&mut self, slot: Slot) {
        let Some(thread) = self.threads.get_mut(slot) else {
            return;
        };
        if let Run::Waiting(wait) = thread.run {
            thread.run = Run::Retry;
            if matches!(wait.on, On::Node(_) | On::AnyNode) {
                self.threads.node_waiters -= 1;
            }
            self.threads.ready.push_back(slot);
        }
    }

    /// Lets a thread whose futex was woken go on: its call is answered.
    pub(super) fn wake_answered(&mut self, slot: Slot) {
        if let Some(thread) = self.threads.get_mut(slot) {
            // Whose deadline has passed, or who has a signal, is among the ready already and waits for its turn alone.
            let waited = matches!(thread.run, Run::Waiting(_));
            thread.run = Run::Ready;
            thread.progress.woken = true;
            let block = thread.block;
            self.memory.answer(block, 0);
            if waited {
                self.threads.ready.push_back(slot);
            }
        }
    }

    /// The current thread's wait begins: it has returned [`Errno::WAITS`].
    pub(crate) fn begin_wait(&mut self) {
        let threads = &mut self.threads;
        let thread = threads.current_mut();
        thread.progress.again = true;
        if thread.progress.held.is_none() && syscalls::waits_for_file(thread.number) {
            thread.progress.held = self.files.hold(thread.args[0]);
        }
        if let Run::Waiting(wait) = thread.run {
            if matches!(wait.on, On::Node(_) | On::AnyNode) {
                threads.node_waiters += 1;
            }
            if let Some(deadline) = wait.deadline {
                threads.earliest = threads.earliest.min(deadline);
            }
        }
    }

    /// The current thread goes behind all others that can run.
    pub(crate) fn end_turn(&mut self) {
        self.threads.left = 0;
    }

    /// Chooses who runs on, and lets time pass if nobody can. False if nothing can ever happen again; that is reported.
    pub(crate) fn choose(&mut self) -> bool {
        let current = self.threads.current;
        let running = self
            .threads
            .get_mut(current)
            .is_some_and(|thread| !matches!(thread.run, Run::Waiting(_)));
        self.clock_events();
        if self.threads.left == 0 && self.threads.node_waiters > 0 {
            self.look_outside();
        }
        let threads = &mut self.threads;
        if running {
            if threads.left > 0 || threads.ready.is_empty() {
                threads.left = threads.left.saturating_sub(1);
                return true;
            }
            threads.ready.push_back(current);
        }
        loop {
            if let Some(slot) = self.threads.ready.pop_front() {
                self.threads.left = TURN;
                self.threads.current = slot;
                return true;
            }
            let next = self.next_event(true);
            let span = next.saturating_sub(self.clock.elapsed());
            let limit = (self.clock.is_host() && next != u64::MAX).then_some(span);
            if self.wait_outside(limit) {
                continue;
            }
            if next == u64::MAX {
                let report = self.threads.waits();
                self.deadlock(&report);
                return false;
            }
            self.clock.sleep(span, &mut *self.host);
            self.clock_events();
        }
    }

    /// The next point in time at which something happens, or, if nobody can run, at which somebody can again; `u64::MAX` if
    /// there is none.
    fn next_event(&self, idle: bool) -> u64 {
        let deadlines = self
            .threads
            .iter()
            .filter_map(|(_, thread)| match thread.run {
                Run::Waiting(wait) => wait.deadline,
                _ => None,
            });
        // A timer that nobody waits for wakes nobody.
        let waited = |id| {
            !idle || self.threads.iter().any(|(_, thread)| {
                matches!(thread.run, Run::Waiting(wait) if wait.on == On::AnyNode || wait.on == On::Node(id))
            })
        };
        let timer = self.next_timer(waited);
        let alarm = self.clock.next_alarm(idle);
        let alarm = alarm.filter(|_| !idle || self.can_wake(SIGALRM, None));
        deadlines
            .chain(alarm)
            .chain(timer)
            .chain(self.next_posix_timer(idle))
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Does what is due: alarms, and threads whose deadline has passed, the earliest first.
    pub(crate) fn clock_events(&mut self) {
        let now = self.clock.elapsed();
        if now < self.threads.earliest {
            return;
        }
        self.check_alarms();
        self.fire_timers();
        self.fire_posix_timers();
        loop {
            let due = self
                .threads
                .iter()
                .filter_map(|(slot, thread)| match thread.run {
                    Run::Waiting(wait) => Some((wait.deadline.filter(|&at| at <= now)?, slot)),
                    _ => None,
                })
                .min();
            let Some((_, slot)) = due else { break };
            self.wake_thread(slot);
        }
        self.threads.earliest = self.next_event(false);
    }
}
