//! Snapshots of applications: what a program had when it read `/dev/snapshot` its instances have, and what a run gives is theirs.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

const ZVM: &str = env!("CARGO_BIN_EXE_zvm");

/// What an instance prints that no run changes.
const KEPT: &str = "\
snapshot: 1
local 42, rounding 1, heap 2099993, file first second
random differs: 1, time goes on: 1
";

/// `tests/snapshot/program.c` as an application, and as one with a snapshot; the folder they lie in.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshot");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("files")).expect("a folder");
        fs::write(folder.join("files/data"), "first second third\n").expect("a file");
        application(&folder, "program", "program.c", &[]);
        folder
    })
}

/// Builds, packs, and makes the snapshot; what the run that made it printed is looked at.
fn application(folder: &Path, name: &str, source: &str, options: &[&str]) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshot");
    let source = sources.join(source);
    let image = folder.join(name).with_extension("zvm");
    let mut build = Command::new(env!("CARGO_BIN_EXE_zvm-cc"));
    build.args(["-O2", "-g", "-Wall"]).args(options).arg(source);
    succeeds(build.arg("-o").arg(&image));
    let mut pack = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    pack.args(["zvm", "pack"])
        .arg(&image)
        .args(["--mount", "files:/", "--memory", "512M"]);
    succeeds(
        pack.args(["--output", &format!("{name}.zapp")])
            .current_dir(folder),
    );
    let made = snapshot(
        folder,
        &[
            "--to",
            &format!("{name}.warm"),
            &format!("{name}.zapp"),
            "one",
        ],
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(["", "before\n"].contains(&text(&made.stdout)));
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn zvm(folder: &Path, command: &str, args: &[&str], input: Stdio) -> Output {
    let mut zvm = Command::new(ZVM);
    zvm.arg(command).args(args).current_dir(folder);
    zvm.stdin(input).output().expect("it starts")
}

fn snapshot(folder: &Path, args: &[&str]) -> Output {
    zvm(folder, "snapshot", args, Stdio::null())
}

fn run(folder: &Path, args: &[&str]) -> Output {
    zvm(folder, "run", args, Stdio::null())
}

#[test]
fn a_run_that_makes_none_goes_on() {
    let output = run(folder(), &["program.zapp", "two"]);
    let kept = KEPT.replace("snapshot: 1", "before\nsnapshot: 0");
    assert!(
        text(&output.stdout).starts_with(&kept),
        "{}",
        text(&output.stdout)
    );
    assert!(text(&output.stdout).contains("\narguments: program two\n"));
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn instances_begin_there() {
    let folder = folder();
    // An image of level 3 has wider registers.
    if std::arch::is_x86_feature_detected!("avx2") {
        application(folder, "wide", "program.c", &["-march=x86-64-v3"]);
    }
    for name in ["program.warm", "wide.warm"] {
        if !folder.join(name).exists() {
            continue;
        }
        let output = run(folder, &[name]);
        let printed = text(&output.stdout);
        assert!(
            printed.starts_with(KEPT),
            "{name}: {printed}{}",
            text(&output.stderr)
        );
        let rest = &printed[KEPT.len()..];
        assert!(
            rest.contains("year 2013\nthread 5\nmade: written before\n"),
            "{rest}"
        );
        assert!(
            rest.ends_with("more: none\nchannel: none\ninput: none\nfault: none\n"),
            "{rest}"
        );
        assert_eq!(output.status.code(), Some(7));
        assert_eq!(
            output.stdout,
            run(folder, &[name]).stdout,
            "equal runs are equal"
        );
    }
}

#[test]
fn what_a_run_gives_is_new() {
    let folder = folder();
    let mount = folder.join("mounted");
    fs::create_dir_all(&mount).expect("a folder");
    fs::write(mount.join("file"), "of a mount\n").expect("a file");
    fs::write(folder.join("extra"), "of a channel\n").expect("a file");
    fs::write(folder.join("input"), "a line of input\nand more\n").expect("a file");
    let channel = format!(
        "--channel={}/extra, /dev/extra, 0, 0, 100, 1000, 0, 0",
        folder.display()
    );
    let options = [
        "--mount",
        "mounted:/more:rw",
        "--env",
        "A=1",
        "--seed",
        "9",
        "--time",
        "1700000000",
        "--stdin",
        "input",
        &channel,
    ];
    let args = [&options[..], &["program.warm", "x", "a b"]].concat();
    let output = run(folder, &args);
    let printed = text(&output.stdout);
    assert!(
        printed.starts_with(KEPT),
        "{printed}{}",
        text(&output.stderr)
    );
    let rest = "made: written before\narguments: program x a b\nenvironment: A=1\nmore: of a mount\nchannel: of a channel\ninput: a line of input\n";
    assert!(
        printed.contains(rest) && printed.contains(", year 2023\n"),
        "{printed}"
    );
    assert_eq!(
        fs::read_to_string(mount.join("result")).expect("written back"),
        "of an instance\n"
    );
    let random =
        |output: &Output| text(&output.stdout).lines().nth(3).expect("a line")[..11].to_owned();
    assert_ne!(
        random(&output),
        random(&run(folder, &["program.warm"])),
        "another seed"
    );

    fs::write(mount.join("fault"), "").expect("a file");
    let output = run(folder, &args);
    assert_eq!(output.status.code(), Some(139));
    assert!(
        text(&output.stderr).contains("main"),
        "a backtrace: {}",
        text(&output.stderr)
    );
}

/// Pages far apart: the file has holes between them, and no more ranges than may be mapped.
#[test]
fn sparse_memory_is_a_sparse_file() {
    let folder = folder();
    application(folder, "sparse", "sparse.c", &[]);
    let file = fs::metadata(folder.join("sparse.warm")).expect("a file");
    assert!(file.blocks() * 512 < 40 << 20, "{} blocks", file.blocks());
    let output = run(folder, &["sparse.warm"]);
    assert_eq!(
        text(&output.stdout),
        "2000 pages\n",
        "{}",
        text(&output.stderr)
    );
}

/// It has what the application knows, and more.
#[test]
fn nobody_reads_it_who_cannot_read_the_application() {
    let folder = folder();
    fs::copy(folder.join("program.zapp"), folder.join("own.zapp")).expect("a copy");
    let mode =
        |mode| fs::set_permissions(folder.join("own.zapp"), fs::Permissions::from_mode(mode));
    mode(0o600).expect("a mode");
    assert!(
        snapshot(folder, &["-o", "own.warm", "own.zapp"])
            .status
            .success()
    );
    let made = fs::metadata(folder.join("own.warm")).expect("a file");
    assert_eq!(made.mode() & 0o777, 0o600);
}

#[test]
fn reports_are_equal_and_tell_the_memory() {
    let folder = folder();
    let report = |name: &str, seed: &str| {
        run(folder, &["--report", name, "--seed", seed, "program.warm"]);
        let text = fs::read_to_string(folder.join(name)).expect("a report");
        text.lines().nth(3).expect("the line of digests").to_owned()
    };
    assert_eq!(report("1.txt", "5"), report("2.txt", "5"));
    assert_ne!(report("1.txt", "5"), report("2.txt", "6"));
}

/// Whatever becomes of the application's file while an instance runs, code stays what was validated, and data what they were.
#[test]
fn who_writes_the_file_does_not_write_memory() {
    let folder = folder();
    application(folder, "jail", "jail.c", &[]);
    let good = fs::read(folder.join("jail.warm")).expect("a file");
    let code = b"\x48\xc7\xc0\x44\x33\x22\x11";
    let at = good.windows(code.len()).enumerate().step_by(512);
    let mut at = at.filter(|(_, bytes)| bytes == code);
    let (at, _) = at.next().expect("the code's page");
    let changes = folder.join("changes.warm");
    fs::write(&changes, &good).expect("a file");
    // It is read at first, and mapped from what is kept of it later, when its times are of the past.
    for change in [false, false, true] {
        thread::sleep(Duration::from_millis(if change { 0 } else { 2500 }));
        changed_while_it_runs(&changes, at, change);
    }
    fs::remove_file(&changes).expect("a file");
    fs::write(&changes, &good).expect("a file");
    changed_while_it_runs(&changes, at, true);
}

fn changed_while_it_runs(application: &Path, at: usize, change: bool) {
    let mut command = Command::new(ZVM);
    command
        .arg("run")
        .arg(application)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    assert_eq!(line(), "11223344");
    if change {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(application)
            .expect("a file");
        file.write_all_at(b"\x48\xc7\xc0\x0d\xf0\xad\x0b", at as u64)
            .expect("a write");
    }
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"x")
        .expect("it waits");
    assert_eq!(line(), "11223344");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_snapshot_of_a_snapshot() {
    let folder = folder();
    application(folder, "twice", "twice.c", &[]);
    let prints = |application: &str, line: &str| {
        let output = run(folder, &[application]);
        assert_eq!(text(&output.stdout), line, "{}", text(&output.stderr));
    };
    prints("twice.zapp", "0 0 2\n");
    prints("twice.warm", "1 0 2\n");
    let again = snapshot(folder, &["-o", "again", "twice.warm"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    prints("again", "1 1 2\n");
    // A program that does not come to another one.
    let none = snapshot(folder, &["-o", "none", "again"]);
    assert_eq!(none.status.code(), Some(14));
    assert!(
        text(&none.stderr).contains("did not read /dev/snapshot"),
        "{}",
        text(&none.stderr)
    );
    assert!(!folder.join("none").exists());
}

#[test]
fn what_is_refused() {
    let folder = folder();
    let says = |output: Output, status: i32, what: &str| {
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains(what) && stderr.starts_with("zvm: "),
            "{stderr}"
        );
        assert_eq!(output.status.code(), Some(status), "{stderr}");
    };
    says(
        snapshot(folder, &["-o", "x", "program.zvm"]),
        14,
        "pack it first",
    );
    says(
        snapshot(folder, &["-o", "x", "program.zapp", "ends"]),
        14,
        "ended with status 3",
    );
    says(
        snapshot(
            folder,
            &["-o", "x", "--mount", "files:/more", "program.zapp"],
        ),
        14,
        "no mounts and channels",
    );
    says(
        snapshot(folder, &["-o", "nowhere/x", "program.zapp"]),
        8,
        "nowhere/x: cannot write the snapshot",
    );
    says(
        snapshot(folder, &["-o", "x", "--clock", "host", "program.zapp"]),
        14,
        "the host's clock",
    );
    says(
        snapshot(
            folder,
            &[
                "-o",
                "x",
                "--channel",
                "extra, /dev/stdextra, 0, 0, 9, 9, 0, 0",
                "program.zapp",
            ],
        ),
        14,
        "no mounts and channels",
    );
    assert!(!folder.join("x").exists());
    let _ = symlink("elsewhere", folder.join("link"));
    says(
        snapshot(folder, &["-o", "link", "program.zapp"]),
        8,
        "not a regular file",
    );
    says(
        snapshot(folder, &["-o", "/dev/null", "program.zapp"]),
        8,
        "not a regular file",
    );
    says(
        run(folder, &["--memory", "32M", "program.warm"]),
        8,
        "536870912 bytes of memory",
    );

    // A hole behind the tar, which would take minutes to hash.
    let good = fs::read(folder.join("program.warm")).expect("a file");
    let holed = fs::File::create(folder.join("bad.warm")).expect("a file");
    let (front, trailer) = good.split_at(good.len() - 64);
    holed.write_all_at(front, 0).expect("a file");
    holed.write_all_at(trailer, 40 << 30).expect("a hole");
    says(run(folder, &["bad.warm"]), 8, "damaged");
    let tar = fs::metadata(folder.join("program.zapp"))
        .expect("a file")
        .len() as usize;
    for (at, what) in [
        (tar - 1500, "damaged"),
        (tar + 5000, "damaged"),
        // The number of bytes of the tar, and of ranges; the place of the last range.
        (good.len() - 54, "damaged"),
        (good.len() - 38, "damaged"),
        (good.len() - 78, "damaged"),
    ] {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(folder.join("bad.warm"), bad).expect("a file");
        says(run(folder, &["bad.warm"]), 8, what);
    }
    // With more channels the manifest is longer, and the mount would lie elsewhere.
    let channels: Vec<_> = (0..99)
        .map(|number| {
            format!(
                "--channel={}/extra, /dev/{number}, 0, 0, 9, 9, 0, 0",
                folder.display()
            )
        })
        .collect();
    fs::write(folder.join("extra"), "of a channel\n").expect("a file");
    let args: Vec<_> = channels
        .iter()
        .map(String::as_str)
        .chain(["program.warm"])
        .collect();
    says(run(folder, &args), 14, "is not where it was");
}
