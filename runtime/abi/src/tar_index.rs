//! The index of a tar: what its headers say, in one place.
//!
//! A tar's headers lie between the files, so that reading them all touches a page for each, most of what a small program's start
//! costs. The SDK's own tars therefore begin with a global extended header (POSIX pax, type `g`) of one `comment` record, which every
//! other reader skips:
//!
//! ```text
//! LENGTH comment=zvm-index 1 END\n
//! KIND MODE UID GID SECONDS OFFSET SIZE\tNAME\n
//! l MODE UID GID SECONDS 0 0\tNAME\tTARGET\n
//! ```
//!
//! KIND is `f` (file), `d` (directory), `l` (symbolic link), or `h` (hard link, which has a TARGET too). MODE is octal, all other
//! numbers are decimal. OFFSET and END count from the end of the header's last block: where a file's bytes are, and where the two
//! blocks of zeros are that end the archive. If there are none at END, somebody has changed the archive, and the headers count.
//! Names with a tab or a newline have no place here: an archive with such a name has no index.

/// How the record begins, behind its length and a blank.
pub const START: &str = "comment=zvm-index 1 ";
/// Most bytes of the record: what readers take of an extended header.
pub const MAX: usize = 1 << 20;
