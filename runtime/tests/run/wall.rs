//! The second wall: seccomp, descriptors, mappings, limits.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("instance_is_closed_in", instance_is_closed_in),
    (
        "runs_under_a_small_address_space_limit",
        runs_under_a_small_address_space_limit,
    ),
    ("hostile_personality", hostile_personality),
    ("personality_of_the_instance", personality_of_the_instance),
    ("runs_without_root", runs_without_root),
    ("runs_in_a_container", runs_in_a_container),
    ("nothing_of_the_host_is_seen", nothing_of_the_host_is_seen),
];

fn child_of(pid: u32) -> u32 {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // pid (name) state ppid
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        if rest.split(' ').nth(1) == Some(&pid.to_string()) {
            return entry.file_name().into_string().unwrap().parse().unwrap();
        }
    }
    panic!("no child of {pid}");
}

fn instance_is_closed_in() {
    let file = File::new(
        &program(|p| {
            p.write(1, b"!").trap(trap::READ, [0, HEAP, 1, 0]);
            p.exit(0);
        })
        .elf(),
    );
    // A descriptor that somebody forgot to close.
    let leaked = fs::File::open("/dev/null").unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&leaked);
    let mut command = zvm();
    command.arg("run").arg(file.path()).stdin(Stdio::piped());
    #[allow(
        unsafe_code,
        reason = "only a child can have a descriptor that is not close-on-exec"
    )]
    // SAFETY: dup2 is async-signal-safe and touches no memory.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, move || {
            match libc::dup2(fd, 77) {
                77 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    let mut child = command.spawn().unwrap();
    wait_for_guest(&mut child);
    let instance = child_of(child.id());

    let status = fs::read_to_string(format!("/proc/{instance}/status")).unwrap();
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(field("Seccomp:"), "2");
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Threads:"), "1");

    let mut open: Vec<u32> = fs::read_dir(format!("/proc/{instance}/fd"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    open.sort_unstable();
    assert_eq!(
        open.len(),
        5,
        "stdin, stdout, stderr, nvram, the snapshot of a crash: {open:?}"
    );
    assert!(!open.contains(&77));

    // Nothing of the sandbox is writable and executable, or shared and writable; the guard holds nothing.
    for line in fs::read_to_string(format!("/proc/{instance}/maps"))
        .unwrap()
        .lines()
    {
        let start = u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
        let rights = line.split(' ').nth(1).unwrap();
        assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
        if start < layout::SANDBOX_END {
            assert!(!(rights.contains('w') && rights.ends_with('s')), "{line}");
        } else if start < layout::GUARD_END {
            assert!(rights.starts_with("---"), "{line}");
        }
    }
    // The monitor has none of it.
    for line in fs::read_to_string(format!("/proc/{}/maps", child.id()))
        .unwrap()
        .lines()
    {
        let start = u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
        assert!(start > layout::GUARD_END, "{line}");
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn runs_under_a_small_address_space_limit() {
    let file = File::new(
        &program(|p| {
            p.exit(0);
        })
        .elf(),
    );
    let mut command = zvm();
    command.arg("run").arg(file.path());
    #[allow(unsafe_code, reason = "a limit for the child alone")]
    // SAFETY: setrlimit is async-signal-safe; the structure lives through the call.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, || {
            let limit = libc::rlimit {
                rlim_cur: 4 << 30,
                rlim_max: 4 << 30,
            };
            match libc::setrlimit(libc::RLIMIT_AS, &raw const limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    finish(&mut command).says(12, "ulimit -v");
}

/// `zvm` as `setarch` would start it.
fn zvm_with_personality(personality: i32) -> Command {
    let mut command = zvm();
    #[allow(unsafe_code, reason = "a personality for the child alone")]
    // SAFETY: personality is a system call with an integer.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(
            &mut command,
            move || match libc::personality(personality as libc::c_ulong) {
                0.. => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            },
        );
    }
    command
}

/// Page 0 mapped and executable, no randomisation, readable means executable: nothing of it reaches the guest. A kernel
/// that seals page 0 leaves only a refusal.
fn hostile_personality() {
    for (target, why) in [
        (0, "null pointer"),
        (DATA as u32, "data cannot be executed"),
        (HEAP as u32, "the heap cannot be executed"),
    ] {
        let file = File::new(
            &program(|p| {
                p.put(|a| a.mov(eax, target)).jump_rax();
            })
            .elf(),
        );
        let run = |bits| finish(zvm_with_personality(bits).arg("run").arg(file.path()));
        let bits = libc::ADDR_NO_RANDOMIZE | libc::READ_IMPLIES_EXEC;
        run(bits).says(139, why);
        let zero = run(bits | libc::MMAP_PAGE_ZERO);
        match zero.status {
            12 => zero.says(12, "MMAP_PAGE_ZERO"),
            _ => zero.says(139, why),
        }
    }
}

/// The instance runs under the default personality whatever its parent's is.
fn personality_of_the_instance() {
    let file = File::new(
        &program(|p| {
            p.write(1, b"!").trap(trap::READ, [0, HEAP, 1, 0]);
            p.exit(0);
        })
        .elf(),
    );
    let mut command = zvm_with_personality(libc::ADDR_NO_RANDOMIZE);
    let mut child = command
        .arg("run")
        .arg(file.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_guest(&mut child);
    let read = |pid: u32| fs::read_to_string(format!("/proc/{pid}/personality")).unwrap();
    assert_eq!(read(child.id()).trim(), "00040000", "the test's own doing");
    assert_eq!(read(child_of(child.id())).trim(), "00000000");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A program that ends with 7, where every user can read it.
fn readable_program() -> File {
    let file = File::new(
        &program(|p| {
            p.exit(7);
        })
        .elf(),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(file.0.path(), mode).unwrap();
    file
}

const NOBODY: u32 = 65_534;

/// Whoever runs the tests as root tests here that nobody else needs to be.
fn runs_without_root() {
    let file = readable_program();
    let mut command = zvm();
    command.env_remove("ZVM_HOME").arg("run").arg(file.path());
    #[allow(unsafe_code, reason = "std has no geteuid")]
    // SAFETY: no arguments.
    if unsafe { libc::geteuid() } == 0 {
        std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
        std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
    }
    match command.output() {
        Ok(_) => finish(&mut command).exits(7),
        Err(error) => eprintln!("skipped: nobody cannot start this test: {error}"),
    }
}

/// No namespace of the host's but what bubblewrap gives: no network, no other processes, a file system that cannot be written.
fn runs_in_a_container() {
    let file = readable_program();
    let own = zvm();
    let mut command = Command::new("bwrap");
    command
        .args(["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"])
        .args(["--proc", "/proc", "--dev", "/dev", "--setenv", AS_ZVM, "1"])
        .arg(own.get_program())
        .arg("run")
        .arg(file.path());
    let mut probe = Command::new("bwrap");
    probe.args([
        "--unshare-all",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "true",
    ]);
    match probe.output() {
        Ok(output) if output.status.success() => finish(&mut command).exits(7),
        Ok(output) => eprintln!(
            "skipped: bwrap does not work here: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => eprintln!("skipped: bwrap: {error}"),
    }
}

/// All that a program is told is in nvram's text and the user manifest: neither has a variable or a path of the host's.
fn nothing_of_the_host_is_seen() {
    let file = File::new(
        &program(|p| {
            p.trap(trap::READ, [3, HEAP, 4096, 0]);
            p.dump(HEAP, 4096);
            let size = layout::MANIFEST_END - layout::PAGE;
            p.dump(size, 4096).exit(0);
        })
        .elf(),
    );
    let mut command = zvm();
    command
        .env("ZVM_SECRET", "of-the-host")
        .current_dir(file.0.path())
        .args(["run", "--mount", ".:/data", "test.zvm"]);
    let done = finish(&mut command);
    done.exits(0);
    let folder = file.0.path().to_str().unwrap();
    for secret in ["of-the-host", folder, "/proc", "/home"] {
        let bytes = secret.as_bytes();
        let found = done
            .stdout
            .windows(bytes.len())
            .any(|window| window == bytes);
        assert!(!found, "the program can read {secret}");
    }
}
