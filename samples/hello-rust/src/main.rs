//! What Rust's own `std` finds in the sandbox: arguments, files, threads, caught panics; and what it does not find.

use std::collections::HashMap;
use std::error::Error;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use std::{env, fs, panic, thread};

/// The longest line of a text.
fn longest(text: &str) -> &str {
    text.lines()
        .max_by_key(|line| line.len())
        .unwrap_or_default()
}

/// How often each byte stands in the text, counted by several threads.
fn frequencies(text: &str, threads: usize) -> HashMap<u8, usize> {
    let share = text.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let counters: Vec<_> = text
            .as_bytes()
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    let mut counts = HashMap::new();
                    for &byte in part {
                        *counts.entry(byte).or_insert(0) += 1;
                    }
                    counts
                })
            })
            .collect();
        let mut sum = HashMap::new();
        for counter in counters {
            for (byte, count) in counter.join().expect("a counter does not panic") {
                *sum.entry(byte).or_insert(0) += count;
            }
        }
        sum
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1);
    let path = path
        .as_deref()
        .unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/src/main.rs"));
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    println!("Hello from {} bytes of Rust!", text.len());
    println!("the longest line: {}", longest(&text).trim());
    println!("`e` stands there {} times", frequencies(&text, 4)[&b'e']);

    let caught = panic::catch_unwind(|| text.as_bytes()[text.len()]);
    println!("a panic was caught: {}", caught.is_err());

    let start = Instant::now();
    thread::sleep(Duration::from_secs(3600));
    println!("slept {:?}", start.elapsed().as_secs());

    // An address of documentation's; on the host this waits for an answer from it.
    let reached = TcpStream::connect("203.0.113.1:80").is_ok();
    println!("the network was reached: {reached}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_line_is_found() {
        assert_eq!(longest("a\nccc\nbb"), "ccc");
        assert_eq!(longest(""), "");
    }

    #[test]
    fn threads_count_what_one_counts() {
        let text = "to be or not to be";
        assert_eq!(frequencies(text, 1), frequencies(text, 5));
        assert_eq!(frequencies(text, 3)[&b'o'], 4);
        assert!(frequencies("", 3).is_empty());
    }
}
