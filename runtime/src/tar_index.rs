//! Makes an archive's index ([`zvm_abi::tar_index`]), which spares a start the reading of all headers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use zvm_abi::tar_index::{MAX, START};

const BLOCK: u64 = 512;

/// Copies `archive`, which ends with two blocks of zeros and nothing behind them, to `out` with an index in front. One that has
/// what an index cannot say (extended headers, hard links, devices, a name with a newline) is copied as it is.
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
    let mut root = Folder::default();
    let mut end = 0;
    for entry in tar::Archive::new(archive).entries_with_seek()? {
        let mut entry = entry?;
        if entry.pax_extensions()?.is_some() {
            return Ok(None);
        }
        let header = entry.header();
        let kind = header.entry_type();
        let (offset, size) = match kind {
            tar::EntryType::Regular => (entry.raw_file_position(), entry.size()),
            tar::EntryType::Directory | tar::EntryType::Symlink => (0, 0),
            _ => return Ok(None),
        };
        end = entry.raw_file_position() + size.next_multiple_of(BLOCK);
        let mode = header.mode()? & 0o7777;
        let about = format!(
            "{mode:o} {} {} {}",
            header.uid()?,
            header.gid()?,
            header.mtime()?
        );
        let (name, target) = (entry.path_bytes(), entry.link_name_bytes());
        let names = [Some(&name), target.as_ref()];
        let odd = |name: &Cow<'_, [u8]>| name.iter().any(|byte| b"\t\n\0".contains(byte));
        if names.into_iter().flatten().any(odd) {
            return Ok(None);
        }
        let what = match kind {
            tar::EntryType::Directory => What::Folder(Folder {
                about,
                ..Folder::default()
            }),
            tar::EntryType::Symlink => {
                let target = target.unwrap_or_default().into_owned();
                What::Link { about, target }
            }
            _ => What::File(format!("{about} {offset} {size}")),
        };
        if root.put(&name, what).is_none() {
            return Ok(None);
        }
    }
    let mut record = format!(" {START}{end}\n").into_bytes();
    if !root.about.is_empty() {
        record.extend_from_slice(format!("d {} 0 0\t\n", root.about).as_bytes());
    }
    root.write(&mut record);
    // The length counts its own digits.
    let length = (1..)
        .map(|digits| record.len() + digits)
        .find(|length| record.len() + length.to_string().len() == *length)
        .unwrap_or_default();
    record.splice(0..0, length.to_string().into_bytes());
    let closed = archive.metadata()?.len() == end + 2 * BLOCK;
    Ok(Some(record).filter(|record| closed && record.len() <= MAX))
}

/// A directory of the archive, whose names stand in the archive's order.
#[derive(Default)]
struct Folder {
    /// Mode, owner, group and time as a line has them; empty for a root without an entry of its own.
    about: String,
    names: Vec<(Vec<u8>, What)>,
    /// Their places.
    places: HashMap<Vec<u8>, usize>,
}

/// What a name means.
enum What {
    /// All that a line has in front of the name.
    File(String),
    Link {
        about: String,
        target: Vec<u8>,
    },
    Folder(Folder),
}

impl Folder {
    /// Adds an entry by its name in the archive, and the directories on the way that have none of their own; nothing if an index
    /// cannot say it: a name that stands twice, or leads out.
    fn put(&mut self, name: &[u8], what: What) -> Option<()> {
        let components = name.split(|&byte| byte == b'/');
        let mut components = components.filter(|part| !matches!(*part, b"" | b"."));
        let Some(mut last) = components.next() else {
            return match what {
                What::Folder(root) if self.about.is_empty() => {
                    self.about = root.about;
                    Some(())
                }
                _ => None,
            };
        };
        let mut folder = self;
        for next in components {
            let about = what.about();
            let missing = || What::Folder(Folder::on_the_way(about));
            folder = match folder.entry(last, missing)? {
                What::Folder(folder) => folder,
                _ => return None,
            };
            last = next;
        }
        match (folder.places.get(last), what) {
            (None, what) => folder.entry(last, || what).map(|_| ()),
            // It was on the way to another name.
            (Some(&place), What::Folder(known)) => match &mut folder.names[place].1 {
                What::Folder(folder) => {
                    folder.about = known.about;
                    Some(())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What has this name, made if nothing has.
    fn entry(&mut self, name: &[u8], missing: impl FnOnce() -> What) -> Option<&mut What> {
        if name == b".." {
            return None;
        }
        let place = match self.places.get(name) {
            Some(&place) => place,
            None => {
                self.places.insert(name.to_vec(), self.names.len());
                self.names.push((name.to_vec(), missing()));
                self.names.len() - 1
            }
        };
        Some(&mut self.names[place].1)
    }

    /// A directory that the archive leaves out: libzrt makes it with the time of what lies in it.
    fn on_the_way(about: &str) -> Folder {
        let seconds = about.split(' ').nth(3).unwrap_or("0");
        Folder {
            about: format!("755 0 0 {seconds}"),
            ..Folder::default()
        }
    }

    /// Its lines, and those of what lies in it.
    fn write(&self, lines: &mut Vec<u8>) {
        for (name, what) in &self.names {
            let (head, below, target) = match what {
                What::File(about) => (format!("f {about}"), Vec::new(), None),
                What::Link { about, target } => {
                    (format!("l {about} 0 0"), Vec::new(), Some(target))
                }
                What::Folder(folder) => {
                    let mut below = Vec::new();
                    folder.write(&mut below);
                    (format!("d {} 0 {}", folder.about, below.len()), below, None)
                }
            };
            lines.extend_from_slice(head.as_bytes());
            for text in [Some(name), target].into_iter().flatten() {
                lines.push(b'\t');
                lines.extend_from_slice(text);
            }
            lines.push(b'\n');
            lines.extend_from_slice(&below);
        }
    }
}

impl What {
    /// Mode, owner, group and time, and perhaps more.
    fn about(&self) -> &str {
        match self {
            What::File(about) | What::Link { about, .. } => about,
            What::Folder(folder) => &folder.about,
        }
    }
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
        let (folder, name) = long.split_once('/').expect("a slash");
        let below = format!("f 640 7 8 100 {behind_long} 513\t{name}\n");
        let expected = format!(
            " {START}{}\nf 640 7 8 100 512 5\ta\nd 755 0 0 100 0 {}\t{folder}\n{below}l 777 0 0 100 0 0\tl\ta b\n",
            behind_long + 1024 + 512,
            below.len()
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
    fn lines_of_a_folder_stand_together() {
        let directory = |builder: &mut tar::Builder<&File>, name: &str, mode| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(mode);
            header.set_mtime(9);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(0);
            builder
                .append_data(&mut header, name, io::empty())
                .expect(name);
        };
        let file = archive(|builder| {
            directory(builder, "./", 0o700);
            add(builder, "./d/x", b"");
            add(builder, "e", b"");
            directory(builder, "d/", 0o711);
            add(builder, "d/y", b"");
            directory(builder, "d/z", 0o755);
        });
        let bytes = indexed(&file);
        let text = String::from_utf8_lossy(&bytes[512..]);
        let (_, lines) = text.split_once('\n').expect("lines");
        let expected = "d 700 0 0 9 0 0\t\n\
            d 711 0 0 9 0 64\td\n\
            f 640 7 8 100 1024 0\tx\n\
            f 640 7 8 100 2560 0\ty\n\
            d 755 0 0 9 0 0\tz\n\
            f 640 7 8 100 1536 0\te\n";
        assert_eq!(lines.get(..expected.len()), Some(expected), "{lines}");
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
        let hard = archive(|builder| {
            add(builder, "a", b"");
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Link);
            header.set_size(0);
            builder.append_link(&mut header, "h", "a").expect("h");
        });
        let twice = archive(|builder| {
            add(builder, "a", b"");
            add(builder, "./a", b"");
        });
        let under_a_file = archive(|builder| {
            add(builder, "a", b"");
            add(builder, "a/b", b"");
        });
        let padded = archive(|builder| add(builder, "a", b""));
        padded.set_len(10_240).expect("more");
        for file in [newline, pipe, many, hard, twice, under_a_file, padded] {
            let size = file.metadata().expect("its size").len();
            assert_eq!(indexed(&file).len() as u64, size);
        }
    }
}
