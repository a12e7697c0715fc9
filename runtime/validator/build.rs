//! Makes the automaton of the common instructions from the specification: see `src/automaton.rs`.

// What only the decoder needs is not used here, and the tables are parsed at compile time in the library.
#![allow(dead_code, long_running_const_eval)]

#[path = "src/automaton.rs"]
mod automaton;
#[path = "src/encoding.rs"]
mod encoding;
#[path = "src/spec.rs"]
mod spec;
#[path = "src/spec_evex.rs"]
mod spec_evex;
#[path = "src/spec_vex.rs"]
mod spec_vex;
#[path = "src/table.rs"]
mod table;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let mut rows = automaton::build(&table::build());
    rows.resize(encoding::STATES, [encoding::SLOW; 256]);
    let out = std::env::var_os("OUT_DIR").expect("cargo says where to");
    std::fs::write(
        std::path::Path::new(&out).join("next.in"),
        format!("{rows:?}"),
    )
}
