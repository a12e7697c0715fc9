//! Names the rewriter by its source: an image that one rewriter made is none of another's.

use std::io;
use std::path::Path;

#[path = "../runtime/abi/build/sources.rs"]
mod sources;

fn main() -> io::Result<()> {
    // What the rewriter uses of others is named by its versions.
    const LOCK: &str = "../Cargo.lock";
    let mut paths = vec!["build.rs", "src"];
    if Path::new(LOCK).exists() {
        paths.push(LOCK);
    }
    println!("cargo:rustc-env=ZVM_REWRITER={}", sources::name(&paths)?);
    Ok(())
}
