//! A program's end by a fault: what is said, where it was, the core file that gdb opens, and gdb itself; and that an image whose
//! tables lie costs nothing but the backtrace. And what the end of a program means for a mount that is written back.

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

/// The program, compiled once for all tests.
fn image() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder"));
        let image = folder.path().join("faults.zvm");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/faults.c");
        build(&source, &image);
        image
    })
}

fn build(source: &Path, image: &Path) {
    let done = Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
        .args(["-O2", "-g"])
        .arg(source)
        .arg("-o")
        .arg(image)
        .env_remove("ZVM_CC")
        .output()
        .expect("zvm-cc starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

fn zvm(args: &[&str], image: &Path, what: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zvm"))
        .args(args)
        .arg(image)
        .arg(what)
        .stdin(Stdio::null())
        .output()
        .expect("zvm starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The text has these pieces, in this order.
fn has(text: &str, pieces: &[&str]) {
    let mut rest = text;
    for piece in pieces {
        let at = rest.find(piece);
        let at = at.unwrap_or_else(|| panic!("no `{piece}` where it should be in\n{text}"));
        rest = &rest[at + piece.len()..];
    }
}

#[test]
fn each_fault_says_why_and_where() {
    let frames = [
        "#0 ",
        " store at ",
        "faults.c:10:",
        "(inlined)",
        "#0 ",
        " inner at ",
        "faults.c:14:",
        "#1 ",
        " outer at ",
        "#2 ",
        " main at ",
        "faults.c:45:",
        "_start",
    ];
    for (what, head) in [
        ("null", ["SIGSEGV: write to 0x0 at ", "why: null pointer"]),
        (
            "code",
            ["SIGSEGV: write to ", "why: code cannot be written"],
        ),
        (
            "constant",
            [
                "SIGSEGV: write to ",
                "why: read-only data cannot be written",
            ],
        ),
        (
            "outside",
            [
                "SIGSEGV: write to 0xfe000000",
                "why: outside of the program's memory",
            ],
        ),
    ] {
        let output = zvm(&["run"], image(), what);
        assert_eq!(output.status.code(), Some(139), "{what}");
        let text = stderr(&output);
        has(&text, &head);
        has(&text, &frames);
    }
}

#[test]
fn a_jump_to_nowhere_and_an_endless_recursion_have_callers() {
    let output = zvm(&["run"], image(), "jump");
    has(
        &stderr(&output),
        &["execution of 0x40", "backtrace:", " main at "],
    );
    let output = zvm(&["run"], image(), "stack");
    let text = stderr(&output);
    has(
        &text,
        &[
            "why: stack overflow",
            "#0 ",
            " deeper at ",
            "#20 ",
            " deeper at ",
        ],
    );
    assert!(text.len() < 100_000, "{} bytes", text.len());
}

#[test]
fn an_abort_has_callers() {
    let output = zvm(&["run"], image(), "abort");
    assert_eq!(output.status.code(), Some(134));
    let text = stderr(&output);
    has(
        &text,
        &[
            "SIGABRT: sent by the program to itself at ",
            "why: abort()",
            "#0 ",
            " abort",
            " outer at ",
            "faults.c:38:",
            " main at ",
        ],
    );
}

#[test]
fn what_a_signal_ends_writes_no_mount_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, image) = (folder.path().join("ends.c"), folder.path().join("ends.zvm"));
    let text = r#"
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        int main(int argc, char **argv) {
            FILE *file = fopen("/data/file", "w");
            fputs("new", file);
            fclose(file);
            int number = atoi(argv[1]);
            if (number < 0) *(volatile int *)8 = 1;
            return number ? raise(number) : 3;
        }
    "#;
    std::fs::write(&source, text).expect("a source");
    build(&source, &image);
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let file = data.join("file");
    let mount = format!("--mount={}:/data:rw", data.display());
    // A fault; signals with a core and without; and the program's own end.
    for (what, status, after) in [
        ("-1", 139, "old"),
        ("6", 134, "old"),
        ("11", 139, "old"),
        ("15", 143, "old"),
        ("9", 137, "old"),
        ("0", 3, "new"),
    ] {
        std::fs::write(&file, "old").expect("a file");
        let output = zvm(&["run", &mount], &image, what);
        assert_eq!(output.status.code(), Some(status), "{what}");
        let text = std::fs::read_to_string(&file).expect("the file");
        assert_eq!(text, after, "{what}");
    }
}

#[test]
fn a_mount_that_is_written_back_keeps_what_the_program_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, image) = (folder.path().join("adds.c"), folder.path().join("adds.zvm"));
    // It waits for the host's edit, and says what time a directory has.
    let text = r#"
        #include <fcntl.h>
        #include <stdio.h>
        #include <sys/stat.h>
        #include <unistd.h>
        int main(void) {
            struct stat about;
            stat("/data/d", &about);
            printf("%lld\n", (long long)about.st_mtime);
            fflush(stdout);
            getchar();
            return close(open("/data/new", O_CREAT | O_WRONLY, 0644));
        }
    "#;
    std::fs::write(&source, text).expect("a source");
    build(&source, &image);
    let data = folder.path().join("data");
    let (directory, file) = (data.join("d"), data.join("d/file"));
    std::fs::create_dir_all(&directory).expect("a folder");
    for path in [&file, &data.join("gone")] {
        std::fs::write(path, "old").expect("a file");
    }
    std::fs::set_permissions(&directory, Permissions::from_mode(0o2775)).expect("permissions");
    let time = UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    File::open(&directory)
        .and_then(|opened| opened.set_modified(time))
        .expect("a time");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zvm"))
        .arg("run")
        .arg(format!("--mount={}:/data:rw", data.display()))
        .arg(&image)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("zvm starts");
    let mut said = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    output.read_line(&mut said).expect("a line");
    assert_eq!(said, "1000000000\n");
    std::fs::write(&file, "edited").expect("a file");
    std::fs::remove_file(data.join("gone")).expect("a file");
    drop(child.stdin.take());
    assert!(child.wait().expect("an end").success());
    assert!(data.join("new").exists());
    assert!(!data.join("gone").exists());
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "edited");
    let about = std::fs::metadata(&directory).expect("the folder");
    assert_eq!(about.permissions().mode() & 0o7777, 0o2775);
    assert_eq!(about.modified().expect("its time"), time);
}

#[test]
fn what_a_mount_brings_back_is_not_lost_where_something_does_not_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, image) = (
        folder.path().join("fills.c"),
        folder.path().join("fills.zvm"),
    );
    let text = r#"
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <unistd.h>
        enum { SIZE = 20 << 20 };
        int main(int argc, char **argv) {
            int result = open("/data/result", O_RDWR | O_CREAT, 0600);
            write(result, "result", 6);
            int file = open("/data/big", O_RDWR | O_CREAT, 0600);
            if (*argv[1] == 's') {
                printf("%d", ftruncate(file, 5L << 30) && errno == EFBIG && pwrite(file, "x", 1, 5L << 30) < 0);
                return ftruncate(file, 1 << 20);
            }
            if (*argv[1] == 'd') {
                char name[251] = "";
                memset(name, 'd', 250);
                chdir("/data");
                for (int i = 0; i < 18; i++)
                    if (mkdir(name, 0700) || chdir(name)) return 1;
                return 0;
            }
            // A mapping of more than half of the memory, and all that is left as memory of the program's own.
            char *small = mmap(0, 4096, 3, MAP_SHARED, result, 0);
            ftruncate(file, SIZE);
            char *big = mmap(0, SIZE, 3, MAP_SHARED, file, 0);
            if (big == MAP_FAILED) return 1;
            for (size_t size = SIZE; size >= 4096;)
                if (mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) size /= 2;
            memset(big, 'b', SIZE);
            memcpy(small, "RESULT", 6);
            return *argv[1] == 'u' && munmap(big, SIZE);
        }
    "#;
    std::fs::write(&source, text).expect("a source");
    build(&source, &image);
    let data = folder.path().join("data");
    let mount = format!("--mount={}:/data:rw", data.display());
    let run = |what| {
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir(&data).expect("a folder");
        let output = zvm(&["run", "--memory=32M", &mount], &image, what);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let result = std::fs::read_to_string(data.join("result")).expect("the result");
        (output, errors, result)
    };
    for what in ["exit", "unmap"] {
        let (output, errors, result) = run(what);
        assert_eq!(
            (output.status.code(), &result[..]),
            (Some(0), "RESULT"),
            "{what}: {errors}"
        );
        let big = std::fs::read(data.join("big")).expect("the file");
        assert!(big.len() == 20 << 20 && big.iter().all(|&byte| byte == b'b'));
    }
    let (output, errors, result) = run("sparse");
    assert_eq!(
        (output.status.code(), &output.stdout[..], &result[..]),
        (Some(0), &b"1"[..], "result"),
        "{errors}"
    );
    let size = std::fs::metadata(data.join("big")).expect("the file").len();
    assert_eq!(size, 1 << 20);
    let (output, errors, result) = run("deep");
    assert_eq!(
        (output.status.code(), &result[..]),
        (Some(5), "result"),
        "{errors}"
    );
    let why = "d: its path is longer than the host's can be";
    assert!(errors.contains(why), "{errors}");
}

fn gdb() -> bool {
    let there = Command::new("gdb").arg("--version").output().is_ok();
    if !there {
        println!("skipped: gdb is not installed");
    }
    there
}

#[test]
fn gdb_opens_the_core_file() {
    if !gdb() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let core = folder.path().join("core");
    let core_text = core.to_str().expect("a path");
    let output = zvm(&["run", "--core", core_text], image(), "null");
    assert_eq!(output.status.code(), Some(139), "{}", stderr(&output));
    let output = Command::new("gdb")
        .args([
            "-q",
            "-nx",
            "-batch",
            "-ex",
            "bt",
            "-ex",
            "frame function outer",
        ])
        .args([
            "-ex",
            "print what",
            "-ex",
            "print $_siginfo._sifields._sigfault.si_addr",
        ])
        .arg(image())
        .arg(&core)
        .stdin(Stdio::null())
        .output()
        .expect("gdb starts");
    let text = String::from_utf8_lossy(&output.stdout);
    has(
        &text,
        &[
            "SIGSEGV",
            "#0 ",
            "store (p=0x0)",
            "inner (p=0x0",
            "outer (",
            "main (",
            "$2 = (void *) 0x0",
        ],
    );
    // No core file of a run that ends well.
    let well = folder.path().join("well");
    let output = zvm(
        &["run", "--core", well.to_str().expect("a path")],
        image(),
        "x",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!well.exists());
}

#[test]
fn gdb_starts_in_main_with_symbols() {
    if !gdb() {
        return;
    }
    let args = [
        "debug",
        "--batch",
        "--ex",
        "break inner",
        "--ex",
        "continue",
        "--ex",
        "bt",
        "--ex",
        "kill",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for program in [image(), &*packed(folder.path())] {
        let output = zvm(&args, program, "null");
        let text = String::from_utf8_lossy(&output.stdout);
        if stderr(&output).contains("Operation not permitted") {
            println!("skipped: gdb may not attach to a process here");
            return;
        }
        has(
            &text,
            &[
                "Breakpoint 1, inner (p=0x0",
                "#0 ",
                "#1 ",
                "outer (what=",
                "main (",
            ],
        );
    }
}

/// The image as an application in one file.
fn packed(folder: &Path) -> PathBuf {
    let file = folder.join("faults.zapp");
    let application = zvm_runtime::zapp::write::Application {
        name: "faults".to_owned(),
        image: image().to_owned(),
        args: Vec::new(),
        env: Vec::new(),
        memory: None,
        mounts: Vec::new(),
    };
    zvm_runtime::zapp::write::write(&application, &file).expect("an application");
    file
}

#[test]
fn a_fault_in_an_application_is_reported_as_in_its_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = zvm(&["run"], image(), "null");
    let inside = zvm(&["run"], &packed(folder.path()), "null");
    has(&stderr(&inside), &["#0 ", "inner at ", "outer at "]);
    // Addresses of the stack move with argv[0].
    let backtrace = |output: &Output| {
        let text = stderr(output);
        let at = text.find("backtrace").expect("a backtrace");
        text[at..].to_owned()
    };
    assert_eq!(backtrace(&bare), backtrace(&inside));
}

/// Bytes of debugging information, frames and symbols are changed at random: the fault is reported in any case, and soon.
#[test]
fn tables_that_lie_cost_the_backtrace_at_most() {
    let good = std::fs::read(image()).expect("the image");
    let word = |at: usize| u64::from_le_bytes(good[at..at + 8].try_into().expect("8 bytes"));
    // What is not loaded, and the frame tables. Code, constants and data are the program's.
    let headers = word(0x20) as usize;
    let count = usize::from(u16::from_le_bytes([good[56], good[57]]));
    let loads: Vec<(u64, std::ops::Range<usize>)> = (0..count)
        .map(|index| headers + index * 56)
        .filter(|&at| good[at] == 1)
        .map(|at| {
            let start = word(at + 8) as usize;
            (word(at + 16), start..start + word(at + 32) as usize)
        })
        .collect();
    let frames = loads.iter().map(|(address, _)| *address).max();
    let kept = |at: usize| {
        loads
            .iter()
            .any(|(address, bytes)| Some(*address) != frames && bytes.contains(&at))
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lies.zvm");
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..40 {
        let mut bad = good.clone();
        for _ in 0..1 << (round % 14) {
            let at = random() as usize % bad.len();
            if !kept(at) {
                bad[at] = random() as u8;
            }
        }
        std::fs::write(&path, &bad).expect("a file");
        let output = zvm(&["run", "--timeout", "20"], &path, "null");
        let text = stderr(&output);
        assert!(
            output.status.code() == Some(139) && text.starts_with("zvm: fault: SIGSEGV"),
            "round {round}: {:?}\n{text}",
            output.status
        );
        assert!(!text.contains("panicked"), "round {round}: {text}");
    }
}
