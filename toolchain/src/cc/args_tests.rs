//! gcc's command line, as configure scripts and makefiles write it.

use super::*;

fn parsed(args: &str) -> Invocation {
    parse(args.split_whitespace().map(OsString::from).collect())
        .unwrap_or_else(|error| panic!("{args}: {error}"))
}

fn refused(args: &str) -> String {
    let error = parse(args.split_whitespace().map(OsString::from).collect()).expect_err(args);
    crate::problem::text("zvm-cc", &error.into_error(), false)
}

fn source(path: &str) -> Item {
    Item::Source {
        path: path.into(),
        language: None,
    }
}

#[test]
fn compile_only() {
    let call = parsed("-O2 -g -I inc -Iinc2 -DX=1 -D Y -U Z -c a.c -o a.o");
    assert_eq!(call.stage, Stage::Object);
    assert_eq!(call.output, Some("a.o".into()));
    assert_eq!(call.items, [source("a.c")]);
    assert_eq!(
        call.compile,
        [
            "-O2", "-g", "-I", "inc", "-Iinc2", "-DX=1", "-D", "Y", "-U", "Z"
        ]
    );
}

#[test]
fn order_of_objects_and_libraries_is_kept() {
    let call = parsed("a.o -Llib -lfoo b.c -L lib2 -l bar c.a");
    let linker = |flag: &str| Item::Linker(flag.into());
    let object = |path: &str| Item::Object(path.into());
    assert_eq!(
        call.items,
        [
            object("a.o"),
            linker("-Llib"),
            linker("-lfoo"),
            source("b.c"),
            linker("-Llib2"),
            linker("-lbar"),
            object("c.a")
        ]
    );
    assert!(call.compile.is_empty());
}

#[test]
fn the_earlier_stage_wins() {
    assert_eq!(parsed("-c -E a.c").stage, Stage::Preprocess);
    assert_eq!(parsed("-E -c a.c").stage, Stage::Preprocess);
    assert_eq!(parsed("-S -c a.c").stage, Stage::Assembly);
    assert_eq!(parsed("-MM a.c").stage, Stage::Preprocess);
    assert_eq!(parsed("-MMD -MF a.d -c a.c").stage, Stage::Object);
    assert_eq!(parsed("a.c").stage, Stage::Link);
}

#[test]
fn languages_hold_until_changed() {
    let call = parsed("-x c a.txt - -x assembler-with-cpp b -x none c.c d.o");
    let with = |path: &str, language: &str| Item::Source {
        path: path.into(),
        language: Some(language.to_owned()),
    };
    assert_eq!(
        call.items,
        [
            with("a.txt", "c"),
            with("-", "c"),
            with("b", "assembler-with-cpp"),
            source("c.c"),
            Item::Object("d.o".into())
        ]
    );
}

#[test]
fn values_that_look_like_options_or_files() {
    let call = parsed("-include config.h -MT -x -Xclang -foo --param max=3 a.c");
    assert_eq!(
        call.compile,
        [
            "-include", "config.h", "-MT", "-x", "-Xclang", "-foo", "--param", "max=3"
        ]
    );
    assert_eq!(call.items, [source("a.c")]);
    assert!(refused("a.c -o").contains("-o"));
    assert!(refused("a.c -I").contains("-I"));
    assert!(refused("a.c -Wl,-u").contains("-u"));
}

#[test]
fn linker_options_by_kind() {
    let call = parsed(
        "a.o -Wl,-rpath,/lib,--as-needed,-u,main,--defsym=x=1 -rdynamic -pie -Wl,-soname -Wl,libx.so -Wl,-Map=m -z now",
    );
    let linker: Vec<_> = call
        .items
        .iter()
        .filter_map(|item| {
            if let Item::Linker(flag) = item {
                flag.to_str()
            } else {
                None
            }
        })
        .collect();
    assert_eq!(linker, ["-u", "main", "--defsym=x=1", "-Map=m"]);
}

#[test]
fn xlinker_passes_values_too() {
    let call = parsed("a.o -Xlinker -rpath -Xlinker /lib -Xlinker --wrap -Xlinker malloc");
    assert_eq!(
        call.items[1..],
        [Item::Linker("--wrap".into()), Item::Linker("malloc".into())]
    );
}

#[test]
fn strip_is_for_the_image() {
    for args in ["-s a.c", "-Wl,-s a.c", "-Wl,--strip-all a.c"] {
        let call = parsed(args);
        assert!(call.strip, "{args}");
        assert_eq!(call.items, [source("a.c")], "{args}");
    }
}

#[test]
fn levels() {
    assert_eq!(parsed("a.c").level, None);
    for (spelling, level) in [
        ("x86-64", 1),
        ("x86-64-v2", 2),
        ("x86_64_v3", 3),
        ("x86-64-v4", 4),
    ] {
        assert_eq!(parsed(&format!("-march={spelling} a.c")).level, Some(level));
    }
    assert_eq!(parsed("-march=x86_64_v3 a.c").compile, ["-march=x86-64-v3"]);
    assert!(refused("-march=native a.c").contains("machine that built it"));
    assert!(refused("-march=haswell a.c").contains("x86-64-v3"));
}

#[test]
fn refusals_give_a_reason() {
    for (args, reason) in [
        ("-shared a.c", "static library"),
        ("--target=aarch64-linux-gnu a.c", "x86-64"),
        ("-m32 a.c", "x86-64"),
        ("-T x.ld a.c", "layout"),
        ("-Tx.ld a.c", "layout"),
        ("-Wl,-T,x.ld a.c", "layout"),
        ("-Wl,-shared a.c", "dynamic linker"),
        ("-Wl,-e,main a.c", "libzrt"),
        ("-fsanitize=address a.c", "sanitizer"),
    ] {
        let text = refused(args);
        assert!(text.contains(reason), "{args}: {text}");
    }
    let call = parsed("-B /usr/lib --target=x86_64-linux-gnu -Bdir --sysroot /x a.c");
    assert_eq!(call.compile, ["--sysroot", "/x"]);
    parsed("-fsanitize=undefined -fsanitize-trap=undefined a.c");
}

#[test]
fn own_options() {
    let call = parsed("--compiler gcc-12 --native --emit-elf x.elf a.c");
    assert_eq!(call.compiler, Some("gcc-12".into()));
    assert!(call.native && !call.static_pie);
    assert!(parsed("--native -static-pie -fPIE a.c").static_pie);
    assert_eq!(call.emit_elf, Some("x.elf".into()));
    assert_eq!(
        parsed("--compiler=clang --emit-elf=y a.c").emit_elf,
        Some("y".into())
    );
    let reporting = parsed("--time --stats --keep-going --map x.map a.c").reporting;
    assert!(reporting.time && reporting.stats && reporting.keep_going);
    assert_eq!(reporting.map, Some("x.map".into()));
    assert_eq!(parsed("--map=y a.c").reporting.map, Some("y".into()));
}

#[test]
fn questions() {
    for (args, query) in [
        ("-dumpmachine", Query::Machine),
        ("--version", Query::Version),
        ("-v --version", Query::Version),
        ("-print-file-name=libc.a", Query::FileName("libc.a".into())),
        ("--print-file-name libc.a", Query::FileName("libc.a".into())),
        ("--print-prog-name=ld", Query::ProgName("ld".into())),
        ("-print-multi-os-directory", Query::Fixed(".")),
        (
            "-dumpversion",
            Query::DumpVersion("-dumpversion".to_owned()),
        ),
    ] {
        assert_eq!(parsed(args).query, Some(query), "{args}");
    }
    assert_eq!(parsed("-v a.c").query, None);
}
