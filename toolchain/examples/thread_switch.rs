//! What a switch between two threads of a program costs: two threads yield to each other, ten million times in all, sandboxed;
//! the time of the same program without the yields is taken away. Natively for comparison, pinned to one processor.
//!
//! ```text
//! cargo run --release -p zvm-toolchain --example thread_switch -- [LEVEL]
//! ```
//! needs `zvm-cc` and `zvm` beside the example's folder (`cargo build --release`).

use std::path::Path;
use std::process::Command;
use std::time::Instant;

const YIELDS: u32 = 10_000_000;

const PROGRAM: &str = r#"
#define _GNU_SOURCE
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

type Failure = Box<dyn std::error::Error>;

fn best(command: &dyn Fn() -> Command, count: u32) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        let status = command().arg(count.to_string()).status()?;
        if !status.success() {
            return Err(format!("the program ended with {status}").into());
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), Failure> {
    let level = std::env::args().nth(1).unwrap_or_else(|| "1".into());
    let tools = std::env::current_exe()?;
    let tools = tools
        .parent()
        .and_then(Path::parent)
        .ok_or("an odd place")?
        .to_owned();
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("switch.c");
    std::fs::write(&source, PROGRAM)?;
    let march = match level.as_str() {
        "1" => "-march=x86-64".to_owned(),
        level => format!("-march=x86-64-v{level}"),
    };
    let (image, native) = (
        folder.path().join("switch.zvm"),
        folder.path().join("switch"),
    );
    for (output, options) in [(&image, &[][..]), (&native, &["--native"])] {
        let built = Command::new(tools.join("zvm-cc"))
            .args(options)
            .args(["-O2", &march])
            .arg(&source)
            .arg("-o")
            .arg(output)
            .status()?;
        if !built.success() {
            return Err("the program does not build".into());
        }
    }
    let sandboxed = || {
        let mut command = Command::new(tools.join("zvm"));
        command.arg("run").arg(&image);
        command
    };
    let switch = |command: &dyn Fn() -> Command| -> Result<f64, Failure> {
        Ok((best(command, YIELDS)? - best(command, 0)?) * 1e9 / f64::from(YIELDS))
    };
    println!("x86-64-v{level}: {:.1} ns a switch", switch(&sandboxed)?);
    println!("native: {:.1} ns", switch(&|| Command::new(&native))?);
    Ok(())
}
