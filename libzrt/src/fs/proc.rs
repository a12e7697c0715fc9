//! The texts of /proc: what programs really read there, in Linux's formats (Documentation/filesystems/proc.rst).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use zvm_abi::layout::PAGE;

use super::Generated;
use crate::errno::Errno;
use crate::kernel::Kernel;
use crate::process::{PARENT, PID, UTSNAME};
use crate::text::text;
use crate::time::{SECOND, TICKS};

impl Kernel {
    /// The file's text as of now.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn generate(&mut self, file: Generated) -> Result<Vec<u8>, Errno> {
        let pages = self.memory.pages();
        let (total, free, used) = (
            pages.end() - pages.start(),
            pages.free_bytes(),
            pages.used_bytes(),
        );
        let name = String::from_utf8_lossy(&self.threads.current().name)
            .trim_end_matches('\0')
            .to_owned();
        let text = match file {
            Generated::Cmdline => return Ok(joined(&self.args)),
            Generated::Environ => return Ok(joined(&self.env)),
            Generated::Maps => self.maps()?,
            Generated::Comm => text!("{name}\n"),
            Generated::Status => text!(
                "Name:\t{name}\nUmask:\t{:04o}\nState:\tR (running)\nTgid:\t{PID}\nNgid:\t0\nPid:\t{PID}\nPPid:\t{PARENT}\n\
                 TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0\nVmPeak:\t{} kB\nVmSize:\t{} kB\n\
                 VmRSS:\t{} kB\nThreads:\t{}\nSigBlk:\t{:016x}\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n",
                self.process.umask,
                total / 1024,
                total / 1024,
                used / 1024,
                self.threads.count(),
                self.threads.current().signals.mask,
            ),
            Generated::Stat => {
                let ticks = self.clock.busy() / (SECOND / TICKS);
                // 52 fields; those that nothing here has are 0.
                let mut text = text!(
                    "{PID} ({name}) R {PARENT} {PID} {PID} 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 0 {total} {}",
                    used / PAGE
                );
                text.push_str(&" 0".repeat(52 - 24));
                text.push('\n');
                text
            }
            Generated::Statm => text!("{} {} 0 0 0 {} 0\n", total / PAGE, used / PAGE, used / PAGE),
            Generated::Mounts => {
                let mut text = String::new();
                for (index, mount) in self.tree.mounts.iter().enumerate() {
                    let access = if mount.read_only { "ro" } else { "rw" };
                    let point = octal_escaped(&mount.point);
                    let _ = writeln!(text, "zvm{index} {point} zvm {access} 0 0");
                }
                text
            }
            Generated::Meminfo => text!(
                "MemTotal:       {:8} kB\nMemFree:        {:8} kB\nMemAvailable:   {:8} kB\nBuffers:               0 kB\n\
                 Cached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
                total / 1024,
                free / 1024,
                free / 1024
            ),
            Generated::Cpuinfo => String::from(
                "processor\t: 0\nvendor_id\t: ZeroVMZeroVM\ncpu family\t: 6\nmodel\t\t: 0\nmodel name\t: ZeroVM\nstepping\t: 0\n\
                 cpu MHz\t\t: 1000.000\nflags\t\t: fpu tsc cx8 cmov mmx fxsr sse sse2 syscall lm\naddress sizes\t: 32 bits physical, 32 bits virtual\n\n",
            ),
            Generated::Uptime => {
                let hundredths = |nanoseconds: u64| {
                    (nanoseconds / SECOND, nanoseconds % SECOND / (SECOND / 100))
                };
                let (up, idle) = (
                    hundredths(self.clock.elapsed() + SECOND),
                    hundredths(self.clock.elapsed() - self.clock.busy()),
                );
                text!("{}.{:02} {}.{:02}\n", up.0, up.1, idle.0, idle.1)
            }
            Generated::Version => text!("{} version {} {}\n", UTSNAME[0], UTSNAME[2], UTSNAME[3]),
        };
        Ok(text.into_bytes())
    }

    fn maps(&mut self) -> Result<String, Errno> {
        /// Bytes of a line, at most.
        const LINE: usize = 80;
        let brk = self.memory.brk;
        let mut lines: Vec<(u64, u64, &str, &str)> = Vec::new();
        // Nothing may be allocated while the page table is borrowed: runs are counted first.
        let count = self.memory.pages().runs().count();
        let most = count + 8 + self.memory.regions().len();
        let (mut runs, mut text) = (Vec::new(), String::new());
        runs.try_reserve(count + 8).map_err(|_| Errno::ENOMEM)?;
        lines.try_reserve(most).map_err(|_| Errno::ENOMEM)?;
        text.try_reserve(most * LINE).map_err(|_| Errno::ENOMEM)?;
        for region in self.memory.regions() {
            let access = if region.name == "[text]" {
                "r-xp"
            } else if region.write {
                "rw-p"
            } else {
                "r--p"
            };
            lines.push((region.start, region.end, access, region.name));
        }
        runs.extend(self.memory.pages().runs().take(count));
        for (start, end, prot) in runs {
            let access = ["---p", "r--p", "-w-p", "rw-p"][usize::from(prot & 3)];
            let name = if start >= brk.0 && end <= brk.1.next_multiple_of(PAGE) {
                "[heap]"
            } else {
                ""
            };
            lines.push((start, end, access, name));
        }
        lines.sort_unstable();
        for (start, end, access, name) in lines {
            let _ = writeln!(
                text,
                "{start:08x}-{end:08x} {access} 00000000 00:00 0 {name:>16}"
            );
        }
        Ok(text)
    }
}

fn joined(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend_from_slice(word);
        bytes.push(0);
    }
    bytes
}

/// Blanks and backslashes as in /proc/mounts.
fn octal_escaped(text: &[u8]) -> String {
    let mut escaped = String::new();
    for &byte in text {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => {
                let _ = write!(escaped, "\\{byte:03o}");
            }
            _ => escaped.push(char::from(byte)),
        }
    }
    escaped
}
