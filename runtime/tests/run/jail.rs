//! Jail and Unjail.

use crate::*;

/// The tests of this file.
pub const TESTS: &[(&str, fn())] = &[
    ("jail_runs_code", jail_runs_code),
    ("jail_refuses", jail_refuses),
    ("unjail_gives_back", unjail_gives_back),
];

/// A page of code in data that [`copy_to_heap`] copies: 42 in eax, and back.
fn jail_code(p: &mut Program, start: &[u8]) -> u64 {
    let mut page = vec![0xf4; layout::PAGE as usize];
    page[..start.len()].copy_from_slice(start);
    p.bytes(&page)
}

/// `mov $42,%eax; andq $0x7fffffe0,(%rsp); ret`
const RETURN_42: &[u8] = &[
    0xb8, 42, 0, 0, 0, 0x48, 0x81, 0x24, 0x24, 0xe0, 0xff, 0xff, 0x7f, 0xc3,
];

/// The heap's first page behind a data segment of two pages.
const CODE: u64 = DATA + 3 * layout::PAGE;

fn copy_to_heap(p: &mut Program, from: u64) {
    p.put(|a| a.mov(esi, from as u32))
        .put(|a| a.mov(edi, CODE as u32))
        .put(|a| a.mov(ecx, layout::PAGE as u32));
    p.raw(&[0x67, 0xf3, 0xa4]);
}

/// Two pages of data and more, so that the heap starts at [`CODE`].
fn jail_program(code: &[u8], write: impl FnOnce(&mut Program)) -> Done {
    let mut p = Program::new();
    let code = jail_code(&mut p, code);
    copy_to_heap(&mut p, code);
    write(&mut p);
    p.data.resize(2 * layout::PAGE as usize + 1, 0);
    run(&p)
}

fn jail_runs_code() {
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.put(|a| a.add(eax, CODE as u32)).call_rax().exit_rax();
    })
    .exits(42);
    // Before Jail it is data; behind it, it cannot be written, by the guest or by a trap.
    jail_program(RETURN_42, |p| {
        p.put(|a| a.mov(eax, CODE as u32)).call_rax();
    })
    .says(139, "the heap cannot be executed");
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.put(|a| a.mov(ebx, CODE as u32))
            .put(|a| a.mov(dword_ptr(ebx), ebx));
    })
    .says(139, "code that Jail made executable cannot be written");
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.trap(trap::READ, [3, CODE + 8, 8, 0]);
        p.exit_rax();
    })
    .exits(minus(22));
}

fn jail_refuses() {
    // syscall; and the page is still data.
    jail_program(&[0x0f, 0x05], |p| {
        p.trap(trap::JAIL, [CODE, layout::PAGE, 0, 0]);
        p.put(|a| a.mov(ebx, CODE as u32))
            .put(|a| a.mov(dword_ptr(ebx), ebx));
        p.exit_rax();
    })
    .exits(minus(1));
    let page = layout::PAGE;
    let cases = [
        [CODE, 0],
        [CODE, 32],
        [CODE + 32, page],
        [CODE, page + 1],
        [CODE - page, page],
        [layout::TEXT_BASE, page],
        [layout::TRAMPOLINE_BASE, page],
        [layout::STACK_BASE, page],
        [0, page],
        [CODE, !0xfff],
        [CODE, 1 << 32],
        [!0xfff, page],
        [CODE + (1 << 32), page],
        [CODE + (1 << 30) - page, 2 * page],
    ];
    for [start, size] in cases {
        let done = jail_program(RETURN_42, |p| {
            p.trap(trap::JAIL, [start, size, 0, 0]);
            p.exit_rax();
        });
        assert_eq!(
            done.status,
            minus(22),
            "{start:#x} {size:#x} {}",
            done.stderr
        );
    }
    // Twice is once too often.
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.exit_rax();
    })
    .exits(minus(22));
}

fn unjail_gives_back() {
    let page = layout::PAGE;
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.trap(trap::UNJAIL, [CODE, page, 0, 0]);
        p.put(|a| a.mov(ebx, CODE as u32))
            .put(|a| a.mov(dword_ptr(ebx), ebx))
            .exit_rax();
    })
    .exits(0);
    jail_program(RETURN_42, |p| {
        p.trap(trap::JAIL, [CODE, page, 0, 0]);
        p.trap(trap::UNJAIL, [CODE, page, 0, 0]);
        p.put(|a| a.mov(eax, CODE as u32)).call_rax();
    })
    .says(139, "the heap cannot be executed");
    for [start, size] in [
        [CODE, 2 * page],
        [CODE, 0],
        [CODE + page, page],
        [layout::TEXT_BASE, page],
        [CODE, page - 1],
    ] {
        jail_program(RETURN_42, |p| {
            p.trap(trap::JAIL, [CODE, page, 0, 0]);
            p.trap(trap::UNJAIL, [start, size, 0, 0]);
            p.exit_rax();
        })
        .exits(minus(22));
    }
}
