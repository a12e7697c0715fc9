//! Which file it is, by what the host says of it without a look at its bytes: what was found out of a file holds as long as this is
//! the same.
//!
//! Times do not tell of every change: who has a page of the file mapped and changed already may change it again.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file's times tell of every `write` to it if they are that old: the clock behind them has steps.
const SETTLED: Duration = Duration::from_secs(2);

/// Which file it is, and since when it is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileIdentity {
    /// Of an open file; `None` for one that has no name, and so will not be met again.
    ///
    /// # Errors
    /// The host's.
    pub fn of(file: &File) -> io::Result<Option<FileIdentity>> {
        let file = file.metadata()?;
        let identity = FileIdentity {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        };
        Ok((file.nlink() > 0).then_some(identity))
    }

    /// Whether the file's times tell of every change that has been made to it.
    pub fn settled(&self) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let Ok(seconds) = u64::try_from(seconds) else {
            return false;
        };
        let changed = UNIX_EPOCH + Duration::new(seconds, nanoseconds as u32);
        let age = SystemTime::now().duration_since(changed);
        age.is_ok_and(|age| age > SETTLED)
    }

    /// All of it, as it is written down.
    pub fn words(&self) -> [u64; 7] {
        [
            self.device,
            self.inode,
            self.size,
            self.modified.0 as u64,
            self.modified.1 as u64,
            self.changed.0 as u64,
            self.changed.1 as u64,
        ]
    }

    /// One of `places`, the same as long as the file lives.
    pub fn place(&self, places: u64) -> u64 {
        (self.device ^ self.inode) % places
    }
}
