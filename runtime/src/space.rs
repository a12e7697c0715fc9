//! The instance's 4 GiB: the plan of what lies where (the parent makes it), and the mappings (the instance makes them).
#![allow(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};

use zvm_abi::layout;

use crate::channel::Channel;
use crate::image::{Access, Image};
use crate::limits;
use crate::manifest;

/// Exclusive end of the trampolines that are mapped: the page with the one trap entry. The other pages' slots would be `hlt`, and
/// a jump there faults without them, too.
pub const TRAMPOLINES_END: u64 = layout::TRAMPOLINE_BASE + layout::PAGE;

/// What a region is, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The trampoline slots.
    Trampolines,
    /// The image's code.
    Text,
    /// A data segment of the image.
    Data,
    /// The heap.
    Heap,
    /// The mapped bytes of a channel.
    Channel(usize),
    /// The user manifest.
    Manifest,
    /// The stack.
    Stack,
}

/// A range of whole pages that the guest can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// Exclusive end.
    pub end: u64,
    /// The guest's rights.
    pub access: Access,
    /// What it is.
    pub what: What,
}

/// Where everything lies; regions are sorted and disjoint.
#[derive(Debug)]
pub struct Plan {
    /// All of the guest's memory.
    pub regions: Vec<Region>,
    /// The user manifest's pages.
    pub manifest: manifest::Pages,
}

/// The parts do not fit, or the host lacks an ability that the sandbox needs.
#[derive(Debug)]
pub enum SpaceError {
    /// Image, heap and mounts do not fit into 4 GiB.
    DoesNotFit {
        /// Bytes that the heap may have at most.
        available: u64,
        /// Bytes asked for.
        wanted: u64,
    },
    /// What the program can write from its start is more than it may have.
    Data {
        /// Bytes of it.
        data: u64,
        /// Bytes that were given.
        memory: u64,
    },
    /// More memory for mounts and channels than there is.
    NoRoomForChannels,
    /// The CPU or the kernel lacks something.
    Missing(String),
    /// A mapping failed for a reason without a message of its own.
    Map {
        /// What was to be mapped.
        what: &'static str,
        /// What the host said.
        source: io::Error,
    },
}

impl fmt::Display for SpaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpaceError::DoesNotFit { available, wanted } => write!(
                f,
                "{wanted} bytes of memory do not fit: beside the image and the mounts there is room for {available} bytes \
                 (at least {}); use another --memory",
                limits::MEMORY_MIN
            ),
            SpaceError::Data { data, memory } => write!(
                f,
                "the program's own variables take {data} bytes, more than the {memory} that it is given; use another --memory"
            ),
            SpaceError::NoRoomForChannels => {
                f.write_str("the mounts do not fit into the sandbox's 4 GiB")
            }
            SpaceError::Missing(message) => f.write_str(message),
            SpaceError::Map { what, source } => write!(f, "cannot map {what}: {source}"),
        }
    }
}

impl std::error::Error for SpaceError {}

impl Plan {
    /// Lays out image, heap of `memory` bytes (4 GiB: all that is left), channels, manifest and stack.
    ///
    /// # Errors
    /// [`SpaceError::DoesNotFit`], [`SpaceError::NoRoomForChannels`].
    pub fn new(image: &Image, channels: &[Channel], memory: u64) -> Result<Plan, SpaceError> {
        let heap = image.end();
        let mut manifest = manifest::build(channels, heap).ok_or(SpaceError::NoRoomForChannels)?;
        let available = (manifest.low() - heap) & !(layout::PAGE - 1);
        // The whole sandbox is what there is beside everything else.
        let size = match memory {
            layout::SANDBOX_END => available,
            _ => memory
                .checked_next_multiple_of(layout::PAGE)
                .unwrap_or(u64::MAX),
        };
        if size > available || size < limits::MEMORY_MIN {
            return Err(SpaceError::DoesNotFit {
                available,
                wanted: memory,
            });
        }
        let writable = image.data.iter().filter(|s| s.access == Access::ReadWrite);
        let data = writable.map(|s| s.pages().1 - s.pages().0).sum();
        if data > size {
            return Err(SpaceError::Data { data, memory: size });
        }
        manifest.set_heap(heap, size);

        let region = |start, end, access, what| Region {
            start,
            end,
            access,
            what,
        };
        let mut regions = vec![
            region(
                layout::TRAMPOLINE_BASE,
                TRAMPOLINES_END,
                Access::Execute,
                What::Trampolines,
            ),
            region(
                image.text.pages().0,
                image.text.pages().1,
                Access::Execute,
                What::Text,
            ),
            region(heap, heap + size, Access::ReadWrite, What::Heap),
            region(
                manifest.start,
                layout::MANIFEST_END,
                Access::Read,
                What::Manifest,
            ),
            region(
                layout::STACK_TOP - limits::STACK,
                layout::STACK_TOP,
                Access::ReadWrite,
                What::Stack,
            ),
        ];
        regions.extend(image.data.iter().map(|segment| {
            let (start, end) = segment.pages();
            region(start, end, segment.access, What::Data)
        }));
        for (index, (channel, &at)) in channels.iter().zip(&manifest.mapped_at).enumerate() {
            if at != 0 {
                let end = u64::from(at) + channel.size.next_multiple_of(layout::PAGE);
                regions.push(region(
                    u64::from(at),
                    end,
                    Access::Read,
                    What::Channel(index),
                ));
            }
        }
        regions.sort_by_key(|region| region.start);
        debug_assert!(regions.windows(2).all(|pair| pair[0].end <= pair[1].start));
        Ok(Plan { regions, manifest })
    }

    /// The region at `address`.
    pub fn find(&self, address: u64) -> Option<&Region> {
        self.regions
            .iter()
            .find(|region| (region.start..region.end).contains(&address))
    }

    /// Whether every byte of `[address, address + size)` is the guest's to read, or also to write. Nothing wraps: a
    /// range that leaves the sandbox is not the guest's. An empty range is.
    pub fn covers(&self, address: u64, size: u64, write: bool) -> bool {
        let Some(end) = address.checked_add(size) else {
            return false;
        };
        let mut at = address;
        for region in &self.regions {
            if at >= end {
                break;
            }
            if (region.start..region.end).contains(&at)
                && (!write || region.access == Access::ReadWrite)
            {
                at = region.end;
            }
        }
        at >= end
    }
}

/// Clears what may lie low and reserves [64 KiB, guard's end) without any rights, so that nothing else can lie there.
///
/// # Errors
/// [`SpaceError::Missing`] with the host's setting that forbids it.
pub fn reserve() -> Result<(), SpaceError> {
    // Personality MMAP_PAGE_ZERO maps page 0 executable: zeros there are `add %al,(%rax)`, which nothing confines.
    // SAFETY: nothing of ours lies in the first 64 KiB: the process is position-independent and lives high.
    if unsafe { libc::munmap(std::ptr::null_mut(), layout::NULL_END as usize) } != 0 {
        return Err(SpaceError::Missing(
            "page 0 is mapped and this kernel has sealed it: run without personality MMAP_PAGE_ZERO (setarch -Z)"
                .to_owned(),
        ));
    }
    let length = layout::GUARD_END - layout::NULL_END;
    let flags =
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    match map(layout::NULL_END, length, libc::PROT_NONE, flags, -1, 0) {
        Ok(()) => {}
        Err(error) => return Err(SpaceError::Missing(why_not_reserved(&error))),
    }
    check_maps()
}

fn why_not_reserved(error: &io::Error) -> String {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => format!(
            "this host forbids mappings at 64 KiB (vm.mmap_min_addr is {}): the sandbox lies at address 0; \
             set `sysctl vm.mmap_min_addr=65536` or lower",
            read("/proc/sys/vm/mmap_min_addr")
        ),
        Some(libc::ENOMEM) => {
            "this process may not reserve 8 GiB of addresses: raise `ulimit -v`".to_owned()
        }
        Some(libc::EEXIST) => {
            "something already lies below 8 GiB in this process; the runtime must be a \
                               position-independent executable, run without a preloader or emulator"
                .to_owned()
        }
        _ => format!("cannot reserve the sandbox's addresses: {error}"),
    }
}

/// /proc/self/maps must show our reservation and nothing else below the guard's end.
fn check_maps() -> Result<(), SpaceError> {
    let unreadable = |error| {
        SpaceError::Missing(format!(
            "cannot check the address space in /proc/self/maps: {error}"
        ))
    };
    let mut file = File::open("/proc/self/maps").map_err(unreadable)?;
    if first_mapping(&file).is_some_and(|first| first == (layout::NULL_END, layout::GUARD_END, 0)) {
        return Ok(());
    }
    // With room from the start it takes two reads.
    let mut maps = String::with_capacity(16 << 10);
    file.read_to_string(&mut maps).map_err(unreadable)?;
    for line in maps.lines() {
        let mut ends = line
            .split([' ', '-'])
            .take(2)
            .map(|text| u64::from_str_radix(text, 16));
        let (Some(Ok(start)), Some(Ok(end))) = (ends.next(), ends.next()) else {
            return Err(SpaceError::Missing(format!(
                "cannot understand this line of /proc/self/maps: {line}"
            )));
        };
        let ours = start >= layout::NULL_END && end <= layout::GUARD_END && line.contains(" ---p ");
        if start < layout::GUARD_END && !ours {
            return Err(SpaceError::Missing(format!(
                "something else lies in the sandbox's addresses: {line}"
            )));
        }
    }
    Ok(())
}

/// Start, end and rights (read 1, write 2, execute 4) of the lowest mapping, asked by one call of the open /proc/self/maps;
/// `None` from a kernel before 6.11. The text of them all takes ten times as long.
fn first_mapping(maps: &File) -> Option<(u64, u64, u64)> {
    /// `struct procmap_query` (include/uapi/linux/fs.h).
    #[repr(C)]
    #[derive(Default)]
    struct Query {
        size: u64,
        flags: u64,
        address: u64,
        start: u64,
        end: u64,
        rights: u64,
        rest: [u64; 7],
    }
    /// `PROCMAP_QUERY`.
    const PROCMAP_QUERY: libc::Ioctl =
        (3 << 30 | (size_of::<Query>() as u32) << 16 | (b'f' as u32) << 8 | 17) as libc::Ioctl;
    /// `PROCMAP_QUERY_COVERING_OR_NEXT_VMA`.
    const OR_NEXT: u64 = 0x10;
    let mut query = Query {
        size: size_of::<Query>() as u64,
        flags: OR_NEXT,
        ..Query::default()
    };
    // SAFETY: the structure is as the call wants it, and lives through it.
    let got = unsafe { libc::ioctl(maps.as_raw_fd(), PROCMAP_QUERY, &raw mut query) };
    (got == 0).then_some((query.start, query.end, query.rights & 7))
}

/// Maps fresh zero pages, readable and writable, at a place inside the reservation.
///
/// # Errors
/// [`SpaceError`], with the reason if the host's overcommit policy is it.
pub fn map_zero(start: u64, end: u64, what: &'static str) -> Result<(), SpaceError> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    map(
        start,
        end - start,
        libc::PROT_READ | libc::PROT_WRITE,
        flags,
        -1,
        0,
    )
    .map_err(|source| refused(what, source))
}

/// Asks the host for the pages of a range that will be written at once; one question costs less than a fault for each.
pub fn populate(start: u64, end: u64) {
    // A kernel before 5.14 does not know it, and gives the pages as they are written.
    let (start, end) = (
        start & !(layout::PAGE - 1),
        end.next_multiple_of(layout::PAGE),
    );
    advise(start, end, Advice::Populate);
}

/// How a range of the guest's memory will be used; none of it changes the contents.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub enum Advice {
    /// All of it, now.
    Populate = libc::MADV_POPULATE_WRITE,
    /// Densely: huge pages are welcome.
    Huge = libc::MADV_HUGEPAGE,
    /// A page here and there.
    Small = libc::MADV_NOHUGEPAGE,
}

/// Tells the host how a range will be used. A host that does not know the advice refuses, and nothing depends on it.
pub fn advise(start: u64, end: u64, advice: Advice) {
    if start < end {
        let advice = advice as libc::c_int;
        // SAFETY: the range is the guest's, mapped by this process, and keeps its contents.
        unsafe { libc::madvise(pointer(start).cast(), (end - start) as usize, advice) };
    }
}

/// Maps a file's bytes, private and read-only, at a place inside the reservation.
///
/// # Errors
/// [`SpaceError`].
pub fn map_file(start: u64, end: u64, fd: RawFd, what: &'static str) -> Result<(), SpaceError> {
    let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE | libc::MAP_FIXED;
    map(start, end - start, libc::PROT_READ, flags, fd, 0).map_err(|source| refused(what, source))
}

/// Maps a segment of an image from a file of the runtime's own, private, with its rights.
///
/// # Errors
/// The host's.
pub fn map_segment(start: u64, end: u64, access: Access, fd: RawFd, offset: u64) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE | libc::MAP_FIXED;
    map(start, end - start, rights(access), flags, fd, offset)
}

fn refused(what: &'static str, source: io::Error) -> SpaceError {
    let strict = std::fs::read_to_string("/proc/sys/vm/overcommit_memory")
        .is_ok_and(|text| text.trim() == "2");
    if source.raw_os_error() == Some(libc::ENOMEM) && strict {
        return SpaceError::Missing(format!(
            "cannot map {what}: this host charges memory in full (vm.overcommit_memory is 2); use a smaller --memory"
        ));
    }
    SpaceError::Map { what, source }
}

/// Changes the rights of whole pages of the guest's.
///
/// # Errors
/// [`SpaceError::Map`].
pub fn protect(start: u64, end: u64, access: Access) -> Result<(), SpaceError> {
    set_access(start, end - start, access).map_err(|source| SpaceError::Map {
        what: "with its rights",
        source,
    })
}

/// As [`protect`], for traps: no allocation.
///
/// # Errors
/// The host's.
pub fn set_access(start: u64, size: u64, access: Access) -> io::Result<()> {
    assert!(
        start >= layout::NULL_END && start + size <= layout::SANDBOX_END,
        "only the guest's memory"
    );
    // SAFETY: the range is the guest's: no Rust value lives there, and slices of it end before rights change.
    match unsafe { libc::mprotect(pointer(start).cast(), size as usize, rights(access)) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn rights(access: Access) -> i32 {
    match access {
        Access::Read => libc::PROT_READ,
        Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        Access::Execute => libc::PROT_READ | libc::PROT_EXEC,
    }
}

fn map(start: u64, length: u64, rights: i32, flags: i32, fd: RawFd, offset: u64) -> io::Result<()> {
    // SAFETY: either MAP_FIXED_NOREPLACE, which takes no address that is in use, or a range inside our own reservation,
    // where no Rust value lives.
    let got = unsafe {
        libc::mmap(
            pointer(start).cast(),
            length as usize,
            rights,
            flags,
            fd,
            offset as i64,
        )
    };
    if got == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    if got.addr() as u64 != start {
        // A kernel before 4.17 does not know MAP_FIXED_NOREPLACE and takes the address as a hint.
        return Err(io::Error::from_raw_os_error(libc::EEXIST));
    }
    Ok(())
}

/// A guest address as a host pointer; they are the same number.
pub fn pointer(address: u64) -> *mut u8 {
    std::ptr::with_exposed_provenance_mut(address as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_knows_edges_and_rights() {
        let region = |start, end, access| Region {
            start,
            end,
            access,
            what: What::Data,
        };
        let plan = Plan {
            regions: vec![
                region(0x1000_0000, 0x1000_2000, Access::Read),
                region(0x1000_2000, 0x1000_4000, Access::ReadWrite),
                region(0x1000_4000, 0x1000_6000, Access::ReadWrite),
                region(0xffff_e000, 0xffff_f000, Access::ReadWrite),
            ],
            manifest: manifest::build(&[], 0).unwrap(),
        };
        assert!(
            plan.covers(0x1000_2000, 0x4000, true),
            "adjacent regions are one range"
        );
        assert!(plan.covers(0x1000_0000, 0x6000, false));
        assert!(!plan.covers(0x1000_1fff, 2, true));
        assert!(!plan.covers(0x1000_5fff, 2, false));
        assert!(!plan.covers(0x0fff_ffff, 2, false));
        assert!(plan.covers(0xffff_efff, 1, true));
        assert!(!plan.covers(0xffff_efff, 2, true));
        assert!(!plan.covers(u64::MAX, 1, false));
        assert!(!plan.covers(u64::MAX, u64::MAX, false));
        assert!(!plan.covers(0x1_1000_2000, 1, true));
        assert!(plan.covers(0, 0, true), "nothing is read");
    }
}
