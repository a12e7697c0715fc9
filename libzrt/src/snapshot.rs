//! Snapshots: all of memory as it is when the program reads `/dev/snapshot`, from which later instances begin.
//!
//! The runtime copies memory at the Fork trap, and starts an instance with such a copy instead of the image's data; the entry sees that
//! (`guest/fork.rs`) and comes back from that trap once more. What a run gives is new then: channels, arguments, environment,
//! clock, seed, and mounts that come on top. Everything else is as it was, threads and open files too.

use alloc::string::String;

use crate::errno::Errno;
use crate::fs::{Device, Kind};
use crate::host::{Forked, Given};
use crate::kernel::{self, Channel, Kernel};
use crate::text::text;

/// Bytes of what is read.
pub(crate) const SNAPSHOT_BYTES: u64 = 2;

/// The channel with nvram's text, which each run has anew.
const NVRAM: usize = 3;
/// Exit status for what a run gives that does not fit to the snapshot (ZeroVM's, for bad manifests).
const BAD_MANIFEST: u8 = 14;

impl Kernel {
    /// A read of `/dev/snapshot`. From its start it is the point of the snapshot; the text says whether this instance began there.
    pub(crate) fn read_snapshot(&mut self, buffer: &mut [u8], offset: u64) -> Result<u64, Errno> {
        if offset > 0 || buffer.is_empty() {
            return Ok(0);
        }
        let text = match self.host.fork()? {
            Forked::Original => b"0\n",
            Forked::Copy(given) => {
                if let Err(problem) = self.begin_again(*given) {
                    self.say(&text!("this snapshot cannot be run so: {problem}"));
                    self.end(BAD_MANIFEST);
                    return Err(Errno::EIO);
                }
                b"1\n"
            }
        };
        let count = text.len().min(buffer.len());
        buffer[..count].copy_from_slice(&text[..count]);
        Ok(count as u64)
    }

    /// Takes over what this run gives; a message for the user if the program cannot go on with it.
    fn begin_again(&mut self, given: Given) -> Result<(), String> {
        let Given {
            channels,
            nvram,
            regions,
        } = given;
        for (number, old) in self.channels.iter().enumerate() {
            let fits = channels.get(number).is_some_and(|new| {
                new.name == old.name && (number == NVRAM || place(new) == place(old))
            });
            if !fits {
                return Err(text!(
                    "{} is not where it was: give the options of the snapshot first, fewer channels and arguments, or make it again",
                    String::from_utf8_lossy(&old.name)
                ));
            }
        }
        let first = core::mem::replace(&mut self.channels, channels).len();
        // SAFETY: the runtime has mapped them as this instance's manifest says, from which they were read.
        unsafe { self.memory.set_regions(regions) };
        let clock = kernel::clock(&mut *self.host, &self.channels, &nvram)?;
        self.clock.go_on_as(clock);
        self.random = self.random.after_snapshot(nvram.seed);
        self.set_program(nvram.args, nvram.env, nvram.strace)?;
        self.rewind_channels();

        let Some(more) = nvram.mounts.strip_prefix(&self.mounts[..]) else {
            return Err(String::from("its mounts are other ones"));
        };
        let mounted = self.tree.mounts.len();
        self.mount_all(more)?;
        for mount in &mut self.tree.mounts[mounted..] {
            mount.changed = false;
        }
        let made = self.channel_devices(first);
        made.and_then(|()| self.more_outside(first))
            .map_err(|errno| text!("cannot make /dev: {errno:?}"))?;
        // The program has its own, unless this run wants another one than the root.
        match &nvram.cwd[..] {
            b"/" => Ok(()),
            path => self.work_in(path),
        }
    }

    /// Channels are at their start.
    fn rewind_channels(&mut self) {
        for file in self.files.all_mut() {
            if let Ok(node) = self.tree.node(file.node)
                && matches!(node.kind, Kind::Device(Device::Channel(_)))
            {
                file.offset = 0;
            }
        }
    }
}

/// Where a channel is mapped, and how many bytes.
fn place(channel: &Channel) -> Option<(usize, usize)> {
    channel
        .mapped
        .map(|bytes| (bytes.as_ptr().addr(), bytes.len()))
}
