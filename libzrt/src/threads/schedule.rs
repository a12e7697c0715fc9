//! Who runs when.

use super::{ANY_NODE, On, Progress, Run, Slot, TURN, Wait};
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
        let deadline = &mut self.progress().deadline;
        Some(*deadline.get_or_insert_with(|| now.saturating_add(span)))
    }

    /// What the current call remembers.
    pub(crate) fn progress(&mut self) -> &mut Progress {
        let progress = &mut self.threads.current_mut().progress;
        progress.used = true;
        progress
    }

    /// Something changed at a node: whoever waits for it looks again, in the order of the threads. `events` are what it may have
    /// become ready for, of poll's; only who watches it for one of them hears of it (0 = nobody who watches).
    pub(crate) fn wake_node(&mut self, id: NodeId, events: u16) {
        let mut nodes = core::mem::take(&mut self.threads.told);
        nodes.extend([id, ANY_NODE]);
        self.tell_watchers(id, events, &mut nodes);
        if !self.threads.on_nodes.is_empty() {
            let mut slots = core::mem::take(&mut self.threads.woken);
            for &node in &nodes {
                slots.extend(self.threads.waiting_on(node));
            }
            slots.sort_unstable();
            for slot in slots.drain(..) {
                self.wake_thread(slot);
            }
            self.threads.woken = slots;
        }
        nodes.clear();
        self.threads.told = nodes;
    }

    /// Lets a waiting thread look again at what it waits for.
    pub(crate) fn wake_thread(&mut self, slot: Slot) {
        let Some(thread) = self.threads.get_mut(slot) else {
            return;
        };
        if let Run::Waiting(wait) = thread.run {
            thread.run = Run::Retry;
            self.threads.end_wait(slot, wait);
            self.threads.ready.push_back(slot);
        }
    }

    /// Lets a thread whose futex was woken go on: its call is answered.
    pub(super) fn wake_answered(&mut self, slot: Slot) {
        if let Some(thread) = self.threads.get_mut(slot) {
            // Whose deadline has passed, or who has a signal, is among the ready already and waits for its turn alone.
            let before = core::mem::replace(&mut thread.run, Run::Ready);
            thread.progress.woken = true;
            let block = thread.block;
            self.memory.answer(block, 0);
            if let Run::Waiting(wait) = before {
                self.threads.end_wait(slot, wait);
                self.threads.ready.push_back(slot);
            }
        }
    }

    /// The current thread's wait begins: it has returned [`Errno::WAITS`]. Apart, since most calls do not wait.
    #[cold]
    pub(crate) fn begin_wait(&mut self) {
        let threads = &mut self.threads;
        let thread = threads.current_mut();
        if !thread.progress.again {
            thread.args = self.memory.registers(thread.block).args();
        }
        (thread.progress.used, thread.progress.again) = (true, true);
        if thread.progress.held.is_none() && syscalls::waits_for_file(thread.number) {
            thread.progress.held = self.files.hold(thread.args[0]);
        }
        if let Run::Waiting(wait) = thread.run {
            threads.begin_wait(wait);
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
        if self.threads.left == 0 && !self.threads.on_nodes.is_empty() {
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
        let deadline = self.threads.deadlines.first().map(|&(at, _)| at);
        // A timer that nobody waits for wakes nobody.
        let timer = self.next_timer(idle);
        let alarm = self.clock.next_alarm(idle);
        let alarm = alarm.filter(|_| !idle || self.can_wake(SIGALRM, None));
        deadline
            .into_iter()
            .chain(alarm)
            .chain(timer)
            .chain(self.next_posix_timer(idle))
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Does what is due.
    #[inline]
    pub(crate) fn clock_events(&mut self) {
        let now = self.clock.elapsed();
        if now >= self.threads.earliest {
            self.do_due(now);
        }
    }

    /// Alarms, timers, and threads whose deadline has passed, the earliest first.
    #[cold]
    fn do_due(&mut self, now: u64) {
        self.check_alarms();
        self.fire_timers();
        self.fire_posix_timers();
        while let Some(&(at, slot)) = self.threads.deadlines.first()
            && at <= now
        {
            self.wake_thread(slot);
        }
        self.threads.earliest = self.next_event(false);
    }
}
