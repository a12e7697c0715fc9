//! What leaving the program costs: a trap to the runtime, and a switch to another thread.

use std::process::Command;

use super::{Bench, Failure, best, row};

/// Traps that the runtime answers at once (Fork does nothing else).
const TRAP: &str = r#"
#include <stdlib.h>
long __zvm_trap(unsigned long *words);
int main(int argc, char **argv) {
    unsigned long words[6] = {0x6b726f46};
    for (long i = atol(argv[1]); i > 0; i--) __zvm_trap(words);
    return 0;
}
"#;

/// A system call that answers a number.
const CALL: &str = r#"
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    for (long i = atol(argv[1]); i > 0; i--) getppid();
    return 0;
}
"#;

/// Two threads that yield to each other; natively on one processor.
const YIELD: &str = r#"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
static void *run(void *count) {
    for (long i = 0; i < (long)count; i++) sched_yield();
    return 0;
}
int main(int argc, char **argv) {
    void *count = (void *)(atol(argv[1]) / 2);
    cpu_set_t one;
    CPU_ZERO(&one), CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    pthread_t thread;
    pthread_create(&thread, 0, run, count);
    run(count);
    pthread_join(thread, 0);
    return 0;
}
"#;

const COUNT: u32 = 3_000_000;

/// Nanoseconds for each of [`COUNT`] times what the program does, without its start.
fn each(command: &dyn Fn() -> Command) -> Result<f64, Failure> {
    let time = |count: u32| {
        let with = || {
            let mut command = command();
            command.arg(count.to_string());
            command
        };
        best(5, &with)
    };
    let (with, without) = (time(COUNT)?, time(0)?);
    Ok((with - without) * 1e9 / f64::from(COUNT))
}

/// The `trap` part.
pub fn trap(bench: &Bench) -> Result<(), Failure> {
    let image = bench.image("trap", TRAP)?;
    let time = each(&|| bench.sandboxed(&[], &image))?;
    row("trap, to the runtime and back", &format!("{time:.1} ns"));
    Ok(())
}

/// The `switch` part.
pub fn threads(bench: &Bench) -> Result<(), Failure> {
    let pair = bench.pair("switch", YIELD)?;
    let inside = each(&|| bench.sandboxed(&[], &pair.image))?;
    let native = each(&|| Command::new(&pair.native))?;
    row(
        "switch of threads by sched_yield",
        &format!("{inside:.1} ns (native {native:.0} ns)"),
    );
    let pair = bench.pair("call", CALL)?;
    let inside = each(&|| bench.sandboxed(&[], &pair.image))?;
    let native = each(&|| Command::new(&pair.native))?;
    row(
        "  of that: a system call, as getppid is one",
        &format!("{inside:.1} ns (native {native:.0} ns)"),
    );
    Ok(())
}
