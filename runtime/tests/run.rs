//! Whole runs: each test builds an image and runs it by the `zvm` command in a process of its own.
//!
//! The command is this test's own executable: with the variable below it becomes `zvm`.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use iced_x86::code_asm::*;
use libtest_mimic::{Arguments, Failed, Trial};
use support::*;
use zvm_abi::{layout, trap};

const AS_ZVM: &str = "ZVM_RUNTIME_TEST_AS_ZVM";

fn main() -> ExitCode {
    if std::env::var_os(AS_ZVM).is_some() {
        return zvm_runtime::cli::main(std::env::args_os());
    }
    let tests: Vec<(&str, fn())> = vec![
        ("hello", hello),
        ("exit_status_is_eight_bits", exit_status_is_eight_bits),
        ("stdin_to_stdout", stdin_to_stdout),
        (
            "nvram_tells_arguments_and_environment",
            nvram_tells_arguments_and_environment,
        ),
        ("manifest_describes_memory", manifest_describes_memory),
        ("directory_as_mount", directory_as_mount),
        ("rw_mount_is_written_back", rw_mount_is_written_back),
        ("refused_programs", refused_programs),
        ("malformed_images", malformed_images),
        ("every_cut_of_an_image", every_cut_of_an_image),
        ("flipped_byte_in_text", flipped_byte_in_text),
        ("validate_command", validate_command),
        ("bad_trap_arrays", bad_trap_arrays),
        ("bad_buffers", bad_buffers),
        ("bad_channels_and_sizes", bad_channels_and_sizes),
        ("unknown_trap", unknown_trap),
        ("fork_answers_zero", fork_answers_zero),
        ("jump_to_data", jump_to_data),
        ("jumps_outside_text", jumps_outside_text),
        ("stack_overflow", stack_overflow),
        ("access_at_four_gibibytes", access_at_four_gibibytes),
        ("null_pointer", null_pointer),
        ("writes_to_what_is_read_only", writes_to_what_is_read_only),
        ("divide_error", divide_error),
        ("abort", abort),
        ("end_of_text", end_of_text),
        ("unused_slot", unused_slot),
        ("endless_loop", endless_loop),
        ("entry_state", entry_state),
        ("trap_leaks_nothing", trap_leaks_nothing),
        (
            "vectors_and_x87_survive_traps",
            vectors_and_x87_survive_traps,
        ),
        (
            "hostile_control_state_at_a_trap",
            hostile_control_state_at_a_trap,
        ),
        (
            "hostile_stack_pointer_at_a_trap",
            hostile_stack_pointer_at_a_trap,
        ),
        ("instance_is_closed_in", instance_is_closed_in),
        ("jail_runs_code", jail_runs_code),
        ("jail_refuses", jail_refuses),
        ("unjail_gives_back", unjail_gives_back),
        ("memory_option", memory_option),
        (
            "runs_under_a_small_address_space_limit",
            runs_under_a_small_address_space_limit,
        ),
    ];
    let trials = tests
        .into_iter()
        .map(|(name, test)| {
            Trial::test(name, move || {
                std::panic::catch_unwind(test).map_err(|_| Failed::without_message())
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

// ---- running

struct Done {
    status: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl Done {
    /// Every line on stderr must be the runtime's, and one must contain `text`.
    #[track_caller]
    fn says(&self, status: i32, text: &str) {
        assert_eq!(self.status, status, "{}", self.stderr);
        assert!(
            self.stderr.lines().all(|line| line.starts_with("zvm: ")),
            "{}",
            self.stderr
        );
        assert!(
            self.stderr.contains(text),
            "no `{text}` in:\n{}",
            self.stderr
        );
    }

    #[track_caller]
    fn exits(&self, status: i32) {
        assert_eq!((self.status, self.stderr.as_str()), (status, ""));
    }
}

fn zvm() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(AS_ZVM, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finish(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let status = output
        .status
        .code()
        .expect("the command itself is never killed");
    Done {
        status,
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

struct File(tempfile::TempDir);

impl File {
    fn new(bytes: &[u8]) -> File {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("test.zvm"), bytes).unwrap();
        File(directory)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("test.zvm")
    }
}

fn run_elf(elf: &[u8]) -> Done {
    run_with(elf, &[])
}

fn run_with(elf: &[u8], options: &[&str]) -> Done {
    finish(
        zvm()
            .arg("run")
            .args(options)
            .arg(File::new(elf).path_kept()),
    )
}

impl File {
    /// The path, with the directory left for the operating system to clean: only for a process that outlives the value.
    fn path_kept(self) -> PathBuf {
        let path = self.path();
        KEPT.lock().unwrap().push(self);
        path
    }
}

static KEPT: std::sync::Mutex<Vec<File>> = std::sync::Mutex::new(Vec::new());

fn run(program: &Program) -> Done {
    run_elf(&program.elf())
}

fn program(write: impl FnOnce(&mut Program)) -> Program {
    let mut program = Program::new();
    write(&mut program);
    program
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap()))
        .collect()
}

/// The low byte that a program exits with for −errno.
fn minus(errno: i64) -> i32 {
    i32::from((-errno) as u8)
}

// ---- ordinary programs

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
    run_with(&elf, &["--memory", "4G"]).says(12, "--memory");
    run_with(&elf, &["--memory", "1"]).says(2, "--memory");
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
    let mapped =
        layout::MANIFEST_END - layout::PAGE - layout::PAGE - size.next_multiple_of(layout::PAGE);
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

// ---- refused before they run

fn refused_programs() {
    finish(zvm().args(["run", "/nonexistent/x.zvm"])).says(2, "/nonexistent/x.zvm");
    finish(zvm().args(["run", "/"])).says(2, "not a regular file");
    finish(&mut zvm()).says_usage();
    finish(zvm().arg("run")).says_usage();
    finish(zvm().args(["run", "--no-such-option", "x"])).says_usage();
    let this = std::env::current_exe().unwrap();
    finish(zvm().arg("run").arg(this)).says(8, "zvm-cc");
}

impl Done {
    #[track_caller]
    fn says_usage(&self) {
        assert_eq!(self.status, 2, "{}", self.stderr);
        assert!(self.stderr.contains("Usage"), "{}", self.stderr);
    }
}

fn malformed_images() {
    let good = program(|p| {
        p.exit(0);
    })
    .elf();
    run_elf(&good).exits(0);
    let put = |at: usize, bytes: &[u8]| {
        let mut elf = good.clone();
        elf[at..at + bytes.len()].copy_from_slice(bytes);
        elf
    };
    let u64s = |at: usize, value: u64| put(at, &value.to_le_bytes());
    let field = |index: usize, field: usize, value: u64| u64s(phdr(index) + 8 + 8 * field, value);
    let (offset, address, file_size, size) = (0, 1, 3, 4);
    let cases = [
        (put(0, b"\x7fELG"), "not an ELF"),
        (put(4, &[1]), "64-bit"),
        (put(5, &[2]), "little-endian"),
        (put(16, &[3]), "ET_EXEC"),
        (put(18, &[183]), "another machine"),
        (u64s(24, layout::TEXT_BASE + 8), "entry point"),
        (u64s(24, 0), "entry point"),
        (u64s(24, DATA), "entry point"),
        (u64s(24, !31), "entry point"),
        (u64s(32, u64::MAX), "truncated: program headers"),
        (put(54, &[32]), "program headers of 32"),
        (put(56, &[0]), "0 program headers"),
        (put(56, &[17]), "17 program headers"),
        (put(56, &[0xff, 0xff]), "65535 program headers"),
        (put(phdr(TEXT) + 4, &[7]), "writable and executable"),
        (put(phdr(RWDATA) + 4, &[7]), "writable and executable"),
        (put(phdr(RWDATA) + 4, &[2]), "cannot be read"),
        (put(phdr(TEXT) + 4, &[4]), "does not lie in"),
        (put(phdr(TEXT), &[6]), "no executable segment"),
        (put(phdr(RWDATA) + 4, &[5]), "does not lie in"),
        (put(phdr(RWDATA), &[2]), "dynamically linked"),
        (field(TEXT, address, 0x3_0000), "text starts at"),
        (field(TEXT, size, 0x2000_0000), "does not lie in"),
        (field(TEXT, file_size, 32), "whole bundles"),
        (field(TEXT, offset, 1 << 40), "truncated: the segment"),
        (field(TEXT, offset, u64::MAX - 8), "truncated: the segment"),
        (field(RWDATA, file_size, 1 << 20), "bytes in the file but"),
        (field(RWDATA, size, u64::MAX), "does not lie in"),
        (field(RWDATA, size, 0xe000_0000), "does not lie in"),
        (field(RWDATA, address, 0x2_1000), "does not lie in"),
        (field(RWDATA, address, 0xff00_0000), "does not lie in"),
        (
            field(RWDATA, address, layout::DATA_BASE + 0x800),
            "overlapping segments",
        ),
        (field(RODATA, size, 0x1001), "overlapping segments"),
        (put(phdr(NOTE), &[6]), "without the ZVM note"),
        (put(phdr(4) + 12, b"XVM"), "without the ZVM note"),
        (put(phdr(4), &[0xff; 8]), "without the ZVM note"),
        (put(phdr(4) + 16, &[2]), "version 2"),
        (put(phdr(4) + 20, &[5]), "levels are 1 to 4"),
        (field(NOTE, file_size, 1 << 30), "the limit is"),
        (Vec::new(), "truncated: ELF header"),
    ];
    for (index, (elf, message)) in cases.iter().enumerate() {
        let done = run_elf(elf);
        assert!(
            done.status == 8 && done.stderr.contains(message),
            "case {index}, `{message}`: {}",
            done.stderr
        );
        done.says(8, message);
    }
    // Text without the last bundle of hlt.
    let mut elf = good.clone();
    let end = TEXT_OFFSET
        + u64::from_le_bytes(good[phdr(TEXT) + 40..phdr(TEXT) + 48].try_into().unwrap()) as usize;
    elf[end - 1] = 0x90;
    run_elf(&elf).says(8, "bundle of hlt");
}

fn every_cut_of_an_image() {
    let elf = program(|p| {
        p.write(1, b"x").exit(0);
    })
    .elf();
    let data_end =
        u64::from_le_bytes(elf[phdr(RWDATA) + 8..phdr(RWDATA) + 16].try_into().unwrap()) as usize;
    for length in [
        0,
        1,
        4,
        63,
        64,
        100,
        phdr(4),
        phdr(4) + 23,
        0x1000,
        0x1020,
        data_end,
        data_end + 1,
    ] {
        run_elf(&elf[..length]).says(8, if length >= 4 { "truncated" } else { "zvm: " });
    }
}

fn flipped_byte_in_text() {
    let file = program(|p| {
        p.raw(&[0x0f, 0x1f, 0x00]).exit(0);
    })
    .elf();
    run_elf(&file).exits(0);
    // nopl becomes syscall.
    let mut elf = file.clone();
    elf[TEXT_OFFSET + 1] = 0x05;
    let done = run_elf(&elf);
    done.says(8, "rejected at text offset 0x0 (address 0x20000)");
    done.says(8, "bytes: 0f 05");
    done.says(8, "syscall");
}

fn validate_command() {
    let good = program(|p| {
        p.raw(&[0x0f, 0x1f, 0x00]).exit(0);
    })
    .elf();
    let file = File::new(&good);
    let done = finish(zvm().arg("validate").arg(file.path()));
    done.exits(0);
    assert!(
        String::from_utf8(done.stdout)
            .unwrap()
            .contains(": valid: ")
    );
    let mut bad = good.clone();
    bad[TEXT_OFFSET + 1] = 0x05;
    let done = finish(zvm().arg("validate").arg(File::new(&bad).path_kept()));
    done.says(8, "=>    20000: 0f 05");
    finish(zvm().args(["validate", "/nonexistent"])).says(2, "/nonexistent");
}

// ---- hostile traps

fn bad_trap_arrays() {
    let top = layout::STACK_TOP;
    for array in [
        0,
        8,
        0xffff,
        layout::DATA_BASE - 1,
        HEAP + (1 << 30) - 40,
        top - 40,
        top,
        0xffff_ffd8,
        0xffff_ffff,
    ] {
        run(&program(|p| {
            p.trap_at(array);
            p.exit(0);
        }))
        .says(139, "fault: a trap whose argument array");
    }
    // 64 bits of rdi.
    for array in [
        1_u64 << 32,
        1 << 33,
        0x3_0000_0000,
        0x7fff_ffff_f000,
        u64::MAX,
        u64::MAX - 47,
    ] {
        run(&program(|p| {
            p.put(|a| a.mov(rdi, array));
            p.call(layout::TRAMPOLINE_BASE);
        }))
        .says(139, "fault: a trap whose argument array");
    }
}

fn bad_buffers() {
    let heap_end = HEAP + (1 << 30);
    let cases = [
        (0, 1),
        (0xffff, 2),
        (layout::DATA_BASE - 1, 2),
        (heap_end - 1, 2),
        (heap_end, 1),
        (layout::STACK_TOP - 1, 2),
        (layout::STACK_TOP, 1),
        (0xffff_ffff, 1),
        (0xffff_ffff, 2),
        (1 << 32, 1),
        (u64::MAX, 1),
        (u64::MAX, 2),
        (HEAP, u64::MAX),
        (HEAP, 1 << 63),
        (HEAP, 1 << 32),
        (HEAP, (1 << 30) + 1),
        ((1 << 32) + HEAP, 1),
        (0x3_0000_0000, 8),
        (0x7fff_ffff_f000, 8),
    ];
    for (buffer, size) in cases {
        for (id, channel) in [(trap::WRITE, 1), (trap::READ, 3)] {
            let done = run(&program(|p| {
                p.trap(id, [channel, buffer, size, 0]);
                p.exit_rax();
            }));
            assert_eq!(
                done.status,
                minus(22),
                "{id:#x} {buffer:#x} {size:#x}: {}",
                done.stderr
            );
            assert!(done.stdout.is_empty());
        }
    }
    // Reads into what the guest cannot write: trampolines, text, rodata, the mapped nvram, the manifest.
    for buffer in [
        layout::TRAMPOLINE_BASE,
        layout::TEXT_BASE,
        layout::DATA_BASE,
        0xfeff_e000,
        0xfeff_f000,
    ] {
        run(&program(|p| {
            p.trap(trap::READ, [3, buffer, 1, 0]);
            p.exit_rax();
        }))
        .exits(minus(22));
    }
}

fn bad_channels_and_sizes() {
    let cases = [
        (trap::READ, [1, HEAP, 1, 0], minus(22)),
        (trap::WRITE, [0, HEAP, 1, 0], minus(22)),
        (trap::WRITE, [3, HEAP, 1, 0], minus(22)),
        (trap::READ, [4, HEAP, 1, 0], minus(22)),
        (trap::READ, [u64::MAX, HEAP, 1, 0], minus(22)),
        (trap::READ, [1 << 32, HEAP, 1, 0], minus(22)),
        (trap::READ, [3, HEAP, 1, u64::MAX], minus(22)),
        (trap::READ, [3, HEAP, 1, 1 << 63], minus(22)),
        (trap::READ, [3, HEAP, 1, i64::MAX as u64], minus(22)),
        (trap::READ, [3, HEAP, 1, 1 << 40], 0),
        (trap::READ, [3, HEAP, 0, 0], 0),
        (trap::READ, [3, HEAP, 6, 0], 6),
        (trap::READ, [0, HEAP, 1, u64::MAX], 0),
    ];
    for (id, args, status) in cases {
        let done = run(&program(|p| {
            p.trap(id, args);
            p.exit_rax();
        }));
        assert_eq!(done.status, status, "{id:#x} {args:x?}: {}", done.stderr);
    }
}

fn unknown_trap() {
    for id in [0, 1, u64::MAX, trap::READ | 1 << 32] {
        run(&program(|p| {
            p.trap(id, [0; 4]);
        }))
        .says(159, "unknown id");
    }
}

fn fork_answers_zero() {
    run(&program(|p| {
        p.trap(trap::FORK, [9; 4]);
        p.exit_rax();
    }))
    .exits(0);
}

// ---- faults

fn jump_to_data() {
    let done = run(&program(|p| {
        p.put(|a| a.mov(eax, DATA as u32));
        p.jump_rax();
    }));
    done.says(139, "execution of 0x10001000");
    done.says(139, "data cannot be executed");
}

fn jumps_outside_text() {
    for (target, why) in [
        (0, "null pointer"),
        (0x0100_0000, "outside of the program's memory"),
        (HEAP as u32, "the heap cannot be executed"),
        (0xffff_ff00, "outside of the program's memory"),
        (0xffff_0000, "the stack cannot be executed"),
        (0xfeff_ffe0, "the user manifest cannot be executed"),
    ] {
        run(&program(|p| {
            p.put(|a| a.mov(eax, target));
            p.jump_rax();
        }))
        .says(139, why);
    }
}

fn stack_overflow() {
    let done = run(&program(|p| {
        let top = p.align();
        p.put(|a| a.push(rax)).put(|a| a.jmp(top));
    }));
    done.says(139, "stack overflow");
}

fn access_at_four_gibibytes() {
    for address in [0xffff_f000_u32, 0xffff_fff8, 0xffff_ffff] {
        run(&program(|p| {
            p.put(|a| a.mov(eax, address))
                .put(|a| a.mov(rax, qword_ptr(eax)));
        }))
        .says(139, "fault: SIGSEGV: read of 0xfffff");
    }
    // The sum wraps at 32 bits: the access is inside.
    run(&program(|p| {
        p.put(|a| a.mov(eax, 0xffff_ffff_u32))
            .put(|a| a.mov(rax, qword_ptr(eax + (HEAP as i32 + 1))))
            .exit(0);
    }))
    .exits(0);
    // pop at the last word of the stack, then one beyond.
    run(&program(|p| {
        p.put(|a| a.mov(esp, 0xffff_eff8_u32))
            .put(|a| a.pop(rax))
            .put(|a| a.pop(rax));
    }))
    .says(139, "0xfffff000");
}

fn null_pointer() {
    let done = run(&program(|p| {
        p.put(|a| a.mov(ebx, 8)).put(|a| a.mov(dword_ptr(ebx), eax));
    }));
    done.says(139, "fault: SIGSEGV: write to 0x8 at 0x20005 <start+0x5>");
    done.says(139, "why: null pointer");
    done.says(139, "rbx 0000000000000008");
    done.says(139, "rsp 00000000ffffefc0");
}

fn writes_to_what_is_read_only() {
    for (address, what) in [
        (layout::TRAMPOLINE_BASE, "a trampoline"),
        (layout::TEXT_BASE, "code"),
        (layout::DATA_BASE, "read-only data"),
        (0xfeff_e000, "a mounted file"),
        (layout::MANIFEST_POINTER, "the user manifest"),
    ] {
        run(&program(|p| {
            p.put(|a| a.mov(ebx, address as u32))
                .put(|a| a.mov(dword_ptr(ebx), eax));
        }))
        .says(139, &format!("why: {what} cannot be written"));
    }
}

fn divide_error() {
    run(&program(|p| {
        p.put(|a| a.xor(ecx, ecx)).put(|a| a.div(ecx));
    }))
    .says(136, "division by zero");
}

fn abort() {
    run(&program(|p| {
        p.raw(&[0x0f, 0x0b]);
    }))
    .says(132, "SIGILL");
    run(&program(|p| {
        p.raw(&[0xcc]);
    }))
    .says(133, "int3");
}

fn end_of_text() {
    run(&program(|p| {
        p.raw(&[0x90]);
    }))
    .says(139, "hlt");
}

fn unused_slot() {
    for slot in [0x1_0020, 0x1_ffe0] {
        run(&program(|p| {
            p.put(|a| a.jmp(slot));
        }))
        .says(139, "unused trampoline slot");
    }
}

fn endless_loop() {
    let done = run_with(
        &program(|p| {
            let here = p.align();
            p.put(|a| a.jmp(here));
        })
        .elf(),
        &["--timeout", "0.2"],
    );
    done.says(124, "timeout");
}

// ---- rule C11

/// Stores the general registers but `skip` (which holds the address) and the flags to 16 words at `at`, then returns
/// with `at` in r15.
fn store_registers(p: &mut Program, at: u64) {
    // r15 was stored first, through rsp: it is the one register whose value memory can take without another register.
    p.put(|a| a.push(r15))
        .put(|a| a.pushfq())
        .put(|a| a.mov(r15d, at as u32));
    let registers = [
        rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14,
    ];
    for (index, register) in registers.into_iter().enumerate() {
        p.put(|a| a.mov(qword_ptr(r15d + 8 * index as i32), register));
    }
    p.put(|a| a.pop(rax))
        .put(|a| a.mov(qword_ptr(r15d + 8 * 16), rax));
    p.put(|a| a.pop(rax))
        .put(|a| a.mov(qword_ptr(r15d + 8 * 15), rax));
}

fn entry_state() {
    let done = run(&program(|p| {
        let at = p.words(&[0; 17 + 32 + 3]);
        store_registers(p, at);
        let registers = [
            xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13,
            xmm14, xmm15,
        ];
        for (index, register) in registers.into_iter().enumerate() {
            p.put(|a| a.movups(xmmword_ptr(r15d + (17 + 2 * index as i32) * 8), register));
        }
        p.put(|a| a.stmxcsr(dword_ptr(r15d + 49 * 8)))
            .put(|a| a.fnstcw(word_ptr(r15d + 50 * 8)));
        p.put(|a| a.fnstsw(word_ptr(r15d + 51 * 8)));
        p.dump(at, 52 * 8).exit(0);
    }));
    done.exits(0);
    let words = words(&done.stdout);
    let mut expected = vec![0_u64; 52];
    expected[7] = layout::STACK_TOP - 64 - 16;
    expected[16] = 0x202;
    expected[49] = 0x1f80;
    expected[50] = 0x037f;
    assert_eq!(words, expected);
    assert_eq!((layout::STACK_TOP - 64) % 32, 0);
}

fn trap_leaks_nothing() {
    let done = run(&program(|p| {
        let at = p.words(&[0; 17]);
        for register in [
            rax, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15,
        ] {
            p.put(|a| a.mov(register, 0x1122_3344_5566_7788_u64));
        }
        p.put(|a| a.stc());
        p.write(1, b"12345678");
        let back = p.here();
        store_registers(p, at);
        p.dump(at, 17 * 8).write(1, &back.to_le_bytes()).exit(0);
    }));
    done.exits(0);
    let words = words(&done.stdout);
    let kept = 0x1122_3344_5566_7788;
    let back = words[18];
    assert_eq!(back % 32, 0);
    // rax is the result, r11 the return address, rflags what `sub %edi,%edi` leaves.
    let expected = [
        8,
        kept,
        0,
        0,
        0,
        0,
        kept,
        layout::STACK_TOP - 64 - 16,
        0,
        0,
        0,
        back,
        kept,
        kept,
        kept,
        kept,
        0x246,
    ];
    assert_eq!(words[1..18], expected);
}

fn vectors_and_x87_survive_traps() {
    let done = run(&program(|p| {
        let at = p.words(&[0x0123_4567_89ab_cdef, 42, 0, 0]);
        let out = p.words(&[0; 6]);
        p.put(|a| a.mov(ebx, at as u32))
            .put(|a| a.movups(xmm0, xmmword_ptr(ebx)));
        p.put(|a| a.movups(xmm7, xmmword_ptr(ebx)))
            .put(|a| a.movups(xmm15, xmmword_ptr(ebx)));
        p.put(|a| a.fild(qword_ptr(ebx + 8)));
        p.write(1, &[7; 300]);
        p.trap(trap::READ, [3, HEAP, 0x1000, 0]);
        p.put(|a| a.mov(ebx, out as u32))
            .put(|a| a.movups(xmmword_ptr(ebx), xmm0));
        p.put(|a| a.pand(xmm15, xmm7))
            .put(|a| a.movups(xmmword_ptr(ebx + 16), xmm15));
        p.put(|a| a.fistp(qword_ptr(ebx + 32)));
        p.dump(out, 48).exit(0);
    }));
    done.exits(0);
    let pair = [0x0123_4567_89ab_cdef, 42];
    assert_eq!(
        words(&done.stdout[300..]),
        [pair[0], pair[1], pair[0], pair[1], 42, 0]
    );
}

fn hostile_control_state_at_a_trap() {
    let done = run(&program(|p| {
        // All x87 exceptions unmasked and one pending; all SSE exceptions unmasked; flush to zero; DF set.
        let control = p.words(&[0x0300, 0xe000]);
        p.put(|a| a.mov(ebx, control as u32))
            .put(|a| a.fldcw(word_ptr(ebx)));
        p.put(|a| a.fld1())
            .put(|a| a.fldz())
            .put(|a| a.fdivp(st1, st0));
        p.put(|a| a.ldmxcsr(dword_ptr(ebx + 8))).put(|a| a.std());
        p.write(1, b"alive");
        p.trap(trap::READ, [3, HEAP, 0x1000, 0]);
        // DF is clear again, MXCSR is the guest's.
        let out = p.words(&[0, 0]);
        p.put(|a| a.pushfq()).put(|a| a.pop(rax)).store_rax(out);
        p.put(|a| a.stmxcsr(dword_ptr(ecx + 8)));
        p.dump(out, 16).exit(0);
    }));
    done.exits(0);
    assert_eq!(done.stdout[..5], *b"alive");
    let [flags, mxcsr] = words(&done.stdout[5..])[..] else {
        panic!()
    };
    assert_eq!(flags & 0x400, 0);
    assert_eq!(mxcsr, 0xe000);
    // The pending exception is still there for the guest's next waiting instruction.
    run(&program(|p| {
        let control = p.words(&[0x0300]);
        p.put(|a| a.mov(ebx, control as u32))
            .put(|a| a.fldcw(word_ptr(ebx)));
        p.put(|a| a.fld1())
            .put(|a| a.fldz())
            .put(|a| a.fdivp(st1, st0));
        p.write(1, b"alive").put(|a| a.fld1()).exit(0);
    }))
    .says(136, "floating-point exception");
}

fn hostile_stack_pointer_at_a_trap() {
    let at_trap = |esp_value: u32| {
        run(&program(|p| {
            let array = p.words(&[trap::FORK, 0, 0, 0, 0, 0]);
            p.put(|a| a.mov(edi, array as u32))
                .put(|a| a.mov(esp, esp_value))
                .put(|a| a.jmp(layout::TRAMPOLINE_BASE));
        }))
    };
    for value in [
        0,
        8,
        0xffff,
        0xffff_f000,
        0xffff_fff8,
        0xffff_ffff,
        0xffff_effd,
        0x0800_0000,
    ] {
        at_trap(value).says(139, "at the return from a trap");
    }
    // Readable words that are no return address: the jump is masked and faults there, as the guest's.
    at_trap(0xffff_eff8).says(139, "execution of 0x0 ");
    at_trap(layout::DATA_BASE as u32).says(139, "execution of 0x464c4560");
    at_trap(layout::MANIFEST_POINTER as u32).says(
        139,
        "execution of 0x7effffe0 "
            .replace("effffe0", "efff000")
            .as_str(),
    );
}

// ---- the second wall

/// Waits for one byte from the child's stdout: the guest runs.
fn wait_for_guest(child: &mut Child) {
    let mut byte = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut byte)
        .unwrap();
}

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
    assert_eq!(open.len(), 4, "stdin, stdout, stderr, nvram: {open:?}");
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

// ---- Jail

/// A page of code in data that [`copy_to_heap`] copies: 42 in eax, and back.
fn jail_code(p: &mut Program, start: &[u8]) -> u64 {
    let mut page = vec![0xf4; layout::PAGE as usize];
    page[..start.len()].copy_from_slice(start);
    p.bytes(&page)
}

/// `mov $42,%eax; andq $0x7fffffe0,(%rsp); ret`
const RETURN_42: &[u8] = &[
    0xb8, 42, 0, 0, 0, 0x48, 0x81, 0x24, 0x24, 0xe0, 0xff, 0xff, 0x7f, 0xc3,
];

/// The heap's first page behind a data segment of two pages.
const CODE: u64 = DATA + 3 * layout::PAGE;

fn copy_to_heap(p: &mut Program, from: u64) {
    p.put(|a| a.mov(esi, from as u32))
        .put(|a| a.mov(edi, CODE as u32))
        .put(|a| a.mov(ecx, layout::PAGE as u32));
    p.raw(&[0x67, 0xf3, 0xa4]);
}

/// Two pages of data and more, so that the heap starts at [`CODE`].
fn jail_program(code: &[u8], write: impl FnOnce(&mut Program)) -> Done {
    let mut p = Program::new();
    let code = jail_code(&mut p, code);
    copy_to_heap(&mut p, code);
    write(&mut p);
    p.data.resize(2 * layout::PAGE as usize + 1, 0);
    run(&p)
}

fn jail_runs_code() {
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.put(|a| a.add(eax, CODE as u32)).call_rax().exit_rax();
    })
    .exits(42);
    // Before Jail it is data; behind it, it cannot be written, by the guest or by a trap.
    jail_program(RETURN_42, |p| {
        p.put(|a| a.mov(eax, CODE as u32)).call_rax();
    })
    .says(139, "the heap cannot be executed");
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.put(|a| a.mov(ebx, CODE as u32))
            .put(|a| a.mov(dword_ptr(ebx), ebx));
    })
    .says(139, "code that Jail made executable cannot be written");
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.trap(trap::READ, [3, CODE + 8, 8, 0]);
        p.exit_rax();
    })
    .exits(minus(22));
}

fn jail_refuses() {
    // syscall; and the page is still data.
    jail_program(&[0x0f, 0x05], |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.put(|a| a.mov(ebx, CODE as u32))
            .put(|a| a.mov(dword_ptr(ebx), ebx));
        p.exit_rax();
    })
    .exits(minus(1));
    let page = layout::PAGE;
    let cases = [
        [CODE, 0],
        [CODE, 32],
        [CODE + 32, page],
        [CODE, page + 1],
        [CODE - page, page],
        [layout::TEXT_BASE, page],
        [layout::TRAMPOLINE_BASE, page],
        [layout::STACK_BASE, page],
        [0, page],
        [CODE, !0xfff],
        [CODE, 1 << 32],
        [!0xfff, page],
        [CODE + (1 << 32), page],
        [CODE + (1 << 30) - page, 2 * page],
    ];
    for [start, size] in cases {
        let done = jail_program(RETURN_42, |p| {
            p.trap(trap::JAIL, [start, size, 0, 0]);
            p.exit_rax();
        });
        assert_eq!(
            done.status,
            minus(22),
            "{start:#x} {size:#x} {}",
            done.stderr
        );
    }
    // Twice is once too often.
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.exit_rax();
    })
    .exits(minus(22));
}

fn unjail_gives_back() {
    let page = layout::PAGE;
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.trap(trap::UNJAIL, [CODE, page, 0, 0]);
        p.put(|a| a.mov(ebx, CODE as u32))
            .put(|a| a.mov(dword_ptr(ebx), ebx))
            .exit_rax();
    })
    .exits(0);
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.trap(trap::UNJAIL, [CODE, page, 0, 0]);
        p.put(|a| a.mov(eax, CODE as u32)).call_rax();
    })
    .says(139, "the heap cannot be executed");
    for [start, size] in [
        [CODE, 2 * page],
        [CODE, 0],
        [CODE + page, page],
        [layout::TEXT_BASE, page],
        [CODE, page - 1],
    ] {
        jail_program(RETURN_42, |p| {
            p.trap(trap::JAIL, [CODE, page, 0, 0]);
            p.trap(trap::UNJAIL, [start, size, 0, 0]);
            p.exit_rax();
        })
        .exits(minus(22));
    }
}
