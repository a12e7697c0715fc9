//! The bytes of a regular file: served in place from a tar image until someone writes, then copied piece by piece.

use alloc::vec::Vec;

use crate::errno::Errno;

/// Bytes in a piece; large enough that the allocator serves it in whole pages.
const PIECE: u64 = 64 * 1024;
/// Largest file in bytes; larger gives `EFBIG`. More than the sandbox can hold, for sparse files.
pub const MAX_SIZE: u64 = 64 << 30;

/// A file's bytes.
#[derive(Debug, Default)]
pub struct Contents {
    size: u64,
    /// Bytes that are kept in memory.
    allocated: u64,
    data: Data,
}

#[derive(Debug)]
enum Data {
    /// All of the bytes, in a mapped tar image.
    Image(&'static [u8]),
    /// [`PIECE`] bytes each; what lies behind the last is zero.
    Pieces(Vec<Piece>),
}

impl Default for Data {
    fn default() -> Self {
        Data::Pieces(Vec::new())
    }
}

#[derive(Debug)]
enum Piece {
    /// Still in the tar image.
    Image(&'static [u8]),
    /// Written; bytes behind its end are zero. Empty where nothing was ever written.
    Owned(Vec<u8>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Image(bytes) => bytes,
            Piece::Owned(bytes) => bytes,
        }
    }

    /// The piece as bytes of its own, at least `len` of them.
    fn owned(&mut self, len: usize) -> Result<&mut Vec<u8>, Errno> {
        if let Piece::Image(image) = self {
            let mut bytes = Vec::new();
            bytes
                .try_reserve_exact(PIECE as usize)
                .map_err(|_| Errno::ENOSPC)?;
            bytes.extend_from_slice(image);
            *self = Piece::Owned(bytes);
        }
        let Piece::Owned(bytes) = self else {
            return Err(Errno::EIO);
        };
        if bytes.len() < len {
            if bytes.capacity() < len {
                // Small files stay small; a piece that grows does so by doubling.
                let want = len.next_power_of_two().clamp(64, PIECE as usize);
                bytes
                    .try_reserve_exact(want - bytes.len())
                    .map_err(|_| Errno::ENOSPC)?;
            }
            bytes.resize(len, 0);
        }
        Ok(bytes)
    }
}

impl Contents {
    /// A file in a mapped tar image.
    pub fn image(bytes: &'static [u8]) -> Contents {
        Contents {
            size: bytes.len() as u64,
            allocated: bytes.len() as u64,
            data: Data::Image(bytes),
        }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are kept in memory.
    pub fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Copies from `offset` on; bytes copied, 0 at the end.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        self.copy(offset, buffer, |hole| hole.fill(0))
    }

    /// [`Self::read`] into zeros, of which those where the file has no bytes are not touched: they may be pages that cost the
    /// host no memory yet.
    pub fn read_fresh(&self, offset: u64, zeros: &mut [u8]) -> usize {
        self.copy(offset, zeros, |_| ())
    }

    fn copy(&self, offset: u64, buffer: &mut [u8], hole: impl Fn(&mut [u8])) -> usize {
        let Some(left) = self.size.checked_sub(offset) else {
            return 0;
        };
        let count = left.min(buffer.len() as u64) as usize;
        let buffer = &mut buffer[..count];
        match &self.data {
            Data::Image(bytes) => {
                buffer.copy_from_slice(&bytes[offset as usize..offset as usize + count])
            }
            Data::Pieces(pieces) => {
                let mut done = 0;
                while done < count {
                    let at = offset + done as u64;
                    let start = (at % PIECE) as usize;
                    let part = (PIECE as usize - start).min(count - done);
                    let target = &mut buffer[done..done + part];
                    let bytes = pieces
                        .get((at / PIECE) as usize)
                        .map_or(&[][..], Piece::bytes);
                    let have = bytes.len().saturating_sub(start).min(part);
                    target[..have].copy_from_slice(&bytes[start.min(bytes.len())..][..have]);
                    hole(&mut target[have..]);
                    done += part;
                }
            }
        }
        count
    }

    /// Whether the bytes at `offset` are these.
    pub fn equals(&self, offset: u64, bytes: &[u8]) -> bool {
        let mut buffer = [0; 512];
        bytes.chunks(buffer.len()).enumerate().all(|(index, part)| {
            let have = self.read(
                offset + (index * buffer.len()) as u64,
                &mut buffer[..part.len()],
            );
            have == part.len() && buffer[..have] == *part
        })
    }

    /// Writes at `offset`, extending the file; bytes written, fewer than asked for only where memory ends.
    ///
    /// # Errors
    /// `EFBIG`, `ENOSPC`.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let end = offset
            .checked_add(bytes.len() as u64)
            .filter(|&end| end <= MAX_SIZE)
            .ok_or(Errno::EFBIG)?;
        self.pieces(end)?;
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let start = (at % PIECE) as usize;
            let part = (PIECE as usize - start).min(bytes.len() - done);
            match self.owned(at, part) {
                Ok(piece) => piece[start..start + part].copy_from_slice(&bytes[done..done + part]),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += part;
        }
        self.size = self.size.max(offset + done as u64);
        Ok(done)
    }

    /// Cuts or extends to `size` bytes; new bytes are zero.
    ///
    /// # Errors
    /// `EFBIG`, `ENOSPC`.
    pub fn resize(&mut self, size: u64) -> Result<(), Errno> {
        if size > MAX_SIZE {
            return Err(Errno::EFBIG);
        }
        if size == 0 {
            self.data = Data::default();
            self.allocated = 0;
        } else if size < self.size {
            match &mut self.data {
                Data::Image(bytes) => {
                    *bytes = &bytes[..size as usize];
                    self.allocated = size;
                }
                Data::Pieces(pieces) => {
                    let first = (size / PIECE) as usize;
                    let kept = |pieces: &[Piece]| {
                        pieces.iter().map(|p| p.bytes().len() as u64).sum::<u64>()
                    };
                    self.allocated -= kept(pieces.get(first..).unwrap_or_default());
                    pieces.truncate(size.div_ceil(PIECE) as usize);
                    let rest = (size % PIECE) as usize;
                    match pieces.get_mut(first) {
                        Some(Piece::Image(bytes)) => *bytes = &bytes[..bytes.len().min(rest)],
                        Some(Piece::Owned(bytes)) => bytes.truncate(rest),
                        None => {}
                    }
                    self.allocated += kept(pieces.get(first..).unwrap_or_default());
                }
            }
        } else if size > self.size {
            self.pieces(0)?;
        }
        self.size = size;
        Ok(())
    }

    /// Makes room for `[offset, offset+len)` and keeps what is there.
    ///
    /// # Errors
    /// `EFBIG`, `ENOSPC`.
    pub fn reserve(&mut self, offset: u64, len: u64) -> Result<(), Errno> {
        let end = offset
            .checked_add(len)
            .filter(|&end| end <= MAX_SIZE)
            .ok_or(Errno::EFBIG)?;
        self.pieces(end)?;
        let mut at = offset;
        while at < end {
            let part = (PIECE - at % PIECE).min(end - at);
            self.owned(at, part as usize)?;
            at += part;
        }
        Ok(())
    }

    /// Makes bytes zero that are in the file: whole pieces of them take no memory any more.
    ///
    /// # Errors
    /// `ENOSPC` where a part of a tar image has to be copied.
    pub fn punch(&mut self, offset: u64, len: u64) -> Result<(), Errno> {
        self.pieces(0)?;
        let end = offset + len;
        let Data::Pieces(pieces) = &self.data else {
            return Err(Errno::EIO);
        };
        // Behind the last piece all is zero.
        let end = end.min(pieces.len() as u64 * PIECE);
        let mut at = offset;
        while at < end {
            let part = (PIECE - at % PIECE).min(end - at);
            self.punch_piece(at, part as usize)?;
            at += part;
        }
        Ok(())
    }

    fn punch_piece(&mut self, offset: u64, len: usize) -> Result<(), Errno> {
        let Data::Pieces(pieces) = &mut self.data else {
            return Err(Errno::EIO);
        };
        let piece = &mut pieces[(offset / PIECE) as usize];
        let start = (offset % PIECE) as usize;
        let have = piece.bytes().len();
        if start >= have {
            return Ok(());
        }
        if start == 0 && len >= have {
            *piece = Piece::Owned(Vec::new());
            self.allocated -= have as u64;
            return Ok(());
        }
        let end = have.min(start + len);
        piece.owned(have)?[start..end].fill(0);
        Ok(())
    }

    /// The piece with the byte at `offset`, which has at least so many bytes of its own from there on.
    fn owned(&mut self, offset: u64, len: usize) -> Result<&mut Vec<u8>, Errno> {
        let Data::Pieces(pieces) = &mut self.data else {
            return Err(Errno::EIO);
        };
        let piece = &mut pieces[(offset / PIECE) as usize];
        let before = piece.bytes().len();
        let bytes = piece.owned((offset % PIECE) as usize + len)?;
        self.allocated += (bytes.len() - before) as u64;
        Ok(bytes)
    }

    /// Makes the bytes pieces, at least enough of them for `end` bytes.
    fn pieces(&mut self, end: u64) -> Result<(), Errno> {
        if let Data::Image(image) = self.data {
            let mut pieces = Vec::new();
            pieces
                .try_reserve(image.len().div_ceil(PIECE as usize))
                .map_err(|_| Errno::ENOSPC)?;
            pieces.extend(image.chunks(PIECE as usize).map(Piece::Image));
            self.data = Data::Pieces(pieces);
        }
        let Data::Pieces(pieces) = &mut self.data else {
            return Err(Errno::EIO);
        };
        let count = end.div_ceil(PIECE) as usize;
        if pieces.len() < count {
            pieces
                .try_reserve(count - pieces.len())
                .map_err(|_| Errno::ENOSPC)?;
            pieces.resize_with(count, || Piece::Owned(Vec::new()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(contents: &Contents) -> Vec<u8> {
        let mut bytes = alloc::vec![0xEE; contents.size() as usize];
        assert_eq!(contents.read(0, &mut bytes), bytes.len());
        bytes
    }

    #[test]
    fn an_image_is_copied_only_where_it_is_written() {
        let image: &'static [u8] = alloc::vec![b'i'; 200_000].leak();
        let mut contents = Contents::image(image);
        contents.write(70_000, b"new").unwrap();
        let mut expected = image.to_vec();
        expected[70_000..70_003].copy_from_slice(b"new");
        assert!(all(&contents) == expected);
        let Data::Pieces(pieces) = &contents.data else {
            panic!("still an image")
        };
        assert!(matches!(
            pieces[..],
            [
                Piece::Image(_),
                Piece::Owned(_),
                Piece::Image(_),
                Piece::Image(_)
            ]
        ));
    }

    #[test]
    fn holes_and_cut_parts_read_zero() {
        let mut contents = Contents::default();
        contents.write(100_000, b"x").unwrap();
        assert_eq!(all(&contents).iter().filter(|&&byte| byte != 0).count(), 1);
        let mut page = [7; 4];
        assert_eq!(contents.read_fresh(99_999, &mut page), 2);
        assert_eq!(page, [0, b'x', 7, 7]);
        assert_eq!(contents.read_fresh(0, &mut page), 4);
        assert_eq!(page, [0, b'x', 7, 7]);
        let mut contents = Contents::image(&[b'a'; 300]);
        contents.resize(100).unwrap();
        contents.resize(200).unwrap();
        assert_eq!(all(&contents), [[b'a'; 100], [0; 100]].concat());
        contents.write(0, &[b'b'; 150]).unwrap();
        contents.resize(10).unwrap();
        contents.write(20, b"c").unwrap();
        assert_eq!(all(&contents), [&[b'b'; 10][..], &[0; 10], b"c"].concat());
    }

    #[test]
    fn a_hole_takes_no_memory() {
        let mut contents = Contents::default();
        contents.write(0, &[1; 3 * PIECE as usize]).unwrap();
        contents.punch(10, 2 * PIECE).unwrap();
        assert_eq!(contents.allocated(), 2 * PIECE);
        contents.resize(MAX_SIZE).unwrap();
        contents.punch(0, MAX_SIZE).unwrap();
        assert_eq!((contents.allocated(), contents.size()), (0, MAX_SIZE));
    }

    #[test]
    fn random_writes_agree_with_a_plain_vector() {
        let image: &'static [u8] = (0..150_000_u32)
            .map(|i| (i * 7) as u8)
            .collect::<Vec<_>>()
            .leak();
        let (mut contents, mut model) = (Contents::image(image), image.to_vec());
        let mut seed = 99_u64;
        let mut random = move |bound: u64| {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (seed >> 33) % bound
        };
        for round in 0..300 {
            let offset = random(200_000) as usize;
            if random(6) == 0 {
                let len = random(150_000) as usize;
                let (start, end) = (offset.min(model.len()), (offset + len).min(model.len()));
                let before = contents.allocated();
                contents.punch(start as u64, (end - start) as u64).unwrap();
                model[start..end].fill(0);
                assert!(contents.allocated() <= before);
            } else if random(4) == 0 {
                contents.resize(offset as u64).unwrap();
                model.resize(offset, 0);
            } else {
                let bytes = alloc::vec![(round % 255) as u8 + 1; random(70_000) as usize];
                contents.write(offset as u64, &bytes).unwrap();
                if !bytes.is_empty() {
                    model.resize(model.len().max(offset + bytes.len()), 0);
                    model[offset..offset + bytes.len()].copy_from_slice(&bytes);
                }
            }
            assert!(all(&contents) == model, "round {round}");
            let allocated = match &contents.data {
                Data::Image(bytes) => bytes.len(),
                Data::Pieces(pieces) => pieces.iter().map(|piece| piece.bytes().len()).sum(),
            };
            assert_eq!(contents.allocated(), allocated as u64, "round {round}");
        }
        assert_eq!(contents.write(MAX_SIZE, b"x"), Err(Errno::EFBIG));
    }
}
