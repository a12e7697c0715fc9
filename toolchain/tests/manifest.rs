//! A C program under a ZeroVM manifest: nvram, tars as channels in both directions, named channels, the report.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void show(const char *path) {
    char text[100];
    FILE *file = fopen(path, "r");
    printf("%s: %s", path, file ? fgets(text, sizeof text, file) : "none\n");
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file)) perror(path);
}

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("[%s]", argv[i]);
    printf(" HOME=%s\n", getenv("HOME"));
    show("/dev/in/x");
    show("/data/sub/file");
    put("/dev/out/y", "to a channel\n");
    if (mkdir("/results/d", 0755)) perror("mkdir");
    put("/results/d/f", "in a tar\n");
    return 3;
}
"#;

const NVRAM: &str = "\
[args]
args = prog a\\x20b c
[env]
name=HOME, value=/h
[fstab]
channel=/dev/mount/in.tar, mountpoint=/data, access=ro
channel=/dev/mount/out.tar, mountpoint=/results, access=wo
";

fn run(dir: &Path, program: &str, args: &[&str]) -> Output {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .env_remove("ZVM_CC")
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {stderr}");
    output
}

#[test]
fn a_program_with_channels_and_tars() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    fs::create_dir_all(dir.join("tree/sub")).expect("folders");
    for (name, text) in [
        ("program.c", PROGRAM),
        ("nvram", NVRAM),
        ("x", "from a channel\n"),
        ("tree/sub/file", "from a tar\n"),
    ] {
        fs::write(dir.join(name), text).expect(name);
    }
    run(
        dir,
        env!("CARGO_BIN_EXE_zvm-cc"),
        &["program.c", "-o", "program.zvm"],
    );

    let mut manifest = format!(
        "Version = 20130611\nProgram = {0}/program.zvm\nMemory = 67108864, 1\nTimeout = 60\n",
        dir.display()
    );
    for channel in [
        "/dev/null, /dev/stdin, 0, 0, 999, 999, 0, 0",
        "@/stdout, /dev/stdout, 0, 1, 0, 0, 999, 99999",
        "@/stderr, /dev/stderr, 0, 0, 0, 0, 999, 99999",
        "@/nvram, /dev/nvram, 3, 0, 999, 99999, 0, 0",
        // A directory goes in as a tar, and comes out as one.
        "@/tree, /dev/mount/in.tar, 3, 0, 9999, 999999, 0, 0",
        "@/out.tar, /dev/mount/out.tar, 0, 0, 0, 0, 9999, 999999",
        "@/x, /dev/in/x, 0, 1, 99, 999, 0, 0",
        "@/y, /dev/out/y, 0, 1, 0, 0, 99, 999",
    ] {
        let channel = channel.replace('@', &dir.display().to_string());
        manifest += &format!("Channel = {channel}\n");
    }
    fs::write(dir.join("manifest"), manifest).expect("the manifest");
    let zvm = env!("CARGO_BIN_EXE_zvm");
    let report = || String::from_utf8(run(dir, zvm, &["manifest", "manifest"]).stdout).unwrap();
    let first = report();
    let read = |name: &str| fs::read_to_string(dir.join(name)).expect(name);
    assert_eq!(
        (read("stdout"), read("stderr")),
        (
            "[prog][a b][c] HOME=/h\n/dev/in/x: from a channel\n/data/sub/file: from a tar\n"
                .into(),
            String::new()
        )
    );
    assert_eq!(read("y"), "to a channel\n");
    let mut archive = tar::Archive::new(fs::File::open(dir.join("out.tar")).expect("the tar"));
    let names: Vec<String> = archive
        .entries()
        .expect("entries")
        .map(|entry| {
            entry
                .expect("an entry")
                .path()
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(names, ["d/", "d/f"]);

    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(
        (lines[..3].concat(), lines[5]),
        ("003".to_owned(), "ok"),
        "{first}"
    );
    let second = report();
    assert!(lines[3].contains("/dev/memory "), "{first}");
    assert_eq!(
        second.lines().nth(3),
        Some(lines[3]),
        "equal runs, equal digests"
    );
}

const CLOCK: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static void *sleeps(void *arg) {
    usleep(60000);
    return arg;
}
int main(void) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_t thread;
    pthread_create(&thread, 0, sleeps, 0);
    usleep(30000);
    pthread_join(thread, 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long slept = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    printf("%ld %d\n", (long)time(0), slept >= 59 && slept < 20000);
    return access("/dev/clock", F_OK) == 0;
}
"#;

/// The program's clock is the host's where it is asked for, and only there.
#[test]
fn the_hosts_clock() {
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    fs::write(dir.join("clock.c"), CLOCK).expect("the source");
    run(
        dir,
        env!("CARGO_BIN_EXE_zvm-cc"),
        &["clock.c", "-o", "clock.zvm"],
    );
    let zvm = |options: &[&str]| -> String {
        let args = [&["run"], options, &["clock.zvm"]].concat();
        let output = run(dir, env!("CARGO_BIN_EXE_zvm"), &args);
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(zvm(&[]), "1370454582 1\n");
    let begin = Instant::now();
    let told = zvm(&["--clock", "host"]);
    assert!(begin.elapsed().as_millis() >= 60, "it sleeps");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    let seconds: u64 = told
        .strip_suffix(" 1\n")
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{told}"));
    assert!(seconds.abs_diff(now.as_secs()) < 60, "{told}");
}
