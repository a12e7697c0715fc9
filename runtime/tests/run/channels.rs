//! Channels on host files, manifests, limits, digests and reports.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("output_appears_whole", output_appears_whole),
    ("killed_while_it_waits", killed_while_it_waits),
    ("killed_at_any_moment", killed_at_any_moment),
    ("streamed_output_is_live", streamed_output_is_live),
    ("quotas_of_a_channel", quotas_of_a_channel),
    (
        "quotas_hold_where_a_later_file_fails",
        quotas_hold_where_a_later_file_fails,
    ),
    ("two_channels_to_one_file", two_channels_to_one_file),
    ("several_sources", several_sources),
    ("random_access", random_access),
    ("fifos", fifos),
    ("limits_have_their_own_end", limits_have_their_own_end),
    ("manifest_runs", manifest_runs),
    ("manifest_statuses", manifest_statuses),
    ("reports_are_equal", reports_are_equal),
    ("channels_that_make_no_sense", channels_that_make_no_sense),
    ("as_many_channels_as_promised", as_many_channels_as_promised),
];

const UNLIMITED: &str = "9223372036854775807";

/// An image, and room for its files beside it.
struct Case(File);

impl Case {
    fn new(write: impl FnOnce(&mut Program)) -> Case {
        Case(File::new(&program(write).elf()))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.at(name), text).unwrap();
        self.name(name)
    }

    fn name(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = zvm();
        command.arg("run").args(options).arg(self.0.path());
        command
    }

    fn run(&self, options: &[&str]) -> Done {
        finish(&mut self.command(options))
    }

    /// Files beside the image.
    fn left(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "test.zvm")
            .collect();
        names.sort();
        names
    }
}

fn output_appears_whole() {
    let case = Case::new(|p| {
        p.write(1, b"whole").exit(3);
    });
    let out = case.file("out", "old");
    case.run(&["--stdout", &out]).exits(3);
    assert_eq!(fs::read(&out).unwrap(), b"whole");

    let fails = Case::new(|p| {
        p.write(1, b"half").raw(&[0x0f, 0x0b]);
    });
    let out = fails.file("out", "old");
    fails.run(&["--stdout", &out]).says(132, "fault");
    assert_eq!(fs::read(&out).unwrap(), b"old");
    assert_eq!(fails.left(), ["out"]);
    fails
        .run(&["--stdout", &fails.name("new")])
        .says(132, "fault");
    assert_eq!(fails.left(), ["out"]);
}

/// Writes, then waits for its input's end for ever.
fn waits(p: &mut Program) {
    p.write(1, b"half").write(2, b"!");
    p.trap(trap::READ, [0, HEAP, 1, 0]);
    p.exit(0);
}

fn killed_while_it_waits() {
    let case = Case::new(waits);
    let out = case.file("out", "old");
    for milliseconds in [0, 1, 2, 5, 10, 20] {
        let mut child = case
            .command(&["--stdout", &out])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"old");
    }
    assert_eq!(case.left(), ["out"], "nothing is left behind");
}

/// Kills the runtime, or the instance under it, anywhere between the start and the end of a run: the output is the old one
/// or the new one, whole. `ZVM_TEST_KILLS` says how often.
fn killed_at_any_moment() {
    const PAGES: u32 = 256;
    let case = Case::new(|p| {
        let page = p.bytes(&[b'n'; layout::PAGE as usize]);
        let array = p.words(&[trap::WRITE, 0, 1, page, layout::PAGE, 0]);
        p.put(|a| a.mov(ebx, PAGES));
        let again = p.align();
        p.put(|a| a.mov(edi, array as u32));
        p.call(layout::TRAMPOLINE_BASE);
        p.put(|a| a.dec(ebx)).put(|a| a.jne(again)).exit(0);
    });
    let (old, new) = (b"old".to_vec(), vec![b'n'; PAGES as usize * 4096]);
    let out = case.file("out", "old");
    let start = std::time::Instant::now();
    case.run(&["--stdout", &out]).exits(0);
    let whole = start.elapsed().as_micros() as u64;
    assert!(fs::read(&out).unwrap() == new);

    let kills = std::env::var("ZVM_TEST_KILLS").map_or(60, |text| text.parse().unwrap());
    let (mut seen, mut random) = ([0; 2], 1_u64);
    for round in 0..kills {
        fs::write(&out, &old).unwrap();
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let delay = (random >> 33) % (whole * 3 / 2).max(1);
        let mut child = case.command(&["--stdout", &out]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(delay));
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let instance = fs::read_to_string(children).unwrap_or_default();
        match instance.trim().parse() {
            #[allow(unsafe_code, reason = "std kills its own children only")]
            // SAFETY: integers. The instance may have ended; until its monitor has, the number is no other process's.
            Ok(pid) if round % 2 == 0 => unsafe {
                libc::kill(pid, libc::SIGKILL);
            },
            _ => child.kill().unwrap(),
        }
        child.wait().unwrap();
        let now = fs::read(&out).unwrap();
        assert!(
            now == old || now == new,
            "{} bytes after {delay} us",
            now.len()
        );
        seen[usize::from(now == new)] += 1;
        // A commit that was cut short may leave a hidden name, never a changed output.
        for name in case.left() {
            assert!(name == "out" || name.starts_with(".out.zvm-"), "{name}");
            if name != "out" {
                fs::remove_file(case.at(&name)).unwrap();
            }
        }
    }
    eprintln!("killed {kills} times: {} old, {} new", seen[0], seen[1]);
}

fn streamed_output_is_live() {
    let case = Case::new(waits);
    let out = case.name("out");
    let mut child = case
        .command(&["--stream", "--stdout", &out])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
    assert_eq!(fs::read(&out).unwrap(), b"half");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

fn quotas_of_a_channel() {
    // Two puts, five bytes: the second is cut, the third is refused.
    let case = Case::new(|p| {
        p.write(4, b"abc").write(4, b"defgh").write(4, b"i");
        p.exit_rax();
    });
    let out = case.name("out");
    let done = case.run(&["--channel", &format!("{out}, /dev/out/x, 0, 0, 0, 0, 9, 5")]);
    done.exits(minus(trap::errno::EDQUOT));
    assert_eq!(fs::read(&out).unwrap(), b"abcde");
    let done = case.run(&[
        "--channel",
        &format!("{out}, /dev/out/x, 0, 0, 0, 0, 1, 99"),
    ]);
    done.exits(minus(trap::errno::EDQUOT));
    assert_eq!(fs::read(&out).unwrap(), b"abc");

    let reads = Case::new(|p| {
        for _ in 0..3 {
            p.trap(trap::READ, [4, HEAP, 3, 0]);
        }
        p.exit_rax();
    });
    let input = reads.file("in", "0123456789");
    for (quota, left) in [
        ("2, 99", minus(trap::errno::EDQUOT)),
        ("9, 6", minus(trap::errno::EDQUOT)),
        ("9, 8", 2),
        ("9, 9", 3),
    ] {
        let spec = format!("{input}, /dev/in/x, 0, 0, {quota}, 0, 0");
        reads.run(&["--channel", &spec]).exits(left);
    }
}

/// What the first of several files has counts, whatever the others say.
fn quotas_hold_where_a_later_file_fails() {
    let case = Case::new(|p| {
        for _ in 0..3 {
            p.write(4, b"abcd");
        }
        p.exit_rax();
    });
    let out = case.name("out");
    let spec = format!("{out};/dev/full, /dev/out/x, 0, 1, 0, 0, 9, 6");
    case.run(&["--channel", &spec, "--stream"])
        .exits(minus(trap::errno::EDQUOT));
    assert_eq!(fs::read(&out).unwrap(), b"abcdab");
    let spec = format!("{out};/dev/full, /dev/out/x, 0, 1, 0, 0, 9, 99");
    case.run(&["--channel", &spec, "--stream", "--output", "9"])
        .says(153, "wrote more than 9 bytes");
    assert_eq!(fs::read(&out).unwrap(), b"abcdabcd");
}

fn two_channels_to_one_file() {
    let case = Case::new(|p| {
        p.exit(0);
    });
    let out = case.file("out", "as it was");
    let done = case.run(&["--stdout", &out, "--stderr", &out]);
    done.says(14, "another channel writes this file");
    assert_eq!(fs::read(&out).unwrap(), b"as it was");
}

fn several_sources() {
    let case = Case::new(|p| {
        for _ in 0..4 {
            p.trap(trap::READ, [4, HEAP, 2, 0]);
            p.dump(HEAP, 2);
        }
        p.exit(0);
    });
    let (a, b) = (case.file("a", "12"), case.file("b", "3456"));
    let spec = format!("{a};{b}, /dev/in/x, 0, 0, {UNLIMITED}, {UNLIMITED}, 0, 0");
    let done = case.run(&["--channel", &spec]);
    done.exits(0);
    assert_eq!(done.stdout, b"12345656", "the last read finds the end");

    let both = Case::new(|p| {
        p.write(4, b"to all").exit(0);
    });
    let (a, b) = (both.name("a"), both.name("b"));
    let spec = format!("{a};{b}, /dev/out/x, 0, 0, 0, 0, 9, 99");
    both.run(&["--channel", &spec]).exits(0);
    assert_eq!(fs::read(a).unwrap(), b"to all");
    assert_eq!(fs::read(b).unwrap(), b"to all");
}

fn random_access() {
    let case = Case::new(|p| {
        p.trap(trap::READ, [4, HEAP, 2, 3]);
        p.dump(HEAP, 2);
        let text = p.bytes(b"XY");
        p.trap(trap::WRITE, [4, text, 2, 1]);
        p.exit(0);
    });
    let file = case.file("file", "012345");
    let done = case.run(&[
        "--channel",
        &format!("{file}, /dev/rw/x, 3, 0, 9, 99, 9, 99"),
    ]);
    done.exits(0);
    assert_eq!(done.stdout, b"34");
    assert_eq!(fs::read(&file).unwrap(), b"0XY345");
    // Random read with sequential write appends.
    let done = case.run(&[
        "--channel",
        &format!("{file}, /dev/rw/x, 1, 0, 9, 99, 9, 99"),
    ]);
    done.exits(0);
    assert_eq!(fs::read(&file).unwrap(), b"0XY345XY");
    // Sequential read with random write: offsets count for the writes only.
    fs::write(&file, "012345").unwrap();
    let done = case.run(&[
        "--channel",
        &format!("{file}, /dev/rw/x, 2, 0, 9, 99, 9, 99"),
    ]);
    done.exits(0);
    assert_eq!(done.stdout, b"01");
    assert_eq!(fs::read(&file).unwrap(), b"0XY345");
    // Sequential both ways: reads and writes have a position each.
    fs::write(&file, "012345").unwrap();
    let done = case.run(&[
        "--channel",
        &format!("{file}, /dev/rw/x, 0, 0, 9, 99, 9, 99"),
    ]);
    done.exits(0);
    assert_eq!(done.stdout, b"01");
    assert_eq!(fs::read(&file).unwrap(), b"XY2345");
}

fn fifos() {
    let case = Case::new(|p| {
        p.trap(trap::READ, [4, HEAP, 5, 0]);
        p.dump(HEAP, 5).exit(0);
    });
    let fifo = case.name("fifo");
    let path = std::ffi::CString::new(fifo.as_str()).unwrap();
    #[allow(unsafe_code, reason = "std makes no FIFOs")]
    // SAFETY: a NUL-terminated string that lives through the call.
    let made = unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
    assert_eq!(made, 0);
    let spec = format!("{fifo}, /dev/in/x, 0, 0, 9, 99, 0, 0");
    let child = case.command(&["--channel", &spec]).spawn().unwrap();
    fs::write(&fifo, "piped").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"piped");
    case.run(&["--timeout", "0.05", "--channel", &spec])
        .says(5, "nobody opened the FIFO's other side");
    // As a program it is not even waited for.
    finish(zvm().args(["run", &fifo])).says(2, "not a regular file");
    // The first descriptor that the caller did not give is the runtime's own.
    case.run(&["--channel", "fd:3, /dev/in/x, 0, 0, 9, 99, 0, 0"])
        .says(5, "Bad file descriptor");
}

fn limits_have_their_own_end() {
    let endless = Case::new(|p| {
        let start = p.align();
        p.put(|a| a.jmp(start));
    });
    endless
        .run(&["--timeout", "0.05"])
        .says(124, "timeout: the program ran longer than 0.05 s");
    endless
        .run(&["--cpu-time", "0.05"])
        .says(152, "processor time: the program used more than 0.05 s");
    let much = Case::new(|p| {
        p.write(1, b"12345678")
            .write(2, b"9")
            .write(1, b"0")
            .exit(0);
    });
    let out = much.name("out");
    much.run(&[
        "--output",
        "9",
        "--stdout",
        &out,
        "--stderr",
        &much.name("err"),
    ])
    .says(153, "output: the program wrote more than 9 bytes");
    assert!(much.left().is_empty());
    much.run(&[
        "--output",
        "10",
        "--stdout",
        &out,
        "--stderr",
        &much.name("err"),
    ])
    .exits(0);
    assert_eq!(fs::read(out).unwrap(), b"123456780");
}

fn manifest_text(case: &Case, changes: &[(&str, &str)]) -> String {
    let mut text = format!(
        "Version = 20130611\nProgram = {program}\nMemory = 33554432, 1\nTimeout = 10\n\
         Channel = /dev/null, /dev/stdin, 0, 1, 999, 999, 0, 0\n\
         Channel = {out}, /dev/stdout, 0, 1, 0, 0, 999, 999\n\
         Channel = /dev/null, /dev/stderr, 0, 0, 0, 0, 999, 999\n",
        program = case.0.path().display(),
        out = case.name("out"),
    );
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

fn run_manifest(case: &Case, text: &str, options: &[&str]) -> Done {
    let manifest = case.file("manifest", text);
    finish(zvm().arg("manifest").arg(manifest).args(options))
}

fn manifest_runs() {
    let case = Case::new(|p| {
        p.write(1, b"abc").exit(7);
    });
    let done = run_manifest(
        &case,
        &manifest_text(&case, &[("Timeout", "Etag = sha256\nTimeout")]),
        &[],
    );
    done.exits(0);
    assert_eq!(fs::read(case.at("out")).unwrap(), b"abc");
    let report = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines.len(), 6, "{report}");
    assert_eq!(lines[..3], ["0", "0", "7"], "{report}");
    // The published digests of nothing and of "abc".
    for words in [
        "/dev/stdin e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "/dev/stdout ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "/dev/memory ",
    ] {
        assert!(lines[3].contains(words), "{report}");
    }
    assert!(lines[4].ends_with(" 0 0 1 3 0 0 0 0"), "{report}");
    assert_eq!(lines[5], "ok");

    // argv and environment come from the nvram file.
    let echo = Case::new(|p| {
        p.trap(trap::READ, [3, HEAP, 4096, 0]);
        p.dump(HEAP, 999).exit(0);
    });
    let nvram = echo.file(
        "nvram",
        "[args]\nargs = prog one\\x20word two\n[env]\nname=HOME, value=/h\n[time]\nseconds=5\n",
    );
    let text = manifest_text(&echo, &[])
        + &format!("Channel = {nvram}, /dev/nvram, 3, 0, 999, 99999, 0, 0\n");
    run_manifest(&echo, &text, &[]).exits(0);
    let told = fs::read_to_string(echo.at("out")).unwrap();
    for words in ["prog one\\x20word two", "name=HOME, value=/h", "seconds=5"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

fn manifest_statuses() {
    let case = Case::new(|p| {
        p.write(1, b"abc").exit(7);
    });
    let manifest = case.name("manifest");
    for (changes, status, words) in [
        (
            &[("Version = 20130611", "Version = 1")][..],
            14,
            "line 1: Version is 1",
        ),
        (
            &[("Timeout = 10", "Timeout = x")],
            14,
            "line 4: `x` is not a number",
        ),
        (&[("0, 0, 999, 999", "0, 0, 999")], 14, "line 6: "),
        (&[("Memory", "Memroy")], 14, "line 3: unknown key `Memroy`"),
        (&[("33554432", "4290000000")], 12, "--memory"),
        (&[("test.zvm", "none.zvm")], 2, "none.zvm"),
        (&[("test.zvm", "manifest")], 8, "manifest"),
    ] {
        let done = run_manifest(&case, &manifest_text(&case, changes), &[]);
        done.says(status, words);
        let report = String::from_utf8(done.stdout).unwrap();
        assert_eq!(report.lines().count(), 6, "{report}");
        assert!(!case.left().contains(&"out".to_owned()), "no output");
    }
    fs::remove_file(&manifest).unwrap();
    finish(zvm().args(["manifest", &manifest])).says(2, &manifest);

    let bad = Case::new(|p| {
        p.raw(&[0x0f, 0x0b]);
    });
    run_manifest(&bad, &manifest_text(&bad, &[]), &[]).says(4, "fault");
    let nvram = bad.file("nvram", "[args]\nargs = x\n[nonsense]\na=b\n");
    let text = manifest_text(&bad, &[])
        + &format!("Channel = {nvram}, /dev/nvram, 3, 0, 999, 99999, 0, 0\n");
    run_manifest(&bad, &text, &[]).says(14, "nvram: line ");
}

fn reports_are_equal() {
    let case = Case::new(|p| {
        p.trap(trap::READ, [0, HEAP, 64, 0]);
        p.dump(HEAP, 32).exit(0);
    });
    let input = case.file("in", "what goes in");
    let report = |name: &str, options: &[&str]| {
        let file = case.name(name);
        let mut all = vec!["--stdin", &input, "--report", &file];
        all.extend_from_slice(options);
        case.run(&all).exits(0);
        fs::read_to_string(&file).unwrap()
    };
    let digests = |text: &str| text.lines().nth(3).unwrap().to_owned();
    let first = digests(&report("a", &[]));
    assert!(first.contains("/dev/memory") && first.contains("/dev/stdin"));
    assert_eq!(first, digests(&report("b", &[])));
    assert_ne!(first, digests(&report("c", &["--digest", "sha256"])));
    fs::write(&input, "something else").unwrap();
    assert_ne!(first, digests(&report("d", &[])));
    let json = report("e.json", &[]);
    for words in [
        "\"exit_code\": 0",
        "\"digest\": \"blake3\"",
        "\"alias\": \"/dev/stdin\"",
    ] {
        assert!(json.contains(words), "{words}: {json}");
    }
}

fn channels_that_make_no_sense() {
    let case = Case::new(|p| {
        p.exit(0);
    });
    let some = case.file("some", "x");
    let none = case.name("none");
    for (spec, status, words) in [
        (
            format!("{none}, /dev/in/x, 0, 0, 1, 1, 0, 0"),
            5,
            "none: No such file",
        ),
        (
            format!("{none}/x, /dev/out/x, 0, 0, 0, 0, 1, 1"),
            5,
            "No such file",
        ),
        (format!("{some}, /dev/stdin"), 2, "8 fields"),
        (format!("{some}, x, 0, 0, 1, 1, 0, 0"), 2, "absolute path"),
        (
            "/dev/null, /a, 3, 0, 1, 1, 0, 0;/x".to_owned(),
            2,
            "not a number",
        ),
        ("fd:99, /a, 0, 0, 1, 1, 0, 0".to_owned(), 5, "fd:99"),
        (
            format!("{some}, /dev/nvram, 0, 0, 1, 1, 0, 0"),
            14,
            "another channel has this alias",
        ),
        (
            "tcp:7:, /a, 0, 0, 1, 1, 0, 0".to_owned(),
            5,
            "tcp:7:: a node's name needs NameServer",
        ),
    ] {
        case.run(&["--channel", &spec]).says(status, words);
    }
}

fn as_many_channels_as_promised() {
    let case = Case::new(|p| {
        p.write(10_913, b"the last").exit_rax();
    });
    let extra = |count: usize| {
        (0..count)
            .map(|n| format!("Channel = /dev/null, /dev/c{n}, 0, 0, 9, 99, 9, 99\n"))
            .collect::<String>()
    };
    // Lines are limited, too: the manifest's four keys and three channels are beside these.
    let text = manifest_text(&case, &[]) + &extra(8192 - 7);
    let done = run_manifest(&case, &text, &[]);
    // A host that allows fewer descriptors says so, and runs nothing.
    if done.status != 0 {
        done.says(5, "Too many open files");
    }
    run_manifest(&case, &(text + &extra(1)), &[]).says(14, "more than 8192 lines");

    // All of them come by the command line; four are there already.
    let out = case.name("last");
    let with = |count: usize| {
        let mut command = zvm();
        command.arg("run");
        for n in 0..count {
            command.arg(format!(
                "--channel=/dev/null, /dev/c{n}, 0, 0, 9, 99, 9, 99"
            ));
        }
        let last = format!("--channel={out}, /dev/last, 0, 0, 0, 0, 9, 99");
        finish(command.arg(last).arg(case.0.path()))
    };
    let most = zvm_abi::manifest::MAX_CHANNELS;
    let done = with(most - 5);
    if done.status == 5 {
        done.says(5, "Too many open files");
        eprintln!("skipped: this host allows fewer descriptors than there may be channels");
        return;
    }
    done.exits(8);
    assert_eq!(fs::read(&out).unwrap(), b"the last");
    with(most - 4).says(14, "more than 10914 channels");
}
