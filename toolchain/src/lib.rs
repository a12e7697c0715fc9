//! The SDK's commands as a library: [`cc`] is `zvm-cc`, [`cargo_zvm`] is `cargo zvm`, which builds and runs a [`project`].
#![forbid(unsafe_code)]

pub mod cargo_zvm;
pub mod cc;
pub mod project;
