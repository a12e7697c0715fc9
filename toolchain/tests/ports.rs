//! Ports are built from upstream's sources and pass their recipes' short checks, sandboxed and native.
//!
//! The sources come from package registries the first time; all is kept in the SDK's cache.

use std::process::{Command, Output, Stdio};

fn port(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-zvm"))
        .args(["zvm", "port"])
        .args(args)
        .env_remove("ZVM_CC")
        .stdin(Stdio::null())
        .output()
        .expect("cargo-zvm starts")
}

fn on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| dir.join(program).is_file())
}

/// Builds the port and runs its checks, if the machine has what its build needs.
fn check(name: &str, tools: &[&str]) {
    let missing: Vec<_> = tools.iter().filter(|tool| !on_path(tool)).collect();
    if !missing.is_empty() {
        println!("skipped: the port {name} needs {missing:?}, not installed");
        return;
    }
    let output = port(&["test", "--smoke", name]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("sandboxed and native"), "{stdout}{stderr}");
}

#[test]
fn lua() {
    check("lua", &["make"]);
}

#[test]
fn quickjs() {
    check("quickjs", &[]);
}

#[test]
fn sqlite() {
    check("sqlite", &["make", "tclsh", "cc", "apt-get"]);
}

#[test]
fn python() {
    let tools = ["make", "tclsh", "cc", "perl", "python3", "apt-get"];
    check("python", &tools);
}

#[test]
fn a_program_s_exit_status_and_files_are_the_caller_s() {
    if !on_path("make") {
        println!("skipped: the port lua needs make, not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.lua"), "print(...) os.exit(7)").expect("a file");
    let mount = format!("{}:/in:ro", folder.path().display());
    let output = port(&["run", "lua", "--mount", &mount, "--", "/in/a.lua", "x"]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "x\n");
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    let output = port(&["build", "cobol"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("no port `cobol`") && stderr.contains("lua"),
        "{stderr}"
    );
    let output = port(&["info", "sqlite"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("needs: zlib") && stdout.contains("SHA-256"),
        "{stdout}"
    );
}
