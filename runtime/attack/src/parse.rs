//! Everything that reads hostile bytes, as functions that must come back whatever the bytes are. `runtime/fuzz` runs them under
//! coverage, the tests run the corpora that it left.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsRawFd as _, FromRawFd};
use std::os::unix::fs::FileExt;

use libzrt::fs::{Tree, tar as archive};
use zvm_abi::layout::PAGE;
use zvm_validator::{BUNDLE, Level, bitmap_len, validate};

use crate::ask::BASE;
use crate::oracle;

/// The validator, compared with iced-x86: the first byte is the level, the rest is bundles. Every accepted unit keeps the rules in
/// the other decoder's terms; starts and targets say the same when only one bundle is checked.
///
/// # Panics
/// If not.
pub fn validator(data: &[u8]) {
    let Some((&first, code)) = data.split_first() else {
        return;
    };
    let level = crate::ask::LEVELS[usize::from(first & 3)];
    let mut text = code.to_vec();
    text.resize(text.len().next_multiple_of(BUNDLE), 0xF4);
    let mut scratch = vec![0; bitmap_len(text.len())];
    match validate(&text, BASE, level, &mut scratch) {
        Ok(_) => units(&text, &scratch, level),
        Err(rejected) => {
            assert!(
                rejected.offset < text.len().max(1)
                    && rejected.offset + rejected.length <= text.len()
            );
            // What stands before the rejected bundle is good by itself, but for targets.
            let good = rejected.offset / BUNDLE * BUNDLE;
            let again = validate(&text[..good], BASE, level, &mut scratch);
            assert!(again.is_ok() || again.is_err_and(|again| again.offset < good));
        }
    }
}

fn units(text: &[u8], starts: &[u8], level: Level) {
    let is_start = |at: usize| starts[at / 8] >> (at % 8) & 1 == 1;
    let all: Vec<usize> = (0..text.len())
        .filter(|&at| is_start(at))
        .chain([text.len()])
        .collect();
    for unit in all.windows(2) {
        let (start, length) = (unit[0], unit[1] - unit[0]);
        assert_eq!(
            start / BUNDLE,
            (unit[1] - 1) / BUNDLE,
            "a unit crosses its bundle"
        );
        let unit = &text[start..unit[1]];
        let ip = u64::from(BASE) + start as u64;
        if let Some(why) = oracle::objection(unit, length, level as u32 + 1, ip) {
            panic!("{unit:02x?}: {why}");
        }
    }
}

/// A file in memory with these bytes, and its name.
fn file(data: &[u8]) -> (File, String) {
    // SAFETY: a name and flags; the descriptor is new and becomes the file's.
    let file = unsafe {
        let fd = libc::memfd_create(c"hostile".as_ptr(), 0);
        assert!(fd >= 0);
        File::from_raw_fd(fd)
    };
    file.write_all_at(data, 0).expect("memory");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    (file, path)
}

/// An application's system map, its files, and the snapshot behind them.
///
/// # Panics
/// If a range of the snapshot is not whole pages, in order, inside the file.
pub fn application(data: &[u8]) {
    let (file, path) = file(data);
    let _ = zvm_runtime::zapp::read::open(path.as_ref());
    let length = data.len() as u64;
    if let Ok(Some(memory)) = zvm_runtime::zapp::memory::Memory::read(&file, length) {
        let mut last = 0;
        for range in &memory.ranges {
            let whole = [range.start, range.end, range.offset].map(|at| at % PAGE);
            assert_eq!(whole, [0; 3]);
            assert!(last <= range.start && range.start < range.end);
            assert!(range.offset + (range.end - range.start) <= length);
            last = range.end;
        }
    }
}

/// The image's headers.
///
/// # Panics
/// If what they say of text is not so.
pub fn image(data: &[u8]) {
    let (_file, path) = file(data);
    if let Ok(image) = zvm_runtime::image::Image::open(path.as_ref()) {
        let text = image.read_text().expect("its headers were checked");
        assert_eq!(text.len() as u64, image.text.size);
        assert!(image.end() <= zvm_abi::layout::SANDBOX_END);
    }
}

/// ZeroVM's manifest.
pub fn manifest(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = zvm_runtime::zerovm::manifest::Manifest::parse(text);
        let _ = zvm_runtime::ChannelSpec::parse(text);
    }
}

/// The nvram file, by the runtime's reader and by libzrt's.
pub fn nvram(data: &[u8]) {
    let _ = zvm_runtime::zerovm::nvram::UserNvram::parse(data);
    let _ = libzrt::nvram::Nvram::parse(data);
}

/// A tar image, as libzrt mounts it.
pub fn tar(data: &[u8]) {
    // SAFETY: the tree, which alone holds the bytes, is gone before they are.
    let data = unsafe { std::slice::from_raw_parts(data.as_ptr(), data.len()) };
    let mut tree = Tree::new(Default::default());
    let _ = archive::load(&mut tree, 0, data);
    // Directories of an index are read when somebody looks into them, and have more.
    for id in 0.. {
        if tree.node(id).is_err() && id as usize >= tree.len() {
            break;
        }
        let _ = tree.look_into(id);
    }
}
