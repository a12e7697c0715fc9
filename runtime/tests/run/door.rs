//! The door for faults: what goes through it, and what must not.

use zvm_abi::fault::{DOOR, FLAGS, Frame, REGISTERS, RFLAGS, RIP, RSP};

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("a_fault_is_told_to_the_guest", a_fault_is_told_to_the_guest),
    ("the_way_back", the_way_back),
    (
        "the_way_back_gives_nothing_new",
        the_way_back_gives_nothing_new,
    ),
    ("no_way_back_behind_a_mask", no_way_back_behind_a_mask),
    ("a_closed_or_bad_door", a_closed_or_bad_door),
    ("the_guest_ends_by_a_signal", the_guest_ends_by_a_signal),
    ("frames_where_none_can_be", frames_where_none_can_be),
    ("a_door_is_used_once", a_door_is_used_once),
];

const SEGV: u32 = 1 << libc_like::SIGSEGV;

/// Linux's numbers of signals.
mod libc_like {
    pub const SIGILL: u32 = 4;
    pub const SIGFPE: u32 = 8;
    pub const SIGSEGV: u32 = 11;
}

/// Offset of a register in a frame.
fn register(index: usize) -> u64 {
    (size_of::<Frame>() - (REGISTERS - index) * 8) as u64
}

/// Sets up the door: which signals, where the guest goes on, where the frame lies, where the way back begins.
fn door(p: &mut Program, open: u32, entry: u64, frame: u64, resume: u64) {
    for (index, value) in [open, entry as u32, frame as u32, resume as u32]
        .into_iter()
        .enumerate()
    {
        p.put(|a| {
            a.mov(ecx, DOOR as u32 + 4 * index as u32)?;
            a.mov(dword_ptr(ecx), value)
        });
    }
}

/// A frame's place in data.
fn frame(p: &mut Program) -> u64 {
    p.bytes(&[0; size_of::<Frame>()])
}

/// Adds what the door leads to in front of the program proper, which begins where the answer's second half says that the
/// jump has to be patched: the program jumps over it.
fn with_entry(write: impl Fn(&mut Program), main: impl Fn(&mut Program, u64)) -> Program {
    // The entry's length does not depend on where it lies.
    let mut probe = Program::new();
    probe.put(|a| a.nop());
    probe.align();
    write(&mut probe);
    let after = probe.align();
    program(|p| {
        p.put(|a| a.jmp(after));
        let entry = p.align();
        write(p);
        assert_eq!(p.align(), after);
        main(p, entry);
    })
}

fn a_fault_is_told_to_the_guest() {
    let told = |fault: fn(&mut Program)| {
        let out = with_entry(
            |p| {
                let at = frame(p);
                p.dump(at, size_of::<Frame>() as u64).exit(3);
            },
            move |p, entry| {
                let signals = 1 << libc_like::SIGILL | 1 << libc_like::SIGFPE | SEGV;
                door(p, signals, entry, DATA, 0);
                p.put(|a| a.mov(ebx, 0x1234));
                fault(p);
            },
        );
        let done = run(&out);
        done.exits(3);
        words(&done.stdout)
    };
    let load = told(|p| {
        p.put(|a| a.mov(eax, 8)).put(|a| a.mov(rdx, qword_ptr(eax)));
    });
    assert_eq!(
        (load[0] as u32, load[1], load[2]),
        (libc_like::SIGSEGV, 8, 14)
    );
    assert_eq!(load[4 + 1], 0x1234);
    assert_eq!(load[4 + RSP], layout::STACK_TOP - 64);
    let divide = told(|p| {
        p.put(|a| a.xor(ecx, ecx)).put(|a| a.div(ecx));
    });
    assert_eq!((divide[0] as u32, divide[2]), (libc_like::SIGFPE, 0));
    assert_eq!(divide[1], divide[4 + RIP], "si_addr is the instruction");
    let illegal = told(|p| {
        p.put(|a| a.ud2());
    });
    assert_eq!((illegal[0] as u32, illegal[2]), (libc_like::SIGILL, 6));
}

/// Goes on behind the load that faulted, with another rdx, by an instruction in the middle of a bundle.
fn the_way_back() {
    let out = with_entry(
        |p| {
            let at = frame(p);
            // Over the load, `mov rdx,[eax]` with its prefix: 4 bytes.
            p.put(move |a| {
                a.mov(ecx, (at + register(RIP)) as u32)?;
                a.add(dword_ptr(ecx), 4)
            });
            p.put(move |a| {
                a.mov(ecx, (at + register(3)) as u32)?;
                a.mov(dword_ptr(ecx), 77)
            });
            p.align();
            p.put(|a| a.ud2());
        },
        |p, entry| {
            door(p, SEGV, entry, DATA, entry + 32);
            p.align();
            p.put(|a| a.mov(eax, 8)).put(|a| a.mov(rdx, qword_ptr(eax)));
            p.put(|a| a.mov(eax, edx)).exit_rax();
        },
    );
    run(&out).exits(77);
}

/// A program that at once takes the way back, to the place that `code` answers among what it writes, with registers that are
/// all ones; what comes then.
fn way_back(code: impl Fn(&mut Program) -> u64) -> Done {
    leave(0, code)
}

/// The same with a signal in the frame, whose code is 0.
fn leave(signal: u64, code: impl Fn(&mut Program) -> u64) -> Done {
    let mut probe = Program::new();
    code(&mut probe);
    let length = probe.align() - layout::TEXT_BASE;
    let out = with_entry(
        |p| {
            p.put(|a| a.ud2());
        },
        |p, entry| {
            let over = p.align() + layout::BUNDLE + length;
            p.put(|a| a.jmp(over));
            p.align();
            let target = code(p);
            assert_eq!(p.align(), over);
            let mut words = vec![signal, 0, 0, 0];
            words.extend([u64::MAX; REGISTERS]);
            words[4 + RIP] = target;
            let at = p.words(&words);
            door(p, 0, 0, at, entry);
            p.put(|a| a.jmp(entry));
        },
    );
    run(&out)
}

fn the_way_back_gives_nothing_new() {
    // rsp has 32 bits, and of the flags only those that popf may change are set.
    let done = way_back(|p| {
        p.put(|a| a.nop());
        let target = p.here();
        p.put(|a| a.mov(rax, rsp));
        p.put(|a| a.mov(esp, (layout::STACK_TOP - 256) as u32));
        let at = DATA + 2048;
        p.store_rax(at);
        p.put(|a| a.pushfq()).put(|a| a.pop(rax));
        p.put(|a| a.cld());
        p.store_rax(at + 8);
        p.dump(at, 16).exit(0);
        p.data.resize(2048 + 64, 0);
        target
    });
    done.exits(0);
    let out = words(&done.stdout);
    assert_eq!(out[0], 0xffff_ffff, "rsp");
    assert_eq!(out[1] & !FLAGS, 0x202, "flags {:#x}", out[1]);
    assert_eq!(RFLAGS, REGISTERS - 1);
}

fn the_guest_ends_by_a_signal() {
    // Wherever it says that it was: nothing goes on there.
    type Place = fn(&mut Program) -> u64;
    let places: [Place; 3] = [|p| p.here(), |_| DATA, |_| 0x3_0000_0000];
    for place in places {
        for (signal, name) in [(6, "SIGABRT"), (11, "SIGSEGV"), (3, "SIGQUIT")] {
            let done = leave(signal, place);
            done.says(128 + signal as i32, name);
            done.says(128 + signal as i32, "sent by the program to itself");
        }
    }
    // No core, no signal.
    for signal in [9, 15, 32, 38, u64::from(u32::MAX)] {
        leave(signal, |_| DATA).says(132, "SIGILL");
    }
}

fn no_way_back_behind_a_mask() {
    type Place = fn(&mut Program) -> u64;
    let places: [(&str, Place); 5] = [
        ("jmp *%rax behind its mask", |p| {
            p.align();
            let at = p.here() + 3;
            p.jump_rax();
            at
        }),
        ("ret behind its mask", |p| {
            p.align();
            let at = p.here() + 8;
            // andq $0x7fffffe0,(%rsp); ret
            p.raw(&[0x48, 0x81, 0x24, 0x24, 0xe0, 0xff, 0xff, 0x7f, 0xc3]);
            at
        }),
        ("the middle of an instruction", |p| {
            p.align();
            let at = p.here() + 1;
            p.put(|a| a.mov(eax, 0x90909090_u32));
            at
        }),
        ("data", |_| DATA),
        ("the host", |_| 0x3_0000_0000),
    ];
    for (what, place) in places {
        let done = way_back(place);
        assert_eq!(done.status, 132, "{what}: {}", done.stderr);
        assert!(done.stderr.contains("SIGILL"), "{what}: {}", done.stderr);
    }
}

fn a_closed_or_bad_door() {
    type Entry = fn(u64) -> u64;
    let entries: [(u32, Entry); 6] = [
        // Open for other signals alone, or not at all.
        (!SEGV, |entry| entry),
        (0, |entry| entry),
        // No bundle, no text, the trampolines, none.
        (SEGV, |entry| entry + 1),
        (SEGV, |_| DATA),
        (SEGV, |_| layout::TRAMPOLINE_BASE),
        (SEGV, |_| 0),
    ];
    for (open, place) in entries {
        let out = with_entry(
            |p| {
                frame(p);
                p.exit(3);
            },
            move |p, entry| {
                door(p, open, place(entry), DATA, 0);
                p.put(|a| a.mov(eax, 8)).put(|a| a.mov(rdx, qword_ptr(eax)));
            },
        );
        run(&out).says(139, "null pointer");
    }
}

fn frames_where_none_can_be() {
    for at in [
        0,
        8,
        layout::TEXT_BASE,
        layout::DATA_BASE,
        layout::MANIFEST_END - 4096,
        layout::STACK_TOP - 8,
        0xffff_fff8,
    ] {
        let out = with_entry(
            |p| {
                p.exit(3);
            },
            move |p, entry| {
                door(p, SEGV, entry, at, 0);
                p.put(|a| a.mov(eax, 8)).put(|a| a.mov(rdx, qword_ptr(eax)));
            },
        );
        run(&out).says(139, "null pointer");
    }
}

fn a_door_is_used_once() {
    let out = with_entry(
        |p| {
            frame(p);
            p.put(|a| a.mov(eax, 16))
                .put(|a| a.mov(rdx, qword_ptr(eax)));
        },
        |p, entry| {
            door(p, SEGV, entry, DATA, 0);
            p.put(|a| a.mov(eax, 8)).put(|a| a.mov(rdx, qword_ptr(eax)));
        },
    );
    run(&out).says(139, "read of 0x10");
}
