// A handler leaves no trace in the interrupted code, vector registers included.
#include "../show.h"
#include <signal.h>
static double ruin[8];
static void handle(int number) {
    for (int i = 0; i < 8; i++) ruin[i] = i * 3.5 + number;
    __asm__ volatile("pxor %%xmm9, %%xmm9" ::: "xmm9");
}
int main(void) {
    signal(SIGUSR1, handle);
    long pid = getpid(), number = SYS_kill, kept;
    double value = 1.25, back;
    __asm__ volatile("movsd %[value], %%xmm9\n\tmov $0x1234, %%r12\n\tsyscall\n\tmovsd %%xmm9, %[back]\n\tmov %%r12, %[kept]"
                     : [back] "=m"(back), [kept] "=r"(kept), "+a"(number)
                     : [value] "m"(value), "D"(pid), "S"((long)SIGUSR1)
                     : "rcx", "r11", "r12", "xmm9", "memory");
    printf("%ld %g %lx %g\n", number, back, kept, ruin[1]);
    return 0;
}
