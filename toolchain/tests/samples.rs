//! Each sample by its one command. What it prints stands in `samples/NAME.out` beside this file; `BLESS=1` writes it there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Standard output of `cargo zvm ARGS` in the repository, which must succeed.
fn cargo_zvm(args: &[&str]) -> String {
    both(args).0
}

/// Standard output and standard error.
fn both(args: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    command.arg("zvm").args(args).current_dir(root());
    for name in [
        "CARGO_TARGET_DIR",
        "CARGO_MANIFEST_DIR",
        "RUSTFLAGS",
        "ZVM_CC",
    ] {
        command.env_remove(name);
    }
    let done = command.stdin(Stdio::null()).output().expect("cargo-zvm");
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success(),
        "{args:?}: {}\n{stdout}{stderr}",
        done.status
    );
    (stdout, stderr)
}

/// Runs a sample; it must print what is expected.
fn run(name: &str) -> String {
    let output = cargo_zvm(&["run", &format!("samples/{name}")]);
    let file = root().join(format!("toolchain/tests/samples/{name}.out"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &output).expect("the expected output");
    }
    let expected = fs::read_to_string(&file).expect("the expected output");
    assert_eq!(output, expected, "{name}");
    output
}

#[test]
fn hello_c() {
    run("hello-c");
    let said = cargo_zvm(&[
        "run",
        "samples/hello-c",
        "--env",
        "GREETING=Servus",
        "--",
        "you",
    ]);
    assert!(said.starts_with("Servus, you!\n"), "{said}");
}

#[test]
fn hello_cxx() {
    run("hello-c++");
}

#[test]
fn hello_rust() {
    run("hello-rust");
    let said = cargo_zvm(&["test", "samples/hello-rust"]);
    assert!(said.contains("test result: ok. 2 passed"), "{said}");
}

#[test]
fn lua() {
    run("lua");
}

#[test]
fn image() {
    run("image");
    let edges = root().join("samples/image/out/edges.png");
    let sandboxed = fs::read(&edges).expect("edges.png");
    assert!(sandboxed.starts_with(b"\x89PNG\r\n\x1a\n"));
    fs::remove_file(&edges).expect("edges.png");
    cargo_zvm(&["run", "samples/image", "--native"]);
    assert_eq!(fs::read(&edges).expect("edges.png"), sandboxed);
}

#[test]
fn simulation() {
    let said = run("simulation");
    let digest = said
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("digest "));
    let digest = digest.expect("the digest is the last line");
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(
        readme.contains(digest),
        "README.md says another digest than {digest}"
    );
    // The clock and an address, which it tells on standard error, are the same as well.
    let again = || both(&["run", "samples/simulation"]);
    assert_eq!(again(), again());
    let native = || cargo_zvm(&["run", "samples/simulation", "--native"]);
    assert_ne!(native(), native(), "natively runs differ");
}

/// The words of all files, counted here in another way.
#[test]
fn wordcount() {
    let said = cargo_zvm(&["run", "samples/wordcount"]);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for name in ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
        let text = fs::read_to_string(root().join(name))
            .expect(name)
            .to_ascii_lowercase();
        for word in text
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty())
        {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    let mut expected = format!(
        "{} words, {} different\n",
        counts.values().sum::<u64>(),
        counts.len()
    );
    let mut order: Vec<_> = counts.into_iter().collect();
    order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (word, count) in order.iter().take(10) {
        expected += &format!("{count:>6}  {word}\n");
    }
    assert_eq!(said, expected);
}

#[test]
fn every_sample_is_tested_and_says_how_it_is_run() {
    let folder = root().join("toolchain/tests");
    let tests: String = fs::read_dir(folder)
        .expect("toolchain/tests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| fs::read_to_string(path).expect("a test"))
        .collect();
    for entry in fs::read_dir(root().join("samples")).expect("samples") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().expect("a name").to_string_lossy();
        // The suite of `cargo zvm bench` has a test of its own.
        if name == "bench" || !folder.is_dir() {
            continue;
        }
        let tested = [format!("\"{name}\""), format!("samples/{name}")];
        assert!(
            tested.iter().any(|text| tests.contains(text)),
            "{name} has no test"
        );
        let head = ["Zvm.toml", "Cargo.toml"]
            .map(|file| fs::read_to_string(folder.join(file)).unwrap_or_default())
            .concat();
        let command = format!("cargo zvm run samples/{name}");
        assert!(
            head.starts_with('#') && head.contains(&command),
            "{name} does not say `{command}`"
        );
    }
}

/// Code made at run time is validated, runs, and is refused where it breaks a rule.
#[test]
fn jit() {
    let text = run("jit");
    assert_eq!(text.matches(": refused\n").count(), 4, "{text}");
    let text = cargo_zvm(&["run", "samples/jit", "--", "(x + 1) * (x - 1) - -7 * 2"]);
    let expected: String = (-2..=5)
        .map(|x: i64| format!("f({x}) = {}\n", (x + 1) * (x - 1) + 14))
        .collect();
    assert!(text.contains(&expected), "{text}");
    // Longer than a bundle many times over.
    let long = vec!["x * 3"; 100].join(" + ");
    let text = cargo_zvm(&["run", "samples/jit", "--", &long]);
    assert!(text.contains("f(5) = 1500\n"), "{text}");
}

#[test]
fn threads() {
    run("threads");
    let again = || cargo_zvm(&["run", "samples/threads", "--", "3", "20000"]);
    let text = again();
    assert!(text.ends_with("2262 primes below 20000\n"), "{text}");
    assert_eq!(text, again(), "the same order in every run");
}
