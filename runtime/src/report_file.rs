//! Where a report goes. That is settled before the program runs: a mount that is written back may hold the names that lead there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::output::{Output, Start};

/// A report that is to be written.
pub(crate) enum ReportFile {
    /// A file that appears whole.
    Aside(Output),
    /// What is open already, by a path as `/dev/stdout`, or a device.
    Open(File),
    /// A FIFO, which waits for its reader.
    Fifo(PathBuf),
}

impl ReportFile {
    /// Finds the place.
    ///
    /// # Errors
    /// The host's.
    pub(crate) fn create(path: &Path) -> io::Result<ReportFile> {
        let open_already = ["/dev", "/proc"].iter().any(|of| path.starts_with(of));
        match fs::metadata(path).map(|metadata| metadata.file_type()) {
            Ok(kind) if kind.is_fifo() => Ok(ReportFile::Fifo(path.to_owned())),
            Ok(kind) if open_already || !kind.is_file() => {
                let file = OpenOptions::new().write(true).open(path)?;
                Ok(ReportFile::Open(file))
            }
            _ => Output::create(path, Start::Empty).map(ReportFile::Aside),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// The host's.
    pub(crate) fn write(self, text: &str) -> io::Result<()> {
        match self {
            ReportFile::Aside(output) => {
                (&mut output.file()).write_all(text.as_bytes())?;
                output.place()
            }
            ReportFile::Open(mut file) => {
                if file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                file.write_all(text.as_bytes())
            }
            ReportFile::Fifo(path) => fs::write(path, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_takes_its_place_at_the_end_and_follows_no_link_that_was_made_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("r"), folder.path().join("other"));
        fs::write(&other, "mine").unwrap();
        let report = ReportFile::create(&path).unwrap();
        assert!(!path.exists());
        std::os::unix::fs::symlink("other", &path).unwrap();
        report.write("text").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        // A device takes it as it is.
        ReportFile::create(Path::new("/dev/null"))
            .unwrap()
            .write("text")
            .unwrap();
        assert!(ReportFile::create(&folder.path().join("no/r")).is_err());
    }
}
