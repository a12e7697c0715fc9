//! Links that change nothing: an image says behind its end what it was made from, so that a link which comes to the same ELF
//! keeps it and costs no rewriting.
//!
//! No reader of ELF looks there. The last bytes are [`MAGIC`], the digest of all that decides the image, and the digest of the
//! image itself: whatever was done to the file since, by `strip` or by a person, makes it another one.

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use zvm_rewriter::Options;

const MAGIC: [u8; 8] = *b"ZVM\0from";
const DIGEST: usize = blake3::OUT_LEN;

/// The digest of all that decides an image: the linked ELF, the options, and the rewriter.
pub struct Origin([u8; DIGEST]);

impl Origin {
    /// Of the image that [`zvm_rewriter::rewrite`] makes of `elf`.
    pub fn of(elf: &[u8], options: &Options) -> Origin {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{} {options:?}\n", zvm_rewriter::NAME).as_bytes());
        hasher.update(elf);
        Origin(hasher.finalize().into())
    }

    /// Whether the file at `output` is the image that would be made, unharmed. Then its time becomes now, as a linker's output's
    /// does.
    pub fn stands_at(&self, output: &Path) -> bool {
        let is_file = fs::metadata(output).is_ok_and(|metadata| metadata.is_file());
        let Some(file) = is_file.then(|| fs::read(output).ok()).flatten() else {
            return false;
        };
        let known = file
            .split_last_chunk::<DIGEST>()
            .is_some_and(|(rest, image)| {
                rest.strip_suffix(&self.0)
                    .and_then(|rest| rest.strip_suffix(&MAGIC))
                    .is_some_and(|rest| blake3::hash(rest) == *image)
            });
        let touch = || {
            File::options()
                .append(true)
                .open(output)?
                .set_modified(SystemTime::now())
        };
        known && touch().is_ok()
    }

    /// Says behind the image's end where it comes from.
    pub fn sign(&self, image: &mut Vec<u8>) {
        let digest = blake3::hash(image);
        image.extend_from_slice(&MAGIC);
        image.extend_from_slice(&self.0);
        image.extend_from_slice(digest.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_image_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        let options = Options::default();
        let origin = Origin::of(b"elf", &options);
        assert!(!origin.stands_at(&path));
        let mut image = b"image".to_vec();
        origin.sign(&mut image);
        fs::write(&path, &image).unwrap();
        assert!(origin.stands_at(&path));
        let strip = Options {
            strip: true,
            ..Options::default()
        };
        assert!(!Origin::of(b"elf", &strip).stands_at(&path));
        assert!(!Origin::of(b"fle", &options).stands_at(&path));
        image[0] ^= 1;
        fs::write(&path, &image).unwrap();
        assert!(!origin.stands_at(&path));
        fs::write(&path, b"image").unwrap();
        assert!(!origin.stands_at(&path));
    }
}
