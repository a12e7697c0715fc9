//! The guest's memory at its end, in a file in memory: an address is an offset there, and what was not copied is a hole.
//!
//! The instance's signal handler copies by `pwrite`, whose source is the guest's memory: the kernel checks it, so a stack pointer
//! that points nowhere costs an error number and nothing else.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use zvm_abi::layout;

use crate::channel;
use crate::image::Access;
use crate::limits;
use crate::space::{self, Plan};

/// The parent's side.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    /// Whether everything is wanted: for a core file, or for instances that are to begin with it.
    pub whole: bool,
}

impl Snapshot {
    /// An empty one.
    ///
    /// # Errors
    /// The host's.
    pub fn new(whole: bool) -> io::Result<Snapshot> {
        Ok(Snapshot {
            file: channel::memory_file(c"zvm-snapshot")?,
            whole,
        })
    }

    /// The instance needs it open.
    pub fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Eight bytes of the guest's memory; zero where nothing was copied, `None` outside the sandbox.
    pub fn word(&self, address: u64) -> Option<u64> {
        if address > layout::SANDBOX_END - 8 {
            return None;
        }
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, address).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// What was copied, as ranges of addresses.
    ///
    /// # Errors
    /// The host's.
    pub fn ranges(&self) -> io::Result<Vec<(u64, u64)>> {
        let seek = |from: u64, whence| {
            // SAFETY: integers; the descriptor is open.
            let at = unsafe { libc::lseek(self.file.as_raw_fd(), from as i64, whence) };
            u64::try_from(at).map_err(|_| io::Error::last_os_error())
        };
        let mut ranges = Vec::new();
        let mut at = 0;
        loop {
            let start = match seek(at, libc::SEEK_DATA) {
                Ok(start) => start,
                Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Ok(ranges),
                Err(error) => return Err(error),
            };
            at = seek(start, libc::SEEK_HOLE)?;
            ranges.push((start, at));
        }
    }

    /// Copies a range of it.
    ///
    /// # Errors
    /// The host's.
    pub fn read(&self, buffer: &mut [u8], address: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, address)
    }
}

/// Whole pages of sorted ranges. Gaps of up to `near` bytes are filled, and the smallest of the others until no more than `most` ranges
/// are left, but only those, by their start and end, that `fill` takes.
pub fn joined(
    ranges: &[(u64, u64)],
    near: u64,
    most: usize,
    fill: impl Fn(u64, u64) -> bool,
) -> Vec<(u64, u64)> {
    let whole = |&(start, end): &(u64, u64)| {
        let start = start & !(layout::PAGE - 1);
        (start, end.next_multiple_of(layout::PAGE))
    };
    let mut pages: Vec<_> = ranges.iter().map(whole).collect();
    join(&mut pages, |end, start| {
        start <= end || (start - end <= near && fill(end, start))
    });
    let more = pages.len().saturating_sub(most);
    let gaps = pages.windows(2).map(|pair| (pair[0].1, pair[1].0));
    let mut gaps: Vec<_> = gaps.filter(|&(end, start)| fill(end, start)).collect();
    gaps.sort_by_key(|(end, start)| start - end);
    gaps.truncate(more);
    gaps.sort_unstable();
    join(&mut pages, |end, start| {
        gaps.binary_search(&(end, start)).is_ok()
    });
    pages
}

/// Makes one of neighbours between which `at` says so, asked with the end of the one and the start of the other.
fn join(ranges: &mut Vec<(u64, u64)>, at: impl Fn(u64, u64) -> bool) {
    ranges.dedup_by(|next, last| {
        let one = at(last.1, next.0);
        if one {
            last.1 = last.1.max(next.1);
        }
        one
    });
}

/// What the instance's handler needs, made before the guest starts.
struct Orders {
    pagemap: Option<File>,
    regions: Vec<(u64, u64)>,
}

static FILE: AtomicI32 = AtomicI32::new(-1);
static ORDERS: AtomicPtr<Orders> = AtomicPtr::new(ptr::null_mut());

/// The instance's side: prepares. The answer is one more descriptor that must stay open.
///
/// # Errors
/// The host's: everything is only found through /proc/self/pagemap.
pub fn prepare(snapshot: &Snapshot, plan: &Plan) -> io::Result<Option<RawFd>> {
    let pagemap = match snapshot.whole {
        true => Some(File::open("/proc/self/pagemap")?),
        false => None,
    };
    let fd = pagemap.as_ref().map(AsRawFd::as_raw_fd);
    let regions = plan.regions.iter();
    let regions = regions.filter(|region| region.access == Access::ReadWrite);
    let orders = Orders {
        pagemap,
        regions: regions.map(|region| (region.start, region.end)).collect(),
    };
    // They live as long as the process.
    ORDERS.store(Box::into_raw(Box::new(orders)), Ordering::Relaxed);
    FILE.store(snapshot.fd(), Ordering::Relaxed);
    Ok(fd)
}

/// The handler's part: copies. Async-signal-safe: system calls and a buffer on the handler's stack.
pub fn take(rsp: u64) {
    let fd = FILE.load(Ordering::Relaxed);
    if fd < 0 {
        return;
    }
    let start = rsp & !(layout::PAGE - 1);
    let end = layout::SANDBOX_END.min(start.saturating_add(limits::STACK_COPY));
    if start < end {
        copy(fd, start, end);
    }
    // SAFETY: null, or made by `prepare` and never freed.
    let Some(orders) = (unsafe { ORDERS.load(Ordering::Relaxed).as_ref() }) else {
        return;
    };
    if orders.pagemap.is_some() {
        take_all();
    }
}

/// Copies all that the guest can write; whether that worked. As [`take`]; it takes a snapshot that was prepared as a whole.
pub fn take_all() -> bool {
    let fd = FILE.load(Ordering::Relaxed);
    // SAFETY: null, or made by `prepare` and never freed.
    let Some(orders) = (unsafe { ORDERS.load(Ordering::Relaxed).as_ref() }) else {
        return false;
    };
    let Some(pagemap) = &orders.pagemap else {
        return false;
    };
    let mut regions = orders.regions.iter();
    regions.all(|&(start, end)| copy_held(fd, pagemap.as_raw_fd(), start, end))
}

/// Copies the pages that the host holds, and says whether that worked: those that the guest has never touched are zero, and a hole is, too.
fn copy_held(fd: RawFd, pagemap: RawFd, start: u64, end: u64) -> bool {
    const ENTRIES: usize = 512;
    /// Bits of an entry that say that the page has contents: present, swapped.
    const HELD: u64 = 1 << 63 | 1 << 62;
    let mut entries = [0u64; ENTRIES];
    let mut at = start;
    while at < end {
        let count = ((end - at) / layout::PAGE).min(ENTRIES as u64) as usize;
        // SAFETY: the buffer has room for that many.
        let got = unsafe {
            libc::pread(
                pagemap,
                entries.as_mut_ptr().cast(),
                count * 8,
                (at / layout::PAGE * 8) as i64,
            )
        };
        if got != count as isize * 8 {
            return false;
        }
        let mut index = 0;
        while index < count {
            let address = |index: usize| at + index as u64 * layout::PAGE;
            // A huge page is held as a whole.
            let run = (index..count)
                .take_while(|&index| entries[index] & HELD != 0 && !is_zero(address(index)))
                .count();
            if run > 0 {
                let from = address(index);
                if !copy(fd, from, from + run as u64 * layout::PAGE) {
                    return false;
                }
            }
            index += run.max(1);
        }
        at += count as u64 * layout::PAGE;
    }
    true
}

/// Whether a page of the guest's, which is mapped and held, is all zero.
fn is_zero(address: u64) -> bool {
    let words = layout::PAGE as usize / 8;
    // SAFETY: the guest can write there, so it is mapped, and it is memory of this process's own or a file's that nobody changes; the
    // guest, the only one who writes it, has stopped.
    let page = unsafe { std::slice::from_raw_parts(space::pointer(address).cast::<u64>(), words) };
    page.iter().all(|&word| word == 0)
}

/// Copies as far as the memory is there; whether that is all.
fn copy(fd: RawFd, mut start: u64, end: u64) -> bool {
    while start < end {
        // SAFETY: the kernel reads the guest's memory and answers EFAULT where there is none.
        let done = unsafe {
            libc::pwrite(
                fd,
                space::pointer(start).cast(),
                (end - start) as usize,
                start as i64,
            )
        };
        match u64::try_from(done) {
            Ok(done) if done > 0 => start += done,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_become_pages_and_never_too_many() {
        let ranges = [(0x1000, 0x1010), (0x2000, 0x3000), (0x9000, 0x9001)];
        let all = |_, _| true;
        assert_eq!(
            joined(&ranges, 0, 9, all),
            [(0x1000, 0x3000), (0x9000, 0xa000)]
        );
        let many: Vec<_> = (0..200_000u64)
            .map(|n| (n * 0x2000, n * 0x2000 + 1))
            .collect();
        assert_eq!(joined(&many, 0, 65_000, all).len(), 65_000);
    }

    #[test]
    fn near_ranges_are_one_and_then_the_nearest() {
        let page = |number| number * layout::PAGE;
        let ranges = [1, 2, 5, 11, 12, 20].map(|number| (page(number), page(number + 1)));
        let numbers = |most, fill: &dyn Fn(u64, u64) -> bool| {
            let joined = joined(&ranges, page(2), most, fill).into_iter();
            let numbers = joined.map(|(start, end)| (start / layout::PAGE, end / layout::PAGE));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(numbers(9, &|_, _| true), [(1, 6), (11, 13), (20, 21)]);
        assert_eq!(numbers(2, &|_, _| true), [(1, 13), (20, 21)]);
        let not_there = |end, _| end != page(6);
        assert_eq!(numbers(2, &not_there), [(1, 6), (11, 21)]);
    }

    #[test]
    fn what_was_copied_is_found_and_holes_are_zero() {
        let snapshot = Snapshot::new(false).unwrap();
        snapshot.file.write_all_at(&[7; 4096], 0x1_0000).unwrap();
        snapshot.file.write_all_at(&[1; 8], 0x5000_0000).unwrap();
        assert_eq!(
            snapshot.ranges().unwrap(),
            [(0x1_0000, 0x1_1000), (0x5000_0000, 0x5000_0008)]
        );
        assert_eq!(snapshot.word(0x1_0ff8), Some(0x0707_0707_0707_0707));
        assert_eq!(snapshot.word(0x2_0000), Some(0));
        assert_eq!(snapshot.word(u64::MAX), None);
    }
}
