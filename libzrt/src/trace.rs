//! The calls of the program as lines of text, in the manner of strace. Off unless nvram has a section `[strace]`; then its
//! channel gets a line for each call when it is answered, and one for each signal that is delivered.
//!
//! How arguments show is said by the call's *signature* in [`crate::syscalls`], a letter for each:
//!
//! | letter | shows |
//! | --- | --- |
//! | `i` `n` | a number of 32 bits, with sign and without |
//! | `l` `u` | a number of 64 bits, with sign and without |
//! | `f` `x` `o` | flags of 32 bits in hexadecimal; a pointer, or flags of 64 bits; a mode in octal |
//! | `c` | the mode of the file that a call of the open family makes, if the flags before it say that it makes one |
//! | `p` | a path or other string |
//! | `w` | bytes that the program gives; the next argument is their number |
//! | `r` | bytes that the program gets; the result is their number |
//! | `v` | an iovec array of bytes that the program gives; the next argument is its length |
//! | `2` | two descriptors that the program gets |
//! | `a` | a `struct stat` that the program gets: mode and size |
//! | `A` `G` | a `struct sockaddr` that the program gives, the next argument is its size; or gets, the next one points to its size |
//! | `t` `T` | a timespec that the program gives, or gets |
//! | `D` `K` | a protocol family, a type of sockets |
//! | `@` `O` `P` `M` `S` `C` `W` `F` | a directory's descriptor, flags of open, protection, flags of mmap, a signal, a clock, the origin of a seek, a futex operation |
//!
//! `=` in front says that the result is an address.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::errno::Errno;
use crate::fs::socket::{Address, Family, Ip};
use crate::kernel::{Args, Kernel};
use crate::signal;
use crate::syscalls;

/// Letters that a signature may have.
#[cfg(test)]
const LETTERS: &str = "inlufxocpwrv2aAGDKtT@OPMSCWF";

/// Most bytes of a string or a buffer that are shown, as strace has it.
const SHOWN: u64 = 32;
/// Longest path that is shown.
const PATH: usize = 4096;

const OPEN: &[(u64, &str)] = &[
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o4010000, "O_SYNC"),
    (0o10000, "O_DSYNC"),
    (0o40000, "O_DIRECT"),
    (0o100000, "O_LARGEFILE"),
    (0o20200000, "O_TMPFILE"),
    (0o200000, "O_DIRECTORY"),
    (0o400000, "O_NOFOLLOW"),
    (0o1000000, "O_NOATIME"),
    (0o2000000, "O_CLOEXEC"),
    (0o10000000, "O_PATH"),
];
/// Of these, what makes a file: `O_CREAT`, and `O_TMPFILE` without `O_DIRECTORY`, which is part of it.
const MAKES: u64 = 0o20000100;
const FAMILIES: &[(u64, &str)] = &[(1, "AF_UNIX"), (2, "AF_INET"), (10, "AF_INET6")];
const TYPES: &[(u64, &str)] = &[(1, "SOCK_STREAM"), (2, "SOCK_DGRAM"), (5, "SOCK_SEQPACKET")];
const SOCKET_FLAGS: &[(u64, &str)] = &[(0o4000, "SOCK_NONBLOCK"), (0o2000000, "SOCK_CLOEXEC")];
const PROTECTION: &[(u64, &str)] = &[(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC")];
const MAP: &[(u64, &str)] = &[
    (3, "MAP_SHARED_VALIDATE"),
    (1, "MAP_SHARED"),
    (2, "MAP_PRIVATE"),
    (0x10, "MAP_FIXED"),
    (0x20, "MAP_ANONYMOUS"),
    (0x100, "MAP_GROWSDOWN"),
    (0x4000, "MAP_NORESERVE"),
    (0x8000, "MAP_POPULATE"),
    (0x2_0000, "MAP_STACK"),
    (0x10_0000, "MAP_FIXED_NOREPLACE"),
];
const CLOCKS: &[&str] = &[
    "CLOCK_REALTIME",
    "CLOCK_MONOTONIC",
    "CLOCK_PROCESS_CPUTIME_ID",
    "CLOCK_THREAD_CPUTIME_ID",
    "CLOCK_MONOTONIC_RAW",
    "CLOCK_REALTIME_COARSE",
    "CLOCK_MONOTONIC_COARSE",
    "CLOCK_BOOTTIME",
];
const SEEK: &[&str] = &["SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"];
const FUTEX: &[&str] = &[
    "FUTEX_WAIT",
    "FUTEX_WAKE",
    "FUTEX_FD",
    "FUTEX_REQUEUE",
    "FUTEX_CMP_REQUEUE",
    "FUTEX_WAKE_OP",
    "FUTEX_LOCK_PI",
    "FUTEX_UNLOCK_PI",
    "FUTEX_TRYLOCK_PI",
    "FUTEX_WAIT_BITSET",
    "FUTEX_WAKE_BITSET",
];

/// Where the lines go, and what they depend on.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    channel: u32,
    /// Threads whose call waits, which has been said.
    waiting: Vec<u32>,
    /// There was more than one thread: lines begin with the thread's number.
    threads: bool,
}

impl Trace {
    /// Lines to this channel.
    pub(crate) fn to(channel: u32) -> Trace {
        Trace {
            channel,
            ..Trace::default()
        }
    }
}

/// How a call stands that is to be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has this result.
    Is(Result<u64, Errno>),
    /// It waits.
    Waits,
    /// It does not return.
    Never,
}

impl Kernel {
    /// Shows a call, if calls are shown.
    #[cold]
    pub(crate) fn trace_call(&mut self, tid: u32, number: u64, mut args: Args, answer: Answer) {
        let Some(trace) = &mut self.trace else { return };
        trace.threads |= self.threads.count() > 1;
        let waited = trace.waiting.iter().position(|&waiting| waiting == tid);
        match (answer, waited) {
            (Answer::Waits, Some(_)) => return,
            (Answer::Waits, None) => trace.waiting.push(tid),
            (_, Some(at)) => {
                trace.waiting.swap_remove(at);
            }
            (_, None) => {}
        }
        let mut line = self.trace_start(tid);
        let signature = match syscalls::find(number) {
            Some(call) => call.signature,
            None if number == syscalls::RT_SIGRETURN => "",
            None => "xxxxxx",
        };
        let (address, letters) = match signature.strip_prefix('=') {
            Some(letters) => (true, letters),
            None => (false, signature),
        };
        // Writing to a string cannot fail.
        let _ = match syscalls::name(number) {
            "unknown" => write!(line, "syscall_{number}("),
            name => write!(line, "{name}("),
        };
        if let Some(call) = syscalls::find(number) {
            call.cut(&mut args);
        }
        for (index, letter) in letters.chars().enumerate() {
            if letter == 'c' && args[index - 1] & MAKES == 0 {
                continue;
            }
            if index > 0 {
                line.push_str(", ");
            }
            self.show(&mut line, letter, args, index, answer);
        }
        let _ = match answer {
            Answer::Is(Ok(value)) if address => writeln!(line, ") = {value:#x}"),
            Answer::Is(Ok(value)) => writeln!(line, ") = {}", value as i64),
            Answer::Is(Err(errno)) => writeln!(line, ") = -1 {errno:?} ({})", errno.text()),
            Answer::Waits => writeln!(line, " <unfinished ...>"),
            Answer::Never => writeln!(line, ") = ?"),
        };
        self.trace_line(&line);
    }

    /// Shows a signal that is delivered to the current thread, if calls are shown.
    pub(crate) fn trace_signal(&mut self, number: u32) {
        if self.trace.is_some() {
            let mut line = self.trace_start(self.threads.current().tid);
            let _ = writeln!(line, "--- SIG{} ---", signal::name(number));
            self.trace_line(&line);
        }
    }

    fn trace_start(&self, tid: u32) -> String {
        let mut line = String::new();
        if self.trace.as_ref().is_some_and(|trace| trace.threads) {
            let _ = write!(line, "[{tid}] ");
        }
        line
    }

    fn trace_line(&mut self, line: &str) {
        let channel = self.trace.as_ref().map_or(2, |trace| trace.channel);
        self.write_all(channel, line.as_bytes());
    }

    /// Appends argument `index`.
    fn show(&self, line: &mut String, letter: char, args: Args, index: usize, answer: Answer) {
        let value = args[index];
        let next = args.get(index + 1).copied().unwrap_or(0);
        let number = match answer {
            Answer::Is(Ok(number)) => Some(number),
            _ => None,
        };
        let shown = match letter {
            'i' => write!(line, "{}", value as i32),
            'l' => write!(line, "{}", value as i64),
            'n' | 'u' => write!(line, "{value}"),
            'o' | 'c' => write!(line, "0{value:03o}"),
            '@' if value as i32 == -100 => write!(line, "AT_FDCWD"),
            '@' => write!(line, "{}", value as i32),
            'O' => {
                line.push_str(["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][value as usize & 3]);
                flags(line, value as u32 as u64 & !3, OPEN, true)
            }
            'P' if value == 0 => write!(line, "PROT_NONE"),
            'P' => flags(line, value, PROTECTION, false),
            'M' => flags(line, value, MAP, false),
            'S' if (1..=64).contains(&value) => write!(line, "SIG{}", signal::name(value as u32)),
            'A' => self.name(line, value, next),
            'G' => match (number, self.memory.read::<u32>(next)) {
                (Some(_), Ok(size)) => self.name(line, value, size.into()),
                _ => pointer(line, value),
            },
            'D' => member(line, value, FAMILIES),
            'K' => {
                let known: u64 = SOCKET_FLAGS.iter().map(|(bit, _)| bit).sum();
                let _ = member(line, value & !known, TYPES);
                match value & known {
                    0 => Ok(()),
                    set => flags(line, set, SOCKET_FLAGS, true),
                }
            }
            'C' => named(line, value, CLOCKS),
            'W' => named(line, value, SEEK),
            'F' => {
                let named = named(line, value & 127, FUTEX);
                if value & 128 != 0 {
                    line.push_str("_PRIVATE");
                }
                if value & 256 != 0 {
                    line.push_str("|FUTEX_CLOCK_REALTIME");
                }
                named
            }
            'p' => match self.memory.string(value, PATH) {
                Ok(text) => quoted(line, &text, text.len() as u64),
                Err(_) => pointer(line, value),
            },
            'w' => self.bytes(line, value, next),
            'r' => match number {
                Some(number) => self.bytes(line, value, number),
                None => pointer(line, value),
            },
            'v' => self.vectors(line, value, next),
            '2' => match (number, self.memory.read::<[u32; 2]>(value)) {
                (Some(_), Ok([first, second])) => write!(line, "[{first}, {second}]"),
                _ => pointer(line, value),
            },
            'a' => match (
                number,
                self.memory.read::<u32>(value.wrapping_add(24)),
                self.memory.read::<u64>(value.wrapping_add(48)),
            ) {
                (Some(_), Ok(mode), Ok(size)) => {
                    write!(line, "{{st_mode=0{mode:o}, st_size={size}, ...}}")
                }
                _ => pointer(line, value),
            },
            't' => self.time(line, value),
            'T' if number.is_some() => self.time(line, value),
            _ => pointer(line, value),
        };
        let _ = shown;
    }

    fn bytes(&self, line: &mut String, address: u64, size: u64) -> core::fmt::Result {
        match self
            .memory
            .read_array::<u8>(address, size.min(SHOWN), SHOWN)
        {
            Ok(bytes) => quoted(line, &bytes, size),
            Err(_) => pointer(line, address),
        }
    }

    /// A `struct sockaddr`, as strace shows it.
    fn name(&self, line: &mut String, at: u64, size: u64) -> core::fmt::Result {
        const MOST: u64 = 128;
        let Ok(bytes) = self.memory.read_array::<u8>(at, size.min(MOST), MOST) else {
            return pointer(line, at);
        };
        let number = bytes
            .first_chunk::<2>()
            .map(|&word| u16::from_le_bytes(word));
        let family = number.and_then(|number| Family::new(number.into()).ok());
        let parsed = family.and_then(|family| Some((family, Address::parse(&bytes, family).ok()?)));
        let Some((family, address)) = parsed else {
            return pointer(line, at);
        };
        line.push_str("{sa_family=");
        member(line, family.number().into(), FAMILIES)?;
        match address {
            Address::Unnamed => {}
            Address::Internet(Ip(ip), port) if family == Family::V6 => {
                let ip = core::net::Ipv6Addr::from(ip);
                write!(line, ", port={port}, addr={ip}")?;
            }
            Address::Internet(Ip([.., a, b, c, d]), port) => {
                write!(line, ", port={port}, addr={a}.{b}.{c}.{d}")?;
            }
            Address::Unix(name) => {
                line.push_str(", path=");
                quoted(line, &name, name.len() as u64)?;
            }
        }
        line.push('}');
        Ok(())
    }

    fn vectors(&self, line: &mut String, address: u64, count: u64) -> core::fmt::Result {
        let count_shown = count.min(SHOWN) * 2;
        let Ok(words) = self
            .memory
            .read_array::<u64>(address, count_shown, 2 * SHOWN)
        else {
            return pointer(line, address);
        };
        line.push('[');
        for (index, vector) in words.chunks_exact(2).enumerate() {
            if index > 0 {
                line.push_str(", ");
            }
            self.bytes(line, vector[0], vector[1])?;
        }
        if count > SHOWN {
            line.push_str(", ...");
        }
        line.push(']');
        Ok(())
    }

    fn time(&self, line: &mut String, address: u64) -> core::fmt::Result {
        match self.memory.read::<[u64; 2]>(address) {
            Ok([seconds, nanoseconds]) => {
                write!(line, "{{{}.{nanoseconds:09}}}", seconds as i64)
            }
            Err(_) => pointer(line, address),
        }
    }
}

fn pointer(line: &mut String, value: u64) -> core::fmt::Result {
    match value {
        0 => line.write_str("NULL"),
        _ => write!(line, "{value:#x}"),
    }
}

/// One of the names, or the number.
fn member(line: &mut String, value: u64, names: &[(u64, &str)]) -> core::fmt::Result {
    match names.iter().find(|(number, _)| *number == value) {
        Some((_, name)) => line.write_str(name),
        None => write!(line, "{value}"),
    }
}

fn named(line: &mut String, value: u64, names: &[&str]) -> core::fmt::Result {
    match usize::try_from(value)
        .ok()
        .and_then(|index| names.get(index))
    {
        Some(name) => line.write_str(name),
        None => write!(line, "{value:#x}"),
    }
}

/// Names of the bits in `value`, then what is left of it.
fn flags(
    line: &mut String,
    mut value: u64,
    names: &[(u64, &str)],
    mut more: bool,
) -> core::fmt::Result {
    for &(bits, name) in names {
        if value & bits == bits {
            if more {
                line.push('|');
            }
            more = true;
            line.push_str(name);
            value &= !bits;
        }
    }
    match (value, more) {
        (0, true) => Ok(()),
        (_, true) => write!(line, "|{value:#x}"),
        (_, false) => write!(line, "{value:#x}"),
    }
}

/// `bytes`, the first of `size`, as a string of C.
fn quoted(line: &mut String, bytes: &[u8], size: u64) -> core::fmt::Result {
    line.push('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => write!(line, "\\{}", char::from(byte))?,
            b'\n' => line.push_str("\\n"),
            b'\t' => line.push_str("\\t"),
            b'\r' => line.push_str("\\r"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => write!(line, "\\x{byte:02x}")?,
        }
    }
    line.push('"');
    if size > bytes.len() as u64 {
        line.push_str("...");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_of_known_letters() {
        for call in syscalls::all() {
            let letters = call.1.signature.trim_start_matches('=');
            assert!(letters.len() <= 6, "{}", call.1.name);
            assert!(
                letters.chars().all(|letter| LETTERS.contains(letter)),
                "{}: {letters}",
                call.1.name
            );
        }
    }

    #[test]
    fn flags_are_named_and_the_rest_is_shown() {
        let shown = |value, names, more| {
            let mut line = String::new();
            flags(&mut line, value, names, more).unwrap();
            line
        };
        assert_eq!(shown(3, PROTECTION, false), "PROT_READ|PROT_WRITE");
        assert_eq!(shown(0x22, MAP, false), "MAP_PRIVATE|MAP_ANONYMOUS");
        assert_eq!(shown(0o2000100, OPEN, true), "|O_CREAT|O_CLOEXEC");
        assert_eq!(shown(9, PROTECTION, false), "PROT_READ|0x8");
        assert_eq!(shown(0, MAP, false), "0x0");
    }

    #[test]
    fn bytes_are_quoted() {
        let mut line = String::new();
        quoted(&mut line, b"a\"\\\n\x01~", 9).unwrap();
        assert_eq!(line, r#""a\"\\\n\x01~"..."#);
    }
}
