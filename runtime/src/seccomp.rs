//! The second wall: after this no system call takes a path, makes a descriptor, a process or memory. Whatever breaks it
//! kills the process.
#![allow(unsafe_code)]

use std::io;
use std::mem::offset_of;

use libc::{seccomp_data, sock_filter, sock_fprog};
use zvm_abi::layout;

/// What an instance needs beyond what all do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// The host's clock is asked.
    pub clock: bool,
    /// Channels are connections.
    pub network: bool,
}

/// Sets limits and the filter on this process; there is no way back.
///
/// # Errors
/// What the host refused.
pub fn close(needs: Needs) -> Result<(), String> {
    limit(libc::RLIMIT_CORE, 0)?;
    // Of no more descriptors than this says poll can be asked, though they are open.
    limit(libc::RLIMIT_NOFILE, needs.network.into())?;
    let mut filter = filter(needs);
    let program = sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter lives through the calls; the other arguments are integers.
    let closed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                0,
                &raw const program,
            ) == 0
    };
    match closed {
        true => Ok(()),
        false => Err(format!(
            "this host lacks seccomp filters: {}",
            io::Error::last_os_error()
        )),
    }
}

/// Sets a resource limit, for good.
fn limit(resource: libc::__rlimit_resource_t, most: libc::rlim_t) -> Result<(), String> {
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the structure lives through the call.
    match unsafe { libc::setrlimit(resource, &raw const limit) } {
        0 => Ok(()),
        _ => Err(format!(
            "cannot set a resource limit: {}",
            std::io::Error::last_os_error()
        )),
    }
}

/// Every system call that passes, by name; the book's chapter on host calls says what each is for. `mprotect` has rules of
/// its own.
const CALLS: [(i64, &str); 7] = [
    (libc::SYS_read, "read"),
    (libc::SYS_pread64, "pread64"),
    (libc::SYS_write, "write"),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_mprotect, "mprotect"),
    (libc::SYS_rt_sigreturn, "rt_sigreturn"),
    (libc::SYS_exit_group, "exit_group"),
];

/// And these, if the program's clock is the host's.
const CLOCK_CALLS: [(i64, &str); 2] = [
    (libc::SYS_clock_gettime, "clock_gettime"),
    (libc::SYS_clock_nanosleep, "clock_nanosleep"),
];

/// `AUDIT_ARCH_X86_64` (include/uapi/linux/audit.h).
const X86_64: u32 = 0xc000_003e;

/// And these, if a channel is a connection.
const NETWORK_CALLS: [(i64, &str); 2] =
    [(libc::SYS_poll, "poll"), (libc::SYS_shutdown, "shutdown")];

/// Where a test leads.
#[derive(Clone, Copy)]
enum To {
    Next,
    Allow,
    Kill,
    /// Over that many instructions.
    Skip(u8),
}

/// An instruction of the filter: a word of `seccomp_data` is loaded, or the word loaded last is compared.
#[derive(Clone, Copy)]
enum Step {
    Load(usize),
    Equal(u32, To, To),
    AtLeast(u32, To, To),
}

/// The filter, in the order in which the kernel reads it. It is short: the kernel tries it for every call there is when it
/// takes it.
fn filter(needs: Needs) -> Vec<sock_filter> {
    use Step::{AtLeast, Equal, Load};
    use To::{Allow, Kill, Next, Skip};

    let low = |argument: usize| offset_of!(seccomp_data, args) + argument * 8;
    let high = |argument: usize| low(argument) + 4;
    let mut steps = vec![
        Load(offset_of!(seccomp_data, arch)),
        Equal(X86_64, Next, Kill),
        Load(offset_of!(seccomp_data, nr)),
    ];
    let clock: &[_] = if needs.clock { &CLOCK_CALLS } else { &[] };
    let network: &[_] = if needs.network { &NETWORK_CALLS } else { &[] };
    for &(number, _) in CALLS.iter().chain(clock).chain(network) {
        if number != libc::SYS_mprotect {
            steps.push(Equal(number as u32, Allow, Next));
        }
    }
    // Jail and Unjail: memory of the guest's heap only, and never writable and executable at once.
    let largest = (layout::CODE_LIMIT - layout::DATA_BASE) as u32;
    steps.extend([
        Equal(libc::SYS_mprotect as u32, Next, Kill),
        Load(high(0)),
        Equal(0, Next, Kill),
        Load(low(0)),
        AtLeast(layout::DATA_BASE as u32, Next, Kill),
        AtLeast(layout::CODE_LIMIT as u32, Kill, Next),
        Load(high(1)),
        Equal(0, Next, Kill),
        Load(low(1)),
        AtLeast(largest + 1, Kill, Next),
        Load(high(2)),
        Equal(0, Next, Kill),
        Load(low(2)),
        Equal(libc::PROT_READ as u32, Skip(2), Next),
        Equal((libc::PROT_READ | libc::PROT_WRITE) as u32, Skip(1), Next),
        Equal((libc::PROT_READ | libc::PROT_EXEC) as u32, Next, Kill),
    ]);
    assemble(&steps)
}

/// The steps as instructions, with the two ends behind them: the call passes, or the process is killed.
fn assemble(steps: &[Step]) -> Vec<sock_filter> {
    let statement = |code: u32, k: u32| sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let compare = |index: usize, test: u32, k: u32, then: To, otherwise: To| {
        let distance = |to| match to {
            To::Next => 0,
            To::Skip(count) => count,
            To::Allow => (steps.len() - index - 1) as u8,
            To::Kill => (steps.len() - index) as u8,
        };
        sock_filter {
            jt: distance(then),
            jf: distance(otherwise),
            ..statement(libc::BPF_JMP | test | libc::BPF_K, k)
        }
    };
    let ends = [libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_KILL_PROCESS];
    let steps = steps.iter().enumerate().map(|(index, step)| match *step {
        Step::Load(offset) => statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset as u32),
        Step::Equal(k, then, otherwise) => compare(index, libc::BPF_JEQ, k, then, otherwise),
        Step::AtLeast(k, then, otherwise) => compare(index, libc::BPF_JGE, k, then, otherwise),
    });
    steps
        .chain(ends.map(|end| statement(libc::BPF_RET | libc::BPF_K, end)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `deed` behind the filter in a child: its exit status, or the signal that ended it.
    fn behind(deed: fn() -> bool) -> Result<i32, i32> {
        // SAFETY: the child makes system calls and takes memory, which libc allows it, and ends.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let status = if close(Needs::default()).is_err() {
                99
            } else {
                i32::from(!deed())
            };
            // SAFETY: ends the child.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: the status lives through the call.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        if libc::WIFSIGNALED(status) {
            Err(libc::WTERMSIG(status))
        } else {
            Ok(libc::WEXITSTATUS(status))
        }
    }

    #[test]
    fn the_book_lists_every_call() {
        let chapter = include_str!("../../book/src/host-calls.md");
        let (_, list) = chapter.split_once("<!-- calls -->").unwrap();
        let listed: Vec<&str> = list
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let all = CALLS.iter().chain(&CLOCK_CALLS).chain(&NETWORK_CALLS);
        let all = all.map(|&(_, name)| name);
        assert!(listed.iter().copied().eq(all), "{listed:?}");
    }

    #[test]
    fn only_what_traps_need_passes() {
        let write: fn() -> bool = || {
            // SAFETY: writes nothing.
            unsafe { libc::write(1, c"".as_ptr().cast(), 0) == 0 }
        };
        assert_eq!(behind(write), Ok(0));
        let refused: [fn() -> bool; 12] = [
            // SAFETY: as in `write`; a number of the x32 ABI, of the same call.
            || unsafe { libc::syscall(0x4000_0000 | libc::SYS_write, 1, c"".as_ptr(), 0) } == 0,
            // Executable, its address beyond 32 bits.
            // SAFETY: nothing is mapped there in this process.
            || unsafe { libc::syscall(libc::SYS_mprotect, 1_u64 << 32 | layout::DATA_BASE, 4096, 5) } == 0,
            // A size beyond 32 bits.
            // SAFETY: nothing is mapped there in this process.
            || unsafe { libc::syscall(libc::SYS_mprotect, layout::DATA_BASE, 1_u64 << 32 | 4096, 5) } == 0,
            // Rights beyond 32 bits.
            // SAFETY: nothing is mapped there in this process.
            || unsafe { libc::syscall(libc::SYS_mprotect, layout::DATA_BASE, 4096, 1_u64 << 32 | 5) } == 0,
            // SAFETY: a path of ours.
            || unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY) } >= 0,
            // SAFETY: no arguments.
            || unsafe { libc::fork() } >= 0,
            // SAFETY: integers.
            || unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) } >= 0,
            // SAFETY: integers.
            || unsafe { libc::dup(1) } >= 0,
            // SAFETY: integers; the process is this one.
            || unsafe { libc::syscall(libc::SYS_kill, libc::syscall(libc::SYS_getpid), 0) } == 0,
            // SAFETY: a new mapping at an address of the kernel's choice.
            || unsafe {
                libc::mmap(std::ptr::null_mut(), 4096, 1, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
            } != libc::MAP_FAILED,
            // Writable and executable, in the guest's heap.
            // SAFETY: nothing is mapped there in this process.
            || unsafe { libc::syscall(libc::SYS_mprotect, layout::DATA_BASE, 4096, 7) } == 0,
            // Executable, above the sandbox.
            // SAFETY: nothing is mapped there in this process.
            || unsafe { libc::syscall(libc::SYS_mprotect, layout::GUARD_END, 4096, 5) } == 0,
        ];
        for (index, deed) in refused.into_iter().enumerate() {
            assert_eq!(behind(deed), Err(libc::SIGSYS), "deed {index}");
        }
        // In the heap the kernel decides: here nothing is mapped.
        let jail: fn() -> bool = || {
            // SAFETY: nothing is mapped there in this process.
            unsafe { libc::syscall(libc::SYS_mprotect, layout::DATA_BASE, 4096, 5) == 0 }
        };
        assert_eq!(behind(jail), Ok(1));
    }
}
