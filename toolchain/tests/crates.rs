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
        assert!(std::net::TcpStream::connect("127.0.0.1:1").unwrap_err().raw_os_error() == Some(97));
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

    let output = cargo_zvm(dir, &["build", "--timeout", "3"]);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("--timeout: build runs nothing"), "{stderr}");
}
