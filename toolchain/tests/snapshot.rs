//! Snapshots of applications: what a program had when it read `/dev/snapshot` its instances have, and what a run gives is theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

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
        application(&folder, "program", &[]);
        folder
    })
}

/// Builds, packs, and makes the snapshot; what the run that made it printed is looked at.
fn application(folder: &Path, name: &str, options: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshot/program.c");
    let image = folder.join(name).with_extension("zvm");
    let mut build = Command::new(env!("CARGO_BIN_EXE_zvm-cc"));
    build.args(["-O2", "-g", "-Wall"]).args(options).arg(source);
    succeeds(build.arg("-o").arg(&image));
    let mut pack = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    pack.args(["zvm", "pack"])
        .arg(&image)
        .args(["--mount", "files:/", "--memory", "64M"]);
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
    assert_eq!(text(&made.stdout), "before\n");
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
        application(folder, "wide", &["-march=x86-64-v3"]);
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

#[test]
fn a_snapshot_of_a_snapshot() {
    let folder = folder();
    // It reads the file once: the second one has nobody who asks for it.
    let again = snapshot(folder, &["-o", "again", "program.warm"]);
    assert_eq!(again.status.code(), Some(14));
    assert!(
        text(&again.stderr).contains("did not read /dev/snapshot"),
        "{}",
        text(&again.stderr)
    );
    assert!(!folder.join("again").exists());
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
    assert!(!folder.join("x").exists());
    says(
        run(folder, &["--memory", "32M", "program.warm"]),
        8,
        "67108864 bytes of memory",
    );

    let good = fs::read(folder.join("program.warm")).expect("a file");
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
