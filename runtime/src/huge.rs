//! Where the host may give huge pages. A page costs a fault and its making whatever its size, and 2 MiB behind one entry of the
//! TLB spare a program with much memory most misses; but the first byte that is touched makes all of a huge page
//! resident. So they are for memory that is sure to be used densely: data that the image brings, and the heap beyond what
//! every program touches a little of; and for text and fixed data, whose pages are the file's in which they are kept.

use crate::image::Segment;
use crate::space::{self, Advice};

/// Bytes of a huge page, and its alignment.
const PAGE: u64 = 2 << 20;
/// At the heap's start the library OS has its tables, and `brk` begins.
const LOW: u64 = 4 << 20;
/// What the SDK's allocator asks for at a time (`MI_DEFAULT_ARENA_RESERVE`): a multiple of its segment, and libzrt puts it at one.
const ARENA: u64 = 32 << 20;
/// The allocator's segment.
const SEGMENT: u64 = 4 << 20;
/// The first part of the first arena, of which a small program touches a page here and there.
const FIRST: u64 = 2 * SEGMENT;
/// What is mapped at the top of the heap before the allocator's first arena: buffers of the library OS.
const TOP: u64 = 256 << 10;

/// A range of addresses, [start, end).
type Range = (u64, u64);

/// The parts of a heap that are used densely if at all. Mappings grow down from its top: there lie small ones, below them the
/// first arena, which fills from its start.
fn dense(start: u64, end: u64) -> [Range; 2] {
    let arena = end.saturating_sub(TOP + ARENA) & !(SEGMENT - 1);
    let low = (start + LOW).next_multiple_of(PAGE);
    if arena < low {
        return [(low, low); 2];
    }
    [(low, arena), (arena + FIRST, arena + ARENA)]
}

/// The blocks of a segment of which its initial bytes, which are copied at once, are half or more.
fn filled(segment: &Segment) -> Range {
    let (start, end) = segment.pages();
    let start = start.next_multiple_of(PAGE);
    let bytes = segment.address + segment.file_size;
    let end = ((bytes + PAGE / 2) & !(PAGE - 1)).min(end & !(PAGE - 1));
    (start, end.max(start))
}

/// Whether a whole block is in [start, end).
fn has_block(start: u64, end: u64) -> bool {
    start.next_multiple_of(PAGE) + PAGE <= end
}

/// Where in a file, from `free` on, a mapping of [start, end) is to lie: if whole blocks are in it, as far from a multiple of their size as
/// in memory, so that a large page of the file can be one of memory.
pub fn file_place(start: u64, end: u64, free: u64) -> u64 {
    if !has_block(start, end) {
        return free;
    }
    free + start.wrapping_sub(free) % PAGE
}

/// Bytes from an offset in a file to the end of its huge page.
pub fn rest_of_page(offset: u64) -> usize {
    (PAGE - offset % PAGE) as usize
}

/// Advises the host about a mapping of a file that lies at [`file_place`]: what is not in memory is to be read in pages of that size.
pub fn file(start: u64, end: u64) {
    if has_block(start, end) {
        space::advise(start, end, Advice::Huge);
    }
}

/// Advises the host about the heap. Where pages are to stay small they do so on a host that gives huge ones unasked, too.
pub fn heap(start: u64, end: u64) {
    space::advise(start, end, Advice::Small);
    for (start, end) in dense(start, end) {
        space::advise(start, end, Advice::Huge);
    }
}

/// Advises the host about a segment that is about to be filled.
pub fn segment(segment: &Segment) {
    let (start, end) = filled(segment);
    space::advise(start, end, Advice::Huge);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Access;

    #[test]
    fn small_programs_keep_small_pages() {
        // A gigabyte behind a small image: libzrt's tables, the start of the first arena (0x4e00_0000, where the program's
        // first block lies), and the top are outside.
        let [below, arena] = dense(0x1004_c000, 0x5004_c000);
        assert_eq!(below, (0x1060_0000, 0x4e00_0000));
        assert_eq!(arena, (0x4e80_0000, 0x5000_0000));
        for (start, end) in [below, arena] {
            assert!(start % PAGE == 0 && end % PAGE == 0);
        }
    }

    #[test]
    fn in_a_file_huge_pages_lie_as_in_memory() {
        let (text, fixed) = ((0x2_0000, 0xa2_f000), (0x1000_0000, 0x103e_2000));
        let place = file_place(text.0, text.1, 0x1000);
        assert_eq!(place, 0x2_0000, "CPython's text");
        let free = place + text.1 - text.0;
        assert_eq!(file_place(fixed.0, fixed.1, free), 0xc0_0000);
        // No whole block is inside: nothing is left free.
        assert_eq!(file_place(0x2_0000, 0x30_0000, 0x1000), 0x1000);
        assert_eq!(rest_of_page(0x2_0000), 0x1e_0000);
        assert_eq!(rest_of_page(PAGE), PAGE as usize);
    }

    #[test]
    fn a_heap_without_room_has_none() {
        for size in [0, PAGE, 16 << 20, 36 << 20] {
            let parts = dense(0x1004_c000, 0x1004_c000 + size);
            assert!(
                parts.iter().all(|part| part.0 == part.1),
                "{size}: {parts:x?}"
            );
        }
    }

    #[test]
    fn a_block_is_huge_when_half_of_it_is_there_from_the_start() {
        let blocks = |address, file_size, size| {
            filled(&Segment {
                address,
                offset: 0,
                file_size,
                size,
                access: Access::ReadWrite,
            })
        };
        assert_eq!(
            blocks(0x103e_2000, 0x1b_f8d0, 0x27_5c70),
            (0x1040_0000, 0x1060_0000),
            "CPython's"
        );
        assert_eq!(
            blocks(0x1040_0000, 0x0f_f000, 0x27_5c70).1,
            0x1040_0000,
            "less than half"
        );
        assert_eq!(
            blocks(0x1040_0000, 0x1f_f000, 0x1f_f000).1,
            0x1040_0000,
            "not all of it is the segment's"
        );
        assert_eq!(
            blocks(0x1040_1000, 0x1000, 0x1000),
            (0x1060_0000, 0x1060_0000),
            "small"
        );
    }
}
