//! From the entry point to musl's `_start`: reads what the runtime left, and builds the stack that Linux would.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zvm_abi::fault::DOOR;
use zvm_abi::layout::{DATA_BASE, MANIFEST_END, MANIFEST_POINTER, PAGE, STACK_TOP, TEXT_BASE};
use zvm_abi::manifest::{self, UserManifest, limit};
use zvm_abi::note::ImageNote;

use super::memory::{self, OneThread};
use super::traps::{Traps, fail};
use crate::host::{Given, Host};
use crate::kernel::{Boot, Channel, Kernel};
use crate::mm::pages::Pages;
use crate::mm::{Memory, Region};
use crate::nvram::Nvram;
use crate::stack;

/// Exit status for bad mounts and manifests (ZeroVM's).
const BAD_MANIFEST: u8 = 14;
/// Exit status where memory does not suffice (ZeroVM's).
const NO_MEMORY: u8 = 12;
/// The channel with nvram's text.
const NVRAM: usize = 3;
/// Longest alias of a channel.
const MAX_ALIAS: usize = 4096;
/// Most bytes of nvram.
const MAX_NVRAM: u64 = 16 << 20;

/// Bytes of the heap that keep the library OS going when the program has taken all others.
const RESERVE: u64 = 1 << 20;

static KERNEL: OneThread<Option<Kernel>> = OneThread::new(None);

/// The kernel.
///
/// # Safety
/// No other reference to it is in use.
pub(super) unsafe fn kernel<'k>() -> &'k mut Kernel {
    // SAFETY: the caller's promise.
    match unsafe { (*KERNEL.get()).as_mut() } {
        Some(kernel) => kernel,
        None => fail(BAD_MANIFEST, format_args!("a system call before the start")),
    }
}

/// A value that the runtime put at an address.
///
/// # Safety
/// The address is mapped and holds a `T`, as the contract says.
unsafe fn at<T: Copy>(address: u64) -> T {
    // SAFETY: the caller's promise.
    unsafe { (address as *const T).read_unaligned() }
}

/// An entry of a relocation table (psABI, "Relocation": Elf64_Rela).
#[repr(C)]
struct Relocation {
    offset: u64,
    info: u64,
    addend: u64,
}

/// R_X86_64_IRELATIVE: at `offset` belongs what the function at `addend` returns.
const IRELATIVE: u64 = 37;

unsafe extern "C" {
    static __rela_iplt_start: [Relocation; 0];
    static __rela_iplt_end: [Relocation; 0];
}

/// Asks the resolvers of the program's ifuncs. Runs on the program's stack, since a resolver may make system calls.
pub(super) extern "C" fn resolve() {
    let (mut entry, end) = (
        (&raw const __rela_iplt_start).cast::<Relocation>(),
        (&raw const __rela_iplt_end).cast::<Relocation>(),
    );
    while entry < end {
        // SAFETY: the linker puts whole entries between the two symbols; the rewriter has checked their type, that the
        // addend is the address of a function without arguments, and that the offset is that of a GOT slot.
        unsafe {
            let &Relocation {
                offset,
                info,
                addend,
            } = &*entry;
            if info == IRELATIVE {
                let resolver: extern "C" fn() -> u64 = core::mem::transmute(addend);
                (offset as *mut u64).write(resolver());
            }
            entry = entry.add(1);
        }
    }
}

/// What the runtime gives this instance.
///
/// # Safety
/// The contract's "Load time" says what is mapped where.
pub(super) unsafe fn given() -> Given {
    // SAFETY: the caller's promise.
    let (manifest, channels) = unsafe {
        let manifest = user_manifest();
        (manifest, channels(&manifest))
    };
    let nvram = match Nvram::parse(&nvram_text(&channels, &mut Traps)) {
        Ok(nvram) => nvram,
        Err(error) => fail(BAD_MANIFEST, format_args!("{error}")),
    };
    let mut regions = segments(&headers());
    regions.push(region(
        STACK_TOP - u64::from(manifest.stack_size),
        STACK_TOP,
        true,
        "[stack]",
    ));
    for channel in &channels {
        if let Some(bytes) = channel.mapped {
            let start = bytes.as_ptr() as u64;
            regions.push(region(
                start,
                (start + bytes.len() as u64).next_multiple_of(PAGE),
                false,
                "[channel]",
            ));
        }
    }
    // SAFETY: the manifest's pages are mapped, from the head on to their end.
    let head = u64::from(unsafe { at::<u32>(MANIFEST_POINTER) });
    regions.push(region(
        head & !(PAGE - 1),
        MANIFEST_END,
        false,
        "[manifest]",
    ));
    Given {
        channels,
        nvram,
        regions,
    }
}

/// The manifest's head.
///
/// # Safety
/// As in [`given`].
unsafe fn user_manifest() -> UserManifest {
    // SAFETY: the caller's promise.
    unsafe { at(u64::from(at::<u32>(MANIFEST_POINTER))) }
}

/// Starts the library OS: the program's stack pointer.
pub(super) extern "C" fn start() -> u64 {
    // SAFETY: nothing of the program has run in this memory, unless it was made a snapshot by the bare trap.
    if unsafe { (*KERNEL.get()).is_some() } {
        fail(
            BAD_MANIFEST,
            format_args!("a snapshot is made by reading /dev/snapshot, not by the Fork trap alone"),
        );
    }
    // SAFETY: the contract's "Load time" says what is mapped where, and that nothing else has run.
    let (manifest, pages, given) = unsafe {
        let manifest = user_manifest();
        (manifest, page_table(&manifest), given())
    };
    let Given {
        channels,
        nvram,
        regions,
    } = given;
    let headers = headers();
    let level = level(&headers);
    super::cpu::set_level(level);
    let program = stack::Program {
        args: nvram.args.clone(),
        env: nvram.env.clone(),
        headers,
    };
    // SAFETY: the table is a static, which nobody refers to across calls; the regions are as the runtime mapped them.
    let memory = unsafe { Memory::new(0, pages, regions) };
    let boot = Boot {
        host: Box::new(Traps),
        memory,
        channels,
        nvram,
        stack: u64::from(manifest.stack_size),
        level,
    };
    let mut kernel = match Kernel::new(boot) {
        Ok(kernel) => kernel,
        Err(message) => fail(BAD_MANIFEST, format_args!("{message}")),
    };
    let mut random = [0; 16];
    kernel.random.fill(&mut random);
    let Some(image) = stack::build(&program, &random, DOOR, u64::from(manifest.stack_size) / 4)
    else {
        fail(
            7,
            format_args!("arguments and environment are longer than a quarter of the stack"),
        );
    };
    if kernel.memory.put(image.pointer, &image.bytes).is_err() {
        fail(BAD_MANIFEST, format_args!("the stack is not mapped"));
    }
    super::entry::set_state(kernel.threads.state().address());
    // SAFETY: no reference to the kernel exists yet.
    unsafe { *KERNEL.get() = Some(kernel) };
    image.pointer
}

fn region(start: u64, end: u64, write: bool, name: &'static str) -> Region {
    Region {
        start,
        end,
        write,
        name,
    }
}

/// Puts the page table at the heap's start.
///
/// # Safety
/// The heap is as the manifest says, and unused.
unsafe fn page_table(manifest: &UserManifest) -> core::ptr::NonNull<Pages> {
    let (start, size) = (u64::from(manifest.heap_ptr), u64::from(manifest.heap_size));
    // One byte for each page that is left.
    let total = size / PAGE;
    let table = total.div_ceil(PAGE + 1);
    if total <= table {
        fail(
            NO_MEMORY,
            format_args!("the heap has {size} bytes; more memory is needed"),
        );
    }
    // SAFETY: the first pages of the heap hold the table and nothing else; the others are the table's to give.
    let mut pages = unsafe {
        let flags = core::slice::from_raw_parts_mut(start as *mut u8, (total - table) as usize);
        Pages::new(start + table * PAGE, 0, flags)
    };
    pages.set_reserve(RESERVE.min(size / 16));
    memory::install(pages)
}

/// The channels, with names and mapped bytes.
///
/// # Safety
/// The manifest is the runtime's.
unsafe fn channels(user: &UserManifest) -> Vec<Channel> {
    let count = (user.channels_count as usize).min(manifest::MAX_CHANNELS);
    let mut channels = Vec::with_capacity(count);
    for index in 0..count as u64 {
        // SAFETY: the tables are as long as the manifest says; a name ends with a NUL; mapped bytes stay as they are.
        unsafe {
            let channel: manifest::Channel =
                at(u64::from(user.channels) + index * size_of::<manifest::Channel>() as u64);
            let mapped: u32 = at(u64::from(user.mapped_at()) + index * 4);
            let name = channel.name as *const u8;
            let length = (0..MAX_ALIAS)
                .position(|offset| *name.add(offset) == 0)
                .unwrap_or(MAX_ALIAS);
            let size = u64::try_from(channel.size).unwrap_or(0);
            channels.push(Channel {
                name: core::slice::from_raw_parts(name, length).to_vec(),
                kind: channel.kind,
                size,
                readable: channel.limits[limit::GETS] > 0,
                writable: channel.limits[limit::PUTS] > 0,
                mapped: (mapped != 0)
                    .then(|| core::slice::from_raw_parts(mapped as *const u8, size as usize)),
            });
        }
    }
    channels
}

/// nvram's bytes: mapped, or read.
fn nvram_text(channels: &[Channel], host: &mut Traps) -> Vec<u8> {
    let Some(channel) = channels.get(NVRAM) else {
        fail(BAD_MANIFEST, format_args!("there is no /dev/nvram"))
    };
    if let Some(bytes) = channel.mapped {
        return bytes.to_vec();
    }
    let mut text = alloc::vec![0; channel.size.min(MAX_NVRAM) as usize];
    let mut done = 0;
    while done < text.len() {
        match host.read(NVRAM as u32, &mut text[done..], done as u64) {
            count @ 1.. => done += count as usize,
            0 => break,
            error => fail(
                BAD_MANIFEST,
                format_args!("cannot read /dev/nvram: error {}", -error),
            ),
        }
    }
    text.truncate(done);
    text
}

/// The image's program headers, which the rewriter leaves at the start of rodata.
fn headers() -> stack::Headers {
    // SAFETY: the contract: the ELF header stands at DATA_BASE, the program headers at e_phoff from there.
    unsafe {
        let offset: u64 = at(DATA_BASE + 32);
        stack::Headers {
            entry: at(DATA_BASE + 24),
            address: DATA_BASE + offset,
            size: u64::from(at::<u16>(DATA_BASE + 54)),
            count: u64::from(at::<u16>(DATA_BASE + 56)),
        }
    }
}

/// What the image's loaded segments are.
fn segments(headers: &stack::Headers) -> Vec<Region> {
    const LOAD: u32 = 1;
    let mut regions = Vec::new();
    for index in 0..headers.count {
        let header = headers.address + index * headers.size;
        // SAFETY: as in `headers`: an Elf64_Phdr stands there.
        let (kind, flags, start, size): (u32, u32, u64, u64) =
            unsafe { (at(header), at(header + 4), at(header + 16), at(header + 40)) };
        if kind == LOAD && size > 0 {
            let name = if start == TEXT_BASE {
                "[text]"
            } else {
                "[data]"
            };
            regions.push(region(
                start & !(PAGE - 1),
                (start + size).next_multiple_of(PAGE),
                flags & 2 != 0,
                name,
            ));
        }
    }
    regions
}

/// The level that the image's note names (`runtime/abi`, note); the lowest where there is no note.
fn level(headers: &stack::Headers) -> u32 {
    const NOTE: u32 = 4;
    for index in 0..headers.count {
        let header = headers.address + index * headers.size;
        // SAFETY: as in `headers`; the runtime has checked the note, whose descriptor follows a header of 12 bytes and the
        // owner's 4.
        unsafe {
            if at::<u32>(header) == NOTE {
                return at::<ImageNote>(at::<u64>(header + 16) + 16).level;
            }
        }
    }
    1
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    fail(134, format_args!("a mistake in the library OS: {info}"))
}
