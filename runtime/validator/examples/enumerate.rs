//! `enumerate [ROUNDS [SEED]]`: structured random byte strings, 1,536 a round; every accepted one is checked by iced-x86.

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|a| a.parse::<u64>().expect("a number"));
    let rounds = args.next().unwrap_or(100_000);
    let (tried, found, objections) = support::enumerate(rounds, args.next().unwrap_or(1).max(1));
    for objection in &objections {
        println!("{objection}");
    }
    println!(
        "{tried} byte strings tried, {found} accepted, {} disagreements",
        objections.len()
    );
    std::process::exit(i32::from(!objections.is_empty()));
}
