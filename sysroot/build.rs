//! Builds libzrt for the guest as one object and leaves it in `OUT_DIR` for the crate to embed.
//!
//! libzrt is a member of the workspace as an ordinary library, so that its tests run; as a static library it needs a panic
//! handler, `panic = "abort"` and one fat object, which would clash with the host's builds. Hence a cargo of its own, with
//! its own target folder and an environment in which nothing of the outer build is left.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// Settings of the outer build, or of the user for the host's programs, that must not reach the guest's code.
const FOREIGN: &[&str] = &[
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "CLIPPY_ARGS",
    "RUSTC_LINKER",
    "TARGET",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
];

/// Settings that may.
const KEPT: &[&str] = &["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_TERM_COLOR"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let here =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let workspace = here
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned();
    for input in [
        "libzrt/src",
        "libzrt/Cargo.toml",
        "runtime/abi/src",
        "runtime/abi/Cargo.toml",
        "Cargo.toml",
        "sysroot/build.rs",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let object = build(&workspace, &out.join("zrt"), &target);
    let bytes = fs::read(&object)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", object.display()));
    fs::write(out.join("libzrt.o"), &bytes).expect("OUT_DIR is writable");
    let hash: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!("cargo::rustc-env=ZVM_LIBZRT_SHA256={hash}");
}

/// Runs the inner cargo and returns the object.
fn build(workspace: &Path, target_dir: &Path, target: &str) -> PathBuf {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let of_cargo = text.starts_with("CARGO") && !KEPT.contains(&&*text);
        if of_cargo || text.starts_with("DEP_") || FOREIGN.contains(&&*text) {
            cargo.env_remove(&name);
        }
    }
    // A target by name, even where it is the host's: flags for the host's programs in a user's configuration do not apply,
    // and these replace whatever it says for the target.
    cargo.env(
        "CARGO_ENCODED_RUSTFLAGS",
        "-Crelocation-model=static\x1f-Ctarget-cpu=x86-64\x1f-Cforce-frame-pointers=no",
    );
    cargo.current_dir(workspace);
    cargo.args([
        "rustc",
        "--package",
        "libzrt",
        "--lib",
        "--crate-type",
        "staticlib",
        "--features",
        "guest",
        "--release",
        "--locked",
    ]);
    cargo
        .arg("--target")
        .arg(target)
        .arg("--target-dir")
        .arg(target_dir);
    for setting in [
        "panic=\"abort\"",
        "lto=\"fat\"",
        "codegen-units=1",
        "opt-level=3",
        "debug=false",
        "strip=\"none\"",
    ] {
        cargo
            .arg("--config")
            .arg(format!("profile.release.{setting}"));
    }
    // One object: the archive would bring compiler_builtins' members, which name Rust's unwinder, before musl's and
    // compiler-rt's.
    let object = target_dir.join("libzrt.o");
    cargo
        .arg("--")
        .arg(format!("--emit=obj={}", object.display()));
    let status = cargo
        .status()
        .unwrap_or_else(|error| panic!("cannot start cargo to build libzrt: {error}"));
    assert!(
        status.success(),
        "libzrt does not build for the guest: see cargo's messages above"
    );
    object
}
