//! `cargo zvm build` on folders made here. They are built natively: what is tested is what gets built when.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn cargo_zvm(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    // As cargo calls it.
    command
        .arg("zvm")
        .args(args)
        .env_remove("ZVM_CC")
        .current_dir(folder);
    command
        .stdin(Stdio::null())
        .output()
        .expect("cargo-zvm starts")
}

/// What a successful native build says on stderr.
fn build(folder: &Path) -> String {
    let output = cargo_zvm(folder, &["build", "--native", "."]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    stderr
}

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

const MANIFEST: &str = "name = 'p'\nsources = ['src/*.c']\ninclude = ['include']\nmounts = ['text.txt:/in/text.txt:ro']\nargs = ['/in/text.txt']\n";

const MAIN: &str = "#include <stdio.h>\n#include \"word.h\"\nint main(int c, char **v) { char b[99]; FILE *f = fopen(v[c - 1], \"r\");\n\
                    if (!f) return 3; fgets(b, sizeof b, f); printf(\"%s %s\", word(), b); return 7; }\n";

fn sample() -> tempfile::TempDir {
    project(&[
        ("Zvm.toml", MANIFEST),
        ("src/main.c", MAIN),
        (
            "src/word.c",
            "#include \"word.h\"\nconst char *word(void) { return WORD; }\n",
        ),
        (
            "include/word.h",
            "#define WORD \"one\"\nconst char *word(void);\n",
        ),
        ("text.txt", "text\n"),
    ])
}

#[test]
fn only_what_changed_is_built() {
    let dir = sample();
    let dir = dir.path();
    let first = build(dir);
    assert!(
        first.contains("2 of 2 files") && first.contains("Linking"),
        "{first}"
    );
    assert_eq!(build(dir), "");

    // Written again with the same text: times do not count.
    let main = fs::read(dir.join("src/main.c")).unwrap();
    fs::write(dir.join("src/main.c"), main).unwrap();
    assert_eq!(build(dir), "");

    fs::write(
        dir.join("src/word.c"),
        "#include \"word.h\"\n\nconst char *word(void) { return WORD \"!\"; }\n",
    )
    .unwrap();
    let source = build(dir);
    assert!(
        source.contains("1 of 2 files") && source.contains("Linking"),
        "{source}"
    );

    fs::write(
        dir.join("include/word.h"),
        "#define WORD \"two\"\nconst char *word(void);\n",
    )
    .unwrap();
    assert!(build(dir).contains("2 of 2 files"));

    fs::write(
        dir.join("Zvm.toml"),
        MANIFEST.replace("include =", "defines = ['X']\ninclude ="),
    )
    .unwrap();
    assert!(build(dir).contains("2 of 2 files"));

    fs::remove_file(dir.join("build/p.native")).unwrap();
    let link = build(dir);
    assert!(
        link.contains("Linking") && !link.contains("Compiling"),
        "{link}"
    );
}

#[test]
fn a_failed_compilation_is_tried_again_and_the_others_are_kept() {
    let dir = sample();
    let dir = dir.path();
    fs::write(
        dir.join("src/word.c"),
        "const char *word(void) { return }\n",
    )
    .unwrap();
    let output = cargo_zvm(dir, &["build", "--native", "."]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("word.c:1:"),
        "{stderr}"
    );
    assert!(!dir.join("build/p.native").exists());
    fs::write(
        dir.join("src/word.c"),
        "const char *word(void) { return \"\"; }\n",
    )
    .unwrap();
    assert!(build(dir).contains("1 of 2 files"));
}

#[test]
fn a_native_run_finds_mounted_files_and_passes_the_status_on() {
    let dir = sample();
    let output = cargo_zvm(dir.path(), &["run", "--native", "."]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one text\n");
    assert_eq!(output.status.code(), Some(7));
    let output = cargo_zvm(dir.path(), &["run", "--native", ".", "--", "/nowhere"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn errors_in_zvm_toml_say_where() {
    let fails = |manifest: &str| {
        let dir = project(&[
            ("Zvm.toml", manifest),
            ("a.c", "int main(void) { return 0; }\n"),
        ]);
        let output = cargo_zvm(dir.path(), &["build", "."]);
        assert!(!output.status.success(), "{manifest}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let unknown = fails("name = 'p'\nsources = ['a.c']\nlibraries = []\n");
    assert!(
        unknown.contains("Zvm.toml") && unknown.contains("line 3") && unknown.contains("libraries"),
        "{unknown}"
    );
    let nothing = fails("name = 'p'\nsources = ['b*.c']\n");
    assert!(nothing.contains("b*.c"), "{nothing}");
    let source = fails("name = 'p'\nsources = ['@lua/a.c']\n");
    assert!(
        source.contains("@lua/a.c") && source.contains("[[source]]"),
        "{source}"
    );
    let march = fails("name = 'p'\nsources = ['a.c']\ncflags = ['-march=native']\n");
    assert!(march.contains("-march=native"), "{march}");
    let dir = project(&[]);
    let output = cargo_zvm(dir.path(), &["build", "."]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Zvm.toml"));
}

#[test]
fn an_instance_that_fails_ends_the_others() {
    let dir = project(&[
        (
            "Zvm.toml",
            "name = 'p'\nsources = ['*.c']\n[[instance]]\nname = 'fail'\nargs = ['7']\nconnect = ['wait']\n\
             [[instance]]\nname = 'wait'\ncount = 2\n",
        ),
        (
            "main.c",
            "#include <stdlib.h>\nint main(int c, char **v) { if (c > 1) return atoi(v[1]); for (;;) continue; }\n",
        ),
    ]);
    let output = cargo_zvm(dir.path(), &["run", "."]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    assert!(stderr.contains("the instance fail-1 failed"), "{stderr}");
    let output = cargo_zvm(dir.path(), &["run", ".", "--", "x"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("[[instance]]"),
        "{stderr}"
    );
    let output = cargo_zvm(dir.path(), &["run", "--native", "."]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("native"),
        "{stderr}"
    );
}

#[test]
fn a_change_builds_again_and_ends_a_run_that_is_not_over() {
    let endless = "#include <stdio.h>\n#include <unistd.h>\nint main(void) { puts(\"ONE\"); fflush(stdout); for (;;) pause(); }\n";
    let dir = project(&[
        ("Zvm.toml", "name = 'p'\nsources = ['a.c']\n"),
        ("a.c", endless),
    ]);
    let mut watcher = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"))
        .args(["zvm", "run", "--native", "--watch"])
        .env_remove("ZVM_CC")
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("cargo-zvm starts");
    let mut lines = BufReader::new(watcher.stdout.take().expect("piped")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    assert_eq!(line(), "ONE");
    let ends = "#include <stdio.h>\nint main(void) { puts(\"TWO\"); return 0; }\n";
    fs::write(dir.path().join("a.c"), ends).expect("a file");
    assert_eq!(line(), "TWO");
    // Now it waits; another change is seen, too.
    fs::write(dir.path().join("a.c"), ends.replace("TWO", "THREE")).expect("a file");
    assert_eq!(line(), "THREE");
    watcher.kill().expect("it runs until it is killed");
    watcher.wait().expect("it ends");
}
