//! Applications in one file, from their packing to the second run.

use zvm_runtime::zapp::write::{Application, write};
use zvm_runtime::{Mode, Mount};

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    (
        "applications_are_read_once_and_kept",
        applications_are_read_once_and_kept,
    ),
    ("images_in_applications", images_in_applications),
    ("parts_of_files", parts_of_files),
];

/// A packed image, with a file beside it, in a folder that vanishes with the value.
struct App(tempfile::TempDir);

impl App {
    fn new(elf: &[u8]) -> App {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/text"), "some text").unwrap();
        fs::write(folder.path().join("test.zvm"), elf).unwrap();
        let application = Application {
            name: "test".to_owned(),
            image: folder.path().join("test.zvm"),
            args: Vec::new(),
            env: Vec::new(),
            memory: None,
            mounts: vec![Mount {
                host: folder.path().join("data"),
                point: "/data".into(),
                mode: Mode::ReadOnly,
                sources_only: false,
            }],
        };
        write(&application, &folder.path().join("test.zapp")).unwrap();
        App(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("test.zapp")
    }

    /// Changes a byte of the file that lies beside the image.
    fn damage(&self) {
        let mut bytes = fs::read(self.path()).unwrap();
        let text = bytes.windows(9).position(|bytes| bytes == b"some text");
        bytes[text.unwrap()] = b'S';
        fs::write(self.path(), bytes).unwrap();
    }
}

fn applications_are_read_once_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let elf = program(|p| {
        p.put(|a| a.mov(eax, 7u32)).exit_rax();
    })
    .elf();
    let app = App::new(&elf);
    let run = || {
        let mut command = zvm();
        command.env("ZVM_HOME", home.path()).arg("run");
        finish(command.arg(app.path()))
    };
    let names = || {
        let folder = fs::read_dir(home.path().join("verdicts")).unwrap();
        let mut names: Vec<_> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    run().exits(7);
    assert_eq!(names(), ["table"], "its times may still lie");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    run().exits(7);
    let [image, table, whole] = names().try_into().expect("three files");
    assert!(
        image.starts_with("image-") && table == "table" && whole == "whole",
        "{image} {table} {whole}"
    );

    // Text begins behind one page: `mov $7,%eax`. Who owns the folder can change what is mapped, and so a test sees that it is.
    let kept = home.path().join("verdicts").join(image);
    let mut pages = fs::read(&kept).unwrap();
    let page = layout::PAGE as usize;
    assert_eq!(pages[page..page + 5], [0xb8, 7, 0, 0, 0]);
    pages[page + 1] = 9;
    fs::remove_file(&kept).unwrap();
    fs::write(&kept, &pages).unwrap();
    fs::set_permissions(&kept, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    run().exits(9);

    app.damage();
    run().says(8, "damaged");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    run().says(8, "damaged");
    run().says(8, "damaged");
}

/// Whoever reads an image's headers, symbols or text finds them inside an application.
fn images_in_applications() {
    let mut p = Program::new();
    p.raw(&[0x0f, 0x0b]);
    let app = App::new(&p.elf());
    let bare = run(&p);
    assert_eq!(bare.status, 132, "{}", bare.stderr);
    assert!(bare.stderr.contains("start+0x0"), "{}", bare.stderr);
    let packed = finish(zvm().arg("run").arg(app.path()));
    assert_eq!((packed.status, &packed.stderr), (132, &bare.stderr));
    let valid = finish(zvm().arg("validate").arg(app.path()));
    valid.exits(0);

    let mut bad = p.elf();
    bad[TEXT_OFFSET + 1] = 0x05;
    let app = App::new(&bad);
    for command in ["run", "validate"] {
        let done = finish(zvm().arg(command).arg(app.path()));
        done.says(8, "rejected at text offset 0x0 (address 0x20000)");
    }
    let told = finish(zvm().arg("validate").arg(app.path()));
    told.says(8, "in start+0x0");
    app.damage();
    for command in ["run", "validate"] {
        finish(zvm().arg(command).arg(app.path())).says(8, "damaged");
    }
    // What is behind the image in the file is no part of it.
    let cut = App::new(&bad[..100]);
    finish(zvm().arg("run").arg(cut.path())).says(8, "truncated: program headers");
}

fn parts_of_files() {
    use zvm_runtime::image::Image;

    let mut p = Program::new();
    p.bytes(b"some data");
    p.exit(0);
    let elf = p.elf();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let within = |offset, length| {
        let file = fs::File::open(&path).unwrap();
        Image::within(file, offset, length, &path)
    };
    let (length, front) = (elf.len() as u64, 1536);
    fs::write(&path, &elf).unwrap();
    let bare = Image::open(&path).unwrap();
    assert_eq!((bare.offset, bare.length), (0, length));
    fs::write(&path, [&[0xee; 1536], &elf[..], &[0xee; 512]].concat()).unwrap();
    let image = within(front, length).unwrap();
    assert_eq!((image.offset, image.length), (front, length));
    assert_eq!((image.entry, image.level), (bare.entry, bare.level));
    let moved = |segment: &zvm_runtime::image::Segment| segment.offset - front;
    assert_eq!(moved(&image.text), bare.text.offset);
    assert!(
        image
            .data
            .iter()
            .map(moved)
            .eq(bare.data.iter().map(|segment| segment.offset))
    );
    let text = image.read_text().unwrap();
    assert_eq!(text[..], elf[TEXT_OFFSET..TEXT_OFFSET + text.len()]);
    // gdb's copy of it has nothing of what lies around.
    let alone = zvm_runtime::debugger::alone(&image).unwrap();
    assert_eq!(fs::read(alone.path()).unwrap(), elf);
    let mut end = [0; 4];
    image.read_at(&mut end, length - 4).unwrap();
    assert_eq!(end[..], elf[elf.len() - 4..]);
    for offset in [length - 3, length, u64::MAX - 3, u64::MAX] {
        assert!(image.read_at(&mut end, offset).is_err(), "{offset:#x}");
    }
    for (offset, length) in [
        (front, length + 513),
        (front + length + 513, 0),
        (u64::MAX, 1),
        (1, u64::MAX),
        // The headers are there, but not all that they name.
        (front, 100),
        (front, 0x1001),
    ] {
        let error = within(offset, length).map(drop).unwrap_err().to_string();
        assert!(error.contains("truncated"), "{offset:#x} {length}: {error}");
    }
    assert!(
        within(0, length)
            .unwrap_err()
            .to_string()
            .contains("not an ELF")
    );
}
