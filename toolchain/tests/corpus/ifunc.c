// Indirect functions: called, by pointer, from data, with a resolver that asks the processor and makes a system call.
//#compilers: gcc clang
//#native: no
#include <stdio.h>
#include <unistd.h>

typedef int F(int);

static int plain(int x) { return x + 1; }
static int fast(int x) { return x + 1; }
static int second(int x) { return x * 3; }

static int resolved;

static F *pick(void) {
    __builtin_cpu_init();
    resolved++;
    return __builtin_cpu_supports("sse2") ? fast : plain;
}
static F *pick_second(void) { return getpid() > 0 ? second : plain; }

int one(int) __attribute__((ifunc("pick")));
int two(int) __attribute__((ifunc("pick_second")));
static int three(int) __attribute__((ifunc("pick_second")));

F *table[] = {one, two, three};

int main(void) {
    int sum = 0;
    for (int i = 0; i < 3; i++) sum += table[i](i);
    printf("%d %d %d %d\n", one(1), two(2), three(3), sum);
    printf("one place: %d, resolved: %d\n", table[0] == one, resolved);
    printf("avx512f: %d\n", !!__builtin_cpu_supports("avx512f"));
    return 0;
}
