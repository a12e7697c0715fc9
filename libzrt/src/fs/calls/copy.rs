//! From one open file to another.

use alloc::vec::Vec;

use super::io::{GATHER, MAX_COUNT, position};
use super::transfer::At;
use crate::errno::Errno;
use crate::fs::{Kind, flag};
use crate::kernel::{Args, Kernel};

/// Copies between two open files through a buffer: at `None` with their offsets. Where a write waits, the call is made again
/// with the part that waits.
fn transfer(
    kernel: &mut Kernel,
    from: (u64, Option<u64>),
    to: (u64, Option<u64>),
    size: u64,
) -> Result<u64, Errno> {
    let (mut buffer, most) = (Vec::new(), GATHER.min(size as usize));
    buffer.try_reserve_exact(most).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(most, 0);
    let at = |offset: Option<u64>, done: u64| {
        offset.map_or(At::Current, |offset| At::Offset(offset + done))
    };
    let mut done = kernel.progress().before;
    while done < size {
        let part = buffer.len().min((size - done) as usize);
        let count = match kernel.read_file(from.0, &mut buffer[..part], at(from.1, done)) {
            Ok(0) => break,
            Ok(count) => count,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        };
        match kernel.write_file(to.0, &buffer[..count as usize], at(to.1, done)) {
            Ok(written) => {
                done += written;
                let progress = kernel.progress();
                (progress.before, progress.done) = (done, 0);
                if written < count {
                    if from.1.is_none() {
                        kernel.files.get_mut(from.0)?.offset -= count - written;
                    }
                    break;
                }
            }
            Err(errno) => {
                // The part is still to be read: nothing of it went out, or it waits with what did.
                if from.1.is_none() {
                    kernel.files.get_mut(from.0)?.offset -= count;
                }
                if done == 0 || errno == Errno::WAITS {
                    return Err(errno);
                }
                break;
            }
        }
    }
    Ok(done)
}

/// An `off_t *` argument, for `size` bytes: the offset, or `None` for a null pointer.
fn offset_argument(kernel: &Kernel, address: u64, size: u64) -> Result<Option<u64>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let offset = kernel.memory.read::<u64>(address)?;
    position(offset, size).map(|_| Some(offset))
}

fn put_offset(kernel: &Kernel, address: u64, offset: Option<u64>, done: u64) -> Result<(), Errno> {
    offset.map_or(Ok(()), |offset| {
        kernel.memory.write(address, &(offset + done))
    })
}

pub(crate) fn sendfile(
    kernel: &mut Kernel,
    [out, input, offset, size, ..]: Args,
) -> Result<u64, Errno> {
    if size > i64::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    let size = size.min(MAX_COUNT);
    let start = offset_argument(kernel, offset, size)?;
    let sink = kernel.files.get(out)?;
    if !sink.writable() {
        return Err(Errno::EBADF);
    }
    let appends = sink.flags & flag::APPEND != 0;
    let id = kernel.files.get(input)?.node;
    if !matches!(
        kernel.tree.node(id)?.kind,
        Kind::File(_) | Kind::Generated(_)
    ) || appends
    {
        return Err(Errno::EINVAL);
    }
    let done = transfer(kernel, (input, start), (out, None), size)?;
    put_offset(kernel, offset, start, done)?;
    Ok(done)
}

pub(crate) fn copy_file_range(
    kernel: &mut Kernel,
    [input, from, out, to, size, flags]: Args,
) -> Result<u64, Errno> {
    let start = offset_argument(kernel, from, 0)?;
    let target = offset_argument(kernel, to, 0)?;
    if !kernel.files.get(input)?.readable() || !kernel.files.get(out)?.writable() {
        return Err(Errno::EBADF);
    }
    for fd in [input, out] {
        let id = kernel.files.get(fd)?.node;
        match kernel.tree.node(id)?.kind {
            Kind::File(_) => {}
            Kind::Directory(_) | Kind::Unread(_) => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    let (source, sink) = (kernel.files.get(input)?, kernel.files.get(out)?);
    if sink.flags & flag::APPEND != 0 {
        return Err(Errno::EBADF);
    }
    let (first, second) = (
        start.unwrap_or(source.offset),
        target.unwrap_or(sink.offset),
    );
    let size = size.min(MAX_COUNT);
    if flags != 0 || (source.node == sink.node && first < second + size && second < first + size) {
        return Err(Errno::EINVAL);
    }
    let done = transfer(kernel, (input, start), (out, target), size)?;
    put_offset(kernel, from, start, done)?;
    put_offset(kernel, to, target, done)?;
    Ok(done)
}
