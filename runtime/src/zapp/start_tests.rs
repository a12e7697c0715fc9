//! Starts of applications whose file may be damaged, or made to deceive.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::read::{self, Start};
use super::{SYSTEM_MAP, ZappError};

/// An application in a folder of its own, and a folder for verdicts beside it.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Files {
        let folder = tempfile::tempdir().unwrap();
        super::tests::application(folder.path(), &folder.path().join("a.zapp"));
        Files(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("a.zapp")
    }

    fn verdicts(&self) -> PathBuf {
        self.0.path().join("verdicts")
    }

    fn start(&self, verdicts: Option<&Path>) -> Result<Start, ZappError> {
        read::start(&self.path(), verdicts).map(|start| start.expect("an application"))
    }

    /// What a start of a file with these bytes says.
    fn problem(&self, bytes: &[u8]) -> String {
        fs::write(self.path(), bytes).unwrap();
        let started = self.start(Some(&self.verdicts()));
        started.map(drop).unwrap_err().to_string()
    }
}

/// An application of this map and these entries; `DIGEST` in the map becomes the digest of what is behind it.
fn made(map: &str, rest: &[u8]) -> Vec<u8> {
    let mut rest = rest.to_vec();
    rest.resize(rest.len() + 1024, 0);
    let map = map.replace("DIGEST", blake3::hash(&rest).to_hex().as_str());
    [entry(SYSTEM_MAP, map.as_bytes(), map.len() as u64), rest].concat()
}

fn map(program: &str) -> String {
    format!(
        r#"[{{"name":"a","exec":{{"path":"file://a:{program}"}},"zvm":{{"version":1,"root":"ro","digest":"DIGEST"}}}}]"#
    )
}

/// A header that claims `size` bytes, and `bytes`, up to a whole block.
fn entry(name: &str, bytes: &[u8], size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let mut entry = header.as_bytes().to_vec();
    entry.extend_from_slice(bytes);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

#[test]
fn a_start_finds_the_image_in_the_file() {
    let files = Files::new();
    let start = files.start(None).unwrap();
    let bytes = fs::read(files.path()).unwrap();
    let Range { start: at, end } = start.packed.image;
    assert_eq!(bytes[at as usize..end as usize], *b"\x7fELF");
    assert_eq!(start.packed.tar_size, bytes.len() as u64);
    let whole = read::open(&files.path()).unwrap().start;
    assert_eq!(whole.packed.image, at..end);
    assert_eq!((whole.name, whole.args), (start.name, start.args));
    // Another program's tar has the image anywhere; the first of a name counts.
    let parts = [
        entry("x", b"some", 4),
        entry("b", b"image", 5),
        entry("b", b"other", 5),
    ];
    fs::write(files.path(), made(&map("b"), &parts.concat())).unwrap();
    let image = files.start(None).unwrap().packed.image;
    let bytes = fs::read(files.path()).unwrap();
    assert_eq!(bytes[image.start as usize..image.end as usize], *b"image");
    // Far from the start, or behind a header for the next: the same.
    let far = (0..20).map(|number| entry(&format!("f{number}"), b"x", 1));
    let far: Vec<u8> = far.flatten().chain(entry("b", b"image", 5)).collect();
    let mut long = tar::Header::new_gnu();
    long.set_entry_type(tar::EntryType::GNULongName);
    long.set_size(2);
    long.set_cksum();
    let mut name = long.as_bytes().to_vec();
    name.extend_from_slice(b"c\0");
    name.resize(1024, 0);
    let behind = [name, entry("b", b"other", 5), entry("b", b"image", 5)].concat();
    for rest in [far, behind] {
        fs::write(files.path(), made(&map("b"), &rest)).unwrap();
        let image = files.start(None).unwrap().packed.image;
        let bytes = fs::read(files.path()).unwrap();
        assert_eq!(bytes[image.start as usize..image.end as usize], *b"image");
    }
    // What is none, or is not there, is another's to tell.
    for other in ["image", "nothing"] {
        let started = read::start(&files.0.path().join(other), None);
        assert!(started.unwrap().is_none(), "{other}");
    }
}

#[test]
fn damage_is_told_at_the_first_start_and_after_each_change() {
    let files = Files::new();
    let verdicts = files.verdicts();
    let good = fs::read(files.path()).unwrap();
    let mut bad = good.clone();
    let at = bad.windows(4).position(|bytes| bytes == b"text").unwrap();
    bad[at] = b'T';
    let settle = || std::thread::sleep(Duration::from_millis(2100));
    fs::write(files.path(), &bad).unwrap();
    settle();
    for verdicts in [None, Some(&*verdicts), Some(&*verdicts)] {
        let error = files.start(verdicts).map(drop).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }
    let table = verdicts.join("whole");
    fs::write(files.path(), &good).unwrap();
    files.start(Some(&verdicts)).unwrap();
    assert!(!table.exists(), "its times may still lie");
    settle();
    files.start(Some(&verdicts)).unwrap();
    let known = fs::read(&table).unwrap();
    // The same size, and seen whole before.
    assert!(files.problem(&bad).contains("damaged"));
    settle();
    let error = files.start(Some(&verdicts)).map(drop).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert_eq!(fs::read(&table).unwrap(), known, "nothing is kept of it");
    // What is kept spares the reading: for a record that somebody forged, damage is not seen.
    let identity = |path: &Path| {
        let file = fs::File::open(path).unwrap();
        let identity = crate::identity::FileIdentity::of(&file).unwrap().unwrap();
        identity.words().map(u64::to_le_bytes).concat()
    };
    let record = known.iter().position(|&byte| byte != 0).unwrap();
    let mut forged = known.clone();
    let words = record + 8..record + 8 + 56;
    forged[words].copy_from_slice(&identity(&files.path()));
    fs::write(&table, &forged).unwrap();
    files.start(Some(&verdicts)).unwrap();
    // But not of a table that others may write.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o622);
    fs::set_permissions(&table, mode).unwrap();
    assert!(files.start(Some(&verdicts)).is_err());
}

#[test]
fn hostile_files_are_refused() {
    let files = Files::new();
    let says = |bytes: Vec<u8>, text: &str| {
        let problem = files.problem(&bytes);
        assert!(problem.contains(text), "`{problem}` for `{text}`");
    };
    let image = entry("b", b"image", 5);
    // The image is said to be larger than what is there.
    for size in [2000, 1 << 20, 0o77_777_777_777] {
        says(
            made(&map("b"), &entry("b", b"image", size)),
            "its end is missing",
        );
    }
    for program in ["", "c", "../b", "/etc/passwd", SYSTEM_MAP] {
        says(made(&map(program), &image), "in the tar");
    }
    says(made(&map("b").replace(':', ";"), &image), SYSTEM_MAP);
    says(
        made(&map("b").replace("file://a:b", "b"), &image),
        "no path of a program",
    );
    says(made("[]", &image), "not one group");
    says(made("", &image), SYSTEM_MAP);
    says(
        made(&map("b").replace("\"ro\"", "\"rw\""), &image),
        "ro or overlay",
    );
    says(
        made(&map("b").replace(":1,", ":2,"), &image),
        "version is 2",
    );
    says(made(&map("b").replace("DIGEST", ""), &image), "damaged");
    says(
        made(&map("b").replace("DIGEST", &"f".repeat(65)), &image),
        "damaged",
    );
    // A map that leaves the file, or is too large.
    for (size, text) in [
        (1 << 13, "its end is missing"),
        ((1 << 20) + 1, "not a boot"),
    ] {
        let text_of_map = map("b");
        let mut bytes = entry(SYSTEM_MAP, text_of_map.as_bytes(), size);
        bytes.extend_from_slice(&image);
        bytes.resize(2048, 0);
        says(bytes, text);
    }
}

/// A header of another kind with the map's name, whose bytes would be read as a name.
#[test]
fn only_a_regular_file_is_a_system_map() {
    let files = Files::new();
    for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        let mut bytes = fs::read(files.path()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes().copy_from_slice(&bytes[..512]);
        header.set_entry_type(kind);
        header.set_cksum();
        bytes[..512].copy_from_slice(header.as_bytes());
        let path = files.0.path().join("other.zapp");
        fs::write(&path, bytes).unwrap();
        assert!(!read::is_zapp(&path) && read::start(&path, None).unwrap().is_none());
        assert!(read::open(&path).is_err());
    }
}
