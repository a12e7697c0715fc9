//! Many instances at once, and what one of them holds of the host's memory.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::Instant;

use super::{Bench, Failure, row};

/// Says that it runs, and waits for its input's end.
const WAITS: &str = r#"
#include <unistd.h>
int main(void) {
    char byte;
    write(1, "!", 1);
    while (read(0, &byte, 1) > 0) {}
    return 0;
}
"#;

const MANY: usize = 1000;

/// Kilobytes of a process: all that it has resident, its share of it, and what no other process has.
#[derive(Default)]
struct Memory {
    resident: u64,
    share: u64,
    private: u64,
}

fn memory(pid: &str) -> Result<Memory, Failure> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Ok(Memory {
        resident: field("Rss:"),
        share: field("Pss:"),
        private: field("Private_Clean:") + field("Private_Dirty:"),
    })
}

fn instance_of(monitor: u32) -> Result<String, Failure> {
    let path = format!("/proc/{monitor}/task/{monitor}/children");
    let text = fs::read_to_string(path)?;
    Ok(text.trim().to_owned())
}

/// The `instances` part.
pub fn instances(bench: &Bench) -> Result<(), Failure> {
    let image = bench.image("waits", WAITS)?;
    bench.settle(&image)?;
    let begin = Instant::now();
    let mut running: Vec<Child> = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        let mut command = bench.sandboxed(&[], &image);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        running.push(command.spawn()?);
    }
    for child in &mut running {
        let stdout = child.stdout.as_mut().ok_or("no stdout")?;
        stdout.read_exact(&mut [0])?;
    }
    let up = begin.elapsed();
    let (mut guests, mut monitors) = (Memory::default(), Memory::default());
    for child in &running {
        for (sums, pid) in [
            (&mut guests, instance_of(child.id())?),
            (&mut monitors, child.id().to_string()),
        ] {
            let one = memory(&pid)?;
            sums.resident += one.resident;
            sums.share += one.share;
            sums.private += one.private;
        }
    }
    for child in &mut running {
        drop(child.stdin.take());
    }
    for child in &mut running {
        let status = child.wait()?;
        if !status.success() {
            return Err(format!("an instance ended with {status}").into());
        }
    }
    row(
        &format!("{MANY} instances: until all run"),
        &format!(
            "{:.2} s ({:.2} ms each)",
            up.as_secs_f64(),
            up.as_secs_f64() * 1e3 / MANY as f64
        ),
    );
    let each = |sum: u64| sum as f64 / MANY as f64;
    for (what, sums) in [("instance", guests), ("monitor", monitors)] {
        row(
            &format!("  memory of an idle {what}, mean of all"),
            &format!(
                "{:.0} KiB private, {:.0} KiB with its share of pages, {:.0} KiB resident",
                each(sums.private),
                each(sums.share),
                each(sums.resident)
            ),
        );
    }
    Ok(())
}
