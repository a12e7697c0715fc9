// Jumps to a label plus a distance, as hand-written assembly has them instead of a table: code in steps of 8 bytes and more, scaled
// by an address, a shift or a factor; back from a label into an unrolled loop; a label's address kept over several jumps; flags
// that live across the jump.
#include <stdint.h>
#include <stdio.h>

uint64_t by_eights(uint64_t value, uint64_t kind);
uint64_t by_shift(uint64_t value, uint64_t kind);
uint64_t by_factor(uint64_t value, uint64_t kind);
uint64_t by_lines(uint64_t value, uint64_t kind);
uint64_t sum_back(const uint32_t *from, uint64_t count);
uint64_t machine(const uint8_t *code, uint64_t value);
uint64_t with_carry(uint64_t a, uint64_t b, uint64_t kind);
uint64_t in_place(uint64_t value, uint64_t kind);

__asm__(".text\n"
        // As libffi stores results: the label and the index in one address.
        ".p2align 4\n.globl by_eights\n.type by_eights,@function\nby_eights:\n"
        " cmp $6, %rsi\n mov %rdi, %rax\n movzbl %sil, %r10d\n lea .Leights(%rip), %r11\n ja 9f\n lea (%r11,%r10,8), %r10\n lea -20(%rsp), %rdx\n jmp *%r10\n"
        " .balign 8\n.Leights: ret\n .balign 8\n movzbl %al, %eax\n ret\n .balign 8\n movzwl %ax, %eax\n ret\n .balign 8\n movsbq %al, %rax\n ret\n"
        " .balign 8\n mov %eax, (%rdx)\n jmp 7f\n .balign 8\n add %rax, %rax\n jmp 8f\n .balign 8\n neg %rax\n8: not %rax\n ret\n"
        "7: mov (%rdx), %eax\n ret\n9: mov $-1, %rax\n ret\n.size by_eights, .-by_eights\n"

        // The same in steps: the index shifted, then added.
        ".p2align 4\n.globl by_shift\n.type by_shift,@function\nby_shift:\n"
        " mov %rdi, %rax\n and $3, %esi\n shl $4, %rsi\n lea 1f(%rip), %rcx\n add %rsi, %rcx\n jmp *%rcx\n"
        " .p2align 4\n1: add $1, %rax\n imul $3, %rax, %rax\n ret\n .p2align 4\n sub $1, %rax\n shl $5, %rax\n ret\n"
        " .p2align 4\n rol $7, %rax\n xor $1, %rax\n ret\n .p2align 4\n bswap %rax\n ret\n.size by_shift, .-by_shift\n"

        // Steps of 24 bytes, in 32 bits, the label by its absolute address.
        ".p2align 4\n.globl by_factor\n.type by_factor,@function\nby_factor:\n"
        " mov %rdi, %rax\n imul $24, %esi, %edx\n mov $1f, %ecx\n lea (%rcx,%rdx), %ecx\n jmp *%rcx\n"
        " .p2align 3\n1: lea (%rax,%rax,2), %rax\n jmp 2f\n .org 1b + 24\n lea (%rax,%rax,4), %rax\n jmp 2f\n .org 1b + 48\n lea (%rax,%rax,8), %rax\n"
        "2: add $7, %rax\n ret\n.size by_factor, .-by_factor\n"

        // Steps of 64 bytes, each with more than a bundle of code.
        ".p2align 6\n.globl by_lines\n.type by_lines,@function\nby_lines:\n"
        " mov %rdi, %rax\n lea 1f(%rip), %rcx\n shl $6, %rsi\n lea (%rsi,%rcx), %rsi\n jmp *%rsi\n"
        " .p2align 6\n1: .rept 11\n imul $3, %rax, %rax\n .endr\n add $1, %rax\n ret\n"
        " .p2align 6\n .rept 9\n imul $5, %rax, %rax\n add $9, %rax\n .endr\n ret\n .p2align 6\n not %rax\n ret\n.size by_lines, .-by_lines\n"

        // Back from the end of an unrolled loop: 8 bytes for each round.
        ".p2align 4\n.globl sum_back\n.type sum_back,@function\nsum_back:\n"
        " xor %eax, %eax\n lea 1f(%rip), %rdx\n neg %rsi\n shl $3, %rsi\n add %rsi, %rdx\n jmp *%rdx\n"
        " .p2align 3\n .rept 8\n mov (%rdi), %ecx\n lea 4(%rdi), %rdi\n add %ecx, %eax\n .balign 8\n .endr\n"
        "1: ret\n.size sum_back, .-sum_back\n"

        // An interpreter: the label stays in a register that is saved, each instruction goes on by itself.
        ".p2align 4\n.globl machine\n.type machine,@function\nmachine:\n"
        " push %rbx\n push %r12\n lea 1f(%rip), %r12\n mov %rdi, %rbx\n mov %rsi, %rax\n movzbl (%rbx), %ecx\n shl $5, %ecx\n add %r12, %rcx\n jmp *%rcx\n"
        " .p2align 5\n1: inc %rbx\n add $5, %rax\n movzbl (%rbx), %ecx\n shl $5, %ecx\n add %r12, %rcx\n jmp *%rcx\n"
        " .p2align 5\n inc %rbx\n imul %rax, %rax\n movzbl (%rbx), %ecx\n shl $5, %ecx\n add %r12, %rcx\n jmp *%rcx\n"
        " .p2align 5\n inc %rbx\n shr $1, %rax\n movzbl (%rbx), %ecx\n shl $5, %ecx\n add %r12, %rcx\n jmp *%rcx\n"
        " .p2align 5\n pop %r12\n pop %rbx\n ret\n.size machine, .-machine\n"

        // The carry of the addition is read behind the jump.
        ".p2align 4\n.globl with_carry\n.type with_carry,@function\nwith_carry:\n"
        " and $1, %edx\n lea 1f(%rip), %r8\n lea (%r8,%rdx,8), %r8\n mov %rdi, %rax\n add %rsi, %rax\n jmp *%r8\n"
        " .balign 8\n1: adc $0, %rax\n ret\n .balign 8\n setc %al\n movzbl %al, %eax\n ret\n.size with_carry, .-with_carry\n"

        // The label in the address that adds the index, in the index's register.
        ".p2align 4\n.globl in_place\n.type in_place,@function\nin_place:\n"
        " mov %rdi, %rax\n lea 1f(,%rsi,8), %rsi\n jmp *%rsi\n"
        " .balign 8\n1: inc %rax\n ret\n .balign 8\n dec %rax\n ret\n .balign 8\n neg %rax\n ret\n.size in_place, .-in_place\n");

int main(void) {
    const uint64_t values[] = {0, 1, 0x80, 0xFFFF8081, 0x123456789ABCDEF0, UINT64_MAX};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t v = values[i];
        for (uint64_t kind = 0; kind < 8; kind++) printf("%llx ", (unsigned long long)by_eights(v, kind));
        for (uint64_t kind = 0; kind < 4; kind++) printf("%llx ", (unsigned long long)by_shift(v, kind));
        for (uint64_t kind = 0; kind < 3; kind++) printf("%llx ", (unsigned long long)by_factor(v, kind));
        for (uint64_t kind = 0; kind < 3; kind++) printf("%llx ", (unsigned long long)by_lines(v, kind));
        for (uint64_t kind = 0; kind < 2; kind++) printf("%llx ", (unsigned long long)with_carry(v, v << 3 | 5, kind));
        for (uint64_t kind = 0; kind < 3; kind++) printf("%llx ", (unsigned long long)in_place(v, kind));
        printf("\n");
    }
    const uint32_t numbers[8] = {1, 20, 300, 4000, 50000, 600000, 7000000, 80000000};
    for (uint64_t count = 0; count <= 8; count++) printf("%llu ", (unsigned long long)sum_back(numbers, count));
    const uint8_t code[] = {0, 1, 2, 0, 0, 1, 1, 2, 2, 0, 3};
    printf("\n%llu\n", (unsigned long long)machine(code, 3));
    return 0;
}
