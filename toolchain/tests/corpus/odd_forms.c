// Forms that compilers and people write seldom: distances from the field itself, a linker's set, strlen by `repne scasb`, random numbers of
// each width, thread-local variables that lie far away.
#include <immintrin.h>
#include <stdio.h>
// Functions of four bytes, so that a distance from the table's start is that of another function.
__asm__(".text\n.globl f1\n.type f1,@function\nf1: lea 1(%rdi),%eax\n ret\n.size f1,4\n"
        ".globl f2\n.type f2,@function\nf2: lea 2(%rdi),%eax\n ret\n.size f2,4\n"
        ".globl f3\n.type f3,@function\nf3: lea 3(%rdi),%eax\n ret\n.size f3,4\n"
        ".section .rodata\n.balign 4\n.globl distances\ndistances: .long f1-., f2-., f3-., twice-.\n.text\n");
__attribute__((used)) int twice(int x) { return 2 * x; }
extern const int distances[4];
__attribute__((noinline)) int at(long i, int x) {
    const int *field = distances + i;
    return ((int (*)(int))((char *)field + *field))(x);
}
#define IN_SET __attribute__((section("a_set"), used))
IN_SET int first = 1;
IN_SET int second = 20;
extern int __start_a_set[], __stop_a_set[];
__attribute__((target("rdrnd"), noinline)) unsigned long random32(void) {
    unsigned x;
    _rdrand32_step(&x);
    return (unsigned long)x + 1;
}
static unsigned long random16(unsigned long rax) {
    __asm__ volatile("rdrand %%ax" : "+a"(rax)::"cc");
    return rax >> 16;
}
__thread char far_away[9 << 20];
__thread int near_by = 4;
int main(int argc, char **argv) {
    for (int i = 0; i < 4; i++) printf("%d ", at(i, 10));
    int sum = 0;
    for (int *p = __start_a_set; p < __stop_a_set; p++) sum += *p;
    int wide = 0;
    for (int i = 0; i < 8; i++) wide |= random32() >> 33 != 0;
    printf("%d %d %lx\n", sum, wide, random16(0x123456789abcdef0));
    const char *text = "hello world", *end = text;
    unsigned long count = -1;
    __asm__ volatile("repne scasb" : "+D"(end), "+c"(count) : "a"(0) : "memory", "cc");
    const char *a = "abcX", *b = "abcY";
    long left = -1;
    __asm__ volatile("repe cmpsb" : "+D"(a), "+S"(b), "+c"(left)::"memory", "cc");
    printf("%lu %ld %ld\n", ~count - 1, left, (long)(end - text));
    far_away[argc] = 3;
    far_away[(9 << 20) - 1] = 5;
    printf("%d %d %d %d\n", far_away[1], far_away[(9 << 20) - argc], near_by, far_away[100]);
    return 0;
}
