//! Hostile programs, images and command lines: each ends in a clear refusal or a reported fault, with the documented exit
//! status, and the runtime never crashes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

fn zvm(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zvm"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("zvm starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Exit status; `zvm` itself ends in no other way, whatever the program does.
fn status(what: &str, output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("{what}: zvm was ended by {}", output.status))
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/hostile")
        .join(name)
}

fn build(name: &str, folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
        .args(["-O1", "-g", "-w", "-o"])
        .arg(folder.join("program.zvm"))
        .arg(source(name))
        .env_remove("ZVM_CC")
        .output()
        .expect("zvm-cc starts")
}

/// `faults.c`, built once.
static IMAGE: LazyLock<(tempfile::TempDir, PathBuf, Vec<u8>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let built = build("faults.c", folder.path());
    assert!(built.status.success(), "{}", stderr(&built));
    let path = folder.path().join("program.zvm");
    let bytes = fs::read(&path).expect("the image");
    (folder, path, bytes)
});

/// Runs `faults.c` with these arguments.
fn fault(args: &str) -> Output {
    let path = IMAGE.1.to_str().expect("a plain path");
    let mut words = vec!["run", "--timeout", "60", path];
    words.extend(args.split(' '));
    zvm(&words)
}

/// Writes a changed image and gives what `zvm validate` and `zvm run` make of it.
fn changed(bytes: &[u8]) -> (Output, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.zvm");
    fs::write(&path, bytes).expect("the image");
    let path = path.to_str().expect("a plain path");
    (
        zvm(&["validate", path]),
        zvm(&["run", "--timeout", "5", path, "exit", "0"]),
    )
}

/// Else what `zvm` opens first, the image, would be the program's standard input.
#[test]
fn closed_standard_streams_are_empty_ones() {
    let status = Command::new("sh")
        .args(["-c", "exec \"$0\" run \"$1\" stdin <&- >&- 2>&-"])
        .arg(env!("CARGO_BIN_EXE_zvm"))
        .arg(&IMAGE.1)
        .status()
        .expect("sh starts");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn faults_are_reported() {
    for (args, expected, says) in [
        ("read 0", 139, "read of 0x0 at"),
        ("read 0xfffffffd", 139, "read of 0xfffffffd"),
        // Addresses are cut to 32 bits: these are null and a place just above the stack.
        ("read 0x100000000", 139, "read of 0x0 at"),
        ("read 0x7fff00000000", 139, "read of 0x0 at"),
        ("read 0x7ffffffff000", 139, "read of 0xfffff000"),
        ("write 0x20000", 139, "code cannot be written"),
        ("write 0x10000", 139, "trampoline cannot be written"),
        ("write-text", 139, "code cannot be written"),
        ("call 0", 139, "execution of 0x0"),
        ("call 0xfffff000", 139, "execution of 0xfffff000"),
        ("call 0x10020", 139, "unused trampoline slot"),
        ("call-data", 139, "data cannot be executed"),
        ("recursion", 139, "stack overflow"),
        ("divide 0", 136, "SIGFPE"),
        ("illegal", 132, "SIGILL"),
        ("breakpoint", 133, "SIGTRAP"),
        ("abort", 134, "SIGABRT"),
        ("raise 9", 137, "SIGKILL"),
        ("raise 11", 139, "SIGSEGV"),
        ("stack-pointer 0", 139, "SIGSEGV"),
        ("stack-pointer 0x123456789abcdef0", 139, "0x9abcdee8"),
        ("stack-pointer 0x100000008", 139, "write to 0x0"),
        ("trap-words 0", 139, "argument array"),
        ("trap-words 0xfffffffffffffff0", 139, "argument array"),
        ("trap-words 0xffffeff0", 139, "argument array"),
        ("trap-words 0x7fff00000000", 139, "argument array"),
        ("trap-id 5", 159, "unknown id"),
        ("trap-slot 32", 139, "unused trampoline slot"),
        ("trap-slot 0xffe0", 139, "unused trampoline slot"),
    ] {
        let output = fault(args);
        let text = stderr(&output);
        assert_eq!(status(args, &output), expected, "{args}: {text}");
        assert!(text.contains(says), "{args}: {text}");
        assert!(
            text.lines().all(|line| line.starts_with("zvm:")),
            "{args}: {text}"
        );
    }
}

#[test]
fn faults_name_the_function() {
    for (args, function) in [
        ("read 0", "<read_at+0x"),
        ("write 0", "<write_at+0x"),
        ("recursion", "<deep+0x"),
    ] {
        let text = stderr(&fault(args));
        assert!(text.contains(function), "{args}: {text}");
    }
}

#[test]
fn an_exit_status_is_passed_on() {
    for (args, expected) in [("exit 0", 0), ("exit 7", 7), ("exit 300", 44)] {
        let output = fault(args);
        assert_eq!(status(args, &output), expected);
        assert!(output.stderr.is_empty(), "{}", stderr(&output));
    }
}

#[test]
fn bad_trap_arguments_are_einval() {
    let output = fault("trap-buffer");
    assert_eq!(
        status("trap-buffer", &output),
        0,
        "{output:?} {}",
        stderr(&output)
    );
    // The trampolines can be read, so one write of 16 bytes succeeds and its bytes stand in the output.
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let numbers = line.rsplit_terminator('\u{fffd}').next().unwrap_or(line);
        assert!(
            numbers.contains("-22") || numbers.contains("-1"),
            "{index}: {line}"
        );
    }
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("-22 ")).count(),
        lines.len() - 1,
        "{text}"
    );
    assert!(
        text.contains("16 -22 -1 -1") && text.ends_with("-22 -22\n-22 -1\n"),
        "{text}"
    );
}

#[test]
fn memory_ends_with_an_error_code() {
    let path = IMAGE.1.to_str().expect("a plain path");
    let output = zvm(&["run", "--memory", "64M", path, "memory"]);
    assert_eq!(status("memory", &output), 0, "{}", stderr(&output));
    assert_eq!(output.stdout, b"1 1\n");
}

#[test]
fn an_endless_loop_meets_its_timeout() {
    let path = IMAGE.1.to_str().expect("a plain path");
    let output = zvm(&["run", "--timeout", "0.3", path, "loop"]);
    assert_eq!(status("loop", &output), 124);
    assert!(
        stderr(&output).starts_with("zvm: timeout"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn refusals_have_zerovm_s_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text");
    fs::write(&text, "no image\n").expect("a file");
    let (image, text) = (
        IMAGE.1.to_str().expect("a path"),
        text.to_str().expect("a path"),
    );
    for (args, expected) in [
        (&["run", "/nowhere/program.zvm"][..], 2),
        (&["run"], 2),
        (&["run", "--no-such-option", image], 2),
        (&["run", "--memory", "lots", image], 2),
        (&["run", "--timeout", "-1", image], 2),
        (&["run", text], 8),
        (&["run", "/"], 2),
        (&["run", "--mount", "/nowhere:/data", image], 14),
        (&["run", "--mount", "/tmp", image], 2),
        (&["validate", text], 8),
        (&["validate", "/nowhere/program.zvm"], 2),
        (&["validate", image], 0),
    ] {
        let output = zvm(args);
        let said = stderr(&output);
        assert_eq!(
            status(&format!("{args:?}"), &output),
            expected,
            "{args:?}: {said}"
        );
        assert!(expected == 0 || said.contains("zvm:"), "{args:?}: {said}");
    }
}

#[test]
fn truncated_images_are_refused() {
    let image = &IMAGE.2;
    // Where the last segment ends in the file.
    let loaded = headers(image)
        .into_iter()
        .map(|(_, at)| (word(image, at + 8) + word(image, at + 32)) as usize)
        .max()
        .expect("segments");
    let lengths = (0..64)
        .chain((64..1024).step_by(61))
        .chain((1..32).map(|part| image.len() / 32 * part));
    for length in lengths.chain([image.len() - 1]) {
        let (validated, run) = changed(&image[..length]);
        let what = format!("{length} of {} bytes", image.len());
        // Behind the segments lie symbols and section headers, which a run does not need.
        let needed = status(&what, &validated) != 0;
        assert_eq!(status(&what, &run), if needed { 8 } else { 0 }, "{what}");
        assert!(
            !needed || stderr(&run).starts_with("zvm:"),
            "{what}: {}",
            stderr(&run)
        );
        assert!(needed || length >= loaded, "{what} were accepted");
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

/// (kind, file offset of the program header) of each segment.
fn headers(bytes: &[u8]) -> Vec<(u32, usize)> {
    let (start, count) = (word(bytes, 32) as usize, usize::from(bytes[56]));
    let kind = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    (0..count)
        .map(|index| start + index * 56)
        .map(|at| (kind(at), at))
        .collect()
}

/// File offset, address and size of the text segment.
fn text(bytes: &[u8]) -> (usize, u64, usize) {
    let (_, at) = headers(bytes)
        .into_iter()
        .find(|&(kind, at)| kind == 1 && word(bytes, at + 16) == 0x20000)
        .expect("text");
    (
        word(bytes, at + 8) as usize,
        word(bytes, at + 16),
        word(bytes, at + 32) as usize,
    )
}

#[test]
fn malformed_headers_are_refused() {
    let image = &IMAGE.2;
    let (_, text_start, text_size) = text(image);
    let loads: Vec<usize> = headers(image)
        .into_iter()
        .filter(|header| header.0 == 1)
        .map(|header| header.1)
        .collect();
    let put = |at: usize, value: u64| {
        let mut bytes = image.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let mut cases = vec![
        ("entry at 0", put(24, 0)),
        ("entry in data", put(24, 0x1000_0000)),
        ("entry behind text", put(24, text_start + text_size as u64)),
        ("entry within a bundle", put(24, word(image, 24) + 1)),
        ("entry above 4 GiB", put(24, word(image, 24) + (1 << 32))),
        ("program headers outside the file", put(32, 1 << 40)),
    ];
    for &at in &loads {
        let other = *loads.iter().find(|&&other| other != at).expect("two");
        cases.extend([
            (
                "overlapping segments",
                put(at + 16, word(image, other + 16)),
            ),
            ("a segment at 0", put(at + 16, 0)),
            (
                "a segment above 4 GiB",
                put(at + 16, word(image, at + 16) + (1 << 32)),
            ),
            ("a segment in the stack", put(at + 16, 0xFFFF_0000)),
            ("a segment that is not in the file", put(at + 8, 1 << 40)),
            (
                "a file size above the memory size",
                put(at + 32, word(image, at + 40) + 1),
            ),
            ("a size that wraps", put(at + 40, u64::MAX - 0xFFF)),
        ]);
        let mut both = image.clone();
        both[at + 4] = 7;
        cases.push(("a writable and executable segment", both));
    }
    for (what, bytes) in cases {
        let (validated, run) = changed(&bytes);
        assert_eq!(status(what, &validated), 8, "{what}");
        assert_eq!(status(what, &run), 8, "{what}: {}", stderr(&run));
        assert!(stderr(&run).starts_with("zvm:"), "{what}: {}", stderr(&run));
    }
}

#[test]
fn flipped_bits_never_reach_the_runtime() {
    let image = &IMAGE.2;
    let (offset, _, size) = text(image);
    let mut seed = 2013_u64;
    let mut random = |bound: usize| {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 33) as usize % bound
    };
    let mut refused = 0;
    for round in 0..240 {
        // Two of three in text, the others in headers.
        let at = if round % 3 < 2 {
            offset + random(size)
        } else {
            random(0x400)
        };
        let bit = random(8);
        let mut bytes = image.clone();
        bytes[at] ^= 1 << bit;
        let (validated, run) = changed(&bytes);
        let what = format!("bit {bit} of byte {at:#x}");
        let (verdict, ended) = (status(&what, &validated), status(&what, &run));
        assert!(
            verdict == 0 || verdict == 8,
            "{what}: {}",
            stderr(&validated)
        );
        if verdict == 8 {
            refused += 1;
            assert_eq!(ended, 8, "{what}: {}", stderr(&run));
        }
        // Whatever an accepted change makes of the program, what ends it otherwise than by itself is said.
        assert!(
            ended < 128 || stderr(&run).contains("zvm:"),
            "{what}: {ended} without a word"
        );
    }
    assert!(refused > 40, "only {refused} of 240 were refused");
}

#[test]
fn forbidden_instructions_do_not_build() {
    let folder = tempfile::tempdir().expect("a folder");
    let built = build("interrupt.c", folder.path());
    let said = stderr(&built);
    assert!(!built.status.success());
    for part in [
        "forbidden_call+0x",
        "[cd 80]",
        "leaves the sandbox",
        "use syscall",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!folder.path().join("program.zvm").exists());
}
