//! Reads an application: how it starts, its image in a file of its own, and what else is in it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::map::{Group, VERSION};
use super::{SYSTEM_MAP, ZappError};
use crate::channel;
use crate::digest::{self, Algorithm, Hasher};
use crate::image::open_file;
use crate::limits;
use crate::mount::Mode;
use crate::zerovm;

/// An application, read and whole.
#[derive(Debug)]
pub struct Zapp {
    /// Its name.
    pub name: String,
    /// Its image, sealed.
    pub image: File,
    /// Default arguments.
    pub args: Vec<OsString>,
    /// Environment.
    pub env: Vec<(OsString, OsString)>,
    /// Bytes of heap, if it says.
    pub memory: Option<u64>,
    /// What becomes of changes to its files.
    pub mode: Mode,
    /// BLAKE3 of the whole file, in hex.
    pub digest: String,
    /// Name and size of every file in it.
    pub files: Vec<(String, u64)>,
}

const BLOCK: u64 = 512;

/// Whether the file looks like an application: a tar that starts with a system map.
pub fn is_zapp(path: &Path) -> bool {
    let mut block = [0; BLOCK as usize];
    open_file(path).is_ok_and(|file| file.read_exact_at(&mut block, 0).is_ok())
        && block.starts_with(SYSTEM_MAP.as_bytes())
        && block[SYSTEM_MAP.len()] == 0
        && block[257..].starts_with(b"ustar")
}

/// Reads it and checks its digest.
///
/// # Errors
/// [`ZappError`].
pub fn open(path: &Path) -> Result<Zapp, ZappError> {
    read(path).map_err(|problem| ZappError {
        path: path.to_owned(),
        problem,
    })
}

fn read(path: &Path) -> Result<Zapp, String> {
    let host = |error: io::Error| error.to_string();
    let mut file = File::open(path).map_err(host)?;
    let size = file.metadata().map_err(host)?.len();
    if size > limits::MOUNT_BYTES || !size.is_multiple_of(BLOCK) || size < 4 * BLOCK {
        return Err("not a whole tar file, or too large".to_owned());
    }
    let mut archive = tar::Archive::new(&file);
    let mut entries = archive.entries().map_err(host)?;
    let mut first = entries.next().ok_or("an empty tar")?.map_err(host)?;
    if &*first.path_bytes() != SYSTEM_MAP.as_bytes() || first.size() > limits::SYSTEM_MAP {
        return Err(format!("its first file is not a {SYSTEM_MAP}"));
    }
    let wrong = |problem: String| format!("{SYSTEM_MAP}: {problem}");
    let mut text = Vec::new();
    first.read_to_end(&mut text).map_err(host)?;
    let behind = first.raw_file_position() + first.size().next_multiple_of(BLOCK);
    let groups: Vec<Group> =
        serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let [group] = <[Group; 1]>::try_from(groups).map_err(|_| wrong("not one group".to_owned()))?;
    if group.zvm.version != VERSION {
        return Err(wrong(format!(
            "its version is {}; this runtime reads {VERSION}",
            group.zvm.version
        )));
    }
    let program = group.exec.path.rsplit_once(':').map(|(_, path)| path);
    let program = program.ok_or_else(|| wrong("no path of a program".to_owned()))?;
    let (files, image) = contents(&file, program)?;
    let image = image.ok_or_else(|| wrong(format!("there is no {program} in the tar")))?;

    let digest = digest_from(&mut file, behind).map_err(host)?;
    if digest != group.zvm.digest {
        return Err(format!(
            "damaged: its digest is {digest}, not {}",
            group.zvm.digest
        ));
    }
    let mut env = Vec::new();
    for (name, value) in group.exec.env {
        let value = zerovm::nvram::unescape(value.as_bytes()).map_err(wrong)?;
        env.push((name.into(), OsString::from_vec(value)));
    }
    Ok(Zapp {
        name: group.name,
        image,
        args: zerovm::nvram::words(group.exec.args.as_bytes()).map_err(wrong)?,
        env,
        memory: group.zvm.memory,
        mode: match group.zvm.root.as_str() {
            "ro" => Mode::ReadOnly,
            "overlay" => Mode::Overlay,
            other => {
                return Err(wrong(format!(
                    "root is `{other}`; it must be ro or overlay"
                )));
            }
        },
        digest: digest_from(&mut file, 0).map_err(host)?,
        files,
    })
}

/// Name and size of each file, and the program's bytes.
#[allow(clippy::type_complexity, reason = "two results of one walk")]
fn contents(file: &File, program: &str) -> Result<(Vec<(String, u64)>, Option<File>), String> {
    let host = |error: io::Error| error.to_string();
    let mut at = file;
    at.seek(SeekFrom::Start(0)).map_err(host)?;
    let mut archive = tar::Archive::new(at);
    let (mut files, mut image) = (Vec::new(), None);
    for entry in archive.entries_with_seek().map_err(host)? {
        let mut entry = entry.map_err(host)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if files.len() >= limits::MOUNT_ENTRIES {
            return Err("too many files".to_owned());
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name == program && image.is_none() {
            let mut copy = channel::memory_file(c"zvm-image").map_err(host)?;
            let copied = io::copy(&mut entry, &mut copy).map_err(host)?;
            if copied != entry.size() {
                return Err("its end is missing".to_owned());
            }
            channel::seal(&copy).map_err(host)?;
            image = Some(copy);
        }
        files.push((name, entry.size()));
    }
    Ok((files, image))
}

/// BLAKE3 of a file from an offset on, in hex.
pub(super) fn digest_from(file: &mut File, offset: u64) -> io::Result<String> {
    let mut hasher = Hasher::new(Algorithm::Blake3);
    file.seek(SeekFrom::Start(offset))?;
    let mut block = vec![0; 1 << 20];
    loop {
        let got = file.read(&mut block)?;
        if got == 0 {
            return Ok(digest::hex(&hasher.finish()).to_string());
        }
        hasher.update(&block[..got]);
    }
}
