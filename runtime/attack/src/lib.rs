//! Attacks on the validator and the runtime, each a command that anyone can repeat; the book's chapter on safety has the figures.
//!
//! - [`enumerate`]: byte strings, compared with two other decoders.
//! - [`processor`]: accepted instructions on this machine's processor: their length, and what memory they touch.
//! - [`hunt`]: random programs of accepted instructions with hostile registers in the real runtime.
//! - [`mutate`]: damaged images.
//! - [`parse`]: everything that reads hostile bytes; `runtime/fuzz` runs it under coverage.
//!
//! The tests run small samples of each.

pub mod ask;
pub mod candidate;
pub mod enumerate;
pub mod hunt;
#[path = "../../tests/support/mod.rs"]
mod image;
pub mod mutate;
pub mod oracle;
pub mod parse;
pub mod processor;
pub mod random;
pub mod second;
