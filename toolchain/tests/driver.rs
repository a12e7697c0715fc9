//! `zvm-cc` as configure scripts and makefiles call it. What it makes runs natively here; images are the corpus's business.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn zvm_cc(dir: &Path, args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zvm-cc"));
    command
        .current_dir(dir)
        .args(args.split_whitespace())
        .env_remove("ZVM_CC");
    command
        .stdin(Stdio::null())
        .output()
        .expect("zvm-cc starts")
}

/// Its standard output; it must succeed.
fn ok(dir: &Path, args: &str) -> String {
    let output = zvm_cc(dir, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "zvm-cc {args}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

/// Its standard error; it must fail.
fn fails(dir: &Path, args: &str) -> String {
    let output = zvm_cc(dir, args);
    assert!(!output.status.success(), "zvm-cc {args} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a file");
    }
    dir
}

fn output_of(program: &Path) -> String {
    let output = Command::new(program).output().expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn questions_of_configure_scripts() {
    let dir = folder(&[]);
    let dir = dir.path();
    assert_eq!(ok(dir, "-dumpmachine"), "x86_64-zvm-linux-musl\n");
    assert!(
        ok(dir, "--version")
            .lines()
            .any(|line| line.starts_with("zvm-cc "))
    );
    assert!(ok(dir, "-dumpversion").starts_with(|c: char| c.is_ascii_digit()));
    let libc = ok(dir, "-print-file-name=libc.a");
    assert!(Path::new(libc.trim_end()).is_file(), "{libc}");
    assert_eq!(ok(dir, "-print-file-name=no-such.a"), "no-such.a\n");
    let include = ok(dir, "-print-file-name=include");
    assert!(
        Path::new(include.trim_end()).join("immintrin.h").is_file(),
        "{include}"
    );
    let sysroot = ok(dir, "--print-sysroot");
    assert!(
        Path::new(sysroot.trim_end())
            .join("include/stdio.h")
            .is_file(),
        "{sysroot}"
    );
    assert!(ok(dir, "-print-search-dirs").contains(sysroot.trim_end()));
    assert_eq!(ok(dir, "-print-prog-name=ld"), "ld\n");
    ok(dir, "-v");
}

#[test]
fn no_path_of_the_host_is_searched() {
    let dir = folder(&[(
        "a.c",
        "#include <stdio.h>\n#include <linux/types.h>\n#include <stdatomic.h>\n",
    )]);
    for compiler in ["zig", "gcc"] {
        if compiler == "gcc" && Command::new("gcc").arg("--version").output().is_err() {
            eprintln!("skipped: no gcc");
            continue;
        }
        let listed = ok(dir.path(), &format!("--compiler {compiler} -M a.c"));
        assert!(listed.contains("stdio.h"), "{listed}");
        assert!(!listed.contains(" /usr/include"), "{compiler}: {listed}");
    }
}

/// C asks for these two of the implementation: musl's stdc-predef.h has them.
#[test]
fn every_compiler_knows_what_the_library_promises() {
    let source =
        "#if __STDC_IEC_559__ != 1 || __STDC_ISO_10646__ != 201206L\n#error\n#endif\nint x;\n";
    let header = "struct pair { int a, b; };\n";
    let used = "int size = sizeof (struct pair) + __STDC_IEC_559__;\n";
    let dir = folder(&[("a.c", source), ("pair.h", header), ("b.c", used)]);
    let dir = dir.path();
    for compiler in ["zig", "clang", "gcc"] {
        if compiler != "zig" && Command::new(compiler).arg("--version").output().is_err() {
            eprintln!("{compiler} is not installed: skipped");
            continue;
        }
        let with = |args: &str| ok(dir, &format!("--compiler {compiler} {args}"));
        with("-Wall -Wextra -Werror -pedantic -c a.c -o a.o");
        let macros = with("-nostdinc -dM -E b.c");
        assert!(!macros.contains("__STDC_ISO_10646__"), "{macros}");
        if compiler != "gcc" {
            with("-c -x c-header pair.h -o pair.h.pch");
            with("-Werror -include pair.h -c b.c -o b.o");
        }
    }
}

#[test]
fn every_stage_by_itself() {
    let dir = folder(&[(
        "a.c",
        "int twice(int x) { return 2 * x; } /* ANSWER */\n#ifdef __ZVM__\nint zvm;\n#endif\n",
    )]);
    let dir = dir.path();
    assert!(ok(dir, "-E a.c").contains("int zvm;"));
    assert!(ok(dir, "-E -C a.c").contains("ANSWER"));
    assert!(ok(dir, "-S -O1 a.c -o -").contains("twice:"));
    assert_eq!(ok(dir, "-MM a.c"), "a.o: a.c\n");
    ok(dir, "-c a.c");
    assert!(dir.join("a.o").is_file());
    ok(dir, "-MMD -MF deps.d -c a.c -o other.o");
    assert_eq!(
        fs::read_to_string(dir.join("deps.d")).unwrap(),
        "other.o: a.c\n"
    );
    ok(dir, "-fsyntax-only a.c");
    assert!(!dir.join("a.out").exists());
    // Assembly has no use for what the SDK adds, and nothing is said of it.
    ok(dir, "-S a.c");
    let assembled = zvm_cc(dir, "-c a.s -o from_assembly.o");
    assert!(
        assembled.status.success() && assembled.stderr.is_empty(),
        "{assembled:?}"
    );
}

#[test]
fn several_sources_libraries_and_a_response_file() {
    let dir = folder(&[
        (
            "main.c",
            "#include <math.h>\n#include <stdio.h>\nint add(int, int);\nint main(void) { printf(\"%d %.1f\\n\", add(1, 2), sqrt(add(8, 8))); }\n",
        ),
        (
            "add.c",
            "int base(void);\nint add(int a, int b) { return a + b + base(); }\n",
        ),
        ("base.c", "int base(void) { return 0; }\n"),
        (
            "all.rsp",
            "-O2 main.c\n'add.c' -L. -lbase -lm -Wl,-rpath,/nowhere",
        ),
    ]);
    let dir = dir.path();
    ok(dir, "-c base.c");
    // An archive of one member, by hand: the SDK needs no ar for this.
    let object = fs::read(dir.join("base.o")).unwrap();
    let mut archive = b"!<arch>\n".to_vec();
    archive.extend(
        format!(
            "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            "base.o/",
            0,
            0,
            0,
            644,
            object.len()
        )
        .bytes(),
    );
    archive.extend(&object);
    fs::write(dir.join("libbase.a"), archive).unwrap();
    ok(dir, "--native @all.rsp -o prog");
    assert_eq!(output_of(&dir.join("prog")), "3 4.0\n");
}

/// What -z asks for that a static program can have; dependencies of a link; a source from standard input among others.
#[test]
fn a_link_with_the_linker_s_own_options() {
    let dir = folder(&[
        (
            "main.c",
            "#define _GNU_SOURCE\n#include <pthread.h>\n#include <stdio.h>\nint one(void);\nint twice(void) { return 2; }\n\
             int main(void) { pthread_attr_t a; size_t size; pthread_getattr_default_np(&a);\n\
             pthread_attr_getstacksize(&a, &size); printf(\"%zu %d\\n\", size, one() + twice()); }\n",
        ),
        ("twice.c", "int twice(void) { return 2; }\n"),
        ("one.c", "int one(void) { return 1; }\n"),
    ]);
    let dir = dir.path();
    let read = |name: &str| fs::read_to_string(dir.join(name)).expect(name);
    let args = "--native -MMD -MF all.d main.c twice.c -xc - -z muldefs -Wl,-zstack-size=1048576 \
                -Wl,--dependency-file=link.d --output=prog";
    let status = Command::new(env!("CARGO_BIN_EXE_zvm-cc"))
        .current_dir(dir)
        .args(args.split_whitespace())
        .env_remove("ZVM_CC")
        .stdin(fs::File::open(dir.join("one.c")).unwrap())
        .status();
    assert!(status.expect("zvm-cc starts").success());
    assert_eq!(output_of(&dir.join("prog")), "1048576 3\n");
    let rules = read("all.d");
    assert_eq!(rules.matches("prog:").count(), 3, "{rules}");
    assert!(
        rules.contains("main.c") && rules.contains("twice.c"),
        "{rules}"
    );
    assert!(read("link.d").starts_with("prog: "), "{}", read("link.d"));

    // Linkers forget the size where a script lists the program headers.
    ok(
        dir,
        "-MMD main.c one.c -z stack-size=0x200000 --emit-elf prog.elf -o prog.zvm",
    );
    let elf = fs::read(dir.join("prog.elf")).unwrap();
    let elf = object::read::elf::ElfFile64::<object::Endianness>::parse(&*elf).unwrap();
    let sizes: Vec<u64> = elf
        .elf_program_headers()
        .iter()
        .filter(|header| header.p_type.get(elf.endian()) == object::elf::PT_GNU_STACK)
        .map(|header| header.p_memsz.get(elf.endian()))
        .collect();
    assert_eq!(sizes, [0x20_0000]);
    assert_eq!(read("one.d"), "prog.zvm: one.c\n");
}

#[test]
fn headers_become_precompiled_headers() {
    let dir = folder(&[
        ("pair.h", "struct pair { int a, b; };\n"),
        ("b.c", "int size = sizeof (struct pair);\n"),
    ]);
    let dir = dir.path();
    for (compiler, made) in [
        ("zig", "pair.h.pch"),
        ("clang", "pair.h.gch"),
        ("gcc", "pair.h.gch"),
    ] {
        if compiler != "zig" && Command::new(compiler).arg("--version").output().is_err() {
            eprintln!("{compiler} is not installed: skipped");
            continue;
        }
        ok(dir, &format!("--compiler {compiler} pair.h"));
        let made = dir.join(made);
        assert!(made.is_file() && !dir.join("a.out").exists(), "{compiler}");
        fs::remove_file(made).unwrap();
    }
    ok(dir, "-x c-header pair.h -o other.pch");
    ok(dir, "-include-pch other.pch -c b.c");
    assert!(fails(dir, "pair.h b.c -o prog").contains("cannot link pair.h"));
}

/// Meson and CMake read on stderr where headers are looked for.
#[test]
fn verbose_is_for_stderr() {
    let dir = folder(&[("a.c", "int a;\n")]);
    for stage in ["-E", "-S", "-c"] {
        let output = zvm_cc(dir.path(), &format!("-v {stage} a.c -o out"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{output:?}"
        );
        let (_, list) = said
            .split_once("#include <...> search starts here")
            .expect(&said);
        assert!(list.contains("/include\n"), "{said}");
        assert!(said.contains("zvm-cc "), "{said}");
    }
    for question in ["-Wl,--version", "a.c -Wl,--version"] {
        assert!(ok(dir.path(), question).contains("LLD"));
    }
    assert!(ok(dir.path(), "-Wl,--help").contains("--gc-sections"));
    assert!(!dir.path().join("a.out").exists());
}

#[test]
fn partial_links_keep_their_symbols() {
    let dir = folder(&[
        ("a.c", "int b(void);\nint main(void) { return b(); }\n"),
        ("b.c", "int b(void) { return 0; }\n"),
    ]);
    ok(dir.path(), "-Wl,-r a.c b.c -o both.o");
    ok(dir.path(), "--native both.o -o prog");
    assert_eq!(output_of(&dir.path().join("prog")), "");
}

#[test]
fn failures_say_what_and_where() {
    let dir = folder(&[
        ("bad.c", "int x = ;\n"),
        (
            "undefined.c",
            "int nowhere(void);\nint main(void) { return nowhere(); }\n",
        ),
        ("a.cc", "int x;\n"),
        ("libx.so", ""),
    ]);
    let dir = dir.path();
    assert!(fails(dir, "-c bad.c").contains("bad.c:1:"));
    assert!(fails(dir, "--native undefined.c -o prog").contains("nowhere"));
    assert!(!dir.join("prog").exists());
    assert!(fails(dir, "").contains("no input files"));
    assert!(fails(dir, "--compiler gcc -c a.cc").contains("C++"));
    assert!(fails(dir, "libx.so").contains("dynamic linker"));
    assert!(fails(dir, "--compiler tcc bad.c").contains("tcc"));
    assert!(fails(dir, "-c bad.c undefined.c -o both.o").contains("-o both.o"));
    // What an earlier link left would pass for this one's.
    fs::write(dir.join("prog"), "old").unwrap();
    fails(dir, "--native undefined.c -o prog");
    assert!(!dir.join("prog").exists());
    // Nothing is written over what is read, under any name.
    std::os::unix::fs::symlink("undefined.c", dir.join("same")).unwrap();
    for args in [
        "-c undefined.c -o same",
        "undefined.c -o undefined.c",
        "undefined.c --map same",
    ] {
        assert!(fails(dir, args).contains("an input, too"), "{args}");
    }
    assert!(
        fs::read_to_string(dir.join("undefined.c"))
            .unwrap()
            .contains("nowhere")
    );
}

#[test]
fn reports_of_the_rewriting() {
    let dir = folder(&[
        ("a.c", "int main(void) { return 0; }"),
        (
            "bad.c",
            "int main(void) { __asm__(\"mov %eax, %ds\\n mov %eax, %es\"); }",
        ),
    ]);
    let output = zvm_cc(dir.path(), "a.c -o a --time --stats --map a.map");
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    for line in ["code ", "guarded pairs ", "  gaps before calls "] {
        assert!(said.lines().any(|l| l.starts_with(line)), "{line}: {said}");
    }
    let map = fs::read_to_string(dir.path().join("a.map")).expect("the map");
    let main = map.lines().find(|line| line.ends_with(" main"));
    let fields: Vec<_> = main.expect("main").split(' ').collect();
    assert!(
        fields[..2]
            .iter()
            .all(|f| u32::from_str_radix(f, 16).is_ok())
    );

    let first = fails(dir.path(), "bad.c -o bad");
    assert!(
        first.contains("main+") && first.contains("--keep-going"),
        "{first}"
    );
    assert!(!first.contains("main+0x6"), "{first}");
    let all = fails(dir.path(), "bad.c -o bad --keep-going");
    assert_eq!(all.matches("main+").count(), 2, "{all}");
    // Function, section, address, bytes, the reason and a way out, of each.
    for refusal in all.lines().filter(|line| line.contains("main+")) {
        for part in [
            " at 0x2",
            " in .text [8e ",
            "a segment register",
            "; remove it",
        ] {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
    }
}

#[test]
fn stripping_leaves_code_alone() {
    use object::{Object as _, ObjectSection as _};
    let dir = folder(&[("a.c", "int main(void) { return 0; }")]);
    let sections = |name: &str| -> Vec<(String, Vec<u8>)> {
        let file = fs::read(dir.path().join(name)).expect("the image");
        let elf = object::File::parse(&*file).expect("ELF");
        let of = |s: object::Section<'_, '_>| {
            let data = s.data().expect("its data").to_vec();
            (s.name().expect("a name").to_owned(), data)
        };
        elf.sections().map(of).collect()
    };
    let split = zvm_cc(
        dir.path(),
        "-g -gsplit-dwarf -Wl,--compress-debug-sections=zlib a.c -o whole.zvm",
    );
    let said = String::from_utf8_lossy(&split.stderr);
    assert!(
        split.status.success() && said.contains("-gsplit-dwarf"),
        "{said}"
    );
    ok(dir.path(), "-g a.c -o bare.zvm --strip");
    ok(dir.path(), "-g a.c -o named.zvm -Wl,-S");
    let (whole, bare, named) = (
        sections("whole.zvm"),
        sections("bare.zvm"),
        sections("named.zvm"),
    );
    let has = |sections: &[(String, Vec<u8>)], name: &str| sections.iter().any(|s| s.0 == name);
    for name in [".symtab", ".debug_info", ".debug_line"] {
        assert!(has(&whole, name), "{name}");
        assert!(!has(&bare, name), "{name}");
        assert_eq!(has(&named, name), name == ".symtab", "{name}");
    }
    let text = |sections: &[(String, Vec<u8>)]| {
        let text = sections.iter().find(|s| s.0 == ".text");
        text.expect(".text").1.clone()
    };
    assert!(text(&whole) == text(&bare));
    // Once more, and every byte is the same.
    ok(dir.path(), "-g a.c -o again.zvm");
    let image = |name: &str| fs::read(dir.path().join(name)).expect("the image");
    assert!(image("whole.zvm") == image("again.zvm"));
}

#[test]
fn the_large_model_is_refused_where_it_computes_from_code() {
    let dir = folder(&[(
        "far.c",
        "extern int x; int x = 1; int main(void) { return x; }",
    )]);
    let error = fails(dir.path(), "-fPIC -mcmodel=large far.c -o far.zvm");
    assert!(
        error.contains("large model") && error.contains("-mcmodel=small"),
        "{error}"
    );
    ok(dir.path(), "-fno-pic -mcmodel=large far.c -o far.zvm");
}

#[test]
fn avx_512_needs_an_image_that_says_so() {
    let dir = folder(&[(
        "wide.c",
        "#include <immintrin.h>\n#include <stdio.h>\nint main(int c, char **v) {\n\
         if (c > 1) { static volatile int in[16], out[16]; for (int i = 0; i < 16; i++) in[i] = i * c;\n\
         __m512i x = _mm512_loadu_si512((void *)in); x = _mm512_add_epi32(x, _mm512_set1_epi32(10));\n\
         _mm512_storeu_si512((void *)out, x); printf(\"%d\\n\", out[15]); }\nputs(\"end\"); }\n",
    )]);
    let zvm = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_zvm"))
            .current_dir(dir.path())
            .args(args)
            .output()
            .expect("zvm starts");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };

    // Code of a higher level is left out: it may stand behind a test of the CPU.
    let output = zvm_cc(dir.path(), "-O2 -mavx512f wide.c -o low.zvm");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("more than x86-64-v1") && said.contains("-march=x86-64-v4"),
        "{said}"
    );
    assert_eq!(zvm(&["run", "low.zvm"]), (Some(0), "end\n".to_owned()));
    let (status, said) = zvm(&["run", "low.zvm", "x"]);
    assert_eq!(status, Some(128 + 4), "{said}");

    let output = zvm_cc(dir.path(), "-O2 -march=x86-64-v4 wide.c -o high.zvm");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let (status, said) = zvm(&["validate", "high.zvm"]);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = zvm(&["run", "high.zvm", "x"]);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
        .iter()
        .all(|feature| info.contains(&format!(" {feature}")))
    {
        assert_eq!((status, &*said), (Some(0), "40\nend\n"));
    } else {
        assert!(status == Some(8) && said.contains("x86-64-v4"), "{said}");
    }
}

/// Builds a C library of its own, half a minute.
#[test]
fn rust_as_a_position_independent_executable_of_the_host() {
    if std::env::var_os("ZVM_STATIC_PIE").is_none() {
        eprintln!("skipped: ZVM_STATIC_PIE=1 asks for it");
        return;
    }
    let dir = folder(&[(
        "prog.rs",
        r#"
        fn main() {
            let caught = std::panic::catch_unwind(|| panic!("thrown")).is_err();
            let words = std::collections::HashMap::from([("a", 1), ("b", 2)]);
            let sum = std::thread::spawn(move || words.values().sum::<i32>()).join().unwrap();
            println!("{caught} {sum} {}", std::fs::metadata("/").unwrap().is_dir());
        }
        "#,
    )]);
    let dir = dir.path();
    let built = Command::new("rustc")
        .current_dir(dir)
        .args(["-O", "-Ctarget-feature=+crt-static", "prog.rs"])
        .arg(concat!("-Clinker=", env!("CARGO_BIN_EXE_zvm-cc")))
        .arg("-Clink-arg=--native")
        .output()
        .expect("rustc starts");
    assert!(built.status.success(), "{built:?}");
    let program = dir.join("prog");
    assert_eq!(output_of(&program), "true 3 true\n");
    let bytes = fs::read(&program).unwrap();
    let elf = object::read::elf::ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
    let kind = elf.elf_header().e_type.get(elf.endian());
    assert_eq!(kind, object::elf::ET_DYN);
    let segments = elf.elf_program_headers();
    let loader = |segment: &object::elf::ProgramHeader64<_>| {
        segment.p_type.get(elf.endian()) == object::elf::PT_INTERP
    };
    assert!(!segments.iter().any(loader));
}
