//! What eventfd and timerfd count.

/// An eventfd.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event {
    /// Its counter, at most `u64::MAX - 1`.
    pub count: u64,
    /// Reads take one at a time.
    pub semaphore: bool,
}

/// A timerfd.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer {
    /// Its clock's number.
    pub clock: u64,
    /// When it fires next, in nanoseconds since the instance's start.
    pub at: Option<u64>,
    /// Nanoseconds between; 0 = once.
    pub interval: u64,
    /// Expirations that nobody has read.
    pub fired: u64,
}

impl Timer {
    /// Sets it, to fire at `at` first; if that has been `late` nanoseconds ago, it has expired as often as it would have since.
    pub fn set(&mut self, at: Option<u64>, late: u64, interval: u64) {
        (self.at, self.interval, self.fired) = (at, interval, 0);
        if let (Some(at), Some(more)) = (at, late.checked_div(interval))
            && late > 0
        {
            self.fired = more.saturating_add(1);
            self.at = Some(at.saturating_add(interval - late % interval));
        }
    }

    /// Counts the expirations up to `now`: whether there were any.
    pub fn advance(&mut self, now: u64) -> bool {
        let Some(at) = self.at.filter(|&at| at <= now) else {
            return false;
        };
        match (now - at).checked_div(self.interval) {
            Some(more) => {
                self.fired = self.fired.saturating_add(more + 1);
                self.at = Some(at.saturating_add((more + 1).saturating_mul(self.interval)));
            }
            None => {
                self.fired = 1;
                self.at = None;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expirations_are_counted() {
        let mut timer = Timer {
            at: Some(100),
            interval: 10,
            ..Timer::default()
        };
        assert!(!timer.advance(99));
        assert!(timer.advance(125));
        assert_eq!((timer.fired, timer.at), (3, Some(130)));
        timer.interval = 0;
        timer.fired = 0;
        assert!(timer.advance(1000));
        assert_eq!((timer.fired, timer.at), (1, None));
        assert!(!timer.advance(2000));
    }

    #[test]
    fn a_timer_that_began_in_the_past_keeps_its_step() {
        let mut timer = Timer::default();
        timer.set(Some(1000), 25, 10);
        assert_eq!((timer.fired, timer.at), (3, Some(1005)));
        timer.set(Some(1000), 30, 10);
        assert_eq!((timer.fired, timer.at), (4, Some(1010)));
        timer.set(Some(1000), 0, 10);
        assert_eq!((timer.fired, timer.at), (0, Some(1000)));
        timer.set(Some(1000), 25, 0);
        assert_eq!((timer.fired, timer.at), (0, Some(1000)));
        timer.set(None, 25, 10);
        assert_eq!((timer.fired, timer.at), (0, None));
    }
}
