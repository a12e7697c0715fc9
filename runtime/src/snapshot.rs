//! Makes a snapshot of an application: runs it until it reads `/dev/snapshot`, and writes it with the memory that it has then
//! ([`crate::zapp::memory`]). What takes long in each start, an interpreter's for instance, is done once.

use std::path::PathBuf;

use crate::error::RunError;
use crate::monitor::{self, Outcome, STANDARD};
use crate::options::RunOptions;
use crate::report::Report;
use crate::spec::ChannelSpec;
use crate::zapp::memory;

/// Runs the application in `options` and writes it to `to`, with its memory. A run that ends in another way leaves nothing there.
///
/// # Errors
/// [`RunError::Snapshot`] if the program is no application, is given what a later run would not have, or ends by itself;
/// else as [`monitor::run`].
pub fn make(options: RunOptions, to: PathBuf) -> Result<Report, RunError> {
    let refuse = |problem: &str| Err(RunError::Snapshot(problem.to_owned()));
    if options.image.is_none() {
        return refuse(
            "the program is no application (.zapp): pack it first, with `cargo zvm pack`",
        );
    }
    memory::check_place(&to)?;
    let standard = |channel: &ChannelSpec| STANDARD.contains(&channel.alias.as_str());
    if options.mounts.len() > 1 || !options.channels.iter().all(standard) {
        return refuse(
            "a snapshot has no mounts and channels: give them to the runs that begin with it",
        );
    }
    if options.host_clock {
        return refuse(
            "the host's clock is a channel, which a snapshot has none of: give --clock host to the runs that begin with it",
        );
    }
    let report = monitor::run(&RunOptions {
        snapshot: Some(to),
        ..options
    })?;
    match report.outcome {
        Outcome::Exited(status) => Err(RunError::Snapshot(format!(
            "the program ended with status {status} and did not read /dev/snapshot"
        ))),
        _ => Ok(report),
    }
}
