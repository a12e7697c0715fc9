use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, SystemTime};

use tar::EntryType;
use tempfile::TempDir;

use super::*;

/// A tar with one raw entry, whatever its name.
fn entry(name: &str, kind: EntryType, link: &str, data: &[u8]) -> Vec<u8> {
    entry_of(name, kind, link, data, 0o4755)
}

fn entry_of(name: &str, kind: EntryType, link: &str, data: &[u8], mode: u32) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(1);
    header.set_size(data.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn write_tar(file: &File, entries: &[Vec<u8>]) {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 1024, 0);
    file.write_all_at(&tar, 0).unwrap();
}

fn tar_of(entries: &[Vec<u8>]) -> File {
    let file = tempfile::tempfile().unwrap();
    write_tar(&file, entries);
    file
}

/// What a guest wrote into a directory of which it was given nothing.
fn apply(host: &Path, entries: &[Vec<u8>]) -> Result<(), String> {
    let commit = Commit::new(host.to_owned(), tar_of(entries), None).unwrap();
    commit.apply().map_err(|error| error.to_string())
}

/// A run of a guest: it is given the directory as it is, and leaves it without some names and with other entries.
struct Run {
    /// Held from the start, as by the monitor.
    tar: File,
    commit: Commit,
    left: BTreeMap<String, Vec<u8>>,
}

impl Run {
    fn start(host: &Path) -> Run {
        let given = crate::mount::pack(host, false).unwrap().file;
        let entries = Entries::read(&given).unwrap();
        let mut left = BTreeMap::new();
        for (name, was) in &entries.by_name {
            let (kind, link, data) = match &was.kind {
                Kind::Directory => (EntryType::Directory, Path::new(""), Vec::new()),
                Kind::Link(link) => (EntryType::Symlink, &**link, Vec::new()),
                &Kind::File { offset, size } => {
                    let mut data = vec![0; size as usize];
                    given.read_exact_at(&mut data, offset).unwrap();
                    (EntryType::Regular, Path::new(""), data)
                }
            };
            let name = name.to_str().unwrap();
            let link = link.to_str().unwrap();
            let mut bytes = entry_of(name, kind, link, &data, was.mode);
            retime(&mut bytes, was.modified.seconds as u64);
            left.insert(name.to_owned(), bytes);
        }
        let tar = tempfile::tempfile().unwrap();
        let written = tar.try_clone().unwrap();
        Run {
            commit: Commit::new(host.to_owned(), written, Some(given)).unwrap(),
            tar,
            left,
        }
    }

    fn remove(&mut self, name: &str) {
        self.left.remove(name).expect("it is there");
    }

    fn put(&mut self, name: &str, kind: EntryType, link: &str, data: &[u8], mode: u32) {
        let bytes = entry_of(name, kind, link, data, mode);
        self.left.insert(name.to_owned(), bytes);
    }

    fn write(&mut self, name: &str, data: &[u8]) {
        self.put(name, EntryType::Regular, "", data, 0o644);
    }

    fn end(self) -> Result<(), String> {
        let entries: Vec<_> = self.left.into_values().collect();
        write_tar(&self.tar, &entries);
        self.commit.apply().map_err(|error| error.to_string())
    }
}

fn retime(bytes: &mut [u8], seconds: u64) {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&bytes[..512]);
    header.set_mtime(seconds);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let host = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = host.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    host
}

/// All that is in a directory: names, kinds, permissions, times and texts.
fn everything(host: &Path) -> Vec<String> {
    let walk = WalkDir::new(host).min_depth(1).sort_by_file_name();
    walk.into_iter()
        .map(|found| {
            let found = found.unwrap();
            let about = found.metadata().unwrap();
            let text = match found.file_type() {
                kind if kind.is_file() => fs::read_to_string(found.path()).unwrap(),
                kind if kind.is_symlink() => {
                    fs::read_link(found.path()).unwrap().display().to_string()
                }
                _ => String::new(),
            };
            format!(
                "{} {:o} {}.{} {text}",
                found.path().display(),
                about.mode(),
                about.mtime(),
                about.mtime_nsec()
            )
        })
        .collect()
}

fn text(host: &TempDir, name: &str) -> String {
    fs::read_to_string(host.path().join(name)).unwrap_or_else(|error| error.kind().to_string())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_the_host_changed_meanwhile_stays() {
    let host = directory(&[("doc", "old"), ("del", "x"), ("both", "1"), ("sub/f", "a")]);
    let mut run = Run::start(host.path());
    fs::write(host.path().join("doc"), "edit").unwrap();
    fs::remove_file(host.path().join("del")).unwrap();
    fs::write(host.path().join("both"), "the host's").unwrap();
    fs::write(host.path().join("sub/f"), "b").unwrap();
    fs::write(host.path().join("sub/new"), "c").unwrap();
    run.write("n", b"guest");
    run.write("both", b"the guest's");
    run.end().unwrap();
    assert_eq!(text(&host, "doc"), "edit");
    assert!(!host.path().join("del").exists());
    assert_eq!(text(&host, "n"), "guest");
    assert_eq!(text(&host, "both"), "the guest's");
    assert_eq!(
        (text(&host, "sub/f"), text(&host, "sub/new")),
        ("b".into(), "c".into())
    );
}

#[test]
fn what_the_guest_left_alone_is_not_touched() {
    let host = directory(&[
        ("group/f", "a"),
        ("sticky/f", "b"),
        ("closed/f", "c"),
        ("f", "d"),
    ]);
    symlink("/etc/passwd", host.path().join("way")).unwrap();
    for (name, mode) in [("group", 0o2775), ("sticky", 0o1777), ("closed", 0o555)] {
        set_mode(&host.path().join(name), mode);
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
        let opened = File::open(host.path().join(name)).unwrap();
        opened.set_modified(time).unwrap();
    }
    let before = everything(host.path());
    let mut run = Run::start(host.path());
    run.write("new", b"");
    run.end().unwrap();
    fs::remove_file(host.path().join("new")).unwrap();
    assert_eq!(everything(host.path()), before);
    let inode = |name| fs::metadata(host.path().join(name)).unwrap().ino();
    let first = inode("f");
    Run::start(host.path()).end().unwrap();
    assert_eq!(inode("f"), first);
    set_mode(&host.path().join("closed"), 0o755);
}

#[test]
fn permissions_and_times_that_the_guest_sets_are_kept() {
    let host = directory(&[("f", "a"), ("timed", "b"), ("d/f", "c"), ("edited", "d")]);
    set_mode(&host.path().join("d"), 0o2775);
    set_mode(&host.path().join("edited"), 0o664);
    let inode = fs::metadata(host.path().join("f")).unwrap().ino();
    let mut run = Run::start(host.path());
    run.put("f", EntryType::Regular, "", b"a", 0o4600);
    retime(run.left.get_mut("timed").unwrap(), 77);
    run.put("d", EntryType::Directory, "", b"", 0o700);
    run.put("edited", EntryType::Regular, "", b"guest", 0o664);
    set_mode(&host.path().join("edited"), 0o660);
    run.end().unwrap();
    let f = fs::metadata(host.path().join("f")).unwrap();
    assert_eq!((f.ino(), f.mode() & 0o7777, f.mtime()), (inode, 0o600, 1));
    assert_eq!(fs::metadata(host.path().join("timed")).unwrap().mtime(), 77);
    let d = fs::metadata(host.path().join("d")).unwrap();
    assert_eq!((d.mode() & 0o7777, d.mtime()), (0o2700, 1));
    assert_eq!(text(&host, "edited"), "guest");
    assert_eq!(mode(&host.path().join("edited")), 0o660);
}

#[test]
fn one_kind_takes_the_place_of_another() {
    let tree = [
        ("dir/a", "1"),
        ("dir/sub/b", "2"),
        ("file", "3"),
        ("other", "4"),
    ];
    let file = |run: &mut Run| run.write("dir", b"f");
    let link = |run: &mut Run| run.put("dir", EntryType::Symlink, "other", b"", 0o777);
    for then in [&file as &dyn Fn(&mut Run), &link] {
        let host = directory(&tree);
        let mut run = Run::start(host.path());
        for name in ["dir/a", "dir/sub/b", "dir/sub", "file"] {
            run.remove(name);
        }
        then(&mut run);
        run.put("file", EntryType::Directory, "", b"", 0o755);
        run.write("file/in", b"x");
        run.end().unwrap();
        assert!(
            ["f", "4"].contains(&&*text(&host, "dir")),
            "{}",
            text(&host, "dir")
        );
        assert_eq!(text(&host, "file/in"), "x");
    }
    // The host's user has something there that the guest never saw.
    let host = directory(&tree);
    let mut run = Run::start(host.path());
    for name in ["dir/a", "dir/sub/b", "dir/sub"] {
        run.remove(name);
    }
    file(&mut run);
    fs::write(host.path().join("dir/sub/mine"), "5").unwrap();
    let before = everything(host.path());
    let error = run.end().unwrap_err();
    assert!(error.contains("dir/sub/mine is new"), "{error}");
    assert_eq!(everything(host.path()), before);
}

#[test]
fn removed_directories_go_unless_the_host_has_put_something_there() {
    let host = directory(&[("gone/sub/a", "1"), ("kept/a", "2"), ("link/a", "3")]);
    let outside = directory(&[("a", "4")]);
    let mut run = Run::start(host.path());
    run.left.clear();
    fs::write(host.path().join("kept/mine"), "5").unwrap();
    // What the guest removed is not looked for where a link of the host's leads.
    fs::rename(host.path().join("link"), outside.path().join("moved")).unwrap();
    symlink(outside.path(), host.path().join("link")).unwrap();
    run.end().unwrap();
    assert_eq!(
        everything(host.path()).len(),
        2,
        "{:?}",
        everything(host.path())
    );
    assert_eq!(text(&host, "kept/mine"), "5");
    assert_eq!(
        (text(&outside, "a"), text(&outside, "moved/a")),
        ("4".into(), "3".into())
    );
}

#[test]
fn changes_are_written_and_removed_files_removed() {
    let host = directory(&[("gone", "x")]);
    let mut run = Run::start(host.path());
    fs::write(host.path().join("kept"), "y").unwrap();
    run.remove("gone");
    run.put("sub", EntryType::Directory, "", b"", 0o755);
    run.put("sub/new", EntryType::Regular, "", b"hello", 0o4755);
    run.put("sub/link", EntryType::Symlink, "../sub/new", b"", 0o777);
    run.end().unwrap();
    assert_eq!(text(&host, "sub/link"), "hello");
    assert!(!host.path().join("gone").exists());
    assert_eq!(text(&host, "kept"), "y", "the guest was never given it");
    let mode = mode(&host.path().join("sub/new"));
    assert_eq!(mode, 0o755, "no set-user-id bit");
}

#[test]
fn nothing_leaves_the_mount() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().to_str().unwrap();
    let here = entry("l", EntryType::Symlink, ".", b"");
    let around = entry("m", EntryType::Symlink, "l/l/l/../../../etc/hostname", b"");
    let first = entry("first", EntryType::Regular, "", b"1");
    let cases: &[&[Vec<u8>]] = &[
        &[entry("../x", EntryType::Regular, "", b"1")],
        &[entry("/etc/x", EntryType::Regular, "", b"1")],
        &[entry("a/../../x", EntryType::Regular, "", b"1")],
        &[entry("l", EntryType::Symlink, out, b"")],
        &[entry("l", EntryType::Symlink, "../..", b"")],
        &[entry("d/l", EntryType::Symlink, "./../../x", b"")],
        &[entry("l", EntryType::Symlink, "a/../../x", b"")],
        &[entry("l", EntryType::Symlink, "a/../x", b"")],
        &[here.clone(), around],
        &[here, entry("l/x", EntryType::Regular, "", b"1")],
        &[entry("dev", EntryType::Char, "", b"")],
        &[entry("hard", EntryType::Link, "/etc/passwd", b"")],
    ];
    for case in cases {
        let host = tempfile::tempdir().unwrap();
        // What comes before is not done either.
        let entries = [std::slice::from_ref(&first), case].concat();
        apply(host.path(), &entries).unwrap_err();
        assert_eq!(everything(host.path()), [""; 0]);
    }
    // Names that the host cannot have.
    let long = |name: &str, kind, link: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        if kind == EntryType::Symlink {
            builder.append_link(&mut header, name, link).unwrap();
        } else {
            builder.append_data(&mut header, name, &b""[..]).unwrap();
        }
        builder.into_inner().unwrap()
    };
    let name = "n".repeat(256);
    let deep = "d/".repeat(3000);
    for bad in [
        long(&name, EntryType::Regular, ""),
        long(&deep, EntryType::Regular, ""),
        long("l", EntryType::Symlink, &deep),
    ] {
        let host = tempfile::tempdir().unwrap();
        let error = apply(
            host.path(),
            &[first.clone(), bad[..bad.len() - 1024].to_vec()],
        );
        let error = error.unwrap_err();
        assert!(error.contains("name"), "{error}");
        assert_eq!(everything(host.path()), [""; 0]);
    }
    // Up at the start, and as far as the mount's root.
    let host = directory(&[("f", "1")]);
    apply(
        host.path(),
        &[entry("a/b/l", EntryType::Symlink, "../../f", b"")],
    )
    .unwrap();
    assert_eq!(text(&host, "a/b/l"), "1");
    // Through a symlink that the host's user has in the mount.
    let host = tempfile::tempdir().unwrap();
    symlink(out, host.path().join("way")).unwrap();
    let entries = [first, entry("way/x", EntryType::Regular, "", b"1")];
    let error = apply(host.path(), &entries).unwrap_err();
    assert!(error.contains("symlink"), "{error}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(everything(host.path()).len(), 1);
    // A file in the place of a symlink replaces the link, not its target.
    apply(host.path(), &[entry("way", EntryType::Regular, "", b"1")]).unwrap();
    let way = fs::symlink_metadata(host.path().join("way")).unwrap();
    assert!(way.is_file());
}

#[test]
fn a_place_is_not_reached_through_a_symlink() {
    let outside = directory(&[("x", "1")]);
    let host = tempfile::tempdir().unwrap();
    symlink(outside.path(), host.path().join("way")).unwrap();
    let name = Path::new("way/x");
    let root = output::hold(host.path()).unwrap();
    let mut tree = Tree::below(&root);
    assert!(tree.find(name).unwrap().is_none());
    assert!(tree.make(name).is_err());
    // The last part is not followed either.
    let way = tree.find(Path::new("way")).unwrap().unwrap();
    way.set(true, Some(0o711), None).unwrap();
    assert_ne!(mode(outside.path()), 0o711);
    symlink("x", outside.path().join("l")).unwrap();
    let root = output::hold(outside.path()).unwrap();
    let link = Tree::below(&root).find(Path::new("l")).unwrap().unwrap();
    link.set(false, Some(0o777), None).unwrap();
    assert_ne!(mode(&outside.path().join("x")), 0o777);
}

#[test]
fn a_cut_tar_changes_nothing() {
    let host = tempfile::tempdir().unwrap();
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&entry("x", EntryType::Regular, "", b"1"), 0)
        .unwrap();
    let commit = Commit::new(host.path().to_owned(), file, None).unwrap();
    assert!(commit.apply().unwrap_err().to_string().contains("cut off"));
    // A file that goes on behind the tar's end.
    let mut long = entry("x", EntryType::Regular, "", b"1");
    long[124..135].copy_from_slice(b"00000100000");
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&long[..512]);
    header.set_cksum();
    long[..512].copy_from_slice(header.as_bytes());
    let error = apply(host.path(), &[long]).unwrap_err();
    assert!(error.contains("x is cut off"), "{error}");
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 0);
}

#[test]
fn what_a_tar_says_does_not_reach_the_terminal_as_it_is() {
    let host = tempfile::tempdir().unwrap();
    let name = "x\nzvm: ok\x1b[2K";
    let error = apply(host.path(), &[entry(name, EntryType::Char, "", b"")]).unwrap_err();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}

#[test]
fn the_file_that_a_symlink_names_is_replaced() {
    let host = directory(&[("real.tar", "")]);
    let (real, link) = (host.path().join("real.tar"), host.path().join("link.tar"));
    symlink("real.tar", &link).unwrap();
    set_mode(&real, 0o640);
    apply(&link, &[entry("x", EntryType::Regular, "", b"1")]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().len(), 2048);
    assert_eq!(mode(&real), 0o640);
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 2);
}

#[test]
fn a_mount_is_where_it_was_when_the_program_started() {
    let outside = directory(&[("x", "1")]);
    let host = directory(&[("out/old", "1"), ("way/img.tar", "")]);
    let (out, tar) = (host.path().join("out"), host.path().join("way/img.tar"));
    let below = Commit::new(
        out.clone(),
        tar_of(&[entry("x", EntryType::Regular, "", b"2")]),
        None,
    )
    .unwrap();
    let image = Commit::new(
        tar,
        tar_of(&[entry("y", EntryType::Regular, "", b"2")]),
        None,
    )
    .unwrap();
    // What a guest may make of the names by a mount of `host`, where a link as this was given to it.
    for name in ["out", "way"] {
        let name = host.path().join(name);
        fs::rename(&name, name.with_extension("old")).unwrap();
        symlink(outside.path(), &name).unwrap();
    }
    below.apply().unwrap();
    image.apply().unwrap();
    assert_eq!(text(&outside, "x"), "1");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(text(&host, "out.old/x"), "2");
    assert_eq!(
        fs::metadata(host.path().join("way.old/img.tar"))
            .unwrap()
            .len(),
        2048
    );
}

#[test]
fn what_a_mount_is_is_asked_once() {
    let host = directory(&[("m/a", "1")]);
    let mount = host.path().join("m");
    let tar = tar_of(&[entry("new", EntryType::Regular, "", b"2")]);
    let commit = Commit::new(mount.clone(), tar, None).unwrap();
    fs::rename(&mount, host.path().join("moved")).unwrap();
    commit.apply().unwrap();
    assert!(!mount.exists());
    assert_eq!(text(&host, "moved/new"), "2");
}

#[test]
fn a_new_symlink_leads_through_none_that_leaves_the_mount() {
    let outside = directory(&[("passwd", "1")]);
    let host = directory(&[("sub/f", "1")]);
    symlink(outside.path(), host.path().join("sub/ext")).unwrap();
    symlink("sub", host.path().join("near")).unwrap();
    for (name, link) in [
        ("new", "sub/ext"),
        ("new", "near/ext/passwd"),
        ("sub/new", "../near/ext"),
    ] {
        let mut run = Run::start(host.path());
        run.put(name, EntryType::Symlink, link, b"", 0o777);
        let error = run.end().unwrap_err();
        assert!(error.contains("leaves the mount"), "{name}: {error}");
    }
    let mut run = Run::start(host.path());
    run.put("fine", EntryType::Symlink, "near/f", b"", 0o777);
    run.end().unwrap();
    assert_eq!(text(&host, "fine"), "1");
}

#[test]
fn a_link_of_the_hosts_that_leads_to_no_name_stays() {
    let host = directory(&[("f", "1")]);
    let target = "x".repeat(99) + &"y".repeat(200);
    symlink(&target, host.path().join("odd")).unwrap();
    let given = crate::mount::pack(host.path(), false).unwrap().file;
    let entries = Entries::read(&given).unwrap();
    let odd = entries.get(Path::new("odd")).unwrap();
    assert_eq!(odd.kind, Kind::Link(target.into()));
}

#[test]
fn ways_count_as_what_they_lead_to() {
    let host = tempfile::tempdir().unwrap();
    let deep = |top: usize| {
        let name = format!("{top}/{}x", "d/".repeat(40));
        entry(&name, EntryType::Regular, "", b"")
    };
    let tar = tar_of(&(0..30_000).map(deep).collect::<Vec<_>>());
    let commit = Commit::new(host.path().to_owned(), tar, None).unwrap();
    let error = commit.apply().unwrap_err().to_string();
    assert!(error.contains("directories on the way"), "{error}");
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 0);
}

#[test]
fn zeros_of_a_file_become_a_hole() {
    let host = tempfile::tempdir().unwrap();
    let mut data = vec![0; 1 << 20];
    data[700_000] = 1;
    apply(
        host.path(),
        &[entry("sparse", EntryType::Regular, "", &data)],
    )
    .unwrap();
    let path = host.path().join("sparse");
    assert_eq!(fs::read(&path).unwrap(), data);
    assert!(fs::metadata(&path).unwrap().blocks() * 512 < 1 << 19);
}

#[test]
fn a_file_that_its_user_may_not_write_is_not_replaced() {
    let host = directory(&[("f", "old")]);
    let path = host.path().join("f");
    set_mode(&path, 0o444);
    if OpenOptions::new().write(true).open(&path).is_ok() {
        println!("skipped: nothing is forbidden to root");
        return;
    }
    let mut run = Run::start(host.path());
    run.put("f", EntryType::Regular, "", b"new", 0o444);
    assert!(run.end().unwrap_err().contains("f: "));
    assert_eq!(text(&host, "f"), "old");
    // Natively the permissions would have to be changed first.
    let mut run = Run::start(host.path());
    run.put("f", EntryType::Regular, "", b"new", 0o644);
    run.end().unwrap();
    assert_eq!(text(&host, "f"), "new");
}

#[test]
fn a_replaced_file_keeps_its_owner() {
    let host = directory(&[("f", "old")]);
    let path = host.path().join("f");
    if std::os::unix::fs::chown(&path, Some(65534), Some(65534)).is_err() {
        println!("skipped: only root gives files away");
        return;
    }
    let mut run = Run::start(host.path());
    run.write("f", b"new");
    run.end().unwrap();
    let owner = fs::metadata(&path).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (65534, 65534));
    assert_eq!(text(&host, "f"), "new");
}

#[test]
fn names_may_be_any_bytes() {
    let host = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"\xff\n");
    let mut odd = entry("xx", EntryType::Regular, "", b"1");
    odd[..2].copy_from_slice(name.as_bytes());
    retime(&mut odd, 5);
    apply(host.path(), &[odd]).unwrap();
    assert_eq!(fs::read(host.path().join(name)).unwrap(), b"1");
}
