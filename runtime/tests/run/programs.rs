//! Ordinary programs: channels, nvram, manifest, mounts, exit status.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("hello", hello),
    ("exit_status_is_eight_bits", exit_status_is_eight_bits),
    ("stdin_to_stdout", stdin_to_stdout),
    (
        "nvram_tells_arguments_and_environment",
        nvram_tells_arguments_and_environment,
    ),
    ("manifest_describes_memory", manifest_describes_memory),
    ("memory_option", memory_option),
    ("directory_as_mount", directory_as_mount),
    ("rw_mount_is_written_back", rw_mount_is_written_back),
    ("mounted_file_is_cut", mounted_file_is_cut),
];

fn hello() {
    let done = run(&program(|p| {
        p.write(1, b"hello, world\n").write(2, b"").exit(0);
    }));
    done.exits(0);
    assert_eq!(done.stdout, b"hello, world\n");
}

fn exit_status_is_eight_bits() {
    for (code, status) in [(0, 0), (7, 7), (255, 255), (0x1_0003, 3)] {
        run(&program(|p| {
            p.exit(code);
        }))
        .exits(status);
    }
}

/// Reads from a channel once and writes what came to stdout.
fn copy_once(p: &mut Program, channel: u64) {
    let buffer = layout::STACK_TOP - 0x10_0000;
    p.trap(trap::READ, [channel, buffer, 0x8_0000, 0]);
    let write = p.words(&[trap::WRITE, 0, 1, buffer, 0, 0]);
    p.store_rax(write + 32).trap_at(write);
}

fn stdin_to_stdout() {
    let file = File::new(
        &program(|p| {
            copy_once(p, 0);
            copy_once(p, 0);
            p.exit_rax();
        })
        .elf(),
    );
    let mut child = zvm()
        .arg("run")
        .arg(file.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"through the sandbox")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"through the sandbox");
    assert_eq!(
        output.status.code(),
        Some(0),
        "the end of the channel is 0 bytes"
    );
}

fn nvram_tells_arguments_and_environment() {
    let file = File::new(
        &program(|p| {
            copy_once(p, 3);
            p.exit(0);
        })
        .elf(),
    );
    let path = file.path();
    let done = finish(
        zvm()
            .arg("run")
            .args(["--env", "A=b c", "--seed", "ff"])
            .arg(&path)
            .args(["--env", "two words", ""]),
    );
    done.exits(0);
    let text = String::from_utf8(done.stdout).unwrap();
    let expected = format!(
        "[args]\nargs = {} --env two\\x20words \"\"\n[env]\nname=A, value=b\\x20c\n[fstab]\n\
         [time]\nseconds=1370454582, nanoseconds=0\n[random]\nseed={}ff\n[cwd]\npath=/\n",
        path.display(),
        "00".repeat(31)
    );
    assert_eq!(text, expected);
}

fn manifest_describes_memory() {
    let done = run_with(
        &program(|p| {
            let copy = p.words(&[0; 3]);
            p.put(|a| {
                a.mov(ebx, layout::MANIFEST_POINTER as u32)?;
                a.mov(ebx, dword_ptr(ebx))?;
                a.mov(edx, copy as u32)
            });
            for at in [0_i32, 8, 16] {
                p.put(|a| {
                    a.mov(rax, qword_ptr(ebx + at))?;
                    a.mov(qword_ptr(edx + at), rax)
                });
            }
            // The heap is there from its first to its last word, and zero.
            let last = HEAP + (64 << 20) - 8;
            for at in [HEAP, last] {
                p.put(|a| {
                    a.mov(ebx, at as u32)?;
                    a.mov(rax, qword_ptr(ebx))?;
                    a.mov(qword_ptr(ebx), rsp)
                });
                p.put(|a| {
                    a.mov(ebx, copy as u32)?;
                    a.or(qword_ptr(ebx + 16), rax)
                });
            }
            p.dump(copy, 24).exit(0);
        })
        .elf(),
        &["--memory", "64M"],
    );
    done.exits(0);
    let [heap, stack, channels] = words(&done.stdout)[..] else {
        panic!()
    };
    assert_eq!((heap as u32 as u64, heap >> 32), (HEAP, 64 << 20));
    assert_eq!((stack as u32 as u64, stack >> 32), (layout::STACK_SIZE, 4));
    assert_eq!(channels >> 32, 0, "reserved, and the heap's words");
    assert_eq!(channels, (layout::MANIFEST_END - layout::PAGE) + 24);
}

fn memory_option() {
    let elf = program(|p| {
        p.exit(0);
    })
    .elf();
    run_with(&elf, &["--memory", "3800M"]).exits(0);
    run_with(&elf, &["--memory", "64K"]).exits(0);
    // All that there is beside everything else.
    run_with(&elf, &["--memory", "4G"]).exits(0);
    run_with(&elf, &["--memory", "4095M"]).says(12, "--memory");
    run_with(&elf, &["--memory", "1"]).says(2, "--memory");
    let mut large = program(|p| {
        p.exit(0);
    });
    large.data.resize(1 << 20, 0);
    run_with(&large.elf(), &["--memory", "1M"]).exits(0);
    run_with(&large.elf(), &["--memory", "1020K"]).says(12, "own variables take 1048576 bytes");
}

fn directory_as_mount() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "contents").unwrap();
    std::os::unix::fs::symlink("file", directory.path().join("link")).unwrap();
    fs::create_dir(directory.path().join("sub")).unwrap();
    let elf = program(|p| {
        copy_once(p, 4);
        p.exit(0);
    })
    .elf();
    let mount = format!("{}:/data", directory.path().display());
    let done = run_with(&elf, &["--mount", &mount]);
    done.exits(0);
    let mut archive = tar::Archive::new(&done.stdout[..]);
    let entries: Vec<(String, String, String)> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let link = entry
                .link_name()
                .unwrap()
                .map(|link| link.display().to_string())
                .unwrap_or_default();
            (entry.path().unwrap().display().to_string(), text, link)
        })
        .collect();
    let entry = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(
        entries,
        [
            entry("file", "contents", ""),
            entry("link", "", "file"),
            entry("sub/", "", "")
        ]
    );
    // The same image as a file, this time mapped by the guest's own eyes: the manifest says where.
    let tar = directory.path().join("image.tar");
    fs::write(&tar, &done.stdout).unwrap();
    let size = done.stdout.len() as u64;
    let mapped = layout::MANIFEST_END - layout::PAGE - size.next_multiple_of(layout::PAGE);
    let elf = program(|p| {
        p.dump(mapped, size).exit(0);
    })
    .elf();
    let again = run_with(&elf, &["--mount", &format!("{}:/data:ro", tar.display())]);
    again.exits(0);
    assert!(again.stdout == done.stdout);
    run_with(&elf, &["--mount", "/nonexistent:/x"]).says(14, "/nonexistent");
    run_with(&elf, &["--mount", "/dev/null:/x"]).says(14, "neither a directory nor a tar file");
    run_with(&elf, &["--mount", "/tmp"]).says(2, "HOST_DIR_OR_TAR");
}

fn rw_mount_is_written_back() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o640);
    builder
        .append_data(&mut header, "new", &b"abc"[..])
        .unwrap();
    let tar = builder.into_inner().unwrap();
    let writes = |then: &dyn Fn(&mut Program)| {
        program(|p| {
            p.write(5, &tar);
            then(p);
        })
        .elf()
    };
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("old"), "x").unwrap();
    let mount = format!("{}:/:rw", directory.path().display());
    let names = |path: &Path| {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    // A program that is killed changes nothing.
    let done = run_with(&writes(&|p| _ = p.raw(&[0x0f, 0x0b])), &["--mount", &mount]);
    done.says(132, "SIGILL");
    assert_eq!(names(directory.path()), ["old"]);
    run_with(&writes(&|p| _ = p.exit(3)), &["--mount", &mount]).exits(3);
    assert_eq!(names(directory.path()), ["new"]);
    assert_eq!(fs::read(directory.path().join("new")).unwrap(), b"abc");
}

/// Somebody cuts a mounted tar file while the program runs: the program's access is a fault, and so is a trap that would
/// read its arguments there.
fn mounted_file_is_cut() {
    let mapped = layout::MANIFEST_END - 2 * layout::PAGE;
    let access: fn(&mut Program, u64) = |p, at| {
        _ = p
            .put(|a| a.mov(eax, at as u32))
            .put(|a| a.mov(eax, dword_ptr(eax)))
    };
    let array: fn(&mut Program, u64) = |p, at| _ = p.trap_at(at);
    for then in [access, array] {
        let file = File::new(
            &program(|p| {
                p.write(1, b"!").trap(trap::READ, [0, HEAP, 1, 0]);
                then(p, mapped);
                p.exit(0);
            })
            .elf(),
        );
        let tar = file.path().with_file_name("image.tar");
        fs::write(&tar, [0; 1024]).unwrap();
        let mut command = zvm();
        command
            .args(["run", "--mount", &format!("{}:/x", tar.display())])
            .arg(file.path());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        wait_for_guest(&mut child);
        fs::write(&tar, "").unwrap();
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains("the mounted file became shorter"),
            "{stderr}"
        );
        assert_eq!(output.status.code(), Some(135));
    }
}
