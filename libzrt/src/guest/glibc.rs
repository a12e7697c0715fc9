//! What glibc has, musl has not, and Rust's std for `x86_64-unknown-linux-gnu` calls. Names that only differ are in
//! `sysroot/glibc-names.ld`.

use core::arch::global_asm;

// The version answers one question of std's: 2.26 and later read /etc/resolv.conf again by themselves.
global_asm!(
    r#"
    .section .text.gnu_get_libc_version, "ax", @progbits
    .globl gnu_get_libc_version
    .type gnu_get_libc_version, @function
gnu_get_libc_version:
    lea     .Lversion(%rip), %rax
    ret
    .size gnu_get_libc_version, . - gnu_get_libc_version

    .section .rodata.gnu_get_libc_version, "a", @progbits
.Lversion:
    .asciz "2.26"
"#,
    options(att_syntax)
);
