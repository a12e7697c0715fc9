//! Makes an archive's index ([`zvm_abi::tar_index`]), which spares a start the reading of all headers.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use zvm_abi::tar_index::{MAX, START};

const BLOCK: u64 = 512;

/// Copies `archive`, which ends with two blocks of zeros and nothing behind them, to `out` with an index in front. One that has
/// what an index cannot say (extended headers, devices, a name with a newline) is copied as it is.
///
/// # Errors
/// The host's, or `archive` is no tar.
pub fn copy(mut archive: &File, mut out: impl Write) -> io::Result<()> {
    if let Some(record) = record(archive)? {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::XGlobalHeader);
        // The name that other programs give such a header.
        header.set_path("pax_global_header")?;
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(record.len() as u64);
        header.set_cksum();
        out.write_all(header.as_bytes())?;
        out.write_all(&record)?;
        out.write_all(&vec![0; record.len().next_multiple_of(512) - record.len()])?;
    }
    archive.seek(SeekFrom::Start(0))?;
    io::copy(&mut archive, &mut out)?;
    out.flush()
}

/// The extended header's record, or nothing if the archive can have none.
fn record(mut archive: &File) -> io::Result<Option<Vec<u8>>> {
    archive.seek(SeekFrom::Start(0))?;
    let mut lines = Vec::new();
    let mut end = 0;
    for entry in tar::Archive::new(archive).entries_with_seek()? {
        let mut entry = entry?;
        if entry.pax_extensions()?.is_some() {
            return Ok(None);
        }
        let header = entry.header();
        let kind = match header.entry_type() {
            tar::EntryType::Regular => 'f',
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            tar::EntryType::Link => 'h',
            _ => return Ok(None),
        };
        let (offset, size) = match kind {
            'f' => (entry.raw_file_position(), entry.size()),
            _ => (0, 0),
        };
        end = entry.raw_file_position() + size.next_multiple_of(BLOCK);
        let mode = header.mode()? & 0o7777;
        let (uid, gid, seconds) = (header.uid()?, header.gid()?, header.mtime()?);
        write!(
            lines,
            "{kind} {mode:o} {uid} {gid} {seconds} {offset} {size}"
        )?;
        let name = entry.path_bytes();
        let names = [Some(name), entry.link_name_bytes()];
        for name in names.iter().flatten() {
            if name.iter().any(|byte| b"\t\n\0".contains(byte)) {
                return Ok(None);
            }
            lines.push(b'\t');
            lines.extend_from_slice(name);
        }
        lines.push(b'\n');
    }
    let mut record = format!(" {START}{end}\n").into_bytes();
    record.append(&mut lines);
    // The length counts its own digits.
    let length = (1..)
        .map(|digits| record.len() + digits)
        .find(|length| record.len() + length.to_string().len() == *length)
        .unwrap_or_default();
    record.splice(0..0, length.to_string().into_bytes());
    let closed = archive.metadata()?.len() == end + 2 * BLOCK;
    Ok(Some(record).filter(|record| closed && record.len() <= MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(fill: impl FnOnce(&mut tar::Builder<&File>)) -> File {
        let file = tempfile::tempfile().expect("a file");
        let mut builder = tar::Builder::new(&file);
        fill(&mut builder);
        builder.finish().expect("the end");
        drop(builder);
        file
    }

    fn add(builder: &mut tar::Builder<&File>, name: &str, bytes: &[u8]) {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o640);
        header.set_mtime(100);
        header.set_uid(7);
        header.set_gid(8);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).expect(name);
    }

    fn indexed(archive: &File) -> Vec<u8> {
        let mut bytes = Vec::new();
        copy(archive, &mut bytes).expect("a copy");
        bytes
    }

    #[test]
    fn the_index_says_what_the_headers_say() {
        let long = "n".repeat(99) + "/" + &"m".repeat(150);
        let file = archive(|builder| {
            add(builder, "a", b"hello");
            add(builder, &long, &[1; 513]);
            let mut link = tar::Header::new_gnu();
            link.set_entry_type(tar::EntryType::Symlink);
            link.set_mode(0o777);
            link.set_mtime(100);
            link.set_uid(0);
            link.set_gid(0);
            link.set_size(0);
            builder.append_link(&mut link, "l", "a b").expect("l");
        });
        let bytes = indexed(&file);
        let size = bytes.len() as u64 - file.metadata().expect("its size").len();
        let record = String::from_utf8_lossy(&bytes[512..size as usize]).into_owned();
        let text = record.trim_end_matches('\0');
        let behind_long = 512 + 512 + 512 + 512 + 512;
        let expected = format!(
            " {START}{}\nf 640 7 8 100 512 5\ta\nf 640 7 8 100 {behind_long} 513\t{long}\nl 777 0 0 100 0 0\tl\ta b\n",
            behind_long + 1024 + 512
        );
        assert_eq!(text, format!("{}{expected}", text.len()));
        // Others read the same archive.
        let mut names = Vec::new();
        for entry in tar::Archive::new(&bytes[..]).entries().expect("entries") {
            names.push(entry.expect("an entry").path_bytes().into_owned());
        }
        assert_eq!(
            names[1..],
            [b"a".to_vec(), long.into_bytes(), b"l".to_vec()]
        );
    }

    #[test]
    fn what_an_index_cannot_say_has_none() {
        let newline = archive(|builder| add(builder, "a\nb", b""));
        let pipe = archive(|builder| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Fifo);
            header.set_size(0);
            builder
                .append_data(&mut header, "p", io::empty())
                .expect("p");
        });
        let many = archive(|builder| {
            for number in 0..13_000 {
                add(builder, &format!("{number:0>90}"), b"");
            }
        });
        let padded = archive(|builder| add(builder, "a", b""));
        padded.set_len(10_240).expect("more");
        for file in [newline, pipe, many, padded] {
            let size = file.metadata().expect("its size").len();
            assert_eq!(indexed(&file).len() as u64, size);
        }
    }
}
