//! Build systems that the SDK does not drive: each takes its settings from `cargo zvm exec` or `env`, builds a library with a test
//! program, and runs that test through the emulator.
//!
//! The projects are the smallest that make each system do all it does: look at the compiler, run a test program while
//! configuring, build, test. Upstream's own packages take longer: the book's chapter says which were tried, and how.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The library, and a test that only succeeds in the sandbox.
const FILES: &[(&str, &str)] = &[
    ("twice.h", "int twice(int n);\n"),
    (
        "twice.c",
        "#include \"twice.h\"\nint twice(int n) { return 2 * n; }\n",
    ),
    (
        "check.c",
        r#"
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "twice.h"

#ifndef __ZVM__
#error the machine's own compiler was used
#endif

int main(int argc, char **argv) {
    char word[16] = "";
    FILE *fixture = fopen(argv[1], "r");
    if (!fixture || !fgets(word, sizeof word, fixture)) { perror(argv[1]); return 2; }
    printf("%s %d\n", word, twice(21));
    return strcmp(word, "fixture") ? 3 : twice(21) == 42 ? 0 : 1;
}
"#,
    ),
    ("fixture.txt", "fixture"),
    (
        "Makefile",
        "check: check.zvm\n\tzvm-run ./check.zvm fixture.txt\n\
         check.zvm: check.o libtwice.a\n\t$(CC) -o $@ check.o -L. -ltwice\n\
         libtwice.a: twice.o\n\t$(AR) rc $@ twice.o\n\t$(RANLIB) $@\n",
    ),
    (
        "CMakeLists.txt",
        r#"cmake_minimum_required(VERSION 3.16)
project(twice C)
include(CheckCSourceRuns)
check_c_source_runs("int main(void) { return 0; }" RUNS)
check_c_source_runs("int main(void) { return 1; }" RUNS_AND_FAILS)
if(NOT RUNS OR RUNS_AND_FAILS)
  message(FATAL_ERROR "try_run does not tell success from failure")
endif()
find_library(HOST_LIBRARY NAMES c m z)
if(HOST_LIBRARY)
  message(FATAL_ERROR "a library of the machine was found: ${HOST_LIBRARY}")
endif()
add_library(twice twice.c)
add_executable(check check.c)
target_link_libraries(check twice)
enable_testing()
add_test(NAME check COMMAND check ${CMAKE_CURRENT_SOURCE_DIR}/fixture.txt WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
add_test(NAME fails COMMAND check missing.txt)
set_tests_properties(fails PROPERTIES WILL_FAIL TRUE)
"#,
    ),
    (
        "meson.build",
        r#"project('twice', 'c')
cc = meson.get_compiler('c')
runs = cc.run('int main(void) { return 7; }')
assert(runs.compiled() and runs.returncode() == 7, 'a test program runs')
assert(not dependency('zlib', required: false, method: 'pkg-config').found(), 'the machine has no say')
twice = static_library('twice', 'twice.c')
check = executable('check', 'check.c', link_with: twice)
test('check', check, args: files('fixture.txt'), workdir: meson.current_source_dir())
test('fails', check, args: 'missing.txt', should_fail: true)
"#,
    ),
];

fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in FILES {
        fs::write(dir.path().join(name), text).expect(name);
    }
    dir
}

fn cargo_zvm(dir: &Path, args: &[&str]) -> Output {
    Command::new("timeout")
        .args(["600", env!("CARGO_BIN_EXE_cargo-zvm"), "zvm"])
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("ZVM_CC")
        .env_remove("ZVM_PREFIX")
        .output()
        .expect("coreutils' timeout")
}

/// What a command that must succeed said, on both streams.
fn said(dir: &Path, args: &[&str]) -> String {
    let output = cargo_zvm(dir, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{args:?}: {}\n{text}",
        output.status
    );
    text
}

/// Whether the tools are there; says by name what is skipped.
fn have(test: &str, tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = tools
        .iter()
        .find(|tool| !std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()));
    if let Some(tool) = missing {
        eprintln!("{test}: skipped, there is no {tool}");
    }
    missing.is_none()
}

#[test]
fn make() {
    if !have("make", &["make"]) {
        return;
    }
    let dir = project();
    let text = said(dir.path(), &["exec", "--", "make", "check"]);
    assert!(text.contains("fixture 42"), "{text}");
}

#[test]
fn cmake() {
    if !have("cmake", &["cmake", "ctest", "make"]) {
        return;
    }
    let dir = project();
    said(dir.path(), &["exec", "--", "cmake", "-S", ".", "-B", "out"]);
    said(dir.path(), &["exec", "--", "cmake", "--build", "out"]);
    let text = said(dir.path(), &["exec", "--", "ctest", "--test-dir", "out"]);
    assert!(
        text.contains("100% tests passed, 0 tests failed out of 2"),
        "{text}"
    );
}

#[test]
fn meson() {
    if !have("meson", &["meson", "ninja", "pkg-config"]) {
        return;
    }
    let dir = project();
    let setup = "meson setup --cross-file \"$ZVM_MESON_CROSS\" out && meson test -C out";
    let text = said(dir.path(), &["exec", "--", "sh", "-c", setup]);
    let count = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).map(str::to_owned)
    };
    assert_eq!(count("Ok:").as_deref(), Some("1"), "{text}");
    assert_eq!(count("Expected Fail:").as_deref(), Some("1"), "{text}");
}

/// What a configure script does with a site file, without one: it reads the file after its options.
#[test]
fn the_site_file_gives_way_to_options() {
    let dir = project();
    let script = |before: &str| {
        let text = format!(
            "{before} . \"$CONFIG_SITE\"; echo \"$cross_compiling $host_alias $enable_shared\""
        );
        said(dir.path(), &["exec", "--", "sh", "-c", &text])
    };
    assert!(script("").contains("yes x86_64-zvm-linux-musl no\n"));
    assert!(script("host_alias=a; enable_shared=yes;").contains("yes a yes\n"));
}

#[test]
fn pkg_config_sees_prefixes_and_never_the_machine() {
    if !have("pkg-config", &["pkg-config"]) {
        return;
    }
    let dir = project();
    let folder = dir.path().join("prefix/lib/pkgconfig");
    fs::create_dir_all(&folder).expect("a prefix");
    let text = "Name: twice\nDescription: doubles\nVersion: 7.1\nLibs: -ltwice\n";
    fs::write(folder.join("twice.pc"), text).expect("twice.pc");
    let list = said(dir.path(), &["exec", "--", "pkg-config", "--list-all"]);
    assert_eq!(
        list.lines().filter(|line| !line.is_empty()).count(),
        0,
        "{list}"
    );
    let prefix = dir.path().join("prefix");
    let call = format!(
        "ZVM_PREFIX='{}' \"$0\" zvm exec -- pkg-config --modversion twice",
        prefix.display()
    );
    let output = Command::new("timeout")
        .args(["60", "sh", "-c", &call, env!("CARGO_BIN_EXE_cargo-zvm")])
        .output()
        .expect("coreutils' timeout");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "7.1\n");
}

#[test]
fn cargo_itself_with_the_printed_configuration() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = said(dir.path(), &["env", "--format", "cargo"]);
    for (name, text) in [
        (".cargo/config.toml", config.as_str()),
        (
            "Cargo.toml",
            "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
        ),
        (
            "src/main.rs",
            "fn main() { assert!(cfg!(zvm)); println!(\"{}\", std::env::args().len()); }\n\
             #[test]\nfn sandboxed() { assert!(cfg!(zvm)); }\n",
        ),
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect(name);
    }
    let cargo = |args: &[&str]| {
        let output = Command::new("timeout")
            .args(["600", env!("CARGO")])
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("RUSTFLAGS")
            .output()
            .expect("coreutils' timeout");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo {args:?}\n{stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(cargo(&["run", "-q", "--", "a", "b"]), "3\n");
    assert!(cargo(&["test", "-q"]).contains("1 passed"));
}

#[test]
fn formats_agree_on_the_tools() {
    let dir = tempfile::tempdir().expect("a folder");
    let json = said(dir.path(), &["env", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let cc = json["CC"].as_str().expect("CC");
    assert!(Path::new(cc).is_absolute() && cc.ends_with("/zvm-cc"));
    for format in ["sh", "cmake", "meson", "cargo"] {
        let text = said(dir.path(), &["env", "--format", format]);
        assert!(text.contains(cc), "{format}:\n{text}");
    }
    let script = "eval \"$(\"$0\" zvm env)\" && printf '%s ' \"$CC\" && command -v zvm-run";
    let output = Command::new("timeout")
        .args(["60", "sh", "-c", script, env!("CARGO_BIN_EXE_cargo-zvm")])
        .output()
        .expect("coreutils' timeout");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text, format!("{cc} {}\n", cc.replace("zvm-cc", "zvm-run")));
}

#[test]
fn failures_are_the_commands_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = cargo_zvm(dir.path(), &["exec", "--", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(7));
    let output = cargo_zvm(dir.path(), &["exec", "--", "./nothing"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot start ./nothing"), "{stderr}");
    let output = cargo_zvm(dir.path(), &["env", "--format", "scons"]);
    assert_eq!(output.status.code(), Some(2));
}
