//! `cargo zvm bench`: its command line, and that every program of the suite builds and gives the same in the sandbox.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn bench(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    command.args(["zvm", "bench"]).args(args);
    command
        .env_remove("ZVM_CC")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("cargo-zvm starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder_with(file: &str, source: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join(file), source).expect("a file");
    dir
}

#[test]
fn every_program_of_the_suite_gives_the_same_in_the_sandbox() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = text(&bench(here, &["--list"]).stdout);
    assert!(all.lines().count() >= 20, "{all}");
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let (names, skipped): (Vec<&str>, Vec<&str>) = all
        .lines()
        .partition(|name| *name != "avx2" || info.contains(" avx2 "));
    for name in skipped {
        println!("skipped: {name} needs a CPU with AVX2");
    }
    let mut args = names.clone();
    args.extend(["--quick", "--pairs", "1", "--json"]);
    let output = bench(here, &args);
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let programs = report["programs"].as_array().expect("an array");
    for name in names {
        let ran = |row: &&serde_json::Value| {
            let row = row["name"].as_str().unwrap_or("");
            row.split('/').next() == Some(name)
        };
        let row = programs.iter().find(ran);
        let row = row.unwrap_or_else(|| panic!("{name} did not run\n{stderr}"));
        for side in ["native", "sandboxed"] {
            let times = row[side]["wall_seconds"].as_array().expect("an array");
            assert_eq!(times.len(), 1, "{name}");
        }
    }
    assert!(report["geomean"]["sandboxed"].is_number());
}

#[test]
fn a_file_is_measured_with_arguments_and_in_turn() {
    let dir = folder_with(
        "say.c",
        "#include <stdio.h>\nint main(int c, char **v) { puts(c > 1 ? v[1] : \"?\"); }\n",
    );
    let output = bench(dir.path(), &["say.c", "--pairs", "2", "--", "word"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let lines: Vec<_> = table.lines().collect();
    assert!(
        lines[0].starts_with("program") && lines[1].starts_with("say") && lines.len() == 5,
        "{table}"
    );
    assert!(lines[2].starts_with("geomean"), "{table}");
    let output = bench(dir.path(), &["say.c", "--pairs", "2", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let row = &report["programs"][0];
    assert_eq!(
        row["native"]["cpu_seconds"].as_array().map(Vec::len),
        Some(2)
    );
    let size = |name: &str| row["text_bytes"][name].as_u64().expect("a number");
    assert!(0 < size("native") && size("native") < size("linked"));
    assert!(size("linked") < size("image"));
}

#[test]
fn another_output_or_a_failure_is_an_error() {
    let dir = folder_with("broken.c", "int main(void) { return }\n");
    let output = bench(dir.path(), &["broken.c"]);
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("broken.c:"),
        "{}",
        text(&output.stderr)
    );

    // Only the sandbox's clock starts where this says.
    let dir = folder_with(
        "clock.c",
        "#include <stdio.h>\n#include <time.h>\nint main(void) { puts(\"time\"); printf(\"%d\\n\", time(0) < 1500000000); }\n",
    );
    let output = bench(dir.path(), &["clock.c", "--pairs", "1"]);
    let stderr = text(&output.stderr);
    assert!(!output.status.success());
    assert!(
        stderr.contains("clock") && stderr.contains("line 2") && stderr.contains("sandboxed"),
        "{stderr}"
    );

    let dir = folder_with("fails.c", "int main(void) { return 3; }\n");
    let stderr = text(&bench(dir.path(), &["fails.c"]).stderr);
    assert!(
        stderr.contains("native program") && stderr.contains('3'),
        "{stderr}"
    );
    let output = bench(dir.path(), &["no-such-program"]);
    let stderr = text(&output.stderr);
    assert!(!output.status.success());
    assert!(
        stderr.contains("no-such-program") && stderr.contains("--list"),
        "{stderr}"
    );
}

#[test]
fn the_systems_own_build_is_one_more_column() {
    let dir = folder_with(
        "p.cpp",
        "#include <iostream>\n#include <vector>\nint main() { std::vector<int> v{1, 2}; std::cout << v.size() << '\\n'; }\n",
    );
    let paths = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&paths).any(|folder| folder.join("g++").is_file()) {
        println!("skipped: --against glibc needs g++, which is not installed");
        return;
    }
    let output = bench(
        dir.path(),
        &["p.cpp", "--pairs", "1", "--against", "glibc", "--json"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(report["programs"][0]["glibc"]["ratio"].is_number());
}
