//! Reads an archive's index ([`zvm_abi::tar_index`]) in place of its headers.

use alloc::borrow::Cow;

use zvm_abi::tar_index::START;

use super::Time;
use super::tar::{BLOCK, Entry, Loader, TarProblem};

/// Adds what the index says, if the global extended header `data` is one; `archive` is what lies behind it. Whether it was, and
/// still holds.
///
/// # Errors
/// It is one and malformed, or an entry cannot be served.
pub(super) fn load(
    loader: &mut Loader,
    data: &'static [u8],
    archive: &'static [u8],
) -> Result<bool, TarProblem> {
    let mut index = Cursor(data);
    let length = index.number(10, b' ');
    let Some(text) = index.0.strip_prefix(START.as_bytes()) else {
        return Ok(false);
    };
    index.0 = text;
    let end = index.place(b'\n').ok_or(TarProblem::Index)?;
    if length != Some(data.len() as u64) {
        return Err(TarProblem::Index);
    }
    let ending = archive.get(end..).and_then(|rest| rest.get(..2 * BLOCK));
    if !ending.is_some_and(|blocks| blocks.iter().all(|&byte| byte == 0)) {
        return Ok(false);
    }
    loader.expect(index.0.iter().filter(|&&byte| byte == b'\n').count())?;
    while !index.0.is_empty() {
        loader.add(index.entry(&archive[..end]).ok_or(TarProblem::Index)?)?;
    }
    Ok(true)
}

/// What is still to be read.
struct Cursor(&'static [u8]);

impl Cursor {
    /// One line.
    fn entry(&mut self, archive: &'static [u8]) -> Option<Entry<'static>> {
        let kind = match self.until(b' ')? {
            b"f" => b'0',
            b"d" => b'5',
            b"l" => b'2',
            b"h" => b'1',
            _ => return None,
        };
        let permissions = self.number(8, b' ')?;
        let uid = self.number(10, b' ')?.try_into().ok()?;
        let gid = self.number(10, b' ')?.try_into().ok()?;
        let seconds = self.number(10, b' ')?.try_into().ok()?;
        let (offset, size) = (self.place(b' ')?, self.place(b'\t')?);
        let mut line = Cursor(self.until(b'\n')?);
        let is_link = matches!(kind, b'1' | b'2');
        let name = if is_link {
            line.until(b'\t')?
        } else {
            core::mem::take(&mut line.0)
        };
        if name.contains(&b'\t') || line.0.contains(&b'\t') {
            return None;
        }
        Some(Entry {
            kind,
            name: Cow::Borrowed(name),
            link: Cow::Borrowed(line.0),
            permissions: u16::try_from(permissions)
                .ok()
                .filter(|&bits| bits <= 0o7777)?,
            uid,
            gid,
            modified: Time {
                seconds,
                nanoseconds: 0,
            },
            data: archive.get(offset..offset.checked_add(size)?)?,
        })
    }

    /// What stands in front of the next such byte.
    fn until(&mut self, end: u8) -> Option<&'static [u8]> {
        let at = self.0.iter().position(|&byte| byte == end)?;
        let (text, rest) = self.0.split_at(at);
        self.0 = &rest[1..];
        Some(text)
    }

    /// A number and the byte behind it.
    fn number(&mut self, radix: u8, end: u8) -> Option<u64> {
        let mut value = 0_u64;
        for (at, &byte) in self.0.iter().enumerate() {
            if byte == end && at > 0 {
                self.0 = &self.0[at + 1..];
                return Some(value);
            }
            let digit = byte.wrapping_sub(b'0');
            value = value.checked_mul(radix.into())?;
            value = value.checked_add((digit < radix).then_some(digit)?.into())?;
        }
        None
    }

    fn place(&mut self, end: u8) -> Option<usize> {
        self.number(10, end)?.try_into().ok()
    }
}
