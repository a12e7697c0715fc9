//! The SDK's commands as a library: [`cc`] is `zvm-cc`.
#![forbid(unsafe_code)]

pub mod cc;
