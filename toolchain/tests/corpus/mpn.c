// Hand-written assembly as a library of long numbers has it: the carry stays live through loops that step with lea and dec,
// PIC tables of labels enter unrolled loops, functions without a size run on into each other, loops count with jrcxz.
#include <stdint.h>
#include <stdio.h>

uint64_t mpn_add_n(uint64_t *to, const uint64_t *a, const uint64_t *b, long count);
uint64_t mpn_add_nc(uint64_t *to, const uint64_t *a, const uint64_t *b, long count, uint64_t carry);
uint64_t mpn_mul_1(uint64_t *to, const uint64_t *a, long count, uint64_t by);
uint64_t mpn_addmul_1(uint64_t *to, const uint64_t *a, long count, uint64_t by);
uint64_t mpn_lshift(uint64_t *to, const uint64_t *a, long count, unsigned by);
long mpn_zeros(const uint64_t *a, long count);

__asm__(".text\n.p2align 4\n"
        // The next one with carry 0: no size, no jump.
        ".globl mpn_add_n\n.type mpn_add_n,@function\nmpn_add_n:\n xor %r8d, %r8d\n"
        ".globl mpn_add_nc\n.type mpn_add_nc,@function\nmpn_add_nc:\n"
        " mov %rcx, %rax\n shr $2, %rcx\n and $3, %eax\n lea .Lentries(%rip), %r9\n movslq (%r9,%rax,4), %r10\n add %r9, %r10\n"
        " lea (%rdi,%rax,8), %rdi\n lea (%rsi,%rax,8), %rsi\n lea (%rdx,%rax,8), %rdx\n inc %rcx\n neg %r8\n jmp *%r10\n"
        ".Lfrom3: mov -24(%rsi), %rax\n bt $0, %r8d\n adc -24(%rdx), %rax\n mov %rax, -24(%rdi)\n sbb %r8, %r8\n"
        ".Lfrom2: mov -16(%rsi), %rax\n bt $0, %r8d\n adc -16(%rdx), %rax\n mov %rax, -16(%rdi)\n sbb %r8, %r8\n"
        ".Lfrom1: mov -8(%rsi), %rax\n bt $0, %r8d\n adc -8(%rdx), %rax\n mov %rax, -8(%rdi)\n sbb %r8, %r8\n"
        ".Lfrom0: bt $0, %r8d\n"
        ".Lround: dec %rcx\n jz .Ldone\n"
        " mov (%rsi), %rax\n adc (%rdx), %rax\n mov %rax, (%rdi)\n mov 8(%rsi), %rax\n adc 8(%rdx), %rax\n mov %rax, 8(%rdi)\n"
        " mov 16(%rsi), %rax\n adc 16(%rdx), %rax\n mov %rax, 16(%rdi)\n mov 24(%rsi), %rax\n adc 24(%rdx), %rax\n mov %rax, 24(%rdi)\n"
        " lea 32(%rsi), %rsi\n lea 32(%rdx), %rdx\n lea 32(%rdi), %rdi\n jmp .Lround\n"
        ".Ldone: setc %al\n movzbl %al, %eax\n ret\n"
        ".section .rodata\n.p2align 2\n.Lentries: .long .Lfrom0-.Lentries, .Lfrom1-.Lentries, .Lfrom2-.Lentries, .Lfrom3-.Lentries\n.text\n"

        ".p2align 5\n.globl mpn_mul_1\n.type mpn_mul_1,@function\nmpn_mul_1:\n"
        " mov %rdx, %r10\n lea (%rdi,%r10,8), %rdi\n lea (%rsi,%r10,8), %rsi\n neg %r10\n xor %r8d, %r8d\n jmp 2f\n"
        "1: mov (%rsi,%r10,8), %rax\n mul %rcx\n add %r8, %rax\n adc $0, %rdx\n mov %rax, (%rdi,%r10,8)\n mov %rdx, %r8\n inc %r10\n"
        "2: test %r10, %r10\n jnz 1b\n mov %r8, %rax\n ret\n.size mpn_mul_1, .-mpn_mul_1\n"

        ".globl mpn_addmul_1\nmpn_addmul_1:\n push %rbx\n mov %rcx, %rbx\n mov %rdx, %rcx\n xor %r8d, %r8d\n jrcxz 2f\n"
        "1: lodsq\n mul %rbx\n add %r8, %rax\n adc $0, %rdx\n add %rax, (%rdi)\n adc $0, %rdx\n mov %rdx, %r8\n lea 8(%rdi), %rdi\n loop 1b\n"
        "2: mov %r8, %rax\n pop %rbx\n ret\n"

        ".globl mpn_lshift\nmpn_lshift:\n mov %ecx, %r9d\n mov %rdx, %r10\n mov %r9d, %ecx\n mov -8(%rsi,%r10,8), %r8\n xor %eax, %eax\n"
        " shld %cl, %r8, %rax\n"
        "1: dec %r10\n jz 2f\n mov -8(%rsi,%r10,8), %r11\n shld %cl, %r11, %r8\n mov %r8, (%rdi,%r10,8)\n mov %r11, %r8\n jmp 1b\n"
        "2: shl %cl, %r8\n mov %r8, (%rdi)\n ret\n"

        ".globl mpn_zeros\nmpn_zeros:\n mov %rsi, %rcx\n xor %eax, %eax\n cld\n jrcxz 1f\n mov %rdi, %rdx\n repe scasq\n je 1f\n"
        " lea -8(%rdi), %rdi\n mov %rdi, %rcx\n sub %rdx, %rcx\n shl $3, %rcx\n bsf (%rdi), %rax\n add %rcx, %rax\n ret\n"
        "1: mov $-1, %rax\n ret\n");

#define MOST 40
static uint64_t state = 88172645463325252u;
static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

int main(void) {
    uint64_t hash = 0;
    int wrong = 0;
    for (int round = 0; round < 2000; round++) {
        long count = 1 + (long)(next() % MOST);
        uint64_t a[MOST], b[MOST], sum[MOST], product[MOST + 1], shifted[MOST];
        for (long i = 0; i < count; i++) {
            // Long runs of carries.
            a[i] = next() % 3 ? next() : ~0ull;
            b[i] = next() % 3 ? next() : 0;
        }
        uint64_t carry = round & 1, out = round & 1 ? mpn_add_nc(sum, a, b, count, 1) : mpn_add_n(sum, a, b, count);
        for (long i = 0; i < count; i++) {
            unsigned __int128 s = (unsigned __int128)a[i] + b[i] + carry;
            wrong += sum[i] != (uint64_t)s;
            carry = (uint64_t)(s >> 64);
        }
        wrong += out != carry;
        uint64_t by = next();
        product[count] = mpn_mul_1(product, a, count, by);
        product[count] += mpn_addmul_1(product, b, count, by);
        unsigned __int128 rest = 0;
        for (long i = 0; i < count; i++) {
            unsigned __int128 p = (unsigned __int128)a[i] * by, q = (unsigned __int128)b[i] * by;
            unsigned __int128 low = (unsigned __int128)(uint64_t)p + (uint64_t)q + (uint64_t)rest;
            wrong += product[i] != (uint64_t)low;
            rest = (p >> 64) + (q >> 64) + (low >> 64) + (rest >> 64);
        }
        wrong += product[count] != (uint64_t)rest;
        unsigned by_bits = 1 + (unsigned)(next() % 63);
        uint64_t top = mpn_lshift(shifted, a, count, by_bits);
        wrong += top != a[count - 1] >> (64 - by_bits);
        for (long i = count - 1; i > 0; i--) wrong += shifted[i] != (a[i] << by_bits | a[i - 1] >> (64 - by_bits));
        wrong += shifted[0] != a[0] << by_bits;
        long zeros = (long)(next() % (unsigned long)count);
        for (long i = 0; i < zeros; i++) b[i] = 0;
        b[zeros] = 1ull << (round % 64);
        wrong += mpn_zeros(b, count) != zeros * 64 + round % 64;
        for (long i = 0; i < count; i++) hash = (hash ^ sum[i] ^ product[i]) * 1099511628211u;
    }
    uint64_t none[3] = {0};
    printf("%d %ld %016llx\n", wrong, mpn_zeros(none, 3), (unsigned long long)hash);
    return 0;
}
