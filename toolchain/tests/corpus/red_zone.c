#include <stdio.h>
/* Leaf functions keep data below rsp, across inline system calls too. */
__attribute__((noinline)) static long leaf(long a, long b) {
    volatile long t[8];
    for (int i = 0; i < 8; i++) t[i] = a * i + b;
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "0"(39L) : "rcx", "r11", "memory");
    long s = r > 0;
    for (int i = 0; i < 8; i++) s = s * 3 + t[i];
    return s;
}
__attribute__((noinline)) static double fleaf(double x) { volatile double d[4] = {x, x * 2, x * 3, x * 4}; long r; __asm__ volatile("syscall" : "=a"(r) : "0"(39L) : "rcx", "r11", "memory"); return d[0] + d[1] * d[2] - d[3]; }
int main(void) { for (long i = 0; i < 5; i++) printf("%ld %.2f\n", leaf(i, 7 - i), fleaf((double)i + .5)); return 0; }
