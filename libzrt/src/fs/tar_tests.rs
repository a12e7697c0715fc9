//! Tar images: good ones of each format, and hostile ones.

use super::*;

/// A header with a right checksum.
pub(crate) fn header(name: &[u8], kind: u8, size: u64, link: &[u8]) -> Vec<u8> {
    let mut block = alloc::vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000640");
    block[108..115].copy_from_slice(b"0000007");
    block[116..123].copy_from_slice(b"0000010");
    block[124..135].copy_from_slice(alloc::format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000144");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    finish(block)
}

fn finish(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(alloc::format!("{sum:06o}\0").as_bytes());
    block
}

pub(crate) fn entry(name: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, data.len() as u64, b"");
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

pub(crate) fn tree(image: Vec<u8>) -> Result<Tree, TarError> {
    let mut tree = Tree::new(Time::default());
    load(&mut tree, 0, image.leak()).map(|()| tree)
}

pub(crate) fn find<'t>(tree: &'t mut Tree, path: &str) -> Option<&'t super::super::Node> {
    let mut at = 0;
    for name in path.split('/') {
        at = tree.directory(at).ok()?.get(name.as_bytes())?;
    }
    tree.node(at).ok()
}

pub(crate) fn contents(tree: &mut Tree, path: &str) -> Vec<u8> {
    let Some(Kind::File(contents)) = find(tree, path).map(|node| &node.kind) else {
        panic!("{path} is no file")
    };
    let mut bytes = alloc::vec![0; contents.size() as usize];
    contents.read(0, &mut bytes);
    bytes
}

pub(crate) fn problem(image: Vec<u8>) -> TarProblem {
    tree(image).unwrap_err().problem
}

pub(crate) fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let length = (1..)
        .find(|&digits: &usize| (body + digits).to_string().len() == digits)
        .unwrap()
        + body;
    alloc::format!("{length} {key}={value}\n").into_bytes()
}

#[test]
fn files_directories_and_links() {
    let image = [
        entry(b"./", b'5', b""),
        entry(b"dir/", b'5', b""),
        entry(b"dir/file", b'0', b"hello"),
        header(b"dir/hard", b'1', 0, b"./dir/file"),
        header(b"soft", b'2', 0, b"dir/file"),
        entry(b"no/parents/here", b'0', b"x"),
        entry(b"dir/file2", b'0', &[7; 513]),
        alloc::vec![0; 1024],
        b"whatever follows the end".to_vec(),
    ];
    let mut tree = tree(image.concat()).unwrap();
    assert_eq!(contents(&mut tree, "dir/hard"), b"hello");
    let file = find(&mut tree, "dir/file").unwrap();
    assert_eq!(
        (file.links, file.mode(), file.uid, file.gid),
        (2, 0o100_640, 7, 8)
    );
    assert_eq!(
        file.modified,
        Time {
            seconds: 100,
            nanoseconds: 0
        }
    );
    assert!(
        matches!(&find(&mut tree, "soft").unwrap().kind, Kind::Symlink(target) if **target == *b"dir/file")
    );
    assert_eq!(contents(&mut tree, "dir/file2"), [7; 513]);
    assert_eq!(contents(&mut tree, "no/parents/here"), b"x");
    assert_eq!(tree.node(0).unwrap().links, 4);
}

#[test]
fn a_directory_has_its_own_time() {
    let at = |name: &[u8], kind, seconds| {
        let time = pax_record("mtime", &alloc::format!("{seconds}"));
        [entry(b"h", b'x', &time), entry(name, kind, b"")].concat()
    };
    let image = [
        at(b"./", b'5', 1),
        at(b"d/", b'5', 2),
        at(b"d/e/", b'5', 3),
        at(b"d/e/file", b'0', 4),
        at(b"d/e/file", b'0', 5),
        at(b"d/last", b'0', 6),
    ];
    let mut tree = tree(image.concat()).unwrap();
    assert_eq!(tree.node(0).unwrap().modified.seconds, 1);
    for (name, seconds) in [("d", 2), ("d/e", 3), ("d/e/file", 5), ("d/last", 6)] {
        assert_eq!(find(&mut tree, name).unwrap().modified.seconds, seconds);
    }
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    let image = [
        entry(b"a", b'0', b"old"),
        entry(b"a", b'0', b"newer"),
        entry(b"d/", b'5', b""),
        entry(b"d/", b'5', b""),
    ];
    let mut tree = tree(image.concat()).unwrap();
    assert_eq!(contents(&mut tree, "a"), b"newer");
    assert_eq!(tree.len(), 3);
}

#[test]
fn long_names() {
    let long = "x".repeat(150) + "/" + &"y".repeat(200);
    let gnu = [
        entry(b"././@LongLink", b'L', (long.clone() + "\0").as_bytes()),
        entry(b"cut", b'0', b"gnu"),
    ]
    .concat();
    assert_eq!(contents(&mut tree(gnu).unwrap(), &long), b"gnu");
    let records = [
        pax_record("path", &long),
        pax_record("mtime", "-1.25"),
        pax_record("SCHILY.x", "\n="),
    ]
    .concat();
    let pax = [entry(b"h", b'x', &records), entry(b"cut", b'0', b"pax")].concat();
    let mut tree_pax = tree(pax).unwrap();
    assert_eq!(contents(&mut tree_pax, &long), b"pax");
    assert_eq!(
        find(&mut tree_pax, &long).unwrap().modified,
        Time {
            seconds: -2,
            nanoseconds: 750_000_000
        }
    );
    let mut prefixed = entry(b"name", b'0', b"ustar");
    prefixed[345..350].copy_from_slice(b"front");
    let prefixed = [
        finish(prefixed[..BLOCK].to_vec()),
        prefixed[BLOCK..].to_vec(),
    ]
    .concat();
    assert_eq!(
        contents(&mut tree(prefixed).unwrap(), "front/name"),
        b"ustar"
    );
    let link = [
        entry(b"l", b'K', long.as_bytes()),
        header(b"link", b'2', 0, b"cut"),
    ]
    .concat();
    assert!(
        matches!(&find(&mut tree(link).unwrap(), "link").unwrap().kind, Kind::Symlink(t) if **t == *long.as_bytes())
    );
}

#[test]
fn hostile_images_are_refused() {
    assert_eq!(problem(alloc::vec![1; 512]), TarProblem::Number);
    assert_eq!(
        problem(entry(b"a", b'0', b"x")[..511].to_vec()),
        TarProblem::Truncated
    );
    assert_eq!(problem(header(b"a", b'0', 1, b"")), TarProblem::Truncated);
    assert_eq!(
        problem(header(b"a", b'0', 0o77_777_777_777, b"")),
        TarProblem::Truncated
    );
    let mut flipped = entry(b"a", b'0', b"x");
    flipped[3] ^= 1;
    assert_eq!(problem(flipped), TarProblem::Checksum);
    for name in ["../a", "a/../b", "/.."] {
        assert_eq!(
            problem(entry(name.as_bytes(), b'0', b"")),
            TarProblem::Outside,
            "{name}"
        );
    }
    assert_eq!(problem(entry(b"", b'0', b"")), TarProblem::Name);
    assert_eq!(problem(entry(b"a", b'2', b"")), TarProblem::Name);
    assert_eq!(problem(entry(b"a", b'S', b"")), TarProblem::Type(b'S'));
    let through_link = [
        header(b"l", b'2', 0, b"/etc"),
        entry(b"l/passwd", b'0', b"x"),
    ]
    .concat();
    assert_eq!(problem(through_link), TarProblem::Parent);
    assert_eq!(
        problem([entry(b"f", b'0', b""), entry(b"f/g", b'0', b"")].concat()),
        TarProblem::Parent
    );
    assert_eq!(
        problem([entry(b"d/", b'5', b""), entry(b"d", b'0', b"")].concat()),
        TarProblem::Parent
    );
    assert_eq!(
        problem(header(b"h", b'1', 0, b"nothing")),
        TarProblem::HardLink
    );
    assert_eq!(
        problem([entry(b"d/", b'5', b""), header(b"h", b'1', 0, b"d")].concat()),
        TarProblem::HardLink
    );
    let error = tree([entry(b"ok", b'0', b"x"), entry(b"..", b'0', b"")].concat()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bad tar entry at 0x400: a name with `..`"
    );
}

#[test]
fn hostile_extended_headers_are_refused() {
    for data in [
        "5",
        "99 path=x\n",
        "0 \n",
        "3 a",
        "8 path=x",
        "11 size=-1\n",
        "13 mtime=1.x\n",
        "18446744073709551616 a=b\n",
    ] {
        assert_eq!(
            problem(entry(b"h", b'x', data.as_bytes())),
            TarProblem::Pax,
            "{data}"
        );
    }
    let huge = pax_record("size", "18446744073709551615");
    assert_eq!(
        problem([entry(b"h", b'x', &huge), entry(b"f", b'0', b"x")].concat()),
        TarProblem::Truncated
    );
    let sparse = pax_record("GNU.sparse.major", "1");
    assert_eq!(problem(entry(b"h", b'x', &sparse)), TarProblem::Type(b'S'));
    assert_eq!(problem(entry(b"h", b'L', &[b'a'; 5000])), TarProblem::Name);
    // 100 bytes without a NUL fill the field, and are a name.
    assert!(tree(entry(&[b'a'; 100], b'0', b"")).is_ok());
}

#[test]
fn every_limit_is_kept() {
    let at_most = |entries, image: Vec<u8>| {
        let mut tree = Tree::new(Time::default());
        load_at_most(entries, &mut tree, 0, image.leak())
    };
    let three = || {
        [
            entry(b"a", b'0', b""),
            entry(b"a", b'0', b""),
            entry(b"b", b'0', b""),
        ]
        .concat()
    };
    assert_eq!(at_most(3, three()), Ok(()));
    assert_eq!(
        at_most(2, three()).unwrap_err().problem,
        TarProblem::TooMany
    );
    let path = |name: &[u8], size| {
        let record = pax_record("path", core::str::from_utf8(name).unwrap());
        [
            entry(b"h", b'x', &record),
            entry(b"f", b'0', &alloc::vec![b'x'; size]),
        ]
        .concat()
    };
    // A component, a name, and how deep names can go with that.
    let component = alloc::vec![b'n'; MAX_COMPONENT];
    assert!(tree(path(&component, 1)).is_ok());
    assert_eq!(
        problem(path(&[&component[..], b"n"].concat(), 1)),
        TarProblem::Name
    );
    let deep = b"d/".repeat(MAX_NAME / 2);
    let mut tree_of_deep = tree(path(&[&deep[..], b"f"].concat(), 1)).unwrap();
    assert!(find(&mut tree_of_deep, &("d/".repeat(MAX_NAME / 2) + "f")).is_some());
    assert_eq!(
        problem(path(&[&deep[..], b"ff"].concat(), 1)),
        TarProblem::Name
    );
    let target = pax_record("linkpath", &"t".repeat(MAX_NAME + 1));
    let link = [entry(b"h", b'x', &target), header(b"l", b'2', 0, b"")].concat();
    assert_eq!(problem(link), TarProblem::Name);
    // An extended header.
    let comment = |length: usize| {
        let record = pax_record("comment", &"c".repeat(length - "1048576 comment=\n".len()));
        [entry(b"h", b'x', &record), entry(b"f", b'0', b"x")].concat()
    };
    assert!(tree(comment(MAX_PAX)).is_ok());
    assert_eq!(problem(comment(MAX_PAX + 1)), TarProblem::Pax);
    // A name from the root is one from the mount's root.
    let mut absolute = tree(entry(b"/etc//passwd", b'0', b"x")).unwrap();
    assert_eq!(contents(&mut absolute, "etc/passwd"), b"x");
}

#[test]
fn numbers_in_both_forms() {
    assert_eq!(number(b"0000644\0"), Ok(0o644));
    assert_eq!(number(b"   644 \0"), Ok(0o644));
    assert_eq!(number(b"\0\0\0"), Ok(0));
    assert_eq!(number(b"\x80\0\0\0\x01\0\0\0"), Ok(1 << 24));
    assert_eq!(signed_number(b"\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(-1));
    assert_eq!(
        number(b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        Err(TarProblem::Number)
    );
    assert_eq!(number(b"8\0"), Err(TarProblem::Number));
    assert_eq!(
        number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        Err(TarProblem::Number)
    );
}

#[test]
fn no_bytes_make_it_panic() {
    let good = [
        entry(b"dir/", b'5', b""),
        entry(b"dir/file", b'0', b"hello"),
        entry(b"h", b'x', &pax_record("path", "z")),
    ]
    .concat();
    let mut seed = 1_u64;
    for _ in 0..5000 {
        let mut image = good.clone();
        for _ in 0..4 {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let at = (seed >> 33) as usize % image.len();
            image[at] = (seed >> 20) as u8;
        }
        // A right checksum lets the change reach what is behind it.
        for block in image.chunks_mut(BLOCK) {
            if &block[257..262] == b"ustar" {
                let fixed = finish(block.to_vec());
                block.copy_from_slice(&fixed);
            }
        }
        let _ = tree(image);
    }
}
