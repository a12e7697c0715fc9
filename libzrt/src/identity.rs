//! Users and groups: numbers that the program starts with as root and may change by Linux's rules. Nothing is refused to any of
//! them but further changes.

use alloc::vec::Vec;

use crate::errno::Errno;
use crate::kernel::{Args, Kernel};

/// Most supplementary groups (`NGROUPS_MAX`).
const MAX_GROUPS: u64 = 65_536;

/// Who the process is.
#[derive(Debug)]
pub(crate) struct Ids {
    user: Four,
    group: Four,
    groups: Vec<u32>,
}

/// Real, effective, saved, and the one for files.
type Four = [u32; 4];

const EFFECTIVE: usize = 1;
const FILES: usize = 3;
/// −1: this one stays.
const SAME: u64 = u32::MAX as u64;

impl Default for Ids {
    /// Root, in root's group.
    fn default() -> Ids {
        Ids {
            user: [0; 4],
            group: [0; 4],
            groups: alloc::vec![0],
        }
    }
}

impl Ids {
    /// Effective user and group.
    pub(crate) fn effective(&self) -> [u32; 2] {
        [self.user[EFFECTIVE], self.group[EFFECTIVE]]
    }

    /// Whether signals may go to a process of root's.
    pub(crate) fn may_signal_root(&self) -> bool {
        [self.user[0], self.user[EFFECTIVE]].contains(&0)
    }

    /// Root may take any number.
    fn privileged(&self) -> bool {
        self.user[EFFECTIVE] == 0
    }
}

/// Sets real, effective and saved; who is not root may take those that it has. The one for files follows the effective one.
fn change(ids: &mut Four, privileged: bool, new: [u64; 3]) -> Result<u64, Errno> {
    let mut result = *ids;
    for (slot, value) in result.iter_mut().zip(new) {
        let value = value as u32;
        if value != u32::MAX {
            if !privileged && !ids[..FILES].contains(&value) {
                return Err(Errno::EPERM);
            }
            *slot = value;
        }
    }
    result[FILES] = result[EFFECTIVE];
    *ids = result;
    Ok(0)
}

/// `setreuid` and `setregid`: the saved one follows the effective one if the real one is set, or the effective one to what the
/// real one was not.
fn change_two(ids: &mut Four, privileged: bool, [real, effective]: [u64; 2]) -> Result<u64, Errno> {
    let before = ids[0];
    let follows =
        real as u32 != u32::MAX || effective as u32 != u32::MAX && effective as u32 != before;
    change(ids, privileged, [real, effective, SAME])?;
    if follows {
        ids[2] = ids[EFFECTIVE];
    }
    Ok(0)
}

/// `setuid` and `setgid`: root sets all, others the effective one.
fn change_one(ids: &mut Four, privileged: bool, id: u64) -> Result<u64, Errno> {
    if id as u32 == u32::MAX {
        return Err(Errno::EINVAL);
    }
    match privileged {
        true => change(ids, true, [id; 3]),
        false => change(ids, false, [SAME, id, SAME]),
    }
}

/// `setfsuid` and `setfsgid`: the answer is what it was, whether or not it has changed.
fn change_files(ids: &mut Four, privileged: bool, id: u64) -> Result<u64, Errno> {
    let before = ids[FILES];
    let id = id as u32;
    if id != u32::MAX && (privileged || ids.contains(&id)) {
        ids[FILES] = id;
    }
    Ok(u64::from(before))
}

macro_rules! calls { ($($user:ident $group:ident($($argument:ident),+) = $change:ident($new:expr);)*) => { $(
    pub(crate) fn $user(kernel: &mut Kernel, [$($argument),+, ..]: Args) -> Result<u64, Errno> {
        let ids = &mut kernel.process.ids;
        let privileged = ids.privileged();
        $change(&mut ids.user, privileged, $new)
    }

    pub(crate) fn $group(kernel: &mut Kernel, [$($argument),+, ..]: Args) -> Result<u64, Errno> {
        let ids = &mut kernel.process.ids;
        let privileged = ids.privileged();
        $change(&mut ids.group, privileged, $new)
    }
)* } }
calls! {
    setuid setgid(id) = change_one(id);
    setreuid setregid(real, effective) = change_two([real, effective]);
    setresuid setresgid(real, effective, saved) = change([real, effective, saved]);
    setfsuid setfsgid(id) = change_files(id);
}

macro_rules! getters { ($($name:ident = $field:ident[$index:expr];)*) => { $(
    pub(crate) fn $name(kernel: &mut Kernel, _: Args) -> Result<u64, Errno> {
        Ok(u64::from(kernel.process.ids.$field[$index]))
    }
)* } }
getters! { getuid = user[0]; geteuid = user[EFFECTIVE]; getgid = group[0]; getegid = group[EFFECTIVE]; }

fn put(kernel: &Kernel, ids: Four, addresses: [u64; 3]) -> Result<u64, Errno> {
    for (id, address) in ids.iter().zip(addresses) {
        kernel.memory.write(address, id)?;
    }
    Ok(0)
}

pub(crate) fn getresuid(kernel: &mut Kernel, [a, b, c, ..]: Args) -> Result<u64, Errno> {
    put(kernel, kernel.process.ids.user, [a, b, c])
}

pub(crate) fn getresgid(kernel: &mut Kernel, [a, b, c, ..]: Args) -> Result<u64, Errno> {
    put(kernel, kernel.process.ids.group, [a, b, c])
}

pub(crate) fn getgroups(kernel: &mut Kernel, [size, address, ..]: Args) -> Result<u64, Errno> {
    let groups = &kernel.process.ids.groups;
    let room = usize::try_from(size as i32).map_err(|_| Errno::EINVAL)?;
    if room > 0 {
        if room < groups.len() {
            return Err(Errno::EINVAL);
        }
        for (at, group) in (address..).step_by(4).zip(groups) {
            kernel.memory.write(at, group)?;
        }
    }
    Ok(groups.len() as u64)
}

pub(crate) fn setgroups(kernel: &mut Kernel, [count, address, ..]: Args) -> Result<u64, Errno> {
    if !kernel.process.ids.privileged() {
        return Err(Errno::EPERM);
    }
    let count = u64::from(count as u32);
    let groups = kernel.memory.read_array(address, count, MAX_GROUPS)?;
    kernel.process.ids.groups = groups;
    Ok(0)
}
