//! What the suite builds, given to the validator as it stands in the file, at the level that the image names.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Arguments, Failed, Trial};
use object::Endianness;
use object::elf::{FileHeader64, PF_X, PT_LOAD, PT_NOTE};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use zvm_validator::{Level, bitmap_len, validate};

/// Images that were accepted.
static ACCEPTED: AtomicUsize = AtomicUsize::new(0);

/// Has the image in this file validated.
///
/// # Errors
/// It is no image, or breaks a rule: the address, the bytes and the rule.
pub fn check(image: &Path) -> Result<(), Failed> {
    let file = std::fs::read(image)?;
    let text = verdict(&file).map_err(|error| format!("{}: {error}", image.display()))?;
    assert!(text > 0, "an image has text");
    ACCEPTED.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// The size of its text, if that is accepted.
fn verdict(file: &[u8]) -> Result<usize, String> {
    let header = FileHeader64::<Endianness>::parse(file).map_err(|e| e.to_string())?;
    let endian = header.endian().map_err(|e| e.to_string())?;
    let segments = header.program_headers(endian, file);
    let (mut level, mut text) = (None, None);
    for segment in segments.map_err(|e| e.to_string())? {
        let bytes = segment.data(endian, file);
        let bytes = bytes.map_err(|()| "a segment lies outside the file")?;
        match segment.p_type(endian) {
            // Its descriptor is at its end: version and level.
            PT_NOTE => level = bytes.last_chunk::<4>().map(|l| u32::from_le_bytes(*l)),
            PT_LOAD if segment.p_flags(endian) & PF_X != 0 => {
                text = Some((bytes, segment.p_vaddr(endian) as u32));
            }
            _ => {}
        }
    }
    let level = level.and_then(|level| Level::try_from(level).ok());
    let (level, (text, base)) = level.zip(text).ok_or("no note or no text")?;
    let mut starts = vec![0; bitmap_len(text.len())];
    match validate(text, base, level, &mut starts) {
        Ok(_) => Ok(text.len()),
        Err(rejected) => Err(format!("rejected: {rejected:?}")),
    }
}

/// Runs the trials, and last the one that says how many images were accepted.
pub fn run(arguments: &Arguments, trials: Vec<Trial>) -> ExitCode {
    let done = libtest_mimic::run(arguments, trials);
    if arguments.list || done.num_passed + done.num_failed == 0 {
        return done.exit_code();
    }
    let every = Trial::test("the_validator_accepts_every_image", || {
        match ACCEPTED.load(Ordering::Relaxed) {
            0 => Err("none was given to it".into()),
            count => {
                println!("the validator accepts {count} images");
                Ok(())
            }
        }
    });
    let arguments = Arguments {
        filter: None,
        skip: Vec::new(),
        ..arguments.clone()
    };
    let last = libtest_mimic::run(&arguments, vec![every]);
    if done.has_failed() {
        done.exit_code()
    } else {
        last.exit_code()
    }
}
