//! Makes the tables from the specification: what the decoder looks up, and the automaton of the common instructions.

// Each of these files is read here and in the library, which uses the other half.
#![allow(dead_code)]

mod automaton;
#[path = "../src/encoding.rs"]
mod encoding;
#[path = "../src/fields.rs"]
mod fields;
mod rows;
#[path = "../src/rules.rs"]
mod rules;
#[path = "../src/spec.rs"]
mod spec;
#[path = "../src/spec_evex.rs"]
mod spec_evex;
#[path = "../src/spec_vex.rs"]
mod spec_vex;
#[path = "../src/table.rs"]
mod table;

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src");
    let out = env::var_os("OUT_DIR").expect("cargo says where to");
    let tables = rows::tables();
    fs::write(Path::new(&out).join("tables.in"), format!("{tables:?}"))?;
    let mut states = automaton::build(&tables);
    states.resize(encoding::STATES, [encoding::SLOW; 256]);
    fs::write(Path::new(&out).join("next.in"), format!("{states:?}"))
}
