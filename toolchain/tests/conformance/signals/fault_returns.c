// Handlers that return to the instruction, which is made again, or to another one; all registers are as they were.
#include "../show.h"
#include <ucontext.h>
static volatile int count;
static int good = 41;
static void mend(int number, siginfo_t *info, void *context) {
    count++;
    ucontext_t *where = context;
    where->uc_mcontext.gregs[REG_RBX] = (long long)&good;
    // What the handler does to its own registers is its own business.
    __asm__ volatile("pcmpeqd %%xmm3, %%xmm3\n pcmpeqd %%xmm12, %%xmm12\n fninit\n fldpi\n fstp %%st(0)" ::: "xmm3", "xmm12", "st");
}
static void skip(int number, siginfo_t *info, void *context) {
    count++;
    // ud2 has two bytes.
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
int main(void) {
    struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    action.sa_sigaction = skip;
    sigaction(SIGILL, &action, 0);
    long a = 1, b = 2, c = 3, result = 0, carry = 0;
    long x[2] = {5, 6}, y[2] = {0, 0}, z[2] = {0, 0};
    long double deep = 0;
    __asm__ volatile(
        "movdqu %[x], %%xmm3\n movdqu %[x], %%xmm12\n"
        "fld1\n fldpi\n"
        "mov $8, %%ebx\n"
        "stc\n"
        "movslq (%%rbx), %[result]\n"
        "setc %b[carry]\n"
        "faddp\n fstpt %[deep]\n"
        "movdqu %%xmm3, %[y]\n movdqu %%xmm12, %[z]\n"
        : [result] "=&r"(result), [carry] "+&r"(carry), [y] "=m"(y), [z] "=m"(z), [deep] "=m"(deep), "+S"(a), "+D"(b), "+c"(c)
        : [x] "m"(x)
        : "rbx", "xmm3", "xmm12", "cc", "memory", "st", "st(1)");
    printf("%ld, carry %ld, %ld %ld %ld, %ld %ld %ld %ld, %.6Lf, %d\n", result, carry, a, b, c, y[0], y[1], z[0], z[1], deep, count);
    for (int i = 0; i < 1000; i++) __asm__ volatile("ud2\n" ::: "memory");
    printf("%d\n", count);
    return 0;
}
