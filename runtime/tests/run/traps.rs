//! Hostile trap arguments.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("bad_trap_arrays", bad_trap_arrays),
    ("bad_buffers", bad_buffers),
    ("bad_channels_and_sizes", bad_channels_and_sizes),
    ("unknown_trap", unknown_trap),
    ("fork_answers_zero", fork_answers_zero),
];

fn bad_trap_arrays() {
    let top = layout::STACK_TOP;
    for array in [
        0,
        8,
        0xffff,
        layout::DATA_BASE - 1,
        HEAP + (1 << 30) - 40,
        top - 40,
        top,
        0xffff_ffd8,
        0xffff_ffff,
    ] {
        run(&program(|p| {
            p.trap_at(array);
            p.exit(0);
        }))
        .says(139, "fault: a trap whose argument array");
    }
    // 64 bits of rdi.
    for array in [
        1_u64 << 32,
        1 << 33,
        0x3_0000_0000,
        0x7fff_ffff_f000,
        u64::MAX,
        u64::MAX - 47,
    ] {
        run(&program(|p| {
            p.put(|a| a.mov(rdi, array));
            p.call(layout::TRAMPOLINE_BASE);
        }))
        .says(139, "fault: a trap whose argument array");
    }
}

fn bad_buffers() {
    let heap_end = HEAP + (1 << 30);
    let cases = [
        (0, 1),
        (0xffff, 2),
        (layout::DATA_BASE - 1, 2),
        (heap_end - 1, 2),
        (heap_end, 1),
        (layout::STACK_TOP - 1, 2),
        (layout::STACK_TOP, 1),
        (0xffff_ffff, 1),
        (0xffff_ffff, 2),
        (1 << 32, 1),
        (u64::MAX, 1),
        (u64::MAX, 2),
        (HEAP, u64::MAX),
        (HEAP, 1 << 63),
        (HEAP, 1 << 32),
        (HEAP, (1 << 30) + 1),
        ((1 << 32) + HEAP, 1),
        (0x3_0000_0000, 8),
        (0x7fff_ffff_f000, 8),
    ];
    for (buffer, size) in cases {
        for (id, channel) in [(trap::WRITE, 1), (trap::READ, 3)] {
            let done = run(&program(|p| {
                p.trap(id, [channel, buffer, size, 0]);
                p.exit_rax();
            }));
            assert_eq!(
                done.status,
                minus(22),
                "{id:#x} {buffer:#x} {size:#x}: {}",
                done.stderr
            );
            assert!(done.stdout.is_empty());
        }
    }
    // Reads into what the guest cannot write: trampolines, text, rodata, the mapped nvram, the manifest.
    for buffer in [
        layout::TRAMPOLINE_BASE,
        layout::TEXT_BASE,
        layout::DATA_BASE,
        0xfeff_e000,
        0xfeff_f000,
    ] {
        run(&program(|p| {
            p.trap(trap::READ, [3, buffer, 1, 0]);
            p.exit_rax();
        }))
        .exits(minus(22));
    }
}

fn bad_channels_and_sizes() {
    let cases = [
        (trap::READ, [1, HEAP, 1, 0], minus(22)),
        (trap::WRITE, [0, HEAP, 1, 0], minus(22)),
        (trap::WRITE, [3, HEAP, 1, 0], minus(22)),
        (trap::READ, [4, HEAP, 1, 0], minus(22)),
        (trap::READ, [u64::MAX, HEAP, 1, 0], minus(22)),
        (trap::READ, [1 << 32, HEAP, 1, 0], minus(22)),
        (trap::READ, [3, HEAP, 1, u64::MAX], minus(22)),
        (trap::READ, [3, HEAP, 1, 1 << 63], minus(22)),
        (trap::READ, [3, HEAP, 1, i64::MAX as u64], minus(22)),
        (trap::READ, [3, HEAP, 1, 1 << 40], 0),
        (trap::READ, [3, HEAP, 0, 0], 0),
        (trap::READ, [3, HEAP, 6, 0], 6),
        (trap::READ, [0, HEAP, 1, u64::MAX], 0),
    ];
    for (id, args, status) in cases {
        let done = run(&program(|p| {
            p.trap(id, args);
            p.exit_rax();
        }));
        assert_eq!(done.status, status, "{id:#x} {args:x?}: {}", done.stderr);
    }
}

fn unknown_trap() {
    for id in [0, 1, u64::MAX, trap::READ | 1 << 32] {
        run(&program(|p| {
            p.trap(id, [0; 4]);
        }))
        .says(159, "unknown id");
    }
}

fn fork_answers_zero() {
    run(&program(|p| {
        p.trap(trap::FORK, [9; 4]);
        p.exit_rax();
    }))
    .exits(0);
}
