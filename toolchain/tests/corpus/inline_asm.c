#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* What compilers rarely emit by themselves. */
static uint64_t words[8]; static char from[64], to[64];
int main(void) {
    for (int i = 0; i < 64; i++) from[i] = (char)(i * 3);
    void *d = to, *s = from; long n = 40;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
    printf("%d %ld %ld\n", memcmp(from, to, 40), (long)((char *)d - to), n);
    d = to; n = 3; __asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(0x4141414141414141) : "memory"); printf("%.24s\n", to);
    d = from; n = 64; __asm__ volatile("repne scasb" : "+D"(d), "+c"(n) : "a"((char)30) : "memory", "cc"); printf("%ld\n", (long)((char *)d - from));
    d = to + 23; s = to + 20; n = 10; __asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n) : : "memory"); printf("%.24s\n", to);
    unsigned char c1, c2; long off = 300;
    __asm__ volatile("btsq %2,%1; setc %0" : "=q"(c1), "+m"(words) : "r"(off) : "cc", "memory");
    __asm__ volatile("btq %2,%1; setc %0" : "=q"(c2) : "m"(words), "r"(off) : "cc"); printf("%d %d %llx\n", c1, c2, (unsigned long long)words[4]);
    int neg = -3; uint32_t *mid = (uint32_t *)words + 8;
    __asm__ volatile("lock btcl %1,%0" : "+m"(*mid) : "r"(neg) : "cc", "memory"); printf("%llx\n", (unsigned long long)words[3]);
    long cnt = 10, sum = 0; __asm__ volatile("1: add %0,%1; loop 1b" : "+c"(cnt), "+r"(sum) : : "cc"); printf("%ld %ld\n", cnt, sum);
    long zero; __asm__("xor %%ecx,%%ecx; mov $7,%0; jrcxz 1f; mov $8,%0; 1:" : "=r"(zero) : : "rcx", "cc"); printf("%ld\n", zero);
    uint64_t flags; __asm__ volatile("stc; pushfq; popq %0" : "=r"(flags) : : "cc"); printf("%d ", (int)(flags & 1));
    unsigned char carry; __asm__ volatile("pushq $1; popfq; setc %0" : "=q"(carry) : : "cc"); printf("%d\n", carry);
    long x = 5, y = 9; __asm__("xchgq %0,%1" : "+r"(x), "+r"(y)); printf("%ld %ld\n", x, y);
    uint32_t a = 0, b, c, e; __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(e)); printf("%d\n", b != 0);
    uint32_t lo, hi; __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)); uint64_t t = (uint64_t)hi << 32 | lo;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)); printf("%d\n", ((uint64_t)hi << 32 | lo) >= t);
    long r; __asm__ volatile("syscall" : "=a"(r) : "0"(1L), "D"(1L), "S"("raw\n"), "d"(0L) : "rcx", "r11", "memory"); printf("%ld\n", r);
    long keep; __asm__ volatile("cmp %%eax,%%eax; mov $39,%%eax; syscall; sete %%al; movzbl %%al,%%eax" : "=a"(keep) : : "rcx", "r11", "cc", "memory"); printf("%ld\n", keep);
    return 0;
}
