//! A part of an open file as a file of its own, read without the file's position, which others may share.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// The part, and how far it is read.
#[derive(Debug)]
pub struct Span<'a> {
    file: &'a File,
    range: Range<u64>,
    /// From the part's start.
    position: u64,
}

impl<'a> Span<'a> {
    /// These bytes of the file, as far as they are there.
    pub fn new(file: &'a File, range: Range<u64>) -> Span<'a> {
        Span {
            file,
            range,
            position: 0,
        }
    }
}

impl Read for Span<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.range.end.saturating_sub(self.range.start);
        let left = length.saturating_sub(self.position);
        let want = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        let at = self.range.start + self.position;
        let got = self.file.read_at(&mut buffer[..want], at)?;
        self.position += got as u64;
        Ok(got)
    }
}

impl Seek for Span<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = self.range.end.saturating_sub(self.range.start);
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => length.checked_add_signed(by),
        };
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_around_it_is_read() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"0123456789", 0).unwrap();
        let text = |range| {
            let mut text = String::new();
            Span::new(&file, range).read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(text(3..7), "3456");
        assert_eq!(text(8..20), "89");
        assert_eq!(text(20..30), "");
        let mut span = Span::new(&file, 3..7);
        assert_eq!(span.seek(SeekFrom::End(-1)).unwrap(), 3);
        let mut rest = Vec::new();
        span.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"6");
        span.seek(SeekFrom::Start(u64::MAX)).unwrap();
        assert_eq!(span.read(&mut [0; 9]).unwrap(), 0);
        assert!(span.seek(SeekFrom::Current(-1)).is_ok() && span.seek(SeekFrom::End(-5)).is_err());
    }
}
