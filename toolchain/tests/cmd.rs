//! Transcripts of commands: what a person types and sees. `tests/cmd/*.trycmd` are files of them; the book's reference of commands is
//! made of their own help.
//!
//! `TRYCMD=overwrite` writes what the commands say into the transcripts; `BLESS=1` writes the reference.

use std::fmt::Write as _;
use std::path::Path;

/// A transcript's first words, and the executables that they mean.
fn cases() -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    let cargo_zvm = Path::new(env!("CARGO_BIN_EXE_cargo-zvm"));
    let folder = cargo_zvm.parent().expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).expect("no colon in the path");
    cases
        .env("PATH", path.to_string_lossy())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "120")
        // Cargo calls its subcommand so.
        .register_bin("cargo", cargo_zvm)
        .register_bin("cat", Path::new("/bin/cat"))
        .register_bin("zvm", Path::new(env!("CARGO_BIN_EXE_zvm")))
        .register_bin("zvm-cc", Path::new(env!("CARGO_BIN_EXE_zvm-cc")));
    cases
}

#[test]
fn transcripts() {
    // What the outer cargo sets for this test is not the commands'.
    cases().case("tests/cmd/*.trycmd");
}

const WIDTH: usize = 110;

fn reference() -> String {
    let mut text = String::from(
        "# Commands\n\nThe help of every command, as `--help` prints it. `cargo zvm` in a Rust crate also takes cargo's own options \
         ([crates](crates.md)).\n",
    );
    for command in [
        zvm_toolchain::cargo_zvm::cli(),
        zvm_runtime::cli::command(),
        zvm_toolchain::runner::command(),
    ] {
        let name = command
            .get_bin_name()
            .unwrap_or_else(|| command.get_name())
            .to_owned();
        describe(&mut text, command.term_width(WIDTH), &name, 2);
    }
    text
}

fn describe(text: &mut String, mut command: clap::Command, name: &str, depth: usize) {
    command = command.bin_name(name).term_width(WIDTH);
    let help = command.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        text,
        "\n{} {name}\n\n```text\n{}\n```\n",
        "#".repeat(depth),
        lines.join("\n").trim_end()
    );
    let inner: Vec<_> = command.get_subcommands().cloned().collect();
    for subcommand in inner {
        if subcommand.get_name() != "help" && !subcommand.is_hide_set() {
            let name = format!("{name} {}", subcommand.get_name());
            describe(text, subcommand, &name, depth.max(3));
        }
    }
}

#[test]
fn the_books_reference_is_what_the_commands_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/commands.md");
    let wanted = reference();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).expect("commands.md");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "book/src/commands.md is old; `BLESS=1 cargo test --release -p zvm-toolchain --test cmd` writes it"
    );
}
