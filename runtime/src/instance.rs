//! The instance: the forked process that maps the sandbox, validates, closes itself in, and becomes the guest.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use zvm_abi::layout;

use crate::channel::Channel;
use crate::crash::snapshot::{self, Snapshot};
use crate::debugger::Gate;
use crate::error::status;
use crate::image::{Access, Image, Segment};
use crate::kept::{self, Identity, Kept, Parts};
use crate::record::{Moment, Shared, Stage, Validated};
use crate::space::{self, Plan, SpaceError, What};
use crate::trap::Duties;
use crate::verdict::{Key, Main, Verdicts};
use crate::zapp::memory::{Memory, Range};
use crate::{check, huge, seccomp, signals, thunk, trap};

/// Bytes of zero between the top of the stack and the guest's first stack pointer.
const ENTRY_RED_ZONE: u64 = 64;

/// What the monitor wants beside the guest's run.
#[derive(Debug)]
pub struct Orders<'a> {
    /// Process number of the monitor.
    pub monitor: u32,
    /// Most processor time.
    pub cpu_time: Option<Duration>,
    /// The guest may ask for the host's time.
    pub host_clock: bool,
    /// For the trap server.
    pub duties: Duties,
    /// What earlier runs know of the validator.
    pub verdicts: Option<Verdicts>,
    /// As what the image is kept; `None` if it is not to be.
    pub identity: Option<Identity>,
    /// The image as an earlier run kept it.
    pub kept: Option<Kept>,
    /// Where to wait for a debugger.
    pub gate: Option<&'a Gate>,
    /// Where the memory goes at a fault.
    pub snapshot: &'a Snapshot,
    /// What memory begins with, instead of the image's data.
    pub begin: Option<&'a Memory>,
}

/// Why the guest was not started.
struct Refusal {
    status: u8,
    message: String,
}

impl From<SpaceError> for Refusal {
    fn from(error: SpaceError) -> Self {
        Refusal {
            status: status::MEMORY,
            message: error.to_string(),
        }
    }
}

fn refuse<E: std::fmt::Display>(status: u8, what: &'static str) -> impl FnOnce(E) -> Refusal {
    move |error| Refusal {
        status,
        message: format!("cannot {what}: {error}"),
    }
}

/// Becomes the guest. Never returns: the process ends with the guest, and `record` says how.
pub fn become_guest(
    image: &Image,
    plan: Plan,
    channels: &[Channel],
    record: Shared,
    orders: &Orders<'_>,
) -> ! {
    let Refusal { status, message } = match start(image, plan, channels, record, orders) {
        Ok(never) => match never {},
        Err(refusal) => refusal,
    };
    record.refuse(Stage::Refused, status, &message);
    // SAFETY: ends the process, without the destructors and buffers that are the parent's.
    unsafe { libc::_exit(i32::from(status)) }
}

fn start(
    image: &Image,
    plan: Plan,
    channels: &[Channel],
    record: Shared,
    orders: &Orders<'_>,
) -> Result<std::convert::Infallible, Refusal> {
    record.mark(Moment::Forked);
    // SAFETY: prctl with integers. The parent's death is the instance's.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // It may have died before.
    if std::os::unix::process::parent_id() != orders.monitor {
        return Err(Refusal {
            status: status::IO,
            message: "the monitor is gone".to_owned(),
        });
    }
    // With READ_IMPLIES_EXEC set, every readable page of the guest would be executable.
    // SAFETY: an integer; the default personality.
    if unsafe { libc::personality(0) } < 0 {
        return Err(refuse(status::IO, "set the personality")(
            io::Error::last_os_error(),
        ));
    }
    if let Some(message) = thunk::missing(image.level) {
        return Err(Refusal {
            status: status::BAD_IMAGE,
            message,
        });
    }
    space::reserve()?;
    signals::install(record).map_err(refuse(status::IO, "install signal handlers"))?;
    let kept = orders.kept.as_ref();
    let kept = kept.is_some_and(|kept| kept.map(image).is_ok());
    map_regions(&plan, channels, kept)?;
    fill(&plan, image, kept, orders.begin.is_none())?;
    let parts = Parts {
        image,
        memory: orders.begin,
    };
    if let Some(memory) = orders.begin {
        begin(memory, parts, kept, orders)?;
    }
    record.mark(Moment::Mapped);
    let main = match kept {
        true => Main::accepted(mapped(&image.text).len()),
        false => validate(parts, record, orders)?,
    };
    record.set_validated(Validated::Accepted);
    record.mark(Moment::Judged);
    let level = check::level(image.level);
    let map = snapshot::prepare(orders.snapshot, &plan)
        .map_err(refuse(status::IO, "read /proc/self/pagemap"))?;
    let server = trap::Server::new(plan, channels, record, level, main, orders.duties)
        .map_err(refuse(status::IO, "read /proc/self/pagemap"))?;
    let pagemap = server.pagemap();
    server.install();
    thunk::install(image.level, trap::handle).map_err(refuse(status::MEMORY, "map the thunk"))?;
    if let Some(gate) = orders.gate {
        gate.wait();
    }
    close_other_descriptors(channels, &[pagemap, map, Some(orders.snapshot.fd())]);
    if let Some(limit) = orders.cpu_time {
        limit_cpu_time(limit).map_err(refuse(status::IO, "limit the processor time"))?;
    }
    record.mark(Moment::Ready);
    let needs = seccomp::Needs {
        clock: orders.host_clock,
        network: channels.iter().any(Channel::network),
    };
    seccomp::close(needs).map_err(|message| Refusal {
        status: status::IO,
        message,
    })?;
    signals::guest_starts();
    record.set_stage(Stage::Running);
    // SAFETY: the space is mapped, text validated and executable, the thunk installed.
    unsafe { thunk::enter(image.entry, layout::STACK_TOP - ENTRY_RED_ZONE) }
}

/// SIGPROF, with no handler, ends the process when its processor time is used up.
fn limit_cpu_time(limit: Duration) -> io::Result<()> {
    let timer = libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_usec: i64::from(limit.subsec_micros()).max(i64::from(limit.as_secs() == 0)),
        },
    };
    // SAFETY: the structure lives through the call.
    match unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Maps what the guest has; `kept` says that text and fixed data are in their place.
fn map_regions(plan: &Plan, channels: &[Channel], kept: bool) -> Result<(), Refusal> {
    for region in &plan.regions {
        match region.what {
            What::Text if kept => {}
            What::Data if kept && region.access == Access::Read => {}
            What::Channel(index) => space::map_file(
                region.start,
                region.end,
                channels[index].sources[0].fd(),
                "a mount",
            )?,
            What::Trampolines => space::map_zero(region.start, region.end, "the trampolines")?,
            What::Text => space::map_zero(region.start, region.end, "text")?,
            What::Data => space::map_zero(region.start, region.end, "data")?,
            What::Heap => {
                space::map_zero(region.start, region.end, "the heap")?;
                huge::heap(region.start, region.end);
            }
            What::Manifest => space::map_zero(region.start, region.end, "the manifest")?,
            What::Stack => space::map_zero(region.start, region.end, "the stack")?,
        }
    }
    Ok(())
}

/// The bytes of a fresh region, while it is still ours to write.
///
/// # Safety
/// `[start, end)` was mapped by [`space::map_zero`] and is read and written through this slice alone.
unsafe fn fresh(start: u64, end: u64) -> &'static mut [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(space::pointer(start), (end - start) as usize) }
}

/// Puts memory that was copied by an earlier run in its place: mapped, if it is kept. Whoever asks which pages are held wants
/// them in memory of the instance's own.
fn begin(
    memory: &Memory,
    parts: Parts<'_>,
    kept: bool,
    orders: &Orders<'_>,
) -> Result<(), Refusal> {
    let copied = orders.duties.memory || orders.snapshot.whole;
    let failed = refuse(status::IO, "read the snapshot");
    if let (true, false, Some(kept)) = (kept, copied, &orders.kept) {
        return kept.map_memory(parts).map_err(failed);
    }
    let read = |range: &Range| {
        // SAFETY: the plan has this range as memory that the guest can write, which map_regions mapped as zero pages.
        let bytes = unsafe { fresh(range.start, range.end) };
        memory.file.read_exact_at(bytes, range.offset)
    };
    memory.ranges.iter().try_for_each(read).map_err(failed)
}

/// Fills what map_regions has mapped as zero pages; the data that the guest can write only if `data` says so.
fn fill(plan: &Plan, image: &Image, kept: bool, data: bool) -> Result<(), Refusal> {
    // SAFETY: map_regions mapped them all as zero pages; each slice is dropped before the next is made.
    let trampolines = unsafe { fresh(layout::TRAMPOLINE_BASE, space::TRAMPOLINES_END) };
    trampolines.fill(0xf4);
    let slot = thunk::slot();
    trampolines[..slot.len()].copy_from_slice(&slot);
    space::protect(
        layout::TRAMPOLINE_BASE,
        space::TRAMPOLINES_END,
        Access::Execute,
    )?;

    for segment in &image.data {
        match segment.access {
            Access::Read if kept => {}
            Access::Read => {
                read_segment(image, segment)?;
                let (start, end) = segment.pages();
                space::protect(start, end, Access::Read)?;
            }
            _ if data => read_segment(image, segment)?,
            _ => {}
        }
    }
    if !kept {
        read_text(image)?;
    }

    let pages = &plan.manifest;
    // SAFETY: as above.
    unsafe { fresh(pages.start, layout::MANIFEST_END) }.copy_from_slice(&pages.bytes);
    space::protect(pages.start, layout::MANIFEST_END, Access::Read)?;
    Ok(())
}

fn read_segment(image: &Image, segment: &Segment) -> Result<(), Refusal> {
    huge::segment(segment);
    space::populate(segment.address, segment.address + segment.file_size);
    // SAFETY: the segment lies inside pages that map_regions mapped as zero pages.
    let bytes = unsafe { fresh(segment.address, segment.address + segment.file_size) };
    image
        .file
        .read_exact_at(bytes, segment.offset)
        .map_err(refuse(status::IO, "read the image"))
}

/// A segment's whole pages, which nobody can write.
fn mapped(segment: &Segment) -> &'static [u8] {
    let (start, end) = segment.pages();
    // SAFETY: mapped and readable: private memory that is not writable, or a file that never changes.
    unsafe { std::slice::from_raw_parts(space::pointer(start), (end - start) as usize) }
}

/// Reads text into memory of the instance's own, which is no longer writable then.
fn read_text(image: &Image) -> Result<(), Refusal> {
    read_segment(image, &image.text)?;
    let (start, end) = image.text.pages();
    // SAFETY: the text's pages, mapped by map_regions; this slice ends before the next is made.
    let pages = unsafe { fresh(start, end) };
    pages[image.text.size as usize..].fill(0xf4);
    Ok(space::protect(start, end, Access::Read)?)
}

/// Validates text as it is mapped, whole pages, and makes it executable; the answer is what Jail needs of it.
fn validate(parts: Parts<'_>, record: Shared, orders: &Orders<'_>) -> Result<Main, Refusal> {
    let image = parts.image;
    let (text, used) = (mapped(&image.text), image.text.size as usize);
    let verdicts = orders.verdicts.as_ref();
    let known = verdicts.map(|verdicts| (verdicts, Key::of(text, used, image.level)));
    let main = match known {
        Some((verdicts, key)) if verdicts.accepted(key) => {
            // Not its first run, so there may be more.
            if let Some(identity) = &orders.identity {
                let pages = kept::segments(image).map(mapped);
                let memory = parts.memory.map_or(&[][..], |memory| &memory.ranges);
                // SAFETY: mapped and filled by `begin`; the guest has not run yet, so nobody writes there.
                let begun = memory
                    .iter()
                    .map(|range| &*unsafe { fresh(range.start, range.end) });
                let pages: Vec<_> = pages.chain(begun).collect();
                kept::keep(verdicts, identity, parts, key, &pages);
            }
            Main::accepted(text.len())
        }
        _ => {
            let (main, _) = check::text(text, used, image.level, 1).map_err(|refused| {
                record.set_validated(Validated::Rejected);
                Refusal {
                    status: status::BAD_IMAGE,
                    message: refused.to_string(),
                }
            })?;
            if let Some((verdicts, key)) = known {
                verdicts.keep(key);
            }
            Main::validated(main)
        }
    };
    let (start, end) = image.text.pages();
    space::protect(start, end, Access::Execute)?;
    Ok(main)
}

/// Closes every descriptor that is no channel: what the parent inherited is not the guest's.
fn close_other_descriptors(channels: &[Channel], others: &[Option<RawFd>]) {
    let mut keep: Vec<RawFd> = channels
        .iter()
        .flat_map(Channel::fds)
        .chain(others.iter().copied().flatten())
        .collect();
    keep.sort_unstable();
    keep.dedup();
    let mut next = 0;
    for fd in keep {
        close_range(next, fd - 1);
        next = fd + 1;
    }
    close_range(next, RawFd::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: no value in this process uses these descriptors again: it ends without destructors.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result != 0 {
        // Linux before 5.9.
        for fd in first..=last.min(65_536) {
            // SAFETY: as above.
            unsafe { libc::close(fd) };
        }
    }
}
