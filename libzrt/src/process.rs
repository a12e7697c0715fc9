//! The process: identity, limits, exit, and what there is not (other processes).

use crate::errno::Errno;
use crate::identity::Ids;
use crate::kernel::{Args, Kernel};
use crate::signal;
use crate::threads::On;

/// The one process's number, and its first thread's.
pub const PID: u32 = 100;
/// Its parent, of which nothing else can be learnt.
pub const PARENT: u32 = 1;

/// What the process calls set and get.
#[derive(Debug)]
pub struct Process {
    /// `umask`.
    pub umask: u16,
    /// Resource limits: (soft, hard), by RLIMIT number.
    pub limits: [(u64, u64); 16],
    pub(crate) ids: Ids,
    /// It leads a session.
    session: bool,
}

const INFINITY: u64 = u64::MAX;
/// RLIMIT_STACK.
const STACK: usize = 3;
/// RLIMIT_SIGPENDING.
pub(crate) const SIGPENDING: usize = 11;
/// RLIMIT_FSIZE.
pub(crate) const FSIZE: usize = 1;
/// RLIMIT_NOFILE.
pub(crate) const NOFILE: usize = 7;

impl Process {
    /// Effective user and group.
    pub(crate) fn effective(&self) -> [u32; 2] {
        self.ids.effective()
    }

    /// The process at its start.
    pub fn new(stack: u64) -> Process {
        let mut limits = [(INFINITY, INFINITY); 16];
        limits[STACK] = (stack, stack);
        limits[NOFILE] = (1024, 65_536);
        limits[SIGPENDING] = (65_536, 65_536);
        // RLIMIT_CORE: there are no core files.
        limits[4] = (0, INFINITY);
        Process {
            umask: 0o022,
            limits,
            ids: Ids::default(),
            session: false,
        }
    }
}

pub(crate) fn exit_group(kernel: &mut Kernel, [status, ..]: Args) -> Result<u64, Errno> {
    kernel.end(status as u8);
    Ok(0)
}

pub(crate) fn getpid(_: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Ok(u64::from(PID))
}

pub(crate) fn getppid(_: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Ok(u64::from(PARENT))
}

/// `getpgid`, `getsid`: of this process.
pub(crate) fn getpgid(_: &mut Kernel, [pid, ..]: Args) -> Result<u64, Errno> {
    own(pid).map(|()| u64::from(PID))
}

pub(crate) fn setpgid(_: &mut Kernel, [pid, group, ..]: Args) -> Result<u64, Errno> {
    // The default for the group is the process.
    let chosen = if group as u32 == 0 { pid } else { group };
    if (chosen as i32) < 0 {
        return Err(Errno::EINVAL);
    }
    own(pid)?;
    if group as u32 == 0 || group as u32 == PID {
        Ok(0)
    } else {
        Err(Errno::EPERM)
    }
}

pub(crate) fn setsid(kernel: &mut Kernel, _: Args) -> Result<u64, Errno> {
    // The process leads its group from the start: as for a program that a shell started.
    if core::mem::replace(&mut kernel.process.session, true) {
        Err(Errno::EPERM)
    } else {
        Ok(u64::from(PID))
    }
}

/// 0 and the own number mean this process; there is no other.
fn own(pid: u64) -> Result<(), Errno> {
    if matches!(pid as u32, 0 | PID) {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

/// As [`own_thread`], of the calls about scheduling, which know no negative numbers.
fn scheduled(kernel: &Kernel, tid: u64) -> Result<(), Errno> {
    match (tid as i32) < 0 {
        true => Err(Errno::EINVAL),
        false => own_thread(kernel, tid),
    }
}

/// 0 means the current thread.
fn own_thread(kernel: &Kernel, tid: u64) -> Result<(), Errno> {
    if tid as u32 == 0 || kernel.threads.find(tid as u32).is_some() {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

/// A `struct utsname` has six fields of 65 bytes.
const UTSNAME_FIELD: usize = 65;
/// What `uname` says; release is the Linux whose calls are answered.
pub(crate) const UTSNAME: [&str; 6] = [
    "Linux",
    "zvm",
    "5.15.0-zvm",
    "#1 ZeroVM",
    "x86_64",
    "(none)",
];

pub(crate) fn uname(kernel: &mut Kernel, [address, ..]: Args) -> Result<u64, Errno> {
    let mut bytes = [0; UTSNAME_FIELD * 6];
    for (field, text) in bytes.chunks_mut(UTSNAME_FIELD).zip(UTSNAME) {
        field[..text.len()].copy_from_slice(text.as_bytes());
    }
    kernel.memory.put(address, &bytes)?;
    Ok(0)
}

pub(crate) fn sysinfo(kernel: &mut Kernel, [address, ..]: Args) -> Result<u64, Errno> {
    let pages = kernel.memory.pages();
    let (total, free) = (pages.end() - pages.start(), pages.free_bytes());
    let uptime = kernel.clock.elapsed() / crate::time::SECOND + 1;
    // uptime, loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap, procs+pad, totalhigh, freehigh,
    // mem_unit, then padding.
    let threads = kernel.threads.count() as u64;
    let words = [uptime, 0, 0, 0, total, free, 0, 0, 0, 0, threads, 0, 0, 1];
    let mut bytes = [0; 112];
    for (slot, word) in bytes.chunks_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    kernel.memory.put(address, &bytes)?;
    Ok(0)
}

pub(crate) fn getrlimit(kernel: &mut Kernel, [resource, address, ..]: Args) -> Result<u64, Errno> {
    let &(soft, hard) = kernel
        .process
        .limits
        .get(resource as usize)
        .ok_or(Errno::EINVAL)?;
    kernel.memory.write(address, &[soft, hard])?;
    Ok(0)
}

pub(crate) fn setrlimit(kernel: &mut Kernel, [resource, address, ..]: Args) -> Result<u64, Errno> {
    let [soft, hard] = kernel.memory.read::<[u64; 2]>(address)?;
    if soft > hard {
        return Err(Errno::EINVAL);
    }
    let limit = kernel
        .process
        .limits
        .get_mut(resource as usize)
        .ok_or(Errno::EINVAL)?;
    if hard > limit.1 {
        return Err(Errno::EPERM);
    }
    *limit = (soft, hard);
    Ok(0)
}

pub(crate) fn prlimit64(
    kernel: &mut Kernel,
    [pid, resource, new, old, ..]: Args,
) -> Result<u64, Errno> {
    own(pid)?;
    let before = *kernel
        .process
        .limits
        .get(resource as usize)
        .ok_or(Errno::EINVAL)?;
    if new != 0 {
        setrlimit(kernel, [resource, new, 0, 0, 0, 0])?;
    }
    if old != 0 {
        kernel.memory.write(old, &[before.0, before.1])?;
    }
    Ok(0)
}

pub(crate) fn getrusage(kernel: &mut Kernel, [who, address, ..]: Args) -> Result<u64, Errno> {
    // RUSAGE_SELF, RUSAGE_THREAD; RUSAGE_CHILDREN is all zero.
    let busy = match who as i32 {
        0 | 1 => kernel.clock.busy(),
        -1 => 0,
        _ => return Err(Errno::EINVAL),
    };
    let mut words = [0_u64; 18];
    words[0] = busy / crate::time::SECOND;
    words[1] = busy % crate::time::SECOND / 1000;
    if busy > 0 {
        // ru_maxrss in KiB.
        words[4] = kernel.memory.pages().used_bytes() / 1024;
    }
    for (index, word) in words.iter().enumerate() {
        kernel.memory.write(address + index as u64 * 8, word)?;
    }
    Ok(0)
}

pub(crate) fn sched_getaffinity(
    kernel: &mut Kernel,
    [pid, size, address, ..]: Args,
) -> Result<u64, Errno> {
    own_thread(kernel, pid)?;
    if size < 8 || size % 8 != 0 {
        return Err(Errno::EINVAL);
    }
    kernel.memory.write(address, &1_u64)?;
    Ok(8)
}

pub(crate) fn getcpu(kernel: &mut Kernel, [cpu, node, ..]: Args) -> Result<u64, Errno> {
    for address in [cpu, node] {
        if address != 0 {
            kernel.memory.write(address, &0_u32)?;
        }
    }
    Ok(0)
}

/// SCHED_OTHER is all there is.
pub(crate) fn sched_getscheduler(kernel: &mut Kernel, [pid, ..]: Args) -> Result<u64, Errno> {
    scheduled(kernel, pid).map(|()| 0)
}

pub(crate) fn sched_getparam(kernel: &mut Kernel, [pid, address, ..]: Args) -> Result<u64, Errno> {
    scheduled(kernel, pid)?;
    kernel.memory.write(address, &0_u32)?;
    Ok(0)
}

/// Priority 0 is all that ordinary policies have.
pub(crate) fn sched_setparam(kernel: &mut Kernel, [pid, address, ..]: Args) -> Result<u64, Errno> {
    scheduled(kernel, pid)?;
    match kernel.memory.read::<u32>(address)? {
        0 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn sched_setscheduler(
    kernel: &mut Kernel,
    [pid, policy, address, ..]: Args,
) -> Result<u64, Errno> {
    match policy {
        0 | 3 | 5 => sched_setparam(kernel, [pid, address, 0, 0, 0, 0]),
        // Real-time policies mean nothing among coroutines.
        1 | 2 => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn sched_get_priority_max(_: &mut Kernel, [policy, ..]: Args) -> Result<u64, Errno> {
    match policy {
        1 | 2 => Ok(99),
        0 | 3 | 5 | 6 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn sched_get_priority_min(_: &mut Kernel, [policy, ..]: Args) -> Result<u64, Errno> {
    match policy {
        1 | 2 => Ok(1),
        0 | 3 | 5 | 6 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// The set must name the one processor.
pub(crate) fn sched_setaffinity(
    kernel: &mut Kernel,
    [pid, size, address, ..]: Args,
) -> Result<u64, Errno> {
    own_thread(kernel, pid)?;
    if size == 0 || kernel.memory.read::<u8>(address)? & 1 == 0 {
        return Err(Errno::EINVAL);
    }
    Ok(0)
}

/// `getpriority`: nice 0, which the call gives as 20.
pub(crate) fn getpriority(_: &mut Kernel, [which, ..]: Args) -> Result<u64, Errno> {
    check_priority(which).map(|()| 20)
}

/// There is nobody to be nice to.
pub(crate) fn setpriority(_: &mut Kernel, [which, ..]: Args) -> Result<u64, Errno> {
    check_priority(which).map(|()| 0)
}

/// A process's, a group's or a user's.
fn check_priority(which: u64) -> Result<(), Errno> {
    match which {
        0..=2 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn arch_prctl(kernel: &mut Kernel, [code, address, ..]: Args) -> Result<u64, Errno> {
    const SET_FS: u64 = 0x1002;
    const GET_FS: u64 = 0x1003;
    match code {
        SET_FS => {
            let pointer = u32::try_from(address).map_err(|_| Errno::EPERM)?;
            kernel.threads.current_mut().pointer = pointer;
            Ok(0)
        }
        GET_FS => {
            let pointer = u64::from(kernel.threads.current().pointer);
            kernel.memory.write(address, &pointer)?;
            Ok(0)
        }
        // ARCH_SET_GS and ARCH_GET_GS: the sandbox's thread pointer is in gs.
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn prctl(kernel: &mut Kernel, [option, argument, ..]: Args) -> Result<u64, Errno> {
    const SET_NAME: u64 = 15;
    const GET_NAME: u64 = 16;
    const GET_DUMPABLE: u64 = 3;
    const SET_DUMPABLE: u64 = 4;
    const SET_NO_NEW_PRIVS: u64 = 38;
    const GET_NO_NEW_PRIVS: u64 = 39;
    match option {
        SET_NAME => {
            let mut name = kernel
                .memory
                .string(argument, 16)
                .or_else(|error| match error {
                    // Longer names are cut.
                    Errno::ENAMETOOLONG => kernel.memory.read_array::<u8>(argument, 15, 15),
                    other => Err(other),
                })?;
            name.resize(16, 0);
            kernel.threads.current_mut().name.copy_from_slice(&name);
            Ok(0)
        }
        GET_NAME => kernel
            .memory
            .put(argument, &kernel.threads.current().name)
            .map(|()| 0),
        GET_DUMPABLE | SET_DUMPABLE => Ok(0),
        SET_NO_NEW_PRIVS if argument == 1 => Ok(0),
        GET_NO_NEW_PRIVS => Ok(1),
        _ => Err(Errno::EINVAL),
    }
}

pub(crate) fn personality(_: &mut Kernel, [persona, ..]: Args) -> Result<u64, Errno> {
    if matches!(persona as u32, 0 | u32::MAX) {
        Ok(0)
    } else {
        Err(Errno::EINVAL)
    }
}

/// There are no children.
pub(crate) fn wait4(_: &mut Kernel, [_, _, options, ..]: Args) -> Result<u64, Errno> {
    // WNOHANG, WUNTRACED, WCONTINUED, __WNOTHREAD, __WALL, __WCLONE.
    const OPTIONS: u32 = 0xE000_000B;
    match options as u32 & !OPTIONS {
        0 => Err(Errno::ECHILD),
        _ => Err(Errno::EINVAL),
    }
}

/// There are no children.
pub(crate) fn waitid(_: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Err(Errno::ECHILD)
}

pub(crate) fn pause(kernel: &mut Kernel, _: Args) -> Result<u64, Errno> {
    Err(kernel.block(On::Time, None, "pauses, and no signal can come"))
}

/// `kill`: of this process, which is its group too.
pub(crate) fn kill(kernel: &mut Kernel, [pid, number, ..]: Args) -> Result<u64, Errno> {
    if pid as u32 == PARENT {
        return signal::calls::send_to_parent(kernel, number);
    }
    // 0 and −1 mean all that this process may signal: itself. −pid is its group.
    if !matches!(pid as i32, 0 | -1) && (pid as i32).unsigned_abs() != PID {
        return Err(Errno::ESRCH);
    }
    signal::calls::send(kernel, None, number)
}

pub(crate) fn tkill(kernel: &mut Kernel, [thread, number, ..]: Args) -> Result<u64, Errno> {
    if thread as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    signal::calls::send(kernel, Some(thread as u32), number)
}

pub(crate) fn tgkill(kernel: &mut Kernel, [group, thread, number, ..]: Args) -> Result<u64, Errno> {
    if group as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    if group as u32 != PID {
        return Err(Errno::ESRCH);
    }
    tkill(kernel, [thread, number, 0, 0, 0, 0])
}
