//! All the memory that a sandbox holds, and more bytes through a channel than fit into it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Bench, Failure, row, timed};

/// Takes and writes memory until there is no more, then checks all of it.
const ALL: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
struct piece { struct piece *next; size_t number; };
int main(void) {
    size_t size = 1 << 20, count = 0;
    struct piece *pieces = 0;
    for (;;) {
        struct piece *piece = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) break;
        memset(piece, (int)count, size);
        *piece = (struct piece){pieces, count++};
        pieces = piece;
    }
    for (struct piece *p = pieces; p; p = p->next)
        if (((unsigned char *)p)[size - 1] != (unsigned char)p->number) return 1;
    printf("%zu", count);
    return 0;
}
"#;

/// Counts its input and adds its bytes.
const COUNTS: &str = r#"
#include <stdio.h>
#include <unistd.h>
static unsigned char block[1 << 16];
int main(void) {
    unsigned long count = 0, sum = 0;
    for (long got; (got = read(0, block, sizeof block)) > 0; count += got)
        for (long i = 0; i < got; i++) sum += block[i];
    printf("%lu %lu\n", count, sum);
    return 0;
}
"#;

const BYTES: u64 = 5_000_000_000;

/// The `large` part; takes 4 GiB of memory.
pub fn large(bench: &Bench) -> Result<(), Failure> {
    let image = bench.image("all", ALL)?;
    let output = bench.sandboxed(&["--memory", "4G"], &image).output()?;
    if !output.status.success() {
        return Err(format!("--memory 4G: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mebibytes = String::from_utf8_lossy(&output.stdout).into_owned();
    row(
        "--memory 4G: written and read back",
        &format!("{mebibytes} MiB"),
    );

    let pair = bench.pair("counts", COUNTS)?;
    let mut results = Vec::new();
    for (what, mut command) in [
        ("sandboxed", bench.sandboxed(&[], &pair.image)),
        ("native", Command::new(&pair.native)),
    ] {
        let begin = Instant::now();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("no stdin")?;
        let block: Vec<u8> = (0..1 << 16).map(|n: u32| (n * 7 % 251) as u8).collect();
        let mut left = BYTES;
        while left > 0 {
            let part = left.min(block.len() as u64) as usize;
            stdin.write_all(&block[..part])?;
            left -= part as u64;
        }
        drop(stdin);
        let output = child.wait_with_output()?;
        results.push(output.stdout);
        row(
            &format!("5 GB through a pipe: {what}"),
            &format!("{:.2} s", begin.elapsed().as_secs_f64()),
        );
    }
    if results[0] != results[1] || !results[0].starts_with(b"5000000000 ") {
        return Err("the sandboxed program did not read what the native one did".into());
    }

    let file = bench.folder.path().join("five");
    std::fs::File::create(&file)?.set_len(BYTES)?;
    let spec = format!("--stdin={}", file.display());
    let inside = bench.sandboxed(&[&spec], &pair.image);
    let mut native = Command::new(&pair.native);
    native.stdin(std::fs::File::open(&file)?);
    for (what, mut command) in [("sandboxed", inside), ("native", native)] {
        command.stdout(Stdio::null());
        let time = timed(command)?;
        row(
            &format!("a file of 5 GB as input: {what}"),
            &format!("{:.2} s", time.as_secs_f64()),
        );
    }
    Ok(())
}
