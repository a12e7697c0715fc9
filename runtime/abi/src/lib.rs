//! What the guest (libzrt), the rewriter, the validator's callers and the runtime agree on.
//!
//! Source: the project's ARCHITECTURE.md, section "The contract". All addresses are both guest and host addresses: the
//! sandbox lies at host address 0. All integers are little-endian.
#![no_std]
#![forbid(unsafe_code)]

pub mod fault;
pub mod layout;
pub mod manifest;
pub mod note;
pub mod tar_index;
pub mod trap;
