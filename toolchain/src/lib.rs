//! The SDK's commands as a library: [`cc`] is `zvm-cc`, [`cargo_zvm`] is `cargo zvm`, which builds and runs a
//! [`project`] and compares it with its native build ([`bench`]).
#![forbid(unsafe_code)]

pub mod bench;
pub mod cargo_zvm;
pub mod cc;
pub mod project;
