//! The digest of final memory: address and bytes of every page that the guest can write and that is not all zero, by
//! address. Which pages the host happens to hold makes no difference; /proc/self/pagemap only says where to look.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;

use zvm_abi::layout;

use crate::digest::{self, Algorithm, Hasher};
use crate::image::Access;
use crate::space::{self, Region};

/// Pages of the map read at a time.
const WINDOW: usize = 4096;
/// Bits of an entry that say that the page has contents: present, swapped.
const HELD: u64 = 1 << 63 | 1 << 62;

/// What the digest needs, taken before the guest starts.
pub struct MemoryDigest {
    pagemap: File,
    window: Vec<u8>,
    hasher: Box<Hasher>,
}

impl MemoryDigest {
    /// Opens the map.
    ///
    /// # Errors
    /// The host's.
    pub fn new(algorithm: Algorithm) -> io::Result<MemoryDigest> {
        Ok(MemoryDigest {
            pagemap: File::open("/proc/self/pagemap")?,
            window: vec![0; WINDOW * 8],
            hasher: Box::new(Hasher::new(algorithm)),
        })
    }

    /// The map's descriptor.
    pub fn fd(&self) -> RawFd {
        self.pagemap.as_raw_fd()
    }

    /// The digest of all that the guest can write in `regions`, which are sorted; code that Jail made executable counts
    /// too.
    ///
    /// # Errors
    /// The host's.
    pub fn of(&mut self, regions: &[Region]) -> io::Result<[u8; digest::BYTES]> {
        for region in regions
            .iter()
            .filter(|region| region.access == Access::ReadWrite)
        {
            let mut at = region.start;
            while at < region.end {
                let pages = ((region.end - at) / layout::PAGE).min(WINDOW as u64) as usize;
                let window = &mut self.window[..pages * 8];
                self.pagemap.read_exact_at(window, at / layout::PAGE * 8)?;
                for (index, entry) in window.chunks_exact(8).enumerate() {
                    let entry = entry.try_into().map_or(HELD, u64::from_le_bytes);
                    if entry & HELD != 0 {
                        add(&mut self.hasher, at + index as u64 * layout::PAGE);
                    }
                }
                at += pages as u64 * layout::PAGE;
            }
        }
        Ok(self.hasher.finish())
    }
}

fn add(hasher: &mut Hasher, page: u64) {
    // SAFETY: a page of the guest's memory, readable, and the guest does not run any more.
    let bytes = unsafe { std::slice::from_raw_parts(space::pointer(page), layout::PAGE as usize) };
    // SAFETY: any bytes are words.
    let (_, words, _) = unsafe { bytes.align_to::<u64>() };
    if words.iter().any(|&word| word != 0) {
        hasher.update(&page.to_le_bytes());
        hasher.update(bytes);
    }
}
