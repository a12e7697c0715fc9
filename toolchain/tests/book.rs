//! The book, README and ARCHITECTURE: every link to a file leads to one, every chapter is in the summary, mdBook builds it, and commands
//! print what the book says.
//!
//! `BLESS=1` writes what they printed into the chapters; `ZVM_BOOK=all` also runs those that fetch and build much.

#[path = "book/transcript.rs"]
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Chapters whose commands are run.
const RUN: &[&str] = &[
    "../../README.md",
    "cargo-zvm.md",
    "crates.md",
    "debugging.md",
    "tutorial.md",
    "untrusted.md",
];

/// Chapters whose commands fetch and build much.
const RUN_ALL: &[&str] = &["porting-c.md", "porting-interpreter.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn chapters() -> Vec<PathBuf> {
    let folder = root().join("book/src");
    let entries = fs::read_dir(&folder).expect("book/src");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files
}

/// The targets of `[text](target)` outside of code.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece stands between backquotes.
        let prose: String = line.split('`').step_by(2).collect();
        for piece in prose.split("](").skip(1) {
            if let Some((target, _)) = piece.split_once(')') {
                links.push(target.to_owned());
            }
        }
    }
    links
}

#[test]
fn links_are_found_in_prose_alone() {
    let text = "[a](x.md) `[b](y.md)` [`c`](z.md#part)\n```\n[d](w.md)\n```\n";
    assert_eq!(links(text), ["x.md", "z.md#part"]);
}

#[test]
fn links_lead_to_files() {
    let mut files = chapters();
    files.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut broken = Vec::new();
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("a chapter");
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            if link.contains("://") || path.is_empty() {
                continue;
            }
            count += 1;
            if !file.parent().expect("a folder").join(path).exists() {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    assert!(count >= 8, "only {count} links were found");
}

#[test]
fn every_chapter_is_in_the_summary() {
    let summary = fs::read_to_string(root().join("book/src/SUMMARY.md")).expect("SUMMARY.md");
    let listed = links(&summary);
    for file in chapters() {
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(
            name == "SUMMARY.md" || listed.contains(&name),
            "{name} is not in SUMMARY.md"
        );
    }
}

#[test]
fn commands_print_what_the_book_says() {
    let cargo_zvm = Path::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    let tools = cargo_zvm.parent().expect("a folder");
    let bless = std::env::var_os("BLESS").is_some();
    let all = std::env::var_os("ZVM_BOOK").is_some_and(|value| value == "all");
    let mut errors = String::new();
    let mut chapters = RUN.to_vec();
    if all {
        chapters.extend(RUN_ALL);
    } else {
        println!("skipped: {RUN_ALL:?} fetch and build much; ZVM_BOOK=all runs them");
    }
    for name in chapters {
        match transcript::run(&root().join("book/src").join(name), tools, bless) {
            Ok(commands) => assert!(commands > 3, "{name}: only {commands} commands"),
            Err(said) => errors += &format!("{name}:\n{said}\n"),
        }
    }
    assert!(errors.is_empty(), "{errors}");
}

#[test]
fn mdbook_builds_it() {
    let Ok(version) = Command::new("mdbook").arg("--version").output() else {
        println!("skipped: mdbook is not installed");
        return;
    };
    assert!(version.status.success(), "{version:?}");
    let target = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("mdbook");
    command.arg("build").arg(root().join("book"));
    let done = command
        .arg("-d")
        .arg(target.path())
        .output()
        .expect("mdbook");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && !said.contains("WARN") && !said.contains("ERROR"),
        "{said}"
    );
    for chapter in chapters() {
        let page = chapter.with_extension("html");
        let page = target.path().join(page.file_name().expect("a name"));
        assert!(
            page.exists() || chapter.ends_with("SUMMARY.md"),
            "no {}",
            page.display()
        );
    }
}
