//! Writes a mount's tree as a tar to its channel: ustar, with PAX headers for what ustar has no room for. Hard links are
//! written as files; pipes and devices are left out.

use alloc::string::String;
use alloc::vec::Vec;

use zvm_abi::manifest::EXPORT_BYTES;

use super::tar::{BLOCK, MAX_NAME};
use super::{Kind, NodeId};
use crate::errno::Errno;
use crate::kernel::Kernel;
use crate::text::text;

/// Bytes that go out at once.
const BUFFER: usize = 64 * 1024;
/// Largest size in ustar's 11 octal digits.
const MAX_OCTAL: u64 = 0o77_777_777_777;

/// Sends bytes to a sequential channel.
struct Writer {
    channel: u32,
    buffer: Vec<u8>,
    /// Names that were left out.
    refused: usize,
}

impl Kernel {
    /// Writes every mount that has a channel for it and has changed. Whether all of it was written: what was not is said.
    pub(crate) fn write_mounts(&mut self) -> bool {
        let mut all = true;
        let mut buffer = Vec::new();
        for index in 0..self.tree.mounts.len() {
            let mount = &self.tree.mounts[index];
            let Some(channel) = mount.out.filter(|_| mount.is_to_be_written()) else {
                continue;
            };
            let (point, root) = (mount.point.to_vec(), mount.root);
            let mut writer = Writer {
                channel,
                buffer,
                refused: 0,
            };
            let written = match self.tree.bytes_of_files(index) {
                size if size > EXPORT_BYTES => Err(text!(
                    "its files have {size} bytes, holes included; 4 GiB are the most"
                )),
                _ => self
                    .write_mount(&mut writer, &point, root)
                    .map_err(|errno| errno.text().into()),
            };
            if let Err(why) = &written {
                let point = String::from_utf8_lossy(&point);
                self.say(&text!("cannot write {point} back: {why}"));
            }
            all &= written.is_ok() && writer.refused == 0;
            buffer = writer.buffer;
        }
        all
    }

    fn write_mount(
        &mut self,
        writer: &mut Writer,
        point: &[u8],
        root: NodeId,
    ) -> Result<(), Errno> {
        let buffer = &mut writer.buffer;
        buffer.clear();
        buffer
            .try_reserve_exact(BUFFER)
            .map_err(|_| Errno::ENOMEM)?;
        self.write_tree(writer, point, root, &mut Vec::new())?;
        self.end_tar(writer)
    }

    fn end_tar(&mut self, writer: &mut Writer) -> Result<(), Errno> {
        writer.put(self, &[0; 2 * BLOCK])?;
        writer.flush(self)
    }

    /// Writes what is below `directory`, whose path (with a slash at the end, or empty) is `path`.
    fn write_tree(
        &mut self,
        writer: &mut Writer,
        point: &[u8],
        directory: NodeId,
        path: &mut Vec<u8>,
    ) -> Result<(), Errno> {
        // A stack of its own: trees may be deep.
        let mut stack = alloc::vec![(directory, path.len(), 0_usize)];
        while let Some((directory, length, next)) = stack.pop() {
            path.truncate(length);
            let mount = self.tree.node(directory)?.mount;
            let Some(entry) = self.tree.directory(directory)?.sorted(next) else {
                continue;
            };
            let mut id = entry.node;
            path.extend_from_slice(&entry.name);
            stack.push((directory, length, next + 1));
            // A mount inside: what it hides is this tree's.
            while self.tree.node(id)?.mount != mount {
                match self.tree.node(id)?.covered {
                    Some(covered) => id = covered,
                    None => break,
                }
            }
            if self.tree.node(id)?.mount != mount {
                continue;
            }
            if let Some(why) = self.refusal(id, path)? {
                writer.refused += 1;
                self.leave_out(point, path, why);
                continue;
            }
            if self.tree.node(id)?.is_directory() {
                path.push(b'/');
                self.write_header(writer, id, path, b'5', 0, &[])?;
                stack.push((id, path.len(), 0));
                continue;
            }
            match &self.tree.node(id)?.kind {
                Kind::File(contents) => {
                    let size = contents.size();
                    self.write_header(writer, id, path, b'0', size, &[])?;
                    self.write_contents(writer, id, size)?;
                }
                Kind::Symlink(target) => {
                    let target = target.to_vec();
                    self.write_header(writer, id, path, b'2', 0, &target)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Why what has this path cannot be written: one name that the host would refuse must not cost all others.
    fn refusal(&self, id: NodeId, path: &[u8]) -> Result<Option<&'static str>, Errno> {
        if path.len() > MAX_NAME {
            return Ok(Some("its path is longer than the host's can be"));
        }
        // What a link leads to may be any text, also one that is no name.
        Ok(match &self.tree.node(id)?.kind {
            Kind::Symlink(target) if target.len() > MAX_NAME => {
                Some("the host can have no link to so long a path")
            }
            _ => None,
        })
    }

    /// Says that a name is left out, of which the end tells the most.
    fn leave_out(&mut self, point: &[u8], path: &[u8], why: &str) {
        const SHOWN: usize = 100;
        let (dots, shown) = match path.len().checked_sub(SHOWN) {
            Some(skipped) => ("...", &path[skipped..]),
            None => ("", path),
        };
        self.say(&text!(
            "{} is written back without {dots}{}: {why}",
            String::from_utf8_lossy(point),
            String::from_utf8_lossy(shown)
        ));
    }

    fn write_contents(&mut self, writer: &mut Writer, id: NodeId, size: u64) -> Result<(), Errno> {
        let mut offset = 0;
        while offset < size {
            let Kind::File(contents) = &self.tree.node(id)?.kind else {
                return Err(Errno::EIO);
            };
            let start = writer.buffer.len();
            let part = (size - offset).min((BUFFER - start) as u64) as usize;
            writer.buffer.resize(start + part, 0);
            let count = contents.read(offset, &mut writer.buffer[start..]);
            writer.buffer.truncate(start + count);
            offset += count as u64;
            if writer.buffer.len() == BUFFER {
                writer.flush(self)?;
            }
        }
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        writer.put(self, &[0; BLOCK][..padding as usize])
    }

    fn write_header(
        &mut self,
        writer: &mut Writer,
        id: NodeId,
        path: &[u8],
        kind: u8,
        size: u64,
        link: &[u8],
    ) -> Result<(), Errno> {
        let node = self.tree.node(id)?;
        let (permissions, modified) = (node.permissions, node.modified);
        let mut records = Vec::new();
        if path.len() > 100 {
            record(&mut records, "path", path);
        }
        if link.len() > 100 {
            record(&mut records, "linkpath", link);
        }
        if size > MAX_OCTAL {
            record(&mut records, "size", text!("{size}").as_bytes());
        }
        if modified.nanoseconds != 0 || !(0..=MAX_OCTAL as i64).contains(&modified.seconds) {
            record(&mut records, "mtime", pax_time(modified).as_bytes());
        }
        if !records.is_empty() {
            let length = records.len();
            records.resize(length.next_multiple_of(BLOCK), 0);
            writer.put(
                self,
                &header(b"././@PaxHeader", b'x', length as u64, 0o644, 0, b""),
            )?;
            writer.put(self, &records)?;
        }
        let seconds = modified.seconds.clamp(0, MAX_OCTAL as i64) as u64;
        writer.put(self, &header(path, kind, size, permissions, seconds, link))
    }
}

impl Writer {
    fn put(&mut self, kernel: &mut Kernel, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let part = bytes.len().min(BUFFER - self.buffer.len());
            self.buffer.extend_from_slice(&bytes[..part]);
            bytes = &bytes[part..];
            if self.buffer.len() == BUFFER {
                self.flush(kernel)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, kernel: &mut Kernel) -> Result<(), Errno> {
        let mut done = 0;
        while done < self.buffer.len() {
            let count = Errno::check(kernel.host.write(self.channel, &self.buffer[done..], 0))?;
            if count == 0 {
                return Err(Errno::EIO);
            }
            done += count as usize;
        }
        self.buffer.clear();
        Ok(())
    }
}

/// A ustar header; what does not fit stands in a PAX header before it.
fn header(
    path: &[u8],
    kind: u8,
    size: u64,
    permissions: u16,
    seconds: u64,
    link: &[u8],
) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &path[..path.len().min(100)]);
    put(100, text!("{permissions:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, text!("{:011o}", size.min(MAX_OCTAL)).as_bytes());
    put(136, text!("{seconds:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, &link[..link.len().min(100)]);
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(text!("{sum:06o}\0 ").as_bytes());
    block
}

/// Appends `LENGTH KEY=VALUE\n`, whose length counts its own digits.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while body + text!("{length}").len() != length {
        length += 1;
    }
    records.extend_from_slice(text!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn pax_time(time: super::Time) -> String {
    match (time.seconds < 0, time.nanoseconds) {
        (true, 1..) => text!(
            "-{}.{:09}",
            -(time.seconds + 1),
            1_000_000_000 - time.nanoseconds
        ),
        _ => text!("{}.{:09}", time.seconds, time.nanoseconds),
    }
}
