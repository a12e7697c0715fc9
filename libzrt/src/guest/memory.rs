//! The page table and the allocator of the sandbox: the two things that are global, because Rust's allocator is.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::NonNull;

use crate::heap::{Heap, PageSource};
use crate::mm::pages::Pages;

/// What belongs to the one thread that there is.
pub(super) struct OneThread<T>(UnsafeCell<T>);

// SAFETY: the sandbox has one host thread, and the library OS is never entered while it runs.
unsafe impl<T> Sync for OneThread<T> {}

impl<T> OneThread<T> {
    pub(super) const fn new(value: T) -> OneThread<T> {
        OneThread(UnsafeCell::new(value))
    }

    /// The value.
    pub(super) const fn get(&self) -> *mut T {
        self.0.get()
    }
}

static PAGES: OneThread<Option<Pages>> = OneThread::new(None);
static HEAP: OneThread<Heap> = OneThread::new(Heap::new());

/// Installs the page table; called once, before anything is allocated.
pub(super) fn install(pages: Pages) -> NonNull<Pages> {
    // SAFETY: nothing else has run yet, so there is no other reference.
    NonNull::from(unsafe { (*PAGES.get()).insert(pages) })
}

/// The global page table as a source.
struct Source;

impl PageSource for Source {
    fn take(&mut self, size: u64) -> Option<NonNull<u8>> {
        // SAFETY: the table never allocates, so no reference to it is in use when the allocator runs.
        let pages = unsafe { (*PAGES.get()).as_mut()? };
        NonNull::new(pages.take_kernel(size)? as *mut u8)
    }

    fn release(&mut self, start: NonNull<u8>, size: u64) {
        // SAFETY: as in `take`.
        if let Some(pages) = unsafe { (*PAGES.get()).as_mut() } {
            pages.release_kernel(start.as_ptr() as u64, size);
        }
    }
}

struct Allocator;

// SAFETY: `Heap` gives blocks that are apart, aligned and large enough; its one-thread state is used by one thread.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the allocator is never entered from within itself; the layout is the caller's promise.
        unsafe { (*HEAP.get()).allocate(layout, &mut Source) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { (*HEAP.get()).release(block, layout, &mut Source) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if Heap::fits(layout, size) {
            return block;
        }
        // SAFETY: the caller promises a size that makes a layout; both blocks are at least as large as what is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;
