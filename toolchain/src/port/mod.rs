//! `cargo zvm port`: upstream's own sources of interpreters and libraries, built for the sandbox.
//!
//! [`recipe`] reads `port.toml`, [`index`] has all of them, [`environment`] is what their steps see, [`builder`] builds in the
//! cache, [`bench`](mod@bench) compares it with native, [`pack`] makes the file system of a program, [`launch`] starts it. [`command`] is the command line.

pub mod bench;
pub mod builder;
pub mod command;
pub mod environment;
pub mod index;
pub mod launch;
pub mod pack;
pub mod recipe;
mod steps;
mod suite;
mod table;
mod tree;
