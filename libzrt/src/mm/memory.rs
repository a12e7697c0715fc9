//! The program's memory, seen by system calls: which addresses are whose, and checked access.

use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use zvm_abi::layout::{NULL_END, PAGE};

use super::mapping::Mapping;
use super::pages::{self, Pages, Reserve};
use crate::errno::Errno;
use crate::kernel::Registers;

/// Plain data that may be copied between the program and the library OS byte by byte.
///
/// # Safety
/// Every bit pattern is a value, and there is no padding.
pub unsafe trait Plain: Copy {}

macro_rules! plain { ($($t:ty),*) => { $(
    // SAFETY: integers have neither padding nor invalid values.
    unsafe impl Plain for $t {}
)* } }
plain!(
    u8, u16, u32, u64, i32, i64, [u32; 2], [u64; 2], [i64; 2], [u64; 3], [u64; 4], [i64; 4]
);

/// A part of the address space that is not heap: the image's segments, mapped channels, the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// Exclusive end.
    pub end: u64,
    /// Whether the program may write there.
    pub write: bool,
    /// Its name in /proc/self/maps.
    pub name: &'static str,
}

/// The end of a range that a process of Linux could have.
///
/// # Errors
/// `EFAULT`.
pub(crate) fn range_end(address: u64, size: u64) -> Result<u64, Errno> {
    const SPACE: u64 = 1 << 47;
    let end = address.checked_add(size).filter(|&end| end <= SPACE);
    end.ok_or(Errno::EFAULT)
}

/// The program's memory.
pub struct Memory {
    delta: usize,
    pages: NonNull<Pages>,
    regions: Vec<Region>,
    /// Start and end of brk's area.
    pub(crate) brk: (u64, u64),
    /// Shared mappings of files.
    pub(crate) shared: Vec<Mapping>,
    /// Private ones: what to read again when the program throws its own bytes away.
    pub(super) private: Vec<Mapping>,
}

impl Memory {
    /// The memory whose heap `pages` describes; the guest's address 0 is this process's address `delta`.
    ///
    /// # Safety
    /// `pages` outlives this value, and nobody holds a reference into it across calls here (the allocator uses it between
    /// them). The regions are mapped as they say.
    pub unsafe fn new(delta: usize, pages: NonNull<Pages>, regions: Vec<Region>) -> Memory {
        // SAFETY: the caller said that nobody else holds a reference.
        let start = unsafe { pages.as_ref() }.start();
        Memory {
            delta,
            pages,
            regions,
            brk: (start, start),
            shared: Vec::new(),
            private: Vec::new(),
        }
    }

    /// The page table. Nothing may be allocated while the reference lives.
    pub fn pages(&mut self) -> &mut Pages {
        // SAFETY: `new`'s caller promised that no other reference lives across calls; the one made here ends before the
        // next, as it borrows `self`, and only the allocator, which is not called meanwhile, uses the table besides.
        unsafe { self.pages.as_mut() }
    }

    /// Does what stores the program's bytes with the library OS: such bytes leave alone the reserve, from which the library OS
    /// itself must live when memory is full. What `work` allocates must be allowed to fail.
    pub(crate) fn strictly<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.pages().set_reserve_use(Reserve::Kept);
        let result = work();
        self.pages().set_reserve_use(Reserve::Used);
        result
    }

    /// Gives back all that the program had but what is mapped shared, which lies in the order of its addresses: start and end of
    /// all that it can have had.
    pub(super) fn end_program(&mut self) -> (u64, u64) {
        // SAFETY: as in `pages`; nothing is allocated here.
        let pages = unsafe { self.pages.as_mut() };
        let mut next = pages.start();
        for mapping in &self.shared {
            pages.release_program(next, mapping.start.saturating_sub(next));
            next = mapping.end();
        }
        pages.release_program(next, pages.end() - next);
        pages.end_break();
        (pages.start(), pages.end())
    }

    fn pages_ref(&self) -> &Pages {
        // SAFETY: as in `pages`.
        unsafe { self.pages.as_ref() }
    }

    pub(super) fn mappings(&mut self, shared: bool) -> &mut Vec<Mapping> {
        if shared {
            &mut self.shared
        } else {
            &mut self.private
        }
    }

    /// What is mapped besides the heap.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Says what is mapped besides the heap.
    ///
    /// # Safety
    /// As in [`Memory::new`].
    pub unsafe fn set_regions(&mut self, regions: Vec<Region>) {
        self.regions = regions;
    }

    /// Whether the program may read (or write) every byte of the range.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn check(&self, address: u64, size: u64, write: bool) -> Result<(), Errno> {
        if size == 0 {
            return Ok(());
        }
        let end = address.checked_add(size).ok_or(Errno::EFAULT)?;
        let need = if write { pages::WRITE } else { pages::READ };
        if address >= NULL_END && self.pages_ref().allows(address, size, need) {
            return Ok(());
        }
        let inside = |region: &Region| {
            region.start <= address && end <= region.end && (region.write || !write)
        };
        if self.regions.iter().any(inside) {
            Ok(())
        } else {
            Err(Errno::EFAULT)
        }
    }

    fn pointer(&self, address: u64) -> *mut u8 {
        (address as usize).wrapping_add(self.delta) as *mut u8
    }

    /// The program's bytes, to read from at once.
    ///
    /// # Errors
    /// `EFAULT`.
    ///
    /// # Safety
    /// The slice is dropped before the program runs again and before anything writes to the range.
    pub(crate) unsafe fn bytes<'a>(&self, address: u64, size: u64) -> Result<&'a [u8], Errno> {
        if size == 0 {
            return Ok(&[]);
        }
        self.check(address, size, false)?;
        // SAFETY: checked to be mapped and the program's; the library OS keeps nothing in the program's memory, so no
        // reference of its own points there; the caller ends the use in time.
        Ok(unsafe { core::slice::from_raw_parts(self.pointer(address), size as usize) })
    }

    /// The program's bytes, to write to at once.
    ///
    /// # Errors
    /// `EFAULT`.
    ///
    /// # Safety
    /// The slice is dropped before the program runs again, and no other slice of the range is in use.
    pub(crate) unsafe fn bytes_mut<'a>(
        &self,
        address: u64,
        size: u64,
    ) -> Result<&'a mut [u8], Errno> {
        if size == 0 {
            return Ok(&mut []);
        }
        self.check(address, size, true)?;
        // SAFETY: as in `bytes`, and the caller holds no other slice.
        Ok(unsafe { core::slice::from_raw_parts_mut(self.pointer(address), size as usize) })
    }

    /// Bytes of the program's pages, whatever it may do with them, to read from at once.
    ///
    /// # Errors
    /// `EFAULT`.
    ///
    /// # Safety
    /// As for [`Self::bytes`].
    pub(super) unsafe fn owned<'a>(&self, address: u64, size: u64) -> Result<&'a [u8], Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { self.owned_mut(address, size) }.map(|bytes| &*bytes)
    }

    /// Bytes of the program's pages, whatever it may do with them, to write to at once.
    ///
    /// # Errors
    /// `EFAULT`.
    ///
    /// # Safety
    /// As for [`Self::bytes_mut`].
    pub(super) unsafe fn owned_mut<'a>(
        &self,
        address: u64,
        size: u64,
    ) -> Result<&'a mut [u8], Errno> {
        if size == 0 {
            return Ok(&mut []);
        }
        if !self.pages_ref().owns(address, size) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as in `bytes_mut`.
        Ok(unsafe { core::slice::from_raw_parts_mut(self.pointer(address), size as usize) })
    }

    /// As many of the program's bytes as may be read, at least one: Linux moves bytes up to the first page that is missing.
    ///
    /// # Errors
    /// `EFAULT`.
    ///
    /// # Safety
    /// As for [`Self::bytes`].
    pub(crate) unsafe fn some_bytes<'a>(&self, address: u64, size: u64) -> Result<&'a [u8], Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe {
            self.bytes(address, size)
                .or_else(|_| self.bytes(address, self.reach(address, size, false)?))
        }
    }

    /// As many of the program's bytes as may be written, at least one.
    ///
    /// # Errors
    /// `EFAULT`.
    ///
    /// # Safety
    /// As for [`Self::bytes_mut`].
    pub(crate) unsafe fn some_bytes_mut<'a>(
        &self,
        address: u64,
        size: u64,
    ) -> Result<&'a mut [u8], Errno> {
        // SAFETY: the caller's promise is the same; only one of the two slices comes to be.
        unsafe {
            self.bytes_mut(address, size)
                .or_else(|_| self.bytes_mut(address, self.reach(address, size, true)?))
        }
    }

    /// How many bytes of the range there are up to the first page that is missing.
    ///
    /// # Errors
    /// `EFAULT` if there is none, or the range is none of a process's.
    pub(crate) fn reach(&self, address: u64, size: u64, write: bool) -> Result<u64, Errno> {
        let end = range_end(address, size)?;
        if self.check(address, size, write).is_ok() {
            return Ok(size);
        }
        let mut next = address;
        while next < end {
            let part = (PAGE - next % PAGE).min(end - next);
            if self.check(next, part, write).is_err() {
                break;
            }
            next += part;
        }
        match next - address {
            0 if size > 0 => Err(Errno::EFAULT),
            reached => Ok(reached),
        }
    }

    /// Copies bytes to the program.
    ///
    /// # Errors
    /// `EFAULT`, and nothing is written.
    pub fn put(&self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        // SAFETY: the slice ends with the statement; `bytes` is the library OS's own or a channel's, or, copied within
        // the program's memory by nobody, never the same range.
        unsafe { self.bytes_mut(address, bytes.len() as u64)? }.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a value to the program.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write<T: Plain>(&self, address: u64, value: &T) -> Result<(), Errno> {
        // SAFETY: `Plain` values have no padding.
        self.put(address, unsafe {
            core::slice::from_raw_parts(core::ptr::from_ref(value).cast::<u8>(), size_of::<T>())
        })
    }

    /// Reads a value of the program's.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read<T: Plain>(&self, address: u64) -> Result<T, Errno> {
        // SAFETY: the slice ends within this function, which writes to its own value only.
        let bytes = unsafe { self.bytes(address, size_of::<T>() as u64)? };
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: as many bytes as the value has; every pattern is a value of a `Plain` type.
        unsafe {
            core::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                value.as_mut_ptr().cast::<u8>(),
                bytes.len(),
            );
            Ok(value.assume_init())
        }
    }

    /// `count` values at `address`.
    ///
    /// # Errors
    /// `EFAULT`, `EINVAL` for more than `limit`, or `ENOMEM`.
    pub fn read_array<T: Plain>(
        &self,
        address: u64,
        count: u64,
        limit: u64,
    ) -> Result<Vec<T>, Errno> {
        if count > limit {
            return Err(Errno::EINVAL);
        }
        let size = size_of::<T>() as u64;
        self.check(address, count * size, false)?;
        let mut values = Vec::new();
        values
            .try_reserve_exact(count as usize)
            .map_err(|_| Errno::ENOMEM)?;
        for index in 0..count {
            values.push(self.read(address + index * size)?);
        }
        Ok(values)
    }

    /// The NUL-terminated string at `address`, without the NUL.
    ///
    /// # Errors
    /// `EFAULT`; `ENAMETOOLONG` from `limit` bytes on.
    pub fn string(&self, address: u64, limit: usize) -> Result<Vec<u8>, Errno> {
        let mut text = Vec::new();
        let mut next = address;
        while text.len() < limit {
            // To the page's end: what is mapped is mapped in pages.
            let room = PAGE - next % PAGE;
            // SAFETY: read in this iteration only; `text` is the library OS's own.
            let bytes = unsafe { self.bytes(next, room).or_else(|_| self.tail(next, room))? };
            if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
                text.extend_from_slice(&bytes[..end]);
                return if text.len() < limit {
                    Ok(text)
                } else {
                    Err(Errno::ENAMETOOLONG)
                };
            }
            text.extend_from_slice(bytes);
            next += bytes.len() as u64;
        }
        Err(Errno::ENAMETOOLONG)
    }

    /// The bytes from `address` to the end of a region that ends within the page.
    ///
    /// # Safety
    /// As for [`Self::bytes`].
    unsafe fn tail<'a>(&self, address: u64, room: u64) -> Result<&'a [u8], Errno> {
        let region = self
            .regions
            .iter()
            .find(|region| region.start <= address && address < region.end);
        let end = region.ok_or(Errno::EFAULT)?.end;
        // SAFETY: the caller's promise is the same.
        unsafe { self.bytes(address, room.min(end - address)) }
    }

    /// The register block at `block`.
    pub(crate) fn registers(&self, block: u64) -> Registers {
        // SAFETY: the entry, `clone` or a signal's delivery wrote a block there, into the program's memory, which is never
        // unmapped: a program that has given this part of it away since gets what lies there now. Every pattern is a value.
        unsafe { self.pointer(block).cast::<Registers>().read_unaligned() }
    }

    /// Puts a call's answer into the register block at `block`.
    pub(crate) fn answer(&self, block: u64, value: u64) {
        // SAFETY: as in `registers`: whoever wrote the block could write there. rax is its first word.
        unsafe { self.pointer(block).cast::<u64>().write_unaligned(value) };
    }

    /// Copies within the program's memory.
    pub(super) fn copy(&self, from: u64, to: u64, size: u64) -> Result<(), Errno> {
        self.check(from, size, false)?;
        self.check(to, size, true)?;
        // SAFETY: both ranges were checked; `copy` allows them to overlap.
        unsafe { core::ptr::copy(self.pointer(from), self.pointer(to), size as usize) };
        Ok(())
    }
}
