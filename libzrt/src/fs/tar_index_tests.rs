//! Indexes: good ones, and hostile ones.

use alloc::vec::Vec;

use super::*;
use crate::fs::tar::tests::{contents, entry, find, pax_record, problem, tree};

/// A global header with an index of `lines`, in front of `archive`.
fn indexed(lines: &str, archive: &[u8]) -> Vec<u8> {
    let text = alloc::format!("zvm-index 2 {lines}");
    let record = pax_record("comment", &text);
    // The record's own newline is the last line's.
    [&entry(b"pax_global_header", b'g', &record)[..], archive].concat()
}

/// One file, and the end.
fn archive() -> Vec<u8> {
    [entry(b"file", b'0', b"hello"), alloc::vec![0; 2 * BLOCK]].concat()
}

const LINES: &str = "1024\nd 700 7 8 6 0 0\t\nd 755 1 2 9 0 73\td\nd 755 0 0 0 0 0\tempty\nf 640 3 4 5 512 4\tother\nl 777 0 0 0 0 0\tsoft\tother\nf 644 0 0 0 513 3\tlast";

#[test]
fn an_index_stands_for_the_headers() {
    let mut indexed_tree = tree(indexed(LINES, &archive())).unwrap();
    // No header has these names: nothing but the index was read.
    assert_eq!(contents(&mut indexed_tree, "d/other"), b"hell");
    assert_eq!(contents(&mut indexed_tree, "last"), b"ell");
    let other = find(&mut indexed_tree, "d/other").unwrap();
    assert_eq!(
        (other.links, other.mode(), other.uid, other.gid),
        (1, 0o100_640, 3, 4)
    );
    assert_eq!(other.modified.seconds, 5);
    assert!(
        matches!(&find(&mut indexed_tree, "d/soft").unwrap().kind, Kind::Symlink(target) if **target == *b"other")
    );
    assert!(find(&mut indexed_tree, "file").is_none());
    let root = indexed_tree.node(0).unwrap();
    assert_eq!(
        (
            root.links,
            root.permissions,
            root.uid,
            root.modified.seconds
        ),
        (3, 0o700, 7, 6)
    );
    let directory = find(&mut indexed_tree, "d").unwrap();
    assert_eq!((directory.links, directory.mode()), (3, 0o040_755));
    let id = indexed_tree.directory(0).unwrap().get(b"d").unwrap();
    assert_eq!(indexed_tree.path(id).unwrap(), b"/d");
    let empty = indexed_tree.directory(id).unwrap().get(b"empty").unwrap();
    assert!(indexed_tree.directory(empty).unwrap().is_empty());
    assert_eq!(indexed_tree.path(empty).unwrap(), b"/d/empty");
}

#[test]
fn an_index_stands_behind_other_entries_or_for_nothing() {
    let archive = archive();
    // As in an application.
    let behind = [entry(b"map", b'0', b"x"), indexed(LINES, &archive)].concat();
    let mut behind = tree(behind).unwrap();
    assert_eq!(contents(&mut behind, "map"), b"x");
    assert_eq!(contents(&mut behind, "d/other"), b"hell");
    // Somebody appended to the archive: the headers count.
    let appended = [
        &archive[..2 * BLOCK],
        &entry(b"new", b'0', b"x"),
        &[0; 2 * BLOCK],
    ]
    .concat();
    let mut appended = tree(indexed(LINES, &appended)).unwrap();
    assert_eq!(contents(&mut appended, "file"), b"hello");
    assert_eq!(contents(&mut appended, "new"), b"x");
    // Or cut it.
    let mut cut = tree(indexed(LINES, &archive[..2 * BLOCK])).unwrap();
    assert_eq!(contents(&mut cut, "file"), b"hello");
    // A comment that is none, and an index of another kind.
    for text in ["zvm", "zvm-index 1 1024\nf 644 0 0 0 512 5\ta"] {
        let comment = [
            entry(b"g", b'g', &pax_record("comment", text)),
            archive.clone(),
        ];
        assert_eq!(
            contents(&mut tree(comment.concat()).unwrap(), "file"),
            b"hello"
        );
    }
}

#[test]
fn directories_are_read_when_somebody_looks_into_them() {
    let mut tree = tree(indexed(LINES, &archive())).unwrap();
    let before = tree.len();
    let id = tree.directory(0).unwrap().get(b"d").unwrap();
    assert!(tree.node(id).unwrap().is_directory());
    assert!(matches!(tree.node(id).unwrap().kind, Kind::Unread(_)));
    assert_eq!(tree.len(), before);
    assert!(tree.directory(id).is_ok());
    assert_eq!(tree.len(), before + 3);
    // What changes a directory reads it first.
    let mut other = super::super::tar::tests::tree(indexed(LINES, &archive())).unwrap();
    let id = other.directory(0).unwrap().get(b"d").unwrap();
    let file = || Kind::File(Contents::image(b""));
    let now = Time::default();
    other.create(id, b"new", file(), 0o644, now).unwrap();
    assert_eq!(other.directory(id).unwrap().len(), 4);
    let mut full = super::super::tar::tests::tree(indexed(LINES, &archive())).unwrap();
    assert_eq!(full.unlink(0, b"d", now), Err(Errno::ENOTEMPTY));
}

#[test]
fn hostile_indexes() {
    let archive = archive();
    let of = |lines: &str| problem(indexed(lines, &archive));
    let long = alloc::format!("1024\nf 644 0 0 0 512 5\t{}", "n".repeat(256));
    for lines in [
        "x",
        "1024\n",
        "1024\nf 644 0 0 0 512 5",
        "1024\nf 644 0 0 0 512\ta",
        "1024\nf 644 0 0 0 512 5 6\ta",
        "1024\nf 644 0 0 0 512 5\ta\tb",
        "1024\nl 644 0 0 0 0 0\ta",
        "1024\nl 644 0 0 0 0 0\ta\tb\tc",
        "1024\nl 777 0 0 0 0 0\ta\t",
        "1024\nl 777 0 0 0 0 0\ta\tb\0",
        "1024\nx 644 0 0 0 0 0\ta",
        "1024\nh 644 0 0 0 0 0\ta\tb",
        "1024\nf 648 0 0 0 0 0\ta",
        "1024\nf 10644 0 0 0 0 0\ta",
        "1024\nf  0 0 0 0 0\ta",
        "1024\nf 644 4294967296 0 0 0 0\ta",
        "1024\nf 644 0 0 9223372036854775808 0 0\ta",
        // Into the archive's end, beyond it, around the address space.
        "1024\nf 644 0 0 0 1024 1\ta",
        "1024\nf 644 0 0 0 512 513\ta",
        "1024\nf 644 0 0 0 512 18446744073709551615\ta",
        "1024\nf 644 0 0 0 18446744073709551616 1\ta",
        // Directories with more than there is.
        "1024\nd 755 0 0 0 0 1\ta",
        "1024\nd 755 0 0 0 0 18446744073709551615\ta",
        // Names.
        "1024\nf 644 0 0 0 512 5\t..",
        "1024\nf 644 0 0 0 512 5\t.",
        "1024\nf 644 0 0 0 512 5\ta/b",
        "1024\nf 644 0 0 0 512 5\ta\0",
        "1024\nf 644 0 0 0 512 5\t",
        "1024\nd 755 0 0 0 0 1\t",
        "1024\nd 755 0 0 0 0 0\t\nd 755 0 0 0 0 0\t",
        "1024\nf 644 0 0 0 512 5\ta\nf 644 0 0 0 512 5\ta",
        &long,
    ] {
        assert_eq!(of(lines), TarProblem::Index, "{lines:?}");
    }
    // A length that is not the record's.
    let mut longer = indexed("1024\nf 644 0 0 0 512 5\ta", &archive);
    let digit = longer[BLOCK];
    longer[BLOCK] = digit ^ 1;
    assert_eq!(problem(longer), TarProblem::Index);
    // A name that is there already.
    let twice = [
        entry(b"a", b'0', b"x"),
        indexed("1024\nf 644 0 0 0 512 5\ta", &archive),
    ];
    assert_eq!(problem(twice.concat()), TarProblem::Index);
}

#[test]
fn a_hostile_directory_is_an_error_for_who_looks_into_it() {
    for below in [
        "f 644 0 0 0 1024 1\ta\n",
        "f 644 0 0 0 512 1\ta\nx\n",
        "f 644 0 0 0 512 1\ta\nf 644 0 0 0 512 1\ta\n",
        "d 755 0 0 0 0 1\ta\n",
        "f 644 0 0 0 512 1",
        "f 644 0 0 0 512 1\t..\n",
    ] {
        let end = "f 644 0 0 0 512 5\tz";
        let lines = alloc::format!("1024\nd 755 0 0 0 0 {}\td\n{below}{end}", below.len());
        let mut tree = tree(indexed(&lines, &archive())).unwrap();
        let before = tree.len();
        let id = tree.directory(0).unwrap().get(b"d").unwrap();
        for _ in 0..3 {
            assert_eq!(tree.directory(id).err(), Some(Errno::EIO), "{below:?}");
        }
        assert_eq!(tree.len(), before, "{below:?}");
        assert_eq!(contents(&mut tree, "z"), b"hello");
    }
}
