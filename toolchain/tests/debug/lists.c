// Variables whose places and values change: in registers, functions' addresses, and one that is dead as soon as the function is entered.
#include <stdio.h>

typedef int (*step)(int);

int sums(int a, int b, int c);

__attribute__((noinline)) int next(int x) {
    __asm__ volatile("" ::"r"(x) : "memory");
    return x + 1;
}

__attribute__((noinline)) int twice(int x) {
    __asm__ volatile("" ::"r"(x) : "memory");
    return x * 2 + 1;
}

step steps[2];

__attribute__((noinline)) int apply(step *table, int n, int b) {
    int s = 0;
    for (int i = 0; i < n; i++) {
        s += table[i & 1](i + b);
        s ^= table[(i + 1) & 1](s);
        s += table[i & 1](i * 3);
    }
    int keep = s * 7;
    next(keep);
    return s + keep;
}

__attribute__((noinline)) int chosen(int n) {
    step function = next;
    next(n);
    function = twice;
    twice(n + 1);
    next(n + 2);
    function = 0;
    twice(n);
    return n;
}

__attribute__((noinline)) int replaced(int a) {
    int x = a * 0 + 3;
    a = 5;
    next(x);
    next(a);
    a = 9;
    next(a + x);
    return a;
}

int main(int argc, char **argv) {
    steps[0] = next;
    steps[1] = twice;
    printf("%d\n", apply(steps, argc + 4, argc + 2) + sums(argc + 3, argc + 20, argc) + chosen(argc) + replaced(argc));
    return argv == 0;
}
