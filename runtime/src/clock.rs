//! The host's clock, for a program that asks for it. Runs in the instance, behind a filter that lets these two calls pass.
#![allow(unsafe_code)]

const SECOND: u64 = 1_000_000_000;

/// Nanoseconds of the host's monotonic clock.
pub fn monotonic() -> u64 {
    read_one(libc::CLOCK_MONOTONIC)
}

/// Waits until the monotonic clock shows `until` nanoseconds; then nanoseconds since 1970, and of the monotonic clock.
pub fn read(until: u64) -> [u64; 2] {
    if until > monotonic() {
        let time = libc::timespec {
            tv_sec: i64::try_from(until / SECOND).unwrap_or(i64::MAX),
            tv_nsec: (until % SECOND) as i64,
        };
        // No signal has a handler that comes back, so it ends at its time.
        // SAFETY: the structure lives through the call.
        unsafe {
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                libc::TIMER_ABSTIME,
                &raw const time,
                std::ptr::null_mut(),
            )
        };
    }
    [read_one(libc::CLOCK_REALTIME), monotonic()]
}

fn read_one(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure lives through the call.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}
