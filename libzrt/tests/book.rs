//! The book's list of system calls is the code's.
//!
//! `BLESS=1 cargo test -p libzrt --test book` writes the rows anew; notes stay with their calls.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

const START: &str = "| number | call | differs |\n|---:|---|---|\n";
const ABSENT: &str = "<!-- absent -->\n";

#[test]
fn the_books_system_calls_are_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/libzrt.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.find(START).expect("the table's head") + START.len();
    let end = start + text[start..].find("\n\n").expect("the table's end") + 1;
    let mut notes = BTreeMap::new();
    for row in text[start..end].lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{row}");
        notes.insert(cells[2].trim_matches('`').to_owned(), cells[3].to_owned());
    }
    let mut rows = String::new();
    let mut calls: Vec<(u64, &str)> = libzrt::syscalls::all()
        .map(|(number, call)| (number, call.name))
        .collect();
    calls.push((libzrt::syscalls::RT_SIGRETURN, "rt_sigreturn"));
    calls.sort_unstable();
    for (number, name) in calls {
        let note = notes.get(name).map_or("", String::as_str);
        rows += &format!("| {number} | `{name}` | {note} |\n");
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, [&text[..start], &rows, &text[end..]].concat()).unwrap();
        return;
    }
    assert_eq!(
        &text[start..end],
        rows,
        "the table in {} is not the code's: run with BLESS=1",
        path.display()
    );
}

#[test]
fn what_the_book_calls_absent_is_absent() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/libzrt.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let list = text.split(ABSENT).nth(1).expect("the list of absent calls");
    let list = list.split("\n\n").next().unwrap();
    let names: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert!(names.contains(&"fork"), "{names:?}");
    for name in names {
        assert!(
            libzrt::syscalls::all().all(|(_, call)| call.name != name),
            "{name} is answered"
        );
    }
}
