//! The second wall: after this no system call takes a path, makes a descriptor, a process or memory. Whatever breaks it
//! kills the process.
#![allow(unsafe_code)]

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use zvm_abi::layout;

/// Sets limits and the filter on this process; there is no way back. `host_clock` lets the host's clock be asked.
///
/// # Errors
/// What the host refused.
pub fn close(host_clock: bool) -> Result<(), String> {
    limit(libc::RLIMIT_CORE)?;
    limit(libc::RLIMIT_NOFILE)?;
    let filter =
        filter(host_clock).map_err(|error| format!("cannot build the seccomp filter: {error}"))?;
    // Sets no_new_privs too.
    seccompiler::apply_filter(&filter)
        .map_err(|error| format!("this host lacks seccomp filters: {error}"))
}

/// Sets a resource limit to nothing, for good.
fn limit(resource: libc::__rlimit_resource_t) -> Result<(), String> {
    let zero = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure lives through the call.
    match unsafe { libc::setrlimit(resource, &raw const zero) } {
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

fn filter(host_clock: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let condition = |arg, op, value| SeccompCondition::new(arg, SeccompCmpArgLen::Qword, op, value);
    // Jail and Unjail: memory of the guest's heap only, and never writable and executable at once.
    let protect = |rights: i32| {
        SeccompRule::new(vec![
            condition(0, SeccompCmpOp::Ge, layout::DATA_BASE)?,
            condition(0, SeccompCmpOp::Lt, layout::CODE_LIMIT)?,
            condition(1, SeccompCmpOp::Le, layout::CODE_LIMIT - layout::DATA_BASE)?,
            condition(2, SeccompCmpOp::Eq, rights as u64)?,
        ])
    };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        CALLS.iter().map(|&(number, _)| (number, vec![])).collect();
    if host_clock {
        rules.extend(CLOCK_CALLS.map(|(number, _)| (number, vec![])));
    }
    rules.insert(
        libc::SYS_mprotect,
        vec![
            protect(libc::PROT_READ)?,
            protect(libc::PROT_READ | libc::PROT_WRITE)?,
            protect(libc::PROT_READ | libc::PROT_EXEC)?,
        ],
    );
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    BpfProgram::try_from(filter)
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
            let status = if close(false).is_err() {
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
        let all = CALLS.iter().chain(&CLOCK_CALLS).map(|&(_, name)| name);
        assert!(listed.iter().copied().eq(all), "{listed:?}");
    }

    #[test]
    fn only_what_traps_need_passes() {
        let write: fn() -> bool = || {
            // SAFETY: writes nothing.
            unsafe { libc::write(1, c"".as_ptr().cast(), 0) == 0 }
        };
        assert_eq!(behind(write), Ok(0));
        let refused: [fn() -> bool; 8] = [
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
