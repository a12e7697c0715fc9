//! Ports are built from upstream's sources and pass their recipes' short checks, sandboxed and native.
//!
//! The sources come from package registries the first time; all is kept in the SDK's cache.

use std::process::{Command, Output, Stdio};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    command
        .args(["zvm", "port"])
        .args(args)
        .env_remove("ZVM_CC")
        .env_remove("ZVM_PORTS")
        .stdin(Stdio::null());
    command
}

fn port(args: &[&str]) -> Output {
    command(args).output().expect("cargo-zvm starts")
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

/// With OpenSSL and five more libraries, minutes of building: only if `ZVM_LARGE_PORTS` is set.
#[test]
fn python() {
    if std::env::var_os("ZVM_LARGE_PORTS").is_none() {
        println!("skipped: the port python is large; ZVM_LARGE_PORTS=1 builds it");
        return;
    }
    let tools = ["make", "tclsh", "cc", "perl", "python3", "apt-get"];
    check("python", &tools);
}

/// As large as Python.
#[test]
fn php() {
    if std::env::var_os("ZVM_LARGE_PORTS").is_none() {
        println!("skipped: the port php is large; ZVM_LARGE_PORTS=1 builds it");
        return;
    }
    check("php", &["make", "tclsh", "cc", "apt-get"]);
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
fn a_packed_port_runs_and_the_table_weighs_it() {
    if !on_path("make") {
        println!("skipped: the port lua needs make, not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lua.zapp");
    let path = file.to_str().expect("UTF-8");
    let output = port(&["pack", "lua", "-o", path, "--", "-e", "print(6 * 7)"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let zvm = Command::new(env!("CARGO_BIN_EXE_zvm"))
        .arg("run")
        .arg(&file)
        .output()
        .expect("zvm starts");
    assert_eq!(String::from_utf8_lossy(&zvm.stdout), "42\n");
    let output = port(&["table", "lua"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let row = text.lines().find(|line| line.starts_with("| lua 5.4"));
    assert_eq!(row.expect("a row").matches(" MB |").count(), 3, "{text}");
}

#[test]
fn a_suite_s_results_say_which_call_is_missing() {
    if !on_path("make") {
        println!("skipped: the port lua needs make, not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let results = folder.path().join("results.json");
    let recipes = folder.path().join("ports");
    let recipe = include_str!("../../sysroot/ports/lua/port.toml");
    // With another suite than its own, and a program that only this suite needs.
    let (recipe, _) = recipe.split_once("\n[suite]").expect("a suite");
    let suite = r#"
[suite]
list = "echo good process"
format = "status"
pack = []
files = { "good.lua" = "print(1)", "process.lua" = "assert(os.execute('true'))" }
args = ["{files}/{test}.lua"]
program = "suite-lua"
timeout = 60

[[suite.step]]
name = "suite-lua"
run = '"$CC" lua.o liblua.a -lm -o suite-lua'

[[suite.programs]]
name = "suite-lua"
output = "suite-lua"
"#;
    std::fs::create_dir_all(recipes.join("lua")).expect("a folder");
    std::fs::write(recipes.join("lua/port.toml"), format!("{recipe}{suite}")).expect("a file");
    let run = |more: &[&str]| {
        let file = results.to_str().expect("UTF-8");
        let mut command = command(&["test", "lua", "--results", file]);
        let output = command.args(more).env("ZVM_PORTS", &recipes).output();
        output.expect("cargo-zvm starts")
    };
    let output = run(&[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let text = std::fs::read_to_string(&results).expect("results");
    for wanted in ["\"pass_natively\":2", "\"left_out\":1", "clone(56)"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(run(&["--verify", "2"]).status.success());
    // What is recorded otherwise is found.
    let wrong = text.replace("\"pass\":1", "\"pass\":3");
    std::fs::write(&results, wrong).expect("a file");
    let output = run(&["--verify", "2"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("other results"),
        "{stderr}"
    );
}

#[test]
fn what_does_not_exist_is_said_with_what_does() {
    let output = port(&["build", "cobol"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("no port `cobol`") && stderr.contains("cargo zvm port list"),
        "{stderr}"
    );
    let output = port(&["info", "sqlite"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("needs: zlib") && stdout.contains("SHA-256"),
        "{stdout}"
    );
}

/// Runs a sample whose program is a port's, sandboxed and natively: both say the same, and that it is what `wanted` says.
fn sample(name: &str, wanted: &[&str]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/");
    let folder = format!("{folder}{name}");
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
        command.args(["zvm", "run"]).arg(&folder).args(more);
        let output = command.stdin(Stdio::null()).output();
        let output = output.expect("cargo-zvm starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let stdout = run(&[]);
    assert_eq!(run(&["--native"]), stdout);
    for text in wanted {
        assert!(stdout.contains(text), "{text}: {stdout}");
    }
}

#[test]
fn a_sample_s_program_may_be_a_port_s() {
    sample(
        "quickjs-orders",
        &["\"orders\": 9", "\"PL 2013-06\": \"212.80\""],
    );
}

#[test]
fn samples_of_large_ports() {
    if std::env::var_os("ZVM_LARGE_PORTS").is_none() {
        println!("skipped: the ports php and python are large; ZVM_LARGE_PORTS=1 builds them");
        return;
    }
    sample("python-mbox", &["5 messages from 3 people in 2 threads"]);
    sample("php-page", &["Aho, Lam, Sethi &amp; Ullman", "8 books"]);
}
