//! The SDK's commands as a library: [`cc`] is `zvm-cc`, [`cargo_zvm`] is `cargo zvm`, which builds and runs a
//! [`project`] or a [`port`], and compares a project with its native build ([`bench`](mod@bench)).
#![forbid(unsafe_code)]

pub mod bench;
pub mod binutils;
pub mod cargo;
pub mod cargo_zvm;
pub mod cc;
pub mod clean;
pub mod completions;
pub mod cross;
pub mod doctor;
pub mod inspect;
pub mod multicall;
pub mod new;
pub mod pack;
pub mod port;
pub mod problem;
pub mod project;
pub mod runner;
pub mod sandbox;
pub mod tools;
pub mod watch;
