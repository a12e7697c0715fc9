//! `cargo zvm run` and `test` on an ordinary crate, as `cargo new` makes it: nothing in it knows of the sandbox.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
    ),
    ("fixture.txt", "a fixture\n"),
    (
        "build.rs",
        r#"
fn main() {
    // Code of the host: it writes where the crate's own code only reads.
    let out = std::env::var("OUT_DIR").unwrap();
    let host = std::path::Path::new("/proc/self/maps").exists();
    std::fs::write(format!("{out}/made.rs"), format!("pub const MADE: bool = {host};")).unwrap();
}
"#,
    ),
    (
        "src/lib.rs",
        r#"
include!(concat!(env!("OUT_DIR"), "/made.rs"));

/// ```
/// assert_eq!(plain::double(2), 4);
/// ```
pub fn double(n: u32) -> u32 {
    n * 2
}

#[cfg(test)]
mod tests {
    #[test]
    fn fixture_is_found() {
        assert_eq!(std::fs::read_to_string("fixture.txt").unwrap(), "a fixture\n");
    }

    #[test]
    fn threads() {
        let sum: u32 = (0..4)
            .map(|n| std::thread::spawn(move || super::double(n)))
            .map(|thread| thread.join().unwrap())
            .sum();
        assert_eq!(sum, 12);
    }

    #[test]
    fn in_the_sandbox() {
        let there = std::net::TcpStream::connect("192.0.2.1:1");
        assert!(there.unwrap_err().raw_os_error() == Some(101));
    }

    #[test]
    #[ignore]
    fn fails() {
        assert_eq!(super::double(1), 3);
    }
}
"#,
    ),
    (
        "src/main.rs",
        r#"
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("Hello, {}! {}", args.join("+"), plain::MADE);
    std::process::exit(args.len() as i32);
}
"#,
    ),
];

fn cargo_zvm(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-zvm"))
        .arg("zvm")
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        // What the outer cargo sets for this test is not the crate's.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("ZVM_CC")
        .output()
        .expect("cargo-zvm starts")
}

/// Standard output of a command that must end with this status.
fn said(dir: &Path, args: &[&str], status: i32) -> String {
    let output = cargo_zvm(dir, args);
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        output.status.code(),
        Some(status),
        "{args:?}\n{stdout}{stderr}"
    );
    stdout
}

#[test]
fn run_and_test_an_ordinary_crate() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    fs::create_dir(dir.join("src")).expect("src");
    for (name, text) in FILES {
        fs::write(dir.join(name), text).expect(name);
    }
    assert_eq!(
        said(dir, &["run", "-q", "--", "a", "b"], 2),
        "Hello, a+b! true\n"
    );

    let tests = said(dir, &["test", "--timeout", "60"], 0);
    assert!(
        tests.contains("test result: ok. 3 passed; 0 failed; 1 ignored"),
        "{tests}"
    );
    // The documentation's example.
    assert!(tests.contains("test result: ok. 1 passed"), "{tests}");

    let failed = said(dir, &["test", "--lib", "--", "--ignored"], 101);
    assert!(failed.contains("test tests::fails ... FAILED"), "{failed}");

    let packed = said(dir, &["pack", "--", "packed"], 0);
    let (digest, application) = packed.trim().split_once("  ").expect("digest and name");
    assert_eq!(digest.len(), 64, "{packed}");
    let output = Command::new(env!("CARGO_BIN_EXE_zvm"))
        .args(["run", application])
        .current_dir(dir)
        .output()
        .expect("zvm starts");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Hello, packed! true\n"
    );
    assert!(said(dir, &["validate", "."], 0).contains(": valid: "));
    let output = cargo_zvm(dir, &["pack", "--bin", "none-of-it"]);
    assert!(!output.status.success());

    let output = cargo_zvm(dir, &["build", "--timeout", "3"]);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("--timeout: build runs nothing"), "{stderr}");
}

/// A workspace with a proc-macro, a build script that compiles C, features, an example and fixtures.
const WORKSPACE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"app\", \"answer\"]\nresolver = \"3\"\n",
    ),
    (
        "answer/Cargo.toml",
        "[package]\nname = \"answer\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
    ),
    (
        "answer/src/lib.rs",
        r#"
/// Code of the host, at compile time: it sees the host's environment.
#[proc_macro]
pub fn answer(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    assert!(!cfg!(zvm));
    format!("({} + 2)", std::env::var("ANSWER").unwrap_or("40".to_owned())).parse().unwrap()
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_on_the_host() {
        assert!(!cfg!(zvm));
    }
}
"#,
    ),
    (
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nanswer = { path = \"../answer\" }\n\
         [build-dependencies]\ncc = \"1\"\n[features]\nloud = []\n[lints.rust]\n\
         unexpected_cfgs = { level = \"warn\", check-cfg = [\"cfg(zvm)\", \"cfg(mine)\"] }\n",
    ),
    (
        "app/build.rs",
        "fn main() { assert!(!cfg!(zvm)); cc::Build::new().file(\"src/half.c\").compile(\"half\"); }\n",
    ),
    (
        "app/src/half.c",
        "#include <math.h>\n#ifndef __ZVM__\n#error not for the sandbox\n#endif\ndouble half(double x) { return ldexp(x, -1); }\n",
    ),
    (
        "app/src/lib.rs",
        r#"
unsafe extern "C" {
    safe fn half(x: f64) -> f64;
}

/// ```
/// assert_eq!(app::number(), 21.0);
/// ```
pub fn number() -> f64 {
    half(f64::from(answer::answer!()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures_are_found_and_results_are_kept() {
        let text = std::fs::read_to_string("fixtures/in.txt").unwrap();
        std::fs::write("fixtures/out.txt", text.to_uppercase()).unwrap();
        assert!(cfg!(zvm));
    }
}
"#,
    ),
    (
        "app/src/main.rs",
        "fn main() { println!(\"{} {} {}\", app::number(), cfg!(feature = \"loud\"), cfg!(mine)); }\n",
    ),
    (
        "app/examples/other.rs",
        "fn main() { println!(\"example {}\", app::number()); std::process::exit(3) }\n",
    ),
    ("app/fixtures/in.txt", "text\n"),
];

fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = temp.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect(name);
    }
    temp
}

#[test]
fn proc_macros_build_scripts_features_examples_and_flags() {
    let temp = workspace(WORKSPACE);
    let dir = temp.path();
    assert_eq!(said(dir, &["run", "-q"], 0), "21 false false\n");
    let example = ["run", "-q", "--example", "other"];
    assert_eq!(said(dir, &example, 3), "example 21\n");
    // From a member's folder, with a feature, in release.
    let release = ["run", "-q", "--release", "--features", "loud"];
    assert_eq!(said(&dir.join("app"), &release, 0), "21 true false\n");

    // The user's own flags are kept beside ours.
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    command
        .args(["zvm", "run", "-q"])
        .current_dir(dir)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .env("RUSTFLAGS", "--cfg mine -Copt-level=1");
    let output = command.output().expect("cargo-zvm starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "21 false true\n");

    let tests = said(dir, &["test", "--workspace"], 0);
    for expected in [
        "test tests::fixtures_are_found_and_results_are_kept ... ok",
        "test tests::runs_on_the_host ... ok",
        "test app/src/lib.rs - number",
    ] {
        assert!(tests.contains(expected), "no `{expected}` in\n{tests}");
    }
    let kept = fs::read_to_string(dir.join("app/fixtures/out.txt")).expect("out.txt");
    assert_eq!(kept, "TEXT\n");

    // Cargo's own messages pass through.
    let json = said(dir, &["build", "--message-format", "json"], 0);
    assert!(
        json.contains("\"reason\":\"build-finished\",\"success\":true"),
        "{json}"
    );

    // nextest starts each test through the same runner.
    let nextest = Command::new("cargo-nextest").arg("--version").output();
    if !nextest.is_ok_and(|output| output.status.success()) {
        println!("skipped: cargo-nextest is not installed");
        return;
    }
    let output = cargo_zvm(dir, &["nextest", "run", "-p", "app"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

/// Without `cargo zvm` in front: the settings that it prints make plain cargo do the same.
#[test]
fn plain_cargo_with_the_printed_settings() {
    let temp = workspace(WORKSPACE);
    let dir = temp.path();
    fs::create_dir(dir.join(".cargo")).expect(".cargo");
    let settings = said(dir, &["env", "--format", "cargo"], 0);
    fs::write(dir.join(".cargo/config.toml"), settings).expect("config.toml");
    let output = Command::new("cargo")
        .args(["run", "-q"])
        .current_dir(dir)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("ZVM_CC")
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "21 false false\n",
        "{errors}"
    );
}

/// Crates that bring large C libraries with them: minutes of compiling, so only if `ZVM_CRATES` is set.
#[test]
fn crates_with_large_c_libraries() {
    if std::env::var_os("ZVM_CRATES").is_none() {
        println!("skipped: rusqlite, zstd and flate2 with zlib; set ZVM_CRATES=1 for them");
        return;
    }
    let temp = workspace(&[
        (
            "Cargo.toml",
            "[package]\nname = \"large\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n\
             rusqlite = { version = \"0.37\", features = [\"bundled\"] }\nzstd = \"0.13\"\n\
             flate2 = { version = \"1\", default-features = false, features = [\"zlib\"] }\n",
        ),
        (
            "src/main.rs",
            r#"
use std::io::{Read, Write};

fn main() {
    let text = "the same words ".repeat(1000);
    let packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(zstd::decode_all(&*packed).unwrap(), text.as_bytes());
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text.as_bytes()).unwrap();
    let deflated = writer.finish().unwrap();
    let mut again = String::new();
    flate2::read::ZlibDecoder::new(&*deflated).read_to_string(&mut again).unwrap();
    assert_eq!(again, text);
    let database = rusqlite::Connection::open("words.db").unwrap();
    database.execute_batch("drop table if exists t; create table t(n); insert into t values (40), (2);").unwrap();
    let sum: i64 = database.query_row("select sum(n) from t", [], |row| row.get(0)).unwrap();
    println!("{} {} {sum}", packed.len() < 100, deflated.len() < 200);
}
"#,
        ),
    ]);
    assert_eq!(said(temp.path(), &["run", "-q"], 0), "true true 42\n");
    assert!(temp.path().join("words.db").is_file());
}
