//! The library OS's own memory: size classes on pages of the heap, for one thread.
//!
//! Small blocks come from lists by size class (four classes to a power of two), large ones are whole pages that go back
//! to the page table when they are freed. Nothing is stored beside a block: its size comes with every call.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use zvm_abi::layout::PAGE;

/// Smallest block and its alignment.
const LEAST: usize = 16;
/// Largest block that comes from a list.
const SMALL: usize = 16 * 1024;
/// Bytes that a list takes from the page table at once.
const CHUNK: u64 = 64 * 1024;
/// 16, then four classes for each of 32 … 16 K.
const CLASSES: usize = 1 + 4 * 10;

/// Where pages come from.
pub trait PageSource {
    /// Zero-filled pages; `None` if there are none.
    fn take(&mut self, size: u64) -> Option<NonNull<u8>>;
    /// Gives them back.
    fn release(&mut self, start: NonNull<u8>, size: u64);
}

/// The allocator's state.
pub struct Heap {
    free: [*mut Free; CLASSES],
    /// What is left of the last chunk.
    next: *mut u8,
    left: usize,
}

struct Free {
    next: *mut Free,
}

/// Class of a size, and the size of its blocks.
fn class(size: usize) -> (usize, usize) {
    if size <= LEAST {
        return (0, LEAST);
    }
    // Every block is aligned to 16, so every size is a multiple of it.
    let size = size.next_multiple_of(LEAST);
    // Between 2^k+1 and 2^(k+1), in four steps.
    let power = (size - 1).ilog2() as usize;
    let step = (1 << power) / 4;
    let quarter = (size - 1 - (1 << power)) / step;
    (
        1 + (power - 4) * 4 + quarter,
        (1 << power) + (quarter + 1) * step,
    )
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl Heap {
    /// An empty heap.
    pub const fn new() -> Heap {
        Heap {
            free: [ptr::null_mut(); CLASSES],
            next: ptr::null_mut(),
            left: 0,
        }
    }

    /// What a layout takes: a class, or whole pages.
    fn is_small(layout: Layout) -> bool {
        layout.size() <= SMALL && layout.align() <= LEAST
    }

    fn page_size(layout: Layout) -> u64 {
        // Alignment above a page is not served: nothing here asks for it.
        (layout.size() as u64).next_multiple_of(PAGE).max(PAGE)
    }

    /// A block; null if there is no memory.
    ///
    /// # Safety
    /// As [`core::alloc::GlobalAlloc::alloc`]; always with the same source.
    pub unsafe fn allocate(&mut self, layout: Layout, source: &mut impl PageSource) -> *mut u8 {
        if !Self::is_small(layout) {
            if layout.align() as u64 > PAGE {
                return ptr::null_mut();
            }
            return source
                .take(Self::page_size(layout))
                .map_or(ptr::null_mut(), NonNull::as_ptr);
        }
        let (class, size) = class(layout.size());
        let head = self.free[class];
        if !head.is_null() {
            // SAFETY: blocks on the list are free, and `release` wrote a `Free` into each.
            self.free[class] = unsafe { (*head).next };
            return head.cast();
        }
        if self.left < size {
            // What is left of the old chunk is lost: less than 16 KiB in 64.
            let Some(chunk) = source.take(CHUNK) else {
                return ptr::null_mut();
            };
            (self.next, self.left) = (chunk.as_ptr(), CHUNK as usize);
        }
        let block = self.next;
        self.next = self.next.wrapping_add(size);
        self.left -= size;
        block
    }

    /// Gives a block back.
    ///
    /// # Safety
    /// As [`core::alloc::GlobalAlloc::dealloc`].
    pub unsafe fn release(&mut self, block: *mut u8, layout: Layout, source: &mut impl PageSource) {
        if !Self::is_small(layout) {
            if let Some(start) = NonNull::new(block) {
                source.release(start, Self::page_size(layout));
            }
            return;
        }
        let (class, _) = class(layout.size());
        let block = block.cast::<Free>();
        // SAFETY: the block is no longer in use, at least 16 bytes and aligned to 16.
        unsafe {
            block.write(Free {
                next: self.free[class],
            })
        };
        self.free[class] = block;
    }

    /// Whether a block of this layout can become `size` bytes large where it is.
    pub fn fits(layout: Layout, size: usize) -> bool {
        let Ok(new) = Layout::from_size_align(size, layout.align()) else {
            return false;
        };
        match (Self::is_small(layout), Self::is_small(new)) {
            (true, true) => class(layout.size()) == class(size),
            (false, false) => Self::page_size(layout) == Self::page_size(new),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    struct Arena(usize);

    impl PageSource for Arena {
        fn take(&mut self, size: u64) -> Option<NonNull<u8>> {
            self.0 += size as usize;
            let layout = Layout::from_size_align(size as usize, PAGE as usize).unwrap();
            // SAFETY: the layout has a size; the tests leak what they do not release.
            NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })
        }

        fn release(&mut self, start: NonNull<u8>, size: u64) {
            self.0 -= size as usize;
            let layout = Layout::from_size_align(size as usize, PAGE as usize).unwrap();
            // SAFETY: it came from `take` with this size.
            unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
        }
    }

    #[test]
    fn classes_fit_and_waste_little() {
        let mut last = 0;
        for size in 1..=SMALL {
            let (class, block) = class(size);
            assert!(
                block >= size && (size <= LEAST || block <= size + size / 4 + LEAST),
                "{size} in {block}"
            );
            assert!(class >= last && class < CLASSES && block % LEAST == 0);
            last = class;
        }
        assert_eq!(last, CLASSES - 1);
    }

    #[test]
    fn blocks_do_not_overlap_and_come_back() {
        let (mut heap, mut arena) = (Heap::new(), Arena(0));
        let mut seed = 7_u64;
        let mut random = move |bound: usize| {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (seed >> 33) as usize % bound
        };
        let mut blocks: Vec<(*mut u8, Layout, u8)> = Vec::new();
        for round in 0..20_000 {
            if blocks.len() < 200 || random(2) == 0 {
                let size = if random(20) == 0 {
                    1 + random(100_000)
                } else {
                    1 + random(600)
                };
                let layout = Layout::from_size_align(size, 1 << random(5)).unwrap();
                // SAFETY: the block is filled within its size, and released with its layout below.
                unsafe {
                    let block = heap.allocate(layout, &mut arena);
                    assert!((block as usize).is_multiple_of(layout.align()) && !block.is_null());
                    block.write_bytes(round as u8, size);
                    blocks.push((block, layout, round as u8));
                }
            } else {
                let (block, layout, mark) = blocks.swap_remove(random(blocks.len()));
                // SAFETY: the block is ours until `release`.
                unsafe {
                    assert!(
                        core::slice::from_raw_parts(block, layout.size())
                            .iter()
                            .all(|&byte| byte == mark)
                    );
                    heap.release(block, layout, &mut arena);
                }
            }
        }
        assert!(arena.0 < 32 << 20);
    }
}
