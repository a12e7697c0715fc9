//! brk, mmap and their kin. Protection is recorded and checked on buffers of system calls; loads and stores are not
//! stopped by it (no trap protects pages).

use zvm_abi::layout::PAGE;

use super::mapping::{Mapping, Part};
use super::memory::range_end;
use super::pages::{EXEC, READ, WRITE};
use crate::errno::Errno;
use crate::fs::{Device, Kind, NodeId, seal};
use crate::kernel::{Args, Kernel};

const MAP_SHARED: u64 = 0x01;
const MAP_PRIVATE: u64 = 0x02;
const MAP_SHARED_VALIDATE: u64 = 0x03;
const MAP_TYPE: u64 = 0x0F;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;

const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;

/// The call has nothing to do here, and has done it.
pub(crate) fn success(_: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Ok(0)
}

/// All memory is resident, if it is there and can be read.
pub(crate) fn mlock(kernel: &mut Kernel, [address, size, ..]: Args) -> Result<u64, Errno> {
    address.checked_add(size).ok_or(Errno::EINVAL)?;
    let readable = kernel.memory.check(address, size, false);
    readable.map(|()| 0).map_err(|_| Errno::ENOMEM)
}

pub(crate) fn munlock(kernel: &mut Kernel, [address, size, ..]: Args) -> Result<u64, Errno> {
    match mlock(kernel, [address, size, 0, 0, 0, 0]) {
        Err(Errno::ENOMEM) if kernel.memory.pages().owns(address, size) => Ok(0),
        result => result,
    }
}

/// All memory is resident.
pub(crate) fn mlockall(_: &mut Kernel, [flags, ..]: Args) -> Result<u64, Errno> {
    const CURRENT_FUTURE: u64 = 3;
    const ONFAULT: u64 = 4;
    match flags as u32 as u64 {
        0 | ONFAULT => Err(Errno::EINVAL),
        flags if flags & !(CURRENT_FUTURE | ONFAULT) != 0 => Err(Errno::EINVAL),
        _ => Ok(0),
    }
}

pub(crate) fn brk(kernel: &mut Kernel, [end, ..]: Args) -> Result<u64, Errno> {
    let (least, before) = kernel.memory.brk;
    if end < least {
        return Ok(before);
    }
    // What was mapped over the part that goes goes with it.
    if end < before {
        let (low, high) = (end.next_multiple_of(PAGE), before.next_multiple_of(PAGE));
        if kernel.cut_mappings(low, high - low).is_err() {
            return Ok(before);
        }
    }
    let memory = &mut kernel.memory;
    if memory.pages().set_break(end) {
        memory.brk.1 = end;
    }
    Ok(memory.brk.1)
}

/// Mappings of whole multiples of this lie at one, as on Linux those of whole huge pages do: allocators that want their segments
/// aligned get them at once, instead of by asking for more.
const LARGE: u64 = 4 << 20;

/// What a mapping's bytes are.
enum Source {
    Anonymous,
    File {
        node: NodeId,
        offset: u64,
        may_write: bool,
    },
}

pub(crate) fn mmap(
    kernel: &mut Kernel,
    [address, size, prot, flags, fd, offset]: Args,
) -> Result<u64, Errno> {
    let kind = flags & MAP_TYPE;
    if !matches!(kind, MAP_SHARED | MAP_PRIVATE | MAP_SHARED_VALIDATE)
        || size == 0
        || offset % PAGE != 0
    {
        return Err(Errno::EINVAL);
    }
    let size = size.checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)?;
    let prot = protection(prot)?;
    let shared = kind != MAP_PRIVATE;
    let source = if flags & MAP_ANONYMOUS != 0 {
        Source::Anonymous
    } else {
        let source = file(kernel, fd, offset, shared, prot)?;
        let end = offset.checked_add(size);
        end.filter(|&end| end <= i64::MAX as u64)
            .ok_or(Errno::EOVERFLOW)?;
        source
    };
    let fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
    if fixed && address % PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    let start = if fixed {
        if flags & MAP_FIXED_NOREPLACE == 0 {
            unmap(kernel, address, size).map_err(|_| Errno::ENOMEM)?;
        } else if kernel.memory.check(address, 1, false).is_ok() {
            return Err(Errno::EEXIST);
        }
        let pages = kernel.memory.pages();
        let inside = address >= pages.start()
            && address
                .checked_add(size)
                .is_some_and(|end| end <= pages.end());
        if !pages.take_at(address, size, READ | WRITE) {
            return Err(if inside && flags & MAP_FIXED_NOREPLACE != 0 {
                Errno::EEXIST
            } else {
                Errno::ENOMEM
            });
        }
        address
    } else {
        let pages = kernel.memory.pages();
        let hint =
            address != 0 && address % PAGE == 0 && pages.take_at(address, size, READ | WRITE);
        // Pages that nobody may touch are not dirty: say so from the start.
        if hint {
            address
        } else {
            let prot = if prot == 0 { 0 } else { READ | WRITE };
            let aligned = if size % LARGE == 0 {
                pages.take_aligned(size, LARGE, prot)
            } else {
                None
            };
            aligned
                .or_else(|| pages.take(size, prot))
                .ok_or(Errno::ENOMEM)?
        }
    };
    if let Source::File {
        node,
        offset,
        may_write,
    } = source
    {
        let mapping = Mapping {
            start,
            size,
            node,
            offset,
            write: prot & WRITE != 0,
            may_write,
        };
        let mapped = kernel.fill(start, size, node, offset);
        if let Err(errno) = mapped.and_then(|()| kernel.add_mapping(mapping, shared)) {
            kernel.memory.pages().release(start, size);
            return Err(errno);
        }
    }
    kernel.memory.pages().protect(start, size, prot);
    Ok(start)
}

/// Protection bits that can be had: code can only become executable by Jail, which takes no ordinary code.
fn protection(prot: u64) -> Result<u8, Errno> {
    const GROWS: u64 = 0x0300_0000;
    if prot & !(u64::from(READ | WRITE | EXEC) | GROWS | 8) != 0 {
        return Err(Errno::EINVAL);
    }
    if prot & u64::from(EXEC) != 0 {
        return Err(Errno::EACCES);
    }
    // As on the processor: what can be written can be read.
    match prot as u8 & (READ | WRITE) {
        WRITE => Ok(READ | WRITE),
        prot => Ok(prot),
    }
}

fn file(
    kernel: &mut Kernel,
    fd: u64,
    offset: u64,
    shared: bool,
    prot: u8,
) -> Result<Source, Errno> {
    let file = kernel.files.get(fd)?;
    let (node, readable, writable) = (file.node, file.readable(), file.writable());
    if !readable || (shared && prot & WRITE != 0 && !writable) {
        return Err(Errno::EACCES);
    }
    let found = kernel.tree.node(node)?;
    let sealed = found.seals.unwrap_or(0) & (seal::WRITE | seal::FUTURE_WRITE) != 0;
    if sealed && shared && prot & WRITE != 0 {
        return Err(Errno::EPERM);
    }
    match found.kind {
        Kind::File(_) => Ok(Source::File {
            node,
            offset,
            may_write: writable && !sealed,
        }),
        Kind::Device(Device::Zero) => Ok(Source::Anonymous),
        _ => Err(Errno::ENODEV),
    }
}

pub(crate) fn munmap(kernel: &mut Kernel, [address, size, ..]: Args) -> Result<u64, Errno> {
    if address % PAGE != 0 || size == 0 {
        return Err(Errno::EINVAL);
    }
    let size = size.checked_next_multiple_of(PAGE).ok_or(Errno::EINVAL)?;
    let end = range_end(address, size).map_err(|_| Errno::EINVAL)?;
    // What came with the image stays.
    let mut regions = kernel.memory.regions().iter();
    if regions.any(|region| region.start < end && address < region.end) {
        return Err(Errno::EINVAL);
    }
    kernel.hand_back(address, size)?;
    Ok(0)
}

/// Unmaps whole pages; shared mappings go back to their files first. The pages are still together, for who takes them again.
fn unmap(kernel: &mut Kernel, start: u64, size: u64) -> Result<(), Errno> {
    start.checked_add(size).ok_or(Errno::EINVAL)?;
    kernel.cut_mappings(start, size)?;
    if kernel.memory.pages().release(start, size) {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

pub(crate) fn mremap(
    kernel: &mut Kernel,
    [old, old_size, new_size, flags, new, _]: Args,
) -> Result<u64, Errno> {
    if flags & !(MREMAP_MAYMOVE | MREMAP_FIXED) != 0
        || old % PAGE != 0
        || new_size == 0
        || old_size == 0
    {
        return Err(Errno::EINVAL);
    }
    let old_size = old_size
        .checked_next_multiple_of(PAGE)
        .ok_or(Errno::EINVAL)?;
    let new_size = new_size
        .checked_next_multiple_of(PAGE)
        .ok_or(Errno::ENOMEM)?;
    let pages = kernel.memory.pages();
    if !pages.owns(old, old_size) {
        return Err(Errno::EFAULT);
    }
    let prot = pages.protection(old);
    if flags & MREMAP_FIXED != 0 {
        let apart =
            new.checked_add(new_size).is_some_and(|end| end <= old) || new >= old + old_size;
        if flags & MREMAP_MAYMOVE == 0 || new % PAGE != 0 || !apart {
            return Err(Errno::EINVAL);
        }
        unmap(kernel, new, new_size)?;
        if !kernel.memory.pages().take_at(new, new_size, READ | WRITE) {
            return Err(Errno::ENOMEM);
        }
        return relocate(kernel, (old, old_size), (new, new_size), prot);
    }
    if new_size <= old_size {
        if new_size < old_size {
            kernel.hand_back(old + new_size, old_size - new_size)?;
        }
        return Ok(old);
    }
    let more = new_size - old_size;
    let end = old + old_size;
    if kernel.memory.pages().take_at(end, more, prot) {
        kernel.extend_mapping(end, more).inspect_err(|_| {
            kernel.memory.pages().release(end, more);
        })?;
        kernel.memory.pages().protect(end, more, prot);
        return Ok(old);
    }
    if flags & MREMAP_MAYMOVE == 0 {
        return Err(Errno::ENOMEM);
    }
    let new = kernel
        .memory
        .pages()
        .take(new_size, READ | WRITE)
        .ok_or(Errno::ENOMEM)?;
    relocate(kernel, (old, old_size), (new, new_size), prot)
}

/// Moves memory, and what is mapped there, into fresh pages and gives the old ones back.
fn relocate(kernel: &mut Kernel, old: (u64, u64), new: (u64, u64), prot: u8) -> Result<u64, Errno> {
    if let Err(errno) = copy(kernel, old, new) {
        unmap(kernel, new.0, new.1)?;
        return Err(errno);
    }
    kernel.memory.pages().protect(new.0, new.1, prot);
    unmap(kernel, old.0, old.1)?;
    Ok(new.0)
}

fn copy(kernel: &mut Kernel, old: (u64, u64), new: (u64, u64)) -> Result<(), Errno> {
    let kept = old.1.min(new.1);
    kernel.write_back(Part::Memory(old.0, old.1))?;
    kernel.memory.pages().protect(old.0, old.1, READ | WRITE);
    kernel.memory.copy(old.0, new.0, kept)?;
    kernel.copy_mappings(old.0, new.0, kept)?;
    if new.1 > kept {
        kernel.extend_mapping(new.0 + kept, new.1 - kept)?;
    }
    Ok(())
}

pub(crate) fn mprotect(kernel: &mut Kernel, [address, size, prot, ..]: Args) -> Result<u64, Errno> {
    if address % PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    let prot = protection(prot)?;
    let size = size.checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)?;
    let write = prot & WRITE != 0;
    let shared = &kernel.memory.shared;
    let mut mapped = shared.iter().filter_map(|map| map.within(address, size));
    if write && mapped.any(|map| !map.may_write) {
        return Err(Errno::EACCES);
    }
    if size == 0 || kernel.memory.pages().protect(address, size, prot) {
        for map in &mut kernel.memory.shared {
            map.write |= write && map.within(address, size).is_some();
        }
        return Ok(0);
    }
    // The image's own pages: what they allow cannot change, and less is not enforced anyway.
    match kernel.memory.check(address, 1, false) {
        Ok(()) if prot & WRITE == 0 || kernel.memory.check(address, 1, true).is_ok() => Ok(0),
        Ok(()) => Err(Errno::EACCES),
        Err(_) => Err(Errno::ENOMEM),
    }
}

pub(crate) fn madvise(
    kernel: &mut Kernel,
    [address, size, advice, ..]: Args,
) -> Result<u64, Errno> {
    const DONTNEED: u64 = 4;
    if address % PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    let size = size.checked_next_multiple_of(PAGE).ok_or(Errno::EINVAL)?;
    let mapped = kernel.memory.pages().owns(address, size);
    match advice {
        DONTNEED if mapped => kernel.discard(address, size).map(|()| 0),
        // Hints about reading, huge pages, dumps and lazy freeing: nothing changes for the program.
        0..=4 | 8 | 12..=21 if mapped || kernel.memory.check(address, size, false).is_ok() => Ok(0),
        0..=4 | 8 | 12..=21 => Err(Errno::ENOMEM),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn msync(kernel: &mut Kernel, [address, size, flags, ..]: Args) -> Result<u64, Errno> {
    // MS_ASYNC and MS_SYNC exclude each other.
    if address % PAGE != 0 || flags & !7 != 0 || flags & 5 == 5 {
        return Err(Errno::EINVAL);
    }
    if !kernel.memory.pages().owns(address, size) {
        return Err(Errno::ENOMEM);
    }
    kernel.write_back(Part::Memory(address, size))?;
    Ok(0)
}

pub(crate) fn mincore(
    kernel: &mut Kernel,
    [address, size, vector, ..]: Args,
) -> Result<u64, Errno> {
    if address % PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    if !kernel.memory.pages().owns(address, size) {
        return Err(Errno::ENOMEM);
    }
    // SAFETY: the slice ends with the statement.
    unsafe { kernel.memory.bytes_mut(vector, size.div_ceil(PAGE))? }.fill(1);
    Ok(0)
}
