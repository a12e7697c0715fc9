//! The second wall: after this no system call takes a path, makes a descriptor, a process or memory. Whatever breaks it
//! kills the process.
#![allow(unsafe_code)]

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use zvm_abi::layout;

/// Sets limits and the filter on this process; there is no way back.
///
/// # Errors
/// What the host refused.
pub fn close() -> Result<(), String> {
    limit(libc::RLIMIT_CORE)?;
    limit(libc::RLIMIT_NOFILE)?;
    let filter = filter().map_err(|error| format!("cannot build the seccomp filter: {error}"))?;
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

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
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
    let rules: BTreeMap<i64, Vec<SeccompRule>> = [
        (libc::SYS_read, vec![]),
        (libc::SYS_pread64, vec![]),
        (libc::SYS_write, vec![]),
        (libc::SYS_pwrite64, vec![]),
        (
            libc::SYS_mprotect,
            vec![
                protect(libc::PROT_READ)?,
                protect(libc::PROT_READ | libc::PROT_WRITE)?,
                protect(libc::PROT_READ | libc::PROT_EXEC)?,
            ],
        ),
        (libc::SYS_rt_sigreturn, vec![]),
        (libc::SYS_exit_group, vec![]),
    ]
    .into();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    BpfProgram::try_from(filter)
}
