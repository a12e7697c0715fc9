//! Runs an image or an application in the sandbox from a program: its input is a string, its output goes to a file that appears whole, and
//! the report says what passed.
//!
//! ```text
//! cargo run --release -p zvm-runtime --example embed -- PROGRAM [ARG]...
//! ```

use std::fs;
use std::time::Duration;

use zvm_runtime::spec::Uri;
use zvm_runtime::{ChannelSpec, Outcome, RunOptions, digest};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1);
    let program = args.next().ok_or("usage: embed PROGRAM [ARG]...")?;
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("input"), folder.path().join("output"));
    fs::write(&input, "what the program reads\n")?;

    let mut options = RunOptions::open(program.into(), args.collect())?;
    options.timeout = Some(Duration::from_secs(10));
    options.channels = vec![
        ChannelSpec::standard(0, Uri::Path(input)),
        ChannelSpec::standard(1, Uri::Path(output.clone())),
    ];
    options.digests = true;

    let report = zvm_runtime::run(&options)?;
    match &report.outcome {
        Outcome::Exited(status) => {
            println!(
                "ended with {status} after {:.1} ms",
                report.wall.as_secs_f64() * 1e3
            );
            println!("wrote: {}", fs::read_to_string(&output)?);
        }
        other => println!("{}", other.lines().join("\n")),
    }
    for channel in &report.channels {
        if let Some(digest) = &channel.digest {
            println!("{} {}", channel.alias, digest::hex(digest));
        }
    }
    Ok(())
}
