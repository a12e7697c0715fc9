//! Which pages of the heap are taken, by whom and with what protection: one byte a page.
//!
//! Nothing here allocates, because the allocator itself takes its pages from this table. brk grows from the bottom,
//! mappings and the allocator's pages grow down from the top.

use zvm_abi::layout::PAGE;

/// The page is taken.
const USED: u8 = 1;
/// It may hold something else than zeros.
const DIRTY: u8 = 2;
/// It belongs to the library OS: the program's calls may not touch it.
const KERNEL: u8 = 4;
/// Largest request of the library OS, in bytes, that may use the reserve.
pub const SMALL: u64 = 64 * 1024;
/// Protection bits are `PROT_READ | PROT_WRITE | PROT_EXEC` shifted by this.
const PROT_SHIFT: u32 = 3;
/// `PROT_READ`.
pub const READ: u8 = 1;
/// `PROT_WRITE`.
pub const WRITE: u8 = 2;
/// `PROT_EXEC`.
pub const EXEC: u8 = 4;

/// The page table of the heap.
pub struct Pages {
    /// Address of page 0.
    base: u64,
    /// Where the guest's address 0 lies for this process: 0 in the sandbox, an offset into an arena in tests.
    delta: usize,
    flags: &'static mut [u8],
    /// First page that mappings may take: brk's end.
    floor: usize,
    /// No page in `[floor, low)` is taken.
    low: usize,
    /// No page from here on is free.
    top: usize,
    /// `[low, top)` has no run of this many free pages.
    no_gap: usize,
    /// Pages taken by the program (not by the library OS).
    used: usize,
    /// Free pages.
    free: usize,
    /// Free pages that only small requests of the library OS get: it must answer also when memory is full.
    reserve: usize,
    /// How much of that small requests get now.
    reserve_use: Reserve,
}

/// What the small requests of the library OS get of the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// All: they are its own.
    Used,
    /// A half: they are for bytes of the program whose pages will be free at once.
    Lent,
    /// Nothing: they are for what the program keeps.
    Kept,
}

impl Pages {
    /// A table for the pages from `base`, all free and zero; one byte of `flags` a page.
    ///
    /// # Safety
    /// The pages, seen from this process at `base + delta`, are mapped read-write, zero, and used through this table only.
    pub unsafe fn new(base: u64, delta: usize, flags: &'static mut [u8]) -> Pages {
        let count = flags.len();
        Pages {
            base,
            delta,
            flags,
            floor: 0,
            low: count,
            top: count,
            no_gap: usize::MAX,
            used: 0,
            free: count,
            reserve: 0,
            reserve_use: Reserve::Used,
        }
    }

    /// Keeps this many bytes for requests of up to [`SMALL`] bytes of the library OS.
    pub fn set_reserve(&mut self, size: u64) {
        self.reserve = (size / PAGE) as usize;
    }

    /// What small requests of the library OS get of the reserve from now on.
    pub fn set_reserve_use(&mut self, reserve_use: Reserve) {
        self.reserve_use = reserve_use;
    }

    /// Whether `count` more pages leave the reserve alone.
    fn spare(&self, count: usize) -> bool {
        self.free.saturating_sub(self.reserve) >= count
    }

    /// First address.
    pub fn start(&self) -> u64 {
        self.base
    }

    /// Exclusive end.
    pub fn end(&self) -> u64 {
        self.base + self.flags.len() as u64 * PAGE
    }

    /// Bytes that the program may still take.
    pub fn free_bytes(&self) -> u64 {
        self.free.saturating_sub(self.reserve) as u64 * PAGE
    }

    /// Bytes that the program took.
    pub fn used_bytes(&self) -> u64 {
        self.used as u64 * PAGE
    }

    /// Page numbers of a range of whole pages inside the heap.
    fn range(&self, address: u64, size: u64) -> Option<core::ops::Range<usize>> {
        let start = address.checked_sub(self.base)?;
        let end = start.checked_add(size)?;
        let inside = start % PAGE == 0 && end % PAGE == 0 && end <= self.flags.len() as u64 * PAGE;
        inside.then_some((start / PAGE) as usize..(end / PAGE) as usize)
    }

    /// Takes `size` bytes (whole pages) at the highest free place; zero-filled. `None` if there is no room.
    pub fn take(&mut self, size: u64, prot: u8) -> Option<u64> {
        let count = (size / PAGE) as usize;
        let start = self.spare(count).then(|| self.find(count))??;
        let address = self.base + start as u64 * PAGE;
        self.mark(start..start + count, USED | prot << PROT_SHIFT);
        Some(address)
    }

    /// [`Self::take`] at a multiple of `align`, a power of two of at least a page.
    pub fn take_aligned(&mut self, size: u64, align: u64, prot: u8) -> Option<u64> {
        let floor = self.base + self.floor as u64 * PAGE;
        let mut address = self.end().checked_sub(size)? & !(align - 1);
        while address >= floor {
            if self.is_free(address, size) {
                return self.take_at(address, size, prot).then_some(address);
            }
            address = address.checked_sub(align)?;
        }
        None
    }

    /// [`Self::take`] for the library OS itself.
    pub fn take_kernel(&mut self, size: u64) -> Option<u64> {
        let count = (size / PAGE) as usize;
        let kept = match self.reserve_use {
            Reserve::Used if size <= SMALL => 0,
            Reserve::Lent if size <= SMALL => self.reserve / 2,
            _ => self.reserve,
        };
        if self.free.saturating_sub(kept) < count {
            return None;
        }
        let start = self.find(count)?;
        self.mark(
            start..start + count,
            USED | KERNEL | (READ | WRITE) << PROT_SHIFT,
        );
        Some(self.base + start as u64 * PAGE)
    }

    /// Takes exactly this range for the program; zero-filled. False if it is not free, or not inside.
    pub fn take_at(&mut self, address: u64, size: u64, prot: u8) -> bool {
        let Some(range) = self.range(address, size) else {
            return false;
        };
        if !self.spare(range.len())
            || self.flags[range.clone()]
                .iter()
                .any(|flags| flags & USED != 0)
        {
            return false;
        }
        self.mark(range, USED | prot << PROT_SHIFT);
        true
    }

    /// Gives a range back; pages in it that are free stay free. False if it is not inside or the library OS owns a part.
    pub fn release(&mut self, address: u64, size: u64) -> bool {
        let Some(range) = self.range(address, size) else {
            return false;
        };
        if self.flags[range.clone()]
            .iter()
            .any(|flags| flags & KERNEL != 0)
        {
            return false;
        }
        self.free(range);
        true
    }

    /// Gives back what the program has of a range, which may lie outside.
    pub fn release_program(&mut self, address: u64, size: u64) {
        let page = |address: u64| {
            let page = address.saturating_sub(self.base) / PAGE;
            page.min(self.flags.len() as u64) as usize
        };
        let (mut next, end) = (page(address), page(address.saturating_add(size)));
        let is_program = |flags: &u8| flags & (USED | KERNEL) == USED;
        while next < end {
            let rest = &self.flags[next..end];
            let skipped = rest.iter().take_while(|flags| !is_program(flags)).count();
            let taken = rest[skipped..].iter().take_while(|flags| is_program(flags));
            let start = next + skipped;
            next = start + taken.count();
            self.free(start..next);
        }
    }

    /// The program has ended, and with it brk's area: all pages are for whoever comes first.
    pub fn end_break(&mut self) {
        self.floor = 0;
        let taken = |flags: &u8| flags & USED != 0;
        self.low = self
            .flags
            .iter()
            .position(taken)
            .unwrap_or(self.flags.len());
        self.no_gap = usize::MAX;
    }

    /// Gives back what [`Self::take_kernel`] took.
    pub fn release_kernel(&mut self, address: u64, size: u64) {
        if let Some(range) = self.range(address, size) {
            self.free(range);
        }
    }

    /// Records a protection. False unless the whole range is the program's.
    pub fn protect(&mut self, address: u64, size: u64, prot: u8) -> bool {
        let Some(range) = self.range(address, size) else {
            return false;
        };
        let pages = &mut self.flags[range];
        if pages.iter().any(|flags| flags & (USED | KERNEL) != USED) {
            return false;
        }
        for flags in pages {
            *flags = *flags & (USED | DIRTY)
                | prot << PROT_SHIFT
                | if prot & WRITE != 0 { DIRTY } else { 0 };
        }
        true
    }

    /// The protection of the page at `address`.
    pub fn protection(&self, address: u64) -> u8 {
        let page = address
            .checked_sub(self.base)
            .map(|bytes| (bytes / PAGE) as usize);
        page.and_then(|page| self.flags.get(page))
            .map_or(0, |flags| flags >> PROT_SHIFT)
    }

    /// Whether every byte of the range is the program's, with all of the protection bits `need`.
    pub fn allows(&self, address: u64, size: u64, need: u8) -> bool {
        let want = USED | need << PROT_SHIFT;
        self.each(address, size, |flags| flags & (want | KERNEL) == want)
    }

    /// Whether every byte of the range is the program's.
    pub fn owns(&self, address: u64, size: u64) -> bool {
        self.allows(address, size, 0)
    }

    /// Whether every page of the range is free.
    pub fn is_free(&self, address: u64, size: u64) -> bool {
        self.each(address, size, |flags| flags & USED == 0)
    }

    /// Whether `holds` for each page that the bytes touch; false outside the heap.
    fn each(&self, address: u64, size: u64, holds: impl Fn(u8) -> bool) -> bool {
        let Some(start) = address.checked_sub(self.base) else {
            return false;
        };
        let Some(end) = start.checked_add(size) else {
            return false;
        };
        let last = end.div_ceil(PAGE) as usize;
        last <= self.flags.len()
            && self.flags[(start / PAGE) as usize..last]
                .iter()
                .all(|&flags| holds(flags))
    }

    /// The runs of equal protection of the program's pages, lowest first: (start, end, protection).
    pub fn runs(&self) -> impl Iterator<Item = (u64, u64, u8)> + '_ {
        let mut next = 0;
        core::iter::from_fn(move || {
            let kind = |flags: u8| (flags & (USED | KERNEL) == USED).then_some(flags >> PROT_SHIFT);
            let start = (next..self.flags.len()).find(|&page| kind(self.flags[page]).is_some())?;
            let prot = kind(self.flags[start]);
            next = (start..self.flags.len())
                .find(|&page| kind(self.flags[page]) != prot)
                .unwrap_or(self.flags.len());
            let address = |page: usize| self.base + page as u64 * PAGE;
            Some((address(start), address(next), prot.unwrap_or(0)))
        })
    }

    /// Makes the program's pages in the range zero again.
    pub fn zero(&mut self, address: u64, size: u64) {
        if let Some(range) = self.range(address, size) {
            for page in range {
                if self.flags[page] & DIRTY != 0 {
                    self.clean(page);
                }
            }
        }
    }

    /// Moves brk's end to `end` (rounded up to pages). False if mappings are in the way.
    pub fn set_break(&mut self, end: u64) -> bool {
        let Some(floor) = end
            .checked_sub(self.base)
            .map(|bytes| bytes.div_ceil(PAGE) as usize)
        else {
            return false;
        };
        if floor > self.low
            || floor > self.flags.len()
            || !self.spare(floor.saturating_sub(self.floor))
        {
            return false;
        }
        if floor > self.floor {
            self.fill(self.floor..floor, USED | (READ | WRITE) << PROT_SHIFT);
        } else {
            for page in floor..self.floor {
                if self.flags[page] & KERNEL != 0 {
                    continue;
                }
                self.used -= usize::from(self.flags[page] & USED != 0);
                self.free += usize::from(self.flags[page] & USED != 0);
                self.flags[page] &= DIRTY;
            }
        }
        self.floor = floor;
        true
    }

    /// First page of the highest run of `count` free pages.
    fn find(&mut self, count: usize) -> Option<usize> {
        if count == 0 {
            return None;
        }
        if count < self.no_gap {
            let (mut page, mut run) = (self.top, 0);
            while page > self.low {
                if run == 0 && page - self.low >= 8 {
                    let word = self
                        .flags
                        .get(page - 8..page)
                        .and_then(|bytes| bytes.try_into().ok())
                        .map_or(0, u64::from_le_bytes);
                    if word & 0x0101_0101_0101_0101 == 0x0101_0101_0101_0101 {
                        page -= 8;
                        continue;
                    }
                }
                page -= 1;
                run = if self.flags[page] & USED == 0 {
                    run + 1
                } else {
                    0
                };
                if run == count {
                    return Some(page);
                }
            }
            if run == 0 {
                self.no_gap = count;
            }
        }
        // Below `low` all is free down to brk's end; a free run that ends at `low` continues there.
        let above = self.flags[self.low..self.top.max(self.low)]
            .iter()
            .take_while(|&&flags| flags & USED == 0)
            .count();
        let end = self.low + above.min(count);
        let start = end.checked_sub(count)?;
        (start >= self.floor).then_some(start)
    }

    /// Marks free pages as taken, and zero-fills them.
    fn mark(&mut self, range: core::ops::Range<usize>, flags: u8) {
        if range.end < self.low {
            // What is left between is a gap now.
            self.no_gap = usize::MAX;
        }
        self.low = self.low.min(range.start);
        if range.end >= self.top && range.start < self.top {
            self.top = range.start;
        }
        self.fill(range, flags);
    }

    fn fill(&mut self, range: core::ops::Range<usize>, new: u8) {
        let dirty = if (new >> PROT_SHIFT) & WRITE != 0 {
            DIRTY
        } else {
            0
        };
        if new & KERNEL == 0 {
            self.used += range.len();
        }
        for page in range {
            if self.flags[page] & DIRTY != 0 {
                self.clean(page);
            }
            self.free -= usize::from(self.flags[page] & USED == 0);
            self.flags[page] = new | dirty;
        }
    }

    /// Writes zeros where the page is not zero: a page that nobody touched costs the host no memory.
    fn clean(&mut self, page: usize) {
        let start =
            (self.base as usize + page * PAGE as usize).wrapping_add(self.delta) as *mut u64;
        // SAFETY: `new`'s caller said that the page is mapped and used through this table; it is free or being zeroed,
        // so no reference to it exists. A page is aligned for u64.
        let words = unsafe { core::slice::from_raw_parts_mut(start, PAGE as usize / 8) };
        if words.iter().any(|&word| word != 0) {
            words.fill(0);
        }
    }

    /// Size of the gap that free pages lie in: exactly if it is less than [`Self::no_gap`], and no less than that otherwise.
    /// Where that is far, nobody looks: a search for so many pages is rare.
    fn gap(&self, range: core::ops::Range<usize>) -> usize {
        const FAR: usize = 1024;
        if self.no_gap > FAR {
            return usize::MAX;
        }
        let free = |flags: &&u8| *flags & USED == 0;
        let below = self.flags[self.low..range.start].iter().rev();
        let above = self.flags[range.end..self.top].iter();
        let below = below.take(self.no_gap).take_while(free).count();
        let above = above.take(self.no_gap).take_while(free).count();
        below + range.len() + above
    }

    fn free(&mut self, range: core::ops::Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (start, end) = (range.start, range.end);
        for page in range {
            self.used -= usize::from(self.flags[page] & (USED | KERNEL) == USED);
            self.free += usize::from(self.flags[page] & USED != 0);
            self.flags[page] &= DIRTY;
        }
        self.top = self.top.max(end);
        // What is free down to brk's end is no gap.
        if start > self.low && self.gap(start..end) >= self.no_gap {
            self.no_gap = usize::MAX;
        }
        if start <= self.low {
            let taken = |flags: &u8| flags & USED != 0;
            self.low = self.low.max(end);
            self.low += self.flags[self.low..]
                .iter()
                .position(taken)
                .unwrap_or(self.flags.len() - self.low);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A heap of `count` pages at the guest's address 0x2000_0000.
    pub(crate) fn heap(count: usize) -> Pages {
        let arena = alloc::vec![[0_u64; PAGE as usize / 8]; count].leak();
        let base = 0x2000_0000_u64;
        let delta = (arena.as_mut_ptr() as usize).wrapping_sub(base as usize);
        let flags = alloc::vec![0; count].leak();
        // SAFETY: the arena is leaked, zero, and known to this table only.
        unsafe { Pages::new(base, delta, flags) }
    }

    fn byte(pages: &Pages, address: u64) -> *mut u8 {
        (address as usize).wrapping_add(pages.delta) as *mut u8
    }

    #[test]
    fn takes_from_the_top_and_reuses_gaps() {
        let mut pages = heap(16);
        let a = pages.take(4 * PAGE, READ | WRITE).unwrap();
        let b = pages.take(2 * PAGE, READ | WRITE).unwrap();
        assert_eq!((a, b), (pages.end() - 4 * PAGE, pages.end() - 6 * PAGE));
        assert!(pages.release(a, 4 * PAGE));
        assert_eq!(pages.take(5 * PAGE, READ), Some(b - 5 * PAGE));
        assert_eq!(pages.take(4 * PAGE, READ), Some(a));
        assert_eq!(pages.take(6 * PAGE, READ), None);
        assert_eq!(pages.take(5 * PAGE, READ), Some(pages.start()));
        assert_eq!(pages.take(PAGE, READ), None);
        assert_eq!(pages.free_bytes(), 0);
    }

    #[test]
    fn aligned_places_are_found_between_others() {
        let mut pages = heap(16);
        let align = 4 * PAGE;
        assert!(pages.start().is_multiple_of(align));
        let a = pages.take(PAGE, READ).unwrap();
        let b = pages.take_aligned(4 * PAGE, align, READ | WRITE).unwrap();
        assert_eq!((a, b), (pages.end() - PAGE, pages.end() - 8 * PAGE));
        assert!(pages.set_break(pages.start() + PAGE));
        assert_eq!(
            pages.take_aligned(4 * PAGE, align, READ),
            Some(pages.start() + 4 * PAGE)
        );
        assert_eq!(pages.take_aligned(4 * PAGE, align, READ), None);
        assert_eq!(pages.take_aligned(17 * PAGE, align, READ), None);
        // What lies between is still there for others.
        assert_eq!(pages.take(3 * PAGE, READ), Some(a - 3 * PAGE));
        assert_eq!(pages.take(3 * PAGE, READ), Some(pages.start() + PAGE));
        assert_eq!(pages.free_bytes(), 0);
    }

    #[test]
    fn a_gap_that_continues_below_is_used_whole() {
        let mut pages = heap(16);
        let a = pages.take(2 * PAGE, READ).unwrap();
        let b = pages.take(2 * PAGE, READ).unwrap();
        assert!(pages.release(b, 2 * PAGE));
        assert_eq!(pages.take(14 * PAGE, READ), Some(pages.start()));
        assert!(pages.release(pages.start(), 14 * PAGE) && pages.release(a, 2 * PAGE));
        assert_eq!(pages.take(16 * PAGE, READ), Some(pages.start()));
    }

    #[test]
    fn only_a_gap_that_is_large_enough_is_looked_for_again() {
        let mut pages = heap(16);
        let all: alloc::vec::Vec<u64> = (0..12).map(|_| pages.take(PAGE, READ).unwrap()).collect();
        for page in [2, 4, 6] {
            assert!(pages.release(all[page], PAGE));
        }
        assert_eq!(pages.take(2 * PAGE, READ), Some(all[11] - 2 * PAGE));
        assert_eq!(pages.no_gap, 2);
        // Alone, and where what is free is no gap.
        assert!(pages.release(all[8], PAGE) && pages.release(all[11] - 2 * PAGE, 2 * PAGE));
        assert_eq!(pages.no_gap, 2);
        assert!(pages.release(all[5], PAGE));
        assert_eq!(pages.no_gap, usize::MAX);
        assert_eq!(pages.take(3 * PAGE, READ), Some(all[6]));
    }

    #[test]
    fn memory_reads_zero_when_taken_again() {
        let mut pages = heap(4);
        let a = pages.take(PAGE, READ | WRITE).unwrap();
        // SAFETY: the page was taken and is inside the arena.
        unsafe { byte(&pages, a + 9).write(7) };
        assert!(pages.release(a, PAGE));
        assert_eq!(pages.take(PAGE, READ | WRITE), Some(a));
        // SAFETY: as above.
        assert_eq!(unsafe { byte(&pages, a + 9).read() }, 0);
    }

    #[test]
    fn break_and_mappings_keep_apart() {
        let mut pages = heap(8);
        assert!(pages.set_break(pages.start() + 3 * PAGE - 1));
        assert_eq!(pages.take(6 * PAGE, READ), None);
        assert_eq!(pages.take(5 * PAGE, READ), Some(pages.start() + 3 * PAGE));
        assert!(!pages.set_break(pages.start() + 3 * PAGE + 1));
        assert!(pages.set_break(pages.start() + 3 * PAGE));
        assert!(pages.set_break(pages.start()));
        assert_eq!(pages.used_bytes(), 5 * PAGE);
    }

    #[test]
    fn the_reserve_is_for_small_requests_of_the_library_os() {
        let mut pages = heap(32);
        pages.set_reserve(20 * PAGE);
        assert!(pages.set_break(pages.start() + 2 * PAGE));
        assert_eq!(pages.free_bytes(), 10 * PAGE);
        let a = pages.take(10 * PAGE, READ).unwrap();
        assert_eq!(pages.take(PAGE, READ), None);
        assert!(!pages.take_at(pages.start() + 4 * PAGE, PAGE, READ));
        assert!(!pages.set_break(pages.start() + 3 * PAGE));
        assert_eq!(pages.take_kernel(SMALL + PAGE), None);
        let own = pages.take_kernel(SMALL).unwrap();
        assert!(pages.release(a, 10 * PAGE));
        assert_eq!(pages.take_kernel(SMALL + PAGE), None);
        pages.release_kernel(own, SMALL);
        assert!(pages.take_kernel(SMALL / 2).is_some() && pages.take(2 * PAGE, READ).is_some());
        pages.set_reserve_use(Reserve::Kept);
        assert_eq!(pages.take_kernel(PAGE), None);
        pages.set_reserve_use(Reserve::Used);
        assert!(pages.take_kernel(PAGE).is_some());
    }

    #[test]
    fn what_goes_back_to_files_gets_half_of_the_reserve() {
        let mut pages = heap(32);
        pages.set_reserve(16 * PAGE);
        assert!(pages.take(16 * PAGE, READ).is_some());
        pages.set_reserve_use(Reserve::Lent);
        assert!(pages.take_kernel(8 * PAGE).is_some());
        assert_eq!(pages.take_kernel(PAGE), None);
        pages.set_reserve_use(Reserve::Used);
        assert!(pages.take_kernel(PAGE).is_some());
    }

    #[test]
    fn an_ended_program_leaves_all_but_the_library_os_s_pages() {
        let mut pages = heap(16);
        assert!(pages.set_break(pages.start() + 4 * PAGE));
        let own = pages.take_kernel(2 * PAGE).unwrap();
        let a = pages.take(3 * PAGE, READ | WRITE).unwrap();
        pages.release_program(0, u64::MAX);
        pages.end_break();
        assert_eq!((pages.used_bytes(), pages.free_bytes()), (0, 14 * PAGE));
        assert_eq!(pages.take_kernel(14 * PAGE), Some(pages.start()));
        assert!(own > a && pages.take_kernel(PAGE).is_none());
    }

    #[test]
    fn the_library_os_keeps_its_pages() {
        let mut pages = heap(8);
        let own = pages.take_kernel(2 * PAGE).unwrap();
        assert!(
            !pages.release(own, PAGE)
                && !pages.protect(own, PAGE, READ)
                && !pages.take_at(own, PAGE, READ)
        );
        assert!(!pages.allows(own, 1, READ));
        pages.release_kernel(own, 2 * PAGE);
        assert!(pages.take_at(own, 2 * PAGE, READ));
        assert!(pages.allows(own + 5, 2 * PAGE - 5, READ) && !pages.allows(own, 1, WRITE));
        assert!(!pages.allows(own, 2 * PAGE + 1, READ) && !pages.allows(u64::MAX - 4, 8, READ));
    }

    #[test]
    fn random_use_agrees_with_a_plain_model() {
        let mut pages = heap(64);
        let mut model = [false; 64];
        let mut taken: alloc::vec::Vec<(usize, usize)> = alloc::vec::Vec::new();
        let mut seed = 12345_u64;
        let mut random = move |bound: usize| {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (seed >> 33) as usize % bound
        };
        for _ in 0..20_000 {
            if random(2) == 0 || taken.is_empty() {
                let count = 1 + random(12);
                let expected = (0..=64 - count)
                    .rev()
                    .find(|&start| model[start..start + count].iter().all(|used| !used));
                let got = pages
                    .take(count as u64 * PAGE, READ)
                    .map(|address| ((address - pages.start()) / PAGE) as usize);
                assert_eq!(got, expected);
                if let Some(start) = got {
                    model[start..start + count].fill(true);
                    taken.push((start, count));
                }
            } else {
                let (start, count) = taken.swap_remove(random(taken.len()));
                assert!(pages.release(pages.start() + start as u64 * PAGE, count as u64 * PAGE));
                model[start..start + count].fill(false);
            }
        }
    }
}
