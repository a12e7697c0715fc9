//! Loads, validates and runs one image as a throw-away instance.
//!
//! [`run`] is the whole of it: the parent opens the image, the channels and the mounts ([`image`], [`channel`],
//! [`mount`]), plans the 4 GiB (`space`, `manifest`), forks the instance and waits ([`monitor`]). The instance maps
//! and validates (`instance`), closes itself in (`seccomp`), and enters the guest (`thunk`), whose only ways out
//! are the six traps (`trap`) and faults (`signals`, [`fault`]). [`cli`] is the `zvm` command.
//!
//! What it does not do: it does not rewrite or repair code, it does not read the guest's files or interpret its system
//! calls (that is libzrt, inside), and it gives the guest nothing of the host that the options do not name.
#![warn(missing_docs)]

pub mod channel;
mod check;
pub mod cli;
mod commit;
pub mod error;
pub mod fault;
pub mod image;
mod instance;
pub mod limits;
mod manifest;
pub mod monitor;
pub mod mount;
mod nvram;
mod record;
mod seccomp;
mod signals;
mod space;
mod thunk;
mod trap;

pub use error::RunError;
pub use monitor::{Outcome, RunOptions, run};
pub use mount::{Mode, Mount};
