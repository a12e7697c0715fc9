//! Faults of the guest, and what the report says.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("jump_to_data", jump_to_data),
    ("jumps_outside_text", jumps_outside_text),
    ("stack_overflow", stack_overflow),
    ("access_at_four_gibibytes", access_at_four_gibibytes),
    ("null_pointer", null_pointer),
    ("writes_to_what_is_read_only", writes_to_what_is_read_only),
    ("divide_error", divide_error),
    ("abort", abort),
    ("end_of_text", end_of_text),
    ("unused_slot", unused_slot),
    ("endless_loop", endless_loop),
];

fn jump_to_data() {
    let done = run(&program(|p| {
        p.put(|a| a.mov(eax, DATA as u32));
        p.jump_rax();
    }));
    done.says(139, "execution of 0x10001000");
    done.says(139, "data cannot be executed");
}

fn jumps_outside_text() {
    for (target, why) in [
        (0, "null pointer"),
        (0x0100_0000, "outside of the program's memory"),
        (HEAP as u32, "the heap cannot be executed"),
        (0xffff_ff00, "outside of the program's memory"),
        (0xffff_0000, "the stack cannot be executed"),
        (0xfeff_ffe0, "the user manifest cannot be executed"),
    ] {
        run(&program(|p| {
            p.put(|a| a.mov(eax, target));
            p.jump_rax();
        }))
        .says(139, why);
    }
}

fn stack_overflow() {
    let done = run(&program(|p| {
        let top = p.align();
        p.put(|a| a.push(rax)).put(|a| a.jmp(top));
    }));
    done.says(139, "stack overflow");
}

fn access_at_four_gibibytes() {
    for address in [0xffff_f000_u32, 0xffff_fff8, 0xffff_ffff] {
        run(&program(|p| {
            p.put(|a| a.mov(eax, address))
                .put(|a| a.mov(rax, qword_ptr(eax)));
        }))
        .says(139, "fault: SIGSEGV: read of 0xfffff");
    }
    // The sum wraps at 32 bits: the access is inside.
    run(&program(|p| {
        p.put(|a| a.mov(eax, 0xffff_ffff_u32))
            .put(|a| a.mov(rax, qword_ptr(eax + (HEAP as i32 + 1))))
            .exit(0);
    }))
    .exits(0);
    // pop at the last word of the stack, then one beyond.
    run(&program(|p| {
        p.put(|a| a.mov(esp, 0xffff_eff8_u32))
            .put(|a| a.pop(rax))
            .put(|a| a.pop(rax));
    }))
    .says(139, "0xfffff000");
}

fn null_pointer() {
    let done = run(&program(|p| {
        p.put(|a| a.mov(ebx, 8)).put(|a| a.mov(dword_ptr(ebx), eax));
    }));
    done.says(139, "fault: SIGSEGV: write to 0x8 at 0x20005 <start+0x5>");
    done.says(139, "why: null pointer");
    done.says(139, "rbx 0000000000000008");
    done.says(139, "rsp 00000000ffffefc0");
}

fn writes_to_what_is_read_only() {
    for (address, what) in [
        (layout::TRAMPOLINE_BASE, "a trampoline"),
        (layout::TEXT_BASE, "code"),
        (layout::DATA_BASE, "read-only data"),
        (0xfeff_e000, "a mounted file"),
        (layout::MANIFEST_POINTER, "the user manifest"),
    ] {
        run(&program(|p| {
            p.put(|a| a.mov(ebx, address as u32))
                .put(|a| a.mov(dword_ptr(ebx), eax));
        }))
        .says(139, &format!("why: {what} cannot be written"));
    }
}

fn divide_error() {
    run(&program(|p| {
        p.put(|a| a.xor(ecx, ecx)).put(|a| a.div(ecx));
    }))
    .says(136, "division by zero");
}

fn abort() {
    run(&program(|p| {
        p.raw(&[0x0f, 0x0b]);
    }))
    .says(132, "SIGILL");
    run(&program(|p| {
        p.raw(&[0xcc]);
    }))
    .says(133, "int3");
}

fn end_of_text() {
    run(&program(|p| {
        p.raw(&[0x90]);
    }))
    .says(139, "hlt");
}

fn unused_slot() {
    for slot in [0x1_0020, 0x1_ffe0] {
        run(&program(|p| {
            p.put(|a| a.jmp(slot));
        }))
        .says(139, "unused trampoline slot");
    }
}

fn endless_loop() {
    let done = run_with(
        &program(|p| {
            let here = p.align();
            p.put(|a| a.jmp(here));
        })
        .elf(),
        &["--timeout", "0.2"],
    );
    done.says(124, "timeout");
}
