//! What is refused before it runs.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("verdicts_are_kept", verdicts_are_kept),
    ("images_are_kept", images_are_kept),
    ("refused_programs", refused_programs),
    ("malformed_images", malformed_images),
    ("every_cut_of_an_image", every_cut_of_an_image),
    ("flipped_byte_in_text", flipped_byte_in_text),
    ("noise_in_headers", noise_in_headers),
    ("noise_in_the_symbol_table", noise_in_the_symbol_table),
    ("validate_command", validate_command),
];

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
    let file = File::new(&bad);
    let done = finish(zvm().arg("validate").arg(file.path()));
    done.says(8, "=>    20000: 0f 05");
    done.says(8, "(address 0x20000) in start+0x0: a system call");
    done.says(8, "usually: data in text");
    let json = |path: &Path| {
        let done = finish(zvm().args(["validate", "--json"]).arg(path));
        assert_eq!(done.stderr, "");
        (done.status, String::from_utf8(done.stdout).unwrap())
    };
    let (status, text) = json(&file.path());
    assert_eq!(status, 8);
    for part in [
        "\"valid\": false,",
        "\"rule\": \"C9\",",
        "\"offset\": 0,",
        "\"address\": 131072,",
        "\"function\": \"start+0x0\",",
        "\"code\": \"0f 05 ",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let (status, text) = json(&File::new(&good).path());
    assert_eq!(status, 0);
    assert!(
        text.contains("\"valid\": true,") && text.contains("\"bundles\": "),
        "{text}"
    );
    let list = |level: &str| {
        let done = finish(zvm().args(["validate", "--list-instructions", level]));
        done.exits(0);
        String::from_utf8(done.stdout).unwrap()
    };
    assert!(list("1").contains("cmpxchg8b") && !list("1").contains("\nVEX 0F"));
    assert!(list("x86-64-v3").contains("VEX 0F"));
    finish(zvm().args(["validate", "--list-instructions", "5"])).says(2, "not a level");
    finish(zvm().arg("validate")).says_usage();
    finish(zvm().args(["validate", "/nonexistent"])).says(2, "/nonexistent");
}

/// xorshift64: the same noise in every run.
fn noise(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// An image with a few bytes of `range` replaced.
fn with_noise(elf: &[u8], range: std::ops::Range<usize>, state: &mut u64) -> Vec<u8> {
    let mut elf = elf.to_vec();
    for _ in 0..1 + noise(state) % 4 {
        let at = range.start + noise(state) as usize % range.len();
        // Extreme values find more than random ones.
        elf[at] = [0, 1, 0x7f, 0x80, 0xff, noise(state) as u8][noise(state) as usize % 6];
    }
    elf
}

/// Whatever the headers say, the file is opened or refused; nothing panics, and what is opened keeps the limits.
fn noise_in_headers() {
    let good = program(|p| {
        p.exit(0);
    })
    .elf();
    let file = File::new(&good);
    let (mut state, mut opened) = (1, 0);
    for _ in 0..4_000 {
        fs::write(file.path(), with_noise(&good, 0..phdr(4) + 24, &mut state)).unwrap();
        let Ok(image) = zvm_runtime::image::Image::open(&file.path()) else {
            continue;
        };
        opened += 1;
        assert!(
            image.text.address == layout::TEXT_BASE && image.text.pages().1 <= layout::TEXT_LIMIT
        );
        assert!(
            image
                .data
                .iter()
                .all(|s| s.address >= layout::DATA_BASE && s.pages().1 <= image.end())
        );
        assert!(image.end() <= zvm_runtime::limits::DATA_END);
    }
    assert!(
        opened > 20,
        "some noise is harmless, such as an alignment: {opened}"
    );
}

/// A fault report from a file whose section headers and symbols lie.
fn noise_in_the_symbol_table() {
    let good = program(|p| {
        p.raw(&[0x0f, 0x0b]);
    })
    .elf();
    let data_end = u64::from_le_bytes(
        good[phdr(RWDATA) + 8..phdr(RWDATA) + 16]
            .try_into()
            .unwrap(),
    ) as usize;
    let mut state = 2;
    for _ in 0..100 {
        let mut elf = with_noise(&good, data_end..good.len(), &mut state);
        if noise(&mut state).is_multiple_of(4) {
            elf = with_noise(&elf, 40..64, &mut state);
        }
        // The number of program headers is among the noise; such an image is refused.
        let done = run_elf(&elf);
        assert!(
            done.status == 132 || done.status == 8,
            "{}: {}",
            done.status,
            done.stderr
        );
    }
}

/// Runs twice with a table of its own, then with one that was damaged, then with one that was forged.
fn verdicts_are_kept() {
    use zvm_runtime::verdict::{Key, Verdicts};

    let home = tempfile::tempdir().unwrap();
    let run = |elf: &[u8]| {
        let file = File::new(elf);
        finish(
            zvm()
                .env("ZVM_HOME", home.path())
                .arg("run")
                .arg(file.path()),
        )
    };
    let good = program(|p| {
        p.exit(7);
    })
    .elf();
    let table = home.path().join("verdicts/table");
    run(&good).exits(7);
    let kept = fs::read(&table).unwrap();
    assert_eq!(
        kept.iter().filter(|&&byte| byte != 0).count().div_ceil(32),
        1
    );
    run(&good).exits(7);
    let mut damaged = kept.clone();
    let at = kept.iter().position(|&byte| byte != 0).unwrap();
    damaged[at] ^= 1;
    fs::write(&table, damaged).unwrap();
    run(&good).exits(7);
    assert_eq!(fs::read(&table).unwrap(), kept);

    // Code that the validator rejects, and that asks Jail for its own page.
    let mut p = Program::new();
    p.trap(trap::JAIL, [HEAP, layout::PAGE, 0, 0]);
    p.exit_rax().raw(&[0x0f, 0x05]);
    let bad = p.elf();
    run(&bad).says(8, "rejected");
    let size = u64::from_le_bytes(bad[phdr(TEXT) + 32..][..8].try_into().unwrap()) as usize;
    let mut text = bad[TEXT_OFFSET..TEXT_OFFSET + size].to_vec();
    text.resize(size.next_multiple_of(layout::PAGE as usize), 0xf4);
    let verdicts = Verdicts::open(&home.path().join("verdicts")).unwrap();
    // Whoever can write the table can do this, but Jail still asks the validator itself.
    verdicts.keep(Key::of(&text, size, 1));
    run(&bad).exits(minus(trap::errno::EPERM));
    // Another byte, another verdict.
    let mut other = bad.clone();
    other[TEXT_OFFSET + size - 33] ^= 1;
    run(&other).says(8, "rejected");
}

/// An image that has not changed for a while is mapped from where an earlier run kept it, as long as nobody else can write
/// there.
fn images_are_kept() {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let exits_by_text = |status: u32| {
        program(|p| {
            p.put(|a| a.mov(eax, status)).exit_rax();
        })
        .elf()
    };
    let file = File::new(&exits_by_text(7));
    let run = || {
        finish(
            zvm()
                .env("ZVM_HOME", home.path())
                .arg("run")
                .arg(file.path()),
        )
    };
    let folder = home.path().join("verdicts");
    let kept = || {
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("table"))
            .collect();
        assert!(names.len() < 2, "{names:?}");
        names.pop()
    };
    for _ in 0..3 {
        run().exits(7);
        assert_eq!(kept(), None, "its times may still lie");
    }
    std::thread::sleep(std::time::Duration::from_millis(2100));
    run().exits(7);
    let path = kept().expect("the second run that could has kept it");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o400
    );
    // What a killed run has left is taken over, and what another is about to keep is not.
    let aside = path.with_extension("new");
    let begun = fs::File::create(&aside).unwrap();
    begun.set_len(1 << 20).unwrap();
    #[allow(
        unsafe_code,
        reason = "std::fs::File::lock is younger than the oldest Rust that builds this"
    )]
    // SAFETY: an open descriptor and an integer.
    let locked = unsafe { libc::flock(begun.as_raw_fd(), libc::LOCK_EX) };
    assert_eq!(locked, 0);
    fs::remove_file(&path).unwrap();
    run().exits(7);
    assert_eq!(kept(), Some(aside.clone()));
    drop(begun);
    run().exits(7);
    assert_eq!(kept().as_ref(), Some(&path));
    run().exits(7);
    // Text begins behind one page: `mov $7,%eax`.
    let mut forged = fs::read(&path).unwrap();
    let page = layout::PAGE as usize;
    assert_eq!(forged[page..page + 5], [0xb8, 7, 0, 0, 0]);
    forged[page + 1] = 9;
    mode(0o600);
    fs::write(&path, &forged).unwrap();
    // Its owner can do this, as with the table; so it is what was mapped.
    run().exits(9);
    mode(0o620);
    run().exits(7);
    let path = kept().unwrap();
    // Of another length, another image, another validator's.
    let good = fs::read(&path).unwrap();
    for damage in [
        good[..good.len() - 1].to_vec(),
        Vec::new(),
        [&good[..8], &[good[8] ^ 1], &good[9..]].concat(),
        [&good[..40], &[good[40] ^ 1], &good[41..]].concat(),
        [&good[..104], &[good[104] ^ 1], &good[105..]].concat(),
    ] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, damage).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        run().exits(7);
    }
    // The file changes, and what was kept no longer counts.
    fs::write(file.path(), exits_by_text(5)).unwrap();
    run().exits(5);
    run().exits(5);
}
