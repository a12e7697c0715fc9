//! Whatever the validator accepts, another decoder must read with the same length and find harmless.
//!
//! `cargo run --release -p zvm-validator --example enumerate` does the same with far more byte strings.

mod support;

#[test]
fn accepted_code_is_what_another_decoder_says() {
    let (tried, found, objections) = support::enumerate(2000, 0x5EED);
    println!("{tried} byte strings, {found} accepted");
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    // A validator that rejects everything would pass otherwise.
    assert!(found > tried / 50, "only {found} of {tried} were accepted");
}
