//! poll and select: what is ready is known at once; if nothing is, other threads run, or time passes.

use crate::errno::Errno;
use crate::fs::{Kind, NodeId};
use crate::kernel::{Args, Kernel};
use crate::threads::On;
use crate::time::{SECOND, duration};

pub(super) const IN: u16 = 0x001;
pub(super) const OUT: u16 = 0x004;
const ERR: u16 = 0x008;
const HUP: u16 = 0x010;
/// Always reported.
pub(super) const ALWAYS: u16 = ERR | HUP;
const INVALID: u16 = 0x020;
pub(super) const RDNORM: u16 = 0x040;
pub(super) const WRNORM: u16 = 0x100;
const RDHUP: u16 = 0x2000;
/// Whatever it is.
pub(crate) const ANY: u16 = u16::MAX;

/// What an open file may do.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub readable: bool,
    pub writable: bool,
}

/// What a descriptor is ready for.
fn readiness(kernel: &mut Kernel, fd: u64) -> Result<u16, Errno> {
    let file = kernel.files.opened(fd)?;
    let access = Access {
        readable: file.readable(),
        writable: file.writable(),
    };
    kernel.node_readiness(file.node, access)
}

impl Kernel {
    /// What an open file with this node is ready for. Channels always are: a read of one waits outside.
    pub(super) fn node_readiness(&mut self, id: NodeId, access: Access) -> Result<u16, Errno> {
        let node = self.tree.node(id)?;
        Ok(match &node.kind {
            Kind::Epoll(_) => self.epoll_readiness(id),
            kind => self.kind_readiness(kind, access),
        })
    }

    /// The same, of all but epoll descriptors.
    fn kind_readiness(&self, kind: &Kind, access: Access) -> u16 {
        let when = |condition: bool, bits: u16| if condition { bits } else { 0 };
        match kind {
            Kind::Pipe(pipe) => {
                let (reads, writes) = (access.readable, access.writable);
                when(reads && !pipe.is_empty(), IN | RDNORM)
                    | when(reads && pipe.writers == 0, HUP)
                    | when(writes && pipe.is_writable(), OUT | WRNORM)
                    | when(writes && pipe.readers == 0, ERR)
            }
            Kind::Event(event) => {
                when(event.count > 0, IN | RDNORM) | when(event.count < u64::MAX - 1, OUT | WRNORM)
            }
            Kind::Timer(timer) => when(timer.fired > 0, IN | RDNORM),
            Kind::Socket(socket) => {
                let ready = self.socket_readiness(socket);
                when(ready.readable, IN | RDNORM)
                    | when(ready.at_end, RDHUP)
                    | when(ready.writable, OUT | WRNORM)
                    | when(ready.gone, HUP)
                    | when(ready.failed, ERR)
            }
            _ => IN | RDNORM | OUT | WRNORM,
        }
    }
}

/// Who waits until this descriptor can be read may wait for the world outside.
pub(super) fn note_outside(kernel: &mut Kernel, fd: u64) {
    const DEPTH: u32 = 5;
    if let Ok(file) = kernel.files.get(fd)
        && kernel.waits_outside(file.node, DEPTH)
    {
        kernel.progress().outside = true;
    }
}

/// Waits when nothing is ready; a timeout is no error.
fn wait(kernel: &mut Kernel, span: Option<u64>) -> Result<u64, Errno> {
    let deadline = kernel.deadline(span);
    match kernel.block(On::AnyNode, deadline, "polls for what can never happen") {
        Errno::ETIMEDOUT => Ok(0),
        errno => Err(errno),
    }
}

fn poll_for(
    kernel: &mut Kernel,
    address: u64,
    count: u64,
    span: Option<u64>,
) -> Result<u64, Errno> {
    let count = count & 0xFFFF_FFFF;
    let entries = kernel.memory.read_array::<u64>(
        address,
        count,
        kernel.process.limits[crate::process::NOFILE].0,
    )?;
    kernel.look_around();
    let mut ready = 0;
    for (index, entry) in entries.into_iter().enumerate() {
        // struct pollfd: i32 fd, u16 events, u16 revents.
        let (fd, events) = (entry as i32, (entry >> 32) as u16);
        let now = if fd < 0 {
            0
        } else {
            if events & (IN | RDNORM) != 0 {
                note_outside(kernel, fd as u64);
            }
            readiness(kernel, fd as u64).map_or(INVALID, |ready| ready & (events | ERR | HUP))
        };
        ready += u64::from(now != 0);
        kernel
            .memory
            .put(address + index as u64 * 8 + 6, &now.to_le_bytes())?;
    }
    if ready == 0 && span != Some(0) {
        wait(kernel, span)?;
    }
    Ok(ready)
}

pub(crate) fn poll(kernel: &mut Kernel, [address, count, timeout, ..]: Args) -> Result<u64, Errno> {
    let milliseconds = timeout as i32;
    poll_for(
        kernel,
        address,
        count,
        u64::try_from(milliseconds)
            .ok()
            .map(|ms| ms * (SECOND / 1000)),
    )
}

pub(crate) fn ppoll(
    kernel: &mut Kernel,
    [address, count, timeout, mask, ..]: Args,
) -> Result<u64, Errno> {
    let span = if timeout == 0 {
        None
    } else {
        Some(duration(kernel, timeout)?)
    };
    with_mask(kernel, mask, |kernel| {
        poll_for(kernel, address, count, span)
    })
}

/// Runs a call with another signal mask. A signal that this lets through is delivered before the mask goes back.
pub(super) fn with_mask(
    kernel: &mut Kernel,
    mask: u64,
    call: impl FnOnce(&mut Kernel) -> Result<u64, Errno>,
) -> Result<u64, Errno> {
    if mask == 0 {
        return call(kernel);
    }
    let new = kernel.memory.read::<u64>(mask)?;
    kernel.threads.current_mut().signals.suspend(new);
    call(kernel)
}

fn select_for(
    kernel: &mut Kernel,
    count: u64,
    sets: [u64; 3],
    span: Option<u64>,
) -> Result<u64, Errno> {
    const WANT: [u16; 3] = [IN | HUP | ERR, OUT | ERR, 0];
    let count = count as i32;
    if count < 0 {
        return Err(Errno::EINVAL);
    }
    kernel.look_around();
    let words = (count as u64).min(1024).div_ceil(64);
    let mut ready = 0;
    let mut results = [[0_u64; 16]; 3];
    for (which, &address) in sets
        .iter()
        .enumerate()
        .filter(|(_, address)| **address != 0)
    {
        for word in 0..words {
            let set = kernel.memory.read::<u64>(address + word * 8)?;
            for bit in (0..64).filter(|bit| set >> bit & 1 != 0) {
                let fd = word * 64 + bit;
                if which == 0 && fd < count as u64 {
                    note_outside(kernel, fd);
                }
                // One of O_PATH is no error here, but is in every set.
                let ready_for = |kernel: &mut Kernel| match readiness(kernel, fd) {
                    Err(Errno::EBADF) if kernel.files.get(fd).is_ok() => Ok(INVALID),
                    ready => ready,
                };
                if fd < count as u64 && ready_for(kernel)? & (WANT[which] | INVALID) != 0 {
                    results[which][word as usize] |= 1 << bit;
                    ready += 1;
                }
            }
        }
    }
    if ready == 0 && span != Some(0) {
        wait(kernel, span)?;
    }
    for (which, &address) in sets
        .iter()
        .enumerate()
        .filter(|(_, address)| **address != 0)
    {
        for word in 0..words {
            kernel
                .memory
                .write(address + word * 8, &results[which][word as usize])?;
        }
    }
    Ok(ready)
}

pub(crate) fn select(
    kernel: &mut Kernel,
    [count, read, write, except, timeout, _]: Args,
) -> Result<u64, Errno> {
    let span = if timeout == 0 {
        None
    } else {
        let [seconds, micros] = kernel.memory.read::<[i64; 2]>(timeout)?;
        // As Linux does it: whole seconds of the second number are added to the first, and what is left must not be negative.
        let (seconds, micros) = (seconds.wrapping_add(micros / 1_000_000), micros % 1_000_000);
        if seconds < 0 || micros < 0 {
            return Err(Errno::EINVAL);
        }
        Some(
            (seconds as u64)
                .saturating_mul(SECOND)
                .saturating_add(micros as u64 * 1000),
        )
    };
    select_for(kernel, count, [read, write, except], span)
}

pub(crate) fn pselect6(
    kernel: &mut Kernel,
    [count, read, write, except, timeout, mask]: Args,
) -> Result<u64, Errno> {
    let span = if timeout == 0 {
        None
    } else {
        Some(duration(kernel, timeout)?)
    };
    // The last argument points to the mask's address and size.
    let mask = if mask == 0 {
        0
    } else {
        kernel.memory.read::<[u64; 2]>(mask)?[0]
    };
    with_mask(kernel, mask, |kernel| {
        select_for(kernel, count, [read, write, except], span)
    })
}
