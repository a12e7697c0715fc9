//! Loads, validates and runs one image as a throw-away instance.
//!
//! [`run`] is the whole of it: the parent opens the image, the channels and the mounts ([`image`], [`channel`],
//! [`mount`]), plans the 4 GiB (`space`, `manifest`), forks the instance and waits ([`monitor`]). The instance maps
//! and validates (`instance`), closes itself in (`seccomp`), and enters the guest (`thunk`), whose only ways out
//! are the six traps (`trap`) and faults (`signals`, [`fault`]). [`cli`] is the `zvm` command.
//!
//! What it does not do: it does not rewrite or repair code, it does not read the guest's files or interpret its system
//! calls (that is libzrt, inside), and it gives the guest nothing of the host that the options do not name.
//!
//! Embedding it takes [`RunOptions`] and [`run`]; `examples/embed.rs` is a whole program. [`RunOptions::open`] also takes applications, and
//! [`snapshot::make`] makes one whose runs begin where the program was.
//!
//! ```no_run
//! use std::time::Duration;
//! use zvm_runtime::{ChannelSpec, Mount, Outcome, RunOptions};
//!
//! let mut options = RunOptions::new("program.zvm");
//! options.args = vec!["one".into(), "two".into()];
//! options.memory = 64 << 20;
//! options.timeout = Some(Duration::from_secs(10));
//! options.mounts = vec![Mount::parse("data:/data:ro".as_ref())?];
//! // In a manifest's words: an output of at most a million bytes that appears when the program ends well.
//! options.channels = vec![ChannelSpec::parse("out, /dev/stdout, 0, 1, 0, 0, 1000, 1000000")?];
//! let report = zvm_runtime::run(&options)?;
//! match report.outcome {
//!     Outcome::Exited(status) => println!("ended with {status}"),
//!     other => println!("{}", other.lines().join("\n")),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]

pub mod channel;
mod check;
pub mod cli;
mod clock;
mod commit;
mod crash;
pub mod debugger;
pub mod digest;
mod door;
pub mod entry;
pub mod error;
pub mod fault;
mod huge;
mod identity;
pub mod image;
mod instance;
mod kept;
pub mod limits;
mod manifest;
mod memory;
pub mod monitor;
pub mod mount;
pub mod network;
mod nvram;
pub mod open;
pub mod options;
mod output;
mod port;
mod record;
pub mod report;
mod report_file;
mod seccomp;
mod signals;
pub mod snapshot;
mod space;
mod span;
pub mod spec;
pub mod tar_index;
mod thunk;
mod trap;
mod validate;
pub mod verdict;
mod wait;
pub mod zapp;
pub mod zerovm;

pub use error::RunError;
pub use monitor::{Outcome, run};
pub use mount::{Mode, Mount};
pub use options::RunOptions;
pub use record::Validated;
pub use report::Report;
pub use spec::ChannelSpec;
