//! What waiting costs where much is waited for: an epoll descriptor that watches many files of which one is ready, and
//! thousands of threads that sleep in turns.

use std::process::Command;

use super::{Bench, Failure, best, row};

/// As many waits as the first argument says, over as many watches as the second.
const EPOLL: &str = r#"
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
int main(int argc, char **argv) {
    long waits = atol(argv[1]), watches = atol(argv[2]);
    struct rlimit limit = {watches + 10, watches + 10};
    setrlimit(RLIMIT_NOFILE, &limit);
    int ep = epoll_create1(0), *fds = malloc(watches * sizeof *fds);
    for (long i = 0; i < watches; i++) {
        struct epoll_event event = {EPOLLIN, {.u64 = i}};
        fds[i] = eventfd(0, EFD_NONBLOCK);
        if (fds[i] < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event)) return 1;
    }
    for (long i = 0; i < waits; i++) {
        struct epoll_event found;
        eventfd_t count;
        eventfd_write(fds[i * 7919 % watches], 1);
        if (epoll_wait(ep, &found, 1, -1) != 1 || found.data.u64 != i * 7919 % watches) return 2;
        eventfd_read(fds[found.data.u64], &count);
    }
    return 0;
}
"#;

/// As many rounds of sleep as the first argument says, of as many threads as the second.
const SLEEPERS: &str = r#"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
static long rounds;
static void *run(void *number) {
    struct timespec span = {0, 1000000 + (long)number * 1000};
    for (long i = 0; i < rounds; i++) nanosleep(&span, 0);
    return 0;
}
int main(int argc, char **argv) {
    rounds = atol(argv[1]);
    long count = atol(argv[2]);
    pthread_t *threads = malloc(count * sizeof *threads);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], &small, run, (void *)i)) return 1;
    for (long i = 0; i < count; i++) pthread_join(threads[i], 0);
    return 0;
}
"#;

/// Nanoseconds of processor time that each of so many steps takes, of which `each` are made for one of the program's first
/// argument.
fn step(
    command: &dyn Fn() -> Command,
    argument: u32,
    each: u32,
    size: u32,
) -> Result<f64, Failure> {
    let time = |argument: u32| {
        best(3, &|| {
            let mut command = command();
            command.args([argument.to_string(), size.to_string()]);
            command
        })
    };
    let (with, without) = (time(argument)?, time(0)?);
    Ok((with - without) * 1e9 / f64::from(argument) / f64::from(each))
}

/// The `waiting` part.
pub fn waiting(bench: &Bench) -> Result<(), Failure> {
    const WAITS: u32 = 200_000;
    const ROUNDS: u32 = 50;
    let pair = bench.pair("epoll", EPOLL)?;
    for watches in [100, 1000, 10_000] {
        let inside = step(&|| bench.sandboxed(&[], &pair.image), WAITS, 1, watches)?;
        let native = step(&|| Command::new(&pair.native), WAITS, 1, watches)?;
        row(
            &format!("an event of {watches} watches, with its write and read"),
            &format!("{inside:.0} ns (native {native:.0} ns)"),
        );
    }
    let pair = bench.pair("sleepers", SLEEPERS)?;
    for threads in [100, 1000, 4000] {
        let inside = step(
            &|| bench.sandboxed(&[], &pair.image),
            ROUNDS,
            threads,
            threads,
        )?;
        let native = step(&|| Command::new(&pair.native), ROUNDS, threads, threads)?;
        row(
            &format!("a sleep of one of {threads} threads"),
            &format!("{inside:.0} ns (native {native:.0} ns)"),
        );
    }
    Ok(())
}
