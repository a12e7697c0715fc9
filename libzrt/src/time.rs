//! Clocks that depend on nothing but the program.
//!
//! The clock starts at nvram's `[time]` and moves by two rules alone: every system call but `rt_sigreturn`, and every `rdtsc`,
//! takes [`STEP`] nanoseconds, and when no thread can run, time passes at once to the next point at which one can: the end of
//! a sleep, a timeout, an alarm. So a program that spins on a clock ends, and two runs read the same times. If the manifest
//! asks for the host's clock, a channel tells it, at each system call, and sleeping is waiting on that channel.

use crate::errno::Errno;
use crate::fs::Time;
use crate::host::Host;
use crate::kernel::{Args, Kernel};
use crate::process::PID;
use crate::threads::On;

/// Nanoseconds that a system call takes.
pub const STEP: u64 = 1000;
/// What clocks say of their resolution, in nanoseconds.
const RESOLUTION: i64 = 1;
/// ITIMER_REAL; the two others count processor time.
const REAL: usize = 0;
/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Clock ticks a second, as `times` counts (`AT_CLKTCK`).
pub const TICKS: u64 = 100;

/// The instance's clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// What it shows at the start, and what `clock_settime` made of that.
    start: Time,
    /// Nanoseconds since the start.
    elapsed: u64,
    /// Of these, nanoseconds that the program slept.
    slept: u64,
    /// Where the host tells its time, if that is the program's.
    host: Option<HostClock>,
    /// When ITIMER_REAL, ITIMER_VIRTUAL and ITIMER_PROF fire, by the time that each counts, and their intervals (0 = once).
    alarms: [Option<(u64, u64)>; 3],
}

impl Clock {
    /// A clock that shows `start`.
    pub fn new(start: Time) -> Clock {
        Clock {
            start,
            elapsed: 0,
            slept: 0,
            host: None,
            alarms: [None; 3],
        }
    }

    /// The host's clock, told by this channel.
    ///
    /// # Errors
    /// The channel's, as a negative error number.
    pub(crate) fn of_host(host: &mut dyn Host, channel: u32) -> Result<Clock, i64> {
        let (since_1970, base) = ask(host, channel, 0)?;
        let mut clock = Clock::new(Time {
            seconds: (since_1970 / SECOND) as i64,
            nanoseconds: (since_1970 % SECOND) as u32,
        });
        clock.host = Some(HostClock { channel, base });
        Ok(clock)
    }

    /// Goes on as `other`, which shows its start: time since 1970 is the other's, all other clocks go on from where they are, so
    /// that nobody sees them go back.
    pub(crate) fn go_on_as(&mut self, other: Clock) {
        let elapsed = Time {
            seconds: (self.elapsed / SECOND) as i64,
            nanoseconds: (self.elapsed % SECOND) as u32,
        };
        let borrow = u32::from(other.start.nanoseconds < elapsed.nanoseconds);
        self.start = Time {
            seconds: other.start.seconds.saturating_sub(elapsed.seconds) - i64::from(borrow),
            nanoseconds: other.start.nanoseconds + borrow * SECOND as u32 - elapsed.nanoseconds,
        };
        self.host = other.host.map(|clock| HostClock {
            base: clock.base.saturating_sub(self.elapsed),
            ..clock
        });
    }

    /// A system call's time goes by.
    pub(crate) fn tick(&mut self, host: &mut dyn Host) {
        let elapsed = match self.host {
            // A clock that does not answer stands still.
            Some(clock) => clock.elapsed(host, 0).unwrap_or(self.elapsed),
            None => self.elapsed.saturating_add(STEP),
        };
        self.elapsed = self.elapsed.max(elapsed);
    }

    /// The program sleeps.
    pub(crate) fn sleep(&mut self, nanoseconds: u64, host: &mut dyn Host) {
        let until = self.elapsed.saturating_add(nanoseconds);
        let elapsed = match self.host {
            Some(clock) => clock.elapsed(host, until).unwrap_or(until).max(until),
            None => until,
        };
        self.slept = self.slept.saturating_add(elapsed - self.elapsed);
        self.elapsed = elapsed;
    }

    /// Whether it is the host's.
    pub(crate) fn is_host(&self) -> bool {
        self.host.is_some()
    }

    /// Time since 1970.
    pub fn now(&self) -> Time {
        let total = u64::from(self.start.nanoseconds) + self.elapsed % SECOND;
        let seconds = (self.elapsed / SECOND + total / SECOND) as i64;
        Time {
            seconds: self.start.seconds.saturating_add(seconds),
            nanoseconds: (total % SECOND) as u32,
        }
    }

    /// Nanoseconds since the start.
    pub fn elapsed(&self) -> u64 {
        self.elapsed
    }

    /// Nanoseconds since the start without sleep.
    pub fn busy(&self) -> u64 {
        self.elapsed - self.slept
    }

    /// The time that an interval timer counts: all of it, or what the program was busy.
    fn counted(&self, which: usize) -> u64 {
        if which == REAL {
            self.elapsed
        } else {
            self.busy()
        }
    }

    /// When, in nanoseconds since the start, the next interval timer fires, if the program is busy until then. While it is
    /// `idle`, only ITIMER_REAL goes on.
    pub(crate) fn next_alarm(&self, idle: bool) -> Option<u64> {
        let counting = if idle {
            &self.alarms[..=REAL]
        } else {
            &self.alarms[..]
        };
        let at = |(which, alarm): (usize, &Option<(u64, u64)>)| {
            let left = (*alarm)?.0.saturating_sub(self.counted(which));
            Some(self.elapsed.saturating_add(left))
        };
        counting.iter().enumerate().filter_map(at).min()
    }

    /// When, in nanoseconds since the start, the clock of that number shows `target` nanoseconds; now, if that has been.
    pub(crate) fn when(&self, clock: u64, target: u64) -> Result<u64, Errno> {
        let left = target.saturating_sub(self.shown(clock)?);
        Ok(self.elapsed.saturating_add(left))
    }

    /// When, in nanoseconds since the start, a timer of that clock fires first that is set to a span, or to what the clock is to
    /// show, and how long ago that was; `None` if it is 0, which is off.
    pub(crate) fn first(
        &self,
        clock: u64,
        value: u64,
        absolute: bool,
    ) -> Result<(Option<u64>, u64), Errno> {
        Ok(match (value, absolute) {
            (0, _) => (None, 0),
            (_, true) => {
                let late = self.shown(clock)?.saturating_sub(value);
                (Some(self.when(clock, value)?), late)
            }
            (_, false) => (Some(self.elapsed.saturating_add(value)), 0),
        })
    }

    /// What the clock of that number shows, in nanoseconds.
    fn shown(&self, clock: u64) -> Result<u64, Errno> {
        let now = self.read(clock)?;
        let seconds = u64::try_from(now.seconds).unwrap_or(0);
        Ok(seconds
            .saturating_mul(SECOND)
            .saturating_add(u64::from(now.nanoseconds)))
    }

    /// The clock of that number.
    fn read(&self, clock: u64) -> Result<Time, Errno> {
        let since_start = |nanoseconds: u64| Time {
            seconds: (nanoseconds / SECOND) as i64,
            nanoseconds: (nanoseconds % SECOND) as u32,
        };
        match clock as i32 {
            // REALTIME, REALTIME_COARSE, TAI.
            0 | 5 | 11 => Ok(self.now()),
            // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME: since a boot one second ago, so that 0 means unset.
            1 | 4 | 6 | 7 => Ok(since_start(self.elapsed.saturating_add(SECOND))),
            // PROCESS_CPUTIME_ID, THREAD_CPUTIME_ID.
            2 | 3 => Ok(since_start(self.busy())),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The host's clock, as a channel tells it.
#[derive(Clone, Copy, Debug)]
struct HostClock {
    channel: u32,
    /// What its monotonic clock showed at the start.
    base: u64,
}

impl HostClock {
    /// Nanoseconds since the start, when at least `until` have gone by.
    fn elapsed(self, host: &mut dyn Host, until: u64) -> Option<u64> {
        let at = match until {
            0 => 0,
            until => self.base.saturating_add(until),
        };
        let (_, now) = ask(host, self.channel, at).ok()?;
        Some(now.saturating_sub(self.base))
    }
}

/// Waits until the host's monotonic clock shows `until`; nanoseconds since 1970, and of that clock
/// (`zvm_abi::manifest::CLOCK`).
fn ask(host: &mut dyn Host, channel: u32, until: u64) -> Result<(u64, u64), i64> {
    let mut bytes = [0; 16];
    match host.read(channel, &mut bytes, until) {
        16 => {
            let (first, second) = bytes.split_at(8);
            let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
            Ok((word(first), word(second)))
        }
        other => Err(other),
    }
}

/// Writes a `struct timespec`.
fn put(kernel: &Kernel, address: u64, time: Time) -> Result<(), Errno> {
    kernel
        .memory
        .write(address, &[time.seconds, i64::from(time.nanoseconds)])
}

/// Reads a `struct timespec` as nanoseconds.
pub(crate) fn duration(kernel: &Kernel, address: u64) -> Result<u64, Errno> {
    let [seconds, nanoseconds] = kernel.memory.read::<[i64; 2]>(address)?;
    if seconds < 0 || !(0..SECOND as i64).contains(&nanoseconds) {
        return Err(Errno::EINVAL);
    }
    Ok((seconds as u64)
        .saturating_mul(SECOND)
        .saturating_add(nanoseconds as u64))
}

pub(crate) fn clock_gettime(kernel: &mut Kernel, [clock, address, ..]: Args) -> Result<u64, Errno> {
    let clock = kernel.clock_number(clock)?;
    put(kernel, address, kernel.clock.read(clock)?)?;
    Ok(0)
}

pub(crate) fn clock_getres(kernel: &mut Kernel, [clock, address, ..]: Args) -> Result<u64, Errno> {
    let clock = kernel.clock_number(clock)?;
    kernel.clock.read(clock)?;
    if address != 0 {
        kernel.memory.write(address, &[0, RESOLUTION])?;
    }
    Ok(0)
}

/// Nobody may set it, as nobody may in a container.
pub(crate) fn clock_settime(kernel: &mut Kernel, [clock, time, ..]: Args) -> Result<u64, Errno> {
    const REALTIME: u64 = 0;
    if clock as u32 as u64 != REALTIME {
        return Err(Errno::EINVAL);
    }
    duration(kernel, time)?;
    Err(Errno::EPERM)
}

pub(crate) fn gettimeofday(kernel: &mut Kernel, [time, zone, ..]: Args) -> Result<u64, Errno> {
    let now = kernel.clock.now();
    if time != 0 {
        kernel
            .memory
            .write(time, &[now.seconds, i64::from(now.nanoseconds / 1000)])?;
    }
    if zone != 0 {
        kernel.memory.write(zone, &0_u64)?;
    }
    Ok(0)
}

pub(crate) fn time(kernel: &mut Kernel, [address, ..]: Args) -> Result<u64, Errno> {
    let seconds = kernel.clock.now().seconds;
    if address != 0 {
        kernel.memory.write(address, &seconds)?;
    }
    Ok(seconds as u64)
}

pub(crate) fn times(kernel: &mut Kernel, [address, ..]: Args) -> Result<u64, Errno> {
    let ticks = |nanoseconds: u64| nanoseconds / (SECOND / TICKS);
    if address != 0 {
        kernel
            .memory
            .write(address, &[ticks(kernel.clock.busy()), 0, 0, 0])?;
    }
    Ok(ticks(kernel.clock.elapsed().saturating_add(SECOND)))
}

pub(crate) fn nanosleep(kernel: &mut Kernel, [request, remaining, ..]: Args) -> Result<u64, Errno> {
    let span = duration(kernel, request)?;
    let until = kernel.deadline(Some(span)).unwrap_or(0);
    pass(kernel, until, remaining)
}

pub(crate) fn clock_nanosleep(
    kernel: &mut Kernel,
    [clock, flags, request, remaining, ..]: Args,
) -> Result<u64, Errno> {
    const ABSTIME: u64 = 1;
    let clock = kernel.clock_number(clock)?;
    kernel.clock.read(clock)?;
    let target = duration(kernel, request)?;
    if flags & ABSTIME == 0 {
        return nanosleep(kernel, [request, remaining, 0, 0, 0, 0]);
    }
    let until = kernel.clock.when(clock, target)?;
    pass(kernel, until, 0)
}

/// Sleeps; a signal on the way wakes the thread, with what is left.
fn pass(kernel: &mut Kernel, until: u64, remaining: u64) -> Result<u64, Errno> {
    match kernel.block(On::Time, Some(until), "sleeps") {
        Errno::ETIMEDOUT => Ok(0),
        Errno::EINTR if remaining != 0 => {
            let left = until.saturating_sub(kernel.clock.elapsed);
            kernel
                .memory
                .write(remaining, &[left / SECOND, left % SECOND])?;
            Err(Errno::EINTR)
        }
        errno => Err(errno),
    }
}

impl Kernel {
    /// The clock that this number means; a negative one is the processor clock of a process or thread.
    ///
    /// # Errors
    /// `EINVAL` if there is none of that number.
    pub(crate) fn clock_number(&self, clock: u64) -> Result<u64, Errno> {
        const PROCESS: u64 = 2;
        const THREAD: u64 = 3;
        const OF_THREAD: i32 = 4;
        let number = clock as i32;
        if number >= 0 {
            return Ok(clock);
        }
        // ~ID << 3, 4 for a thread, and which of three clocks (posix-timers.h).
        let id = !(number >> 3) as u32;
        match (number & OF_THREAD != 0, number & 3) {
            (_, 3) => Err(Errno::EINVAL),
            (true, _) if id == 0 || self.threads.find(id).is_some() => Ok(THREAD),
            (false, _) if id == 0 || id == PID => Ok(PROCESS),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Raises the signals of the interval timers whose time has come.
    pub(crate) fn check_alarms(&mut self) {
        const SIGNALS: [u32; 3] = [crate::signal::SIGALRM, 26, 27];
        for (which, signal) in SIGNALS.into_iter().enumerate() {
            let now = self.clock.counted(which);
            if let Some((at, interval)) = self.clock.alarms[which]
                && at <= now
            {
                self.clock.alarms[which] =
                    (interval > 0).then(|| (now.saturating_add(interval), interval));
                self.raise(signal);
            }
        }
    }
}

/// What is left of an interval timer, and its interval.
fn timer(clock: &Clock, which: usize) -> (u64, u64) {
    clock.alarms[which].map_or((0, 0), |(at, interval)| {
        (at.saturating_sub(clock.counted(which)).max(1), interval)
    })
}

/// Sets an interval timer; no time, and it is off.
fn set_timer(kernel: &mut Kernel, which: usize, span: u64, interval: u64) {
    let clock = &mut kernel.clock;
    let at = clock.counted(which).saturating_add(span);
    clock.alarms[which] = (span > 0).then_some((at, interval));
    let next = clock.next_alarm(false).unwrap_or(u64::MAX);
    kernel.threads.earliest = kernel.threads.earliest.min(next);
}

/// The timer that the first argument of `getitimer` and `setitimer` names.
fn timer_number(which: u64) -> Result<usize, Errno> {
    match which as u32 {
        which @ 0..=2 => Ok(which as usize),
        _ => Err(Errno::EINVAL),
    }
}

fn put_timer(kernel: &Kernel, address: u64, (left, interval): (u64, u64)) -> Result<(), Errno> {
    // Rounded up: a timer that is set is never said to be off.
    let micros = |nanoseconds: u64| (nanoseconds % SECOND).div_ceil(1000).min(999_999);
    let words = [
        interval / SECOND,
        micros(interval),
        left / SECOND,
        micros(left),
    ];
    kernel.memory.write(address, &words)
}

pub(crate) fn alarm(kernel: &mut Kernel, [seconds, ..]: Args) -> Result<u64, Errno> {
    let (left, _) = timer(&kernel.clock, REAL);
    set_timer(kernel, REAL, u64::from(seconds as u32) * SECOND, 0);
    // To the nearest second, as an `unsigned int`, but a timer that is set is never said to be off.
    let rounded = (left / SECOND) + u64::from(left % SECOND >= SECOND / 2);
    Ok(if left > 0 { rounded.max(1) as u32 } else { 0 }.into())
}

pub(crate) fn getitimer(kernel: &mut Kernel, [which, address, ..]: Args) -> Result<u64, Errno> {
    put_timer(kernel, address, timer(&kernel.clock, timer_number(which)?))?;
    Ok(0)
}

pub(crate) fn setitimer(kernel: &mut Kernel, [which, new, old, ..]: Args) -> Result<u64, Errno> {
    let which = timer_number(which)?;
    let words = if new == 0 {
        [0; 4]
    } else {
        kernel.memory.read::<[i64; 4]>(new)?
    };
    let [interval, value] =
        [[words[0], words[1]], [words[2], words[3]]].map(|[seconds, micros]| {
            let legal = seconds >= 0 && (0..1_000_000).contains(&micros);
            legal.then(|| {
                (seconds as u64)
                    .saturating_mul(SECOND)
                    .saturating_add(micros as u64 * 1000)
            })
        });
    let (interval, value) = (interval.ok_or(Errno::EINVAL)?, value.ok_or(Errno::EINVAL)?);
    if old != 0 {
        put_timer(kernel, old, timer(&kernel.clock, which))?;
    }
    set_timer(kernel, which, value, interval);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose clocks both show this, and move by a nanosecond each time that they are asked.
    struct Host1970(u64);

    impl Host for Host1970 {
        fn read(&mut self, channel: u32, buffer: &mut [u8], offset: u64) -> i64 {
            assert_eq!(channel, 7);
            self.0 = self.0.max(offset) + 1;
            buffer[..8].copy_from_slice(&self.0.to_le_bytes());
            buffer[8..].copy_from_slice(&self.0.to_le_bytes());
            16
        }

        fn write(&mut self, _: u32, _: &[u8], _: u64) -> i64 {
            0
        }

        fn open_door(&mut self, _: u32) {}
    }

    #[test]
    fn the_hosts_clock_is_followed() {
        let mut host = Host1970(5 * SECOND);
        let mut clock = Clock::of_host(&mut host, 7).unwrap();
        assert_eq!((clock.now().seconds, clock.now().nanoseconds), (5, 1));
        clock.tick(&mut host);
        assert_eq!((clock.elapsed(), clock.busy()), (1, 1));
        clock.sleep(SECOND, &mut host);
        assert_eq!((clock.elapsed(), clock.busy()), (SECOND + 2, 1));
        assert_eq!(clock.now().seconds, 6);
    }

    #[test]
    fn a_clock_goes_on_behind_a_snapshot() {
        let time = |seconds, nanoseconds| Time {
            seconds,
            nanoseconds,
        };
        let mut clock = Clock::new(time(10, 999_999_000));
        clock.sleep(3 * SECOND + 500, &mut Host1970(0));
        clock.go_on_as(Clock::new(time(100, 100)));
        assert_eq!(clock.now(), time(100, 100));
        assert_eq!(clock.elapsed(), 3 * SECOND + 500);
        let mut host = Host1970(50 * SECOND);
        clock.go_on_as(Clock::of_host(&mut host, 7).unwrap());
        assert_eq!(clock.now(), time(50, 1));
        host.0 += SECOND;
        clock.tick(&mut host);
        assert_eq!(clock.now(), time(51, 2));
        assert_eq!(clock.elapsed(), 4 * SECOND + 501);
    }

    #[test]
    fn the_clock_moves_by_its_rules_alone() {
        let mut clock = Clock::new(Time {
            seconds: 10,
            nanoseconds: 999_999_999,
        });
        assert_eq!(
            clock.now(),
            Time {
                seconds: 10,
                nanoseconds: 999_999_999
            }
        );
        clock.tick(&mut Host1970(0));
        assert_eq!(
            clock.now(),
            Time {
                seconds: 11,
                nanoseconds: 999
            }
        );
        clock.sleep(3 * SECOND, &mut Host1970(0));
        assert_eq!(
            (clock.now().seconds, clock.busy(), clock.elapsed()),
            (14, STEP, 3 * SECOND + STEP)
        );
        assert_eq!(
            clock.read(1),
            Ok(Time {
                seconds: 4,
                nanoseconds: 1000
            })
        );
        assert_eq!(
            clock.read(2),
            Ok(Time {
                seconds: 0,
                nanoseconds: 1000
            })
        );
        assert_eq!(clock.read(99), Err(Errno::EINVAL));
    }
}
