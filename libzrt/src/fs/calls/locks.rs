//! flock, and the record locks of open files and of the process, of which there is one.

use crate::errno::Errno;
use crate::fs::{Kind, NodeId};
use crate::kernel::{Args, Kernel};
use crate::process::PID;
use crate::threads::On;

/// Instead of an open file's number: the process holds the lock.
pub(super) const PROCESS: u64 = 0;

/// A lock that an open file or the process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    node: NodeId,
    /// The open file's number, or [`PROCESS`].
    serial: u64,
    /// By `flock`, which does not see record locks.
    whole: bool,
    exclusive: bool,
    start: u64,
    /// Exclusive.
    end: u64,
}

impl Lock {
    fn conflicts(&self, other: &Lock) -> bool {
        self.node == other.node
            && self.whole == other.whole
            && self.serial != other.serial
            && (self.exclusive || other.exclusive)
            && self.start < other.end
            && other.start < self.end
    }
}

impl Kernel {
    /// Takes away what the open file holds of this kind in the lock's range.
    ///
    /// # Errors
    /// `ENOLCK` where one lock would become two and memory is full.
    fn unlock(&mut self, lock: &Lock) -> Result<(), Errno> {
        let within = |held: &Lock| {
            (held.node, held.serial, held.whole) == (lock.node, lock.serial, lock.whole)
                && held.start < lock.end
                && lock.start < held.end
        };
        let around = |held: &Lock| held.start < lock.start && lock.end < held.end;
        let split = |held: &Lock| within(held) && around(held);
        if let Some(index) = self.locks.iter().position(split) {
            // One's locks are apart: there is no other in the range.
            self.locks.try_reserve(1).map_err(|_| Errno::ENOLCK)?;
            let held = &mut self.locks[index];
            let above = Lock {
                start: lock.end,
                ..*held
            };
            held.end = lock.start;
            self.locks.insert(index + 1, above);
        } else {
            self.locks.retain_mut(|held| {
                if !within(held) {
                    return true;
                }
                if held.start < lock.start {
                    held.end = lock.start;
                } else {
                    held.start = lock.end;
                }
                held.start < held.end
            });
        }
        self.wake_node(lock.node, 0);
        Ok(())
    }

    /// Locks, or waits until that is possible.
    fn lock(&mut self, lock: Lock, wait: bool) -> Result<u64, Errno> {
        if self.locks.iter().any(|held| held.conflicts(&lock)) {
            return Err(if wait {
                self.block(On::Node(lock.node), None, "waits for a file's lock")
            } else {
                Errno::EAGAIN
            });
        }
        // For the lock itself, and for what it may split.
        self.locks.try_reserve(2).map_err(|_| Errno::ENOLCK)?;
        self.unlock(&lock)?;
        // Locks of one kind that touch are one.
        let mut lock = lock;
        self.locks.retain(|held| {
            let joins = held.node == lock.node
                && held.serial == lock.serial
                && (held.whole, held.exclusive) == (lock.whole, lock.exclusive)
                && (held.end == lock.start || held.start == lock.end);
            if joins {
                (lock.start, lock.end) = (held.start.min(lock.start), held.end.max(lock.end));
            }
            !joins
        });
        self.locks.push(lock);
        Ok(0)
    }

    /// An open file is gone, and its locks with it; or those of the process on a file are.
    pub(super) fn unlock_all(&mut self, node: NodeId, serial: u64) {
        let before = self.locks.len();
        self.locks
            .retain(|lock| lock.node != node || lock.serial != serial);
        if self.locks.len() < before {
            self.wake_node(node, 0);
        }
    }
}

pub(crate) fn flock(kernel: &mut Kernel, [fd, operation, ..]: Args) -> Result<u64, Errno> {
    const SHARED: u64 = 1;
    const EXCLUSIVE: u64 = 2;
    const NO_WAIT: u64 = 4;
    const UNLOCK: u64 = 8;
    let file = kernel.files.opened(fd)?;
    let lock = Lock {
        node: file.node,
        serial: file.serial,
        whole: true,
        exclusive: operation & EXCLUSIVE != 0,
        start: 0,
        end: u64::MAX,
    };
    match operation & !NO_WAIT {
        UNLOCK => {
            kernel.unlock(&lock)?;
            Ok(0)
        }
        SHARED | EXCLUSIVE => {
            // A change of the kind gives the old lock up first, as on Linux.
            let changes = |held: &Lock| {
                held.whole && held.serial == lock.serial && held.exclusive != lock.exclusive
            };
            if kernel.locks.iter().any(changes) {
                kernel.unlock(&lock)?;
            }
            kernel.lock(lock, operation & NO_WAIT == 0)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `struct flock`: type, whence, start, length.
struct Record {
    kind: u16,
    start: u64,
    end: u64,
}

/// Behind the last byte that a file can have.
const END: u64 = 1 << 63;

const READ: u16 = 0;
const WRITE: u16 = 1;
const UNLOCKED: u16 = 2;

/// With `owner`, of an open file's lock, in which nobody names a process.
fn record(kernel: &Kernel, fd: u64, address: u64, owner: bool) -> Result<Record, Errno> {
    let kind = kernel.memory.read::<u16>(address)?;
    let whence = kernel.memory.read::<u16>(address + 2)?;
    let [start, length] = kernel.memory.read::<[i64; 2]>(address + 8)?;
    let file = kernel.files.get(fd)?;
    let base = match whence {
        0 => 0,
        1 => file.offset as i64,
        2 => match &kernel.tree.node(file.node)?.kind {
            Kind::File(contents) => contents.size() as i64,
            _ => 0,
        },
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add(start).ok_or(Errno::EOVERFLOW)?;
    let start = u64::try_from(start).map_err(|_| Errno::EINVAL)?;
    let (start, end) = match length {
        0 => (start, END),
        1.. => (start, start + length as u64),
        _ => (
            start
                .checked_sub(length.unsigned_abs())
                .ok_or(Errno::EINVAL)?,
            start,
        ),
    };
    if end > END {
        return Err(Errno::EOVERFLOW);
    }
    if kind > UNLOCKED || (owner && kernel.memory.read::<i32>(address + 24)? != 0) {
        return Err(Errno::EINVAL);
    }
    Ok(Record { kind, start, end })
}

/// `F_SETLK` and its kin. With `owner` the locks are the open file's, else the process's.
pub(super) fn set_lock(
    kernel: &mut Kernel,
    fd: u64,
    address: u64,
    (owner, wait): (bool, bool),
) -> Result<u64, Errno> {
    let record = record(kernel, fd, address, owner)?;
    let file = kernel.files.get(fd)?;
    match record.kind {
        READ if !file.readable() => return Err(Errno::EBADF),
        WRITE if !file.writable() => return Err(Errno::EBADF),
        _ => {}
    }
    let lock = Lock {
        node: file.node,
        serial: if owner { file.serial } else { PROCESS },
        whole: false,
        exclusive: record.kind == WRITE,
        start: record.start,
        end: record.end,
    };
    if record.kind == UNLOCKED {
        kernel.unlock(&lock)?;
        return Ok(0);
    }
    kernel.lock(lock, wait)
}

/// `F_GETLK` and `F_OFD_GETLK`: a lock that stands in the way.
pub(super) fn get_lock(
    kernel: &mut Kernel,
    fd: u64,
    address: u64,
    owner: bool,
) -> Result<u64, Errno> {
    let record = record(kernel, fd, address, owner)?;
    if record.kind == UNLOCKED && !owner {
        return Err(Errno::EINVAL);
    }
    let file = kernel.files.get(fd)?;
    let wanted = Lock {
        node: file.node,
        serial: if owner { file.serial } else { PROCESS },
        whole: false,
        exclusive: record.kind == WRITE,
        start: record.start,
        end: record.end,
    };
    let found = kernel.locks.iter().find(|held| held.conflicts(&wanted));
    let Some(held) = found else {
        kernel.memory.put(address, &UNLOCKED.to_le_bytes())?;
        return Ok(0);
    };
    let kind = if held.exclusive { WRITE } else { READ };
    let length = if held.end == END {
        0
    } else {
        held.end - held.start
    };
    kernel.memory.put(address, &kind.to_le_bytes())?;
    kernel.memory.put(address + 2, &[0; 2])?;
    kernel.memory.write(address + 8, &[held.start, length])?;
    // An open file is no process.
    let owner = match held.serial {
        PROCESS => PID as i32,
        _ => -1,
    };
    kernel.memory.write(address + 24, &owner)?;
    Ok(0)
}
