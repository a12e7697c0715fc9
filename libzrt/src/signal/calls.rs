//! The system calls about signals.

use super::frame::{FAULTS, siginfo};
use super::{Action, Info, MAX, SI_TKILL, SI_USER, SIGKILL, SIGSTOP, bit};
use crate::errno::Errno;
use crate::kernel::{Args, Kernel};
use crate::process::{PARENT, PID};
use crate::threads::On;

/// Sends a signal to a thread, or to the process.
pub(crate) fn send(kernel: &mut Kernel, thread: Option<u32>, number: u64) -> Result<u64, Errno> {
    let number = number as u32;
    if u64::from(number) > MAX {
        return Err(Errno::EINVAL);
    }
    match thread {
        Some(thread) if kernel.threads.find(thread).is_none() => return Err(Errno::ESRCH),
        _ if number == 0 => {}
        Some(thread) => {
            kernel.check_queue(number)?;
            kernel.raise_in(thread, Info::new(number, SI_TKILL))?;
        }
        // One without more to say is no more than one that pends.
        None if kernel.check_queue(number).is_err() && kernel.signals.pending.has(number) => {}
        None => kernel.raise_info(Info::new(number, SI_USER))?,
    }
    Ok(0)
}

/// Sends a signal to the process that started this one. It is root's, and, as the first process of a machine or of a container,
/// hears none for which it has no handler.
pub(crate) fn send_to_parent(kernel: &Kernel, number: u64) -> Result<u64, Errno> {
    match u64::from(number as u32) {
        0..=MAX if kernel.process.ids.may_signal_root() => Ok(0),
        0..=MAX => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

/// What `sigqueue` passes: a signal with a value; `None` for number 0, which only asks. Codes of others than users, which are
/// not negative, may be claimed to the calling thread itself alone.
fn queued(kernel: &Kernel, to: u64, number: u64, address: u64) -> Result<Option<Info>, Errno> {
    if u64::from(number as u32) > MAX {
        return Err(Errno::EINVAL);
    }
    let code = kernel.memory.read::<i32>(address + 8)?;
    let to_self = to as u32 == kernel.threads.current().tid;
    if (code >= 0 || code == SI_TKILL) && !to_self {
        return Err(Errno::EPERM);
    }
    kernel.check_queue(number as u32)?;
    let [sender, value] = kernel.memory.read::<[u64; 2]>(address + 16)?;
    Ok((number as u32 != 0).then_some(Info {
        sender,
        value,
        ..Info::new(number as u32, code)
    }))
}

pub(crate) fn rt_sigqueueinfo(
    kernel: &mut Kernel,
    [pid, number, info, ..]: Args,
) -> Result<u64, Errno> {
    if pid as u32 == PARENT {
        queued(kernel, pid, number, info)?;
        return send_to_parent(kernel, number);
    }
    if pid as u32 != PID {
        return Err(Errno::ESRCH);
    }
    if let Some(info) = queued(kernel, pid, number, info)? {
        kernel.raise_info(info)?;
    }
    Ok(0)
}

pub(crate) fn rt_tgsigqueueinfo(
    kernel: &mut Kernel,
    [pid, thread, number, info, ..]: Args,
) -> Result<u64, Errno> {
    if pid as u32 != PID {
        return Err(Errno::ESRCH);
    }
    match queued(kernel, thread, number, info)? {
        Some(info) => kernel.raise_in(thread as u32, info)?,
        None => kernel
            .threads
            .find(thread as u32)
            .map(|_| ())
            .ok_or(Errno::ESRCH)?,
    }
    Ok(0)
}

/// Linux's sigset_t has 64 bits; another size is a program for another system.
fn check_size(size: u64) -> Result<(), Errno> {
    if size == 8 {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

pub(crate) fn rt_sigaction(
    kernel: &mut Kernel,
    [number, new, old, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let number = u32::try_from(number)
        .ok()
        .filter(|&number| (1..=MAX as u32).contains(&number))
        .ok_or(Errno::EINVAL)?;
    let before = kernel.signals.actions[number as usize];
    if new != 0 {
        if number == SIGKILL || number == SIGSTOP {
            return Err(Errno::EINVAL);
        }
        let [handler, flags, restorer, mask] = kernel.memory.read::<[u64; 4]>(new)?;
        kernel.signals.actions[number as usize] = Action {
            handler,
            flags,
            restorer,
            mask,
        };
        if FAULTS.contains(&number) {
            kernel.open_door();
        }
        if kernel.signals.ignored(number) {
            kernel.signals.pending.discard(number);
            let own = &mut kernel.threads.current_mut().signals;
            own.pending.discard(number);
        }
    }
    if old != 0 {
        kernel.memory.write(
            old,
            &[before.handler, before.flags, before.restorer, before.mask],
        )?;
    }
    Ok(0)
}

pub(crate) fn rt_sigprocmask(
    kernel: &mut Kernel,
    [how, new, old, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let before = kernel.threads.current().signals.mask;
    if new != 0 {
        let set = kernel.memory.read::<u64>(new)? & !(bit(SIGKILL) | bit(SIGSTOP));
        kernel.threads.current_mut().signals.mask = match how {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
    }
    if old != 0 {
        kernel.memory.write(old, &before)?;
    }
    Ok(0)
}

pub(crate) fn rt_sigpending(kernel: &mut Kernel, [set, size, ..]: Args) -> Result<u64, Errno> {
    check_size(size)?;
    let own = &kernel.threads.current().signals;
    let pending = (kernel.signals.pending.set | own.pending.set) & own.mask;
    kernel.memory.write(set, &pending)?;
    Ok(0)
}

pub(crate) fn rt_sigsuspend(kernel: &mut Kernel, [set, size, ..]: Args) -> Result<u64, Errno> {
    check_size(size)?;
    let mask = kernel.memory.read::<u64>(set)?;
    kernel.threads.current_mut().signals.suspend(mask);
    Err(kernel.block(On::Time, None, "waits for a signal, and none can come"))
}

pub(crate) fn rt_sigtimedwait(
    kernel: &mut Kernel,
    [set, info, timeout, size, ..]: Args,
) -> Result<u64, Errno> {
    check_size(size)?;
    let set = kernel.memory.read::<u64>(set)? & !(bit(SIGKILL) | bit(SIGSTOP));
    let span = if timeout == 0 {
        None
    } else {
        Some(crate::time::duration(kernel, timeout)?)
    };
    let deadline = kernel.deadline(span);
    kernel.threads.current_mut().signals.wanted = 0;
    let Some(found) = kernel.take_signal(set) else {
        let why = "waits for a signal, and none can come";
        return Err(match kernel.block(On::Time, deadline, why) {
            Errno::ETIMEDOUT => Errno::EAGAIN,
            Errno::WAITS => {
                kernel.threads.current_mut().signals.wanted = set;
                Errno::WAITS
            }
            errno => errno,
        });
    };
    if info != 0 {
        let mut bytes = [0; 128];
        for (slot, word) in bytes.chunks_mut(8).zip(siginfo(&found)) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        kernel.memory.put(info, &bytes)?;
    }
    Ok(u64::from(found.number))
}
