//! Makes an application.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::map::{Device, Exec, Extra, Group, VERSION};
use super::{SYSTEM_MAP, ZappError, read};
use crate::mount::{Mode, Mount, MountError};
use crate::nvram;
use crate::options::DEFAULT_SECONDS;
use crate::tar_index;

/// What goes into it.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// The image.
    pub image: PathBuf,
    /// Arguments, unless a run gives others.
    pub args: Vec<OsString>,
    /// Environment.
    pub env: Vec<(OsString, OsString)>,
    /// Bytes of heap.
    pub memory: Option<u64>,
    /// Its files, as folders or tars at their place; later ones lie on top.
    pub mounts: Vec<Mount>,
}

/// What stands at a name: its tar header, and where its bytes are.
struct Place {
    header: tar::Header,
    link: Option<PathBuf>,
    /// Index of a tar, and an offset in it.
    bytes: Option<(usize, u64)>,
}

/// Writes the application, whole or not at all. The answer is the file's digest, BLAKE3 in hex.
///
/// # Errors
/// [`ZappError`]: a mount that cannot be packed, or the host's.
pub fn write(application: &Application, path: &Path) -> Result<String, ZappError> {
    fill(application, path).map_err(|problem| ZappError {
        path: path.to_owned(),
        problem,
    })
}

fn fill(application: &Application, path: &Path) -> Result<String, String> {
    let host = |error: io::Error| error.to_string();
    let mount_failed = |error: MountError| error.to_string();
    let mut tars = Vec::new();
    let mut places = BTreeMap::new();
    for mount in &application.mounts {
        if mount.mode == Mode::ReadWrite {
            return Err(format!(
                "{}: a rw mount is a folder of this machine; give it when the application runs",
                mount.point.display()
            ));
        }
        let tar = mount.open().map_err(mount_failed)?;
        index(&tar.file, tars.len(), &mount.point, &mut places)
            .map_err(|error| format!("{}: {error}", mount.host.display()))?;
        tars.push(tar.file);
    }
    let program = format!("bin/{}.zvm", application.name);
    for own in [program.as_str(), "zapp.yaml", SYSTEM_MAP] {
        if places.contains_key(Path::new(own)) {
            return Err(format!(
                "a mount has a file {own}: that is the application's own"
            ));
        }
    }
    let read_only = !application.mounts.is_empty()
        && application
            .mounts
            .iter()
            .all(|mount| mount.mode == Mode::ReadOnly);
    let mut map = system_map(application, &program, read_only)?;

    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let temporary = tempfile::Builder::new()
        .prefix(".zapp-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(host)?;
    let mut file = temporary.as_file().try_clone().map_err(host)?;
    // The digest has a length of its own, so the map's place is known before it.
    let behind = 512 + (text(&map).len() as u64).next_multiple_of(512);
    file.seek(SeekFrom::Start(behind)).map_err(host)?;
    rest(&file, application, &program, &map, &places, &tars).map_err(host)?;
    let end = file.metadata().map_err(host)?.len();
    map[0].zvm.digest = read::digest_of(&file, behind..end).map_err(host)?;
    file.seek(SeekFrom::Start(0)).map_err(host)?;
    let mut builder = tar::Builder::new(&file);
    append(&mut builder, SYSTEM_MAP, text(&map).as_bytes(), 0o644).map_err(host)?;
    // Without the end that the builder would write behind it.
    std::mem::forget(builder);
    let digest = read::digest_of(&file, 0..end).map_err(host)?;
    temporary
        .persist(path)
        .map_err(|error| error.error.to_string())?;
    Ok(digest)
}

fn text(map: &[Group; 1]) -> String {
    let mut text = serde_json::to_string_pretty(map).unwrap_or_default();
    text.push('\n');
    text
}

fn system_map(
    application: &Application,
    program: &str,
    read_only: bool,
) -> Result<[Group; 1], String> {
    let escaped = |word: &OsStr| {
        let mut text = String::new();
        nvram::escape(&mut text, word).map_err(|error| error.to_string())?;
        Ok::<_, String>(text)
    };
    let mut args = Vec::new();
    for arg in &application.args {
        let word = escaped(arg)?;
        args.push(if word.is_empty() {
            "\"\"".to_owned()
        } else {
            word
        });
    }
    let mut env = BTreeMap::new();
    for (name, value) in &application.env {
        let name = name.to_str().ok_or("a variable's name is not UTF-8")?;
        env.insert(name.to_owned(), escaped(value)?);
    }
    let devices = ["stdin", "stdout", "stderr"];
    Ok([Group {
        name: application.name.clone(),
        exec: Exec {
            path: format!("file://{}:{program}", application.name),
            args: args.join(" "),
            env,
        },
        devices: devices
            .map(|name| Device {
                name: name.to_owned(),
            })
            .into(),
        zvm: Extra {
            version: VERSION,
            root: if read_only { "ro" } else { "overlay" }.to_owned(),
            memory: application.memory,
            digest: "0".repeat(2 * crate::digest::BYTES),
        },
    }])
}

/// The same for people, as ZeroVM's tools have it.
fn yaml(map: &Group) -> String {
    // A JSON string is a YAML string.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let env: Vec<_> = map
        .exec
        .env
        .iter()
        .map(|(name, value)| format!("{}: {}", quoted(name), quoted(value)))
        .collect();
    format!(
        "execution:\n  groups:\n    - name: {}\n      path: {}\n      args: {}\n      env: {{{}}}\n      \
         devices: [{{name: stdin}}, {{name: stdout}}, {{name: stderr}}]\nmeta:\n  name: {}\n  Version: \"\"\n  Summary: \"\"\n",
        quoted(&map.name),
        quoted(&map.exec.path),
        quoted(&map.exec.args),
        env.join(", "),
        quoted(&map.name),
    )
}

/// Notes every file of a tar, at its place below `point`.
fn index(
    tar: &File,
    number: usize,
    point: &Path,
    places: &mut BTreeMap<PathBuf, Place>,
) -> io::Result<()> {
    let inner = point.strip_prefix("/").unwrap_or(point);
    for folder in inner.ancestors().filter(|folder| *folder != Path::new("")) {
        places.entry(folder.to_owned()).or_insert_with(|| Place {
            header: header(tar::EntryType::Directory, 0o755, 0),
            link: None,
            bytes: None,
        });
    }
    let mut file = tar;
    file.seek(SeekFrom::Start(0))?;
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            // An index of the archive, which is made anew.
            continue;
        }
        if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
            return Err(io::Error::other(format!(
                "{} is no file, folder or link",
                entry.path()?.display()
            )));
        }
        // Through components: without `.` and double slashes, and never `..`.
        let mut name = inner.to_owned();
        for part in entry.path()?.components() {
            match part {
                std::path::Component::Normal(part) => name.push(part),
                std::path::Component::ParentDir => {
                    return Err(io::Error::other("a name with `..`"));
                }
                _ => {}
            }
        }
        if name.as_os_str().is_empty() {
            continue;
        }
        let mut new = header(kind, entry.header().mode()? & 0o777, entry.size());
        new.set_mtime(DEFAULT_SECONDS);
        let link = entry.link_name()?.map(|link| match kind.is_hard_link() {
            true => inner.join(link.strip_prefix("/").unwrap_or(&link)),
            false => link.into_owned(),
        });
        let place = Place {
            header: new,
            link,
            bytes: kind.is_file().then(|| (number, entry.raw_file_position())),
        };
        places.insert(name, place);
    }
    Ok(())
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(DEFAULT_SECONDS);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn append(
    builder: &mut tar::Builder<impl Write>,
    name: &str,
    bytes: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = header(tar::EntryType::Regular, mode, bytes.len() as u64);
    builder.append_data(&mut header, name, Cursor::new(bytes))
}

/// All but the system map, with its index. The image stands in front of the files: a start looks for it.
fn rest(
    file: &File,
    application: &Application,
    program: &str,
    map: &[Group; 1],
    places: &BTreeMap<PathBuf, Place>,
    tars: &[File],
) -> io::Result<()> {
    let archive = tempfile::tempfile()?;
    let mut builder = tar::Builder::new(BufWriter::with_capacity(1 << 16, &archive));
    append(&mut builder, "zapp.yaml", yaml(&map[0]).as_bytes(), 0o644)?;
    let mut image = File::open(&application.image)?;
    let mut head = header(tar::EntryType::Regular, 0o755, image.metadata()?.len());
    builder.append_data(&mut head, program, &mut image)?;
    for (name, place) in places {
        let mut head = place.header.clone();
        match (&place.link, place.bytes) {
            (Some(link), _) => {
                head.set_size(0);
                builder.append_link(&mut head, name, link)?;
            }
            (None, Some((number, offset))) => {
                let mut from = &tars[number];
                from.seek(SeekFrom::Start(offset))?;
                let size = head.size()?;
                builder.append_data(&mut head, name, from.take(size))?;
            }
            (None, None) => builder.append_data(&mut head, name, io::empty())?,
        }
    }
    builder.into_inner()?.flush()?;
    tar_index::copy(&archive, file)
}
