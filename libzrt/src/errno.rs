//! Linux error numbers (asm-generic/errno-base.h and errno.h).

/// A Linux error number, positive; system calls answer its negative.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub u16);

macro_rules! errnos {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno($number);)*

            /// What it means, in a few words.
            pub fn text(self) -> &'static str {
                match self.0 {
                    $($number => $text.trim_end_matches('.'),)*
                    _ => "unknown error",
                }
            }
        }

        impl core::fmt::Debug for Errno {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.0 {
                    $($number => f.write_str(stringify!($name)),)*
                    other => write!(f, "Errno({other})"),
                }
            }
        }
    };
}

errnos! {
    EPERM = 1, "Operation not permitted.";
    ENOENT = 2, "No such file or directory.";
    ESRCH = 3, "No such process.";
    EINTR = 4, "Interrupted by a signal.";
    EIO = 5, "Input/output error.";
    ENXIO = 6, "No such device or address.";
    E2BIG = 7, "Argument list too long.";
    ENOEXEC = 8, "Not an executable.";
    EBADF = 9, "Bad descriptor.";
    ECHILD = 10, "No child processes.";
    EAGAIN = 11, "Try again.";
    ENOMEM = 12, "Out of memory.";
    EACCES = 13, "Permission denied.";
    EFAULT = 14, "Bad address.";
    EBUSY = 16, "Resource busy.";
    EEXIST = 17, "File exists.";
    EXDEV = 18, "Not on the same mount.";
    ENODEV = 19, "No such device.";
    ENOTDIR = 20, "Not a directory.";
    EISDIR = 21, "Is a directory.";
    EINVAL = 22, "Invalid argument.";
    EMFILE = 24, "Too many open files.";
    ENOTTY = 25, "Not a terminal.";
    EFBIG = 27, "File too large.";
    ENOSPC = 28, "No space left.";
    ESPIPE = 29, "Cannot seek.";
    EROFS = 30, "Read-only file system.";
    EMLINK = 31, "Too many links.";
    EPIPE = 32, "Broken pipe.";
    EDOM = 33, "Argument out of domain.";
    ERANGE = 34, "Result too large.";
    EDEADLK = 35, "Deadlock.";
    ENAMETOOLONG = 36, "Name too long.";
    ENOLCK = 37, "No locks.";
    ENOSYS = 38, "No such system call.";
    ENOTEMPTY = 39, "Directory not empty.";
    ELOOP = 40, "Too many symbolic links.";
    ENODATA = 61, "No data: the extended attribute is not there.";
    EOVERFLOW = 75, "Value too large.";
    ENOTSOCK = 88, "Not a socket.";
    EDESTADDRREQ = 89, "Destination address required.";
    EMSGSIZE = 90, "Message too long.";
    EPROTOTYPE = 91, "Wrong protocol for the socket's type.";
    ENOPROTOOPT = 92, "No such option.";
    EPROTONOSUPPORT = 93, "Protocol not supported.";
    ESOCKTNOSUPPORT = 94, "Type of socket not supported.";
    EOPNOTSUPP = 95, "Operation not supported.";
    EAFNOSUPPORT = 97, "Address family not supported.";
    EADDRINUSE = 98, "Address in use.";
    EADDRNOTAVAIL = 99, "Not an address of this machine.";
    ENETUNREACH = 101, "There is no such network.";
    ENOTCONN = 107, "Not connected.";
    EISCONN = 106, "Already connected.";
    ECONNRESET = 104, "Connection reset by the other end.";
    ECONNREFUSED = 111, "Connection refused.";
    ETIMEDOUT = 110, "Timed out.";
    EALREADY = 114, "Already in progress.";
    EINPROGRESS = 115, "It has begun and is not done yet.";
    EDQUOT = 122, "Quota exceeded.";
    WAITS = 512, "Not an error and never the program's: the call waits and will be made again.";
    GONE = 513, "Not an error and never the program's: the thread has ended, and nobody waits for the answer.";
}

impl Errno {
    /// From a trap's or system call's result: `Err` for −4095 … −1.
    ///
    /// # Errors
    /// The error number that the result carries.
    pub fn check(result: i64) -> Result<u64, Errno> {
        match result {
            -4095..=-1 => Err(Errno(result.unsigned_abs() as u16)),
            _ => Ok(result as u64),
        }
    }
}
