//! The inputs that fuzzing found worth keeping, `runtime/fuzz/corpus`, through the functions that it fuzzes; by themselves, cut
//! short, and with a byte changed.

use std::path::Path;

use zvm_attack::parse;
use zvm_attack::random::Random;

fn corpus(name: &str, parse: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(name);
    let mut random = Random::new(1);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus") {
        let mut bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        parse(&bytes);
        parse(&bytes[..random.below(bytes.len() as u64 + 1) as usize]);
        for _ in 0..8 {
            if let Some(at) = (random.number() as usize).checked_rem(bytes.len()) {
                bytes[at] = random.number() as u8;
            }
            parse(&bytes);
        }
        files += 1;
    }
    assert!(files >= 4, "{}: only {files} files", folder.display());
}

#[test]
fn validator() {
    corpus("validator", parse::validator);
}

#[test]
fn image() {
    corpus("image", parse::image);
}

#[test]
fn application() {
    corpus("application", parse::application);
}

#[test]
fn manifest() {
    corpus("manifest", parse::manifest);
}

#[test]
fn nvram() {
    corpus("nvram", parse::nvram);
}

#[test]
fn tar() {
    corpus("tar", parse::tar);
}
