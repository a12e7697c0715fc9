//! Rule C11: register state at entry and around traps.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("entry_state", entry_state),
    ("trap_leaks_nothing", trap_leaks_nothing),
    (
        "vectors_and_x87_survive_traps",
        vectors_and_x87_survive_traps,
    ),
    ("wide_vectors_survive_traps", wide_vectors_survive_traps),
    (
        "hostile_control_state_at_a_trap",
        hostile_control_state_at_a_trap,
    ),
    (
        "hostile_stack_pointer_at_a_trap",
        hostile_stack_pointer_at_a_trap,
    ),
];

/// Stores the general registers but `skip` (which holds the address) and the flags to 16 words at `at`, then returns
/// with `at` in r15.
fn store_registers(p: &mut Program, at: u64) {
    // r15 was stored first, through rsp: it is the one register whose value memory can take without another register.
    p.put(|a| a.push(r15))
        .put(|a| a.pushfq())
        .put(|a| a.mov(r15d, at as u32));
    let registers = [
        rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14,
    ];
    for (index, register) in registers.into_iter().enumerate() {
        p.put(|a| a.mov(qword_ptr(r15d + 8 * index as i32), register));
    }
    p.put(|a| a.pop(rax))
        .put(|a| a.mov(qword_ptr(r15d + 8 * 16), rax));
    p.put(|a| a.pop(rax))
        .put(|a| a.mov(qword_ptr(r15d + 8 * 15), rax));
}

fn entry_state() {
    let done = run(&program(|p| {
        let at = p.words(&[0; 17 + 32 + 3]);
        store_registers(p, at);
        let registers = [
            xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13,
            xmm14, xmm15,
        ];
        for (index, register) in registers.into_iter().enumerate() {
            p.put(|a| a.movups(xmmword_ptr(r15d + (17 + 2 * index as i32) * 8), register));
        }
        p.put(|a| a.stmxcsr(dword_ptr(r15d + 49 * 8)))
            .put(|a| a.fnstcw(word_ptr(r15d + 50 * 8)));
        p.put(|a| a.fnstsw(word_ptr(r15d + 51 * 8)));
        p.dump(at, 52 * 8).exit(0);
    }));
    done.exits(0);
    let words = words(&done.stdout);
    let mut expected = vec![0_u64; 52];
    expected[7] = layout::STACK_TOP - 64 - 16;
    expected[16] = 0x202;
    expected[49] = 0x1f80;
    expected[50] = 0x037f;
    assert_eq!(words, expected);
    assert_eq!((layout::STACK_TOP - 64) % 32, 0);
}

fn trap_leaks_nothing() {
    let done = run(&program(|p| {
        let at = p.words(&[0; 17]);
        for register in [
            rax, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15,
        ] {
            p.put(|a| a.mov(register, 0x1122_3344_5566_7788_u64));
        }
        p.put(|a| a.stc());
        p.write(1, b"12345678");
        let back = p.here();
        store_registers(p, at);
        p.dump(at, 17 * 8).write(1, &back.to_le_bytes()).exit(0);
    }));
    done.exits(0);
    let words = words(&done.stdout);
    let kept = 0x1122_3344_5566_7788;
    let back = words[18];
    assert_eq!(back % 32, 0);
    // rax is the result, r11 the return address, rflags what `sub %edi,%edi` leaves.
    let expected = [
        8,
        kept,
        0,
        0,
        0,
        0,
        kept,
        layout::STACK_TOP - 64 - 16,
        0,
        0,
        0,
        back,
        kept,
        kept,
        kept,
        kept,
        0x246,
    ];
    assert_eq!(words[1..18], expected);
}

fn vectors_and_x87_survive_traps() {
    let done = run(&program(|p| {
        let at = p.words(&[0x0123_4567_89ab_cdef, 42, 0, 0]);
        let out = p.words(&[0; 6]);
        p.put(|a| a.mov(ebx, at as u32))
            .put(|a| a.movups(xmm0, xmmword_ptr(ebx)));
        p.put(|a| a.movups(xmm7, xmmword_ptr(ebx)))
            .put(|a| a.movups(xmm15, xmmword_ptr(ebx)));
        p.put(|a| a.fild(qword_ptr(ebx + 8)));
        p.write(1, &[7; 300]);
        p.trap(trap::READ, [3, HEAP, 0x1000, 0]);
        p.put(|a| a.mov(ebx, out as u32))
            .put(|a| a.movups(xmmword_ptr(ebx), xmm0));
        p.put(|a| a.pand(xmm15, xmm7))
            .put(|a| a.movups(xmmword_ptr(ebx + 16), xmm15));
        p.put(|a| a.fistp(qword_ptr(ebx + 32)));
        p.dump(out, 48).exit(0);
    }));
    done.exits(0);
    let pair = [0x0123_4567_89ab_cdef, 42];
    assert_eq!(
        words(&done.stdout[300..]),
        [pair[0], pair[1], pair[0], pair[1], 42, 0]
    );
}

fn hostile_control_state_at_a_trap() {
    let done = run(&program(|p| {
        // All x87 exceptions unmasked and one pending; all SSE exceptions unmasked; flush to zero; DF set.
        let control = p.words(&[0x0300, 0xe000]);
        p.put(|a| a.mov(ebx, control as u32))
            .put(|a| a.fldcw(word_ptr(ebx)));
        p.put(|a| a.fld1())
            .put(|a| a.fldz())
            .put(|a| a.fdivp(st1, st0));
        p.put(|a| a.ldmxcsr(dword_ptr(ebx + 8))).put(|a| a.std());
        p.write(1, b"alive");
        p.trap(trap::READ, [3, HEAP, 0x1000, 0]);
        // DF is clear again, MXCSR is the guest's.
        let out = p.words(&[0, 0]);
        p.put(|a| a.pushfq()).put(|a| a.pop(rax)).store_rax(out);
        p.put(|a| a.stmxcsr(dword_ptr(ecx + 8)));
        p.dump(out, 16).exit(0);
    }));
    done.exits(0);
    assert_eq!(done.stdout[..5], *b"alive");
    let [flags, mxcsr] = words(&done.stdout[5..])[..] else {
        panic!()
    };
    assert_eq!(flags & 0x400, 0);
    assert_eq!(mxcsr, 0xe000);
    // The pending exception is still there for the guest's next waiting instruction.
    run(&program(|p| {
        let control = p.words(&[0x0300]);
        p.put(|a| a.mov(ebx, control as u32))
            .put(|a| a.fldcw(word_ptr(ebx)));
        p.put(|a| a.fld1())
            .put(|a| a.fldz())
            .put(|a| a.fdivp(st1, st0));
        p.write(1, b"alive").put(|a| a.fld1()).exit(0);
    }))
    .says(136, "floating-point exception");
}

fn hostile_stack_pointer_at_a_trap() {
    let at_trap = |esp_value: u32| {
        run(&program(|p| {
            let array = p.words(&[trap::FORK, 0, 0, 0, 0, 0]);
            p.put(|a| a.mov(edi, array as u32))
                .put(|a| a.mov(esp, esp_value))
                .put(|a| a.jmp(layout::TRAMPOLINE_BASE));
        }))
    };
    for value in [
        0,
        8,
        0xffff,
        0xffff_f000,
        0xffff_fff8,
        0xffff_ffff,
        0xffff_effd,
        0x0800_0000,
    ] {
        at_trap(value).says(139, "in a trap");
    }
    // Readable words that are no return address: the jump is masked and faults there, as the guest's.
    at_trap(0xffff_eff8).says(139, "execution of 0x0 ");
    at_trap(layout::DATA_BASE as u32).says(139, "execution of 0x464c4560");
    at_trap(layout::MANIFEST_POINTER as u32).says(
        139,
        "execution of 0x7effffe0 "
            .replace("effffe0", "efff000")
            .as_str(),
    );
}

/// At level 3 whole ymm registers survive; a CPU below it refuses the image.
fn wide_vectors_survive_traps() {
    let mut p = Program::new();
    p.level = 3;
    let value = [1_u64, 2, 3, 4];
    let at = p.words(&value);
    let out = p.words(&[0; 8]);
    p.put(|a| a.mov(ebx, at as u32))
        .put(|a| a.vmovups(ymm0, ymmword_ptr(ebx)))
        .put(|a| a.vmovups(ymm15, ymmword_ptr(ebx)));
    p.write(1, &[7; 300]);
    p.trap(trap::READ, [3, HEAP, 0x1000, 0]);
    p.put(|a| a.mov(ebx, out as u32))
        .put(|a| a.vmovups(ymmword_ptr(ebx), ymm0))
        .put(|a| a.vmovups(ymmword_ptr(ebx + 32), ymm15));
    p.dump(out, 64).exit(0);
    let done = run(&p);
    if !is_x86_feature_detected!("avx2") {
        return done.says(8, "x86-64-v3");
    }
    done.exits(0);
    assert_eq!(words(&done.stdout[300..]), [value, value].concat());
}
