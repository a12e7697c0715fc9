//! The traps themselves.

use zvm_abi::trap;

use crate::errno::Errno;
use crate::host::{Forked, Host};

unsafe extern "C" {
    /// The trampoline, at an address that the linker script gives.
    fn __zvm_trap(words: *const u64) -> i64;
}

/// Traps with these arguments.
fn call(id: u64, arguments: [u64; 4]) -> i64 {
    let [a, b, c, d] = arguments;
    let words: [u64; trap::WORDS] = [id, 0, a, b, c, d];
    // SAFETY: the array is as long as the runtime reads. Buffers that it names were slices of the caller's.
    unsafe { __zvm_trap(words.as_ptr()) }
}

/// The runtime, by traps.
pub(super) struct Traps;

impl Host for Traps {
    fn read(&mut self, channel: u32, buffer: &mut [u8], offset: u64) -> i64 {
        call(
            trap::READ,
            [
                u64::from(channel),
                buffer.as_mut_ptr() as u64,
                buffer.len() as u64,
                offset,
            ],
        )
    }

    fn write(&mut self, channel: u32, buffer: &[u8], offset: u64) -> i64 {
        call(
            trap::WRITE,
            [
                u64::from(channel),
                buffer.as_ptr() as u64,
                buffer.len() as u64,
                offset,
            ],
        )
    }

    fn open_door(&mut self, signals: u32) {
        super::entry::open_door(signals);
    }

    fn fork(&mut self) -> Result<Forked, Errno> {
        super::fork::fork()
    }
}

/// Ends the instance.
pub(super) fn exit(status: u8) -> ! {
    call(trap::EXIT, [u64::from(status), 0, 0, 0]);
    // Exit does not return; should a runtime be wrong about that, this ends the instance too.
    // SAFETY: `ud2` has no operands.
    unsafe { core::arch::asm!("ud2", options(noreturn)) }
}

/// A line on stderr that says what went wrong, then the end.
pub(super) fn fail(status: u8, what: core::fmt::Arguments<'_>) -> ! {
    struct Stderr;
    impl core::fmt::Write for Stderr {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            Traps.write(2, text.as_bytes(), 0);
            Ok(())
        }
    }
    let _ = core::fmt::write(&mut Stderr, format_args!("zvm: {what}\n"));
    exit(status)
}
