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
    let args = "a.o -Wl,-rpath,/lib,--as-needed,-u,main,--defsym=x=1 -rdynamic -pie -Wl,-soname -Wl,libx.so -Wl,-Map=m -z now";
    assert_eq!(linker_arguments(args), "-u main --defsym=x=1 -Map=m");
}

/// The linker's arguments of a command line.
fn linker_arguments(args: &str) -> String {
    let call = parsed(args);
    let flags = call.items.iter().filter_map(|item| match item {
        Item::Linker(flag) => flag.to_str(),
        _ => None,
    });
    flags.collect::<Vec<_>>().join(" ")
}

#[test]
fn keywords_that_mean_something_reach_the_linker() {
    for spelling in [
        "-z stack-size=65536",
        "-zstack-size=65536",
        "-Wl,-z,stack-size=65536",
        "-Wl,-zstack-size=65536",
        "-Wl,-z -Wl,stack-size=65536",
        "-Xlinker -z -Xlinker stack-size=65536 -znow -Wl,-z,relro,-z,max-page-size=4096",
    ] {
        let args = format!("a.o {spelling}");
        assert_eq!(linker_arguments(&args), "-z stack-size=65536", "{args}");
    }
    assert_eq!(
        linker_arguments("a.o -z muldefs -z defs -z nodelete"),
        "-z muldefs"
    );
    assert!(refused("a.c -z").contains("-z"));
}

#[test]
fn linker_options_that_are_the_driver_s() {
    assert_eq!(linker_arguments("a.o -usym -u sym"), "-u sym -u sym");
    assert_eq!(parsed("-undef -c a.c").compile, ["-undef"]);
    assert!(parsed("-Wl,-r a.o").relocatable);
    assert!(parsed("-Wl,--relocatable a.o").relocatable);
    for args in [
        "a.o -Wl,--dependency-file=a.d",
        "a.o -Wl,--dependency-file,a.d",
    ] {
        let call = parsed(args);
        assert_eq!(call.link_dependencies, Some("a.d".into()), "{args}");
        assert_eq!(linker_arguments(args), "", "{args}");
    }
    let debugging = "a.o -Wl,--compress-debug-sections=zlib -Wl,-S -Wl,--strip-debug";
    assert_eq!(linker_arguments(debugging), "-S --strip-debug");
}

#[test]
fn outputs_in_every_spelling() {
    for args in ["-o x a.c", "-ox a.c", "--output x a.c", "--output=x a.c"] {
        assert_eq!(parsed(args).output, Some("x".into()), "{args}");
    }
}

#[test]
fn headers_are_never_linked() {
    for args in [
        "a.h",
        "a.hh b.hpp c.hxx d.H e.tcc -lm",
        "-x c-header a",
        "-x c++-header a.inc",
    ] {
        assert_eq!(parsed(args).stage, Stage::Object, "{args}");
    }
    for args in ["a.h b.c", "a.h b.o", "-x c a.h", "-lm"] {
        assert_eq!(parsed(args).stage, Stage::Link, "{args}");
    }
    assert_eq!(parsed("-E a.h").stage, Stage::Preprocess);
    assert!(parsed("a.tcc").has_cxx_source() && !parsed("a.h").has_cxx_source());
    let mut cxx = parsed("a.h b.c");
    cxx.make_cxx();
    let languages = cxx.items.iter().map(|item| match item {
        Item::Source { language, .. } => language.as_deref(),
        _ => None,
    });
    assert_eq!(
        languages.collect::<Vec<_>>(),
        [Some("c++-header"), Some("c++")]
    );
}

#[test]
fn dependencies_through_the_preprocessor() {
    assert_eq!(
        parsed("-Wp,-MD,a.d -Wp,-DX,-MMD,b.d -Wp,-MD -c a.c").compile,
        [
            "-MD", "-MF", "a.d", "-Wp,-DX", "-MMD", "-MF", "b.d", "-Wp,-MD"
        ]
    );
    assert_eq!(
        parsed("-include-pch a.pch -c a.c").compile,
        ["-include-pch", "a.pch"]
    );
}

#[test]
fn split_debugging_information_is_left_out() {
    for flag in ["-gsplit-dwarf", "-gsplit-dwarf=single"] {
        let call = parsed(&format!("-g {flag} a.c"));
        assert!(call.split_debug && call.compile == ["-g"], "{flag}");
    }
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
        ("--coverage a.c", "counters"),
        ("-fprofile-arcs -c a.c", "counters"),
        ("-ftest-coverage a.c", "counters"),
        ("-fprofile-generate=dir a.c", "-fprofile-use"),
        ("-fprofile-instr-generate a.c", "host's own compiler"),
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
        ("-Wl,--version", Query::Linker("--version".into())),
        ("a.c -Wl,--help", Query::Linker("--help".into())),
        (
            "-dumpversion",
            Query::DumpVersion("-dumpversion".to_owned()),
        ),
    ] {
        assert_eq!(parsed(args).query, Some(query), "{args}");
    }
    assert_eq!(parsed("-v a.c").query, None);
}
