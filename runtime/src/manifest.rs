//! The pages of the user manifest: what the guest reads to find its memory and its channels.

use zvm_abi::layout;
use zvm_abi::manifest::{self, UserManifest};

use crate::channel::Channel;
use crate::options::NVRAM;

/// The manifest's pages and where the channels that the guest sees mapped lie.
#[derive(Debug)]
pub struct Pages {
    /// First address; the pages end at [`layout::MANIFEST_END`].
    pub start: u64,
    /// Their contents.
    pub bytes: Vec<u8>,
    /// For each channel the address of its mapped bytes, or 0.
    pub mapped_at: Vec<u32>,
}

/// Lays out the manifest for `channels`, and the mapped channels below it; `None` if there is no room above `floor`.
///
/// The pages carry no heap yet: [`Pages::set_heap`] says it.
pub fn build(channels: &[Channel], floor: u64) -> Option<Pages> {
    if channels.len() > manifest::MAX_CHANNELS {
        return None;
    }
    let head = size_of::<UserManifest>();
    let table = channels.len() * (size_of::<manifest::Channel>() + 4);
    let names: usize = channels.iter().map(|channel| channel.alias.len() + 1).sum();
    let size = ((head + table + names + 4) as u64).next_multiple_of(layout::PAGE);
    let start = layout::MANIFEST_END
        .checked_sub(size)
        .filter(|&start| start > floor)?;

    let mut low = start;
    let mut mapped_at = vec![0; channels.len()];
    // A snapshot has addresses in mounts. So nvram, whose length is not the same in each run, comes last, and more mounts come behind those that were.
    let (nvram, mounts): (Vec<_>, Vec<_>) = channels
        .iter()
        .zip(&mut mapped_at)
        .partition(|(channel, _)| channel.alias == NVRAM);
    for (channel, at) in mounts.into_iter().chain(nvram) {
        let size = channel.size.checked_next_multiple_of(layout::PAGE)?;
        if channel.mapped && size > 0 {
            low = low.checked_sub(size).filter(|&low| low > floor)?;
            *at = low as u32;
        }
    }

    let mut bytes = Vec::with_capacity(size as usize);
    let words = [
        0,
        0,
        layout::STACK_SIZE as u32,
        channels.len() as u32,
        start as u32 + head as u32,
        0,
    ];
    words
        .iter()
        .for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
    let mut name = start as u32 + (head + table) as u32;
    for channel in channels {
        channel
            .limits
            .iter()
            .for_each(|limit| bytes.extend_from_slice(&limit.to_le_bytes()));
        bytes.extend_from_slice(&(channel.size as i64).to_le_bytes());
        bytes.extend_from_slice(&channel.kind.to_le_bytes());
        bytes.extend_from_slice(&name.to_le_bytes());
        name += channel.alias.len() as u32 + 1;
    }
    mapped_at
        .iter()
        .for_each(|address| bytes.extend_from_slice(&address.to_le_bytes()));
    for channel in channels {
        bytes.extend_from_slice(channel.alias.as_bytes());
        bytes.push(0);
    }
    bytes.resize(size as usize, 0);
    let pointer = (layout::MANIFEST_POINTER - start) as usize;
    bytes[pointer..pointer + 4].copy_from_slice(&(start as u32).to_le_bytes());
    Some(Pages {
        start,
        bytes,
        mapped_at,
    })
}

impl Pages {
    /// Writes where the heap is.
    pub fn set_heap(&mut self, start: u64, size: u64) {
        self.bytes[0..4].copy_from_slice(&(start as u32).to_le_bytes());
        self.bytes[4..8].copy_from_slice(&(size as u32).to_le_bytes());
    }

    /// First address of the mapped channels and the manifest together.
    pub fn low(&self) -> u64 {
        self.mapped_at
            .iter()
            .copied()
            .filter(|&at| at != 0)
            .map(u64::from)
            .min()
            .unwrap_or(self.start)
    }
}
