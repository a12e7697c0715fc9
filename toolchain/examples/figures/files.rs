//! The file system in the sandbox against the host's in memory.

use std::process::Command;

use super::{Bench, Failure, best, row};

const PROGRAM: &str = include_str!("files.c");

/// What the program does, how often, and how to say it.
const WORKS: &[(&str, u32, &str)] = &[
    ("write", 40_000, "write of 64 KiB"),
    ("read", 40_000, "read of 64 KiB"),
    ("stat", 1_000_000, "stat"),
    ("readdir", 20_000, "list of a folder with 100 entries"),
    ("small", 300_000, "create, write 100 bytes, close, remove"),
];

/// The `files` part.
pub fn files(bench: &Bench) -> Result<(), Failure> {
    let pair = bench.pair("files", PROGRAM)?;
    for &(work, count, what) in WORKS {
        let each = |inside: bool| -> Result<f64, Failure> {
            // Nanoseconds each: without the start, and what is made at first.
            let time = |count: u32| -> Result<f64, Failure> {
                let folder = tempfile::tempdir_in("/dev/shm")?;
                let command = || {
                    let mut command = match inside {
                        true => bench.sandboxed(&[], &pair.image),
                        false => Command::new(&pair.native),
                    };
                    command.args([work, &count.to_string()]);
                    match inside {
                        true => command.arg("/tmp"),
                        false => command.arg(folder.path()),
                    };
                    command
                };
                best(5, &command)
            };
            Ok((time(count)? - time(0)?) * 1e9 / f64::from(count))
        };
        let (inside, native) = (each(true)?, each(false)?);
        row(
            &format!("files: {what}"),
            &format!(
                "{inside:.0} ns (native tmpfs {native:.0} ns): {:.2}x",
                inside / native
            ),
        );
    }
    Ok(())
}
