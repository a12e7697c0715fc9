//! The start of an executable that is the `zvm` command and nothing else, without the one of Rust's standard library. That one
//! looks for the end of the stack in /proc/self/maps, or page by page, to name it in a message should the stack overflow: a
//! twentieth of what a program that says hello takes from start to end.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use crate::cli;

/// What `main` of C does: runs the command with these arguments, and ends the process with its exit status.
///
/// # Safety
/// The arguments are those that the C library gives to `main`, and nothing of this process has run before.
pub unsafe fn main(count: c_int, arguments: *const *const c_char) -> ! {
    // A closed pipe is an error of the write, for this process and for the guest's channels.
    // SAFETY: no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    for fd in 0..3 {
        open_if_closed(fd);
    }
    let arguments = (0..usize::try_from(count).unwrap_or(0))
        // SAFETY: the C library gives that many strings, which live as long as the process.
        .map(|index| unsafe { CStr::from_ptr(*arguments.add(index)) })
        .map(|argument| OsStr::from_bytes(argument.to_bytes()).to_owned())
        .collect::<Vec<OsString>>();
    std::process::exit(cli::execute(arguments).into())
}

/// Else a file that is opened later would be taken for a standard stream.
fn open_if_closed(fd: c_int) {
    // SAFETY: calls with integers and a string that lives through them. The lowest free descriptor is this one.
    let open = unsafe {
        libc::fcntl(fd, libc::F_GETFD) >= 0 || libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) == fd
    };
    if !open {
        std::process::abort();
    }
}
