//! The index of a tar: what its headers say, in one place.
//!
//! A tar's headers lie between the files, so that reading them all touches a page for each, most of what a small program's start
//! costs. The SDK's own tars therefore begin with a global extended header (POSIX pax, type `g`) of one `comment` record, which every
//! other reader skips:
//!
//! ```text
//! LENGTH comment=zvm-index 2 END\n
//! f MODE UID GID SECONDS OFFSET SIZE\tNAME\n
//! l MODE UID GID SECONDS 0 0\tNAME\tTARGET\n
//! d MODE UID GID SECONDS 0 BYTES\tNAME\n
//! ```
//!
//! The first character says whether it is a file, a symbolic link or a directory; the lines of what is in a directory follow its own
//! and take BYTES, so that a reader passes over a directory that nobody looks into. NAME is one component, and stands once in its
//! directory; only the first line may have none: it is the root's then, with BYTES of 0. MODE is octal, all other numbers are
//! decimal. OFFSET and END count from the end of the header's last block: where a file's bytes are, and where the two blocks of zeros
//! are that end the archive. If there are none at END, somebody has changed the archive, and the headers count. Names with a tab or a
//! newline and hard links have no place here: an archive with such a name has no index.

/// How the record begins, behind its length and a blank.
pub const START: &str = "comment=zvm-index 2 ";
/// Most bytes of the record: what readers take of an extended header.
pub const MAX: usize = 1 << 20;
